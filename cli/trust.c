/* Loading a trust folder. */
#include "trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hex.h"
#include "codec/yaml.h"

#define TRUST_YAML_MAX 65536

void trust_clear(struct trust *t)
{
    att_anchors_freep(&t->anchors);
    trust_keys_clear(&t->keys);
}

static enum att_err read_switch(const struct att_yaml_node *n, const char *on, const char *off,
                                bool *out, struct att_diag *diag)
{
    const char *text = NULL;
    enum att_err err = att_yaml_text(n, &text, 32, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (strcmp(text, on) != 0 && strcmp(text, off) != 0) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, diag, "expected %s or %s, found \"%s\"", on, off,
                             text);
    }
    *out = strcmp(text, on) == 0;
    return ATT_OK;
}

static enum att_err read_max_age(const struct att_yaml_node *n, int64_t *out_s,
                                 struct att_diag *diag)
{
    int64_t ms = 0;
    enum att_err err = att_yaml_duration_ms(n, 1000, INT64_C(366) * 86400 * 1000, &ms, diag);

    if (err == ATT_OK) {
        *out_s = ms / 1000;
    }
    return err;
}

/* {key: HEX, log: ORIGIN, from: N, before: accept}; before absent: nothing of the key counts. */
static enum att_err read_revoked(struct att_revoked_key *out, const struct att_yaml_node *n,
                                 struct att_diag *diag)
{
    static const char *const KEYS[] = {"key", "log", "from", "before", NULL};
    const struct att_yaml_node *key = att_yaml_get(n, "key");
    const struct att_yaml_node *log = att_yaml_get(n, "log");
    const struct att_yaml_node *from = att_yaml_get(n, "from");
    const struct att_yaml_node *before = att_yaml_get(n, "before");
    const char *hex = NULL;
    const char *origin = NULL;
    int64_t number = 0;
    size_t len = 0;
    enum att_err err = ATT_OK;

    if (att_yaml_type(n) != ATT_YAML_MAP || key == NULL || log == NULL || from == NULL) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, diag,
                             "expected {key: SHA-256, log: ORIGIN, from: ENTRY}");
    }
    err = att_yaml_only(n, KEYS, diag);
    if (err == ATT_OK) {
        err = att_yaml_text(key, &hex, 64, diag);
    }
    if (err == ATT_OK &&
        (att_hex_decode(out->key, sizeof(out->key), &len, hex, strlen(hex)) != ATT_OK ||
         len != sizeof(out->key))) {
        err = att_yaml_fail(key, ATT_R_CFG_KEY, diag, "expected 64 hexadecimal digits");
    }
    if (err == ATT_OK) {
        err = att_yaml_text(log, &origin, sizeof(out->origin) - 1, diag);
    }
    if (err == ATT_OK) {
        err = att_yaml_int(from, 0, INT64_MAX, &number, diag);
    }
    if (err == ATT_OK && before != NULL) {
        err = read_switch(before, "accept", "refuse", &out->accept_before, diag);
    }
    if (err == ATT_OK) {
        (void)snprintf(out->origin, sizeof(out->origin), "%s", origin);
        out->from = (uint64_t)number;
    }
    return err;
}

static enum att_err read_all_revoked(struct trust *t, const struct att_yaml_node *list,
                                     struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (att_yaml_type(list) != ATT_YAML_LIST || att_yaml_count(list) > TRUST_REVOKED_MAX) {
        return att_yaml_fail(list, ATT_R_CFG_KEY, diag, "expected a list of at most %d keys",
                             TRUST_REVOKED_MAX);
    }
    for (size_t i = 0; i < att_yaml_count(list) && err == ATT_OK; i++) {
        err = read_revoked(&t->revoked[i], att_yaml_item(list, i), diag);
    }
    t->rules.revoked = t->revoked;
    t->rules.revoked_count = att_yaml_count(list);
    return err;
}

static enum att_err read_witnesses(struct att_trust_rules *rules, const struct att_yaml_node *n,
                                   struct att_diag *diag)
{
    int64_t count = 0;
    enum att_err err = att_yaml_int(n, 0, TRUST_KEYS_MAX, &count, diag);

    rules->witnesses = (size_t)count;
    return err;
}

