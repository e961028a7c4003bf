/* Reading the agent's own measurement log, record by record, and replaying it. */
#include "tcg/ownlog.h"

#include <string.h>

#include "base/guard.h"

#define KEY_RECNUM  0
#define KEY_PCR     1
#define KEY_DIGESTS 3

#define KIND_BOOT  1
#define KIND_ITEMS 2

#define BOOT_ENTRIES 5
#define ITEM_FIELDS  4
#define ITEM_DIGEST  32

static void enter_map_of(struct att_cbor *c, uint32_t entries)
{
    if (att_cbor_enter_map(c, entries) != entries) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
}

static struct att_cbor reader_at(struct att_slice in, size_t off)
{
    struct att_cbor c = att_cbor_from(in);

    c.rd.base = off;
    return c;
}

struct att_own att_own_from(struct att_slice in, uint64_t next_recnum)
{
    return (struct att_own){.rd = att_rd_slice(in), .next_recnum = next_recnum, .first = true};
}

static enum att_err refuse(const struct att_own_record *rec, const char *field, const char *what,
                           struct att_diag *diag)
{
    return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_CEL, field, rec->off, "%s", what);
}

/* { 0: alg, 1: digest } */
static void read_digest(struct att_cbor *c, struct att_own_record *rec)
{
    uint64_t alg = 0;
    size_t size = 0;

    enter_map_of(c, 2);
    att_cbor_key_is(c, 0);
    alg = att_cbor_uint_max(c, UINT16_MAX);
    if (!att_cbor_ok(c)) {
        return;
    }
    if (!att_hash_usable((enum att_hash)alg)) {
        att_cbor_fail(c, ATT_E_UNSUPPORTED); /* a digest that nobody checks proves nothing */
        return;
    }
    for (uint32_t i = 0; i < rec->digest_count; i++) {
        if (ATT_GUARD(OWN_DIGEST_TWICE, rec->digest[i].alg == (enum att_hash)alg)) {
            att_cbor_fail(c, ATT_E_FORMAT);
            return;
        }
    }
    att_cbor_key_is(c, 1);
    size = att_hash_size((enum att_hash)alg);
    rec->digest[rec->digest_count].alg = (enum att_hash)alg;
    att_cbor_bytes_exact(c, rec->digest[rec->digest_count].value, size);
    att_cbor_leave(c);
    rec->digest_count++;
}

/* The record around its content; the content's own offset goes to *content_off. */
static enum att_err read_record(struct att_slice item, struct att_own_record *rec,
                                size_t *content_off, struct att_diag *diag)
{
    struct att_cbor c = reader_at(item, rec->off);
    uint32_t count = 0;

    enter_map_of(&c, 4);
    att_cbor_key_is(&c, KEY_RECNUM);
    rec->recnum = att_cbor_uint(&c);
    att_cbor_key_is(&c, KEY_PCR);
    rec->pcr = (uint32_t)att_cbor_uint_max(&c, ATT_OWN_PCR_MAX);
    att_cbor_key_is(&c, KEY_DIGESTS);
    count = att_cbor_enter_array(&c, ATT_PCR_BANKS);
    for (uint32_t i = 0; i < count && att_cbor_ok(&c); i++) {
        read_digest(&c, rec);
    }
    att_cbor_leave(&c);
    att_cbor_key_is(&c, ATT_OWN_CONTENT_KEY);
    rec->content = att_cbor_bytes(&c, ATT_OWN_RECORD_MAX);
    *content_off = att_rd_off(&c.rd) - rec->content.len;
    att_cbor_leave(&c);
    if (att_cbor_ok(&c) && count == 0) {
        return refuse(rec, "record.digests", "no digest", diag);
    }
    return att_cbor_end_diag(&c, ATT_R_FMT_CEL, "record", diag);
}

/* Exactly as /proc/sys/kernel/random/boot_id has it. */
static bool is_boot_id(const char *text)
{
    if (strlen(text) != 36) {
        return false;
    }
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');

        if (dash ? text[i] != '-' : !hex) {
            return false;
        }
    }
    return true;
}

