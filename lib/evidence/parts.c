/* Replaying one part by the rule of extending that its sender names: the quote proves it. */
#include "evidence/parts.h"

#include <string.h>

#include "base/guard.h"

enum att_err att_parts_walk_start(struct att_parts_walk *w, const struct att_ima_parts *from,
                                  struct att_slice part, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    w->to = *from;
    w->to.known = true;
    w->it = att_ima_from(part);
    w->taken = 0;
    err = att_hasher_new(&w->h);
    /* a hasher for each algorithm: changing one's costs more than an entry */
    if (err == ATT_OK && from->padded) {
        err = att_hasher_new(&w->sha1);
    }
    return err == ATT_OK ? ATT_OK : att_fail(diag, err, ATT_R_NOMEM, "ima", "no memory");
}

void att_parts_walk_end(struct att_parts_walk *w)
{
    att_hasher_freep(&w->h);
    att_hasher_freep(&w->sha1);
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

static enum att_err extend(struct att_parts_walk *w, const struct att_ima_entry *e)
{
    struct att_hasher *data = w->to.padded ? w->sha1 : w->h;
    uint8_t digest[ATT_HASH_MAX];
    enum att_err err = att_ima_extended(digest, e, w->bank, w->to.padded, data);

    return err == ATT_OK ? att_pcr_extend(w->h, w->bank, w->to.pcr, digest) : err;
}

static enum att_err end_of_part(const struct att_parts_walk *w, bool *more, struct att_diag *diag)
{
    *more = false;
    return w->taken > 0 ? ATT_OK
                        : att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_IMA, "part", "it holds no entry");
}

enum att_err att_parts_walk_next(struct att_parts_walk *w, struct att_ima_entry *out, bool *more,
                                 struct att_diag *diag)
{
    size_t end = 0;
    enum att_err err = att_ima_next(&w->it, out, more, diag);

    if ((err == ATT_OK && !*more) || (err == ATT_E_TRUNCATED && w->taken > 0)) {
        return end_of_part(w, more, diag);
    }
    if (err == ATT_OK) {
        err = check_pcr(out, w->ima_pcr, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = extend(w, out);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "ima", "the part could not be replayed");
    }
    end = att_rd_off(&w->it.rd);
    w->to.off += end - w->taken;
    w->to.count++;
    w->taken = end;
    return ATT_OK;
}
