#!/bin/bash
# A bundle judged on data from elsewhere: a published layout with its official folds, foreign class
# names with the map to write, a class that the data lack.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 6
train --data data --run r
"$SONOGRADE" bundle --run r -o m.sgb --quiet
judge=("$SONOGRADE" evaluate --bundle m.sgb --draws 100 --threads 1 --quiet)

# BUS-BRA in small, from other phantoms.
phantoms other 4 9
mkdir -p BUSBRA/Images
echo ID,Case,Pathology >BUSBRA/bus_data.csv
echo ID,Pathology,kFold >BUSBRA/5-fold-cv.csv
case=0
for class in benign malignant; do
    for file in other/$class/*.png; do
        case $file in *_mask*) continue ;; esac
        case=$((case + 1))
        id=$(printf 'bus_%04d-s' $case)
        cp "$file" BUSBRA/Images/$id.png
        echo "$id,$case,$class" >>BUSBRA/bus_data.csv
        echo "$id,$class,$((case % 2 + 1))" >>BUSBRA/5-fold-cv.csv
    done
done
expect 0 '' "${judge[@]}" --allow-phantom-model --data BUSBRA --out bra
has bra/metrics.json '"published": "BUS-BRA"' '"normal"' '"fold": 2'
has bra/report.html 'read as BUS-BRA' 'official folds' 'No image here is of the class normal'
head -1 bra/predictions.csv | grep -q ',official_fold$' || fail "$(head -1 bra/predictions.csv)"

# A bundle without reference images has no thresholds for foreign data; one that was calibrated brings some.
has bra/metrics.json '"reference": "none"' '"conformal_sets": null'
expect 0 'determine no temperature' "$SONOGRADE" bundle --run r --calibration temperature -o c.sgb --quiet
judge=("$SONOGRADE" evaluate --bundle c.sgb --draws 100 --threads 1 --quiet)
expect 0 '' "${judge[@]}" --allow-phantom-model --data BUSBRA --out acting
has acting/metrics.json "images behind the bundle's calibration" '"operating_points"' '"promised_coverage"'
has acting/report.html 'Sets of classes with measured coverage' "images behind the bundle&#39;s calibration"
expect 0 '' "${judge[@]}" --allow-phantom-model --data BUSBRA --tta --out two
has two/metrics.json '"reference": "none"'

# The manifest of a published set is its official split.
expect 0 '' "$SONOGRADE" data manifest BUSBRA -o bra.csv
[ "$(column bra.csv fold | sort | uniq -c | awk '{ print $1 }' | tr '\n' ' ')" = '4 4 ' ] || fail "$(cat bra.csv)"

# Foreign names: the error writes the map, and the map is taken.
mkdir foreign
cp -r other/benign foreign/B
cp -r other/malignant foreign/M
cp -r other/normal foreign/strange
cp other/phantom-truth.csv foreign/ 2>/dev/null || true
map='benign=B;malignant=M;?=strange'
expect 3 "--class-map \"$map\"" "${judge[@]}" --data foreign --out no
[ ! -e no ] || fail 'a refused evaluation left a folder'
expect 0 '' "${judge[@]}" --allow-phantom-model --data foreign --class-map "${map/\?=/=}" --out mapped
has mapped/metrics.json '"left_out_by_class_map": 4'
has mapped/report.html 'Classes taken as' '4 more are of classes left out'
expect 2 'twice' "${judge[@]}" --data foreign --class-map 'benign=B;malignant=B' --out no
expect 3 "'X', which the data do not have" "${judge[@]}" --data foreign --class-map 'benign=X' --out no
expect 2 '--data DIR' "$SONOGRADE" evaluate --run r --class-map 'benign=B' --out no
