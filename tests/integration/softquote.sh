# shellcheck shell=sh disable=SC2154 # sourced: variables are the other file's
# A quote by a key of this test, as the TPM of another machine would have made it. Source it after common.sh.
#
#   softquote VALUES.json PCR...   $work/q, $work/s and $work/ak.pem: SHA-256 values of these PCRs, in order; nonce 00aa
hex() { basenc --base16 -w0 | tr 'A-F' 'a-f'; }
unhex() { tr 'a-f' 'A-F' | basenc -d --base16; }

softquote() {
    values=$1 mask=0
    shift
    for pcr in "$@"; do mask=$((mask | 1 << pcr)); done
    [ -f "$work/ak.key" ] || {
        openssl genrsa -out "$work/ak.key" 2048 2>/dev/null
        openssl rsa -in "$work/ak.key" -pubout -out "$work/ak.pem" 2>/dev/null
    }
    digest=$(for pcr in "$@"; do jq -j ".sha256[\"$pcr\"]" "$values"; done | unhex | sha256sum | cut -c1-64)
    {
        printf 'ff54434780180022000b%064d000200aa' 0             # TPMS_ATTEST: magic, quote, signer, nonce
        printf '000000000000100000000001000000000100000000000000aa' # clock, counters, safe, firmware
        printf '00000001000b03%02x%02x%02x0020%s' $((mask & 255)) $((mask >> 8 & 255)) $((mask >> 16)) "$digest"
    } | unhex >"$work/q"
    { printf '0014000b0100' && openssl dgst -sha256 -sign "$work/ak.key" "$work/q" | basenc --base16 -w0; } | unhex >"$work/s"
}
