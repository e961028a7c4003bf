#!/bin/sh
# The whole service on PostgreSQL: init, enrolment, attestation, a label that a stranger verifies, fsck, restarts of
# either, a second attestd that waits for its turn, and what is said when something is wrong.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
# shellcheck source=tests/integration/postgresql.sh
. tests/integration/postgresql.sh
needs swtpm jq curl

postgresql_start
service_postgresql="$conninfo"
service_start
attestd=$BUILD/attestd
yaml=$work/verifier/attestd.yaml

# ---- a gateway earns a label, and a partner checks it with its receipt ----
attest "$work/first.label"
[ "$code" -eq 0 ] || { name=attest && complain "exit $code" && cat "$work/once.log"; }
check 'label of PostgreSQL' 0 "$ctl" --trust "$work/trust" label verify "$work/first.label"
says VERIFIED
check 'fsck while it runs' 3 "$attestd" fsck --config "$yaml"
says E_TL_LOCK
check 'init again' 2 "$attestd" init --dir "$work/again" --insecure-file-key --postgresql "$conninfo"
says 'it has tables of attestd already'
[ ! -e "$work/again/label.key" ] || complain 'something was left behind'

# ---- the server goes away under load and comes back: 503, and on it goes ----
status() { curl -s -o "$work/ready" -w '%{http_code}' --max-time 20 "http://127.0.0.1:$1/readyz" || true; }
# The operator's address is held by the fronts of this service; the other one is the gateways'.
fronts=$(ps -o pid= --ppid "$verifier_pid" | tr -d ' ' | paste -sd '|' -)
operator=$(ss -ltnpH | awk -v p="$port" -v f="pid=($fronts)," '$0 ~ f { sub(".*:", "", $4); if ($4 != p) print $4 }' | head -n 1)
tests/support/pgserver crash "$work/pg"
attest "$work/none.label"
rows=$((rows + 1))
[ "$code" -ne 0 ] || complain 'a label without a database'
tests/support/pgserver start "$work/pg"
rows=$((rows + 1))
i=0
while attest "$work/second.label"; [ "$code" -ne 0 ]; do
    i=$((i + 1))
    [ "$i" -lt 20 ] || { name=reconnect && complain "exit $code" && cat "$work/once.log" && break; }
    sleep 0.5
done
kill -0 "$verifier_pid" || complain 'the service ended with the server'
grep -q E_ST_LOST "$work/attestd.log" || complain 'the log does not say E_ST_LOST'
check 'label before the crash' 0 "$ctl" --trust "$work/trust" label verify "$work/first.label"
check 'label after the crash' 0 "$ctl" --trust "$work/trust" label verify "$work/second.label"
name='ready again' rows=$((rows + 1))
[ -n "$operator" ] || complain 'no address of the operator is listened at'
[ "$(status "$operator")" = 200 ] || complain "readyz says $(cat "$work/ready")"

# ---- a second host, made of a copy of the folder, waits; it goes on when the first is killed ----
cp -r "$work/verifier" "$work/other"
rm -f "$work/other/admin.sock"
sed -i 's/^listen: .*/listen: "127.0.0.1:0"/' "$work/other/attestd.yaml"
"$attestd" run --config "$work/other/attestd.yaml" >"$work/other.log" 2>&1 &
other_pid=$!
pids="$pids $other_pid"
service_wait "$work/other/admin.sock" $!
i=0
until grep -q turn.waiting "$work/other.log"; do
    i=$((i + 1))
    [ "$i" -lt 200 ] || { name=standby && complain 'does not wait' && break; }
    sleep 0.05
done
check 'asked while it waits' 3 "$ctl" device list --socket "$work/other/admin.sock"
says E_TL_LOCK
check 'the first is not disturbed' 0 "$ctl" device list --socket "$socket"
attest "$work/third.label"
check 'label beside one that waits' 0 "$ctl" --trust "$work/trust" label verify "$work/third.label"
kill -9 "$verifier_pid"
i=0
until "$ctl" device list --socket "$work/other/admin.sock" >"$work/devices" 2>&1; do
    i=$((i + 1))
    [ "$i" -lt 200 ] || { name=takeover && complain 'does not take over' && cat "$work/other.log" && break; }
    sleep 0.1
done
rows=$((rows + 1))
grep -q gateway-1 "$work/devices" || complain 'the gateway is not there'
grep -q 'log.resumed' "$work/other.log" || complain 'the log does not say that others signed more'

# ---- all of it stopped: nothing is missing ----
kill "$other_pid"
wait "$other_pid" || true
check fsck 0 "$attestd" fsck --config "$yaml"
says ' 0 findings'
check 'fsck of the other host' 0 "$attestd" fsck --config "$work/other/attestd.yaml"
says ' 0 findings'

# ---- the first one comes back and finds what the other signed ----
"$attestd" run --config "$yaml" >"$work/attestd2.log" 2>&1 &
pids="$pids $!"
rm -f "$socket"
service_wait "$socket" $!
i=0
until "$ctl" device list --socket "$socket" >"$work/devices" 2>&1; do
    i=$((i + 1))
    [ "$i" -lt 200 ] || { name="the return" && complain 'does not come back' && cat "$work/attestd2.log" && break; }
    sleep 0.1
done
kill $!
wait $! || true

# ---- a database from a backup, older than what this host signed: nothing is signed ----
psql_run "DELETE FROM leaf WHERE idx > 0; DELETE FROM tile; DELETE FROM meta WHERE key = 'log_head'"
check 'a log from a backup' 2 timeout 20 "$attestd" run --config "$yaml"
says E_TL_ROLLBACK

# ---- what an operator may get wrong ----
sed 's/^store: .*/store: {postgresql: "host=\/nonexistent dbname=x"}/' "$yaml" >"$work/verifier/gone.yaml"
check 'no server' 3 timeout 20 "$attestd" run --config "$work/verifier/gone.yaml"
says E_ST_LOST
sed 's/^store: .*/store: {postgresql: "host=localhost password=hunter2"}/' "$yaml" >"$work/verifier/secret.yaml"
check 'a password in the file' 2 "$attestd" run --check-config --config "$work/verifier/secret.yaml"
says passfile
says_not hunter2
sed 's/^store: .*/store: {mysql: "x"}/' "$yaml" >"$work/verifier/mysql.yaml"
check 'another engine' 2 "$attestd" run --check-config --config "$work/verifier/mysql.yaml"
says E_CFG_KEY
psql_run 'UPDATE schema_version SET version = 99'
check 'a newer release' 2 timeout 20 "$attestd" run --config "$yaml"
says E_ST_SCHEMA
finish
