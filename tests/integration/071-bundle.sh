#!/bin/sh
# One file for a partner: label, log, witness and status of a real verifier, judged in an empty network namespace with
# what attestd init gave to partners, and with the exit code of every case.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl curl

service_start
export ATTEST_ADMIN_SOCKET="$socket"
attest "$work/1.label"
[ "$code" -eq 0 ] || { cat "$work/once.log"; exit 1; }
get() { curl -fsS --cacert "$work/verifier/ca.pem" -o "$2" "https://localhost:$port$1"; }
get /log/checkpoint "$work/1.checkpoint"
get /status/v1/1 "$work/1.status"

offline='' where='no namespace of its own: neither root nor user namespaces here'
if unshare -n true 2>/dev/null; then
    offline='unshare -n' where='its own network namespace'
elif unshare -rn true 2>/dev/null; then
    offline='unshare -rn' where='its own network and user namespace'
fi
echo "verifying in $where"
trust=$work/trust
# shellcheck disable=SC2086 # the command of the namespace is meant to be split
verify() { $offline "$ctl" --trust "$trust" bundle verify "$@"; }
# row NAME CODE ARGS...: for people, for scripts, and the two agree
row() {
    n=$1 c=$2
    shift 2
    check "$n" "$c" verify "$@"
    check "$n, --json" "$c" verify --json "$@"
    json_form
}

b=$work/1.bundle
check create 0 "$ctl" bundle create "$work/1.label" --checkpoint "$work/1.checkpoint" --status "$work/1.status" -o "$b"
says 'bundle verify'
row good 0 "$b"
json '.label.device == "gateway-1" and .label.verified and .label.status_list_says.value == "valid"'
json '.label.log.checkpoint_size == .label.log.size and .label.log.witnesses == 0 and .not_checked == ["subject", "newest"]'
json '[.checks[] | select(.status == "pass").id] | index("checkpoint") != null'
check 'good, in words' 0 verify "$b"
for text in VERIFIED 'Status as of' 'No witness' 'Not checked'; do says "$text"; done
check 'in Japanese' 0 verify --lang ja "$b"
says '検証済み'
row 'right device' 0 --device gateway-1 "$b"
row 'wrong device' 1 --device gateway-2 "$b"
says E_LBL_SUBJECT
row expired 1 --at 2100-01-01T00:00:00Z "$b"
from_stdin() { verify "$@" <"$b"; }
check 'standard input' 0 from_stdin -

# everything required
printf 'status-list: required\nmax-age: 1h\nwitnesses: 1\n' >"$trust/trust.yaml"
row 'a witness is asked for' 3 "$b"
says E_TL_WITNESS
printf 'status-list: required\nmax-age: 1h\n' >"$trust/trust.yaml"
row 'all that is there' 0 "$b"
check 'label alone' 0 "$ctl" bundle create "$work/1.label" -o "$work/alone.bundle"
row 'label alone, and a list is asked for' 3 "$work/alone.bundle"
says E_SL_NONE
row 'and the list beside it' 0 --status "$work/1.status" "$work/alone.bundle"
json '.not_checked | index("checkpoint") != null'
for wrong in 'witnesses: -1' 'witnesses: many' 'revoked-keys: x' 'revoked-keys: [{key: 00, log: l, from: 1}]' \
    "revoked-keys: [{key: $(printf '%064d' 0), log: l}]" "revoked-keys: [{key: $(printf '%064d' 0), log: l, from: 1, before: perhaps}]" \
    "revoked-keys: [{key: $(printf '%064d' 0), log: l, from: 1, after: accept}]"; do
    printf '%s\n' "$wrong" >"$trust/trust.yaml"
    check "trust.yaml \"$wrong\"" 2 verify "$b"
done
# the label key, revoked at the label's own entry, and at the one behind it
openssl x509 -in "$work/verifier/label.pem" -pubkey -noout 2>/dev/null | openssl pkey -pubin -outform DER | sha256sum | cut -c1-64 >"$work/key"
at=$("$ctl" --trust "$work/verifier/trust" --json label verify "$work/1.label" | jq .label.log.index)
key_rule() { printf 'revoked-keys:\n  - {key: %s, log: test-verifier, from: %s, before: %s}\n' "$(cat "$work/key")" "$1" "$2" >"$trust/trust.yaml"; }
key_rule "$at" accept
row 'its key is revoked from its entry on' 1 "$work/alone.bundle"
says E_LBL_REVOKED
key_rule $((at + 1)) accept
row 'its key is revoked behind it' 0 "$work/alone.bundle"
key_rule $((at + 1)) refuse
row 'and nothing of it is taken' 1 "$work/alone.bundle"
says E_LBL_REVOKED
key_rule $((at + 1)) accept
row 'a list by the revoked key' 3 "$b"
says E_SL_KEY
rm "$trust/trust.yaml"

