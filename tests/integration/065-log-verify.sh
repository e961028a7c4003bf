#!/bin/sh
# attestctl log verify, with the examples that docs/formats/log.md shows: a checkpoint under a key and under a policy of
# witnesses, a proof for an entry, and what each mistake of a log, a mirror or a person comes out as.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs jq awk

# block N: the N-th fenced block of the page that is no hex
block() {
    awk -v n="$1" '/^```/ { open = !open; if (open) { take = $0 == "```"; count += take }; next } open && take && count == n' \
        docs/formats/log.md
}
block 1 | head -n 1 >"$work/log.vkey"
block 1 | tail -n 1 >"$work/witness.vkey"
block 2 >"$work/checkpoint"
block 3 >"$work/one.tlog-proof"
block 5 >"$work/policy"
printf one >"$work/one"
log() { "$ctl" --json log verify "$@"; }
code_is() { json ".reasons[0].code == \"$1\""; }

# ---- what holds ----
check 'checkpoint under a key' 0 log "$work/checkpoint" --key "$work/log.vkey"
json_form
json '.checkpoint | .origin == "log.example/gateways" and .size == 2 and (.extension | not) and .cosignatures == []'
json '.checkpoint.root == "4f55f619d9215235778b2b9f17d6f4915b16171214d152381293669764de722e"'
json '[.checks[] | select(.id == "witnesses")][0].status == "not-applicable"'
check 'the key itself' 0 log "$work/checkpoint" --key "$(cat "$work/log.vkey")"
check 'from standard input' 0 log - --key "$work/log.vkey" <"$work/checkpoint"
check 'checkpoint under a policy' 0 log "$work/checkpoint" --policy "$work/policy"
json_form
json '.checkpoint.cosignatures == [{"name": "w1", "time": "2025-11-28T21:00:00Z"}]'
json '[.checks[] | select(.id == "witnesses")][0].status == "pass"'
check 'proof' 0 log "$work/one.tlog-proof" --policy "$work/policy" --entry "$work/one"
json_form
json '.index == 0 and ([.checks[] | [.id, .status]] == [["format", "pass"], ["signature", "pass"], ["witnesses", "pass"],
    ["inclusion", "pass"]])'
check 'for people' 0 "$ctl" log verify "$work/one.tlog-proof" --key "$work/log.vkey" --entry "$work/one"
says 'VERIFIED'
says 'No witness was asked for'
check 'for people, in Japanese' 0 "$ctl" --lang ja log verify "$work/one.tlog-proof" --policy "$work/policy" --entry "$work/one"
says '検証済み'
says '監視者の連署'

# ---- what is missing: cannot decide ----
other=$(printf 'other.example')
key=$(printf '\004%s' "$(printf '0123456789abcdef0123456789abcdef')" | base64 -w0)
id=$(printf '%s\n\004%s' "$other" '0123456789abcdef0123456789abcdef' | sha256sum | cut -c 1-8)
{
    grep -v '^quorum' "$work/policy"
    echo "witness w2 $other+$id+$key"
    echo 'group both all w1 w2'
    echo 'quorum both'
} >"$work/more"
check 'too few witnesses' 3 log "$work/checkpoint" --policy "$work/more"
json_form
code_is E_TL_WITNESS
json '.verdict == "undecided"'
check 'proof with too few witnesses' 3 log "$work/one.tlog-proof" --policy "$work/more" --entry "$work/one"
{
    sed '/^$/,$d' "$work/checkpoint"
    echo
    tail -n 1 "$work/checkpoint"
} >"$work/unsigned"
check 'the witness alone signed' 3 log "$work/unsigned" --policy "$work/policy"
json_form
code_is E_TL_CKPT
check 'a key that did not sign' 3 log "$work/unsigned" --key "$work/log.vkey"
echo 'quorum none' >"$work/nobody"
check 'a log that the policy does not know' 3 log "$work/checkpoint" --policy "$work/nobody"
code_is E_TL_CKPT
check 'no such file' 3 log "$work/nothing" --key "$work/log.vkey"
json_form

