#!/bin/bash
# What run folders there are, what sets some apart, and their curves on one page.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 5
train --data data --run deep/one --epochs 2 --val-share 0.2
train --data data --folds 2 --fold 0 --run deep/er/two --lr 1e-3
mkdir -p deep/none
expect 0 '' "$SONOGRADE" runs list deep
[ "$(wc -l <stdout.txt)" = 3 ] || fail "$(cat stdout.txt)"
grep -q '^finished  *mobilenetv2 .* 2/2 .* 1/1 .* deep/one$' stdout.txt || fail "$(cat stdout.txt)"
grep -q '^unfinished  *mobilenetv2 .* 1/1 .* 1/2 .* - .* deep/er/two$' stdout.txt || fail "$(cat stdout.txt)"
(cd deep/none && "$SONOGRADE" runs list | grep -q 'no run folder')
expect 0 '' "$SONOGRADE" runs list deep --json
has stdout.txt '"state": "finished"' '"epochs_done": 2' '"val_accuracy": null'
expect 3 'no folder nowhere' "$SONOGRADE" runs list nowhere

expect 0 '' "$SONOGRADE" runs diff deep/one deep/er/two -o diff.html
has stdout.txt 'lr: 0.0006 | 0.001' 'epochs: 2 | 1' 'folds: - | 2'
lacks stdout.txt 'batch:' 'run:'
has diff.html 'Settings that differ' 'Training loss' 'deep/er/two'
expect 0 '' "$SONOGRADE" runs diff deep/one deep/one
has stdout.txt 'the same options'
expect 3 'no run folder' "$SONOGRADE" runs diff deep/one deep/none
expect 2 '' "$SONOGRADE" runs diff deep/one
