/*
 * The TCG Canonical Event Log 1.0 in its TLV and CBOR encodings, as other tools write it.
 *
 * A reader for logs of others; the agent's own log (tcg/ownlog.h) is a CEL in CBOR with rules of its own.
 * Nothing here is believed: a record says that digests went into a register, and a replay says where that
 * leads. docs/formats/cel.md has both encodings field by field.
 */
#ifndef ATT_TCG_CEL_H
#define ATT_TCG_CEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/slice.h"
#include "codec/cbor_rd.h"
#include "crypto/digest.h"
#include "tcg/pcr.h"

#define ATT_CEL_MAX         134217728 /* bytes */
#define ATT_CEL_RECORD_MAX  4194304   /* bytes of one content */
#define ATT_CEL_RECORDS_MAX 4194304

/* TCG CEL 1.0, 5.1: numbers of fields, in both encodings. */
#define ATT_CEL_RECNUM       0
#define ATT_CEL_PCR          1
#define ATT_CEL_NV_INDEX     2
#define ATT_CEL_DIGESTS      3
#define ATT_CEL_MANAGEMENT   4
#define ATT_CEL_PCCLIENT     5
#define ATT_CEL_IMA_TEMPLATE 7
#define ATT_CEL_IMA_TLV      8
#define ATT_CEL_SYSTEMD      9
#define ATT_CEL_VENDOR       80  /* content types from here on are a vendor's */
#define ATT_CEL_CCMR         108 /* a vendor's register: of a confidential machine */

struct att_cel_record {
    size_t off, len; /* of the record in the input */
    uint64_t recnum;
    uint8_t register_type; /* ATT_CEL_PCR, ATT_CEL_NV_INDEX or ATT_CEL_CCMR */
    uint32_t index;        /* of the register; a PCR or CCMR is below 24 */
    struct {
        enum att_hash alg;
        struct att_slice value; /* borrowed */
    } digest[ATT_PCR_BANKS];
    uint32_t digest_count;
    uint64_t content_type;
    struct att_slice content; /* borrowed, as encoded; the sender's words */
    bool has_event;           /* content_type PCCLIENT: the two fields below */
    uint32_t event_type;      /* the sender's word, but that EV_NO_ACTION is not extended */
    struct att_slice event;   /* borrowed */
};

struct att_cel {
    struct att_rd rd;  /* TLV, and a CBOR sequence */
    struct att_cbor c; /* a CBOR array */
    enum { ATT_CEL_AS_TLV, ATT_CEL_AS_ARRAY, ATT_CEL_AS_SEQUENCE } form;
    uint64_t next_recnum;
};

/* A whole log; the first byte says which encoding. Borrows in. */
struct att_cel att_cel_from(struct att_slice in);

/*
 * att_cel_next - the next record; *more false at the clean end.
 * Errors  TRUNCATED TRAILING FORMAT LIMIT, reason FMT_CEL, with the byte of the record: fields that are not
 *         these, in another order, or of another size; a record number that is not one more than the last,
 *         from 0; a PCR above 23; unknown or repeated digest algorithms; no digest; content types below
 *         80 that are not known; content of known structure that has another
 */
ATT_MUST_USE enum att_err att_cel_next(struct att_cel *it, struct att_cel_record *out, bool *more,
                                       struct att_diag *diag);

/* What a log leads to. */
struct att_cel_values {
    struct att_pcr_values pcr, ccmr;
    uint32_t records, nv_records; /* nv_records: counted, an index is not replayed */
};

/*
 * att_cel_replay - every bank of each record, from the start values of a TPM: zeros, ones for PCR 17 to
 * 22, the locality of a StartupLocality event for PCR 0. EV_NO_ACTION extends nothing.
 * Errors  those of att_cel_next; LIMIT (more banks than ATT_PCR_BANKS) CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_cel_replay(struct att_cel_values *out, struct att_slice in,
                                         struct att_diag *diag);

#endif
