#!/bin/sh
# Policies are refused with file, line and column; reference values are made from what is known to be good.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs jq sha256sum

good=policies/gateway-base.yaml
check 'the base policy' 0 "$ctl" policy check "$good"
check 'the base policy, --json' 0 "$ctl" --json policy check "$good"
json_form
check 'show it' 0 "$ctl" policy show "$good"
says 'gateway-base@1'
check 'show it, --json' 0 "$ctl" --json policy show "$good"
json_form
json '.policy == "gateway-base" and (.digest | length) == 64 and (.requirements | length) == 5'
digest=$(jq -r .digest "$work/out")
check 'show it in Japanese' 0 "$ctl" --lang ja policy show "$good"
says '機器自身の測定ログ'
# comments and blank lines are no part of what runs
{ echo '# another comment' && cat "$good"; } >"$work/commented.yaml"
check 'the same policy with a comment' 0 "$ctl" --json policy show "$work/commented.yaml"
json ".digest == \"$digest\""
sed 's/^version: 1/version: 2/' "$good" >"$work/two.yaml"
check 'another version' 0 "$ctl" --json policy show "$work/two.yaml"
json ".digest != \"$digest\" and .version == 2"

# bad NAME LINE SED-SCRIPT: the base policy with one thing wrong, refused at that line
bad_at() {
    n=$1 line=$2
    sed "$3" "$good" >"$work/bad.yaml"
    cmp -s "$good" "$work/bad.yaml" && { name=$n && complain 'the change changes nothing'; }
    check "$n" 1 "$ctl" --json policy check "$work/bad.yaml"
    json_form
    json ".reasons[0].detail | test(\"bad.yaml:$line:[0-9]+: \")"
    check "$n, in words" 1 "$ctl" policy check "$work/bad.yaml"
    says "bad.yaml:$line:"
    check "$n, shown" 2 "$ctl" policy show "$work/bad.yaml"
}
line() { grep -n -m 1 -e "$1" "$good" | cut -d: -f1; }
bad_at 'an unknown key' "$(line '^interval')" 's/^interval:/intervall:/'
bad_at 'an unknown severity' "$(line 'severity: fail')" '0,/severity: fail/s//severity: fatal/'
bad_at 'an unknown bank' "$(line '^bank')" 's/^bank: sha256/bank: sha257/'
bad_at 'a version that is no number' "$(line '^version')" 's/^version: 1/version: one/'
bad_at 'a grade that is none' "$(line 'grade_at_least')" 's/grade_at_least: E2/grade_at_least: E9/'
bad_at 'a duration without a unit' "$(line '^label_ttl')" 's/^label_ttl: 4h/label_ttl: 4/'
bad_at 'a PCR that is none' "$(line '^own_pcrs')" 's/^own_pcrs: \[13\]/own_pcrs: [24]/'
bad_at 'one id twice' "$(line 'id: R-02')" 's/id: R-02/id: R-01/'

malformed() { # what is no YAML of the strict subset at all
    n=$1
    printf '%b' "$2" >"$work/bad.yaml"
    check "$n" 4 "$ctl" --json policy check "$work/bad.yaml"
    json_form
    json '.reasons[0].detail | test("bad.yaml:[0-9]+:[0-9]+: ")'
}
malformed 'an open list' 'policy: x\nown_pcrs: [13\n'
malformed 'an anchor' 'policy: &a x\nversion: 1\n'
malformed 'a tag' 'policy: !!str x\n'
malformed 'two documents' 'policy: x\n---\npolicy: y\n'
malformed 'a key twice' 'policy: x\npolicy: y\n'
malformed 'a control character' 'policy: "x\\u0001"\nversion: \x01\n'

check 'good and bad together' 4 "$ctl" --json policy check "$good" "$work/bad.yaml"
json_form
json '[.checks[].status] == ["pass", "fail"]'
check 'a missing policy' 3 "$ctl" policy check "$work/none.yaml"
says none.yaml
check 'a missing policy does not hide a bad one' 4 "$ctl" policy check "$work/none.yaml" "$work/bad.yaml"
check 'standard input' 0 sh -c "'$ctl' policy check - <'$good'"

