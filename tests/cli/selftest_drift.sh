#!/bin/bash
# What a bundle learns of its training images: poor pictures, the self-test's answers; and drift
# between batches, of answers and of pictures.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 14
train --data data --run r1
"$SONOGRADE" bundle --run r1 -o m.sgb --quiet 2>bundle.txt
"$SONOGRADE" bundle --run r1 -o old.sgb --no-profile --quiet
"$SONOGRADE" bundle m.sgb -o copy.sgb --quiet
cmp m.sgb copy.sgb || fail 'a copied bundle lost what it knew'

# ---- self-test ----
expect 0 '' "$SONOGRADE" selftest --bundle m.sgb --threads 1
has stdout.txt 'as when the bundle was made' passed
expect 0 '' "$SONOGRADE" selftest --bundle m.sgb --threads 1 --json
has stdout.txt '"passed": true' '"same_pixels": true' '"changed": 0' '"tolerance": 0.005'
sed 's/\(\\"pixels\\":\\"\)./\1x/' m.sgb >other_pixels.sgb
expect 6 '' "$SONOGRADE" selftest --bundle other_pixels.sgb --threads 1
has stdout.txt 'DIFFER' 'FAILED'
sed 's/\(\\"probabilities\\":\[\[0\.\)[0-9][0-9]/\199/' m.sgb >other_answers.sgb
expect 6 '' "$SONOGRADE" selftest --bundle other_answers.sgb --threads 1
has stdout.txt '1 of 12 pictures' 'FAILED'
expect 3 'make it again' "$SONOGRADE" selftest --bundle old.sgb --threads 1
expect 3 'make it again' "$SONOGRADE" selftest --bundle r1 --threads 1
expect 2 '--bundle' "$SONOGRADE" selftest

# ---- a poor picture; a bundle that knows none ----
mkdir poor
base64 -d >poor/black.png <<'END'
iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAAAAACPAi4CAAAAG0lEQVR42u3BgQAAAADDoPlT3+AEVQEAAAB8AxBAAAG9PLePAAAAAElFTkSuQmCC
END
expect 0 '' "$SONOGRADE" predict --bundle m.sgb --allow-phantom-model --threads 1 poor data/benign
has stdout.txt 'poor/black.png: looks most like' 'ABSTAIN: poor image (gain too low)'
[ "$(grep -c ABSTAIN stdout.txt)" -le 2 ] || fail "too many pictures are poor: $(grep ABSTAIN stdout.txt)"
expect 0 '' "$SONOGRADE" predict --bundle m.sgb --allow-phantom-model --threads 1 --json poor
has stdout.txt '"abstain": "poor image' '"quality": 0.0' '"black": 1.0' '"members_agree": 1.0'
expect 0 '' "$SONOGRADE" explain poor --bundle m.sgb --allow-phantom-model --threads 1 --layer features.13.add --formats none --out poor-maps
has stdout.txt 'ABSTAIN: poor image (gain too low)'
has poor-maps/report.html 'for 1 of the 1 images there is a reason not to use the answer' 'abstain: poor image (gain too low)'
has poor-maps/scores.csv 'poor image (gain too low)'
expect 0 '' "$SONOGRADE" predict --bundle old.sgb --allow-phantom-model --threads 1 --json poor
has stdout.txt '"abstain": ""' '"quality": null' '"distance": null' '"nearest": []'
sed 's/\\"sharpness\\":{\\"median\\"/\\"sharpness\\":{\\"xedian\\"/' m.sgb >damaged.sgb
expect 3 'no usable limit for sharpness' "$SONOGRADE" predict --bundle damaged.sgb --threads 1 poor

# Images that are gone: a bundle all the same, and why it knows less.
mv data hidden
expect 0 'will not know its training images' "$SONOGRADE" bundle --run r1 -o less.sgb
expect 0 '' "$SONOGRADE" selftest --bundle less.sgb --threads 1
mv hidden data

# ---- drift ----
phantoms later 14 7
"$SONOGRADE" predict --bundle m.sgb --threads 1 --csv data >june.csv
"$SONOGRADE" predict --bundle m.sgb --threads 1 --json later >july.json
expect 0 '' "$SONOGRADE" drift --baseline june.csv july.json --draws 200
has stdout.txt p_benign quality sharpness '0 of '
expect 0 '' "$SONOGRADE" drift --baseline data later --draws 200 --json
has stdout.txt '"drift": false' '"name": "contrast"' '"psi_excess_ci"' '"p_holm"'
lacks stdout.txt p_benign
"$SONOGRADE" preprocess later other --contrast clahe --clahe-clip 40 --quiet
expect 6 '' "$SONOGRADE" drift --baseline data other --draws 200
grep -q '^sharpness.* drift$\|^contrast.* drift$' stdout.txt || fail "$(cat stdout.txt)"
expect 6 '' "$SONOGRADE" drift --baseline june.csv other --bundle m.sgb --allow-phantom-model --threads 1 --draws 200
has stdout.txt p_malignant contrast
head -19 june.csv >short.csv
expect 3 '20 values' "$SONOGRADE" drift --baseline june.csv short.csv
printf 'path,age\na,1\n' >foreign.csv
expect 3 'nothing to compare' "$SONOGRADE" drift --baseline june.csv foreign.csv
sed '2s/,0\.[0-9]*/,often/' june.csv >words.csv
expect 3 'is no number' "$SONOGRADE" drift --baseline words.csv june.csv
expect 3 'nowhere.csv' "$SONOGRADE" drift --baseline nowhere.csv june.csv
expect 2 '--baseline' "$SONOGRADE" drift june.csv
