/* Entries and receipts in tests: a label key, a log key, and facts that are all there. */
#ifndef ATT_TEST_LOGTEST_H
#define ATT_TEST_LOGTEST_H

#include "sign/signer.h"
#include "tlog/entry.h"
#include "tlog/receipt.h"

#define LOGTEST_ORIGIN "log.test/one"
#define LOGTEST_NOW    1790000000

struct logtest {
    struct att_signer *issuer, *log; /* P-256, Ed25519 */
};
void logtest_open(struct logtest *l);
void logtest_close(struct logtest *l);

/* A refused gateway's label, and an outcome without one. */
struct att_entry_facts logtest_label_facts(void);
struct att_entry_facts logtest_event_facts(void);

/* The entry as number index of size entries, the others made up, with its receipt. Both the caller's. */
void logtest_receipt(struct att_buf **receipt, const struct logtest *l, struct att_slice entry,
                     uint64_t index, uint64_t size);

#endif
