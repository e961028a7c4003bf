/* What the kernel extended for an entry, and the replay of a whole list. */
#include <string.h>

#include "base/guard.h"
#include "tcg/ima_internal.h"

/* The first template hashes the digest and the name padded with zeros, not what the list holds. */
static enum att_err add_old(struct att_hasher *h, const struct att_ima_entry *e)
{
    static const uint8_t ZEROS[ATT_IMA_OLD_NAME] = {0};
    enum att_err err = att_hasher_add(h, e->digest.p, e->digest.len);

    if (err != ATT_OK) {
        return err;
    }
    err = att_hasher_add(h, e->path.p, e->path.len);
    if (err != ATT_OK) {
        return err;
    }
    return att_hasher_add(h, ZEROS, sizeof(ZEROS) - e->path.len);
}

static enum att_err hash_entry(uint8_t *out, const struct att_ima_entry *e, enum att_hash alg,
                               struct att_hasher *h)
{
    enum att_err err = att_hasher_start(h, alg);

    if (err != ATT_OK) {
        return err;
    }
    if (e->template_ == ATT_IMA_TEMPLATE_IMA) {
        err = add_old(h, e);
    } else {
        err = att_hasher_add(h, e->template_data.p, e->template_data.len);
    }
    if (err != ATT_OK) {
        return err;
    }
    return att_hasher_finish(h, out);
}

enum att_err att_ima_extended(uint8_t *out, const struct att_ima_entry *e, enum att_hash bank,
                              bool padded, struct att_hasher *h)
{
    size_t size = att_hash_size(bank);

    if (size == 0) {
        return ATT_E_UNSUPPORTED;
    }
    if (e->violation) {
        memset(out, 0xff, size);
        return ATT_OK;
    }
    if (!padded || bank == ATT_HASH_SHA1) {
        return hash_entry(out, e, bank, h);
    }
    memset(out, 0, size);
    return hash_entry(out, e, ATT_HASH_SHA1, h);
}

const char *att_ima_rule_words(bool padded)
{
    return padded ? "the SHA-1 padded with zeros" : "the bank's own hash";
}

/* One bank of a replay: its own hasher, since a context changes its algorithm at a cost. */
struct lane {
    enum att_hash bank;
    struct att_hasher *h;
    struct att_pcr_bank *values;
};

static enum att_err extend_lane(struct lane *l, const struct att_ima_entry *e, bool padded)
{
    uint8_t digest[ATT_HASH_MAX];
    enum att_err err = att_ima_extended(digest, e, l->bank, padded, l->h);

    if (err != ATT_OK) {
        return err;
    }
    l->values->has |= 1U << e->pcr;
    return att_pcr_extend(l->h, l->bank, l->values->value[e->pcr], digest);
}

static enum att_err replay(struct att_slice in, struct lane *lanes, size_t lane_count, bool padded,
                           uint32_t *entries, struct att_diag *diag)
{
    struct att_ima it = att_ima_from(in);

    for (;;) {
        struct att_ima_entry e;
        bool more = false;
        enum att_err err = att_ima_next(&it, &e, &more, diag);

        if (err != ATT_OK) {
            return err;
        }
        if (!more) {
            break;
        }
        for (size_t i = 0; i < lane_count; i++) {
            err = e.pcr < ATT_PCR_COUNT ? extend_lane(&lanes[i], &e, padded) : ATT_E_FORMAT;
            if (err != ATT_OK) {
                return att_fail_at(diag, err, ATT_R_INTERNAL, "entry", e.off, "hashing failed");
            }
        }
    }
    if (entries != NULL) {
        *entries = it.count;
    }
    return ATT_OK;
}

static enum att_err open_lanes(struct lane *lanes, struct att_pcr_values *v,
                               const enum att_hash *banks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum att_err err = ATT_OK;

        if (!att_hash_usable(banks[i])) {
            return ATT_E_UNSUPPORTED;
        }
        if (att_pcr_bank_find(v, banks[i]) != NULL) {
            return ATT_E_CONFLICT;
        }
        lanes[i].bank = banks[i];
        lanes[i].values = att_pcr_bank_add(v, banks[i]);
        if (lanes[i].values == NULL) {
            return ATT_E_LIMIT;
        }
        err = att_hasher_new(&lanes[i].h);
        if (err != ATT_OK) {
            return err;
        }
    }
    return ATT_OK;
}

enum att_err att_ima_replay(struct att_pcr_values *out, struct att_slice in,
                            const enum att_hash *banks, size_t bank_count, bool padded,
                            uint32_t *entries, struct att_diag *diag)
{
    struct lane lanes[ATT_PCR_BANKS] = {{0}};
    struct att_pcr_values v = {0};
    enum att_err err = ATT_OK;

    if (bank_count > ATT_PCR_BANKS) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_INTERNAL, "banks", "too many banks");
    }
    if (in.len > ATT_IMA_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_IMA, "list",
                        "expected at most %d bytes, found %zu", ATT_IMA_MAX, in.len);
    }
    err = open_lanes(lanes, &v, banks, bank_count);
    if (err != ATT_OK) {
        err = att_fail(diag, err, ATT_R_INTERNAL, "banks", "a bank cannot be computed");
        goto out;
    }
    err = replay(in, lanes, bank_count, padded, entries, diag);
    if (err == ATT_OK) {
        *out = v;
    }
out:
    for (size_t i = 0; i < bank_count; i++) {
        att_hasher_free(lanes[i].h);
    }
    return err;
}
