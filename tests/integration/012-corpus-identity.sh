#!/bin/sh
# Every file of the corpus folders ek-certs/ and tpm/: its answer must be the one that MANIFEST.tsv gives. One
# line a file; a file that no row here knows is a failure.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/corpus.sh
. tests/integration/corpus.sh
needs jq

# The anchors: what makers publish, read in place.
makers=$work/makers none=$work/none
mkdir "$makers" "$none"
for f in tpm-root-cas.pem tpm-intermediate-cas.pem gce-gcp_ek_ak_ca_root.crt gce-gcp_ek_ak_ca_intermediate_v3.crt \
    gce-tpm_ek_root_1.cer gce-tpm_ek_intermediate_2.crt gce-tpm_ek_intermediate_3.crt; do
    ln -s "$CORPUS/ek-certs/$f" "$makers/$f"
done
show() { # show CODE FILE OPTION...
    want=$1 file=$2
    shift 2
    check "$file" "$want" "$ctl" --json --trust "$makers" trust show "$@" "$CORPUS/$file"
}

# bundle FILE COUNT WORDS: that many certificates, and the list of known makers has each of them
bundle() {
    before=$bad
    mkdir "$work/one"
    ln -s "$CORPUS/$1" "$work/one/bundle.pem"
    check "$1" 0 "$ctl" --json --trust "$work/one" trust list
    json ".anchors | length == $2"
    jq -r '.anchors[].sha256' "$work/out" >"$work/prints"
    if [ "$4" = known ]; then
        while read -r print; do
            grep -q "sha256: $print," certs/vendors.yaml || complain "$print is not in certs/vendors.yaml"
        done <"$work/prints"
    fi
    rm -r "$work/one"
    row "$1" "$before" "$3"
}
bundle ek-certs/tpm-root-cas.pem 26 '26 roots, each in the list of known makers' known
bundle ek-certs/tpm-intermediate-cas.pem 143 '143 intermediates, each in the list of known makers' known
# the roots of a test authority are nobody's in the list
bundle ek-certs/keylime-iak_idevid_chain.pem "$(grep -c 'BEGIN CERT' "$CORPUS/ek-certs/keylime-iak_idevid_chain.pem")" \
    'IAK and IDevID chain of a test authority' other

# authority FILE KIND: one certificate of a known maker
authority() {
    before=$bad
    show 0 "$1"
    json ".certificates[0].ca and .certificates[0].known_maker.kind == \"$2\" and .certificates[0].known_maker.maker == \"GOOG\""
    row "$1" "$before" "$2 of a known maker"
}
authority ek-certs/gce-gcp_ek_ak_ca_root.crt root
authority ek-certs/gce-gcp_ek_ak_ca_intermediate_v3.crt intermediate
authority ek-certs/gce-tpm_ek_root_1.cer root
authority ek-certs/gce-tpm_ek_intermediate_2.crt intermediate
authority ek-certs/gce-tpm_ek_intermediate_3.crt intermediate

# leaf FILE TIME CODE FILTER WORDS: judged as an endorsement key certificate at that time. With no anchor none passes.
leaf() {
    before=$bad
    show "$3" "$1" --ek --at "$2"
    json "$4"
    check "$1 without anchors" 1 "$ctl" --json --trust "$none" trust show --ek --at "$2" "$CORPUS/$1"
    json '[.checks[] | select(.id == "ek.chain")][0].status == "fail"'
    row "$1" "$before" "$5"
}
mkdir "$none/lists"
no_lists() { "$ctl" --json --trust "$makers" trust show --ek --at 2026-01-01T00:00:00Z --crls "$none/lists" "$CORPUS/ek-certs/gce-uca_tpm_rsa_enc_cert.pem"; }
check 'a chain that no revocation list speaks of is undecided' 3 no_lists
json '[.checks[] | select(.id == "ek.chain" or .id == "ek.revocation").status] == ["pass", "not-run"]'
good='([.checks[] | select(.id == "ek.chain")][0].status == "pass")'
bad_by() { printf '([.checks[] | select(.id == "ek.chain")][0].status == "fail") and ([.reasons[] | select(.path == "%s")] | length == 1)' "$1"; }

