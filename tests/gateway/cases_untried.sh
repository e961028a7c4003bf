# shellcheck shell=bash disable=SC2034,SC2154 # sourced: variables are the other files'
# Cases that are written and were not yet seen to pass: they run when they are named, and no list has them.

case_reboot() { # an orderly reboot: the same identity, a label without a hand
    local before ak
    outcome_last
    before=$boot_id ak=$(jq -r .device.ak_name "$work/device.json")
    reboot_it || return 1
    expect 'another boot' test "$boot_id" != "$before" || return 1
    expect 'a label' labelled affirming "$LABEL" || return 1
    expect 'the same attestation key' test "$(jq -r .device.ak_name "$work/device.json")" = "$ak" || return 1
    found="affirming again, the same key"
}

# maintenance NOTICE SOURCE...: a change notice of the role maintenance, taken in by the running verifier
maintenance() {
    local id=$1
    shift
    if [ ! -e "$work/maintenance.key" ]; then
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/maintenance.key" 2>/dev/null
        openssl pkey -in "$work/maintenance.key" -pubout -out "$work/verifier/notice-signers/maintenance.pem"
    fi
    "$ctl" notice make --id "$id" --role maintenance --until "$(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)" --title "$id" \
        --refvals "$work/known.refvals" --key "$work/maintenance.key" --insecure-file-key -o "$work/verifier/notices/$id.notice" "$@" || return 1
    kill -HUP "$verifier_pid"
}

# The second disk of the machine is a tar file of packages; /run is no disk, so reading them there is not measured.
unpack='mkdir -p /run/debs && tar -C /run/debs -xf /dev/vdb'

# rehearsed COMMAND: what the kernel's list says on the known-good machine after COMMAND and after a reboot, in $work/rehearsed
rehearsed() {
    mv "$work/disk.qcow2" "$work/disk.kept"
    mv "$work/vars.fd" "$work/vars.kept"
    machine_new
    tpm=golden
    power_on || return 1
    expect "on the known-good machine: $1" guest "$1" || return 1
    guest 'cat /sys/kernel/security/ima/ascii_runtime_measurements' >"$work/rehearsed"
    reboot_it || return 1
    guest 'cat /sys/kernel/security/ima/ascii_runtime_measurements' >"$work/rehearsed.boot"
    machine_cut
    mv "$work/disk.kept" "$work/disk.qcow2"
    mv "$work/vars.kept" "$work/vars.fd"
    machine_defaults
}

case_update_window() { # a package is updated inside a window that was announced: a warning; its old state is refused afterwards
    local install="$unpack && dpkg -i /run/debs/app_1.1_all.deb && gateway-app"
    machine_off || return 1
    rehearsed "$install" || return 1
    expect 'a change notice' maintenance app-1.1 --deb "$GATEWAY_DIR/packages/app_1.1_all.deb" --ima "$work/rehearsed" --ima "$work/rehearsed.boot" || return 1
    power_on || return 1
    outcome_last
    expect 'dpkg installs it' guest "$install" || return 1
    expect 'a warning' labelled warning "$LABEL" || return 1
    expect 'that names the window' names E_REF_WINDOW app-1.1 || return 1
    guest 'dpkg -i /run/debs/app_1.0_all.deb && gateway-app' >/dev/null
    expect 'a refusal of the state before' labelled failed "$LABEL" || return 1
    guest 'dpkg -i /run/debs/app_1.1_all.deb' >/dev/null
    reboot_it || return 1
    expect 'a label again' labelled warning "$LABEL" || return 1
    found='warning, E_REF_WINDOW app-1.1; the version before: refused'
}

lockout() { guest 'attest-agent doctor --json' | jq -r '.lines[]? | select(.id == "tpm.lockout") | .detail'; }

case_power_cuts() { # the power is cut at ten random moments: a label again each time, without a hand; no lockout
    local cut moment before after moments=''
    before=$(lockout)
    for cut in 1 2 3 4 5 6 7 8 9 10; do
        moment=$((RANDOM % ${GATEWAY_CUT_SECONDS:-60}))
        moments="$moments $moment"
        sleep $moment
        machine_cut
        outcome_last
        machine_on
        # every second cut comes while it starts, the others while it runs and is labelled
        [ $((cut % 2)) -eq 1 ] || continue
        up_again || return 1
        expect "a label after cut $cut" labelled affirming "$LABEL" || return 1
    done
    up_again || return 1
    expect 'a label after the last cut' labelled affirming "$LABEL" || return 1
    after=$(lockout)
    expect "the TPM's lockout counter as before: $before" test "$after" = "$before" || return 1
    found="cut$moments s after power or label; lockout counter $after"
}

