/*
 * The first byte chooses: a sample, a statement, or a batch file. What is read is written again the same; a file that
 * verifies under the key of the seeds gives records that are samples or are refused.
 */
#include <string.h>

#include "base/hex.h"
#include "cbor_mutate.h"
#include "fuzz.h"
#include "prov/batch.h"

/* The key that the seeds of the corpus are signed with. */
static const char seed_key[] =
    "3059301306072a8648ce3d020106082a8648ce3d03010703420004f6dde5759b7f2e7781f58afe7eede5d628d15a74"
    "02025bef374d7b5ba8cc0867ae774f4120ffdd3cdf9a0be7848eea6360f3530df07743e89490c00005245815";

static const struct att_pubkey *key_of_seeds(void)
{
    static struct att_pubkey *key;
    uint8_t der[128];
    size_t len = 0;

    if (key == NULL) {
        HOLDS(att_hex_decode(der, sizeof(der), &len, seed_key, strlen(seed_key)) == ATT_OK);
        HOLDS(att_pubkey_from_spki(&key, att_slice_of(der, len), NULL) == ATT_OK);
    }
    return key;
}

static void sample(struct att_slice in)
{
    uint8_t again[ATT_SAMPLE_MAX];
    size_t len = 0;
    struct att_diag diag = {0};
    struct att_sample s;

    if (att_sample_decode(&s, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_SAMPLE);
        return;
    }
    HOLDS(s.channel.len > 0 && s.sequence > 0 && s.from_ms <= s.until_ms);
    HOLDS(!s.has_value || att_decimal_ok(s.value));
    if (in.len > sizeof(again))
        return;
    HOLDS(att_sample_encode(again, sizeof(again), &len, &s) == ATT_OK);
    HOLDS(att_slice_eq(att_slice_of(again, len), in));
}

static void statement(struct att_slice in)
{
    struct att_batch_statement s;
    struct att_buf *again = NULL;
    struct att_diag diag = {0};

    if (att_batch_statement_decode(&s, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_BATCH);
        return;
    }
    HOLDS(s.number > 0 && s.size > 0 && s.size <= ATT_BATCH_RECORDS_MAX);
    HOLDS(att_batch_statement_encode(&again, &s) == ATT_OK || in.len > ATT_BATCH_STATEMENT_MAX);
    HOLDS(again == NULL || att_slice_eq(att_buf_slice(again), in));
    att_buf_free(again);
}

static enum att_err record(void *ctx, const struct att_batch_record *r, struct att_diag *diag)
{
    const struct att_batch_file *f = ctx;

    (void)diag;
    HOLDS(r->index < ATT_BATCH_RECORDS_MAX + 1);
    HOLDS(r->bytes.len == 0 || (r->bytes.p >= f->records.p &&
                                r->bytes.p + r->bytes.len <= f->records.p + f->records.len));
    sample(r->bytes);
    return ATT_OK;
}

/* Of a batch that is whole one record can be shown, and verifies alone. */
static void cut_down(const struct att_batch_file *f)
{
    static const uint32_t first = 0;
    struct att_buf *one = NULL;
    struct att_batch_file cut;
    struct att_batch_statement s;
    uint8_t head[ATT_HEAD_LEN];

    if (f->disclosed)
        return;
    HOLDS(att_batch_disclose(&one, f, &first, 1, NULL) == ATT_OK);
    HOLDS(att_batch_file_parse(&cut, att_buf_slice(one), NULL) == ATT_OK && cut.disclosed);
    HOLDS(att_batch_verify(&s, head, &cut, key_of_seeds(), record, &cut, NULL) == ATT_OK);
    att_buf_free(one);
}

static void file(struct att_slice in)
{
    struct att_batch_file f;
    struct att_batch_statement s;
    uint8_t head[ATT_HEAD_LEN], kid[32];
    struct att_diag diag = {0};

    if (att_batch_file_parse(&f, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_BATCH);
        return;
    }
    HOLDS(f.count > 0);
    (void)!att_batch_peek(&s, kid, &f, NULL);
    (void)!att_batch_each(&f, record, &f, NULL);
    if (att_batch_verify(&s, head, &f, key_of_seeds(), record, &f, &diag) == ATT_OK)
        cut_down(&f);
    else
        HOLDS(diag.reason != ATT_R_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice rest;

    if (size < 2)
        return 0;
    rest = att_slice_of(&data[1], size - 1);
    if (data[0] % 3 == 0)
        sample(rest);
    else if (data[0] % 3 == 1)
        statement(rest);
    else
        file(rest);
    return 0;
}

FUZZ_MUTATES_CBOR(1)
