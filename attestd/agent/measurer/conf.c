/* agent.yaml into a struct, key by key, with the strict value for whatever is absent. */
#include "agent/measurer/conf_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "codec/yaml.h"
#include "evidence/evidence.h"
#include "logs/klog.h"
#include "tpm/ident.h"

#define KEY_MAX 90

void agent_conf_free(struct agent_conf *c)
{
    if (c == NULL) {
        return;
    }
    att_pool_clear(&c->pool);
    free(c);
}

void agent_conf_freep(struct agent_conf **c)
{
    agent_conf_free(*c);
    *c = NULL;
}

static enum att_err no_memory(struct reader *r)
{
    return att_fail(r->diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory for the configuration");
}

static enum att_err keep(struct reader *r, const char *text, const char **out)
{
    size_t len = strlen(text);
    char *copy = att_pool_get(&r->conf->pool, len + 1);

    if (copy == NULL) {
        return no_memory(r);
    }
    memcpy(copy, text, len);
    *out = copy;
    return ATT_OK;
}

/* Relative to the folder of the configuration file, trailing slashes cut. */
enum att_err conf_keep_path(struct reader *r, const struct att_yaml_node *n, const char *text,
                            const char **out)
{
    const char *slash = strrchr(r->path, '/');
    size_t folder = text[0] == '/' || slash == NULL ? 0 : (size_t)(slash - r->path) + 1;
    size_t len = strlen(text);
    char *copy = NULL;

    if (len == 0) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "expected a path, found nothing");
    }
    while (len > 1 && text[len - 1] == '/') {
        len--;
    }
    copy = att_pool_get(&r->conf->pool, folder + len + 1);
    if (copy == NULL) {
        return no_memory(r);
    }
    memcpy(copy, r->path, folder);
    memcpy(copy + folder, text, len);
    *out = copy;
    return ATT_OK;
}

/* The text under a key; *n is NULL when there is none. */
static enum att_err look_up(struct reader *r, const struct att_yaml_node *map, const char *key,
                            const struct att_yaml_node **n, const char **text)
{
    *n = att_yaml_get(map, key);
    return *n == NULL ? ATT_OK : att_yaml_text(*n, text, CONF_TEXT_MAX, r->diag);
}

static enum att_err text_at(struct reader *r, const struct att_yaml_node *map, const char *key,
                            const char **out)
{
    const struct att_yaml_node *n = NULL;
    const char *text = NULL;
    enum att_err err = look_up(r, map, key, &n, &text);

    return err != ATT_OK || n == NULL ? err : keep(r, text, out);
}

static enum att_err path_at(struct reader *r, const struct att_yaml_node *map, const char *key,
                            const char **out)
{
    const struct att_yaml_node *n = NULL;
    const char *text = NULL;
    enum att_err err = look_up(r, map, key, &n, &text);

    return err != ATT_OK || n == NULL ? err : conf_keep_path(r, n, text, out);
}

static enum att_err int_at(struct reader *r, const struct att_yaml_node *map, const char *key,
                           int64_t max, int64_t *out)
{
    const struct att_yaml_node *n = att_yaml_get(map, key);

    return n == NULL ? ATT_OK : att_yaml_int(n, 0, max, out, r->diag);
}

static enum att_err duration_at(struct reader *r, const struct att_yaml_node *map, const char *key,
                                int64_t *out)
{
    const struct att_yaml_node *n = att_yaml_get(map, key);

    /* a second at least: less is a mistake, and a day at most, so that silence is noticed */
    return n == NULL ? ATT_OK : att_yaml_duration_ms(n, 1000, 7LL * 86400000, out, r->diag);
}

static enum att_err read_verifier(struct reader *r, const struct att_yaml_node *root)
{
    struct agent_conf *c = r->conf;
    enum att_err err = text_at(r, root, "verifier", &c->verifier);

