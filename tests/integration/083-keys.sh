#!/bin/sh
# The operator's path of keys: made, in force, handed over, ended; and what partners and auditors see of each step. Then attestd
# is killed in the middle, again and again: one key is in force afterwards, the old one or the new one.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl
service_start policies/gateway-base.yaml
ca=$work/verifier/ca.pem
keys=$work/verifier/state/keys
export ATTEST_ADMIN_SOCKET="$socket" XDG_STATE_HOME="$work/xdg"
audit() { "$ctl" --trust "$work/trust" log audit --json "https://localhost:$port/log" --ca "$ca" "$@"; }
monitor() { "$ctl" --trust "$1" log monitor --json "https://localhost:$port/log" --ca "$ca"; }
verify() { "$ctl" --json --trust "$work/trust" label verify "$@"; }
create_label() {
    "$ctl" --json key create label "$1" --keys "$keys" --issuer test-verifier --insecure-file-key \
        --ca "$work/verifier/label-root.pem" --ca-key "$work/verifier/label-root.key"
}
in_force() { "$ctl" --json key show | jq -r ".keys.$1[] | select(.in_force).key"; }
trust_key() { "$ctl" --trust "$work/trust" trust add "$1" --fingerprint "$("$ctl" --json trust show "$1" | jq -r '.keys[0].sha256')"; }
service_again() {
    rm -f "$work/verifier/admin.sock"
    "$BUILD/attestd" run --config "$work/verifier/attestd.yaml" >"$work/attestd.log" 2>&1 &
    verifier_pid=$!
    pids="$pids $verifier_pid"
    service_wait "$work/verifier/admin.sock" $!
}
service_end() {
    kill "$verifier_pid"
    wait "$verifier_pid" || true
}
# the same port after each start: the agent knows it
sed -i "s,^listen: .*,listen: \"127.0.0.1:$port\"," "$work/verifier/attestd.yaml"

attest "$work/first.label"
first=$(in_force label)
first_log=$(in_force log)
check 'what is in force at first' 0 "$ctl" --json key show
json_form
json '.keys.issuer == "test-verifier" and (.keys.label | length) == 1 and (.keys.log | length) == 1 and .keys.label[0].begins == 0'
check 'in Japanese' 0 "$ctl" --lang ja key show
says 'ラベルの鍵'

# made: only in private, never over another, and nothing is in force by it
check 'a label key' 0 create_label label-2
second=$(jq -r .key "$work/out")
check 'again' 2 create_label label-2
for wrong in 'label UP' 'label ../x' 'tls x' 'label x --key pkcs11:token=t' 'log x --ca x'; do
    # shellcheck disable=SC2086 # words
    check "key create $wrong" 2 "$ctl" --json key create $wrong --keys "$keys" --issuer test-verifier --insecure-file-key
done
check 'without its issuer' 2 "$ctl" --json key create label x --keys "$keys" --insecure-file-key
check 'without a word about files' 2 "$ctl" --json key create label x --keys "$keys" --issuer test-verifier
check 'for another authority' 0 "$ctl" --json key create label asked --keys "$keys" --issuer test-verifier --insecure-file-key
openssl req -in "$keys/asked.csr" -inform DER -noout -verify >/dev/null 2>&1 || complain 'the request does not verify'
[ "$(in_force label)" = "$first" ] || complain 'a key is in force by being made'
[ "$(stat -c %a "$keys/label-2.key")" = 600 ] || complain 'a key that others can read'

# refused, and nothing happens
before=$("$ctl" --json device show gateway-1 | jq .device.label.outcome)
check 'a key that is not there' 3 "$ctl" --json key rotate label none --yes
json '.reasons[0].code == "E_KEY_NONE"'
check 'a key without its certificate' 3 "$ctl" --json key rotate label asked --yes
check 'of another verifier' 0 "$ctl" --json key create label alien --keys "$keys" --issuer other-verifier --insecure-file-key \
    --ca "$work/verifier/label-root.pem" --ca-key "$work/verifier/label-root.key"
check 'that one' 3 "$ctl" --json key rotate label alien --yes
json '.reasons[0].code == "E_KEY_PAIR"'
check 'no yes' 2 "$ctl" --json --no-input key rotate label label-2
check 'hand over a label key' 2 "$ctl" --json key rotate label label-2 --hand-over 3 --yes
[ "$(in_force label)" = "$first" ] || complain 'a refusal changed the key'

