#!/bin/sh
# Trust anchors: a person types the fingerprint; nothing wrong is ever added, and folders are as they should be.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs jq openssl
umask 022

# anchor NAME SUBJECT [OPENSSL-OPTION...]: NAME.pem, and its fingerprint in NAME.fp
anchor() {
    file=$1 subject=$2
    shift 2
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key" -subj "$subject" \
        -out "$work/$file.pem" "$@" 2>/dev/null
    openssl x509 -in "$work/$file.pem" -outform DER -out "$work/$file.der"
    sha256sum <"$work/$file.der" | cut -c1-64 >"$work/$file.fp"
}
anchor one '/CN=Issuer One/O=Example' -days 365
anchor two '/CN=Issuer Two' -days 365
# a certificate of the past needs an authority, which openssl keeps in files
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nserial=%s\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=p\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\nbasicConstraints=critical,CA:true\n' \
    "$work/index" "$work/serial" "$work" >"$work/ca.cnf"
: >"$work/index"
echo 01 >"$work/serial"
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key" -subj '/CN=Expired issuer' -out "$work/csr" 2>/dev/null
openssl ca -batch -selfsign -config "$work/ca.cnf" -in "$work/csr" -keyfile "$work/key" -startdate 20200101000000Z \
    -enddate 20210101000000Z -out "$work/old.pem" -notext >/dev/null 2>&1
openssl x509 -in "$work/old.pem" -outform DER | sha256sum | cut -c1-64 >"$work/old.fp"
one=$(cat "$work/one.fp")
t=$work/t
trust() { "$ctl" --trust "$t" trust "$@"; }
anchors() { find "$t" -name '*.pem' 2>/dev/null | wc -l; }
holds() { [ "$(anchors)" -eq "$1" ] || complain "the folder holds $(anchors) anchors, expected $1"; }

check 'list of a missing folder' 2 trust list
says "$t"
check 'list of a missing folder, --json' 2 trust --json list
json_form
mkdir "$t"
check 'list of an empty folder' 3 trust list
says E_TRUST_NONE
rmdir "$t"

check show 0 trust show "$work/one.pem"
for text in 'NOT VERIFIED' "$one" 'Issuer One' valid; do says "$text"; done
check 'show DER' 0 trust --json show "$work/one.der"
json_form
json ".verified == false and .certificates[0].sha256 == \"$one\" and .certificates[0].ca == true"
check 'show in Japanese' 0 trust --lang ja show "$work/one.pem"
says '未検証'
check 'show what is no certificate' 4 trust show README.md
says E_FMT_CERT
check 'show two in one file' 4 sh -c "cat '$work/one.pem' '$work/two.pem' | '$ctl' trust show -"
check 'show nothing there' 3 trust show "$work/none.pem"
says none.pem
check 'show a private key' 4 trust show "$work/key"

# the fingerprint is never taken from the file, and a wrong one adds nothing
check 'add without a fingerprint' 2 trust add "$work/one.pem" </dev/null
says --fingerprint
says_not "$one"
check 'add without a fingerprint, --json' 2 trust --json add "$work/one.pem" </dev/null
json_form
check 'add with --no-input' 2 trust --no-input add "$work/one.pem"
check 'add with the fingerprint of another' 1 trust add "$work/one.pem" --fingerprint "$(cat "$work/two.fp")"
says E_TRUST_FINGERPRINT
says_not "$one"
check 'the same, --json' 1 trust --json add "$work/one.pem" --fingerprint "$(cat "$work/two.fp")"
json_form
for wrong in '' 12 "${one}00" "$(echo "$one" | cut -c1-63)" "$(echo "$one" | cut -c1-63)g" "sha256:$one" "$(echo "$one" | cut -c1-40)"; do
    check "add with the fingerprint \"$wrong\"" 2 trust add "$work/one.pem" --fingerprint "$wrong"
done
flipped=$(echo "$one" | tr '0-9a-f' '1-9a-f0')
check 'add with every digit wrong' 1 trust add "$work/one.pem" --fingerprint "$flipped"
name='refused additions' && holds 0

