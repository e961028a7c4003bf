#!/bin/sh
# A partner looks at the log of a real verifier again and again, and takes proofs home that other programs verify.
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
key=$work/trust/log.vkey
export ATTEST_ADMIN_SOCKET="$socket" XDG_STATE_HOME="$work/memory"
monitor() { "$ctl" --trust "$work/trust" log monitor "$@"; }
prove() { "$ctl" --trust "$work/trust" log prove "$@"; }

# ---- monitor ----
check 'the first look' 0 monitor --json "$url" --ca "$ca"
json_form
json '.since == null and .new == .checkpoint.size'
[ "$(find "$work/memory/attestctl" -name '*.checkpoint' | wc -l)" -eq 1 ] || complain 'no checkpoint was kept'
[ "$(stat -c %a "$work/memory/attestctl")" = 700 ] || complain 'others can read the memory'
check 'nothing new' 0 monitor --json "$url" --ca "$ca"
json '.new == 0 and .since == .checkpoint.size and ([.checks[] | select(.id == "consistency")][0].status == "pass")'
"$ctl" --trust "$work/trust" log export "$work/old" >/dev/null
attest "$work/good.label"
check 'something new' 0 monitor --json "$url" --ca "$ca"
json '.new > 0 and .since < .checkpoint.size'
check 'in Japanese' 0 monitor --lang ja "$url" --ca "$ca"
says '新しい項目'
check 'the log went back' 1 monitor --json "$work/old"
json_form
json '.reasons[0].code == "E_TL_ROLLBACK" and (.evidence | endswith(".held"))'
held=$(jq -r .evidence "$work/out")
check 'what was kept is evidence' 0 "$ctl" log verify "$held" --key "$key"
check 'and so is what was seen' 0 "$ctl" log verify "${held%.held}.seen" --key "$key"
check 'and the log itself still holds' 0 monitor "$url" --ca "$ca"

# ---- a gateway that is watched: its labels are known, or it is an alarm ----
"$ctl" --json --trust "$work/trust" log audit "$url" --ca "$ca" --at 2099-01-01T00:00:00Z >"$work/audit.json"
ueid=$(jq -r '.silent[0].ueid' "$work/audit.json")
attest "$work/next.label"
check 'a label that is known' 0 monitor --json "$url" --ca "$ca" --watch "$ueid" --expect "$work/next.label"
json '.watched | length == 1 and .[0].kind == "label"'
attest "$work/other.label"
check 'a label that is not' 1 monitor --json "$url" --ca "$ca" --watch "$ueid" --expect "$work/next.label"
json_form
json '.reasons[0].code == "E_TL_WATCHED" and ([.checks[] | select(.id == "watched")][0].status == "fail")'
check 'a name that is none' 2 monitor --json "$url" --ca "$ca" --watch gateway-1
json_form
check 'no home' 2 env -u HOME -u XDG_STATE_HOME "$ctl" --json --trust "$work/trust" log monitor "$work/old"
json_form

# ---- prove: what is handed out verifies ----
check 'by index, over the socket' 0 prove --json 0 -o "$work/0.tlog-proof" --entry "$work/0.bin"
json_form
check 'it verifies' 0 "$ctl" log verify "$work/0.tlog-proof" --key "$key" --entry "$work/0.bin"
check 'by label, over https' 0 prove --json "$work/good.label" --from "$url" --ca "$ca" -o "$work/l.tlog-proof" --entry "$work/l.bin"
json_form
index=$(jq .index "$work/out")
check 'that verifies too' 0 "$ctl" --json log verify "$work/l.tlog-proof" --key "$key" --entry "$work/l.bin"
json ".index == $index"
check 'the entry is that of the label' 0 prove "$index" -o "$work/i.tlog-proof" --entry "$work/i.bin"
cmp -s "$work/l.bin" "$work/i.bin" || complain 'another entry'
check 'the other entry does not' 1 "$ctl" log verify "$work/l.tlog-proof" --key "$key" --entry "$work/0.bin"
check 'from an old mirror: not there yet' 3 prove --json "$work/other.label" --from "$work/old" -o "$work/none"
json_form
json '.reasons[0].code == "E_TL_NOTMERGED"'
[ ! -e "$work/none" ] || complain 'a proof was written'
check 'two days later it is a broken promise' 1 prove --json "$work/other.label" --from "$work/old" -o "$work/none" --at 2099-01-01T00:00:00Z
[ -s "$work/none.receipt" ] || complain 'the promise was not kept as evidence'
check 'consistency with an earlier checkpoint' 0 prove --json --consistency "$work/old/checkpoint" -o "$work/consistency"
json_form
[ "$(head -n 1 "$work/consistency")" = "old $(sed -n 2p "$work/old/checkpoint")" ] || complain 'not the form of tlog-witness'
check 'consistency with a size' 0 prove --consistency 1 -o "$work/consistency"
check 'a size that is later' 1 prove --json --consistency 1000000 -o "$work/none"
json_form
check 'an index that is not there' 3 prove --json 1000000 -o "$work/none"
json_form
check 'a file that is no label' 4 prove --json "$work/old/checkpoint" -o "$work/none"
json_form
check 'nothing asked' 2 prove -o "$work/none"
check 'two things asked' 2 prove 1 --consistency 1 -o "$work/none"
check 'no output' 2 prove 1
finish
