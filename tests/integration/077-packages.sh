#!/bin/sh
# The packages in a fresh Debian that boots: install, doctor, enrol, enable; a label; restarts; a proxy; purge.
#
# Needs root, systemd-nspawn, a mirror (DEBIAN_MIRROR) and DEBOOTSTRAP=1, or DEBOOTSTRAP=FOLDER with a tree that
#   debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus bookworm FOLDER
# made. The packages are those of build/deb (make deb). The TPM is software, beside the container; everything else
# is what the packages installed, run by their units. The container has a network of its own, with nothing in it.
# shellcheck disable=SC2016 # what stands in single quotes is expanded inside
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
[ -n "${DEBOOTSTRAP:-}" ] || skip 'set DEBOOTSTRAP=1 to install the packages in a fresh system'
[ "$(id -u)" -eq 0 ] || skip 'debootstrap needs root'
needs debootstrap systemd-nspawn swtpm unshare jq
debs=$PWD/build/deb
[ -n "$(ls "$debs"/attest-agent_*.deb 2>/dev/null)" ] || skip 'no packages in build/deb: make deb first'
root=$work/root
if [ -d "$DEBOOTSTRAP" ]; then
    cp -a "$DEBOOTSTRAP" "$root"
else
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus bookworm "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} \
        >"$work/log" 2>&1 || skip "no mirror: $(tail -n 1 "$work/log")"
fi
# container FOLDER ARGUMENT...: /run and a control group tree of its own, neither is the host's
container() {
    unshare -m sh -c 'mount -t tmpfs tmpfs /run && umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup &&
        SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn -q --register=no --keep-unit --resolv-conf=off -M attest077 \
            --console=pipe -D "$@"' sh "$@" </dev/null
}
in_root() { container "$root" --setenv=DEBIAN_FRONTEND=noninteractive --setenv=LC_ALL=C.UTF-8 "$@"; }
everything() { (cd "$root" && find . -xdev ! -path './var/lib/dpkg/*' ! -path './var/cache/*' ! -path './walk*' ! -path './var/log/*' | sort); }

# fresh: what the packages need is there, so that the difference is the packages' own
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
# libevent's floor is a security update, from where this machine has its own
security=${DEBIAN_SECURITY_MIRROR:-$(apt-get indextargets --format '$(SITE) $(CODENAME)' | sed -n 's/ bookworm-security$//p' | head -n 1)}
[ -n "$security" ] || skip 'no source of security updates here: set DEBIAN_SECURITY_MIRROR'
echo "deb $security bookworm-security main" >>"$root/etc/apt/sources.list"
mkdir -p "$root/walk/debs"
cp "$debs"/*.deb "$root/walk/debs/"
check 'index' 0 in_root apt-get update -q
for p in "$root"/walk/debs/*.deb; do dpkg-deb -f "$p" Depends; done |
    sed 's/([^)]*)//g; s/|[^,]*//g' | tr ',' '\n' | tr -d ' ' | sort -u >"$work/depends"
# shellcheck disable=SC2046 # a list
check 'what they depend on' 0 in_root apt-get install -q -y --no-install-recommends procps tinyproxy-bin libtss2-tcti-swtpm0 $(cat "$work/depends")
everything >"$work/before"

check 'command 1: install' 0 in_root sh -c 'apt-get install -q -y --no-install-recommends /walk/debs/*.deb'
check 'the state folders are those of the users' 0 in_root sh -c '[ "$(stat -c "%U %a" /var/lib/attest-agent)" = "attest-agent 700" ] &&
    [ "$(stat -c "%U %a" /var/lib/attestd)" = "attestd 700" ] && id -nG attest-agent | grep -qw tss'
check 'neither is enabled before somebody does it' 0 sh -c "! ls '$root'/etc/systemd/system/*/attest* 2>/dev/null"

