# training.sh - tiny trainings for sessions that source it, after images.sh:
#     . "$(dirname "$0")/../support/images.sh"
#     . "$(dirname "$0")/../support/training.sh"
# Everything runs on one thread, so that sessions side by side do not wait for each other.
# SPDX-License-Identifier: Apache-2.0
export OMP_WAIT_POLICY=passive OMP_NUM_THREADS=1

# phantoms FOLDER N [SEED]: N phantoms of each class, 48 px.
phantoms() {
    "$SONOGRADE" data phantom --out "$1" --per-class "$2" --size 48 --seed "${3:-1}" --quiet
}

# The options of every training here, as a config file, so that what a session gives itself wins.
cat >.small.yaml <<'END'
model: mobilenetv2
size: 32
epochs: 1
batch: 8
threads: 1
workers: 1
seed: 3
END
small=(--config "$PWD/.small.yaml")

# train OPTION...: a tiny training, or on with one.
train() {
    local own='' word
    for word; do [ "$word" != --config ] || own=yes; done
    if [ "$1" = --resume ]; then
        "$SONOGRADE" train --quiet "$@"
    elif [ "$own" ]; then # with a config file of its own
        "$SONOGRADE" train --quiet --model mobilenetv2 --size 32 --batch 8 --threads 1 --workers 1 --seed 3 "$@"
    else
        "$SONOGRADE" train --quiet "${small[@]}" "$@"
    fi
}

# with OPTION VALUE: the array `now` is the array `asked` with another value of that option.
with() {
    local i
    now=("${asked[@]}")
    for i in "${!now[@]}"; do [ "${now[i]}" != "$1" ] || now[i + 1]=$2; done
}

# same_weights RUN RUN: kept and last weights are equal to the byte.
same_weights() {
    local name
    for name in best last; do
        cmp "$1/weights/$name.safetensors" "$2/weights/$name.safetensors" ||
            fail "$name weights of $1 and $2 differ"
    done
}

# fingerprint FOLDER: names, sizes and contents of all that is in it.
fingerprint() {
    (cd "$1" && find . -type f -printf '%p %s %T@\n' -exec sha256sum {} + | sort)
}

# has FILE WORDS...: all of them stand in it.
has() {
    local file=$1 words
    shift
    for words; do grep -qF -- "$words" "$file" || fail "'$words' is not in $file"; done
}

# lacks FILE WORDS...: none of them does.
lacks() {
    local file=$1 words
    shift
    for words; do ! grep -qF -- "$words" "$file" || fail "'$words' is in $file"; done
}

# column FILE NAME: that column of a table whose cells hold no comma.
column() {
    awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; next } { print $at }' "$1"
}
