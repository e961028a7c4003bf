#!/bin/sh
# Every file of the corpus folders of the transparency log: its answer must be the one that MANIFEST.tsv gives. One line a
# file; a file that no row here knows is a failure. Signatures are verified twice: by us and by openssl alone.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/corpus.sh
. tests/integration/corpus.sh
needs jq openssl base64

# openssl_says CODE TEXT: is $work/sig the signature of that text by $work/key?
openssl_says() {
    check "$file under openssl" "$1" openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key" -rawin -in "$2" \
        -sigfile "$work/sig"
}
# by_openssl FILE: a note without blank lines in its text and with one signature, under the key that the manifest names
by_openssl() {
    file=$1
    vkey=$(awk -F'\t' -v f="$file" '$1 == f { sub(/.*vkey /, ""); sub(/[;\t].*/, ""); print }' "$CORPUS/MANIFEST.tsv")
    vkey=${vkey#*+}
    # the head of an Ed25519 SubjectPublicKeyInfo, and the key behind its type
    printf '\060\052\060\005\006\003\053\145\160\003\041\000' >"$work/key"
    printf '%s' "${vkey#*+}" | base64 -d | tail -c +2 >>"$work/key"
    tail -n 1 "$CORPUS/$file" | cut -d ' ' -f 3 | base64 -d | tail -c +5 >"$work/sig"
    sed '/^$/,$d' "$CORPUS/$file" >"$work/text"
    tr 0-9e 1-90f <"$work/text" >"$work/other"
    openssl_says 0 "$work/text"
    openssl_says 1 "$work/other"
}
# by_attestctl FILE: a checkpoint of the log, under the key that by_openssl found
by_attestctl() {
    check "$1 by attestctl" 0 "$ctl" --json log verify "$CORPUS/$1" --key "example.com/log/testdata+$vkey"
    json '.checkpoint.origin == "example.com/log/testdata"'
}

# tlog/: notes, checkpoints, tiles, entries and a proof of a public log
check 'test_tlog_corpus' 0 "$BUILD/unit/test_tlog_corpus"
grep '^ok ' "$work/out" >"$work/answers" || complain 'no answers'
while read -r _ path words; do
    before=$bad
    case $path in
    tlog/*/checkpoint*)
        by_openssl "$path"
        by_attestctl "$path"
        ;;
    *-note.txt) by_openssl "$path" ;;
    esac
    row "$path" "$before" "$words"
done <"$work/answers"

every_file tlog
finish
