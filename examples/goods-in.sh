#!/bin/sh
# Goods-in: every label of a delivery into one CSV table, with no network.
#
#   goods-in.sh TRUST-FOLDER LABEL... >delivery.csv
#
# The trust folder holds the issuer's certificate, added with: attestctl --trust TRUST-FOLDER trust add FILE
# Exit status: that of the worst label. 0 all verified, 1 one is false, 3 one cannot be decided, 4 one is no label.
set -eu
[ $# -ge 2 ] || {
    echo "usage: goods-in.sh TRUST-FOLDER LABEL... >delivery.csv" >&2
    exit 2
}
trust=$1
shift
code=0
report=$("${ATTESTCTL:-attestctl}" --json --trust "$trust" label verify "$@") || code=$?
[ "$code" -ne 2 ] || { # the folder or its trust.yaml is at fault: there is no table
    printf '%s\n' "$report" | jq -r '.reasons[] | "\(.code) \(.en): \(.detail)"' >&2
    exit 2
}
printf '%s\n' "$report" | jq -r '
    ["file", "device", "verdict", "status", "grade", "expires", "reasons"],
    (.files[] | [.file, .label.device, .verdict, .label.status, .label.grade, .label.expires, (.reasons | join(" "))]) | @csv'
exit "$code"
