#!/bin/bash
# From phantoms to predictions: train, evaluate, bundle, predict; the names that scripts rely on.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 10
expect 0 'epoch 2/2' "$SONOGRADE" train --data data "${small[@]}" --epochs 2 --run r1 --json
has stdout.txt '"run": "r1"' '"epochs": 2' '"initialisation": 0.0'
for file in args.yaml manifest.csv splits.csv results.csv log.jsonl environment.json curves.svg \
    weights/best.safetensors weights/last.safetensors; do
    [ -s "r1/$file" ] || fail "the run lacks $file"
done
[ "$(find r1 -name 'events.out.tfevents.*' | wc -l)" = 1 ] || fail 'not one event file'
[ "$(wc -l <r1/results.csv)" = 3 ] || fail "results.csv: $(cat r1/results.csv)"
[ -z "$(find r1 -name '*.tmp*')" ] || fail 'a temporary file is left'

# evaluate --run
expect 0 '' "$SONOGRADE" evaluate --run r1 --out report --threads 1 --draws 200
has stdout.txt accuracy 'macro F1' 'sensitivity malignant' report/report.html
tests=$(grep -c ',test' r1/splits.csv)
header=path,sha256,group,split,fold,seed,label,predicted
for what in p logit; do for class in benign malignant normal; do header+=,${what}_$class; done; done
header+=,training_population,use
[ "$(head -1 report/predictions.csv | tr -d '\r')" = "$header" ] || fail "$(head -1 report/predictions.csv)"
[ "$(column report/predictions.csv split | sort -u)" = test ] || fail 'rows of other parts'
[ "$(column report/predictions.csv label | wc -l)" = "$tests" ] || fail 'not every test image once'
awk -F, 'NR > 1 { s = $9 + $10 + $11; if (s < 0.999999 || s > 1.000001) exit 1 }' report/predictions.csv ||
    fail 'probabilities do not add up to 1'
for key in n classes accuracy accuracy_ci precision_macro recall_macro macro_f1 auroc_macro per_class \
    sensitivity_malignant specificity_malignant confusion split_unit initialisation; do
    has report/metrics.json "\"$key\":"
done
has report/metrics.json "\"n\": $tests" '"split_unit": "group"' '"initialisation": 0.0'
has report/report.html '<html' 'esearch use only'
right=$(awk -F, 'NR > 1 && $7 == $8' report/predictions.csv | wc -l)
awk -v want="$right" -v n="$tests" '/^  "accuracy":/ { gsub(/[^0-9.e-]/, "", $2); d = $2 - want / n
    found = d < 1e-12 && d > -1e-12 } END { exit !found }' report/metrics.json || fail 'accuracy is not right/n'
expect 0 '' "$SONOGRADE" evaluate --run r1 --split val --out val --threads 1 --draws 200 --json
cmp stdout.txt val/metrics.json || fail '--json is not metrics.json'
[ "$(column val/predictions.csv split | sort -u)" = val ] || fail 'rows of other parts than val'

# bundle
expect 0 'no pixels' "$SONOGRADE" bundle --run r1 -o m.sgb --json
has stdout.txt '"members": 1' '"model": "mobilenetv2"'
"$SONOGRADE" bundle --run r1 -o again.sgb --quiet
cmp m.sgb again.sgb || fail 'the same run gave another bundle'
lacks m.sgb "$PWD" benign/

# predict: text, CSV, JSON; run and bundle agree; the figures are those of evaluate.
image=data/$(awk -F, 'NR == 2 { print $1 }' report/predictions.csv)
[ -f "$image" ] || fail "predictions.csv names $image"
expect 0 '' "$SONOGRADE" predict --bundle m.sgb --threads 1 "$image"
has stdout.txt 'looks most like' 'benign ' 'malignant ' 'normal ' 'esearch use only' 'simulated images'
lacks stdout.txt SEEN
expect 0 '' "$SONOGRADE" predict --bundle m.sgb --threads 1 --json "$image"
for key in use model members phantom_model training_class_counts predictions image sha256 \
    looks_most_like probabilities members_low members_high seen_in_training; do
    has stdout.txt "\"$key\":"
done
sed '/"assessment"/,/^      },/d' stdout.txt >bundle.json # a run has not learned from its images what a bundle has
expect 0 '' "$SONOGRADE" predict --run r1 --threads 1 --json "$image"
sed '/"assessment"/,/^      },/d' stdout.txt | cmp - bundle.json || fail 'run and bundle answer differently'
expect 0 '' "$SONOGRADE" predict --bundle m.sgb --threads 1 --csv data
head -1 stdout.txt | grep -q '^image,images,sha256,looks_most_like,p_benign,p_malignant,p_normal,low_benign,.*,seen_in_training,training_population,use' ||
    fail "$(head -1 stdout.txt)"
[ "$(grep -c '^data/' stdout.txt)" = 30 ] || fail 'not every image of the folder once, masks left out'
[ "$(grep -c ',yes,' stdout.txt)" = $((30 - tests)) ] || fail 'not every training image is marked'
# One image at a time or many together: the same figures (predictions.csv holds them in column 9).
while IFS=, read -r path _ _ _ _ _ _ _ p _; do
    q=$(awk -F, -v path="data/$path" '$1 == path { print $5 }' stdout.txt)
    awk -v p="$p" -v q="$q" 'BEGIN { d = p - q; exit !(q != "" && d < 1e-5 && d > -1e-5) }' ||
        fail "$path: evaluate says $p, predict says '$q'"
done < <(tail -n +2 report/predictions.csv)

mask=$(find data -name '*_mask.png' | head -1)
expect 3 'named like a lesion mask' "$SONOGRADE" predict --bundle m.sgb --threads 1 "$mask"
ls data/benign/*.png | grep -v _mask | head -3 >list.txt
expect 0 '' "$SONOGRADE" predict --bundle m.sgb --threads 1 --csv --list list.txt --tta
[ "$(wc -l <stdout.txt)" = 4 ] || fail "$(cat stdout.txt)"
expect 0 '' "$SONOGRADE" predict --bundle m.sgb --threads 1 --csv data
mv stdout.txt single.csv
expect 0 '' "$SONOGRADE" predict --bundle m.sgb --threads 1 --csv --per group data
[ "$(wc -l <stdout.txt)" = 4 ] || fail "$(cat stdout.txt)"
awk -F, 'NR > 1 && $2 != 10 { exit 1 }' stdout.txt || fail "$(cat stdout.txt)"
# Averaged over: the mean of the folder's images, one by one.
awk -F, 'FNR == 1 { next } NR == FNR { sub("/[^/]*$", "", $1); for (c = 5; c < 8; c++) sum[$1, c] += $c / 10; next }
    { for (c = 5; c < 8; c++) { d = sum[$1, c] - $c; if (d > 1e-6 || d < -1e-6) exit 1 } n++ }
    END { exit n != 3 }' single.csv stdout.txt || fail "no means: $(cat stdout.txt)"
expect 2 'name the model' "$SONOGRADE" predict "$image"
expect 2 'name images' "$SONOGRADE" predict --bundle m.sgb
