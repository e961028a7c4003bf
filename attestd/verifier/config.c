/* attestd.yaml into struct config; one reader a section, one statement a key. */
#include "verifier/config_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/status_list.h"
#include "base/buf.h"
#include "base/file.h"
#include "codec/yaml.h"
#include "evidence/context.h"

#define SOCKET_MAX 107 /* sun_path */
#define URI_MAX    200 /* with /status/v1/N it stays below ATT_STATUS_URI_MAX */

#define KIB 1024
#define MIB (1024 * KIB)
#define GIB (1024LL * MIB)
#define SEC 1000LL
#define DAY (86400 * SEC)

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

struct store_place config_store(const struct config *cfg)
{
    return (struct store_place){.folder = cfg->state_dir, .postgresql = cfg->postgresql};
}

static enum att_err read_store(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"postgresql", NULL};
    const struct att_yaml_node *n = NULL;
    struct att_diag why = {0};
    enum att_err err = ATT_OK;

    if (att_yaml_get(root, "store") == NULL) {
        return ATT_OK;
    }
    err = config_need_map(r, &n, root, "store");
    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK) {
        err = config_need_text(r, &r->cfg->postgresql, n, "postgresql");
    }
    if (err == ATT_OK && store_conninfo_check(r->cfg->postgresql, &why) != ATT_OK) {
        err = att_yaml_fail(att_yaml_get(n, "postgresql"), ATT_R_CFG_KEY, r->diag, "%s", why.text);
    }
    return err;
}

static enum att_err read_tls(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"cert", "key", NULL};
    const struct att_yaml_node *n = NULL;
    enum att_err err = config_need_map(r, &n, root, "tls");

    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK) {
        err = config_need_path(r, &r->cfg->tls.cert, n, "cert");
    }
    if (err == ATT_OK) {
        err = config_need_path(r, &r->cfg->tls.key, n, "key");
    }
    return err;
}

static enum att_err read_device_ca(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"cert", "key", NULL};
    const struct att_yaml_node *n = NULL;
    enum att_err err = config_need_map(r, &n, root, "device_ca");

    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK) {
        err = config_need_path(r, &r->cfg->device_ca.cert, n, "cert");
    }
    if (err == ATT_OK) {
        err = config_need_key(r, &r->cfg->device_ca.key, n, "key");
    }
    return err;
}

static enum att_err read_label(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"chain", "key", NULL};
    const struct att_yaml_node *n = NULL;
    enum att_err err = config_need_map(r, &n, root, "label");

    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &r->cfg->keys, root, "keys");
    }
    if (err == ATT_OK && r->cfg->keys == NULL) {
        r->cfg->keys = config_keep(r->cfg, r->cfg->state_dir, "/keys", "");
        err = r->cfg->keys == NULL ? config_no_memory(r) : ATT_OK;
    }
    if (err == ATT_OK) {
        err = config_need_path(r, &r->cfg->label_chain, n, "chain");
    }
    if (err == ATT_OK) {
        err = config_need_key(r, &r->cfg->label_key, n, "key");
    }
    return err;
}

static enum att_err read_data_key(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"key", NULL};
    const struct att_yaml_node *n = NULL;
    enum att_err err = ATT_OK;

    if (att_yaml_get(root, "data_key") == NULL) {
        return ATT_OK;
    }
    err = config_need_map(r, &n, root, "data_key");
    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    return err == ATT_OK ? config_need_key(r, &r->cfg->data_key, n, "key") : err;
}

static enum att_err read_log(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"key", "origin", "head", "witnesses", NULL};
    struct config_log *l = &r->cfg->log;
    const struct att_yaml_node *n = NULL;
    enum att_err err = config_need_map(r, &n, root, "log");

    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK) {
        err = config_need_key(r, &l->key, n, "key");
    }
    if (err == ATT_OK) {
        err = config_read_text(r, &l->origin, n, "origin");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &l->head, n, "head");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &l->witnesses, n, "witnesses");
    }
    if (err != ATT_OK) {
        return err;
    }
    if (l->origin == NULL) {
        l->origin = r->cfg->verifier_id;
    }
    if (l->head == NULL) {
        l->head = config_keep(r->cfg, r->cfg->state_dir, "/log-head", "");
    }
    return l->head == NULL ? config_no_memory(r) : ATT_OK;
}

