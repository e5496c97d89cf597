# images.sh - four small unlike pictures and a few checks, for sessions that source it:
#     . "$(dirname "$0")/../support/images.sh"
# SPDX-License-Identifier: Apache-2.0
picture_head=iVBORw0KGgoAAAANSUhEUgAAAAYAAAAGCAAAAADFp7CUAAAANUlEQVR42gEqANX/A
picture_tails=(
    Mz/VQAzuwPN3jPnIpoBRDPvIgBEAmaaAO/vIgTeAO8zRJoEETPeZzMibkAQJsTkuYcAAAAASUVORK5CYII=
    FW7zIj/mQC7Vf8AABEEESLezJozACJE7lUiRAG7Ed4iEREDxc0A1u9OZukQcSKCnyUAAAAASUVORK5CYII=
    Ij/3YhmuwEimc3vq+8A/7tV////BKuaiEURIgEzM95mEXgCRABmZ++Z3doURM7sTZ8AAAAASUVORK5CYII=
    areEZpVAAJWzUQAIjMDmSLv5/jNAABEzN137gSIIkWZ7zQAIv/METOqYpgRffLxCVoAAAAASUVORK5CYII=
)

# picture N FILE...: writes picture N (0..3), with the folders on the way.
picture() {
    local n=$1 file
    shift
    for file; do
        mkdir -p -- "$(dirname -- "$file")"
        base64 -d <<<"$picture_head${picture_tails[n]}" >"$file"
    done
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# expect CODE WORDS COMMAND...: the exit code, and words on stderr ('' = none asked for).
expect() {
    local code=$1 words=$2 got=0
    shift 2
    "$@" >stdout.txt 2>stderr.txt || got=$?
    [ "$got" = "$code" ] || fail "exit $got in place of $code: $* ($(cat stderr.txt))"
    [ -z "$words" ] || grep -qF -- "$words" stderr.txt || fail "'$words' is not in '$(cat stderr.txt)': $*"
}
