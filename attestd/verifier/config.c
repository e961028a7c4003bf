/* attestd.yaml into struct config; one reader a section, one statement a key. */
#include "verifier/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "codec/yaml.h"
#include "evidence/context.h"

#define TEXT_MAX      512
#define FILE_SCHEME   "file:"
#define PKCS11_SCHEME "pkcs11:"
#define SOCKET_MAX    107 /* sun_path */

#define KIB 1024
#define MIB (1024 * KIB)
#define GIB (1024LL * MIB)
#define SEC 1000LL
#define DAY (86400 * SEC)

/* What the readers share. */
struct reader {
    struct config *cfg;
    struct att_diag *diag;
    const char *folder; /* of the configuration file, with its last slash, or empty */
};

void config_free(struct config *cfg)
{
    if (cfg == NULL) {
        return;
    }
    att_pool_clear(&cfg->pool);
    free(cfg);
}

void config_freep(struct config **cfg)
{
    config_free(*cfg);
    *cfg = NULL;
}

/* Three parts joined; NULL when memory ran out. */
static const char *keep(struct config *cfg, const char *a, const char *b, const char *c)
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
static const char *keep_folder(struct config *cfg, const char *path)
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

static enum att_err no_memory(struct reader *r)
{
    return att_fail(r->diag, ATT_E_NOMEM, ATT_R_NOMEM, "config", "no memory for the configuration");
}

static enum att_err read_text(struct reader *r, const char **out, const struct att_yaml_node *map,
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
    *out = keep(r->cfg, text, "", "");
    return *out == NULL ? no_memory(r) : ATT_OK;
}

static enum att_err need_text(struct reader *r, const char **out, const struct att_yaml_node *map,
                              const char *key)
{
    if (att_yaml_get(map, key) == NULL) {
        return att_yaml_fail(map, ATT_R_CFG_KEY, r->diag, "%s is missing", key);
    }
    return read_text(r, out, map, key);
}

static enum att_err anchor_path(struct reader *r, const char **path, const char *scheme)
{
    const char *rest = *path + strlen(scheme);

    *path = keep(r->cfg, scheme, rest[0] == '/' ? "" : r->folder, rest);
    return *path == NULL ? no_memory(r) : ATT_OK;
}

static enum att_err read_path(struct reader *r, const char **out, const struct att_yaml_node *map,
                              const char *key)
{
    enum att_err err = read_text(r, out, map, key);

    if (err != ATT_OK || *out == NULL) {
        return err;
    }
    return anchor_path(r, out, "");
}

static enum att_err need_path(struct reader *r, const char **out, const struct att_yaml_node *map,
                              const char *key)
{
    enum att_err err = need_text(r, out, map, key);

    if (err != ATT_OK) {
        return err;
    }
    return anchor_path(r, out, "");
}

/* "file:PATH" or "pkcs11:...": where a private key that signs lives. */
static enum att_err need_key(struct reader *r, const char **out, const struct att_yaml_node *map,
                             const char *key)
{
    enum att_err err = need_text(r, out, map, key);

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

static enum att_err read_bool(struct reader *r, bool *out, const struct att_yaml_node *map,
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
static enum att_err read_address(struct reader *r, const char **host, uint16_t *port,
                                 const struct att_yaml_node *map, const char *key)
{
    const char *text = NULL;
    char *copy = NULL;
    char *colon = NULL;
    enum att_err err = read_text(r, &text, map, key);

    if (err != ATT_OK || text == NULL) {
        return err;
    }
    copy = strdup(text);
    if (copy == NULL) {
        return no_memory(r);
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
        *host = keep(r->cfg, v6 ? copy + 1 : copy, "", "");
    }
    free(copy);
    if (err != ATT_OK) {
        return att_yaml_fail(att_yaml_get(map, key), ATT_R_CFG_KEY, r->diag,
                             "%s: expected ADDRESS:PORT or \"[ADDRESS]:PORT\"", key);
    }
    return *host == NULL ? no_memory(r) : ATT_OK;
}

static enum att_err need_map(struct reader *r, const struct att_yaml_node **out,
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

static enum att_err read_tls(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"cert", "key", NULL};
    const struct att_yaml_node *n = NULL;
    enum att_err err = need_map(r, &n, root, "tls");

    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK) {
        err = need_path(r, &r->cfg->tls.cert, n, "cert");
    }
    if (err == ATT_OK) {
        err = need_path(r, &r->cfg->tls.key, n, "key");
    }
    return err;
}

static enum att_err read_device_ca(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"cert", "key", NULL};
    const struct att_yaml_node *n = NULL;
    enum att_err err = need_map(r, &n, root, "device_ca");

    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK) {
        err = need_path(r, &r->cfg->device_ca.cert, n, "cert");
    }
    if (err == ATT_OK) {
        err = need_key(r, &r->cfg->device_ca.key, n, "key");
    }
    return err;
}

