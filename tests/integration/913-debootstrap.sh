#!/bin/sh
# Reference values out of a root file system that debootstrap makes, and the boots of gateway-vm judged by them.
#
# Needs root, debootstrap and a mirror (DEBIAN_MIRROR); takes two minutes. What the image holds beside packages
# (its init, its users, the linker's cache) comes from its own list. A mirror that has newer packages than the
# image gives other values: then the files are counted and named, and the script is skipped.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
[ -n "${DEBOOTSTRAP:-}" ] || skip 'set DEBOOTSTRAP=1 to make a root file system from a mirror'
[ "$(id -u)" -eq 0 ] || skip 'debootstrap needs root'
needs jq debootstrap tar
vm=${CORPUS:-}/gateway-vm
[ -d "$vm" ] || skip 'no corpus folder here'
root=$work/root
debootstrap --variant=minbase --include=udev,kmod,openssl,initramfs-tools,tpm2-tools,dmsetup,systemd,procps,iproute2,mosquitto \
    bookworm "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$work/log" 2>&1 || skip "no mirror: $(tail -n 1 "$work/log")"

grep -E '  (usr/sbin/gwinit|etc/(passwd|group|ld\.so\.cache|fstab))$' "$vm/reference-rootfs.sha256" >"$work/own.sha256"
cut -d' ' -f1 "$vm/reference-rootfs.sha256" | sort -u >"$work/known"
grep -v ' boot_aggregate' "$vm/A/ima.ascii" | while read -r line; do
    digest=${line#*sha256:}
    grep -qx "${digest%% *}" "$work/known" || printf '%s \n' "$line"
done >"$work/initrd.ascii"
cat >"$work/policy.yaml" <<END
policy: gateway-vm
version: 1
requirements:
  - id: R-01
    title: {en: Logs, ja: ログ}
    severity: fail
    logs: [uefi, ima]
  - id: R-02
    title: {en: Boot, ja: 起動}
    severity: fail
    boot_pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 9]
  - id: R-03
    title: {en: Files, ja: ファイル}
    severity: fail
    ima_files: {unlisted: fail}
END
check 'from the root file system' 0 "$ctl" --json refvals make --root "$root" --output "$work/root.refvals"
echo "$(jq .files "$work/out") files, $(jq .links "$work/out") links"
tar -C "$root" -czf "$work/root.tar.gz" .
check 'from a tar file of it' 0 "$ctl" -q refvals make --tar "$work/root.tar.gz" --output "$work/tar.refvals"
cmp -s "$work/root.refvals" "$work/tar.refvals" || complain 'other values than those of the folder'

# the same tree by its packages: debootstrap leaves index, Release and every .deb in it
set --
for f in "$root"/var/lib/apt/lists/*_Packages; do set -- "$@" --index "$f"; done
for f in "$root"/var/lib/apt/lists/*Release; do set -- "$@" --release "$f"; done
set -- "$@" --pool "$root/var/cache/apt/archives" --status "$root/var/lib/dpkg/status"
check 'from the packages of its repository' 0 "$ctl" --json refvals make "$@" --output "$work/packages.refvals"
json '.missing == [] and .index == "named-by-release" and .packages > 100'
echo "$(jq .packages "$work/out") packages, $(jq .files "$work/out") files"
check 'their files' 0 "$ctl" refvals export --form allowlist "$@" --output "$work/packages.json"
check "the tree's files" 0 "$ctl" refvals export --form allowlist --root "$root" --output "$work/root.json"
for of in packages root; do
    jq -r '.digests | to_entries[] | .key as $name | .value[] | "\(.) \($name)"' "$work/$of.json" | sort >"$work/$of.files"
done
# names below a folder that is merged into /usr stand there for a gateway where it is not
name='a file of a package is in the tree with another content, or is not there'
comm -23 "$work/packages.files" "$work/root.files" | grep -vE ' /(bin|sbin|lib|lib32|lib64|libx32|libo32)/' >"$work/differ" || true
[ ! -s "$work/differ" ] || complain "$(head -n 5 "$work/differ")"
comm -13 "$work/packages.files" "$work/root.files" | cut -d' ' -f2- >"$work/made"
echo "$(comm -12 "$work/packages.files" "$work/root.files" | wc -l) files as in the packages, $(wc -l <"$work/made") of none:" \
    "$(grep -c '^/var/lib/dpkg/' "$work/made") of dpkg, $(grep -c '^/var/cache/apt/' "$work/made") packages," \
    "$(grep -vcE '^/var/(lib/dpkg|cache/apt)/' "$work/made") made by scripts"

check 'with the initrd and the boots' 0 "$ctl" -q refvals make --root "$root" --sha256sums "$work/own.sha256" --ima "$work/initrd.ascii" \
    --uefi "$vm/A/bios.bin" --uefi "$vm/F/bios.bin" --output "$work/all.refvals"
for b in A B F; do
    d=$vm/$b code=0
    "$ctl" --json evidence appraise --quote "$d/rquote.msg" --signature "$d/rquote.sig" --ak "$d/rak.pub" \
        --nonce 0011223344556677889900aabbccddee --uefi "$d/bios.bin" --ima "$d/ima.bin" \
        --policy "$work/policy.yaml" --refvals "$work/all.refvals" >"$work/out" || code=$?
    [ "$code" -eq 0 ] || [ "$bad" -gt 0 ] || skip "boot $b ran other packages than the mirror has: $(jq -r '[.reasons[] | .path + " " + .detail[0:60]] | join("; ")' "$work/out")"
    rows=$((rows + 1))
    echo "boot $b: exit $code"
done
finish
