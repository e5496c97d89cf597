#!/bin/bash
# data augment-preview: a sheet with a row for each image, repeatable by seed; errors name the file.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

fail() {
    echo "FAIL: $*"
    exit 1
}
exits() {
    local want=$1 code=0
    shift
    "$@" >out 2>err || code=$?
    [ "$code" = "$want" ] || fail "exit $code, not $want: $* ($(cat err))"
}

exits 0 "$SONOGRADE" data phantom --out set --per-class 1 --size 64
a='set/benign/benign (1).png' b='set/malignant/malignant (1).png'
exits 0 "$SONOGRADE" data augment-preview "$a" "$b" --size 48 --versions 3 -o one.png
grep -q '2 images, 3 versions of each, in one.png' out || fail "summary: $(cat out)"
[ "$(head -c 4 one.png | tail -c 3)" = PNG ] || fail "no PNG"
exits 0 "$SONOGRADE" data augment-preview "$a" "$b" --size 48 --versions 3 -o two.png --json --quiet
cmp one.png two.png || fail "the same seed gives another sheet"
grep -q '"versions": 3' out || fail "JSON: $(cat out)"
exits 0 "$SONOGRADE" data augment-preview "$a" "$b" --size 48 --versions 3 -o three.png --seed 2
cmp -s one.png three.png && fail "another seed gives the same sheet"
exits 0 "$SONOGRADE" data augment-preview "$a" "$b" --size 48 --versions 3 -o four.png --rotation 0
cmp -s one.png four.png && fail "--rotation does nothing"

echo text >bad.png
exits 3 "$SONOGRADE" data augment-preview "$a" bad.png -o five.png
grep -q bad.png err || fail "does not name the file: $(cat err)"
[ ! -e five.png ] || fail "half a sheet"
exits 2 "$SONOGRADE" data augment-preview
exits 2 "$SONOGRADE" data augment-preview "$a" --scale 0.5
