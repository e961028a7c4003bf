# shellcheck shell=sh disable=SC2034,SC2154 # sourced: variables are the other file's
# A verifier, a software TPM and an agent that measures one small folder; source it after common.sh.
#
#   service_start [POLICY [LABEL-KEY]]   $work/verifier, $work/trust, $socket, $port; gateway-1 is enrolled; the
#                            label key is in a file when no PKCS#11 URI is given; $verifier_pid is the service
#                            $service_postgresql, when it is set, is where the records are
#   reload                   SIGHUP, and until the service has taken everything in again
#   attest FILE              one attestation; the label goes to FILE, the exit code to $code
# The measured file is $work/measured/sensor.conf.
service_wait() {
    i=0
    while [ ! -e "$1" ]; do
        i=$((i + 1))
        if [ $i -gt 600 ] || ! kill -0 "$2" 2>/dev/null; then
            echo "$1 did not appear"
            cat "$work"/*.log
            exit 1
        fi
        sleep 0.05
    done
}

service_start() {
    umask 077
    policy=${1:-policies/gateway-base.yaml}
    mkdir -p "$work/measured" "$work/state"
    echo 'scale = 1' >"$work/measured/sensor.conf"
    "$ctl" refvals make "$work/measured" --output "$work/reference.refvals" >"$work/refvals.log"
    if [ $# -ge 2 ]; then
        set -- --label-key "$2"
    else
        set -- --insecure-file-key
    fi
    [ -z "${service_postgresql:-}" ] || set -- "$@" --postgresql "$service_postgresql"
    "$BUILD/attestd" init --dir "$work/verifier" "$@" --verifier-id test-verifier --host localhost \
        --listen 127.0.0.1:0 --operator 127.0.0.1:0 --policy "$policy" --refvals "$work/reference.refvals" >"$work/init.log"
    scripts/swtpm-make "$work/tpm" >"$work/swtpm-make.log" 2>&1
    cp "$work/tpm/ca/ca.pem" "$work/verifier/ek.d/"
    "$BUILD/attestd" run --config "$work/verifier/attestd.yaml" >"$work/attestd.log" 2>&1 &
    verifier_pid=$!
    pids="$pids $verifier_pid"
    service_wait "$work/verifier/admin.sock" $!
    swtpm socket --tpm2 --tpmstate "dir=$work/tpm/state" --server "type=unixio,path=$work/tpm/tpm" \
        --ctrl "type=unixio,path=$work/tpm/tpm.ctrl" --flags not-need-init >"$work/swtpm.log" 2>&1 &
    pids="$pids $!"
    service_wait "$work/tpm/tpm" $!
    socket=$work/verifier/admin.sock
    port=$(sed -n 's/.*listening.*port=\([0-9]*\).*/\1/p' "$work/attestd.log" | head -n 1)
    cat >"$work/agent.yaml" <<END
state_dir: $work/state
tcti: "swtpm:path=$work/tpm/tpm"
logs: {uefi: none, ima: none}
measure:
  - {tree: $work/measured}
END
    "$ctl" device allow gateway-1 --socket "$socket" >"$work/token" 2>"$work/allow.log"
    "$BUILD/attest-agent" --config "$work/agent.yaml" enrol --verifier "https://localhost:$port" \
        --verifier-ca "$work/verifier/ca.pem" --id gateway-1 --token-file "$work/token" >"$work/enrol.log" 2>&1
    cp -r "$work/verifier/trust" "$work/trust"
}

attest() {
    code=0
    "$BUILD/attest-agent" --config "$work/agent.yaml" once --label "$1" >"$work/once.log" 2>&1 || code=$?
}

reload() { # the service takes notices and reference values again; waits until it has said so
    before=$(grep -c ' reload\.' "$work/attestd.log" || true)
    kill -HUP "$verifier_pid"
    i=0
    while [ "$(grep -c ' reload\.' "$work/attestd.log" || true)" -eq "$before" ] && [ $i -lt 200 ]; do
        i=$((i + 1))
        sleep 0.05
    done
}
