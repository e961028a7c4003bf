/*
 * The kernel's IMA list under a policy: each file against reference values, the first entry against the
 * boot PCRs.
 *
 * boot_aggregate ties the list to the boot that the firmware log tells of: a list of another boot, or one
 * whose start was replaced, does not have it.
 */
#include <stdio.h>
#include <string.h>

#include "appraise/items_internal.h"
#include "appraise/listrules.h"
#include "base/guard.h"
#include "base/hex.h"
#include "policy/ima_signed.h"
#include "policy/refval_log.h"
#include "tcg/ima.h"

#define AGGREGATE "boot_aggregate"

/* The list being judged, and the rules that speak of it. */
struct listing {
    struct judging *j;
    const struct att_requirement *files; /* NULL: no rule judges its files */
    uint32_t files_at;
    struct att_signed *signed_; /* owned; NULL: no rule asks for signatures */
    bool wanted;                /* some rule speaks of the list: then its first entry counts too */
    bool searched;              /* for denied digests */
    uint64_t index;             /* of the entry, since the start of the boot */
    struct att_part_entries *part; /* a part: the boot log is not there yet; else NULL */
};

/* Entries that are judged together, so that their digests are looked up together. */
struct batch {
    struct att_ima_entry entry[ATT_REFVALS_EACH];
    bool listed[ATT_REFVALS_EACH];
    size_t count;
};

static bool speaks_of_list(const struct att_requirement *r)
{
    return r->predicate == ATT_PRED_IMA_FILES || r->predicate == ATT_PRED_IMA_VIOLATIONS ||
           r->predicate == ATT_PRED_IMA_KEXEC ||
           (r->predicate == ATT_PRED_LOGS && (r->log_mask >> ATT_LOG_IMA & 1) != 0);
}

static struct listing rules_for(struct judging *j)
{
    struct listing l = {.j = j};

    l.searched = att_judging_searches(j, ATT_LOG_IMA);
    l.wanted = l.searched;
    for (uint32_t i = 0; i < j->policy->count; i++) {
        const struct att_requirement *r = &j->policy->requirement[i];

        l.wanted = l.wanted || speaks_of_list(r);
        if (r->predicate == ATT_PRED_IMA_FILES && l.files == NULL) {
            l.files = r;
            l.files_at = i;
        }
    }
    return l;
}

/* What change notices say of an entry, by its digest as reference values are; a buffer also by its name. */
static enum att_window_says ask_notices(struct listing *l, const struct att_ima_entry *e)
{
    uint8_t room[ATT_REFVALS_BUFFER_ROOM];
    struct att_slice name = e->template_ == ATT_IMA_TEMPLATE_BUF
                                ? att_refvals_buffer_name(room, e->path)
                                : att_slice_of(NULL, 0);

    if (l->j->out->windows.count == 0 || e->alg != ATT_HASH_SHA256 || e->digest.len != 32) {
        return ATT_WINDOW_SILENT;
    }
    return att_judging_window_entry(l->j, name, e->digest.p);
}

/* By reference values, and by the notices that stand beside them. listed: its digest is a reference value. */
static enum att_err judge_listed(struct att_refvals_verdict *out, struct listing *l,
                                 const struct att_ima_entry *e, enum att_window_says says,
                                 bool listed)
{
    enum att_err err = ATT_OK;

    *out = (struct att_refvals_verdict){0};
    if (!listed) {
        err = att_refvals_judge_ima(out, l->j->refvals, e);
    }
    if (err == ATT_OK && says == ATT_WINDOW_EXPECTED && out->reason != ATT_R_NONE) {
        *out = (struct att_refvals_verdict){0};
        att_judging_window_is_history(l->j);
    }
    return err;
}

/* A file that its reference values or a notice refuse. */
static enum att_err take_unlisted(struct listing *l, const struct att_ima_entry *e,
                                  const struct att_refvals_verdict *verdict)
{
    struct att_deviation d = {.requirement = l->files_at,
                              .severity =
                                  att_requirement_no(l->j->policy, l->files, verdict->reason),
                              .reason = verdict->reason};
    enum att_err err = ATT_OK;

    /* history: a later entry repairs nothing */
    err = att_judging_hash(e->template_data, &d.name_hash);
    if (err != ATT_OK) {
        return err;
    }
    (void)att_escape(d.name, sizeof(d.name), e->path.p, e->path.len);
    d.has_expected = verdict->has_expected;
    memcpy(d.expected, verdict->expected, 32);
    if (e->digest.len == 32) {
        d.has_found = true;
        memcpy(d.found, e->digest.p, 32);
    }
    return att_judging_remember(l->j, &d);
}

