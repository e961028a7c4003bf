/* Reading a status list token strictly; the only file of the list that decompresses. */
#include "appraise/status_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "codec/zlib_stream.h"
#include "evidence/profile.h"

#define MEMBERS_MAX 16 /* of a map in a token */

static enum att_err malformed(struct att_diag *diag, enum att_err err, const char *field,
                              const char *text)
{
    return att_fail(diag, err, ATT_R_FMT_STATUS, field, "%s", text);
}

/*
 * Keys stand in any order: the examples of the draft have "bits" before "lst", and nobody encodes a
 * signed list again. So a key that stands twice is ours to refuse.
 */
static void once(struct att_cbor *c, unsigned int *seen, unsigned int bit)
{
    if (ATT_GUARD(SL_TWICE, (*seen & bit) != 0)) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    *seen |= bit;
}

enum member { MEMBER_BITS = 1, MEMBER_LST = 2, MEMBER_BOTH = 3 };

static unsigned int read_bits(struct att_cbor *c)
{
    uint64_t bits = att_cbor_uint_max(c, 8);

    if (att_cbor_ok(c) && ATT_GUARD(SL_BITS, !status_bits_ok(bits))) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    return (unsigned int)bits;
}

static enum att_err read_map(unsigned int *bits, struct att_slice *lst, struct att_slice map,
                             struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from_any_order(map);
    unsigned int seen = 0;
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_map(&c, MEMBERS_MAX);
    while (att_cbor_more(&c)) {
        struct att_slice key = att_cbor_key(&c).text;

        if (att_slice_eq(key, att_slice_str(STATUS_KEY_BITS))) {
            once(&c, &seen, MEMBER_BITS);
            *bits = read_bits(&c);
        } else if (att_slice_eq(key, att_slice_str(STATUS_KEY_LST))) {
            once(&c, &seen, MEMBER_LST);
            *lst = att_cbor_bytes(&c, ATT_STATUS_FILE_MAX);
        } else {
            (void)att_cbor_item(&c); /* aggregation_uri, and what later versions add */
        }
    }
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_STATUS, "status_list", diag);
    if (err == ATT_OK && seen != MEMBER_BOTH) {
        err = malformed(diag, ATT_E_FORMAT, "status_list", "expected bits and lst, found less");
    }
    return err;
}

static enum att_err say_inflate(enum att_err err, struct att_diag *diag)
{
    switch (err) {
    case ATT_E_TRUNCATED:
        return malformed(diag, err, "lst", "the zlib stream ends too early");
    case ATT_E_TRAILING:
        return malformed(diag, err, "lst", "bytes are left over after the zlib stream");
    case ATT_E_LIMIT:
        return att_fail(diag, err, ATT_R_FMT_STATUS, "lst",
                        "the zlib stream holds more than %d bytes", ATT_STATUS_BYTES_MAX);
    case ATT_E_NOMEM:
        return att_fail(diag, err, ATT_R_NOMEM, "lst", "no memory");
    default:
        return malformed(diag, err, "lst", "it is no zlib stream, or a damaged one");
    }
}

enum att_err att_status_list_read(struct att_status_list **out, struct att_slice map,
                                  struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    struct att_status_list *l = NULL;
    struct att_slice lst = {0};
    unsigned int bits = 0;
    enum att_err err = read_map(&bits, &lst, map, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_zlib_inflate(&bytes, lst, ATT_STATUS_BYTES_MAX);
    if (err != ATT_OK) {
        return say_inflate(err, diag);
    }
    l = status_list_room(bits, att_buf_len(bytes));
    if (l == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "lst", "no memory");
    }
    if (l->len > 0) {
        memcpy(l->bytes, att_buf_slice(bytes).p, l->len);
    }
    *out = l;
    return ATT_OK;
}

enum claim {
    CLAIM_SUB = 1 << 0,
    CLAIM_EXP = 1 << 1,
    CLAIM_IAT = 1 << 2,
    CLAIM_LIST = 1 << 3,
    CLAIM_ALL = (1 << 4) - 1,
    CLAIM_TTL = 1 << 4,
};

struct claims {
    struct att_cbor c;
    struct att_status_token *token;
    struct att_slice list;
    unsigned int seen;
};

static int64_t read_time(struct att_cbor *c)
{
    return (int64_t)att_cbor_uint_max(c, INT64_MAX);
}

