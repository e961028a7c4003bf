#!/bin/sh
# The data key of a gateway: certified, authorised by each label, and refused by the TPM itself in every state that is not
# the approved one, with its own code; the same key again after an approved update.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup swtpm_ioctl tpm2_pcrextend openssl
service_start policies/gateway-base.yaml
measured=$work/measured
agent() { "$BUILD/attest-agent" --config "$work/agent.yaml" "$@"; }
tpm() { TPM2TOOLS_TCTI="swtpm:path=$work/tpm/tpm" "$@" >"$work/tool.log" 2>&1; }
expect() { # expect NAME CODE: one attestation
    attest "$work/label"
    name=$1 rows=$((rows + 1))
    [ "$code" -eq "$2" ] || complain "expected exit $2, found $code: $(cat "$work/once.log")"
}
key() { agent --json status | jq -r .data_key; }
try() { # the doctor signs its own words with the data key
    agent --json doctor >"$work/out" 2>"$work/err" || true
    jq '([.checks[] | select(.id == "tpm.data-key")][0]) + ([.reasons[] | select(.path == "tpm.data-key")][0] // {})' "$work/out" >"$work/try"
}
signs() {
    name=$1 rows=$((rows + 1))
    try
    jq -e '.status == "pass"' "$work/try" >/dev/null || complain "does not sign: $(cat "$work/try")"
}
refused() { # refused NAME REASON TEXT: by the TPM, in its own words
    name=$1 rows=$((rows + 1))
    try
    jq -e --arg code "$2" '.status == "warn" and .code == $code' "$work/try" >/dev/null || complain "expected $2: $(cat "$work/try")"
    grep -q -F -e "$3" "$work/try" || complain "expected \"$3\": $(cat "$work/try")"
}

# ---- certified at the first attestation, named in its label ----
name='no key before it attested' rows=$((rows + 1))
try
jq -e '.status == "not-run" or .status == "not-applicable"' "$work/try" >/dev/null || complain "$(cat "$work/try")"
expect 'the first attestation' 0
signs 'and the key signs'
first=$(key)
[ "${#first}" -eq 64 ] || complain "no fingerprint: $first"
check status 0 agent status
says "data key $first"
says 'authorised until'
says_not refused
check 'status, in Japanese' 0 agent --lang ja status
says '認可の期限'
check 'the label names the key' 0 "$ctl" --trust "$work/trust" --json label verify "$work/label"
json ".label.data_key.sha256 == \"$first\" and (.label | has(\"batch_head\") | not)"
check 'in words' 0 "$ctl" --trust "$work/trust" label verify "$work/label"
says "sha256 $first"
says '63 times'
check 'in Japanese' 0 "$ctl" --trust "$work/trust" --lang ja label verify "$work/label"
says "データ鍵"
says '63 回'
# the head of the batch chain travels with the attestation, and the label repeats it
printf '0123456789abcdef0123456789abcdef' >"$work/state/batch-head"
expect 'again' 0
check 'the batch head' 0 "$ctl" --trust "$work/trust" --json label verify "$work/label"
json '.label.batch_head == "3031323334353637383961626364656630313233343536373839616263646566"'
check 'the batch head, shown' 0 "$ctl" label show "$work/label"
says 'batch head'
[ "$(key)" = "$first" ] || complain 'another key for no reason'

# ---- a measured file is edited on the running gateway ----
"$BUILD/attest-agent" --config "$work/agent.yaml" run >"$work/run.log" 2>&1 &
run=$!
pids="$pids $run"
i=0
while ! grep -q 'affirming' "$work/run.log" && [ $i -lt 200 ]; do i=$((i + 1)); sleep 0.05; done
echo 'scale = 2' >"$measured/sensor.conf"
i=0
try
while jq -e '.status == "pass"' "$work/try" >/dev/null && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.1; try; done # until it is measured
refused 'a file was edited' E_DK_STATE 'TPM2_PolicyAuthorize: TPM_RC_VALUE of parameter 1 (0x1c4)'
kill "$run"
wait "$run" 2>/dev/null || true
expect 'the next attestation' 1
check 'its label names no key' 1 "$ctl" --trust "$work/trust" --json label verify "$work/label"
json '.label | has("data_key") | not'
grep -q "$measured/sensor.conf" "$work/once.log" || complain "does not name the file: $(cat "$work/once.log")"
refused 'a refused gateway gets no authorisation' E_DK_STATE 0x1c4
check 'status tells' 1 agent status
says 'E_DK_STATE'
says '0x1c4'

# ---- approved: new reference values, the same key ----
"$ctl" refvals make "$measured" --output "$work/verifier/refvals.bin" >/dev/null
reload
expect 'approved' 0
signs 'the approved update signs'
[ "$(key)" = "$first" ] || complain "another key after an update: $(key)"

# ---- reboots: orderly, a power cut, and one in which resetCount stays ----
reboot() {
    case $1 in
    orderly) tpm tpm2_shutdown -c ;;
    state) tpm tpm2_shutdown ;;
    esac
    swtpm_ioctl --unix "$work/tpm/tpm.ctrl" -i
    [ "$1" != state ] || tpm tpm2_startup -c
}
for how in orderly cut state; do
    reboot $how
    refused "after a reboot ($how)" E_DK_REBOOT 'counters: TPM_RC_POLICY (0x126)'
    expect "attested after it ($how)" 0
    signs "and it signs again ($how)"
    [ "$(key)" = "$first" ] || complain "another key after a reboot ($how)"
done

# ---- a PCR of the policy is extended behind the agent's back ----
tpm tpm2_pcrextend "13:sha256=$(printf '%064d' 7)"
refused 'a policy PCR moved' E_DK_STATE 0x1c4
expect 'no log explains it' 1
reboot orderly
expect 'a clean boot' 0
signs 'recovered'

# ---- the label runs out ----
sed 's/^version: .*/version: 2/; s/^label_ttl: .*/label_ttl: 6s/; s/^interval: .*/interval: 2s/' "$work/verifier/policy.yaml" >"$work/short.yaml"
check 'a short-lived policy' 0 "$ctl" policy sign "$work/short.yaml" --key "$work/verifier/policy-signer.key" --insecure-file-key \
    -o "$work/short.cose"
cp "$work/short.cose" "$work/verifier/policy.cose"
reload
expect 'a label of six seconds' 0
sleep 7
refused 'it ran out' E_DK_EXPIRED 'clock: TPM_RC_POLICY (0x126)'
expect 'a new label' 0
signs 'a new authorisation'
[ "$(key)" = "$first" ] || complain 'another key after it ran out'

# ---- what stays: the records hold, and one certification is in them ----
kill "$verifier_pid"
wait "$verifier_pid" 2>/dev/null || true
check 'the records hold' 0 "$BUILD/attestd" fsck --config "$work/verifier/attestd.yaml"
check 'and are' 0 "$BUILD/attestd" fsck --dump --config "$work/verifier/attestd.yaml"
[ "$(grep -c 'data key 000b' "$work/out")" -eq 1 ] || complain "expected one certification: $(grep 'data key' "$work/out")"
finish
