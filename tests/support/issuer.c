/* Certificates, labels and lists of one test issuer. */
#include "issuer.h"

#include <check.h>
#include <string.h>

#include "evidence/profile.h"
#include "need.h"

static void make_root(struct issuer *is)
{
    struct att_pubkey *pub = NULL;
    struct att_buf *der = NULL;
    struct att_cert_order root = {.kind = ATT_CERT_ROOT,
                                  .common_name = "Test issuer",
                                  .not_before = ISSUER_NOW - 3600,
                                  .not_after = ISSUER_NOW + 86400 * 365};

    NEED(att_privkey_generate(&is->root_key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_privkey_public(&pub, is->root_key) == ATT_OK);
    root.subject_key = pub;
    NEED(att_cert_issue(&der, &root, NULL, is->root_key, NULL) == ATT_OK);
    NEED(att_cert_parse(&is->root, att_buf_slice(der), NULL) == ATT_OK);
    NEED(att_anchors_new(&is->anchors) == ATT_OK);
    NEED(att_anchors_add(is->anchors, is->root) == ATT_OK);
    att_pubkey_free(pub);
    att_buf_free(der);
}

static void make_leaf(struct issuer *is, const struct issuer *above, enum att_cert_kind kind,
                      const char *verifier_id)
{
    static const char *const HOST[] = {"verifier.test"};
    struct att_privkey *key = NULL;
    struct att_pubkey *pub = NULL;
    struct att_cert_order leaf = {.kind = kind,
                                  .common_name = "Test label signer",
                                  .verifier_id = verifier_id,
                                  .hosts = HOST,
                                  .host_count = 1,
                                  .not_before = ISSUER_NOW - 3600,
                                  .not_after = ISSUER_NOW + 86400 * 30};

    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_privkey_public(&pub, key) == ATT_OK);
    leaf.subject_key = pub;
    NEED(att_cert_issue(&is->leaf_der, &leaf, above->root, above->root_key, NULL) == ATT_OK);
    NEED(att_signer_software(&is->signer, key) == ATT_OK);
    is->chain[0] = att_buf_slice(is->leaf_der);
    att_pubkey_free(pub);
}

void issuer_open(struct issuer *is)
{
    memset(is, 0, sizeof(*is));
    make_root(is);
    make_leaf(is, is, ATT_CERT_LABEL_SIGNER, ISSUER_ID);
}

void issuer_open_under(struct issuer *is, const struct issuer *above, enum att_cert_kind kind,
                       const char *verifier_id)
{
    memset(is, 0, sizeof(*is));
    make_leaf(is, above, kind, verifier_id);
}

void issuer_close(struct issuer *is)
{
    att_anchors_free(is->anchors);
    att_signer_free(is->signer);
    att_buf_free(is->leaf_der);
    att_cert_free(is->root);
    att_privkey_free(is->root_key);
}

struct att_label_facts issuer_facts(const struct issuer *is)
{
    static const uint8_t cti[ATT_CTI_LEN] = {1, 2, 3};
    static const uint8_t ek[32] = {9};

    return (struct att_label_facts){.issuer = ISSUER_ID,
                                    .device_id = "gw-1",
                                    .ek_digest = ek,
                                    .cti = cti,
                                    .iat = ISSUER_NOW,
                                    .exp = ISSUER_NOW + 3600,
                                    .policy_name = "scene",
                                    .policy_version = 3,
                                    .manufacturer = "Example",
                                    .model = "GW",
                                    .x5chain = is->chain,
                                    .x5chain_count = 1};
}

struct att_buf *issuer_label(struct issuer *is, struct scene *s,
                             const struct att_label_facts *facts)
{
    ATT_CLEANUP(att_quoted_freep) struct att_quoted *quoted = NULL;
    struct att_buf *label = NULL;
    struct att_evidence ev;
    struct att_expect expect;
    uint8_t qualifying[32];

    NEED(att_evidence_parse(&ev, att_buf_slice(s->evidence), NULL) == ATT_OK);
    expect = scene_expect(s, qualifying);
    NEED(att_quote_verify(&quoted, ev.attest, ev.signature, &expect, NULL) == ATT_OK);
    ck_assert_int_eq(att_label_make(&label, facts, quoted, s->result, is->signer), ATT_OK);
    return label;
}

struct att_status_facts issuer_status_facts(const struct issuer *is)
{
    return (struct att_status_facts){.uri = ISSUER_URI,
                                     .iat = ISSUER_NOW,
                                     .exp = ISSUER_NOW + 86400,
                                     .ttl_s = 3600,
                                     .x5chain = is->chain,
                                     .x5chain_count = 1};
}

struct att_buf *issuer_list(const struct issuer *is, const struct att_status_facts *facts,
                            uint64_t index, unsigned int value)
{
    ATT_CLEANUP(att_status_list_freep) struct att_status_list *list = NULL;
    struct att_buf *out = NULL;

    NEED(att_status_list_new(&list, ATT_STATUS_BITS, 64) == ATT_OK);
    NEED(att_status_list_set(list, index, value) == ATT_OK);
    ck_assert_int_eq(att_status_token_make(&out, facts, list, is->signer), ATT_OK);
    return out;
}

struct att_buf *issuer_sign(const struct issuer *is, const char *typ, struct att_slice payload)
{
    const struct att_cose_order order = {
        .typ = typ, .x5chain = is->chain, .x5chain_count = 1, .payload = payload};
    struct att_buf *out = NULL;

    NEED(att_cose_make(&out, &order, is->signer) == ATT_OK);
    return out;
}
