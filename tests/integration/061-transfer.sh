#!/bin/sh
# A gateway goes from one organisation to another: labelled by A, transferred with both signatures, refused by A, enrolled
# at B without a token and labelled by B; everybody else is refused.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl
service_start policies/gateway-base.yaml
a=$work/verifier b=$work/second
transfer() { "$ctl" device transfer "$@"; }

# the second organisation's verifier
"$BUILD/attestd" init --dir "$b" --insecure-file-key --verifier-id second-verifier --host localhost --listen 127.0.0.1:0 \
    --policy policies/gateway-base.yaml --refvals "$work/reference.refvals" >"$work/init-b.log"
cp "$work/tpm/ca/ca.pem" "$b/ek.d/"
sed -i 's/^operator: .*/operator: "127.0.0.1:0"/' "$b/attestd.yaml"
"$BUILD/attestd" run --config "$b/attestd.yaml" >"$work/second.log" 2>&1 &
pids="$pids $!"
service_wait "$b/admin.sock" $!
port_b=$(sed -n 's/.*listening.*port=\([0-9]*\).*/\1/p' "$work/second.log" | head -n 1)

# each organisation's administrator has a key, whose public half stands at its own verifier only
for who in giver receiver stranger; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$who.key" 2>/dev/null
    openssl pkey -in "$work/$who.key" -pubout -out "$work/$who.pem" 2>/dev/null
done
cp "$work/giver.pem" "$a/transfer-signers/"
cp "$work/receiver.pem" "$b/transfer-signers/"

# the same TPM as whoever finds the gateway sees it: nothing is known of A's enrolment
mkdir "$work/state-b"
sed "s|^state_dir: .*|state_dir: $work/state-b|" "$work/agent.yaml" >"$work/agent-b.yaml"
enrol_b() { # enrol_b CONFIG ID
    "$BUILD/attest-agent" --config "$1" enrol --verifier "https://localhost:$port_b" --verifier-ca "$b/ca.pem" --id "$2"
}
once() { "$BUILD/attest-agent" --config "$1" once --label "$2"; }
check 'labelled by A' 0 once "$work/agent.yaml" "$work/a.label"
cti=$("$ctl" --json device show gateway-1 --socket "$socket" | jq -r .device.label.cti)
check 'who has no statement does not enrol at B' 1 enrol_b "$work/agent-b.yaml" gateway-1
says E_ID_TOKEN

# What was signed of a label, whichever receipt it travels with.
mkdir "$work/nobody"
signed_digest() { "$ctl" --trust "$work/nobody" --json label verify "$1" | jq -r .label.sha256; }

# ---- offer ----
offer() { transfer offer gateway-1 --key "$work/giver.key" --insecure-file-key --socket "$socket" "$@"; }
check 'an offer to nobody' 2 offer -o "$work/x"
says '--to'
check 'an offer of no gateway' 3 transfer offer gateway-9 --to "$work/receiver.pem" --key "$work/giver.key" --insecure-file-key --socket "$socket" -o "$work/x"
says E_ID_NONE
check 'an offer for a year' 2 offer --to "$work/receiver.pem" --ttl 31536000 -o "$work/x"
check 'an offer with a key in a file' 7 transfer offer gateway-1 --to "$work/receiver.pem" --key "$work/giver.key" --socket "$socket" -o "$work/x"
says E_KEY_FILE
[ ! -e "$work/x" ] || complain 'a file was made'
check offer 0 offer --to "$work/receiver.pem" -o "$work/1.offer" --json
json_form
json '.transfer.accepted == false and .transfer.receiver.verifier == null and .transfer.giver.verifier == "test-verifier"'
json '.transfer.last.status == "affirming" and .transfer.last.counters.reset >= 0 and .transfer.ek_cert != null'
json "(.transfer.last.label.sha256 == \"$(signed_digest "$work/a.label")\") and .transfer.last.outcomes > 2"
check 'show an offer' 0 transfer show "$work/1.offer"
says 'NOT VERIFIED'
says "giver's signature alone"
check 'show, in Japanese' 0 "$ctl" --lang ja device transfer show "$work/1.offer"
says '譲渡側での最後の状態'
check 'an offer is no transfer' 1 transfer verify "$work/1.offer" --from "$work/giver.pem" --json
json_form
json '.reasons[0].code == "E_TRF_ONE"'
check 'complete an offer' 1 transfer complete "$work/1.offer" --socket "$socket"
says E_TRF_ONE
check 'complete an offer at B' 1 transfer complete "$work/1.offer" --socket "$b/admin.sock"
says E_TRF_ONE

