#!/bin/bash
# A folder as it comes, hostile names among them, becomes a manifest; what is wrong is told.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"

picture 0 'set/benign/benign (1).png' 'set/normal/copy of "benign" (1).png'
picture 1 'set/benign/benign (1)_mask.png' 'set/malignant/=cmd.png'
picture 2 $'set/malignant/odd \xff, name.png'
picture 3 'set/normal/normal (1).png'

expect 0 '' "$SONOGRADE" data manifest set -o m.csv
grep -q '^5 images: 2 .*\|^5 images: 1 benign, 2 malignant, 2 normal' stdout.txt || fail "$(cat stdout.txt)"
grep -q '4 groups, found from pixels: a lower bound' stdout.txt || fail "$(cat stdout.txt)"
head -1 m.csv | grep -q '^path,class,sha256,width,height,channels,bit_depth,masks,group' || fail header
[ "$(wc -l <m.csv)" = 6 ] || fail 'five rows were expected'
grep -qF 'benign/benign (1).png,benign,' m.csv || fail 'name with spaces and parentheses'
grep -qF 'benign/benign (1)_mask.png' m.csv || fail mask
grep -qF '"normal/copy of ""benign"" (1).png"' m.csv || fail quotes
grep -qaF $'"malignant/odd \xff, name.png"' m.csv || fail 'bytes that are not UTF-8'
sum=$(sha256sum 'set/normal/normal (1).png' | cut -d' ' -f1)
grep -qF "normal/normal (1).png,normal,$sum,6,6,1,8,," m.csv || fail 'facts of a file'

# The copy shares the group, and the conflict is counted.
expect 0 '' "$SONOGRADE" data manifest set -o m2.csv --json
for words in '"exact_duplicates": 1' '"lower_bound": true' '"exact_copies": 1' '"images": 5'; do
    grep -qF "$words" stdout.txt || fail "JSON lacks $words"
done
cmp m.csv m2.csv || fail 'the same folder gave another manifest'

# A class named like a formula does not run in a spreadsheet.
picture 0 'calc/=1+1/a.png'
picture 1 'calc/b/b.png'
expect 0 '' "$SONOGRADE" data manifest calc -o calc.csv --quiet
[ ! -s stdout.txt ] || fail '--quiet spoke'
grep -qF "'=1+1/a.png,'=1+1," calc.csv || fail "formula unguarded: $(cat calc.csv)"
expect 0 '' "$SONOGRADE" data manifest --manifest calc.csv -o calc2.csv
cmp calc.csv calc2.csv || fail 'reading the table back changed it'

# Groups of one's own.
printf 'path,class,patient\nbenign/benign (1).png,benign,A\nnormal/normal (1).png,normal,A\n' >own.csv
expect 0 '' "$SONOGRADE" data manifest set --manifest own.csv --group-by patient -o own_m.csv
[ "$(grep -c ',A,column:patient,' own_m.csv)" = 2 ] || fail "$(cat own_m.csv)"
expect 0 '' "$SONOGRADE" data manifest set --group-by '^([^/]*)/' -o regex.csv
grep -q ',malignant,regex:' regex.csv || fail "$(cat regex.csv)"
expect 3 'finds no group' "$SONOGRADE" data manifest set --group-by 'p([0-9]+)' -o x.csv
expect 2 'no such column' "$SONOGRADE" data manifest set --group-by patient -o x.csv

# What cannot be used.
expect 2 '-o FILE' "$SONOGRADE" data manifest set
expect 2 '' "$SONOGRADE" data manifest -o x.csv
expect 3 'no such folder' "$SONOGRADE" data manifest nowhere -o x.csv
printf 'path,class\nset/benign/benign (1).png,b\n' >lone.csv
expect 3 "one class, 'b'" "$SONOGRADE" data manifest --manifest lone.csv -o x.csv
expect 0 '' "$SONOGRADE" data manifest --manifest lone.csv --any-classes -o lone_m.csv
mkdir set/empty
expect 3 'set/empty: this class folder holds no' "$SONOGRADE" data manifest set -o x.csv
rmdir set/empty
printf broken >set/benign/broken.png
expect 3 'set/benign/broken.png' "$SONOGRADE" data manifest set -o x.csv
expect 0 'left out' "$SONOGRADE" data manifest set -o skipped.csv --skip-bad --json
grep -qF '"path": "benign/broken.png"' stdout.txt || fail 'the file skipped is not listed'
cmp m.csv skipped.csv || fail 'skipping changed the other rows'
rm 'set/normal/normal (1).png'
expect 3 'normal (1).png: this file is not there' "$SONOGRADE" data manifest --manifest m.csv -o x.csv
expect 3 '' "$SONOGRADE" data manifest set -o no/such/folder.csv --skip-bad
[ ! -e x.csv ] || fail 'a failed run left a file'
