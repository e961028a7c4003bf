/* Reading receipts: the root of the tree is the detached payload. */
#include "tlog/receipt_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "crypto/digest.h"
#include "evidence/profile.h"

/* A receipt taken apart; nothing is believed. */
struct parts {
    struct att_cose message;
    struct att_slice proof, entry;
    bool vds_outside;
};

/* {-1: [proof]}: one way from one entry to one root; further ones would be of nothing that is here. */
static void read_vdp(struct att_cbor *c, struct parts *p)
{
    (void)att_cbor_enter_map(c, 1);
    if (att_cbor_key_int(c) != RECEIPT_VDP_INCLUSION)
        att_cbor_fail(c, ATT_E_FORMAT);
    if (att_cbor_enter_array(c, 1) != 1)
        att_cbor_fail(c, ATT_E_FORMAT);
    p->proof = att_cbor_bytes(c, RECEIPT_PROOF_ROOM);
    att_cbor_leave(c);
    att_cbor_leave(c);
}

static enum att_err read_unprotected(struct parts *p, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(p->message.unprotected);

    (void)att_cbor_enter_map(&c, ATT_COSE_HEADERS);
    while (att_cbor_more(&c)) {
        struct att_cbor_key key = att_cbor_key(&c);

        if (key.is_int && key.num == RECEIPT_HEADER_VDP) {
            read_vdp(&c, p);
        } else if (key.is_int && key.num == ATT_HEADER_ENTRY) {
            p->entry = att_cbor_bytes(&c, ATT_ENTRY_MAX);
        } else {
            p->vds_outside = p->vds_outside || (key.is_int && key.num == RECEIPT_HEADER_VDS);
            (void)att_cbor_item(&c);
        }
    }
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_TL_RECEIPT, "unprotected", diag);
}

static enum att_err open_receipt(struct parts *p, struct att_slice in, struct att_diag *diag)
{
    enum att_err err;

    memset(p, 0, sizeof(*p));
    if (in.len > ATT_RECEIPT_MAX)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_TL_RECEIPT, "receipt",
                        "expected at most %d bytes, found %zu", ATT_RECEIPT_MAX, in.len);
    err = att_cose_parse_detached(&p->message, in, diag);
    if (err == ATT_OK)
        err = read_unprotected(p, diag);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(RECEIPT_VDS, p->vds_outside || !p->message.has_vds ||
                                   p->message.vds != RECEIPT_VDS_RFC9162_SHA256))
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_TL_VDS, "vds",
                        "expected 1 (RFC9162_SHA256) in the protected header");
    if (p->proof.len == 0 || p->entry.len == 0)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_TL_RECEIPT, "unprotected",
                        "expected an inclusion proof and the entry that it is of");
    return ATT_OK;
}

static enum att_err read_proof(struct att_receipt *r, struct att_merkle_path *path,
                               struct att_slice proof, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(proof);

    path->count = 0;
    if (att_cbor_enter_array(&c, 3) != 3)
        att_cbor_fail(&c, ATT_E_FORMAT);
    r->head.size = att_cbor_uint(&c);
    r->index = att_cbor_uint(&c);
    (void)att_cbor_enter_array(&c, ATT_MERKLE_PATH_MAX);
    while (att_cbor_more(&c))
        att_cbor_bytes_exact(&c, path->hash[path->count++], ATT_MERKLE_LEN);
    att_cbor_leave(&c);
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_TL_RECEIPT, "proof", diag);
}

/* What the log signed besides the root. */
struct claims {
    char origin[ATT_ENTRY_NAME_MAX];
    int64_t iat;
    uint64_t size;
};

static void expect_claim(struct att_cbor *c, int64_t key)
{
    if (att_cbor_key_int(c) != key)
        att_cbor_fail(c, ATT_E_FORMAT);
}

static enum att_err read_claims(struct claims *out, const struct parts *p, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(p->message.cwt_claims);

    (void)att_cbor_enter_map(&c, 3);
    expect_claim(&c, ATT_CLAIM_ISS);
    att_cbor_text_copy(&c, out->origin, sizeof(out->origin));
    expect_claim(&c, ATT_CLAIM_IAT);
    out->iat = (int64_t)att_cbor_uint_max(&c, INT64_MAX);
    expect_claim(&c, ATT_CLAIM_TREE_SIZE);
    out->size = att_cbor_uint_max(&c, ATT_MERKLE_SIZE_MAX);
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_TL_RECEIPT, "claims", diag);
}

