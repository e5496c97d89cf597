#!/bin/bash
# A search: killed, gone on with, joined by a second process; its study, best.yaml and refusals.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 6
budget=(--data data --epochs 1 --size 32 --inner 2 --startup 2 --threads 1 --study s.db
    --param 'lr=float 1e-4 1e-2 log; optimizer=choice adamw sgd; momentum=float 0.5 0.9 if optimizer = sgd')

expect 2 "did you mean 'lr'" "$SONOGRADE" tune --data data --study n.db --param 'lt=float 1 2'
expect 2 'lower bound' "$SONOGRADE" tune --data data --study n.db --param 'lr=float 1 0.1'
expect 2 'cannot be searched' "$SONOGRADE" tune --data data --study n.db --param 'threads=int 1 2'
expect 2 'give it with --epochs' "$SONOGRADE" tune --data data --study n.db --param 'epochs=int 1 9'
printf 'lr: float 1e-5 1e-2 log\nbatch: ordered 8 4\n' >space.yaml
expect 2 'space.yaml, line 2' "$SONOGRADE" tune --data data --study n.db --space space.yaml
printf 'lr: float 1e-5 1e-2 log\nlt: float 1 2\n' >space.yaml
expect 2 "space.yaml, line 2: parameter 'lt'" "$SONOGRADE" tune --data data --study n.db --space space.yaml
printf '# rates\ndropout: float 0 5\n' >space.yaml
expect 2 'space.yaml, line 2: ' "$SONOGRADE" tune --data data --study n.db --space space.yaml
expect 2 "no model 'resnet'" "$SONOGRADE" tune --data data --study n.db --param 'model=choice resnet18 resnet'
expect 2 'ema' "$SONOGRADE" tune --data data --study n.db --param 'ema=float 0.5 2'
# What only a training would stumble over: schedules, weights, options that the model does not take.
refuse() { expect 2 "$2" "$SONOGRADE" tune --data data --study n.db --param "$1"; }
refuse 'schedule=choice cosine nosuch' "parameter 'schedule', value 'nosuch'"
refuse 'weights=choice nosuchfile b' "parameter 'weights', value 'nosuchfile'"
refuse 'weights=choice space.yaml b' "parameter 'weights', value 'space.yaml'"
refuse 'warmup=float 0.12 1.2' "parameter 'warmup', value '1.2'" # in binary, 0.12 + (1.2 - 0.12) is above 1.2
refuse 'freeze=choice features nosuch' "parameter 'freeze', value 'nosuch'"
refuse 'model=choice mobilenetv2 vgg16; se-reduction=choice 4 8 if model = vgg16' "'se-reduction', value '4'"
refuse 'model=fixed mresnet; dilation=int 1 4' "parameter 'dilation', value '3'"
refuse "model=fixed mresnet; blocks=choice '1,2,1,1' '1,1,1'" "'blocks', value '1,1,1'"
refuse 'lr=float 1e-4 1e-3; schedule=fixed nosuch' "parameter 'schedule', value 'nosuch'"
expect 3 'the schedule nosuch' "$SONOGRADE" tune --data data --study n.db --set schedule=nosuch
printf '# rates\nlr: float 1e-5 1e-2 log\nschedule: choice cosine nosuch\n' >space.yaml
expect 2 'space.yaml, line 3: parameter' "$SONOGRADE" tune --data data --study n.db --space space.yaml
printf 'lr: float 1e-5 1e-2 log\nlr: float 1 2\n' >space.yaml
expect 2 "line 2: 'lr' was set before" "$SONOGRADE" tune --data data --study n.db --space space.yaml
printf 'lr float\n' >space.yaml
expect 2 'space.yaml: line 1' "$SONOGRADE" tune --data data --study n.db --space space.yaml
expect 3 'cannot open none.yaml' "$SONOGRADE" tune --data data --study n.db --space none.yaml
[ ! -e n.db ] || fail 'a refused search left a study'

