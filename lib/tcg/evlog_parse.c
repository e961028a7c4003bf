/*
 * The firmware event log, record by record (PC Client Platform Firmware Profile 1.06, 10.2).
 *
 * The first record has the SHA-1 form in every log. When it is the Spec ID event of version 3, the
 * others carry one digest for each announced bank; else they have the SHA-1 form too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "base/rd.h"
#include "tcg/evlog_internal.h"

static const char SPEC_ID[] = "Spec ID Event03"; /* with its NUL, 16 bytes */
static const char LOCALITY[] = "StartupLocality";

/* One record being read: where it starts, and whom to tell. */
struct record {
    struct att_rd *r;
    struct att_diag *diag;
    size_t off;
};

static enum att_err refuse(const struct record *rec, const char *field, const char *what)
{
    return att_fail_at(rec->diag, ATT_E_FORMAT, ATT_R_FMT_UEFI, field, rec->off, "%s", what);
}

/* The reader's own failure, told with the byte of the record. */
static enum att_err refuse_read(const struct record *rec)
{
    return att_fail_at(rec->diag, rec->r->err, ATT_R_FMT_UEFI, "event", rec->off,
                       rec->r->err == ATT_E_TRUNCATED ? "the log ends inside a record"
                                                      : "a size is above the limit");
}

static bool starts_with(struct att_slice data, const char *text, size_t len)
{
    return data.len >= len && memcmp(data.p, text, len) == 0;
}

static bool announced(const struct att_evlog *log, enum att_hash alg)
{
    for (size_t i = 0; i < log->bank_count; i++) {
        if (log->bank[i] == alg) {
            return true;
        }
    }
    return false;
}

static bool carries(const struct att_event *ev, enum att_hash alg)
{
    for (uint32_t i = 0; i < ev->digest_count; i++) {
        if (ev->digest[i].alg == alg) {
            return true;
        }
    }
    return false;
}

/* TCG_PCR_EVENT */
static enum att_err read_sha1(const struct record *rec, struct att_event *ev)
{
    uint32_t len = 0;

    ev->pcr = att_rd_u32le(rec->r);
    ev->type_unproven = att_rd_u32le(rec->r);
    ev->digest[0].alg = ATT_HASH_SHA1;
    ev->digest[0].value = att_rd_bytes(rec->r, att_hash_size(ATT_HASH_SHA1));
    ev->digest_count = 1;
    len = att_rd_count32le(rec->r, ATT_EVLOG_MAX);
    ev->data_unproven = att_rd_bytes(rec->r, len);
    return att_rd_ok(rec->r) ? ATT_OK : refuse_read(rec);
}

/* TPML_DIGEST_VALUES: at most one digest a bank, and only of banks that the log announced */
static enum att_err read_digests(const struct record *rec, const struct att_evlog *log,
                                 struct att_event *ev)
{
    uint32_t count = att_rd_u32le(rec->r);

    if (!att_rd_ok(rec->r)) {
        return refuse_read(rec);
    }
    if (ATT_GUARD(EVLOG_DIGEST_COUNT, count == 0) || count > log->bank_count) {
        return refuse(rec, "event.digests.count", "not between one and the announced banks");
    }
    for (uint32_t i = 0; i < count; i++) {
        enum att_hash alg = (enum att_hash)att_rd_u16le(rec->r);

        if (!att_rd_ok(rec->r)) {
            return refuse_read(rec);
        }
        if (ATT_GUARD(EVLOG_ANNOUNCED, !announced(log, alg))) {
            return refuse(rec, "event.digests.algorithm", "a bank that the log did not announce");
        }
        if (ATT_GUARD(EVLOG_DIGEST_TWICE, carries(ev, alg))) {
            return refuse(rec, "event.digests.algorithm", "two digests for one bank");
        }
        ev->digest[i].alg = alg;
        ev->digest[i].value = att_rd_bytes(rec->r, att_hash_size(alg));
        ev->digest_count = i + 1;
    }
    return ATT_OK;
}

/* TCG_PCR_EVENT2 */
static enum att_err read_agile(const struct record *rec, const struct att_evlog *log,
                               struct att_event *ev)
{
    uint32_t len = 0;
    enum att_err err = ATT_OK;

