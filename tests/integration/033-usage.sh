#!/bin/sh
# The command line as people and scripts meet it: help, mistakes, languages, the manual, full disks, and words that a label
# must never be sold with.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/integration/common.sh
. tests/integration/common.sh
needs jq awk

# ---- help ----
check help 0 "$ctl" help
lines=$(wc -l <"$work/out")
[ "$lines" -le 24 ] || complain "$lines lines do not fit a screen"
widest=$(awk '{ if (length($0) > w) w = length($0) } END { print w }' "$work/out")
[ "$widest" -le 80 ] || complain "$widest columns do not fit a screen"
# "  noun  text", its verbs below it: "      verb | verb"; some nouns have no verb
awk '/^  [a-z]/ { if (noun != "") print noun; noun = $1; next }
    /^   / { gsub(/\|/, ""); for (i = 1; i <= NF; i++) print noun, $i; noun = "" }
    END { if (noun != "") print noun }' "$work/out" >"$work/commands"
[ "$(wc -l <"$work/commands")" -ge 21 ] || complain "only $(wc -l <"$work/commands") commands found in help"
check --help 0 "$ctl" --help
check -h 0 "$ctl" -h
check 'help in Japanese' 0 "$ctl" --lang ja help
says 'ラベル: 本物か'
widest=$(while IFS= read -r l; do printf '%s\n' "$l" | wc -L; done <"$work/out" | sort -n | tail -n 1)
[ "$widest" -le 80 ] || complain "$widest columns do not fit a screen"
check 'help of a noun' 0 "$ctl" help label
says 'label verify'
check 'help of a noun by option' 0 "$ctl" label --help
says 'label verify'
check 'help of a command' 0 "$ctl" help label verify
says '--accept warning'
grep -qx 'Exit 0: authentic, current, affirming. 1: no. 3: cannot decide. 4: not a label.' "$work/out" ||
    complain 'a line that fits the screen is broken'
check 'help of nothing known' 2 "$ctl" help lable

# ---- one value of an option: the other would be left out without a word ----
for twice in '--device gateway-9 --device gateway-1' '--at 2026-11-24T19:00:00Z --at 2026-11-24T19:00:00Z' \
    '--trust one --trust two' '-o one --output two' '--trust=one --trust two'; do
    # shellcheck disable=SC2086 # words
    check "twice: $twice" 2 "$ctl" label verify x.label $twice
    says 'given twice'
done
check 'a list may be given often' 2 "$ctl" refvals make --root a --root b --output "$work/o" --output "$work/p"
says '--output was given twice'

check --version 0 "$ctl" --version
says "$(cat VERSION)"
check version 0 "$ctl" --json version
json_form

: >"$work/options"
while read -r noun verb; do
    # shellcheck disable=SC2086 # an absent verb is no argument
    set -- $noun $verb
    check "$* --help" 0 "$ctl" "$@" --help
    [ ! -s "$work/err" ] || complain 'help stands on standard error'
    head -n 1 "$work/out" | grep -q "^usage: attestctl $*" || complain 'help does not begin with the usage'
    [ "$(sed '1,/^examples:$/d' "$work/out" | grep -c '^  .*attestctl')" -eq 3 ] || complain 'not three examples'
    widest=$(sed '/^examples:$/,$d' "$work/out" | awk '{ if (length($0) > w) w = length($0) } END { print w }')
    [ "$widest" -le 90 ] || complain "$widest columns"
    grep -o '^  --[a-z0-9-]*' "$work/out" | tr -d ' ' >>"$work/options"
    check "$* --lang ja --help" 0 "$ctl" "$@" --lang ja --help
    says '使い方:'
    check "$* -h" 0 "$ctl" -h "$@"
    check "$*: an unknown option" 2 "$ctl" "$@" --no-such-option
    says 'no option --no-such-option'
    says "attestctl $* --help"
    check "$*: an unknown option, --json" 2 "$ctl" "$@" --no-such-option --json
    json_form
    json '.reasons[0].code == "E_USAGE"'
    check "$*: a value missing" 2 "$ctl" "$@" --lang
    check "$*: a language that is none" 2 "$ctl" "$@" --lang fr
    check "$*: a time that is none" 2 "$ctl" "$@" --at yesterday
    check "$*: too many" 2 "$ctl" "$@" a b c d --no-such-option
    case "$noun $verb" in
    'help ' | 'version ' | 'trust list' | 'device list' | 'device allow' | 'key show') ;;
    *)
        check "$*: nothing given" 2 "$ctl" "$@"
        says "usage: attestctl $*"
        check "$*: nothing given, --json" 2 "$ctl" --json "$@"
        json_form
        ;;
    esac
