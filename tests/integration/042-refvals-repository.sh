#!/bin/sh
# Reference values from a Debian repository: those of its packages one by one, and nothing that its index does not
# vouch for. The repository is a real one, made by dpkg's own tools.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs jq dpkg-deb dpkg-scanpackages sha256sum gzip xz zstd

repo=$work/repo
pool=$repo/pool/main/g
out=$work/out.refvals
mkdir -p "$pool"
package() { # package NAME VERSION ARCH: of what stands in $work/tree
    mkdir -p "$work/tree/DEBIAN"
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: x <x@gw.example>\nDescription: x\n more\n .\n end\n' \
        "$1" "$2" "$3" >"$work/tree/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$work/tree" "$pool" >/dev/null
    rm -r "$work/tree"
}
tool() {
    mkdir -p "$work/tree/usr/bin"
    echo "tool $1" >"$work/tree/usr/bin/gw-tool"
}
tool 1 && package gw-tool 1.0-1 all
tool 2 && package gw-tool 2:2.0~rc1-1 all
mkdir -p "$work/tree/lib" "$work/tree/etc"
echo library >"$work/tree/lib/libgw.so.1"
ln -s libgw.so.1 "$work/tree/lib/libgw.so"
echo 'mode = 1' >"$work/tree/etc/gw.conf"
package libgw1 0.1 amd64
one=$pool/gw-tool_1.0-1_all.deb two=$pool/gw-tool_2.0~rc1-1_all.deb lib=$pool/libgw1_0.1_amd64.deb
(cd "$repo" && dpkg-scanpackages -m pool >Packages 2>/dev/null)
index=$repo/Packages

make() { # make OPTION...: of the repository
    rm -f "$out"
    "$ctl" --json refvals make --output "$out" "$@"
}
of_deb() { "$ctl" -q refvals make --output "$work/want.refvals" "$@"; }
same() { cmp -s "$work/want.refvals" "$out" || complain 'other values than those of the packages'; }
nothing_written() { [ ! -e "$out" ] || complain 'a file was written'; }
because() { json ".reasons[0] | .code == \"$1\" and ((.path + \" \" + .detail) | contains(\"$2\"))"; }
mine() { make --index "$index" --pool "$repo" "$@"; }

# ---- the values of the packages, each way to ask ----
of_deb --deb "$one"
check 'one version' 0 mine --package gw-tool=1.0-1
json_form
json '.packages == 1 and .files == 1 and .missing == [] and .index == "not-checked"'
same
of_deb --deb "$two" --deb "$lib"
check 'two packages, one without a version' 0 mine --package 'gw-tool:all=2:2.0~rc1-1' --package libgw1
json '.packages == 2 and .files == 3 and .links == 1'
same
check 'what it is named by' 0 "$ctl" refvals show "$out" --name /usr/lib/libgw.so.1
check 'two versions, none named' 2 mine --package gw-tool
because E_USAGE 'ask for one'
nothing_written
cat >"$work/status" <<END
Package: libgw1
Status: install ok installed
Architecture: amd64
Version: 0.1
Conffiles:
 /etc/gw.conf 0123

Package: gw-tool
Status: install ok triggers-pending
Architecture: all
Version: 2:2.0~rc1-1

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 7
END
check 'what dpkg has installed' 0 mine --status "$work/status"
json '.packages == 2'
same
check 'both ways to ask' 0 mine --status "$work/status" --package libgw1=0.1
same

