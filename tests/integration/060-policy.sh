#!/bin/sh
# Policies signed, compared in words, and compared by what they would have made of evidence that was kept.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl
base=policies/gateway-base.yaml

# ---- sign ----
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/signer.key" 2>/dev/null
chmod 600 "$work/signer.key"
sign() { "$ctl" policy sign "$@"; }
check 'no key' 2 sign "$base" -o "$work/p.cose"
check 'a file without the word' 7 sign "$base" --key "$work/signer.key" -o "$work/p.cose"
says E_KEY_FILE
check 'no output' 2 sign "$base" --key "$work/signer.key" --insecure-file-key
check 'sign' 0 sign "$base" --key "$work/signer.key" --insecure-file-key -o "$work/p.cose"
says 'gateway-base@1'
check 'sign, --json' 0 sign "$base" --key "file:$work/signer.key" --insecure-file-key -o "$work/p.cose" --json
json_form
json '.policy == "gateway-base" and (.signer | length) == 64 and .reasons[0].code == "E_KEY_FILE"'
digest=$(jq -r .digest "$work/out")
check 'show what was signed' 0 "$ctl" policy show "$work/p.cose" --json
json ".digest == \"$digest\" and (.signer | length) == 64"
check 'show says that nothing was verified' 0 "$ctl" policy show "$work/p.cose"
says 'NOT VERIFIED'
check 'the text has the same digest' 0 "$ctl" policy show "$base" --json
json ".digest == \"$digest\" and .signer == null"
check 'check what was signed' 0 "$ctl" policy check "$work/p.cose"
check 'what was signed, as text' 0 "$ctl" policy show "$work/p.cose" --yaml -o "$work/again.yaml"
grep -q '# these logs are there: own' "$work/again.yaml" || complain 'no word above a requirement'
check 'the text is the same policy' 0 "$ctl" policy show "$work/again.yaml" --json
json ".digest == \"$digest\""
chmod 644 "$work/signer.key"
check 'a key that others can read' 7 sign "$base" --key "$work/signer.key" --insecure-file-key -o "$work/p.cose"
says E_CFG_PERM
head -c 100 "$work/p.cose" >"$work/cut.cose"
check 'half a message' 4 "$ctl" policy show "$work/cut.cose"
says E_CFG_POLICYSIG

# ---- diff ----
diff_() { "$ctl" policy diff "$@"; }
check 'the same' 0 diff_ "$base" "$work/p.cose" --json
json_form
json '.changes == [] and .verdict == "pass"'
sed 's/grade_at_least: E2/grade_at_least: E3/; s/^version: .*/version: 2/' "$base" >"$work/strict.yaml"
check 'stricter' 1 diff_ "$base" "$work/strict.yaml" --json
json_form
json '[.changes[] | select(.effect == "stricter").id] == ["R-03"] and .reasons[0].code == "E_POL_DIFFERS"'
check 'stricter, told' 1 diff_ "$base" "$work/strict.yaml"
says 'graded E3 or better; before: the evidence is graded E2'
check 'looser, in Japanese' 1 "$ctl" --lang ja policy diff "$work/strict.yaml" "$base"
says '緩く'
says '読み込みません'
check 'no policy' 3 diff_ "$base" "$work/none.yaml"
check 'no YAML' 4 diff_ "$base" tests/integration/common.sh

# ---- diff with evidence ----
service_start "$base"
attest "$work/one.label"
[ "$code" -eq 0 ] || complain "exit $code: $(cat "$work/once.log")"
echo 'scale = 2' >"$work/measured/sensor.conf"
attest "$work/two.label"
[ "$code" -ne 0 ] || complain 'a changed file was affirmed'
mkdir "$work/records"
k=0
for n in $(seq 0 30); do
    if "$ctl" evidence get "$n" --socket "$socket" -o "$work/records/$n.record" >/dev/null 2>&1; then k=$((k + 1)); fi
done
[ "$k" -eq 2 ] || complain "$k records, 2 expected"
refs=$work/reference.refvals
check 'without the references' 3 diff_ "$base" "$work/strict.yaml" --evidence "$work/records"
says E_REF_NONE
check 'a stricter policy changes one verdict' 1 diff_ "$base" "$work/strict.yaml" --evidence "$work/records" --refvals "$refs" --json
json_form
json '.changed == 1 and [.devices[] | .before] == ["affirming", "contraindicated"]'
json '[.devices[] | .after] == ["contraindicated", "contraindicated"] and .devices[0].device == "gateway-1"'
check 'told' 1 diff_ "$base" "$work/strict.yaml" --evidence "$work/records" --refvals "$refs"
says 'gateway-1: affirming -> contraindicated'
says '1 / 2 verdicts change'
sed 's/^version: .*/version: 2/' "$base" >"$work/same.yaml"
check 'a new number changes nothing' 0 diff_ "$base" "$work/same.yaml" --evidence "$work/records" --refvals "$refs"
says '0 / 2'
sed 's/^version: .*/version: 2/; s/severity: fail/severity: warn/' "$base" >"$work/loose.yaml"
check 'a looser policy' 1 diff_ "$base" "$work/loose.yaml" --evidence "$work/records" --refvals "$refs" --json
json '[.devices[] | select(.same | not) | .after] | length >= 1'
check 'what is no record' 4 diff_ "$base" "$work/same.yaml" --evidence "$base" --refvals "$refs"

# ---- load ----
load() { "$ctl" policy load "$@" --socket "$socket"; }
sign_two() { sign "$work/strict.yaml" --key "$work/verifier/policy-signer.key" --insecure-file-key -o "$work/two.cose"; }
check 'sign version 2' 0 sign_two
check 'load a text' 1 load "$work/strict.yaml"
says E_CFG_POLICYSIG
chmod 600 "$work/signer.key"
check 'sign with another key' 0 sign "$work/strict.yaml" --key "$work/signer.key" --insecure-file-key -o "$work/other.cose"
check 'load what a stranger signed' 1 load "$work/other.cose"
says E_CFG_POLICYSIG
check 'load' 0 load "$work/two.cose" --json
json_form
json '.version == 2 and .policy == "gateway-base" and (.signer | length) == 64'
cp "$work/verifier/policy.cose" "$work/in-place.cose"
cmp -s "$work/in-place.cose" "$work/two.cose" || complain 'the file is not the policy that was loaded'
attest "$work/three.label"
check 'its label names the new policy' 1 "$ctl" --trust "$work/verifier/trust" label verify "$work/three.label" --json
grep -q 'gateway-base@2' "$work/out" || "$ctl" label show "$work/three.label" | grep -q 'gateway-base@2' || complain 'the label names another policy'
check 'load an older one' 1 load "$work/p.cose"
says E_CFG
sign_one() { sign "$base" --key "$work/verifier/policy-signer.key" --insecure-file-key -o "$work/one.cose"; }
check 'sign version 1' 0 sign_one
check 'load version 1' 1 load "$work/one.cose"
says E_CFG_ROLLBACK
check 'nobody listens' 5 "$ctl" policy load "$work/two.cose" --socket "$work/none.sock"
finish
