/*
 * A verifier that gets a list in parts sees the quote last, so it is told how the kernel extends. The gateway finds that
 * out as a verifier would: by replaying its own list to its own PCR. The usual rule is tried first.
 */
#include "agent/measurer/kernelrule.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/parts.h"
#include "logs/klog.h"

#define CHUNK 524288 /* bytes read at a time; an entry is shorter */

/* One pass over the list by one rule. */
struct pass {
    const char *path;
    const struct att_pcr_bank *values;
    struct hw_log_stream stream;
    struct att_ima_parts at; /* where the replay stands */
    size_t len;              /* bytes that wait in `bytes` */
    bool met;                /* it led to the value */
    uint8_t bytes[CHUNK];
};

/* The list's PCR is what its first entry says; where nobody quotes that there is nothing to meet. */
static enum att_err first_pcr(uint32_t *out, const struct pass *p, struct att_diag *diag)
{
    struct att_ima it = att_ima_from(att_slice_of(p->bytes, p->len));
    struct att_ima_entry e;
    bool more = false;
    enum att_err err = att_ima_next(&it, &e, &more, diag);

    if (err == ATT_OK) {
        *out = more && (p->values->has >> e.pcr & 1) != 0 ? e.pcr : ATT_PCR_COUNT;
    }
    return err;
}

static enum att_err walk(struct pass *p, uint32_t pcr, struct att_diag *diag)
{
    struct att_parts_walk w = {.bank = p->values->bank, .ima_pcr = pcr};
    size_t size = att_hash_size(p->values->bank);
    struct att_ima_entry e;
    bool more = true;
    enum att_err err = att_parts_walk_start(&w, &p->at, att_slice_of(p->bytes, p->len), diag);

    while (err == ATT_OK && more && !p->met) {
        err = att_parts_walk_next(&w, &e, &more, diag);
        p->met = err == ATT_OK && more && memcmp(w.to.pcr, p->values->value[pcr], size) == 0;
    }
    if (err == ATT_OK) {
        p->at = w.to;
        p->len -= w.taken;
        memmove(p->bytes, p->bytes + w.taken, p->len);
    }
    att_parts_walk_end(&w);
    return err;
}

static enum att_err replay(struct pass *p, struct att_diag *diag)
{
    uint32_t pcr = 0;
    size_t got = 0;
    enum att_err err = hw_log_begin(&p->stream, p->path, 0, diag);

    while (err == ATT_OK && !p->met) {
        err = hw_log_next(&p->stream, p->bytes + p->len, CHUNK - p->len, &got, p->path, diag);
        if (err != ATT_OK || got == 0) {
            break;
        }
        p->len += got;
        if (p->at.count == 0) {
            err = first_pcr(&pcr, p, diag);
        }
        if (err != ATT_OK || pcr == ATT_PCR_COUNT) {
            break;
        }
        err = walk(p, pcr, diag);
    }
    hw_log_end(&p->stream);
    return err;
}

/* What is wrong with the list itself the verifier finds as well, and says so. */
static bool is_of_list(enum att_err err)
{
    return err == ATT_E_FORMAT || err == ATT_E_TRUNCATED || err == ATT_E_LIMIT ||
           err == ATT_E_MISMATCH;
}

enum att_err kernel_rule_find(enum kernel_rule *out, const char *path,
                              const struct att_pcr_bank *values, struct att_diag *diag)
{
    static const enum kernel_rule RULES[] = {KERNEL_RULE_OWN, KERNEL_RULE_PADDED};
    struct pass *p = malloc(sizeof(*p));
    enum kernel_rule found = KERNEL_RULE_UNKNOWN;
    enum att_err err = ATT_OK;

    if (p == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory for the kernel's list");
    }
    for (size_t i = 0; err == ATT_OK && found == KERNEL_RULE_UNKNOWN && i < ATT_COUNT(RULES); i++) {
        memset(p, 0, offsetof(struct pass, bytes));
        p->path = path;
        p->values = values;
        p->stream.fd = -1;
        p->at.padded = RULES[i] == KERNEL_RULE_PADDED;
        err = replay(p, diag);
        found = p->met ? RULES[i] : found;
        err = is_of_list(err) ? ATT_OK : err;
    }
    free(p);
    if (err == ATT_OK) {
        *out = found;
    }
    return err;
}
