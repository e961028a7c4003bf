/* What the two encodings of a canonical event log share. */
#ifndef ATT_TCG_CEL_INTERNAL_H
#define ATT_TCG_CEL_INTERNAL_H

#include "tcg/cel.h"

/* Fails with FMT_CEL at the record. */
ATT_MUST_USE enum att_err att_cel_refuse(const struct att_cel_record *rec, const char *field,
                                         const char *what, struct att_diag *diag);

/* One more digest; false when its algorithm is unknown, was there before, or has another size. */
bool att_cel_add_digest(struct att_cel_record *rec, uint64_t alg, struct att_slice value);

/* The record at the start of in, which is one CBOR item; off is its place in the log. */
ATT_MUST_USE enum att_err att_cel_read_cbor(struct att_cel_record *rec, struct att_slice in,
                                            struct att_diag *diag);

/* The record at r, which is advanced. */
ATT_MUST_USE enum att_err att_cel_read_tlv(struct att_cel_record *rec, struct att_rd *r,
                                           struct att_diag *diag);

#endif
