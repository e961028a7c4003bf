/* Each acknowledgement is proved again. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/sha.h>

#include "appraise/label.h"
#include "appraise/offline.h"
#include "appraise/status_list.h"
#include "base/hex.h"
#include "faults.h"
#include "need.h"
#include "sign/cose.h"
#include "tlog/receipt.h"
#include "tlog/tile.h"

const char *complaint_name(enum complaint c)
{
    static const char *const names[COMPLAINT__COUNT] = {
        [COMPLAINT_LOST] = "lost",   [COMPLAINT_FORK] = "forks", [COMPLAINT_UNDONE] = "undone",
        [COMPLAINT_TWICE] = "twice", [COMPLAINT_SYNC] = "sync",  [COMPLAINT_FSCK] = "fsck",
        [COMPLAINT_STUCK] = "stuck",
    };

    return names[c];
}

void complain(struct complaints *c, enum complaint what, const char *fmt, ...)
{
    va_list ap;

    c->count[what]++;
    if (c->quiet)
        return;
    printf("FAIL  %s: %s: ", c->where, complaint_name(what));
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    (void)fflush(stdout);
}

size_t complaints_total(const struct complaints *c)
{
    size_t sum = 0;

    for (size_t i = 0; i < COMPLAINT__COUNT; i++)
        sum += c->count[i];
    return sum;
}

void found_clear(struct found *f)
{
    att_buf_free(f->entries);
    att_buf_free(f->list);
    free(f->dump);
    f->entries = f->list = NULL;
    f->dump = NULL;
}

void record_leaf(uint8_t out[32], struct att_slice entry)
{
    uint8_t *both = calloc(1, 1 + entry.len);

    NEED(both != NULL && entry.len > 0);
    memcpy(&both[1], entry.p, entry.len);
    SHA256(both, 1 + entry.len, out);
    free(both);
}

void record_root(uint8_t out[32], const uint8_t (*leaf)[32], size_t count)
{
    uint8_t both[1 + 64] = {1};
    size_t k = 1;

    if (count == 0) {
        SHA256(both, 0, out);
        return;
    }
    if (count == 1) {
        memcpy(out, leaf[0], 32);
        return;
    }
    while (2 * k < count)
        k *= 2;
    record_root(&both[1], leaf, k);
    record_root(&both[33], &leaf[k], count - k);
    SHA256(both, sizeof(both), out);
}

/* --- labels --- */

static void read_label(struct att_label *out, struct att_cose *m, struct att_slice label)
{
    NEED(att_cose_parse(m, label, NULL) == ATT_OK);
    NEED(att_label_read(out, m->payload_untrusted, NULL) == ATT_OK);
}

void record_keep_label(struct record *r, struct att_slice label)
{
    struct record_label *l = &r->label[r->label_count];
    struct att_label *read = calloc(1, sizeof(*read));
    struct att_cose m;

    NEED(read != NULL && r->label_count < ATT_COUNT(r->label) && label.len <= sizeof(l->bytes));
    read_label(read, &m, label);
    memcpy(l->bytes, label.p, label.len);
    l->len = label.len;
    memcpy(l->cti, read->cti, sizeof(l->cti));
    r->label_count++;
    free(read);
}

bool record_place(uint64_t *list, uint64_t *place, struct att_slice label)
{
    struct att_label *l = calloc(1, sizeof(*l));
    struct att_cose m;
    const char *slash;

    NEED(l != NULL);
    read_label(l, &m, label);
    slash = l->has_status_list ? strrchr(l->status_uri, '/') : NULL;
    *list = slash != NULL ? strtoull(&slash[1], NULL, 10) : 0;
    *place = l->status_index;
    free(l);
    return slash != NULL;
}

static bool dumped(const struct found *f, const char *line)
{
    return f->dump != NULL && strstr(f->dump, line) != NULL;
}

