#!/bin/bash
# Cross-validation: made or given folds, one fold at a time, resumed at the fold, judged half-done.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 9
train --data data --folds 3 --run cv
for fold in 0 1 2; do
    [ -s "cv/fold$fold/weights/best.safetensors" ] || fail "fold $fold has no weights"
done
head -1 cv/splits.csv | grep -q '^path,class,fold' || fail "$(head -1 cv/splits.csv)"
expect 0 '' "$SONOGRADE" evaluate --run cv --out report --threads 1 --draws 200
[ "$(wc -l <report/predictions.csv)" = 28 ] || fail 'not every image once'
[ "$(tail -n +2 report/folds.csv | cut -d, -f2,3)" = "$(printf '0,9\n1,9\n2,9')" ] || fail "$(cat report/folds.csv)"
awk -F, 'NR > 1 { right[$5] += $7 == $8 } END { for (f = 0; f < 3; f++) print right[f] }' report/predictions.csv >wanted.txt
column report/folds.csv accuracy | awk '{ print 9 * $1 }' | diff wanted.txt - || fail 'folds.csv and predictions.csv differ'
[ "$(column report/predictions.csv path | sort -u | wc -l)" = 27 ] || fail 'an image twice'
# Each image is judged by the model of its own fold.
cut -d, -f1,3 cv/splits.csv | tail -n +2 | sort >wanted.txt
awk -F, 'NR > 1 { print $1 "," $5 + 0 }' report/predictions.csv | sort | diff wanted.txt - ||
    fail 'an image was judged by the model of another fold'
has report/metrics.json '"auroc_macro_pooled":' '"n": 27'
[ "$(grep -c '"fold": [012],' report/metrics.json)" -ge 3 ] || fail 'folds are not listed'

# An ensemble of the folds, which has seen all images.
expect 0 '3 members' "$SONOGRADE" bundle --run cv -o cv.sgb
expect 3 '27 of 27 images' "$SONOGRADE" evaluate --bundle cv.sgb --data data --out seen
[ ! -e seen ] || fail 'a refused evaluation left something'
image=$(find data/benign -name '*.png' | grep -v _mask | head -1)
expect 0 '' "$SONOGRADE" predict --bundle cv.sgb --threads 1 --csv "$image"
awk -F, 'NR == 2 { exit !($8 < $5 && $5 < $11) }' stdout.txt || fail "no range over the members: $(cat stdout.txt)"

expect 3 'one of them' train --data data --from-bundle cv.sgb --run no
[ ! -e no ] || fail 'a refused training left a folder'

# Given folds: the same table gives the same models, fold for fold, also one fold alone.
train --data data --folds cv/splits.csv --fold 1 --run one
[ ! -e one/fold0/weights ] && [ ! -e one/fold2/weights ] || fail 'other folds were trained'
same_weights one/fold1 cv/fold1
expect 0 '1 of 3 folds' "$SONOGRADE" evaluate --run one --out half --threads 1 --draws 200
[ "$(wc -l <half/predictions.csv)" = 10 ] || fail "$(wc -l <half/predictions.csv) rows for one fold"
expect 0 '1 member' "$SONOGRADE" bundle --run one -o one.sgb
expect 0 'nothing to do' "$SONOGRADE" train --resume one
# The other folds one by one in the same run.
train --resume one --fold 0
train --resume one --fold 2
for fold in 0 1 2; do same_weights one/fold$fold cv/fold$fold; done
expect 2 'the folds are 0 to 2' "$SONOGRADE" train --quiet "${small[@]}" --data data --folds cv/splits.csv --fold 3 --run no

# Stopped within the second fold; the first is not made again.
"$SONOGRADE" train --quiet "${small[@]}" --data data --folds 3 --epochs 3 --run cut 2>cut.txt &
child=$!
for ((i = 0; i < 3000; i++)); do
    grep -qs '"event":"epoch"' cut/fold1/log.jsonl && break
    sleep 0.01
done
kill -TERM $child
code=0
wait $child || code=$?
[ $code = 143 ] || fail "exit $code: $(cat cut.txt)"
has cut.txt '--resume cut`'
expect 3 'train --resume' "$SONOGRADE" bundle --run cut -o no.sgb
expect 0 '1 of 3 folds' "$SONOGRADE" evaluate --run cut --out part --threads 1 --draws 200
fingerprint cut/fold0 >before.txt
train --resume cut
fingerprint cut/fold0 | diff before.txt - || fail 'a finished fold was changed'
train --data data --folds 3 --epochs 3 --run uncut
for fold in 0 1 2; do same_weights cut/fold$fold uncut/fold$fold; done
fingerprint cut >before.txt
expect 0 'nothing to do' "$SONOGRADE" train --resume cut
fingerprint cut | diff before.txt - || fail 'a finished run was changed'

# With --select an inner part of the other folds decides, and both results are told.
train --data data --folds 3 --select loss --run chosen
expect 0 '' "$SONOGRADE" evaluate --run chosen --out chosen_report --threads 1 --draws 200
has chosen_report/metrics.json '"last_epoch"' '"figure": "loss"'
lacks report/metrics.json '"last_epoch"'
expect 2 --folds "$SONOGRADE" train --quiet --data data --folds 1 --run no
expect 2 exclude "$SONOGRADE" train --quiet --data data --folds 3 --splits cv/splits.csv --run no
