#!/bin/sh
# SIGKILL, EIO and ENOSPC at system calls of the keeper while it appends, labels, revokes and publishes: some of the
# points that make faults walks through, the same ones each time, with both engines. Before that, what is not so has to
# be noticed by the check itself.
#   FAULT_SAMPLE=N    how many points beside the syncs, from each of two beginnings (24; a fourth of it with PostgreSQL)
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs strace
sample=${FAULT_SAMPLE:-24}
syscalls=$BUILD/faults/syscalls

code=0
"$syscalls" --self-check >"$work/self" 2>&1 || code=$?
[ "$code" -ne 77 ] || skip "$(tail -n 1 "$work/self")"
rows=$((rows + 1)) name=self-check
[ "$code" -eq 0 ] || { complain "exit $code" && cat "$work/self"; }

check SQLite 0 "$syscalls" --sample "$sample"
says 'lost 0 forks 0'
cat "$work/out"

code=0
"$syscalls" --postgresql --sample $((sample / 4)) >"$work/out" 2>&1 || code=$?
cat "$work/out"
rows=$((rows + 1)) name=PostgreSQL
case $code in
0) says 'lost 0 forks 0' ;;
77) echo 'PostgreSQL is not installed' ;;
*) complain "exit $code" ;;
esac
finish
