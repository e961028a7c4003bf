/* Label keys that are not believed any more, and from which entry of the log on. */
#include <string.h>

#include "appraise/offline_internal.h"
#include "base/guard.h"
#include "crypto/key.h"

const struct att_revoked_key *att_revoked_find(const struct att_revoked_key *revoked, size_t count,
                                               const uint8_t key[32])
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(revoked[i].key, key, sizeof(revoked[i].key)) == 0)
            return &revoked[i];
    }
    return NULL;
}

bool att_revoked_still_counts(const struct att_revoked_key *k, const char *origin, uint64_t index)
{
    return k->accept_before && strcmp(origin, k->origin) == 0 && index < k->from;
}

/* Only the log can say that a label was there before: its own time is the word of the revoked key. */
static bool still_counts(const struct att_offline_receipt *r, const struct att_revoked_key *k)
{
    return r->known && att_revoked_still_counts(k, r->origin, r->index);
}

enum att_err offline_check_key(struct att_offline *out, const struct att_pubkey *key,
                               const struct att_trust_rules *rules)
{
    const struct att_revoked_key *revoked = NULL;
    struct att_check *c = NULL;
    uint8_t print[32];

    if (rules->revoked_count == 0)
        return ATT_OK;
    c = offline_add(out, "label-key", ATT_CHECK_PASS);
    if (att_pubkey_fingerprint(print, key) != ATT_OK)
        return att_fail(&c->why, ATT_E_CRYPTO, ATT_R_INTERNAL, "key", "hashing failed");
    revoked = att_revoked_find(rules->revoked, rules->revoked_count, print);
    if (!ATT_GUARD(LABEL_KEY_REVOKED, revoked != NULL && !still_counts(&out->receipt, revoked)))
        return ATT_OK;
    c->status = ATT_CHECK_FAIL;
    (void)att_fail(&c->why, ATT_E_STALE, ATT_R_LBL_REVOKED, "key",
                   revoked->accept_before
                       ? "its key was revoked, and no receipt says that it was in the log before "
                         "entry %llu"
                       : "its key was revoked at entry %llu, and trust.yaml takes nothing of it",
                   (unsigned long long)revoked->from);
    offline_worsen(out, ATT_VERDICT_FAIL);
    return ATT_OK;
}

void offline_check_witnesses(struct att_offline *out, const struct att_trust_rules *rules)
{
    struct att_check *c = NULL;

    if (rules->witnesses == 0)
        return;
    c = offline_add(out, "witnesses", ATT_CHECK_PASS);
    if (ATT_GUARD(BUNDLE_WITNESSES, out->checkpoint.witnesses < rules->witnesses)) {
        c->status = ATT_CHECK_NOT_RUN;
        (void)att_fail(&c->why, ATT_E_UNTRUSTED, ATT_R_TL_WITNESS, "witnesses",
                       "trust.yaml asks for %zu, found %zu: a bundle has them (attestctl bundle)",
                       rules->witnesses, out->checkpoint.witnesses);
        offline_worsen(out, ATT_VERDICT_UNDECIDED);
    }
}
