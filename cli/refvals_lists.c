/* Reference values from what is known to be good: digest lists, measurement logs, PCR values, a command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "artefacts.h"
#include "base/file.h"
#include "policy/import.h"
#include "refvals_make.h"
#include "tcg/cmdline.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"

#define LIST_MAX 268435456

/* Terminated: a name of a list is a text. */
static enum att_err take_file(void *ctx, struct att_slice name, const uint8_t digest[32])
{
    return making_file(ctx, (const char *)name.p, digest);
}

enum att_err making_list(struct making *m, const char *path, bool rooted, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_import io = {.take = take_file, .ctx = m};
    enum att_err err = att_file_read(&file, path, LIST_MAX, diag);

    return err == ATT_OK ? att_digest_list_read(&io, att_buf_slice(file), rooted, diag) : err;
}

/* Only SHA-256 of content can be compared: other digests, fs-verity's and violations are left out. */
static enum att_err add_ima_entry(struct making *m, const struct att_ima_entry *e)
{
    char name[MAKING_NAME_ROOM];

    size_t len = e->path.len < ATT_OWN_NAME_MAX ? e->path.len : ATT_OWN_NAME_MAX - 1;

    memcpy(name, e->path.p, len);
    name[len] = '\0';
    if (len == 0 || len < e->path.len) {
        return making_leave(m, LEFT_NAME, name);
    }
    if (e->violation) {
        return making_leave(m, LEFT_VIOLATION, name);
    }
    if (e->alg != ATT_HASH_SHA256 || e->verity) {
        return making_leave(m, LEFT_DIGEST, name);
    }
    if (e->template_ == ATT_IMA_TEMPLATE_BUF) {
        m->files++;
        return making_add(m, "ima-buf:", name, e->digest.p);
    }
    m->files++;
    making_progress(m, name);
    return making_add(m, "", name, e->digest.p); /* in no own log: not in what must be complete */
}

/* The list of a known-good boot, binary or as text. boot_aggregate is no file: PCR values stand for it. */
enum att_err making_ima(struct making *m, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *binary = NULL;
    enum att_err err = artefact_log(&file, path, ATT_IMA_MAX, diag);
    struct att_slice in;
    struct att_ima it;
    struct att_ima_entry e;
    bool more = true;

    if (err != ATT_OK) {
        return err;
    }
    in = att_buf_slice(file);
    if (in.len > 2 && in.p[0] >= '0' && in.p[0] <= '9' && (in.p[1] == ' ' || in.p[2] == ' ')) {
        err = att_ima_ascii_to_binary(&binary, in, diag);
        in = binary != NULL ? att_buf_slice(binary) : in;
    }
    it = att_ima_from(in);
    while (err == ATT_OK) {
        err = att_ima_next(&it, &e, &more, diag);
        if (err != ATT_OK || !more) {
            break;
        }
        if (att_slice_eq(e.path, att_slice_str("boot_aggregate"))) {
            continue;
        }
        err = add_ima_entry(m, &e);
    }
    return err;
}

static enum att_err add_bank(struct making *m, const struct att_pcr_values *values,
                             const char *source, struct att_diag *diag)
{
    const struct att_pcr_bank *bank = att_pcr_bank_find(values, ATT_HASH_SHA256);
    enum att_err err = ATT_OK;

    if (bank == NULL) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_LOG_BANK, source, "no sha256 bank in it");
    }
    for (uint32_t pcr = 0; err == ATT_OK && pcr < ATT_PCR_COUNT; pcr++) {
        char name[32];

        if ((bank->has >> pcr & 1) == 0) {
            continue;
        }
        (void)snprintf(name, sizeof(name), "pcr/sha256/%u", (unsigned int)pcr);
        m->pcrs++;
        err = making_add(m, "", name, bank->value[pcr]);
    }
    return err;
}

enum att_err making_pcrs(struct making *m, const char *path, struct att_diag *diag)
{
    struct att_pcr_values values = {0};
    enum att_err err = artefact_pcrs(&values, path, diag);

    return err == ATT_OK ? add_bank(m, &values, "--pcrs", diag) : err;
}

enum att_err making_uefi(struct making *m, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = NULL;
    struct att_pcr_values values = {0};
    enum att_err err = artefact_log(&file, path, ATT_EVLOG_MAX, diag);

    if (err == ATT_OK) {
        err = att_evlog_parse(&log, att_buf_slice(file), diag);
    }
    if (err == ATT_OK) {
        err = att_evlog_replay(&values, log, diag);
    }
    return err == ATT_OK ? add_bank(m, &values, "--uefi", diag) : err;
}

static enum att_err add_param(struct making *m, const struct att_cmdline_param *p)
{
    char name[MAKING_NAME_ROOM];
    uint8_t digest[32];
    enum att_err err = att_sha256(p->value, digest);

    (void)snprintf(name, sizeof(name), "cmdline#%.*s", (int)p->name.len, (const char *)p->name.p);
    return err == ATT_OK ? making_add(m, "", name, digest) : err;
}

enum att_err making_cmdline(struct making *m, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, path, ATT_CMDLINE_MAX, diag);
    struct att_cmdline_param p;
    struct att_slice text;
    uint8_t digest[32];

    if (err != ATT_OK) {
        return err;
    }
    text = att_cmdline_trim(att_buf_slice(file));
    if (text.len == 0 || memchr(text.p, 0, text.len) != NULL) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_REFVALS, "--cmdline",
                        "expected the text of a kernel command line");
    }
    err = att_sha256(text, digest);
    err = err == ATT_OK ? making_add(m, "", "cmdline", digest) : err;
    while (err == ATT_OK && att_cmdline_next(&text, &p)) {
        err = add_param(m, &p);
    }
    return err;
}
