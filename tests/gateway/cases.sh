# shellcheck shell=bash disable=SC2034,SC2154 # sourced: variables are the other files'
# What happens to the gateway. A case is a function whose first line says what; it uses $found for the table.
# The machine goes on from case to case; each leaves it running, labelled, with the TPM and the disk of the first.

LABEL=${GATEWAY_LABEL_SECONDS:-300} # how long a label may take on a slow host: the boot, and reading every file
UP=${GATEWAY_UP_SECONDS:-300}

# The known-good boot: another machine of the same image, whose logs say what firmware and kernel measure.
prepare() {
    printf '== a known-good boot, and reference values from it\n'
    tpm_new golden && tpm_new one || return 1
    machine_new
    tpm=golden
    machine_on
    machine_up "$UP" || return 1
    guest 'base64 -w 0 /sys/kernel/security/tpm0/binary_bios_measurements' | base64 -d >"$work/known.bios"
    guest 'cat /proc/cmdline' >"$work/known.cmdline"
    machine_off || return 1
    "$ctl" -q refvals make --root "$image/root" --image "$image/initrd.img" --uefi "$work/known.bios" \
        --cmdline "$work/known.cmdline" --output "$work/known.refvals" || return 1
    verifier_start
    outcome=0
}

up_again() { # after machine_on or a reboot
    expect 'the gateway comes up' machine_up "$UP"
}

# The answer may be lost: the hand ends with the boot.
reboot_it() {
    ask 10 'systemctl --no-block reboot' >/dev/null || true
    up_again
}

power_on() {
    machine_on
    up_again
}

# reason_in_guest CODE COMMAND: a command in the gateway that fails and names the code
refuses_in_guest() {
    guest "$2" >"$work/refusal" && { echo "the command succeeds: $2"; return 1; }
    grep -q -e "$1" "$work/refusal" || { echo "$1"; cat "$work/refusal"; return 1; }
}

case_first_boot() { # installed from its package, enrolled with a token, a label of grade E3
    machine_new
    power_on || return 1
    local token
    token=$("$ctl" device allow gateway-1 --verifier-ca "$work/verifier/ca.pem" 2>"$work/log/allow") || return 1
    expect 'doctor finds nothing that fails' guest 'attest-agent doctor' || return 1
    expect 'enrolled' guest "cat >/run/token <<X
$token
X
attest-agent enrol --id gateway-1 --verifier $url --token-file /run/token" || return 1
    expect 'the service starts' guest 'systemctl enable --now attest-agent' || return 1
    expect 'a label' labelled affirming "$LABEL" || return 1
    "$ctl" -q label get gateway-1 --output "$work/gateway.label"
    expect 'a label that a partner verifies, of grade E3' grade E3 || return 1
    found="affirming, grade E3, $(guest 'wc -l </sys/kernel/security/ima/ascii_runtime_measurements') files in the kernel's list"
}
grade() {
    "$ctl" --json --trust "$work/verifier/trust" label verify "$work/gateway.label" >"$work/verified" || { cat "$work/verified"; return 1; }
    grep -q "\"$1\"" "$work/verified" || { cat "$work/verified"; return 1; }
}

case_binary_replaced() { # a program is replaced and run: refused by its name; put back and booted anew: a label
    outcome_last
    guest 'cp /usr/bin/gateway-app /run/app && { cat /run/app; echo "# changed"; } >/usr/bin/gateway-app && gateway-app' >/dev/null
    expect 'a refusal' labelled failed "$LABEL" || return 1
    expect 'that names the program' names E_REF_MISMATCH /usr/bin/gateway-app || return 1
    guest 'cp /run/app /usr/bin/gateway-app' >/dev/null
    reboot_it || return 1
    expect 'a label' labelled affirming "$LABEL" || return 1
    found='E_REF_MISMATCH /usr/bin/gateway-app; put back: affirming'
}

case_command_line() { # the kernel is told something else: refused by PCR and parameter
    machine_off || return 1
    append="$known_cmdline init_on_free=1"
    power_on || return 1
    outcome_last
    expect 'a refusal' labelled failed "$LABEL" || return 1
    expect 'that names the PCR of the command line' names E_REF_MISMATCH pcr/sha256/9 || return 1
    found="E_REF_MISMATCH pcr/sha256/9"
    machine_off || return 1
    machine_defaults
    power_on || return 1
    expect 'a label with the old command line' labelled affirming "$LABEL"
}

case_other_kernel() { # another kernel of the same distribution: refused by PCR 4
    machine_off || return 1
    kernel=$image/other-vmlinuz initrd=$image/other-initrd.img
    power_on || return 1
    outcome_last
    expect 'a refusal' labelled failed "$LABEL" || return 1
    expect 'that names the PCR of the kernel' names E_REF_MISMATCH pcr/sha256/4 || return 1
    found="E_REF_MISMATCH pcr/sha256/4"
    machine_off || return 1
    machine_defaults
    power_on || return 1
    expect 'a label with the old kernel' labelled affirming "$LABEL"
}

case_tpm_swapped() { # another TPM on the same disk: it does not run under the old name
    tpm_new two || return 1
    machine_off || return 1
    tpm=two
    power_on || return 1
    outcome_last
    local before=$outcome
    expect 'the agent names the other TPM' refuses_in_guest E_TPM_OTHER 'attest-agent once' || return 1
    outcome_last
    expect 'no outcome under the old name' test "$outcome" -eq "$before" || return 1
    found='E_TPM_OTHER in the gateway, nothing at the verifier'
    machine_off || return 1
    machine_defaults
    power_on || return 1
    expect 'a label with the old TPM' labelled affirming "$LABEL"
}
