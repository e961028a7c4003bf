#!/bin/sh
# Every file of the corpus folders cose/, scitt/, ear/, eat/, cbor/ and statuslist/: what it is under its own keys and our
# rules, which two test programs say, and what attestctl says when it is taken for a label.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/corpus.sh
. tests/integration/corpus.sh
needs jq basenc openssl

: >"$work/words"
for program in test_cose_corpus test_token_corpus; do
    check "$program" 0 "$BUILD/unit/$program"
    sed -n 's/^row\t//p' "$work/out" >>"$work/words"
done
mkdir "$work/trust"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=nobody -keyout "$work/k" \
    -out "$work/trust/a.pem" 2>/dev/null

# refused NAME FILE EXIT CODE: none of them is a label, and each is refused as what it is
refused() {
    check "$1" "$3" "$ctl" --json --trust "$work/trust" label verify "$2"
    json_form
    json ".reasons[0].code == \"$4\""
}
# the message inside an example: a structure, tag or type that is not a label's (E_FMT_COSE), header keys that do not
# rise (E_FMT_CBOR); valid elsewhere and refused by our profile: "no", and not "malformed"
message() {
    jq -r '.output.cbor | ascii_upcase' "$CORPUS/$1" | basenc -d --base16 >"$work/message"
    case $1 in
    */RFC8152-Appendix_B.json | */RFC8152-Appendix_C_3_[13].json | */countersign-signed-02.json | */countersign-signed1-01.json)
        refused "$1: message" "$work/message" 4 E_FMT_CBOR ;;
    */sign1-tests-sign-pass-01.json) refused "$1: message" "$work/message" 4 E_LBL_ALG ;;
    *) refused "$1: message" "$work/message" 4 E_FMT_COSE ;;
    esac
}

while IFS="$(printf '\t')" read -r file words; do
    before=$bad
    case $file in
    scitt/* | eat/services-psa-evidence.cbor | cbor/libcbor-tagged_date.cbor) refused "$file" "$CORPUS/$file" 4 E_FMT_COSE ;;
    *) refused "$file" "$CORPUS/$file" 4 E_FMT_CBOR ;;
    esac
    case $file in cose/*.json) message "$file" ;; esac
    row "$file" "$before" "$words"
done <<END
$(sort "$work/words")
END
every_file cose scitt ear eat cbor statuslist
finish
