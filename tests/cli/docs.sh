#!/bin/bash
# docs: what is generated from the option tables is complete and well-formed.
# SPDX-License-Identifier: Apache-2.0
set -u
fail() {
    echo "$1" >&2
    exit 1
}
"$SONOGRADE" docs man -o sonograde.1 && "$SONOGRADE" docs completion -o sonograde.bash &&
    "$SONOGRADE" docs usage -o usage.md || fail "docs failed"
head -n 1 sonograde.1 | grep -q '^\.TH SONOGRADE 1' || fail "no man page head"
grep -q '^\.SS doctor' sonograde.1 || fail "doctor is not in the man page"
grep -q '^\.SS docs' sonograde.1 && fail "the hidden verb is in the man page"
grep -q '^## sonograde doctor' usage.md || fail "doctor is not in the usage page"
diff usage.md "$(dirname "$0")/../../docs/usage.md" >&2 || fail "docs/usage.md is stale: make docs"
bash -n sonograde.bash || fail "completion is not bash"

# complete WORD...: what is offered for the last word.
complete_words() {
    COMP_WORDS=(sonograde "$@")
    COMP_CWORD=$#
    COMPREPLY=()
    _sonograde
    echo "${COMPREPLY[*]}"
}
complete() { :; }
# shellcheck disable=SC1091
. ./sonograde.bash
[ "$(complete_words doc)" = doctor ] || fail "doc -> $(complete_words doc)"
[[ $(complete_words data '') == *manifest*phantom* ]] || fail "data -> $(complete_words data '')"
[[ " $(complete_words doctor --f) " == *" --folder "* ]] || fail "--f -> $(complete_words doctor --f)"
[[ " $(complete_words data manifest --) " == *" --json "* ]] || fail "$(complete_words data manifest --)"
exit 0