static enum att_err read_label(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"chain", "key", NULL};
    const struct att_yaml_node *n = NULL;
    enum att_err err = need_map(r, &n, root, "label");

    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK) {
        err = need_path(r, &r->cfg->label_chain, n, "chain");
    }
    if (err == ATT_OK) {
        err = need_key(r, &r->cfg->label_key, n, "key");
    }
    return err;
}

static enum att_err read_product(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"manufacturer", "model",   "hardware_version",
                                       "support_end",  "contact", NULL};
    struct config_product *p = &r->cfg->product;
    const char **into[] = {&p->manufacturer, &p->model, &p->hardware_version, &p->support_end,
                           &p->contact};
    const struct att_yaml_node *n = NULL;
    enum att_err err = ATT_OK;

    if (att_yaml_get(root, "product") == NULL) {
        return ATT_OK;
    }
    err = need_map(r, &n, root, "product");
    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(into); i++) {
        err = read_text(r, into[i], n, keys[i]);
    }
    return err;
}

struct size_key {
    const char *key;
    size_t *out;
    int64_t min, max;
};

static enum att_err read_sizes(struct reader *r, const struct att_yaml_node *n,
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

static enum att_err read_duration(struct reader *r, int64_t *out, const struct att_yaml_node *map,
                                  const char *key)
{
    const struct att_yaml_node *n = att_yaml_get(map, key);

    return n == NULL ? ATT_OK : att_yaml_duration_ms(n, 100, DAY, out, r->diag);
}

static enum att_err read_limits(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"request_deadline",
                                       "idle",
                                       "body",
                                       "enrol_body",
                                       "inflight",
                                       "connections",
                                       "connections_per_peer",
                                       "sessions",
                                       "sessions_per_device",
                                       "enrolments",
                                       "appraiser_memory",
                                       "appraiser_evidences",
                                       NULL};
    struct config_limits *l = &r->cfg->limits;
    const struct size_key sizes[] = {
        {"body", &l->body, 16 * KIB, 8 * MIB},
        {"enrol_body", &l->enrol_body, 16 * KIB, 1 * MIB},
        {"inflight", &l->inflight, 1 * MIB, 4 * GIB},
        {"connections", &l->connections, 1, 65536},
        {"connections_per_peer", &l->connections_per_peer, 1, 65536},
        {"sessions", &l->sessions, 1, 1048576},
        {"sessions_per_device", &l->sessions_per_device, 1, 1024},
        {"enrolments", &l->enrolments, 1, 65536},
        {"appraiser_memory", &l->appraiser_memory, 64 * MIB, 16 * GIB},
        {"appraiser_evidences", &l->appraiser_evidences, 1, 1000000},
    };
    const struct att_yaml_node *n = NULL;
    enum att_err err = ATT_OK;

    if (att_yaml_get(root, "limits") == NULL) {
        return ATT_OK;
    }
    err = need_map(r, &n, root, "limits");
    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK) {
        err = read_duration(r, &l->request_deadline_ms, n, "request_deadline");
    }
    if (err == ATT_OK) {
        err = read_duration(r, &l->idle_ms, n, "idle");
    }
    if (err == ATT_OK) {
        err = read_sizes(r, n, sizes, ATT_COUNT(sizes));
    }
    return err;
}

