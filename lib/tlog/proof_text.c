/* Proofs of inclusion as text. */
#include "tlog/proof_text.h"

#include <string.h>

#include "tlog/path_internal.h"

#define FIRST_LINE "c2sp.org/tlog-proof@v1"

static enum att_err refuse(struct att_diag *diag, enum att_err err, const char *field,
                           const struct att_lines *it, const char *what)
{
    return att_fail_at(diag, err, ATT_R_FMT_TLOG, field, it->off, "line %zu: %s", it->line, what);
}

static enum att_err read_first(struct att_lines *it, struct att_diag *diag)
{
    struct att_slice line = {0};
    bool more = false;

    if (att_lines_next(&line, it, &more) != ATT_OK ||
        !att_slice_eq(line, att_slice_str(FIRST_LINE))) {
        return refuse(diag, ATT_E_FORMAT, "proof", it, "expected \"" FIRST_LINE "\"");
    }
    return ATT_OK;
}

/* The line may be missing: then nothing is consumed. One without bytes would be a second spelling of that. */
static enum att_err read_extra(struct att_slice *out, struct att_lines *it, struct att_diag *diag)
{
    struct att_lines ahead = *it;
    struct att_slice line = {0};
    uint8_t bytes[ATT_PROOF_EXTRA];
    size_t len = 0;
    bool more = false;
    enum att_err err = att_lines_next(&line, &ahead, &more);

    if (err != ATT_OK || !att_lines_after(out, line, "extra ")) {
        return ATT_OK;
    }
    err = att_lines_base64(bytes, sizeof(bytes), &len, *out);
    if (err != ATT_OK || len == 0) {
        return refuse(diag, err == ATT_E_LIMIT ? err : ATT_E_FORMAT, "extra", &ahead,
                      "expected base64 of 1 to 8192 bytes");
    }
    *it = ahead;
    return ATT_OK;
}

enum att_err att_proof_text_parse(struct att_proof_text *out, struct att_slice in,
                                  struct att_diag *diag)
{
    struct att_lines it = att_lines_from(in);
    struct att_proof_text p = {.index = 0};
    enum att_err err = read_first(&it, diag);

    if (err == ATT_OK) {
        err = read_extra(&p.extra, &it, diag);
    }
    if (err == ATT_OK) {
        err = att_path_number_read(&p.index, &it, "index ", "index", diag);
    }
    if (err == ATT_OK) {
        err = att_path_lines_read(&p.path, &it, ATT_PROOF_HASHES, diag);
    }
    if (err == ATT_OK) {
        err = att_path_checkpoint_read(&p.checkpoint, &it, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = p;
    return ATT_OK;
}

static enum att_err write_head(struct att_buf *b, struct att_slice extra)
{
    enum att_err err = att_lines_add_text(b, FIRST_LINE "\n");

    if (err != ATT_OK || extra.len == 0) {
        return err;
    }
    err = att_lines_add_text(b, "extra ");
    if (err == ATT_OK) {
        err = att_buf_add_slice(b, extra);
    }
    return err == ATT_OK ? att_lines_add_text(b, "\n") : err;
}

static bool same(const struct att_proof_text *a, const struct att_proof_text *b)
{
    return a->index == b->index && a->path.count == b->path.count &&
           att_slice_eq(a->extra, b->extra) && att_slice_eq(a->checkpoint, b->checkpoint);
}

enum att_err att_proof_text_encode(struct att_buf **out, const struct att_proof_text *proof)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_proof_text again;
    enum att_err err = att_buf_new(&b, ATT_PATH_TEXT_MAX);

    if (err == ATT_OK) {
        err = write_head(b, proof->extra);
    }
    if (err == ATT_OK) {
        err = att_path_write(b, "index ", proof->index, &proof->path, proof->checkpoint);
    }
    if (err != ATT_OK) {
        return err == ATT_E_LIMIT ? ATT_E_INTERNAL : err;
    }
    /* what is made here is read by the same rules as everything else */
    if (att_proof_text_parse(&again, att_buf_slice(b), NULL) != ATT_OK || !same(&again, proof)) {
        return ATT_E_INTERNAL;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

enum att_err att_proof_text_extra(uint8_t *out, size_t cap, size_t *len,
                                  const struct att_proof_text *proof)
{
    if (proof->extra.len == 0) {
        return ATT_E_NOT_FOUND;
    }
    return att_lines_base64(out, cap, len, proof->extra);
}