    if (err == ATT_OK && c->verifier != NULL && strncmp(c->verifier, "https://", 8) != 0) {
        return att_yaml_fail(att_yaml_get(root, "verifier"), ATT_R_CFG_KEY, r->diag,
                             "expected a URL that starts with https://");
    }
    if (err == ATT_OK) {
        err = path_at(r, root, "verifier_ca", &c->verifier_ca);
    }
    if (err == ATT_OK) {
        err = text_at(r, root, "proxy", &c->proxy);
    }
    return err;
}

/* A place in the TPM, as people know it: hexadecimal; a plain decimal number works too. */
enum att_err conf_place(struct reader *r, const struct att_yaml_node *n, uint32_t first,
                        uint32_t last, uint32_t *out)
{
    const char *text = NULL;
    char *end = NULL;
    unsigned long v = 0;
    enum att_err err = att_yaml_text(n, &text, 16, r->diag);

    if (err != ATT_OK) {
        return err;
    }
    v = strtoul(text, &end, 0);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || v < first || v > last) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "expected a number from 0x%08x to 0x%08x",
                             first, last);
    }
    *out = (uint32_t)v;
    return ATT_OK;
}

enum att_err conf_handle_at(struct reader *r, const struct att_yaml_node *root, const char *key,
                            uint32_t last, uint32_t *out)
{
    const struct att_yaml_node *n = att_yaml_get(root, key);

    return n == NULL ? ATT_OK : conf_place(r, n, 0x81000000U, last, out);
}

static enum att_err read_ek_files(struct reader *r, const struct att_yaml_node *root)
{
    const struct att_yaml_node *list = att_yaml_get(root, "ek_certificates");
    size_t count = list == NULL ? 0 : att_yaml_count(list);

    if (list == NULL) {
        return ATT_OK;
    }
    if (att_yaml_type(list) != ATT_YAML_LIST || count > AGENT_EK_FILES_MAX) {
        return att_yaml_fail(list, ATT_R_CFG_KEY, r->diag, "expected a list of at most %d files",
                             AGENT_EK_FILES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const struct att_yaml_node *n = att_yaml_item(list, i);
        const char *text = NULL;
        enum att_err err = att_yaml_text(n, &text, CONF_TEXT_MAX, r->diag);

        if (err == ATT_OK) {
            err = conf_keep_path(r, n, text, &r->conf->ek_file[i]);
        }
        if (err != ATT_OK) {
            return err;
        }
    }
    r->conf->ek_file_count = count;
    return ATT_OK;
}

static enum att_err read_tpm(struct reader *r, const struct att_yaml_node *root)
{
    struct agent_conf *c = r->conf;
    int64_t pcr = AGENT_OWN_PCR;
    enum att_err err = text_at(r, root, "tcti", &c->tcti);

