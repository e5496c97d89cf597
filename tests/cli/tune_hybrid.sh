#!/bin/bash
# A hybrid search: its refusals, its study, and its schedule, which train follows from the start, on
# folds too. SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 4
search=(tune --data data --size 32 --batch 8 --inner 2 --threads 1 --finalists 1 --repeats 0
    --param 'lr=float 1e-4 1e-2 log; label-smoothing=float 0 0.2; dropout=choice 0 0.2')
hybrid=("${search[@]}" --method hybrid --population 2 --every 1 --short-epochs 1)

expect 2 "'dropout' cannot change" "$SONOGRADE" "${search[@]}" --method pb2 --study n.db
expect 2 'two short runs' "$SONOGRADE" "${hybrid[@]}" --budget-epochs 9 --study n.db
asked=("${hybrid[@]}" --budget-epochs 16 --study n.db)
with --every 5
expect 2 "two generations" "$SONOGRADE" "${now[@]}"
[ ! -e n.db ] || fail 'a refused search left a study'

expect 0 '' "$SONOGRADE" "${hybrid[@]}" --budget-epochs 12 --study h.db
has stdout.txt 'trials finished' 'next: sonograde train --config' 'schedule.yaml'
expect 0 '' "$SONOGRADE" tune export --study h.db --to-json h.json --csv h.csv
# A row of a member says whose it is: two members of two generations, behind the short runs.
paste <(column h.csv user_attrs_sg_member) <(column h.csv user_attrs_sg_generation) | grep . |
    LC_ALL=C sort >whose.txt
printf '0\t0\n0\t1\n1\t0\n1\t1\n' | cmp - <(grep '[0-9]' whose.txt) || fail "$(cat h.csv)"
[ "$(column h.csv user_attrs_sg_parent | grep -c .)" = 2 ] || fail "$(cat h.csv)"
has h.json '"sg_member"' '"sg_generation"' '"sg_parent"' '"sg_checkpoint"'
expect 0 '' "$SONOGRADE" tune report --study h.db
has h.db.html 'short runs of 1 epoch, then 2 members, copying every epoch'

# Members that were trained alike throughout are one finalist.
expect 0 '' "$SONOGRADE" tune --quiet --data data --size 32 --batch 8 --inner 2 --threads 1 --method pbt \
    --population 3 --every 1 --epochs 2 --finalists 3 --repeats 0 --study p.db \
    --param 'label-smoothing=choice 0 0.2'
for file in p.db.trials/schedule-*.yaml; do sed 1d "$file" | sha256sum; done | sort | uniq -d >twice.txt
[ ! -s twice.txt ] || fail "$(cat p.db.trials/schedule-*.yaml)"

# train follows the schedule, fold by fold; elsewhere it is refused.
expect 0 '' "$SONOGRADE" train --quiet --config h.db.trials/best.yaml --data data \
    --threads 1 --folds 2 --run folds
[ "$(wc -l <folds/fold1/results.csv)" = 3 ] || fail "$(cat folds/fold1/results.csv)"
# The run keeps what it follows: it goes on when the file is gone.
cmp folds/schedule.yaml h.db.trials/schedule.yaml
has folds/log.jsonl "$(sha256sum <folds/schedule.yaml | cut -d' ' -f1)"
mv h.db.trials/schedule.yaml moved.yaml
expect 0 'nothing to do' "$SONOGRADE" train --resume folds
refused=("$SONOGRADE" train --data data --run r)
printf 'epochs: 1\nepoch-0: "size=64"\n' >bad.yaml
expect 2 "bad.yaml, line 2: 'size' cannot change" "${refused[@]}" --schedule bad.yaml --epochs 1
expect 2 'no such file' "${refused[@]}" --schedule cosinus
[ ! -e r ] || fail 'a refused training left a folder'