mkdir "$work/no-records"
check 'a diff over no records says so' 3 "$ctl" --json policy diff "$good" "$work/two.yaml" --evidence "$work/no-records"
json_form
json '.reasons[0].detail | contains("no-records, found none")'

# ---- reference values ----
mkdir -p "$work/image/usr/bin" "$work/image/etc"
echo tool >"$work/image/usr/bin/tool"
echo 'mode = 1' >"$work/image/etc/gw.conf"
ln -s ../usr/bin/tool "$work/image/etc/link"
mkfifo "$work/image/etc/fifo"
hash_of() { sha256sum <"$1" | cut -c1-64; }
refs=$work/x.refvals

check 'from a root folder' 0 "$ctl" --json refvals make --root "$work/image" --output "$refs"
json_form
json '.files == 2 and .links == 1'
expected() { # expected NAME DIGEST: listed under this name
    check "expected under $1" 0 "$ctl" --json refvals show "$refs" --name "$1"
    json ".expected == [\"$2\"]"
}
expected /usr/bin/tool "$(hash_of "$work/image/usr/bin/tool")"
expected /etc/gw.conf "$(hash_of "$work/image/etc/gw.conf")"
expected link:/etc/link "$(printf '../usr/bin/tool' | sha256sum | cut -c1-64)"
check 'a name that is not there' 1 "$ctl" --json refvals show "$refs" --name /usr/bin/other
json_form
check 'the root with slashes behind it' 0 "$ctl" -q refvals make --root "$work/image//" --output "$work/y.refvals"
cmp -s "$refs" "$work/y.refvals" || complain 'other bytes'
check 'a second time' 0 "$ctl" -q refvals make --root "$work/image" --output "$work/y.refvals"
cmp -s "$refs" "$work/y.refvals" || complain 'other bytes'

sed 's|under: \[[^]]*\]|under: [etc]|' "$good" >"$work/prefix.yaml"
check 'a path without its slash' 1 "$ctl" --json policy check "$work/prefix.yaml"
json_form
json '.reasons[0].code == "E_CFG_POLICY" and (.reasons[0].detail | test("prefix.yaml:[0-9]+:[0-9]+: .*found etc"))'
sed 's|under: \[[^]]*\]|under: [/etc, /ect]|; s|own_complete: \[[^]]*\]|own_complete: [/]|' "$good" >"$work/prefix.yaml"
check 'a path that covers nothing, without reference values' 0 "$ctl" --json policy check "$work/prefix.yaml"
json '.reasons == []'
check 'a path that covers nothing' 0 "$ctl" --json policy check "$work/prefix.yaml" --refvals "$refs"
json_form
json '[.reasons[].code] == ["E_CFG_PREFIX"] and (.reasons[0].detail | test("prefix.yaml:[0-9]+:[0-9]+: .*found /ect"))'
check 'the same in Japanese' 0 "$ctl" --lang ja policy check "$work/prefix.yaml" --refvals "$refs"
says '/ect 以下に参照値がなく'

check 'from trees as they are' 0 "$ctl" refvals make "$work/image/usr" "$work/image/etc/gw.conf" --output "$refs"
expected "$work/image/usr/bin/tool" "$(hash_of "$work/image/usr/bin/tool")"
expected "$work/image/etc/gw.conf" "$(hash_of "$work/image/etc/gw.conf")"
check 'a tree that is not there' 3 "$ctl" refvals make "$work/none" --output "$work/none.refvals"
says none
[ ! -e "$work/none.refvals" ] || complain 'a file was made'
check 'a root that is not there' 3 "$ctl" --json refvals make --root "$work/none" --output "$work/none.refvals"
json_form

