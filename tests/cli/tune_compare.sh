#!/bin/bash
# Ways of searching side by side: killed, gone on with, extended; its tables and refusals.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 6
"$SONOGRADE" data split data --folds 2 -o folds.csv --quiet
asked=(tune compare --data data --folds folds.csv --seeds 1 --first-folds 1 --budget-epochs 3
    --epochs 1 --inner 2 --size 32 --threads 1 --methods random,paper --out c)
expect 2 "'gpp'" "$SONOGRADE" "${asked[@]:0:4}" --folds folds.csv --methods random,gpp --out n
expect 2 'table of folds' "$SONOGRADE" tune compare --data data --out n
expect 3 'check the name after --folds' "$SONOGRADE" tune compare --data data --folds none.csv --out n
expect 3 'check the name after --data' "$SONOGRADE" tune compare --data none --folds folds.csv --out n
[ ! -e n ] || fail 'a refused comparison left a folder'

with --budget-epochs 1
expect 2 'less than one trial' "$SONOGRADE" "${now[@]}"
[ ! -e c ] || fail 'a refused comparison left a folder'

"$SONOGRADE" "${asked[@]}" --quiet 2>killed.txt &
child=$!
for ((i = 0; i < 3000; i++)); do
    [ -d c/arms/seed0/fold0/paper.db.trials ] && break
    sleep 0.01
done
kill -9 $child
wait $child || true
[ "$(wc -l <c/cells.csv)" = 2 ] || fail "$(cat c/cells.csv)"

with --first-folds 2
expect 0 '' "$SONOGRADE" "${now[@]}"
has stdout.txt 'random  accuracy' 'over 2 cells' 'points of accuracy against the first' 'reached'
[ "$(wc -l <c/cells.csv)" = 5 ] || fail "$(cat c/cells.csv)"
# A second trial of two epochs would go beyond the budget of three.
[ "$(column c/cells.csv search_epochs | sort -u)" = 2 ] || fail "$(cat c/cells.csv)"
has c/arms/seed0/fold1/paper/args.yaml 'lr: 0.0001' 'weight-decay: 0.0005' 'batch: 32'
has c/claim.json '"accuracy_difference"' '"epochs_to_best_of_first"'
# The difference is of the cells' accuracies, second method less first.
difference=$(awk -F, '$3 == "paper" {d += $4} $3 == "random" {d -= $4} END {printf "%+.2f", 50 * d}' c/cells.csv)
has stdout.txt "points of accuracy against the first: $difference ("
# No image of the fold is in its search or training.
join -t, <(awk -F, '$3 == 0 {print $1}' folds.csv | sort) \
    <(grep ',train,' c/arms/seed0/fold0/random/splits.csv | cut -d, -f1 | sort) >both.txt
[ ! -s both.txt ] || fail "$(cat both.txt)"
with --size 48
expect 4 'size differs' "$SONOGRADE" "${now[@]}"
