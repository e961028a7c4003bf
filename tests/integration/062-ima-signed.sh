#!/bin/sh
# Files signed with evmctl, as the kernel's list of a TPM has them, judged by the keys of a policy.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs jq openssl evmctl swtpm swtpm_setup tpm2_quote
name=setup

# ---- a TPM, and a key of it ----
scripts/swtpm-make "$work/tpm" >"$work/swtpm-make.log" 2>&1
swtpm socket --tpm2 --tpmstate "dir=$work/tpm/state" --server "type=unixio,path=$work/tpm/tpm" \
    --ctrl "type=unixio,path=$work/tpm/tpm.ctrl" --flags not-need-init >"$work/swtpm.log" 2>&1 &
pids="$pids $!"
for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ -S "$work/tpm/tpm" ] && break
    sleep 0.3
done
export TPM2TOOLS_TCTI="swtpm:path=$work/tpm/tpm"
tpm() {
    "$@" >>"$work/tpm.log" 2>&1 || {
        echo "$1 fails: $(tail -n 3 "$work/tpm.log")"
        exit 1
    }
}
tpm tpm2_startup -c
tpm tpm2_createprimary -C e -G ecc:ecdsa-sha256:null -c "$work/ak.ctx" \
    -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign'
tpm tpm2_evictcontrol -C o -c "$work/ak.ctx" 0x81000010
tpm tpm2_readpublic -c "$work/ak.ctx" -f pem -o "$work/ak.pem"

# ---- keys, files, signatures ----
mkdir "$work/keys" "$work/files"
cd "$work/keys"
for k in rsa evil; do openssl genrsa -out $k.key 2048 2>/dev/null; done
openssl ecparam -name prime256v1 -genkey -noout -out p256.key
openssl ecparam -name secp384r1 -genkey -noout -out p384.key
openssl ecparam -name prime256v1 -genkey -noout -out skid.key
openssl genrsa -out weak.key 1024 2>/dev/null
openssl genpkey -algorithm ed25519 -out ed.key
for k in *.key; do openssl pkey -in "$k" -pubout -out "${k%.key}.pem"; done
# an authority may make the key id from what it likes: the kernel goes by the certificate
openssl req -new -x509 -key skid.key -subj '/CN=file signer' -addext subjectKeyIdentifier=0011223344556677 \
    -outform DER -out skid.x509 2>/dev/null
cd "$OLDPWD"

