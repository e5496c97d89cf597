#!/bin/bash
# A run's model in bytes: accepted on validation images or refused, kept in the bundle, used where
# bytes are faster; elsewhere the same bundle answers like the float32 one.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 8
train --data data --model resnet18 --run r1
image=$(find data -name '*.png' ! -name '*_mask*' | sort | head -1)
quantize=("$SONOGRADE" bundle quantize --run r1 --threads 1)

expect 2 'say which file' "${quantize[@]}"
expect 2 'name the run folder' "$SONOGRADE" bundle quantize -o q.sgb
train --data data --model resnet18 --folds 2 --fold 0 --val-share 0 --run blind
expect 3 'no validation images' "$SONOGRADE" bundle quantize --run blind -o no.sgb
ONEDNN_MAX_CPU_ISA=AVX2 expect 1 'not applicable' "${quantize[@]}" -o no.sgb
[ ! -e no.sgb ] || fail 'a refusal wrote a bundle'

# float32 answers do not depend on the processor's vectors, but for rounding
expect 0 '' "$SONOGRADE" bundle --run r1 -o f.sgb
for isa in ALL AVX2 SSE41; do
    ONEDNN_MAX_CPU_ISA=$isa expect 0 '' "$SONOGRADE" predict --bundle f.sgb --threads 1 --csv "$image"
    tr -d '\r' <stdout.txt >"$isa.csv"
    awk -F, 'NR == FNR { for (i = 5; i <= 13; i++) p[FNR, i] = $i; next }
        FNR > 1 { for (i = 5; i <= 13; i++) if (($i - p[FNR, i]) ^ 2 > 1e-10) exit 1 }' ALL.csv "$isa.csv" ||
        fail "another answer with $isa: $(cat "$isa.csv")"
done

grep -q avx512_vnni /proc/cpuinfo || exit 0

expect 0 'accepted' "${quantize[@]}" -o q.sgb --json
has stdout.txt '"numbers": "int8"' '"equal_decisions": 1.0' '"calibration_images":'
expect 0 '' "$SONOGRADE" predict --bundle q.sgb --threads 1 --json --allow-phantom-model "$image"
has stdout.txt '"numbers": "int8"'
expect 0 '' "$SONOGRADE" predict --bundle f.sgb --threads 1 --json --allow-phantom-model "$image"
has stdout.txt '"numbers": "float32"'
ONEDNN_MAX_CPU_ISA=AVX2 expect 0 '' "$SONOGRADE" predict --bundle f.sgb --threads 1 --json "$image"
sed '/"assessment"/,/^      },/d' stdout.txt >float.json # features were learned with other numbers
ONEDNN_MAX_CPU_ISA=AVX2 expect 0 '' "$SONOGRADE" predict --bundle q.sgb --threads 1 --json "$image"
sed '/"assessment"/,/^      },/d' stdout.txt | cmp - float.json || fail 'without VNNI the bundle does not answer in float32'

# It knows what a poor image is, as `bundle` does; its self-test answers in both kinds of numbers.
lacks stdout.txt '"quality": null'
for isa in ALL AVX2; do
    ONEDNN_MAX_CPU_ISA=$isa expect 0 '' "$SONOGRADE" selftest --bundle q.sgb --threads 1
done
expect 0 '' "$SONOGRADE" bundle q.sgb -o copy.sgb
cmp q.sgb copy.sgb || fail 'a copied bundle lost what it knew'