# ---- what is false ----
sed 's/^2$/3/' "$work/checkpoint" >"$work/false"
check 'another size' 1 log "$work/false" --key "$work/log.vkey"
json_form
code_is E_TL_CKPT
sed 's/^log.example.gateways$/log.example\/others/' "$work/checkpoint" >"$work/false"
check 'another log' 1 log "$work/false" --key "$work/log.vkey"
code_is E_TL_CKPT
sed 's/witness.example.w1 BNLYMwAAAABpKg1Q/witness.example\/w1 BNLYMwAAAABpKg1R/' "$work/checkpoint" >"$work/false"
check 'another time of a cosignature' 1 log "$work/false" --policy "$work/policy"
code_is E_TL_CKPT
check 'which nobody looks at who asks for no witness' 0 log "$work/false" --key "$work/log.vkey"
printf two >"$work/two"
check 'another entry' 1 log "$work/one.tlog-proof" --key "$work/log.vkey" --entry "$work/two"
json_form
code_is E_TL_PROOF
sed 's/^index/extra AQID\nindex/' "$work/one.tlog-proof" >"$work/extra"
check 'data beside the proof' 0 "$ctl" log verify "$work/extra" --key "$work/log.vkey" --entry "$work/one"
says 'nothing authenticates it'
sed 's/^index 0$/index 1/' "$work/one.tlog-proof" >"$work/false"
check 'another place' 1 log "$work/false" --key "$work/log.vkey" --entry "$work/one"
code_is E_TL_PROOF
sed 's/^index 0$/index 2/' "$work/one.tlog-proof" >"$work/false"
check 'a place behind the end' 1 log "$work/false" --key "$work/log.vkey" --entry "$work/one"
code_is E_TL_PROOF

# ---- what is malformed ----
head -c 100 "$work/checkpoint" >"$work/cut"
check 'a cut checkpoint' 4 log "$work/cut" --key "$work/log.vkey"
json_form
code_is E_TL_CKPT
sed 's/^2$/02/' "$work/checkpoint" >"$work/bad"
check 'a leading zero' 4 log "$work/bad" --key "$work/log.vkey"
code_is E_TL_CKPT
echo trailing | cat "$work/checkpoint" - >"$work/bad"
check 'trailing lines' 4 log "$work/bad" --key "$work/log.vkey"
code_is E_TL_CKPT
sed 's/^index 0$/index 00/' "$work/one.tlog-proof" >"$work/bad"
check 'another spelling of the index' 4 log "$work/bad" --key "$work/log.vkey" --entry "$work/one"
json_form
code_is E_FMT_TLOG
head -n 3 "$work/one.tlog-proof" >"$work/cut"
check 'a cut proof' 4 log "$work/cut" --key "$work/log.vkey" --entry "$work/one"
code_is E_FMT_TLOG
: >"$work/empty"
check 'nothing' 4 log "$work/empty" --key "$work/log.vkey"

# ---- mistakes of the person ----
check 'no key' 2 log "$work/checkpoint"
json_form
check 'both' 2 log "$work/checkpoint" --key "$work/log.vkey" --policy "$work/policy"
check 'a proof without its entry' 2 log "$work/one.tlog-proof" --key "$work/log.vkey"
check 'an entry without its proof' 2 log "$work/checkpoint" --key "$work/log.vkey" --entry "$work/one"
check 'the key of a witness' 2 log "$work/checkpoint" --key "$work/witness.vkey"
code_is E_FMT_KEY
check 'no key in the file' 2 log "$work/checkpoint" --key "$work/one"
check 'a key with the id of another' 2 log "$work/checkpoint" --key "$(sed 's/d60e1bef/d60e1bee/' "$work/log.vkey")"
code_is E_FMT_KEY
echo 'quorum none none' >"$work/bad"
check 'a policy that is none' 2 log "$work/checkpoint" --policy "$work/bad"
code_is E_FMT_WITNESSES
json_form
finish
