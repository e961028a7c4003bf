/* The signatures of the kernel's list against the keys of a policy. */
#include "policy/ima_signed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "base/rd.h"

/* A signature that was found good under a rule: one file has many names, in containers and after an update. */
struct kept {
    bool known;
    uint8_t of[32]; /* SHA-256 of what decided */
};

struct att_signed {
    uint32_t bad;
    struct kept kept[ATT_SIGNED_KEPT_MAX];
};

enum att_err att_signed_new(struct att_signed **out, const struct att_policy *p)
{
    *out = NULL;
    for (size_t i = 0; i < p->count; i++) {
        if (p->requirement[i].predicate == ATT_PRED_IMA_SIGNED) {
            *out = calloc(1, sizeof(**out));
            return *out != NULL ? ATT_OK : ATT_E_NOMEM;
        }
    }
    return ATT_OK;
}

void att_signed_free(struct att_signed *s)
{
    free(s);
}

void att_signed_freep(struct att_signed **s)
{
    att_signed_free(*s);
    *s = NULL;
}

const struct att_requirement *att_signed_rule(uint32_t *at, const struct att_policy *p,
                                              const struct att_ima_entry *e)
{
    if (ATT_GUARD(IMA_SIG_BUFFER, e->template_ == ATT_IMA_TEMPLATE_BUF)) {
        return NULL; /* no file, and nobody signs it */
    }
    for (uint32_t i = 0; i < p->count; i++) {
        const struct att_requirement *r = &p->requirement[i];

        if (r->predicate == ATT_PRED_IMA_SIGNED && att_requirement_covers(r, e->path)) {
            if (at != NULL) {
                *at = i;
            }
            return r;
        }
    }
    return NULL;
}

static void say(struct att_signed_verdict *out, enum att_reason reason, const char *text)
{
    out->reason = reason;
    (void)snprintf(out->text, sizeof(out->text), "%s", text);
}

/* Everything that decides: the rule's keys, the digest by its kind and algorithm, the attribute. */
static enum att_err name_of(uint8_t out[32], const struct att_requirement *rule,
                            const struct att_ima_entry *e)
{
    const uint8_t kind[] = {(uint8_t)e->alg, e->verity ? 1 : 0};
    const struct att_slice parts[] = {att_slice_str(rule->id), att_slice_of("", 1),
                                      att_slice_of(kind, sizeof(kind)), e->digest, e->sig};

    return att_digest(ATT_HASH_SHA256, parts, ATT_COUNT(parts), out);
}

static struct kept *place_of(struct att_signed *s, const uint8_t name[32])
{
    struct att_rd r = att_rd_from(name, 32);

    return &s->kept[att_rd_u32be(&r) % ATT_SIGNED_KEPT_MAX];
}

/* Every key with that id; the last refusal is told. NOT_FOUND when there is none. */
static enum att_err try_keys(const struct att_ima_sig *sig, const struct att_requirement *rule,
                             const struct att_ima_entry *e, struct att_diag *why)
{
    enum att_err err = ATT_E_NOT_FOUND;

    for (size_t i = 0; i < rule->key_count && err != ATT_OK; i++) {
        const struct att_file_key *k = &rule->key[i];

        if (memcmp(k->id, sig->keyid, sizeof(k->id)) != 0) {
            continue;
        }
        err = att_ima_sig_verify(sig, e, k->key, why);
        if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO) {
            break;
        }
    }
    return err;
}

static enum att_err verify(struct att_signed_verdict *out, struct att_signed *s,
                           const struct att_requirement *rule, const struct att_ima_entry *e,
                           const struct att_ima_sig *sig)
{
    struct att_diag why = {0};
    enum att_err err = ATT_OK;

    if (s->bad >= ATT_SIGNED_BAD_MAX) {
        say(out, ATT_R_IMA_SIGBAD, "too many bad signatures stand before it");
        return ATT_OK;
    }
    err = try_keys(sig, rule, e, &why);
    if (err == ATT_E_SIGNATURE || err == ATT_E_MISMATCH) {
        s->bad++;
        say(out, why.reason, why.text);
        return ATT_OK;
    }
    if (err == ATT_E_NOT_FOUND) {
        say(out, ATT_R_IMA_SIGKEY, "expected a key of the policy, found another one");
        return ATT_OK;
    }
    return err;
}

/* The signature is well-formed: known from before, or verified and then known. */
static enum att_err judge_signature(struct att_signed_verdict *out, struct att_signed *s,
                                    const struct att_requirement *rule,
                                    const struct att_ima_entry *e, const struct att_ima_sig *sig)
{
    uint8_t name[32];
    struct kept *k = NULL;
    enum att_err err = name_of(name, rule, e);

    if (err != ATT_OK) {
        return err;
    }
    k = place_of(s, name);
    if (k->known && memcmp(k->of, name, sizeof(name)) == 0) {
        return ATT_OK;
    }
    err = verify(out, s, rule, e, sig);
    if (err == ATT_OK && out->reason == ATT_R_NONE) {
        k->known = true;
        memcpy(k->of, name, sizeof(name));
    }
    return err;
}

enum att_err att_signed_judge(struct att_signed_verdict *out, struct att_signed *s,
                              const struct att_requirement *rule, const struct att_ima_entry *e)
{
    struct att_ima_sig sig;
    struct att_diag why = {0};
    enum att_err err = ATT_OK;

    *out = (struct att_signed_verdict){0};
    if (!e->has_sig) {
        say(out, ATT_R_IMA_NOFIELD, "");
        return ATT_OK;
    }
    err = att_ima_sig_parse(&sig, e->sig, &why);
    if (err == ATT_E_NOT_FOUND) {
        say(out, ATT_R_IMA_UNSIGNED, why.text);
        return ATT_OK;
    }
    if (err != ATT_OK) {
        say(out, why.reason, why.text);
        return ATT_OK;
    }
    out->has_key = true;
    memcpy(out->keyid, sig.keyid, sizeof(out->keyid));
    return judge_signature(out, s, rule, e, &sig);
}
