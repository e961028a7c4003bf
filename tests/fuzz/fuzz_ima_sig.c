/* A file signature that parses, written again from its fields, is the same bytes; and none verifies by chance. */
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "fuzz.h"
#include "tcg/ima_sig.h"

/* Of a P-256 key that signs nothing. */
static struct att_pubkey *key(void)
{
    static struct att_pubkey *k;
    struct att_privkey *private_ = NULL;

    if (k == NULL) {
        HOLDS(att_privkey_generate(&private_, ATT_KEY_EC_P256) == ATT_OK);
        HOLDS(att_privkey_public(&k, private_) == ATT_OK);
        att_privkey_free(private_);
    }
    return k;
}

static void check_written(const struct att_ima_sig *s, struct att_slice in)
{
    struct att_slice again = {0};
    uint8_t *room = malloc(in.len);
    struct att_wr w = att_wr_into(room, in.len);

    HOLDS(room != NULL);
    att_wr_u8(&w, s->type);
    att_wr_u8(&w, s->version);
    att_wr_u8(&w, s->hash_id);
    att_wr_bytes(&w, s->keyid, sizeof(s->keyid));
    att_wr_u16be(&w, (uint16_t)s->sig.len);
    att_wr_slice(&w, s->sig);
    HOLDS(att_wr_done(&w, &again) == ATT_OK);
    HOLDS(att_slice_eq(again, in));
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t DIGEST[ATT_HASH_MAX] = {1};
    struct att_slice in = att_slice_of(data, size);
    struct att_ima_sig s;
    struct att_ima_entry e = {0};
    struct att_diag diag = {0};

    if (att_ima_sig_parse(&s, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_IMA_SIGFORM);
        return 0;
    }
    HOLDS(s.hash != ATT_HASH_SHA1 && att_hash_usable(s.hash));
    HOLDS(s.sig.len > 0 && s.sig.len <= ATT_IMA_SIG_MAX);
    HOLDS(s.version == 3 || (s.version == 2 && !s.verity));
    check_written(&s, in);
    e.alg = s.hash;
    e.verity = s.verity;
    e.digest = att_slice_of(DIGEST, att_hash_size(s.hash));
    HOLDS(att_ima_sig_verify(&s, &e, key(), &diag) == ATT_E_SIGNATURE);
    HOLDS(diag.reason == ATT_R_IMA_SIGBAD);
    e.verity = !s.verity;
    HOLDS(att_ima_sig_verify(&s, &e, key(), &diag) == ATT_E_MISMATCH);
    return 0;
}
