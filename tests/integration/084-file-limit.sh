#!/bin/sh
# A limit on the size of files (ulimit -f): each program says that the write failed, leaves no half file, and goes on
# without the limit from where it was.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
needs jq swtpm swtpm_setup
service_start policies/gateway-base.yaml
# limited BLOCKS COMMAND...: files of at most so many blocks of 512 bytes; what it prints goes through a pipe
limited() {
    blocks=$1
    shift
    (
        ulimit -f "$blocks"
        code=0
        "$@" 2>&1 || code=$?
        echo "exit $code"
    ) | cat
}

# attestctl: a file of reference values, and an answer on standard output
mkdir "$work/many"
for i in $(seq 100); do echo "$i" >"$work/many/$i"; done
check 'a file' 0 limited 2 "$ctl" refvals make "$work/many" --output "$work/many.refvals"
says 'exit 3'
says 'File too large'
[ -z "$(find "$work" -maxdepth 1 -name '*many.refvals*')" ] || complain 'a part of it is left'
echo old >"$work/old.refvals"
check 'in the place of another' 0 limited 2 "$ctl" refvals make "$work/many" --output "$work/old.refvals"
says 'exit 3'
[ "$(cat "$work/old.refvals")" = old ] || complain 'the file of before is gone'
check 'without the limit' 0 "$ctl" refvals make "$work/many" --output "$work/many.refvals"
name='an answer' rows=$((rows + 1))
code=0
(
    ulimit -f 1
    "$ctl" help >"$work/answer" 2>/dev/null
) || code=$?
[ "$code" -eq 3 ] || complain "expected exit 3, found $code"

# attest-agent: its log takes no record any more, then goes on
attest "$work/1.label"
[ "$code" -eq 0 ] || complain 'no label'
echo 'scale = 2' >"$work/measured/sensor.conf"
log=$(find "$work/state" -type f -size +0 -name '*.cel*' -o -type f -name '*own*' | head -n 1)
size=$(wc -c <"$log")
check 'the agent' 0 limited 1 "$BUILD/attest-agent" --config "$work/agent.yaml" once --label "$work/2.label"
says_not 'exit 0'
says_not 'exit 153'
says 'E_'
[ ! -e "$work/2.label" ] || complain 'a label was written'
[ "$(wc -c <"$log")" -eq "$size" ] || complain "its log has $(wc -c <"$log") bytes, it had $size"
echo 'scale = 1' >"$work/measured/sensor.conf"
attest "$work/3.label"
[ "$code" -eq 0 ] || {
    name='afterwards'
    complain "exit $code"
    tail -n 5 "$work/once.log"
}
finish
