#!/bin/bash
# An evaluation seen through an audit: the cohort's figures beside those of all images, the exclusion
# flow, and the same inputs giving the same bytes.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 10
cp 'data/benign/benign (1).png' 'data/benign/copy.png'
cp 'data/normal/normal (1).png' 'data/malignant/contradiction.png'
"$SONOGRADE" audit data --out audit --quiet
kept=$(($(wc -l <audit/cohort.csv) - 1))
left=$(($(wc -l <audit/excluded.csv) - 1))
[ $left -ge 3 ] || fail "three images at least must leave: $(cat audit/excluded.csv)"

train --data data --folds 2 --run r
judge=("$SONOGRADE" evaluate --run r --draws 100 --threads 1 --quiet)
expect 0 '' "${judge[@]}" --audit audit --out with
expect 0 '' "${judge[@]}" --out without
has with/report.html 'Cohort and excluded images' 'its group holds more than one class' '>all images<' \
    'another image of the same lesion was kept'
lacks without/report.html 'Cohort and excluded images'
has with/metrics.json '"population": "cohort"' '"label_conflict"' "\"kept\": $kept"
[ "$(grep -m1 -o '"n": [0-9]*' with/metrics.json)" = "\"n\": $kept" ] || fail 'the figures are not those of the cohort'
[ $(($(wc -l <with/predictions.csv) - 1)) = $((kept + left)) ] || fail 'predictions.csv lacks images'

# Patients of the run's table stay together, whatever the audit's pictures say.
"$SONOGRADE" data manifest data -o plain.csv --quiet
awk -F, 'NR == 1 { print "path,class,patient,root"; next } { print $1 "," $2 ",p" (NR % 9) ",data" }' plain.csv >own.csv
train --manifest own.csv --group-by patient --folds 2 --run patients
expect 0 '' "$SONOGRADE" evaluate --run patients --draws 100 --threads 1 --quiet --allow-seen --audit audit \
    --out together
[ "$(sed -n '/"all_images"/,$p' together/metrics.json | grep -m1 -o '"groups": [0-9]*' | cut -d' ' -f2)" -le 9 ] ||
    fail 'patients were divided by the audit'

# What acting would mean, with thresholds from the other fold; at a stated prevalence on request.
has with/report.html 'Acting on it' 'set on the other folds' 'own share of malignant images' 'Parts of the images'
has with/report.html 'with probabilities mended' 'temperature, fitted on the other folds'
has with/metrics.json '"fitted_on": "the other folds"'
expect 3 'isotonic' "${judge[@]}" --calibration isotonic --out no
has with/metrics.json '"reference": "the other folds"' '"three_class_decision"' '"decision_curve"' '"conformal_sets"'
expect 0 '' "${judge[@]}" --prevalence 0.05 --out five
has five/report.html 'at the stated prevalence of 5.0 %'
head -1 five/predictions.csv | grep -q ',adjusted_malignant' || fail "$(head -1 five/predictions.csv)"
expect 2 '--prevalence' "${judge[@]}" --prevalence 1.5 --out no

# All images by the audit's groups are the figures without it, but for their intervals.
sed -n '/"all_images"/,$p' with/metrics.json | grep -m1 '"accuracy":' | tr -d ' ,' >a
grep -m1 '"accuracy":' without/metrics.json | tr -d ' ,' >b
cmp a b || fail 'all images gave another accuracy beside the cohort'

expect 0 '' "${judge[@]}" --audit audit --out again
for name in predictions.csv metrics.json report.html; do
    cmp with/$name again/$name || fail "the same inputs gave another $name"
done

# The checklists: filled as far as metrics.json knows, on the page and on the terminal.
expect 0 '' "$SONOGRADE" report with --checklist
has stdout.txt 'CLAIM 2024' 'TRIPOD+AI' '  open     ethical approval' 'split by group, 2 folds' "$kept were kept" 'for the authors'
has with/report.html 'Reporting checklists' 'split by group, 2 folds'
expect 0 '' "$SONOGRADE" report with --checklist --json
has stdout.txt '"list": "CLAIM 2024"' '"state": "open"'
expect 2 '--checklist' "$SONOGRADE" report with
expect 3 'metrics.json: is not there' "$SONOGRADE" report data --checklist
expect 3 'manifest.csv: is not there' "${judge[@]}" --audit data --out no
phantoms other 6 8
"$SONOGRADE" audit other --out elsewhere --quiet
expect 3 'was judged but not audited' "${judge[@]}" --audit elsewhere --out no
[ ! -e no ] || fail 'a refused evaluation left a folder'
