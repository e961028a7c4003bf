/*
 * The agent's own measurement log: CEL in CBOR (TCG Canonical Event Log 1.0) with our content type.
 *
 * A sequence of records, each one deterministic CBOR map:
 *   { 0: recnum uint, 1: pcr uint, 3: [ {0: alg uint, 1: digest bstr} ... ], 80: content bstr }
 * content is deterministic CBOR; each digest is the hash of the content bytes, and is what was
 * extended into that bank. One record carries up to ATT_OWN_ITEMS_MAX measured items, so a tree of
 * a thousand files costs a few TPM commands:
 *   boot:  { 0: 1, 1: resetCount, 2: restartCount, 3: kernel boot id text, 4: {alg: start value} }
 *   items: { 0: 2, 1: [ [type, name bstr, digest bstr32 / null, detail] ... ] }
 * The first record of a log is a boot record (D5). Another one follows when the TPM resumed with
 * its PCRs kept; its starting value is what the log has led to by then. All records name one PCR,
 * of those that software cannot reset (0 to 15). docs/formats/ownlog.md has it field by field.
 */
#ifndef ATT_TCG_OWNLOG_H
#define ATT_TCG_OWNLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/wr.h"
#include "codec/cbor_rd.h"
#include "crypto/digest.h"
#include "tcg/pcr.h"

#define ATT_OWN_RECORD_MAX  65536 /* bytes of one encoded record */
#define ATT_OWN_LOG_MAX     33554432
#define ATT_OWN_ITEMS_MAX   512
#define ATT_OWN_NAME_MAX    4096
#define ATT_OWN_CONTENT_KEY 80
#define ATT_OWN_PCR_MAX     15 /* 16 to 23 can be reset (PC Client Platform TPM Profile) */

enum att_own_type {
    ATT_OWN_FILE = 0,        /* digest: SHA-256 of the content; detail: size in bytes */
    ATT_OWN_LINK = 1,        /* digest: SHA-256 of the target text; detail: 0 */
    ATT_OWN_BLOCK = 2,       /* block device or image; digest of the content; detail: size */
    ATT_OWN_CONFIG = 3,      /* one configuration value "file#key"; digest of the value text */
    ATT_OWN_ABSENT = 4,      /* configured or measured before, not there now; no digest */
    ATT_OWN_UNREADABLE = 5,  /* detail: errno; no digest */
    ATT_OWN_UNSUPPORTED = 6, /* FIFO, socket, device node in a tree; no digest */
};

struct att_own_item {
    enum att_own_type type;
    struct att_slice name; /* path bytes, or path#key */
    const uint8_t *digest; /* 32 bytes, or NULL */
    uint64_t detail;
};

struct att_own_boot {
    uint32_t reset_count;
    uint32_t restart_count;
    char boot_id[40];
    struct att_pcr_values start; /* one PCR a bank: the own PCR */
};

struct att_own_record {
    size_t off, len; /* of the encoded record in the input */
    uint64_t recnum;
    uint32_t pcr;
    struct {
        enum att_hash alg;
        uint8_t value[ATT_HASH_MAX];
    } digest[ATT_PCR_BANKS];
    uint32_t digest_count;
    struct att_slice content; /* the hashed bytes */
    bool is_boot;
    struct att_own_boot boot; /* when is_boot */
    uint32_t item_count;      /* else: read them with att_own_item_next */
};

struct att_own {
    struct att_rd rd;
    uint64_t next_recnum;
    bool first;
    uint32_t pcr; /* of the first record read; every other must name it too */
};

/* From a byte offset that starts a record; next_recnum is the number that it must carry. */
struct att_own att_own_from(struct att_slice in, uint64_t next_recnum);

/*
 * att_own_next - the next record: structure, record number, PCR and every content digest are
 * checked here. *more false at the clean end.
 *
 * h       any hasher; its state is changed
 * Errors  TRUNCATED FORMAT LIMIT UNSUPPORTED, reason FMT_CEL, with the byte; FORMAT with LOG_DIGEST
 *         for a digest that is not that of the content; CRYPTO
 */
ATT_MUST_USE enum att_err att_own_next(struct att_own *it, struct att_own_record *out, bool *more,
                                       struct att_hasher *h, struct att_diag *diag);

/* The items of a record that att_own_next accepted. */
struct att_own_items {
    struct att_cbor c;
    uint32_t left;
};
struct att_own_items att_own_items_from(const struct att_own_record *rec);
bool att_own_item_next(struct att_own_items *it, struct att_own_item *out);

/*
 * Write one record: the content by one of the first two, then the record around it. Each fails with
 * what the writer has (LIMIT), or INTERNAL for values that the reader would refuse.
 *
 * boot    start: banks in any order, each with the value of one PCR
 * banks   those to hash the content for
 */
ATT_MUST_USE enum att_err att_own_boot_content(struct att_wr *w, const struct att_own_boot *boot);
ATT_MUST_USE enum att_err att_own_items_content(struct att_wr *w, const struct att_own_item *items,
                                                size_t count);
ATT_MUST_USE enum att_err att_own_record_write(struct att_wr *w, uint64_t recnum, uint32_t pcr,
                                               const enum att_hash *banks, size_t bank_count,
                                               struct att_slice content, struct att_hasher *h);

/*
 * att_own_replay - from the start values of the first boot record, every bank in all records.
 *
 * in       a whole log, at least its boot record
 * records  their number; may be NULL
 * Errors   those of att_own_next; MISMATCH (OWN_FOREIGN: a later boot record starts elsewhere)
 */
ATT_MUST_USE enum att_err att_own_replay(struct att_pcr_values *out, struct att_slice in,
                                         uint32_t *records, struct att_diag *diag);

#endif
