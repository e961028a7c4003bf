/* The signature of a file in the kernel's list: its header, and what it is over. */
#include "tcg/ima_sig.h"

#include "base/guard.h"
#include "base/rd.h"
#include "crypto/verify.h"

/* enum evm_ima_xattr_type of the kernel. */
enum xattr_type {
    XATTR_DIGEST = 1,
    XATTR_HMAC = 2,
    XATTR_SIGNATURE = 3,
    XATTR_DIGEST_NG = 4,
    XATTR_EVM_PORTABLE = 5,
    XATTR_VERITY_SIGNATURE = 6
};

/* enum hash_algo of the kernel (include/uapi/linux/hash_info.h). SHA-1 is known, to be refused by its name. */
static const struct {
    uint8_t id;
    enum att_hash hash;
} HASHES[] = {{2, ATT_HASH_SHA1}, {4, ATT_HASH_SHA256}, {5, ATT_HASH_SHA384}, {6, ATT_HASH_SHA512}};

static enum att_err refuse(struct att_diag *diag, enum att_err err, const char *field,
                           const char *what)
{
    return att_fail(diag, err, ATT_R_IMA_SIGFORM, field, "%s", what);
}

/* What is no signature of a file, by its name; NULL when it is one. */
static const char *other_kind(uint8_t type)
{
    switch (type) {
    case XATTR_SIGNATURE:
    case XATTR_VERITY_SIGNATURE:
        return NULL;
    case XATTR_DIGEST:
    case XATTR_DIGEST_NG:
        return "expected a signature, found a hash";
    case XATTR_HMAC:
        return "expected a signature, found an HMAC";
    case XATTR_EVM_PORTABLE:
        return "expected a signature of the file, found one of its attributes (EVM)";
    default:
        return "expected type 3 or 6, found an unknown one";
    }
}

static enum att_err read_kind(struct att_ima_sig *s, struct att_rd *r, struct att_diag *diag)
{
    const char *other = NULL;

    s->type = att_rd_u8(r);
    other = other_kind(s->type);
    if (other != NULL) {
        return refuse(diag, ATT_E_UNSUPPORTED, "type", other);
    }
    s->verity = s->type == XATTR_VERITY_SIGNATURE;
    s->version = att_rd_u8(r);
    if (!att_rd_ok(r)) {
        return refuse(diag, ATT_E_TRUNCATED, "version", "it ends inside its header");
    }
    if (s->version != 3 && (s->verity || s->version != 2)) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_IMA_SIGFORM, "version",
                        "expected version %s, found %u", s->verity ? "3" : "2 or 3",
                        (unsigned int)s->version);
    }
    return ATT_OK;
}

static enum att_hash hash_of(uint8_t id)
{
    for (size_t i = 0; i < ATT_COUNT(HASHES); i++) {
        if (HASHES[i].id == id) {
            return HASHES[i].hash;
        }
    }
    return ATT_HASH_NONE;
}

static enum att_err read_hash(struct att_ima_sig *s, struct att_rd *r, struct att_diag *diag)
{
    s->hash_id = att_rd_u8(r);
    s->hash = hash_of(s->hash_id);
    if (!att_rd_ok(r)) {
        return refuse(diag, ATT_E_TRUNCATED, "hash", "it ends inside its header");
    }
    if (s->hash == ATT_HASH_NONE) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_IMA_SIGFORM, "hash",
                        "expected SHA-256, SHA-384 or SHA-512, found the kernel's hash %u",
                        (unsigned int)s->hash_id);
    }
    /* two files of one SHA-1 can be made, and one of them signed */
    if (ATT_GUARD(IMA_SIG_HASH, s->hash == ATT_HASH_SHA1)) {
        return refuse(diag, ATT_E_UNSUPPORTED, "hash", "expected SHA-256 or longer, found SHA-1");
    }
    return ATT_OK;
}

static enum att_err read_signature(struct att_ima_sig *s, struct att_rd *r, struct att_diag *diag)
{
    uint32_t len = 0;

    att_rd_copy(r, s->keyid, sizeof(s->keyid));
    len = att_rd_count16be(r, ATT_IMA_SIG_MAX);
    s->sig = att_rd_bytes(r, len);
    if (att_rd_ok(r) && len == 0) {
        return refuse(diag, ATT_E_FORMAT, "size",
                      "expected a signature, found none behind its header");
    }
    return att_rd_end_diag(r, ATT_R_IMA_SIGFORM, "signature", diag);
}

enum att_err att_ima_sig_parse(struct att_ima_sig *out, struct att_slice in, struct att_diag *diag)
{
    struct att_ima_sig s = {0};
    struct att_rd r = att_rd_slice(in);
    enum att_err err = ATT_OK;

    if (in.len == 0) {
        return refuse(diag, ATT_E_NOT_FOUND, "sig", "expected a signature, found none");
    }
    err = read_kind(&s, &r, diag);
    if (err == ATT_OK) {
        err = read_hash(&s, &r, diag);
    }
    if (err == ATT_OK) {
        err = read_signature(&s, &r, diag);
    }
    if (err == ATT_OK) {
        *out = s;
    }
    return err;
}

/* A digest counts for what it is: of a file or of its fs-verity tree, and by which algorithm. */
static enum att_err check_digest(const struct att_ima_sig *s, const struct att_ima_entry *e,
                                 struct att_diag *diag)
{
    if (ATT_GUARD(IMA_SIG_ALG, s->hash != e->alg) || e->digest.len != att_hash_size(s->hash)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_IMA_SIGFORM, "hash",
                        "expected a signature over %s, which the list has, found one over %s",
                        att_hash_name(e->alg), att_hash_name(s->hash));
    }
    if (ATT_GUARD(IMA_SIG_KIND, s->verity != e->verity)) {
        return refuse(diag, ATT_E_MISMATCH, "type",
                      s->verity ? "expected a signature over the file, found one over fs-verity"
                                : "expected a signature over fs-verity, found one over the file");
    }
    return ATT_OK;
}

/* struct ima_file_id: the type, the algorithm and the digest, hashed by that algorithm. */
static enum att_err file_id(uint8_t *out, const struct att_ima_sig *s,
                            const struct att_ima_entry *e)
{
    const uint8_t head[] = {s->type, s->hash_id};
    const struct att_slice parts[] = {att_slice_of(head, sizeof(head)), e->digest};

    return att_digest(s->hash, parts, ATT_COUNT(parts), out);
}

enum att_err att_ima_sig_verify(const struct att_ima_sig *s, const struct att_ima_entry *e,
                                const struct att_pubkey *key, struct att_diag *diag)
{
    uint8_t id[ATT_HASH_MAX];
    struct att_slice signed_ = e->digest;
    enum att_err err = check_digest(s, e, diag);

    if (err == ATT_OK && s->version == 3) {
        err = file_id(id, s, e);
        signed_ = att_slice_of(id, att_hash_size(s->hash));
    }
    if (err == ATT_OK) {
        err = att_verify_digest_der(key, s->hash, signed_, s->sig);
    }
    if (err == ATT_E_SIGNATURE) {
        return att_fail(diag, err, ATT_R_IMA_SIGBAD, "signature",
                        "expected a signature over this digest, found one that is not");
    }
    return err;
}
