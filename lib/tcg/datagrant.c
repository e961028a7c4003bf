/* An authorisation of the data key: the policy that it stands for, and its bytes. */
#include <string.h>

#include "base/guard.h"
#include "base/rd.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "crypto/digest.h"
#include "tcg/datakey.h"

#define CC_POLICY_COUNTER_TIMER 0x0000016dU
#define CC_POLICY_PCR           0x0000017fU
#define EO_EQ                   0x0000
#define EO_UNSIGNED_LE          0x0009

#define VERSION       1
#define MEMBERS       8
#define SELECTION_MAX 132

enum att_err att_grant_check(const struct att_grant *g, struct att_diag *diag)
{
    char shown[128];

    if (ATT_GUARD(DK_SELECTION, g->selection.count != 1 || g->selection.sel[0].mask == 0 ||
                                    (g->selection.sel[0].mask & ~ATT_DATA_KEY_PCRS) != 0)) {
        return att_fail(diag, ATT_E_DENIED, ATT_R_DK_GRANT, "selection",
                        "expected PCRs of one bank out of 0 to 9 and 11 to 15, found %s",
                        att_pcr_selection_print(shown, sizeof(shown), &g->selection));
    }
    return ATT_OK;
}

void att_grant_operands(uint8_t until[8], uint8_t counters[8], const struct att_grant *g)
{
    struct att_wr u = att_wr_into(until, 8);
    struct att_wr c = att_wr_into(counters, 8);

    att_wr_u64be(&u, g->until_ms);
    att_wr_u32be(&c, g->reset_count);
    att_wr_u32be(&c, g->restart_count);
}

/* digest = H(digest || command || first || second) (Part 1, 19.7). */
static enum att_err step(uint8_t digest[ATT_POLICY_LEN], uint32_t command, struct att_slice first,
                         struct att_slice second)
{
    uint8_t word[4];
    struct att_wr w = att_wr_into(word, sizeof(word));
    const struct att_slice part[] = {att_slice_of(digest, ATT_POLICY_LEN),
                                     att_slice_of(word, sizeof(word)), first, second};

    att_wr_u32be(&w, command);
    return att_digest(ATT_HASH_SHA256, part, ATT_COUNT(part), digest);
}

/* Part 3, 23.10: args = H(operandB || offset || operation) */
static enum att_err step_time(uint8_t digest[ATT_POLICY_LEN], const uint8_t operand[8],
                              uint16_t offset, uint16_t operation)
{
    uint8_t room[12];
    uint8_t args[32];
    struct att_wr w = att_wr_into(room, sizeof(room));
    enum att_err err = ATT_OK;

    att_wr_bytes(&w, operand, 8);
    att_wr_u16be(&w, offset);
    att_wr_u16be(&w, operation);
    err = att_sha256(att_slice_of(room, sizeof(room)), args);
    return err != ATT_OK ? err
                         : step(digest, CC_POLICY_COUNTER_TIMER, att_slice_of(args, sizeof(args)),
                                att_slice_of(NULL, 0));
}

/* Part 3, 23.7: args = selection || H(values) */
static enum att_err step_pcr(uint8_t digest[ATT_POLICY_LEN], const struct att_grant *g)
{
    uint8_t room[SELECTION_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice selection = {0};
    enum att_err err = ATT_OK;

    att_pcr_selection_write(&w, &g->selection);
    err = att_wr_done(&w, &selection);
    return err != ATT_OK ? err
                         : step(digest, CC_POLICY_PCR, selection,
                                att_slice_of(g->pcr_digest, sizeof(g->pcr_digest)));
}

enum att_err att_grant_policy(uint8_t out[ATT_POLICY_LEN], const struct att_grant *g)
{
    uint8_t digest[ATT_POLICY_LEN] = {0};
    uint8_t until[8], counters[8];
    enum att_err err = step_pcr(digest, g);

    att_grant_operands(until, counters, g);
    if (err == ATT_OK) {
        err = step_time(digest, until, ATT_TIME_INFO_CLOCK, EO_UNSIGNED_LE);
    }
    if (err == ATT_OK) {
        err = step_time(digest, counters, ATT_TIME_INFO_COUNTERS, EO_EQ);
    }
    if (err == ATT_OK) {
        memcpy(out, digest, sizeof(digest));
    }
    return err;
}

enum att_err att_grant_encode(struct att_wr *w, const struct att_grant *g)
{
    uint8_t room[SELECTION_MAX];
    struct att_wr s = att_wr_into(room, sizeof(room));
    struct att_slice selection = {0};
    enum att_err err = ATT_OK;

    att_pcr_selection_write(&s, &g->selection);
    err = att_wr_done(&s, &selection);
    if (err != ATT_OK) {
        return err;
    }
    att_cbor_wr_map(w, MEMBERS);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_uint(w, VERSION);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_bytes(w, selection);
    att_cbor_wr_uint(w, 2);
    att_cbor_wr_bytes(w, att_slice_of(g->pcr_digest, sizeof(g->pcr_digest)));
    att_cbor_wr_uint(w, 3);
    att_cbor_wr_uint(w, g->until_ms);
    att_cbor_wr_uint(w, 4);
    att_cbor_wr_uint(w, g->reset_count);
    att_cbor_wr_uint(w, 5);
    att_cbor_wr_uint(w, g->restart_count);
    att_cbor_wr_uint(w, 6);
    att_cbor_wr_uint(w, (uint64_t)g->until_utc);
    att_cbor_wr_uint(w, 7);
    att_cbor_wr_bytes(w, att_slice_of(g->signature, sizeof(g->signature)));
    return ATT_OK;
}

static enum att_err read_selection(struct att_pcr_selection *out, struct att_slice in,
                                   struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(in);

    att_pcr_selection_read(&r, out);
    return att_rd_end_diag(&r, ATT_R_FMT_CBOR, "authorisation.selection", diag);
}

static struct att_slice read_members(struct att_grant *g, struct att_cbor *c)
{
    struct att_slice selection = {0};

    att_cbor_key_is(c, 1);
    selection = att_cbor_bytes(c, SELECTION_MAX);
    att_cbor_key_is(c, 2);
    att_cbor_bytes_exact(c, g->pcr_digest, sizeof(g->pcr_digest));
    att_cbor_key_is(c, 3);
    g->until_ms = att_cbor_uint(c);
    att_cbor_key_is(c, 4);
    g->reset_count = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    att_cbor_key_is(c, 5);
    g->restart_count = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    att_cbor_key_is(c, 6);
    g->until_utc = (int64_t)att_cbor_uint_max(c, INT64_MAX);
    att_cbor_key_is(c, 7);
    att_cbor_bytes_exact(c, g->signature, sizeof(g->signature));
    return selection;
}

enum att_err att_grant_parse(struct att_grant *out, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct att_grant g = {0};
    struct att_slice selection = {0};
    uint64_t version = 0;
    enum att_err err = ATT_OK;

    if (att_cbor_enter_map(&c, MEMBERS) != MEMBERS) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    att_cbor_key_is(&c, 0);
    version = att_cbor_uint(&c);
    if (att_cbor_ok(&c) && version != VERSION) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_FMT_VERSION, "authorisation",
                        "expected version %d, found %llu", VERSION, (unsigned long long)version);
    }
    selection = read_members(&g, &c);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_CBOR, "authorisation", diag);
    if (err == ATT_OK) {
        err = read_selection(&g.selection, selection, diag);
    }
    if (err == ATT_OK) {
        err = att_grant_check(&g, diag);
    }
    if (err == ATT_OK) {
        *out = g;
    }
    return err;
}
