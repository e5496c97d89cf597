#!/bin/bash
# The page about the data: self-contained, escaped, repeatable, and silent about paths.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"

picture 0 'secret place/<b>bold & "co"/patient Smith.png' 'secret place/normal/2.png'
picture 1 'secret place/<b>bold & "co"/1.png' 'secret place/<b>bold & "co"/1_mask.png'
picture 2 'secret place/normal/3.png'

expect 0 '' "$SONOGRADE" data explore 'secret place' -o page.html
grep -q '&lt;b&gt;bold &amp; ' page.html || fail 'the class name is missing'
! grep -q '<b>bold' page.html || fail 'markup from a class name'
! grep -q 'patient Smith' page.html || fail 'a file name on the page'
! grep -qE '(src|href)="?(https?:)?//' page.html || fail 'something is loaded from outside'
[ "$(grep -o 'data:image/png;base64,' page.html | wc -l)" = 6 ] || fail 'four pictures and two of a conflict'
for words in 'Research use only' 'Contradictory labels' 'lower bound' '1,260' '<svg' 'exact copies'; do
    grep -qF "$words" page.html || fail "the page lacks '$words'"
done
expect 0 '' "$SONOGRADE" data explore 'secret place' -o again.html --threads 1 --json
cmp page.html again.html || fail 'the same folder gave another page'
grep -qF '"conflicts"' stdout.txt || fail "$(cat stdout.txt)"
expect 0 '' "$SONOGRADE" data explore 'secret place' -o full.html --show-full --pictures 1
grep -q 'patient Smith' full.html || fail '--show-full shows no path'

# Phantoms are called so, and nobody cut them.
"$SONOGRADE" data phantom -o phantoms -n 2 --size 64 --quiet
expect 0 '' "$SONOGRADE" data explore phantoms -o phantoms.html
grep -q 'images are simulated' phantoms.html || fail 'phantoms are not called simulated'
! grep -q 'squares of one size' phantoms.html || fail 'phantoms were cut by nobody'
! grep -q 'images are simulated' page.html || fail 'real images are called simulated'

# An image is no place for a page or a table.
for verb in explore manifest split; do
    expect 2 'named like an image' "$SONOGRADE" data $verb phantoms -o 'phantoms/benign/benign (1).PNG'
done
expect 2 '-o FILE' "$SONOGRADE" data explore 'secret place'
expect 3 'no such folder' "$SONOGRADE" data explore nowhere -o x.html
[ ! -e x.html ] || fail 'a failed run left a page'