# planned: the old key names the new one, and its labels stay
check 'a state of the audit' 0 audit --state "$work/audit.state"
check 'rotated' 0 "$ctl" --json key rotate label label-2 --yes
json_form
json ".change | .kind == \"label\" and .reason == \"rotated\" and .before == \"$first\" and .now == \"$second\" and .labels == 0 and .outcome > $before"
attest "$work/second.label"
check 'a label of before' 0 verify "$work/first.label"
check 'a label of the new key' 0 verify "$work/second.label"
check 'an auditor' 0 audit
json '[.checks[] | select(.status != "pass")] == []'
check 'with the state of before' 0 audit --state "$work/audit.state"
check 'back again' 1 "$ctl" --json key rotate label label-2 --yes
json '.reasons[0].code == "E_KEY_USED"'

# the same after a start; and the key file that is changed behind its back
service_end
service_again
[ "$(in_force label)" = "$second" ] || complain 'another label key after a start'
service_end
check 'the records are sound' 0 "$BUILD/attestd" fsck --config "$work/verifier/attestd.yaml"
mv "$keys/label-2.key" "$work/aside.key"
mv "$keys/label-2.pem" "$work/aside.pem"
check 'gone: the configured key is not the one in force' 2 timeout 20 "$BUILD/attestd" run --config "$work/verifier/attestd.yaml"
says E_KEY_CHANGED
says "$second"
says "$first"
check 'a key that nobody rotated to' 0 create_label label-2
check 'in its place' 2 timeout 20 "$BUILD/attestd" run --config "$work/verifier/attestd.yaml"
says E_KEY_CHANGED
cp "$work/verifier/log.key" "$work/log.key.kept"
openssl genpkey -algorithm ed25519 -out "$work/verifier/log.key" 2>/dev/null
mv "$work/aside.key" "$keys/label-2.key"
mv "$work/aside.pem" "$keys/label-2.pem"
check 'another log key' 2 timeout 20 "$BUILD/attestd" run --config "$work/verifier/attestd.yaml"
says E_KEY_CHANGED
says "$first_log"
cp "$work/log.key.kept" "$work/verifier/log.key"
# taken over into the configuration, and the folder is empty: the same key, so it starts
cp "$work/verifier/attestd.yaml" "$work/attestd.yaml.kept"
cp "$keys/label-2.key" "$work/verifier/moved.key"
cp "$keys/label-2.pem" "$work/verifier/moved.pem"
sed -i 's,^label: .*,label: {chain: moved.pem\, key: "file:moved.key"},' "$work/verifier/attestd.yaml"
mv "$keys/label-2.key" "$work/aside.key"
service_again
[ "$(in_force label)" = "$second" ] || complain 'the key that was taken over is not in force'
service_end
mv "$work/aside.key" "$keys/label-2.key"
cp "$work/attestd.yaml.kept" "$work/verifier/attestd.yaml"
service_again

