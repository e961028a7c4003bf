#!/bin/sh
# The published log: over HTTPS, over the administrator's socket, and as plain files that lead to their checkpoint.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup openssl curl
service_start policies/gateway-base.yaml
url=https://localhost:$port/log
ca=$work/verifier/ca.pem
key=$work/verifier/trust/log.vkey
export ATTEST_ADMIN_SOCKET="$socket"
fetch() { curl -sS --cacert "$ca" -D "$work/head" -o "$work/body" "$url/$1"; }
heads() {
    grep -q -i -x -e "$1"'.' "$work/head" || complain "no header $1: $(cat "$work/head")"
}

# ---- over HTTPS, without any certificate of the client ----
check 'the checkpoint' 0 fetch checkpoint
heads 'content-type: text/plain; charset=utf-8'
heads 'cache-control: max-age=2'
cp "$work/body" "$work/first"
check 'it is signed by the log' 0 "$ctl" log verify "$work/first" --key "$key"
size=$(sed -n 2p "$work/first")
check 'a tile' 0 fetch "tile/0/000.p/$size"
heads 'http/1.1 200 ok'
heads 'content-type: application/octet-stream'
heads 'cache-control: public, max-age=31536000, immutable'
[ "$(wc -c <"$work/body")" -eq $((size * 32)) ] || complain 'not one hash an entry'
check 'a bundle' 0 fetch "tile/entries/000.p/$size"
heads 'content-type: application/octet-stream'
check 'no tile yet' 0 fetch "tile/0/000.p/$((size + 1))"
heads 'http/1.1 404 not found'

# ---- as files, from the three places; the same bytes ----
check 'export from the socket' 0 "$ctl" --json log export "$work/a" --key "$key"
json_form
json ".checkpoint.size == $size and .checkpoint.origin == \"test-verifier\""
check 'export from the address, key of the trust folder' 0 "$ctl" --trust "$work/trust" log export "$work/b" --from "$url/" --ca "$ca"
check 'export from a folder' 0 "$ctl" log export "$work/c" --from "$work/a" --key "$key"
cmp -s "$work/a/checkpoint" "$work/first" || complain 'another checkpoint than over HTTPS'
for copy in b c; do diff -r "$work/a" "$work/$copy" || complain 'copies differ'; done
(cd "$work/a" && find . -type f | sort) >"$work/files"
printf './checkpoint\n./tile/0/000.p/%s\n./tile/entries/000.p/%s\n' "$size" "$size" | cmp -s - "$work/files" ||
    complain "other files: $(cat "$work/files")"
[ "$(stat -c %a "$work/a/checkpoint")" = 644 ] || complain 'a web server cannot read it'
if grep -a -r -q gateway-1 "$work/a"; then complain 'a device id left'; fi

# ---- it grows, and takes what is new ----
attest "$work/good.label"
check 'export again' 0 "$ctl" --json log export "$work/a" --key "$key"
json ".checkpoint.size > $size"
[ -e "$work/a/tile/0/000.p/$size" ] || complain 'the tile of the earlier tree is gone'
check 'and again: nothing new' 0 "$ctl" --json log export "$work/a" --key "$key"

# ---- a mirror never goes back, never to another tree, and never ahead of its files ----
cp -r "$work/a" "$work/kept"
check 'an older log' 1 "$ctl" --json log export "$work/a" --from "$work/b" --key "$key"
json_form
json '.reasons[0].code == "E_TL_ROLLBACK"'
now=$(sed -n 2p "$work/a/checkpoint")
cp -r "$work/a" "$work/bad"
flip_bit "$work/bad/tile/entries/000.p/$now" 100
check 'an entry changed' 1 "$ctl" --json log export "$work/new" --from "$work/bad" --key "$key"
json_form
json '.reasons[0].code == "E_TL_TREE"'
[ ! -e "$work/new/checkpoint" ] || complain 'a checkpoint of what is not there'
check 'an entry changed that the folder has' 1 "$ctl" --json log export "$work/b" --from "$work/bad" --key "$key"
json '.reasons[0].code == "E_TL_CONSIST" and (.reasons[0].detail | test("^entry 0 "))'
cmp -s "$work/b/checkpoint" "$work/first" || complain 'the checkpoint changed'
rm "$work/bad/tile/entries/000.p/$now"
check 'a bundle is missing' 3 "$ctl" --json log export "$work/new" --from "$work/bad" --key "$key"
json_form
json '.reasons[0].code == "E_TL_MISSING"'
sed 's/^test-verifier$/other/' "$work/a/checkpoint" >"$work/bad/checkpoint"
check 'another origin' 3 "$ctl" --json log export "$work/new" --from "$work/bad" --key "$key"
json '.reasons[0].code == "E_TL_CKPT"'
sed '2s/.*/1/' "$work/a/checkpoint" >"$work/bad/checkpoint"
check 'a checkpoint that the log did not sign' 1 "$ctl" --json log export "$work/new" --from "$work/bad" --key "$key"
json '.reasons[0].code == "E_TL_CKPT"'
diff -r "$work/a" "$work/kept" || complain 'a refused export changed the folder'
check 'no trust folder' 2 "$ctl" --json --trust "$work/none" log export "$work/new" --from "$work/a"
json_form
mkdir "$work/none"
check 'no key' 3 "$ctl" --json --trust "$work/none" log export "$work/new" --from "$work/a"
json_form
check 'no authority' 2 "$ctl" --json log export "$work/new" --from "$url" --key "$key"
json_form
check 'not over http' 2 "$ctl" --json log export "$work/new" --from "http://localhost:$port/log" --key "$key" --ca "$ca"
check 'no folder' 3 "$ctl" --json log export "$work/new" --from "$work/nowhere" --key "$key"
check 'another authority' 5 "$ctl" --json log export "$work/new" --from "$url" --key "$key" --ca "$work/tpm/ca/ca.pem"
finish
