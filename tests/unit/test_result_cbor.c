/* What the verifier keeps of a boot, as bytes: one spelling for each state. */
#include <check.h>

#include "appraise/result.h"
#include "codec/cbor_wr.h"
#include "suite.h"

static void write_bank(struct att_wr *w, enum att_hash alg)
{
    att_cbor_wr_array(w, 3);
    att_cbor_wr_uint(w, (uint64_t)alg);
    att_cbor_wr_uint(w, 0); /* no value is known */
    att_cbor_wr_bytes(w, att_slice_of(NULL, 0));
}

/* A state whose kernel list has values of two banks. */
static enum att_err decode_with(enum att_hash one, enum att_hash other)
{
    static const uint8_t zero[ATT_HASH_MAX];
    uint8_t room[256];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_boot_state s;

    att_cbor_wr_array(&w, 8);
    att_cbor_wr_bool(&w, true);
    for (int i = 0; i < 3; i++) { /* clock, resetCount, restartCount */
        att_cbor_wr_uint(&w, 0);
    }
    att_cbor_wr_bool(&w, true);
    att_cbor_wr_uint(&w, 0); /* firmware, first clock */
    att_cbor_wr_uint(&w, 0);
    att_cbor_wr_array(&w, ATT_LOG__COUNT);
    att_cbor_wr_null(&w);
    att_cbor_wr_array(&w, 4);
    att_cbor_wr_uint(&w, 0);
    att_cbor_wr_uint(&w, 0);
    att_cbor_wr_bytes(&w, att_slice_of(zero, sizeof(zero)));
    att_cbor_wr_array(&w, 2);
    write_bank(&w, one);
    write_bank(&w, other);
    att_cbor_wr_null(&w);
    return att_boot_state_decode(&s, att_slice_of(room, w.len), NULL);
}

START_TEST(att_boot_state_decode__takes_each_bank_once)
{
    ck_assert_int_eq(decode_with(ATT_HASH_SHA256, ATT_HASH_SHA384), ATT_OK);
    ck_assert_int_eq(decode_with(ATT_HASH_SHA256, ATT_HASH_SHA256), ATT_E_FORMAT);
    ck_assert_int_eq(decode_with(ATT_HASH_SHA256, (enum att_hash)0x7777), ATT_E_FORMAT);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {{att_boot_state_decode__takes_each_bank_once, 0}};

    return SUITE_RUN_ROWS("result_cbor", ROWS, NULL);
}
