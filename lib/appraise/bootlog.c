/* The rules of a firmware event log, over what its digests prove. */
#include "appraise/bootlog.h"

#include <string.h>

#include "base/guard.h"
#include "base/rd.h"

#define SEPARATED 0xffU /* PCR 0 to 7 */
#define CLOSED    0x4fU /* PCR 0 to 3 and 6: nothing follows their separator */

/* Event types whose data the firmware hashes; all of them do, in every log that we know. */
#define TYPE_SEPARATOR              0x00000004U
#define TYPE_VARIABLE_DRIVER_CONFIG 0x80000001U
#define TYPE_VARIABLE_BOOT          0x80000002U
#define TYPE_GPT                    0x80000006U
#define TYPE_ACTION                 0x80000007U

static const uint8_t SEPARATOR[3][4] = {{0, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}, {1, 0, 0, 0}};
#define SEPARATOR_ERROR 2

/* One log being judged. */
struct judged {
    const struct att_boot_rules *rules;
    struct att_boot_findings *out;
    struct att_hasher *h;
    size_t size;
    uint8_t separator[ATT_COUNT(SEPARATOR)][ATT_HASH_MAX];
    uint32_t closed;   /* PCRs whose separator was read */
    uint32_t reported; /* PCRs with a finding about their order: one each */
};

static const uint8_t *digest_in(const struct att_event *ev, enum att_hash bank)
{
    for (uint32_t i = 0; i < ev->digest_count; i++) {
        if (ev->digest[i].alg == bank) {
            return ev->digest[i].value.p;
        }
    }
    return NULL;
}

/* The event's digest where the quote proves it; NULL where nothing does. */
static const uint8_t *proven_digest(const struct att_event *ev, const struct att_boot_rules *rules)
{
    if (!ev->extends || ev->pcr >= ATT_PCR_COUNT || (rules->pcrs >> ev->pcr & 1) == 0) {
        return NULL;
    }
    return digest_in(ev, rules->bank);
}

static void report(struct judged *j, enum att_reason reason, uint32_t pcr,
                   const struct att_event *ev)
{
    struct att_boot_findings *out = j->out;

    if (reason == ATT_R_LOG_ORDER && (j->reported >> pcr & 1) != 0) {
        return;
    }
    j->reported |= reason == ATT_R_LOG_ORDER ? 1U << pcr : 0;
    if (out->count < ATT_BOOT_FINDINGS_MAX) {
        out->at[out->count++] = (struct att_boot_finding){.reason = reason,
                                                          .pcr = pcr,
                                                          .has_event = ev != NULL,
                                                          .event = ev != NULL ? ev->index : 0};
    }
}

static enum att_err hash(struct att_hasher *h, enum att_hash alg, struct att_slice in, uint8_t *out)
{
    enum att_err err = att_hasher_start(h, alg);

    if (err == ATT_OK) {
        err = att_hasher_add(h, in.p, in.len);
    }
    return err == ATT_OK ? att_hasher_finish(h, out) : err;
}

static enum att_err start(struct judged *j, struct att_hasher *h)
{
    enum att_err err = ATT_OK;

    j->h = h;
    j->size = att_hash_size(j->rules->bank);
    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(SEPARATOR); i++) {
        err = hash(h, j->rules->bank, att_slice_of(SEPARATOR[i], 4), j->separator[i]);
    }
    return err;
}

/* Which separator a digest is that of; the count of them when of none. */
static size_t separator_of(const struct judged *j, const uint8_t *digest)
{
    size_t i = 0;

    while (i < ATT_COUNT(SEPARATOR) && memcmp(digest, j->separator[i], j->size) != 0) {
        i++;
    }
    return i;
}

/*
 * Whatever type the log gives it, an event with the digest of a separator is one: the type is the sender's
 * word. Firmware that measures four zero bytes as something else, too, is named by the policy's late PCRs.
 */
static size_t kind_of(const struct judged *j, const struct att_event *ev, const uint8_t *digest)
{
    bool late = (j->rules->late >> ev->pcr & 1) != 0;

    return late && ev->type_unproven != TYPE_SEPARATOR ? ATT_COUNT(SEPARATOR)
                                                       : separator_of(j, digest);
}

