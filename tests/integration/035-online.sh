#!/bin/sh
# What speaks to a verifier: devices and tokens over the administrator's socket, labels over the socket and over TLS.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl
service_start policies/gateway-base.yaml
device() { "$ctl" "$@" --socket "$socket"; }

# a gateway that is enrolled and has not attested yet
check list 0 device device list
says 'LAST SEEN'
says gateway-1
check 'list, --json' 0 device --json device list
json_form
json '.devices | length == 1 and .[0].id == "gateway-1" and .[0].status == "enrolled"'
check 'list in Japanese' 0 device --lang ja device list
says '最終確認'
check 'list by the environment' 0 env ATTEST_ADMIN_SOCKET="$socket" "$ctl" device list
says gateway-1
check 'no label yet' 3 device --json label get gateway-1 -o "$work/none.label"
json_form
[ ! -e "$work/none.label" ] || complain 'a file was made'

attest "$work/good.label"
name='first attestation' rows=$((rows + 1))
[ "$code" -eq 0 ] || complain "exit $code: $(cat "$work/once.log")"
check show 0 device device show gateway-1
for text in affirming E2 'last label' E_TIME_FIRST 'resetCount ' 'first attestation of this enrolment'; do says "$text"; done
check 'show, in Japanese' 0 device --lang ja device show gateway-1
says この登録での最初の証明です
check 'show, --json' 0 device --json device show gateway-1
json_form
json '.device.status == "affirming" and .device.label.current and .device.reasons == []'
json '[.device.states[] | .code] == ["E_TIME_FIRST"] and (.device.states[0].detail | startswith("resetCount "))'
cti=$(jq -r .device.label.cti "$work/out")

# a label over the socket: by gateway, by its own id, to a file and to a pipe
check 'get by gateway' 0 device label get gateway-1 --output "$work/got.label"
says 'NOT VERIFIED'
cmp -s "$work/got.label" "$work/good.label" || complain 'another label than the agent got'
check 'get by id' 0 device --json label get "$cti" --output "$work/got.label"
json_form
json '.verified == false'
cmp -s "$work/got.label" "$work/good.label" || complain 'another label than the agent got'
check 'get to standard output' 0 device label get gateway-1 --output -
cmp -s "$work/out" "$work/good.label" || complain 'more than the label on standard output'
check 'what was got verifies' 0 "$ctl" --trust "$work/trust" label verify "$work/got.label"
check 'get without an output' 2 device label get gateway-1
check 'get of no gateway' 3 device label get gateway-9 -o "$work/none.label"
check 'get of no label' 3 device label get 00000000000000000000000000000000 -o "$work/none.label"
check 'get of what is no id' 2 device label get '../devices' -o "$work/none.label"
check 'get of a short id' 3 device label get 0123 -o "$work/none.label"

# columns of the checks line up where a character is two wide
check 'verified in Japanese' 0 "$ctl" --lang ja --trust "$work/trust" label verify "$work/good.label"
sed -n 's/ 適合$/|/p' "$work/out" >"$work/columns"
widths=$(while IFS= read -r l; do printf '%s\n' "$l" | wc -L; done <"$work/columns" | sort -u | wc -l)
if [ "$(wc -l <"$work/columns")" -lt 6 ] || [ "$widths" -ne 1 ]; then
    complain "columns of different widths: $(cat "$work/columns")"
fi

# text in a file from anywhere steers no terminal
for change in 's/gateway-1/gate\x1b[31m/g' 's/test-verifier/test\x1b[31mfier/g' 's/gateway-base@1/gateway\x1b[31m@1/g'; do
    LC_ALL=C sed "$change" "$work/good.label" >"$work/hostile.label"
    check "show with $change" 0 "$ctl" label show "$work/hostile.label"
    says '\x1b[31m'
    if grep -q "$(printf '\033')" "$work/out" "$work/err"; then complain 'an escape reaches the terminal'; fi
    check "verify with $change" 1 "$ctl" --trust "$work/trust" label verify "$work/hostile.label"
    if grep -q "$(printf '\033')" "$work/out" "$work/err"; then complain 'an escape reaches the terminal'; fi
done
cp "$work/good.label" "$work/$(printf 'a\033[31mb.label')"
check 'a hostile file name' 0 "$ctl" --trust "$work/trust" label verify "$work/$(printf 'a\033[31mb.label')"
if grep -q "$(printf '\033')" "$work/out" "$work/err"; then complain 'an escape reaches the terminal'; fi

