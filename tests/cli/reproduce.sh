#!/bin/bash
# The paper's experiment, as small as it gets, and its settings.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

expect 0 '' "$SONOGRADE" reproduce --print-config
diff stdout.txt "$SG_ROOT/configs/paper.yaml" || fail 'configs/paper.yaml is not what is built in'
phantoms data 4
expect 2 'none of the paper' "$SONOGRADE" reproduce --data data --folds 2 --out no --weights mobilenetv2=x
expect 2 'learning-rate' "$SONOGRADE" reproduce --data data --folds 2 --out no --set learning-rate=1
[ ! -e no ] || fail 'a refused experiment left its folder'

asked=(--data data --models googlenet --size 32 --epochs 1 --folds 2 --threads 1 --draws 200 --out paper)
expect 0 'googlenet-random (arm 2 of 2)' "$SONOGRADE" reproduce "${asked[@]}" --set 'batch=4'
has stdout.txt 'googlenet-random against googlenet'
has paper/arms/googlenet/args.yaml 'lr: 0.0001' 'weight-decay: 0.0005' 'contrast: clahe' 'batch: 4' 'epochs: 1'
has paper/arms/googlenet-random/args.yaml 'ungrouped: true'
has paper/report.html 'Beside the published table' '98.46' 'reduced settings'
has paper/explore.html 'Class balance'
[ -s paper/preprocessing.png ] || fail 'no picture of the preprocessing'
with --size 48
expect 4 '--size differs' "$SONOGRADE" reproduce "${now[@]}" --set 'batch=4'
