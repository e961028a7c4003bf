/*
 * JSON through jansson, strict on the way in and sorted on the way out.
 *
 * It serves answers for scripts, PCR files of other tools, problem details, and frames of sensors; nothing else that is
 * signed is read from JSON. jansson's type is used directly by those who build documents (cli, front).
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
/*
 * att_json_number - a member of an object, as the digits that stand in the text: jansson's own numbers are binary floats.
 *
 * in    one JSON object, as att_json_parse takes it, with no number above what binary64 can be
 * out   a number of RFC 8259 section 6; borrows in
 * Errors  FORMAT (FMT_JSON): not that, no such member, or not a number; NOMEM
 */
ATT_MUST_USE enum att_err att_json_number(struct att_slice *out, struct att_slice in,
                                          const char *name, struct att_diag *diag);
void att_json_freep(json_t **j);

/* Keys sorted, one line. LIMIT NOMEM. */
ATT_MUST_USE enum att_err att_json_print(struct att_buf **out, const json_t *j);

#endif
