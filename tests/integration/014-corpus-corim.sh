#!/bin/sh
# Every CoRIM, CoMID and CoSWID of the corpus through `attestctl refvals import`, row by row: what decodes, what is
# refused, which PCR values come out, whose signature holds.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/corpus.sh
. tests/integration/corpus.sh
needs jq
dir=$CORPUS/corim
key=$dir/veraison-ec-p256.jwk
out=$work/out.refvals

# FILE CODE VALUES OTHERS SIGNED: 0 has values for a TPM gateway, 3 decodes and has none, 4 is refused
while read -r file code_ values others signed; do
    rm -f "$out"
    before=$bad file_=corim/$file
    set -- --key "$key"
    if [ "$code_" -ne 4 ] && [ "$signed" -eq 0 ]; then # whoever gives a key is not given what nobody signed
        check "$file with a key" 1 "$ctl" --json refvals import "$dir/$file" "$@" --output "$out"
        json '.reasons[0].code == "E_REF_SIGNATURE"'
        set --
    fi
    check "$file" "$code_" "$ctl" --json refvals import "$dir/$file" "$@" --output "$out"
    json_form
    if [ "$code_" -ne 4 ]; then
        json ".values == $values and .others == $others and .signed == $signed"
    else
        json '.reasons[0].code == "E_FMT_CORIM"'
    fi
    [ "$code_" -eq 0 ] || [ ! -e "$out" ] || complain 'a file was written'
    case $code_ in
    0) words="decodes; $values PCR values, $others others" ;;
    3) words="decodes; nothing for a TPM gateway among $others" ;;
    *) words='against its profile: refused' ;;
    esac
    [ "${signed:-0}" -eq 0 ] || words="signature verifies; $words"
    row "$file_" "$before" "$words"
    of "${file_%.cbor}.diag" 'the same in diagnostic notation'
done <<END
hirs-corim_expected_with_comid.cbor 3 0 2 0
hirs-coswid_rim_1.coswid 3 0 1 0
services-corim-cca-realm-valid.cbor 3 0 6 0
services-corim-enacttrust-valid.cbor 3 0 2 0
services-corim-parsec-tpm-bad-no-digests.cbor 4
services-corim-parsec-tpm-bad-no-pcr.cbor 4
services-corim-parsec-tpm-valid.cbor 0 3 4 0
services-corim-psa-p2-refvalue.cbor 3 0 3 0
services-corim-psa-trustanchor.cbor 3 0 1 0
services-corim-tpm-enacttrust-refvalue.cbor 3 0 1 0
veraison-comid-comid-1.cbor 3 0 1 0
veraison-comid-comid-2.cbor 3 0 1 0
veraison-comid-comid-3.cbor 3 0 5 0
veraison-comid-comid-5.cbor 3 0 1 0
veraison-comid-comid-7.cbor 3 0 2 0
veraison-comid-comid-cond-endorse-series.cbor 3 0 1 0
veraison-comid-comid-domain-dep.cbor 3 0 1 0
veraison-comid-comid-firmware-cd.cbor 3 0 2 0
veraison-comid-comid-integrity-registers.cbor 0 1 3 0
veraison-comid-comid-raw-value.cbor 3 0 3 0
veraison-corim-corim-1.cbor 3 0 1 0
veraison-corim-corim-design-cd.cbor 3 0 4 0
veraison-corim-corim-roles.cbor 3 0 1 0
veraison-corim-signed-example-corim.cbor 3 0 3 1
veraison-corim-signed-good-corim.cbor 3 0 3 1
veraison-corim-unsigned-corim-with-extensions.cbor 3 0 3 0
veraison-corim-unsigned-good-corim.cbor 3 0 3 0
veraison-profile-cca-cca-platform-valid.cbor 3 0 2 0
veraison-profile-psa-psa-valid.cbor 3 0 1 0
veraison-profile-tdx-comid_qe_refval.cbor 3 0 1 0
END
# the values themselves, as the templates beside the files have them
before=$bad
check 'Parsec: per-PCR form' 0 "$ctl" -q refvals import "$dir/services-corim-parsec-tpm-valid.cbor" --output "$out"
for pcr in 0 1 2; do
    check "PCR $pcr" 0 "$ctl" --json refvals show "$out" --name "pcr/sha256/$pcr"
    want_=$(jq -r ".triples[\"reference-values\"][0].measurements[$pcr].value.digests[0][1]" "$dir/services-parsec-tpm-comid-parsec-tpm-refval.json")
    json ".expected == [\"$(printf '%s=' "$want_" | tr '_-' '/+' | base64 -d | od -An -v -tx1 | tr -d ' \n')\"]"
