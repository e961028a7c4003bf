#!/bin/sh
# An update that was announced: a change notice made from the new state, taken in by the verifier, the gateway
# updated inside its window, and no way back.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl
service_start policies/gateway-base.yaml
expect() { # expect NAME CODE: one attestation
    attest "$work/label"
    name=$1 rows=$((rows + 1))
    [ "$code" -eq "$2" ] || complain "expected exit $2, found $code: $(cat "$work/once.log")"
}
refs=$work/reference.refvals
measured=$work/measured
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/maintenance.key" 2>/dev/null
openssl pkey -in "$work/maintenance.key" -pubout -out "$work/verifier/notice-signers/maintenance.pem"
until=$(date -u -d '+2 days' +%Y-%m-%dT%H:%M:%SZ)
notice() { # notice OPTION...: of this test's signer
    "$ctl" notice make --id cal-2 --role maintenance --until "${end:-$until}" --title 'new calibration' \
        --title-ja '校正値の更新' --refvals "$refs" --key "$work/maintenance.key" --insecure-file-key "$@"
}

# the new state, as the packager has it: the same paths in another place
cp -r "$measured" "$work/next"
echo 'scale = 2' >"$work/next/sensor.conf"
(cd "$work/next" && find . -type f -exec sha256sum {} +) | sed "s|\./|$measured/|" >"$work/SUMS"

# making
check make 0 notice --list "$work/SUMS" -o "$work/cal-2.notice"
says 'cal-2: new calibration'
check 'make, --json' 0 notice --json --list "$work/SUMS" -o "$work/cal-2.notice"
json_form
json "[.changes[].name] == [\"$measured/sensor.conf\", \"$measured/sensor.conf#scale\"] or [.changes[].name] == [\"$measured/sensor.conf\"]"
json '.changes[0].before | length == 1'
(cd "$measured" && sha256sum sensor.conf) | sed "s| sensor| $measured/sensor|" >"$work/SAME"
check 'nothing changes' 1 notice --json --list "$work/SAME" -o "$work/x.notice"
json_form
json '.reasons[0].code == "E_CFG_NOTICE"'
[ ! -e "$work/x.notice" ] || complain 'a notice of nothing was written'
ending() { # ending TIME OPTION...: another end than $until
    end=$1
    shift
    got=0
    notice "$@" || got=$?
    end=
    return $got
}
check 'eight days' 2 ending 2026-01-09T00:00:00Z --list "$work/SUMS" --from 2026-01-01T00:00:00Z -o "$work/x.notice"
says '7 days'
check 'no time' 2 ending tomorrow --list "$work/SUMS" -o "$work/x.notice"
mkdir -p "$work/linked$measured"
ln -s calibration "$work/linked$measured/sensor.conf"
for also in "--device=gateway-1" "--gone=$measured/sensor.conf"; do # said or not, the file goes where a link comes
    check 'a link in the place of a file' 0 notice --json --root "$work/linked" "$also" -o "$work/linked.notice"
    json_form
    json "[.changes[] | [.name, .after == null, (.before | length)]] == [[\"$measured/sensor.conf\", true, 1], [\"link:$measured/sensor.conf\", false, 0]]"
done
check 'a name that is not there goes' 3 notice --gone /nowhere -o "$work/x.notice"
check 'without a role' 2 "$ctl" notice make --id x
check 'a key in a file needs a word' 7 "$ctl" notice make --id x --role maintenance --until "$until" --title x \
    --refvals "$refs" --key "$work/maintenance.key" --list "$work/SUMS" -o "$work/x.notice"
check show 0 "$ctl" notice show "$work/cal-2.notice"
says 'NOT VERIFIED'
check 'show, in Japanese' 0 "$ctl" --lang ja notice show "$work/cal-2.notice"
for text in 未検証 校正値の更新 役割; do says "$text"; done
check 'show, verified' 0 "$ctl" --json notice show "$work/cal-2.notice" --signers "$work/verifier/notice-signers"
json_form
json '.checks == [{"id": "notice.signature", "status": "pass"}]'
mkdir "$work/others"
cp "$work/verifier/notice-signers/maintenance.pem" "$work/others/operations.pem"
check 'show, another role' 1 "$ctl" --json notice show "$work/cal-2.notice" --signers "$work/others"
json '.reasons[0].code == "E_CFG_NOTICESIG"'
check 'show what is none' 4 "$ctl" notice show README.md

