/*
 * Which key may sign which entry: the log says itself when another takes over, in an entry that the old key signs, or, when the
 * old one may be in strange hands, the new one. A key that signs without such an entry was put there behind everybody's back.
 */
#include <string.h>

#include "appraise/audit_internal.h"
#include "base/guard.h"
#include "base/hex.h"

#define SHOWN 17 /* the first digits of a fingerprint */

static void show(char out[SHOWN], const uint8_t print[32])
{
    (void)att_hex_encode(out, SHOWN, att_slice_of(print, 8));
}

static bool same(const uint8_t a[32], const uint8_t b[32])
{
    return memcmp(a, b, 32) == 0;
}

static bool is_compromised(const struct att_entry *e)
{
    return strcmp(e->reason, ATT_ENTRY_COMPROMISED) == 0;
}

static void check_signer(struct att_audit *a, const struct att_entry *e, const uint8_t want[32])
{
    char w[SHOWN], f[SHOWN];

    if (!ATT_GUARD(AUDIT_KEY_IN_FORCE, !same(e->key, want)))
        return;
    show(w, want);
    show(f, e->key);
    audit_found(a, ATT_E_SIGNATURE, ATT_R_TL_KEY,
                "expected the label key in force, %s..., found %s...: no entry says that it took "
                "over",
                w, f);
}

/* From the key in force to another; or one of before is revoked, and the key in force stays. */
static void take_label_key(struct att_audit *a, const struct att_entry *e)
{
    struct audit_keys *k = &a->keys;
    bool moves = same(e->key_before, k->label) && !same(e->key_now, k->label);
    bool revokes = !moves && is_compromised(e) && same(e->key_now, k->label) &&
                   audit_knows_key(a, e->key_before);
    char w[SHOWN], f[SHOWN];

    check_signer(a, e, moves && is_compromised(e) ? e->key_now : k->label);
    if (ATT_GUARD(AUDIT_KEY_CHANGE, !moves && !revokes)) {
        show(w, k->label);
        show(f, e->key_before);
        audit_found(a, ATT_E_MISMATCH, ATT_R_TL_KEY,
                    "expected a change from the label key in force, %s..., or an end of one before "
                    "it, found %s...",
                    w, f);
    }
    if (moves)
        memcpy(k->label, e->key_now, sizeof(k->label));
}

static void take_log_key(struct att_audit *a, const struct att_entry *e)
{
    struct audit_keys *k = &a->keys;
    char w[SHOWN], f[SHOWN];

    if (ATT_GUARD(AUDIT_LOG_KEY_CHANGE,
                  k->log_state != LOG_KEY_FIRST && !same(e->key_before, k->log_now))) {
        show(w, k->log_now);
        show(f, e->key_before);
        audit_found(a, ATT_E_MISMATCH, ATT_R_TL_KEY,
                    "expected a change from the log's key in force, %s..., found %s...", w, f);
    }
    k->log_state = is_compromised(e) ? LOG_KEY_COMPROMISED : LOG_KEY_ROTATED;
    k->log_changed = a->r.size;
    memcpy(k->log_before, e->key_before, sizeof(k->log_before));
    memcpy(k->log_now, e->key_now, sizeof(k->log_now));
}

void audit_keys(struct att_audit *a, const struct att_entry *e)
{
    struct audit_keys *k = &a->keys;

    if (k->known == 0)
        memcpy(k->label, e->key, sizeof(k->label));
    k->known = 1;
    if (strcmp(e->kind, ATT_ENTRY_LABEL_KEY) == 0) {
        take_label_key(a, e);
        return;
    }
    check_signer(a, e, k->label);
    if (strcmp(e->kind, ATT_ENTRY_LOG_KEY) == 0)
        take_log_key(a, e);
}

/* While it hands over, the old key signs checkpoints beside the new one; not when it may be in strange hands. */
void att_audit_log_key(struct att_audit *a, const uint8_t print[32])
{
    const struct audit_keys *k = &a->keys;
    bool handing_over = k->log_state == LOG_KEY_ROTATED && same(print, k->log_before);
    struct att_diag why = {0};
    char w[SHOWN], f[SHOWN];

    if (!ATT_GUARD(AUDIT_LOG_KEY,
                   k->log_state != LOG_KEY_FIRST && !same(print, k->log_now) && !handing_over))
        return;
    show(w, k->log_now);
    show(f, print);
    (void)att_fail(&why, ATT_E_SIGNATURE, ATT_R_TL_KEY, "checkpoint",
                   "expected a checkpoint of the log's key in force since this entry, %s..., found "
                   "one of %s...",
                   w, f);
    att_audit_find(a, k->log_changed, &why);
}
