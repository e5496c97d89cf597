#!/bin/bash
# What train, evaluate, bundle and predict refuse: the exit code, a sentence that names the thing, and
# nothing left behind.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

# refuse CODE WORDS OPTION...: train does, and no folder `no` is left.
refuse() {
    local code=$1 words=$2
    shift 2
    expect "$code" "$words" train "$@" --run no
    [ ! -e no ] || fail "a refused training left a folder: $*"
    [ "$(grep -c "^sonograde: " stderr.txt)" = 1 ] || fail "not one sentence: $(cat stderr.txt)"
}

phantoms data 8
train --data data --run done
"$SONOGRADE" bundle --run done -o done.sgb --quiet
expect 2 'named twice' "$SONOGRADE" bundle --run done ./done -o no.sgb
expect 2 'named like an image' "$SONOGRADE" bundle --run done -o no.jpg

# ---- options ----
refuse 2 'mobilenetv2' --data data --model mobilnetv2
refuse 2 'did you mean --epochs' --data data --epoch 3
refuse 2 '--batch' --data data --batch 0
refuse 2 '--data' --epochs 1
refuse 2 'exclude each other' --data data --weights x --from-bundle y
refuse 2 '--select' --data data --patience 2
refuse 2 '--class-weights list' --data data --class-weight-list 1,2,3
refuse 2 '--test-share' --data data --folds 3 --test-share 0.3
printf 'epochs: 1\nlearning-rate: 1\n' >bad.yaml
refuse 2 "unknown setting 'learning-rate'" --data data --config bad.yaml
printf 'epochs: 1\nweight_decay: 0.1\n' >bad.yaml
refuse 2 "did you mean 'weight-decay'" --data data --config bad.yaml
printf 'epochs: [1\n' >bad.yaml
refuse 3 bad.yaml --data data --config bad.yaml
printf 'epochs: 3\nlr: 0.001\n' >good.yaml
train --data data --config good.yaml --epochs 1 --run conf
has conf/args.yaml 'lr: 0.001' 'epochs: 1'

# ---- the run folder ----
expect 2 'done is not empty' train --data data --run done
mkdir -p photos && echo mine >photos/note.txt
expect 2 'photos is not empty' train --data data --run photos
[ -f photos/note.txt ] || fail 'a file of the user is gone'
expect 2 '--run' "$SONOGRADE" train --data data
expect 3 'no run folder' "$SONOGRADE" train --resume photos
expect 3 'no run folder' "$SONOGRADE" train --resume nowhere
expect 0 '' train --data data --run done2
train --data data --overwrite --run done2
same_weights done done2
"$SONOGRADE" train --quiet "${small[@]}" --epochs 500 --data data --run busy 2>busy.txt &
child=$!
for ((i = 0; i < 3000; i++)); do
    [ -s busy/weights/last.safetensors ] && break
    sleep 0.01
done
expect 3 'is in use' train --resume busy
expect 3 'is in use' train --data data --overwrite --run busy
[ -s busy/weights/last.safetensors ] || fail 'a run in use was deleted'
kill -TERM $child
wait $child || true
has busy.txt 'all is saved'
echo 'epochs: [' >busy/args.yaml
expect 3 args.yaml train --resume busy
printf 'epochs: 3\nnonsense: 1\n' >busy/args.yaml
expect 2 "unknown setting 'nonsense'" train --resume busy

# ---- numbers that leave the finite ----
expect 1 ', batch ' train --data data --optimizer sgd --lr 100 --warmup 0 --epochs 30 --clip-norm 0 --momentum 0.99 --weight-decay 10 --run hot
has stderr.txt 'epoch ' 'features.' '--lr'

# ---- splits ----
# Two images of each patient; one of a pair is moved to the other side.
awk -F, 'NR == 1 { print "path,class,patient" } NR > 1 { print $1 "," $2 ",P" $2 int(NR / 2) }' done/manifest.csv >data/patients.csv
"$SONOGRADE" data split data --manifest data/patients.csv --group-by patient --fractions 0.6,0.2,0.2 -o fair.csv --quiet
moved=$(awk -F, '$3 == "test" { print $1; exit }' fair.csv)
awk -F, -v OFS=, -v path="$moved" '$1 == path { $3 = "train" } { print }' fair.csv >unfair.csv
own=(--manifest data/patients.csv --group-by patient)
refuse 3 "divides group 'P" "${own[@]}" --splits unfair.csv
expect 0 '' train "${own[@]}" --splits unfair.csv --ungrouped --run marked
expect 0 '' "$SONOGRADE" evaluate --run marked --out marked_report --threads 1 --draws 200
has stdout.txt 'split by image (marked)'
has marked_report/metrics.json '"split_unit": "image"'
grep -qi 'ungrouped\|split by image\|both sides' marked_report/report.html || fail 'the report is not marked'
printf 'path,class,split\nghost.png,benign,train\n' >ghost.csv
refuse 3 ghost.png --data data --splits ghost.csv
sed 2d done/splits.csv >gap.csv
expect 0 'does not name 1 of 24 images' "$SONOGRADE" train "${small[@]}" --data data --splits gap.csv --run gap

