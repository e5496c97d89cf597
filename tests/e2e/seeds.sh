#!/bin/bash
# Several runs judged together: a dot per seed and fold, every image answered once per run, intervals
# that keep an image's answers together.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 8
"$SONOGRADE" data split data --folds 2 -o folds.csv --quiet
train --data data --folds folds.csv --run a
train --data data --folds folds.csv --run b --seed 4
judge=("$SONOGRADE" evaluate --draws 100 --threads 1)
expect 0 'look 1' "${judge[@]}" --run a b --out both
has stdout.txt '2 runs, each image answered by every one' '24 images in'
has both/report.html '24 images in' '>answers<'
has both/report.html 'Run by run' 'run 1 (seed 3), fold 0' 'run 2 (seed 4), fold 1' 'each image is answered by 2 runs'
has both/metrics.json '"runs": 2' '"run": 1'
[ "$(wc -l <both/predictions.csv)" = 49 ] || fail "$(wc -l <both/predictions.csv) lines"
[ "$(awk -F, 'NR > 1 { print $NF }' both/predictions.csv | sort | uniq -c | awk '{ print $1 }' | tr '\n' ' ')" = '24 24 ' ] || fail 'answers per run'

# Together they are as right as on average, and the groups are those of one run.
expect 0 '' "${judge[@]}" --run a --out one --quiet
expect 0 '' "${judge[@]}" --run b --out two --quiet
accuracy() { awk -F'[:,]' '/^  "accuracy":/ { print $2 }' "$1/metrics.json"; }
awk -v a="$(accuracy one)" -v b="$(accuracy two)" -v c="$(accuracy both)" \
    'BEGIN { d = (a + b) / 2 - c; exit d < -1e-9 || d > 1e-9 }' || fail 'the mean of the runs is another'
[ "$(grep -m1 '"groups"' both/metrics.json)" = "$(grep -m1 '"groups"' one/metrics.json)" ] || fail 'groups'

# A calibration fitted across the folds travels in the bundle, also into another bundle.
"$SONOGRADE" bundle --run a --calibration vector -o v.sgb --quiet
"$SONOGRADE" bundle v.sgb -o again.sgb --quiet
grep -qaF '\"kind\":\"vector\"' again.sgb || fail 'the calibration is gone from the bundle'
"$SONOGRADE" predict --bundle v.sgb 'data/benign/benign (1).png' --json >x.json
"$SONOGRADE" predict --bundle again.sgb 'data/benign/benign (1).png' --json >y.json
cmp x.json y.json || fail 'the same calibration predicts otherwise'
expect 3 'isotonic calibration needs at least 500' "$SONOGRADE" bundle --run a --calibration isotonic -o no.sgb
expect 2 'name one run folder' "$SONOGRADE" bundle --run a b --calibration vector -o no.sgb
[ ! -e no.sgb ] || fail 'a refused bundle was written'

# Thresholds and set quantiles are by the answers as the calibration mends them: another kind has others.
"$SONOGRADE" bundle --run a --calibration temperature -o t.sgb --quiet
for rule in threshold quantile; do
    for kind in v t; do
        grep -aoE "\\\\\"$rule\\\\\":[^]}]*" $kind.sgb >$kind.txt || fail "$kind.sgb has no $rule"
    done
    ! cmp -s v.txt t.txt || fail "the same $rule for answers that are mended otherwise"
done

phantoms other 6 9
train --data other --run c
expect 2 'is named twice' "${judge[@]}" --run a a/ --out no
expect 3 'were judged on different images' "${judge[@]}" --run a c --out no
expect 2 'stand behind --run' "${judge[@]}" --run a b --data data --out no
[ ! -e no ] || fail 'a refused evaluation left a folder'
