/* Which specification is in force, and what the own log says of it. */
#include "agent/measurer/specification.h"

#include <stdio.h>
#include <string.h>

#include "agent/measurer/measure_internal.h"
#include "agent/measurer/state.h"
#include "base/file.h"
#include "base/guard.h"
#include "sign/document.h"

/* A signature and its headers beside the specification. */
#define FILE_CAP (ATT_SPEC_FILE_MAX + 4096)
#define NAME_CAP (sizeof(SPECIFICATION_ITEM) + 2 * (size_t)ATT_PROV_ID)

struct choosing {
    const struct agent_conf *conf;
    struct att_signers *signers;
    char kept_path[STATE_PATH_MAX];
    struct att_buf *offered, *kept; /* bytes; NULL: not there */
};

static void choosing_clear(struct choosing *c)
{
    att_signers_free(c->signers);
    att_buf_free(c->offered);
    att_buf_free(c->kept);
}

static enum att_err prepare(struct choosing *c, struct att_diag *diag)
{
    struct att_diag none = {0};
    enum att_err err = att_signers_new(&c->signers);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "specification", "no memory");
    }
    err = att_signers_load(c->signers, c->conf->specification_signers, diag);
    if (err == ATT_OK) {
        err = state_path(c->kept_path, c->conf->state_dir, STATE_SPECIFICATION, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = att_file_read(&c->kept, c->kept_path, FILE_CAP, &none);
    if (err != ATT_OK && err != ATT_E_NOT_FOUND) {
        return att_fail(diag, err, none.reason, none.field, "%s", none.text);
    }
    return ATT_OK;
}

/* Signed by who counts, and not behind the one that was in force, whoever signed that. */
static enum att_err open_offered(struct att_spec **out, struct choosing *c, struct att_diag *diag)
{
    ATT_CLEANUP(att_spec_freep) struct att_spec *offered = NULL;
    ATT_CLEANUP(att_spec_freep) struct att_spec *kept = NULL;
    enum att_err err = att_file_read(&c->offered, c->conf->specification, FILE_CAP, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_spec_open(&offered, att_buf_slice(c->offered), c->signers, diag);
    if (err == ATT_OK && c->kept != NULL) {
        err = att_spec_peek(&kept, STATE_SPECIFICATION, att_buf_slice(c->kept), NULL, diag);
    }
    if (err == ATT_OK && kept != NULL) {
        enum att_err older = att_spec_check_next(kept, offered, diag);

        err = ATT_GUARD(AGENT_SPEC_OLD, older != ATT_OK) ? older : ATT_OK;
    }
    if (err != ATT_OK) {
        att_diag_in(diag, c->conf->specification);
        return err;
    }
    *out = offered;
    offered = NULL;
    return ATT_OK;
}

/* Before anything works by it: counters hold from here on. */
static enum att_err keep(const struct choosing *c, struct att_diag *diag)
{
    if (c->kept != NULL && att_slice_eq(att_buf_slice(c->kept), att_buf_slice(c->offered))) {
        return ATT_OK;
    }
    return att_file_write(c->kept_path, att_buf_slice(c->offered), 0600, diag);
}

static enum att_err choose(struct att_spec **out, struct att_diag *refused, struct choosing *c,
                           struct att_diag *diag)
{
    struct att_spec *s = NULL;
    enum att_err err = open_offered(&s, c, refused);

    if (err == ATT_OK) {
        err = keep(c, diag);
        if (err != ATT_OK) {
            att_spec_free(s);
            return err;
        }
    } else if (c->kept == NULL ||
               att_spec_open(&s, att_buf_slice(c->kept), c->signers, NULL) != ATT_OK) {
        *diag = *refused;
        return err;
    }
    *out = s;
    return ATT_OK;
}

enum att_err specification_in_force(struct att_spec **out, struct att_diag *refused,
                                    const struct agent_conf *conf, struct att_diag *diag)
{
    ATT_CLEANUP(choosing_clear) struct choosing c = {.conf = conf};
    struct att_diag why = {0};
    enum att_err err = ATT_OK;

    *refused = (struct att_diag){0};
    if (conf->specification == NULL) {
        *out = NULL;
        return ATT_OK;
    }
    err = prepare(&c, &why);
    if (err == ATT_OK) {
        err = choose(out, refused, &c, &why);
    }
    if (err != ATT_OK && diag != NULL) {
        *diag = why;
    }
    return err;
}

/* --- rows --- */

static enum att_err add(struct table *t, const char *name, const uint8_t digest[32])
{
    struct table_row *row = NULL;
    enum att_err err = table_add(t, att_slice_str(name), &row);

    if (err != ATT_OK) {
        return err;
    }
    row->type = ATT_OWN_CONFIG;
    row->has_digest = true;
    memcpy(row->digest, digest, sizeof(row->digest));
    row->stamp = MEASURE_DONE;
    return ATT_OK;
}

enum att_err specification_rows(struct table *t, const struct att_spec *s, struct att_diag *diag)
{
    char name[NAME_CAP];
    enum att_err err = ATT_OK;

    (void)snprintf(name, sizeof(name), SPECIFICATION_ITEM "%s", s->id);
    err = add(t, name, s->digest);
    for (size_t i = 0; err == ATT_OK && i < s->channel_count; i++) {
        (void)snprintf(name, sizeof(name), SPECIFICATION_ITEM "%s/%s", s->id, s->channel[i].id);
        err = add(t, name, s->channel[i].digest);
    }
    return err == ATT_OK
               ? ATT_OK
               : att_fail(diag, err, ATT_R_LIM_SIZE, "measure", "too many items, or no memory");
}
