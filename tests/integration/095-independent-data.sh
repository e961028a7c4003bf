#!/bin/sh
# Data that a gateway signed, judged by code that is not ours: one record after another is followed from its raw frame to the
# label by tests/independent, beside our own verdict. Both say yes to the real thing and no to one flipped bit.
set -eu
cd "$(dirname "$0")/../.."
npm_home=$HOME
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
# shellcheck source=tests/integration/data.sh
. tests/integration/data.sh
needs node npm jq openssl socat swtpm swtpm_setup
# shellcheck source=tests/integration/independent.sh
. tests/integration/independent.sh

# channel ID SOURCE WIRE RAW CALIBRATION RESOLUTION ROUNDING: every kind of number on the wire, of curve and of rounding
channel() {
    cat <<YAML
  - id: $1
    title: {en: $1, ja: $1}
    source: {$2}
    wire: {$3}
    raw: {$4}
    calibration: {version: 1, from: 2026-01-01, until: 2028-01-01, $5}
    unit: "1"
    resolution: $6
    rounding: $7
    period: 200ms
YAML
}
input() { echo "modbus: {device: plc, unit: 1, function: 4, address: $1, count: $2}"; }
{
    cat <<YAML
specification: kinds
version: 1
title: {en: Every kind of channel, ja: あらゆる種類のチャネル}
batch: {every: 1s, at_most: 1024}
channels:
YAML
    channel linear "$(input 0 1)" 'type: uint16' 'min: 0, max: 65535' 'polynomial: [-1.25, 0.0003125]' 0.001 half-even
    channel table "$(input 1 1)" 'type: uint16' 'min: 4000, max: 20000' \
        'table: [[4000, 0], [9000, 1.4], [12345, 2.7], [20000, 5]]' 0.0007 half-away
    channel square "$(input 0 1)" 'type: int16' 'min: -32768, max: 32767' 'polynomial: [0.1, -0.25, 0.00000333]' 0.03 down
    channel float "$(input 2 2)" 'type: float32, decimals: 4' 'min: -10, max: 20' 'polynomial: [-0.001, 3.6]' 0.01 up
    channel swapped "$(input 2 2)" 'type: float32, bytes: little, words: little, decimals: 0' 'min: -999999999999, max: 999999999999' \
        'polynomial: [0, 1]' 1 half-even
    channel wide "$(input 0 2)" 'type: uint32' 'min: 0, max: 4294967295' 'polynomial: [7, -0.000037]' 0.01 zero
    channel signed "$(input 2 2)" 'type: int32, words: little' 'min: -2147483648, max: 2147483647' 'polynomial: [0, 0.0001]' 0.5 half-even
    channel scaled "$(input 6 1)" 'type: uint16' 'min: 0, max: 1000' 'polynomial: [0, 0.1]' 0.1 half-even
    channel digits "$(input 7 1)" 'type: bcd16' 'min: 0, max: 9999' 'polynomial: [-3, 2]' 1 zero
    channel door 'modbus: {device: plc, unit: 1, function: 1, address: 0, count: 1}' 'type: bool' 'min: 0, max: 1' \
        'polynomial: [0, 1]' 1 half-even
    channel narrow "$(input 0 1)" 'type: uint16' 'min: 0, max: 1' 'polynomial: [0, 1]' 1 half-even
    channel text 'line: {device: app, key: text}' 'type: text, decimals: 4' 'min: -50, max: 50' 'polynomial: [32, 1.8]' 0.01 half-even
    channel member 'line: {device: app, key: member}' 'type: text, decimals: 2, field: t' 'min: -50, max: 50' 'table: [[0, 1], [3, 2]]' 0.001 down
} >"$work/kinds.yaml"
check 'the specification' 0 "$ctl" policy check "$work/kinds.yaml"
plant_start --seed 4 --speed 1
data_gateway "$work/kinds.yaml" "  - {id: plc, modbus: {tcp: 127.0.0.1, port: $plant, limit: 500ms}}
  - {id: app, line: {socket: $work/app.sock, users: [$(id -u)]}}"
