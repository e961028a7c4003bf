/* What is parsed is the whole input and nothing else, and no key of ours ever verifies it. */
#include "codec/cbor_wr.h"
#include "fuzz.h"
#include "sign/cose.h"

static const enum att_key_type TYPES[] = {ATT_KEY_EC_P256, ATT_KEY_EC_P384, ATT_KEY_ED25519};
static struct att_pubkey *keys[ATT_COUNT(TYPES)];

/* Fresh keys: no input can hold a signature of theirs. */
static void make_keys(void)
{
    for (size_t i = 0; i < ATT_COUNT(TYPES) && keys[i] == NULL; i++) {
        struct att_privkey *key = NULL;

        HOLDS(att_privkey_generate(&key, TYPES[i]) == ATT_OK);
        HOLDS(att_privkey_public(&keys[i], key) == ATT_OK);
        att_privkey_free(key);
    }
}

static void written_again_is_the_input(const struct att_cose *m, struct att_slice in)
{
    uint8_t *room = malloc(in.len);
    struct att_wr w = att_wr_into(room, in.len);

    HOLDS(room != NULL);
    att_cbor_wr_tag(&w, 18);
    att_cbor_wr_array(&w, 4);
    att_cbor_wr_bytes(&w, m->protected_bytes);
    att_cbor_wr_raw(&w, m->unprotected);
    att_cbor_wr_bytes(&w, m->payload_untrusted);
    att_cbor_wr_bytes(&w, m->signature);
    HOLDS(att_wr_ok(&w) && att_slice_eq(att_slice_of(room, w.len), in));
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    struct att_cose_verified *v = NULL;
    struct att_diag diag = {0};
    struct att_cose m;

    make_keys();
    if (att_cose_parse(&m, in, &diag) != ATT_OK) {
        HOLDS(diag.reason != ATT_R_NONE && (diag.off == ATT_OFF_NONE || diag.off <= size));
        return 0;
    }
    HOLDS(m.payload_untrusted.len > 0 && m.x5chain_count <= ATT_CHAIN_MAX);
    written_again_is_the_input(&m, in);
    for (size_t i = 0; i < ATT_COUNT(keys); i++) {
        HOLDS(att_cose_verify(&v, &m, keys[i], att_slice_of(NULL, 0), &diag) != ATT_OK);
    }
    return 0;
}
