/* PCR values in a file: the text of tpm2_pcrread, or JSON {"sha256":{"0":"<hex>"}}. */
#ifndef CLI_PCR_FILE_H
#define CLI_PCR_FILE_H

#include "base/err.h"
#include "base/slice.h"
#include "tcg/pcr.h"

/* Errors  FORMAT LIMIT (FMT_JSON), and those of att_pcr_values_parse_text */
ATT_MUST_USE enum att_err pcr_file_read(struct att_pcr_values *out, struct att_slice in,
                                        struct att_diag *diag);

#endif
