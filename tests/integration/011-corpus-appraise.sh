#!/bin/sh
# Every quote of the corpus folder quote/ through `attestctl evidence appraise --json`: signature, nonce, PCR digest and
# logs must come out as its expectation says. One line a file.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/corpus.sh
. tests/integration/corpus.sh
needs jq openssl
status() { jq -r --arg id "$1" '.checks[] | select(.id == $id) | .status' "$work/out.json"; }
expect() { [ "$(status "$1")" = "$2" ] || complain "$1 is $(status "$1"), expected $2"; }

# appraise FILES...: run, keep the exit code in $code
appraise() {
    code=0
    "$ctl" evidence appraise "$@" --json >"$work/out.json" 2>"$work/err" || code=$?
}

# flip FILE OFFSET-FROM-END: a copy with one bit changed in $work/flipped
flip() {
    size=$(stat -c %s "$1")
    byte=$(od -An -tu1 -j $((size - $2)) -N1 "$1")
    cp "$1" "$work/flipped"
    chmod u+w "$work/flipped"
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %o $((byte ^ 1)))" |
        dd of="$work/flipped" bs=1 seek=$((size - $2)) conv=notrunc 2>/dev/null
}

# A key that is nobody's here, for the quote whose own was not published.
other=$CORPUS/gateway-vm/A/rak.pub

