/* The set of trust anchors: what an operator put into a folder, and nothing else. */
#include "crypto/cert.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/file.h"
#include "crypto/cert_internal.h"
#include "crypto/pem_internal.h"

#define ANCHORS_MAX     4096
#define ANCHOR_FILE_MAX ((size_t)4 << 20) /* bytes; makers publish their roots as one long text */
#define PATH_TEXT       4096

enum att_err att_anchors_new(struct att_anchors **out)
{
    struct att_anchors *a = calloc(1, sizeof(*a));

    if (a == NULL) {
        return ATT_E_NOMEM;
    }
    a->store = X509_STORE_new();
    if (a->store == NULL) {
        free(a);
        return ATT_E_NOMEM;
    }
    *out = a;
    return ATT_OK;
}

void att_anchors_free(struct att_anchors *a)
{
    if (a == NULL) {
        return;
    }
    for (size_t i = 0; i < a->count; i++) {
        att_cert_free(a->certs[i]);
    }
    free(a->certs);
    X509_STORE_free(a->store);
    free(a);
}

void att_anchors_freep(struct att_anchors **a)
{
    att_anchors_free(*a);
    *a = NULL;
}

size_t att_anchors_count(const struct att_anchors *a)
{
    return a->count;
}

const struct att_cert *att_anchors_at(const struct att_anchors *a, size_t i)
{
    return i < a->count ? a->certs[i] : NULL;
}

static bool holds(const struct att_anchors *a, const struct att_cert *c)
{
    for (size_t i = 0; i < a->count; i++) {
        if (att_slice_eq(att_cert_der(a->certs[i]), att_cert_der(c))) {
            return true;
        }
    }
    return false;
}

/* The same certificate twice is one anchor. */
enum att_err att_anchors_add(struct att_anchors *a, const struct att_cert *c)
{
    struct att_cert **more = NULL;
    enum att_err err = ATT_OK;

    if (holds(a, c)) {
        return ATT_OK;
    }
    if (a->count == ANCHORS_MAX) {
        return ATT_E_LIMIT;
    }
    more = realloc(a->certs, (a->count + 1) * sizeof(struct att_cert *));
    if (more == NULL) {
        return ATT_E_NOMEM;
    }
    a->certs = more;
    if (X509_STORE_add_cert(a->store, c->x509) != 1) {
        ERR_clear_error();
        return ATT_E_CRYPTO;
    }
    err = att_cert_share(&a->certs[a->count], c);
    if (err == ATT_OK) {
        a->count++;
    }
    return err;
}

static enum att_err add_der(struct att_anchors *a, struct att_slice der, struct att_diag *diag)
{
    ATT_CLEANUP(att_cert_freep) struct att_cert *c = NULL;
    /* A root is what the operator chose, byte for byte: old makers' encodings are not our business. */
    enum att_err err = att_cert_from_der(&c, der, true, diag);

    if (err == ATT_OK) {
        err = att_anchors_add(a, c);
    }
    return err;
}

static enum att_err add_text(struct att_anchors *a, struct att_slice text, struct att_diag *diag)
{
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.len);
    enum att_err err = ATT_OK;
    size_t found = 0;

    if (bio == NULL) {
        return ATT_E_NOMEM;
    }
    while (err == ATT_OK) {
        struct att_pem pem = {0};

        err = att_pem_next(&pem, bio);
        if (err == ATT_OK && strcmp(pem.name, "CERTIFICATE") != 0) {
            err = att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_CERT, "anchor",
                           "a PEM block that is not a CERTIFICATE");
        } else if (err == ATT_OK) {
            err = add_der(a, att_buf_slice(pem.der), diag);
            found++;
        }
        att_pem_clear(&pem);
    }
    BIO_free(bio);
    if (err == ATT_E_NOT_FOUND && found > 0) {
        return ATT_OK;
    }
    return err == ATT_E_NOT_FOUND ? ATT_E_FORMAT : err;
}

static enum att_err add_file(struct att_anchors *a, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    enum att_err err = att_file_read(&bytes, path, ANCHOR_FILE_MAX, diag);
    char shown[96];

    if (err != ATT_OK) {
        return err;
    }
    err = att_pem_is_der(att_buf_slice(bytes)) ? add_der(a, att_buf_slice(bytes), diag)
                                               : add_text(a, att_buf_slice(bytes), diag);
    if (err == ATT_OK) {
        return ATT_OK;
    }
    return att_fail(diag, err, ATT_R_FMT_CERT, "anchor",
                    "expected certificates in PEM or one in DER: %s",
                    att_escape(shown, sizeof(shown), path, strlen(path)));
}

enum att_err att_anchors_add_pem(struct att_anchors *a, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    enum att_err err = att_file_read(&bytes, path, ANCHOR_FILE_MAX, diag);
    char shown[96];

    if (err != ATT_OK) {
        return err;
    }
    err = add_text(a, att_buf_slice(bytes), diag);
    if (err == ATT_OK) {
        return ATT_OK;
    }
    return att_fail(diag, err, ATT_R_FMT_CERT, "anchor", "expected certificates in PEM: %s",
                    att_escape(shown, sizeof(shown), path, strlen(path)));
}

static bool ends_in(const char *name, const char *const *ends)
{
    size_t len = strlen(name);

    for (size_t i = 0; ends[i] != NULL; i++) {
        if (len > 4 && name[0] != '.' && strcmp(name + len - 4, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Byte order, so that the order is the same under every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

enum att_err att_anchors_walk(struct att_anchors *a, const char *folder,
                              const struct att_folder_walk *walk, struct att_diag *diag)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, by_name);
    enum att_err err = ATT_OK;
    char shown[96];

    if (count < 0) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "anchors", "expected a folder: %s",
                        att_escape(shown, sizeof(shown), folder, strlen(folder)));
    }
    for (int i = 0; i < count; i++) {
        char path[PATH_TEXT];
        int len = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);

        if (err == ATT_OK && ends_in(entries[i]->d_name, walk->ends)) {
            err = len < 0 || (size_t)len >= sizeof(path) ? ATT_E_LIMIT : walk->file(a, path, diag);
        }
        free(entries[i]);
    }
    free(entries);
    return err;
}

enum att_err att_anchors_load(struct att_anchors *a, const char *folder, struct att_diag *diag)
{
    static const char *const ends[] = {".pem", ".crt", ".cer", ".der", NULL};
    static const struct att_folder_walk walk = {ends, add_file};

    return att_anchors_walk(a, folder, &walk, diag);
}