# the log's key: partners and auditors have the new one before it is in force, and the old one goes on for a while
check 'an auditor keeps a checkpoint' 0 monitor "$work/trust"
cp -r "$work/trust" "$work/trust-old"
check 'a key of the log' 0 "$ctl" --json key create log log-2 --keys "$keys" --issuer test-verifier
check 'partners take it' 0 trust_key "$keys/log-2.vkey"
check 'before it is in force' 0 verify "$work/second.label"
check 'it takes over' 0 "$ctl" --json key rotate log log-2 --yes
json ".change | .kind == \"log\" and .before == \"$first_log\" and (.cosigns_until | length) > 0"
second_log=$(jq -r .change.now "$work/out")
[ "$second_log" = "$("$ctl" --json trust show "$keys/log-2.vkey" | jq -r '.keys[0].sha256')" ] || complain 'two names for one key'
"$ctl" --trust "$work/trust" log export "$work/log" >/dev/null
[ "$(grep -c '^— test-verifier ' "$work/log/checkpoint")" -eq 2 ] || complain 'the checkpoint does not have both lines'
check 'by the new key' 0 "$ctl" log verify "$work/log/checkpoint" --key "$keys/log-2.vkey"
check 'by the old key' 0 "$ctl" log verify "$work/log/checkpoint" --key "$work/verifier/trust/log.vkey"
check 'the kept checkpoint is of the same log' 0 monitor "$work/trust"
json '.since > 0 and .new == 1 and ([.checks[] | select(.id == "consistency")][0].status == "pass")'
check 'an auditor with the old key alone' 0 monitor "$work/trust-old"
json '.since > 0'
attest "$work/third.label"
check 'a receipt of the new key' 0 verify "$work/third.label"
check 'a receipt of the old key' 0 verify "$work/second.label"
check 'the new one under the old key alone' 1 "$ctl" --json --trust "$work/trust-old" label verify "$work/third.label"
json '[.reasons[].code] | index("E_TL_SIGNATURE")'
check 'a bundle with the checkpoint' 0 "$ctl" --json log prove "$work/second.label" --trust "$work/trust" --from "https://localhost:$port/log" --ca "$ca" --output "$work/second.tlog-proof"
check 'an auditor of both' 0 audit
check 'hand over at once' 0 "$ctl" --json key create log log-3 --keys "$keys" --issuer test-verifier
check 'known' 0 trust_key "$keys/log-3.vkey"
check 'without a line of the old key' 0 "$ctl" --json key rotate log log-3 --hand-over 0 --yes
"$ctl" --trust "$work/trust" log export "$work/log" >/dev/null
[ "$(grep -c '^— test-verifier ' "$work/log/checkpoint")" -eq 1 ] || complain 'the old key still signs'
check 'monitored on' 0 monitor "$work/trust"
json '.since > 0'
service_end
service_again
check 'after a start' 0 audit

# compromised: the labels in force end in the same moment, devices attest again, and partners learn it from a file
check 'a third label key' 0 create_label label-3
check 'rotated first' 0 "$ctl" --json key rotate label label-3 --yes
third=$(jq -r .change.now "$work/out")
attest "$work/doomed.label"
number=$("$ctl" --json label show "$work/doomed.label" | jq -r '.label.status_list.uri // .status_list.uri // empty' | sed 's,.*/,,')
check 'nothing to export yet' 3 "$ctl" --json key export "$third" --output "$work/third.receipt"
check 'a fourth' 0 create_label label-4
check 'compromised' 0 "$ctl" --json key rotate label label-4 --compromised --yes
json '.change | .reason == "compromised" and .labels >= 1'
ended=$(jq -r .change.outcome "$work/out")
check 'none is current' 3 "$ctl" --json label get gateway-1 --output "$work/none.label"
check 'the status list' 0 "$ctl" label get "${number:-1}" --list --output "$work/list"
check 'says it' 1 verify "$work/doomed.label" --status "$work/list"
json '[.reasons[].code] | index("E_LBL_REVOKED")'
attest "$work/fourth.label"
check 'the gateway has another' 0 verify "$work/fourth.label" --status "$work/list"
check 'for partners' 0 "$ctl" --json key export "$third" --output "$work/third.receipt"
check 'in Japanese' 0 "$ctl" --lang ja key show
says '失効'
cp -r "$work/trust" "$work/trust-plain"
check 'not asked' 2 "$ctl" --json --no-input --trust "$work/trust" trust revoke "$work/third.receipt"
check 'taken' 0 "$ctl" --json --trust "$work/trust" trust revoke "$work/third.receipt" --accept-before --yes
json_form
json ".key == \"$third\" and .from == $ended and (.already | not)"
check 'again' 0 "$ctl" --json --trust "$work/trust" trust revoke "$work/third.receipt" --yes
json .already
check 'a label that was in the log before' 0 verify "$work/doomed.label"
check 'strictly' 0 "$ctl" --json --trust "$work/trust-plain" trust revoke "$work/third.receipt" --yes
check 'nothing of it counts' 1 "$ctl" --json --trust "$work/trust-plain" label verify "$work/doomed.label"
json '[.reasons[].code] | index("E_LBL_REVOKED")'
check 'the key that follows does' 0 "$ctl" --json --trust "$work/trust-plain" label verify "$work/fourth.label"
check 'an auditor with the rows' 0 audit
check 'the older one too' 0 "$ctl" --json key revoke "$second" --yes
json '.change.labels >= 0'
check 'again' 1 "$ctl" --json key revoke "$second" --yes
check 'the key in force' 1 "$ctl" --json key revoke "$(in_force label)" --yes
check 'its file' 0 "$ctl" --json key export "$second" --output "$work/second.receipt"
check 'is taken' 0 "$ctl" --json --trust "$work/trust" trust revoke "$work/second.receipt" --accept-before --yes
[ "$(grep -c 'from:' "$work/trust/trust.yaml")" -eq 2 ] || complain 'trust.yaml does not have both rows'
check 'an auditor of all of it' 0 audit
check 'with a state' 0 audit --state "$work/audit.state"

