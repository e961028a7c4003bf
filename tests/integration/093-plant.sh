#!/bin/sh
# What exercises do to the plant, seen by a client that shares no code with it: mbpoll.
# shellcheck source=tests/integration/common.sh
. "$(dirname "$0")/common.sh"
set -eu
needs mbpoll socat jq

check 'help names every command' 0 "$BUILD/plant" --help
says replay
check 'a wrong option' 2 "$BUILD/plant" --speed -1

"$BUILD/plant" --seed 4 --speed 0 --control "$work/plant.sock" >"$work/plant.out" &
pids="$pids $!"
n=0
until grep -q port "$work/plant.out" || [ $n -eq 200 ]; do
    n=$((n + 1))
    sleep 0.02
done
port=$(sed -n 's/.*port \([0-9]*\) .*/\1/p' "$work/plant.out")
tell() {
    echo "$1" | socat -t2 - "UNIX-CONNECT:$work/plant.sock" >"$work/told"
    case $1 in state) ;; *) [ "$(cat "$work/told")" = ok ] || complain "$1: $(cat "$work/told")" ;; esac
}
fact() {
    tell state
    jq "$1" "$work/told"
}
# reg REGISTER: an input register as a decimal number
reg() {
    mbpoll -m tcp -p "$port" -a 1 -t 3 -0 -r "$1" -c 1 -1 127.0.0.1 | sed -n 's/^\[[0-9]*\]:[^0-9]*\([0-9]*\).*/\1/p'
}
# flow REGISTER: two of them as a binary32, the high word first
flow() {
    mbpoll -m tcp -p "$port" -a 1 -t 3:float -B -0 -r "$1" -c 1 -1 127.0.0.1 | sed -n 's/^\[[0-9]*\]:[^0-9-]*\([0-9.e+-]*\).*/\1/p'
}
# row NAME EXPRESSION: arithmetic that must be true
row() {
    name=$1 rows=$((rows + 1))
    awk "BEGIN { exit !($2) }" || complain "not so: $2"
}

tell 'run 600'
a=$(reg 0) b=$(reg 1)
row 'both levels agree' "$a - $b < 40 && $b - $a < 40"
row 'a level is a current of the loop' "$a > 11000 && $a < 13000"
row 'a flow is a binary32' "$(flow 2) > 3.5 && $(flow 2) < 6.5"
row 'the pump runs' "$(reg 7) == 1"

v=$(fact .volume_l) in=$(fact .in_l) out=$(fact .out_l)
tell 'run 300'
row 'the volume is the balance of the flows' "($(fact .volume_l) - $v) - (($(fact .in_l) - $in) - ($(fact .out_l) - $out)) < 0.01"

tell 'freeze level-a'
a=$(reg 0) b=$(reg 1)
tell 'run 1'
row 'a frozen sensor stays, another has noise' "$(reg 0) == $a && $(reg 1) != $b"
tell 'honest level-a'
tell 'spoof level-a 4.5'
tell 'run 1'
row 'a spoofed sensor says what it is told' "$(reg 0) == 18400"
tell 'honest level-a'
tell 'break level-b'
tell 'run 1'
row 'a broken wire carries no current' "$(reg 1) < 3600"
tell 'honest level-b'
tell 'run 1'
tell 'map swap'
row 'a swapped map has the levels elsewhere' "$(reg 4) > 11000 && $(reg 4) < 13000 && $(reg 0) > 15000"
tell 'map normal'

bit() { mbpoll -m tcp -p "$port" -a 1 -t "$1" -0 -r 0 -c 1 -1 127.0.0.1 | sed -n 's/^\[0\]:[^0-9]*\([0-9]*\).*/\1/p'; }
row 'the cabinet is closed' "$(bit 0) == 0 && $(bit 1) == 0"
tell 'door open'
row 'and open, as a coil and as an input' "$(bit 0) == 1 && $(bit 1) == 1"

write() { mbpoll -m tcp -p "$port" -a 1 -t 4 -0 -r "$1" -1 127.0.0.1 "$2"; }
check 'the valve is commanded' 0 write 0 200
tell 'run 30'
row 'and follows' "$(reg 6) > 190 && $(reg 6) < 210"
tell 'valve stuck'
check 'commanded again' 0 write 0 900
tell 'run 30'
row 'and does not follow' "$(reg 6) < 210"
check 'a command beyond its range' 1 write 0 1001
tell 'valve follows'
tell auto
tell 'leak 2'
level=$(fact .level_m)
tell 'run 60'
row 'a leak shows in no meter' "$(fact .leak_l) > 119 && $(fact .leak_l) < 121"
row 'but in the level' "$(fact .level_m) < $level + 0.06"
tell quit
finish
