/* Between the files of the JSON reader. */
#ifndef ATT_CODEC_JSON_INTERNAL_H
#define ATT_CODEC_JSON_INTERNAL_H

#include "codec/json.h"

/* As att_json_parse, with whole numbers of any length. */
ATT_MUST_USE enum att_err json_parse_numbers(json_t **out, struct att_slice in,
                                             struct att_diag *diag);

#endif
