#!/bin/sh
# Reference values from everything that a root file system comes as: the same values each time, and what is
# damaged is refused with the file and the place in it, without a file being written.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs jq sha256sum tar cpio gzip xz zstd mke2fs mksquashfs ar

root=$work/root
mkdir -p "$root/usr/bin" "$root/etc" "$root/lib/modules/6.1.0-7-amd64/kernel"
echo tool >"$root/usr/bin/tool"
echo 'mode = 1' >"$root/etc/gw.conf"
ln "$root/etc/gw.conf" "$root/etc/gw.conf.link"
: >"$root/etc/empty"
ln "$root/etc/empty" "$root/etc/empty.link"
ln -s ../usr/bin/tool "$root/etc/link"
ln -s "$(printf 'long%.0s' $(seq 60))" "$root/etc/longlink"
echo module >"$root/lib/modules/6.1.0-7-amd64/kernel/a.ko"
truncate -s 3M "$root/etc/sparse"
echo end >>"$root/etc/sparse"
hash_of() { sha256sum <"$1" | cut -c1-64; }
whole=$work/want.refvals
out=$work/out.refvals

check 'the folder' 0 "$ctl" --json refvals make --root "$root" --output "$whole"
json_form
json '.files == 7 and .links == 2 and .skipped == 0'
same() { cmp -s "$whole" "$out" || { name=$1 && complain 'other values than those of the folder'; }; }
source_is() { # source_is NAME FILE OPTION: gives the folder's values
    rm -f "$out"
    check "$1" 0 "$ctl" -q refvals make "$3" "$2" --output "$out"
    same "$1"
}

tar -C "$root" -cf "$work/a.tar" .
tar -C "$root" --format=posix -czSf "$work/a.tar.gz" .
xz -k "$work/a.tar"
zstd -q -k "$work/a.tar"
(cd "$root" && find . | cpio -o -H newc 2>/dev/null) >"$work/a.cpio"
mkdir "$work/early" && echo microcode >"$work/early/ucode"
(cd "$work/early" && find . | cpio -o -H newc 2>/dev/null) >"$work/early.cpio"
mksquashfs "$root" "$work/a.sqfs" -quiet -noappend -no-progress >/dev/null
mksquashfs "$root" "$work/b.sqfs" -comp zstd -b 4096 -quiet -noappend -no-progress >/dev/null
mke2fs -q -t ext4 -d "$root" "$work/a.ext4" 16M >/dev/null 2>&1
mke2fs -q -t ext2 -d "$root" "$work/a.ext2" 16M >/dev/null 2>&1
for f in a.tar a.tar.gz a.tar.xz a.tar.zst a.cpio a.sqfs b.sqfs a.ext4 a.ext2; do
    source_is "$f" "$work/$f" --image
done
source_is 'a tar file by its other name' "$work/a.tar" --tar
(cd "$root" && find . -type f -exec sha256sum {} +) >"$work/SUMS"
check 'a list of the root' 0 "$ctl" -q refvals make --sha256sums "$work/SUMS" --output "$out"
check 'the list and the rest merge' 0 "$ctl" -q refvals make --sha256sums "$work/SUMS" --image "$work/a.cpio" --output "$out"
same 'merged'
sed 's/  \.\//  /' "$work/SUMS" >"$work/SUMS.bare"
check 'names without a dot' 0 "$ctl" -q refvals make --sha256sums "$work/SUMS.bare" --output "$out"
check 'their names' 0 "$ctl" --json refvals show "$out" --name /usr/bin/tool
json ".expected == [\"$(hash_of "$root/usr/bin/tool")\"]"

# an initrd: microcode first, then the compressed part
{ cat "$work/early.cpio" && head -c 512 /dev/zero && gzip -c "$work/a.cpio"; } >"$work/initrd"
check 'an initrd of two parts' 0 "$ctl" -q refvals make --image "$work/initrd" --output "$out"
check 'its first part' 0 "$ctl" refvals show "$out" --name /ucode
check 'its second part' 0 "$ctl" refvals show "$out" --name /usr/bin/tool
check 'modules name their kernel' 0 "$ctl" --json refvals show "$out" --name ima-buf:kernel_version
json ".expected == [\"$(printf 6.1.0-7-amd64 | sha256sum | cut -c1-64)\"]"

