#!/bin/bash
# Copies, contradictory labels and broken files of a folder are found and told; a person's verdicts are
# taken back; the manifest that comes out is one that other verbs take.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"

# Phantoms in place of the small pictures, which an audit calls tiny: picture N FILE...
"$SONOGRADE" data phantom --out phantoms --per-class 4 --size 64 --seed 2 --quiet
picture() {
    local n=$1 file
    shift
    for file; do
        mkdir -p -- "$(dirname -- "$file")"
        cp "phantoms/malignant/malignant ($((n + 1))).png" "$file"
    done
}

picture 0 'set/benign/benign (1).png' 'set/normal/copy of "benign" (1).png'
picture 1 'set/malignant/=cmd.png'
picture 2 $'set/malignant/odd \xff, name.png'
picture 3 'set/normal/normal (1).png' 'set/normal/normal (2).png'
printf broken >set/benign/broken.png

expect 0 'left out' "$SONOGRADE" audit set --out o
grep -q '2 groups hold more than one image (4 images' stdout.txt || fail "$(cat stdout.txt)"
grep -q '^1 files cannot be read' stdout.txt || fail "$(cat stdout.txt)"
grep -q 'cohort: 3 images; label_conflict 2; copy 1' stdout.txt || fail "$(cat stdout.txt)"
for words in '"reason": "label_conflict"' '"path": "benign/broken.png"' '"equal": "bytes"' '"kind": "bytes"'; do
    grep -qF "$words" o/audit.json || fail "audit.json lacks $words"
done
[ "$(wc -l <o/manifest.csv)" = 7 ] && [ "$(wc -l <o/cohort.csv)" = 4 ] && [ "$(wc -l <o/excluded.csv)" = 5 ] ||
    fail 'rows of the tables'
grep -qx 'benign/broken.png,benign,,unreadable,' o/excluded.csv || fail "$(cat o/excluded.csv)"
grep -qF 'normal/normal (2).png,normal,g0004,copy,normal/normal (1).png' o/excluded.csv || fail "$(cat o/excluded.csv)"

grep -q 'data-a="benign/benign (1).png" data-b="normal/copy of %22benign%22 (1).png"' o/audit.html || fail 'a pair of the page'
grep -q 'class="shots"' o/audit.html || fail 'no pictures of pairs'

# Nothing divides the groups.
grep -q ',audit,' o/manifest.csv || fail 'the manifest does not say where its groups come from'
printf '%s\n' path,class,fold 'benign/benign (1).png,benign,0' '"normal/copy of ""benign"" (1).png",normal,0' \
    'normal/normal (1).png,normal,0' 'normal/normal (2).png,normal,1' 'malignant/=cmd.png,malignant,1' >cut.csv
expect 3 "divides group 'g0004'" "$SONOGRADE" data split --manifest o/manifest.csv --check cut.csv
sed -i 's/normal (2).png,normal,1/normal (2).png,normal,0/' cut.csv
expect 0 '' "$SONOGRADE" data split --manifest o/manifest.csv --check cut.csv

# The tables are manifests: groups and images come back as they were.
expect 0 '' "$SONOGRADE" data manifest --manifest o/manifest.csv -o again.csv
diff <(cut -d, -f1-9 o/manifest.csv) <(cut -d, -f1-9 again.csv) || fail 'the manifest reads back otherwise'
expect 0 '' "$SONOGRADE" data manifest --manifest o/cohort.csv --any-classes -o again.csv

# Same inputs, same bytes; and the JSON on standard output is the file.
expect 0 '' "$SONOGRADE" audit set --out p --json --threads 1
diff stdout.txt p/audit.json || fail '--json tells something else than the file'
for f in audit.html audit.json manifest.csv cohort.csv excluded.csv; do cmp o/$f p/$f || fail "$f differs"; done

# Verdicts.
printf '%s\n' a,b,verdict 'normal/normal (1).png,normal/normal (2).png,reject' \
    'benign/benign (1).png,malignant/=cmd.png,confirm' x,y,confirm >v.csv
expect 0 'that was not found: 1' "$SONOGRADE" audit set --out q --decisions v.csv
grep -qF '"used": 2' q/audit.json && grep -qF '"unused": 1' q/audit.json || fail 'verdicts counted'
grep -q 'label_conflict 3' stdout.txt || fail "$(cat stdout.txt)"
printf 'a,b,verdict\nx,y,perhaps\n' >bad.csv
expect 3 "verdict 'perhaps' is neither" "$SONOGRADE" audit set --out r --decisions bad.csv
printf 'a,b,verdict\nx,y,confirm\ny,x,reject\n' >bad.csv
expect 3 'both confirms and rejects' "$SONOGRADE" audit set --out r --decisions bad.csv
printf 'a,verdict\nx,confirm\n' >bad.csv
expect 3 "no column 'b'" "$SONOGRADE" audit set --out r --decisions bad.csv
expect 3 'nowhere.csv' "$SONOGRADE" audit set --out r --decisions nowhere.csv