# ---- accept ----
accept() { transfer accept "$1" --from "$2" --key "$3" --insecure-file-key --verifier second-verifier -o "$4"; }
check 'by whom it was not offered to' 1 accept "$work/1.offer" "$work/giver.pem" "$work/stranger.key" "$work/x"
says E_TRF_RECEIVER
check 'from another giver' 1 accept "$work/1.offer" "$work/stranger.pem" "$work/receiver.key" "$work/x"
says E_TRF_SIGNER
check "to the giver's own verifier" 2 transfer accept "$work/1.offer" --from "$work/giver.pem" --key "$work/receiver.key" --insecure-file-key --verifier test-verifier -o "$work/x"
check 'too late' 1 "$ctl" --at 2099-01-01T00:00:00Z device transfer accept "$work/1.offer" --from "$work/giver.pem" --key "$work/receiver.key" --insecure-file-key --verifier second-verifier -o "$work/x"
says E_TRF_TIME
[ ! -e "$work/x" ] || complain 'a file was made'
check accept 0 accept "$work/1.offer" "$work/giver.pem" "$work/receiver.key" "$work/1.transfer"
says 'both signatures'
check 'accept twice' 1 accept "$work/1.transfer" "$work/giver.pem" "$work/receiver.key" "$work/x"
says E_TRF_DONE
check 'what is no statement' 4 transfer show "$work/a.label"
says E_FMT_TRANSFER

# ---- verify, offline ----
check 'verify with the key of the giver' 0 transfer verify "$work/1.transfer" --from "$work/giver.pem" --json
json_form
json '.transfers[0].receiver.device == "gateway-1" and (.transfers[0].receiver.signer | length) == 64'
id=$(jq -r '.transfers[0].id' "$work/out")
check 'and of the receiver' 0 transfer verify "$work/1.transfer" --from "$work/giver.pem" --to "$work/receiver.pem"
check 'of another receiver' 1 transfer verify "$work/1.transfer" --from "$work/giver.pem" --to "$work/stranger.pem"
says E_TRF_SIGNER
check 'of another giver, in Japanese' 1 "$ctl" --lang ja device transfer verify "$work/1.transfer" --from "$work/stranger.pem"
says '移管: 署名'
check 'without a key' 2 transfer verify "$work/1.transfer"
sed 's/gateway-1/gateway-2/' "$work/1.transfer" >"$work/altered"
check 'altered' 1 transfer verify "$work/altered" --from "$work/giver.pem"
says E_TRF_SIG
check 'twice the same is no chain' 1 transfer verify "$work/1.transfer" "$work/1.transfer" --from "$work/giver.pem"
says E_TRF_CHAIN

# ---- complete ----
check 'altered, at A' 1 transfer complete "$work/altered" --socket "$socket"
says E_TRF_SIG
mv "$a/transfer-signers/giver.pem" "$work/kept.pem"
check 'signed by none of ours' 1 transfer complete "$work/1.transfer" --socket "$socket"
says E_TRF_SIGNER
mv "$work/kept.pem" "$a/transfer-signers/giver.pem"
check 'complete at A' 0 transfer complete "$work/1.transfer" --socket "$socket" --json
json_form
json '.transfer.role == "given" and .transfer.device == "gateway-1"'
check 'once' 1 transfer complete "$work/1.transfer" --socket "$socket"
says E_TRF_DONE
check 'no label from A any more' 1 once "$work/agent.yaml" "$work/none.label"
says E_ID_TRANSFERRED
check 'A says so' 0 "$ctl" device show gateway-1 --socket "$socket"
says transferred
says "$id"
check 'A says so, --json' 0 "$ctl" --json device show gateway-1 --socket "$socket"
json_form
json ".device.status == \"transferred\" and .device.transfer.receiver.verifier == \"second-verifier\" and .device.transfer.id == \"$id\""
check 'no current label' 3 "$ctl" label get gateway-1 --socket "$socket" -o "$work/none.label"
check 'the label of before is still there' 0 "$ctl" label get "$cti" --socket "$socket" -o "$work/old.label"
[ "$(signed_digest "$work/old.label")" = "$(signed_digest "$work/a.label")" ] || complain 'another label'
check 'the statement is kept' 0 transfer get "$id" --socket "$socket" -o "$work/kept.transfer"
cmp -s "$work/kept.transfer" "$work/1.transfer" || complain 'another statement'
check 'a token does not bring it back' 0 "$ctl" device allow gateway-1 --socket "$socket"
cp "$work/out" "$work/token"
rm "$work/state/enrolment.cbor"
check 'not even with a token' 1 "$BUILD/attest-agent" --config "$work/agent.yaml" enrol --verifier "https://localhost:$port" \
    --verifier-ca "$a/ca.pem" --id gateway-1 --token-file "$work/token"
