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
finish