done <"$work/commands"

# ---- mistakes ----
meant() { # meant SUGGESTION ARGS...
    suggestion=$1
    shift
    check "typed: $*" 2 "$ctl" "$@"
    says "did you mean $suggestion?"
    check "typed: $* --json" 2 "$ctl" "$@" --json
    json_form
}
meant label lable verify x
meant label labels show x
meant evidence evidnce show x
meant 'label verify' label verfy x
meant 'trust list' trust lsit
meant --device label verify x --devise gw
meant --accept label verify x --acept warning
meant --fingerprint trust add x --fingerprnt 00
meant --output label get x --outptu y
meant E_LBL_TIME explain E_LBL_TIMES
check 'no command' 2 "$ctl"
says help
check 'no command, --json' 2 "$ctl" --json
json_form
check 'a noun alone' 2 "$ctl" label
says 'verify show get'
check 'an option before the noun' 2 "$ctl" --socket x device list
check 'a value where none belongs' 2 "$ctl" help --json=1
says 'takes no value'
check 'everything behind -- is a file' 3 "$ctl" --trust . label show -- --help
check 'a control character is not printed' 2 "$ctl" label "$(printf 'ver\033[31mify')"
if grep -q "$(printf '\033')" "$work/err"; then complain 'an escape reaches the terminal'; fi

# ---- the manual: every option of the program, and no other ----
sort -u "$work/options" >"$work/known"
grep -oE 'Fl Fl [a-z][a-z0-9-]*' man/attestctl.1 | sed 's/Fl Fl /--/' | sort -u >"$work/documented"
name='options in the manual' rows=$((rows + 1))
for o in $(comm -23 "$work/known" "$work/documented"); do complain "$o is not in the manual"; done
for o in $(comm -13 "$work/known" "$work/documented"); do complain "$o is not an option of the program"; done
name='commands in the manual'
while read -r noun verb; do
    rows=$((rows + 1))
    grep -qE "^\.It Cm $noun${verb:+ $verb}( |$)" man/attestctl.1 || complain "$noun $verb is not in the manual"
done <"$work/commands"
name='exit codes in the manual'
for c in 0 1 2 3 4 5 6 7 70 130; do
    grep -q "^\.It $c$" man/attestctl.1 || complain "$c is not in the manual"
done

# ---- every reason code, in both languages ----
sed -n 's/^ATT_REASON(\([A-Z0-9_]*\),.*/E_\1/p' lib/base/reason.def >"$work/codes"
name='explain --list' rows=$((rows + 1))
"$ctl" explain --list | cut -d' ' -f1 | cmp -s - "$work/codes" || complain 'other codes than the table'
while read -r c; do
    check "explain $c" 0 "$ctl" explain "$c"
    says Meaning:
    says 'What to do:'
    check "explain $c in Japanese" 0 "$ctl" --lang ja explain "$c"
    LC_ALL=C.UTF-8 grep -qP '^意味:.*\p{Han}|^意味:.*\p{Hiragana}' "$work/out" || complain 'no Japanese meaning'
    LC_ALL=C.UTF-8 grep -qP '^対処:.*(\p{Han}|\p{Hiragana}|\p{Katakana}|attestctl)' "$work/out" || complain 'no Japanese remedy'
