#!/bin/bash
# A training that is killed or stopped anywhere and resumed ends in the bytes of an undisturbed one.
#   KILLS=50 tests/run tests/e2e/resume.sh      more random moments than the usual 8
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 8
options=(--data data --epochs 3 --select loss --val-share 0.2)
began=$(date +%s%N)
train "${options[@]}" --run whole
took=$(($(date +%s%N) - began))
names() { (cd "$1" && find . -type f | sed 's/tfevents\.[0-9]*/tfevents/' | sort); }
names whole >whole.txt

# Starts `train OPTION...` and kills it with -KILL at a random moment of the undisturbed duration.
kill_somewhere() {
    "$SONOGRADE" train --quiet "$@" 2>killed.txt &
    local child=$! moment=$((RANDOM * 32768 + RANDOM))
    sleep "$(awk -v m=$moment -v t="$took" 'BEGIN { printf "%.3f", m / 2^30 * t / 1e9 }')"
    kill -KILL $child 2>/dev/null || true
    wait $child 2>/dev/null || true
}

# Two kills each, the second in the resumed training. Only where nothing had begun may --resume find
# nothing; --run then takes the folder.
go_on() {
    if [ -e killed/args.yaml ]; then "$1" --resume killed; else "$1" "${small[@]}" "${options[@]}" --run killed; fi
}
for ((kills = 0; kills < ${KILLS:-8}; kills += 2)); do
    rm -rf killed
    kill_somewhere "${small[@]}" "${options[@]}" --run killed
    go_on kill_somewhere
    go_on train || fail "the resume after kill $kills failed"
    same_weights killed whole
    names killed | diff - whole.txt || fail 'other files than in an undisturbed run'
    cmp <(cut -d, -f1-8 killed/results.csv) <(cut -d, -f1-8 whole/results.csv) || fail 'another history'
done

# A finished run is left alone, whatever is asked beside.
fingerprint whole >before.txt
expect 0 'nothing to do' "$SONOGRADE" train --resume whole
expect 0 '' train --resume whole --workers 3
fingerprint whole | diff before.txt - || fail 'a finished run was changed'

# Stopped by a signal after the first epoch: a clean message, the usual code, then the same bytes.
for stop in TERM:143 INT:130 USR1:143; do
    rm -rf stopped
    "$SONOGRADE" train --quiet "${small[@]}" "${options[@]}" --run stopped 2>stopped.txt &
    child=$!
    for ((i = 0; i < 2000; i++)); do
        grep -qs '"event":"epoch"' stopped/log.jsonl && break
        sleep 0.01
    done
    kill -"${stop%:*}" $child 2>/dev/null || fail "over before SIG${stop%:*}: $(cat stopped.txt)"
    code=0
    wait $child || code=$?
    [ $code = "${stop#*:}" ] || fail "exit $code after SIG${stop%:*}: $(cat stopped.txt)"
    has stopped.txt 'all is saved' 'train --resume stopped'
    [ "$(wc -l <stopped.txt)" = 1 ] || fail "more than one line: $(cat stopped.txt)"

    # Unfinished: what predicts or judges says so, and settings cannot be changed on the way.
    if [ "$stop" = TERM:143 ]; then
        expect 3 'train --resume' "$SONOGRADE" bundle --run stopped -o no.sgb
        expect 3 'train --resume' "$SONOGRADE" evaluate --run stopped --out no
        [ ! -e no.sgb ] && [ ! -e no ] || fail 'a refused verb left something'
        expect 4 '--threads differs' "$SONOGRADE" train --resume stopped --threads 2
        expect 4 '--lr differs' "$SONOGRADE" train --resume stopped --lr 0.1
        expect 4 'begin another run' "$SONOGRADE" train --resume stopped --lr 0.1 --force-resume
        sed -i.good 's/^lr: .*/lr: 0.01/' stopped/args.yaml
        expect 4 'was made with schedule' "$SONOGRADE" train --resume stopped
        mv stopped/args.yaml.good stopped/args.yaml
        sed -i.good '$d' stopped/manifest.csv
        expect 3 '' "$SONOGRADE" train --resume stopped
        mv stopped/manifest.csv.good stopped/manifest.csv
        cp -r stopped half
        # Forced onto other threads: noted, so that a later resume asks for those.
        cp -r stopped forced
        expect 0 '' "$SONOGRADE" train --quiet --resume forced --threads 2 --force-resume
        has forced/args.yaml 'threads: 2' 'force-resume: false'
        has forced/log.jsonl '"event":"forced"'
        printf '{"event":"ep' >>stopped/log.jsonl # as a crash may leave them
        printf '9,0.1' >>stopped/results.csv
    fi
    expect 0 '' train --resume stopped --workers 2
    same_weights stopped whole
    ! grep -v '^{.*}$' stopped/log.jsonl || fail 'the log has a broken line'
    cmp <(cut -d, -f1-8 stopped/results.csv) <(cut -d, -f1-8 whole/results.csv) || fail 'another history'
done

# Killed before anything was saved: only settings are there, and it starts over.
mkdir early
sed 's/^run: .*/run: early/' whole/args.yaml >early/args.yaml
train --resume early
same_weights early whole

# Other numbers of loader threads give the same bytes.
for workers in 0 3; do
    train "${options[@]}" --workers $workers --run w$workers
    same_weights w$workers whole
done

# A damaged checkpoint is refused, whatever part of it is damaged.
size=$(stat -c %s half/weights/last.safetensors)
refused() {
    mv hurt half/weights/last.safetensors
    expect 3 last.safetensors "$SONOGRADE" train --resume half
}
cp half/weights/last.safetensors good
for at in 4 100 $((size / 2)) $((size - 3)); do
    cp good hurt
    printf '\x5a\xa5' | dd of=hurt bs=1 seek="$at" conv=notrunc status=none
    refused
done
for keep in 0 7 1000 $((size - 1)); do
    cp good hurt
    truncate -s "$keep" hurt
    refused
done