/* A record of this table with this text in it. */
static bool dumped_in(const struct found *f, const char *table, const char *text)
{
    const char *line = f->dump != NULL ? strstr(f->dump, table) : NULL;

    for (; line != NULL; line = strstr(&line[1], table)) {
        const char *at = strstr(line, text);

        if (at != NULL && at < &line[1] + strcspn(&line[1], "\n"))
            return true;
    }
    return false;
}

/* The root over the first size entries that are there now. */
static bool is_prefix(const struct found *f, const struct record_head *h)
{
    uint8_t root[32];

    if (h->size > f->head.size)
        return false;
    record_root(root, (const uint8_t(*)[32])f->leaf, h->size);
    return memcmp(root, h->root, sizeof(root)) == 0;
}

static bool same_entry(const struct found *f, const struct att_receipt *r)
{
    uint8_t leaf[32];

    record_leaf(leaf, r->entry);
    return r->index < f->head.size && memcmp(leaf, f->leaf[r->index], sizeof(leaf)) == 0;
}

/* To a partner who requires a receipt of the log, and asks no status list. */
static bool partner_takes(const struct record_label *l, const struct found *f)
{
    const struct att_trust_rules rules = {
        .log_required = true, .key = f->log, .key_count = FAULTS_LOG_KEYS};
    struct att_offline *o = calloc(1, sizeof(*o));
    bool good;

    NEED(o != NULL);
    NEED(att_offline_check(o, att_slice_of(l->bytes, l->len), f->anchors, &rules,
                           (int64_t)time(NULL)) == ATT_OK);
    good = o->verdict == ATT_VERDICT_PASS;
    free(o);
    return good;
}

/* Its receipt still verifies, its entry stands where the receipt says, and the record of it is there. */
static void prove_label(const struct record_label *l, const struct found *f, struct complaints *c)
{
    struct att_slice receipt[ATT_RECEIPTS_MAX];
    char cti[33], line[96];
    struct record_head h;
    struct att_receipt r;
    struct att_cose m;
    size_t count = 0;

    (void)att_hex_encode(cti, sizeof(cti), att_slice_of(l->cti, sizeof(l->cti)));
    NEED(att_cose_parse(&m, att_slice_of(l->bytes, l->len), NULL) == ATT_OK);
    if (att_receipts_of(receipt, &count, &m, NULL) != ATT_OK || count != 1 ||
        (att_receipt_verify(&r, receipt[0], f->origin, att_vkey_key(f->log[0]), NULL) != ATT_OK &&
         att_receipt_verify(&r, receipt[0], f->origin, att_vkey_key(f->log[1]), NULL) != ATT_OK)) {
        complain(c, COMPLAINT_LOST, "the receipt of label %s does not verify", cti);
        return;
    }
    if (!partner_takes(l, f))
        complain(c, COMPLAINT_LOST, "a partner does not take label %s any more", cti);
    if (!same_entry(f, &r))
        complain(c, COMPLAINT_LOST, "entry %llu is not that of label %s",
                 (unsigned long long)r.index, cti);
    h.size = r.head.size;
    memcpy(h.root, r.head.root, sizeof(h.root));
    if (!is_prefix(f, &h))
        complain(c, COMPLAINT_FORK, "the receipt of label %s is of another tree", cti);
    (void)snprintf(line, sizeof(line), "\nlabel cti=x'%s' outcome=%llu ", cti,
                   (unsigned long long)r.index);
    if (!dumped(f, line))
        complain(c, COMPLAINT_LOST, "label %s is not stored", cti);
}

/* --- revocations --- */

static unsigned int listed(const struct found *f, const struct record_revoked *v)
{
    struct att_status_token *token = NULL;
    unsigned int value = ATT_STATUS_VALID;

    if (f->list == NULL || f->list_number != v->list)
        return value;
    NEED(att_status_token_parse(&token, att_buf_slice(f->list), NULL) == ATT_OK);
    if (att_status_list_get(&value, token->list, v->place, NULL) != ATT_OK)
        value = ATT_STATUS_VALID;
    att_status_token_free(token);
    return value;
}