static enum att_err read_uri(struct reader *r, const struct att_yaml_node *n,
                             const struct att_yaml_node *root)
{
    struct config_status *s = &r->cfg->status;
    enum att_err err = n != NULL ? config_read_text(r, &s->uri, n, "uri") : ATT_OK;

    if (err != ATT_OK) {
        return err;
    }
    if (s->uri == NULL) {
        s->uri = config_keep(r->cfg, "https://", r->cfg->verifier_id, "");
    }
    if (s->uri == NULL) {
        return config_no_memory(r);
    }
    if (!att_status_uri_ok(s->uri) || strlen(s->uri) > URI_MAX) {
        return att_yaml_fail(n != NULL ? n : root, ATT_R_CFG_KEY, r->diag,
                             "status.uri: expected at most %d printable ASCII characters without a "
                             "space, such as https://verifier.example:8443",
                             URI_MAX);
    }
    return ATT_OK;
}

static enum att_err read_status_times(struct reader *r, const struct att_yaml_node *n)
{
    struct config_status *s = &r->cfg->status;
    const struct {
        const char *key;
        int64_t *out;
        int64_t max;
    } times[] = {{"ttl", &s->ttl_ms, 7 * DAY}, {"life", &s->life_ms, 90 * DAY}};
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(times); i++) {
        const struct att_yaml_node *v = att_yaml_get(n, times[i].key);

        err = v != NULL ? att_yaml_duration_ms(v, 2 * SEC, times[i].max, times[i].out, r->diag)
                        : ATT_OK;
    }
    if (err == ATT_OK && s->ttl_ms > s->life_ms) {
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "status: ttl is longer than life");
    }
    return err;
}

static enum att_err read_status(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const keys[] = {"uri", "ttl", "life", "entries", NULL};
    const struct size_key sizes[] = {
        {"entries", &r->cfg->status.entries, 4, ATT_STATUS_BYTES_MAX * 8 / ATT_STATUS_BITS}};
    const struct att_yaml_node *n = NULL;
    enum att_err err = ATT_OK;

    if (att_yaml_get(root, "status") != NULL) {
        err = config_need_map(r, &n, root, "status");
    }
    if (err == ATT_OK && n != NULL) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK && n != NULL) {
        err = config_read_sizes(r, n, sizes, ATT_COUNT(sizes));
    }
    if (err == ATT_OK && n != NULL) {
        err = read_status_times(r, n);
    }
    return err == ATT_OK ? read_uri(r, n, root) : err;
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
    err = config_need_map(r, &n, root, "product");
    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(into); i++) {
        err = config_read_text(r, into[i], n, keys[i]);
    }
    return err;
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
                                       "log_bytes",
                                       "uploads",
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
        {"log_bytes", &l->log_bytes, 64 * KIB, 64 * GIB},
        {"uploads", &l->uploads, 1, 65536},
    };
    const struct att_yaml_node *n = NULL;
    enum att_err err = ATT_OK;

    if (att_yaml_get(root, "limits") == NULL) {
        return ATT_OK;
    }
    err = config_need_map(r, &n, root, "limits");
    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK) {
        err = config_read_duration(r, &l->request_deadline_ms, n, "request_deadline");
    }
    if (err == ATT_OK) {
        err = config_read_duration(r, &l->idle_ms, n, "idle");
    }
    if (err == ATT_OK) {
        err = config_read_sizes(r, n, sizes, ATT_COUNT(sizes));
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

    e->key = config_keep(r->cfg, r->cfg->state_dir, "/", "evidence.key");
    if (e->key == NULL) {
        return config_no_memory(r);
    }
    if (att_yaml_get(root, "evidence") == NULL) {
        return ATT_OK;
    }
    err = config_need_map(r, &n, root, "evidence");
    if (err == ATT_OK) {
        err = att_yaml_only(n, keys, r->diag);
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &e->key, n, "key");
    }
    keep_for = err == ATT_OK ? att_yaml_get(n, "keep") : NULL;
    if (keep_for != NULL) {
        err = att_yaml_duration_ms(keep_for, DAY / 24, 36600 * DAY, &e->keep_ms, r->diag);
    }
    return err == ATT_OK ? config_read_sizes(r, n, sizes, ATT_COUNT(sizes)) : err;
}

static enum att_err read_service(struct reader *r, const struct att_yaml_node *root)
{
    struct config *cfg = r->cfg;
    const struct size_key fronts[] = {{"fronts", &cfg->fronts, 1, CONFIG_FRONTS_MAX}};
    enum att_err err = config_need_text(r, &cfg->verifier_id, root, "verifier_id");

