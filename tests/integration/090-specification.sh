#!/bin/sh
# Transcription specifications at the command line: checked with line and column, shown, signed, compared.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs jq openssl
base=examples/plant/water.yaml
policy() { "$ctl" policy "$@"; }

# ---- check ----
check 'the example' 0 policy check "$base"
check 'beside a policy' 0 policy check "$base" policies/gateway-base.yaml --verbose
says 'water-plant@1'
says 'gateway-base@1'
cp "$base" "$work/bad.yaml"
sed -i 's/min: 4000, max: 20000/min: 4000, max: 70000/' "$work/bad.yaml"
line=$(grep -n 'max: 70000' "$work/bad.yaml" | head -n 1 | cut -d: -f1)
check 'a number that the wire cannot say' 1 policy check "$work/bad.yaml" --json
json_form
json '.verdict == "fail" and .reasons[0].code == "E_CFG_SPEC"'
json ".reasons[0].detail | contains(\"bad.yaml:$line:10: expected numbers that uint16 of 0 decimals can say\")"
sed 's/0.0003125/3.125e-400/' "$base" >"$work/bad.yaml"
check 'a number that is too small to be one' 1 policy check "$work/bad.yaml"
says 'an exponent of -18 to 18'
sed 's/unit: m$/unit: m per s/' "$base" >"$work/bad.yaml"
check 'no unit, in Japanese' 1 "$ctl" --lang ja policy check "$work/bad.yaml"
says '転写仕様を受け付けられません'
echo 'specification: [' >"$work/bad.yaml"
check 'no YAML' 4 policy check "$work/bad.yaml"

# ---- show ----
check 'show' 0 policy show "$base"
says 'level-a'
says '0.2 to 4.8'
says '1: 2026-01-01/2028-01-01'
says 'level-a, level-b agree within 0.05 m'
says 'valve-position follows valve-command within 1 %'
check 'show, in Japanese' 0 "$ctl" --lang ja policy show "$base"
says 'タンク水位 A'
says '限度'
says '以内で一致する'
check 'everything of it' 0 policy show "$base" --verbose
says 'filter: {median: 5}'
check 'show, --json' 0 policy show "$base" --json
json_form
json '(.channels | length) == 9 and .specification == "water-plant" and .signer == null and .relations[0].kind == "redundancy"'
json '[.channels[] | select(.output) | .id] == ["pump-command", "valve-command"]'
digest=$(jq -r .digest "$work/out")
check 'as text' 0 policy show "$base" --yaml -o "$work/again.yaml"
check 'which is the same' 0 policy show "$work/again.yaml" --json
json ".digest == \"$digest\""
check 'two forms at once' 2 policy show "$base" --yaml --json

# ---- sign ----
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/signer.key" 2>/dev/null
chmod 600 "$work/signer.key"
sign() { policy sign "$1" --key "$work/signer.key" --insecure-file-key -o "$2"; }
check 'sign' 0 sign "$base" "$work/plant.spec"
says 'water-plant@1'
check 'what was signed' 0 policy show "$work/plant.spec" --json
json ".digest == \"$digest\" and (.signer | length) == 64"
check 'what was signed, told' 0 policy show "$work/plant.spec"
says 'specification_signers'
check 'and checked' 0 policy check "$work/plant.spec"
head -c 200 "$work/plant.spec" >"$work/cut.spec"
check 'half of it' 4 policy show "$work/cut.spec"

# ---- diff ----
check 'the same' 0 policy diff "$base" "$work/plant.spec" --json
json_form
json '.changes == [] and .verdict == "pass"'
sed 's/high: 4.8/high: 4.9/' "$base" >"$work/next.yaml"
check 'a limit, and no new version' 1 policy diff "$work/plant.spec" "$work/next.yaml" --json
json_form
json '[.changes[] | select(.effect == "other") | .id] == ["level-a", "level-b"]'
json '[.changes[] | select(.effect == "counter") | .en] == ["version: expected a version above 1, found 1"]'
json '[.reasons[].code] == ["E_POL_DIFFERS", "E_CFG_SPECOLD"]'
check 'told' 1 policy diff "$work/plant.spec" "$work/next.yaml"
says 'range: {low: 0.2, high: 4.8} -> {low: 0.2, high: 4.9}'
sed 's/^version: 1/version: 2/; s/polynomial: \[-1.25, /polynomial: [-1.26, /' "$base" >"$work/next.yaml"
check 'another calibration under the old number' 1 policy diff "$base" "$work/next.yaml" --json
json '[.changes[] | select(.effect == "counter") | .id] == ["level-a"] and .reasons[-1].code == "E_CFG_SPECOLD"'
sed -i 's/version: 1, from/version: 2, from/' "$work/next.yaml"
check 'under the next' 1 policy diff "$base" "$work/next.yaml" --json
json '[.changes[] | select(.effect == "counter")] == [] and [.reasons[].code] == ["E_POL_DIFFERS"]'
check 'in Japanese' 1 "$ctl" --lang ja policy diff "$work/next.yaml" "$base"
says '以上にしてください'
check 'a policy and a specification' 2 policy diff "$base" policies/gateway-base.yaml
check 'with evidence' 2 policy diff "$base" "$work/next.yaml" --evidence "$work"
finish
