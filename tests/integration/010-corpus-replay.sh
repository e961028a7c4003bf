#!/bin/sh
# Every log of the corpus through `attestctl evidence replay --json`: each replayed PCR of each bank must
# be the expected one; malformed logs must be refused with exit 4.
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

# check OPTION FILE EXPECTED.json
check() {
    rows=$((rows + 1))
    code=0
    "$ctl" evidence replay "$1" "$2" --json >"$work/out.json" 2>"$work/err" || code=$?
    if [ "$(jq -r .parse "$3")" = error ]; then
        [ "$code" -eq 4 ] || { echo "$2: expected exit 4, found $code"; bad=1; }
        jq -e '.verdict == "fail" and (.reasons | length) > 0' "$work/out.json" >/dev/null ||
            { echo "$2: no reason in the JSON"; bad=1; }
        return 0
    fi
    [ "$code" -eq 0 ] || { echo "$2: expected exit 0, found $code: $(cat "$work/err")"; bad=1; return 0; }
    # the expected replay must be contained in ours, value for value
    jq -e --slurpfile want "$3" '
        .pcrs as $got | [$want[0].replay | to_entries[] | .key as $bank | .value | to_entries[] |
        select($got[$bank][.key] != .value) | "\($bank):\(.key)"] | . == []' "$work/out.json" >/dev/null ||
        { echo "$2: other PCR values than expected"; bad=1; }
}

for f in "$CORPUS"/eventlog/*.expected.json; do check --uefi "${f%.expected.json}" "$f"; done
for f in "$CORPUS"/ima/*.expected.json; do
    option=--ima
    [ "$(jq -r .encoding "$f")" = ascii ] && option=--ima-ascii
    check "$option" "${f%.expected.json}" "$f"
done

# A whole virtual gateway: both logs together lead to what the TPM held.
for boot in A B F; do
    rows=$((rows + 1))
    d=$CORPUS/gateway-vm/$boot
    "$ctl" evidence replay --uefi "$d/bios.bin" --ima "$d/ima.bin" --json >"$work/out.json"
    for bank in sha1 sha256; do
        awk -v bank="$bank:" '$1 ~ /^sha/ { on = ($1 == bank); next } on { gsub(/:/, " "); print $1, tolower(substr($2, 3)) }' \
            "$d/pcrs.yaml" >"$work/tpm"
        jq -r --arg bank "$bank" '.pcrs[$bank] | to_entries[] | "\(.key) \(.value)"' "$work/out.json" >"$work/ours"
        [ "$(wc -l <"$work/ours")" -ge 9 ] || { echo "gateway-vm/$boot: too few PCRs in $bank"; bad=1; }
        while read -r line; do
            grep -qx "$line" "$work/tpm" || { echo "gateway-vm/$boot $bank: $line is not the TPM's"; bad=1; }
        done <"$work/ours"
    done
    # the text form of the list is the same list
    "$ctl" evidence replay --ima-ascii "$d/ima.ascii" --json | jq -c .pcrs >"$work/ascii"
    "$ctl" evidence replay --ima "$d/ima.bin" --json | jq -c .pcrs | cmp -s - "$work/ascii" ||
        { echo "gateway-vm/$boot: text and binary list differ"; bad=1; }
done
# A canonical event log of a confidential machine: 18 records, its registers apart, and a cut refused.
f=$CORPUS/cel/gotpmtools-cos-cel.bin
rows=$((rows + 2))
"$ctl" evidence replay --cel "$f" --json >"$work/out.json" || { echo "$f: refused"; bad=1; }
jq -e '.events.cel == 18 and .pcrs == {} and (.ccmrs.sha384 | keys) == ["4"]' "$work/out.json" >/dev/null ||
    { echo "$f: other records or registers than expected"; bad=1; }
code=0
head -c 3000 "$f" >"$work/cut"
"$ctl" evidence replay --cel "$work/cut" --json >/dev/null 2>&1 || code=$?
[ "$code" -eq 4 ] || { echo "$f cut: expected exit 4, found $code"; bad=1; }
echo "$rows rows"
exit $bad
