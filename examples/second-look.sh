#!/bin/sh
# A second look: the last decision about some gateways, drawn at random, made again in a fresh process.
#
#   second-look.sh REFVALS [ONE-IN] [SOCKET]      for cron; ONE-IN 100 takes one gateway in a hundred, at least one
#
# Exit status: 0 every decision came out the same byte for byte; 1 one did not: its record is kept and named;
# 3 one could not be looked at. The records of those that agree are removed.
set -eu
[ $# -ge 1 ] || {
    echo "usage: second-look.sh REFVALS [ONE-IN] [SOCKET]" >&2
    exit 2
}
refvals=$1 one_in=${2:-100}
ctl=${ATTESTCTL:-attestctl}
[ $# -lt 3 ] || export ATTEST_ADMIN_SOCKET="$3"
folder=$(mktemp -d)
worst=0
ids=$("$ctl" --json device list | jq -r '.devices[].id')
count=$(printf '%s\n' "$ids" | grep -c . || true)
[ "$count" -gt 0 ] || exit 0
for id in $(printf '%s\n' "$ids" | shuf -n $(((count + one_in - 1) / one_in))); do
    outcome=$("$ctl" --json device show "$id" | jq -r '.device.label.outcome // empty')
    [ -n "$outcome" ] || continue # no evidence yet
    code=0
    record=$folder/$id-$outcome.record
    "$ctl" -q evidence get "$outcome" --output "$record" &&
        "$ctl" -q evidence reappraise "$record" --refvals "$refvals" || code=$?
    case $code in
    0) rm "$record" ;;
    1) echo "$id: outcome $outcome is not what its evidence gives; kept: $record" ;;
    *) echo "$id: outcome $outcome could not be looked at (exit $code)" ;;
    esac
    [ "$code" -eq 0 ] || [ "$worst" -eq 1 ] || worst=$([ "$code" -eq 1 ] && echo 1 || echo 3)
done
rmdir "$folder" 2>/dev/null || true
exit "$worst"
