/*
 * What is parsed is the whole input and nothing else, and no key of ours ever verifies it. Signed by us with the
 * same headers it is read as the same, and verifies under the key that signed it alone.
 */
#include <string.h>

#include "cbor_mutate.h"
#include "codec/cbor_wr.h"
#include "fuzz.h"
#include "sign/cose.h"

static const enum att_key_type TYPES[] = {ATT_KEY_EC_P256, ATT_KEY_EC_P384, ATT_KEY_ED25519};
static struct att_pubkey *keys[ATT_COUNT(TYPES)];
static struct att_signer *signers[ATT_COUNT(TYPES)];

/* Fresh keys: no input can hold a signature of theirs. */
static void make_keys(void)
{
    for (size_t i = 0; i < ATT_COUNT(TYPES) && keys[i] == NULL; i++) {
        struct att_privkey *key = NULL;

        HOLDS(att_privkey_generate(&key, TYPES[i]) == ATT_OK);
        HOLDS(att_privkey_public(&keys[i], key) == ATT_OK);
        HOLDS(att_signer_software(&signers[i], key) == ATT_OK);
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

/* As a C text; NULL for what is none, and for what is absent. */
static const char *text_of(char room[128], struct att_slice s)
{
    if (s.len == 0 || s.len >= 128 || memchr(s.p, 0, s.len) != NULL) {
        return NULL;
    }
    memcpy(room, s.p, s.len);
    room[s.len] = '\0';
    return room;
}

static void verified_by_its_key_alone(const struct att_cose *m, size_t signer)
{
    struct att_cose_verified *v = NULL;
    struct att_slice aad = att_slice_str("fuzz");

    for (size_t i = 0; i < ATT_COUNT(keys); i++) {
        HOLDS((att_cose_verify(&v, m, keys[i], aad, NULL) == ATT_OK) == (i == signer));
    }
    HOLDS(att_slice_eq(att_cose_payload(v), m->payload_untrusted));
    att_cose_verified_freep(&v);
    HOLDS(att_cose_verify(&v, m, keys[signer], att_slice_of(NULL, 0), NULL) == ATT_E_SIGNATURE);
}

static void signed_by_us(const struct att_cose *m, size_t signer)
{
    char room[2][128];
    struct att_buf *out = NULL;
    struct att_cose again;
    const struct att_cose_order order = {.typ = text_of(room[0], m->typ),
                                         .content_type = text_of(room[1], m->content_type),
                                         .x5chain = m->x5chain,
                                         .x5chain_count = m->x5chain_count,
                                         .kid = m->kid,
                                         .cwt_claims = m->cwt_claims,
                                         .external_aad = att_slice_str("fuzz"),
                                         .payload = m->payload_untrusted};

    HOLDS(att_cose_make(&out, &order, signers[signer]) == ATT_OK);
    HOLDS(att_cose_parse(&again, att_buf_slice(out), NULL) == ATT_OK);
    HOLDS(att_slice_eq(again.kid, m->kid) && att_slice_eq(again.cwt_claims, m->cwt_claims));
    HOLDS(again.x5chain_count == m->x5chain_count);
    HOLDS(att_slice_eq(again.payload_untrusted, m->payload_untrusted));
    verified_by_its_key_alone(&again, signer);
    att_buf_free(out);
}

/* The same without its payload: no key of ours signed any, and another unprotected map changes nothing else. */
static void detached(struct att_slice in)
{
    static const uint8_t none = 0xa0;
    struct att_cose_verified *v = NULL;
    struct att_buf *bare = NULL;
    struct att_diag diag = {0};
    struct att_cose m, again;

    if (att_cose_parse_detached(&m, in, &diag) != ATT_OK) {
        HOLDS(diag.reason != ATT_R_NONE);
        return;
    }
    HOLDS(m.payload_untrusted.len == 0);
    for (size_t i = 0; i < ATT_COUNT(keys); i++) {
        HOLDS(att_cose_verify_detached(&v, &m, att_slice_str("fuzz"), keys[i], NULL) != ATT_OK);
    }
    HOLDS(att_cose_with_unprotected(&bare, &m, att_slice_of(&none, 1)) == ATT_OK);
    HOLDS(att_cose_parse_detached(&again, att_buf_slice(bare), NULL) == ATT_OK);
    HOLDS(att_slice_eq(again.protected_bytes, m.protected_bytes));
    HOLDS(att_slice_eq(again.signature, m.signature) && again.has_vds == m.has_vds);
    att_buf_free(bare);
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
        detached(in);
        return 0;
    }
    HOLDS(m.payload_untrusted.len > 0 && m.x5chain_count <= ATT_CHAIN_MAX);
    written_again_is_the_input(&m, in);
    for (size_t i = 0; i < ATT_COUNT(keys); i++) {
        HOLDS(att_cose_verify(&v, &m, keys[i], att_slice_of(NULL, 0), &diag) != ATT_OK);
    }
    signed_by_us(&m, size % ATT_COUNT(keys));
    return 0;
}

FUZZ_MUTATES_CBOR(0)