/* A file that no listed key signed. One place is enough for a list that has no signatures at all. */
static enum att_err take_unsigned(struct listing *l, const struct att_ima_entry *e, uint32_t at,
                                  const struct att_signed_verdict *v)
{
    const struct att_requirement *r = &l->j->policy->requirement[at];
    struct att_deviation d = {.requirement = at,
                              .severity = att_requirement_no(l->j->policy, r, v->reason),
                              .reason = v->reason};
    bool whole = v->reason == ATT_R_IMA_NOFIELD;
    enum att_err err =
        att_judging_hash(whole ? att_slice_str(r->id) : e->template_data, &d.name_hash);
    char path[ATT_RESULT_NAME_MAX - 16];
    char id[2 * ATT_IMA_KEYID_LEN + 1];

    if (err != ATT_OK) {
        return err;
    }
    (void)att_escape(path, sizeof(path), e->path.p, e->path.len);
    (void)att_hex_encode(id, sizeof(id), att_slice_of(v->keyid, sizeof(v->keyid)));
    (void)snprintf(d.name, sizeof(d.name), "%s%s%s%s", whole ? "ima" : path,
                   v->has_key ? " (key " : "", v->has_key ? id : "", v->has_key ? ")" : "");
    if (!whole && e->digest.len == 32) {
        d.has_found = true;
        memcpy(d.found, e->digest.p, 32);
    }
    return att_judging_remember(l->j, &d);
}

/*
 * What the device has left is refused, whoever signed it. Else a file is judged by its signature where a rule asks
 * for one, and by reference values where no rule does or either will do; what has neither is told by ima_files.
 */
static enum att_err take_file(struct listing *l, const struct att_ima_entry *e, bool listed)
{
    struct att_refvals_verdict verdict = {.reason = ATT_R_REF_RETIRED};
    struct att_signed_verdict signed_;
    uint32_t at = 0;
    const struct att_requirement *r =
        l->signed_ != NULL ? att_signed_rule(&at, l->j->policy, e) : NULL;
    bool alone = r != NULL && r->unlisted != ATT_SEVERITY_IGNORE;
    enum att_window_says says = ask_notices(l, e);
    enum att_err err = ATT_OK;

    if (says == ATT_WINDOW_RETIRED) {
        return take_unlisted(l, e, &verdict);
    }
    if (!alone) {
        err = judge_listed(&verdict, l, e, says, listed);
        if (err != ATT_OK || !ATT_GUARD(IMA_UNLISTED, verdict.reason != ATT_R_NONE)) {
            return err;
        }
    }
    if (r == NULL) {
        return take_unlisted(l, e, &verdict);
    }
    err = att_signed_judge(&signed_, l->signed_, r, e);
    if (err != ATT_OK || !ATT_GUARD(IMA_SIGNED, signed_.reason != ATT_R_NONE)) {
        return err;
    }
    return alone ? take_unsigned(l, e, at, &signed_) : take_unlisted(l, e, &verdict);
}

/* A deviation of the list itself, named by the entry. */
static enum att_err deviates(struct listing *l, const struct att_list_says *says)
{
    struct att_deviation d = {.requirement = UINT32_MAX, .severity = says->severity};

    if (says->reason == ATT_R_NONE) {
        return ATT_OK;
    }
    d.reason = says->reason;
    if (says->rule != NULL) {
        d.requirement = (uint32_t)(says->rule - l->j->policy->requirement);
    }
    (void)snprintf(d.name, sizeof(d.name), "ima/%llu/" AGGREGATE, (unsigned long long)l->index);
    return att_judging_deviates(l->j, &d);
}

static enum att_err no_aggregate(struct listing *l)
{
    struct att_list_says says = att_list_no_start();

    return deviates(l, &says);
}

/* The boot_aggregate at l->index: the first, or that of a kernel that kexec started and that took over. */
static enum att_err judge_aggregate(struct listing *l, enum att_hash alg, struct att_slice digest)
{
    struct att_list_says says;
    enum att_err err = att_list_aggregate(&says, l->j->policy, att_verified_boot_values(l->j->v),
                                          l->index == 0, alg, digest);

    l->j->out->kexec = l->j->out->kexec || l->index > 0;
    return err == ATT_OK ? deviates(l, &says) : err;
}

/* In a part there is no boot log to judge by: kept until there is. What finds no room is no good one. */
static enum att_err take_aggregate(struct listing *l, const struct att_ima_entry *e)
{
    struct att_ima_parts *p = l->part != NULL ? &l->part->walk.to : NULL;
    struct att_ima_aggregate *a = NULL;

    if (p == NULL) {
        return judge_aggregate(l, e->alg, e->digest);
    }
    if (p->aggregate_count >= ATT_PARTS_AGGREGATES_MAX || e->digest.len > ATT_HASH_MAX) {
        return no_aggregate(l);
    }
    a = &p->aggregate[p->aggregate_count++];
    *a = (struct att_ima_aggregate){
        .index = l->index, .alg = e->alg, .len = (uint32_t)e->digest.len};
    memcpy(a->digest, e->digest.p, e->digest.len);
    return ATT_OK;
}

/* What the parts could not be asked. */
static enum att_err take_kept(struct listing *l)
{
    const struct att_ima_parts *p = l->j->parts;
    uint64_t index = l->index;
    enum att_err err = ATT_OK;

