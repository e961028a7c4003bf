/* Lines of hashes. */
#include "tlog/path_internal.h"

static enum att_err refuse(struct att_diag *diag, enum att_err err, const char *field,
                           const struct att_lines *it, const char *what)
{
    return att_fail_at(diag, err, ATT_R_FMT_TLOG, field, it->off, "line %zu: %s", it->line, what);
}

enum att_err att_path_number_read(uint64_t *out, struct att_lines *it, const char *word,
                                  const char *field, struct att_diag *diag)
{
    struct att_slice line = {0};
    struct att_slice number = {0};
    bool more = false;
    enum att_err err = att_lines_next(&line, it, &more);

    if (err != ATT_OK || !more) {
        return refuse(diag, ATT_E_TRUNCATED, field, it, "the text ends before its number");
    }
    if (!att_lines_after(&number, line, word)) {
        return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_TLOG, field, it->off,
                           "line %zu: expected \"%s\" and a number", it->line, word);
    }
    err = att_lines_decimal(out, number, ATT_MERKLE_SIZE_MAX);
    if (err != ATT_OK) {
        return refuse(diag, err, field, it,
                      "expected a decimal number without leading zeros, below 2^63");
    }
    return ATT_OK;
}

enum att_err att_path_lines_read(struct att_merkle_path *out, struct att_lines *it, size_t max,
                                 struct att_diag *diag)
{
    struct att_slice line = {0};
    bool more = false;

    out->count = 0;
    for (;;) {
        enum att_err err = att_lines_next(&line, it, &more);

        if (err != ATT_OK || !more) {
            return refuse(diag, ATT_E_TRUNCATED, "hash", it,
                          "the text ends before the blank line behind the hashes");
        }
        if (line.len == 0) {
            return ATT_OK;
        }
        if (out->count == max) {
            return refuse(diag, ATT_E_LIMIT, "hash", it, "expected at most 63 hashes");
        }
        if (att_lines_hash(out->hash[out->count], line) != ATT_OK) {
            return refuse(diag, ATT_E_FORMAT, "hash", it, "expected base64 of a SHA-256 hash");
        }
        out->count++;
    }
}

enum att_err att_path_checkpoint_read(struct att_slice *out, const struct att_lines *it,
                                      struct att_diag *diag)
{
    *out = att_lines_rest(it);
    if (out->len == 0) {
        return refuse(diag, ATT_E_TRUNCATED, "checkpoint", it,
                      "expected a checkpoint behind the blank line");
    }
    return ATT_OK;
}

enum att_err att_path_write(struct att_buf *b, const char *word, uint64_t number,
                            const struct att_merkle_path *path, struct att_slice checkpoint)
{
    enum att_err err = att_lines_add_text(b, word);

    if (err == ATT_OK) {
        err = att_lines_add_decimal(b, number);
    }
    if (err == ATT_OK) {
        err = att_lines_add_text(b, "\n");
    }
    for (size_t i = 0; err == ATT_OK && i < path->count && i < ATT_MERKLE_PATH_MAX; i++) {
        err = att_lines_add_base64(b, att_slice_of(path->hash[i], ATT_MERKLE_LEN));
        if (err == ATT_OK) {
            err = att_lines_add_text(b, "\n");
        }
    }
    if (err == ATT_OK) {
        err = att_lines_add_text(b, "\n");
    }
    return err == ATT_OK ? att_buf_add_slice(b, checkpoint) : err;
}
