#!/bin/bash
# A leakage study: stopped, gone on with, refused with other settings; its tables and its page.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

# Near-copies are known from the phantoms' own truth: at this size their pixels do not tell.
"$SONOGRADE" data phantom --out data --per-class 6 --size 32 --duplicates 0.34 --quiet
awk -F, 'NR == 1 { print "path,class,lesion"; next } { print $1 "," $2 "," ($5 == "" ? $1 : $5) }' \
    data/phantom-truth.csv >data/table.csv
budget=(--manifest data/table.csv --group-by lesion --size 32 --epochs 1 --batch 8 --threads 1
    --folds 2 --copies 1 --draws 200 --learning-curve --shares 0.5)

"$SONOGRADE" leakage --quiet "${budget[@]}" --out study 2>stopped.txt &
child=$!
for ((i = 0; i < 3000; i++)); do
    grep -qs '"event":"finished"' study/arms/grouped/fold0/log.jsonl && break
    sleep 0.01
done
kill -TERM $child
code=0
wait $child || code=$?
[ $code = 143 ] || fail "exit $code: $(cat stopped.txt)"
has stopped.txt 'the same command'
fingerprint study/arms/grouped/fold0 >before.txt

asked=("${budget[@]}")
with --epochs 2
expect 4 '--epochs differs' "$SONOGRADE" leakage "${now[@]}" --out study
expect 0 'grouped (arm 1 of 6)' "$SONOGRADE" leakage "${budget[@]}" --out study
fingerprint study/arms/grouped/fold0 | diff before.txt - || fail 'a finished fold was changed'
[ "$(column study/leakage.csv arm | tr '\n' ' ')" = 'grouped random cohort mask augmented share-0.5 ' ] ||
    fail "arms: $(column study/leakage.csv arm)"
[ "$(column study/leakage.csv images | sort -u | tr '\n' ' ')" = '12 18 ' ] || fail 'images of the arms'
[ "$(wc -l <study/folds.csv)" = 13 ] || fail "$(wc -l <study/folds.csv) rows of folds"
has stdout.txt reference points
has study/report.html 'What leakage is worth' 'Learning curve' 'simulated images'
has study/leakage.json '"accuracy_with_copies"' '"worth"'

# No copy crosses a grouped fold; some cross a random one.
crossing() {
    awk -F, 'NR == FNR { lesion[$1] = $3; next } FNR > 1 { f = lesion[$1]; if (f in at && at[f] != $3) n++; at[f] = $3 }
        END { print n + 0 }' data/table.csv "study/arms/$1/splits.csv"
}
[ "$(crossing grouped)" = 0 ] || fail 'a grouped fold parts copies'
[ "$(crossing random)" -gt 0 ] || fail 'no random fold parts copies'

# A finished study is told again without training; each arm is a run like any other.
expect 0 'was finished already' "$SONOGRADE" leakage "${budget[@]}" --out study --json
has stdout.txt '"kind": "leakage"'
expect 0 'nothing to do' "$SONOGRADE" train --resume study/arms/share-0.5
expect 2 '--out' "$SONOGRADE" leakage --data data
expect 2 'add --learning-curve' "$SONOGRADE" leakage --data data --shares 0.5 --out other
sed '2s/,[0-9a-f]\{64\},/,'"$(printf '%064d' 0)"',/' study/manifest.csv >wrong.csv
expect 3 'another image there' "$SONOGRADE" leakage "${budget[@]}" --cohort wrong.csv --out other
rm -rf other

# Each arm is one test; the cohort is held against the reference on the images of both too.
[ "$(column study/leakage.csv images_shared | tr '\n' ' ')" = '18 18 12 18 18 18 ' ] || fail 'images shared'
[ "$(column study/leakage.csv p_holm | awk '$1 != ""' | wc -l)" = 4 ] || fail "p: $(column study/leakage.csv p_holm)"
has study/report.html 'p (Holm)' 'on the reference'
with --shares 0.5,0.2
expect 2 'rising parts' "$SONOGRADE" leakage "${now[@]}" --out other
[ ! -e other ] || fail 'a refused study left its folder'
