#!/bin/bash
# A population killed at any moment, gone on with and joined by a second process ends as one that
# was left alone; so does one that works side by side. SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 4
search=(tune --data data --size 32 --batch 8 --inner 2 --threads 1 --finalists 1 --repeats 0
    --method pbt --population 2 --every 1 --epochs 2
    --param 'lr=float 1e-4 1e-2 log; label-smoothing=float 0 0.2')

# What is found, without the trial's number, which depends on who was first.
found() { sed 1d "$1.trials/schedule.yaml"; }

# On a terminal a line tells of all members, whichever process trains them.
printf -v words ' %q' "$SONOGRADE" "${search[@]}" --side-by-side 2 --study two.db
TERM=xterm script -qec "$words" two.txt >/dev/null
grep -q 'search: [0-3] of 4 trials done' two.txt || fail "$(cat two.txt)"
asked=("${search[@]}" --side-by-side 1)

# kill -9 in each generation.
for folder in 0001 0002; do
    "$SONOGRADE" "${asked[@]}" --study k.db 2>killed.txt &
    child=$!
    for ((i = 0; i < 3000; i++)); do
        [ -d k.db.trials/$folder/inner0 ] && break
        sleep 0.01
    done
    kill -9 $child
    wait $child || true
done
"$SONOGRADE" "${asked[@]}" --study k.db >second.txt 2>&1 &
child=$!
expect 0 '' "$SONOGRADE" "${asked[@]}" --study k.db
wait $child || fail "the joined process: $(cat second.txt)"
[ "$(found two.db)" = "$(found k.db)" ] || fail "$(found two.db) is not $(found k.db)"
[ "$(ls -d k.db.trials/0*/inner1 | wc -l)" = 4 ] || fail "$(ls -d k.db.trials/*)"
! ls -d k.db.trials/*/inner*/weights 2>/dev/null || fail 'weights are left'
asked=("${search[@]}" --study k.db)
with --population 3
expect 4 "other settings" "$SONOGRADE" "${now[@]}"
