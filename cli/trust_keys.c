/* Verifier keys read, named and shown. Which of them a log or a witness really holds is for a person to compare. */
#include "trust_keys.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"

void trust_keys_clear(struct trust_keys *k)
{
    for (size_t i = 0; i < k->count; i++) {
        att_vkey_freep(&k->key[i]);
    }
    k->count = 0;
}

size_t trust_keys_count(const struct trust_keys *k, enum att_note_type type)
{
    size_t count = 0;

    for (size_t i = 0; i < k->count; i++) {
        count += att_vkey_type(k->key[i]) == type ? 1 : 0;
    }
    return count;
}

/* One line of text with a plus: DER has control characters at its beginning, and the first line of PEM no plus. */
bool trust_key_looks(struct att_slice file)
{
    bool plus = false;

    for (size_t i = 0; i < file.len && file.p[i] != '\n'; i++) {
        if (file.p[i] < ' ') {
            return false;
        }
        plus = plus || file.p[i] == '+';
    }
    return plus;
}

enum att_err trust_key_read(struct att_vkey **out, struct att_slice file, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (file.len > 0 && file.p[file.len - 1] == '\n') {
        file.len--;
    }
    err = att_vkey_parse(out, file, diag);
    return err == ATT_E_MISMATCH ? ATT_E_FORMAT
                                 : err; /* an id of other letters is a damaged line */
}

static enum att_err load_file(struct trust_keys *out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_diag why = {0};
    char shown[96];
    enum att_err err = att_file_read(&file, path, TRUST_KEY_FILE, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (out->count == TRUST_KEYS_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, "trust", "at most %d verifier keys",
                        TRUST_KEYS_MAX);
    }
    err = trust_key_read(&out->key[out->count], att_buf_slice(file), &why);
    if (err != ATT_OK) {
        return att_fail(diag, err, why.reason, "trust", "expected one verifier key: %s",
                        att_escape(shown, sizeof(shown), path, strlen(path)));
    }
    out->count++;
    return ATT_OK;
}

static int is_key_file(const struct dirent *e)
{
    size_t len = strlen(e->d_name);
    size_t end = strlen(TRUST_KEY_ENDS);

    return len > end && e->d_name[0] != '.' && strcmp(e->d_name + len - end, TRUST_KEY_ENDS) == 0;
}

/* Byte order, so that the order is the same under every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

enum att_err trust_keys_load(struct trust_keys *out, const char *dir, struct att_diag *diag)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, is_key_file, by_name);
    enum att_err err = ATT_OK;

    if (count < 0) {
        return att_fail(diag, ATT_E_DENIED, ATT_R_FILE, "trust", "cannot read the folder");
    }
    for (int i = 0; i < count; i++) {
        char path[4096];
        int len = snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);

        if (err == ATT_OK) {
            err = len < 0 || (size_t)len >= sizeof(path) ? ATT_E_LIMIT : load_file(out, path, diag);
        }
        free(entries[i]);
    }
    free(entries);
    return err;
}

void trust_key_describe(struct report *r, const struct att_vkey *k, json_t *list)
{
    bool log = att_vkey_type(k) == ATT_NOTE_ED25519;
    struct att_slice name = att_vkey_name(k);
    uint8_t digest[32] = {0};
    char shown[ATT_NOTE_NAME_MAX + 1];
    char safe[2 * ATT_NOTE_NAME_MAX];
    char hex[65];
    char id[16];

    /* a digest that could not be computed stays zero and so is nobody's */
    (void)!att_vkey_fingerprint(digest, k);
    (void)att_hex_encode(hex, sizeof(hex), att_slice_of(digest, sizeof(digest)));
    (void)snprintf(shown, sizeof(shown), "%.*s", (int)name.len, (const char *)name.p);
    (void)text_safe(safe, sizeof(safe), shown);
    (void)snprintf(id, sizeof(id), "%08x", att_vkey_id(k));
    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", safe, "type",
                                                log ? "log" : "witness", "id", id, "sha256", hex));
    report_line(r, "%s", safe);
    report_field(r, tr(r->cli, "key of", "鍵の持ち主"), "%s",
                 log ? tr(r->cli, "a transparency log", "透明性ログ")
                     : tr(r->cli, "a witness", "ウィットネス"));
    report_field(r, "SHA-256", "%s", hex);
    report_field(r, tr(r->cli, "key id", "鍵 ID"), "%s", id);
}
