#!/bin/bash
# Ctrl-C of long looks at images: the documented exit code, the reason, and nothing half-written; what
# was there before stays as it was.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 40
train --data data --run r1
"$SONOGRADE" bundle --run r1 -o m.sgb --no-profile --quiet
mkdir out

# stopped SIGNAL CODE WORDS COMMAND...: gets the signal as soon as it listens to signals (it has
# SIGUSR1 last of them), says the words and ends with the code.
stopped() {
    local signal=$1 code=0 expected=$2 words=$3 pid caught=0
    shift 3
    "$@" >stdout.txt 2>stderr.txt &
    pid=$!
    for ((i = 0; i < 3000 && !(16#$caught & 0x200); i++)); do
        caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$pid/status")
        sleep 0.01
    done
    kill -"$signal" $pid || fail "it ended before it could be stopped: $* ($(cat stderr.txt))"
    wait $pid || code=$?
    [ $code = "$expected" ] || fail "exit $code in place of $expected: $* ($(cat stderr.txt))"
    has stderr.txt "$words"
}

asked=(--bundle m.sgb --threads 1)
stopped INT 130 'of 120 images' "$SONOGRADE" read data "${asked[@]}" --out out/page.html
stopped TERM 143 'of 120 images' "$SONOGRADE" read data "${asked[@]}" --out out/page.html
stopped INT 130 'training images' "$SONOGRADE" bundle --run r1 -o out/new.sgb
stopped INT 130 'training images' "$SONOGRADE" export r1 --zip out/new.zip
stopped INT 130 'stopped after' "$SONOGRADE" drift --baseline data data "${asked[@]}"
[ ! -s stdout.txt ] || fail "half an answer: $(cat stdout.txt)"
stopped INT 130 'of 120 images' "$SONOGRADE" explain data "${asked[@]}" --layer features.13.add --out out/maps
[ ! -e out/maps/report.html ] || fail 'a stopped explain wrote its page'
rm -rf out/maps # pictures that were finished are whole
[ -z "$(find out -mindepth 1)" ] || fail "left behind: $(find out -mindepth 1)"

echo older >out/page.html
cp m.sgb out/new.sgb
stopped INT 130 stopped "$SONOGRADE" read data "${asked[@]}" --out out/page.html
stopped INT 130 stopped "$SONOGRADE" bundle --run r1 -o out/new.sgb
[ "$(cat out/page.html)" = older ] || fail 'Ctrl-C harmed the older page'
cmp m.sgb out/new.sgb || fail 'Ctrl-C harmed the older bundle'
[ "$(find out -mindepth 1 | wc -l)" = 2 ] || fail "left behind: $(find out -mindepth 1)"
