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

expect 3 'argparse.Namespace, which is code' "$SONOGRADE" weights convert $golden/code.pth code.safetensors
[ ! -e code.safetensors ] || fail 'a refusal left a file'
expect 2 'NAME.safetensors' "$SONOGRADE" weights convert $golden/zip.pth zip.pt
expect 3 'cannot open nosuch.pth' "$SONOGRADE" weights inspect nosuch.pth
expect 3 'no weight file that is known' "$SONOGRADE" weights inspect "$0"

# ---- public files ----
export XDG_CACHE_HOME=$PWD/cache no_proxy=127.0.0.1
"$SONOGRADE" weights list >out
grep -Eq '^resnet50 +102 MB +BSD-3-Clause .* sha256$' out || fail 'resnet50 is not listed'
grep -q '^alexnet .*first 8 digits' out || fail 'a short digest is not told'
"$SONOGRADE" weights list --model googlenet --json | grep -q '"transform_input": true' || fail 'preprocessing is not listed'
expect 2 "did you mean 'resnet50'" "$SONOGRADE" weights fetch resnet5O
expect 2 'exclude each other' "$SONOGRADE" weights fetch resnet50 --from x --mirror http://127.0.0.1
expect 1 'give it with --from FILE' "$SONOGRADE" weights fetch resnet50 --mirror http://127.0.0.1:1
expect 3 'is not the file it should be' "$SONOGRADE" weights fetch alexnet --from $golden/zip.pth
[ -z "$(find cache -name 'alexnet*')" ] || fail 'a wrong file was kept'
path=$("$SONOGRADE" weights fetch resnet50.radimagenet --from $golden/sequential.pth 2>err)
grep -q 'nothing was compared' err || fail 'a missing digest is not told'
cmp "$path" $golden/sequential.pth
grep -q '"licence": "MIT on the card"' "$path.json" || fail 'the licence does not lie beside the file'
grep -q '"preprocessing": null' "$path.json" || fail 'preprocessing is stated that nobody stated'
"$SONOGRADE" weights list | grep -q '^resnet50.radimagenet .* not stated ' || fail 'the list makes preprocessing up'

# What lies beside a file goes into the settings, unless they are typed.
for i in 0 1 2 3; do picture $i "set/c$((i % 2))/$i.png"; done
cp "$golden/zip.pth" g.pth
cat >g.pth.json <<'END'
{"schema": 1, "licence": "mine", "sha256": "old", "preprocessing": {"size": 64, "crop_pct": 1, "interpolation": "bilinear",
 "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "transform_input": true}}
END
train=("$SONOGRADE" train --data set --model googlenet --weights g.pth --threads 1 --folds 2)
expect 3 'no tensor that fits' "${train[@]}" --run a --size 96
grep -q 'transform-input, as .*g.pth.json says' stderr.txt || fail 'transform-input is not adopted'
! grep -q 'size 64, as' stderr.txt || fail 'what was typed is overruled'
expect 2 'folds are 0 to 1' "${train[@]}" --run a --fold 5
grep -q 'size 64, as' stderr.txt || fail 'the size is not adopted'

# It goes along when the file is converted, and every verb that starts from weights reads it.
"$SONOGRADE" weights convert g.pth g.safetensors 2>err
grep -q 'g.pth.json goes along' err || fail 'the conversion loses the preprocessing'
grep -q '"licence": "mine"' g.safetensors.json && grep -q '"size": 64' g.safetensors.json
grep -q "$(sha256sum <g.safetensors | cut -d' ' -f1)" g.safetensors.json || fail 'the digest is not the new file'\''s'
expect 3 'no tensor that fits' "$SONOGRADE" lr-find --data set --model googlenet --weights g.safetensors --folds 2 --fold 0 --out lr --steps 10 --threads 1
grep -q 'size 64, as .*g.safetensors.json says' stderr.txt || fail 'lr-find does not adopt the size'
expect 3 'no tensor that fits' "$SONOGRADE" compare --data set --models googlenet --weights googlenet=g.safetensors --folds 2 --out cmp --threads 1
grep -q 'transform-input, as .*g.safetensors.json says' stderr.txt || fail 'compare does not adopt transform-input'
