#!/bin/bash
# What `train` refuses leaves nothing behind that would be in the way of asking again.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"

for i in 0 1 2 3; do picture $i "set/c$((i % 2))/$i.png"; done
train=("$SONOGRADE" train --size 32 --threads 1 --data set --run run)

# Found before and after the folder is made: gone either way.
expect 2 'nearest name' "${train[@]}" --folds 2 --model resnet51
[ ! -e run ] || fail 'a mistyped model left a folder'
expect 2 'the folds are 0 to 1' "${train[@]}" --folds 2 --fold 5
[ ! -e run ] || fail 'a fold that is not there left a folder'
expect 2 'needs folds' "${train[@]}" --fold 1
expect 3 'cannot open nosuch' "${train[@]}" --weights nosuch
expect 2 'exclude each other' "${train[@]}" --folds 2 --splits x.csv
[ ! -e run ] || fail 'a contradiction left a folder'
echo broken >set/c0/9.png
expect 3 '9.png' "${train[@]}" --folds 2
[ ! -e run ] || fail 'a damaged image left a folder'

# --overwrite deletes runs and nothing else.
mkdir run
echo precious >run/notes.txt
expect 2 'not empty' "${train[@]}"
expect 3 'no run folder' "${train[@]}" --overwrite
[ "$(cat run/notes.txt)" = precious ] || fail 'a stranger'"'"'s file was deleted'
expect 3 'no args.yaml' "$SONOGRADE" train --resume run

# A finished run is lost to no mistake: it is there, to the byte, until its successor has completed an
# epoch.
rm -rf run set/c0/9.png
expect 0 '' "${train[@]}" --quiet --epochs 1 --batch 4 --test-share 0.4 --val-share 0
(cd run && find . -type f -exec sha256sum {} + | sort) >before.txt
unchanged() {
    (cd run && find . -type f ! -name .lock -exec sha256sum {} + | sort) | diff <(grep -v '/\.lock$' before.txt) - ||
        fail "the finished run was changed by: $*"
    [ ! -e run.replaced ] || fail "left run.replaced: $*"
}
for words in '--folds 9' '--folds nosuch.csv' '--freeze nosuch' '--weights run/args.yaml' '--fold 3 --folds 2' ''; do
    IFS=' ' read -ra given <<<"$words"
    code=0
    data=set
    [ "$words" ] || data=nosuch
    "$SONOGRADE" train --size 32 --threads 1 --data $data --run run --overwrite "${given[@]}" >out 2>err || code=$?
    [ $code = 2 ] || [ $code = 3 ] || fail "exit $code: $words ($(cat err))"
    unchanged "$words"
done
expect 0 '' "${train[@]}" --quiet --epochs 2 --batch 4 --test-share 0.4 --val-share 0 --overwrite
[ ! -e run.replaced ] || fail 'the replaced run was not deleted'
[ "$(wc -l <run/results.csv)" = 3 ] || fail 'the run was not replaced'

# What to do next can be done: no test part, no judging of it. A table without root names no option that
# is refused.
grep -v ',test' run/splits.csv >untested.csv
expect 0 'no test part' "$SONOGRADE" train --size 32 --threads 1 --data set --run untested --splits untested.csv \
    --epochs 1 --batch 4 --val-share 0
expect 3 'other images (--data DIR)' "$SONOGRADE" evaluate --run untested --out no
printf 'path,class\nc0/0.png,c0\n' >elsewhere.csv
expect 3 "the table's column 'root'" "$SONOGRADE" train --manifest elsewhere.csv --run nowhere
