#!/bin/bash
# Ctrl-C, SIGTERM, kill -9 and failure of a search whose members are trained by several processes: all of them
# end, no finished epoch is trained again, and what is found is what an undisturbed search finds.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 4
search=(tune --quiet --data data --size 32 --batch 4 --inner 2 --threads 1 --finalists 1 --repeats 0
    --method pbt --population 2 --every 3 --epochs 6 --side-by-side 2
    --param 'lr=float 1e-4 1e-2 log; label-smoothing=float 0 0.2')
study=$PWD/s.db

"$SONOGRADE" "${search[@]}" --study whole.db >whole.txt

trap 'kill -9 $(pgrep -f -- "--study[= ]$study") 2>/dev/null || true' EXIT
processes() { pgrep -f -- "--study[= ]$study" | wc -l; }
epochs() { cat "$study".trials/*/inner*/results.csv 2>/dev/null | grep -c '^[0-9]' || true; }

# until_true WORDS CONDITION...: waits for it, ten seconds.
until_true() {
    local words=$1 i
    shift
    for ((i = 0; i < 1000; i++)); do
        if eval "$*"; then return; fi
        sleep 0.01
    done
    fail "$words ($(cat stopped.txt))"
}

# stop SIGNAL CODE [-]: as soon as both are at work and an epoch is trained; with - as a terminal does
# it, which tells all processes.
stop() {
    local before code=0 child
    before=$(epochs)
    setsid "$SONOGRADE" "${search[@]}" --study "$study" 2>stopped.txt &
    child=$!
    until_true 'two processes and an epoch' '[ "$(processes)" = 2 ] && [ "$(epochs)" -gt '$before' ]'
    kill "-$1" -- "${3:-}$child"
    until_true "all processes end by SIG$1" '[ "$(processes)" = 0 ]'
    wait $child || code=$?
    [ $code = "$2" ] || fail "exit $code in place of $2 ($(cat stopped.txt))"
    [ "$(epochs)" -lt 24 ] || fail "the search went on after SIG$1"
    for table in "$study".trials/*/inner*/results.csv; do cp "$table" "kept-$1-${table//\//-}"; done
}

stop INT 130 -
[ "$(grep -cF "the same command goes on with the study $study" stopped.txt)" = 1 ] || fail "$(cat stopped.txt)"
stop TERM 143
stop KILL 137

expect 0 '' "$SONOGRADE" "${search[@]}" --study "$study"
# Rows hold the seconds that an epoch took: one that was trained again would not have the same. The
# process that was killed may have had no time to save its last one.
sed -i '$d' kept-KILL-*
for table in "$study".trials/*/inner*/results.csv; do
    for kept in kept-*"${table//\//-}"; do
        [ ! -e "$kept" ] || cmp -n "$(stat -c %s "$kept")" "$kept" "$table" || fail "$kept was trained again"
    done
done
cmp <(sed 1d whole.db.trials/schedule.yaml) <(sed 1d s.db.trials/schedule.yaml)

# Where one cannot go on (no folder can be made there), the others do not wait for it.
study=$PWD/e.db
mkdir -p e.db.trials/0000
touch e.db.trials/0000/inner1
expect 3 'e.db.trials/0000/inner1' timeout 60 "$SONOGRADE" "${search[@]}" --study "$study"
[ "$(processes)" = 0 ] || fail "left behind: $(pgrep -af "$study")"
