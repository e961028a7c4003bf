#!/bin/sh
# docs/QUIRKS.md and the manual's section DOCTOR against the tree: tests, codes and lines that they name are there.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs awk
page=docs/QUIRKS.md
quirks=42

# "E_" and the name of each reason; the ids of doctor, and the constants that say them
sed -n 's/^ATT_REASON(\([A-Z0-9_]*\),.*/E_\1/p' lib/base/reason.def >"$work/codes"
sed -n 's/^DOCTOR(\([A-Z_]*\), "\([a-z.-]*\)")$/\2 \1/p' attestd/agent/measurer/doctor.def >"$work/ids"
name=definitions
[ -s "$work/codes" ] || complain 'no reason codes found'
[ -s "$work/ids" ] || complain 'no lines of doctor found'

known() { # known FILE WORD
    awk -v w="$2" '$1 == w { found = 1 } END { exit !found }' "$work/$1"
}

# folder/file.c:test runs: it is defined, and named once more where its program runs it
runs() {
    file=tests/${1%%:*} test=${1#*:}
    [ -f "$file" ] || { complain "there is no $file" && return; }
    case $1 in
    *.sh) return ;;
    *.c:?*) ;;
    *) complain "not folder/file.c:test: $1" && return ;;
    esac
    grep -q "^START_TEST($test)\$" "$file" || { complain "$file has no test $test" && return; }
    [ "$(grep -c -w "$test" "$file")" -ge 2 ] || complain "$file does not run $test"
}

# the words between backticks, one a line
quoted() {
    printf '%s\n' "$1" | awk -F'`' '{ for (i = 2; i <= NF; i += 2) print $i }'
}

codes_of() {
    for code in $(printf '%s\n' "$1" | grep -o '\bE_[A-Z0-9_]*'); do
        known codes "$code" || complain "there is no reason $code"
    done
}

tests_of() {
    found=$(quoted "$1")
    [ -n "$found" ] || complain 'names no test'
    for each in $found; do
        runs "$each"
    done
}

lines_of() {
    found=$(quoted "$1")
    case $found$1 in
    none:*) return ;;
    esac
    [ -n "$found" ] || complain "neither a line of doctor nor \"none: why\": $1"
    for id in $found; do
        known ids "$id" || complain "doctor has no line $id"
        grep -q -F "\"$id\"" tests/unit/test_doctor*.c || complain "no test of doctor reads $id"
    done
}

trim() {
    printf '%s' "$1" | sed 's/^ *//; s/ *$//'
}

# ---- the quirks: each number once and in order ----
grep '^| [0-9]' "$page" >"$work/rows" || true
next=1
while IFS='|' read -r _ number what who behaviour doctor tests rest; do
    name="quirk $(trim "$number")" rows=$((rows + 1))
    [ "$(trim "$number")" = "$next" ] || complain "expected number $next"
    next=$((next + 1))
    [ -z "$rest" ] || complain 'more columns than six'
    [ -n "$(trim "$what")" ] || complain 'says not what happens'
    [ -n "$(trim "$behaviour")" ] || complain 'says not what we do'
    case $(trim "$who") in
    agent | verifier | both | 'neither: '?*) ;;
    *) complain "who meets it: $who" ;;
    esac
    codes_of "$behaviour"
    lines_of "$(trim "$doctor")"
    tests_of "$tests"
done <"$work/rows"
name=numbers
[ "$next" -eq $((quirks + 1)) ] || complain "expected $quirks rows, found $((next - 1))"

# ---- the states of time: each code of the definition, here and in the manual ----
grep '^| `E_' "$page" >"$work/rows" || true
while IFS='|' read -r _ state what words tests rest; do
    name="state $(trim "$state")" rows=$((rows + 1))
    codes_of "$state"
    quoted "$state" >>"$work/states"
    [ -z "$rest" ] || complain 'more columns than four'
    [ -n "$(trim "$what")" ] || complain 'says not what happened'
    [ -n "$(trim "$words")" ] || complain 'says not what to do'
    tests_of "$tests"
done <"$work/rows"
sed -n '/^\.Sh STATES OF TIME$/,/^\.Sh OWN LOG$/p' man/attest-agent.8 | sed -n 's/^\.It Li //p' | sort >"$work/manual"
grep '^E_TIME_' "$work/codes" | sort >"$work/defined"
grep '^E_TIME_' "$work/states" | sort >"$work/told"
check 'attest-agent(8), STATES OF TIME, has each state' 0 diff "$work/defined" "$work/manual"
check "$page has each state" 0 diff "$work/defined" "$work/told"

# ---- the manual: an entry for each line of doctor, and no other ----
sed -n '/^\.Sh DOCTOR$/,/^\.Sh STATES OF TIME$/p' man/attest-agent.8 | sed -n 's/^\.It Li //p' | sed 's/ , /\n/g' | sort >"$work/manual"
cut -d' ' -f1 "$work/ids" | sort >"$work/lines"
check 'attest-agent(8), DOCTOR, has the lines of doctor' 0 diff "$work/lines" "$work/manual"
while read -r id constant; do
    name="line $id" rows=$((rows + 1))
    grep -q -w "DOCTOR_$constant" attestd/agent/measurer/cmd_doctor.c attestd/agent/measurer/doctor_*.c ||
        complain 'nothing says it'
done <"$work/ids"
finish
