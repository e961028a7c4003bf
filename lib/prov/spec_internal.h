/* Shared by the YAML and the CBOR form of a specification. */
#ifndef ATT_PROV_SPEC_INTERNAL_H
#define ATT_PROV_SPEC_INTERNAL_H

#include "base/wr.h"
#include "codec/cbor_rd.h"
#include "prov/spec.h"

#define ATT_SPEC_VERSION_MAX  INT32_MAX             /* of each counter */
#define ATT_SPEC_TIME_MAX_MS  INT64_C(86400000)     /* of each span of time: a day */
#define ATT_SPEC_BATCH_MAX    65536                 /* records of a batch */
#define ATT_SPEC_UTC_MAX_S    INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define ATT_SPEC_BATCH_MIN_MS 100

enum att_relation {
    ATT_RELATION_REDUNDANCY,
    ATT_RELATION_BALANCE,
    ATT_RELATION_FEEDBACK,
    ATT_RELATION_INTERLOCK,
    ATT_RELATION_SEAL,
};
#define ATT_RELATION__COUNT 5

/* One kind of relation of a specification: each of its structs begins with its id. */
struct att_relations {
    const char *key; /* in YAML, and in messages */
    void *first;
    size_t size;
    size_t *count;
};
struct att_relations att_spec_relations(struct att_spec *s, enum att_relation kind);
static inline void *att_relation_at(const struct att_relations *r, size_t i)
{
    return (uint8_t *)r->first + i * r->size;
}

/* The same to look at. */
struct att_relation_view {
    const char *key;
    const void *first;
    size_t size, count;
};
struct att_relation_view att_spec_relation_view(const struct att_spec *s, enum att_relation kind);
static inline const void *att_relation_view_at(const struct att_relation_view *r, size_t i)
{
    return (const uint8_t *)r->first + i * r->size;
}
/* A relation as it is written, terminated. NOMEM LIMIT */
ATT_MUST_USE enum att_err att_relation_print(struct att_buf **out, const struct att_spec *s,
                                             enum att_relation kind, const void *relation);

ATT_MUST_USE enum att_err att_spec_new(struct att_spec **out);
/* Room for one more, zeroed and counted. LIMIT NOMEM. Pointers to channels are valid until the next call. */
ATT_MUST_USE enum att_err att_spec_add_channel(struct att_spec *s, struct att_channel **out);
ATT_MUST_USE enum att_err att_spec_add_relation(struct att_spec *s, enum att_relation kind,
                                                void **out);
/* The place of a channel's id; -1 when there is none. */
int att_spec_index(const struct att_spec *s, const char *id);

/* CONFIG, CFG_SPEC; field is the key (a literal) that it is about. */
enum att_err att_spec_refuse(struct att_diag *diag, const char *field, const char *fmt, ...)
    ATT_PRINTF(3, 4);

/*
 * The rules, the same for both forms. Each says in diag->field which key of the channel, of the relation or of the
 * specification it is about. CONFIG (CFG_SPEC), NOMEM.
 */
ATT_MUST_USE enum att_err att_spec_check_head(const struct att_spec *s, struct att_diag *diag);
ATT_MUST_USE enum att_err att_spec_check_channel(const struct att_channel *c,
                                                 struct att_diag *diag);
ATT_MUST_USE enum att_err att_spec_check_relation(const struct att_spec *s, enum att_relation kind,
                                                  const void *relation, struct att_diag *diag);
/* What the relations of the whole say of one channel: an output has a feedback, or says why not. */
ATT_MUST_USE enum att_err att_spec_check_output(const struct att_spec *s, size_t channel,
                                                struct att_diag *diag);
/* What att_spec_check_next asks of one id's version and of two channels of one id. CONFLICT (CFG_SPECOLD) */
ATT_MUST_USE enum att_err att_spec_check_version(const struct att_spec *now,
                                                 const struct att_spec *next,
                                                 struct att_diag *diag);
ATT_MUST_USE enum att_err att_spec_check_calibration(const struct att_channel *now,
                                                     const struct att_channel *next,
                                                     struct att_diag *diag);
/* Everything of two calibrations but their versions. */
bool att_spec_same_calibration(const struct att_calibration *a, const struct att_calibration *b);
/* Small words of ours: ids, devices, what a fault means. */
bool att_spec_word_ok(const char *text);

/* All rules, the order of ids, the encoding and the digests: the one way to a specification. And NOMEM CRYPTO */
ATT_MUST_USE enum att_err att_spec_seal(struct att_spec *s, struct att_diag *diag);

/* --- CBOR --- */
void att_spec_write_channel(struct att_wr *w, const struct att_channel *c);
void att_spec_write(struct att_wr *w, const struct att_spec *s);

#endif
