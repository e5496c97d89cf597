#!/bin/bash
# A training with --deterministic ends in the same bytes every time, on two threads, and neither reads
# nor writes what was measured on this machine.
#   RUNS=20 tests/run tests/e2e/repeats.sh      more than the usual 3
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"
export OMP_NUM_THREADS=2

phantoms data 8
options=(--data data --batch 16 --val-share 0.2 --threads 2 --workers 2 --deterministic)
export XDG_CACHE_HOME=$PWD/cache
train "${options[@]}" --run first
[ ! -e cache ] || fail "a cache was written: $(find cache)"

# What a fast training remembers must not reach a deterministic one.
train --data data --batch 16 --val-share 0.2 --threads 2 --run fast
for ((i = 1; i < ${RUNS:-3}; i++)); do
    rm -rf again
    train "${options[@]}" --run again
    same_weights first again
done