enum att_err att_receipt_signed_at(int64_t *out, struct att_slice signed_root,
                                   struct att_diag *diag)
{
    struct parts p = {0};
    struct claims claims;
    enum att_err err = att_cose_parse_detached(&p.message, signed_root, diag);

    if (err == ATT_OK)
        err = read_claims(&claims, &p, diag);
    if (err != ATT_OK)
        return err;
    *out = claims.iat;
    return ATT_OK;
}

enum att_err att_receipt_origin(char *out, size_t cap, struct att_slice in, struct att_diag *diag)
{
    struct parts p;
    struct claims claims;
    enum att_err err = open_receipt(&p, in, diag);

    if (err == ATT_OK)
        err = read_claims(&claims, &p, diag);
    if (err != ATT_OK)
        return err;
    if (strlen(claims.origin) >= cap)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_TL_RECEIPT, "iss", "the origin is too long");
    memcpy(out, claims.origin, strlen(claims.origin) + 1);
    return ATT_OK;
}

static enum att_err check_signature(const struct parts *p, const struct att_receipt *r,
                                    const struct att_pubkey *log, struct att_diag *diag)
{
    ATT_CLEANUP(att_cose_verified_freep) struct att_cose_verified *v = NULL;
    enum att_err err = att_cose_verify_detached(
        &v, &p->message, att_slice_of(r->head.root, sizeof(r->head.root)), log, diag);

    if (err == ATT_E_SIGNATURE || err == ATT_E_MISMATCH)
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_TL_SIGNATURE, "signature",
                        "the log's signature over the root of its tree does not verify");
    return err;
}

static enum att_err leaf_of(uint8_t out[ATT_MERKLE_LEN], struct att_slice entry)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    enum att_err err = att_hasher_new(&h);

    return err == ATT_OK ? att_merkle_leaf(out, h, entry) : err;
}

enum att_err att_receipt_verify(struct att_receipt *out, struct att_slice in, const char *origin,
                                const struct att_pubkey *log, struct att_diag *diag)
{
    struct parts p;
    struct att_receipt r = {0};
    struct att_merkle_path path;
    uint8_t leaf[ATT_MERKLE_LEN];
    struct claims claims;
    enum att_err err = open_receipt(&p, in, diag);

    if (err == ATT_OK)
        err = read_claims(&claims, &p, diag);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(RECEIPT_ORIGIN, strcmp(claims.origin, origin) != 0))
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TL_RECEIPT, "iss",
                        "it is of another log than %s", origin);
    err = read_proof(&r, &path, p.proof, diag);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(RECEIPT_SIZE, r.head.size != claims.size))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_PROOF, "size",
                        "the log signed a tree of %llu entries, the proof is for one of %llu",
                        (unsigned long long)claims.size, (unsigned long long)r.head.size);
    r.entry = p.entry;
    r.iat = claims.iat;
    if (leaf_of(leaf, p.entry) != ATT_OK)
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "entry", "hashing failed");
    err = att_merkle_path_root(r.head.root, r.index, r.head.size, leaf, &path, diag);
    if (err == ATT_OK)
        err = check_signature(&p, &r, log, diag);
    if (err != ATT_OK)
        return err;
    *out = r;
    return ATT_OK;
}

/* A key stands once in a map, so this is called once for a label. */
static size_t read_receipts(struct att_cbor *c, struct att_slice receipt[ATT_RECEIPTS_MAX])
{
    size_t n = 0;

    if (att_cbor_enter_array(c, ATT_RECEIPTS_MAX) == 0)
        att_cbor_fail(c, ATT_E_FORMAT);
    while (att_cbor_more(c))
        receipt[n++] = att_cbor_bytes(c, ATT_RECEIPT_MAX);
    att_cbor_leave(c);
    return n;
}

enum att_err att_receipts_of(struct att_slice receipt[ATT_RECEIPTS_MAX], size_t *count,
                             const struct att_cose *label, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(label->unprotected);
    size_t n = 0;
    enum att_err err;

    (void)att_cbor_enter_map(&c, ATT_COSE_HEADERS);
    while (att_cbor_more(&c)) {
        struct att_cbor_key key = att_cbor_key(&c);

        if (key.is_int && key.num == RECEIPT_HEADER_RECEIPTS) {
            n = read_receipts(&c, receipt);
            continue;
        }
        (void)att_cbor_item(&c);
        if (ATT_GUARD(LABEL_UNPROTECTED, true))
            att_cbor_fail(&c, ATT_E_FORMAT);
    }
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_TL_RECEIPT, "unprotected", diag);
    if (err != ATT_OK)
        return err;
    *count = n;
    return ATT_OK;
}
