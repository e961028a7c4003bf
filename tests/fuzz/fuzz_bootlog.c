/*
 * Whatever a boot log says, what is found in it is of PCRs that the quote covers and of events that stand there; a log
 * that no digest proves says nothing. The first byte chooses: 1 the bank is SHA-1 (else SHA-256), 2 PCR 7 alone is
 * quoted (else 0 to 7), 4 all may be extended late, 8 the bank is one that cannot be computed.
 */
#include <string.h>

#include "appraise/bootlog.h"
#include "fuzz.h"

enum { SHA1 = 1, PCR_7 = 2, LATE = 4, NO_BANK = 8 };

static void findings(const struct att_evlog *log, const struct att_boot_rules *rules)
{
    struct att_boot_findings f = {.count = 0};
    enum att_err err = att_bootlog_check(&f, log, rules);

    HOLDS(err == ATT_OK || (err == ATT_E_UNSUPPORTED && rules->bank == ATT_HASH_SM3));
    HOLDS(f.count <= ATT_BOOT_FINDINGS_MAX);
    for (size_t i = 0; i < f.count; i++) {
        HOLDS(f.at[i].pcr < ATT_PCR_COUNT && (rules->pcrs >> f.at[i].pcr & 1) != 0);
        HOLDS(!f.at[i].has_event || f.at[i].event < att_evlog_count(log));
        HOLDS(f.at[i].reason == ATT_R_LOG_ORDER || f.at[i].reason == ATT_R_LOG_DIGEST ||
              f.at[i].reason == ATT_R_LOG_BOOT_ERROR);
    }
}

static void claim(const struct att_evlog *log, const struct att_boot_rules *rules)
{
    const struct att_boot_rules nothing = {.bank = rules->bank};
    enum att_boot_claim said = ATT_BOOT_CLAIM_YES;
    enum att_err err = att_bootlog_secure_boot(&said, log, rules);

    HOLDS(err == ATT_OK || rules->bank == ATT_HASH_SM3);
    if (err == ATT_OK) {
        HOLDS(att_bootlog_secure_boot(&said, log, &nothing) == ATT_OK);
        HOLDS(said == ATT_BOOT_CLAIM_ABSENT);
    }
}

/* The aggregate of what the log leads to is itself, and nothing else is. */
static void aggregate(const struct att_evlog *log)
{
    static struct att_pcr_values values;
    uint8_t digest[ATT_HASH_MAX] = {0};
    bool same = true;

    memset(&values, 0, sizeof(values));
    if (att_evlog_replay(&values, log, NULL) != ATT_OK) {
        return;
    }
    for (uint32_t i = 0; i < values.count; i++) {
        enum att_hash bank = values.bank[i].bank;

        if (!att_hash_usable(bank)) {
            continue;
        }
        HOLDS(att_bootlog_aggregate(&same, &values, bank,
                                    att_slice_of(digest, att_hash_size(bank))) == ATT_OK);
        HOLDS(!same); /* no hash that we know of is zero */
        HOLDS(att_bootlog_aggregate(&same, &values, bank, att_slice_of(digest, 3)) == ATT_OK);
        HOLDS(!same);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_boot_rules rules = {.bank = ATT_HASH_SHA256, .pcrs = 0xff};
    struct att_evlog *log = NULL;

    if (size < 1 || att_evlog_parse(&log, att_slice_of(data + 1, size - 1), NULL) != ATT_OK) {
        return 0;
    }
    rules.bank = (data[0] & SHA1) != 0 ? ATT_HASH_SHA1 : rules.bank;
    rules.bank = (data[0] & NO_BANK) != 0 ? ATT_HASH_SM3 : rules.bank;
    rules.pcrs = (data[0] & PCR_7) != 0 ? 0x80 : rules.pcrs;
    rules.late = (data[0] & LATE) != 0 ? 0xff : 0;
    findings(log, &rules);
    claim(log, &rules);
    aggregate(log);
    att_evlog_free(log);
    return 0;
}
