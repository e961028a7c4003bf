/* Change notices as signed files, and the folder of them that a verifier works with. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "policy/notice.h"

static const struct att_document_kind NOTICE = {.what = "change notice",
                                                .content_type = ATT_NOTICE_CONTENT_TYPE,
                                                .purpose = ATT_NOTICE_PURPOSE,
                                                .folder = "notice_signers",
                                                .reason = ATT_R_CFG_NOTICESIG};

enum att_err att_notice_open(struct att_notice **out, struct att_slice in,
                             const struct att_signers *signers, struct att_diag *diag)
{
    ATT_CLEANUP(att_cose_verified_freep) struct att_cose_verified *v = NULL;
    ATT_CLEANUP(att_notice_freep) struct att_notice *n = NULL;
    const char *name = NULL;
    uint8_t kid[32];
    enum att_err err = att_document_open(&v, kid, &name, &NOTICE, in, signers, diag);

    if (err == ATT_OK) {
        err = att_notice_decode(&n, att_cose_payload(v), diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(NOTICE_ROLE, strcmp(n->role, name) != 0)) {
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_CFG_NOTICESIG, "change notice",
                        "it claims the role %s, and %s signed it", n->role, name);
    }
    *out = n;
    n = NULL;
    return ATT_OK;
}

enum att_err att_notice_peek(struct att_notice **out, uint8_t kid[32], struct att_slice in,
                             struct att_diag *diag)
{
    struct att_cose m;
    enum att_err err = att_document_peek(&m, kid, &NOTICE, in, diag);

    return err == ATT_OK ? att_notice_decode(out, m.payload_untrusted, diag) : err;
}

enum att_err att_notice_sign(struct att_buf **out, struct att_slice encoded,
                             const struct att_signer *signer)
{
    return att_document_sign(out, &NOTICE, encoded, signer);
}

static bool comes_before(const struct att_notice *x, const struct att_notice *y)
{
    return x->from_s != y->from_s ? x->from_s < y->from_s : strcmp(x->id, y->id) < 0;
}

enum att_err att_notices_add(struct att_notices *all, struct att_notice *n, struct att_diag *diag)
{
    size_t at = all->count;

    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->notice[i]->id, n->id) == 0) {
            char id[ATT_NOTICE_ID_MAX + 1];

            (void)snprintf(id, sizeof(id), "%s", n->id);
            att_notice_free(n);
            return att_fail(diag, ATT_E_CONFLICT, ATT_R_CFG_NOTICE, "notices",
                            "expected each id once, found %s twice", id);
        }
    }
    if (all->count >= ATT_NOTICES_MAX) {
        att_notice_free(n);
        return att_fail(diag, ATT_E_LIMIT, ATT_R_CFG_NOTICE, "notices",
                        "expected at most %d notices; remove those whose state the reference "
                        "values have taken in",
                        ATT_NOTICES_MAX);
    }
    while (at > 0 && comes_before(n, all->notice[at - 1])) {
        all->notice[at] = all->notice[at - 1];
        at--;
    }
    all->notice[at] = n;
    all->count++;
    return ATT_OK;
}

static int is_notice_name(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 7 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 7, ".notice") == 0;
}

static enum att_err add_file(struct att_notices *all, const char *folder, const char *name,
                             const struct att_signers *signers, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_notice *n = NULL;
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    enum att_err err = ATT_OK;

    if (len < 0 || (size_t)len >= sizeof(path)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_PATH, "notices", "a path is too long");
    }
    err = att_file_read(&file, path, ATT_NOTICE_FILE_MAX, diag);
    if (err == ATT_OK) {
        err = att_notice_open(&n, att_buf_slice(file), signers, diag);
    }
    if (err == ATT_OK) {
        err = att_notices_add(all, n, diag);
    }
    if (err != ATT_OK && file != NULL) {
        att_diag_in(diag, path); /* what could not be read is named already */
    }
    return err;
}

enum att_err att_notices_load(struct att_notices *out, const char *folder,
                              const struct att_signers *signers, struct att_diag *diag)
{
    ATT_CLEANUP(att_notices_clear) struct att_notices all = {0};
    struct dirent **entries = NULL;
    int count = folder == NULL ? 0 : scandir(folder, &entries, is_notice_name, alphasort);
    enum att_err err = ATT_OK;
    char shown[96];

    if (count < 0) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "notices", "expected a folder: %s",
                        att_escape(shown, sizeof(shown), folder, strlen(folder)));
    }
    for (int i = 0; i < count; i++) {
        if (err == ATT_OK) {
            err = add_file(&all, folder, entries[i]->d_name, signers, diag);
        }
        free(entries[i]);
    }
    free(entries);
    if (err != ATT_OK) {
        return err;
    }
    *out = all;
    all.count = 0;
    return ATT_OK;
}

const struct att_notice *att_notices_find(const struct att_notice *const *list, size_t count,
                                          const uint8_t digest[32])
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(list[i]->digest, digest, 32) == 0) {
            return list[i];
        }
    }
    return NULL;
}

bool att_notices_equal(const struct att_notices *x, const struct att_notices *y)
{
    for (size_t i = 0; i < x->count && x->count == y->count; i++) {
        if (memcmp(x->notice[i]->digest, y->notice[i]->digest, 32) != 0) {
            return false;
        }
    }
    return x->count == y->count;
}

void att_notices_clear(struct att_notices *all)
{
    for (size_t i = 0; i < all->count; i++) {
        att_notice_free(all->notice[i]);
    }
    memset(all, 0, sizeof(*all));
}
