/* What tests of the agent's own log share: a log that grows record by record with the writer itself. */
#ifndef ATT_TEST_OWNLOGTEST_H
#define ATT_TEST_OWNLOGTEST_H

#include <stdint.h>

#include "suite.h"
#include "tcg/ownlog.h"

#define OWNLOGTEST_PCR     13
#define OWNLOGTEST_BOOT_ID "4f3a1c52-7f0e-4a0b-9a55-0d6c1b2e3f40"

/* Empty before each test; w writes into bytes, and a test may change what stands there. */
struct ownlogtest {
    uint8_t bytes[ATT_OWN_RECORD_MAX + 4096];
    struct att_wr w;
    struct att_hasher *h;
};
extern struct ownlogtest ot;
extern const uint8_t ownlogtest_digest[32]; /* of every item that has one */
extern const struct suite_fixture ownlogtest_fixture;

/* An empty log again; the log so far, borrowed from ot. */
void ownlogtest_clear(void);
struct att_slice ownlogtest_log(void);

/* Banks SHA-256 and SHA-1, from zero. */
struct att_own_boot ownlogtest_boot(uint32_t restart_count);
struct att_own_item ownlogtest_item(enum att_own_type type, const char *name);

/* Records in both banks: any content, a boot, the first boot as record 0, two items. */
void ownlogtest_add(uint64_t recnum, uint32_t pcr, struct att_slice content);
void ownlogtest_add_boot(uint64_t recnum, const struct att_own_boot *boot);
void ownlogtest_add_first(void);
void ownlogtest_add_items(uint64_t recnum);

#endif