# over TLS: closed by default, so a stranger is told to ask the operator; nothing is fetched without an anchor
url=https://localhost:$port/labels/v1/device/gateway-1/current
check 'get over TLS without --ca' 2 "$ctl" --json label get "$url" -o "$work/none.label"
json_form
check 'get over TLS, closed' 7 "$ctl" --json label get "$url" --ca "$work/verifier/ca.pem" -o "$work/none.label"
json_form
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key" -subj '/CN=other' -out "$work/other.pem" 2>/dev/null
check 'get over TLS, another authority' 5 "$ctl" --json label get "$url" --ca "$work/other.pem" -o "$work/none.label"
json_form
json '.reasons[0].code == "E_TLS_CHAIN"'
check 'get over TLS, another host' 5 "$ctl" --json label get "https://127.0.0.1:1/labels/v1/device/gateway-1/current" --ca "$work/verifier/ca.pem" -o "$work/none.label"
json_form
check 'get without TLS' 2 "$ctl" --json label get "http://localhost:$port/" --ca "$work/verifier/ca.pem" -o "$work/none.label"
json_form
[ ! -e "$work/none.label" ] || complain 'a file was made'

# refused: the operator sees what the agent sees
echo 'scale = 2' >"$work/measured/sensor.conf"
attest "$work/refused.label"
check 'show a refusal' 0 device device show gateway-1
for text in E_REF_MISMATCH sensor.conf expected found; do says "$text"; done
says 'R-02: Every measured file'
check 'show a refusal, in Japanese' 0 device --lang ja device show gateway-1
for text in '測定値が参照値と異なります' '期待:' 参照値を更新; do says "$text"; done
check 'list a refusal' 0 device --json device list
json '.devices[0].status == "failed"'

# the own log of a gateway in a known-good state makes reference values
echo 'scale = 1' >"$work/measured/sensor.conf"
attest "$work/good.label"
own=$(find "$work/state" -type f -name 'own-*.cel' | head -n 1)
check 'the own log replays' 0 "$ctl" --json evidence replay --own "$own"
json '.note | test("nothing about trust")'
json_form
json '.pcrs.sha256["13"] | length == 64'
check 'reference values from an own log' 0 "$ctl" --json refvals make --own "$own" --output "$work/own.refvals"
check 'they hold what was measured' 0 "$ctl" --json refvals show "$work/own.refvals" --name "$work/measured/sensor.conf"
json ".expected | index(\"$(sha256sum <"$work/measured/sensor.conf" | cut -c1-64)\") != null"
complete_of_own() { # the set of the files that may not be missing in the measured folder
    "$ctl" --json refvals make --own "$own" --output "$work/own.refvals" >"$work/out" &&
        "$ctl" --json refvals show "$work/own.refvals" --name "complete:$work/measured" | jq -c .expected
}
before=$(complete_of_own)
echo 'level = 3' >"$work/measured/brief.conf"
attest "$work/refused.label"
[ "$(complete_of_own)" != "$before" ] || complain 'a new file is not among those that may not be missing'
rm "$work/measured/brief.conf"
attest "$work/good.label"
[ "$(complete_of_own)" = "$before" ] || complain 'a file that is gone may still not be missing'

# tokens
check 'a token alone on standard output' 0 device device allow gateway-2
[ "$(wc -l <"$work/out")" -eq 1 ] || complain 'more than one line'
[ "$(wc -c <"$work/out")" -gt 20 ] || complain 'too short for a token'
check 'a token for an hour, --json' 0 device --json device allow gateway-2 --ttl 3600
json_form
json '.allowed.id == "gateway-2" and (.allowed.token | length) > 20'
check 'a token for any gateway' 0 device -q device allow
[ "$(wc -l <"$work/out")" -eq 1 ] || complain 'quiet took the token too'
for ttl in 0 -1 1h 2592001 99999999999999999999 ''; do check "--ttl \"$ttl\"" 2 device device allow gateway-2 "--ttl=$ttl"; done
check 'an id that is none' 2 device --json device allow 'gate way'
json_form
check 'an endorsement key that is none' 1 device --json device allow gateway-3 --ek zz
json_form
ek=$("$ctl" --json device show gateway-1 --socket "$socket" | jq -r .device.ek_name)
check 'an endorsement key' 0 device --json device allow gateway-3 --ek "$ek"
json_form
json ".allowed.ek_name == \"$ek\""

# removal is asked for, and not where nobody can answer
check 'remove without a word' 2 device device remove gateway-1 </dev/null
check 'it is still there' 0 device device show gateway-1
check 'remove with --no-input' 2 device --no-input device remove gateway-1
if command -v script >/dev/null; then
    answer() { printf '%s\n' "$1" | script -qec "'$ctl' device remove gateway-1 --socket '$socket'" /dev/null; }
    check 'remove, answered no' 2 answer n
    check 'it is still there' 0 device device show gateway-1
fi
check 'remove --yes' 0 device --json device remove gateway-1 --yes
json_form
check 'it is gone' 3 device --json device show gateway-1
json_form
check 'remove what is gone' 3 device device remove gateway-1 --yes
check 'its label stays readable by id' 0 device label get "$cti" -o "$work/got.label"
check 'and none is current' 3 device label get gateway-1 -o "$work/none.label"
check 'an empty list' 0 device --json device list
json '.devices == []'

# no verifier
check 'a socket that is not there' 5 "$ctl" --json device list --socket "$work/none.sock"
json_form
check 'a socket that is a file' 5 "$ctl" --json device list --socket "$work/token"
json_form
finish
