/*
 * Is the label in the log? A receipt counts when it is of a log whose key is trusted here, and of an entry that is
 * this label's and that the label's own key signed.
 */
#include <string.h>

#include "appraise/offline_internal.h"
#include "base/guard.h"
#include "crypto/digest.h"
#include "crypto/merkle.h"
#include "tlog/entry.h"
#include "tlog/receipt.h"

/* The next key of this log, from *at on: while a log changes its key there are two. NULL: no more. */
const struct att_vkey *offline_find_log(const struct att_trust_rules *rules, const char *origin,
                                        size_t *at)
{
    while (*at < rules->key_count) {
        const struct att_vkey *key = rules->key[(*at)++];

        if (att_vkey_type(key) == ATT_NOTE_ED25519 &&
            att_slice_eq(att_vkey_name(key), att_slice_str(origin)))
            return key;
    }
    return NULL;
}

static enum att_err other_label(struct att_diag *diag, const char *field, const char *what)
{
    return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_LEAF, field, "%s", what);
}

/* The entry is the hash of this label, says the same of it, and is of the same signer. */
static enum att_err check_entry(struct att_slice entry, const struct offline_signed *s,
                                struct att_diag *diag)
{
    const struct att_label *l = s->label;
    uint8_t digest[32];
    struct att_entry e;
    enum att_err err = att_entry_parse(&e, entry, diag);

    if (err == ATT_OK)
        err = att_entry_of_label(digest, s->encoded, diag);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(RECEIPT_LABEL, !e.of_label || memcmp(digest, e.digest, sizeof(digest)) != 0))
        return other_label(diag, "entry", "the receipt is of another label");
    if (ATT_GUARD(RECEIPT_CLAIMS,
                  strcmp(e.issuer, l->issuer) != 0 || strcmp(e.subject, l->subject) != 0 ||
                      memcmp(e.cti, l->cti, sizeof(e.cti)) != 0 || e.iat != l->iat ||
                      e.exp != l->exp || e.status != (int)l->status))
        return other_label(diag, "entry", "the log says something else of the label than it does");
    return att_entry_verify(&e, s->key, diag);
}

static enum att_err leaf_of(uint8_t out[32], struct att_slice entry)
{
    struct att_hasher *h = NULL;
    enum att_err err = att_hasher_new(&h);

    if (err == ATT_OK)
        err = att_merkle_leaf(out, h, entry);
    att_hasher_free(h);
    return err;
}

static enum att_err check_receipt(struct att_offline_receipt *out, struct att_slice receipt,
                                  const struct offline_signed *s, const struct att_vkey *log,
                                  struct att_diag *diag)
{
    struct att_receipt r;
    enum att_err err = att_receipt_verify(&r, receipt, out->origin, att_vkey_key(log), diag);

    if (err == ATT_OK)
        err = check_entry(r.entry, s, diag);
    if (err == ATT_OK)
        err = leaf_of(out->leaf, r.entry);
    if (err != ATT_OK)
        return err;
    memcpy(out->root, r.head.root, sizeof(out->root));
    out->known = true;
    out->index = r.index;
    out->size = r.head.size;
    out->iat = r.iat;
    return ATT_OK;
}

/* Under whichever key of the log signed it. *known false: none of that log is trusted here. */
static enum att_err check_keys(struct att_offline_receipt *out, bool *known,
                               struct att_slice receipt, const struct offline_signed *s,
                               const struct att_trust_rules *rules, struct att_diag *diag)
{
    const struct att_vkey *log = NULL;
    enum att_err err = ATT_OK;
    size_t at = 0;

    *known = false;
    while ((log = offline_find_log(rules, out->origin, &at)) != NULL) {
        *known = true;
        err = check_receipt(out, receipt, s, log, diag);
        if (err == ATT_OK)
            *diag = (struct att_diag){0}; /* of another key */
        if (err != ATT_E_SIGNATURE)
            return err;
    }
    return err;
}

/* Bytes that are no receipt are malformed; a receipt that does not hold is "no". */
static enum att_err refuse(struct att_offline *out, struct att_check *c, enum att_err err)
{
    if (offline_undecidable(err))
        return err;
    c->status = ATT_CHECK_FAIL;
    offline_worsen(out, err == ATT_E_FORMAT || err == ATT_E_TRUNCATED || err == ATT_E_TRAILING ||
                                err == ATT_E_LIMIT
                            ? ATT_VERDICT_MALFORMED
                            : ATT_VERDICT_FAIL);
    return ATT_OK;
}

/* One of a trusted log must be there and hold; those of other logs say nothing here. */
static enum att_err check_all(struct att_offline *out, struct att_check *c,
                              const struct att_slice *receipt, size_t count,
                              const struct offline_signed *s, const struct att_trust_rules *rules)
{
    struct att_offline_receipt found = {0};

    for (size_t i = 0; i < count; i++) {
        bool known = true;
        enum att_err err =
            att_receipt_origin(found.origin, sizeof(found.origin), receipt[i], &c->why);

        if (err == ATT_OK)
            err = check_keys(&found, &known, receipt[i], s, rules, &c->why);
        if (err != ATT_OK)
            return refuse(out, c, err);
        if (!known)
            continue;
        c->status = ATT_CHECK_PASS;
        out->receipt = found;
    }
    if (c->status == ATT_CHECK_PASS || !rules->log_required)
        return ATT_OK;
    /* There are receipts, and all are of logs that nobody here trusts: wrong, not missing. */
    return refuse(out, c,
                  att_fail(&c->why, ATT_E_UNTRUSTED, ATT_R_TL_RECEIPT, "iss",
                           "its receipts are of logs that are not trusted here"));
}

enum att_err offline_check_receipt(struct att_offline *out, const struct att_cose *m,
                                   const struct offline_signed *s,
                                   const struct att_trust_rules *rules)
{
    struct att_check *c = offline_add(out, "log", ATT_CHECK_NOT_APPLICABLE);
    struct att_slice receipt[ATT_RECEIPTS_MAX];
    size_t count = 0;
    enum att_err err = att_receipts_of(receipt, &count, m, &c->why);

    if (err != ATT_OK)
        return refuse(out, c, err);
    if (ATT_GUARD(LOG_REQUIRED, count == 0 && rules->log_required)) {
        bool no = ATT_GUARD(LOG_INSISTED, rules->log_insisted);

        c->status = no ? ATT_CHECK_FAIL : ATT_CHECK_NOT_RUN;
        (void)att_fail(&c->why, ATT_E_NOT_FOUND, ATT_R_TL_NORECEIPT, "log",
                       "a receipt is asked for and the label has none");
        offline_worsen(out, no ? ATT_VERDICT_FAIL : ATT_VERDICT_UNDECIDED);
        return ATT_OK;
    }
    if (count == 0 || (rules->key_count == 0 && !rules->log_required))
        return ATT_OK;
    return check_all(out, c, receipt, count, s, rules);
}
