#!/bin/sh
# Raw appraisal and replay: each exit code, each policy rule that raw artefacts can answer, lies in the header, nonces of
# every length. Quotes are built here byte by byte and signed with a key of the test's own.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs jq openssl basenc

openssl genrsa -out "$work/ak.key" 2048 2>/dev/null
openssl rsa -in "$work/ak.key" -pubout -out "$work/ak.pem" 2>/dev/null
openssl genrsa 2048 2>/dev/null | openssl rsa -pubout -out "$work/other.pem" 2>/dev/null
unhex() { tr 'a-f' 'A-F' | basenc -d --base16; }
sha() { unhex | sha256sum | cut -c1-64; }
u16() { printf '%04x' "$1"; }
zeros=$(printf '%064d' 0) ones=$(printf '%064d' 0 | tr 0 1) twos=$(printf '%064d' 0 | tr 0 2)

# TPMS_ATTEST in hex: magic type nonce selection digest (TPM 2.0 Part 2, 10.12.12)
attest() { # MAGIC TYPE NONCE-HEX SELECTION-HEX DIGEST-HEX
    printf '%s%s0022000b%s' "$1" "$2" "$zeros"
    printf '%s%s' "$(u16 $((${#3} / 2)))" "$3"
    printf '000000000000100000000001000000000100000000000000aa'
    printf '%s%s%s' "$4" "$(u16 $((${#5} / 2)))" "$5"
}
sign() { # HASH-NAME TPM-ALG: $work/q signed into $work/s
    { printf '0014%s0100' "$2" && openssl dgst "-$1" -sign "$work/ak.key" "$work/q" | basenc --base16 -w0; } | unhex >"$work/s"
}
# quote NONCE SELECTION DIGEST [MAGIC [TYPE]]
quote() {
    attest "${4:-ff544347}" "${5:-8018}" "$1" "$2" "$3" | unhex >"$work/q"
    sign sha256 000b
}
sel_0_7='00000001000b03810000' # sha256: 0 and 7
digest=$(printf '%s%s' "$zeros" "$ones" | sha)
printf '{"sha256":{"0":"%s","7":"%s"}}' "$zeros" "$ones" >"$work/pcrs.json"
appraise() { "$ctl" --json evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/ak.pem" "$@"; }
is() { json "[.checks[] | select(.id == \"$1\") | .status] == [\"$2\"]"; }
because() { json "[.reasons[].code] | index(\"$1\") != null"; }

quote 00aa "$sel_0_7" "$digest"
check 'a good quote, no policy' 3 appraise --nonce 00aa --pcrs "$work/pcrs.json"
for id in quote.format quote.magic quote.type quote.signature quote.nonce quote.pcr-digest; do is $id pass; done
for id in quote.selection log.uefi log.ima log.own policy; do is $id not-run; done
json '.verdict == "undecided" and [.checks[].id] == ["quote.format","quote.magic","quote.type","quote.signature","quote.nonce","quote.selection","quote.pcr-digest","log.uefi","log.ima","log.own","policy"]'
check 'in words' 3 "$ctl" evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/ak.pem" --nonce 00AA
says UNDECIDED
check 'in Japanese' 3 "$ctl" --lang ja evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/ak.pem"
says '判定不能'
check 'no nonce given' 3 appraise
is quote.nonce not-run

# PCR values
printf 'sha256:\n  0 : 0x%s\n  7 : 0x%s\n' "$zeros" "$ones" | tr 'a-f' 'A-F' | sed 's/SHA/sha/' >"$work/pcrs.yaml"
sed -i 's/.*256:/sha256:/' "$work/pcrs.yaml"
check 'values as tpm2_pcrread prints them' 3 appraise --pcrs "$work/pcrs.yaml"
is quote.pcr-digest pass
printf '{"sha256":{"0":"0x%s","7":"%s","3":"%s","23":"%s"},"sha1":{"0":"%040d"}}' "$zeros" "$ones" "$twos" "$twos" 0 >"$work/surplus.json"
check 'surplus values are ignored' 3 appraise --pcrs "$work/surplus.json"
is quote.pcr-digest pass
printf '{"sha256":{"0":"%s"}}' "$zeros" >"$work/missing.json"
check 'a missing selected value fails' 1 appraise --pcrs "$work/missing.json"
is quote.pcr-digest fail
because E_Q_DIGEST
json_form
printf '{"sha256":{"0":"%s","7":"%s"}}' "$zeros" "$twos" >"$work/wrong.json"
check 'a wrong value fails' 1 appraise --pcrs "$work/wrong.json"
because E_Q_DIGEST
for text in '{"sha256":{"24":"00"}}' '{"sha256":{"0":"00"}}' '{"md5":{}}' '{"sha256":{"0":5}}' '[]' '{"sha256":{"0":"'"$zeros"'","0":"'"$zeros"'"}}' '{'; do
    echo "$text" >"$work/bad.json"
    check "values that are none: $text" 4 appraise --pcrs "$work/bad.json"
    json_form
done

# nonces of every length, any hash the TPM signed with
nonce=''
for len in $(seq 1 64); do
    nonce=$nonce$(printf '%02x' "$len")
    quote "$nonce" "$sel_0_7" "$digest"
    check "a nonce of $len bytes" 3 appraise --nonce "$nonce"
    is quote.nonce pass
done
check 'another nonce' 1 appraise --nonce "${nonce%??}00"
because E_Q_NONCE
is quote.nonce fail
check 'a shorter nonce' 1 appraise --nonce "${nonce%??}"
for bad_nonce in '' 0 zz "${nonce}00" '00 11' 0x00; do
    check "a nonce that is none: \"$bad_nonce\"" 2 appraise --nonce "$bad_nonce"
    json_form
    because E_USAGE
done
quote '' "$sel_0_7" "$digest"
check 'a quote without a nonce' 3 appraise
check 'a quote without a nonce, one expected' 1 appraise --nonce 00
because E_Q_NONCE

# signatures
quote 00aa "$sel_0_7" "$digest"
check 'another key' 1 "$ctl" --json evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/other.pem"
because E_Q_SIG
is quote.signature fail
for alg in sha384:000c sha512:000d; do
    sign "${alg%:*}" "${alg#*:}"
    composite=$(printf '%s%s' "$zeros" "$ones" | unhex | openssl dgst "-${alg%:*}" -r | cut -d' ' -f1)
    attest ff544347 8018 00aa "$sel_0_7" "$composite" | unhex >"$work/q"
    sign "${alg%:*}" "${alg#*:}"
    check "signed with ${alg%:*}" 3 appraise --pcrs "$work/pcrs.json"
    is quote.signature pass
    is quote.pcr-digest pass
done
composite=$(printf '%s%s' "$zeros" "$ones" | unhex | sha1sum | cut -c1-40)
attest ff544347 8018 00aa "$sel_0_7" "$composite" | unhex >"$work/q"
sign sha1 0004
check 'signed with SHA-1, no policy' 3 appraise --pcrs "$work/pcrs.json"
is quote.signature pass
because E_Q_WEAKHASH

# ---- policies ----
policy() { # the head, then the requirements on standard input
    printf 'policy: test\nversion: 1\nbank: %s\nrequirements:\n' "${1:-sha256}"
    cat
}
pcr_in() {
    printf '  - id: %s\n    title: {en: boot state, ja: 起動状態}\n    severity: fail\n    pcr_in: {pcr: %s, values: ["%s", "%s"]}\n' "$1" "$2" "$twos" "$3"
}
pcr_in R-01 7 "$ones" | policy >"$work/p.yaml"
check 'a policy refuses SHA-1' 1 appraise --nonce 00aa --pcrs "$work/pcrs.json" --policy "$work/p.yaml"
is policy fail
because E_Q_WEAKHASH
json_form

quote 00aa "$sel_0_7" "$digest"
check 'a policy that holds' 0 appraise --nonce 00aa --pcrs "$work/pcrs.json" --policy "$work/p.yaml"
json_form
is policy pass
is policy.R-01 pass
is quote.selection pass
check 'a policy that holds, in words' 0 "$ctl" evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/ak.pem" \
    --nonce 00aa --pcrs "$work/pcrs.json" --policy "$work/p.yaml"
says PASS
check 'the same without a nonce proves no time' 3 appraise --pcrs "$work/pcrs.json" --policy "$work/p.yaml"
check 'the same without values' 3 appraise --nonce 00aa --policy "$work/p.yaml"
is policy.R-01 not-run
is policy not-run
check 'wrong values are not believed' 1 appraise --nonce 00aa --pcrs "$work/wrong.json" --policy "$work/p.yaml"
is policy.R-01 not-run
check 'a false signature stays false' 1 "$ctl" --json evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/other.pem" \
    --nonce 00aa --pcrs "$work/pcrs.json" --policy "$work/p.yaml"
pcr_in R-01 7 "$zeros" | policy >"$work/no.yaml"
check 'a value that is not in the list' 1 appraise --nonce 00aa --pcrs "$work/pcrs.json" --policy "$work/no.yaml"
is policy.R-01 fail
is policy fail
because E_POL_REQUIREMENT
pcr_in R-01 8 "$ones" | policy >"$work/no.yaml"
check 'a PCR that is not quoted' 1 appraise --nonce 00aa --pcrs "$work/surplus.json" --policy "$work/no.yaml"
is quote.selection fail
is policy.R-01 fail
because E_Q_PCRSEL
{ pcr_in R-01 7 "$ones" && pcr_in R-02 0 "$ones"; } | policy >"$work/no.yaml"
check 'one of two holds' 1 appraise --nonce 00aa --pcrs "$work/pcrs.json" --policy "$work/no.yaml"
is policy.R-01 pass
is policy.R-02 fail
is policy fail
pcr_in R-01 7 "$ones$(printf '%032d' 0)" | sed "s/$twos/$twos$(printf '%032d' 0)/" | policy sha384 >"$work/bank.yaml"
check 'another bank' 1 appraise --nonce 00aa --pcrs "$work/pcrs.json" --policy "$work/bank.yaml"
is policy fail
because E_Q_BANK
json_form
check 'the base policy, and a quote without the PCR of the own log' 1 appraise --nonce 00aa --pcrs "$work/pcrs.json" --policy policies/gateway-base.yaml
because E_Q_PCRSEL
quote 00aa 00000001000b03002000 "$(printf '%s' "$twos" | sha)"
printf '{"sha256":{"13":"%s"}}' "$twos" >"$work/13.json"
check 'the base policy: identity and items need a verifier' 3 appraise --nonce 00aa --pcrs "$work/13.json" --policy policies/gateway-base.yaml
json_form
is quote.selection pass
for id in policy.R-01 policy.R-02 policy.R-03 policy.R-04 policy; do is $id not-run; done
quote 00aa "$sel_0_7" "$digest"
check 'a policy that is none' 2 appraise --policy README.md
json_form
check 'a policy that is not there' 3 appraise --policy "$work/none.yaml"
"$ctl" -q refvals make --pcrs "$work/pcrs.json" --output "$work/whole.refvals"
{ head -c -1 "$work/whole.refvals" && printf '\377'; } >"$work/damaged.refvals"
check 'damaged reference values' 4 appraise --policy "$work/p.yaml" --refvals "$work/damaged.refvals"
json_form
because E_FMT_REFVALS
check 'reference values that are none' 4 appraise --policy "$work/p.yaml" --refvals README.md
json_form

# ---- the header ----
quote 00aa "$sel_0_7" "$digest" ff544348
check 'a magic that no TPM writes' 1 appraise --nonce 00aa --pcrs "$work/pcrs.json" --policy "$work/p.yaml"
json_form
because E_Q_MAGIC
is quote.magic fail
json '[.checks[] | select(.status == "not-run") | .id] == ["quote.type","quote.signature","quote.nonce","quote.selection","quote.pcr-digest","log.uefi","log.ima","log.own","policy"]'
for type in 8017 8019 801a 0000; do
    quote 00aa "$sel_0_7" "$digest" ff544347 $type
    check "type $type" 1 appraise --nonce 00aa --pcrs "$work/pcrs.json"
    because E_Q_TYPE
    is quote.magic pass
    is quote.type fail
    json '[.checks[] | select(.status == "not-run")] | length == 8'
done
quote 00aa 00000000 "$(printf '' | sha256sum | cut -c1-64)"
check 'a quote over no PCR' 1 appraise
is quote.selection fail
because E_Q_PCRSEL
quote 00aa 00000001000b03000000 "$(printf '' | sha256sum | cut -c1-64)"
check 'a quote over an empty selection' 1 appraise
because E_Q_PCRSEL

# ---- malformed, missing, usage ----
quote 00aa "$sel_0_7" "$digest"
cp "$work/q" "$work/good.q"
cp "$work/s" "$work/good.s"
size=$(stat -c %s "$work/good.q")
for cut in 0 3 4 6 39 $((size - 33)) $((size - 1)); do
    head -c "$cut" "$work/good.q" >"$work/q"
    check "a quote cut to $cut bytes" 4 appraise --nonce 00aa
    json_form
    is quote.format fail
done
{ cat "$work/good.q"; printf '\0'; } >"$work/q"
check 'a byte behind the quote' 4 appraise
cp "$work/good.q" "$work/q"
for cut in 0 2 5 100; do
    head -c "$cut" "$work/good.s" >"$work/s"
    check "a signature cut to $cut bytes" 4 appraise
    is quote.format fail
done
cp "$work/good.s" "$work/s"
head -c 100 "$work/ak.pem" >"$work/cut.pem"
check 'a key that is none' 4 "$ctl" --json evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/cut.pem"
json_form
check 'a quote that is not there' 3 "$ctl" --json evidence appraise --quote "$work/none" --signature "$work/s" --ak "$work/ak.pem"
json_form
json '[.checks[] | select(.status != "not-run")] == []'
check 'a key that is not there' 3 "$ctl" --json evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/none"
check 'values that are not there' 3 appraise --pcrs "$work/none"
check 'a log that is not there' 3 appraise --uefi "$work/none"
check 'a folder for a quote' 3 "$ctl" --json evidence appraise --quote "$work" --signature "$work/s" --ak "$work/ak.pem"
json_form
check 'no quote named' 2 "$ctl" --json evidence appraise --signature "$work/s" --ak "$work/ak.pem"
json_form
check 'no key named' 2 "$ctl" evidence appraise --quote "$work/q" --signature "$work/s"
says --ak
check 'two IMA lists' 2 appraise --ima a --ima-ascii b
check 'a stray argument' 2 appraise stray

# ---- replay ----
check 'replay of nothing' 2 "$ctl" --json evidence replay
json_form
printf '\012\0\0\0binary' >"$work/list"
check 'a binary list as text' 4 "$ctl" evidence replay --ima-ascii "$work/list"
says 'found the binary form: name it with --ima'
check 'replay of two IMA lists' 2 "$ctl" evidence replay --ima a --ima-ascii b
check 'replay of a log that is not there' 3 "$ctl" --json evidence replay --uefi "$work/none"
json_form
for option in --uefi --ima --ima-ascii --own; do
    check "replay of what is no log: $option" 4 "$ctl" --json evidence replay $option README.md
    json_form
    check "appraisal of what is no log: $option" 4 appraise $option README.md
    json_form
    is "log.$(echo "${option#--}" | cut -d- -f1)" fail
done
: >"$work/empty"
# no log is empty: even the kernel's list has its boot_aggregate, so this is what a failed copy leaves
for option in --uefi --ima --ima-ascii --own --cel; do
    check "replay of an empty log: $option" 4 "$ctl" --json evidence replay $option "$work/empty"
    json_form
    json '.verdict == "fail" and (.pcrs == null)'
done
because E_FMT_CEL
check 'appraisal of an empty IMA list' 4 appraise --ima "$work/empty"
json_form
because E_FMT_IMA
is log.ima fail
check 'evidence show of what is none' 4 "$ctl" --json evidence show README.md
json_form
check 'evidence export without a folder' 2 "$ctl" evidence export README.md
check 'evidence export of what is none' 4 "$ctl" evidence export README.md -o "$work/out.d"
[ ! -e "$work/out.d" ] || complain 'a folder was made'

# ---- a whole gateway: boot PCRs by reference values, violations ----
if [ -d "${CORPUS:-}" ]; then
    d=$CORPUS/gateway-vm/A
    {
        printf '  - id: B-01\n    title: {en: boot, ja: 起動}\n    severity: fail\n    boot_pcrs: [0, 1, 7]\n'
        printf '  - id: B-02\n    title: {en: logs, ja: ログ}\n    severity: fail\n    logs: [uefi, ima]\n'
        printf '  - id: B-03\n    title: {en: no violation, ja: 違反なし}\n    severity: fail\n    ima_violations: fail\n'
    } >"$work/req"
    policy <"$work/req" >"$work/boot.yaml"
    "$ctl" -q refvals make --pcrs "$d/pcrs.yaml" --output "$work/boot.refvals"
    vm() {
        "$ctl" --json evidence appraise --quote "$d/quote.msg" --signature "$d/quote.sig" --ak "$d/ak.pub" \
            --nonce 0011223344556677889900aabbccddee --pcrs "$d/pcrs.yaml" --uefi "$d/bios.bin" --ima "$d/ima.bin" "$@"
    }
    check 'a quote over two banks, a policy that names one' 0 vm --policy "$work/boot.yaml" --refvals "$work/boot.refvals"
    json_form
    for id in quote.selection quote.pcr-digest log.uefi log.ima policy.B-01 policy.B-02 policy.B-03 policy; do is $id pass; done
    vm_part() { # the other bank is explained by the IMA list alone
        "$ctl" --json evidence appraise --quote "$d/quote.msg" --signature "$d/quote.sig" --ak "$d/ak.pub" \
            --nonce 0011223344556677889900aabbccddee --policy "$work/boot.yaml" --refvals "$work/boot.refvals" "$@"
    }
    check 'two banks, and nothing that explains the other one' 1 vm_part --pcrs "$d/pcrs.yaml" --uefi "$d/bios.bin"
    because E_Q_BANK
    json_form
    is policy fail
    check 'two banks, and no values at all' 3 vm_part
    is policy not-run
    because E_POL_PARTIAL
    check 'two banks, and one log for both' 1 vm_part --uefi "$d/bios.bin"
    is log.uefi fail
    because E_LOG_PCR
    # the same machine's values, quoted in the one bank
    "$ctl" --json evidence replay --uefi "$d/bios.bin" --ima "$d/ima.bin" >"$work/replayed"
    jq '{sha256: .pcrs.sha256}' "$work/replayed" >"$work/vm.json"
    composite=$(for pcr in 0 1 2 3 4 5 6 7 9 10; do jq -j ".sha256[\"$pcr\"]" "$work/vm.json"; done | sha)
    quote 00aa 00000001000b03ff0600 "$composite"
    boot() { appraise --nonce 00aa --uefi "$d/bios.bin" --ima "$d/ima.bin" --policy "$work/boot.yaml" "$@"; }
    check 'boot PCRs, logs and violations hold' 0 boot --pcrs "$work/vm.json" --refvals "$work/boot.refvals"
    json_form
    for id in quote.selection policy.B-01 policy.B-02 policy.B-03 policy; do is $id pass; done
    check 'the same values from the logs alone' 0 boot --refvals "$work/boot.refvals"
    check 'no reference values' 3 boot --pcrs "$work/vm.json"
    is policy.B-01 not-run
    because E_POL_PARTIAL
    json_form
    "$ctl" -q refvals make --pcrs "$work/13.json" --output "$work/none.refvals"
    check 'boot PCRs that nothing lists' 1 boot --pcrs "$work/vm.json" --refvals "$work/none.refvals"
    because E_REF_UNLISTED
    "$ctl" -q refvals make --pcrs "$work/pcrs.json" --output "$work/others.refvals"
    check 'boot PCRs with other values' 1 boot --pcrs "$work/vm.json" --refvals "$work/others.refvals"
    because E_REF_MISMATCH
    check 'a log is missing' 3 appraise --nonce 00aa --uefi "$d/bios.bin" --pcrs "$work/vm.json" --policy "$work/boot.yaml" --refvals "$work/boot.refvals"
    is policy.B-02 not-run
    check 'the log of another boot' 1 appraise --nonce 00aa --uefi "$CORPUS/gateway-vm/F/bios.bin" --ima "$d/ima.bin" --pcrs "$work/vm.json" \
        --policy "$work/boot.yaml" --refvals "$work/boot.refvals"
    is policy.B-02 fail
fi
finish