    if (err == ATT_OK) {
        err = int_at(r, root, "own_pcr", 23, &pcr);
    }
    if (err == ATT_OK && (pcr < 8 || pcr > 15)) {
        /* 0-7 are the firmware's; 16 and above can be reset and do not move the update counter */
        return att_yaml_fail(att_yaml_get(root, "own_pcr"), ATT_R_CFG_KEY, r->diag,
                             "expected a PCR from 8 to 15, found %lld", (long long)pcr);
    }
    c->own_pcr = (uint32_t)pcr;
    if (err == ATT_OK) {
        err = conf_handle_at(r, root, "ak_handle", 0x817fffffU, &c->ak_handle);
    }
    if (err == ATT_OK) {
        err = conf_read_factory(r, root);
    }
    return err != ATT_OK ? err : read_ek_files(r, root);
}

static enum att_err read_log(struct reader *r, const struct att_yaml_node *map, const char *key,
                             const char **out, bool *is_auto)
{
    const struct att_yaml_node *n = map == NULL ? NULL : att_yaml_get(map, key);
    const char *text = "auto";
    enum att_err err = ATT_OK;

    if (n != NULL) {
        err = att_yaml_text(n, &text, CONF_TEXT_MAX, r->diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *is_auto = strcmp(text, "auto") == 0;
    if (*is_auto) { /* *out holds the kernel's own path */
        return ATT_OK;
    }
    *out = NULL;
    return strcmp(text, "none") == 0 ? ATT_OK : conf_keep_path(r, n, text, out);
}

static enum att_err read_logs(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"uefi", "ima", NULL};
    const struct att_yaml_node *map = att_yaml_get(root, "logs");
    enum att_err err = map == NULL ? ATT_OK : att_yaml_only(map, keys, r->diag);

    if (err == ATT_OK) {
        err = read_log(r, map, "uefi", &r->conf->uefi_log, &r->conf->uefi_auto);
    }
    if (err == ATT_OK) {
        err = read_log(r, map, "ima", &r->conf->ima_log, &r->conf->ima_auto);
    }
    return err;
}

static enum att_err read_size(struct reader *r, const struct att_yaml_node *root)
{
    const struct att_yaml_node *n = att_yaml_get(root, "evidence_max");
    int64_t bytes = 0;
    enum att_err err = ATT_OK;

    if (n == NULL) {
        return ATT_OK;
    }
    err = att_yaml_int(n, AGENT_EVIDENCE_MIN, ATT_EVIDENCE_MAX, &bytes, r->diag);
    if (err == ATT_OK) {
        r->conf->evidence_max = (size_t)bytes;
    }
    return err;
}

static enum att_err read_times(struct reader *r, const struct att_yaml_node *root)
{
    struct agent_conf *c = r->conf;
    int64_t threads = c->hash_threads;
    enum att_err err = duration_at(r, root, "interval", &c->interval_ms);

    if (err == ATT_OK) {
        err = duration_at(r, root, "rescan", &c->rescan_ms);
    }
    if (err == ATT_OK) {
        err = duration_at(r, root, "rehash", &c->rehash_ms);
    }
    if (err == ATT_OK) {
        err = int_at(r, root, "hash_threads", AGENT_THREADS_MAX, &threads);
    }
    if (err == ATT_OK && threads == 0) {
        return att_yaml_fail(att_yaml_get(root, "hash_threads"), ATT_R_CFG_KEY, r->diag,
                             "expected 1 to %d threads", AGENT_THREADS_MAX);
    }
    c->hash_threads = (int)threads;
    return err;
}

static enum att_err read_words(struct reader *r, const struct att_yaml_node *list, size_t max,
                               struct agent_root *out)
{
    size_t count = list == NULL ? 0 : att_yaml_count(list);

    if (list == NULL) {
        return ATT_OK;
    }
    if (att_yaml_type(list) != ATT_YAML_LIST || count > max) {
        return att_yaml_fail(list, ATT_R_CFG_KEY, r->diag, "expected a list of at most %zu", max);
    }
    out->word = att_pool_get(&r->conf->pool, (count + 1) * sizeof(*out->word));
    if (out->word == NULL) {
        return no_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        const struct att_yaml_node *n = att_yaml_item(list, i);
        const char *text = NULL;
        enum att_err err = att_yaml_text(n, &text, KEY_MAX, r->diag);

        if (err == ATT_OK && text[0] == '\0') {
            err = att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "expected a word, found nothing");
        }
        if (err == ATT_OK) {
            err = keep(r, text, &out->word[i]);
        }
        if (err != ATT_OK) {
            return err;
        }
    }
    out->word_count = count;
    return ATT_OK;
}

static enum att_err read_format(struct reader *r, const struct att_yaml_node *map,
                                enum agent_format *out)
{
    static const char *const name[] = {"ini", "env", "words", "yaml"};
    const struct att_yaml_node *n = att_yaml_get(map, "format");
    const char *text = NULL;
    enum att_err err = ATT_OK;

