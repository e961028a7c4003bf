#!/bin/sh
# Labels taken back by an administrator of a running verifier: the list that strangers get over HTTPS, the log, and a
# partner's answer in an empty network namespace.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl curl

service_start
attest "$work/1.label"
[ "$code" -eq 0 ] || { cat "$work/once.log"; exit 1; }
export ATTEST_ADMIN_SOCKET="$socket"
offline=''
if unshare -n true 2>/dev/null; then
    offline='unshare -n'
elif unshare -rn true 2>/dev/null; then
    offline='unshare -rn'
fi
# shellcheck disable=SC2086 # the command of the namespace is meant to be split
verify() { $offline "$ctl" --trust "$work/trust" --json label verify "$@"; }
# list FILE: as a stranger gets it, with no certificate of a client
list() { curl -fsS --cacert "$work/verifier/ca.pem" -o "$1" "https://localhost:$port/status/v1/1"; }

check 'the label names its list' 0 "$ctl" --json label show "$work/1.label"
json '.label.status_list.uri == "https://localhost/status/v1/1"'
check 'anybody gets the list' 0 list "$work/1.status"
type=$(curl -sS --cacert "$work/verifier/ca.pem" -o "$work/x" -w '%{content_type}' "https://localhost:$port/status/v1/1")
name='type of the list'
[ "$type" = application/statuslist+cwt ] || complain "$type"
for other in 0 2 01 x 1/2 18446744073709551617; do
    code=$(curl -s --path-as-is --cacert "$work/verifier/ca.pem" -o "$work/out" -w '%{http_code}' "https://localhost:$port/status/v1/$other")
    rows=$((rows + 1)) name="list $other"
    [ "$code" = 404 ] || complain "answered $code"
done
check 'attestctl gets it too' 0 "$ctl" label get "https://localhost:$port/status/v1/1" --ca "$work/verifier/ca.pem" -o "$work/2.status"
says "label verify --status $work/2.status LABEL"
check 'and the administrator' 0 "$ctl" label get 1 --list -o "$work/3.status"
says "label verify --status $work/3.status LABEL"
cmp -s "$work/1.status" "$work/3.status" || complain 'another list'

check 'valid, as of the list' 0 verify --status "$work/1.status" "$work/1.label"
json_form
json '.label.status_list_says.value == "valid" and .not_checked == ["subject"]'
check 'in words' 0 "$ctl" --trust "$work/trust" label verify --status "$work/1.status" "$work/1.label"
says 'Status as of'
check 'without a list' 0 verify "$work/1.label"
json '.not_checked | index("status-list") != null'
printf 'status-list: required\nmax-age: 1h\n' >"$work/trust/trust.yaml"
check 'required, and none' 3 verify "$work/1.label"
says E_SL_NONE
check 'required, and there' 0 verify --status "$work/1.status" "$work/1.label"

check 'no reason' 2 "$ctl" label suspend gateway-1
check 'suspend' 0 "$ctl" label suspend gateway-1 --reason 'under repair'
says 'labels suspended: 1'
check 'again' 0 "$ctl" label suspend gateway-1 --reason 'under repair'
says 'nothing to change'
list "$work/4.status"
check 'suspended' 1 verify --status "$work/4.status" "$work/1.label"
json_form
json '[.reasons[].code] | index("E_LBL_SUSPENDED") != null'
attest "$work/none.label"
name='a suspended gateway gets no label'
[ "$code" -ne 0 ] || complain 'it does'
check 'no current label' 3 "$ctl" label get gateway-1 -o "$work/none.label"
check 'device show' 0 "$ctl" --json device show gateway-1
json '.device.status == "quarantined" and .device.reason == "E_LBL_SUSPENDED" and .device.label.told == "suspended"'
check 'restore' 0 "$ctl" label restore gateway-1 --reason 'repaired'
attest "$work/2.label"
name='a restored gateway'
[ "$code" -eq 0 ] || complain "$(cat "$work/once.log")"
list "$work/5.status"
check 'restored' 0 verify --status "$work/5.status" "$work/1.label" "$work/2.label"

id=$("$ctl" --json label show "$work/1.label" | jq -r .label.id)
check 'not without being asked' 2 "$ctl" --no-input label revoke "$id" --reason 'wrong policy'
says '--yes'
check 'revoke one' 0 "$ctl" --json label revoke "$id" --reason '方針の誤り' --yes
json '.labels.changed and .labels.labels == 1'
at=$(jq .labels.outcome "$work/out")
check 'again' 0 "$ctl" --json label revoke "$id" --reason 'wrong policy' --yes
json '.labels.changed == false and .labels.outcome == null'
check 'not taken back' 1 "$ctl" label restore "$id" --reason 'a mistake'
says E_SL_FOR_GOOD
list "$work/6.status"
check 'one revoked' 1 verify --status "$work/6.status" "$work/1.label"
says E_LBL_REVOKED
check 'the other not' 0 verify --status "$work/6.status" "$work/2.label"
check 'revoked counts in years, too' 1 verify --at 2030-01-01T00:00:00Z --status "$work/6.status" "$work/1.label"
says E_LBL_REVOKED
check 'the record of it' 0 "$ctl" device show gateway-1
curl -sS --unix-socket "$socket" "http://localhost/admin/v1/outcomes?from=$at&limit=1" >"$work/out"
name='the outcome'
json '.outcomes[0].kind == "revoked" and .outcomes[0].detail == "方針の誤り" and .outcomes[0].cti == "'"$id"'"'

# Durable: the same after a kill, and the records hold together.
kill -KILL "$verifier_pid"
wait "$verifier_pid" 2>/dev/null || true
i=0 # the keeper ends when it notices
while "$BUILD/attestd" fsck --config "$work/verifier/attestd.yaml" 2>&1 | grep -q E_ST_LOCK && [ $i -lt 200 ]; do
    i=$((i + 1))
    sleep 0.05
done
check 'fsck' 0 "$BUILD/attestd" fsck --config "$work/verifier/attestd.yaml"
"$BUILD/attestd" run --config "$work/verifier/attestd.yaml" >"$work/attestd2.log" 2>&1 &
verifier_pid=$!
pids="$pids $verifier_pid"
i=0
until grep -q 'listening.*port=' "$work/attestd2.log"; do
    i=$((i + 1))
    [ $i -le 600 ] || { cat "$work/attestd2.log"; exit 1; }
    sleep 0.05
done
port=$(sed -n 's/.*listening.*port=\([0-9]*\).*/\1/p' "$work/attestd2.log" | head -n 1)
i=0
until list "$work/7.status" 2>/dev/null; do
    i=$((i + 1))
    [ $i -le 200 ] || { cat "$work/attestd2.log"; exit 1; }
    sleep 0.05
done
check 'revoked after a restart' 1 verify --status "$work/7.status" "$work/1.label"
says E_LBL_REVOKED

# What ends an enrolment ends its labels.
check 'remove' 0 "$ctl" device remove gateway-1 --yes
list "$work/8.status"
check 'removed' 1 verify --status "$work/8.status" "$work/2.label"
says E_LBL_REVOKED
finish
