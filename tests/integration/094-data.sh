#!/bin/sh
# From a sensor's raw frame to data that a partner checks: a plant is sampled by Modbus, batches are signed by the data key of a
# software TPM, and one file verifies without a network, until anything in it is another thing.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl socat

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/signer.key" 2>/dev/null
chmod 600 "$work/signer.key"
mkdir -p "$work/signers"
openssl pkey -in "$work/signer.key" -pubout -out "$work/signers/plant.pem" 2>/dev/null
"$ctl" policy sign examples/plant/water.yaml --key "$work/signer.key" --insecure-file-key -o "$work/plant.spec" >/dev/null 2>&1
cat >"$work/policy.yaml" <<POLICY
policy: plant
version: 1
requirements:
  - {id: R-1, title: {en: files, ja: x}, severity: fail, own_items: {under: ["$work/measured"]}}
  - {id: R-2, title: {en: specification, ja: x}, severity: fail, own_items: {under: ["spec:water-plant"]}}
POLICY
service_start "$work/policy.yaml"
"$BUILD/plant" --seed 4 --speed 1 --control "$work/plant.sock" >"$work/plant.out" &
pids="$pids $!"
i=0
until grep -qs port "$work/plant.out" || [ $i -eq 200 ]; do
    i=$((i + 1))
    sleep 0.05
done
plant=$(sed -n 's/.*port \([0-9]*\) .*/\1/p' "$work/plant.out")
tell() { echo "$1" | socat -t2 - "UNIX-CONNECT:$work/plant.sock" >"$work/told"; }
cat >>"$work/agent.yaml" <<END
specification: plant.spec
specification_signers: signers
devices:
  - {id: plc, modbus: {tcp: 127.0.0.1, port: $plant, limit: 500ms}}