# as people write fingerprints
colons=$(echo "$one" | sed 's/../&:/g; s/:$//' | tr a-f A-F)
spaces=$(echo "$one" | sed 's/..../& /g')
check 'add with colons and upper case' 0 trust add "$work/one.pem" --fingerprint "$colons"
says 'Issuer One'
holds 1
check 'add again, with spaces' 0 trust add "$work/one.der" --fingerprint " $spaces"
says already
holds 1
check 'add --json' 0 trust --json add "$work/two.pem" --fingerprint "$(cat "$work/two.fp")"
json_form
holds 2
check 'list two' 0 trust --json list
json_form
json '[.anchors[].subject] | length == 2 and any(contains("Issuer One")) and any(contains("Issuer Two"))'

# keys of logs and witnesses: the examples of docs/formats/log.md
log='log.example/gateways+d60e1bef+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea'
witness='witness.example/w1+04d2d833+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM'
printf '%s\n' "$log" >"$work/log.vkey"
printf '%s' "$witness" >"$work/witness.vkey"
# as the specification makes the id of a key: name, line break, type and key
key_fp() { { printf '%s\n' "${1%%+*}" && printf '%s' "${1#*+*+}" | base64 -d; } | sha256sum | cut -c1-64; }
log_fp=$(key_fp "$log") witness_fp=$(key_fp "$witness")
vkeys() { find "$t" -name '*.vkey' | wc -l; }
check 'show a log key' 0 trust --json show "$work/log.vkey"
json_form
json ".verified == false and .certificates == [] and .keys == [{name: \"log.example/gateways\", type: \"log\", id: \"d60e1bef\", sha256: \"$log_fp\"}]"
check 'show it to people' 0 trust show "$work/log.vkey"
says 'NOT VERIFIED'
check 'add a log key without a fingerprint' 2 trust add "$work/log.vkey" </dev/null
says_not "$log_fp"
check 'add it with the id alone' 2 trust add "$work/log.vkey" --fingerprint d60e1bef
check 'add it with the fingerprint of another' 1 trust --json add "$work/log.vkey" --fingerprint "$witness_fp"
json_form
json '.reasons[0].code == "E_TRUST_FINGERPRINT"'
for wrong in "$log x" "$(echo "$log" | tr 0 1)" "$log$log" '+++' "x$log" "${log%a}" "$log
$witness"; do
    printf '%s\n' "$wrong" >"$work/wrong.vkey"
    check "add the key \"$wrong\"" 4 trust --json add "$work/wrong.vkey" --fingerprint "$log_fp"
    json '.reasons[0].code == "E_FMT_KEY"'
done
name='refused keys'
[ "$(vkeys)" -eq 0 ] || complain 'a key was added'
check 'add a witness' 0 trust --json add "$work/witness.vkey" --fingerprint "$witness_fp"
json_form
json '.keys[0].type == "witness" and .certificates == []'
check 'add a log key' 0 trust add "$work/log.vkey" --fingerprint "$(echo "$log_fp" | sed 's/../&:/g; s/:$//')"
says 'a transparency log'
check 'add it again' 0 trust add "$work/log.vkey" --fingerprint "$log_fp"
says already
[ "$(vkeys)" -eq 2 ] || complain 'the folder does not hold two keys'
[ "$(cat "$t/$log_fp.vkey")" = "$log" ] || complain 'another key was written'
check 'list keys' 0 trust --json list
json_form
json '(.anchors | length) == 2 and ([.keys[].id] | sort) == ["04d2d833", "d60e1bef"]'
printf 'no key\n' >"$t/broken.vkey"
check 'a broken key makes the folder unusable' 3 trust --json list
json_form
json '.reasons[0].code == "E_FMT_KEY" and (.reasons[0].detail | contains("broken.vkey"))'
rm "$t/broken.vkey"
for i_ in 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32; do
    cp "$work/log.vkey" "$t/a$i_.vkey"
    cp "$work/log.vkey" "$t/b$i_.vkey"
done
check 'more keys than are read' 3 trust list
says E_LIM_SIZE
rm "$t"/a*.vkey "$t"/b*.vkey