# a package: names of the merged /usr as well
mkdir "$work/control" && echo 'Package: x' >"$work/control/control"
tar -C "$work/control" -czf "$work/control.tar.gz" .
tar -C "$root" -cJf "$work/data.tar.xz" ./usr ./lib
echo 2.0 >"$work/debian-binary"
(cd "$work" && ar rc x.deb debian-binary control.tar.gz data.tar.xz)
check 'a Debian package' 0 "$ctl" --json refvals make --deb "$work/x.deb" --output "$out"
json '.files == 2'
for n in /usr/bin/tool /lib/modules/6.1.0-7-amd64/kernel/a.ko /usr/lib/modules/6.1.0-7-amd64/kernel/a.ko; do
    check "of the package: $n" 0 "$ctl" refvals show "$out" --name "$n"
done
check 'what may not be missing is named where /usr is merged' 0 \
    "$ctl" refvals show "$out" --name complete:/usr/lib/modules
check 'and there alone' 1 "$ctl" refvals show "$out" --name complete:/lib/modules
check 'no control file is expected on the gateway' 1 "$ctl" refvals show "$out" --name /control
check 'two packages' 0 "$ctl" -q refvals make --deb "$work/x.deb" --deb "$work/x.deb" --output "$out"

# sha256sum writes names with a line break escaped; other tools write tags
printf 'x' >"$work/$(printf 'a\nb')"
(cd "$work" && sha256sum "$(printf 'a\nb')" && sha256sum --tag debian-binary && sha256sum -b x.deb) >"$work/ODD"
check 'escaped, tagged and binary lines' 0 "$ctl" --json refvals make --sha256sums "$work/ODD" --output "$out"
json '.files == 3'
check 'the tagged name' 0 "$ctl" refvals show "$out" --name /debian-binary

# what is damaged: exit 4, the file named, nothing written
refused() { # refused NAME FILE OPTION TEXT
    rm -f "$out"
    check "$1" 4 "$ctl" --json refvals make "$3" "$2" --output "$out"
    json_form
    json ".reasons[0].detail | contains(\"$(basename "$2")\") and contains(\"$4\")"
    [ ! -e "$out" ] || complain 'a file was written'
}
for f in a.tar a.tar.gz a.tar.xz a.tar.zst a.cpio a.ext4 x.deb; do
    head -c $(($(stat -c %s "$work/$f") / 5)) "$work/$f" >"$work/cut-$f"
    refused "cut: $f" "$work/cut-$f" --image ''
done
head -c 600 "$work/a.sqfs" >"$work/cut-a.sqfs"
refused "cut: a.sqfs" "$work/cut-a.sqfs" --image superblock
refused 'no archive at all' README.md --image 'nrecognized'
: >"$work/nothing"
refused 'an empty file' "$work/nothing" --image 'empty'
refused 'a tar file called a package' "$work/a.tar" --deb 'nrecognized'
(cd "$work" && ar rc y.deb debian-binary control.tar.gz)
refused 'a package without data' "$work/y.deb" --deb 'one data.tar'
mkdir -p "$work/climb/d" && echo x >"$work/climb/x"
(cd "$work/climb/d" && tar -P -cf "$work/climb.tar" ../x)
refused 'a name that climbs' "$work/climb.tar" --image '../x'
tar -C "$root" -cf "$work/dangling.tar" ./etc/gw.conf ./etc/gw.conf.link
tar --delete -f "$work/dangling.tar" ./etc/gw.conf
refused 'a hard link to nothing' "$work/dangling.tar" --image 'hard link'
dd if=/dev/zero of="$work/bomb" bs=1 count=1 seek=2G 2>/dev/null
tar -C "$work" -cf - bomb | zstd -q >"$work/bomb.tar.zst"
rm "$work/bomb"
refused 'what unpacks without end' "$work/bomb.tar.zst" --image 'unpacks to more'
echo "$(printf '%064d' 0)  ../../etc/passwd" >"$work/CLIMB"
refused 'a list that climbs' "$work/CLIMB" --sha256sums 'CLIMB:1'
{ cat "$work/SUMS" && printf '%064d  a\0b\n' 0; } >"$work/NUL"
refused 'a NUL in a list' "$work/NUL" --sha256sums 'NUL:8'
refused 'a list of nothing' "$work/nothing" --sha256sums 'nothing'
check 'a missing archive' 3 "$ctl" --json refvals make --image "$work/none" --output "$out"
json_form
check 'a folder as an archive' 3 "$ctl" --json refvals make --image "$root" --output "$out"

# a large file alone takes longer than the second after which a terminal is told how far it is
if command -v script >/dev/null; then
    mkdir "$work/large" && truncate -s 1T "$work/large/file"
    name='progress on a terminal' rows=$((rows + 1))
    timeout 4 script -qefc "'$ctl' refvals make --root '$work/large' -o '$out'" "$work/typescript" </dev/null >/dev/null 2>&1 || true
    grep -q 'files  .*/large/file' "$work/typescript" || complain "nothing was shown: $(head -c 300 "$work/typescript")"
fi
finish
