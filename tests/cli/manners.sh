#!/bin/bash
# The manners of the command line: help, version, nearest names, exit codes, streams.
# SPDX-License-Identifier: Apache-2.0
set -u
fail() {
    echo "$1" >&2
    exit 1
}
# expect CODE TEXT-ON-STDERR COMMAND...: the exit code, the words, and nothing on standard output.
expect() {
    local code=$1 text=$2 got
    shift 2
    "$@" >out 2>err </dev/null
    got=$?
    [ $got = "$code" ] || fail "'$*' gave $got, not $code: $(cat err)"
    grep -qF -- "$text" err || fail "'$*' does not say '$text': $(cat err)"
    [ ! -s out ] || fail "'$*' wrote to standard output: $(cat out)"
}

"$SONOGRADE" --version | grep -qE '^sonograde [0-9]+\.[0-9]+\.[0-9]+ \(' || fail "no version"
"$SONOGRADE" --help | grep -q 'Research use only' || fail "no overview"
[ "$("$SONOGRADE" help)" = "$("$SONOGRADE" --help)" ] || fail "help differs from --help"
expect 2 "Usage" "$SONOGRADE"
expect 2 "did you mean 'doctor'?" "$SONOGRADE" doctr
expect 2 "did you mean 'data manifest'?" "$SONOGRADE" data manifets x
expect 2 "needs a second word: data" "$SONOGRADE" data --folds 5
for words in 'data' 'data --help' 'help data'; do
    # shellcheck disable=SC2086
    "$SONOGRADE" $words >family 2>err || fail "'$words' failed: $(cat err)"
    [ "$(grep -c '^  data ' family)" = "$("$SONOGRADE" --help | grep -c '^  data ')" ] || fail "'$words': $(cat family)"
done
expect 2 "did you mean --folder?" "$SONOGRADE" doctor --foldr .
expect 2 "one argument too many" "$SONOGRADE" doctor here
expect 2 "not 'nonsense'" "$SONOGRADE" docs nonsense
expect 3 "No such file" "$SONOGRADE" docs man -o no/such/folder/man.1

# Every verb has help that names itself, and a second look says the same.
"$SONOGRADE" --help | sed -n 's/^  \([a-z-]*\( [a-z-]*\)\?\)  .*/\1/p' >verbs
[ "$(wc -l <verbs)" -ge 5 ] || fail "few verbs: $(cat verbs)"
while read -r verb; do
    # shellcheck disable=SC2086
    "$SONOGRADE" $verb --help >help 2>err || fail "$verb --help failed"
    grep -q "^Usage: sonograde $verb" help || fail "$verb --help does not name itself"
    [ ! -s err ] || fail "$verb --help wrote to stderr"
    # shellcheck disable=SC2086
    [ "$("$SONOGRADE" help $verb)" = "$(cat help)" ] || fail "help $verb differs"
done <verbs

# Control characters in a name do not reach the terminal.
"$SONOGRADE" "$(printf 'bad\033[31mname')" 2>err
grep -q "$(printf '\033')" err && fail "an escape sequence reached stderr"

# A reader that leaves early is no failure; a full disk is.
expect 2 "the file name is empty" "$SONOGRADE" train --data "" --run r
"$SONOGRADE" docs usage | true
[ "${PIPESTATUS[0]}" = 0 ] || fail "an early reader made it fail"
"$SONOGRADE" docs usage >/dev/full 2>err && fail "a full disk went unnoticed"
grep -q 'disk full' err || fail "a full disk was not named: $(cat err)"
exit 0
