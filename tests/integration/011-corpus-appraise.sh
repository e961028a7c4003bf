#!/bin/sh
# Every quote of the corpus through `attestctl evidence appraise --json`: signature, nonce, PCR digest and
# logs must come out as each manifest row says.
set -eu
: "${BUILD:?}"
if [ ! -d "${CORPUS:-}" ]; then
    echo "no corpus folder here"
    exit 77
fi
ctl=$BUILD/attestctl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0 rows=0
complain() {
    echo "$name: $1"
    bad=1
}
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

for d in "$CORPUS"/quote/*/; do
    name=$(basename "$d")
    want=$d/expected.json
    for ak in "$d"/ak.pem "$d"/ak-candidate-*.pem; do
        [ -f "$ak" ] || continue
        rows=$((rows + 1))
        set -- --quote "$d/quote.attest.bin" --signature "$d/quote.sig.bin" --ak "$ak"
        nonce=$(jq -r .attest.extraData "$want")
        [ -z "$nonce" ] || set -- "$@" --nonce "$nonce"
        [ ! -f "$d/pcrs.json" ] || set -- "$@" --pcrs "$d/pcrs.json"
        [ ! -f "$d/eventlog.bin" ] || set -- "$@" --uefi "$d/eventlog.bin"
        appraise "$@"
        fails=0
        expect quote.signature pass
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
        esac
        if [ -f "$d/pcrs.json" ] && [ -f "$d/eventlog.bin" ]; then
            if [ "$(jq '[.log.match[].bad[]] | length' "$want")" -eq 0 ]; then
                expect log.uefi pass
            else
                expect log.uefi fail
                fails=1
            fi
        fi
        if jq -e '[.checks[] | select(.status == "fail")] | length > 0' "$work/out.json" >/dev/null; then
            [ "$code" -eq 1 ] || complain "a check failed and the exit code is $code"
        else
            [ "$fails" -eq 0 ] || complain "a failure was expected"
            [ "$code" -eq 3 ] || complain "without a policy the exit code is 3, found $code"
        fi
        [ "$(jq -r .sigHash "$want")" != sha1 ] ||
            jq -e '[.reasons[].code] | index("E_Q_WEAKHASH")' "$work/out.json" >/dev/null ||
            complain "SHA-1 passes without E_Q_WEAKHASH"
        # one bit of the signature, another nonce: both must be seen
        flip "$d/quote.sig.bin" 1
        appraise --quote "$d/quote.attest.bin" --signature "$work/flipped" --ak "$ak"
        [ "$code" -eq 1 ] || complain "a flipped signature bit gives exit $code"
        appraise --quote "$d/quote.attest.bin" --signature "$d/quote.sig.bin" --ak "$ak" --nonce 00
        [ "$code" -eq 1 ] || complain "another nonce gives exit $code"
        expect quote.nonce fail
    done
    # the TPM's own form of the key says the same as PEM
    if [ -f "$d/ak.tpmt_public.bin" ] && [ -f "$d/ak.pem" ]; then
        rows=$((rows + 1))
        appraise --quote "$d/quote.attest.bin" --signature "$d/quote.sig.bin" --ak "$d/ak.tpmt_public.bin"
        expect quote.signature pass
    fi
done

for boot in A B F; do
    d=$CORPUS/gateway-vm/$boot
    for kind in quote:ak rquote:rak; do
        name=gateway-vm/$boot/${kind%%:*}
        rows=$((rows + 1))
        for pcrs in with without; do
            set -- --quote "$d/${kind%%:*}.msg" --signature "$d/${kind%%:*}.sig" --ak "$d/${kind##*:}.pub" \
                --nonce 0011223344556677889900aabbccddee --uefi "$d/bios.bin" --ima "$d/ima.bin"
            [ $pcrs = without ] || set -- "$@" --pcrs "$d/pcrs.yaml"
            appraise "$@"
            [ "$code" -eq 3 ] || complain "$pcrs PCR values: exit $code: $(cat "$work/err")"
            for id in quote.format quote.magic quote.type quote.signature quote.nonce log.uefi log.ima; do
                expect $id pass
            done
            [ $pcrs = without ] || expect quote.pcr-digest pass
        done
    done
done
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
echo "$rows rows"
exit $bad
