#!/bin/sh
# The list of what the programs are made of: it agrees with the programs and with dpkg, holds together, and is the same twice.
# shellcheck disable=SC2016 # variables in single quotes are those of jq
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs jq readelf dpkg-query
export SOURCE_DATE_EPOCH=1700000000
sbom=$work/attestd.spdx.json
check 'made' 0 scripts/make-sbom "$BUILD" "$sbom"
check 'made again' 0 scripts/make-sbom "$BUILD" "$work/again"
cmp -s "$sbom" "$work/again" || complain 'another one'
cp "$sbom" "$work/out"
name='what SPDX 2.3 asks of a document'
rows=$((rows + 1))
json '.spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT" and .creationInfo.created == "2023-11-14T22:13:20Z"'
json '[.. | .SPDXID? // empty] | (length == (unique | length)) and all(test("^SPDXRef-[A-Za-z0-9.-]+$"))'
json '([.. | .SPDXID? // empty]) as $ids | .relationships | all(.spdxElementId as $a | .relatedSpdxElement as $b | ($ids | index($a)) and ($ids | index($b)))'
json '[.relationships[].relationshipType] | unique == ["CONTAINS", "DEPENDS_ON", "DESCRIBES", "DYNAMIC_LINK"]'
json '[.packages[].SPDXID] - [.relationships[].relatedSpdxElement] == []'
name='digests'
rows=$((rows + 1))
for program in attestd attest-agent attest-courier attestctl attest-unpack; do
    sum=$(sha256sum <"$BUILD/$program" | cut -d' ' -f1)
    json "[.files[] | select(.fileName == \"./$program\") | .checksums[] | select(.algorithm == \"SHA256\").checksumValue] == [\"$sum\"]"
done
name='versions'
rows=$((rows + 1))
jq -r '.packages[] | select(.name != "attestd") | "\(.name) \(.versionInfo)"' "$sbom" >"$work/versions"
[ "$(wc -l <"$work/versions")" -gt 10 ] || complain 'only a few packages'
while read -r package version; do
    found=$(dpkg-query -W -f='${Version}' "$package")
    [ "$found" = "$version" ] || complain "$package: the list says $version, dpkg $found"
done <"$work/versions"
# what each program may be linked with is decided in the Makefile; here it is seen
name='who is linked with what'
rows=$((rows + 1))
linked() { jq -e --arg f "SPDXRef-File-$1" --arg p "SPDXRef-Package-$2" '[.relationships[] | select(.spdxElementId == $f and (.relatedSpdxElement | startswith($p)))] | length > 0' "$sbom" >/dev/null; }
linked attest-courier libcurl4 || complain 'the courier without curl'
linked attest-agent libtss2-tcti-device0 || complain 'the agent without the device TCTI, which it opens by name'
! linked attest-agent libcurl || complain 'the agent with an HTTP client'
! linked attestctl libcurl || complain 'attestctl with an HTTP client'
! linked attestd libtss2 || complain 'attestd with a TPM transport'
check 'a program that is not there' 1 scripts/make-sbom "$work" "$work/none"
says "expected $work/attestd, found none"
if command -v pyspdxtools >/dev/null; then
    check 'the reference validator' 0 pyspdxtools --infile "$sbom" --version SPDX-2.3
else
    echo 'pyspdxtools is not here: the reference validator did not see it'
fi
finish
