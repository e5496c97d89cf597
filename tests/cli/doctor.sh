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
# Threads that wait spin for a bounded time unless the user has said how to wait.
alone() { env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT "$@"; }
says() { grep -q "^waiting  *$1\$" plain || fail "not '$1': $(cat plain)"; }
alone "$SONOGRADE" doctor --folder . >plain || fail "doctor failed when started anew"
says GOMP_SPINCOUNT=10000
alone OMP_WAIT_POLICY=active "$SONOGRADE" doctor >plain && says OMP_WAIT_POLICY=active
alone GOMP_SPINCOUNT=7 "$SONOGRADE" doctor >plain && says GOMP_SPINCOUNT=7
cp "$SONOGRADE" moved && alone bash -c 'exec -a another ./moved doctor --folder "a b"' >plain
grep -q '^FAILS.*a b' plain || fail "an argument was lost on the way: $(cat plain)"
ls -A | grep -q '^\.sonograde' && fail "doctor left a file behind"
"$SONOGRADE" doctor --folder /no/such >plain 2>err && fail "a missing folder went unnoticed"
[ $? = 1 ] || fail "wrong exit code"
grep -q '^FAILS *writing to the folder' plain || fail "$(cat plain)"
exit 0
