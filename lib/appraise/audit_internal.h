/* What the files of the audit share. */
#ifndef ATT_APPRAISE_AUDIT_INTERNAL_H
#define ATT_APPRAISE_AUDIT_INTERNAL_H

#include "appraise/audit.h"
#include "appraise/x5chain.h"
#include "crypto/digest.h"

#define AUDIT_SEED         16
#define AUDIT_DEVICES_MAX  (2U * 1024 * 1024)
#define AUDIT_LABELS_MAX   (4U * 1024 * 1024)
#define AUDIT_DEVICE_BYTES 66 /* of one in a state */
#define AUDIT_LABEL_BYTES  16

/*
 * From 64 bits of a keyed hash to a number: open addressing, doubled when it is three quarters full. The key is drawn for each
 * audit, so that whoever writes a log cannot choose where its names fall.
 */
struct audit_map {
    struct audit_row {
        uint64_t key;
        uint32_t value; /* plus one; 0: empty */
        uint32_t exp;   /* UTC seconds; 0: for good */
    } * row;
    size_t cap, count; /* cap is 0 or a power of two */
};
void audit_map_clear(struct audit_map *m);
/* NULL when it is not there. */
struct audit_row *audit_map_get(const struct audit_map *m, uint64_t key);
/* It must not be there. Rows whose exp is before now_utc are dropped when there is no room. LIMIT NOMEM. */
ATT_MUST_USE enum att_err audit_map_put(struct audit_map *m, const struct audit_row *row,
                                        int64_t now_utc, size_t max);

enum audit_standing { STANDING_UNKNOWN, STANDING_ENROLLED, STANDING_GONE };

struct audit_device {
    uint8_t ueid[32];
    uint64_t index;    /* of its last entry */
    int64_t seen, exp; /* when it was last named; when its label ends or ended, 0: it has none */
    int64_t since;     /* of the enrolment, for one without a label */
    uint8_t standing;  /* enum audit_standing */
    bool wide;         /* something was said of all its labels since it was enrolled */
};

enum audit_label { LABEL_VALID, LABEL_REVOKED, LABEL_SUSPENDED };
/* The value of a label's row: whose it is, and what became of it. */
#define LABEL_VALUE(device, status) ((uint32_t)(device) << 2 | (uint32_t)(status))
#define LABEL_DEVICE(value)         ((value) >> 2)
#define LABEL_STATUS(value)         ((enum audit_label)((value)&3))

struct audit_signer {
    uint8_t fingerprint[32];
    uint64_t
        limit; /* entries from there on do not count, by the rows of revoked keys that it was judged by */
    int64_t utc; /* of the entry that introduced it */
    struct att_x5chain chain;
    struct att_buf *der; /* the certificates, each behind its length (u16), leaf first */
};

/* Which keys sign, as the log itself tells it. */
struct audit_keys {
    uint64_t known;       /* 0: no entry yet; 1 */
    uint8_t label[32];    /* SHA-256 of the SPKI of the label key in force */
    uint64_t log_state;   /* enum audit_log_key */
    uint64_t log_changed; /* the entry that says so */
    uint8_t log_before[32], log_now[32];
};
enum audit_log_key { LOG_KEY_FIRST, LOG_KEY_ROTATED, LOG_KEY_COMPROMISED, LOG_KEY__END };

struct att_audit {
    struct att_audit_report r;
    const struct att_anchors *anchors;
    struct att_hasher *hasher;
    struct att_audit_watch watch;
    const struct att_revoked_key *revoked; /* borrowed, as origin */
    size_t revoked_count;
    const char *origin;
    uint8_t seed[AUDIT_SEED];
    struct audit_keys keys;
    struct audit_signer signer[ATT_AUDIT_SIGNERS];
    size_t signer_count;
    struct audit_device *device;
    size_t device_count, device_cap;
    struct audit_map devices; /* ueid to its number */
    struct audit_map labels;  /* cti to LABEL_VALUE */
};

/* A finding about the entry that is looked at. */
void audit_found(struct att_audit *a, enum att_err err, enum att_reason reason, const char *fmt,
                 ...) ATT_PRINTF(4, 5);
ATT_MUST_USE enum att_err audit_key(uint64_t *out, struct att_audit *a, const uint8_t *name,
                                    size_t len);
/* The number of a device, made when it is not known. LIMIT NOMEM CRYPTO. */
ATT_MUST_USE enum att_err audit_device(uint32_t *out, struct att_audit *a, const uint8_t ueid[32]);
/* What the entry says of gateways and labels. LIMIT NOMEM CRYPTO. */
ATT_MUST_USE enum att_err audit_outcome(struct att_audit *a, const struct att_entry *e);
/* Was its signer in force, and does a change of keys follow from what there is? known: does this log know a label key? */
void audit_keys(struct att_audit *a, const struct att_entry *e);
/* Entries of this label key from here on do not count, by the rows of att_audit_revoke; UINT64_MAX: all do. */
uint64_t audit_limit(const struct att_audit *a, const uint8_t key[32]);
bool audit_knows_key(const struct att_audit *a, const uint8_t fingerprint[32]);
/* The UEID of a subject as the entries of gateways have it; false for any other. */
bool audit_ueid(uint8_t out[32], const char *subject);
/* A label key by its certificates: opened, and judged at utc. */
ATT_MUST_USE enum att_err audit_introduce(struct att_audit *a, const struct att_slice *der,
                                          size_t count, int64_t utc, struct att_diag *diag);

#endif
