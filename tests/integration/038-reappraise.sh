#!/bin/sh
# Decisions made again from their records: the same bytes under the same rules, another verdict under
# others, and what is dropped is said to be dropped.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup
service_start policies/gateway-base.yaml
get() { "$ctl" evidence get "$@" --socket "$socket"; }
again() { "$ctl" evidence reappraise "$@"; }
index() { "$ctl" --json device show gateway-1 --socket "$socket" >/dev/null && last; }
last() { # the number of the newest outcome
    n=0
    while "$ctl" evidence get "$n" --socket "$socket" -o "$work/probe" >/dev/null 2>"$work/probe.err" ||
        ! grep -q 'there is no outcome' "$work/probe.err"; do n=$((n + 1)); done
    echo $((n - 1))
}

attest "$work/one.label"
[ "$code" -eq 0 ] || complain "exit $code: $(cat "$work/once.log")"
first=$(last)
attest "$work/two.label"
[ "$code" -eq 0 ] || complain "exit $code: $(cat "$work/once.log")"
echo 'scale = 2' >"$work/measured/sensor.conf"
attest "$work/three.label"
[ "$code" -ne 0 ] || complain 'a changed file was affirmed'
[ "$(last)" -eq $((first + 2)) ] || complain "three outcomes expected after $first, the last is $(last)"

for k in 0 1 2; do
    check "get $k" 0 get $((first + k)) --output "$work/$k.record"
done
says 'attestctl evidence reappraise'
[ "$(stat -c %a "$work/0.record")" = 600 ] || complain 'a record that others can read'
check 'get what is no number' 2 get ../devices -o "$work/none"
check 'get what is not there' 3 get 99999 -o "$work/none"
check 'get what was no appraisal' 3 get 0 -o "$work/none"
says 'was not decided from evidence'

# the rules of the record: the same result byte for byte, good and bad
refs=$work/reference.refvals
check 'again' 0 again "$work/0.record" "$work/1.record" "$work/2.record" --refvals "$refs"
says 'byte for byte'
check 'again, --json' 0 again "$work/0.record" "$work/1.record" "$work/2.record" --refvals "$refs" --json
json_form
json '[.records[] | .same and (.what_if | not)] | all and length == 3'
json '[.records[].before.status] == ["affirming", "affirming", "contraindicated"]'
json '.records[2].after.reasons[0].name | endswith("/sensor.conf")'
check 'in Japanese' 0 "$ctl" --lang ja evidence reappraise "$work/0.record" --refvals "$refs"
says '結果は完全に一致'
check 'without the references' 3 again "$work/0.record"
says E_REF_NONE
from_input() { again - --refvals "$refs" <"$work/0.record"; }
check 'of standard input' 0 from_input

# what if: the changed file is approved; the records of the boot in order
"$ctl" refvals make "$work/measured" --output "$work/next.refvals" >/dev/null
check 'what if, other references' 1 again "$work/0.record" "$work/1.record" "$work/2.record" --refvals "$work/next.refvals" --what-if --json
json_form
json '[.records[].after.status] == ["contraindicated", "contraindicated", "affirming"] and .changed == 3'
check 'the wrong references by mistake' 3 again "$work/0.record" --refvals "$work/next.refvals"
says E_REF_NONE
check 'what if, told' 1 again "$work/0.record" --refvals "$work/next.refvals" --what-if
says 'affirming -> contraindicated'
says E_REAPPRAISE_OTHER
sed 's/grade_at_least: E2/grade_at_least: E3/; s/^version: .*/version: 2/' policies/gateway-base.yaml >"$work/strict.yaml"
check 'what if, a stricter policy' 1 again "$work/0.record" --refvals "$refs" --policy "$work/strict.yaml" --json
json '.records[0].what_if and .records[0].after.status == "contraindicated"'
sed 's/^version: .*/version: 2/' policies/gateway-base.yaml >"$work/same.yaml"
check 'what if nothing changes' 0 again "$work/0.record" "$work/1.record" --refvals "$refs" --policy "$work/same.yaml" --json
json '.changed == 0 and ([.records[].what_if] | all)'
check 'what if, a record left out' 3 again "$work/0.record" "$work/2.record" --refvals "$refs" --policy "$work/same.yaml"
says E_LOG_COVERAGE
says 'give all records of this boot in order'
check 'what if, the first left out' 3 again "$work/1.record" "$work/2.record" --refvals "$refs" --policy "$work/same.yaml" --json
json '[.records[].unseen] == [true, true]'
check 'policy diff, a record left out' 3 "$ctl" policy diff policies/gateway-base.yaml "$work/same.yaml" --refvals "$refs" --evidence "$work/0.record" --evidence "$work/2.record"
says E_LOG_COVERAGE
check 'a policy that is none' 2 again "$work/0.record" --refvals "$refs" --policy "$refs"

# not believed: every kind of damage is malformed or another result, never the same
size=$(stat -c %s "$work/0.record")
damaged=0
for i in $(seq 0 37 "$size"); do
    cp "$work/0.record" "$work/bad.record"
    printf '\377' | dd of="$work/bad.record" bs=1 seek="$i" conv=notrunc 2>/dev/null
    cmp -s "$work/0.record" "$work/bad.record" && continue
    code=0
    again "$work/bad.record" --refvals "$refs" >/dev/null 2>&1 || code=$?
    case $code in 1 | 4) damaged=$((damaged + 1)) ;; *) complain "byte $i: exit $code" ;; esac
done
[ "$damaged" -gt 20 ] || complain "only $damaged damaged records"
head -c 100 "$work/0.record" >"$work/cut.record"
check 'cut short' 4 again "$work/cut.record" --refvals "$refs"
says E_FMT_RECORD

# what is in a record, for people and for other tools
check 'show the evidence of a record' 0 "$ctl" evidence show "$work/0.record"
says 'NOT VERIFIED'
check 'the gateway tells its PCR banks' 0 "$ctl" evidence show "$work/0.record" --json
json '.tpm.banks | map(.alg) | index("sha256")'
check 'export the evidence of a record' 0 "$ctl" evidence export "$work/0.record" --output "$work/parts"
check 'replay its own log' 0 "$ctl" evidence replay --own "$work/parts/own.log" --json
json '.pcrs.sha256["13"] | length == 64'

# at rest: nothing of the evidence in clear, and the key is not in the database
grep -q "$work/measured/sensor.conf" "$work/0.record" || complain 'the record holds no measured name'
cat "$work"/verifier/state/attestd.db* >"$work/all.db"
if grep -q 'attestd appraisal 1' "$work/all.db" || grep -q 'attest-agent' "$work/all.db"; then
    complain 'evidence in clear in the database'
fi
finish
