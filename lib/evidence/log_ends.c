/* Replaying the IMA list and the own log, keeping the newest ends. */
#include "evidence/logs_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "tcg/ima.h"
#include "tcg/ownlog.h"

enum att_err att_log_ends_init(struct att_log_ends *e, size_t room)
{
    memset(e, 0, sizeof(*e));
    e->end = calloc(room, sizeof(*e->end));
    if (e->end == NULL) {
        return ATT_E_NOMEM;
    }
    e->room = room;
    return ATT_OK;
}

void att_log_ends_clear(struct att_log_ends *e)
{
    free(e->end);
    memset(e, 0, sizeof(*e));
}

void att_log_ends_forget(struct att_log_ends *e)
{
    e->used = 0;
    e->next = 0;
}

void att_log_ends_push(struct att_log_ends *e, const struct att_log_end *end)
{
    e->end[e->next] = *end;
    e->next = (e->next + 1) % e->room;
    if (e->used < e->room) {
        e->used++;
    }
}

const struct att_log_end *att_log_ends_at(const struct att_log_ends *e, size_t age)
{
    return &e->end[(e->next + e->room - 1 - age) % e->room];
}

/* Where the sent part starts: the prior state's end, or the beginning of the boot. */
static struct att_log_end start_of(const struct att_evidence *ev, enum att_log log,
                                   const struct att_log_state *from)
{
    struct att_log_end end = {0};

    if (ev->claims.logs.off[log] > 0) {
        end.count = from->count;
        memcpy(end.pcr, from->pcr, sizeof(end.pcr));
    }
    return end;
}

/* The same for the kernel list, which may have been sent in parts before. */
static struct att_log_end start_of_ima(const struct att_evidence *ev,
                                       const struct att_log_rules *rules,
                                       const struct att_log_state *from)
{
    struct att_log_end end = {0};

    if (rules->parts == NULL) {
        return start_of(ev, ATT_LOG_IMA, from);
    }
    end.count = rules->parts->count;
    memcpy(end.pcr, rules->parts->pcr, sizeof(end.pcr));
    return end;
}

static enum att_err extend_ima(struct att_log_end *end, const struct att_ima_entry *e,
                               enum att_hash bank, bool padded, struct att_hasher *h)
{
    uint8_t digest[ATT_HASH_MAX];
    enum att_err err = att_ima_extended(digest, e, bank, padded, h);

    if (err != ATT_OK) {
        return err;
    }
    return att_pcr_extend(h, bank, end->pcr, digest);
}

enum att_err att_ima_ends(struct att_log_ends *out, const struct att_evidence *ev,
                          const struct att_log_rules *rules, const struct att_log_state *from,
                          bool padded, struct att_diag *diag)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_log_end end = start_of_ima(ev, rules, from);
    struct att_ima it = att_ima_from(ev->log[ATT_LOG_IMA]);
    struct att_ima_entry entry;
    bool more = true;
    enum att_err err = att_hasher_new(&h);

    att_log_ends_push(out, &end);
    while (err == ATT_OK) {
        err = att_ima_next(&it, &entry, &more, diag);
        if (err != ATT_OK || !more) {
            return err;
        }
        if (ATT_GUARD(LOG_IMA_PCR, entry.pcr != rules->ima_pcr)) {
            return att_fail_at(diag, ATT_E_MISMATCH, ATT_R_LOG_PCR, "ima.pcr", entry.off,
                               "expected PCR %u, found %u", (unsigned int)rules->ima_pcr,
                               (unsigned int)entry.pcr);
        }
        err = extend_ima(&end, &entry, rules->bank, padded, h);
        end.len = att_rd_off(&it.rd);
        end.count++;
        att_log_ends_push(out, &end);
    }
    return att_fail(diag, err, ATT_R_INTERNAL, "ima", "the list could not be replayed");
}

static const uint8_t *digest_for(const struct att_own_record *rec, enum att_hash bank)
{
    for (uint32_t i = 0; i < rec->digest_count; i++) {
        if (rec->digest[i].alg == bank) {
            return rec->digest[i].value;
        }
    }
    return NULL;
}

