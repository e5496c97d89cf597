#!/bin/bash
# data phantom: layout and names as BUSI's, the same bytes for any number of threads, a truth file,
# nothing of the user's ever replaced; what the manifest makes of it.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

fail() {
    echo "FAIL: $*"
    exit 1
}
exits() {
    local want=$1 code=0
    shift
    "$@" >out 2>err || code=$?
    [ "$code" = "$want" ] || fail "exit $code, not $want: $* ($(cat err))"
}

exits 0 "$SONOGRADE" data phantom --out set --per-class 6 --size 64 --seed 4 --threads 1
grep -q '18 simulated images (6 of each class) in set' out || fail "summary: $(cat out)"
for class in benign malignant normal; do
    for i in 1 2 3 4 5 6; do
        [ -s "set/$class/$class ($i).png" ] || fail "no $class ($i)"
        [ -s "set/$class/$class ($i)_mask.png" ] || fail "no mask of $class ($i)"
    done
done
[ "$(wc -l <set/phantom-truth.csv)" = 19 ] || fail "truth: $(cat set/phantom-truth.csv)"
[ ! -e set.partial ] || fail "left set.partial"

exits 0 "$SONOGRADE" data phantom --out three --per-class 6 --size 64 --seed 4 --threads 3 --json --quiet
diff -r set three || fail "threads change the bytes"
[ ! -s err ] || fail "--quiet speaks: $(cat err)"
grep -q '"per_class": 6' out || fail "JSON: $(cat out)"

# More images of the same seed begin with the same images; another seed has others.
exits 0 "$SONOGRADE" data phantom --out more --per-class 8 --size 64 --seed 4
cmp 'set/benign/benign (6).png' 'more/benign/benign (6).png' || fail "the set's size changes images"
exits 0 "$SONOGRADE" data phantom --out other --per-class 1 --size 64 --seed 5
cmp -s 'set/benign/benign (1).png' 'other/benign/benign (1).png' && fail "seeds give the same image"

# Copies are found as groups, conflicts as groups of two classes.
exits 0 "$SONOGRADE" data phantom --out dirty --per-class 10 --size 96 --duplicates 0.3 --conflicts 0.1
[ "$(cut -d, -f3 dirty/phantom-truth.csv | grep -c duplicate)" = 9 ] || fail "duplicates"
[ "$(cut -d, -f3 dirty/phantom-truth.csv | grep -c conflict)" = 3 ] || fail "conflicts"
exits 0 "$SONOGRADE" data manifest set -o set.csv
[ "$(wc -l <set.csv)" = 19 ] || fail "manifest: $(cat set.csv)"

# Burnt-in marks, with their boxes.
exits 0 "$SONOGRADE" data phantom --out marked --per-class 4 --size 128 --marks 1
[ "$(head -n 1 marked/phantom-marks.csv)" = path,kind,x,y,width,height ] || fail "marks: $(cat marked/phantom-marks.csv)"
grep -q ',caliper,' marked/phantom-marks.csv || fail "no caliper: $(cat marked/phantom-marks.csv)"
[ "$(wc -l <set/phantom-marks.csv)" = 1 ] || fail "marks nobody asked for"
exits 2 "$SONOGRADE" data phantom --out x --per-class 2 --marks 2

# Whose folder is it?
exits 3 "$SONOGRADE" data phantom --out set --per-class 2 --size 64
grep -q -- '--overwrite' err || fail "remedy: $(cat err)"
exits 0 "$SONOGRADE" data phantom --out set --per-class 2 --size 64 --overwrite
[ ! -e 'set/benign/benign (3).png' ] || fail "the old set shines through"
mkdir mine && echo thesis >mine/thesis.txt
exits 3 "$SONOGRADE" data phantom --out mine --per-class 2 --size 64 --overwrite
[ "$(cat mine/thesis.txt)" = thesis ] || fail "destroyed a file"
mkdir -p set/my && echo thesis >set/my/thesis.txt
for foreign in my benign/real.png notes.txt 'normal/normal (7)_mask.png'; do
    [ -e "set/$foreign" ] || echo mine >"set/$foreign"
    exits 3 "$SONOGRADE" data phantom --out set --per-class 2 --size 64 --overwrite
    grep -qF "$foreign" err || fail "does not name $foreign: $(cat err)"
    [ -e "set/$foreign" ] && [ -e 'set/benign/benign (2).png' ] || fail "destroyed something beside $foreign"
    [ ! -e set.partial ] || fail "left set.partial"
    rm -r "set/$foreign"
done
exits 0 "$SONOGRADE" data phantom --out set --per-class 2 --size 64 --overwrite
exits 2 "$SONOGRADE" data phantom --per-class 2
exits 2 "$SONOGRADE" data phantom --out x --size 7
exits 2 "$SONOGRADE" data phantom --out x --per-class 2 --duplicates 0.5 --conflicts 0.5
[ ! -e x ] || fail "made a folder in vain"

# A progress line where someone waits; Ctrl-C leaves nothing, and an older set as it was.
"$SONOGRADE" data phantom --out set --per-class 5000 --size 512 --seed 9 --overwrite >out 2>err &
pid=$!
for _ in $(seq 100); do
    [ -e 'set.partial/benign/benign (2).png' ] && break
    sleep 0.1
done
[ -e 'set.partial/benign/benign (2).png' ] || fail "no image within ten seconds"
kill -INT $pid
code=0
wait $pid || code=$?
[ "$code" = 130 ] || fail "Ctrl-C: exit $code ($(cat err))"
grep -q 'stopped by a signal' err || fail "says nothing of the stop: $(cat err)"
[ ! -e set.partial ] || fail "Ctrl-C left set.partial"
[ "$(wc -l <set/phantom-truth.csv)" = 7 ] || fail "Ctrl-C harmed the older set"
