/* A period statement that is read is written again the same, and nobody's key makes its checkpoint a log's. */
#include <string.h>

#include "cbor_mutate.h"
#include "fuzz.h"
#include "report/statement.h"
#include "tlog/checkpoint.h"

static struct att_vkey *stranger;
static struct att_signers *nobody;

static void make_stranger(void)
{
    struct att_privkey *key = NULL;
    struct att_pubkey *public = NULL;

    HOLDS(att_privkey_generate(&key, ATT_KEY_ED25519) == ATT_OK);
    HOLDS(att_privkey_public(&public, key) == ATT_OK);
    HOLDS(att_vkey_new(&stranger, att_slice_str("log.test/gateways"), ATT_NOTE_ED25519, public) ==
          ATT_OK);
    HOLDS(att_signers_new(&nobody) == ATT_OK);
    att_pubkey_free(public);
    att_privkey_free(key);
}

static void figures(const struct att_statement *s)
{
    const struct att_period *p = s->period;
    uint64_t labels = 0;

    HOLDS(p->from < p->until && p->begin <= p->end && p->end <= s->audited);
    HOLDS(att_period_count(p, NULL) == p->end - p->begin);
    for (size_t i = 0; i < p->gateways; i++)
        labels += p->gateway[i].affirming + p->gateway[i].warning + p->gateway[i].contraindicated;
    HOLDS(labels <= p->end - p->begin);
    for (size_t i = 0; i < p->events_kept; i++)
        HOLDS(p->event[i].index >= p->begin && p->event[i].index < p->end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    struct att_cose_verified *verified = NULL;
    struct att_statement *s = NULL;
    struct att_buf *again = NULL;
    struct att_diag diag = {0};
    const char *name = NULL;
    struct att_slice origin;
    uint8_t kid[32];

    if (stranger == NULL)
        make_stranger();
    HOLDS(att_statement_open(&verified, kid, &name, in, nobody, NULL) != ATT_OK);
    if (att_statement_decode(&s, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_REPORT || diag.reason == ATT_R_RPT_VERSION ||
              diag.reason == ATT_R_RPT_SUMS || diag.reason == ATT_R_FMT_CBOR);
        return 0;
    }
    figures(s);
    HOLDS(att_statement_origin(&origin, s, NULL) != ATT_OK || origin.len > 0);
    HOLDS(att_statement_check_log(s, stranger, &diag) != ATT_OK && diag.reason != ATT_R_NONE);
    HOLDS(att_statement_encode(&again, s) == ATT_OK);
    HOLDS(att_slice_eq(att_buf_slice(again), in));
    att_buf_free(again);
    att_statement_free(s);
    return 0;
}

FUZZ_MUTATES_CBOR(0)