# sign FILE KEY HASH [OPTION...]: FILE.sig
sign() {
    file=$1 key=$2 hash=$3
    shift 3
    evmctl ima_sign -a "$hash" -f --key "$work/keys/$key.key" "$@" "$file" >>"$work/evmctl.log" 2>&1
}
# sign3 FILE KEY TYPE: version 3, over type, SHA-256 and digest; evmctl 1.4 makes none. The key id is that of version 2.
sign3() {
    sign "$1" "$2" sha256
    id=$(hex <"$1.sig" | cut -c7-14)
    { printf '%s04' "$3"; digest sha256 "$1"; } | unhex | openssl dgst -sha256 -binary >"$work/id"
    openssl pkeyutl -sign -inkey "$work/keys/$2.key" -in "$work/id" -pkeyopt digest:sha256 -out "$work/raw"
    { printf '%s0304%s%04x' "$3" "$id" "$(wc -c <"$work/raw")"; hex <"$work/raw"; } | unhex >"$1.sig"
}
hex() { od -An -v -tx1 | tr -d ' \n'; }
unhex() { tr a-f A-F | basenc --base16 -d; }
digest() { openssl dgst -"$1" -r "$2" | cut -d' ' -f1; }
le32() { printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/'; }
text() { printf '%s' "$1" | hex; }
field() { le32 $((${#1} / 2)) && printf %s "$1"; }

# ---- the kernel's list ----
# start TEMPLATE: an empty list, and PCR 10 as after a reset
start() {
    template=$1
    : >"$work/ima"
    tpm tpm2_shutdown -c
    swtpm_ioctl --unix "$work/tpm/tpm.ctrl" -i
    tpm tpm2_startup -c
    case $template in *v2) kind=ima:sha256 ;; *) kind=sha256 ;; esac
    measure boot_aggregate $kind "$(printf '%064d' 1)" ''
}
# measure PATH ALGORITHM DIGEST SIGNATURE, the last two in hexadecimal digits
measure() {
    data=$(field "$(text "$2:")00$3")$(field "$(text "$1")00")
    [ "$template" = ima-ng ] || data=$data$(field "$4")
    {
        le32 10
        printf %s "$data" | unhex | openssl dgst -sha1 -binary | hex
        field "$(text "$template")"
        field "$data"
    } | unhex >>"$work/ima"
    tpm tpm2_pcrextend "10:sha256=$(printf %s "$data" | unhex | openssl dgst -sha256 -binary | hex)"
}
# file PATH CONTENT KEY [HASH]: a signed file
file() {
    echo "$2" >"$work/files/f"
    sign "$work/files/f" "$3" "${4:-sha256}"
    measure "$1" "${4:-sha256}" "$(digest "${4:-sha256}" "$work/files/f")" "$(hex <"$work/files/f.sig")"
}
unsigned_file() {
    echo "$2" >"$work/files/f"
    measure "$1" sha256 "$(digest sha256 "$work/files/f")" ''
}
quote() {
    tpm tpm2_quote -c 0x81000010 -l sha256:10 -q 00112233 -m "$work/q" -s "$work/s" -g sha256
}
# appraise NAME CODE [OPTION...]
appraise() {
    quote
    case_=$1 want_=$2
    shift 2
    check "$case_" "$want_" "$ctl" --json evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/ak.pem" \
        --nonce 00112233 --ima "$work/ima" --policy "$work/policy.yaml" "$@"
    json_form
}
# policy UNSIGNED KEY...: every file below /usr, by these key files
policy() {
    how=$1
    shift
    {
        cat <<END
policy: signed
version: 1
requirements:
  - {id: files, title: {en: listed, ja: 参照値}, severity: fail, ima_files: {unlisted: fail}}
  - id: signed
    title: {en: signed, ja: 署名}
    severity: fail
    ima_signed:
      under: [/usr]
      unsigned: $how
      keys:
END
        for key in "$@"; do "$ctl" policy key "$work/keys/$key"; done
    } >"$work/policy.yaml"
}

# ---- keys on their way into a policy ----
check 'policy key' 0 "$ctl" --json policy key "$work/keys/rsa.pem" "$work/keys/skid.x509"
json_form
json '.keys | length == 2'
json '.keys[1].id == "44556677"'
openssl req -new -x509 -key "$work/keys/p384.key" -subj /CN=x -addext subjectKeyIdentifier=hash \
    -out "$work/keys/p384.x509" 2>/dev/null
check 'a certificate and its key' 0 "$ctl" --json policy key "$work/keys/p384.x509" "$work/keys/p384.pem"
json '.keys[0].id == .keys[1].id and .keys[0].key == .keys[1].key'
check 'policy key of what is not there' 3 "$ctl" policy key "$work/keys/none.pem"
check 'policy key of a text' 4 "$ctl" policy key "$0"
check 'policy key, RSA of 1024 bits' 4 "$ctl" policy key "$work/keys/weak.pem"
check 'policy key, Ed25519' 4 "$ctl" policy key "$work/keys/ed.pem"
policy fail rsa.pem p256.pem p384.pem skid.x509
check 'policy check' 0 "$ctl" policy check "$work/policy.yaml"
check 'policy show' 0 "$ctl" policy show "$work/policy.yaml"
says 'signed by one of 4 keys'
check 'policy show --yaml' 0 "$ctl" policy show --yaml "$work/policy.yaml"
cp "$work/out" "$work/again.yaml"
check 'the same policy from its text' 0 "$ctl" policy diff "$work/policy.yaml" "$work/again.yaml"
cp "$work/policy.yaml" "$work/four.yaml"
policy fail rsa.pem p256.pem
check 'fewer keys' 1 "$ctl" --json policy diff "$work/four.yaml" "$work/policy.yaml"
json '.changes[0].effect == "stricter" and (.changes[0].en | contains("gone:"))'
check 'more keys' 1 "$ctl" --json policy diff "$work/policy.yaml" "$work/four.yaml"
json '.changes[0].effect == "looser" and (.changes[0].en | contains("added: "))'

# ---- every kind that is accepted ----
policy fail rsa.pem p256.pem p384.pem skid.x509
start ima-sig
for k in rsa p256 p384; do
    for h in sha256 sha384 sha512; do file "/usr/bin/$k-$h" "$k $h" $k $h; done
done
echo skid >"$work/files/f"
sign "$work/files/f" skid sha256 --keyid-from-cert "$work/keys/skid.x509"
measure /usr/bin/skid sha256 "$(digest sha256 "$work/files/f")" "$(hex <"$work/files/f.sig")"
sign3 "$work/files/f" rsa 03
measure /usr/bin/v3 sha256 "$(digest sha256 "$work/files/f")" "$(hex <"$work/files/f.sig")"
appraise 'RSA, P-256 and P-384, three hashes' 0
json '.signatures == [{"requirement": "signed", "signed": 11, "unsigned": 0, "bad": 0}]'
start ima-sigv2
sign3 "$work/files/f" p256 06
measure /usr/bin/verity verity:sha256 "$(digest sha256 "$work/files/f")" "$(hex <"$work/files/f.sig")"
appraise 'version 3 over fs-verity' 0

# ---- what is not ----
# fails NAME CODE: the only file of /usr is refused for it
fails() {
    appraise "$1" 1
    json "[.reasons[].code] == [\"$2\"]"
    json '[.checks[] | select(.id == "policy.signed")][0].status == "fail"'
    start ima-sig
}
start ima-sig
file /usr/bin/evil evil evil
id=$(hex <"$work/files/f.sig" | cut -c7-14)
quote
check 'another key, in Japanese' 1 "$ctl" --lang ja evidence appraise --quote "$work/q" --signature "$work/s" \
    --ak "$work/ak.pem" --nonce 00112233 --ima "$work/ima" --policy "$work/policy.yaml"
says "/usr/bin/evil: 鍵 $id は方針にありません (sha256 $(digest sha256 "$work/files/f"))"
says 'ファイル: 署名あり 0、署名なし 0、不正な署名 1'
fails 'another key' E_IMA_SIGKEY
jq -e ".reasons[0] | tostring | contains(\"$id\")" "$work/out" >/dev/null || complain 'does not name the key'
unsigned_file /usr/bin/plain plain
fails 'no signature' E_IMA_UNSIGNED
echo flipped >"$work/files/f"
sign "$work/files/f" p256 sha256
sig=$(hex <"$work/files/f.sig")
measure /usr/bin/flip sha256 "$(digest sha256 "$work/files/f" | tr 0-7 1-70)" "$sig"
fails 'another file' E_IMA_SIGBAD
measure /usr/bin/flip sha256 "$(digest sha256 "$work/files/f")" "$(printf %s "$sig" | sed 's/0$/1/;t;s/.$/0/')"
fails 'a changed signature' E_IMA_SIGBAD
measure /usr/bin/other sha512 "$(digest sha512 "$work/files/f")" "$sig"
fails 'a signature over another hash' E_IMA_SIGFORM
sign "$work/files/f" p256 sha1
measure /usr/bin/sha1 sha1 "$(digest sha1 "$work/files/f")" "$(hex <"$work/files/f.sig")"
fails 'SHA-1' E_IMA_SIGFORM
sign3 "$work/files/f" p256 06
measure /usr/bin/verity sha256 "$(digest sha256 "$work/files/f")" "$(hex <"$work/files/f.sig")"
fails 'an fs-verity signature over what is not said to be fs-verity' E_IMA_SIGFORM
file /usr/bin/good good p256
unsigned_file /opt/elsewhere elsewhere
appraise 'a file below no prefix, without a reference value' 3
start ima-ng
unsigned_file /usr/bin/plain plain
appraise 'a list without signatures' 1
json '[.reasons[].code] == ["E_IMA_NOFIELD"]'
check 'and what to do' 1 "$ctl" evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/ak.pem" \
    --nonce 00112233 --ima "$work/ima" --policy "$work/policy.yaml"
says ima_template=ima-sig
says 'files: 0 signed, 1 unsigned, 0 badly signed'

# ---- by signature or reference value ----
policy listed p256.pem
echo listed >"$work/files/listed"
printf '%s  /usr/bin/listed\n' "$(digest sha256 "$work/files/listed")" >"$work/sums"
check 'reference values' 0 "$ctl" refvals make --list "$work/sums" --output "$work/refs"
start ima-sig
unsigned_file /usr/bin/listed listed
file /usr/bin/signed signed p256
appraise 'listed or signed' 0 --refvals "$work/refs"
json '.signatures == [{"requirement": "signed", "signed": 1, "unsigned": 1, "bad": 0}]'
file /usr/bin/evil evil evil
appraise 'neither listed nor signed' 1 --refvals "$work/refs"
json '[.reasons[] | select(.code == "E_REF_UNLISTED")] | length == 1'
finish