static void judge_order(struct judged *j, const struct att_event *ev, const uint8_t *digest)
{
    size_t kind = kind_of(j, ev, digest);
    bool closed = (j->closed >> ev->pcr & 1) != 0;

    if (ev->pcr > 7) {
        return;
    }
    if (kind == ATT_COUNT(SEPARATOR)) {
        bool late = closed && (CLOSED & ~j->rules->late) >> ev->pcr & 1;

        if (ATT_GUARD(BOOT_LATE, late)) {
            report(j, ATT_R_LOG_ORDER, ev->pcr, ev);
        }
        return;
    }
    if (ATT_GUARD(BOOT_TWO_SEPARATORS, closed)) {
        report(j, ATT_R_LOG_ORDER, ev->pcr, ev);
    }
    if (ATT_GUARD(BOOT_ERROR, kind == SEPARATOR_ERROR)) {
        report(j, ATT_R_LOG_BOOT_ERROR, ev->pcr, ev);
    }
    j->closed |= 1U << ev->pcr;
}

static bool is_covered(uint32_t type)
{
    return type == TYPE_SEPARATOR || type == TYPE_VARIABLE_DRIVER_CONFIG ||
           type == TYPE_VARIABLE_BOOT || type == TYPE_GPT || type == TYPE_ACTION;
}

/* UEFI_VARIABLE_DATA: name and value, each with its length; false when it is not one. */
static bool read_variable(struct att_slice data, struct att_slice *name, struct att_slice *value)
{
    struct att_rd r = att_rd_slice(data);
    uint64_t chars = 0;
    uint64_t len = 0;

    att_rd_skip(&r, 16); /* VariableName: a GUID */
    chars = att_rd_u64le(&r);
    len = att_rd_u64le(&r);
    if (!att_rd_ok(&r) || chars > data.len || len > data.len) {
        return false;
    }
    *name = att_rd_bytes(&r, 2 * (size_t)chars);
    *value = att_rd_bytes(&r, (size_t)len);
    return att_rd_ok(&r);
}

/* Is the digest that of the data, or of the value alone where firmware measures a boot variable so? */
static enum att_err is_digest_of(bool *same, struct judged *j, const struct att_event *ev,
                                 const uint8_t *digest)
{
    struct att_slice name;
    struct att_slice value;
    uint8_t found[ATT_HASH_MAX];
    enum att_err err = hash(j->h, j->rules->bank, ev->data_unproven, found);

    if (err != ATT_OK) {
        return err;
    }
    *same = memcmp(found, digest, j->size) == 0;
    if (*same || ev->type_unproven != TYPE_VARIABLE_BOOT ||
        !read_variable(ev->data_unproven, &name, &value)) {
        return ATT_OK;
    }
    err = hash(j->h, j->rules->bank, value, found);
    *same = err == ATT_OK && memcmp(found, digest, j->size) == 0;
    return err;
}

static enum att_err judge_data(struct judged *j, const struct att_event *ev, const uint8_t *digest)
{
    bool same = false;
    enum att_err err = ATT_OK;

    /* an error separator says in its data what went wrong */
    if (!is_covered(ev->type_unproven) || separator_of(j, digest) == SEPARATOR_ERROR) {
        return ATT_OK;
    }
    err = is_digest_of(&same, j, ev, digest);
    if (err == ATT_OK && ATT_GUARD(BOOT_DATA, !same)) {
        report(j, ATT_R_LOG_DIGEST, ev->pcr, ev);
    }
    return err;
}

static enum att_err judge_events(struct judged *j, const struct att_evlog *log)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < att_evlog_count(log); i++) {
        const struct att_event *ev = att_evlog_at(log, i);
        const uint8_t *digest = proven_digest(ev, j->rules);

        if (digest != NULL) {
            judge_order(j, ev, digest);
            err = judge_data(j, ev, digest);
        }
    }
    return err;
}

enum att_err att_bootlog_check(struct att_boot_findings *out, const struct att_evlog *log,
                               const struct att_boot_rules *rules)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_boot_findings found = {0};
    struct judged j = {.rules = rules, .out = &found};
    enum att_err err = att_hasher_new(&h);

    if (err == ATT_OK) {
        err = start(&j, h);
    }
    if (err == ATT_OK) {
        err = judge_events(&j, log);
    }
    if (err != ATT_OK) {
        return err;
    }
    for (uint32_t pcr = 0; pcr < 8; pcr++) {
        bool missing = (SEPARATED & rules->pcrs & ~j.closed) >> pcr & 1;

        if (ATT_GUARD(BOOT_NO_SEPARATOR, missing)) {
            report(&j, ATT_R_LOG_ORDER, pcr, NULL);
        }
    }
    *out = found;
    return ATT_OK;
}

