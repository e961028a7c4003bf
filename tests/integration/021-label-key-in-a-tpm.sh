#!/bin/sh
# Labels signed by a key that lives in a TPM of the verifier's own, through the PKCS#11 module of the TPM software stack.
set -eu
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs swtpm swtpm_setup pkcs11-tool jq openssl
module=$(find /usr/lib -name libtpm2_pkcs11.so -path '*/pkcs11/*' | head -n 1)
[ -n "$module" ] || skip 'the PKCS#11 module of tpm2-pkcs11 is not here'

umask 077
key_tpm() {
    swtpm socket --tpm2 --tpmstate "dir=$work/$1/state" --server "type=unixio,path=$work/key-tpm" \
        --ctrl "type=unixio,path=$work/key-tpm.ctrl" --flags not-need-init,startup-clear >"$work/$1.log" 2>&1 &
    key_pid=$!
    pids="$pids $key_pid"
    service_wait "$work/key-tpm" $key_pid
}
token() {
    pkcs11-tool --module "$module" "$@" >>"$work/token.log" 2>&1
}
scripts/swtpm-make "$work/own" >"$work/make.log" 2>&1
scripts/swtpm-make "$work/foreign" >>"$work/make.log" 2>&1
mkdir "$work/store"
printf '123456\n' >"$work/pin"
export TPM2_PKCS11_STORE="$work/store" TPM2_PKCS11_TCTI="swtpm:path=$work/key-tpm"
key_tpm own
token --init-token --label labels --so-pin 123456 --slot-index 0
token --token-label labels --init-pin --so-pin 123456 --pin 123456
token --token-label labels --login --pin 123456 --keypairgen --key-type EC:prime256v1 --label label-key --id 01
uri="pkcs11:token=labels;object=label-key?module-path=$module&pin-source=file:$work/pin"

service_start policies/gateway-base.yaml "$uri"
name=init
[ ! -e "$work/verifier/label.key" ] || complain 'a label key lies in a file'
name=attest
attest "$work/gateway.label"
[ "$code" -eq 0 ] || complain "attested with exit $code"
echo 'file-key: forbidden' >"$work/trust/trust.yaml"
check 'a label of the TPM, where keys in files are forbidden' 0 \
    "$ctl" --trust "$work/trust" label verify "$work/gateway.label" --json
json '.label.key_class == "pkcs11" and .label.device == "gateway-1"'

# the key is this TPM's: the same token files beside another TPM sign nothing
kill "$verifier_pid"
wait "$verifier_pid" || true
check 'the configuration, beside its own TPM' 0 "$BUILD/attestd" run --config "$work/verifier/attestd.yaml" --check-config
kill "$key_pid"
wait "$key_pid" || true
rm -f "$work/key-tpm" "$work/key-tpm.ctrl"
key_tpm foreign
check 'the same beside another TPM' 7 "$BUILD/attestd" run --config "$work/verifier/attestd.yaml" --check-config
says E_KEY_STORE
finish
