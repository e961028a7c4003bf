# shellcheck shell=sh disable=SC2034,SC2154 # sourced: variables are the other file's
# A whole gateway as a virtual machine: firmware, TPM, kernel, disk. Source it; $work is the caller's scratch folder
# and $image the folder of tests/gateway/image.
#
#   tpm_new NAME [BANKS]     a TPM of the one maker whose root is $work/maker/ca.pem
#   machine_new              a disk and a firmware memory as they leave the factory
#   machine_on               power: the TPM and the machine, with what $tpm $kernel $initrd $append $firmware $memory say
#   machine_up SECONDS       wait until the gateway's hand answers; $boot_id
#   machine_off              an orderly shutdown
#   machine_cut              the power is cut: machine and TPM end in the same moment
#   guest COMMAND            a shell script in the gateway; its output, and its exit code
machine_pid='' tpm_pid='' boot_id=''

tpm_new() {
    if [ ! -d "$work/maker" ]; then
        scripts/swtpm-make "$work/tpm.$1" >"$work/log/swtpm-make" 2>&1
        cp -r "$work/tpm.$1/ca" "$work/maker"
    else
        scripts/swtpm-make -c "$work/maker" "$work/tpm.$1" >>"$work/log/swtpm-make" 2>&1
    fi
    runas=
    [ "$(id -u)" -ne 0 ] || runas='--runas root'
    # shellcheck disable=SC2086 # two words or none
    [ $# -lt 2 ] || swtpm_setup --tpm2 --tpmstate "dir://$work/tpm.$1/state" --config "$work/tpm.$1/setup.conf" --reconfigure \
        --pcr-banks "$2" $runas >>"$work/log/swtpm-make" 2>&1
}

machine_new() {
    rm -f "$work/disk.qcow2"
    qemu-img create -q -f qcow2 -b "$image/disk.img" -F raw "$work/disk.qcow2"
    cp /usr/share/OVMF/OVMF_VARS_4M.fd "$work/vars.fd"
    machine_defaults
}

machine_defaults() {
    tpm=one kernel=$image/vmlinuz initrd=$image/initrd.img firmware=ovmf memory=512
    append=$known_cmdline
}

# What the kernel is told on a good boot.
known_cmdline='root=/dev/vda rw console=ttyS0 quiet ima_policy=tcb'

machine_on() {
    (cd "$GATEWAY_DIR/packages" && tar -cf "$work/packages.tar" ./*.deb ./*/attest-agent_*.deb)
    set -- -machine "q35,accel=${GATEWAY_ACCEL:-tcg}" -cpu max -m "$memory" -nodefaults -no-user-config -display none
    case $firmware in
    ovmf) set -- "$@" -drive if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
        -drive "if=pflash,unit=1,format=raw,file=$work/vars.fd" ;;
    *) set -- "$@" -bios "$firmware" ;;
    esac
    if [ -n "$tpm" ]; then
        swtpm socket --tpm2 --tpmstate "dir=$work/tpm.$tpm/state" --ctrl "type=unixio,path=$work/tpm.sock" --terminate \
            --log "file=$work/log/swtpm,level=1" 9>&- &
        tpm_pid=$!
        wait_for_path "$work/tpm.sock" $tpm_pid
        set -- "$@" -chardev "socket,id=tpm,path=$work/tpm.sock" -tpmdev emulator,id=tpm0,chardev=tpm -device tpm-crb,tpmdev=tpm0
    fi
    rm -f "$work/hand.in" "$work/hand.out"
    mkfifo "$work/hand.in" "$work/hand.out"
    qemu-system-x86_64 "$@" -drive "if=none,id=disk,format=qcow2,file=$work/disk.qcow2" -device virtio-blk-pci,drive=disk \
        -drive "if=none,id=packages,format=raw,readonly=on,file=$work/packages.tar" -device virtio-blk-pci,drive=packages \
        -netdev user,id=net -device virtio-net-pci,netdev=net,romfile= -device virtio-rng-pci \
        -device virtio-serial-pci -chardev "pipe,id=hand,path=$work/hand" -device virtserialport,chardev=hand,name=attestd.test \
        -serial "file:$work/log/console.$(date +%H%M%S)" -kernel "$kernel" -initrd "$initrd" -append "$append" \
        >"$work/log/qemu" 2>&1 9>&- &
    machine_pid=$!
    exec 7>"$work/hand.in" 8<"$work/hand.out"
}

# ask SECONDS SCRIPT: a script to the gateway, and what it said within that time; 70 when it does not answer. What it
# answers to a question of before (the power may have gone since) has another number and is passed over.
ask() {
    asked=$(date +%s%N)
    printf '%s %s\n' "$asked" "$(printf '%s\n' "$2" | base64 -w 0)" >&7
    # shellcheck disable=SC2016 # the inner shell's own
    line=$(timeout "$1" sh -c 'while read -r n rest; do [ "$n" != "$0" ] || { echo "$rest"; break; }; done' "$asked" <&8) || true
    [ -n "$line" ] || {
        echo "the gateway does not answer within $1 s"
        return 70
    }
    case $line in *\ *) printf '%s' "${line#* }" | base64 -d ;; esac # nothing was said: a code alone
    return "${line%% *}"
}

guest() { ask "${guest_seconds:-180}" "$1"; }

# Until a boot answers that is another than the last one.
machine_up() {
    until=$(($(date +%s) + $1)) last=$boot_id
    while [ "$(date +%s)" -lt "$until" ]; do
        boot_id=$(ask 10 'cat /proc/sys/kernel/random/boot_id') || boot_id=$last
        [ "$boot_id" = "$last" ] || return 0
        sleep 1
    done
    kill -0 "$machine_pid" 2>/dev/null || cat "$work/log/qemu"
    echo "the gateway did not come up in $1 s; the end of its console:"
    # shellcheck disable=SC2012 # names without spaces
    tail -n 15 "$(ls -t "$work"/log/console.* | head -n 1)"
    return 1
}

machine_ended() { # machine_ended SECONDS: the machine is off by itself
    i=0
    while kill -0 "$machine_pid" 2>/dev/null; do
        i=$((i + 1))
        [ $i -le $(($1 * 10)) ] || return 1
        sleep 0.1
    done
    machine_gone
}

machine_gone() {
    wait "$machine_pid" 2>/dev/null || true
    [ -z "$tpm_pid" ] || wait "$tpm_pid" 2>/dev/null || true
    exec 7>&- 8<&-
    rm -f "$work/tpm.sock"
    machine_pid='' tpm_pid=''
}

machine_off() {
    ask 5 'systemctl --no-block poweroff' >/dev/null || true
    machine_ended 120 || {
        echo 'the gateway did not shut down in 120 s'
        machine_cut
        return 1
    }
}

machine_cut() {
    [ -n "$machine_pid" ] || return 0
    kill -9 "$machine_pid" 2>/dev/null || true
    [ -z "$tpm_pid" ] || kill -9 "$tpm_pid" 2>/dev/null || true
    machine_gone
}