static enum att_err read_rules(struct trust *t, const struct att_yaml_node *root,
                               struct att_diag *diag)
{
    static const char *const KEYS[] = {"log",       "file-key",     "status-list", "max-age",
                                       "witnesses", "revoked-keys", NULL};
    struct att_trust_rules *rules = &t->rules;
    const struct {
        const char *key, *on, *off;
        bool *out;
    } switches[] = {
        {"log", "required", "optional", &rules->log_required},
        {"file-key", "forbidden", "allowed", &rules->forbid_file_key},
        {"status-list", "required", "optional", &rules->status_required},
    };
    const struct att_yaml_node *n = NULL;
    enum att_err err = att_yaml_only(root, KEYS, diag);

    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(switches); i++) {
        n = att_yaml_get(root, switches[i].key);
        if (n != NULL) {
            err = read_switch(n, switches[i].on, switches[i].off, switches[i].out, diag);
        }
    }
    n = att_yaml_get(root, "max-age");
    if (err == ATT_OK && n != NULL) {
        err = read_max_age(n, &rules->status_max_age_s, diag);
    }
    n = att_yaml_get(root, "witnesses");
    if (err == ATT_OK && n != NULL) {
        err = read_witnesses(rules, n, diag);
    }
    n = att_yaml_get(root, "revoked-keys");
    return err == ATT_OK && n != NULL ? read_all_revoked(t, n, diag) : err;
}

enum att_err trust_rules_parse(struct trust *out, const char *path, struct att_slice text,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_yaml_freep) struct att_yaml *y = NULL;
    enum att_err err = att_yaml_parse(&y, path, text, diag);

    return err == ATT_OK ? read_rules(out, att_yaml_root(y), diag) : err;
}

static enum att_err load_rules(struct trust *t, const char *dir, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    char path[4096];
    struct stat st;
    enum att_err err = ATT_OK;
    int len = snprintf(path, sizeof(path), "%s/trust.yaml", dir);

    if (len < 0 || (size_t)len >= sizeof(path)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_TRUST_NONE, "--trust", "the path is too long");
    }
    /* Only a name that is not there says nothing; a link that leads nowhere is a rule that cannot be read. */
    if (lstat(path, &st) != 0 && errno == ENOENT) {
        return ATT_OK; /* what is required beside the rules always is; see trust.h */
    }
    err = att_file_read(&text, path, TRUST_YAML_MAX, diag);
    if (err == ATT_E_DENIED) {
        return err;
    }
    if (err == ATT_OK) {
        err = trust_rules_parse(t, path, att_buf_slice(text), diag);
    }
    return err == ATT_OK || err == ATT_E_NOMEM ? err : ATT_E_CONFIG;
}

/* A broken anchor or key makes no label malformed: the folder is not usable, so nothing can be decided. */
static enum att_err unusable(enum att_err err)
{
    switch (err) {
    case ATT_E_TRUNCATED:
    case ATT_E_TRAILING:
    case ATT_E_FORMAT:
    case ATT_E_LIMIT:
    case ATT_E_UNSUPPORTED:
        return ATT_E_UNTRUSTED;
    default:
        return err;
    }
}

/* A log key says that labels of this issuer are logged: then one that is not cannot be decided. */
static enum att_err load_keys(struct trust *t, const char *dir, struct att_diag *diag)
{
    enum att_err err = trust_keys_load(&t->keys, dir, diag);

    t->rules.key = (const struct att_vkey *const *)t->keys.key;
    t->rules.key_count = t->keys.count;
    t->rules.log_required = trust_keys_count(&t->keys, ATT_NOTE_ED25519) > 0;
    return unusable(err);
}

enum att_err trust_load(struct trust *out, const char *dir, struct att_diag *diag)
{
    struct stat st;
    char shown[128];
    enum att_err err = ATT_OK;

    memset(out, 0, sizeof(*out));
    if (dir[0] == '\0' || stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_TRUST_NONE, "--trust", "no folder \"%s\"",
                        att_escape(shown, sizeof(shown), dir, strlen(dir)));
    }
    err = att_anchors_new(&out->anchors);
    if (err == ATT_OK) {
        err = load_keys(out, dir, diag);
    }
    if (err == ATT_OK) {
        err = load_rules(out, dir, diag); /* after the keys: it has the last word */
    }
    if (err == ATT_OK) {
        err = unusable(att_anchors_load(out->anchors, dir, diag));
    }
    if (err != ATT_OK) {
        trust_clear(out);
    }
    return err;
}