    if (n == NULL) {
        return att_yaml_fail(map, ATT_R_CFG_KEY, r->diag,
                             "expected format: ini, env, words or yaml");
    }
    err = att_yaml_text(n, &text, KEY_MAX, r->diag);
    if (err != ATT_OK) {
        return err;
    }
    for (size_t i = 0; i < ATT_COUNT(name); i++) {
        if (strcmp(text, name[i]) == 0) {
            *out = (enum agent_format)i;
            return ATT_OK;
        }
    }
    return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "expected ini, env, words or yaml");
}

static enum att_err read_config_root(struct reader *r, const struct att_yaml_node *map,
                                     struct agent_root *out)
{
    static const char *const keys[] = {"file", "format", "keys", NULL};
    const struct att_yaml_node *list = NULL;
    enum att_err err = ATT_OK;

    if (att_yaml_type(map) != ATT_YAML_MAP) {
        return att_yaml_fail(map, ATT_R_CFG_KEY, r->diag, "expected {file: , format: , keys: []}");
    }
    err = att_yaml_only(map, keys, r->diag);
    if (err == ATT_OK) {
        err = path_at(r, map, "file", &out->path);
    }
    if (err == ATT_OK) {
        err = read_format(r, map, &out->format);
    }
    list = att_yaml_get(map, "keys");
    if (err == ATT_OK && (out->path == NULL || list == NULL || att_yaml_count(list) == 0)) {
        err = att_yaml_fail(map, ATT_R_CFG_KEY, r->diag, "expected a file and at least one key");
    }
    return err != ATT_OK ? err : read_words(r, list, AGENT_KEYS_MAX, out);
}

static enum att_err read_root(struct reader *r, const struct att_yaml_node *map,
                              struct agent_root *out)
{
    static const char *const file_keys[] = {"file", NULL};
    static const char *const tree_keys[] = {"tree", "exclude", NULL};
    static const char *const block_keys[] = {"block", NULL};
    static const char *const config_keys[] = {"config", NULL};
    static const char *const *const keys[] = {file_keys, tree_keys, block_keys, config_keys};

    if (att_yaml_type(map) != ATT_YAML_MAP) {
        return att_yaml_fail(map, ATT_R_CFG_KEY, r->diag,
                             "expected {file: }, {tree: }, {block: } or {config: }");
    }
    for (size_t i = 0; i < ATT_COUNT(keys); i++) {
        enum att_err err = ATT_OK;

        if (att_yaml_get(map, keys[i][0]) == NULL) {
            continue;
        }
        out->kind = (enum agent_root_kind)i;
        err = att_yaml_only(map, keys[i], r->diag);
        if (err != ATT_OK) {
            return err;
        }
        if (out->kind == ROOT_CONFIG) {
            return read_config_root(r, att_yaml_get(map, "config"), out);
        }
        err = path_at(r, map, keys[i][0], &out->path);
        return err != ATT_OK ? err
                             : read_words(r, att_yaml_get(map, "exclude"), AGENT_EXCLUDES_MAX, out);
    }
    return att_yaml_fail(map, ATT_R_CFG_KEY, r->diag,
                         "expected {file: }, {tree: }, {block: } or {config: }");
}

static enum att_err read_measure(struct reader *r, const struct att_yaml_node *root)
{
    const struct att_yaml_node *list = att_yaml_get(root, "measure");
    size_t count = list == NULL ? 0 : att_yaml_count(list);

    if (list == NULL) {
        return ATT_OK;
    }
    if (att_yaml_type(list) != ATT_YAML_LIST || count > AGENT_ROOTS_MAX) {
        return att_yaml_fail(list, ATT_R_CFG_KEY, r->diag, "expected a list of at most %d entries",
                             AGENT_ROOTS_MAX);
    }
    r->conf->root = att_pool_get(&r->conf->pool, (count + 1) * sizeof(*r->conf->root));
    if (r->conf->root == NULL) {
        return no_memory(r);
    }
    for (size_t i = 0; i < count; i++) {
        enum att_err err = read_root(r, att_yaml_item(list, i), &r->conf->root[i]);

        if (err != ATT_OK) {
            return err;
        }
    }
    r->conf->root_count = count;
    return ATT_OK;
}

