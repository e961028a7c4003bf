#!/bin/sh
# Frames of real parts through the drivers of hw/sensor: a Modbus device that another client reads as well, a tree of
# attributes, a socket, and the broker mosquitto with TLS.
# shellcheck source=tests/integration/common.sh
. "$(dirname "$0")/common.sh"
set -eu
PATH=$PATH:/usr/sbin
needs mbpoll mosquitto mosquitto_pub mosquitto_sub openssl socat
frame=$BUILD/frame

# --- Modbus: time stands still in the plant, so that two clients must see the same ---
"$BUILD/plant" --speed 0 --control "$work/plant.sock" >"$work/plant.out" &
pids="$pids $!"
until_true() {
    n=0
    until "$@" >/dev/null 2>&1; do
        n=$((n + 1))
        [ "$n" -lt 500 ] || {
            complain "never came true: $*"
            finish
        }
        sleep 0.02
    done
}
name=start
until_true grep -q port "$work/plant.out"
port=$(sed -n 's/.*port \([0-9]*\) .*/\1/p' "$work/plant.out")
tell() { echo "$1" | socat -t2 - "UNIX-CONNECT:$work/plant.sock" >"$work/told"; }

# registers TYPE FIRST COUNT: by mbpoll, as one run of hex
registers() {
    mbpoll -m tcp -p "$port" -a 1 -t "$1:hex" -0 -r "$2" -c "$3" -1 127.0.0.1 |
        sed -n 's/^\[[0-9]*\]:.*0x\([0-9A-Fa-f]*\).*/\1/p' | tr -d '\n' | tr A-F a-f
}
for at in 0 1 2 3 4 5 6 7; do
    check "input register $at" 0 "$frame" modbus 127.0.0.1 "$port" 1 4 "$at" 1
    says "0402$(registers 3 "$at" 1)"
done
check 'all input registers at once' 0 "$frame" modbus 127.0.0.1 "$port" 1 4 0 8
says "0410$(registers 3 0 8)"
check 'a valve that is commanded' 0 "$frame" modbus 127.0.0.1 "$port" 1 3 0 2 write 060000012c
name='the command, read by another client' rows=$((rows + 1))
[ "$(registers 4 0 1)" = 012c ] || complain "expected 012c, found $(registers 4 0 1)"
check 'a valve that cannot be so far open' 1 "$frame" modbus 127.0.0.1 "$port" 1 3 0 2 write 06000003e9
says 'exception 3, illegal data value'
check 'a command outside of the output' 1 "$frame" modbus 127.0.0.1 "$port" 1 3 0 1 write 0600010001
says DENIED
check 'a register that is not there' 1 "$frame" modbus 127.0.0.1 "$port" 1 4 7 2
says 'exception 2, illegal data address'
check 'a unit that is not there' 1 "$frame" modbus 127.0.0.1 "$port" 2 4 0 1
says 'exception 11'
check 'the identity' 0 "$frame" modbus 127.0.0.1 "$port" 1 4 0 1 identity
says 'Example Works; WTP-1; 1.0; SN 0001'
tell 'replace 0002'
check 'the identity of another one' 0 "$frame" modbus 127.0.0.1 "$port" 1 4 0 1 identity
says 'SN 0002'
check 'nobody at that port' 1 "$frame" modbus 127.0.0.1 1 1 4 0 1
says NETWORK

# --- attributes ---
mkdir -p "$work/sys/bus/iio/devices" "$work/sys/devices/adc/iio:device0"
ln -s ../../../devices/adc/iio:device0 "$work/sys/bus/iio/devices/iio:device0"
echo 1234 >"$work/sys/devices/adc/iio:device0/in_voltage0_raw"
echo ads1115 >"$work/sys/devices/adc/iio:device0/name"
iio=bus/iio/devices/iio:device0
check 'an attribute' 0 "$frame" sysfs "$work/sys" "$iio" in_voltage0_raw
says 1234
check 'the name of the device' 0 "$frame" sysfs "$work/sys" "$iio" in_voltage0_raw identity
says ads1115
ln -s /etc/hostname "$work/sys/devices/adc/iio:device0/in_voltage1_raw"
check 'an attribute that leads away' 1 "$frame" sysfs "$work/sys" "$iio" in_voltage1_raw
says DENIED

# --- a line ---
(
    until [ -S "$work/line.sock" ]; do sleep 0.02; done
    printf 'tank.level 4.25\n' | socat - "UNIX-CONNECT:$work/line.sock"
) &
check 'a line of an application' 0 "$frame" line "$work/line.sock" "$(id -u)" tank.level
says 4.25
wait $!
(
    until [ -S "$work/line.sock" ]; do sleep 0.02; done
    socat -u "UNIX-CONNECT:$work/line.sock" - >"$work/refusal"
) &
check 'a line of somebody else' 1 "$frame" line "$work/line.sock" "$(($(id -u) + 1))" tank.level
says BUSY
wait $!
grep -q 'error: this user may not write here' "$work/refusal" || complain 'the writer was told nothing'

# --- MQTT, with a certificate of each side ---
ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -addext basicConstraints=critical,CA:TRUE \
    -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null; }
leaf() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.csr" 2>/dev/null
    echo "$2" >"$work/$1.ext"
    openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 -extfile "$work/$1.ext" \
        -out "$work/$1.pem" 2>/dev/null
}
ca ca
ca other
leaf localhost subjectAltName=DNS:localhost
leaf client extendedKeyUsage=clientAuth
mqtt=$((20000 + $$ % 20000))
cat >"$work/mosquitto.conf" <<CONF
listener $mqtt 127.0.0.1
allow_anonymous true
cafile $work/ca.pem
certfile $work/localhost.pem
keyfile $work/localhost.key
require_certificate true
CONF
[ "$(id -u)" -ne 0 ] || echo 'user root' >>"$work/mosquitto.conf"
mosquitto -c "$work/mosquitto.conf" 2>"$work/mosquitto.log" &
pids="$pids $!"
# shellcheck disable=SC2086 # what else is said is meant to be split
with() { "$@" -h localhost -p "$mqtt" --cafile "$work/ca.pem" --cert "$work/client.pem" --key "$work/client.key" -t tank/level -q 1 $more; }
ours() {
    how=$1
    shift
    "$frame" "$how" localhost "$mqtt" "$work/ca.pem" "$work/client.pem" "$work/client.key" tank/level "$@"
}
name=broker more='-n'
until_true with mosquitto_pub
more='-m 4.5 -r'
check 'a message that another client publishes' 0 with mosquitto_pub
check 'the message, as a frame' 0 ours mqtt
says 4.5
more='-C 2 -W 20'
with mosquitto_sub >"$work/heard" &
listener=$!
until_true grep -q 4.5 "$work/heard"
check 'a message that we publish' 0 ours publish 4.75
says 'acknowledged 1 of 1'
wait $listener || complain 'the other client heard nothing'
name='the message, heard by another client' rows=$((rows + 1))
[ "$(tail -n 1 "$work/heard")" = 4.75 ] || complain "found: $(cat "$work/heard")"
check 'a broker that somebody else certified' 1 "$frame" mqtt localhost "$mqtt" "$work/other.pem" "$work/client.pem" "$work/client.key" tank/level
says NETWORK
check 'a broker of another name' 1 "$frame" mqtt 127.0.0.1 "$mqtt" "$work/ca.pem" "$work/client.pem" "$work/client.key" tank/level
says NETWORK
finish
