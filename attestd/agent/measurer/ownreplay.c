/* Log and PCR compared: what a power cut may have left is set right, everything else is refused. */
#include "agent/measurer/ownstore.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/measurer/ownstore_internal.h"
#include "base/file.h"
#include "base/guard.h"
#include "tcg/ownlog.h"

void (*own_store_on_step)(enum own_step step);

void own_step_done(enum own_step step)
{
    if (own_store_on_step != NULL) {
        own_store_on_step(step);
    }
}

enum att_err own_io_error(struct att_diag *diag, const char *what, const char *path)
{
    return att_fail(diag, ATT_E_IO, ATT_R_ST_FULL, "own log", "%s %s: %s", what, path,
                    strerror(errno));
}

bool own_state_eq(const struct own_store *s, const struct own_state *a, const struct own_state *b)
{
    for (size_t i = 0; i < s->bank_count; i++) {
        if (memcmp(a->value[i], b->value[i], att_hash_size(s->bank[i])) != 0) {
            return false;
        }
    }
    return true;
}

enum att_err own_read_pcr(struct own_store *s, struct own_state *out, struct att_diag *diag)
{
    struct att_pcr_selection sel = {.count = (uint32_t)s->bank_count};
    struct att_pcr_values values = {0};
    struct own_state v = {0};
    enum att_err err = ATT_OK;

    for (size_t i = 0; i < s->bank_count; i++) {
        sel.sel[i] = (struct att_pcr_sel){.bank = s->bank[i], .mask = 1U << s->pcr, .size = 3};
    }
    err = hw_tpm_pcr_read(&values, s->tpm, &sel, diag);
    if (err != ATT_OK) {
        return err;
    }
    for (size_t i = 0; i < s->bank_count; i++) {
        const struct att_pcr_bank *bank = att_pcr_bank_find(&values, s->bank[i]);

        if (bank == NULL || (bank->has & (1U << s->pcr)) == 0) {
            return att_fail(diag, ATT_E_TPM, ATT_R_TPM_IO, "own log",
                            "the TPM gave no value of PCR %u in bank %s", s->pcr,
                            att_hash_name(s->bank[i]));
        }
        memcpy(v.value[i], bank->value[s->pcr], att_hash_size(s->bank[i]));
    }
    *out = v;
    return ATT_OK;
}

enum att_err own_extend(struct own_store *s, const struct hw_pcr_digest *digests,
                        struct att_diag *diag)
{
    enum att_err err = hw_tpm_pcr_extend(s->tpm, s->pcr, digests, s->bank_count, diag);

    if (err == ATT_OK) {
        own_step_done(OWN_STEP_EXTENDED);
    }
    return err;
}

/* The digests of a record in the order of our banks; false when one is missing. */
static bool digests_of(const struct own_store *s, const struct att_own_record *rec,
                       struct hw_pcr_digest *out)
{
    for (size_t i = 0; i < s->bank_count; i++) {
        bool found = false;

        out[i].alg = s->bank[i];
        for (uint32_t j = 0; j < rec->digest_count && !found; j++) {
            found = rec->digest[j].alg == s->bank[i];
            if (found) {
                memcpy(out[i].value, rec->digest[j].value, att_hash_size(s->bank[i]));
            }
        }
        if (!found) {
            return false;
        }
    }
    return rec->digest_count == s->bank_count;
}

/* A replay of the log, remembering what a power cut may have left. */
struct replay {
    struct own_state before, after; /* without and with the last whole record */
    struct hw_pcr_digest last[ATT_PCR_BANKS];
    uint64_t records;
    size_t end;        /* bytes of whole records */
    bool tail;         /* something that is no record stands behind them */
    bool seen_earlier; /* the PCR equals a prefix that is shorter still */
    bool started;      /* the log begins with a boot record, from zero */
};

static enum att_err check_boot(const struct own_store *s, const struct replay *r,
                               const struct att_own_record *rec, struct att_diag *diag)
{
    for (size_t i = 0; i < s->bank_count; i++) {
        const struct att_pcr_bank *start = att_pcr_bank_find(&rec->boot.start, s->bank[i]);
        size_t size = att_hash_size(s->bank[i]);

        if (ATT_GUARD(AGENT_BOOT_START, start == NULL || memcmp(start->value[s->pcr],
                                                                r->after.value[i], size) != 0)) {
            return att_fail_at(diag, ATT_E_MISMATCH, ATT_R_OWN_LOG, "own log", rec->off,
                               "the boot record of %s does not start where the log stands",
                               s->path);
        }
    }
    return ATT_OK;
}