static enum att_err read_specification(struct reader *r, const struct att_yaml_node *root)
{
    struct agent_conf *c = r->conf;
    enum att_err err = path_at(r, root, "specification", &c->specification);

    if (err == ATT_OK) {
        err = path_at(r, root, "specification_signers", &c->specification_signers);
    }
    if (err == ATT_OK && (c->specification == NULL) != (c->specification_signers == NULL)) {
        return att_yaml_fail(root, ATT_R_CFG_KEY, r->diag,
                             "expected specification and specification_signers together");
    }
    return err;
}

static enum att_err read_all(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"verifier",
                                       "verifier_ca",
                                       "proxy",
                                       "state_dir",
                                       "tcti",
                                       "own_pcr",
                                       "ak_handle",
                                       "ek_certificates",
                                       "logs",
                                       "interval",
                                       "rescan",
                                       "rehash",
                                       "hash_threads",
                                       "measure",
                                       "specification",
                                       "specification_signers",
                                       "devices",
                                       "data",
                                       "publish",
                                       "evidence_max",
                                       "iak_handle",
                                       "iak_certificates",
                                       "idevid_handle",
                                       "idevid_certificates",
                                       NULL};
    static enum att_err (*const part[])(struct reader *, const struct att_yaml_node *) = {
        read_verifier, read_tpm,     read_logs,          read_size,
        read_times,    read_measure, read_specification, conf_read_data};
    enum att_err err = ATT_OK;

    if (att_yaml_type(root) != ATT_YAML_MAP) {
        return att_yaml_fail(root, ATT_R_CFG_KEY, r->diag, "expected keys and values");
    }
    err = att_yaml_only(root, keys, r->diag);
    if (err == ATT_OK) {
        err = path_at(r, root, "state_dir", &r->conf->state_dir);
    }
    for (size_t i = 0; i < ATT_COUNT(part) && err == ATT_OK; i++) {
        err = part[i](r, root);
    }
    return err;
}

enum att_err agent_conf_parse(struct agent_conf **out, const char *path, struct att_slice in,
                              struct att_diag *diag)
{
    ATT_CLEANUP(agent_conf_freep) struct agent_conf *c = calloc(1, sizeof(*c));
    ATT_CLEANUP(att_yaml_freep) struct att_yaml *y = NULL;
    struct reader r = {.conf = c, .path = path, .diag = diag};
    enum att_err err = ATT_OK;

    if (c == NULL) {
        return no_memory(&r);
    }
    c->state_dir = AGENT_STATE_DEFAULT;
    c->own_pcr = AGENT_OWN_PCR;
    c->ak_handle = HW_AK_HANDLE;
    c->uefi_log = HW_LOG_UEFI;
    c->ima_log = HW_LOG_IMA;
    c->evidence_max = ATT_EVIDENCE_MAX;
    c->interval_ms = 600000;
    c->rescan_ms = 60000;
    c->rehash_ms = 6LL * 3600000;
    c->hash_threads = 2;
    err = att_yaml_parse(&y, path, in, diag);
    if (err == ATT_OK) {
        err = read_all(&r, att_yaml_root(y));
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = c;
    c = NULL;
    return ATT_OK;
}

/* The names of measured files are absolute, however the configuration was named. */
enum att_err agent_conf_load(struct agent_conf **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    char real[PATH_MAX];
    enum att_err err = att_file_read(&text, path, ATT_YAML_CAP, diag);

    if (err != ATT_OK) {
        return err;
    }
    return agent_conf_parse(out, realpath(path, real) != NULL ? real : path, att_buf_slice(text),
                            diag);
}
