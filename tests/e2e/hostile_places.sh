#!/bin/bash
# Where work has to be done that is not as it should be: a disk that fills up, a folder that may not be
# written, names that are no UTF-8. A clear sentence, and nothing half-written.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 6
# whole FOLDER: no unfinished file lies in it.
whole() { [ -z "$(find "$1" -name '*.tmp' -o -name '*.partial')" ] || fail "unfinished: $(find "$1")"; }

# ---- a full disk: needs the right to mount one ----
mkdir disk
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=2m tmpfs disk 2>/dev/null; then
    trap 'umount disk' EXIT
    # the weights (9 MB) do not fit
    expect 1 'free some space' train --data data --run disk/run
    [ "$(grep -c '^sonograde: ' stderr.txt)" = 1 ] || fail "not one sentence: $(cat stderr.txt)"
    whole disk
    [ ! -e disk/run/weights/last.safetensors ] && [ ! -e disk/run/weights/best.safetensors ] || fail 'weights on a full disk?'
    rm -rf disk/run
    expect 1 'free some space' "$SONOGRADE" data phantom --out disk/set --per-class 200 --size 128
    [ -z "$(ls disk)" ] || fail "left behind: $(ls disk)"
    head -c 3m /dev/zero >disk/filler 2>/dev/null || true
    expect 1 'free some space' "$SONOGRADE" data manifest data -o disk/manifest.csv
    [ ! -e disk/manifest.csv ] || fail 'half a table'
    whole disk
    umount disk
    trap - EXIT
else
    echo 'skipped: a full disk (needs root and mount)'
fi

# ---- a read-only folder: root may write anywhere, so somebody else tries ----
mkdir locked
chmod 555 locked
as_other=()
[ "$(id -u)" != 0 ] || as_other=(setpriv --reuid 65534 --regid 65534 --clear-groups --)
chmod a+rx . 
if "${as_other[@]}" "$SONOGRADE" --version >/dev/null 2>&1 && "${as_other[@]}" ls data >/dev/null 2>&1; then
    expect 1 'check its permissions' "${as_other[@]}" "$SONOGRADE" train "${small[@]}" --data data --run locked/run
    expect 1 'check its permissions' "${as_other[@]}" "$SONOGRADE" data manifest data -o locked/m.csv
    expect 1 'check its permissions' "${as_other[@]}" "$SONOGRADE" data phantom --out locked/set --per-class 1 --size 32
    [ -z "$(ls -A locked)" ] || fail "written into a read-only folder: $(ls -A locked)"
else
    echo 'skipped: a read-only folder (the program or the data are closed to others)'
fi

# ---- names that are no UTF-8, with what tables, pages and terminals take for their own ----
bad=$(printf 'b\xe9nin')
cp -r data odd
mv odd/benign "odd/$bad"
mv "odd/$bad/benign (1).png" "odd/$bad/$(printf '\xff=cmd <b>.png')"
mv "odd/$bad/benign (1)_mask.png" "odd/$bad/$(printf '\xff=cmd <b>_mask.png')"
expect 0 '' "$SONOGRADE" data manifest odd -o odd.csv
expect 0 '' train --data odd --run run
expect 0 '' train --manifest odd.csv --run again
same_weights run again
expect 0 '' "$SONOGRADE" evaluate --run run --split train --out report --threads 1 --draws 200
expect 0 '' "$SONOGRADE" bundle --run run -o odd.sgb
expect 0 '' "$SONOGRADE" predict --bundle odd.sgb --threads 1 --json odd
iconv -f utf-8 -t utf-8 stdout.txt >/dev/null || fail 'JSON that is no UTF-8'
expect 0 '' "$SONOGRADE" predict --bundle odd.sgb --threads 1 --csv odd
iconv -f utf-8 -t utf-8 stdout.txt >/dev/null || fail 'predict --csv is no UTF-8'
for file in report/predictions.csv report/metrics.json report/report.html; do
    iconv -f utf-8 -t utf-8 "$file" >/dev/null || fail "$file is no UTF-8"
done
has report/metrics.json 'b\\xe9nin'
lacks report/report.html '<b>.png'