static void read_uri(struct claims *r)
{
    att_cbor_text_copy(&r->c, r->token->uri, sizeof(r->token->uri));
    if (att_cbor_ok(&r->c) && ATT_GUARD(SL_SUB, !att_status_uri_ok(r->token->uri))) {
        att_cbor_fail(&r->c, ATT_E_FORMAT);
    }
}

static void read_claim(struct claims *r, const struct att_cbor_key *key)
{
    switch (key->is_int ? key->num : 0) {
    case ATT_CLAIM_SUB:
        once(&r->c, &r->seen, CLAIM_SUB);
        read_uri(r);
        break;
    case ATT_CLAIM_EXP:
        once(&r->c, &r->seen, CLAIM_EXP);
        r->token->exp = read_time(&r->c);
        break;
    case ATT_CLAIM_IAT:
        once(&r->c, &r->seen, CLAIM_IAT);
        r->token->iat = read_time(&r->c);
        break;
    case ATT_CLAIM_SL_LIST:
        once(&r->c, &r->seen, CLAIM_LIST);
        r->list = att_cbor_item(&r->c);
        break;
    case ATT_CLAIM_SL_TTL:
        once(&r->c, &r->seen, CLAIM_TTL);
        r->token->ttl_s = att_cbor_uint_max(&r->c, INT64_MAX);
        break;
    default:
        (void)att_cbor_item(&r->c);
        break;
    }
}

static enum att_err read_claims(struct att_status_token *t, struct att_diag *diag)
{
    struct claims r = {.c = att_cbor_from_any_order(t->cose.payload_untrusted), .token = t};
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_map(&r.c, MEMBERS_MAX);
    while (att_cbor_more(&r.c)) {
        struct att_cbor_key key = att_cbor_key(&r.c);

        read_claim(&r, &key);
    }
    att_cbor_leave(&r.c);
    err = att_cbor_end_diag(&r.c, ATT_R_FMT_STATUS, "claims", diag);
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(SL_CLAIMS, (r.seen & CLAIM_ALL) != CLAIM_ALL)) {
        return malformed(diag, ATT_E_FORMAT, "claims", "sub, exp, iat or status_list is missing");
    }
    if (ATT_GUARD(SL_LIFE, t->exp <= t->iat)) {
        return malformed(diag, ATT_E_FORMAT, "exp", "it ends before it begins");
    }
    return att_status_list_read(&t->list, r.list, diag);
}

/* RFC 9596: the type says which of our signed structures this is; a label is never read as a list. */
static enum att_err read_header(const struct att_cose *m, struct att_diag *diag)
{
    if (ATT_GUARD(SL_TYP, !att_slice_eq(m->typ, att_slice_str(ATT_TYPE_STATUS_LIST)))) {
        return malformed(diag, ATT_E_FORMAT, "typ", "expected \"" ATT_TYPE_STATUS_LIST "\"");
    }
    if (ATT_GUARD(SL_X5CHAIN, m->x5chain_count == 0)) {
        return malformed(diag, ATT_E_FORMAT, "x5chain",
                         "expected the signer's certificate, found nothing");
    }
    return ATT_OK;
}

/* The message's own refusals speak of labels: an algorithm or critical header is told as the list's. */
static enum att_err read_message(struct att_cose *out, struct att_slice in, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (in.len > ATT_STATUS_FILE_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_STATUS, "status list",
                        "at most %d bytes, found %zu", ATT_STATUS_FILE_MAX, in.len);
    }
    err = att_cose_parse(out, in, diag);
    if (err == ATT_E_UNSUPPORTED && diag != NULL) {
        diag->reason = ATT_R_FMT_STATUS;
    }
    return err;
}

enum att_err att_status_token_parse(struct att_status_token **out, struct att_slice in,
                                    struct att_diag *diag)
{
    ATT_CLEANUP(att_status_token_freep) struct att_status_token *t = calloc(1, sizeof(*t));
    enum att_err err = ATT_OK;

    if (t == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "status list", "no memory");
    }
    err = read_message(&t->cose, in, diag);
    if (err == ATT_OK) {
        err = read_header(&t->cose, diag);
    }
    if (err == ATT_OK) {
        err = read_claims(t, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = t;
    t = NULL;
    return ATT_OK;
}
