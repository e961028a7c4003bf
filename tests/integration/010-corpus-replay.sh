#!/bin/sh
# Every log of the corpus folders eventlog/, ima/ and cel/ through `attestctl evidence replay --json`: each PCR of each
# bank must be the expected one, malformed logs are refused with exit 4. One line a file.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/corpus.sh
. tests/integration/corpus.sh
# shellcheck source=tests/integration/softquote.sh
. tests/integration/softquote.sh
needs jq openssl basenc

# log OPTION FILE EVENTS-OR-ENTRIES: its expectation stands beside it
log() {
    before=$bad want_json=$CORPUS/$2.expected.json
    of "$2.expected.json" 'the expectation of that log'
    if [ "$(jq -r .parse "$want_json")" = error ]; then
        check "$2" 4 "$ctl" --json evidence replay "$1" "$CORPUS/$2"
        json_form
        row "$2" "$before" 'refused as malformed'
        return 0
    fi
    check "$2" 0 "$ctl" --json evidence replay "$1" "$CORPUS/$2"
    # value for value, and no PCR more in any bank
    jq -e --slurpfile want "$want_json" '
        def some: with_entries(select(.value != {}));
        (.pcrs | some) == ($want[0].replay | some) and ([.events[]] | add) == $want[0].'"$3" "$work/out" >/dev/null ||
        complain 'other PCR values, or another number of entries, than expected'
    row "$2" "$before" "$(jq -r '"\(.'"$3"') entries; " + ([.replay | to_entries[] | "\(.key) \(.value | length) PCRs"] | join(", "))' "$want_json")"
}
for f in "$CORPUS"/eventlog/*.expected.json; do
    f=${f#"$CORPUS"/} && log --uefi "${f%.expected.json}" events
done
for f in "$CORPUS"/ima/*.expected.json; do
    option=--ima
    [ "$(jq -r .encoding "$f")" != ascii ] || option=--ima-ascii
    f=${f#"$CORPUS"/} && log $option "${f%.expected.json}" entries
done

# what the firmware's maker says of one log
before=$bad
check 'the values of the maker' 0 "$ctl" --json evidence replay --uefi "$CORPUS/eventlog/hirs-TpmLog.bin"
jq -r '.pcrs.sha256 | to_entries[] | "\(.key) \(.value)"' "$work/out" | sort >"$work/ours"
tr -d '\r' <"$CORPUS/eventlog/hirs-TpmLogExpectedPcrs.txt" | awk 'NF { print NR - 1, tolower($1) }' | sort >"$work/theirs"
[ "$(comm -12 "$work/ours" "$work/theirs" | wc -l)" -eq "$(wc -l <"$work/ours")" ] || complain 'other PCR values'
row eventlog/hirs-TpmLogExpectedPcrs.txt "$before" "$(wc -l <"$work/ours") PCRs of hirs-TpmLog.bin are these"

# lines that somebody wrote by hand: they are read, and their digests are of nothing
for f in ima/keylime-ima-log-sha1.txt ima/keylime-ima-log-sha256.txt; do
    before=$bad
    check "$f" 0 "$ctl" --json evidence replay --ima-ascii "$CORPUS/$f"
    json '.events.ima == 2'
    row "$f" "$before" 'two entries, read'
done

# against the TPM of the same machine: PCR 10 is the list's in every bank; what the logs do not explain is said
for machine in ludmilla-2 hahuri-invalid-eventlog; do
    f=ima/immune-$machine.pcrs.json list=$CORPUS/ima/immune-$machine.ima.bin before=$bad
    check "$f" 0 "$ctl" --json evidence replay --ima "$list"
    # shellcheck disable=SC2016 # of jq
    jq -e --slurpfile tpm "$CORPUS/$f" '[.pcrs | to_entries[] | select($tpm[0][.key]["10"] != null)] |
        length > 1 and all(.value["10"] == $tpm[0][.key]["10"])' "$work/out" >/dev/null || complain 'PCR 10 is not that of the TPM'
    [ "$machine" != ludmilla-2 ] || row "$f" "$before" 'PCR 10 is the list in every bank'
done
softquote "$CORPUS/$f" 10
set -- --json evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/ak.pem" --nonce 00aa --ima "$list"
check "$f, PCR 10 quoted" 3 "$ctl" "$@" --pcrs "$CORPUS/$f" # nothing wrong, and no policy
json '[.checks[] | select(.id == "log.ima") | .status] == ["pass"]'
softquote "$CORPUS/$f" 10 11
check "$f, both quoted" 1 "$ctl" "$@" --pcrs "$CORPUS/$f"
json '[.reasons[] | select(.code == "E_LOG_PCR" and (.detail | contains("PCR 11")))] | length == 1'
row "$f" "$before" 'PCR 10 is the list in every bank; PCR 11 is reported: the logs do not explain it'
# one machine's boot log and list: boot_aggregate is a hash over the PCRs of that log, and of no other one
cat >"$work/policy.yaml" <<YAML
policy: corpus
version: 1
requirements:
  - id: R-1
    title: {en: logs, ja: ログ}
    severity: fail
    logs: [uefi, ima]
  - id: R-2
    title: {en: violations, ja: 違反}
    severity: fail
    ima_violations: fail
YAML
pair() { # pair FIRMWARE-LOG: both logs told by a TPM that they lead to
    set -- --uefi "$CORPUS/eventlog/$1" --ima-ascii "$CORPUS/ima/imaevm-test_ascii"
    "$ctl" --json evidence replay "$@" | jq .pcrs >"$work/pair.json"
    softquote "$work/pair.json" 0 1 2 3 4 5 6 7 10
    "$ctl" --json evidence appraise --quote "$work/q" --signature "$work/s" --ak "$work/ak.pem" --nonce 00aa \
        --pcrs "$work/pair.json" --policy "$work/policy.yaml" "$@"
}
before=$bad
check 'boot_aggregate of the same machine' 0 pair imaevm-test_binary_bios_measurements.bin
json '[.checks[] | select(.id == "log.ima.order") | .status] == ["pass"]'
check 'boot_aggregate of another machine' 1 pair tcglogparser-binary_bios_measurements.bin
json '[.checks[] | select(.id == "log.ima") | .status] == ["pass"]'
json '[.reasons[] | select(.code == "E_LOG_AGGREGATE")] | length == 1'
row ima/imaevm-test_ascii "$before" 'boot_aggregate is that of imaevm-test_binary_bios_measurements.bin, and of no other log'

f=cel/gotpmtools-cos-cel.bin before=$bad
check "$f" 0 "$ctl" --json evidence replay --cel "$CORPUS/$f"
json '.events.cel == 18 and .pcrs == {} and (.ccmrs.sha384 | keys) == ["4"]'
head -c 3000 "$CORPUS/$f" >"$work/cut"
check "$f cut" 4 "$ctl" --json evidence replay --cel "$work/cut"
row "$f" "$before" '18 records, its registers are no PCRs; cut: refused'
every_file eventlog ima cel
finish
