#!/bin/bash
# Maps of single images as PNG, SVG and .npy; a scored set with checks; refusals by name.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms set 3
train --data set --size 64 --epochs 1 --run run
one=$(find set -name '*.png' ! -name '*_mask*' | grep malignant | sort | head -1)

# One image, every way of writing, beside what predict says of it.
"$SONOGRADE" predict --run run --threads 1 --csv "$one" >predicted.csv
"$SONOGRADE" explain "$one" --run run --threads 1 --method grad-cam,occlusion --formats png,svg,npy --out one >told.txt
stem=$(basename "$one" .png)
for method in grad-cam occlusion; do
    for format in png svg npy; do
        [ -s "one/maps/0001-$stem-$method.$format" ] || fail "no $method as $format: $(ls one/maps)"
    done
done
[ "$(head -c 6 "one/maps/0001-$stem-grad-cam.npy")" = $'\x93NUMPY' ] || fail 'no NumPy file'
has told.txt "looks most like $(column predicted.csv looks_most_like)" 'Research use only'
has one/report.html 'not checked' 'data:image/png' 'Research use only'
lacks one/report.html 'http://' 'https://'

# A set with masks: scored against both baselines, checked, same bytes again.
for out in study again; do
    "$SONOGRADE" explain --data set --run run --threads 1 --method grad-cam,layer-cam --check --curves --draws 200 \
        --formats none --pixel-mm 0.2 --out $out --json >$out.json 2>$out.txt
done
cmp study.json study/explain.json || fail '--json prints another document than explain.json'
for file in scores.csv explain.json report.html; do cmp study/$file again/$file || fail "$file differs"; done
has study/scores.csv 'untrained:layer-cam' centre 'peak_distance'
has study/explain.json '"above the centre"' '"above the untrained network"' '"lesions"' '"distance_unit": "mm"'
has study/report.html 'were in the training' 'Against the lesions' 'Sanity checks' 'Deletion and insertion' 'peak to lesion, mm'
[ ! -e study/maps ] || fail 'maps were written with --formats none'

# Refusals, each with its remedy; nothing is left behind.
mask=$(find set -name '*_mask.png' | sort | head -1)
expect 3 'a mask is no image' "$SONOGRADE" explain "$mask" --run run --out no
expect 2 "none of grad-cam" "$SONOGRADE" explain "$one" --run run --method grad-cams --out no
expect 2 "knows no class 'cyst'" "$SONOGRADE" explain "$one" --run run --class cyst --out no
expect 2 'no node' "$SONOGRADE" explain "$one" --run run --layer features.99 --out no
expect 3 'no extent' "$SONOGRADE" explain "$one" --run run --layer avgpool --out no
expect 3 'no squeeze-and-excitation' "$SONOGRADE" explain "$one" --run run --method se-gated --out no
expect 2 '--out DIR' "$SONOGRADE" explain "$one" --run run
expect 2 'not both' "$SONOGRADE" explain "$one" --data set --run run --out no
expect 2 '--pixel-mm' "$SONOGRADE" explain "$one" --run run --pixel-mm wide --out no
cp -r set bare
find bare -name '*_mask*' -delete
expect 3 'no image has a lesion mask' "$SONOGRADE" explain --data bare --run run --out no --allow-phantom-model
[ ! -e no ] || fail "a refused command left $(ls no)"
picture 0 "$(dirname "$one")/${stem}_mask_7.png"
expect 3 'a mask must have the size of its image' "$SONOGRADE" explain "$one" --run run --out no
picture 1 foreign.png
expect 3 'simulated images' "$SONOGRADE" explain foreign.png --run run --out no2
[ ! -e no2 ] || fail 'a refused command left a folder'
