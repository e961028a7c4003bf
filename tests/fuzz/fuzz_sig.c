/* A TPMT_SIGNATURE that parses, written again from its fields, is the same bytes. */
#include <stdlib.h>

#include "base/wr.h"
#include "fuzz.h"
#include "tcg/quote.h"

static void put_2b(struct att_wr *w, struct att_slice s)
{
    att_wr_u16be(w, (uint16_t)s.len);
    att_wr_slice(w, s);
}

static const enum att_key_type TYPES[] = {ATT_KEY_RSA, ATT_KEY_EC_P256, ATT_KEY_EC_P384,
                                          ATT_KEY_EC_P521, ATT_KEY_ED25519};
static struct att_pubkey *keys[ATT_COUNT(TYPES)];

static void make_keys(void)
{
    for (size_t i = 0; i < ATT_COUNT(TYPES) && keys[i] == NULL; i++) {
        struct att_privkey *key = NULL;

        HOLDS(att_privkey_generate(&key, TYPES[i]) == ATT_OK);
        HOLDS(att_privkey_public(&keys[i], key) == ATT_OK);
        att_privkey_free(key);
    }
}

/* For each key it has the one raw form of the key's size, or it is no signature of such a key. */
static void raw_forms(const struct att_tpm_sig *sig)
{
    static const size_t SIZE[] = {256, 64, 96, 132, 0};
    uint8_t raw[256];
    size_t len = 0;

    for (size_t i = 0; i < ATT_COUNT(keys); i++) {
        struct att_diag diag = {0};

        if (att_tpm_sig_raw(sig, keys[i], raw, sizeof(raw), &len, &diag) != ATT_OK) {
            HOLDS(diag.reason == ATT_R_Q_SIG || diag.reason == ATT_R_Q_SIGALG);
            continue;
        }
        HOLDS(len == SIZE[i] && (TYPES[i] == ATT_KEY_RSA) == (sig->scheme != ATT_SCHEME_ECDSA));
        HOLDS(att_tpm_sig_raw(sig, keys[i], raw, len - 1, &len, NULL) == ATT_E_LIMIT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_tpm_sig sig;
    struct att_diag diag = {0};
    struct att_slice again = {0};
    struct att_wr w;
    uint8_t *room = NULL;

    if (att_tpm_sig_parse(&sig, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_ATTEST || diag.reason == ATT_R_Q_SIGALG);
        return 0;
    }
    HOLDS(att_hash_usable(sig.hash));
    make_keys();
    raw_forms(&sig);
    room = malloc(size);
    HOLDS(room != NULL);
    w = att_wr_into(room, size);
    att_wr_u16be(&w, sig.alg);
    att_wr_u16be(&w, (uint16_t)sig.hash);
    put_2b(&w, sig.a);
    if (sig.scheme == ATT_SCHEME_ECDSA) {
        put_2b(&w, sig.b);
    } else {
        HOLDS(sig.b.len == 0);
    }
    HOLDS(att_wr_done(&w, &again) == ATT_OK);
    HOLDS(att_slice_eq(again, att_slice_of(data, size)));
    free(room);
    return 0;
}
