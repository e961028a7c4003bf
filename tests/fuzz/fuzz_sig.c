/* A TPMT_SIGNATURE that parses, written again from its fields, is the same bytes. */
#include <stdlib.h>

#include "base/wr.h"
#include "fuzz.h"
#include "tcg/quote.h"

static void put_2b(struct att_wr *w, struct att_slice s)
{
    att_wr_u16be(w, (uint16_t)s.len);
    att_wr_slice(w, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_tpm_sig sig;
    struct att_diag diag = {0};
    struct att_slice again = {0};
    struct att_wr w;
    uint8_t *room = NULL;

    if (att_tpm_sig_parse(&sig, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_ATTEST || diag.reason == ATT_R_Q_SIGALG);
        return 0;
    }
    HOLDS(att_hash_usable(sig.hash));
    room = malloc(size);
    HOLDS(room != NULL);
    w = att_wr_into(room, size);
    att_wr_u16be(&w, sig.alg);
    att_wr_u16be(&w, (uint16_t)sig.hash);
    put_2b(&w, sig.a);
    if (sig.scheme == ATT_SCHEME_ECDSA) {
        put_2b(&w, sig.b);
    } else {
        HOLDS(sig.b.len == 0);
    }
    HOLDS(att_wr_done(&w, &again) == ATT_OK);
    HOLDS(att_slice_eq(again, att_slice_of(data, size)));
    free(room);
    return 0;
}
