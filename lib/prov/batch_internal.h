/* What the files of a batch share. */
#ifndef ATT_PROV_BATCH_INTERNAL_H
#define ATT_PROV_BATCH_INTERNAL_H

#include "prov/batch.h"

extern const struct att_document_kind att_batch_kind;

/* A file with a statement and the array that is already encoded. INTERNAL NOMEM LIMIT */
ATT_MUST_USE enum att_err att_batch_file_make(struct att_buf **out, struct att_slice statement,
                                              bool disclosed, size_t count,
                                              struct att_slice records);

#endif
