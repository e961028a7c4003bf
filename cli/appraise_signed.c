/* `evidence appraise`: the files of the kernel's list by their signatures, counted and named. */
#include <stdio.h>
#include <string.h>

#include "appraise_internal.h"
#include "base/hex.h"

#define NAMED_MAX 32 /* files that are told one by one */

/* What became of the files that one rule judges. */
struct counts {
    size_t good, unsigned_, other;
};

/* Called for each file that the rule judges and that no listed key signed; false stops. */
typedef bool (*not_signed)(void *ctx, const struct att_ima_entry *e,
                           const struct att_signed_verdict *v);

static bool is_file(const struct att_ima_entry *e)
{
    return !e->violation && !att_slice_eq(e->path, att_slice_str("boot_aggregate"));
}

static void count(struct counts *c, const struct att_signed_verdict *v)
{
    c->good += v->reason == ATT_R_NONE ? 1 : 0;
    c->unsigned_ += v->reason == ATT_R_IMA_UNSIGNED || v->reason == ATT_R_IMA_NOFIELD ? 1 : 0;
    c->other += v->reason == ATT_R_IMA_SIGKEY || v->reason == ATT_R_IMA_SIGBAD ||
                        v->reason == ATT_R_IMA_SIGFORM
                    ? 1
                    : 0;
}

/* Every file that q judges. ATT_OK means that each was looked at. */
static enum att_err each_file(struct counts *c, const struct appraisal *a,
                              const struct att_requirement *q, not_signed call, void *ctx)
{
    ATT_CLEANUP(att_signed_freep) struct att_signed *s = NULL;
    struct att_ima it = att_ima_from(att_buf_slice(a->logs.ima_bytes));
    struct att_ima_entry e;
    bool more = true;
    enum att_err err = att_signed_new(&s, a->policy);

    while (err == ATT_OK) {
        struct att_signed_verdict v;

        err = att_ima_next(&it, &e, &more, NULL);
        if (err != ATT_OK || !more) {
            break;
        }
        if (!is_file(&e) || att_signed_rule(NULL, a->policy, &e) != q) {
            continue;
        }
        err = att_signed_judge(&v, s, q, &e);
        if (err != ATT_OK) {
            break;
        }
        count(c, &v);
        if (v.reason != ATT_R_NONE && !call(ctx, &e, &v)) {
            break;
        }
    }
    return err;
}

/* "key a1b2c3d4: what was expected and found", as far as it is known. */
static void describe(char *out, size_t cap, const struct att_ima_entry *e,
                     const struct att_signed_verdict *v)
{
    char id[2 * ATT_IMA_KEYID_LEN + 1];
    char found[2 * ATT_HASH_MAX + 1];

    (void)att_hex_encode(id, sizeof(id), att_slice_of(v->keyid, sizeof(v->keyid)));
    (void)att_hex_encode(found, sizeof(found), e->digest);
    (void)snprintf(out, cap, "%s%s%s%s%s%s %s", v->has_key ? "key " : "", v->has_key ? id : "",
                   v->has_key ? ": " : "", v->text, v->text[0] != '\0' ? "; " : "",
                   att_hash_name(e->alg), found);
}

struct first {
    struct att_diag *why;
    bool told;
};

static bool take_first(void *ctx, const struct att_ima_entry *e, const struct att_signed_verdict *v)
{
    struct first *f = ctx;
    char name[96];
    char text[ATT_DIAG_TEXT];

    if (!f->told) {
        f->told = true;
        describe(text, sizeof(text), e, v);
        (void)att_fail(f->why, ATT_E_MISMATCH, v->reason, "ima", "%s: %s",
                       att_escape(name, sizeof(name), e->path.p, e->path.len), text);
    }
    return false;
}

enum check_state appraise_ima_signed(const struct appraisal *a, const struct att_requirement *q,
                                     struct att_diag *why)
{
    struct first f = {.why = why};
    struct counts c = {0};

    if (!appraise_has_ima(a)) {
        return C_NOT_RUN;
    }
    if (q->unlisted != ATT_SEVERITY_IGNORE && each_file(&c, a, q, take_first, &f) != ATT_OK) {
        return C_NOT_RUN;
    }
    if (f.told) {
        return C_FAIL;
    }
    return a->ima_good ? C_PASS : C_NOT_RUN; /* a list that leads nowhere says nothing */
}

struct naming {
    struct appraisal *a;
    const struct att_requirement *q;
    size_t count;
};

/* The first is told with the check. What reference values may accept is counted, not named. */
static bool take_name(void *ctx, const struct att_ima_entry *e, const struct att_signed_verdict *v)
{
    struct naming *n = ctx;
    char name[256];
    char text[ATT_DIAG_TEXT + 200];

    n->count++;
    if (n->count == 1 || n->count > NAMED_MAX || n->q->unlisted == ATT_SEVERITY_IGNORE) {
        return true;
    }
    describe(text, sizeof(text), e, v);
    report_reason(&n->a->r, att_reason_code(v->reason),
                  att_escape(name, sizeof(name), e->path.p, e->path.len), text);
    return true;
}

void appraise_count_signed(struct appraisal *a, const struct att_requirement *q)
{
    struct naming n = {.a = a, .q = q};
    struct counts c = {0};
    json_t *list = json_object_get(a->r.root, "signatures");
    char line[160];

    if (!appraise_has_ima(a) || each_file(&c, a, q, take_name, &n) != ATT_OK) {
        return;
    }
    if (list == NULL) {
        list = json_array();
        (void)json_object_set_new(a->r.root, "signatures", list);
    }
    (void)json_array_append_new(
        list, json_pack("{s:s, s:I, s:I, s:I}", "requirement", q->id, "signed", (json_int_t)c.good,
                        "unsigned", (json_int_t)c.unsigned_, "bad", (json_int_t)c.other));
    if (a->r.cli->lang == LANG_JA) {
        (void)snprintf(line, sizeof(line), "ファイル: 署名あり %zu、署名なし %zu、不正な署名 %zu",
                       c.good, c.unsigned_, c.other);
    } else {
        (void)snprintf(line, sizeof(line), "files: %zu signed, %zu unsigned, %zu badly signed",
                       c.good, c.unsigned_, c.other);
    }
    report_note(&a->r, line);
}

enum att_err appraise_by_signature(bool *done, const struct appraisal *a, struct att_signed *s,
                                   const struct att_ima_entry *e)
{
    const struct att_requirement *q = att_signed_rule(NULL, a->policy, e);
    struct att_signed_verdict v;
    enum att_err err = ATT_OK;

    if (q == NULL || q->unlisted != ATT_SEVERITY_IGNORE) {
        *done = q != NULL;
        return ATT_OK;
    }
    err = att_signed_judge(&v, s, q, e);
    *done = err == ATT_OK && v.reason == ATT_R_NONE;
    return err;
}