static enum att_err read_evidence(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"key", "keep", "per_gateway", "database", NULL};
    struct config_evidence *e = &r->cfg->evidence;
    const struct size_key sizes[] = {{"per_gateway", &e->per_gateway, 1 * MIB, 1024 * GIB},
                                     {"database", &e->database, 16 * MIB, 65536 * GIB}};
    const struct att_yaml_node *n = NULL;
    const struct att_yaml_node *keep_for = NULL;
    enum att_err err = ATT_OK;

    e->key = keep(r->cfg, r->cfg->state_dir, "/", "evidence.key");
    if (e->key == NULL) {
        return no_memory(r);
    }
    if (att_yaml_get(root, "evidence") == NULL) {
        return ATT_OK;
    }
    err = need_map(r, &n, root, "evidence");
    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK) {
        err = read_path(r, &e->key, n, "key");
    }
    keep_for = err == ATT_OK ? att_yaml_get(n, "keep") : NULL;
    if (keep_for != NULL) {
        err = att_yaml_duration_ms(keep_for, DAY / 24, 36600 * DAY, &e->keep_ms, r->diag);
    }
    return err == ATT_OK ? read_sizes(r, n, sizes, ATT_COUNT(sizes)) : err;
}

static enum att_err read_service(struct reader *r, const struct att_yaml_node *root)
{
    struct config *cfg = r->cfg;
    const struct size_key fronts[] = {{"fronts", &cfg->fronts, 1, CONFIG_FRONTS_MAX}};
    enum att_err err = need_text(r, &cfg->verifier_id, root, "verifier_id");

    if (err == ATT_OK && strlen(cfg->verifier_id) > ATT_VERIFIER_ID_MAX) {
        err = att_yaml_fail(att_yaml_get(root, "verifier_id"), ATT_R_CFG_KEY, r->diag,
                            "verifier_id is longer than %d characters", ATT_VERIFIER_ID_MAX);
    }
    if (err == ATT_OK) {
        err = read_address(r, &cfg->listen_host, &cfg->listen_port, root, "listen");
    }
    if (err == ATT_OK) {
        err = read_address(r, &cfg->operator_host, &cfg->operator_port, root, "operator");
    }
    if (err == ATT_OK) {
        err = read_path(r, &cfg->admin_socket, root, "admin_socket");
    }
    if (err == ATT_OK && cfg->admin_socket != NULL && strlen(cfg->admin_socket) > SOCKET_MAX) {
        err = att_yaml_fail(att_yaml_get(root, "admin_socket"), ATT_R_CFG_KEY, r->diag,
                            "admin_socket is longer than %d bytes: %s", SOCKET_MAX,
                            cfg->admin_socket);
    }
    if (err == ATT_OK) {
        err = read_bool(r, &cfg->public_labels, root, "public");
    }
    if (err == ATT_OK) {
        err = read_sizes(r, root, fronts, ATT_COUNT(fronts));
    }
    return err;
}

static enum att_err read_judging(struct reader *r, const struct att_yaml_node *root)
{
    struct config *cfg = r->cfg;
    enum att_err err = need_path(r, &cfg->state_dir, root, "state_dir");

