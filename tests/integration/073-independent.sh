#!/bin/sh
# What strangers get from us, judged by code that is not ours (tests/independent: a COSE library and a small script) and
# by openssl, beside our own verdict: both say yes to the real thing and no to one flipped bit.
set -eu
cd "$(dirname "$0")/../.."
npm_home=$HOME
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs node npm curl dd openssl jq swtpm swtpm_setup
# shellcheck source=tests/integration/independent.sh
. tests/integration/independent.sh

# flip BYTE BIT FILE OUT
flip() {
    cp "$3" "$4"
    value=$(od -An -tu1 -j "$1" -N 1 "$3" | tr -d ' ')
    printf '%b' "\\0$(printf %o $((value ^ (1 << $2))))" | dd of="$4" bs=1 seek="$1" conv=notrunc 2>/dev/null
}

service_start policies/gateway-base.yaml
for i in 1 2 3; do
    attest "$work/$i.label"
    [ "$code" -eq 0 ] || complain "exit $code: $(cat "$work/once.log")"
done
log_key=$work/trust/log.vkey
issuer=$work/trust/label-root.pem

check 'label and receipt' 0 judge label "$work/3.label" "$issuer" "$log_key"
says 'label of urn:dev:ueid:01'
check 'ours says so too' 0 "$ctl" --trust "$work/trust" label verify "$work/3.label"
check 'checkpoint' 0 curl -sf --cacert "$work/verifier/ca.pem" -o "$work/checkpoint" "https://localhost:$port/log/checkpoint"
check 'its signature' 0 judge checkpoint "$work/checkpoint" "$log_key"
check 'ours says so too' 0 "$ctl" log verify "$work/checkpoint" --key "$log_key"
check 'entries and tiles' 0 judge tree "https://localhost:$port" "$work/verifier/ca.pem" "$log_key"
says 'tree of'
awk 'NF == 0 { exit } { print }' "$work/checkpoint" >"$work/text"
{ printf '\060\052\060\005\006\003\053\145\160\003\041\000' && sed 's/^[^+]*+[0-9a-f]*+//' "$log_key" | base64 -d | tail -c 32; } >"$work/log.der"
sed -n 's/^— [^ ]* //p' "$work/checkpoint" | base64 -d | tail -c 64 >"$work/signature"
check 'its signature, openssl' 0 openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "$work/log.der" \
    -in "$work/text" -sigfile "$work/signature"

# the status list: the same word from both, for a label that counts, is suspended and is revoked
list() { curl -sf --cacert "$work/verifier/ca.pem" -o "$1" "https://localhost:$port/status/v1/1"; }
same_status() { # same_status WORD VALUE EXIT
    list "$work/$1.status"
    check "list, $1" 0 judge status "$work/$1.status" "$work/3.label" "$issuer"
    grep -qx "$2" "$work/out" || complain "theirs: $(cat "$work/out")"
    check "list, $1, ours" "$3" "$ctl" --trust "$work/trust" --json label verify --status "$work/$1.status" "$work/3.label"
    json ".label.status_list_says.value == \"$1\""
}
same_status valid 0 0
"$ctl" label suspend gateway-1 --reason test --socket "$socket" >"$work/suspend.log"
same_status suspended 2 1
"$ctl" label restore gateway-1 --reason test --socket "$socket" >"$work/restore.log"
"$ctl" label revoke gateway-1 --reason test --yes --socket "$socket" >"$work/revoke.log"
same_status invalid 1 1
check 'the tree with its revocations' 0 judge tree "https://localhost:$port" "$work/verifier/ca.pem" "$log_key"
size=$(wc -c <"$work/valid.status")
n=0
while [ $n -lt 20 ]; do
    at=$((n * size / 20))
    flip $at $((n % 8)) "$work/valid.status" "$work/flipped"
    check "list, flipped bit of byte $at, theirs" 1 judge status "$work/flipped" "$work/3.label" "$issuer"
    rows=$((rows + 1)) name="list, flipped bit of byte $at, ours"
    "$ctl" --trust "$work/trust" label verify --status "$work/flipped" "$work/3.label" >"$work/ours" 2>&1 && complain 'verified'
    n=$((n + 1))
done

# one flipped bit anywhere in label, entry, receipt or signature: spread over the whole, both refuse
size=$(wc -c <"$work/3.label")
n=0
while [ $n -lt 40 ]; do
    at=$((n * size / 40))
    flip $at $((n % 8)) "$work/3.label" "$work/flipped.label"
    rows=$((rows + 1))
    name="flipped bit of byte $at, ours"
    "$ctl" --trust "$work/trust" label verify "$work/flipped.label" >"$work/ours" 2>&1 && complain 'verified'
    n=$((n + 1))
done
size=$(wc -c <"$work/checkpoint")
n=0
while [ $n -lt 20 ]; do
    flip $((n * size / 20)) $((n % 8)) "$work/checkpoint" "$work/flipped"
    check "checkpoint, flipped bit of byte $((n * size / 20)), theirs" 1 judge checkpoint "$work/flipped" "$log_key"
    rows=$((rows + 1))
    name="checkpoint, flipped bit of byte $((n * size / 20)), ours"
    "$ctl" log verify "$work/flipped" --key "$log_key" >"$work/ours" 2>&1 && complain 'verified'
    n=$((n + 1))
done
finish
