#!/bin/sh
# Labels signed by a key that cannot leave a PKCS#11 token: the whole way with a software token and a
# software TPM, and a partner whose trust folder forbids keys in files.
set -eu
: "${BUILD:?}"
cd "$(dirname "$0")/../.."
module=/usr/lib/softhsm/libsofthsm2.so
for tool in softhsm2-util pkcs11-tool swtpm swtpm_setup openssl; do
    command -v "$tool" >/dev/null || {
        echo "$tool is not here"
        exit 77
    }
done
umask 077
work=$(mktemp -d)
tpm_pid='' verifier_pid=''
finish() {
    code=$?
    [ -z "$verifier_pid" ] || kill "$verifier_pid" 2>/dev/null || true
    [ -z "$tpm_pid" ] || kill "$tpm_pid" 2>/dev/null || true
    [ $code -eq 0 ] || tail -n 20 "$work"/*.log
    rm -rf "$work"
}
trap finish EXIT
wait_for() {
    i=0
    while [ ! -e "$1" ]; do
        i=$((i + 1))
        if [ $i -gt 400 ] || ! kill -0 "$2"; then
            echo "$1 did not appear"
            exit 1
        fi
        sleep 0.05
    done
}

mkdir "$work/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$work/softhsm2.conf"
export SOFTHSM2_CONF="$work/softhsm2.conf"
printf '123456\n' >"$work/pin"
softhsm2-util --init-token --free --label labels --so-pin 123456 --pin 123456 >"$work/token.log"
pkcs11-tool --module $module --token-label labels --login --pin 123456 --keypairgen \
    --key-type EC:prime256v1 --label label-key --id 01 >>"$work/token.log" 2>&1
uri="pkcs11:token=labels;object=label-key?module-path=$module&pin-source=file:$work/pin"
pkcs11-tool --module $module --token-label labels --login --pin 123456 --keypairgen \
    --key-type EC:prime256v1 --label policy-key --id 02 >>"$work/token.log" 2>&1
policy_uri="pkcs11:token=labels;object=policy-key?module-path=$module&pin-source=file:$work/pin"

mkdir "$work/measured"
echo 'scale = 1' >"$work/measured/sensor.conf"
"$BUILD/attestctl" refvals make "$work/measured" --output "$work/reference.refvals" >"$work/refvals.log"

# without either way to a key there is no verifier; a file key is not one unless asked for
code=0
"$BUILD/attestd" init --dir "$work/none" --host localhost >"$work/init-none.log" 2>&1 || code=$?
[ $code -ne 0 ] || {
    echo "init without a label key succeeded"
    exit 1
}
rm -rf "$work/none"
"$BUILD/attestd" init --dir "$work/verifier" --label-key "$uri" --verifier-id token-verifier --host localhost \
    --listen 127.0.0.1:0 --policy policies/gateway-base.yaml --refvals "$work/reference.refvals" >"$work/init.log"
[ ! -e "$work/verifier/label.key" ] || {
    echo "a label key lies in a file"
    exit 1
}
scripts/swtpm-make "$work/tpm" >"$work/swtpm-make.log" 2>&1
cp "$work/tpm/ca/ca.pem" "$work/verifier/ek.d/"
sed -i 's/^operator: .*/operator: "127.0.0.1:0"/' "$work/verifier/attestd.yaml"
"$BUILD/attestd" run --config "$work/verifier/attestd.yaml" >"$work/attestd.log" 2>&1 &
verifier_pid=$!
wait_for "$work/verifier/admin.sock" $verifier_pid
port=$(sed -n 's/.*listening.*port=\([0-9]*\).*/\1/p' "$work/attestd.log" | head -n 1)
swtpm socket --tpm2 --tpmstate "dir=$work/tpm/state" --server "type=unixio,path=$work/tpm/tpm" \
    --ctrl "type=unixio,path=$work/tpm/tpm.ctrl" --flags not-need-init >"$work/swtpm.log" 2>&1 &
tpm_pid=$!
wait_for "$work/tpm/tpm" $tpm_pid

mkdir "$work/state"
cat >"$work/agent.yaml" <<END
state_dir: $work/state
tcti: "swtpm:path=$work/tpm/tpm"
logs: {uefi: none, ima: none}
measure:
  - {tree: $work/measured}
END
"$BUILD/attestctl" device allow gateway-7 --socket "$work/verifier/admin.sock" >"$work/enrolment-token"
"$BUILD/attest-agent" --config "$work/agent.yaml" enrol --verifier "https://localhost:$port" \
    --verifier-ca "$work/verifier/ca.pem" --id gateway-7 --token-file "$work/enrolment-token" >"$work/enrol.log" 2>&1
"$BUILD/attest-agent" --config "$work/agent.yaml" once --label "$work/gateway.label" >"$work/once.log" 2>&1

cp -r "$work/verifier/trust" "$work/trust"
echo 'file-key: forbidden' >"$work/trust/trust.yaml"
"$BUILD/attestctl" --trust "$work/trust" label verify "$work/gateway.label" --json >"$work/verify.json"
jq -e '.verdict == "pass" and .label.key_class == "pkcs11" and .label.device == "gateway-7"' "$work/verify.json" >/dev/null

# another key of the token takes over: no restart, no file, and the key of before is not asked any more
pkcs11-tool --module $module --token-label labels --login --pin 123456 --keypairgen \
    --key-type EC:prime256v1 --label label-key-2 --id 03 >>"$work/token.log" 2>&1
export ATTEST_ADMIN_SOCKET="$work/verifier/admin.sock"
"$BUILD/attestctl" --json key create label label-2 --keys "$work/verifier/state/keys" --issuer token-verifier \
    --key "pkcs11:token=labels;object=label-key-2?module-path=$module&pin-source=file:$work/pin" \
    --ca "$work/verifier/label-root.pem" --ca-key "$work/verifier/label-root.key" >"$work/key-create.json"
"$BUILD/attestctl" --json key rotate label label-2 --yes >"$work/key-rotate.json"
jq -e -s '.[1].change.now == .[0].key and .[1].change.reason == "rotated"' "$work/key-create.json" "$work/key-rotate.json" >/dev/null
pkcs11-tool --module $module --token-label labels --login --pin 123456 --delete-object --type privkey --label label-key \
    >>"$work/token.log" 2>&1
"$BUILD/attest-agent" --config "$work/agent.yaml" once --label "$work/second.label" >"$work/once-2.log" 2>&1
for label in gateway second; do
    "$BUILD/attestctl" --trust "$work/trust" label verify "$work/$label.label" --json >"$work/verify-$label.json"
    jq -e '.verdict == "pass" and .label.key_class == "pkcs11"' "$work/verify-$label.json" >/dev/null
done
# the configuration still names the key that is gone
kill "$verifier_pid"
wait "$verifier_pid" || true
rm -f "$work/verifier/admin.sock"
sed -i "s/^listen: .*/listen: \"127.0.0.1:$port\"/" "$work/verifier/attestd.yaml"
"$BUILD/attestd" run --config "$work/verifier/attestd.yaml" >"$work/attestd-2.log" 2>&1 &
verifier_pid=$!
wait_for "$work/verifier/admin.sock" $verifier_pid
"$BUILD/attest-agent" --config "$work/agent.yaml" once --label "$work/third.label" >"$work/once-3.log" 2>&1
"$BUILD/attestctl" --trust "$work/trust" label verify "$work/third.label" >"$work/verify-third.log"

# the same token signs a policy; it counts once its public key is listed
sed 's/^version: .*/version: 2/' policies/gateway-base.yaml >"$work/two.yaml"
"$BUILD/attestctl" policy sign "$work/two.yaml" --key "$policy_uri" --output "$work/two.cose" --json >"$work/sign.json"
jq -e '.verdict == "pass" and .reasons == []' "$work/sign.json" >/dev/null
code=0
"$BUILD/attestctl" policy load "$work/two.cose" --socket "$work/verifier/admin.sock" >"$work/load-1.log" 2>&1 || code=$?
if [ $code -ne 1 ] || ! grep -q E_CFG_POLICYSIG "$work/load-1.log"; then
    echo "a policy of an unlisted key gives exit $code"
    exit 1
fi
grep -q 'expected a label key, found none: --label-key pkcs11:URI' "$work/init-none.log" || {
    echo "init without a label key does not say what it wants: $(cat "$work/init-none.log")"
    exit 1
}
pkcs11-tool --module $module --token-label labels --read-object --type pubkey --label policy-key \
    --output-file "$work/policy.der" >>"$work/token.log" 2>&1
openssl pkey -pubin -inform DER -in "$work/policy.der" -out "$work/verifier/policy-signers/token.pem"
"$BUILD/attestctl" policy load "$work/two.cose" --socket "$work/verifier/admin.sock" >"$work/load-2.log" 2>&1

# the token used twice is refused, and no PIN or token stands in a log
code=0
rm -rf "$work/state" && mkdir "$work/state"
"$BUILD/attest-agent" --config "$work/agent.yaml" enrol --verifier "https://localhost:$port" \
    --verifier-ca "$work/verifier/ca.pem" --id gateway-8 --token-file "$work/enrolment-token" >"$work/again.log" 2>&1 || code=$?
[ $code -eq 1 ] || {
    echo "a used token gives exit $code"
    exit 1
}
if grep -l -F -e "$(cat "$work/enrolment-token")" "$work"/*.log; then
    echo "a secret stands in a log"
    exit 1
fi