show 1 ek-certs/hirs-nuc-1-tpmcert.pem --ek --at 2026-01-01T00:00:00Z
json "$(bad_by certificate.expired)"
leaf ek-certs/hirs-nuc-1-tpmcert.pem 2017-07-14T00:00:00Z 0 \
    "$good and .workarounds == [\"rsaes-oaep\"] and .tpm.manufacturer == \"STM\"" 'chain verifies; expired 2024-02-22; rsaesOaep key'
leaf ek-certs/hirs-nuc-1-ek_cert_untouched.cer 2017-07-14T00:00:00Z 0 \
    "$good and .workarounds == [\"tcg-header\", \"rsaes-oaep\"] and .tpm.manufacturer == \"STM\"" '7 bytes of header cut, chain verifies'
leaf ek-certs/keylime-nuvoton-2111-ek.der 2026-01-01T00:00:00Z 0 \
    "$good and .tpm.manufacturer == \"NTC\" and .tpm.model == \"NPCT75x\"" 'chain verifies; critical SAN handled'
leaf ek-certs/gce-uca_tpm_rsa_enc_cert.pem 2026-01-01T00:00:00Z 0 "$good" 'chain verifies'
# these lead to an anchor too, but they are not certificates of endorsement keys
leaf ek-certs/gce-uca_tpm_rsa_sign_cert.pem 2026-01-01T00:00:00Z 1 "$(bad_by certificate.usage)" 'signs: no endorsement key; path found'
leaf ek-certs/gce-pca_tpm_rsa_enc_cert.pem 2026-01-01T00:00:00Z 1 "$(bad_by certificate.use)" 'does not say that it is one; path found'
leaf ek-certs/gce-pca_tpm_rsa_sign_cert.pem 2026-01-01T00:00:00Z 1 "$(bad_by certificate.use)" 'signs: no endorsement key; path found'

# refused FILE WORDS: neither certificate nor public area
refused() {
    before=$bad
    show 4 "$1"
    json '.reasons[0].code == "E_FMT_CERT"'
    show 4 "$1" --ek
    row "$1" "$before" "$2"
}
refused ek-certs/verify.tsv 'a table, no certificate: refused'

# public FILE KIND FILTER WORDS
public() {
    before=$bad
    show 0 "$1"
    json ".public.kind == \"$2\" and $3"
    row "$1" "$before" "$4"
}
name=$(od -An -v -tx1 "$CORPUS/tpm/keylime-ak.name" | tr -d ' \n')
public tpm/keylime-ak.pub other ".public.name == \"$name\"" 'name as in keylime-ak.name'
public tpm/keylime-ek.pub endorsement-key '.public.attributes == "0x000300b2"' 'EK of the default template'
public tpm/tpm2tools-ek-template-default.bin endorsement-key \
    '.public.attributes == "0x000300b2" and (.public.policy | startswith("837197") and endswith("69aa"))' 'attributes and policy of L-1'
refused tpm/keylime-ak.name 'a name, no key: refused; equal to the one computed above'
refused tpm/keylime-mkcred.out "a tool's container: refused"
refused tpm/keylime-actcred.out 'a secret: refused'
refused tpm/keylime-nv.data 'other NV data: refused'
refused tpm/goattest-windows-gcp-ak-CreateData.bin 'creation data: refused as a key'

# The creation attestation is no quote, and nothing behind its type is judged; that its signature is the key's is the
# answer of the unit test, which asks the same functions.
before=$bad
check 'creation attestation' 1 "$ctl" --json evidence appraise --ak "$CORPUS/tpm/goattest-windows-gcp-ak-Public.bin" \
    --quote "$CORPUS/tpm/goattest-windows-gcp-ak-CreateAttestation.bin" \
    --signature "$CORPUS/tpm/goattest-windows-gcp-ak-CreateSignature.bin"
json '[.checks[] | select(.id == "quote.type")][0].status == "fail"'
json '.reasons[0].code == "E_Q_TYPE"'
row tpm/goattest-windows-gcp-ak-CreateAttestation.bin "$before" 'no quote: refused by its type'
before=$bad
check 'signature of the creation' 0 "$BUILD/unit/test_ident_corpus"
row tpm/goattest-windows-gcp-ak-CreateSignature.bin "$before" 'verifies with the key; no changed bit does'
public tpm/goattest-windows-gcp-ak-Public.bin other '.public.attributes == "0x00050472"' 'the key of that attestation'

every_file ek-certs tpm
finish
