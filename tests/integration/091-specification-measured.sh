#!/bin/sh
# A gateway works by a signed specification: it is measured, judged, and named in the label; a bad one takes no effect.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl
base=examples/plant/water.yaml

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/signer.key" 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/other.key" 2>/dev/null
chmod 600 "$work/signer.key" "$work/other.key"
mkdir -p "$work/signers"
openssl pkey -in "$work/signer.key" -pubout -out "$work/signers/plant.pem" 2>/dev/null
sign() { # sign YAML KEY
    "$ctl" policy sign "$1" --key "$work/$2.key" --insecure-file-key -o "$work/plant.spec" >/dev/null 2>&1
}
cat >"$work/policy.yaml" <<POLICY
policy: plant
version: 1
requirements:
  - {id: R-1, title: {en: files, ja: x}, severity: fail, own_items: {under: ["$work/measured"]}}
  - {id: R-2, title: {en: specification, ja: x}, severity: fail, own_items: {under: ["spec:water-plant"]}}
POLICY
mkdir -p "$work/measured"
echo 'a = 1' >"$work/measured/a.conf"
check 'a policy may name a specification' 0 "$ctl" policy check "$work/policy.yaml"
sign "$base" signer
service_start "$work/policy.yaml"

# ---- in force ----
cat >>"$work/agent.yaml" <<END
specification: plant.spec
specification_signers: signers
END
check 'the configuration' 0 "$BUILD/attest-agent" --config "$work/agent.yaml" --check-config
attest "$work/unknown.label"
row() { # row NAME EXIT: of the attestation before
    name=$1 rows=$((rows + 1))
    [ "$code" -eq "$2" ] || complain "expected exit $2, found $code: $(cat "$work/once.log")"
}
row 'a specification that no reference value has is refused' 1
grep -q 'spec:water-plant/level-a' "$work/once.log" || complain "no word of the channel: $(cat "$work/once.log")"

# ---- approved: from the own log of this gateway ----
own=$(find "$work/state" -name 'own-*' | head -n 1)
[ -n "$own" ] || complain "no own log in $work/state: $(ls "$work/state")"
refvals=$(sed -n 's/^refvals: *//p' "$work/verifier/attestd.yaml" | tr -d '"')
case $refvals in /*) ;; *) refvals=$work/verifier/$refvals ;; esac
check 'reference values of a good state' 0 "$ctl" refvals make --own "$own" --output "$refvals"
kill -HUP "$verifier_pid"
i=0
until grep -q 'reload.done' "$work/attestd.log" || [ $i -ge 200 ]; do
    i=$((i + 1))
    sleep 0.05
done
attest "$work/plant.label"
row 'an approved specification is affirmed' 0
check 'the label names it' 0 "$ctl" label show "$work/plant.label" --json
digest=$("$ctl" policy show "$base" --json | jq -r .digest)
channel=$("$ctl" policy show "$base" --json | jq -r '.channels[] | select(.id == "level-a").digest')
json "[.label.specifications[] | select(.name == \"water-plant\").digest] == [\"$digest\"]"
json "[.label.specifications[] | select(.name == \"water-plant/level-a\").digest] == [\"$channel\"]"
json '(.label.specifications | length) == 10'

# ---- a bad one takes no effect ----
sed 's/high: 4.8/high: 5/' "$base" >"$work/next.yaml"
sign "$work/next.yaml" signer
attest "$work/bad.label"
row 'another one of the same version is refused' 1
grep -q E_CFG_SPECOLD "$work/once.log" || complain "$(cat "$work/once.log")"
check 'and what was in force is still measured' 0 "$ctl" label show "$work/bad.label" --json
json "[.label.specifications[] | select(.name == \"water-plant\").digest] == [\"$digest\"]"
sed -i 's/^version: 1/version: 2/' "$work/next.yaml"
sign "$work/next.yaml" other
attest "$work/bad.label"
row 'one that a stranger signed is refused' 1
grep -q E_CFG_SPECSIG "$work/once.log" || complain "$(cat "$work/once.log")"
sign "$work/next.yaml" signer
attest "$work/next.label"
row 'the next version takes effect, and no reference value has it' 1
grep -q 'E_REF_MISMATCH' "$work/once.log" || complain "$(cat "$work/once.log")"
check 'the label names what is approved alone' 0 "$ctl" label show "$work/next.label" --json
json '[.label.specifications[].name | select(. == "water-plant" or . == "water-plant/level-a")] == []'
json '(.label.specifications | length) == 7'
sign "$base" signer
attest "$work/back.label"
row 'and there is no way back' 1
grep -q E_CFG_SPECOLD "$work/once.log" || complain "$(cat "$work/once.log")"
finish
