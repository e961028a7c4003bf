#!/bin/sh
# A bundle of data at a desk where something is missing, in the way or full: what bundle verify, create and disclose say then, and
# that nothing half-written is left (P-16, P-17, P-22 and P-23 of the attack matrix for data).
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
# shellcheck source=tests/integration/data.sh
. tests/integration/data.sh
needs jq openssl socat swtpm swtpm_setup
plant_start --seed 4 --speed 1
data_gateway examples/plant/exercise.yaml "  - {id: plc, modbus: {tcp: 127.0.0.1, port: $plant, limit: 500ms}}"
check 'three batches' 0 sample --batches 3
check 'attested' 0 agent once
label=$work/state/current.label
check 'a bundle' 0 "$ctl" bundle create "$label" --data "$work/data" -o "$work/all.bundle"
verify() { "$ctl" "$@" --json bundle verify "$work/all.bundle" --accept failed-checks; }
check 'it verifies' 0 verify --trust "$work/trust"
json_form

# P-17: what is missing is named, and nothing is good without it
mkdir "$work/no-trust"
check 'nobody is trusted' 3 verify --trust "$work/no-trust"
json_form
check 'there is no trust folder' 2 verify
json '.verdict == "undecided" and ([.reasons[].code] == ["E_TRUST_NONE"])'
cp -r "$work/trust" "$work/no-log"
rm "$work/no-log/log.vkey"
check 'receipts of another log than the one that is known' 1 verify --trust "$work/no-log"
json_form
json '[.reasons[].code] | index("E_TL_RECEIPT") != null'

# P-16: what lies beside the bundle is nobody's word
mkdir -p "$work/desk"
cp -r "$work/trust" "$work/desk/trust"
cp "$work/trust/"* "$work/desk/" 2>/dev/null || true
name='a trust folder beside the bundle' rows=$((rows + 1)) code=0
(cd "$work/desk" && "$ctl" --json bundle verify "$work/all.bundle" --accept failed-checks) >"$work/out" 2>"$work/err" || code=$?
[ $code -eq 2 ] || complain "expected exit 2, found $code"
json '[.reasons[].code] == ["E_TRUST_NONE"]'

# P-22: no place for what is made
check 'a folder that is not there' 3 "$ctl" bundle create "$label" --data "$work/data" -o "$work/none/x.bundle"
check 'data that is not there' 3 "$ctl" bundle create "$label" --data "$work/none" -o "$work/x.bundle"
[ ! -e "$work/x.bundle" ] || complain 'something is left'
check 'a folder in the place of the file' 2 "$ctl" bundle create "$label" --data "$work/data" -o "$work/desk"
ln -s "$work/elsewhere" "$work/link.bundle"
check 'one record through a link to nowhere' 0 "$ctl" bundle disclose "$work/all.bundle" --record 2:1 -o "$work/link.bundle"
name='the link is replaced and not followed' rows=$((rows + 1))
if [ -L "$work/link.bundle" ] || [ -e "$work/elsewhere" ]; then
    complain 'it was followed'
fi
if [ "$(id -u)" -eq 0 ]; then
    mkdir "$work/small"
    # shellcheck disable=SC2016 # the inner shell's
    check 'a full disk' 3 unshare -m sh -c 'mount -t tmpfs -o size=4k none "$1" && code=0
        "$2" bundle create "$3" --data "$4" -o "$1/x.bundle" || code=$?
        [ -z "$(ls -A "$1")" ] || code=99
        exit $code' sh "$work/small" "$ctl" "$label" "$work/data"
fi
finish