/* { alg: starting value } */
static void read_start(struct att_cbor *c, struct att_own_record *rec)
{
    uint32_t count = att_cbor_enter_map(c, ATT_PCR_BANKS);

    for (uint32_t i = 0; i < count && att_cbor_ok(c); i++) {
        int64_t alg = att_cbor_key_int(c);
        struct att_pcr_bank *bank = NULL;

        if (alg < 0 || alg > UINT16_MAX || !att_hash_usable((enum att_hash)alg)) {
            att_cbor_fail(c, ATT_E_UNSUPPORTED);
            return;
        }
        bank = att_pcr_bank_add(&rec->boot.start, (enum att_hash)alg);
        if (bank == NULL || rec->pcr >= ATT_PCR_COUNT) {
            att_cbor_fail(c, ATT_E_LIMIT);
            return;
        }
        att_cbor_bytes_exact(c, bank->value[rec->pcr], att_hash_size(bank->bank));
        bank->has = 1U << rec->pcr;
    }
    att_cbor_leave(c);
}

static enum att_err read_boot(struct att_cbor *c, struct att_own_record *rec, struct att_diag *diag)
{
    att_cbor_key_is(c, 1);
    rec->boot.reset_count = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    att_cbor_key_is(c, 2);
    rec->boot.restart_count = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    att_cbor_key_is(c, 3);
    att_cbor_text_copy(c, rec->boot.boot_id, sizeof(rec->boot.boot_id));
    if (att_cbor_ok(c) && !is_boot_id(rec->boot.boot_id)) {
        return refuse(rec, "boot.id", "not the kernel's form of a boot id", diag);
    }
    att_cbor_key_is(c, 4);
    read_start(c, rec);
    for (uint32_t i = 0; i < rec->digest_count && att_cbor_ok(c); i++) {
        if (att_pcr_bank_find(&rec->boot.start, rec->digest[i].alg) == NULL) {
            return refuse(rec, "boot.start", "no starting value for a bank of the record", diag);
        }
    }
    return ATT_OK;
}

static bool has_digest(enum att_own_type type)
{
    return type == ATT_OWN_FILE || type == ATT_OWN_LINK || type == ATT_OWN_BLOCK ||
           type == ATT_OWN_CONFIG;
}

/* [type, name, digest / null, detail] */
static void read_item(struct att_cbor *c, struct att_own_item *item)
{
    struct att_slice digest = {0};

    if (att_cbor_enter_array(c, ITEM_FIELDS) != ITEM_FIELDS) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    item->type = (enum att_own_type)att_cbor_uint_max(c, ATT_OWN_UNSUPPORTED);
    item->name = att_cbor_bytes(c, ATT_OWN_NAME_MAX);
    if (att_cbor_ok(c) && item->name.len == 0) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    item->digest = NULL;
    if (has_digest(item->type)) {
        digest = att_cbor_bytes(c, ITEM_DIGEST);
        item->digest = digest.p;
        if (att_cbor_ok(c) && digest.len != ITEM_DIGEST) {
            att_cbor_fail(c, ATT_E_FORMAT);
        }
    } else {
        att_cbor_null(c);
    }
    item->detail = att_cbor_uint(c);
    att_cbor_leave(c);
}

static enum att_err read_items(struct att_cbor *c, struct att_own_record *rec,
                               struct att_diag *diag)
{
    att_cbor_key_is(c, 1);
    rec->item_count = att_cbor_enter_array(c, ATT_OWN_ITEMS_MAX);
    for (uint32_t i = 0; i < rec->item_count && att_cbor_ok(c); i++) {
        struct att_own_item item;

        read_item(c, &item);
    }
    att_cbor_leave(c);
    if (att_cbor_ok(c) && rec->item_count == 0) {
        return refuse(rec, "items", "a record without items", diag);
    }
    return ATT_OK;
}

static enum att_err read_content(struct att_own_record *rec, size_t off, struct att_diag *diag)
{
    struct att_cbor c = reader_at(rec->content, off);
    uint32_t entries = att_cbor_enter_map(&c, BOOT_ENTRIES);
    uint64_t kind = 0;
    enum att_err err = ATT_OK;

    att_cbor_key_is(&c, 0);
    kind = att_cbor_uint(&c);
    rec->is_boot = kind == KIND_BOOT;
    if (att_cbor_ok(&c) && entries != (rec->is_boot ? BOOT_ENTRIES : 2)) {
        return refuse(rec, "content", "not the entries of its kind", diag);
    }
    if (att_cbor_ok(&c) && kind != KIND_BOOT && kind != KIND_ITEMS) {
        return refuse(rec, "content", "neither a boot nor an items record", diag);
    }
    err = rec->is_boot ? read_boot(&c, rec, diag) : read_items(&c, rec, diag);
    if (err != ATT_OK) {
        return err;
    }
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_CEL, "content", diag);
}