# before: the update is an alarm
expect 'the state of today' 0
echo 'scale = 2' >"$measured/sensor.conf"
expect 'updated without a notice' 1
grep -q E_REF_MISMATCH "$work/once.log" || complain "$(cat "$work/once.log")"
echo 'scale = 1' >"$measured/sensor.conf"
expect 'back' 0

# the window: the same update is a warning, and the label says whose
cp "$work/cal-2.notice" "$work/verifier/notices/"
reload
expect 'nothing is updated yet' 0
echo 'scale = 2' >"$measured/sensor.conf"
expect 'updated inside the window' 1
grep -q E_REF_WINDOW "$work/once.log" || complain "$(cat "$work/once.log")"
check 'the label warns' 1 "$ctl" --trust "$work/trust" label verify "$work/label"
says warning
check 'and names the notice' 0 "$ctl" label show "$work/label"
for text in E_REF_WINDOW cal-2; do says "$text"; done

# no way back, not even to what the references list
echo 'scale = 1' >"$measured/sensor.conf"
expect 'rolled back' 1
grep -q E_REF_RETIRED "$work/once.log" || complain "$(cat "$work/once.log")"
echo 'scale = 2' >"$measured/sensor.conf"
expect 'updated again' 1

# not by enrolling again, either: the gateway's history is not a way round it
enrol_again() {
    "$ctl" device allow gateway-1 --replace --socket "$socket" >"$work/token" 2>"$work/allow.log"
    rm -f "$work/state/enrolment.cbor"
    "$BUILD/attest-agent" --config "$work/agent.yaml" enrol --verifier "https://localhost:$port" \
        --verifier-ca "$work/verifier/ca.pem" --id gateway-1 --token-file "$work/token" >"$work/enrol.log" 2>&1
}
echo 'scale = 1' >"$measured/sensor.conf"
check 'enrols again' 0 enrol_again
expect 'rolled back, and enrolled again' 1
grep -q E_REF_RETIRED "$work/once.log" || complain "$(cat "$work/once.log")"
check 'enrols again and again' 0 enrol_again
expect 'rolled back, and enrolled twice' 1
grep -q E_REF_RETIRED "$work/once.log" || complain "$(cat "$work/once.log")"
echo 'scale = 2' >"$measured/sensor.conf"
expect 'updated, and enrolled again' 1
grep -q E_REF_WINDOW "$work/once.log" || complain "$(cat "$work/once.log")"

# the decision again, beside the notice of its time, which travels with the record
last=0
while "$ctl" evidence get "$last" --socket "$socket" -o "$work/$last.record" >"$work/get.out" 2>&1 || ! grep -q 'there is no outcome' "$work/get.out"; do last=$((last + 1)); done
last=$((last - 1))
check 'the same bytes' 0 "$ctl" --json evidence reappraise "$work/$last.record" --refvals "$refs"
json '.records[0].same and (.records[0].what_if | not) and .records[0].after.reasons[0].code == "E_REF_WINDOW"'

# another policy over all of them: what a window excused stays a warning, and nothing changes
sed 's/^version: .*/version: 9/' policies/gateway-base.yaml >"$work/next.yaml"
set -- policies/gateway-base.yaml "$work/next.yaml" --refvals "$refs"
for i in $(seq 0 "$last"); do [ ! -s "$work/$i.record" ] || set -- "$@" --evidence "$work/$i.record"; done
check 'another policy beside the notice' 0 "$ctl" --json policy diff "$@"
json '.changed == 0 and ([.devices[] | select(.before == "warning" and .after == "warning")] | length) >= 2'

# the new state becomes the reference, and the notice goes
"$ctl" refvals make "$measured" --output "$work/verifier/refvals.bin" >/dev/null
rm "$work/verifier/notices/cal-2.notice"
reload
expect 'approved for good' 0
finish