static enum att_err replay_record(struct own_store *s, struct replay *r,
                                  const struct own_state *now, const struct att_own_record *rec,
                                  struct att_diag *diag)
{
    bool ours = digests_of(s, rec, r->last) && rec->pcr == s->pcr;
    enum att_err err = ATT_OK;

    if (ATT_GUARD(AGENT_LOG_SHAPE, !ours || (r->records == 0 && !rec->is_boot))) {
        return att_fail_at(
            diag, ATT_E_MISMATCH, ATT_R_OWN_LOG, "own log", rec->off,
            "%s has a record for another PCR or other banks, or no boot record first", s->path);
    }
    if (rec->is_boot) {
        err = check_boot(s, r, rec, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    r->seen_earlier = r->seen_earlier || (r->records > 0 && own_state_eq(s, now, &r->before));
    r->before = r->after;
    for (size_t i = 0; i < s->bank_count && err == ATT_OK; i++) {
        err = att_pcr_extend(s->hasher, s->bank[i], r->after.value[i], r->last[i].value);
    }
    r->records++;
    r->end = rec->off + rec->len;
    return err;
}

static enum att_err replay_log(struct own_store *s, struct replay *r, const struct own_state *now,
                               struct att_slice log, struct att_diag *diag)
{
    struct att_own it = att_own_from(log, 0);
    enum att_err err = ATT_OK;

    while (r->end < log.len) {
        struct att_own_record rec;
        bool more = false;

        err = att_own_next(&it, &rec, &more, s->hasher, NULL);
        if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO) {
            return att_fail(diag, err, ATT_R_NOMEM, "own log", "the log could not be replayed");
        }
        if (err != ATT_OK || !more) {
            r->tail = true;
            return ATT_OK;
        }
        err = replay_record(s, r, now, &rec, diag);
        if (err != ATT_OK) {
            return err;
        }
    }
    return ATT_OK;
}

/* What stands behind the last whole record was never extended: a write that the power cut. */
static enum att_err cut_tail(struct own_store *s, size_t end, struct att_diag *diag)
{
    if (ftruncate(s->fd, (off_t)end) != 0 || fdatasync(s->fd) != 0) {
        return own_io_error(diag, "cannot cut the torn end of", s->path);
    }
    return ATT_OK;
}

static enum att_err set_right(struct own_store *s, struct replay *r, const struct own_state *now,
                              struct att_diag *diag)
{
    bool equal = own_state_eq(s, now, &r->after);
    bool behind = r->records > 0 && !r->tail && own_state_eq(s, now, &r->before);
    enum att_err err = ATT_OK;

    s->size = r->end;
    s->next_recnum = r->records;
    if (equal) {
        s->found = r->tail ? OWN_CUT_TORN : OWN_EQUAL;
        return r->tail ? cut_tail(s, r->end, diag) : ATT_OK;
    }
    if (behind) {
        err = own_extend(s, r->last, diag);
        s->found = OWN_EXTENDED_LAST;
        return err;
    }
    if (r->seen_earlier || r->tail || own_state_eq(s, now, &r->before)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_OWN_LOG, "own log",
                        "PCR %u is behind %s by more than its last record", s->pcr, s->path);
    }
    return att_fail(diag, ATT_E_MISMATCH, ATT_R_OWN_FOREIGN, "own log",
                    "PCR %u is not what the %llu records of %s lead to", s->pcr,
                    (unsigned long long)r->records, s->path);
}

enum att_err own_read_log(const struct own_store *s, struct att_buf **out, struct att_diag *diag)
{
    if (lseek(s->fd, 0, SEEK_SET) != 0) {
        return own_io_error(diag, "cannot read", s->path);
    }
    return att_file_read_fd(out, s->fd, ATT_OWN_LOG_MAX, diag);
}

enum att_err own_reconcile(struct own_store *s, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *log = NULL;
    struct replay r = {0};
    struct own_state now;
    enum att_err err = own_read_pcr(s, &now, diag);

    if (err == ATT_OK) {
        err = own_read_log(s, &log, diag);
    }
    if (err == ATT_OK) {
        err = replay_log(s, &r, &now, att_buf_slice(log), diag);
    }
    return err != ATT_OK ? err : set_right(s, &r, &now, diag);
}