says E_ID_TRANSFERRED

check 'B does not take it before' 1 enrol_b "$work/agent-b.yaml" gateway-1
says E_ID_TOKEN
check 'complete at B' 0 transfer complete "$work/1.transfer" --socket "$b/admin.sock"
says 'without a token'
check 'once' 1 transfer complete "$work/1.transfer" --socket "$b/admin.sock"
says E_TRF_DONE

# a thief with another TPM, and the gateway under another name
scripts/swtpm-make "$work/tpm2" >"$work/swtpm-make2.log" 2>&1
cp "$work/tpm2/ca/ca.pem" "$b/ek.d/second.pem"
swtpm socket --tpm2 --tpmstate "dir=$work/tpm2/state" --server "type=unixio,path=$work/tpm2/tpm" \
    --ctrl "type=unixio,path=$work/tpm2/tpm.ctrl" --flags not-need-init >"$work/swtpm2.log" 2>&1 &
pids="$pids $!"
service_wait "$work/tpm2/tpm" $!
mkdir "$work/state-thief"
sed "s|^state_dir: .*|state_dir: $work/state-thief|; s|path=$work/tpm/tpm|path=$work/tpm2/tpm|" "$work/agent.yaml" >"$work/thief.yaml"
check 'a thief' 1 enrol_b "$work/thief.yaml" gateway-1
says E_ID_TOKEN
check 'another name' 1 enrol_b "$work/agent-b.yaml" gateway-2
says E_ID_TOKEN
check 'enrolled at B without a token' 0 enrol_b "$work/agent.yaml" gateway-1
check 'labelled by B' 0 once "$work/agent.yaml" "$work/b.label"
check 'the label of B verifies' 0 "$ctl" --trust "$b/trust" label verify "$work/b.label"
check 'B knows from whom' 0 "$ctl" --json device show gateway-1 --socket "$b/admin.sock"
json ".device.status == \"affirming\" and .device.transfer.id == \"$id\" and .device.transfer.role == \"received\" and .device.transfer.enrolled"
check 'and back' 0 transfer offer gateway-1 --to "$work/giver.pem" --key "$work/receiver.key" --insecure-file-key --socket "$b/admin.sock" -o "$work/2.offer"
check 'accepted' 0 transfer accept "$work/2.offer" --from "$work/receiver.pem" --key "$work/giver.key" --insecure-file-key --verifier test-verifier --id gateway-7 -o "$work/2.transfer"
check 'the chain of both' 0 transfer verify "$work/1.transfer" "$work/2.transfer" --from "$work/giver.pem" --to "$work/giver.pem" --json
json_form
json '[.transfers[].giver.verifier] == ["test-verifier", "second-verifier"]'
check 'not in the other order' 1 transfer verify "$work/2.transfer" "$work/1.transfer" --from "$work/receiver.pem"
says E_TRF_CHAIN
for place in "$b" "$a"; do check "complete at $place" 0 transfer complete "$work/2.transfer" --socket "$place/admin.sock"; done
check 'B gives no label any more' 1 once "$work/agent.yaml" "$work/none.label"
says E_ID_TRANSFERRED
rm "$work/state/enrolment.cbor"
check 'enrolled at A again, under its new name' 0 "$BUILD/attest-agent" --config "$work/agent.yaml" enrol \
    --verifier "https://localhost:$port" --verifier-ca "$a/ca.pem" --id gateway-7
check 'labelled by A again' 0 once "$work/agent.yaml" "$work/a.label"

# what is kept agrees with itself
for pid in $pids; do kill "$pid"; done
wait
for place in "$a" "$b"; do
    check "fsck of $place" 0 "$BUILD/attestd" fsck --config "$place/attestd.yaml"
    says '0 findings'
done
finish