expect 2 'less than one trial' "$SONOGRADE" tune "${budget[@]}" --budget-epochs 1
[ ! -e s.db ] || fail 'a refused search left a study'

# Ctrl-C says what goes on.
"$SONOGRADE" tune "${budget[@]}" --trials 4 --repeats 0 2>stopped.txt &
child=$!
for ((i = 0; i < 3000; i++)); do
    [ -d s.db.trials/0000/inner0 ] && break
    sleep 0.01
done
kill -TERM $child
wait $child || true
has stopped.txt 'the same command goes on with the study s.db'

# kill -9 in the second trial; a second process joins the one that goes on.
"$SONOGRADE" tune --quiet "${budget[@]}" --trials 4 --repeats 0 2>killed.txt &
child=$!
for ((i = 0; i < 3000; i++)); do
    [ -d s.db.trials/0001/inner0 ] && break
    sleep 0.01
done
kill -9 $child
wait $child || true
"$SONOGRADE" tune --quiet "${budget[@]}" --trials 4 --repeats 0 >second.txt 2>&1 &
child=$!
expect 0 '' "$SONOGRADE" tune "${budget[@]}" --trials 4 --repeats 0
wait $child || fail "the joined process: $(cat second.txt)"

expect 0 '' "$SONOGRADE" tune "${budget[@]}" --trials 4 --finalists 1
has stdout.txt 'trials finished' 'mean of 2 seeds' 'next: sonograde train'
# The mean that a trial is named for, its value in the search, and the study's best single value.
line=$(grep '^named best: trial [0-9]*, auroc 0\.[0-9]* (mean of 2 seeds; in the search 0\.[0-9]*); ' stdout.txt) || fail "$(cat stdout.txt)"
expect 0 '' "$SONOGRADE" tune "${budget[@]}" --trials 4 --finalists 1 --json
single=$(sed -n 's/.*"single_best_value": \([0-9.]*\),*/\1/p' stdout.txt)
[ "${line##* }" = "$(printf %.4f "$single")" ] || fail "$line: $(cat stdout.txt)"
# The repeat stands in the study: it is not trained again, has a seed of its own, and counts as the first does.
! grep 'under another seed' stderr.txt || fail 'a finalist was repeated again'
grep -qx 'seed: 1' s.db.trials/000[0-3]-repeat1/args.yaml || fail "$(cat s.db.trials/*-repeat1/args.yaml)"
figure() { sed -n "s/.*\"$1\": \([0-9.]*\),*/\1/p" stdout.txt; }
best=$(figure best_mean) first=$(figure best_first) number=$(figure best_trial)
expect 0 '' "$SONOGRADE" tune export --study s.db --csv t.csv
awk -F, -v best="$best" -v first="$first" -v number="$number" '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == "user_attrs_sg_repeat_1") column = i }
    NR > 1 && $1 == number { apart = 2 * best - first - $column }
    END { exit !column || apart > 1e-9 || apart < -1e-9 }' t.csv || fail "$best is not the mean of $first and its repeat: $(cat t.csv)"
grep -q '^lr: ' s.db.trials/best.yaml || fail "$(cat s.db.trials/best.yaml)"
[ "$(ls -d s.db.trials/0*/inner1 | wc -l)" = 5 ] || fail "$(ls -d s.db.trials/*)"
! ls -d s.db.trials/*/inner*/weights 2>/dev/null || fail 'weights of finished trials are left'
# What was set aside is in no trial.
grep ',test,' s.db.trials/splits.csv | cut -d, -f1 >unseen.txt
[ -s unseen.txt ] || fail 'nothing was set aside for testing'