# log_as_expected: the boot log leads to the PCRs of the quote, or to others than these, which are named
log_as_expected() {
    if [ "$(jq '[.log.match[].bad[]] | length' "$want")" -eq 0 ]; then
        expect log.uefi pass
        return 0
    fi
    fails=1
    expect log.uefi fail
    for pcr in $(jq '.log.match[].bad[]' "$want"); do
        jq -e --arg pcr "PCR $pcr " '[.reasons[] | select(.code == "E_LOG_PCR" and (.detail | contains($pcr)))] | length > 0' \
            "$work/out.json" >/dev/null || complain "PCR $pcr is not named"
    done
}
# judged KEY: the quote of folder $d with all that came along
judged() {
    set -- --quote "$d/quote.attest.bin" --signature "$d/quote.sig.bin" --ak "$1"
    nonce=$(jq -r .attest.extraData "$want")
    [ -z "$nonce" ] || set -- "$@" --nonce "$nonce"
    [ ! -f "$d/pcrs.json" ] || set -- "$@" --pcrs "$d/pcrs.json"
    for f in quotepcr.out pcrs.tpm2tools.bin; do [ ! -f "$d/$f" ] || set -- "$@" --pcrs "$d/$f"; done
    [ ! -f "$d/eventlog.bin" ] || set -- "$@" --uefi "$d/eventlog.bin"
    rows=$((rows + 1))
    appraise "$@"
}
# fields_as_expected: signature apart, everything that the expectation tells
fields_as_expected() {
    if [ -n "$nonce" ]; then expect quote.nonce pass; else expect quote.nonce not-run; fi
    if [ "$(jq '[.attest.pcrSelect[][1][]] | length' "$want")" -eq 0 ]; then
        expect quote.selection fail
        fails=1
    else
        expect quote.selection not-run
    fi
    case $(jq -r .pcrDigestMatches "$want") in
    true) expect quote.pcr-digest pass ;;
    false) expect quote.pcr-digest fail && fails=1 ;;
    *) if [ -f "$d/quotepcr.out" ] || [ -f "$d/pcrs.tpm2tools.bin" ]; then expect quote.pcr-digest pass; fi ;;
    esac
    [ ! -f "$d/pcrs.json" ] || [ ! -f "$d/eventlog.bin" ] || log_as_expected
}
# one bit of the signature, another nonce: both must be seen
seen_when_changed() {
    flip "$d/quote.sig.bin" 1
    appraise --quote "$d/quote.attest.bin" --signature "$work/flipped" --ak "$1"
    [ "$code" -eq 1 ] || complain "a flipped signature bit gives exit $code"
    expect quote.signature fail
    appraise --quote "$d/quote.attest.bin" --signature "$d/quote.sig.bin" --ak "$1" --nonce 00
    [ "$code" -eq 1 ] || complain "another nonce gives exit $code"
    expect quote.nonce fail
}
right_key() {
    judged "$1"
    fails=0
    expect quote.signature pass
    fields_as_expected
    if jq -e '[.checks[] | select(.status == "fail")] | length > 0' "$work/out.json" >/dev/null; then
        [ "$code" -eq 1 ] || complain "a check failed and the exit code is $code"
    else
        [ "$fails" -eq 0 ] || complain "a failure was expected"
        [ "$code" -eq 3 ] || complain "without a policy the exit code is 3, found $code"
    fi
    [ "$(jq -r .sigHash "$want")" != sha1 ] ||
        jq -e '[.reasons[].code] | index("E_Q_WEAKHASH")' "$work/out.json" >/dev/null ||
        complain "SHA-1 passes without E_Q_WEAKHASH"
    seen_when_changed "$1"
}
# Nobody published the key: the fields are judged, and the signature of course is not that of another key.
no_key() {
    judged "$other"
    fails=1
    [ "$code" -eq 1 ] || complain "the signature of another key gives exit $code"
    expect quote.signature fail
    fields_as_expected
}
# what the expectation says, in words
words() {
    jq -r '(if .sigVerify == true then "signature verifies" elif .sigVerify == null and .pcrDigestMatches == null and .log == null
        then "key not published: refused" else "signature verifies with both candidates" end) +
        (if .pcrDigestMatches then "; PCR digest matches" else "" end) +
        (if ([.attest.pcrSelect[][1][]] | length) == 0 then "; covers no PCR: refused" else "" end) +
        ([.log.match? // {} | .[].bad[]] | if . == [] then "" else "; log refused at PCR \(.)" end)' "$want"
}

for d in "$CORPUS"/quote/*/; do
    d=${d%/} name=$(basename "$d") before=$bad keys=0
    want=$d/expected.json
    for ak in "$d"/ak.pem "$d"/ak-candidate-*.pem; do
        [ -f "$ak" ] || continue
        keys=$((keys + 1))
        right_key "$ak"
    done
    [ $keys -gt 0 ] || no_key
    row "quote/$name/quote.attest.bin" "$before" "$(words)"
    for f in quote.sig.bin ak.pem ak-candidate-0.pem ak-candidate-1.pem pcrs.json eventlog.bin expected.json quotepcr.out pcrs.tpm2tools.bin; do
        of "quote/$name/$f" 'of that quote'
    done
    # the TPM's own form of the key says the same as PEM
    if [ -f "$d/ak.tpmt_public.bin" ]; then
        rows=$((rows + 1)) before=$bad
        appraise --quote "$d/quote.attest.bin" --signature "$d/quote.sig.bin" --ak "$d/ak.tpmt_public.bin"
        expect quote.signature pass
        want_name=$(awk -F'\t' -v f="quote/$name/ak.tpmt_public.bin" '$1 == f { sub(/^Name = /, "", $9); print $9 }' "$CORPUS/MANIFEST.tsv")
        "$ctl" --json trust show "$d/ak.tpmt_public.bin" >"$work/out.json"
        [ "$(jq -r .public.name "$work/out.json")" = "$want_name" ] || complain "another name than $want_name"
        row "quote/$name/ak.tpmt_public.bin" "$before" 'verifies the same; its name is the one that is told'
    fi
done
# the certificate of one key
f=quote/gotpmtools-gce-cos-85-no-nonce-sha256/ak.cert.der before=$bad name=$f
openssl x509 -inform DER -in "$CORPUS/$f" -noout -pubkey | cmp -s - "$CORPUS/${f%.cert.der}.pem" || complain 'another key than ak.pem'
mkdir "$work/makers"
for ca in gce-gcp_ek_ak_ca_root.crt gce-gcp_ek_ak_ca_intermediate_v3.crt gce-tpm_ek_root_1.cer gce-tpm_ek_intermediate_2.crt gce-tpm_ek_intermediate_3.crt; do
    ln -s "$CORPUS/ek-certs/$ca" "$work/makers/$ca"
done
check "$f" 1 "$ctl" --json --trust "$work/makers" trust show --ek --at 2026-01-01T00:00:00Z "$CORPUS/$f"
json '[.reasons[].path] == ["certificate.usage"]'
mkdir "$work/none"
check "$f without anchors" 1 "$ctl" --json --trust "$work/none" trust show --ek --at 2026-01-01T00:00:00Z "$CORPUS/$f"
json '[.reasons[].path] == ["certificate.other-ca"]'
row "$f" "$before" 'of ak.pem; leads to its maker, and is no endorsement key'

# a list whose PCR the quote does not cover is anybody's, with and without a value for it beside the quote
name=list-beside-the-quote
d=$CORPUS/quote/immune-good-1
ima=$CORPUS/ima/immune-ludmilla-2.ima.bin
"$ctl" evidence replay --ima "$ima" --json >"$work/replay.json"
jq --slurpfile r "$work/replay.json" '.sha256["10"] = $r[0].pcrs.sha256["10"]' "$d/pcrs.json" >"$work/pcrs.json"
cat >"$work/policy.yaml" <<END
policy: corpus
version: 1
requirements:
  - id: A
    title: {en: a, ja: a}
    severity: fail
    pcr_in: {pcr: 0, values: [$(jq -r '.sha256["0"]' "$d/pcrs.json")]}
  - id: B
    title: {en: b, ja: b}
    severity: fail
    ima_violations: fail
END
for values in "$work/pcrs.json" "$d/pcrs.json" none; do
    rows=$((rows + 1))
    set -- --quote "$d/quote.attest.bin" --signature "$d/quote.sig.bin" --ak "$d/ak.pem" --ima "$ima" \
        --nonce "$(jq -r .attest.extraData "$d/expected.json")" --policy "$work/policy.yaml"
    if [ "$values" = none ]; then set -- "$@" --uefi "$d/eventlog.bin"; else set -- "$@" --pcrs "$values"; fi
    appraise "$@"
    [ "$code" -eq 1 ] || complain "exit $code"
    expect log.ima fail
done
every_file quote
finish