    ev->pcr = att_rd_u32le(rec->r);
    ev->type_unproven = att_rd_u32le(rec->r);
    err = read_digests(rec, log, ev);
    if (err != ATT_OK) {
        return err;
    }
    len = att_rd_count32le(rec->r, ATT_EVLOG_MAX);
    ev->data_unproven = att_rd_bytes(rec->r, len);
    if (!att_rd_ok(rec->r)) {
        return refuse_read(rec);
    }
    /* The SHA-1 logs of old BIOSes have empty events; no crypto-agile log that we know has. */
    if (ATT_GUARD(EVLOG_EMPTY_EVENT, len == 0)) {
        return refuse(rec, "event.eventSize", "an event without data");
    }
    return ATT_OK;
}

/* The algorithmSize array of the Spec ID event: known algorithms, true sizes, none twice. */
static enum att_err read_banks(struct att_rd *r, const struct record *rec, struct att_evlog *log)
{
    uint32_t count = att_rd_count32le(r, ATT_PCR_BANKS);

    if (!att_rd_ok(r) || count == 0) {
        return refuse(rec, "spec-id.numberOfAlgorithms", "not between one and five banks");
    }
    for (uint32_t i = 0; i < count; i++) {
        enum att_hash alg = (enum att_hash)att_rd_u16le(r);
        uint16_t size = att_rd_u16le(r);

        if (!att_rd_ok(r)) {
            return refuse(rec, "spec-id.digestSizes", "the event ends inside its banks");
        }
        if (ATT_GUARD(EVLOG_BANK_SIZE, att_hash_size(alg) == 0 || size != att_hash_size(alg))) {
            return refuse(rec, "spec-id.digestSizes", "an unknown algorithm or a false size");
        }
        if (ATT_GUARD(EVLOG_BANK_TWICE, announced(log, alg))) {
            return refuse(rec, "spec-id.digestSizes", "a bank is announced twice");
        }
        log->bank[log->bank_count] = alg;
        log->bank_count++;
    }
    return ATT_OK;
}

/*
 * TCG_EfiSpecIDEvent. A vendorInfoSize that does not fit is refused, with one exception: when the
 * vendor information follows the event, outside its size, and is all that follows.
 */
static enum att_err read_spec_id(const struct record *rec, const struct att_event *ev,
                                 struct att_evlog *log)
{
    struct att_rd r = att_rd_slice(ev->data_unproven);
    uint8_t vendor = 0;
    bool outside = false;
    enum att_err err = ATT_OK;

    att_rd_skip(&r, sizeof(SPEC_ID));
    att_rd_skip(&r, 4); /* platformClass */
    att_rd_skip(&r, 3); /* specVersionMinor, specVersionMajor, specErrata */
    att_rd_skip(&r, 1); /* uintnSize */
    err = read_banks(&r, rec, log);
    if (err != ATT_OK) {
        return err;
    }
    vendor = att_rd_u8(&r);
    if (!att_rd_ok(&r)) {
        return refuse(rec, "spec-id.vendorInfoSize", "the event ends before it");
    }
    outside = att_rd_left(&r) == 0 && vendor == att_rd_left(rec->r);
    if (ATT_GUARD(EVLOG_VENDOR_SIZE, att_rd_left(&r) != vendor && !outside)) {
        return refuse(rec, "spec-id.vendorInfoSize", "not the bytes that the event has left");
    }
    if (vendor != 0 && outside) {
        att_rd_skip(rec->r, vendor);
    }
    log->crypto_agile = true;
    return ATT_OK;
}

/* The only EV_NO_ACTION event that means something to a replay (10.4.5.3). */
static enum att_err read_locality(const struct record *rec, const struct att_event *ev,
                                  struct att_evlog *log)
{
    struct att_rd r = att_rd_slice(ev->data_unproven);
    uint8_t locality = 0;

    att_rd_skip(&r, sizeof(LOCALITY));
    locality = att_rd_u8(&r);
    if (att_rd_end(&r) != ATT_OK) {
        return refuse(rec, "StartupLocality", "not one byte after the name");
    }
    if (ATT_GUARD(EVLOG_LOCALITY, locality != 0 && locality != 3 && locality != 4)) {
        return refuse(rec, "StartupLocality", "a locality other than 0, 3 and 4");
    }
    if (ATT_GUARD(EVLOG_LOCALITY_FIRST, log->locality_told)) {
        return ATT_OK;
    }
    log->locality = locality;
    log->locality_told = true;
    return ATT_OK;
}

/* What a record says about itself, once it has been read. */
static enum att_err judge(const struct record *rec, struct att_event *ev, struct att_evlog *log)
{
    bool no_action = ev->type_unproven == ATT_EV_NO_ACTION;