# ---- seen images, phantoms and others ----
expect 3 'training or validation' "$SONOGRADE" evaluate --bundle done.sgb --data data --out no
[ ! -e no ] || fail 'a refused evaluation left something'
expect 0 '' "$SONOGRADE" evaluate --bundle done.sgb --data data --out seen --allow-seen --threads 1 --draws 200
grep -qi 'seen\|training images' seen/report.html || fail 'the report is not marked'
for class in benign malignant normal; do
    for i in 0 1 2 3; do picture $i "real/$class/$class ($i).png"; done
done
expect 3 'simulated images' "$SONOGRADE" predict --bundle done.sgb 'real/benign/benign (1).png'
expect 3 'simulated images' "$SONOGRADE" evaluate --bundle done.sgb --data real --out no
[ ! -e no ] || fail 'a refused evaluation left something'
expect 0 '' "$SONOGRADE" predict --bundle done.sgb --allow-phantom-model --threads 1 'real/benign/benign (1).png'
# Where a table is rooted makes no phantom of an image, and no image of a phantom.
{
    echo path,class
    for class in benign malignant normal; do
        for i in 1 2 3 4; do echo "data/$class/$class ($i).png,$class"; done
    done
} >above.csv
train --manifest above.csv --run above
expect 3 'simulated images' "$SONOGRADE" predict --run above 'real/benign/benign (1).png'
expect 0 '' "$SONOGRADE" evaluate --run above --out above_report --threads 1 --draws 200
has above_report/metrics.json '"simulated":'
expect 2 '--split' "$SONOGRADE" evaluate --run done --data other --split val --out no
expect 2 '--group-by' "$SONOGRADE" evaluate --run done --group-by 'x(.)' --out no
phantoms other 2 9
cp -r other other_phantoms
expect 0 '' "$SONOGRADE" evaluate --bundle done.sgb --data other --out other_report --threads 1 --draws 200
[ "$(column other_report/predictions.csv split | sort -u)" = external ] || fail 'not external'
mkdir -p other/cyst && cp other/benign/*1*.png other/cyst/
expect 3 "class 'cyst'" "$SONOGRADE" evaluate --bundle done.sgb --data other --out no

# ---- data ----
mkdir -p one && cp -r data/benign one/
refuse 3 class --data one
cp -r data few && find few/normal -name '*.png' | sort | tail -n +3 | xargs -d '\n' rm
refuse 3 normal --data few
cp -r data hollow && rm -f hollow/normal/*
refuse 3 normal --data hollow
for ((i = 1; i <= 65; i++)); do
    mkdir -p "many/kind$i" && cp 'data/benign/benign (1).png' 'data/benign/benign (2).png' "many/kind$i/"
done
refuse 3 '65 classes' --data many
expect 3 'kind' "$SONOGRADE" evaluate --bundle done.sgb --data many --out no
mkdir -p void
refuse 3 void --data void
refuse 3 nowhere --data nowhere
cp -r data hurt
victim=$(find hurt/benign -name '*.png' | grep -v _mask | sort | head -1)
truncate -s 200 "$victim"
refuse 3 "$(basename "$victim")" --data hurt
expect 0 "$(basename "$victim")" train --data hurt --skip-bad --run skipped
lacks skipped/manifest.csv "$(basename "$victim")"
has skipped/skipped.csv "$(basename "$victim")"
expect 0 '' "$SONOGRADE" evaluate --run skipped --out skipped_report --threads 1 --draws 200
has skipped_report/metrics.json '"skipped_files": 1'
has skipped_report/report.html 'Files left out' '1 could not be read and was left out'
expect 3 "$(basename "$victim")" "$SONOGRADE" predict --run skipped "$victim"
expect 0 'left out' "$SONOGRADE" predict --run skipped --threads 1 --csv --skip-bad hurt/benign
[ "$(grep -c '^hurt' stdout.txt)" = 7 ] || fail "$(cat stdout.txt)"
expect 3 "$(basename "$victim")" "$SONOGRADE" evaluate --run done --data hurt --allow-seen --out no

# ---- data that moved or changed since the training ----
cp -r data gone
train --data gone --run own
expect 0 '' "$SONOGRADE" evaluate --run own --out own_report --threads 1 --draws 200
mkdir -p attic && mv gone attic/set
expect 3 'say where the images lie (--data DIR)' "$SONOGRADE" evaluate --run own --out no
for where in attic/set attic; do
    expect 0 "run's own images lie in attic/set" "$SONOGRADE" evaluate --run own --data "$where" --out moved --threads 1 --draws 200
    cmp own_report/predictions.csv moved/predictions.csv || fail "judged otherwise in $where"
    rm -r moved
done
expect 0 'val part' "$SONOGRADE" evaluate --run own --data attic/set --split val --out moved --threads 1 --draws 200
[ "$(column moved/predictions.csv split | sort -u)" = val ] || fail 'rows of other parts than val'
expect 3 'training or validation' "$SONOGRADE" evaluate --run own --data attic/set --group-by '(.*)' --out no
expect 0 '' "$SONOGRADE" evaluate --run own --data other_phantoms --out foreign --threads 1 --draws 200
[ "$(column foreign/predictions.csv split | sort -u)" = external ] || fail 'not external'
changed=$(awk -F, 'NR == 2 { print $1 }' own_report/predictions.csv)
cp "attic/set/$(awk -F, '$3 == "train" { print $1; exit }' own/splits.csv)" "attic/set/$changed"
expect 3 "$changed is another image than the manifest lists" "$SONOGRADE" evaluate --run own --data attic/set --out no
[ ! -e no ] || fail 'a refused evaluation left something'

# ---- weights ----
refuse 3 nowhere.safetensors --data data --weights nowhere.safetensors
refuse 3 resnet50 --data data --weights done/weights/best.safetensors --model resnet50
head -c 5000 done/weights/best.safetensors >short.safetensors
refuse 3 short.safetensors --data data --weights short.safetensors
echo '{}' >not.safetensors
refuse 3 not.safetensors --data data --weights not.safetensors
refuse 2 'no layer' --data data --freeze featurez
# One weight becomes NaN: the header keeps its size, the last value of the file is overwritten.
cp done/weights/best.safetensors nan.safetensors
printf '\xff\xff\xff\x7f' | dd of=nan.safetensors bs=1 seek=$(($(stat -c %s nan.safetensors) - 4)) conv=notrunc status=none
refuse 3 nan.safetensors --data data --weights nan.safetensors
expect 3 short.safetensors "$SONOGRADE" predict --bundle short.safetensors "$victim"
expect 3 nan.safetensors "$SONOGRADE" predict --bundle nan.safetensors "$victim"

# ---- what is not there: exit 3 and the name, whatever asks for it ----
refuse 3 'nowhere' --data nowhere
refuse 3 'nowhere.csv' --manifest nowhere.csv
refuse 3 'nowhere.csv' --data data --splits nowhere.csv
refuse 3 'nowhere.csv' --data data --folds nowhere.csv
refuse 3 'nowhere.sgb' --data data --from-bundle nowhere.sgb
refuse 3 'nowhere.yaml' --data data --config nowhere.yaml
for verb in "predict --bundle nowhere.sgb $victim" "predict --run nowhere $victim" \
    'predict --bundle done.sgb nowhere.png' 'predict --bundle done.sgb --list nowhere.txt' \
    'evaluate --run nowhere --out no' 'evaluate --bundle nowhere.sgb --data other --out no' \
    'evaluate --bundle done.sgb --data nowhere --out no' \
    'evaluate --bundle done.sgb --manifest nowhere.csv --out no' \
    'bundle --run nowhere -o no' 'data manifest nowhere -o no' 'data explore nowhere -o no' \
    'data split --manifest nowhere.csv -o no' 'preprocess nowhere no'; do
    IFS=' ' read -ra words <<<"${verb/$victim/victim.png}"
    [ "${words[-1]}" != victim.png ] || words[-1]=$victim
    expect 3 nowhere "$SONOGRADE" "${words[@]}"
    grep -q 'check the \(path\|name\)' stderr.txt || fail "no remedy: $(cat stderr.txt)"
    [ ! -e no ] || fail "left something: $verb"
done