done <"$work/codes"
check 'explain, as people type it' 0 "$ctl" explain lbl_time
check 'explain --json' 0 "$ctl" --json explain E_LBL_TIME
json_form
json '.explanation.code == "E_LBL_TIME" and .explanation.ja != ""'
check 'explain nothing known' 2 "$ctl" --json explain E_NO_SUCH_CODE
json_form

# ---- languages ----
jp() { # jp NAME CODE ARGS...: no line of a reason is English alone
    n=$1 c=$2
    shift 2
    check "$n, ja" "$c" "$ctl" --lang ja "$@"
    cat "$work/out" "$work/err" >"$work/both"
    # a line that says something (two words and more) has Japanese in it, or is a path, a name or an example
    LC_ALL=C.UTF-8 grep -vP '\p{Han}|\p{Hiragana}|\p{Katakana}' "$work/both" | grep -E '[a-z]+ [a-z]+ [a-z]+' |
        grep -vE '→ attestctl|^ *attestctl|^  (subject|SHA-256)|^ {17}' >"$work/english" || true
    [ ! -s "$work/english" ] || complain "English alone: $(cat "$work/english")"
}
mkdir "$work/empty"
printf 'x' >"$work/x"
jp 'a missing file' 3 label show "$work/none"
jp 'not a label' 4 label show "$work/x"
jp 'a missing trust folder' 2 --trust "$work/none" label verify "$work/x"
jp 'not a label, verified' 4 --trust "$work/empty" label verify "$work/x"
jp 'a folder' 3 label show "$work/empty"
jp 'an empty trust folder' 3 --trust "$work/empty" trust list
jp 'no certificate' 4 trust show "$work/x"
jp 'a fingerprint is missing' 2 --no-input trust show
jp 'no argument' 2 label verify
jp 'an unknown command' 2 label verfy
jp 'an unknown option' 2 label verify --devise x
jp 'an unknown code' 2 explain E_LBL_TIMES
jp 'a time that is none' 2 label verify --at x "$work/x"
jp 'a bad policy' 1 policy check "$work/x"
jp 'the base policy' 0 policy show policies/gateway-base.yaml
jp 'no verifier' 5 device list --socket "$work/none.sock"
jp help 0 help
check 'ATTEST_LANG' 2 env ATTEST_LANG=ja "$ctl" label verify
says '使い方'
check 'LANG of a locale that is not generated' 2 env -u LC_ALL LANG=ja_JP.UTF-8 "$ctl" label verify
says '使い方'
check 'LC_ALL before LANG' 2 env LC_ALL=en_US.UTF-8 LANG=ja_JP.UTF-8 "$ctl" label verify
says 'usage:'
check '--lang before all' 2 env ATTEST_LANG=ja "$ctl" --lang en label verify
says 'usage:'

# ---- colour: on a terminal only ----
esc=$(printf '\033')
check 'no colour in a pipe' 0 "$ctl" policy check policies/gateway-base.yaml
says_not "$esc"
check 'colour when asked for' 0 "$ctl" --color always policy check policies/gateway-base.yaml
says "$esc"
says pass
if command -v script >/dev/null; then
    tty() { script -qec "$1" /dev/null; }
    check 'colour on a terminal' 0 tty "env TERM=xterm $ctl policy check policies/gateway-base.yaml"
    says "$esc"
    check 'NO_COLOR' 0 tty "env TERM=xterm NO_COLOR=1 $ctl policy check policies/gateway-base.yaml"
    says_not "$esc"
    check 'an empty NO_COLOR is none' 0 tty "env TERM=xterm NO_COLOR= $ctl policy check policies/gateway-base.yaml"
    says "$esc"
    check 'a dumb terminal' 0 tty "env TERM=dumb $ctl policy check policies/gateway-base.yaml"
    says_not "$esc"
    check '--color never' 0 tty "env TERM=xterm $ctl --color never policy check policies/gateway-base.yaml"
    says_not "$esc"
fi

