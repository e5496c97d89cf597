#!/bin/bash
# Going on from own models: a bundle with new data, weights of a run, frozen layers.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 8
phantoms new 8 5
train --data data --run old
"$SONOGRADE" bundle --run old -o old.sgb --quiet

expect 0 '100.0 % of the parameters' "$SONOGRADE" train --data new --from-bundle old.sgb "${small[@]}" --run on
has stderr.txt 'old.sgb' 'new layers: none'
# Architecture, size and preprocessing are the bundle's unless given; another architecture is refused.
train --data data --model resnet18 --blocks 1,1,1,1 --size 40 --fit stretch --run deep
"$SONOGRADE" bundle --run deep -o deep.sgb --quiet
quick=(--epochs 1 --batch 8 --threads 1 --quiet)
expect 0 '' "$SONOGRADE" train --data new --from-bundle deep.sgb "${quick[@]}" --run deeper
has deeper/args.yaml 'model: resnet18' '1,1,1,1' 'size: 40' 'fit: stretch'
has deeper/log.jsonl finished
expect 0 '' "$SONOGRADE" train --data new --from-bundle deep.sgb --size 32 "${quick[@]}" --run smaller
has smaller/args.yaml 'model: resnet18' 'size: 32' 'fit: stretch'
expect 2 'holds a resnet18' "$SONOGRADE" train --data new --from-bundle deep.sgb --model mobilenetv2 "${quick[@]}" --run no
[ ! -e no ] || fail 'a refused training left a folder'

expect 0 '100.0 % of the parameters' "$SONOGRADE" train --data new --weights old/weights/best.safetensors "${small[@]}" --run onw
expect 0 '' "$SONOGRADE" evaluate --run on --out report --threads 1 --draws 200
has report/metrics.json '"initialisation": 1.0'

# A model's tensor NAME: its bytes in a safetensors file.
tensor() {
    local size head begin end
    size=$(od -An -t u8 -N 8 "$1" | tr -d ' ')
    head=$(tail -c +9 "$1" | head -c "$size")
    read -r begin end < <(grep -o "\"[^\"]*$2\":{[^}]*\"data_offsets\":\[[0-9]*,[0-9]*\]" <<<"$head" | head -1 |
        sed 's/.*\[\([0-9]*\),\([0-9]*\)\]$/\1 \2/')
    [ -n "$end" ] || fail "$1 has no tensor $2"
    tail -c +$((9 + size + begin)) "$1" | head -c $((end - begin)) | sha256sum
}
frozen=(features.0.0.weight features.0.1.running_mean features.0.1.running_var features.1.conv.0.0.weight)
trained=(features.18.0.weight classifier.1.weight)
expect 0 '' train --data new --from-bundle old.sgb --freeze features.0,features.1 --run cold
for name in "${frozen[@]}"; do
    [ "$(tensor cold/weights/best.safetensors $name)" = "$(tensor old/weights/best.safetensors $name)" ] ||
        fail "the frozen tensor $name changed"
    [ "$(tensor on/weights/best.safetensors $name)" != "$(tensor old/weights/best.safetensors $name)" ] ||
        fail "$name did not change although nothing was frozen"
done
for name in "${trained[@]}"; do
    [ "$(tensor cold/weights/best.safetensors $name)" != "$(tensor old/weights/best.safetensors $name)" ] ||
        fail "$name was not trained"
done