/* EFI_GLOBAL_VARIABLE, and "SecureBoot" in UTF-16 (UEFI 2.10, 3.3) */
static bool is_secure_boot(struct att_slice data, struct att_slice name)
{
    static const uint8_t GLOBAL[16] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                       0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
    static const uint8_t NAME[] = {'S', 0, 'e', 0, 'c', 0, 'u', 0, 'r', 0,
                                   'e', 0, 'B', 0, 'o', 0, 'o', 0, 't', 0};

    return memcmp(data.p, GLOBAL, sizeof(GLOBAL)) == 0 &&
           att_slice_eq(name, att_slice_of(NAME, sizeof(NAME)));
}

/* The claim of one event that has this digest; ABSENT when it makes none. */
static enum att_err claim_of(enum att_boot_claim *out, struct judged *j, const struct att_event *ev,
                             const uint8_t *digest)
{
    uint8_t found[ATT_HASH_MAX];
    struct att_slice name;
    struct att_slice value;
    enum att_err err = ATT_OK;

    *out = ATT_BOOT_CLAIM_ABSENT;
    if (!read_variable(ev->data_unproven, &name, &value) ||
        !is_secure_boot(ev->data_unproven, name)) {
        return ATT_OK;
    }
    err = hash(j->h, j->rules->bank, ev->data_unproven, found);
    if (err != ATT_OK || ATT_GUARD(BOOT_CLAIM, memcmp(found, digest, j->size) != 0)) {
        return err;
    }
    *out = value.len == 1 && value.p[0] == 1 ? ATT_BOOT_CLAIM_YES : ATT_BOOT_CLAIM_NO;
    return ATT_OK;
}

/* What stands before the separator of PCR 7: after it, anybody can extend a claim of his own. */
static enum att_err read_claims(enum att_boot_claim *out, struct judged *j,
                                const struct att_evlog *log)
{
    enum att_boot_claim said = ATT_BOOT_CLAIM_ABSENT;
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < att_evlog_count(log); i++) {
        const struct att_event *ev = att_evlog_at(log, i);
        const uint8_t *digest = ev->pcr == 7 ? proven_digest(ev, j->rules) : NULL;
        enum att_boot_claim one = ATT_BOOT_CLAIM_ABSENT;

        if (digest == NULL) {
            continue;
        }
        if (ATT_GUARD(BOOT_CLAIM_LATE, separator_of(j, digest) != ATT_COUNT(SEPARATOR))) {
            break;
        }
        err = claim_of(&one, j, ev, digest);
        if (one != ATT_BOOT_CLAIM_ABSENT && said != ATT_BOOT_CLAIM_ABSENT && one != said) {
            *out = ATT_BOOT_CLAIM_ABSENT;
            return ATT_OK;
        }
        said = one != ATT_BOOT_CLAIM_ABSENT ? one : said;
    }
    *out = said;
    return err;
}

enum att_err att_bootlog_secure_boot(enum att_boot_claim *out, const struct att_evlog *log,
                                     const struct att_boot_rules *rules)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct judged j = {.rules = rules};
    enum att_boot_claim said = ATT_BOOT_CLAIM_ABSENT;
    enum att_err err = att_hasher_new(&h);

    if (err == ATT_OK) {
        err = start(&j, h);
    }
    if (err == ATT_OK) {
        err = read_claims(&said, &j, log);
    }
    if (err == ATT_OK) {
        *out = said;
    }
    return err;
}

static enum att_err aggregate(uint8_t *out, const struct att_pcr_bank *bank, uint32_t count,
                              struct att_hasher *h)
{
    enum att_err err = att_hasher_start(h, bank->bank);

    for (uint32_t pcr = 0; err == ATT_OK && pcr < count; pcr++) {
        err = att_hasher_add(h, bank->value[pcr], att_hash_size(bank->bank));
    }
    return err == ATT_OK ? att_hasher_finish(h, out) : err;
}

enum att_err att_bootlog_aggregate(bool *same, const struct att_pcr_values *boot, enum att_hash alg,
                                   struct att_slice digest)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    const struct att_pcr_bank *bank = att_pcr_bank_find(boot, alg);
    uint8_t found[ATT_HASH_MAX];
    enum att_err err = att_hasher_new(&h);

    *same = false;
    if (err != ATT_OK || bank == NULL || digest.len != att_hash_size(alg)) {
        return err;
    }
    err = aggregate(found, bank, 8, h);
    *same = err == ATT_OK && memcmp(found, digest.p, digest.len) == 0;
    if (err == ATT_OK && !*same && alg != ATT_HASH_SHA1) {
        err = aggregate(found, bank, 10, h);
        *same = err == ATT_OK && memcmp(found, digest.p, digest.len) == 0;
    }
    return err;
}
