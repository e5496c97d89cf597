#!/bin/bash
# A reader study: text, JSON and page; readers alone, and beside a model; refusals by name.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"

{
    echo path,group,fold,label,predicted,p_benign,p_malignant
    for i in $(seq 40); do
        if [ $((i % 3)) = 0 ]; then label=malignant; else label=benign; fi
        p=0.$(((i * 37 + (i % 3 == 0) * 450) % 900 + 50))
        if [ "${p:2:1}" -ge 5 ]; then predicted=malignant; else predicted=benign; fi
        echo "$label/img ($i).png,$i,0,$label,$predicted,0.5,$p"
    done
} >predictions.csv
{
    echo reader,image,score,verdict
    for reader in '=Anna <b>' Ben; do
        for i in $(seq 40); do
            score=$(((i * 7 + ${#reader}) % 4 + (i % 3 == 0) + 1))
            if [ $score -ge 4 ]; then verdict=malignant; else verdict=benign; fi
            echo "$reader,img ($i).png,$score,$verdict"
        done
    done
} >reads.csv

expect 0 '' "$SONOGRADE" readers reads.csv --predictions predictions.csv --out study
for words in '40 images (13 malignant) in 40 groups, 2 readers' 'AUROC less the model' "readers' mean AUROC" \
    'readers less model' 'kappa Ben' '(Holm)' 'Research use only'; do
    grep -qF -- "$words" stdout.txt || fail "no '$words' in: $(cat stdout.txt)"
done
for words in 'Anna &lt;b&gt;' 'What holds for other readers' "Fleiss" 'Research use only' '<svg'; do
    grep -qF -- "$words" study/report.html || fail "the page lacks '$words'"
done
! grep -qF 'Anna <b>' study/report.html || fail 'markup from a reader on the page'
! grep -qE '(src|href)="?(https?:)?//' study/report.html || fail 'something is loaded from outside'
expect 0 '' "$SONOGRADE" readers reads.csv --predictions predictions.csv --out again --json
cmp study/report.html again/report.html || fail 'the same tables gave another page'
cmp stdout.txt again/readers.json || fail '--json prints another document than readers.json'
grep -q '"mean_auroc_less_model"' stdout.txt || fail "$(cat stdout.txt)"

# Readers alone: their own truth, nothing about a model, nothing written unasked.
sed 's/$/,malignant/; 1s/,malignant$/,truth/; /img ([^)]*[02468])/s/malignant$/benign/' reads.csv >alone.csv
mkdir empty
(cd empty && "$SONOGRADE" readers ../alone.csv >/dev/null)
[ -z "$(ls empty)" ] || fail 'a study without --out left files'
expect 0 '' "$SONOGRADE" readers alone.csv
! grep -qi model stdout.txt || fail 'a model is told of where there is none'
cut -d, -f1-3,5 alone.csv >scores.csv
expect 0 '' "$SONOGRADE" readers scores.csv --cut 4
grep -qF 'kappa' stdout.txt || fail 'scores at a cut give no verdicts'

expect 3 'what is true' "$SONOGRADE" readers reads.csv
expect 3 'p_cancer' "$SONOGRADE" readers reads.csv --predictions predictions.csv --positive cancer
expect 2 '--cut takes a number' "$SONOGRADE" readers scores.csv --cut high
expect 2 '' "$SONOGRADE" readers
expect 3 'nowhere.csv' "$SONOGRADE" readers nowhere.csv
