#!/bin/sh
# shellcheck disable=SC2016 # $c and $r are jq's
# An auditor reports on a period of a real verifier's log: figures, the signed statement, CSV and OSCAL; a partner checks the
# statement offline, and whoever has the log makes it again. Then what is changed, open, or of a log that does not stand its audit.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl cmp
service_start policies/gateway-base.yaml
export ATTEST_ADMIN_SOCKET="$socket"
trust() { "$ctl" --trust "$work/trust" "$@"; }
tick() { sleep 1.1 && date -u +%Y-%m-%dT%H:%M:%SZ; }

# before the period a label; in it a label, a refusal, a label, a suspension and its end, a policy looked at; after it a label
attest "$work/1.label"
from=$(tick)
attest "$work/2.label"
echo 'scale = 2' >"$work/measured/sensor.conf"
attest "$work/refused.label"
echo 'scale = 1' >"$work/measured/sensor.conf"
attest "$work/3.label"
"$ctl" label suspend gateway-1 --reason test --yes >/dev/null
sleep 1.1
"$ctl" label restore gateway-1 --reason test --yes >/dev/null
"$ctl" device allow gateway-9 >/dev/null 2>&1
until=$(tick)
check 'not closed yet' 3 trust report period --json "https://localhost:$port/log" --ca "$work/verifier/ca.pem" --from "$from" --until "$until"
json_form
json '[.reasons[].code] == ["E_RPT_OPEN"] and .statement.closed == false'
attest "$work/4.label"
check 'exported' 0 trust log export "$work/log"
set -- --from "$from" --until "$until" --policy policies/gateway-base.yaml

check 'of a folder' 0 trust report period --json "$work/log" "$@"
json_form
json '[.checks[] | select(.status != "pass")] == [] and ([.checks[].id] == ["log", "agree", "closed"])'
json '.statement | .closed and .findings == 0 and .end.size - .begin.size == .entries and .audited > .end.size'
json '.statement.gateways | length == 1 and (.[0] | .affirming == 2 and .contraindicated == 1 and .taken_back == 1 and .standing == "enrolled" and (.silent | not))'
json '.statement.gateways[0] | .gaps == 1 and .covered_s < .enrolled_s and .longest_gap_s >= 1'
json '[.statement.tally[] | .count] | add == 6'
json '.statement.tally | any(.kind == "refused" and .reason == "E_REF_MISMATCH" and .status == 96 and .count == 1)'
json '.statement.rules | length == 1 and .[0].name == "gateway-base" and .[0].affirming == 2 and .[0].contraindicated == 1'
json '[.statement.events[].kind] == ["suspended", "restored", "allowed"]'
check 'from the service' 0 trust report period "https://localhost:$port/log" --ca "$work/verifier/ca.pem" "$@"
for text in 'no statement of conformity' 'E_REF_MISMATCH' 'R-01' 'evidence for it' 'What the log cannot show' 'affirming 2, warning 0, refused 1'; do
    says "$text"
done
check 'in Japanese' 0 trust --lang ja report period "$work/log" "$@"
for text in '適合の宣言ではない' 'ログが示せないこと' '一時停止' '肯定 2'; do says "$text"; done
says_not 'compliant'

# signed, by a key with one signature for one text: the same bytes again
openssl genpkey -algorithm ed25519 -out "$work/auditor.pem" 2>/dev/null
openssl pkey -in "$work/auditor.pem" -pubout -out "$work/auditor.pub" 2>/dev/null
check 'a key in a file is said' 7 trust report period "$work/log" "$@" --sign "$work/auditor.pem" -o "$work/a.report"
check 'signed' 0 trust report period --json "$work/log" "$@" --sign "$work/auditor.pem" --insecure-file-key -o "$work/a.report"
json '[.reasons[].code] == ["E_KEY_FILE"]'
check 'signed again' 0 trust report period "$work/log" "$@" --sign "$work/auditor.pem" --insecure-file-key -o "$work/b.report"
check 'the same bytes' 0 cmp "$work/a.report" "$work/b.report"
check 'nowhere to write' 2 trust report period --json "$work/log" "$@" --sign "$work/auditor.pem"
json_form

