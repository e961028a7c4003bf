# shellcheck shell=sh disable=SC2034,SC2154 # sourced: variables are the other file's
# The judge of tests/independent with the packages that its lock names by their hashes, once for each build folder; source it
# after common.sh, with $npm_home where npm keeps its own things.
#
#   judge COMMAND ARG...     node's verdict
tool=$BUILD/independent
mkdir -p "$tool"
cp tests/independent/*.mjs tests/independent/package.json "$tool/"
if ! cmp -s tests/independent/package-lock.json "$tool/installed"; then
    cp tests/independent/package-lock.json "$tool/"
    (cd "$tool" && HOME=$npm_home npm install --no-save --ignore-scripts --omit=optional --no-audit --no-fund) >"$work/npm.log" 2>&1 || {
        cat "$work/npm.log"
        skip 'the packages cannot be had from the npm registry'
    }
    cp tests/independent/package-lock.json "$tool/installed"
fi
judge() { node "$tool/check.mjs" "$@"; }
