/*
 * JSON through jansson, strict on the way in and sorted on the way out.
 *
 * Nothing that is signed is read from JSON: it serves answers for scripts, PCR files of other tools and
 * problem details. jansson's type is used directly by those who build documents (cli, front).
 */
#ifndef ATT_CODEC_JSON_H
#define ATT_CODEC_JSON_H

#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Duplicate keys, trailing text and invalid UTF-8 are refused. Errors FORMAT (FMT_JSON) NOMEM. */
ATT_MUST_USE enum att_err att_json_parse(json_t **out, struct att_slice in, struct att_diag *diag);
void att_json_freep(json_t **j);

/* Keys sorted, one line. LIMIT NOMEM. */
ATT_MUST_USE enum att_err att_json_print(struct att_buf **out, const json_t *j);

#endif
