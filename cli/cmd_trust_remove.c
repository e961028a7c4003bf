/* trust remove: what was installed once is believed no more. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "crypto/cert.h"
#include "trust_keys.h"

#define FILE_MAX  65536
#define PATH_ROOM 4096
#define DIGITS    64

/* The file that is looked for, and what it is. */
struct search {
    const char *dir;
    char digits[DIGITS + 1]; /* of its fingerprint */
    char path[PATH_ROOM];    /* found; else empty */
    bool key;
};

/* The fingerprint of an anchor or a verifier key; a file of several certificates is none of one. */
static bool print_of(char out[DIGITS + 1], bool *key, struct att_slice file)
{
    ATT_CLEANUP(att_cert_freep) struct att_cert *cert = NULL;
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *vkey = NULL;
    uint8_t digest[32];
    enum att_err err = ATT_OK;

    *key = trust_key_looks(file);
    if (*key) {
        err = trust_key_read(&vkey, file, NULL);
        err = err == ATT_OK ? att_vkey_fingerprint(digest, vkey) : err;
    } else {
        err = att_cert_parse(&cert, file, NULL);
        err = err == ATT_OK ? att_cert_fingerprint(digest, cert) : err;
    }
    if (err == ATT_OK) {
        (void)att_hex_encode(out, DIGITS + 1, att_slice_of(digest, sizeof(digest)));
    }
    return err == ATT_OK;
}

static enum att_err try_file(struct search *s, const char *name, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    char path[PATH_ROOM];
    char found[DIGITS + 1];
    bool key = false;
    int len = snprintf(path, sizeof(path), "%s/%s", s->dir, name);

    if (len < 0 || (size_t)len >= sizeof(path) ||
        att_file_read(&file, path, FILE_MAX, NULL) != ATT_OK ||
        !print_of(found, &key, att_buf_slice(file)) || strcmp(found, s->digits) != 0) {
        return ATT_OK;
    }
    if (s->path[0] != '\0') {
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_FILE, "trust",
                        "two files hold it; remove one of them by hand: %.80s", name);
    }
    (void)snprintf(s->path, sizeof(s->path), "%s", path);
    s->key = key;
    return ATT_OK;
}

static bool may_hold(const char *name)
{
    static const char *const ends[] = {".pem", ".crt", ".cer", ".der", TRUST_KEY_ENDS};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; i < ATT_COUNT(ends) && name[0] != '.'; i++) {
        if (dot != NULL && strcmp(dot, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum att_err find(struct search *s, struct att_diag *diag)
{
    DIR *dir = opendir(s->dir);
    enum att_err err = ATT_OK;

    if (dir == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_TRUST_NONE, "--trust", "cannot read the folder");
    }
    for (const struct dirent *e = readdir(dir); e != NULL && err == ATT_OK; e = readdir(dir)) {
        if (may_hold(e->d_name)) {
            err = try_file(s, e->d_name, diag);
        }
    }
    (void)closedir(dir);
    if (err == ATT_OK && s->path[0] == '\0') {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "trust",
                        "no file there holds a certificate or key of this fingerprint alone; "
                        "attestctl trust list shows what it holds");
    }
    return err;
}

/* A fingerprint as trust list prints it; colons and spaces as people put them are left out. */
static bool take_digits(struct search *s, const char *text)
{
    size_t n = 0;

    for (const char *c = text; *c != '\0'; c++) {
        if (*c == ':' || *c == ' ') {
            continue;
        }
        if (n == DIGITS) {
            return false;
        }
        s->digits[n++] = *c >= 'A' && *c <= 'F' ? (char)(*c - 'A' + 'a') : *c;
    }
    s->digits[n] = '\0';
    return n == DIGITS && strspn(s->digits, "0123456789abcdef") == DIGITS;
}

int cmd_trust_remove(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.trust-remove.v1");
    struct search s = {0};
    struct att_diag diag = {0};
    char shown[512];
    int code = options_parse(&r, NULL, 0, &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (!take_digits(&s, argv[1])) {
        return report_usage(&r, "arguments", "expected %s, found %s",
                            "a SHA-256 of 64 digits, as trust list prints it",
                            text_safe(shown, 64, argv[1]));
    }
    s.dir = cli->trust; /* options may have named another folder */
    err = find(&s, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)text_safe(shown, sizeof(shown), s.path);
    if (!confirmed(cli, shown,
                   tr(cli, "will be removed; what it vouched for is not believed any more",
                      "を削除します。これが保証していたものは信頼されなくなります"))) {
        return report_usage(&r, "--yes", "expected %s, found nothing",
                            "--yes: what it vouched for is not believed any more");
    }
    if (unlink(s.path) != 0) {
        err = errno == EACCES || errno == EPERM ? ATT_E_DENIED : ATT_E_IO;
        (void)att_fail(&diag, err, ATT_R_FILE, "trust", "cannot remove %.120s: %s", shown,
                       strerror(errno));
        return report_failure(&r, err, &diag);
    }
    (void)json_object_set_new(r.root, "removed", json_string(shown));
    (void)json_object_set_new(r.root, "type", json_string(s.key ? "key" : "anchor"));
    report_line(&r, "%s %s", tr(cli, "removed", "削除しました:"), shown);
    return report_finish(&r);
}