    ev->extends = !ATT_GUARD(EVLOG_NO_ACTION, no_action);
    if (ATT_GUARD(EVLOG_PCR_INDEX, ev->extends && ev->pcr >= ATT_PCR_COUNT)) {
        return refuse(rec, "event.pcrIndex", "a measurement into a PCR above 23");
    }
    if (ev->pcr == 0 && ev->type_unproven == ATT_EV_HCRTM_EVENT && !log->locality_told) {
        log->locality = 4;
    }
    if (!no_action) {
        return ATT_OK;
    }
    if (ATT_GUARD(EVLOG_SPEC_ID_FIRST,
                  ev->index > 0 && starts_with(ev->data_unproven, SPEC_ID, sizeof(SPEC_ID)))) {
        return refuse(rec, "spec-id", "a Spec ID event that is not the first");
    }
    if (ev->pcr == 0 && starts_with(ev->data_unproven, LOCALITY, sizeof(LOCALITY))) {
        return read_locality(rec, ev, log);
    }
    return ATT_OK;
}

/* Memory follows the bytes already read: a record is at least 32 of them. */
static enum att_err append(struct att_evlog *log, const struct att_event *ev)
{
    if (log->count == log->cap) {
        size_t cap = log->cap == 0 ? 64 : log->cap * 2;
        struct att_event *grown = reallocarray(log->event, cap, sizeof(*grown));

        if (grown == NULL) {
            return ATT_E_NOMEM;
        }
        log->event = grown;
        log->cap = cap;
    }
    log->event[log->count] = *ev;
    log->count++;
    return ATT_OK;
}

static enum att_err read_record(struct att_rd *r, struct att_evlog *log, struct att_diag *diag)
{
    struct record rec = {.r = r, .diag = diag, .off = att_rd_off(r)};
    struct att_event ev = {.index = (uint32_t)log->count, .off = att_rd_off(r)};
    enum att_err err = ATT_OK;

    if (log->count == ATT_EVLOG_EVENTS_MAX) {
        return att_fail_at(diag, ATT_E_LIMIT, ATT_R_FMT_UEFI, "event", rec.off,
                           "more than %d events", ATT_EVLOG_EVENTS_MAX);
    }
    err = log->crypto_agile ? read_agile(&rec, log, &ev) : read_sha1(&rec, &ev);
    if (err != ATT_OK) {
        return err;
    }
    log->consumed = att_rd_off(r);
    err = judge(&rec, &ev, log);
    if (err != ATT_OK) {
        return err;
    }
    if (ev.index == 0 && !ev.extends && starts_with(ev.data_unproven, SPEC_ID, sizeof(SPEC_ID))) {
        err = read_spec_id(&rec, &ev, log);
    } else if (ev.index == 0) {
        log->bank[0] = ATT_HASH_SHA1;
        log->bank_count = 1;
    }
    if (err != ATT_OK) {
        return err;
    }
    err = append(log, &ev);
    return err == ATT_OK ? ATT_OK : att_fail(diag, err, ATT_R_NOMEM, NULL, "no memory for events");
}

/* Firmware hands out a whole area: what follows the last record is zeros, or erased flash. */
static bool only_padding(struct att_rd r)
{
    uint8_t pad = att_rd_peek(&r);

    if (pad != 0x00 && pad != 0xff) {
        return false;
    }
    while (att_rd_left(&r) > 0) {
        if (att_rd_u8(&r) != pad) {
            return false;
        }
    }
    return true;
}

static enum att_err read_records(struct att_evlog *log, struct att_slice in, struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(in);

    if (in.len > ATT_EVLOG_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_UEFI, "log",
                        "expected at most %d bytes, found %zu", ATT_EVLOG_MAX, in.len);
    }
    if (in.len > 0 && only_padding(r)) {
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_UEFI, "log", 0, "padding and no event");
    }
    do {
        enum att_err err = read_record(&r, log, diag);

        if (err != ATT_OK) {
            return err;
        }
    } while (att_rd_left(&r) > 0 && !only_padding(r));
    return ATT_OK;
}

enum att_err att_evlog_parse(struct att_evlog **out, struct att_slice in, struct att_diag *diag)
{
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = calloc(1, sizeof(*log));
    enum att_err err = ATT_OK;

    if (log == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory for the event log");
    }
    err = read_records(log, in, diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = log;
    log = NULL;
    return ATT_OK;
}
