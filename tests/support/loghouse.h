/*
 * A published log in a folder, made by the code that makes real ones: keys, entries, tiles and checkpoint; and a trust
 * folder for whoever reads it. Entries say what a test wants them to say.
 */
#ifndef ATT_TEST_LOGHOUSE_H
#define ATT_TEST_LOGHOUSE_H

#include <stdint.h>

#include "appraise/result.h"
#include "issuer.h"
#include "tlog/entry.h"
#include "tlog/tiler.h"

#define LOGHOUSE_ORIGIN "log.test/gateways"
#define LOGHOUSE_LIFE   3600 /* seconds of a label */

struct loghouse {
    char dir[32]; /* temporary; with log/ and trust/ and what tests put there */
    char log[64], trust[64], vkey[80]; /* paths */
    struct issuer is;
    struct att_signer *key; /* of the log */
    struct att_hasher *hasher;
    struct att_tiler tiler;
    struct att_buf *bundle; /* entries of the last, partial bundle */
    int64_t utc;            /* of the next entry; one second later with each */
    bool introduced;        /* the label key's certificates are in the log */
    uint64_t serial;        /* makes each cti another */
};

void loghouse_open(struct loghouse *h);
void loghouse_close(struct loghouse *h);

/* What a label of this gateway says now; room holds what it borrows. */
struct loghouse_room {
    char subject[ATT_ENTRY_NAME_MAX];
    uint8_t cti[ATT_ENTRY_CTI], digest[32];
    int status;
};
struct att_entry_facts loghouse_label(struct loghouse *h, struct loghouse_room *room,
                                      uint32_t gateway);
/* What another outcome says of it, such as "enrolled". */
struct att_entry_facts loghouse_event(struct loghouse *h, struct loghouse_room *room,
                                      uint32_t gateway, const char *kind);
/* Sign these facts, with the certificates in the first entry, and append; then the clock moves. */
void loghouse_add(struct loghouse *h, const struct att_entry_facts *facts);
void loghouse_add_bytes(struct loghouse *h, struct att_slice entry);
/* The label key in force says that another takes over, which signs from then on; the house's issuer is that one, to be closed. */
void loghouse_turn(struct loghouse *h, const struct issuer *next);
/* An enrolled gateway, and a label of it. */
void loghouse_enrol(struct loghouse *h, uint32_t gateway);
void loghouse_attest(struct loghouse *h, uint32_t gateway);
/* The partial tiles and the checkpoint of what is there. */
void loghouse_sign(struct loghouse *h);

/* A file of the log: read whole (the caller's), replaced; a byte of it changed. */
struct att_buf *loghouse_read(const struct loghouse *h, const char *name);
void loghouse_write(const struct loghouse *h, const char *name, struct att_slice in);
void loghouse_flip(const struct loghouse *h, const char *name, size_t off);
/* The log's folder as it is now, to DIR/name. */
void loghouse_copy(const struct loghouse *h, const char *name);

/*
 * attestctl args... --json --at UTC --trust TRUST: the exit code; what it printed is in out. In the arguments "@NAME" is
 * DIR/NAME.
 */
int loghouse_ctl(const struct loghouse *h, char *out, size_t cap, const char *const *args);

#endif
