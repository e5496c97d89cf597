#!/bin/bash
# doctor: says that all works, in words and as JSON, and fails where the folder cannot be written.
# SPDX-License-Identifier: Apache-2.0
set -u
fail() {
    echo "$1" >&2
    exit 1
}
"$SONOGRADE" doctor >plain 2>err || fail "doctor failed: $(cat plain err)"
grep -q 'Everything needed works' plain || fail "$(cat plain)"
grep -q 'backend onednn' plain || fail "no oneDNN: $(cat plain)"
grep -q 'libjpeg-turbo [0-9]' plain || fail "no JPEG library: $(cat plain)"
! grep -q 'Winograd allowed' plain || fail "training forbids Winograd: $(cat plain)"
[ ! -s err ] || fail "stderr: $(cat err)"
"$SONOGRADE" doctor --json >json || fail "doctor --json failed"
for key in '"version"' '"avx2"' '"memory_bytes"' '"checks"' '"ok": true'; do
    grep -q "$key" json || fail "no $key in: $(cat json)"
done
ls -A | grep -q '^\.sonograde' && fail "doctor left a file behind"
"$SONOGRADE" doctor --folder /no/such >plain 2>err && fail "a missing folder went unnoticed"
[ $? = 1 ] || fail "wrong exit code"
grep -q '^FAILS *writing to the folder' plain || fail "$(cat plain)"
exit 0
