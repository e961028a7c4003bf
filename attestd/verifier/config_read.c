/* Readers of single keys of attestd.yaml. */
#include "verifier/config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX      512
#define FILE_SCHEME   "file:"
#define PKCS11_SCHEME "pkcs11:"
#define SEC           1000LL
#define DAY           (86400 * SEC)

/* Three parts joined; NULL when memory ran out. */
const char *config_keep(struct config *cfg, const char *a, const char *b, const char *c)
{
    size_t cap = strlen(a) + strlen(b) + strlen(c) + 1;
    char *text = att_pool_get(&cfg->pool, cap);

    if (text == NULL) {
        return NULL;
    }
    (void)snprintf(text, cap, "%s%s%s", a, b, c);
    return text;
}

/* The folder of path with its last slash, or empty. */
const char *config_keep_folder(struct config *cfg, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    char *text = att_pool_get(&cfg->pool, len + 1);

    if (text == NULL) {
        return NULL;
    }
    memcpy(text, path, len);
    return text;
}

enum att_err config_no_memory(struct reader *r)
{
    return att_fail(r->diag, ATT_E_NOMEM, ATT_R_NOMEM, "config", "no memory for the configuration");
}

enum att_err config_read_text(struct reader *r, const char **out, const struct att_yaml_node *map,
                              const char *key)
{
    const struct att_yaml_node *n = att_yaml_get(map, key);
    const char *text = NULL;
    enum att_err err = ATT_OK;

    if (n == NULL) {
        return ATT_OK;
    }
    err = att_yaml_text(n, &text, TEXT_MAX, r->diag);
    if (err != ATT_OK) {
        return err;
    }
    if (text[0] == '\0') {
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "%s is empty; leave it out instead", key);
    }
    *out = config_keep(r->cfg, text, "", "");
    return *out == NULL ? config_no_memory(r) : ATT_OK;
}

enum att_err config_need_text(struct reader *r, const char **out, const struct att_yaml_node *map,
                              const char *key)
{
    if (att_yaml_get(map, key) == NULL) {
        return att_yaml_fail(map, ATT_R_CFG_KEY, r->diag, "%s is missing", key);
    }
    return config_read_text(r, out, map, key);
}

static enum att_err anchor_path(struct reader *r, const char **path, const char *scheme)
{
    const char *rest = *path + strlen(scheme);

    *path = config_keep(r->cfg, scheme, rest[0] == '/' ? "" : r->folder, rest);
    return *path == NULL ? config_no_memory(r) : ATT_OK;
}

enum att_err config_read_path(struct reader *r, const char **out, const struct att_yaml_node *map,
                              const char *key)
{
    enum att_err err = config_read_text(r, out, map, key);

    if (err != ATT_OK || *out == NULL) {
        return err;
    }
    return anchor_path(r, out, "");
}

enum att_err config_need_path(struct reader *r, const char **out, const struct att_yaml_node *map,
                              const char *key)
{
    enum att_err err = config_need_text(r, out, map, key);

    if (err != ATT_OK) {
        return err;
    }
    return anchor_path(r, out, "");
}

/* "file:PATH" or "pkcs11:...": where a private key that signs lives. */
enum att_err config_need_key(struct reader *r, const char **out, const struct att_yaml_node *map,
                             const char *key)
{
    enum att_err err = config_need_text(r, out, map, key);

    if (err != ATT_OK) {
        return err;
    }
    if (strncmp(*out, PKCS11_SCHEME, strlen(PKCS11_SCHEME)) == 0) {
        return ATT_OK;
    }
    if (strncmp(*out, FILE_SCHEME, strlen(FILE_SCHEME)) == 0) {
        return anchor_path(r, out, FILE_SCHEME);
    }
    return att_yaml_fail(att_yaml_get(map, key), ATT_R_CFG_KEY, r->diag,
                         "%s: expected file:PATH or pkcs11:...", key);
}

enum att_err config_read_bool(struct reader *r, bool *out, const struct att_yaml_node *map,
                              const char *key)
{
    const struct att_yaml_node *n = att_yaml_get(map, key);

    return n == NULL ? ATT_OK : att_yaml_bool(n, out, r->diag);
}

static enum att_err parse_port(uint16_t *out, const char *text)
{
    size_t len = strlen(text);
    unsigned long v = 0;

    if (len == 0 || len > 5 || strspn(text, "0123456789") != len) {
        return ATT_E_FORMAT;
    }
    v = strtoul(text, NULL, 10);
    if (v > UINT16_MAX) {
        return ATT_E_LIMIT;
    }
    *out = (uint16_t)v;
    return ATT_OK;
}

/* "host:port" or "[v6]:port". */
enum att_err config_read_address(struct reader *r, const char **host, uint16_t *port,
                                 const struct att_yaml_node *map, const char *key)
{
    const char *text = NULL;
    char *copy = NULL;
    char *colon = NULL;
    enum att_err err = config_read_text(r, &text, map, key);

    if (err != ATT_OK || text == NULL) {
        return err;
    }
    copy = strdup(text);
    if (copy == NULL) {
        return config_no_memory(r);
    }
    colon = strrchr(copy, ':');
    err = colon == NULL || colon == copy ? ATT_E_FORMAT : parse_port(port, colon + 1);
    if (err == ATT_OK) {
        bool v6 = copy[0] == '[' && colon[-1] == ']';

        *colon = '\0';
        if (v6) {
            colon[-1] = '\0';
        }
        err = !v6 && strchr(copy, ':') != NULL ? ATT_E_FORMAT : ATT_OK;
        *host = config_keep(r->cfg, v6 ? copy + 1 : copy, "", "");
    }
    free(copy);
    if (err != ATT_OK) {
        return att_yaml_fail(att_yaml_get(map, key), ATT_R_CFG_KEY, r->diag,
                             "%s: expected ADDRESS:PORT or \"[ADDRESS]:PORT\"", key);
    }
    return *host == NULL ? config_no_memory(r) : ATT_OK;
}

enum att_err config_need_map(struct reader *r, const struct att_yaml_node **out,
                             const struct att_yaml_node *root, const char *key)
{
    const struct att_yaml_node *n = att_yaml_get(root, key);

    if (n == NULL) {
        return att_yaml_fail(root, ATT_R_CFG_KEY, r->diag, "%s is missing", key);
    }
    if (att_yaml_type(n) != ATT_YAML_MAP) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "%s: expected a map", key);
    }
    *out = n;
    return ATT_OK;
}

enum att_err config_read_sizes(struct reader *r, const struct att_yaml_node *n,
                               const struct size_key *row, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct att_yaml_node *v = att_yaml_get(n, row[i].key);
        int64_t value = 0;
        enum att_err err = ATT_OK;

        if (v == NULL) {
            continue;
        }
        err = att_yaml_int(v, row[i].min, row[i].max, &value, r->diag);
        if (err != ATT_OK) {
            return err;
        }
        *row[i].out = (size_t)value;
    }
    return ATT_OK;
}

enum att_err config_read_duration(struct reader *r, int64_t *out, const struct att_yaml_node *map,
                                  const char *key)
{
    const struct att_yaml_node *n = att_yaml_get(map, key);

    return n == NULL ? ATT_OK : att_yaml_duration_ms(n, 100, DAY, out, r->diag);
}
