# shellcheck shell=sh disable=SC2034,SC2154 # sourced: variables are the other file's
# Rows of the corpus: one line a file, with what the corpus says of it and what became of that. Source it after common.sh.
#
#   row FILE BAD-BEFORE WORDS...   the line of this file, after its checks
#   of FILE WORDS...               a file without an answer of its own: an input or the expectation of a row
#   every_file FOLDER...           no file of these folders is without a line
[ -d "${CORPUS:-}" ] || skip 'no corpus folder here'
seen=$work/seen
: >"$seen"

line() { # line MARK FILE WORDS...
    mark=$1 file=$2
    shift 2
    printf '%s\n' "$file" >>"$seen"
    printf '%-4s %-72s %s\n' "$mark" "$file" "$*"
}
row() {
    file=$1 before=$2
    shift 2
    if [ "$bad" -eq "$before" ]; then mark=ok; else mark=FAIL; fi
    line "$mark" "$file" "$@"
}
of() {
    [ -f "$CORPUS/$1" ] || return 0
    line of "$@"
}
every_file() {
    (cd "$CORPUS" && find "$@" -type f | sort) >"$work/all"
    sort -u "$seen" >"$work/known"
    name='every file has a row'
    comm -3 "$work/all" "$work/known" >"$work/left"
    [ ! -s "$work/left" ] || complain "no row for, or no such file: $(tr -s '\t\n' ' ' <"$work/left")"
    echo "$(wc -l <"$work/known") of $(wc -l <"$work/all") files: $(grep -c . "$work/all") in $*"
}
