#!/bin/bash
# A range test: training images only, a plot, a suggestion; and one for each arm of a comparison.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 6
tiny=(--data data --size 32 --batch 8 --threads 1 --seed 3)
expect 0 '' "$SONOGRADE" lr-find "${tiny[@]}" --steps 20 --folds 2 --out lr
has stdout.txt 'suggested peak: --lr'
has lr/lr-find.svg 'learning rate' 'suggested'
has lr/lr-find.json '"kind": "lr-find"' '"train_images": 9'
[ ! -e lr/.range ] || fail 'the test left its run'
awk -F, 'NR > 1 { n++; if ($2 <= last) bad = 1; last = $2 } END { exit !(n >= 10 && !bad) }' lr/lr-find.csv ||
    fail "$(cat lr/lr-find.csv)"

expect 2 'below the last' "$SONOGRADE" lr-find "${tiny[@]}" --low 0.1 --high 0.01 --out no
expect 2 '--out' "$SONOGRADE" lr-find "${tiny[@]}"
expect 3 '' "$SONOGRADE" lr-find --data nowhere --out no
[ ! -e no ] || fail 'a refused test left its folder'

expect 0 'learning rate' "$SONOGRADE" compare --models small=mobilenetv2 "${tiny[@]}" --epochs 1 \
    --folds 2 --draws 200 --lr-find --out cmp
has cmp/report.html 'Learning rates'
has cmp/compare.json '"learning_rates"'
cp cmp/lr-find/small.json before.json
expect 0 'finished already' "$SONOGRADE" compare --models small=mobilenetv2 "${tiny[@]}" --epochs 1 \
    --folds 2 --draws 200 --lr-find --out cmp
cmp before.json cmp/lr-find/small.json

# Training images only: with the test images of the fold destroyed the losses are the same.
expect 0 '' "$SONOGRADE" data manifest data -o known.csv
awk -F, 'NR > 1 && $3 == 0 { print $1 }' cmp/arms/small/splits.csv >tested.txt
[ "$(wc -l <tested.txt)" = 9 ] || fail "$(wc -l <tested.txt) test images"
while read -r path; do echo destroyed >"data/$path"; done <tested.txt
expect 0 '' "$SONOGRADE" lr-find --manifest known.csv "${tiny[@]:2}" --steps 20 \
    --folds cmp/arms/small/splits.csv --out again
cmp lr/lr-find.csv again/lr-find.csv || fail 'test images matter'
