#!/bin/bash
# A trained model leaves in the formats that others open: the weights come back under their names, the
# card says what is known, the archive holds all that repeats the run and its sums fit. Where node and
# onnxruntime-node are to be had, the ONNX file answers as `predict` does.
# SPDX-License-Identifier: Apache-2.0
set -u
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms ph 6
train --data ph --run r1 --size 48 || fail "train"
"$SONOGRADE" evaluate --run r1 --out report --quiet >/dev/null 2>&1 || fail "evaluate"
expect 0 'Research use only' "$SONOGRADE" export r1 --onnx m.onnx --safetensors m.safetensors \
    --card card.md --metrics report/metrics.json --zip m.zip

# The weights go back in, every one of them.
train --data ph --run r2 --weights m.safetensors --size 48 || fail "train from what was exported"
grep -aq 'initialisation.":1.0,' r2/weights/best.safetensors || fail "not all weights came back"

head -n 1 card.md | grep -qx -- '---' || fail "the card has no front matter"
for words in 'library_name: sonograde' 'type: roc_auc' 'Research use only' '| architecture | `mobilenetv2` |' \
    '| classes | benign, malignant, normal |' 'Simulated images were among' '| accuracy | '; do
    grep -qF -- "$words" card.md || fail "the card lacks '$words'"
done

# Equal models give equal files, whatever wrote them before.
"$SONOGRADE" bundle --run r1 -o m.sgb --quiet || fail "bundle"
"$SONOGRADE" export r1 --onnx again.onnx --zip again.zip --metrics report/metrics.json --quiet || fail "export again"
cmp m.onnx again.onnx && cmp m.zip again.zip || fail "the second export differs"
[ -z "$(find . -name '*.parts')" ] || fail "parts of the archive are left"

if command -v unzip >/dev/null; then
    unzip -q m.zip -d unpacked || fail "unzip"
    (cd unpacked && sha256sum --quiet -c SHA256SUMS) || fail "the sums in the archive do not fit"
    cmp unpacked/model.sgb m.sgb || fail "the archive holds another bundle"
    cmp unpacked/model.onnx m.onnx && cmp unpacked/README.md card.md && cmp unpacked/metrics.json report/metrics.json ||
        fail "the archive holds other files"
    for name in args.yaml manifest.csv splits.csv results.csv; do
        cmp "unpacked/run/$name" "r1/$name" || fail "run/$name is not the run's"
    done
fi

# One network at a time; nothing without being asked; no other file taken for figures.
"$SONOGRADE" bundle --run r1 r2 -o both.sgb --quiet || fail "bundle of two"
expect 2 '--member' "$SONOGRADE" export both.sgb --onnx x.onnx
expect 0 '' "$SONOGRADE" export both.sgb --member 0 --onnx first.onnx
expect 2 'from 0' "$SONOGRADE" export both.sgb --member 2 --onnx x.onnx
expect 2 'say what to write' "$SONOGRADE" export r1
echo '{}' >empty.json
expect 3 'not a metrics.json' "$SONOGRADE" export r1 --card x.md --metrics empty.json
expect 3 '' "$SONOGRADE" export nothing --card x.md
[ ! -e x.onnx ] && [ ! -e x.md ] || fail "a refused export left a file"

if command -v node >/dev/null; then
    "$SONOGRADE" predict --run r1 ph/*/*\).png --json >p.json 2>/dev/null || fail "predict"
    "$SONOGRADE" export r1 --onnx plain.onnx --unfolded --quiet || fail "export unfolded"
    for model in m.onnx plain.onnx; do
        code=0
        node "$SG_ROOT/tests/support/onnx_predict.mjs" $model p.json || code=$?
        [ $code = 0 ] || [ $code = 3 ] || fail "onnxruntime answers otherwise than predict ($model)"
    done
    [ $code = 0 ] || echo "without onnxruntime-node: its answers were not compared"
fi