(cd "$work/image" && sha256sum ./usr/bin/tool etc/gw.conf) >"$work/SUMS"
check 'from a list' 0 "$ctl" refvals make --list "$work/SUMS" --output "$refs"
expected /usr/bin/tool "$(hash_of "$work/image/usr/bin/tool")"
expected etc/gw.conf "$(hash_of "$work/image/etc/gw.conf")"
echo 'deadbeef  short' >>"$work/SUMS"
check 'a list with a bad line' 4 "$ctl" --json refvals make --list "$work/SUMS" --output "$refs"
json_form
json '.reasons[0].detail | test("SUMS:3")'

zeros=$(printf '%064d' 0) ones=$(printf '%064d' 0 | tr 0 1)
printf '{"sha256":{"0":"%s","7":"%s"},"sha1":{"0":"%040d"}}' "$zeros" "$ones" 0 >"$work/pcrs.json"
check 'from PCR values' 0 "$ctl" --json refvals make --pcrs "$work/pcrs.json" --output "$refs"
expected pcr/sha256/7 "$ones"
printf 'sha256:\n  0 : 0x%s\n  7 : 0x%s\n' "$zeros" "$ones" >"$work/pcrs.yaml"
check 'from PCR values as tpm2_pcrread prints them' 0 "$ctl" refvals make --pcrs "$work/pcrs.yaml" --output "$refs"
expected pcr/sha256/0 "$zeros"
printf '{"sha1":{"0":"%040d"}}' 0 >"$work/sha1.json"
check 'PCR values without the sha256 bank' 3 "$ctl" refvals make --pcrs "$work/sha1.json" --output "$refs"
says sha256
check 'PCR values that are none' 4 "$ctl" refvals make --pcrs README.md --output "$refs"

check 'several sources together' 0 "$ctl" --json refvals make --root "$work/image" --pcrs "$work/pcrs.json" --output "$refs"
expected pcr/sha256/7 "$ones"
expected /etc/gw.conf "$(hash_of "$work/image/etc/gw.conf")"

check 'to standard output' 0 "$ctl" refvals make --root "$work/image" --pcrs "$work/pcrs.json" --output -
cmp -s "$refs" "$work/out" || complain 'other bytes'
check 'to standard output with --json' 2 "$ctl" --json refvals make --root "$work/image" --output -
json_form
check 'no source' 2 "$ctl" refvals make --output "$refs"
check 'no output' 2 "$ctl" refvals make --root "$work/image"
check 'to a folder that is not there' 3 "$ctl" refvals make --root "$work/image" --output "$work/none/x"
if [ "$(id -u)" -ne 0 ]; then
    chmod 0 "$work/image/etc/gw.conf"
    check 'a file that may not be read' 0 "$ctl" --json refvals make --root "$work/image" --output "$refs"
    json '.skipped == 1'
    chmod 0600 "$work/image/etc/gw.conf"
fi

# 035 makes reference values from a real agent's own log
check 'an own log that is none' 4 "$ctl" refvals make --own README.md --output "$refs"

# damage of every kind is malformed, at any byte
check 'the last good file' 0 "$ctl" --json refvals make --root "$work/image" --pcrs "$work/pcrs.json" --output "$refs"
size=$(stat -c %s "$refs")
for cut in 0 8 47 $((size - 1)); do
    head -c "$cut" "$refs" >"$work/cut"
    check "cut to $cut bytes" 4 "$ctl" refvals show "$work/cut"
done
for off in 0 9 20 60 $((size - 2)); do
    cp "$refs" "$work/damaged"
    byte=$(od -An -tu1 -j "$off" -N1 "$refs" | tr -d ' ')
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %o $((byte ^ 4)))" | dd of="$work/damaged" bs=1 seek="$off" conv=notrunc 2>/dev/null
    check "damaged at byte $off" 4 "$ctl" --json refvals show "$work/damaged"
    json_form
done
check 'a missing file' 3 "$ctl" refvals show "$work/none"
finish
