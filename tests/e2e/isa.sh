#!/bin/bash
# oneDNN's code for lesser processors against the reference, operation by operation, where this machine
# can run it (`make conformance-isa` does the whole suite, our own loops included).
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"

suite=$SG_ROOT/build/tests/conformance
for isa in SSE41 AVX2; do
    for test in test_ops test_stored; do
        ONEDNN_MAX_CPU_ISA=$isa OMP_NUM_THREADS=1 "$suite/$test" >"$test.txt" 2>&1 ||
            fail "$test with ONEDNN_MAX_CPU_ISA=$isa: $(tail -n 20 "$test.txt")"
    done
done