# typed on a terminal
if command -v script >/dev/null; then
    rm -rf "$t"
    rows=$((rows + 1)) name='typed on a terminal'
    printf '%s\n' "$spaces" | script -qec "'$ctl' --trust '$t' trust add '$work/one.pem'" /dev/null >"$work/out" 2>&1 || complain "exit $?"
    says 'Issuer One'
    holds 1
    rm -rf "$t"
    rows=$((rows + 1)) name='typed wrong on a terminal'
    if printf '%s\n' "$flipped" | script -qec "'$ctl' --trust '$t' trust add '$work/one.pem'" /dev/null >"$work/out" 2>&1; then complain 'accepted'; fi
    says E_TRUST_FINGERPRINT
    holds 0
fi

# an expired anchor still stands for labels of its time, and says that it is expired
check 'add an expired anchor' 0 trust add "$work/old.pem" --fingerprint "$(cat "$work/old.fp")"
says expired
check 'list an expired anchor' 0 trust --json list
json 'any(.anchors[]; .validity == "expired" and .not_after == "2021-01-01T00:00:00Z")'
check 'as of its time' 0 trust --json list --at 2020-06-01T00:00:00Z
json 'any(.anchors[]; .validity == "valid" and .not_after == "2021-01-01T00:00:00Z")'

# folders: above private, the trust folder and its anchors readable by the services that need them
rm -rf "$t"
export XDG_DATA_HOME="$work/user/d"
check 'add to the default folder' 0 "$ctl" trust add "$work/one.pem" --fingerprint "$one"
says "$work/user/d/attestctl/trust"
modes="$(stat -c %a "$work/user/d") $(stat -c %a "$work/user/d/attestctl") $(stat -c %a "$work/user/d/attestctl/trust") $(stat -c %a "$work"/user/d/attestctl/trust/*.pem)"
[ "$modes" = '700 700 755 644' ] || complain "modes of the folders and the anchor: $modes"
check 'list the default folder' 0 "$ctl" trust list
check 'the environment names another' 2 env ATTEST_TRUST_DIR="$work/nowhere" "$ctl" trust list
check 'the option comes first' 0 env ATTEST_TRUST_DIR="$work/nowhere" "$ctl" --trust "$work/user/d/attestctl/trust" trust list
if [ "$(id -u)" -ne 0 ]; then
    mkdir "$work/closed" && chmod 0500 "$work/closed"
    check 'add where one may not write' 7 "$ctl" --trust "$work/closed/t" trust add "$work/one.pem" --fingerprint "$one"
fi
check 'add where there is a file' 3 "$ctl" --trust "$work/one.fp" trust add "$work/one.pem" --fingerprint "$one"

# rules that cannot be read are not rules that are not there
ln -s nowhere "$work/user/d/attestctl/trust/trust.yaml"
check 'trust.yaml that leads nowhere' 2 "$ctl" trust list
rm "$work/user/d/attestctl/trust/trust.yaml"
: >"$work/user/d/attestctl/trust/trust.yaml"
check 'an empty trust.yaml' 2 "$ctl" trust list
rm "$work/user/d/attestctl/trust/trust.yaml"

# the user's configuration: known keys, and nothing silent
mkdir -p "$work/user/config/attestctl"
echo "trust: $work/user/d/attestctl/trust" >"$work/user/config/attestctl/config.yaml"
export XDG_DATA_HOME="$work/user/empty"
check 'the configuration names the folder' 0 "$ctl" trust list
echo 'trst: x' >"$work/user/config/attestctl/config.yaml"
check 'an unknown key' 2 "$ctl" --json trust list
json_form
json '.reasons[0].detail | test("config.yaml:1:1")'
printf 'lang: ja\n' >"$work/c.yaml"
check 'another configuration' 2 "$ctl" --config "$work/c.yaml" trust list
says 'フォルダー'
check 'a configuration that is not there' 2 "$ctl" --config "$work/none.yaml" trust list
rm "$work/user/config/attestctl/config.yaml"

