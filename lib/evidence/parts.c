/* Replaying one part, by both rules of extending: which one holds is seen at the quote. */
#include "evidence/parts.h"

#include <string.h>

#include "base/guard.h"
#include "tcg/ima.h"
#include "tcg/pcr.h"

/* A hasher for each algorithm: changing one's costs more than an entry. */
struct replaying {
    struct att_ima_parts to;
    enum att_hash bank;
    struct att_hasher *h, *sha1;
};

static void replaying_clear(struct replaying *r)
{
    att_hasher_free(r->h);
    att_hasher_free(r->sha1);
}

static enum att_err extend(struct replaying *r, const struct att_ima_entry *e)
{
    uint8_t digest[ATT_HASH_MAX];
    enum att_err err = att_ima_extended(digest, e, r->bank, false, r->h);

    if (err == ATT_OK) {
        err = att_pcr_extend(r->h, r->bank, r->to.pcr, digest);
    }
    if (err == ATT_OK) {
        err = att_ima_extended(digest, e, r->bank, true, r->sha1);
    }
    if (err == ATT_OK) {
        err = att_pcr_extend(r->h, r->bank, r->to.padded, digest);
    }
    r->to.count++;
    return err;
}

static enum att_err check_pcr(const struct att_ima_entry *e, uint32_t ima_pcr,
                              struct att_diag *diag)
{
    if (ATT_GUARD(PARTS_PCR, e->pcr != ima_pcr)) {
        return att_fail_at(diag, ATT_E_MISMATCH, ATT_R_LOG_PCR, "ima.pcr", e->off,
                           "expected PCR %u, found %u", (unsigned int)ima_pcr,
                           (unsigned int)e->pcr);
    }
    return ATT_OK;
}

/* *taken ends behind the last whole entry. */
static enum att_err replay(struct replaying *r, size_t *taken, struct att_slice part,
                           uint32_t ima_pcr, struct att_diag *diag)
{
    struct att_ima it = att_ima_from(part);

    for (*taken = 0;; *taken = att_rd_off(&it.rd)) {
        struct att_ima_entry e;
        bool more = true;
        enum att_err err = att_ima_next(&it, &e, &more, diag);

        if ((err == ATT_OK && !more) || (err == ATT_E_TRUNCATED && *taken > 0)) {
            return ATT_OK;
        }
        if (err == ATT_OK) {
            err = check_pcr(&e, ima_pcr, diag);
        }
        if (err != ATT_OK) {
            return err;
        }
        err = extend(r, &e);
        if (err != ATT_OK) {
            return att_fail(diag, err, ATT_R_INTERNAL, "ima", "the part could not be replayed");
        }
    }
}

enum att_err att_parts_replay(struct att_ima_parts *p, size_t *taken, struct att_slice part,
                              enum att_hash bank, uint32_t ima_pcr, struct att_diag *diag)
{
    ATT_CLEANUP(replaying_clear) struct replaying r = {.to = *p, .bank = bank};
    size_t len = 0;
    enum att_err err = att_hasher_new(&r.h);

    if (err == ATT_OK) {
        err = att_hasher_new(&r.sha1);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "ima", "no memory");
    }
    err = replay(&r, &len, part, ima_pcr, diag);
    if (err != ATT_OK) {
        return err;
    }
    if (len == 0) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_IMA, "part", "it holds no entry");
    }
    r.to.known = true;
    r.to.off += len;
    *p = r.to;
    *taken = len;
    return ATT_OK;
}