# others' keys, and none
mkdir "$work/empty" "$work/other"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/other.key" -subj '/CN=Another issuer' \
    -days 365 -out "$work/other/other.pem" 2>/dev/null
trust=$work/other
row 'unknown issuer' 3 "$b"
says E_LBL_KEY
trust=$work/empty
row 'empty trust folder' 3 "$b"
trust=$work/missing
check 'missing trust folder' 2 verify "$b"
trust=$work/trust

# malformed, cut, and of another kind
size=$(stat -c %s "$b")
for cut in 0 1 40 $((size / 2)) $((size - 1)); do
    head -c "$cut" "$b" >"$work/cut.bundle"
    row "cut to $cut bytes" 4 "$work/cut.bundle"
done
row 'a label is no bundle' 4 "$work/1.label"
row 'missing file' 3 "$work/none.bundle"
check 'create of what is no label' 4 "$ctl" bundle create README.md -o "$work/x.bundle"
check 'create with what is no checkpoint' 4 "$ctl" bundle create "$work/1.label" --checkpoint README.md -o "$work/x.bundle"
check 'create with what is no list' 4 "$ctl" bundle create "$work/1.label" --status README.md -o "$work/x.bundle"

# show and extract believe nothing
check show 0 "$ctl" bundle show "$b"
for text in 'NOT VERIFIED' gateway-1 test-verifier https://localhost/status/v1/1; do says "$text"; done
check 'show, --json' 0 "$ctl" --json bundle show "$b"
json '.verified == false and .checkpoint.origin == "test-verifier" and .label.device == "gateway-1"'
check extract 0 "$ctl" bundle extract "$b" -o "$work/parts"
for part in label checkpoint status; do
    cmp -s "$work/1.$part" "$work/parts/bundle.$part" || complain "another $part than was packed"
done

# a newer label; and a revocation that the bundle does not know of
sleep 1
attest "$work/2.label"
get /log/checkpoint "$work/2.checkpoint"
check 'the next' 0 "$ctl" bundle create "$work/2.label" --checkpoint "$work/2.checkpoint" --status "$work/1.status" -o "$work/2.bundle"
row 'superseded by a bundle' 1 --newer "$work/2.bundle" "$b"
says E_LBL_SUPERSEDED
row 'superseded by a label' 1 --newer "$work/2.label" "$b"
row 'a later checkpoint' 3 --newer "$work/2.checkpoint" "$b"
says E_LBL_NEWEST
row 'the newer beside the older' 0 --newer "$b" "$work/2.bundle"
row 'the newer with its checkpoint' 0 --newer "$work/2.checkpoint" "$work/2.bundle"
check 'another tree' 0 "$ctl" bundle create "$work/1.label" --checkpoint "$work/2.checkpoint" -o "$work/other.bundle"
row 'a checkpoint of another tree, without a proof' 1 "$work/other.bundle"
says E_TL_PROOF
check revoke 0 "$ctl" label revoke gateway-1 --reason stolen --yes
get /status/v1/1 "$work/2.status"
row 'as of its own list' 0 "$b"
row 'as of a newer list' 1 --status "$work/2.status" "$b"
says E_LBL_REVOKED

# No system call of the network, with or without a namespace. LeakSanitizer cannot run under strace.
if ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=network -o "$work/strace" "$ctl" version >/dev/null 2>&1; then
    for file in "$b" "$work/other.bundle" "$work/cut.bundle"; do
        ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=network -o "$work/strace" \
            "$ctl" --trust "$trust" bundle verify --newer "$work/2.bundle" "$file" >/dev/null 2>&1 || true
        rows=$((rows + 1))
        name="strace of $(basename "$file")"
        if grep -E 'socket|connect|send|recv|bind' "$work/strace"; then complain "a system call of the network"; fi
    done
else
    echo 'strace cannot run here: the system calls were not looked at'
fi
finish