data: {folder: $work/data}
END
agent() { "$BUILD/attest-agent" --config "$work/agent.yaml" "$@"; }
sample() { timeout 60 "$BUILD/attest-agent" --config "$work/agent.yaml" sample "$@"; }
check 'the configuration' 0 agent --check-config
agent once >"$work/once.log" 2>&1 || true
own=$(find "$work/state" -name 'own-*' | head -n 1)
refvals=$(sed -n 's/^refvals: *//p' "$work/verifier/attestd.yaml" | tr -d '"')
case $refvals in /*) ;; *) refvals=$work/verifier/$refvals ;; esac
"$ctl" refvals make --own "$own" --output "$refvals" >/dev/null
kill -HUP "$verifier_pid"
i=0
until grep -q 'reload.done' "$work/attestd.log" || [ $i -ge 200 ]; do
    i=$((i + 1))
    sleep 0.05
done
check 'an approved state' 0 agent once

# ---- sampled, signed, kept ----
check 'four batches' 0 sample --batches 4
check 'the next attestation carries their head' 0 agent once
check 'and four more under the next label' 0 sample --batches 4
check 'and one more attestation' 0 agent once
cp "$work/state/current.label" "$work/gateway.label"
name='batches are files' rows=$((rows + 1))
[ "$(find "$work/data" -name '*.batch' | wc -l)" -ge 8 ] || complain "$(ls "$work/data")"

# ---- one file for a partner ----
check 'a bundle of all data' 0 "$ctl" bundle create "$work/gateway.label" --data "$work/data" -o "$work/all.bundle"
verify() { "$ctl" --trust "$work/trust" --json bundle verify "$@"; }
check 'it verifies' 0 verify "$work/all.bundle" --accept failed-checks
json '.verdict == "pass" and .data.records > 60 and .data.recomputed > 0'
json '.data.time_confirmed == .data.batches and .data.follows_label'
json '[.checks[] | select(.id == "data" or .id == "labels" or .id == "data-time") | .status] | all(. == "pass")'
check 'with no network at all' 0 unshare -n "$ctl" --trust "$work/trust" bundle verify "$work/all.bundle" --accept failed-checks
says 'batches confirmed by a label'
check 'in Japanese' 0 "$ctl" --lang ja --trust "$work/trust" bundle verify "$work/all.bundle" --accept failed-checks
says 'ラベルで確認済み'
check 'shown' 0 "$ctl" bundle show "$work/all.bundle"
says level-a
check 'as SenML' 0 "$ctl" bundle show "$work/all.bundle" --senml
jq -e 'length > 50 and (.[0].bn | startswith("urn:dev:ueid:")) and all(.[]; .n and .u and (.v | type == "number") and .t > 1700000000)' "$work/out" >/dev/null ||
    complain 'no SenML'
check 'as a table' 0 "$ctl" bundle show "$work/all.bundle" --csv
cp "$work/out" "$work/all.csv"
[ "$(grep -c level-a "$work/all.csv")" -ge 8 ] || complain 'too few lines'
check 'as a picture' 0 "$ctl" bundle show "$work/all.bundle" --svg level-b
grep -q '<path class="line" d="M' "$work/out" || complain 'no line'
check 'of a channel that is not there' 3 "$ctl" bundle show "$work/all.bundle" --svg level-z
check 'some of the batches' 0 "$ctl" bundle create "$work/gateway.label" --data "$work/data" --from 3 --to 6 -o "$work/some.bundle"
check 'verify too' 0 verify "$work/some.bundle" --accept failed-checks
json '.data.first_batch == 3 and .data.last_batch == 6'
check 'one record alone' 0 "$ctl" bundle disclose "$work/all.bundle" --record 3:2 -o "$work/one.bundle"
check 'verifies alone' 0 verify "$work/one.bundle" --accept failed-checks
json '.data.records == 1 and .data.recomputed <= 1'

# ---- anything changed ----
size=$(wc -c <"$work/all.bundle")
first=$(grep -abo 'application/vnd.attestd.batch' "$work/all.bundle" | head -n 1 | cut -d: -f1)
n=0
while [ $n -lt 40 ]; do
    n=$((n + 1))
    cp "$work/all.bundle" "$work/bad.bundle"
    flip_bit "$work/bad.bundle" $((first + (size - first - 1) * n / 41))
    name="byte $((first + (size - first - 1) * n / 41)) changed" rows=$((rows + 1)) got=0
    verify "$work/bad.bundle" --accept failed-checks >"$work/out" 2>"$work/err" || got=$?
    [ $got -eq 1 ] || [ $got -eq 4 ] || complain "expected exit 1 or 4, found $got"
done
mkdir "$work/gap"
cp "$work/data/"* "$work/gap/"
rm "$work/gap/000000000004.batch"
check 'a batch left out' 0 "$ctl" bundle create "$work/gateway.label" --data "$work/gap" -o "$work/bad.bundle"
check 'is seen' 1 verify "$work/bad.bundle" --accept failed-checks
json '[.reasons[].code] | index("E_PRV_SEQ") != null'

# ---- the state is not the approved one: nothing is signed, and nothing of that time is signed later ----
before=$(find "$work/data" -name '*.batch' | wc -l)
echo 'scale = 2' >"$work/measured/sensor.conf"
agent once >"$work/once.log" 2>&1 || true
timeout -s TERM 4 "$BUILD/attest-agent" --config "$work/agent.yaml" sample >"$work/sample.log" 2>&1 || true
name='no record is signed in a changed state' rows=$((rows + 1))
[ "$(find "$work/data" -name '*.batch' | wc -l)" -eq "$before" ] || complain "$(cat "$work/sample.log")"
grep -q 'data.dropped.*E_DK_STATE' "$work/sample.log" || complain "$(cat "$work/sample.log")"
echo 'scale = 1' >"$work/measured/sensor.conf"
check 'the approved state again' 0 agent once
check 'signing goes on with the same key' 0 sample --batches 2
check 'one more label' 0 agent once
check 'a bundle over the gap' 0 "$ctl" bundle create "$work/state/current.label" --data "$work/data" -o "$work/gap.bundle"
check 'verifies, and the gap is marked' 0 verify "$work/gap.bundle" --accept failed-checks
"$ctl" bundle show "$work/gap.bundle" --csv | grep -q 'TC-07' || complain 'no gap is marked'
check 'without being accepted it is no' 1 verify "$work/gap.bundle"
json '[.reasons[].code] | index("E_PRV_CHECK") != null'

# ---- a valve that does not follow, a sensor that is spoofed: the checks say so ----
tell 'freeze level-a' || true
check 'a frozen sensor' 0 sample --batches 8
tell 'release' || true
check 'attested' 0 agent once
"$ctl" bundle create "$work/state/current.label" --data "$work/data" -o "$work/frozen.bundle" >/dev/null
check 'its bundle is genuine' 0 verify "$work/frozen.bundle" --accept failed-checks
finish
