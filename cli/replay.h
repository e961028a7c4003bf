/* Replaying whole logs from files, for `evidence replay` and `evidence appraise`. */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "tcg/cel.h"
#include "tcg/pcr.h"

struct replay_files {
    const char *uefi, *ima, *ima_ascii, *own, *cel; /* paths or NULL */
};

/* The options that name logs, for an option table. */
#define REPLAY_OPTIONS(files)                                                                         \
    {"uefi", &(files).uefi, NULL, "FILE", "the firmware event log", "ファームウェアのログ"},          \
        {"ima",                                                                                       \
         &(files).ima,                                                                                \
         NULL,                                                                                        \
         "FILE",                                                                                      \
         "the kernel's IMA list, binary form",                                                        \
         "IMA リスト (バイナリ)"},                                                                    \
        {"ima-ascii", &(files).ima_ascii,    NULL,                                                    \
         "FILE",      "the same, text form", "IMA リスト (テキスト)"},                                \
    {                                                                                                 \
        "own", &(files).own, NULL, "FILE", "the agent's own log", "エージェントの測定ログ" \
    }

/* What each log leads to; a log that was not given has no banks. */
struct replayed {
    struct att_buf *uefi_bytes, *ima_bytes, *own_bytes, *cel_bytes;
    struct att_pcr_values uefi, ima, own;
    struct att_cel_values cel;
    json_t *events; /* owned: {"uefi": n, "ima": n, "own": n, "cel": n} */
};

ATT_MUST_USE enum att_err replay_load(struct replayed *out, const struct replay_files *files,
                                      struct att_diag *diag);
void replay_clear(struct replayed *r);

/* Values of from into to, where from has them. */
void replay_merge(struct att_pcr_values *to, const struct att_pcr_values *from);

#endif