# ---- an answer that could not be written is no answer ----
if [ -w /dev/full ]; then
    full() { "$@" >/dev/full; }
    while read -r noun verb; do
        # shellcheck disable=SC2086 # an absent verb is no argument
        check "$noun $verb --help to a full disk" 3 full "$ctl" $noun $verb --help
    done <"$work/commands"
    check 'help to a full disk' 3 full "$ctl" help
    check 'version to a full disk' 3 full "$ctl" --json version
    check 'a good policy to a full disk' 3 full "$ctl" policy check policies/gateway-base.yaml
    check 'reference values to a full disk' 3 full "$ctl" refvals make --root docs --output -
fi
check 'reference values to a closed output' 3 sh -c "'$ctl' refvals make --root docs --output - >&-"

# ---- a file that may not be read ----
if [ "$(id -u)" -eq 0 ]; then
    as_other() { setpriv --reuid 65534 --clear-groups "$@"; }
else
    as_other() { "$@"; }
fi
if as_other "$ctl" version >/dev/null 2>&1; then
    chmod 0755 "$work"
    chmod 0000 "$work/x"
    check 'a label that may not be read' 7 as_other "$ctl" --json --trust "$work/empty" label verify "$work/x"
    json_form
    check 'a label that may not be read, shown' 7 as_other "$ctl" label show "$work/x"
    check 'a certificate that may not be read' 7 as_other "$ctl" trust show "$work/x"
    check 'a policy that may not be read' 7 as_other "$ctl" --json policy check "$work/x"
    json_form
    check 'reference values that may not be read' 7 as_other "$ctl" refvals show "$work/x"
    check 'evidence that may not be read' 7 as_other "$ctl" evidence show "$work/x"
    chmod 0600 "$work/x"
else
    echo 'no other user can run the program here: permissions were not looked at'
fi

# ---- words that a label must never be sold with (docs: claims are evidence for, never compliance with) ----
name='forbidden wordings'
forbid='complete(ly)? secur|free of vulnerabilit|officially endorsed|safe in any environment|guarantee[sd]? (the )?secur|compliant with|certified by|JC-STAR|完全に安全|安全を保証|脆弱性が(ない|ありません)|公式に(認定|推奨)|に準拠し(て|た)|認証済み製品'
# the service's configuration is judged with the keys that it names
attestd() { "$BUILD/attestd" "$@"; }
check 'attestd init' 0 attestd init --dir "$work/v" --insecure-file-key
check 'check-config' 0 attestd run --check-config --config "$work/v/attestd.yaml"
says 'the configuration is good'
chmod 640 "$work/v/label.key"
check 'check-config, a key for others' 7 attestd run --check-config --config "$work/v/attestd.yaml"
says E_CFG_PERM
chmod 600 "$work/v/label.key"
cp "$work/v/label.key" "$work/label.key"
cp "$work/v/device-ca.key" "$work/v/label.key"
check "check-config, another certificate's key" 2 attestd run --check-config --config "$work/v/attestd.yaml"
says E_KEY_PAIR
cp "$work/label.key" "$work/v/label.key"
rm "$work/v/state/evidence.key"
check 'check-config, no key for the evidence' 3 attestd run --check-config --config "$work/v/attestd.yaml"

for f in "$ctl" "$BUILD/attestd" "$BUILD/attest-agent" "$BUILD/attest-courier" "$BUILD/attest-unpack"; do
    rows=$((rows + 1))
    if strings -a "$f" | grep -nEi "$forbid"; then complain "$f says it"; fi
    if LC_ALL=C.UTF-8 grep -aoP '[\x20-\x7e\x{3000}-\x{9fff}]{6,}' "$f" 2>/dev/null | grep -nE "$forbid"; then complain "$f says it"; fi
done
for f in README.md SECURITY.md docs/*.md docs/formats/*.md man/* policies/* examples/*; do
    [ -f "$f" ] || continue
    rows=$((rows + 1))
    if grep -nEi "$forbid" "$f"; then complain "$f says it"; fi
done
name='what attestctl links' rows=$((rows + 1))
if ldd "$ctl" 2>/dev/null | grep -E 'libcurl|libtss2|libevent|libsqlite|libarchive|libext2fs|libsquashfs'; then complain 'more than it may'; fi
finish
