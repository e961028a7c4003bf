/* IMA entries and kernel parameters against reference values. */
#include "policy/refval_log.h"

#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/wr.h"
#include "crypto/digest.h"
#include "tcg/cmdline.h"

#define BUFFER_PREFIX "ima-buf:"
#define PARAM_PREFIX  "cmdline#"

static enum att_err look(struct att_refvals_verdict *out, const struct att_refvals *r,
                         struct att_slice name, const uint8_t *digest)
{
    struct att_refvals_found found = {0};
    enum att_err err = r == NULL ? ATT_OK : att_refvals_look(&found, r, name, digest);

    *out = (struct att_refvals_verdict){.reason = ATT_R_REF_UNLISTED};
    if (err != ATT_OK || found.count == 0) {
        return err;
    }
    out->reason = found.same ? ATT_R_NONE : ATT_R_REF_MISMATCH;
    out->has_expected = true;
    memcpy(out->expected, found.first, 32);
    return ATT_OK;
}

/* prefix and name; empty when it does not fit, which no reference value has as a name. */
static struct att_slice joined(uint8_t *room, size_t cap, const char *prefix, struct att_slice name)
{
    struct att_wr w = att_wr_into(room, cap);

    att_wr_slice(&w, att_slice_str(prefix));
    att_wr_slice(&w, name);
    return att_slice_of(room, att_wr_ok(&w) ? w.len : 0);
}

struct att_slice att_refvals_buffer_name(uint8_t room[ATT_REFVALS_BUFFER_ROOM],
                                         struct att_slice path)
{
    return joined(room, ATT_REFVALS_BUFFER_ROOM, BUFFER_PREFIX, path);
}

enum att_err att_refvals_judge_ima(struct att_refvals_verdict *out, const struct att_refvals *r,
                                   const struct att_ima_entry *e)
{
    bool comparable = e->alg == ATT_HASH_SHA256 && e->digest.len == 32;
    const uint8_t *digest = comparable ? e->digest.p : NULL;
    uint8_t room[ATT_REFVALS_BUFFER_ROOM];

    if (ATT_GUARD(IMA_BUFFER, e->template_ == ATT_IMA_TEMPLATE_BUF)) {
        return look(out, r, att_refvals_buffer_name(room, e->path), digest);
    }
    *out = (struct att_refvals_verdict){0};
    if (r != NULL && comparable && att_refvals_has(r, digest)) {
        return ATT_OK;
    }
    return look(out, r, e->path, NULL);
}

static enum att_err judge_param(struct att_cmdline_finding *f, const struct att_refvals *r,
                                const struct att_cmdline_param *p)
{
    uint8_t room[ATT_CMDLINE_MAX + 16];
    struct att_slice name = joined(room, sizeof(room), PARAM_PREFIX, p->name);
    enum att_err err = att_sha256(p->value, f->found);

    if (err == ATT_OK) {
        err = look(&f->verdict, r, name, f->found);
    }
    (void)att_escape(f->name, sizeof(f->name), name.p, name.len);
    (void)att_escape(f->value, sizeof(f->value), p->value.p, p->value.len);
    return err;
}

static enum att_err judge_params(struct att_cmdline_finding out[ATT_CMDLINE_FINDINGS_MAX],
                                 size_t *count, const struct att_refvals *r, struct att_slice text)
{
    struct att_cmdline_param p;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && *count < ATT_CMDLINE_FINDINGS_MAX && att_cmdline_next(&text, &p)) {
        err = judge_param(&out[*count], r, &p);
        *count += err == ATT_OK && out[*count].verdict.reason != ATT_R_NONE ? 1 : 0;
    }
    return err;
}

enum att_err att_refvals_judge_cmdline(struct att_cmdline_finding out[ATT_CMDLINE_FINDINGS_MAX],
                                       size_t *count, const struct att_refvals *r,
                                       struct att_slice text)
{
    struct att_refvals_verdict whole;
    uint8_t digest[32];
    enum att_err err = att_sha256(text, digest);

    *count = 0;
    if (err == ATT_OK) {
        err = look(&whole, r, att_slice_str("cmdline"), digest);
    }
    if (err != ATT_OK || whole.reason != ATT_R_REF_MISMATCH) {
        return err;
    }
    err = judge_params(out, count, r, text);
    if (err == ATT_OK &&
        *count == 0) { /* each is known: one is missing, or they are in another order */
        out[0] = (struct att_cmdline_finding){.verdict = whole, .name = "cmdline"};
        (void)snprintf(out[0].value, sizeof(out[0].value),
                       "each is known, but not all of them are there, or not in this order");
        memcpy(out[0].found, digest, 32);
        *count = 1;
    }
    return err;
}
