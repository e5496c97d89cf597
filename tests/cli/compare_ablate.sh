#!/bin/bash
# Arms that differ from a base in one thing; a new bundle held against the one in use.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 4
phantoms locked 5 7
tiny=(--size 32 --epochs 1 --batch 4 --threads 1)
expect 0 'stretch (arm 5 of 5)' "$SONOGRADE" compare --ablate preprocess --data data --folds 2 "${tiny[@]}" --draws 200 --out apart
[ "$(column apart/compare.csv arm | tr '\n' ' ')" = 'base clahe median crop stretch ' ] || fail 'arms'
[ "$(column apart/pairs.csv against | sort -u)" = base ] || fail 'not held against the base'
has apart/arms/clahe/args.yaml 'contrast: clahe' 'despeckle: none'
has apart/arms/median/args.yaml 'contrast: none' 'despeckle: median'
has apart/report.html 'with a 3 x 3 median'
lacks apart/report.html 'Beside the published table'
expect 2 '--weights FILE' "$SONOGRADE" compare --ablate transfer --data data --folds 2 --out no
expect 2 'preprocess, augment, transfer' "$SONOGRADE" compare --ablate dilation --data data --folds 2 --out no
expect 2 'say what to compare' "$SONOGRADE" compare --data data --out no
[ ! -e no ] || fail 'a refused comparison left its folder'

# One model that calls everything malignant, and one that calls everything benign.
one_class() { # RUN WEIGHTS
    train --data data --run "$1" --epochs 3 --lr 0.05 --ema 0 --class-weights list --class-weight-list "$2"
    expect 0 '' "$SONOGRADE" bundle --run "$1" -o "$1.sgb"
}
one_class wary 0.01,10,0.01
one_class calm 10,0.01,0.01
judge=(--data locked --threads 1 --draws 200)
expect 0 '' "$SONOGRADE" compare --bundles wary.sgb,wary.sgb "${judge[@]}" --out same
has stdout.txt 'is not worse' '0 of 15 images changed class'
has same/update.html 'Every image is predicted as before'
expect 5 '' "$SONOGRADE" compare --bundles wary.sgb,calm.sgb "${judge[@]}" --out update
has stdout.txt 'worse in sensitivity for malignant' '5 malignancies newly missed'
[ "$(grep -c '^newly missed malignancy: [0-9a-f]*, now benign$' stdout.txt)" = 5 ] || fail "$(cat stdout.txt)"
[ "$(column update/changed.csv change | sort | uniq -c | tr -s ' ')" = "$(printf ' 5 gained\n 5 newly missed malignancy\n 5 still wrong')" ] ||
    fail "changed: $(cat update/changed.csv)"
has update/update.json '"worse": true' '"newly_missed_malignancies": 5'
has update/update.html 'The new model is worse'
expect 0 '' "$SONOGRADE" compare --bundles wary.sgb,calm.sgb "${judge[@]}" --margin 100
expect 0 '' "$SONOGRADE" compare --bundles calm.sgb,wary.sgb "${judge[@]}" --json
has stdout.txt '"newly_found_malignancies": 5' '"worse": false'
expect 3 "in this model's training" "$SONOGRADE" compare --bundles wary.sgb,calm.sgb --data data --threads 1
expect 2 'trains nothing' "$SONOGRADE" compare --bundles wary.sgb,calm.sgb --models resnet18 --data locked
expect 2 'leave out --epochs' "$SONOGRADE" compare --bundles wary.sgb,calm.sgb --epochs 3 "${judge[@]}"
expect 4 'holds a comparison' "$SONOGRADE" compare --bundles wary.sgb,calm.sgb "${judge[@]}" --out apart
for name in args.yaml weights/best.safetensors; do
    expect 2 'part of a run' "$SONOGRADE" export wary --safetensors wary/$name
done
expect 2 'part of a run' "$SONOGRADE" runs diff wary calm -o wary/args.yaml
expect 0 '' "$SONOGRADE" export wary --safetensors wary.safetensors
expect 2 'OLD,NEW' "$SONOGRADE" compare --bundles wary.sgb --data locked
expect 3 'nowhere.sgb' "$SONOGRADE" compare --bundles wary.sgb,nowhere.sgb --data locked --threads 1
