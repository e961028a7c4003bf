#!/bin/sh
# A whole gateway: reference values out of its root file system list, boots that affirm with them, and tampered
# boots that are refused with the file or the parameter named.
#
# A tampered boot comes in two forms. Edited: the real quote, and a log that was changed afterwards. Honest: a
# quote over what the changed logs lead to, signed by a key of this test, as the TPM of a machine that did it.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/corpus.sh
. tests/integration/corpus.sh
# shellcheck source=tests/integration/softquote.sh
. tests/integration/softquote.sh
needs jq openssl basenc sha1sum sha256sum
vm=$CORPUS/gateway-vm

cat >"$work/policy.yaml" <<END
policy: gateway-vm
version: 1
requirements:
  - id: R-01
    title: {en: The boot log and the kernel's list are there, ja: 起動ログとカーネルのリストがある}
    severity: fail
    logs: [uefi, ima]
  - id: R-02
    title: {en: Firmware and kernel are the expected ones, ja: ファームウェアとカーネルが期待どおり}
    severity: fail
    boot_pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 9]
  - id: R-03
    title: {en: Every file is the expected one, ja: すべてのファイルが期待どおり}
    severity: fail
    ima_files: {unlisted: fail}
  - id: R-04
    title: {en: No violation, ja: 違反なし}
    severity: fail
    ima_violations: fail
END
is() { json "[.checks[] | select(.id == \"$1\") | .status] == [\"$2\"]"; }
because() { json "[.reasons[] | select(.code == \"$1\" and ((.path + \" \" + .detail) | contains(\"$2\")))] | length > 0"; }

# ---- the files of each boot: both logs together lead to what the TPM held, and the text of the list is the list ----
replay() { "$ctl" --json evidence replay "$@"; }
for b in A B F; do
    before=$bad
    check "boot $b" 0 replay --uefi "$vm/$b/bios.bin" --ima "$vm/$b/ima.bin"
    for bank in sha1 sha256; do
        awk -v bank="$bank:" '$1 ~ /^sha/ { on = ($1 == bank); next } on { gsub(/:/, " "); print $1, tolower(substr($2, 3)) }' \
            "$vm/$b/pcrs.yaml" | sort >"$work/tpm"
        jq -r --arg bank "$bank" '.pcrs[$bank] | to_entries[] | "\(.key) \(.value)"' "$work/out" | sort >"$work/ours"
        [ "$(wc -l <"$work/ours")" -ge 9 ] || complain "too few PCRs in $bank"
        [ "$(comm -12 "$work/ours" "$work/tpm" | wc -l)" -eq "$(wc -l <"$work/ours")" ] || complain "other values than the TPM's in $bank"
    done
    row "gateway-vm/$b/bios.bin" "$before" 'leads to the PCRs of the TPM in two banks'
    row "gateway-vm/$b/ima.bin" "$before" 'leads to PCR 10 of the TPM in two banks'
    of "gateway-vm/$b/pcrs.yaml" 'of those logs'
    before=$bad
    check "boot $b, the list" 0 replay --ima "$vm/$b/ima.bin"
    jq -c '.pcrs, .events' "$work/out" >"$work/binary"
    check "boot $b, the list as text" 0 replay --ima-ascii "$vm/$b/ima.ascii"
    jq -c '.pcrs, .events' "$work/out" | cmp -s - "$work/binary" || complain 'text and binary list differ'
    row "gateway-vm/$b/ima.ascii" "$before" 'the same list as ima.bin'
done