done
row corim/services-parsec-tpm-comid-parsec-tpm-refval.json "$before" 'its PCRs 0 to 2 are those of services-corim-parsec-tpm-valid.cbor'
for f in services-parsec-tpm-comid-parsec-tpm-ta services-parsec-tpm-corim-parsec-tpm services-tpm-enacttrust-comid-enacttrust-refval \
    services-tpm-enacttrust-comid-enacttrust-ta services-tpm-enacttrust-corim-enacttrust; do
    before=$bad
    check "$f" 4 "$ctl" --json refvals import "$dir/$f.json" --output "$out"
    row "corim/$f.json" "$before" 'a template, no CoRIM and no allow-list: refused'
done
check 'register form' 0 "$ctl" -q refvals import "$dir/veraison-comid-comid-integrity-registers.cbor" --output "$out"
check 'register 0' 0 "$ctl" --json refvals show "$out" --name pcr/sha256/0
json '.expected == ["44aa336af4cb14a879432e53dd6571c7fa9bccafb75f488259262d6ea3a4d91b"]'

# signatures
signed=$dir/veraison-corim-signed-good-corim.cbor
check 'signed, no key' 3 "$ctl" --json refvals import "$signed" --output "$out"
json '.reasons[0].code == "E_REF_SIGNER"'
openssl ecparam -name prime256v1 -genkey -noout -out "$work/k.pem" 2>/dev/null
openssl ec -in "$work/k.pem" -pubout -out "$work/k.pub" 2>/dev/null
chmod 600 "$work/k.pem"
check 'signed, another key' 1 "$ctl" --json refvals import "$signed" --key "$work/k.pub" --output "$out"
json_form
json '.reasons[0].code == "E_REF_SIGNATURE"'
size=$(stat -c %s "$signed")
for back in 1 40 100 200 300 400; do # one bit of signature, payload, header
    off=$((size - back))
    cp "$signed" "$work/flipped" && chmod u+w "$work/flipped"
    byte=$(od -An -tu1 -j "$off" -N1 "$signed" | tr -d ' ')
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %o $((byte ^ 1)))" | dd of="$work/flipped" bs=1 seek="$off" conv=notrunc 2>/dev/null
    code=0
    "$ctl" --json refvals import "$work/flipped" --key "$key" --output "$out" >"$work/out" 2>"$work/err" || code=$?
    name="a bit at $off" rows=$((rows + 1))
    [ "$code" -eq 1 ] || [ "$code" -eq 4 ] || complain "exit $code"
