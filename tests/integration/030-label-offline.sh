#!/bin/sh
# A stranger verifies labels with no network at all: labels of a real verifier, agent and software TPM, judged in
# an empty network namespace, with the exit code of every case, and 200 random bits flipped.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl

d=$work/demo
mkdir "$d"
DEMO_DIR=$d scripts/demo >"$work/demo.log" 2>&1 || {
    tail -n 40 "$work/demo.log"
    exit 1
}

# Everything below runs where there is no network, if that can be had.
offline='' where='no namespace of its own: neither root nor user namespaces here'
if unshare -n true 2>/dev/null; then
    offline='unshare -n' where='its own network namespace'
elif unshare -rn true 2>/dev/null; then
    offline='unshare -rn' where='its own network and user namespace'
fi
echo "verifying in $where"
if [ -n "$offline" ]; then
    links=$($offline sed -n 's/^ *\([a-z0-9]*\):.*/\1/p' /proc/self/net/dev | tr '\n' ' ')
    [ "$links" = 'lo ' ] || {
        echo "the namespace has other links than lo: $links"
        exit 1
    }
fi
good=$d/gateway.label refused=$d/refused.label
# shellcheck disable=SC2086 # the command of the namespace is meant to be split
verify() { $offline "$ctl" --trust "${trust:-$d/trust}" label verify "$@"; }

# row NAME CODE ARGS...: for people, for scripts, and the two agree
row() {
    n=$1 c=$2
    shift 2
    check "$n" "$c" verify "$@"
    check "$n, --json" "$c" verify --json "$@"
    json_form
    json ".files | length > 0"
}
# fails_early NAME CODE ARGS...: the same before any file is looked at
fails_early() {
    n=$1 c=$2
    shift 2
    check "$n" "$c" verify "$@"
    check "$n, --json" "$c" verify --json "$@"
    json_form
}

row good 0 "$good"
json '.label.device == "gateway-1" and .label.status == "affirming" and .label.verified and .label.grade == "E2"'
json '.label.key_class == "file" and ([.reasons[].code] | index("E_LBL_FILE_KEY") != null)'
json '.not_checked == ["subject", "status-list"] and ([.checks[] | select(.status == "pass").id] | length) == 8
    and .label.log.index < .label.log.size and .label.log.witnesses == 0'
check 'good, in words' 0 verify "$good"
for text in 'VERIFIED' 'Not checked' 'E_LBL_FILE_KEY' 'gateway-1' 'E2' 'no approval by an authority'; do says "$text"; done
check 'good, quiet' 0 verify -q "$good"
if [ -s "$work/out" ] || [ -s "$work/err" ]; then complain 'quiet is not quiet'; fi

iat=$(jq -r .label.issued <<END
$("$ctl" --json label show "$good")
END
)
row expired 1 --at 2100-01-01T00:00:00Z "$good"
says E_LBL_TIME
row 'before iat' 1 --at 2001-01-01T00:00:00Z "$good"
says E_LBL_TIME
row 'at iat' 0 --at "$iat" "$good"

# another issuer's folder, an empty one, none, a broken anchor
mkdir "$work/other" "$work/empty" "$work/broken"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/other.key" -subj '/CN=Another issuer' \
    -days 365 -out "$work/other/other.pem" 2>/dev/null
echo 'no certificate' >"$work/broken/x.pem"
trust=$work/other
row 'unknown issuer' 3 "$good"
says E_LBL_KEY
check 'unknown issuer, in words' 3 verify "$good"
for text in 'UNDECIDED' 'NOT VERIFIED' 'trust add'; do says "$text"; done
trust=$work/empty
row 'empty trust folder' 3 "$good"
says E_TRUST_NONE
trust=$work/broken
fails_early 'a trust folder with a broken anchor' 3 "$good"
says x.pem
trust=$work/missing
fails_early 'missing trust folder' 2 "$good"
says missing
trust=$d/trust

row 'refused label' 1 "$refused"
says E_LBL_NOT_AFFIRMING
json '[.label.reasons[].code] == ["E_REF_MISMATCH"] and (.label.reasons[0].path | endswith("gateway.conf"))'
json '.label.reasons[0].expected != .label.reasons[0].found'
row 'refused label is no warning' 1 --accept warning "$refused"
row 'right device' 0 --device gateway-1 "$good"
json '.not_checked == ["status-list"]'
row 'wrong device' 1 --device gateway-2 "$good"
says E_LBL_SUBJECT
fails_early 'unknown value of --accept' 2 --accept contraindicated "$good"

size=$(stat -c %s "$good")
for cut in 0 1 17 $((size / 2)) $((size - 1)); do
    head -c "$cut" "$good" >"$work/cut.label"
    row "truncated to $cut bytes" 4 "$work/cut.label"
done
{ cat "$good"; printf '\0'; } >"$work/long.label"
row 'one byte more' 4 "$work/long.label"
head -c 100000 /dev/zero >"$work/zeros"
row 'too large to be a label' 4 "$work/zeros"
for other in README.md "$d/verifier/trust/"*.pem "$d/reference.refvals" "$ctl"; do
    row "not a label: $(basename "$other")" 4 "$other"
done
row 'missing file' 3 "$work/none.label"
row 'a folder' 3 "$work"