case_agent_upgraded() { # our own package to the next version and back, inside a window: the same identity
    tests/gateway/packages "$GATEWAY_DIR/packages" next || return 1
    machine_off || return 1
    local next="$unpack && dpkg -i /run/debs/next/attest-agent_*.deb" ak
    rehearsed "$next" || return 1
    expect 'a change notice' maintenance agent-next --deb "$GATEWAY_DIR"/packages/next/attest-agent_*.deb --ima "$work/rehearsed" \
        --ima "$work/rehearsed.boot" || return 1
    power_on || return 1
    outcome_last
    ak=$(jq -r .device.ak_name "$work/device.json")
    expect 'dpkg installs it' guest "$next" || return 1
    expect 'a warning with the next version' labelled warning "$LABEL" || return 1
    expect 'that names the window' names E_REF_WINDOW agent-next || return 1
    rm "$work/verifier/notices/agent-next.notice"
    kill -HUP "$verifier_pid"
    expect 'dpkg installs the old one' guest 'dpkg -i /run/debs/now/attest-agent_*.deb' || return 1
    outcome_last
    reboot_it || return 1
    expect 'the old one attests' labelled affirming "$LABEL" || return 1
    expect 'the same attestation key' test "$(jq -r .device.ak_name "$work/device.json")" = "$ak" || return 1
    found='up: warning, E_REF_WINDOW agent-next; down: affirming; the same key'
}

case_no_tpm() { # without a TPM: said by doctor, and the verifier sees silence
    machine_off || return 1
    tpm=
    power_on || return 1
    expect 'doctor names it' refuses_in_guest E_TPM_ABSENT 'attest-agent doctor' || return 1
    outcome_last
    expect 'silence is told as stale' silent || return 1
    found='E_TPM_ABSENT; the verifier: stale'
    machine_off || return 1
    machine_defaults
    power_on || return 1
    expect 'a label with its TPM' labelled affirming "$LABEL"
}
silent() {
    until=$(($(date +%s) + 300))
    while [ "$(date +%s)" -lt "$until" ]; do
        outcome_last
        [ "$status" != stale ] || return 0
        sleep 2
    done
    echo "the status stale within 300 s; it is $status"
    return 1
}

case_no_ima() { # the kernel measures no files: doctor warns, the verifier refuses
    machine_off || return 1
    append=${known_cmdline% ima_policy=tcb}
    power_on || return 1
    outcome_last
    guest 'attest-agent doctor' >"$work/doctor"
    expect 'doctor says so' grep -A2 'warn.*log.ima ' "$work/doctor" || return 1
    expect 'a refusal' labelled failed "$LABEL" || return 1
    expect 'that names the PCR of the command line' names E_REF_MISMATCH pcr/sha256/9 || return 1
    found='doctor: log.ima; E_REF_MISMATCH pcr/sha256/9'
    machine_off || return 1
    machine_defaults
    power_on || return 1
    expect 'a label with it' labelled affirming "$LABEL"
}

case_sha1_only() { # SHA-1 is the only bank of the TPM: doctor fails, the agent does not attest
    tpm_new sha1 sha1 || return 1
    machine_off || return 1
    tpm=sha1
    power_on || return 1
    expect 'doctor names the banks' refuses_in_guest 'fail.*tpm.banks' 'attest-agent doctor' || return 1
    found='doctor: tpm.banks fails'
    machine_off || return 1
    machine_defaults
    power_on || return 1
    outcome_last
    expect 'a label with the first TPM' labelled affirming "$LABEL"
}

case_not_extended() { # firmware that extends nothing into an active bank: doctor warns, the verifier refuses
    machine_off || return 1
    firmware=/usr/share/qemu/qboot.rom
    power_on || return 1
    outcome_last
    guest 'attest-agent doctor' >"$work/doctor"
    expect 'doctor says so' grep 'warn.*tpm.bank-extended' "$work/doctor" || return 1
    expect 'a refusal' labelled failed "$LABEL" || return 1
    expect 'that names a missing boot log' names E_LOG_COVERAGE uefi || return 1
    found='doctor: tpm.bank-extended; E_LOG_COVERAGE uefi'
    machine_off || return 1
    machine_defaults
    power_on || return 1
    expect 'a label with its firmware' labelled affirming "$LABEL"
}