    for (uint32_t i = 0; p != NULL && err == ATT_OK && i < p->aggregate_count; i++) {
        l->index = p->aggregate[i].index;
        err = judge_aggregate(l, p->aggregate[i].alg,
                              att_slice_of(p->aggregate[i].digest, p->aggregate[i].len));
    }
    l->index = index;
    return err;
}

static enum att_err take_entry(struct listing *l, const struct att_ima_entry *e, bool listed)
{
    enum att_err err = ATT_OK;

    if (att_list_is_aggregate(e)) { /* a digest over the boot PCRs, or a file that is called so */
        if (l->searched && l->index > 0) {
            err = att_judge_ima_leaves(l->j, e);
        }
        return err == ATT_OK ? take_aggregate(l, e) : err;
    }
    if (ATT_GUARD(IMA_AGGREGATE_FIRST, l->index == 0)) {
        err = no_aggregate(l);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (e->violation) {
        l->j->out->carry.ima_violations++;
        return ATT_OK;
    }
    if (l->searched) {
        err = att_judge_ima_leaves(l->j, e);
    }
    if (err != ATT_OK || l->files == NULL) {
        return err;
    }
    l->j->out->carry.ima_judged++;
    if (listed && l->signed_ == NULL && l->j->out->windows.count == 0) {
        return ATT_OK;
    }
    return take_file(l, e, listed);
}

/* A part is replayed as it is judged: what its sender sent is read once. */
static enum att_err next_entry(struct listing *l, struct att_ima *it, struct att_ima_entry *e,
                               bool *more)
{
    enum att_err err = ATT_OK;

    if (l->part == NULL) {
        return att_ima_next(it, e, more, NULL);
    }
    err = att_parts_walk_next(&l->part->walk, e, more, l->part->diag);
    l->part->refused = err != ATT_OK;
    return err;
}

/* The next entries, and which of them are files with a reference value. */
static enum att_err take_batch(struct batch *b, struct listing *l, struct att_ima *it)
{
    const struct att_refvals *refs = l->j->refvals;
    const uint8_t *digest[ATT_REFVALS_EACH] = {NULL};
    bool more = true;
    enum att_err err = ATT_OK;

    b->count = 0;
    while (b->count < ATT_REFVALS_EACH) {
        struct att_ima_entry *e = &b->entry[b->count];

        err = next_entry(l, it, e, &more);
        if (err != ATT_OK || !more) {
            break;
        }
        if (e->alg == ATT_HASH_SHA256 && e->digest.len == 32 &&
            e->template_ != ATT_IMA_TEMPLATE_BUF) {
            digest[b->count] = e->digest.p;
        }
        b->count++;
    }
    memset(b->listed, 0, sizeof(b->listed));
    if (refs != NULL) {
        att_refvals_has_each(b->listed, refs, digest, b->count);
    }
    return err;
}

static enum att_err take_entries(struct listing *l, struct att_slice list)
{
    struct att_ima it = att_ima_from(list);
    struct batch b;
    enum att_err err = ATT_OK;

    do {
        err = take_batch(&b, l, &it);
        for (size_t i = 0; err == ATT_OK && i < b.count; i++) {
            err = take_entry(l, &b.entry[i], b.listed[i]);
            l->index++;
        }
    } while (err == ATT_OK && b.count > 0);
    return err;
}

/* What a rule about signatures needs is there only for as long as entries are judged. */
static enum att_err take_all(struct listing *l, struct att_slice list)
{
    enum att_err err = att_signed_new(&l->signed_, l->j->policy);

    if (err == ATT_OK) {
        err = take_entries(l, list);
    }
    att_signed_free(l->signed_);
    l->signed_ = NULL;
    return err;
}

/* No rule speaks of the list: it is replayed alone. */
static enum att_err walk_all(struct listing *l)
{
    struct att_ima_entry e;
    bool more = true;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && more) {
        err = next_entry(l, NULL, &e, &more);
    }
    return err;
}

enum att_err att_judge_ima_part(struct judging *j, struct att_part_entries *part)
{
    struct listing l = rules_for(j);

    l.index = part->walk.to.count;
    l.part = part;
    return l.wanted ? take_all(&l, att_slice_of(NULL, 0)) : walk_all(&l);
}

enum att_err att_judge_ima_entries(struct judging *j)
{
    struct listing l = rules_for(j);
    enum att_err err = ATT_OK;

    if (!att_verified_evidence(j->v)->claims.logs.has[ATT_LOG_IMA] || !l.wanted) {
        return ATT_OK;
    }
    l.index = att_verified_log_first(j->v, ATT_LOG_IMA);
    err = take_kept(&l);
    if (err == ATT_OK) {
        err = take_all(&l, att_verified_log(j->v, ATT_LOG_IMA));
    }
    if (err == ATT_OK && ATT_GUARD(IMA_EMPTY, l.index == 0)) {
        err = no_aggregate(&l);
    }
    return err;
}
