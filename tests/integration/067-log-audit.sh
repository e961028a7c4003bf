#!/bin/sh
# An auditor reads the log of a real verifier: labels, refusals, removal; then what was changed, taken away or forgotten.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl
service_start policies/gateway-base.yaml
url=https://localhost:$port/log
ca=$work/verifier/ca.pem
export ATTEST_ADMIN_SOCKET="$socket"
audit() { "$ctl" --trust "$work/trust" log audit "$@"; }
count() { jq -r ".counts.$1" "$work/out"; }

attest "$work/good.label"
echo 'scale = 2' >"$work/measured/sensor.conf"
attest "$work/refused.label"
echo 'scale = 1' >"$work/measured/sensor.conf"
attest "$work/good.label"
check 'over https' 0 audit --json "$url" --ca "$ca"
json_form
json '[.checks[] | select(.status != "pass")] == [] and ([.checks[].id] == ["checkpoint", "tree", "entries", "signatures", "time", "labels", "keys"])'
json '.counts | .labels == 2 and .refused == 1 and .enrolled == 1 and .gateways == 1 and .strays == 0 and .findings == 0'
json '.gaps_count == 0 and .silent_count == 0'
check 'in English' 0 audit "$url" --ca "$ca"
for text in 'test-verifier' 'gateways' 'refused 1' 'silent now'; do says "$text"; done
check 'in Japanese' 0 audit --lang ja "$url" --ca "$ca"
says '現在応答なし'

# as files, and later: the gateway is silent
check 'exported' 0 "$ctl" --trust "$work/trust" log export "$work/log"
check 'a folder' 0 audit --json "$work/log"
before=$(count entries)
check 'a day later' 0 audit --json "$work/log" --at 2099-01-01T00:00:00Z
json '.silent_count == 1 and (.silent[0].ueid | length == 64) and .silent[0].until == "2099-01-01T00:00:00Z"'

# labels that are taken back: one, all, one among them again; then for good
cti=$("$ctl" --json device show gateway-1 | jq -r .device.label.cti)
for change in "suspend $cti" "restore $cti" 'suspend gateway-1' "restore $cti" 'restore gateway-1' "revoke $cti"; do
    # shellcheck disable=SC2086 # a verb and a name
    check "label $change" 0 "$ctl" label $change --reason test --yes
done
check 'after labels were taken back' 0 audit --json "$url" --ca "$ca"
json_form
json '.counts | .revoked == 3 and .findings == 0'

# removed, enrolled again: the log tells
"$ctl" device remove gateway-1 --yes >/dev/null
"$ctl" device allow gateway-1 >"$work/token" 2>/dev/null
check 'after a removal' 0 audit --json "$url" --ca "$ca"
json ".counts.removed == 1 and .counts.entries > $before and .silent_count == 0"
check 'a day after it, nobody is missed' 0 audit --json "$url" --ca "$ca" --at 2099-01-01T00:00:00Z
json '.silent_count == 0'

# without anybody who vouches for the label key; without a key of the log
mkdir "$work/bare"
cp "$work/trust/log.vkey" "$work/bare/"
check 'no anchor' 3 "$ctl" --json --trust "$work/bare" log audit "$work/log"
json_form
json '[.checks[] | select(.id == "keys")][0].status == "not-run" and ([.checks[] | select(.id == "signatures")][0].status == "pass")'
check 'another anchor' 3 "$ctl" --json --trust "$work/bare" log audit "$work/log" --key "$work/trust/log.vkey"
check 'no key' 3 "$ctl" --json --trust "$work/measured" log audit "$work/log"
json_form

# what is changed has its place; what is missing leaves it open
cp -r "$work/log" "$work/bad"
size=$(sed -n 2p "$work/log/checkpoint")
flip_bit "$work/bad/tile/0/000.p/$size" 64
check 'a hash' 1 audit --json "$work/bad"
json_form
json '[.reasons[] | select(.code == "E_TL_TREE" and .path == "entry 2")] | length == 1'
json '[.checks[] | select(.id == "tree")][0].status == "fail"'
cp "$work/log/tile/0/000.p/$size" "$work/bad/tile/0/000.p/$size"
printf '\001' | dd of="$work/bad/tile/entries/000.p/$size" bs=1 seek=50 conv=notrunc status=none
check 'a byte of an entry' 4 audit --json "$work/bad"
json_form
json '[.reasons[] | select(.path == "entry 0")] | length > 0'
rm "$work/bad/tile/entries/000.p/$size"
check 'entries that are not there' 3 audit --json "$work/bad"
json_form
json '.reasons[0].code == "E_TL_MISSING"'
cp "$work/log/tile/entries/000.p/$size" "$work/bad/tile/entries/000.p/$size"
rm "$work/bad/tile/0/000.p/$size"
check 'hashes that are not there' 3 audit --json "$work/bad"
json '.reasons[0].code == "E_TL_MISSING" and ([.checks[] | select(.id == "tree")][0].status == "not-run")'
sed '2s/.*/1/' "$work/log/checkpoint" >"$work/bad/checkpoint"
check 'a checkpoint that the log did not sign' 1 audit --json "$work/bad"
json_form

# a state: kept, used, and not believed when it is of something else
check 'with a state' 0 audit --json "$work/log" --state "$work/state-file"
json '.resumed_at == 0'
[ "$(stat -c %a "$work/state-file")" = 600 ] || complain 'others can read the state'
check 'again' 0 audit --json "$work/log" --state "$work/state-file"
printf x >>"$work/state-file"
check 'a state with a byte more' 4 audit --json "$work/log" --state "$work/state-file"
json_form
json '.reasons[0].code == "E_FMT_AUDIT"'
chmod 666 "$work/state-file"
check 'a state that others can write' 7 audit --json "$work/log" --state "$work/state-file"
json_form
check 'no log' 2 audit
check 'no folder' 3 audit --json "$work/nowhere"
finish
