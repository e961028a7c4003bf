#!/bin/sh
# The way of a checkpoint: the service signs, attestctl log cosign asks two witnesses over TLS, the service publishes what
# the quorum signed, and strangers verify it under their own policy. Then the witnesses see a log that was put back.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs curl jq openssl socat swtpm swtpm_setup
service_start policies/gateway-base.yaml
attest "$work/1.label"

# authority and certificate of the witnesses' proxies
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/proxy.key" -out "$work/proxy.pem" \
    -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
printf 'log %s\nquorum none\n' "$(cat "$work/trust/log.vkey")" >"$work/logs.txt"
cp "$work/logs.txt" "$work/policy"
sed -i '/^quorum/d' "$work/policy"

# witness NAME: $work/NAME/, its line in the policy; its processes
witness() {
    openssl genpkey -algorithm ed25519 -out "$work/$1.key" 2>/dev/null
    witness_start "$work/$1.log" --name "example.org/$1" --key "$work/$1.key" --insecure-file-key --logs "$work/logs.txt" \
        --state "$work/$1"
    socat -d -d "OPENSSL-LISTEN:0,bind=127.0.0.1,reuseaddr,fork,verify=0,cert=$work/proxy.pem,key=$work/proxy.key" \
        "TCP:127.0.0.1:$witness_port" 2>"$work/$1.proxy.log" &
    pids="$pids $!"
    while ! grep -qs 'listening on' "$work/$1.proxy.log"; do sleep 0.05; done
    printf 'witness %s %s https://localhost:%s\n' "$1" \
        "$("$ctl" log witness --name "example.org/$1" --key "$work/$1.key" --insecure-file-key --show-key)" \
        "$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$work/$1.proxy.log")" >>"$work/policy"
}
witness w1
witness w2
printf 'witness w3 %s\ngroup g 2 w1 w2 w3\nquorum g\n' "$(
    openssl genpkey -algorithm ed25519 -out "$work/w3.key" 2>/dev/null
    "$ctl" log witness --name example.org/w3 --key "$work/w3.key" --insecure-file-key --show-key
)" >>"$work/policy"
ask() { "$ctl" "$@" --witnesses "$work/policy" --ca "$work/proxy.pem" --socket "$socket"; }
fetch() { curl -sf --cacert "$work/verifier/ca.pem" -o "$work/checkpoint" "https://localhost:$port/log/checkpoint"; }

# the service without witnesses takes none
check 'nobody asked for witnesses' 3 ask log cosign
says E_CFG_KEY
restart() {
    kill -TERM "$verifier_pid"
    wait "$verifier_pid" || complain 'attestd ended badly'
    rm -f "$work/verifier/admin.sock"
    "$BUILD/attestd" run --config "$work/verifier/attestd.yaml" >>"$work/attestd.log" 2>&1 &
    verifier_pid=$!
    pids="$pids $verifier_pid"
    service_wait "$work/verifier/admin.sock" $!
}
cp "$work/policy" "$work/verifier/witnesses.txt"
sed -i "s/^listen: .*/listen: \"127.0.0.1:$port\"/; s/^log: {/log: {witnesses: witnesses.txt, /" "$work/verifier/attestd.yaml"
grep -q witnesses "$work/verifier/attestd.yaml" || printf '  witnesses: witnesses.txt\n' >"$work/line"
[ ! -e "$work/line" ] || sed -i "/^log:/r $work/line" "$work/verifier/attestd.yaml"
cp -r "$work/verifier/state" "$work/state.old"
restart

check 'before anybody cosigned' 0 fetch
check 'is not enough for the policy' 3 "$ctl" log verify "$work/checkpoint" --policy "$work/policy"
says E_TL_WITNESS
check 'two of three cosign' 0 ask log cosign
says Published
check 'published' 0 fetch
check 'and verifies under the policy' 0 "$ctl" log verify "$work/checkpoint" --policy "$work/policy"
says w1
says w2
check 'again' 0 ask log cosign
says 'Nothing is new'
attest "$work/2.label"
attest "$work/3.label"
check 'after more outcomes' 0 ask --json log cosign
json_form
json '[.checks[] | .status] == ["pass", "pass", "not-applicable", "pass"]'
before=$(sed -n 2p "$work/checkpoint")
check 'published, the next' 0 fetch
[ "$(sed -n 2p "$work/checkpoint")" -gt "$before" ] || complain 'no newer one'
check 'verifies too' 0 "$ctl" log verify "$work/checkpoint" --policy "$work/policy"
check 'in Japanese' 0 ask log cosign --lang ja
says 新しい内容はありません

# a backup put back with its log-head: here nobody notices, the witnesses do
kill -TERM "$verifier_pid"
wait "$verifier_pid" || complain 'attestd ended badly'
rm -rf "$work/verifier/state"
cp -r "$work/state.old" "$work/verifier/state"
rm -f "$work/verifier/admin.sock"
"$BUILD/attestd" run --config "$work/verifier/attestd.yaml" >>"$work/attestd.log" 2>&1 &
verifier_pid=$!
pids="$pids $verifier_pid"
service_wait "$work/verifier/admin.sock" $!
check 'a log that was put back' 1 ask log cosign
says E_TL_ROLLBACK
finish
