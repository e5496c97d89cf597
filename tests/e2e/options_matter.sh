#!/bin/bash
# What options promise is seen in what a training leaves: the chosen epoch, early stopping, the average,
# validation without augmentation, sampling. Each line fails when its
# option is read and then forgotten. SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 8
base=(--data data --val-share 0.25)

# tensor FILE NAME: digest of that tensor's bytes in a safetensors file.
tensor() {
    local size begin end
    size=$(od -An -t u8 -N 8 "$1" | tr -d ' ')
    read -r begin end < <(tail -c +9 "$1" | head -c "$size" | grep -o "\"$2\":{[^}]*}" | head -1 |
        sed 's/.*"data_offsets":\[\([0-9]*\),\([0-9]*\)\].*/\1 \2/')
    [ -n "${end:-}" ] || fail "$1 has no tensor $2"
    tail -c +$((9 + size + begin)) "$1" | head -c $((end - begin)) | sha256sum
}
# said FILE KEY: the number that a model file's description gives.
said() { tr -d '\\' <"$1" | grep -ao "\"$2\":[-0-9.e]*" | head -1 | cut -d: -f2; }
layer=features.0.0.weight

# Without --select the averaged weights of the last epoch are kept.
train "${base[@]}" --epochs 2 --run plain
[ "$(tensor plain/weights/best.safetensors model.$layer)" = "$(tensor plain/weights/last.safetensors ema.$layer)" ] ||
    fail 'the weights kept are not the average'
[ "$(tensor plain/weights/last.safetensors ema.$layer)" != "$(tensor plain/weights/last.safetensors model.$layer)" ] ||
    fail 'the average is no average'

# Validation sees the averaged weights and plain images: its loss is that of the logits of evaluate.
expect 0 '' "$SONOGRADE" evaluate --run plain --split val --out val --threads 1 --draws 200
awk -F, -v told="$(awk -F, 'END { print $5 }' plain/results.csv)" '
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { z = exp($at["logit_benign"]) + exp($at["logit_malignant"]) + exp($at["logit_normal"])
      loss += log(z) - $at["logit_" $at["label"]]; n++ }
    END { d = loss / n - told; exit !(n > 3 && d < 1e-4 && d > -1e-4) }' val/predictions.csv ||
    fail "val_loss $(tail -1 plain/results.csv) is not that of val/predictions.csv"

# The best epoch is kept, not another: rates rise until the last epochs are the worst.
train "${base[@]}" --epochs 4 --select loss --optimizer sgd --lr 3 --warmup 0.99 --ema 0 --clip-norm 1 --run chosen
best=$(awk -F, 'NR > 1 && (least == "" || $5 < least) { least = $5; epoch = $1 } END { print epoch }' chosen/results.csv)
[ "$best" != 4 ] || fail "the last epoch is the best, nothing is tested: $(cat chosen/results.csv)"
[ "$(said chosen/weights/best.safetensors epoch)" = "$best" ] || fail "epoch $best was not chosen: $(cat chosen/results.csv)"
[ "$(tensor chosen/weights/best.safetensors model.$layer)" != "$(tensor chosen/weights/last.safetensors model.$layer)" ] ||
    fail 'the weights of the chosen epoch were not taken'

# Two epochs without a better figure end it: with a rate of nothing the first stays the best.
train "${base[@]}" --epochs 6 --select accuracy --patience 2 --lr 1e-12 --warmup 0 --ema 0 --weight-decay 0 \
    --fixed-norms --run patient
[ "$(tail -n +2 patient/results.csv | wc -l)" = 3 ] || fail "patience 2 ended after: $(cat patient/results.csv)"

# Options of which a forgotten one would leave the weights as they are.
for option in --balanced-sampler '--mixup 0.4'; do
    rm -rf other
    read -ra words <<<"$option"
    train "${base[@]}" --epochs 2 "${words[@]}" --run other
    ! cmp -s plain/weights/best.safetensors other/weights/best.safetensors || fail "$option changes nothing"
done

# Running the forward pass again leaves the same bytes and takes less memory on the way.
planned() { sed -n 's/.*plan of \([0-9]*\) MB.*/\1/p' "$1"; }
rm -rf other
for run in whole other; do
    more=()
    [ $run = whole ] || more=(--recompute)
    "$SONOGRADE" train "${small[@]}" "${base[@]}" --epochs 2 "${more[@]}" --run $run 2>$run.txt || fail "$(cat $run.txt)"
done
cmp plain/weights/best.safetensors other/weights/best.safetensors || fail '--recompute changes the weights'
[ "$(planned other.txt)" -lt "$(planned whole.txt)" ] || fail "--recompute saves nothing: $(planned other.txt) MB"
