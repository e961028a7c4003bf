# shellcheck shell=sh disable=SC2034,SC2154 # sourced: variables are the other file's
# Helpers of the integration scripts: source it after `set -eu`. POSIX sh.
#
#   check NAME CODE COMMAND...   run; the exit code must be CODE; output in $work/out and $work/err
#   says TEXT / json FILTER      what the last command printed on standard output or standard error / its JSON
#   witness_start LOG ARG...     attestctl log witness ARG... on a free port; $witness_pid, $witness_port
#   skip REASON                  leave with 77
#   finish                       last line of a script: the number of rows, and the exit status
: "${BUILD:?}"
ctl=$BUILD/attestctl
work=$(mktemp -d)
rows=0 bad=0
# nothing of the person who runs the tests may decide
export HOME="$work/user" XDG_DATA_HOME="$work/user/data" XDG_CONFIG_HOME="$work/user/config"
mkdir -p "$work/user"
unset ATTEST_LANG ATTEST_TRUST_DIR ATTEST_ADMIN_SOCKET NO_COLOR || true
export LC_ALL=C.UTF-8
pids=''

# What has to end before its folder goes; helpers with such a thing say it anew.
end_servers() { :; }

clean_up() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
    done
    end_servers
    chmod -R u+rwX "$work" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

skip() {
    echo "$*"
    exit 77
}

needs() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null || skip "$tool is not here"
    done
}

complain() {
    bad=$((bad + 1))
    printf '%s: %s\n' "$name" "$*"
}

check() {
    name=$1 want=$2
    shift 2
    rows=$((rows + 1))
    code=0
    "$@" >"$work/out" 2>"$work/err" || code=$?
    [ "$code" -eq "$want" ] || {
        complain "expected exit $want, found $code: $*"
        tail -n 12 "$work/out" "$work/err"
    }
}

says() {
    grep -q -F -e "$1" "$work/out" "$work/err" || {
        complain "does not say: $1"
        tail -n 12 "$work/out" "$work/err"
    }
}

says_not() {
    if grep -q -F -e "$1" "$work/out" "$work/err"; then
        complain "says: $1"
        tail -n 12 "$work/out" "$work/err"
    fi
}

json() {
    jq -e "$1" "$work/out" >/dev/null 2>&1 || {
        complain "the JSON does not hold: $1"
        head -c 2000 "$work/out"
    }
}

# flip_bit FILE OFFSET: the lowest bit of that byte, so that it is another one whatever it was
flip_bit() {
    flip_byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    printf '%b' "\\0$(printf %o $((flip_byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# one object, a verdict that agrees with the exit code $code, reasons in both languages
json_form() {
    [ "$(jq -s length "$work/out" 2>/dev/null)" = 1 ] || complain "not exactly one JSON object"
    [ ! -s "$work/err" ] || complain "writes beside its JSON: $(cat "$work/err")"
    case $code in
    0) verdict=pass ;;
    1 | 4) verdict=fail ;;
    *) verdict=undecided ;;
    esac
    json ".verdict == \"$verdict\" and (.schema | startswith(\"attestctl.\"))"
    json '(.reasons | type) == "array" and (.checks | type) == "array"'
    json '[.reasons[] | select((.code | startswith("E_") | not) or .en == "" or .ja == "" or (.path | type) != "string")] == []'
    json '[.checks[] | select([.status] | inside(["pass", "fail", "not-run", "not-applicable"]) | not)] == []'
    [ "$code" -eq 0 ] || json '(.reasons | length) > 0'
}

finish() {
    echo "$rows rows"
    test "$bad" -eq 0
}

witness_start() {
    witness_log=$1
    shift
    : >"$witness_log"
    "$ctl" log witness "$@" --listen 127.0.0.1:0 >"$witness_log" 2>&1 &
    witness_pid=$!
    pids="$pids $witness_pid"
    tries=0
    while ! grep -qs '^ *port ' "$witness_log"; do
        tries=$((tries + 1))
        if [ $tries -gt 200 ] || ! kill -0 "$witness_pid" 2>/dev/null; then
            cat "$witness_log"
            exit 1
        fi
        sleep 0.05
    done
    witness_port=$(sed -n 's/^ *port *//p' "$witness_log")
}
