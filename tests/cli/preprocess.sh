#!/bin/bash
# preprocess: names kept, masks left out, equal bytes whatever the threads, nothing destroyed, bad files
# named or skipped.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
golden=$PWD/tests/golden/image

fail() {
    echo "FAIL: $*"
    exit 1
}
# exits CODE COMMAND...: the command must leave with this code; its stderr is kept in ./err.
exits() {
    local want=$1 code=0
    shift
    "$@" >out 2>err || code=$?
    [ "$code" = "$want" ] || fail "exit $code, not $want: $* ($(cat err))"
}

mkdir -p 'in/benign' 'in/normal/deep'
cp "$golden/rgb37x53.png" 'in/benign/benign (1).png'
cp "$golden/depth1.png" 'in/benign/benign (1)_mask.png'
cp "$golden/depth1.png" 'in/benign/benign (1)_mask_1.png'
cp "$golden/grey61x47.png" 'in/normal/deep/<b>=cmd.png'
cp "$golden/cmyk.jpg" 'in/normal/scan.JPG'
echo note >'in/normal/note.txt'

exits 0 "$SONOGRADE" preprocess in one --contrast clahe --despeckle srad --crop --size 64
[ "$(cd one && find . -type f | LC_ALL=C sort | tr '\n' '|')" = \
    './before-after.png|./benign/benign (1).png|./normal/deep/<b>=cmd.png|./normal/scan.png|' ] ||
    fail "files: $(find one -type f)"
grep -q '^3 images written' out || fail "summary: $(cat out)"
grep -q 'Research use only' out || fail "no notice"

exits 0 "$SONOGRADE" preprocess in two --contrast clahe --despeckle srad --crop --size 64 --threads 1 --json --quiet
diff -r one two || fail "threads change the bytes"
[ ! -s err ] || fail "--quiet speaks: $(cat err)"
grep -q '"written": 3' out || fail "JSON: $(cat out)"
grep -q '"contrast": "clahe"' out || fail "no recipe in JSON"

exits 0 "$SONOGRADE" preprocess 'in/benign/benign (1).png' three --keep-size --sheet 0
[ "$(ls three)" = 'benign (1).png' ] || fail "one file: $(ls three)"
grep -q '^1 image written' out || fail "not singular: $(cat out)"
exits 0 "$SONOGRADE" preprocess in quiet --quiet
[ ! -s out ] && [ ! -s err ] || fail "--quiet speaks: $(cat out err)"

exits 2 "$SONOGRADE" preprocess in one
grep -q -- '--overwrite' err || fail "remedy: $(cat err)"
exits 0 "$SONOGRADE" preprocess in one --overwrite
exits 2 "$SONOGRADE" preprocess in in/out
[ ! -e in/out ] || fail "left a folder in the input"
exits 2 "$SONOGRADE" preprocess in in --overwrite
exits 2 "$SONOGRADE" preprocess in four --median-size 4 --despeckle median
exits 2 "$SONOGRADE" preprocess in four --size 5
exits 2 "$SONOGRADE" preprocess in four --fit padd
exits 2 "$SONOGRADE" preprocess in
[ ! -e four ] || fail "a refused call made its folder"

head -c 300 'in/benign/benign (1).png' >'in/benign/benign (2).png'
: >'in/benign/benign (3).png'
exits 3 "$SONOGRADE" preprocess in five
grep -q "benign (2).png\|benign (3).png" err || fail "does not name the file: $(cat err)"
exits 0 "$SONOGRADE" preprocess in six --skip-bad --json
[ "$(grep -c '"reason"' out)" = 2 ] || fail "skips: $(cat out)"
[ ! -e 'six/benign/benign (2).png' ] || fail "wrote a damaged image"

cp 'in/normal/scan.JPG' 'in/normal/scan.png'
exits 3 "$SONOGRADE" preprocess in seven --skip-bad
grep -q 'scan' err || fail "clash: $(cat err)"
mkdir empty
exits 3 "$SONOGRADE" preprocess empty eight
exits 3 "$SONOGRADE" preprocess missing.png nine
echo ok