# ---- where the files are: a mirror, one folder, what apt keeps ----
mkdir "$work/flat" "$work/cache" "$work/none"
cp "$pool"/*.deb "$work/flat"
cp "$two" "$work/cache/gw-tool_2%3a2.0~rc1-1_all.deb"
cp "$lib" "$work/cache"
for dir in flat cache; do
    check "in a folder: $dir" 0 make --index "$index" --pool "$work/$dir" --status "$work/status"
    same
done
check 'in the second of two folders' 0 make --index "$index" --pool "$work/none" --pool "$work/cache" --status "$work/status"
same

# ---- the index compressed ----
gzip -k "$index" && xz -k "$index" && zstd -q -k "$index"
for ext in gz xz zst; do
    check "the index compressed: $ext" 0 make --index "$index.$ext" --pool "$repo" --status "$work/status"
    same
done
check 'two indexes that agree' 0 make --index "$index" --index "$index.xz" --pool "$repo" --status "$work/status"
same
printf '%064d  /etc/more\n' 0 >"$work/more"
of_deb --deb "$two" --deb "$lib" --sha256sums "$work/more"
check 'merged with another source' 0 mine --status "$work/status" --sha256sums "$work/more"
same
check 'for other verifiers' 0 "$ctl" refvals export --form allowlist --index "$index" --pool "$repo" --status "$work/status" -o -
says /usr/bin/gw-tool

# ---- Release ----
of_deb --deb "$two" --deb "$lib"
entry() { printf ' %s %s main/binary-amd64/%s\n' "$(sha256sum <"$1" | cut -c1-64)" "$(stat -c %s "$1")" "$(basename "$1")"; }
{ printf 'Origin: gw\nSHA256:\n' && entry "$index" && entry "$index.xz"; } >"$work/Release"
clear_signed() { # clear_signed FILE: a signature that nobody checks here
    printf -- '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n' && cat "$1"
    printf -- '-----BEGIN PGP SIGNATURE-----\n\nabc=\n-----END PGP SIGNATURE-----\n'
}
clear_signed "$work/Release" >"$work/InRelease"
for release in Release InRelease; do
    check "the index that $release names" 0 mine --release "$work/$release" --status "$work/status"
    json '.index == "named-by-release"'
    same
done
check 'one that is compressed in another way than any that is named' 0 \
    make --index "$index.zst" --release "$work/Release" --pool "$repo" --status "$work/status"
same
check 'in words' 0 "$ctl" refvals make --index "$index" --release "$work/Release" --pool "$repo" --status "$work/status" --output "$out"
says 'signature was not checked'
sed 's/^Description: x/Description: y/' "$index" >"$work/other"
check 'an index that it does not name' 1 make --index "$work/other" --release "$work/Release" --pool "$repo" --status "$work/status"
because E_PKG_INDEX other
json_form
nothing_written
printf 'SHA256:\n %064d 1 main/Packages\n' 0 >"$work/Release.other"
check 'named by the second of two' 0 mine --release "$work/Release.other" --release "$work/Release" --status "$work/status"
{ cat "$work/InRelease" && entry "$work/other"; } >"$work/behind"
check 'text behind the signed one' 4 make --index "$work/other" --release "$work/behind" --pool "$repo" --status "$work/status"
because E_FMT_DEB822 'behind'
nothing_written

# ---- packages that are not what the index says ----
cp -r "$repo" "$work/bad"
evil=$work/bad/pool/main/g
tampered() { # tampered NAME TEXT
    check "$1" 1 make --index "$index" --pool "$work/bad" --status "$work/status"
    because E_PKG_DIGEST "$2"
    json_form
    nothing_written
}
printf 'X' | dd of="$evil/libgw1_0.1_amd64.deb" bs=1 seek=200 conv=notrunc 2>/dev/null
tampered 'one byte changed' 'libgw1_0.1_amd64.deb: it has another SHA-256'
cp "$lib" "$evil" && echo >>"$evil/libgw1_0.1_amd64.deb"
tampered 'one byte more' 'another size'
head -c 300 "$lib" >"$evil/libgw1_0.1_amd64.deb"
tampered 'cut' 'another size'
cp "$two" "$evil/libgw1_0.1_amd64.deb"
tampered 'another package in its place' 'libgw1_0.1_amd64.deb'

# ---- packages that are not there ----
rm "$evil/libgw1_0.1_amd64.deb"
gaps() { make --index "$index" --pool "$work/bad" --status "$work/status" --package gw-other=1 "$@"; }
check 'missing' 3 gaps
because E_PKG_MISSING '2 of 3'
json '.missing == [{"package":"gw-other=1","not_in":"index"},{"package":"libgw1:amd64=0.1","not_in":"pool"}]'
json_form
nothing_written
check 'missing, in words' 3 "$ctl" refvals make --index "$index" --pool "$work/bad" --status "$work/status" --package gw-other --output "$out"
says 'not in the pool: libgw1:amd64=0.1'
says 'not in the index: gw-other'
says 'apt-get download'
check 'missing, in Japanese' 3 "$ctl" --lang ja refvals make --index "$index" --pool "$work/bad" --status "$work/status" --output "$out"
says 'プールにない: libgw1:amd64=0.1'
check 'left out, when told so' 0 gaps --skip-missing
json '.packages == 1 and (.missing | length) == 2'
of_deb --deb "$two"
same
check 'nothing of it is there' 3 make --index "$index" --pool "$work/none" --status "$work/status" --skip-missing
nothing_written
check 'nothing is installed' 3 mine --status /dev/null
nothing_written

# ---- an index that is not whole ----
half=$(grep -n '^SHA256' "$index" | sed -n '2s/:.*//p')
head -n "$half" "$index" >"$work/cut" && head -c -9 "$work/cut" >"$work/cut.line"
check 'cut inside a line' 4 make --index "$work/cut.line" --pool "$repo" --status "$work/status"
because E_FMT_DEB822 "cut.line:$half: the text ends inside a line"
head -n $((half - 1)) "$index" >"$work/cut.field"
check 'cut between two fields' 4 make --index "$work/cut.field" --pool "$repo" --status "$work/status"
because E_FMT_DEB822 'the stanza has no field SHA256'
json_form
nothing_written
sed '/^$/q' "$index" >"$work/cut.whole"
check 'cut between two packages' 3 make --index "$work/cut.whole" --pool "$repo" --status "$work/status"
because E_PKG_MISSING 'of 2'
check 'the same, and Release tells' 1 make --index "$work/cut.whole" --release "$work/Release" --pool "$repo" --status "$work/status" --skip-missing
because E_PKG_INDEX cut.whole
head -c 200 "$index.xz" >"$work/cut.xz"
check 'compressed and cut' 4 make --index "$work/cut.xz" --pool "$repo" --status "$work/status"
because E_FMT_ARCHIVE cut.xz
nothing_written
sed 's|^Filename: pool|Filename: pool/../../pool|' "$index" >"$work/climb"
check 'a path that climbs' 4 make --index "$work/climb" --pool "$repo" --status "$work/status"
because E_FMT_DEB822 'climb:'
check 'a status that is none' 4 mine --status README.md
because E_FMT_DEB822 'README.md:1'
check 'an index that is not there' 3 make --index "$work/no" --pool "$repo" --status "$work/status"

# ---- the command line ----
check 'no pool' 2 make --index "$index" --status "$work/status"
because E_USAGE '--pool'
check 'no selection' 2 make --index "$index" --pool "$repo"
because E_USAGE '--status'
for lone in --pool --status --package --release; do
    check "no index: $lone" 2 make "$lone" x
    because E_USAGE '--index'
done
check 'no name' 2 mine --package '=1'
because E_USAGE 'NAME[:ARCHITECTURE][=VERSION]'
finish