# The list of known makers compares and gives no trust.
check 'show an issuer that no maker is' 0 trust show "$work/one.pem"
says 'not in the list of known makers'
check 'the same, --json' 0 trust --json show "$work/one.pem"
json '.certificates[0].known_maker == null'
check 'add says it too' 0 trust add "$work/two.pem" --fingerprint "$(cat "$work/two.fp")"
says 'not in the list of known makers'
check 'the list has one fingerprint a line, and no two alike' 0 sh -c \
    'grep -o "sha256: [0-9a-f]*" certs/vendors.yaml | sort | uniq -d | grep -c . | grep -qx 0'
# as installed: bin/ and share/attestd/certs/ stand beside each other under any prefix
mkdir -p "$work/usr/bin" "$work/usr/share/attestd/certs"
cp "$ctl" "$work/usr/bin/attestctl"
check 'without the list' 0 "$work/usr/bin/attestctl" trust show "$work/one.pem"
says 'the list of known makers could not be read'
printf 'sources: {test: "here"}\nauthorities:\n  - {maker: TEST, kind: root, name: "Issuer One", sha256: %s, from: "2026-01-01", until: "2027-01-01", source: test}\n' \
    "$one" >"$work/usr/share/attestd/certs/vendors.yaml"
check 'with a list that has it' 0 "$work/usr/bin/attestctl" trust show "$work/one.pem"
says 'known TPM maker root: Issuer One (TEST)'
check 'added, --json' 0 "$work/usr/bin/attestctl" --json --trust "$work/u" trust add "$work/one.pem" --fingerprint "$one"
json '.certificates[0].known_maker == {"maker": "TEST", "kind": "root", "name": "Issuer One"}'
echo 'authorities: [{maker: TEST}]' >"$work/usr/share/attestd/certs/vendors.yaml"
check 'with a list that is damaged' 0 "$work/usr/bin/attestctl" trust show "$work/one.pem"
says 'the list of known makers could not be read'

# An endorsement key's certificate: what openssl says it is, our checks say it is not.
check 'no endorsement key' 1 trust --json show --ek "$work/one.pem"
json_form
json '[.checks[] | select(.id == "ek.chain")][0].status == "fail"'
check 'lists without --ek' 2 trust show --crls "$work" "$work/one.pem"
check 'a folder of lists that is not there' 3 trust show --ek --crls "$work/nowhere" "$work/one.pem"
# what was installed is removed by its fingerprint, keys of logs too, and nothing else
rm -rf "$t"
mkdir "$t"
cp "$work/one.pem" "$t/any-name.pem"
cp "$work/two.der" "$t/two.der"
printf '%s\n' 'log.example/gateways+d60e1bef+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea' >"$t/l.vkey"
printf '%s\n' 'witness.example/w1+04d2d833+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM' >"$t/w.vkey"
check 'keys in the list' 0 trust --json list
json '[.keys[] | [.type, .id]] | sort == [["log", "d60e1bef"], ["witness", "04d2d833"]]'
key=$(jq -r '.keys[] | select(.type == "log").sha256' "$work/out")
check 'keys in words' 0 trust list
for text in "$key" d60e1bef 'a transparency log' 'a witness'; do says "$text"; done
left() { name="what is left: $*"; [ "$(find "$t" -type f | sort | xargs -n1 basename | tr '\n' ' ')" = "$*" ] || complain "$(ls "$t")"; }
check 'remove without a word' 2 trust remove "$one" </dev/null
says --yes
check 'remove what is no fingerprint' 2 trust remove one.pem --yes
check 'remove what is not there' 3 trust remove "$(printf '%064d' 0)" --yes
left 'any-name.pem l.vkey two.der w.vkey '
check 'remove an anchor' 0 trust remove "$(echo "$one" | tr a-f A-F | sed 's/../&:/g; s/:$//')" --yes
says any-name.pem
check 'remove DER' 0 trust --json remove "$(cat "$work/two.fp")" --yes
json_form
json '.type == "anchor"'
check 'remove the key of a log' 0 trust --json remove "$key" --yes
json '.type == "key"'
left 'w.vkey '
finish
