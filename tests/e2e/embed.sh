#!/bin/bash
# An outside program is built against the installed library, shared and static, and predicts one image as
# the command line does. What is installed is complete and exports nothing but its public names.
# SPDX-License-Identifier: Apache-2.0
set -u
fail() {
    echo "$1" >&2
    exit 1
}
prefix=$PWD/installed
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "$SG_ROOT" install PREFIX="$prefix" >log 2>&1 ||
    fail "make install failed: $(tail -n 20 log)"
for file in bin/sonograde lib/libsonograde.a lib/libsonograde.so lib/pkgconfig/sonograde.pc \
    include/sonograde/predictor.h share/man/man1/sonograde.1 \
    share/bash-completion/completions/sonograde; do
    [ -s "$prefix/$file" ] || fail "$file was not installed"
done
foreign=$(nm -D --defined-only "$prefix/lib/libsonograde.so" | awk '$2 ~ /[TDBR]/ { print $3 }' |
    while read -r name; do grep -qw "$name" "$SG_ROOT"/include/sonograde/*.h || echo "$name"; done)
[ -z "$foreign" ] || fail "the shared library exports: $foreign"
foreign=$(nm -g --defined-only "$prefix/lib/libsonograde.a" | awk '$2 ~ /[TDBR]/ { print $3 }' |
    while read -r name; do grep -qw "$name" "$SG_ROOT"/include/sonograde/*.h || echo "$name"; done)
[ -z "$foreign" ] || fail "the archive exports: $foreign"

"$prefix/bin/sonograde" data phantom --out set --per-class 10 --seed 3 --size 64 --quiet || fail "data phantom"
"$prefix/bin/sonograde" train --data set --model resnet18 --size 32 --epochs 1 --batch 8 --seed 1 \
    --run run --quiet || fail "train"
"$prefix/bin/sonograde" bundle --run run -o model.sgb --quiet || fail "bundle"
image=$(find set -name '*.png' ! -name '*_mask*' | sort | head -n 1)

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
# shellcheck disable=SC2046
gcc -std=c17 -Wall -Wextra -Werror "$SG_ROOT/examples/predict_one.c" -o shared \
    $(pkg-config --cflags --libs sonograde) -Wl,-rpath,"$prefix/lib" || fail "shared build"
# shellcheck disable=SC2046
gcc -std=c17 "$SG_ROOT/examples/predict_one.c" -o static $(pkg-config --cflags sonograde) \
    "$prefix/lib/libsonograde.a" \
    $(pkg-config --static --libs sonograde | sed "s|-lsonograde||") || fail "static build"
./shared model.sgb "$image" >by-shared || fail "the shared program"
./static model.sgb "$image" >by-static || fail "the static program"
cmp by-shared by-static || fail "shared and static differ"
top=$(sed -n 's/^looks most like //p' by-shared)
"$prefix/bin/sonograde" predict --bundle model.sgb --json "$image" >by-cli || fail "predict: $(cat by-cli)"
grep -q "\"$top\"" by-cli || fail "the command line does not say $top: $(cat by-cli)"

./shared no-such.sgb "$image" 2>err && fail "a missing model went unnoticed"
grep -q 'no-such.sgb' err || fail "the missing model is not named: $(cat err)"
exit 0