/* D5: the PCR was zero when the log began, and where the replay stands when it goes on. */
static enum att_err check_boot_start(const struct att_own_record *rec,
                                     const struct att_log_end *end, enum att_hash bank,
                                     struct att_diag *diag)
{
    const struct att_pcr_bank *start = att_pcr_bank_find(&rec->boot.start, bank);
    size_t size = att_hash_size(bank);

    if (start == NULL || rec->pcr >= ATT_PCR_COUNT) {
        return att_fail_at(diag, ATT_E_MISMATCH, ATT_R_LOG_BANK, "own.boot", rec->off,
                           "the boot record has no starting value for %s", att_hash_name(bank));
    }
    if (ATT_GUARD(OWN_START, memcmp(start->value[rec->pcr], end->pcr, size) != 0)) {
        return att_fail_at(diag, ATT_E_MISMATCH, ATT_R_OWN_FOREIGN, "own.boot", rec->off,
                           "PCR %u did not start where the log starts", (unsigned int)rec->pcr);
    }
    return ATT_OK;
}

/* A second record of the same counters: the TPM was not reset, and another kernel reads its own boot id. */
static void enter_boot(struct att_log_end *end, const struct att_own_boot *boot)
{
    end->kexec = end->in_boot && end->reset_count == boot->reset_count &&
                 end->restart_count == boot->restart_count;
    end->boot_known = true;
    end->in_boot = true;
    end->reset_count = boot->reset_count;
    end->restart_count = boot->restart_count;
}

static enum att_err extend_own(struct att_log_end *end, const struct att_own_record *rec,
                               const struct att_log_rules *rules, struct att_hasher *h,
                               struct att_diag *diag)
{
    const uint8_t *digest = digest_for(rec, rules->bank);
    enum att_err err = ATT_OK;

    if (ATT_GUARD(LOG_OWN_PCR, rec->pcr != rules->own_pcr)) {
        return att_fail_at(diag, ATT_E_MISMATCH, ATT_R_LOG_PCR, "own.pcr", rec->off,
                           "expected PCR %u, found %u", (unsigned int)rules->own_pcr,
                           (unsigned int)rec->pcr);
    }
    if (digest == NULL) {
        return att_fail_at(diag, ATT_E_MISMATCH, ATT_R_LOG_BANK, "own.digests", rec->off,
                           "the record has no digest for %s", att_hash_name(rules->bank));
    }
    if (rec->is_boot) {
        err = check_boot_start(rec, end, rules->bank, diag);
        if (err != ATT_OK) {
            return err;
        }
        enter_boot(end, &rec->boot);
    }
    err = att_pcr_extend(h, rules->bank, end->pcr, digest);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "own", "the log could not be replayed");
    }
    end->len = rec->off + rec->len;
    end->count = rec->recnum + 1;
    return ATT_OK;
}

enum att_err att_own_ends(struct att_log_ends *out, const struct att_evidence *ev,
                          const struct att_log_rules *rules, const struct att_log_state *from,
                          struct att_diag *diag)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_log_end end = start_of(ev, ATT_LOG_OWN, from);
    struct att_own it = att_own_from(ev->log[ATT_LOG_OWN], end.count);
    struct att_own_record rec;
    bool more = true;
    enum att_err err = att_hasher_new(&h);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "own", "no memory");
    }
    if (out->boot != NULL) {
        end.in_boot = true;
        end.reset_count = out->boot->reset_count;
        end.restart_count = out->boot->restart_count;
    }
    att_log_ends_push(out, &end);
    while (more) {
        err = att_own_next(&it, &rec, &more, h, diag);
        if (err != ATT_OK) {
            return err;
        }
        if (!more) {
            break;
        }
        err = extend_own(&end, &rec, rules, h, diag);
        if (err != ATT_OK) {
            return err;
        }
        att_log_ends_push(out, &end);
    }
    return ATT_OK;
}