name='files of the agent, bytes'
rows=$((rows + 1))
own=$(dpkg-deb -c "$debs"/attest-agent_*.deb | awk '{ sum += $3 } END { print sum }')
echo "files of attest-agent: $own bytes"
[ "$own" -le 1048576 ] || complain "expected at most 1048576, found $own"

# the TPM beside the container, and one line of the configuration for it: a socket instead of /dev/tpmrm0
scripts/swtpm-make "$work/tpm" >"$work/swtpm-make.log" 2>&1
mkdir -p "$root/walk/tpm"
swtpm socket --tpm2 --tpmstate "dir=$work/tpm/state" --server "type=unixio,path=$root/walk/tpm/tpm,mode=0666" \
    --ctrl "type=unixio,path=$root/walk/tpm/tpm.ctrl,mode=0666" --flags not-need-init >"$work/swtpm.log" 2>&1 &
pids="$pids $!"
sed -i 's|^tcti:.*|tcti: "swtpm:path=/walk/tpm/tpm"|' "$root/etc/attestd/agent.yaml"
cp "$work/tpm/ca/ca.pem" "$root/walk/"
echo "127.0.0.1 localhost" >"$root/etc/hosts" # the proxy asks the resolver
# the state that was approved is the one that is installed now
sed 's|\["/"\]|["/usr/bin", "/usr/sbin", "/usr/lib", "/usr/libexec", "/etc/attestd"]|' policies/gateway-base.yaml >"$root/walk/policy.yaml"
check 'reference values' 0 "$ctl" -q refvals make --root "$root" --output "$root/walk/reference.refvals"

# what is done inside: one step a line, "NAME CODE", and what it said in NAME.out
cp tests/integration/077-walk "$root/walk/walk"
cat >"$root/etc/systemd/system/walk.service" <<'END'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh /walk/walk
ExecStopPost=/bin/systemctl poweroff --force
[Install]
WantedBy=default.target
END
mkdir -p "$root/etc/systemd/system/default.target.wants"
ln -s ../walk.service "$root/etc/systemd/system/default.target.wants/walk.service"
container "$root" --private-network -b >"$work/nspawn" 2>&1 &
pid=$!
i=0
while kill -0 $pid 2>/dev/null && [ $i -lt 400 ]; do sleep 1; i=$((i + 1)); done
kill $pid 2>/dev/null || true
wait $pid || true
[ -s "$root/walk/steps" ] || { tail -n 5 "$work/nspawn"; skip 'systemd does not boot in a container here'; }
while read -r step code; do
    check "inside: $step" 0 test "$code" -eq 0
    [ "$code" -eq 0 ] || tail -n 25 "$root/walk/$step.out"
done <"$root/walk/steps"
name='the walk'
grep -qx 'end 0' "$root/walk/steps" || complain "did not come to its end: $(tail -n 1 "$root/walk/steps")"
cat "$root/walk/doctor.out"
grep -E 'fail|killed|denied|EPERM|suppressed' "$root/walk/journal.out" || true
check 'the label is good for a stranger' 0 "$ctl" --trust "$root/var/lib/attestd/trust" label verify "$root/walk/gateway-1.label"

rm -r "$root/etc/systemd/system/default.target.wants/walk.service" "$root/etc/systemd/system/walk.service"
check 'remove' 0 in_root apt-get remove -q -y attest-agent attestd attestctl
check 'keeps who the gateway is, and the records' 0 test -e "$root/var/lib/attest-agent/enrolment.cbor" -a -e "$root/var/lib/attestd/state/attestd.db"
check 'purge' 0 in_root apt-get purge -q -y attest-agent attestd attestctl
everything >"$work/after"
comm -13 "$work/before" "$work/after" | grep -vE '^\./(run|tmp|var/tmp|var/lib/systemd|var/lib/apt|etc/machine-id|root/\.)' >"$work/left" || true
name='purge leaves nothing'
rows=$((rows + 1))
! grep -E 'attest' "$work/left" >"$work/ours" || complain "$(cat "$work/ours")"
echo "other files than before: $(wc -l <"$work/left")"; head -n 10 "$work/left"
finish
