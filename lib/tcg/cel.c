/* A canonical event log, record by record, and its replay. */
#include "tcg/cel.h"

#include <string.h>

#include "base/guard.h"
#include "tcg/cel_internal.h"

#define EV_NO_ACTION 3U

enum att_err att_cel_refuse(const struct att_cel_record *rec, const char *field, const char *what,
                            struct att_diag *diag)
{
    return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_CEL, field, rec->off, "%s", what);
}

bool att_cel_add_digest(struct att_cel_record *rec, uint64_t alg, struct att_slice value)
{
    enum att_hash hash = alg <= UINT16_MAX ? (enum att_hash)alg : ATT_HASH_NONE;
    size_t size = att_hash_size(hash);
    bool twice = false;

    for (uint32_t i = 0; i < rec->digest_count; i++) {
        twice = twice || rec->digest[i].alg == hash;
    }
    if (ATT_GUARD(CEL_DIGEST, size == 0 || value.len != size || twice) ||
        rec->digest_count == ATT_PCR_BANKS) {
        return false;
    }
    rec->digest[rec->digest_count].alg = hash;
    rec->digest[rec->digest_count].value = value;
    rec->digest_count++;
    return true;
}

struct att_cel att_cel_from(struct att_slice in)
{
    struct att_cel it = {.rd = att_rd_slice(in)};
    uint8_t first = att_rd_peek(&it.rd);

    if (first >> 5 == 4) {
        it.form = ATT_CEL_AS_ARRAY;
        it.c = att_cbor_from(in);
        (void)att_cbor_enter_array(&it.c, ATT_CEL_RECORDS_MAX);
    } else if (first >> 5 == 5) {
        it.form = ATT_CEL_AS_SEQUENCE;
    } else {
        it.form = ATT_CEL_AS_TLV;
    }
    return it;
}

/* One whole CBOR item of an array or a sequence, and where it stands. */
static enum att_err take_item(struct att_cel *it, struct att_cel_record *rec, struct att_slice *out,
                              struct att_diag *diag)
{
    struct att_rd rest = it->rd;
    struct att_cbor own = att_cbor_from(att_rd_rest(&rest));
    struct att_cbor *c = it->form == ATT_CEL_AS_ARRAY ? &it->c : &own;

    if (it->form == ATT_CEL_AS_SEQUENCE) {
        own.rd.base = rec->off;
    }
    *out = att_cbor_item(c);
    if (!att_cbor_ok(c)) {
        return att_cbor_end_diag(c, ATT_R_FMT_CEL, "record", diag);
    }
    if (it->form == ATT_CEL_AS_SEQUENCE) {
        att_rd_skip(&it->rd, out->len);
    }
    return ATT_OK;
}

/* Is there another record? The end of an array must be the end of the input. */
static enum att_err look_for(struct att_cel *it, bool *more, struct att_diag *diag)
{
    if (it->form != ATT_CEL_AS_ARRAY) {
        *more = att_rd_left(&it->rd) > 0;
        return ATT_OK;
    }
    *more = att_cbor_more(&it->c);
    if (*more) {
        return ATT_OK;
    }
    if (att_cbor_ok(&it->c)) {
        att_cbor_leave(&it->c);
    }
    return att_cbor_end_diag(&it->c, ATT_R_FMT_CEL, "log", diag);
}

static enum att_err read_record(struct att_cel *it, struct att_cel_record *rec,
                                struct att_diag *diag)
{
    struct att_slice item = {0};
    enum att_err err = ATT_OK;

    if (it->form == ATT_CEL_AS_TLV) {
        err = att_cel_read_tlv(rec, &it->rd, diag);
        rec->len = att_rd_off(&it->rd) - rec->off;
        return err;
    }
    err = take_item(it, rec, &item, diag);
    rec->len = item.len;
    return err == ATT_OK ? att_cel_read_cbor(rec, item, diag) : err;
}

static enum att_err judge_record(const struct att_cel *it, const struct att_cel_record *rec,
                                 struct att_diag *diag)
{
    bool pcr = rec->register_type != ATT_CEL_NV_INDEX;

    if (ATT_GUARD(CEL_RECNUM, rec->recnum != it->next_recnum)) {
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_CEL, "record.recnum", rec->off,
                           "expected %llu, found %llu", (unsigned long long)it->next_recnum,
                           (unsigned long long)rec->recnum);
    }
    if (ATT_GUARD(CEL_PCR, pcr && rec->index >= ATT_PCR_COUNT)) {
        return att_cel_refuse(rec, "record.pcr", "a register above 23", diag);
    }
    if (ATT_GUARD(CEL_NO_DIGEST, rec->digest_count == 0)) {
        return att_cel_refuse(rec, "record.digests", "a record without a digest", diag);
    }
    return ATT_OK;
}

