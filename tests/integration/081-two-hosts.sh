#!/bin/sh
# Two attestd on one PostgreSQL, one of them killed again and again under load: nothing that was acknowledged is lost,
# no tree was signed twice in another way, every label that a gateway got verifies with its receipt, and the records
# agree with each other. In between the database server crashes too.
#   FAULT_KILLS=N     how often (3; make faults: 100)
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
# shellcheck source=tests/integration/service.sh
. tests/integration/service.sh
# shellcheck source=tests/integration/postgresql.sh
. tests/integration/postgresql.sh
needs swtpm jq curl setsid
kills=${FAULT_KILLS:-3}
attestd=$BUILD/attestd

postgresql_start
service_postgresql="$conninfo"
service_start
kill "$verifier_pid"
wait "$verifier_pid" || true
mv "$work/verifier" "$work/a"
cp -r "$work/a" "$work/b"

# ---- hosts: a process group each, so that all of one ends in one instant ----
host_start() {
    rm -f "$work/$1/admin.sock"
    setsid "$attestd" run --config "$work/$1/attestd.yaml" >"$work/$1.log" 2>&1 &
    eval "pid_$1=$!"
    pids="$pids $!"
    service_wait "$work/$1/admin.sock" $!
    cat "$work/$1.log" >>"$work/$1.all.log"
    port=$(sed -n 's/.*listening.*port=\([0-9]*\).*/\1/p' "$work/$1.log" | head -n 1)
    sed "\$a verifier: https://localhost:$port" "$work/agent.yaml" >"$work/agent-$1.new"
    mv "$work/agent-$1.new" "$work/agent-$1.yaml"
    echo "$port" >"$work/$1.port"
}
host_kill() {
    eval "pid=\$pid_$1"
    env kill -KILL -- "-$pid" || true # not every shell's own can
    wait "$pid" 2>/dev/null || true
}
host_start a
host_start b

# ---- load: administrators, one gateway, and somebody who keeps each checkpoint ----
mkdir "$work/acked" "$work/labels" "$work/checkpoints"
administrator() {
    n=0
    while [ ! -e "$work/stop" ]; do
        n=$((n + 1))
        for host in a b; do
            if timeout 20 "$ctl" device allow "gw-$1-$n" --socket "$work/$host/admin.sock" >"$work/acked/out.$1" 2>/dev/null; then
                echo "gw-$1-$n" >>"$work/acked/ids.$1"
                break
            fi
        done
    done
}
gateway() {
    n=0
    while [ ! -e "$work/stop" ]; do
        n=$((n + 1))
        for host in a b; do
            timeout 20 "$BUILD/attest-agent" --config "$work/agent-$host.yaml" once --label "$work/labels/$n.new" \
                >"$work/once.log" 2>&1 || continue
            mv "$work/labels/$n.new" "$work/labels/$n.label"
            break
        done
    done
}
watcher() {
    n=0
    while [ ! -e "$work/stop" ]; do
        n=$((n + 1))
        for host in a b; do
            curl -sf --max-time 5 --cacert "$work/a/ca.pem" "https://localhost:$(cat "$work/$host.port")/log/checkpoint" \
                >"$work/checkpoints/$n-$host" 2>/dev/null || rm -f "$work/checkpoints/$n-$host"
        done
        sleep 0.05
    done
}
loads=
for i in 1 2 3; do
    administrator $i &
    loads="$loads $!"
done
gateway &
loads="$loads $!"
watcher &
loads="$loads $!"

# ---- kills at random times; whoever has the turn is hit about as often as the other ----
seed=${FAULT_SEED:-$$}
echo "FAULT_SEED=$seed"
random() { # $r below $1
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    r=$((seed / 65536 % $1))
}
k=0
while [ "$k" -lt "$kills" ]; do
    k=$((k + 1))
    random 1500
    sleep "$(printf '%d.%03d' $((r / 1000)) $((r % 1000)))"
    random 2
    if [ "$r" = 0 ]; then host=a; else host=b; fi
    host_kill $host
    [ $((k % 10)) -ne 2 ] || {
        tests/support/pgserver crash "$work/pg"
        tests/support/pgserver start "$work/pg"
    }
    random 900
    sleep "$(printf '0.%03d' "$r")"
    host_start $host
    # the one that was not hit may have found that its turn was over: it is started again, as a service manager would
    for host in a b; do
        eval "pid=\$pid_$host"
        kill -0 "$pid" 2>/dev/null || host_start $host
    done
done
sleep 2
touch "$work/stop"
for pid in $loads; do
    wait "$pid" || true
done
for host in a b; do
    eval "pid=\$pid_$host"
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
done

# ---- what is left ----
for host in a b; do
    check "fsck of $host" 0 "$attestd" fsck --config "$work/$host/attestd.yaml"
    says ' 0 findings'
done
"$attestd" fsck --dump --config "$work/a/attestd.yaml" >"$work/dump"
cat "$work"/acked/ids.* | sort >"$work/acknowledged"
sed -n 's/^outcome .* device="\(gw-[0-9]-[0-9]*\)".*/\1/p' "$work/dump" | sort -u >"$work/recorded"
rows=$((rows + 1)) name='acknowledged entries'
lost=$(comm -23 "$work/acknowledged" "$work/recorded" | wc -l)
[ "$lost" -eq 0 ] || complain "$lost of $(wc -l <"$work/acknowledged") are lost"
[ "$(wc -l <"$work/acknowledged")" -gt 10 ] || complain "only $(wc -l <"$work/acknowledged") were made: no load"

# a label's entry stands where its receipt says, and the same size of the log was never signed with another root
labels=0
for f in "$work"/labels/*.label; do
    [ -e "$f" ] || continue
    labels=$((labels + 1))
    check "$f" 0 "$ctl" --json --trust "$work/trust" label verify "$f"
    jq -r '[.label.log.index, .label.id] | @tsv' "$work/out" >>"$work/places"
done
rows=$((rows + 1)) name=labels
[ "$labels" -gt 0 ] || complain 'the gateway got none'
rows=$((rows + 1)) name='places of labels'
sed -n "s/^label cti=x'\([0-9a-f]*\)' outcome=\([0-9]*\) .*/\2\t\1/p" "$work/dump" | sort >"$work/stored"
[ -z "$(sort -u "$work/places" | comm -23 - "$work/stored")" ] || complain "a receipt names another place than the log"
rows=$((rows + 1)) name=forks
for f in "$work"/checkpoints/*; do
    [ -s "$f" ] && sed -n '2,3p' "$f" | paste -s
done | sort -u >"$work/trees"
[ "$(wc -l <"$work/trees")" -gt 2 ] || complain "only $(wc -l <"$work/trees") checkpoints were seen"
forks=$(cut -f 1 "$work/trees" | uniq -d | wc -l)
[ "$forks" -eq 0 ] || complain "$forks sizes were signed with two roots"
echo "kills=$kills acknowledged=$(wc -l <"$work/acknowledged") lost=$lost labels=$labels checkpoints=$(wc -l <"$work/trees") forks=$forks"
finish
