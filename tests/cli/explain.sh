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
has one/report.html 'not checked' 'data:image/jpeg' 'Research use only'
lacks one/report.html 'http://' 'https://'

# What the model cannot give is said.
"$SONOGRADE" bundle --run run -o knows.sgb --quiet 2>bundle.txt
"$SONOGRADE" explain "$one" --bundle knows.sgb --method all --steps 1 --samples 1 --stride 32 --threads 1 --formats none --out all \
    >told.txt 2>warned.txt
has warned.txt 'left out of all' 'no se-gated map'

# A set with masks: scored against both baselines, checked, same bytes again.
for out in study again; do
    "$SONOGRADE" explain --data set --run run --threads 1 --method grad-cam,layer-cam --check --curves --draws 100 \
        --formats none --pixel-mm 0.2 --out $out --json >$out.json 2>$out.txt
done
cmp study.json study/explain.json || fail '--json prints another document than explain.json'
for file in scores.csv explain.json report.html; do cmp study/$file again/$file || fail "$file differs"; done
has study/scores.csv 'untrained:layer-cam' centre 'peak_distance'
has study/explain.json '"above the centre"' '"above the untrained network"' '"lesions"' '"distance_unit": "mm"'
has study/explain.json '"verdicts"' '"abstain"'
has study/report.html 'Against the baselines' 'were in the training' 'Against the lesions' 'Sanity checks' 'Deletion and insertion' 'peak to lesion, mm'

# Pixels of several sizes: the table says which image has which; where one has none all are counted.
"$SONOGRADE" data manifest set -o set.csv --quiet
awk 'NR == 1 { print $0 ",pixel_mm" } NR > 1 { print $0 "," (/^benign/ ? 0.5 : 2) }' set.csv >sizes.csv
sed '2s/0.5$//' sizes.csv >partly.csv
for table in set sizes partly; do
    "$SONOGRADE" explain --manifest $table.csv --run run --threads 1 --draws 100 --formats none --out in-$table --quiet 2>$table.txt
    column in-$table/scores.csv peak_distance >$table.distances
done
paste -d, set.distances sizes.distances <(column in-set/scores.csv truth) | awk -F, '$1 != "" { n++; want = $1 * ($3 == "benign" ? 0.5 : 2)
    if (($2 - want) ^ 2 > 1e-6) exit 1 } END { if (n != 12) exit 1 }' || fail 'distances are not in millimetres'
cmp set.distances partly.distances || fail 'one table with two units'
has partly.txt 'images with a mask have no pixel_mm'
has in-sizes/explain.json '"distance_unit": "mm"'
sed '2s/0.5$/0/' sizes.csv >wrong.csv
expect 3 "pixel_mm '0' is not a size above 0" "$SONOGRADE" explain --manifest wrong.csv --run run --out no

# What the study found travels to pages of other images, of the same model only.
"$SONOGRADE" explain "$one" --run run --threads 1 --study study/explain.json --formats none --out told
has told/report.html "On set (6 images with a lesion) Grad-CAM" 'of these images were in the model' 'training: this means little'
lacks told/report.html 'no study that ran it'
"$SONOGRADE" explain "$one" --run run --threads 1 --method occlusion --study study/explain.json --formats none --out told2
has told2/report.html 'Occlusion was not in the study of set'
"$SONOGRADE" read "$one" --bundle knows.sgb --threads 1 --out page.html --quiet
has page.html 'Not checked on these images'
"$SONOGRADE" read "$one" --bundle knows.sgb --threads 1 --study study/explain.json --out page.html --quiet
has page.html 'On set (6 images with a lesion) Grad-CAM'
sed 's/"bundle_sha256": "./&x/' study/explain.json >foreign.json
expect 3 'of another model' "$SONOGRADE" read "$one" --bundle knows.sgb --study foreign.json --out no.html
[ ! -e no.html ] || fail 'a refused command left a page'
expect 3 'takes the explain.json' "$SONOGRADE" explain "$one" --run run --study one/explain.json --out no
expect 2 'of their own' "$SONOGRADE" explain --data set --run run --study study/explain.json --out no
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
expect 3 'gone.png' "$SONOGRADE" explain gone.png --run run --out no
[ ! -e no ] || fail "a refused command left $(ls no)"
picture 0 "$(dirname "$one")/${stem}_mask_7.png"
expect 3 'a mask must have the size of its image' "$SONOGRADE" explain "$one" --run run --out no
picture 1 foreign.png
expect 3 'simulated images' "$SONOGRADE" explain foreign.png --run run --out no2
[ ! -e no2 ] || fail 'a refused command left a folder'