enum att_err att_cel_next(struct att_cel *it, struct att_cel_record *out, bool *more,
                          struct att_diag *diag)
{
    struct att_cel_record rec = {0};
    bool another = false;
    enum att_err err = look_for(it, &another, diag);

    if (err != ATT_OK || !another) {
        *more = false;
        return err;
    }
    rec.off = it->form == ATT_CEL_AS_ARRAY ? att_rd_off(&it->c.rd) : att_rd_off(&it->rd);
    err = read_record(it, &rec, diag);
    if (err == ATT_OK) {
        err = judge_record(it, &rec, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    it->next_recnum++;
    *out = rec;
    *more = true;
    return ATT_OK;
}

/* The only EV_NO_ACTION event that means something to a replay: where PCR 0 starts. */
static uint8_t locality_of(const struct att_cel_record *rec)
{
    static const char NAME[] = "StartupLocality"; /* with its NUL */

    if (!rec->has_event || rec->event_type != EV_NO_ACTION || rec->event.len != sizeof(NAME) + 1 ||
        memcmp(rec->event.p, NAME, sizeof(NAME)) != 0) {
        return 0;
    }
    return rec->event.p[sizeof(NAME)];
}

static enum att_err extend(struct att_pcr_values *v, const struct att_cel_record *rec,
                           uint8_t locality, struct att_hasher *h)
{
    for (uint32_t i = 0; i < rec->digest_count; i++) {
        enum att_hash alg = rec->digest[i].alg;
        struct att_pcr_bank *bank = att_hash_usable(alg) ? att_pcr_bank_add(v, alg) : NULL;
        uint32_t bit = 1U << rec->index;
        bool drtm = rec->register_type == ATT_CEL_PCR && rec->index >= 17 && rec->index <= 22;
        enum att_err err = ATT_OK;

        if (bank == NULL) {
            continue; /* SM3: known, and never computed */
        }
        if ((bank->has & bit) == 0) {
            memset(bank->value[rec->index], drtm ? 0xff : 0, att_hash_size(alg));
            bank->value[rec->index][att_hash_size(alg) - 1] |= rec->index == 0 ? locality : 0;
            bank->has |= bit;
        }
        err = att_pcr_extend(h, alg, bank->value[rec->index], rec->digest[i].value.p);
        if (err != ATT_OK) {
            return err;
        }
    }
    return ATT_OK;
}

static enum att_err replay_record(struct att_cel_values *v, const struct att_cel_record *rec,
                                  uint8_t *locality, struct att_hasher *h)
{
    v->records++;
    if (rec->register_type == ATT_CEL_NV_INDEX) {
        v->nv_records++;
        return ATT_OK;
    }
    if (ATT_GUARD(CEL_NO_ACTION, rec->has_event && rec->event_type == EV_NO_ACTION)) {
        *locality = *locality == 0 ? locality_of(rec) : *locality;
        return ATT_OK;
    }
    if (rec->register_type == ATT_CEL_CCMR) {
        return extend(&v->ccmr, rec, 0, h);
    }
    return extend(&v->pcr, rec, *locality, h);
}

enum att_err att_cel_replay(struct att_cel_values *out, struct att_slice in, struct att_diag *diag)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_cel_values v = {0};
    struct att_cel it = att_cel_from(in);
    struct att_cel_record rec;
    uint8_t locality = 0;
    bool more = true;
    enum att_err err = att_hasher_new(&h);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "log", "no memory");
    }
    if (in.len == 0 || in.len > ATT_CEL_MAX) {
        return att_fail(diag, in.len == 0 ? ATT_E_TRUNCATED : ATT_E_LIMIT, ATT_R_FMT_CEL, "log",
                        "expected 1 to %d bytes, found %zu", ATT_CEL_MAX, in.len);
    }
    while (more) {
        err = att_cel_next(&it, &rec, &more, diag);
        if (err != ATT_OK) {
            return err;
        }
        err = more ? replay_record(&v, &rec, &locality, h) : ATT_OK;
        if (err != ATT_OK) {
            return att_fail_at(diag, err, ATT_R_INTERNAL, "record", rec.off, "hashing failed");
        }
    }
    *out = v;
    return ATT_OK;
}
