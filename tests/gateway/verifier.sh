# shellcheck shell=sh disable=SC2034,SC2154 # sourced: variables are the other file's
# The verifier on the host, and what it says of the gateway. Source it after machine.sh.
#
#   verifier_start           attestd of $BUILD with tests/gateway/policy.yaml and $work/known.refvals
#   outcome_last             $outcome, the number of the gateway's last label or refusal (0: none yet), and $status
#   labelled STATUS SECONDS  wait for an outcome behind $outcome that says STATUS: affirming, warning, failed
#   names CODE [TEXT]        the last outcome has that reason, about TEXT
verifier_start() {
    "$BUILD/attestd" init --dir "$work/verifier" --insecure-file-key --verifier-id gateway-test --host verifier.example \
        --listen 127.0.0.1:0 --operator 127.0.0.1:0 --policy tests/gateway/policy.yaml --refvals "$work/known.refvals" >"$work/log/init"
    cp "$work/maker/ca.pem" "$work/verifier/ek.d/"
    "$BUILD/attestd" run --config "$work/verifier/attestd.yaml" >"$work/log/attestd" 2>&1 9>&- &
    verifier_pid=$!
    wait_for_path "$work/verifier/admin.sock" $verifier_pid
    export ATTEST_ADMIN_SOCKET="$work/verifier/admin.sock"
    port=$(sed -n 's/.*listening.*port=\([0-9]*\).*/\1/p' "$work/log/attestd" | head -n 1)
    url=https://verifier.example:$port
}

state() { "$ctl" --json device show gateway-1 >"$work/device.json" 2>"$work/log/device" || true; }

outcome_last() {
    state
    outcome=$(jq -r '.device.label.outcome // 0' "$work/device.json")
    status=$(jq -r '.device.status // ""' "$work/device.json")
}

labelled() {
    behind=$outcome
    until=$(($(date +%s) + $2))
    while [ "$(date +%s)" -lt "$until" ]; do
        outcome_last
        [ "$outcome" -le "$behind" ] || [ "$status" != "$1" ] || return 0
        sleep 1
    done
    echo "an outcome behind number $behind that is $1, within $2 s; the last is number $outcome and $status:"
    jq -r '.reasons[] | .code + " " + .path + " " + .detail' "$work/device.json" | head -n 8
    return 1
}

names() {
    jq -e --arg code "$1" --arg text "${2:-}" \
        '[.reasons[] | select(.code == $code and ((.path + " " + .detail) | contains($text)))] | length > 0' "$work/device.json" >/dev/null || {
        echo "the reason $1 about ${2:-anything}; the reasons are:"
        jq -r '.reasons[] | .code + " " + .path + " " + .detail' "$work/device.json" | head -n 12
        return 1
    }
}