# ---- reference values: the list, the boots' own firmware, and of the initrd what boot A measured ----
sums=$vm/reference-rootfs.sha256
cut -d' ' -f1 "$sums" | sort -u >"$work/known"
grep -v ' boot_aggregate' "$vm/A/ima.ascii" | while read -r line; do
    digest=${line#*sha256:}
    grep -qx "${digest%% *}" "$work/known" || printf '%s \n' "$line"
done >"$work/initrd.ascii"
check 'from the list alone' 0 "$ctl" --json refvals make --sha256sums "$sums" --output "$work/list.refvals"
json '.files == 6719'
row gateway-vm/reference-rootfs.sha256 0 '6719 files; no entry is written by hand'
check 'with the initrd and the boots' 0 "$ctl" --json refvals make --sha256sums "$sums" --ima "$work/initrd.ascii" \
    --uefi "$vm/A/bios.bin" --uefi "$vm/F/bios.bin" --output "$work/all.refvals"
json '.pcrs == 18'
check 'with boot A and its command line' 0 "$ctl" -q refvals make --sha256sums "$sums" --ima "$work/initrd.ascii" \
    --uefi "$vm/A/bios.bin" --cmdline "$vm/A/cmdline" --output "$work/A.refvals"

boot() { # boot FOLDER OPTION...: the quote over one bank
    d=$1
    shift
    "$ctl" --json evidence appraise --quote "$d/rquote.msg" --signature "$d/rquote.sig" --ak "$d/rak.pub" \
        --nonce 0011223344556677889900aabbccddee --policy "$work/policy.yaml" "$@"
}
for b in A B F; do
    before=$bad
    check "boot $b affirms" 0 boot "$vm/$b" --pcrs "$vm/$b/pcrs.yaml" --uefi "$vm/$b/bios.bin" --ima "$vm/$b/ima.bin" \
        --refvals "$work/all.refvals" --cmdline "$vm/$b/cmdline"
    json_form
    for id in quote.signature quote.nonce log.uefi log.ima log.cmdline policy.R-01 policy.R-02 policy.R-03 policy.R-04; do is $id pass; done
    check "boot $b affirms by the values of tpm2_quote" 0 boot "$vm/$b" --pcrs "$vm/$b/rquote.pcrs" --uefi "$vm/$b/bios.bin" \
        --ima "$vm/$b/ima.bin" --refvals "$work/all.refvals"
    check "boot $b affirms from its logs alone" 0 boot "$vm/$b" --uefi "$vm/$b/bios.bin" --ima-ascii "$vm/$b/ima.ascii" \
        --refvals "$work/all.refvals"
    # what the list does not have is the initrd's, and the PCRs
    check "boot $b, the list alone" 1 boot "$vm/$b" --uefi "$vm/$b/bios.bin" --ima "$vm/$b/ima.bin" --refvals "$work/list.refvals"
    is policy.R-03 fail
    because E_REF_UNLISTED /init
    because E_REF_MISMATCH /etc/ld.so.cache
    row "gateway-vm/$b/rquote.msg" "$before" 'affirms by the references; by the list alone /init is unknown'
    row "gateway-vm/$b/cmdline" "$before" 'is the one that was measured'
    for f in rquote.sig rquote.pcrs rak.pub; do of "gateway-vm/$b/$f" 'of that quote'; done
done
# the other quote of each boot covers SHA-1 of PCR 10 too: the policy judges its bank, and the logs explain both
two() { # two FOLDER OPTION...
    d=$1
    shift
    "$ctl" --json evidence appraise --quote "$d/quote.msg" --signature "$d/quote.sig" --ak "$d/ak.pub" \
        --nonce 0011223344556677889900aabbccddee --policy "$work/policy.yaml" --refvals "$work/all.refvals" "$@"
}
for b in A B F; do
    before=$bad
    check "boot $b affirms in two banks" 0 two "$vm/$b" --pcrs "$vm/$b/pcrs.yaml" --uefi "$vm/$b/bios.bin" --ima "$vm/$b/ima.bin" \
        --cmdline "$vm/$b/cmdline"
    json_form
    for id in quote.selection log.uefi log.ima log.cmdline policy.R-01 policy.R-02 policy.R-03 policy.R-04; do is $id pass; done
    check "boot $b affirms in two banks, from its logs alone" 0 two "$vm/$b" --uefi "$vm/$b/bios.bin" --ima "$vm/$b/ima.bin"
    check "boot $b affirms in two banks by the values of tpm2_quote" 0 two "$vm/$b" --pcrs "$vm/$b/quote.pcrs" --uefi "$vm/$b/bios.bin" \
        --ima "$vm/$b/ima.bin"
    check "boot $b in two banks, and no list" 1 two "$vm/$b" --pcrs "$vm/$b/pcrs.yaml" --uefi "$vm/$b/bios.bin"
    because E_Q_BANK 'PCR 10 of bank sha1'
    row "gateway-vm/$b/quote.msg" "$before" 'affirms in two banks; without the list it does not'
    for f in quote.sig quote.pcrs ak.pub ak.name uname; do of "gateway-vm/$b/$f" 'of that boot'; done
done
check 'two banks, the list of another boot' 1 two "$vm/A" --pcrs "$vm/A/pcrs.yaml" --uefi "$vm/A/bios.bin" --ima "$vm/F/ima.bin"
is log.ima fail
because E_Q_BANK 'PCR 10 of bank sha1'

check 'no reference values, no answer' 3 boot "$vm/A" --uefi "$vm/A/bios.bin" --ima "$vm/A/ima.bin"
is policy.R-03 not-run

# ---- edited afterwards: the quote is the real one ----
edited() { # edited NAME: boot A with $work/ima.ascii and $work/bios.bin
    check "$1" 1 boot "$vm/A" --pcrs "$vm/A/pcrs.yaml" --uefi "$work/bios.bin" --ima-ascii "$work/ima.ascii" --refvals "$work/A.refvals"
    json_form
}
# ---- the same told by a TPM: a quote over PCR 0-7, 9 and 10 as the logs lead to ----
honest() { # honest NAME CODE OPTION...
    n=$1 c=$2
    shift 2
    "$ctl" --json evidence replay --uefi "$work/bios.bin" --ima-ascii "$work/ima.ascii" | jq .pcrs >"$work/replayed"
    softquote "$work/replayed" 0 1 2 3 4 5 6 7 9 10
    check "$n" "$c" "$ctl" --json evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/ak.pem" --nonce 00aa \
        --policy "$work/policy.yaml" --uefi "$work/bios.bin" --ima-ascii "$work/ima.ascii" --refvals "$work/A.refvals" "$@"
    json_form
}
fresh() {
    cp "$vm/A/bios.bin" "$work/bios.bin"
    cp "$vm/A/ima.ascii" "$work/ima.ascii"
    chmod u+w "$work/bios.bin" "$work/ima.ascii"
}
# the digest that the kernel gives an entry of ima-sig without a signature
template() { # template SHA256 PATH
    {
        printf '28000000%s%s' "$(printf 'sha256:\0' | hex)" "$1"
        printf '%02x000000%s00' $((${#2} + 1)) "$(printf '%s' "$2" | hex)"
        printf '00000000'
    } | unhex | sha1sum | cut -c1-40
}
fresh
honest 'the boot as it was, another key' 0

# one binary changed
file=/usr/bin/date
grep -q "$file " "$work/ima.ascii" || file=$(sed -n 's/.* \(\/usr\/bin\/[a-z]*\) *$/\1/p' "$work/ima.ascii" | tail -n 1)
evil=$(printf '%064d' 7)
old=$(grep " $file *\$" "$work/ima.ascii" | sed 's/.*sha256:\([0-9a-f]*\) .*/\1/' | head -n 1)
[ "$(template "$old" "$file")" = "$(grep " $file *\$" "$work/ima.ascii" | cut -d' ' -f2 | head -n 1)" ] || {
    name='the kernel digest of an entry' && complain 'computed another one'
}
sed -i "s|sha256:$old $file |sha256:$evil $file |" "$work/ima.ascii"
edited 'one binary changed, carelessly'
is log.ima fail
because E_LOG_DIGEST "$file"
because E_REF_MISMATCH "$file"
sed -i "s|^10 [0-9a-f]* ima-sig sha256:$evil |10 $(template "$evil" "$file") ima-sig sha256:$evil |" "$work/ima.ascii"
edited 'one binary changed, its entry too'
is log.ima fail
is policy.R-03 fail
because E_REF_MISMATCH "$file"
honest 'one binary changed, and it ran' 1
is log.ima pass
is policy.R-03 fail
because E_REF_MISMATCH "$file"

# a binary that nobody knows, under a name that nobody knows
fresh
printf '10 %s ima-sig sha256:%s /tmp/evil \n' "$(template "$evil" /tmp/evil)" "$evil" >>"$work/ima.ascii"
honest 'one file more' 1
because E_REF_UNLISTED /tmp/evil
# a buffer that says another kernel
fresh
printf '10 %s ima-buf sha256:%s kernel_version %s\n' "$(printf '%040d' 1)" "$(printf 5.0-evil | sha256sum | cut -c1-64)" \
    "$(printf 5.0-evil | hex)" >>"$work/ima.ascii"
honest 'another kernel' 1
because E_REF_MISMATCH kernel_version

# one entry removed
fresh
sed -i "\|$file *\$|d" "$work/ima.ascii"
edited 'one entry removed'
is log.ima fail
because E_LOG_PCR 'bank sha'
fresh
sed -i '1d' "$work/ima.ascii"
edited 'the first entry removed'
is log.ima fail

# one kernel parameter changed
measured() { { printf '%s' "$1" | sed 's/./&\x00/g' && printf '\0\0'; } | sha256sum | cut -c1-64; }
line=$(cat "$vm/A/cmdline")
[ "$(measured "$line" | unhex | hex)" = "$(hex <"$vm/A/bios.bin" | grep -o "$(measured "$line")")" ] || {
    name='the digest of the command line' && complain 'is not in the boot log'
}
with_line() { # the boot log of a machine that was started with another command line
    fresh
    printf '%s\n' "$1" >"$work/cmdline"
    hex <"$vm/A/bios.bin" | sed "s/$(measured "$line")/$(measured "$1")/" | unhex >"$work/bios.bin"
}
with_line "$(echo "$line" | sed 's/ima_policy=tcb/ima_policy=none/')"
edited 'one kernel parameter changed in the log'
is log.uefi fail
because E_LOG_PCR 'PCR 9'
honest 'one kernel parameter changed, the text beside it' 1 --cmdline "$work/cmdline"
is log.uefi pass
is log.cmdline pass
is policy.R-02 fail
because E_REF_MISMATCH 'cmdline#ima_policy'
because E_REF_MISMATCH 'none'
honest 'one kernel parameter changed, no text' 1
is policy.R-02 fail
honest 'one kernel parameter changed, another text beside it' 1 --cmdline "$vm/A/cmdline"
is log.cmdline fail
with_line "$line init=/bin/sh"
honest 'one kernel parameter more' 1 --cmdline "$work/cmdline"
because E_REF_MISMATCH 'cmdline#init'
with_line "$line rd.break"
honest 'a kernel parameter that nobody knows' 1 --cmdline "$work/cmdline"
because E_REF_UNLISTED 'cmdline#rd.break'
with_line "$(echo "$line" | sed 's/ panic=5//')"
honest 'one kernel parameter less' 1 --cmdline "$work/cmdline"
because E_REF_MISMATCH 'not all of them'
# and one that really was: boot F ran with another parameter than boot A
check 'boot F judged by what boot A had' 1 boot "$vm/F" --uefi "$vm/F/bios.bin" --ima "$vm/F/ima.bin" --refvals "$work/A.refvals" \
    --cmdline "$vm/F/cmdline"
json_form
for id in log.uefi log.ima log.cmdline policy.R-03; do is $id pass; done
is policy.R-02 fail
because E_REF_MISMATCH 'cmdline#ima_policy'
of gateway-vm/README.md 'what the folders are'
every_file gateway-vm
finish
