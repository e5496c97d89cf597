#!/bin/bash
# Folds and parts from a manifest; a split that divides a group is refused unless asked for.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"

{
    echo path,class,patient
    for i in 1 2 3 4 5 6 7 8; do
        picture $((i % 4)) "set/a/$i.png" "set/b/$i.png"
        echo "a/$i.png,a,A$i"
        echo "b/$i.png,b,B$(((i + 1) / 2))"
    done
} >own.csv
expect 0 '' "$SONOGRADE" data manifest set --manifest own.csv --group-by patient -o m.csv

expect 0 '' "$SONOGRADE" data split set --manifest m.csv --folds 4 --seed 3 -o folds.csv
head -1 folds.csv | grep -q '^path,class,fold' || fail "$(head -1 folds.csv)"
[ "$(grep -c 'fold .* 4 images: 2 a, 2 b' stdout.txt)" = 4 ] || fail "$(cat stdout.txt)"
expect 0 '' "$SONOGRADE" data split set --manifest m.csv --folds 4 --seed 3 -o again.csv
cmp folds.csv again.csv || fail 'the same seed gave another split'
expect 0 '' "$SONOGRADE" data split set --manifest m.csv --folds 4 --seed 4 -o other.csv
! cmp -s folds.csv other.csv || fail 'another seed gave the same split'
expect 0 '' "$SONOGRADE" data split set --manifest m.csv --check folds.csv --json
grep -qF '"folds": 4' stdout.txt || fail "$(cat stdout.txt)"

expect 0 '' "$SONOGRADE" data split set --manifest m.csv --fractions 0.5,0.25,0.25 -o parts.csv
[ "$(grep -c ',test,' parts.csv)" = 4 ] || fail "$(cat parts.csv)"
[ "$(grep -c ',train,' parts.csv)" = 8 ] || fail "$(cat parts.csv)"

# One image of a patient moved to the other side.
printf 'path,class,split\na/1.png,a,train\nb/1.png,b,train\nb/2.png,b,test\n' >bad.csv
expect 3 "divides group 'B1'" "$SONOGRADE" data split set --manifest m.csv --check bad.csv
grep -q "b/1.png.*b/2.png" stderr.txt || fail 'the files are not named'
expect 0 'divides group' "$SONOGRADE" data split set --manifest m.csv --check bad.csv --ungrouped
grep -q '^Ungrouped' stdout.txt || fail 'not marked'

# Exact copies found from pixels are refused just so.
printf 'path,class,split\na/1.png,a,train\na/2.png,a,test\na/5.png,a,test\nb/2.png,b,train\n' >copies.csv
expect 3 'divides group' "$SONOGRADE" data split set --check copies.csv

expect 3 'too few groups' "$SONOGRADE" data split set --manifest m.csv --folds 5 -o x.csv
expect 2 'fractions' "$SONOGRADE" data split set --manifest m.csv --fractions 1,2 -o x.csv
expect 2 'leave training or test empty' "$SONOGRADE" data split set --manifest m.csv --fractions 0.5,0.5,0 -o x.csv
expect 2 'add up to 1.5' "$SONOGRADE" data split set --manifest m.csv --fractions 0.5,0.5,0.5 -o x.csv
printf 'path,class,fold\nq.png,a,0\n' >unknown.csv
expect 3 'is not among the images' "$SONOGRADE" data split set --manifest m.csv --check unknown.csv
[ ! -e x.csv ] || fail 'a failed run left a file'
