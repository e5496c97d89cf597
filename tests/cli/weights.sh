#!/bin/bash
# Weight files as others write them: listed, converted, trained from; what is code is named.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
golden=tests/golden/weights

"$SONOGRADE" weights inspect $golden/zip.pth >out
grep -Eq '^turned +\[4, 3\] +F32 +0\.13781 +0\.68741$' out || fail 'a tensor is not listed'
"$SONOGRADE" weights inspect $golden/wrapped.pth --json >out
grep -q '"wrapper": "state_dict"' out || fail 'the wrapper is not told'
"$SONOGRADE" weights inspect $golden/net.onnx --keep-names | grep -q '^halves ' || fail 'no initialisers'
"$SONOGRADE" weights inspect $golden/not_finite.pth 2>&1 | grep -q '2 numbers that are NaN' || fail 'NaN is not told'

# Whatever it came from, the result is the same file.
for form in zip legacy; do
    "$SONOGRADE" weights convert $golden/$form.pth $form.safetensors --quiet
    "$SONOGRADE" weights inspect $form.safetensors | sed '$d' >$form.list
    "$SONOGRADE" weights inspect $golden/$form.pth | sed '$d' | cmp - $form.list
done
cmp zip.list legacy.list
"$SONOGRADE" weights convert $golden/timm_vgg.pth vgg.safetensors 2>err
grep -q "timm's names of VGG" err || fail 'renaming is not told'
"$SONOGRADE" weights inspect vgg.safetensors | grep -Eq '^classifier\.0\.weight +\[3, 98\] ' || fail 'not renamed'

expect 1 'argparse.Namespace, which is code' "$SONOGRADE" weights convert $golden/code.pth code.safetensors
[ ! -e code.safetensors ] || fail 'a refusal left a file'
expect 2 'NAME.safetensors' "$SONOGRADE" weights convert $golden/zip.pth zip.pt
expect 3 'cannot open nosuch.pth' "$SONOGRADE" weights inspect nosuch.pth
expect 3 'no weight file that is known' "$SONOGRADE" weights inspect "$0"