# What does not belong leaves the cohort; marks are told with their boxes, and stay.
"$SONOGRADE" data phantom --out marked --per-class 2 --size 128 --seed 5 --marks 1 --quiet
mv marked/benign/benign\ \(1\)_mask.png marked/normal/lesion.png
base64 -d <<<"$picture_head${picture_tails[0]}" >marked/normal/icon.png
expect 0 '' "$SONOGRADE" audit marked --out m
grep -q 'outside_domain 2' stdout.txt || fail "$(cat stdout.txt)"
for words in '"what": "mask"' '"what": "tiny"' '"what": "caliper"'; do
    grep -qF "$words" m/audit.json || fail "audit.json lacks $words"
done
grep -q '^normal/icon.png,normal,g[0-9]*,outside_domain,$' m/excluded.csv || fail "$(cat m/excluded.csv)"

# A person may keep what a rule excludes, and exclude what none found.
printf '%s\n' a,b,verdict normal/lesion.png,,keep 'benign/benign (2).png,,exclude' nowhere.png,,keep >v.csv
expect 0 '' "$SONOGRADE" audit marked --out n --decisions v.csv
grep -q 'outside_domain 2' stdout.txt || fail "$(cat stdout.txt)"
grep -q '^benign/benign (2).png,benign,g[0-9]*,outside_domain,$' n/excluded.csv || fail "$(cat n/excluded.csv)"
grep -q lesion n/excluded.csv && fail 'a kept image left'
grep -qF '"used": 2' n/audit.json && grep -qF '"unused": 1' n/audit.json || fail 'verdicts counted'
grep -qF '"what": "decision"' n/audit.json || fail 'no finding of the decision'
grep -q 'value="exclude" checked' n/audit.html && grep -q 'value="keep" checked' n/audit.html || fail 'the page forgets verdicts'

# Usage.
expect 2 '--out DIR' "$SONOGRADE" audit set
expect 2 'name a folder' "$SONOGRADE" audit --out r
expect 3 'no such folder' "$SONOGRADE" audit nowhere --out r
[ ! -e r ] || fail 'a failed run left a folder'
expect 2 'lies inside the images' "$SONOGRADE" audit set --out set/found
expect 2 'lies inside the images' "$SONOGRADE" audit set/ --out set
[ ! -e set/found ] || fail 'the findings lie inside the images'

# Groups of the set's own: no split divides a patient, nor what shows one picture; but a patient with two
# lesions of two classes contradicts nothing and keeps one image of each.
"$SONOGRADE" audit set --out p --quiet
printf '%s\n' path,class,patient 'benign/benign (1).png,benign,A' '"normal/copy of ""benign"" (1).png",normal,B' \
    'normal/normal (1).png,normal,C' 'normal/normal (2).png,normal,D' 'malignant/=cmd.png,malignant,C' \
    $'"malignant/odd \xff, name.png",malignant,E' >own.csv
expect 0 '' "$SONOGRADE" audit set --manifest own.csv --group-by patient --out own
grep -q '^3 groups that no split may divide.*column:patient' stdout.txt || fail "$(cat stdout.txt)"
grep -q 'cohort: 3 images; label_conflict 2; copy 1' stdout.txt || fail "$(cat stdout.txt)"
for file in cohort.csv excluded.csv; do
    diff <(cut -d, -f1 own/$file) <(grep -av broken.png p/$file | cut -d, -f1) || fail "patients changed $file"
done
[ "$(grep -c ',g0002,audit and column:patient,' own/manifest.csv)" = 3 ] ||
    fail "C and D are one group, three images: $(cat own/manifest.csv)"
grep -q '(column:patient).*make 3 groups for splits' own/audit.html || fail 'the page does not tell of patients'
expect 3 'divides group' "$SONOGRADE" data split --manifest own/manifest.csv --check cut.csv

# The manifest that came out is one that an audit takes again, patients included.
expect 0 '' "$SONOGRADE" audit --manifest own/manifest.csv --out own2
cmp own/cohort.csv own2/cohort.csv && cmp own/manifest.csv own2/manifest.csv || fail 'patients are lost on the way'

# A rejected pair that a third image still holds together.
cp 'set/normal/normal (1).png' 'set/normal/normal (3).png'
printf '%s\n' a,b,verdict 'normal/normal (1).png,normal/normal (2).png,reject' >v.csv
expect 0 'stay in one group through other images: 1' "$SONOGRADE" audit set --out third --decisions v.csv
grep -q 'yet in one group through other pairs' third/audit.html || fail 'the page does not tell'
