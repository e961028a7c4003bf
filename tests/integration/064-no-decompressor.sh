#!/bin/sh
# R-10: what parses a stranger's bytes in the service and on the gateway never decompresses: their programs
# do not even ask the linker for it. attestctl does (status lists), which shows that the look finds it.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs nm
words='inflate|uncompress|gz(open|read)|BZ2_|lzma_|ZSTD_|LZ4_|LZ4F_|Brotli|archive_read|sqfs_'

asks() { nm -D --undefined-only "$BUILD/$1" | grep -E "$words"; }

for program in attestd attest-agent attest-courier; do
    check "$program asks for none" 1 asks "$program"
done
for program in attestctl attest-unpack; do
    check "$program asks for one" 0 asks "$program"
done
finish
