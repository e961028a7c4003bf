#!/bin/sh
# A witness as its operator runs it: HTTP by curl, cosignatures verified by openssl, remembered over a restart and SIGKILL.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs curl openssl jq xxd
umask 077
openssl genpkey -algorithm ed25519 -out "$work/log.key" 2>/dev/null
openssl genpkey -algorithm ed25519 -out "$work/w.key" 2>/dev/null
log=log.example/gateways
me=witness.example/w1

# verifier keys and notes by openssl alone: key ids, signatures and hashes are not ours here
raw() { openssl pkey -in "$1" -pubout -outform DER | tail -c 32; }
vkey() { # vkey FILE NAME TYPE(octal)
    { printf '%s\n' "$2" && printf '%b' "\\0$3" && raw "$1"; } | openssl sha256 -binary | head -c 4 | od -An -tx1 | tr -d ' \n' >"$work/id"
    printf '%s+%s+%s\n' "$2" "$(cat "$work/id")" "$({ printf '%b' "\\0$3" && raw "$1"; } | base64 -w 0)"
}
note() { # note SIZE ROOT(base64)
    printf '%s\n%s\n%s\n' "$log" "$1" "$2" >"$work/text"
    openssl pkeyutl -sign -rawin -inkey "$work/log.key" -in "$work/text" -out "$work/sig"
    vkey "$work/log.key" "$log" 001 >/dev/null
    cat "$work/text"
    printf '\n\342\200\224 %s %s\n' "$log" "$({ xxd -r -p "$work/id" && cat "$work/sig"; } | base64 -w 0)"
}
leaf() { { printf '\000' && printf %s "$1"; } | openssl sha256 -binary; }
pair() { { printf '\001' && cat "$1" "$2"; } | openssl sha256 -binary; }
for i in 1 2 3; do leaf "entry $i" >"$work/leaf$i"; done
pair "$work/leaf1" "$work/leaf2" >"$work/root2"
pair "$work/root2" "$work/leaf3" >"$work/root3"
b64() { base64 -w 0 <"$work/$1"; }

{
    printf 'log ' && vkey "$work/log.key" "$log" 001
    echo 'quorum none'
} >"$work/logs.txt"

check 'key for the operator' 0 "$ctl" log witness --name "$me" --key "$work/w.key" --insecure-file-key --show-key
vkey "$work/w.key" "$me" 004 >"$work/expected"
cmp -s "$work/out" "$work/expected" || complain "openssl has $(cat "$work/expected")"

start() {
    witness_start "$work/witness.log" --name "$me" --key "$work/w.key" --insecure-file-key --logs "$work/logs.txt" \
        --state "$work/state"
    witness=$witness_pid
    url=http://127.0.0.1:$witness_port
}
# post OLD PROOF-FILES... <checkpoint; the status goes to $work/out, the body to $work/body
post() {
    old=$1
    shift
    {
        printf 'old %s\n' "$old"
        for f in "$@"; do b64 "$f" && echo; done
        echo
        cat
    } >"$work/request"
    curl -s -o "$work/body" -w '%{http_code} %{content_type}' --data-binary "@$work/request" "$url/add-checkpoint"
}
answered() { # answered NAME STATUS OLD PROOF... <checkpoint
    what=$1 status=$2
    shift 2
    check "$what" 0 post "$@"
    says "$status"
}
# The cosignature of the text that was sent, by openssl.
signed() {
    time_hex=$(sed 's/.* //' "$work/body" | base64 -d | xxd -s 4 -l 8 -p)
    { printf 'cosignature/v1\ntime %d\n' "0x$time_hex" && cat "$work/text"; } >"$work/message"
    sed 's/.* //' "$work/body" | base64 -d | tail -c 64 >"$work/cosignature"
    openssl pkeyutl -verify -rawin -inkey "$work/w.key" -in "$work/message" -sigfile "$work/cosignature" >/dev/null ||
        complain 'openssl does not verify the cosignature'
}

start
note 2 "$(b64 root2)" >"$work/note2"
answered 'first sight' 200 0 <"$work/note2"
signed
check 'what was cosigned is shown' 0 curl -sf "$url/$(printf %s "$log" | sha256sum | cut -c 1-64)/checkpoint"
says "$me"
{
    grep '^log' "$work/logs.txt"
    printf 'witness w ' && cat "$work/expected"
    echo 'quorum w'
} >"$work/policy"
cp "$work/out" "$work/witnessed"
check 'and satisfies a policy' 0 "$ctl" log verify "$work/witnessed" --policy "$work/policy"

kill -KILL $witness
wait $witness 2>/dev/null || true
start
note 3 "$(b64 root3)" >"$work/note3"
answered 'from elsewhere after a SIGKILL' '409 text/x.tlog.size' 0 <"$work/note3"
[ "$(cat "$work/body")" = 2 ] || complain "expected 2, found $(cat "$work/body")"
answered 'proof of another tree' 422 2 leaf2 <"$work/note3"
answered 'growth' 200 2 leaf3 <"$work/note3"
signed
note 3 "$(b64 root2)" >"$work/fork"
answered 'fork' 409 3 <"$work/fork"
check 'both stories are kept' 0 sh -c "cat '$work'/state/*.fork-3-held '$work'/state/*.fork-3-seen"
says "$(b64 root2)"
says "$(b64 root3)"
printf 'other.example\n1\n%s\n\n' "$(b64 leaf1)" | sed 's/^/x/' >"$work/nonsense"
answered 'no checkpoint' 400 3 <"$work/nonsense"
sed "s|$log|other.example/log|" "$work/note3" >"$work/other"
answered 'unknown log' 404 3 <"$work/other"
check 'other paths' 0 curl -s -o "$work/body" -w '%{http_code}' "$url/../etc/passwd"
says 404
check 'a request that is no HTTP' 0 sh -c "printf 'x\r\n\r\n' | timeout 5 curl -s telnet://127.0.0.1:${url##*:}"
says '400 Bad Request'
check 'a second witness' 3 "$ctl" log witness --name "$me" --key "$work/w.key" --insecure-file-key \
    --logs "$work/logs.txt" --state "$work/state" --listen 127.0.0.1:0
kill -TERM $witness
code=0
wait $witness || code=$?
name='SIGTERM' rows=$((rows + 1))
[ $code -eq 0 ] || complain "exit $code"
grep -q 'cosigned log=log.example/gateways size=3' "$work/witness.log" || complain 'no line about it'
grep -q 'code=E_TL_FORK' "$work/witness.log" || complain 'no line about the fork'
finish
