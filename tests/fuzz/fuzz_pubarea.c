/*
 * A public area means the same with and without its size field; its name is as long as its hash; its padded form
 * is its own padded form, and gives the same key.
 */
#include "base/wr.h"
#include "fuzz.h"
#include "tcg/pubarea.h"

static void check_wrapped(const struct att_pubarea *p)
{
    uint8_t room[2 + ATT_PUBAREA_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_pubarea again;

    if (p->encoded.len + 2 > ATT_PUBAREA_MAX) {
        return;
    }
    att_wr_u16be(&w, (uint16_t)p->encoded.len);
    att_wr_slice(&w, p->encoded);
    HOLDS(att_pubarea_parse(&again, att_slice_of(room, w.len), NULL) == ATT_OK);
    HOLDS(att_slice_eq(again.encoded, p->encoded));
    HOLDS(again.attributes == p->attributes && again.scheme == p->scheme);
}

static void check_padded(const struct att_pubarea *p)
{
    uint8_t room[2][ATT_PUBAREA_MAX];
    struct att_slice padded = {0};
    struct att_slice twice = {0};
    struct att_pubarea again;
    struct att_pubkey *key = NULL;
    struct att_pubkey *same = NULL;

    if (att_pubarea_padded(&padded, room[0], p) != ATT_OK) {
        return; /* no room for its zeros */
    }
    HOLDS(att_pubarea_parse(&again, padded, NULL) == ATT_OK);
    HOLDS(att_pubarea_padded(&twice, room[1], &again) == ATT_OK && att_slice_eq(padded, twice));
    if (att_pubarea_key(&key, p, NULL) == ATT_OK) {
        HOLDS(att_pubarea_key(&same, &again, NULL) == ATT_OK && att_pubkey_eq(key, same));
    }
    att_pubkey_free(key);
    att_pubkey_free(same);
}

static void check_names(const struct att_pubarea *p)
{
    uint8_t name[ATT_NAME_MAX];
    uint8_t other[ATT_NAME_MAX];
    size_t len = 0;
    size_t other_len = 0;

    HOLDS(att_pubarea_name(name, &len, p) == ATT_OK);
    HOLDS(len == 2 + att_hash_size(p->name_alg));
    HOLDS(att_pubarea_has_name(p->encoded, att_slice_of(name, len)));
    HOLDS(att_qualified_name(other, &other_len, ATT_TPM_RH_OWNER, att_slice_of(name, len)) ==
          ATT_OK);
    HOLDS(other_len == len && !att_pubarea_has_name(p->encoded, att_slice_of(other, len)));
    HOLDS(att_qualified_name(other, &other_len, ATT_TPM_RH_OWNER, att_slice_of(name, len - 1)) ==
          ATT_E_FORMAT);
    HOLDS(att_qualified_name(other, &other_len, ATT_TPM_RH_OWNER, att_slice_of(name, 1)) ==
          ATT_E_UNSUPPORTED);
    HOLDS(att_pubarea_ek_name(other, &other_len, p) != ATT_OK || other_len == len);
}

/* A key that may attest names its scheme; no key is both. */
static void check_roles(const struct att_pubarea *p)
{
    enum att_scheme scheme = ATT_SCHEME_ECDSA;
    enum att_hash hash = ATT_HASH_NONE;
    bool named = att_pubarea_scheme(&scheme, &hash, p) == ATT_OK;
    bool ak = att_pubarea_check_ak(p, NULL) == ATT_OK;
    bool ek = att_pubarea_check_ek(p, NULL) == ATT_OK;
    bool iak = att_pubarea_check_iak(p, NULL) == ATT_OK;
    bool idevid = att_pubarea_check_idevid(p, NULL) == ATT_OK;

    HOLDS(!ak || (named && hash == p->scheme_hash));
    HOLDS(!ak || !ek);
    HOLDS(!iak ||
          (named && idevid && !ek)); /* a factory's restricted key signs, as its other one */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_pubarea p;
    struct att_diag diag = {0};

    if (att_pubarea_parse(&p, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_KEY);
        return 0;
    }
    HOLDS(p.encoded.p + p.encoded.len == data + size); /* nothing is left over */
    HOLDS(p.encoded.len == size || p.encoded.len + 2 == size);
    check_names(&p);
    check_roles(&p);
    check_padded(&p);
    check_wrapped(&p);
    return 0;
}
