/* Outcomes, labels, evidence and the named values. */
#include "store.h"

#include <string.h>

#include "store_internal.h"

static const char *const kind_names[STORE_KIND__END] = {
    [STORE_KIND_INIT] = "init",         [STORE_KIND_ENROLLED] = "enrolled",
    [STORE_KIND_LABEL] = "label",       [STORE_KIND_REFUSED] = "refused",
    [STORE_KIND_STALE] = "stale",       [STORE_KIND_REMOVED] = "removed",
    [STORE_KIND_ALLOWED] = "allowed",   [STORE_KIND_POLICY] = "policy",
    [STORE_KIND_NOTICE] = "notice",     [STORE_KIND_TRANSFERRED] = "transferred",
    [STORE_KIND_HELD] = "quarantined",  [STORE_KIND_FREED] = "released",
    [STORE_KIND_REVOKED] = "revoked",   [STORE_KIND_SUSPENDED] = "suspended",
    [STORE_KIND_RESTORED] = "restored", [STORE_KIND_LABEL_KEY] = "label-key",
    [STORE_KIND_LOG_KEY] = "log-key",   [STORE_KIND_CERTIFIED] = "certified",
};

const char *store_kind_name(enum store_kind k)
{
    if ((size_t)k >= ATT_COUNT(kind_names) || kind_names[k] == NULL)
        return "unknown";
    return kind_names[k];
}

bool store_kind_makes_label(enum store_kind k)
{
    return k == STORE_KIND_LABEL || k == STORE_KIND_REFUSED;
}

enum att_err store_meta_get(struct store *st, const char *key, uint8_t *out, size_t cap,
                            size_t *len)
{
    struct sql q = sql_of(st, SQL_META_GET);
    enum att_err err;
    size_t n = 0;

    sql_text(&q, key);
    err = sql_row(&q, NULL);
    if (err == ATT_OK)
        sql_get_blob(&q, out, cap, &n);
    if (err != ATT_OK)
        return sql_end(&q, err);
    if (sql_end(&q, ATT_OK) != ATT_OK)
        return ATT_E_LIMIT;
    *len = n;
    return ATT_OK;
}

enum att_err store_meta_put(struct store *st, const char *key, struct att_slice value,
                            struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_META_PUT);

    sql_text(&q, key);
    sql_blob(&q, value.p, value.len);
    return sql_run(&q, diag);
}

enum att_err store_outcome_count(int64_t *out, struct store *st)
{
    struct sql q = sql_of(st, SQL_OUTCOME_NEXT);

    return sql_number(out, &q);
}

static void bind_optional(struct sql *q, bool has, const uint8_t *p, size_t len)
{
    if (has)
        sql_blob(q, p, len);
    else
        sql_null(q);
}

enum att_err store_outcome_append(int64_t *index, struct store *st, const struct store_outcome *o,
                                  struct att_diag *diag)
{
    struct sql q;
    int64_t next;
    enum att_err err = store_outcome_count(&next, st);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "outcome", "the next index is not known");
    q = sql_of(st, SQL_OUTCOME_ADD);
    sql_int(&q, next);
    sql_int(&q, o->utc);
    sql_int(&q, o->kind);
    sql_text(&q, o->device);
    sql_text(&q, o->reason);
    sql_text(&q, o->detail);
    bind_optional(&q, o->has_cti, o->cti, sizeof(o->cti));
    bind_optional(&q, o->has_evidence, o->evidence, sizeof(o->evidence));
    bind_optional(&q, o->has_rules, o->policy, sizeof(o->policy));
    bind_optional(&q, o->has_rules, o->refvals, sizeof(o->refvals));
    bind_optional(&q, o->has_subject, o->subject, sizeof(o->subject));
    err = sql_run(&q, diag);
    if (err != ATT_OK)
        return err;
    *index = next;
    return ATT_OK;
}

static void fetch_outcome(struct sql *q, struct store_outcome *o)
{
    o->utc = sql_get_int(q, INT64_MIN, INT64_MAX);
    o->kind = (enum store_kind)sql_get_int(q, STORE_KIND_INIT, STORE_KIND__END - 1);
    sql_get_text(q, o->device, sizeof(o->device));
    sql_get_text(q, o->reason, sizeof(o->reason));
    sql_get_text(q, o->detail, sizeof(o->detail));
    o->has_cti = sql_get_optional(q, o->cti, sizeof(o->cti));
    o->has_evidence = sql_get_optional(q, o->evidence, sizeof(o->evidence));
    o->has_rules = sql_get_optional(q, o->policy, sizeof(o->policy));
    (void)sql_get_optional(q, o->refvals, sizeof(o->refvals));
    o->has_subject = sql_get_optional(q, o->subject, sizeof(o->subject));
}

