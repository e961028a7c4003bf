# shellcheck shell=sh disable=SC2034,SC2154 # sourced: variables are the other file's
# A gateway that signs data: source it after common.sh and service.sh.
#
#   plant_start ARG...              the water plant; $plant is its port, tell COMMAND speaks to it
#   data_gateway SPEC.yaml DEVICES  a verifier and a gateway (service.sh) under that specification, its state approved;
#                                   DEVICES are lines of YAML, each one device
#   agent ARG... / sample ARG...    attest-agent, and attest-agent sample
#   approve                         what is measured now is what the verifier expects
plant_start() {
    "$BUILD/plant" "$@" --control "$work/plant.sock" >"$work/plant.out" &
    pids="$pids $!"
    service_wait "$work/plant.sock" $!
    plant=$(sed -n 's/.*port \([0-9]*\) .*/\1/p' "$work/plant.out")
}
tell() { echo "$1" | socat -t2 - "UNIX-CONNECT:$work/plant.sock" >"$work/told"; }

agent() { timeout 60 "$BUILD/attest-agent" --config "$work/agent.yaml" "$@"; }
sample() { agent sample "$@"; }

approve() {
    agent once >"$work/once.log" 2>&1 || true
    refvals=$(sed -n 's/^refvals: *//p' "$work/verifier/attestd.yaml" | tr -d '"')
    case $refvals in /*) ;; *) refvals=$work/verifier/$refvals ;; esac
    "$ctl" refvals make --own "$(find "$work/state" -name 'own-*' | head -n 1)" --output "$refvals" >/dev/null 2>&1
    reload
    agent once >"$work/once.log" 2>&1 || { cat "$work/once.log"; exit 1; }
}

data_gateway() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/signer.key" 2>/dev/null
    chmod 600 "$work/signer.key"
    mkdir -p "$work/signers"
    openssl pkey -in "$work/signer.key" -pubout -out "$work/signers/plant.pem" 2>/dev/null
    "$ctl" policy sign "$1" --key "$work/signer.key" --insecure-file-key -o "$work/plant.spec" >/dev/null 2>&1
    cat >"$work/policy.yaml" <<POLICY
policy: data
version: 1
requirements:
  - {id: R-1, title: {en: files, ja: ファイル}, severity: fail, own_items: {under: ["$work/measured"]}}
  - {id: R-2, title: {en: specification, ja: 仕様}, severity: fail, own_items: {under: ["spec:$(sed -n 's/^specification: *//p' "$1")"]}}
POLICY
    service_start "$work/policy.yaml"
    cat >>"$work/agent.yaml" <<END
specification: plant.spec
specification_signers: signers
devices:
$2
data: {folder: $work/data}
END
    approve
}