    if (err == ATT_OK) {
        err = need_path(r, &cfg->policy, root, "policy");
    }
    if (err == ATT_OK) {
        err = read_path(r, &cfg->refvals, root, "refvals");
    }
    if (err == ATT_OK) {
        err = read_path(r, &cfg->ek_anchors, root, "ek_anchors");
    }
    if (err == ATT_OK) {
        err = read_path(r, &cfg->ek_crls, root, "ek_crls");
    }
    if (err == ATT_OK) {
        err = config_read_ek(cfg, root, r->diag);
    }
    if (err == ATT_OK) {
        err = read_bool(r, &cfg->insecure_file_key, root, "insecure_file_key");
    }
    if (err == ATT_OK) {
        err = read_duration(r, &cfg->nonce_ttl_ms, root, "nonce_ttl");
    }
    return err;
}

static enum att_err read_root(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"verifier_id",
                                       "listen",
                                       "operator",
                                       "admin_socket",
                                       "state_dir",
                                       "tls",
                                       "device_ca",
                                       "label",
                                       "product",
                                       "policy",
                                       "refvals",
                                       "ek_anchors",
                                       "ek_crls",
                                       "ek_revocation",
                                       "ek_workarounds",
                                       "tpm_deny",
                                       "insecure_file_key",
                                       "public",
                                       "fronts",
                                       "nonce_ttl",
                                       "limits",
                                       "evidence",
                                       NULL};
    enum att_err (*const part[])(struct reader *, const struct att_yaml_node *) = {
        read_service, read_judging, read_tls,    read_device_ca,
        read_label,   read_product, read_limits, read_evidence,
    };
    enum att_err err = ATT_OK;

    if (att_yaml_type(root) != ATT_YAML_MAP) {
        return att_yaml_fail(root, ATT_R_CFG_KEY, r->diag, "expected a map");
    }
    err = att_yaml_only(root, keys, r->diag);
    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(part); i++) {
        err = part[i](r, root);
    }
    return err;
}

static struct config *defaults(void)
{
    struct config *cfg = calloc(1, sizeof(*cfg));

    if (cfg == NULL) {
        return NULL;
    }
    *cfg = (struct config){
        .listen_host = "0.0.0.0",
        .listen_port = 8443,
        .fronts = 1,
        .nonce_ttl_ms = 120 * SEC,
        .evidence = {.keep_ms = 90 * DAY, .per_gateway = 64 * MIB, .database = 16 * GIB},
        .ek_revocation = ATT_CRL_REQUIRED,
        .ek_workarounds = ATT_EK_FIX_ALL,
        .limits = {.request_deadline_ms = 10 * SEC,
                   .idle_ms = 60 * SEC,
                   .body = 8 * MIB,
                   .enrol_body = 128 * KIB,
                   .inflight = 256 * MIB,
                   .connections = 4096,
                   .connections_per_peer = 256,
                   .sessions = 65536,
                   .sessions_per_device = 8,
                   .enrolments = 256,
                   .appraiser_memory = 512 * MIB,
                   .appraiser_evidences = 1000},
    };
    return cfg;
}

enum att_err config_parse(struct config **out, const char *path, struct att_slice in,
                          struct att_diag *diag)
{
    ATT_CLEANUP(config_freep) struct config *cfg = defaults();
    ATT_CLEANUP(att_yaml_freep) struct att_yaml *yaml = NULL;
    struct reader r = {.cfg = cfg, .diag = diag};
    const char *slash = strrchr(path, '/');
    enum att_err err = ATT_OK;

    if (cfg == NULL) {
        return no_memory(&r);
    }
    cfg->path = keep(cfg, path, "", "");
    r.folder = keep_folder(cfg, path);
    if (cfg->path == NULL || r.folder == NULL) {
        return no_memory(&r);
    }
    err = att_yaml_parse(&yaml, slash == NULL ? path : slash + 1, in, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = read_root(&r, att_yaml_root(yaml));
    if (err != ATT_OK) {
        return err;
    }
    *out = cfg;
    cfg = NULL;
    return ATT_OK;
}

enum att_err config_load(struct config **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    enum att_err err = att_file_read(&text, path, ATT_YAML_CAP, diag);

    if (err != ATT_OK) {
        return err;
    }
    return config_parse(out, path, att_buf_slice(text), diag);
}
