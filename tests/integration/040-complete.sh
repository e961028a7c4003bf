#!/bin/sh
# What is gone before a boot stands in no log: the gateway must not be affirmed for what is left.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup swtpm_ioctl
mkdir -p "$work/measured/rules"
echo 'allow = none' >"$work/measured/rules/one"
ln -s one "$work/measured/rules/alias"
service_start policies/gateway-base.yaml

# the TPM and the agent's log start anew, as with a power cycle
reboot() {
    swtpm_ioctl --unix "$work/tpm/tpm.ctrl" -i
}
attested() {
    name=$1 want=$2 rows=$((rows + 1))
    attest "$work/label"
    [ "$code" -eq "$want" ] || complain "expected exit $want, found $code: $(cat "$work/once.log")"
    cp "$work/once.log" "$work/out"
    : >"$work/err"
}

attested 'all is there' 0
mv "$work/measured/rules" "$work/gone"
attested 'gone while it runs' 1
says E_REF_ABSENT
reboot
attested 'gone before the boot' 1
says E_REF_INCOMPLETE
says "something is missing in $work/measured" # a whole folder of it
says_not E_REF_ABSENT
attested 'and still gone' 1
says E_REF_INCOMPLETE
mv "$work/gone" "$work/measured/rules"
attested 'restored in the same boot' 0
cp "$work/agent.yaml" "$work/agent.whole"
sed -i "s|tree: $work/measured}|tree: $work/measured/rules}|" "$work/agent.yaml"
reboot
attested 'the agent measures a part' 1
says E_REF_INCOMPLETE
check 'the label says so offline' 1 "$ctl" --trust "$work/trust" label verify "$work/label"
says E_REF_INCOMPLETE
cp "$work/agent.whole" "$work/agent.yaml"
reboot
attested 'all of it again' 0
finish