from_stdin() { verify "$@" <"$good"; }
check 'standard input' 0 from_stdin -
check 'standard input, --json' 0 from_stdin --json -
json_form

# several: malformed before false before undecided
head -c 40 "$good" >"$work/malformed.label"
row 'good and good' 0 "$good" "$good"
row 'good and missing' 3 "$good" "$work/none.label"
row 'good, missing and refused' 1 "$good" "$work/none.label" "$refused"
row 'all kinds' 4 "$good" "$work/malformed.label" "$work/none.label" "$refused"
json '[.files[].exit] == [0, 4, 3, 1] and [.files[].verdict] == ["pass", "fail", "undecided", "fail"]'
json '.files[3].reasons | index("E_LBL_NOT_AFFIRMING") != null'

# trust.yaml
cp -r "$d/trust" "$work/rules"
trust=$work/rules
rule() { printf '%s\n' "$1" >"$work/rules/trust.yaml"; }
rule 'log: required'
row 'log: required' 0 "$good"
rm "$trust/log.vkey"
row 'log: required, and the key of its log is not here' 1 "$good"
says E_TL_RECEIPT
rule 'log: optional'
row 'log: optional' 0 "$good"
json '.not_checked | index("log") != null'
# the key of a log says that labels are logged; a witness alone does not
printf '%s\n' 'witness.example/w1+04d2d833+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM' >"$trust/w.vkey"
rm "$trust/trust.yaml"
row 'the key of a witness' 0 "$good"
printf '%s\n' 'log.example/gateways+d60e1bef+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea' >"$trust/l.vkey"
row 'the key of a log, and no receipt of it' 1 "$good"
json '.reasons | any(.code == "E_TL_RECEIPT")'
rule 'log: optional'
row 'the key of a log, and trust.yaml knows better' 0 "$good"
rm "$trust/l.vkey" "$trust/w.vkey"
rule 'status-list: required'
row 'status-list: required, none given' 3 "$good"
says E_SL_NONE
rule 'status-list: optional'
row 'status-list: optional' 0 "$good"
row 'no status list at all' 4 --status README.md "$good"
fails_early 'a status list that is not there' 3 --status "$work/none" "$good"
rule 'file-key: forbidden'
row 'file-key: forbidden' 1 "$good"
says E_LBL_FILE_KEY_REFUSED
rule 'file-key: allowed'
row 'file-key: allowed' 0 "$good"
for wrong in 'log: perhaps' 'log' 'logs: required' 'file-key: true' 'log: [required' 'status-list: yes' 'max-age: 5' 'max-age: 0s' 'log: required
log: optional'; do
    rule "$wrong"
    fails_early "trust.yaml \"$wrong\"" 2 "$good"
    json "[.reasons[] | select(.detail | test(\"trust.yaml:[0-9]+:[0-9]+\"))] | length > 0"
done
trust=$d/trust

# No system call of the network, with or without a namespace. LeakSanitizer cannot run under strace.
if ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=network -o "$work/strace" "$ctl" version >/dev/null 2>&1; then
    for label in "$good" "$refused" "$work/cut.label" "$work/none.label"; do
        ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=network -o "$work/strace" \
            "$ctl" --trust "$d/trust" label verify "$label" >/dev/null 2>&1 || true
        rows=$((rows + 1))
        name="strace of $(basename "$label")"
        if grep -E 'socket|connect|send|recv|bind' "$work/strace"; then complain "a system call of the network"; fi
    done
else
    echo 'strace cannot run here: the system calls were not looked at'
fi

# Random single bits: never 0, never undecided.
seed=$(date +%s)
[ -z "${SEED:-}" ] || seed=$SEED
echo "bit flips with SEED=$seed"
awk -v seed="$seed" -v bits=$((size * 8)) 'BEGIN { srand(seed); for (i = 0; i < 200; i++) print int(rand() * bits) }' >"$work/flips"
cp "$good" "$work/flip.label"
chmod u+w "$work/flip.label"
put() { # put BYTE OFFSET
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %o "$1")" | dd of="$work/flip.label" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
while read -r bit; do
    off=$((bit / 8))
    byte=$(od -An -tu1 -j $off -N1 "$good" | tr -d ' ')
    put $((byte ^ (1 << (bit % 8)))) $off
    rows=$((rows + 1)) name="bit $bit flipped"
    code=0
    verify -q "$work/flip.label" >/dev/null 2>&1 || code=$?
    case $code in 1 | 4) ;; *) complain "exit $code" ;; esac
    put "$byte" $off
done <"$work/flips"
cmp -s "$good" "$work/flip.label" || { name=flips; complain 'the copy was not restored'; }

# A warning is a warning: only --accept warning takes it, and says so.
sed 's/unlisted: fail/unlisted: warn/' policies/gateway-base.yaml >"$work/warn.yaml"
service_start "$work/warn.yaml"
echo 'new = 1' >"$work/measured/extra.conf"
attest "$work/warning.label"
trust=$work/trust
row 'a warning' 1 "$work/warning.label"
says E_LBL_NOT_AFFIRMING
row 'a warning, accepted' 0 --accept warning "$work/warning.label"
json '.label.status == "warning" and ([.reasons[].code] | index("E_LBL_NOT_AFFIRMING") != null)'
check 'a warning, in words' 0 verify --accept warning "$work/warning.label"
says 'WITH A WARNING'
says_not 'affirming.'
finish