# the partner: nobody knows the auditor; then the trust folder does
check 'by a stranger' 3 trust report verify --json "$work/a.report"
json_form
json '.reasons[0].code == "E_RPT_SIGNER" and ([.checks[] | select(.id == "log")][0].status == "pass")'
mkdir "$work/trust/auditors"
cp "$work/auditor.pub" "$work/trust/auditors/example-audit.pem"
check 'by a known auditor' 0 trust report verify --json "$work/a.report"
json_form
json '.auditor == "example-audit" and ([.checks[] | [.id, .status]] == [["signature", "pass"], ["figures", "pass"], ["log", "pass"], ["repeated", "not-applicable"], ["agree", "pass"], ["closed", "pass"]])'
check 'by a given key' 0 "$ctl" --trust "$work/measured" report verify "$work/a.report" --auditor "$work/auditor.pub" --key "$work/trust/log.vkey"
says 'signature'
check 'an auditor is no anchor of labels' 0 trust label verify "$work/4.label"
check 'no key of the log' 3 "$ctl" --json --trust "$work/measured" report verify "$work/a.report" --auditor "$work/auditor.pub"
json '[.checks[] | [.id, .status]] | index([["log", "not-run"]]) != null and index([["signature", "pass"]]) != null'
check 'made again from the log' 0 trust report verify --json "$work/a.report" --log "$work/log"
json '[.checks[] | select(.status != "pass")] == [] and ([.checks[].id] | length == (unique | length))'
attest "$work/5.label"
check 'and from the log when it has gone on' 0 trust report verify --json "$work/a.report" --log "https://localhost:$port/log" --ca "$work/verifier/ca.pem"
json '[.checks[] | select(.id == "repeated")][0].status == "pass"'

# every changed byte is seen: never exit 0
size=$(wc -c <"$work/a.report")
for at in 0 3 40 100 $((size / 3)) $((size / 2)) $((size - 70)) $((size - 1)); do
    cp "$work/a.report" "$work/bad.report"
    value=$(od -An -tu1 -j "$at" -N 1 "$work/bad.report" | tr -d ' ')
    printf '%b' "\\0$(printf %o $((value ^ 1)))" | dd of="$work/bad.report" bs=1 seek="$at" conv=notrunc 2>/dev/null
    code=0
    trust report verify --json "$work/bad.report" >"$work/out" 2>"$work/err" || code=$?
    rows=$((rows + 1))
    case $code in 1 | 3 | 4) ;; *) complain "byte $at changed: exit $code" ;; esac
done
head -c 100 "$work/a.report" >"$work/bad.report"
check 'cut off' 4 trust report verify --json "$work/bad.report"
json_form

# tables: CRLF, as many cells in each line, headings in both languages
for table in gateways outcomes rules gaps events; do
    check "csv $table" 0 trust report csv "$work/log" "$@" --table $table -o "$work/$table.csv"
    sed 's/"[^"]*"/quoted/g' "$work/$table.csv" |
        awk -v RS='\r\n' -F, 'NR == 1 { n = NF } NF != n { bad = 1 } END { exit bad || NR < 2 }' || complain 'lines differ, or there are none'
done
head -n 1 "$work/gateways.csv" | grep -q '^ueid,standing,silent,affirming' || complain 'the headings'
check 'csv on standard output' 0 trust report csv "$work/log" "$@" -o -
cmp -s "$work/out" "$work/gateways.csv" || complain 'another table'
check 'csv in Japanese' 0 trust --lang ja report csv "$work/log" "$@" -o "$work/ja.csv"
[ "$(head -c 3 "$work/ja.csv" | od -An -tx1 | tr -d ' ')" = efbbbf ] || complain 'no byte order mark'
grep -q '機器 UEID,登録状態' "$work/ja.csv" || complain 'no Japanese headings'
check 'no such table' 2 trust report csv --json "$work/log" "$@" --table tables -o -
json_form

