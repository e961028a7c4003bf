#!/bin/sh
# The examples, run as they stand: only paths of this machine are put in.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl

for f in examples/agent.yaml examples/gateway/agent.yaml; do
    check "$f" 0 "$BUILD/attest-agent" --config "$f" --check-config
done
check 'the policy' 0 "$ctl" policy check examples/gateway/policy.yaml
# the gateway's folders lie under $work/measured, which service.sh makes
local_paths() { sed "s|/opt/gateway|$work/measured/opt|g; s|/etc/gateway|$work/measured/etc|g" "$1"; }
local_paths examples/gateway/policy.yaml >"$work/policy.yaml"
mkdir -p "$work/measured/opt/bin" "$work/measured/etc"
echo 'a program' >"$work/measured/opt/bin/collector"
echo 'scale = 1' >"$work/measured/etc/sensors.conf"
service_start "$work/policy.yaml"
local_paths examples/gateway/agent.yaml |
    sed "s|^state_dir:.*|state_dir: $work/state|; s|^tcti:.*|tcti: \"swtpm:path=$work/tpm/tpm\"|; s|uefi: auto|uefi: none|" >"$work/agent.yaml"
once() { # once NAME EXIT LABEL
    name=$1 rows=$((rows + 1))
    attest "$3"
    [ "$code" -eq "$2" ] || complain "expected exit $2, found $code: $(cat "$work/once.log")"
}
mkdir "$work/lot"
once 'the approved state' 0 "$work/lot/1.label"
echo 'extra = 1' >"$work/measured/etc/extra.conf"
once 'a new configuration file is a warning' 1 "$work/lot/2.label"
rm "$work/measured/etc/extra.conf"
echo 'another program' >"$work/measured/opt/bin/collector"
once 'a changed program is refused' 1 "$work/lot/3.label"
printf 'no label' >"$work/lot/4.label"

# the last decision, a refusal, is looked at again; with other references it cannot be
export ATTESTCTL="$ctl"
check 'a second look' 0 examples/second-look.sh "$work/reference.refvals" 100 "$socket"
"$ctl" refvals make "$work/measured/etc" --output "$work/other.refvals" >/dev/null
check 'a second look by other references' 3 examples/second-look.sh "$work/other.refvals" 1 "$socket"
says 'could not be looked at'
check 'a second look at nobody' 2 examples/second-look.sh

# goods-in, as a person calls it
t=$work/partner
fingerprint=$("$ctl" --json --trust "$work/trust" trust list | jq -r '.anchors[0].sha256')
pem=$(find "$work/trust" -name '*.pem' -o -name '*.crt' | head -n 1)
check 'the issuer is added' 0 "$ctl" --trust "$t" trust add "$pem" --fingerprint "$fingerprint"
check 'one good label' 0 examples/goods-in.sh "$t" "$work/lot/1.label"
head -n 1 "$work/out" | grep -qx '"file","device","verdict","status","grade","expires","reasons"' || complain 'another head'
check 'a whole delivery' 4 examples/goods-in.sh "$t" "$work"/lot/*.label
[ "$(wc -l <"$work/out")" -eq 5 ] || complain 'not one line for each label'
row() { sed -n "$1p" "$work/out" | grep -qF -e "$2" || complain "line $1 does not hold $2"; }
row 2 '"gateway-1","pass","affirming","E2"'
row 3 '"gateway-1","fail","warning","E2"'
row 4 '"gateway-1","fail","contraindicated"'
row 5 ',"fail",,,,"E_FMT_'
check 'without the one that is no label' 1 examples/goods-in.sh "$t" "$work"/lot/[123].label
check 'a missing label' 3 examples/goods-in.sh "$t" "$work/lot/1.label" "$work/lot/9.label"
row 3 '"undecided"'
check 'no trust folder' 2 examples/goods-in.sh "$work/none" "$work/lot/1.label"
says none
check 'no argument' 2 examples/goods-in.sh
cp examples/trust/trust.yaml "$t/"
check 'the rules of examples/trust' 1 examples/goods-in.sh "$t" "$work/lot/1.label"
says E_LBL_FILE_KEY_REFUSED
finish
