/* What commands about a published log begin with: where it is, whose key counts, and the head that the key signed. */
#ifndef CLI_LOG_VIEW_H
#define CLI_LOG_VIEW_H

#include "cli.h"
#include "log_source.h"
#include "tlog/checkpoint.h"
#include "trust_keys.h"

/* Filled from the command line; NULL where nothing was said. */
struct log_options {
    struct log_place place;
    const char *key; /* verifier key or its file; NULL: those of the trust folder */
};
/* The options that all of these commands have; o is where they go. */
#define LOG_OPTIONS(o)                                                                             \
    {"key",                                                                                        \
     &(o).key,                                                                                     \
     NULL,                                                                                         \
     "VKEY",                                                                                       \
     "verifier key of the log, NAME+ID+KEY, or its file",                                          \
     "ログの検証鍵 (NAME+ID+KEY) またはそのファイル"},                                             \
    {                                                                                              \
        "ca", &(o).place.ca, NULL, "FILE", "PEM of the authority of an https address",             \
            "https の相手の認証局 (PEM)"                                                    \
    }

struct log_view {
    struct log_source *source;
    struct trust_keys keys;
    struct att_buf *note; /* as it was read */
    const struct att_vkey *key;
    struct att_checkpoint *checkpoint;  /* verified; borrows note and key */
    const struct att_merkle_head *tree; /* of it */
    char origin[2 * ATT_NOTE_NAME_MAX]; /* safe to show */
};

/*
 * log_view_open - read the checkpoint and verify it. Close the view also when it fails.
 * Errors  UNTRUSTED (TRUST_NONE: no key of this log; TL_CKPT) and those of att_checkpoint_open and of the source
 */
ATT_MUST_USE enum att_err log_view_open(struct log_view *v, const struct cli *cli,
                                        const struct log_options *options, struct att_diag *diag);
void log_view_close(struct log_view *v);

/* The keys alone; and a checkpoint from elsewhere, such as one that was kept. note is borrowed by *out. */
ATT_MUST_USE enum att_err log_view_keys(struct log_view *v, const struct cli *cli, const char *key,
                                        struct att_diag *diag);
ATT_MUST_USE enum att_err log_view_verify(struct att_checkpoint **out, const struct att_vkey **key,
                                          const struct log_view *v, struct att_slice note,
                                          struct att_diag *diag);

/* One verifier key: the text itself, or a file with that one line. As att_vkey_parse; CONFIG where it is not right. */
ATT_MUST_USE enum att_err log_key_load(struct att_vkey **out, const char *arg,
                                       struct att_diag *diag);
/* Keys that are not right are the caller's mistake and say nothing about a log. */
enum att_err log_as_config(enum att_err err);

/* Lines and members about the head: origin, size, root. */
void log_view_tell(struct report *r, const struct log_view *v);

#endif