# OSCAL: the members that it requires, ids and references that lead somewhere, times with a zone
check 'oscal' 0 trust report oscal "$work/log" "$@" -o "$work/ar.json"
check 'oscal again' 0 trust report oscal "$work/log" "$@" -o "$work/ar2.json"
check 'the same document' 0 cmp "$work/ar.json" "$work/ar2.json"
cp "$work/ar.json" "$work/out"
json 'def uuid: test("^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"); def time: test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$");
    keys == ["assessment-results"] and (.["assessment-results"] | (keys - ["uuid", "metadata", "import-ap", "results", "back-matter"] == []) and (.uuid | uuid)
    and (.metadata | (.title | length > 0) and (.["last-modified"] | time) and .version == "1" and (.["oscal-version"] | . == "1.2.1"))
    and (.["import-ap"].href | startswith("#")) and (.results | length == 1))'
json 'def uuid: test("^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"); def time: test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$");
    .["assessment-results"].results[0] | (keys - ["uuid", "title", "description", "start", "end", "local-definitions", "reviewed-controls", "observations", "remarks"] == [])
    and (.uuid | uuid) and (.start | time) and (.end | time) and (has("findings") | not)
    and (.["reviewed-controls"]["control-selections"] == [{"include-controls": [{"control-id": "cps.ds-10"}, {"control-id": "cps.ds-11"}]}])
    and (.observations | length == 3 and all(.[]; (.uuid | uuid) and (.description | length > 0) and .methods == ["TEST"] and (.collected | time) and (.["relevant-evidence"][0].href | startswith("#"))))
    and (.["local-definitions"].components | length == 1 and all(.[]; (.uuid | uuid) and .type == "hardware" and (.status.state | IN("operational", "other", "disposition")) and (.title | length > 0) and (.description | length > 0)))'
json '.["assessment-results"] | ([.results[0]["local-definitions"].components[].uuid] as $c | all(.results[0].observations[] | .subjects // [] | .[]; .type == "component" and (.["subject-uuid"] | IN($c[]))))
    and ([.["back-matter"].resources[].uuid] as $r | all((.["import-ap"].href, .results[0].observations[]["relevant-evidence"][].href); .[1:] | IN($r[])))
    and ([.. | objects | .uuid? // empty] | length == (unique | length))'
jq -r '.["assessment-results"]["back-matter"].resources[] | select(has("base64")) | .base64.value' "$work/ar.json" | base64 -d >"$work/checkpoint"
check 'its checkpoint verifies by itself' 0 trust log verify "$work/checkpoint" --key "$work/trust/log.vkey"
cp "$work/ar.json" "$work/out"
says_not compliant
says 'Nothing here states conformity'

# a log whose entries nobody vouches for is no ground for a statement
mkdir "$work/bare"
cp "$work/trust/log.vkey" "$work/bare/"
check 'no anchor' 3 "$ctl" --json --trust "$work/bare" report period "$work/log" "$@"
json_form
json '[.reasons[].code] | index("E_RPT_AUDIT") != null'
cp -r "$work/log" "$work/bad"
size=$(sed -n 2p "$work/log/checkpoint")
flip_bit "$work/bad/tile/0/000.p/$size" 64
check 'a log that was changed' 1 trust report csv --json "$work/bad" "$@" -o "$work/none.csv"
json_form
json '[.reasons[].code] | index("E_RPT_AUDIT") != null and index("E_TL_TREE") != null'
[ ! -e "$work/none.csv" ] || complain 'a table was written'
check 'no period' 2 trust report period --json "$work/log"
json_form
check 'a period backwards' 2 trust report period --json "$work/log" --from "$until" --until "$from"
check 'a time that is none' 2 trust report period --json "$work/log" --from yesterday --until "$until"
json '.reasons[0].code == "E_FMT_TIME"'
check 'before the log began' 0 trust report period --json "$work/log" --from 2001-01-01T00:00:00Z --until 2002-01-01T00:00:00Z
json '.statement | .entries == 0 and .begin.size == 0 and .end.size == 0 and .closed'
finish
