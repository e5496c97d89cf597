#!/bin/bash
# Looks at test images are counted, a model made after a look is marked in the report and in
# metrics.json, the same look gives the same bytes, and a damaged ledger stops an evaluation.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"
export XDG_STATE_HOME=$PWD/state
ledger=state/sonograde/ledger.jsonl
judge() { "$SONOGRADE" evaluate --draws 100 --threads 1 "$@"; }

phantoms data 8
train --data data --run a
expect 0 'look 1 at these test images' judge --run a --out a1
has a1/metrics.json '"order": "first look"'
lacks a1/report.html 'test data seen before'
expect 0 'look 2' judge --run a --out a2
cmp a1/metrics.json a2/metrics.json
cmp a1/report.html a2/report.html || fail 'the same look gave another report'
[ "$(wc -l <$ledger)" = 2 ] || fail "not two lines: $(wc -l <$ledger)"
[ "$(grep -c '"images"' $ledger)" = 1 ] || fail 'the images are listed twice'

# A second model, made now: marked, also as a bundle, which carries its looks.
train --data data --run b --seed 3 --lr 0.002
has b/ledger.json "$(tail -1 $ledger | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')"
expect 0 'look 3' judge --run b --out b1
has b1/metrics.json '"order": "trained after a look"' '"earlier_models": 1'
has b1/report.html 'test data seen before' 'made after such a look'
"$SONOGRADE" bundle --run b -o b.sgb --quiet
grep -qaF '\"last_look\"' b.sgb || fail 'the bundle does not carry the ledger'

# Validation images are no test images, and nothing is entered on request.
expect 0 '' judge --run a --split val --out val --quiet
expect 0 '' judge --run a --no-ledger --out none --quiet
has none/report.html 'not entered in the ledger'
expect 3 'isotonic' judge --run a --calibration isotonic --out no
expect 3 'manifest.csv: is not there' judge --run a --audit data --out no
[ ! -e no ] || fail 'a refused evaluation left a folder'
[ "$(wc -l <$ledger)" = 3 ] || fail 'a look too many was entered'

# Damage: a clear error, nothing written, the file as it was. Training goes on with a warning.
sed -i '2s/plain/other/' $ledger
cp $ledger damaged
expect 3 'line 2 was changed' judge --run a --out no
[ ! -e no ] || fail 'figures were shown without an entry'
cmp $ledger damaged
expect 0 'is damaged' "$SONOGRADE" train "${small[@]}" --data data --run c
[ ! -e c/ledger.json ] || fail 'a note was made from a damaged ledger'
expect 3 'is damaged' "$SONOGRADE" bundle --run a -o no.sgb
mv $ledger $ledger.damaged
expect 0 'look 1' judge --run c --out c1
unset XDG_STATE_HOME
expect 3 'no place for the ledger' env HOME= "$SONOGRADE" evaluate --run a --out no