write_lines() {
    while :; do
        for n in '21.0375 21.03' '-7.5 -7.5' '0 0' '-12.9999 0.01' '49.01 49'; do
            printf 'text %s\nmember {"s":"x","t":%s}\n' "${n% *}" "${n#* }"
            sleep 0.05
        done
    done 2>/dev/null
}
# each run of the sampler has a socket of its own
(while :; do write_lines | socat -u - "UNIX-CONNECT:$work/app.sock,retry=2000,interval=0.05" || true; done) 2>/dev/null &
pids="$pids $!"
check 'three batches' 0 sample --batches 3
check 'attested again' 0 agent once
check 'two more under another label' 0 sample --batches 2
check 'and once more' 0 agent once
label=$work/state/current.label
check 'a bundle' 0 "$ctl" bundle create "$label" --data "$work/data" -o "$work/all.bundle"
"$ctl" bundle show "$work/all.bundle" --csv | tr -d '\r"' >"$work/table"

ours() { "$ctl" --trust "$work/trust" bundle verify "$1" --accept failed-checks; }
theirs() { judge record "$1" "$2" "$work/trust/label-root.pem" "$work/trust/log.vkey"; }
# record_of CHANNEL [ROW]: BATCH:INDEX of its first record with a value, or of the first in that batch
record_of() { awk -F, -v c="$1" -v b="${2:-0}" '$3 == c && $10 != "" && $1 >= b { print $1 ":" $2; exit }' "$work/table"; }

# ---- the same verdict and the same value, of every kind, from the whole batch and alone ----
check 'the bundle, ours' 0 ours "$work/all.bundle"
for c in linear table square float swapped wide signed scaled digits door text member; do
    which=$(record_of "$c" 2) # under the label before
    name="$c $which" rows=$((rows + 1))
    [ -n "$which" ] || complain 'has no value'
    check "$c $which" 0 theirs "$work/all.bundle" "$which"
    says "$(awk -F, -v w="$which" '$1 ":" $2 == w { print $3 " " $4 " = " $10 }' "$work/table") 1"
    which=$(record_of "$c" 5)
    "$ctl" bundle disclose "$work/all.bundle" --record "$which" -o "$work/one.bundle" >/dev/null
    check "$c $which alone" 0 theirs "$work/one.bundle" "$which"
    says "$(awk -F, -v w="$which" '$1 ":" $2 == w { print $3 " " $4 " = " $10 }' "$work/table") 1"
    check "$c $which alone, ours" 0 ours "$work/one.bundle"
done
which=$(awk -F, '$3 == "narrow" { print $1 ":" $2; exit }' "$work/table")
check 'a raw number outside of its range has no value' 0 theirs "$work/all.bundle" "$which"
says 'outside of the raw range'

# ---- one flipped bit ----
for c in linear float member; do
    which=$(record_of "$c" 2)
    "$ctl" bundle disclose "$work/all.bundle" --record "$which" -o "$work/one.bundle" >/dev/null
    for part in raw value proof root signature key; do
        node "$tool/flip.mjs" "$work/one.bundle" "$which" $part "$work/flipped.bundle"
        check "$c, a bit of its $part, theirs" 1 theirs "$work/flipped.bundle" "$which"
        case $part in
        raw | value | proof) says 'the record is not in the batch' ;;
        root | signature | key) says 'signature verification failed' ;;
        esac
        # shellcheck disable=SC2034 # complain says it
        name="$c, a bit of its $part, ours" rows=$((rows + 1)) code=0
        ours "$work/flipped.bundle" >"$work/out" 2>&1 || code=$?
        [ $code -eq 1 ] || [ $code -eq 4 ] || complain "expected exit 1 or 4, found $code"
    done
    # signed or not, such a value does not follow from such a frame
    for part in raw value; do
        node "$tool/flip.mjs" "$work/one.bundle" "$which" $part "$work/flipped.bundle"
        check "$c, its value with a bit of its $part" 1 judge value "$work/flipped.bundle" "$which"
        says 'the frame'
    done
done
finish