enum att_err store_outcome_get(struct store_outcome *out, struct store *st, int64_t index)
{
    struct sql q = sql_of(st, SQL_OUTCOME_GET);
    struct store_outcome o = {.index = index};
    enum att_err err;

    sql_int(&q, index);
    err = sql_row(&q, NULL);
    if (err == ATT_OK)
        fetch_outcome(&q, &o);
    err = sql_end(&q, err);
    if (err != ATT_OK)
        return err;
    *out = o;
    return ATT_OK;
}

enum att_err store_label_put(struct store *st, const struct store_label *l, const uint8_t *last_cti,
                             struct att_slice bytes, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_LABEL_PUT);

    sql_blob(&q, l->cti, sizeof(l->cti));
    sql_int(&q, l->outcome);
    sql_text(&q, l->device);
    sql_int(&q, l->iat);
    sql_int(&q, l->exp);
    sql_int(&q, l->tier);
    sql_blob(&q, bytes.p, bytes.len);
    if (l->list != 0) {
        sql_int(&q, l->list);
        sql_int(&q, l->place);
    } else {
        sql_null(&q);
        sql_null(&q);
    }
    bind_optional(&q, last_cti != NULL, last_cti, STORE_CTI_LEN);
    return sql_run(&q, diag);
}

static void fetch_label(struct sql *q, struct store_label *l)
{
    sql_get_exact(q, l->cti, sizeof(l->cti));
    l->outcome = sql_get_int(q, 0, INT64_MAX);
    sql_get_text(q, l->device, sizeof(l->device));
    l->iat = sql_get_int(q, INT64_MIN, INT64_MAX);
    l->exp = sql_get_int(q, INT64_MIN, INT64_MAX);
    l->tier = (int)sql_get_int(q, 0, 127);
    l->list = sql_get_int(q, 0, INT64_MAX);
    l->place = sql_get_int(q, 0, INT64_MAX);
    l->status = (enum store_label_status)sql_get_int(q, 0, STORE_LABEL_SUSPENDED);
    l->alone = sql_get_int(q, 0, 1) != 0;
    l->previous = sql_get_int(q, -1, INT64_MAX);
}

static enum att_err one_label(struct store_label *out, struct att_buf *bytes, struct sql *q)
{
    struct store_label l = {0};
    enum att_err err = sql_row(q, NULL);

    att_buf_clear(bytes);
    if (err == ATT_OK) {
        fetch_label(q, &l);
        sql_get_buf(q, bytes);
    }
    err = sql_end(q, err);
    if (err != ATT_OK)
        return err;
    *out = l;
    return ATT_OK;
}

enum att_err store_label_get(struct store_label *out, struct att_buf *bytes, struct store *st,
                             const uint8_t cti[STORE_CTI_LEN])
{
    struct sql q = sql_of(st, SQL_LABEL_GET);

    sql_blob(&q, cti, STORE_CTI_LEN);
    return one_label(out, bytes, &q);
}

enum att_err store_label_current(struct store_label *out, struct att_buf *bytes, struct store *st,
                                 const char *device)
{
    struct sql q = sql_of(st, SQL_LABEL_CURRENT);

    sql_text(&q, device);
    return one_label(out, bytes, &q);
}

enum att_err store_label_last(int64_t *outcome, struct store *st, int64_t enrolment)
{
    struct sql q = sql_of(st, SQL_LABEL_LAST);

    sql_int(&q, enrolment);
    return sql_number(outcome, &q);
}

enum att_err store_label_at(struct store_label *out, struct store *st, int64_t outcome)
{
    struct sql q = sql_of(st, SQL_LABEL_AT);
    struct store_label l = {0};
    enum att_err err;

    sql_int(&q, outcome);
    err = sql_row(&q, NULL);
    if (err == ATT_OK)
        fetch_label(&q, &l);
    err = sql_end(&q, err);
    if (err != ATT_OK)
        return err;
    *out = l;
    return ATT_OK;
}
