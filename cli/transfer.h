/* What the parts of device transfer share. */
#ifndef CLI_TRANSFER_H
#define CLI_TRANSFER_H

#include "appraise/transfer.h"
#include "cli.h"

/* The options of all actions; each action takes its own (cmd_device_transfer.c). */
struct transfer_options {
    const char *to, *from; /* PEM files of the receiver's and the giver's key */
    const char *key, *ttl, *verifier, *id, *socket;
    bool file_key;
};

/* One statement with the bytes that it borrows. */
struct transfer_file {
    struct att_buf *bytes;
    struct att_transfer t;
};
ATT_MUST_USE enum att_err transfer_read(struct transfer_file *out, const char *path,
                                        struct att_diag *diag);
void transfer_file_clear(struct transfer_file *f);

/* The one key of a PEM file as a set. */
ATT_MUST_USE enum att_err transfer_ring(struct att_signers **out, const char *path,
                                        struct att_diag *diag);

/* All members as text and as JSON member "transfer". */
void transfer_print(struct report *r, const struct att_transfer *t);
json_t *transfer_json(const struct att_transfer *t);

/* argv[2].. are the files; each action finishes the report and gives the exit code. */
int transfer_show(struct report *r, const struct transfer_options *o, int argc, char **argv);
int transfer_verify(struct report *r, const struct transfer_options *o, int argc, char **argv);

#endif