/* The digests are what went into the PCR: each must be that of the content. */
static enum att_err check_digests(const struct att_own_record *rec, struct att_hasher *h,
                                  struct att_diag *diag)
{
    for (uint32_t i = 0; i < rec->digest_count; i++) {
        size_t size = att_hash_size(rec->digest[i].alg);
        uint8_t want[ATT_HASH_MAX];
        enum att_err err = att_hasher_start(h, rec->digest[i].alg);

        if (err == ATT_OK) {
            err = att_hasher_add(h, rec->content.p, rec->content.len);
        }
        if (err == ATT_OK) {
            err = att_hasher_finish(h, want);
        }
        if (err != ATT_OK) {
            return att_fail(diag, err, ATT_R_INTERNAL, "record.digests", "hashing failed");
        }
        if (ATT_GUARD(OWN_CONTENT_DIGEST, !att_digest_eq(rec->digest[i].value, want, size))) {
            return att_fail_at(diag, ATT_E_FORMAT, ATT_R_LOG_DIGEST, "record.digests", rec->off,
                               "the %s digest is not that of the content",
                               att_hash_name(rec->digest[i].alg));
        }
    }
    return ATT_OK;
}

/* The place of a record in its log. */
static enum att_err check_order(const struct att_own *it, const struct att_own_record *rec,
                                struct att_diag *diag)
{
    if (ATT_GUARD(OWN_RECNUM, rec->recnum != it->next_recnum)) {
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_CEL, "record.recnum", rec->off,
                           "expected %llu, found %llu", (unsigned long long)it->next_recnum,
                           (unsigned long long)rec->recnum);
    }
    if (ATT_GUARD(OWN_BOOT_FIRST, rec->recnum == 0 && !rec->is_boot)) {
        return refuse(rec, "record", "the first record of a log is a boot record", diag);
    }
    if (ATT_GUARD(OWN_ONE_PCR, !it->first && rec->pcr != it->pcr)) {
        return refuse(rec, "record.pcr", "another PCR than in the records before", diag);
    }
    return ATT_OK;
}

/* One whole item of the sequence, consumed from the log. */
static enum att_err take_item(struct att_own *it, struct att_slice *out, struct att_diag *diag)
{
    size_t off = att_rd_off(&it->rd);
    struct att_rd rest = it->rd;
    struct att_cbor c = reader_at(att_rd_rest(&rest), off);
    struct att_slice item = att_cbor_item(&c);

    if (!att_cbor_ok(&c)) {
        return att_cbor_end_diag(&c, ATT_R_FMT_CEL, "record", diag);
    }
    if (item.len > ATT_OWN_RECORD_MAX) {
        return att_fail_at(diag, ATT_E_LIMIT, ATT_R_FMT_CEL, "record", off,
                           "expected at most %d bytes, found %zu", ATT_OWN_RECORD_MAX, item.len);
    }
    *out = att_rd_bytes(&it->rd, item.len);
    return ATT_OK;
}

enum att_err att_own_next(struct att_own *it, struct att_own_record *out, bool *more,
                          struct att_hasher *h, struct att_diag *diag)
{
    struct att_own_record rec = {.off = att_rd_off(&it->rd)};
    struct att_slice item = {0};
    size_t content_off = 0;
    enum att_err err = ATT_OK;

