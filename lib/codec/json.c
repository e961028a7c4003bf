/* JSON: jansson with its strict flags, and our errors. */
#include "codec/json_internal.h"

#include <string.h>

#define PRINT_MAX   (64U << 20) /* bytes of one printed document */
#define PRINT_FLAGS (JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY)

static enum att_err load(json_t **out, struct att_slice in, size_t flags, struct att_diag *diag)
{
    json_error_t why;
    char shown[128];
    json_t *j = json_loadb(in.len == 0 ? "" : (const char *)in.p, in.len,
                           JSON_REJECT_DUPLICATES | flags, &why);

    if (j != NULL) {
        *out = j;
        return ATT_OK;
    }
    /* where memory runs out, jansson often says nothing at all */
    if (json_error_code(&why) == json_error_out_of_memory || why.text[0] == '\0') {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "json", "no memory");
    }
    return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "json", (size_t)why.position,
                       "line %d column %d: %s", why.line, why.column,
                       att_escape(shown, sizeof(shown), why.text, strlen(why.text)));
}

enum att_err att_json_parse(json_t **out, struct att_slice in, struct att_diag *diag)
{
    return load(out, in, 0, diag);
}

/* A whole number of any length is JSON; what it is worth is not asked here. */
enum att_err json_parse_numbers(json_t **out, struct att_slice in, struct att_diag *diag)
{
    return load(out, in, JSON_DECODE_INT_AS_REAL, diag);
}

void att_json_freep(json_t **j)
{
    json_decref(*j);
    *j = NULL;
}

enum att_err att_json_print(struct att_buf **out, const json_t *j)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t len = json_dumpb(j, NULL, 0, PRINT_FLAGS);
    uint8_t *p = NULL;
    enum att_err err = ATT_OK;

    if (len == 0) {
        return ATT_E_NOMEM; /* every value has a byte at least */
    }
    err = att_buf_new(&b, PRINT_MAX);
    if (err == ATT_OK) {
        err = att_buf_room(b, len, &p);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (json_dumpb(j, (char *)p, len, PRINT_FLAGS) != len) {
        return ATT_E_NOMEM;
    }
    att_buf_commit(b, len);
    *out = b;
    b = NULL;
    return ATT_OK;
}
