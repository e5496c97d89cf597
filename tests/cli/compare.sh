#!/bin/bash
# Models side by side: same folds, resumed at the fold, paired only where they start alike.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 6
phantoms others 4 9
"$SONOGRADE" train --quiet --data others --size 32 --epochs 1 --batch 4 \
    --threads 1 --run start
cat >budget.yaml <<'END'
size: 32
epochs: 1
batch: 8
END
asked=(--models one=mobilenetv2,two=mobilenetv2,given=mobilenetv2 --data data --folds 2 --config budget.yaml --threads 1
    --seed 3 --draws 200 --weights given=start/weights/best.safetensors --set 'two:dropout=0.5;two:label-smoothing=0.2')

"$SONOGRADE" compare --quiet "${asked[@]}" --out cmp 2>stopped.txt &
child=$!
for ((i = 0; i < 3000; i++)); do
    grep -qs '"event":"finished"' cmp/arms/one/fold0/log.jsonl && break
    sleep 0.01
done
kill -INT $child
code=0
wait $child || code=$?
[ $code = 130 ] || fail "exit $code: $(cat stopped.txt)"
fingerprint cmp/arms/one/fold0 >before.txt

with --set 'two:dropout=0.4'
expect 4 '--set differs' "$SONOGRADE" compare "${now[@]}" --out cmp
with --folds 3
expect 4 '--folds differs' "$SONOGRADE" compare "${now[@]}" --out cmp
with --set 'three:lr=1'
expect 2 "no arm is called 'three'" "$SONOGRADE" compare "${now[@]}" --out other
expect 2 "'resnet18'" "$SONOGRADE" compare --models resnet19 --data data --out other
[ ! -e other ] || fail 'a refused comparison left its folder'

expect 0 'one (arm 1 of 3)' "$SONOGRADE" compare "${asked[@]}" --out cmp
fingerprint cmp/arms/one/fold0 | diff before.txt - || fail 'a finished fold was changed'
has stdout.txt 'two against one' 'pairs are not compared' 'report.html'
lacks stdout.txt 'given against'
has cmp/report.html 'Beside the published table' '98.46' 'ROC, malignant' 'Training loss' 'different starts'
[ "$(wc -l <cmp/compare.csv)" = 4 ] && [ "$(wc -l <cmp/folds.csv)" = 7 ] && [ "$(wc -l <cmp/pairs.csv)" = 2 ] ||
    fail 'rows of the tables'
[ "$(column cmp/compare.csv initialisation | tr '\n' ' ')" = '0 0 1 ' ] || fail 'initialisation'
has cmp/report.html 'Arms differ in label-smoothing too' '>mobilenetv2<'
awk -F, 'NR > 1 { sum[$1] += $5 } END { print (sum["two"] - sum["one"]) / 2 }' cmp/folds.csv >wanted.txt
column cmp/pairs.csv folds_accuracy | awk '{ print $1 + 0 }' | diff wanted.txt - || fail 'mean difference of the folds'
with --set 'two:lr=1e-3'
expect 2 'arm two was given one' "$SONOGRADE" compare "${now[@]}" --lr-find --out rates
diff cmp/arms/one/splits.csv cmp/arms/two/splits.csv || fail 'the arms have other folds'
has cmp/arms/two/args.yaml 'dropout: 0.5'
has cmp/arms/one/args.yaml 'dropout: -1'

# Told again it is the same to the byte, and nothing is trained.
cp cmp/compare.json told.json
expect 0 'was finished already' "$SONOGRADE" compare "${asked[@]}" --out cmp --json
cmp told.json cmp/compare.json
cmp told.json stdout.txt || fail 'another JSON on standard output'
