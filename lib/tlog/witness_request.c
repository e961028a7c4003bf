/* Requests to witnesses. */
#include "tlog/witness_request.h"

#include "tlog/path_internal.h"

enum att_err att_witness_request_parse(struct att_witness_request *out, struct att_slice in,
                                       struct att_diag *diag)
{
    struct att_lines it = att_lines_from(in);
    struct att_witness_request r = {.old = 0};
    enum att_err err = att_path_number_read(&r.old, &it, "old ", "old", diag);

    if (err == ATT_OK) {
        err = att_path_lines_read(&r.path, &it, ATT_WITNESS_HASHES, diag);
    }
    if (err == ATT_OK) {
        err = att_path_checkpoint_read(&r.checkpoint, &it, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = r;
    return ATT_OK;
}

enum att_err att_witness_request_encode(struct att_buf **out,
                                        const struct att_witness_request *request)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_witness_request again;
    enum att_err err = att_buf_new(&b, ATT_PATH_TEXT_MAX);

    if (err == ATT_OK) {
        err = att_path_write(b, "old ", request->old, &request->path, request->checkpoint);
    }
    if (err != ATT_OK) {
        return err == ATT_E_LIMIT ? ATT_E_INTERNAL : err;
    }
    /* what is made here is read by the same rules as everything else */
    if (att_witness_request_parse(&again, att_buf_slice(b), NULL) != ATT_OK ||
        again.path.count != request->path.count) {
        return ATT_E_INTERNAL;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}
