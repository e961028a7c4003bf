/* Firmware event logs by hand: each record as a firmware writes it, or nearly so. */
#include "bootlog.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

void bootlog_begin(struct bootlog *b)
{
    memset(b, 0, sizeof(*b));
    b->w = att_wr_into(b->bytes, sizeof(b->bytes));
}

struct att_slice bootlog_slice(const struct bootlog *b)
{
    struct att_slice out = {0};

    ck_assert_int_eq(att_wr_done(&b->w, &out), ATT_OK);
    return out;
}

void bootlog_sha1_event(struct bootlog *b, uint32_t pcr, uint32_t type, const void *data,
                        size_t len)
{
    struct att_slice in = att_slice_of(data, len);
    uint8_t digest[ATT_HASH_MAX];

    ck_assert_int_eq(att_digest(ATT_HASH_SHA1, &in, 1, digest), ATT_OK);
    att_wr_u32le(&b->w, pcr);
    att_wr_u32le(&b->w, type);
    att_wr_bytes(&b->w, digest, 20);
    att_wr_u32le(&b->w, (uint32_t)len);
    att_wr_bytes(&b->w, data, len);
}

void bootlog_spec_id_head(struct bootlog *b, uint32_t len)
{
    att_wr_u32le(&b->w, 0);
    att_wr_u32le(&b->w, EV_NO_ACTION);
    att_wr_zeros(&b->w, 20);
    att_wr_u32le(&b->w, len);
    att_wr_bytes(&b->w, "Spec ID Event03", 16);
    att_wr_u32le(&b->w, 0);
    att_wr_bytes(&b->w, "\0\2\0\2", 4);
}

/* The Spec ID event of a log with the banks sha1 and sha256: 37 bytes of data. */
void bootlog_spec_id(struct bootlog *b)
{
    bootlog_spec_id_head(b, 37);
    att_wr_u32le(&b->w, 2);
    att_wr_u16le(&b->w, ATT_HASH_SHA1);
    att_wr_u16le(&b->w, 20);
    att_wr_u16le(&b->w, ATT_HASH_SHA256);
    att_wr_u16le(&b->w, 32);
    att_wr_u8(&b->w, 0);
}

void bootlog_event_with(struct bootlog *b, uint32_t pcr, uint32_t type, struct att_slice data,
                        uint32_t data_len)
{
    static const enum att_hash ALGS[] = {ATT_HASH_SHA1, ATT_HASH_SHA256};

    att_wr_u32le(&b->w, pcr);
    att_wr_u32le(&b->w, type);
    att_wr_u32le(&b->w, ATT_COUNT(ALGS));
    for (size_t i = 0; i < ATT_COUNT(ALGS); i++) {
        uint8_t digest[ATT_HASH_MAX];

        ck_assert_int_eq(att_digest(ALGS[i], &data, 1, digest), ATT_OK);
        att_wr_u16le(&b->w, (uint16_t)ALGS[i]);
        att_wr_bytes(&b->w, digest, att_hash_size(ALGS[i]));
    }
    att_wr_u32le(&b->w, data_len);
    att_wr_slice(&b->w, data);
}

void bootlog_event(struct bootlog *b, uint32_t pcr, uint32_t type, const void *data, size_t len)
{
    bootlog_event_with(b, pcr, type, att_slice_of(data, len), (uint32_t)len);
}

void bootlog_separator(struct bootlog *b, uint32_t pcr)
{
    bootlog_event(b, pcr, EV_SEPARATOR, "\0\0\0\0", 4);
}

struct att_evlog *bootlog_parsed(const struct bootlog *b)
{
    struct att_evlog *log = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(att_evlog_parse(&log, bootlog_slice(b), &diag) == ATT_OK, "%s at %zu", diag.text,
                  diag.off);
    return log;
}

/* From memory of the exact size, so that a sanitizer sees a byte too many. */
void bootlog_refuse_slice(struct att_slice in, enum att_err want, size_t off)
{
    uint8_t *exact = malloc(in.len == 0 ? 1 : in.len);
    struct att_evlog *log = NULL;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    if (in.len > 0) {
        memcpy(exact, in.p, in.len);
    }
    err = att_evlog_parse(&log, att_slice_of(exact, in.len), &diag);
    free(exact);
    ck_assert_msg(err == want, "%s, not %s", att_err_name(err), att_err_name(want));
    ck_assert_int_eq(diag.reason, ATT_R_FMT_UEFI);
    ck_assert_uint_eq(diag.off, off);
    ck_assert_ptr_null(log);
}

void bootlog_refuse(const struct bootlog *b, enum att_err want, size_t off)
{
    bootlog_refuse_slice(bootlog_slice(b), want, off);
}

void bootlog_expect_pcr(const struct att_evlog *log, enum att_hash bank, uint32_t pcr,
                        const char *want)
{
    struct att_pcr_values v = {0};
    char hex[2 * ATT_HASH_MAX + 1];

    ck_assert_int_eq(att_evlog_replay(&v, log, NULL), ATT_OK);
    ck_assert_uint_eq(att_pcr_bank_find(&v, bank)->has, 1U << pcr);
    att_hex_encode(hex, sizeof(hex),
                   att_slice_of(att_pcr_bank_find(&v, bank)->value[pcr], att_hash_size(bank)));
    ck_assert_str_eq(hex, want);
}
