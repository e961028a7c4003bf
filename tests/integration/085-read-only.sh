#!/bin/sh
# S-08 on a mount that is really read-only (a tmpfs in a mount namespace of its own): the verifier does not start on it, its records
# can be checked, the agent says what it cannot write, and both go on once it can be written again. While attestd has its database
# open the kernel itself refuses to make the mount read-only; what a write does then is unit/test_store_faults.
set -eu
cd "$(dirname "$0")/../.."
if [ "${1:-}" != inside ]; then
    unshare -m true 2>/dev/null || {
        echo 'mount namespaces are not allowed here'
        exit 77
    }
    exec unshare -m "$0" inside
fi
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup
mkdir -m 0700 "$work/verifier" "$work/state"
for m in verifier state; do
    mount -t tmpfs -o mode=0700 tmpfs "$work/$m" 2>/dev/null || skip 'a tmpfs cannot be mounted here'
done
clean_mounts() {
    umount -l "$work/verifier" "$work/state" 2>/dev/null || true
    clean_up
}
trap clean_mounts EXIT
service_start policies/gateway-base.yaml
sed -i "s,^listen: .*,listen: \"127.0.0.1:$port\"," "$work/verifier/attestd.yaml"
attest "$work/1.label"
before=$("$ctl" --json device show gateway-1 --socket "$socket" | jq .device.label.outcome)
name='while it is open' rows=$((rows + 1))
if mount -o remount,ro "$work/verifier" 2>/dev/null; then complain 'the kernel lets it be read-only'; fi

# the agent: nothing is measured that cannot be kept, and the next time goes on
mount -o remount,ro "$work/state"
attest "$work/2.label"
name='agent on a read-only mount' rows=$((rows + 1))
[ "$code" -ne 0 ] || complain 'it succeeds'
grep -q 'Read-only file system' "$work/once.log" || complain "it says: $(tail -n 3 "$work/once.log")"
[ ! -e "$work/2.label" ] || complain 'a label was written'
mount -o remount,rw "$work/state"
attest "$work/3.label"
name='agent afterwards' rows=$((rows + 1))
[ "$code" -eq 0 ] || complain "exit $code: $(tail -n 3 "$work/once.log")"

# the verifier
kill "$verifier_pid"
wait "$verifier_pid" || true
rm -f "$work/verifier/admin.sock"
mount -o remount,ro "$work/verifier"
code=0
timeout 30 "$BUILD/attestd" run --config "$work/verifier/attestd.yaml" >"$work/ro.log" 2>&1 || code=$?
name='attestd on a read-only mount' rows=$((rows + 1))
case $code in 0 | 124) complain "exit $code" ;; esac
grep -q 'E_[A-Z_]*' "$work/ro.log" || complain 'no reason'
grep -qi 'read-only' "$work/ro.log" || complain "it says: $(tail -n 3 "$work/ro.log")"
mount -o remount,rw "$work/verifier"
"$BUILD/attestd" run --config "$work/verifier/attestd.yaml" >"$work/attestd.log" 2>&1 &
verifier_pid=$!
pids="$pids $verifier_pid"
service_wait "$work/verifier/admin.sock" $!
after=$("$ctl" --json device show gateway-1 --socket "$socket" | jq .device.label.outcome)
name='what was acknowledged' rows=$((rows + 1))
[ "$after" -gt "$before" ] || complain "the last label is outcome $after, it was $before before"
attest "$work/4.label"
check 'a label afterwards' 0 "$ctl" --json --trust "$work/trust" label verify "$work/4.label"
finish