expect 0 '' "$SONOGRADE" tune report --study s.db
has s.db.html '1 epoch on each inner fold' 'What the search found' 'parallel coordinates' 'Importance' 'mobilenetv2'
expect 0 '' "$SONOGRADE" tune export --study s.db --csv t.csv --to-json t.json --journal t.log
[ "$(wc -l <t.csv)" = 5 ] || fail "$(cat t.csv)"
[ "$(printf '%.4f\n' $(grep ',complete,' t.csv | cut -d, -f3) | sort -r | head -1)" = "${line##* }" ] || fail "$line: $(cat t.csv)"
has t.json '"direction": "maximize"' '"steps"' '"momentum"'
[ "$(grep -c '"op_code":4' t.log)" = 4 ] || fail "$(cat t.log)"
expect 3 'no study' "$SONOGRADE" tune report --study s.db --study-name other
expect 2 'say what to write' "$SONOGRADE" tune export --study s.db

# Other images would be divided anew, and what was test would be trained on.
mv 'data/benign/benign (1).png' aside.png
expect 4 'test images would get into the search' "$SONOGRADE" tune "${budget[@]}" --trials 5
mv aside.png 'data/benign/benign (1).png'
# So would the same names with other pictures behind them.
swap() { mv data/benign/benign\ \(1\).png aside.png && mv data/normal/normal\ \(1\).png data/benign/benign\ \(1\).png && mv aside.png data/normal/normal\ \(1\).png; }
swap
expect 4 'images.sha256' "$SONOGRADE" tune "${budget[@]}" --trials 5
swap

asked=("${budget[@]}")
with --epochs 2
expect 4 'other settings (epochs: 1; now epochs: 2)' "$SONOGRADE" tune "${now[@]}"
with --param 'lr=float 1e-4 1e-1 log'
expect 4 'another space' "$SONOGRADE" tune "${now[@]}"
# Another study of the same file has its own folder, so that neither's trials go on from the other's.
before=$(fingerprint s.db.trials)
expect 0 '' "$SONOGRADE" tune "${budget[@]}" --study-name other --trials 1 --repeats 0
[ "$(fingerprint s.db.trials)" = "$before" ] || fail 'another study wrote into the folder of the first'
grep -q '^# trial 0' s.db.other.trials/best.yaml || fail "$(ls s.db.other.trials)"
expect 2 'slash' "$SONOGRADE" tune "${budget[@]}" --study-name a/b
# What is wrong with the data is said before the study is begun, with settings that it would then hold.
"$SONOGRADE" data split data --folds 2 -o folds.csv --quiet
expect 2 'which one is the test set' "$SONOGRADE" tune --data data --folds folds.csv --study n.db
[ ! -e n.db ] && [ ! -e n.db.trials ] || fail 'a refused search left a study'

printf 'no database' >bad.db
expect 3 'no SQLite database' "$SONOGRADE" tune --data data --size 32 --study bad.db

# A value that goes together with some others is searched; where it does not, the trial fails.
expect 0 'cannot go together' "$SONOGRADE" tune --data data --epochs 1 --size 32 --inner 2 --threads 1 --study g.db \
    --method sobol --trials 2 --repeats 0 --param 'focal-gamma=choice 0 2; label-smoothing=choice 0.1 0'

# Every trial crashes: recorded with its message, and said.
expect 3 'came to an end' "$SONOGRADE" tune --data data --epochs 1 --size 32 --inner 2 --threads 1 \
    --study f.db --trials 1 --repeats 0 --set 'class-weights=list; class-weight-list=1,2'

# Hopeless trials end early: no later epoch is trained, and what was reached is told.
expect 0 '' "$SONOGRADE" tune --data data --epochs 2 --size 32 --batch 8 --inner 2 --threads 1 --study a.db --method random \
    --trials 6 --repeats 0 --stop asha --stop-first 1 --param 'lr=float 1e-5 1e-2 log'
grep -q '^[1-5] trials* finished, [1-5] stopped early, 0 failed' stdout.txt || fail "$(cat stdout.txt)"
expect 0 '' "$SONOGRADE" tune export --study a.db --csv a.csv
awk -F, '$2 == "complete" && $4 != 4 || $2 == "pruned" && !($4 >= 1 && $4 < 4) { exit 1 }' a.csv || fail "$(cat a.csv)"