    if (att_rd_left(&it->rd) == 0) {
        *more = false;
        return ATT_OK;
    }
    err = take_item(it, &item, diag);
    if (err != ATT_OK) {
        return err;
    }
    rec.len = item.len;
    err = read_record(item, &rec, &content_off, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = check_digests(&rec, h, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = read_content(&rec, content_off, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = check_order(it, &rec, diag);
    if (err != ATT_OK) {
        return err;
    }
    it->next_recnum = rec.recnum + 1;
    it->first = false;
    it->pcr = rec.pcr;
    *out = rec;
    *more = true;
    return ATT_OK;
}

struct att_own_items att_own_items_from(const struct att_own_record *rec)
{
    struct att_own_items it = {.c = att_cbor_from(rec->content)};

    if (rec->is_boot) {
        return it;
    }
    enter_map_of(&it.c, 2);
    att_cbor_key_is(&it.c, 0);
    (void)att_cbor_uint(&it.c);
    att_cbor_key_is(&it.c, 1);
    it.left = att_cbor_enter_array(&it.c, ATT_OWN_ITEMS_MAX);
    return it;
}

bool att_own_item_next(struct att_own_items *it, struct att_own_item *out)
{
    struct att_own_item item;

    if (it->left == 0) {
        return false;
    }
    read_item(&it->c, &item);
    if (!att_cbor_ok(&it->c)) {
        return false;
    }
    it->left--;
    *out = item;
    return true;
}

static const uint8_t *digest_of(const struct att_own_record *rec, enum att_hash bank)
{
    for (uint32_t i = 0; i < rec->digest_count; i++) {
        if (rec->digest[i].alg == bank) {
            return rec->digest[i].value;
        }
    }
    return NULL;
}

/* After a resume the PCR starts where the log stands, or somebody else extended it in between. */
static enum att_err check_resume(const struct att_pcr_values *v, const struct att_own_record *rec,
                                 struct att_diag *diag)
{
    for (uint32_t i = 0; i < v->count; i++) {
        const struct att_pcr_bank *start = att_pcr_bank_find(&rec->boot.start, v->bank[i].bank);

        if (start == NULL) {
            continue; /* nor has the record a digest for it: the bank is given up */
        }
        if (ATT_GUARD(OWN_RESUME_START, memcmp(start->value[rec->pcr], v->bank[i].value[rec->pcr],
                                               att_hash_size(start->bank)) != 0)) {
            return att_fail_at(diag, ATT_E_MISMATCH, ATT_R_OWN_FOREIGN, "boot.start", rec->off,
                               "the %s bank does not start where the log stands",
                               att_hash_name(start->bank));
        }
    }
    return ATT_OK;
}

/* Extend what the record carries; a bank that it does not carry is given up. */
static enum att_err extend_record(struct att_pcr_values *v, const struct att_own_record *rec,
                                  struct att_hasher *h)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < v->count; i++) {
        struct att_pcr_bank *bank = &v->bank[i];
        const uint8_t *digest = digest_of(rec, bank->bank);
        enum att_err err = ATT_OK;

        if (digest == NULL) {
            continue;
        }
        err = att_pcr_extend(h, bank->bank, bank->value[rec->pcr], digest);
        if (err != ATT_OK) {
            return err;
        }
        if (kept != i) {
            v->bank[kept] = *bank;
        }
        kept++;
    }
    v->count = kept;
    return ATT_OK;
}

static enum att_err replay_record(struct att_pcr_values *v, const struct att_own_record *rec,
                                  struct att_hasher *h, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (rec->is_boot && rec->recnum == 0) {
        *v = rec->boot.start;
    } else if (rec->is_boot) {
        err = check_resume(v, rec, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = extend_record(v, rec, h);
    if (err != ATT_OK) {
        return att_fail_at(diag, err, ATT_R_INTERNAL, "record", rec->off, "hashing failed");
    }
    return ATT_OK;
}

enum att_err att_own_replay(struct att_pcr_values *out, struct att_slice in, uint32_t *records,
                            struct att_diag *diag)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_own it = att_own_from(in, 0);
    struct att_pcr_values v = {0};
    enum att_err err = att_hasher_new(&h);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no hashing context");
    }
    if (in.len == 0 || in.len > ATT_OWN_LOG_MAX) {
        return att_fail(diag, in.len == 0 ? ATT_E_TRUNCATED : ATT_E_LIMIT, ATT_R_FMT_CEL, "log",
                        "expected 1 to %d bytes, found %zu", ATT_OWN_LOG_MAX, in.len);
    }
    for (;;) {
        struct att_own_record rec;
        bool more = false;

        err = att_own_next(&it, &rec, &more, h, diag);
        if (err != ATT_OK) {
            return err;
        }
        if (!more) {
            break;
        }
        err = replay_record(&v, &rec, h, diag);
        if (err != ATT_OK) {
            return err;
        }
    }
    if (records != NULL) {
        *records = (uint32_t)it.next_recnum;
    }
    *out = v;
    return ATT_OK;
}