done
for f in "$dir"/*.cbor; do # cut anywhere: refused, never half taken
    for part in 1 2 3; do
        head -c $(($(stat -c %s "$f") * part / 4)) "$f" >"$work/cut"
        check "$(basename "$f") cut" 4 "$ctl" -q refvals import "$work/cut" --key "$key" --output "$out"
    done
done
check 'no CoRIM at all' 4 "$ctl" --json refvals import "$dir/veraison-ec-p256.jwk" --output "$out"
json_form
of corim/veraison-ec-p256.jwk 'the key of the signed ones above'
for f in rootCA intermediateCA endEntity; do
    before=$bad f=corim/veraison-x5chain-$f.der
    check "$f as a CoRIM" 4 "$ctl" -q refvals import "$CORPUS/$f" --output "$out"
    check "$f" 0 "$ctl" --json trust show "$CORPUS/$f"
    json '.certificates | length == 1'
    row "$f" "$before" 'a certificate: no CoRIM'
done
every_file corim

count() { "$ctl" --json refvals show "$1" | jq .count; }

# what we write, we read: the same values, unsigned and signed
mkdir -p "$work/image/etc" && echo x >"$work/image/etc/x" && ln -s x "$work/image/etc/l"
printf '{"sha256":{"0":"%064d","7":"%064d"}}' 1 2 >"$work/a.json"
printf '{"sha256":{"7":"%064d"}}' 3 >"$work/b.json"
set -- --root "$work/image" --pcrs "$work/a.json" --pcrs "$work/b.json"
check 'made' 0 "$ctl" -q refvals make "$@" --output "$work/made.refvals"
check 'written' 0 "$ctl" --json refvals export --form corim --id gw-1 "$@" --output "$work/w.corim"
json_form
json ".values == $(count "$work/made.refvals")"
check 'and read' 0 "$ctl" -q refvals import "$work/w.corim" --output "$out"
cmp -s "$out" "$work/made.refvals" || complain 'other values'
check 'written, signed' 0 "$ctl" -q refvals export --form corim --key "$work/k.pem" --insecure-file-key "$@" --output "$work/s.corim"
check 'a file key must be asked for' 7 "$ctl" -q refvals export --form corim --key "$work/k.pem" "$@" --output "$work/no.corim"
check 'and read, verified' 0 "$ctl" --json refvals import "$work/s.corim" --key "$work/k.pub" --output "$out"
json '.signed == 1'
cmp -s "$out" "$work/made.refvals" || complain 'other values'
check 'not with another key' 1 "$ctl" -q refvals import "$work/s.corim" --key "$key" --output "$out"

# the form that has PCRs alone, each under its index: what others with that profile write and read
"$ctl" -q refvals make --pcrs "$work/a.json" --pcrs "$work/b.json" --output "$work/pcrs.refvals"
check 'PCRs written' 0 "$ctl" --json refvals export --form corim-pcrs --id gw-1 "$@" --output "$work/p.corim"
json_form
json ".values == 3 and .values + .others == $(count "$work/made.refvals")"
grep -q 'tag:github.com/parallaxsecond,2023-03-03:tpm' "$work/p.corim" || complain 'not its profile'
check 'and read' 0 "$ctl" --json refvals import "$work/p.corim" --output "$out"
json '.values == 3 and .others == 0'
cmp -s "$out" "$work/pcrs.refvals" || complain 'other values'
check 'PCRs written, signed' 0 "$ctl" -q refvals export --form corim-pcrs --key "$work/k.pem" --insecure-file-key "$@" --output "$work/ps.corim"
check 'and read, verified' 0 "$ctl" -q refvals import "$work/ps.corim" --key "$work/k.pub" --output "$out"
cmp -s "$out" "$work/pcrs.refvals" || complain 'other values'
check 'no PCR to write' 3 "$ctl" --json refvals export --form corim-pcrs --root "$work/image" --output "$work/none.corim"
json '.reasons[0].code == "E_REF_OTHERS"'
[ ! -e "$work/none.corim" ] || complain 'a file was written'
check 'no such form' 2 "$ctl" -q refvals export --form corim-pcr "$@" --output "$work/none.corim"

# the allow-list JSON: files and buffers there and back, what it cannot hold is counted
check 'allow-list written' 0 "$ctl" --json refvals export --form allowlist "$@" --output "$work/w.json"
json ".values == 1 and .values + .others == $(count "$work/made.refvals")"
jq -e '.meta.version == 1 and .digests["/etc/x"] == ["'"$(sha256sum <"$work/image/etc/x" | cut -c1-64)"'"]' "$work/w.json" >/dev/null ||
    complain 'not the form'
check 'what it cannot hold, in words' 0 "$ctl" refvals export --form allowlist "$@" --output -
says 'left out, which this form has no place for'
cat >"$work/policy.json" <<END
{"meta": {"version": 1, "generator": 3}, "release": 0,
 "digests": {"/bin/a": ["$(printf '%064d' 1)", "$(printf '%040d' 1)"], "/bin/b": ["$(printf '%064d' 2)"]},
 "excludes": ["/tmp/.*"], "keyrings": {".ima": ["$(printf '%064d' 3)"]},
 "ima": {"ignored_keyrings": [], "log_hash_alg": "sha1", "dm_policy": null},
 "ima-buf": {"kernel_version": ["$(printf '%064d' 4)"]}, "verification-keys": ""}
END
check 'allow-list read' 0 "$ctl" --json refvals import "$work/policy.json" --output "$out"
json '.values == 3 and .others == 3'
check 'its buffer' 0 "$ctl" --json refvals show "$out" --name ima-buf:kernel_version
for bad_ in '{}' '{"digests": []}' '{"digests": {"/a": "00"}}' '{"digests": {"/a": ["0g"]}}' '{"digests": {"/a": [1]}}' '{"digests": {"/a": [""]}}' '{'; do
    echo "$bad_" >"$work/bad.json"
    check "no allow-list: $bad_" 4 "$ctl" --json refvals import "$work/bad.json" --output "$out"
    json_form
done

# several files as one
check 'merge' 0 "$ctl" -q refvals merge "$out" "$work/made.refvals" --output "$work/both.refvals"
check 'merged' 0 "$ctl" --json refvals show "$work/both.refvals"
json ".count == $(count "$out") + $(count "$work/made.refvals")" # no name stands in both
check 'merged twice is the same' 0 "$ctl" -q refvals merge "$work/both.refvals" "$out" --output "$work/again.refvals"
cmp -s "$work/both.refvals" "$work/again.refvals" || complain 'other bytes'
head -c 60 "$out" >"$work/cut"
check 'a damaged one' 4 "$ctl" --json refvals merge "$out" "$work/cut" --output "$work/no.refvals"
json_form
finish
