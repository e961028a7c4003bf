/* A public key in whatever form people keep it: written again it is the same key under the same fingerprint. */
#include <string.h>

#include "crypto/key.h"
#include "crypto/key_internal.h"
#include "crypto/pem_internal.h"
#include "fuzz.h"

static void as_pem(const struct att_pubkey *key, struct att_slice spki)
{
    struct att_buf *pem = NULL;
    struct att_pubkey *again = NULL;

    HOLDS(att_pem_write(&pem, "PUBLIC KEY", spki) == ATT_OK);
    HOLDS(att_pubkey_from_text(&again, att_buf_slice(pem), NULL) == ATT_OK);
    HOLDS(att_pubkey_eq(key, again));
    HOLDS(att_pem_write(&pem, "PUBLIC KEY", att_slice_of(spki.p, ATT_PEM_MAX)) == ATT_E_LIMIT);
    att_pubkey_freep(&again);
    HOLDS(att_pubkey_from_evp(&again, key->pkey, NULL) == ATT_OK && att_pubkey_eq(key, again));
    att_pubkey_free(again);
    att_buf_free(pem);
}

static void written_again(const struct att_pubkey *key)
{
    struct att_buf *spki = NULL;
    struct att_pubkey *again = NULL;
    uint8_t print[2][32];
    uint8_t id[2][ATT_KEY_ID_LEN];

    HOLDS(att_pubkey_spki(&spki, key) == ATT_OK);
    HOLDS(att_pubkey_from_text(&again, att_buf_slice(spki), NULL) == ATT_OK);
    HOLDS(att_pubkey_eq(key, again) && att_pubkey_bits(key) == att_pubkey_bits(again));
    as_pem(key, att_buf_slice(spki));
    HOLDS(att_pubkey_fingerprint(print[0], key) == ATT_OK);
    HOLDS(att_pubkey_fingerprint(print[1], again) == ATT_OK);
    HOLDS(memcmp(print[0], print[1], sizeof(print[0])) == 0);
    HOLDS(att_pubkey_key_id(id[0], key) == ATT_OK && att_pubkey_key_id(id[1], again) == ATT_OK);
    HOLDS(memcmp(id[0], id[1], sizeof(id[0])) == 0);
    att_pubkey_free(again);
    att_buf_free(spki);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    struct att_pubkey *key = NULL;
    struct att_pem pem = {0};
    struct att_diag diag = {0};

    /* more than a file may hold is refused before it is read */
    HOLDS(att_pubkey_from_spki(&key, att_slice_of(data, ATT_PEM_MAX + 1), NULL) != ATT_OK);
    HOLDS(att_pem_only(&pem, att_slice_of(data, ATT_PEM_MAX + 1)) == ATT_E_LIMIT);
    if (att_pubkey_from_text(&key, in, &diag) == ATT_OK) {
        written_again(key);
        att_pubkey_freep(&key);
    } else {
        HOLDS(diag.reason != ATT_R_NONE && key == NULL);
    }
    if (att_pubkey_from_spki(&key, in, NULL) == ATT_OK) {
        written_again(key);
        att_pubkey_free(key);
    }
    return 0;
}