static void prove_revoked(const struct record_revoked *v, const struct found *f,
                          struct complaints *c)
{
    char cti[33], line[160];

    (void)att_hex_encode(cti, sizeof(cti), att_slice_of(v->cti, sizeof(v->cti)));
    if (listed(f, v) != ATT_STATUS_INVALID)
        complain(c, COMPLAINT_LOST, "the revocation of %s is not in list %llu", cti,
                 (unsigned long long)v->list);
    (void)snprintf(line, sizeof(line), "\nstatus list=%llu place=%llu value=1 ",
                   (unsigned long long)v->list, (unsigned long long)v->place);
    if (!dumped(f, line))
        complain(c, COMPLAINT_LOST, "the revocation of %s is not stored", cti);
    if (v->outcome < 0)
        return;
    (void)snprintf(line, sizeof(line), "\noutcome idx=%lld ", (long long)v->outcome);
    if (!dumped(f, line) || (uint64_t)v->outcome >= f->head.size)
        complain(c, COMPLAINT_LOST, "outcome %lld, the revocation of %s, is not there",
                 (long long)v->outcome, cti);
}

/* --- all of it --- */

static void prove_allowed(const char *id, const struct found *f, struct complaints *c)
{
    char outcome[64], token[64];

    (void)snprintf(outcome, sizeof(outcome), " device=\"%s\" ", id);
    (void)snprintf(token, sizeof(token), " id=\"%s\" ", id);
    if (!dumped_in(f, "\noutcome ", outcome))
        complain(c, COMPLAINT_LOST, "the entry of %s", id);
    if (!dumped_in(f, "\ntoken ", token))
        complain(c, COMPLAINT_LOST, "the token of %s", id);
}

static void prove_refused(const char *id, const struct found *f, struct complaints *c)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "\"%s\"", id);
    if (dumped(f, text))
        complain(c, COMPLAINT_UNDONE, "%s was refused, and is recorded", id);
}

/* Entries that nobody asks for: a policy that could not be read is told, and that is one. */
static size_t own_entries(const struct found *f)
{
    static const char text[] = "detail=\"not loaded: ";
    size_t count = 0;

    for (const char *at = f->dump; at != NULL && (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void prove_count(const struct record *r, const struct found *f, struct complaints *c)
{
    size_t least = r->base + r->entries;
    size_t most = least + r->unclear + own_entries(f);

    if (f->head.size < least)
        complain(c, COMPLAINT_LOST, "the log has %llu entries, at least %zu were acknowledged",
                 (unsigned long long)f->head.size, least);
    if (f->head.size > most)
        complain(c, COMPLAINT_TWICE, "the log has %llu entries, no more than %zu were asked for",
                 (unsigned long long)f->head.size, most);
}

size_t record_count(const struct record *r)
{
    return r->allowed_count + r->label_count + r->revoked_count + r->head_count;
}

size_t record_prove(const struct record *r, const struct found *f, struct complaints *c)
{
    prove_count(r, f, c);
    for (size_t i = 0; i < r->allowed_count; i++)
        prove_allowed(r->allowed[i], f, c);
    for (size_t i = 0; i < r->refused_count; i++)
        prove_refused(r->refused[i], f, c);
    for (size_t i = 0; i < r->head_count; i++) {
        if (!is_prefix(f, &r->head[i]))
            complain(c, COMPLAINT_FORK, "the checkpoint of %llu entries is of another history",
                     (unsigned long long)r->head[i].size);
    }
    for (size_t i = 0; i < r->leaf_count; i++) {
        if (i >= f->head.size || memcmp(r->leaf[i], f->leaf[i], 32) != 0)
            complain(c, COMPLAINT_LOST, "entry %zu is not what was published", i);
    }
    for (size_t i = 0; i < r->label_count; i++)
        prove_label(&r->label[i], f, c);
    for (size_t i = 0; i < r->revoked_count; i++)
        prove_revoked(&r->revoked[i], f, c);
    return 1 + record_count(r) + r->refused_count + r->leaf_count;
}