# lies about it: another file, another log, a changed bit, a signer whom nobody knows, a list that cannot be edited
check 'a label is no revocation' 4 "$ctl" --json --trust "$work/trust" trust revoke "$work/first.label" --yes
cp "$work/second.receipt" "$work/bad.receipt"
flip_bit "$work/bad.receipt" "$(($(wc -c <"$work/bad.receipt") - 5))"
check 'a changed bit' 1 "$ctl" --json --trust "$work/trust-old" trust revoke "$work/bad.receipt" --yes
mkdir "$work/strangers"
cp "$work/trust"/*.vkey "$work/strangers/"
check 'nobody vouches' 3 "$ctl" --json --trust "$work/strangers" trust revoke "$work/second.receipt" --yes
rm "$work/strangers"/*.vkey
cp "$work/trust"/*.pem "$work/strangers/"
check 'no log' 1 "$ctl" --json --trust "$work/strangers" trust revoke "$work/second.receipt" --yes
cp "$work/trust-old"/* "$work/strangers/"
cp "$keys"/log-*.vkey "$work/strangers/"
printf 'revoked-keys: []\n' >"$work/strangers/trust.yaml"
check 'a list of another form' 2 "$ctl" --json --trust "$work/strangers" trust revoke "$work/second.receipt" --yes
says "$second"

# killed at any time: the old key or the new one, and what the log says of it
service_end
kills=${KEY_KILLS:-24}
kill=0
seed=${KEY_SEED:-$$}
echo "KEY_SEED=$seed"
while [ $kill -lt "$kills" ]; do
    kill=$((kill + 1))
    kind=label
    [ $((kill % 3)) -ne 0 ] || kind=log
    service_again
    old=$(in_force $kind)
    if [ $kind = label ]; then
        create_label "kill-$kill" >/dev/null
    else
        "$ctl" key create log "kill-$kill" --keys "$keys" --issuer test-verifier >/dev/null
    fi
    how=''
    [ $((kill % 2)) -ne 0 ] || how=--compromised
    keeper=$(pgrep -P "$verifier_pid" -f keeper | head -n 1 || true)
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    # shellcheck disable=SC2086 # an option or none
    "$ctl" --json key rotate $kind "kill-$kill" $how --yes >"$work/rotated" 2>&1 &
    asked=$!
    sleep "$(printf '0.%03d' $((seed / 65536 % 40 + 2)))"
    kill -9 "${keeper:-$verifier_pid}" "$verifier_pid" 2>/dev/null || true
    told=0
    wait "$asked" || told=$?
    wait "$verifier_pid" 2>/dev/null || true
    while pgrep -f "$work/verifier/attestd.yaml" >/dev/null; do sleep 0.02; done
    name="kill $kill"
    service_again
    now=$(in_force $kind)
    if [ "$now" = "$old" ]; then
        [ "$told" -ne 0 ] || complain 'the change was acknowledged and is lost'
        stayed=$((${stayed:-0} + 1))
    else
        moved=$((${moved:-0} + 1))
    fi
    [ "$(printf '%s\n' "$now" | wc -l)" -eq 1 ] || complain "in force: $now"
    [ $kind = label ] || "$ctl" --trust "$work/trust" trust add "$keys/kill-$kill.vkey" \
        --fingerprint "$("$ctl" --json trust show "$keys/kill-$kill.vkey" | jq -r '.keys[0].sha256')" >/dev/null
    service_end
done
printf 'kills=%s stayed=%s moved=%s\n' "$kills" "${stayed:-0}" "${moved:-0}"
check 'the records after it' 0 "$BUILD/attestd" fsck --config "$work/verifier/attestd.yaml"
service_again
attest "$work/last.label"
check 'a label after it' 0 verify "$work/last.label"
check 'an auditor after it' 0 audit
json '.counts.findings == 0'
finish