    if (err == ATT_OK && strlen(cfg->verifier_id) > ATT_VERIFIER_ID_MAX) {
        err = att_yaml_fail(att_yaml_get(root, "verifier_id"), ATT_R_CFG_KEY, r->diag,
                            "verifier_id is longer than %d characters", ATT_VERIFIER_ID_MAX);
    }
    if (err == ATT_OK) {
        err = config_read_address(r, &cfg->listen_host, &cfg->listen_port, root, "listen");
    }
    if (err == ATT_OK) {
        err = config_read_address(r, &cfg->operator_host, &cfg->operator_port, root, "operator");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &cfg->admin_socket, root, "admin_socket");
    }
    if (err == ATT_OK && cfg->admin_socket != NULL && strlen(cfg->admin_socket) > SOCKET_MAX) {
        err = att_yaml_fail(att_yaml_get(root, "admin_socket"), ATT_R_CFG_KEY, r->diag,
                            "admin_socket is longer than %d bytes: %s", SOCKET_MAX,
                            cfg->admin_socket);
    }
    if (err == ATT_OK) {
        err = config_read_bool(r, &cfg->public_labels, root, "public");
    }
    if (err == ATT_OK) {
        err = config_read_sizes(r, root, fronts, ATT_COUNT(fronts));
    }
    return err;
}

static enum att_err read_judging(struct reader *r, const struct att_yaml_node *root)
{
    struct config *cfg = r->cfg;
    enum att_err err = config_need_path(r, &cfg->state_dir, root, "state_dir");

    if (err == ATT_OK) {
        err = config_need_path(r, &cfg->policy, root, "policy");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &cfg->policy_signers, root, "policy_signers");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &cfg->transfer_signers, root, "transfer_signers");
    }
    if (err == ATT_OK) {
        err = config_read_bool(r, &cfg->insecure_unsigned_policy, root, "insecure_unsigned_policy");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &cfg->refvals, root, "refvals");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &cfg->notices, root, "notices");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &cfg->notice_signers, root, "notice_signers");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &cfg->ek_anchors, root, "ek_anchors");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &cfg->ek_crls, root, "ek_crls");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &cfg->ek_deny, root, "ek_deny");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &cfg->iak_anchors, root, "iak_anchors");
    }
    if (err == ATT_OK) {
        err = config_read_path(r, &cfg->iak_crls, root, "iak_crls");
    }
    if (err == ATT_OK) {
        err = config_read_ek(cfg, root, r->diag);
    }
    if (err == ATT_OK) {
        err = config_read_bool(r, &cfg->insecure_file_key, root, "insecure_file_key");
    }
    if (err == ATT_OK) {
        err = config_read_duration(r, &cfg->nonce_ttl_ms, root, "nonce_ttl");
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
                                       "store",
                                       "tls",
                                       "device_ca",
                                       "label",
                                       "data_key",
                                       "log",
                                       "status",
                                       "product",
                                       "policy",
                                       "refvals",
                                       "notices",
                                       "notice_signers",
                                       "ek_anchors",
                                       "ek_crls",
                                       "ek_deny",
                                       "ek_revocation",
                                       "ek_workarounds",
                                       "tpm_deny",
                                       "iak",
                                       "iak_anchors",
                                       "iak_crls",
                                       "iak_revocation",
                                       "insecure_file_key",
                                       "public",
                                       "fronts",
                                       "nonce_ttl",
                                       "limits",
                                       "evidence",
                                       "keys",
                                       "policy_signers",
                                       "transfer_signers",
                                       "insecure_unsigned_policy",
                                       NULL};
    enum att_err (*const part[])(struct reader *, const struct att_yaml_node *) = {
        read_service, read_judging, read_store,   read_tls,    read_device_ca, read_label,
        read_log,     read_status,  read_product, read_limits, read_evidence,  read_data_key,
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
        .status = {.ttl_ms = 900 * SEC, .life_ms = DAY, .entries = 1048576},
        .evidence = {.keep_ms = 90 * DAY, .per_gateway = 64 * MIB, .database = 16 * GIB},
        .ek_revocation = ATT_CRL_REQUIRED,
        .ek_workarounds = ATT_EK_FIX_ALL,
        .iak_revocation = ATT_CRL_REQUIRED,
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
                   .appraiser_evidences = 1000,
                   .log_bytes =
                       160 * MIB, /* a million entries of 167 bytes: see docs/formats/logs.md */
                   .uploads = 256},
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
        return config_no_memory(&r);
    }
    cfg->path = config_keep(cfg, path, "", "");
    r.folder = config_keep_folder(cfg, path);
    if (cfg->path == NULL || r.folder == NULL) {
        return config_no_memory(&r);
    }
    err = att_yaml_parse(&yaml, slash == NULL ? path : slash + 1, in, diag);
    if (err != ATT_OK) {
        if (diag != NULL && diag->reason == ATT_R_FMT_YAML) {
            diag->reason = ATT_R_CFG_KEY; /* one code for whoever watches the service start */
        }
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
    enum att_err err = att_file_read_careful(&text, path, ATT_YAML_CAP, ATT_FILE_NAMED, diag);

    if (err != ATT_OK) {
        return err;
    }
    return config_parse(out, path, att_buf_slice(text), diag);
}
