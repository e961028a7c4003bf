/* The verifier's deciding half, driven by messages. */
#include "inproc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "codec/json.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "need.h"
#include "policy/refval.h"
#include "remove_tree.h"
#include "verifier/process.h"
#include "verifier/store/store.h"

int64_t inproc_utc_s = 1800000000;
int64_t inproc_mono_ms = 5000000;

const char inproc_policy[] =
    "policy: inproc\n"
    "version: 1\n"
    "boot_log_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]\n"
    "label_ttl: 4h\n"
    "interval: 10m\n"
    "requirements:\n"
    "  - {id: grade, severity: fail, grade_at_least: E1, title: {en: graded, ja: E1}}\n"
    "  - {id: files, severity: fail, own_items: {under: [/usr, /etc], unlisted: fail},\n"
    "     title: {en: known files, ja: files}}\n";

static int64_t utc_now(void)
{
    return inproc_utc_s;
}

static int64_t mono_now(void)
{
    return inproc_mono_ms;
}

static void write_text(const char *dir, const char *name, struct att_slice text)
{
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    NEED(att_file_write(path, text, 0644, NULL) == ATT_OK);
}

static void write_refvals(const char *dir, struct client_tls *tls)
{
    struct gateway *g =
        gateway_new(tls, "127.0.0.1", 1, "model", softtpm_new(NULL, SOFTTPM_EK_P256));
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    uint8_t digest[32];

    gateway_boot(g);
    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (size_t i = 0; i < GATEWAY_FILE_COUNT; i++) {
        NEED(att_sha256(att_slice_str(gateway_contents[i]), digest) == ATT_OK);
        NEED(att_refvals_maker_add(m, att_slice_str(gateway_files[i]), digest) == ATT_OK);
    }
    NEED(att_refvals_maker_finish(&out, m) == ATT_OK);
    write_text(dir, "refvals.in", att_buf_slice(out));
    gateway_free(g);
}

int inproc_init(const char *dir, const char *const *more)
{
    char *argv[16] = {0};
    int argc = 0;
    int status;
    int keep = dup(STDOUT_FILENO);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    NEED(keep >= 0 && null >= 0);
    argv[argc++] = strdup("init");
    argv[argc++] = strdup("--dir");
    argv[argc++] = strdup(dir);
    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        NEED((size_t)argc + 1 < ATT_COUNT(argv));
        argv[argc++] = strdup(more[i]);
    }
    (void)fflush(stdout);
    NEED(dup2(null, STDOUT_FILENO) >= 0);
    status = keeper_init_main(argc, argv);
    (void)fflush(stdout);
    NEED(dup2(keep, STDOUT_FILENO) >= 0);
    (void)close(keep);
    (void)close(null);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return status;
}

void inproc_stop(struct inproc *v)
{
    keeper_freep(&v->keeper);
    if (v->keys != NULL)
        appraiser_close(&v->appraiser);
    key_cache_free(v->keys);
    v->keys = NULL;
}

enum att_err inproc_restart(struct inproc *v, struct att_diag *diag)
{
    struct keeper_options opt = {.cfg = v->cfg,
                                 .seal_key = v->seal_key,
                                 .utc_s = utc_now,
                                 .mono_ms = mono_now,
                                 .random = att_random};
    enum att_err err;

    inproc_stop(v);
    err = keeper_new(&v->keeper, &opt, diag);
    return err == ATT_OK ? inproc_appraise(v, diag) : err;
}

enum att_err inproc_appraise(struct inproc *v, struct att_diag *diag)
{
    enum att_err err = appraiser_open(&v->appraiser, v->cfg, v->seal_key, diag);

    return err == ATT_OK ? key_cache_new(&v->keys, 64) : err;
}

void inproc_set_policy(struct inproc *v, const char *yaml)
{
    write_text(v->dir, "policy.yaml", att_slice_str(yaml));
}

/* Tests change the policy's text and nothing else. */
static void take_unsigned(const struct inproc *v)
{
    static const char SIGNED[] = "policy: policy.cose ";
    static const char PLAIN[] = "insecure_unsigned_policy: true\npolicy: policy.yaml #";
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    char path[160], text[8192];
    const char *at;
    struct att_slice s;
    int len;

    (void)snprintf(path, sizeof(path), "%s/attestd.yaml", v->dir);
    NEED(att_file_read(&file, path, 4096, NULL) == ATT_OK);
    s = att_buf_slice(file);
    at = memmem(s.p, s.len, SIGNED, sizeof(SIGNED) - 1);
    NEED(at != NULL);
    len = snprintf(
        text, sizeof(text), "%.*s%s%.*s", (int)(at - (const char *)s.p), (const char *)s.p, PLAIN,
        (int)((const char *)s.p + s.len - at - (long)sizeof(SIGNED) + 1), at + sizeof(SIGNED) - 1);
    NEED(len > 0 && (size_t)len < sizeof(text));
    write_text(v->dir, "attestd.yaml", att_slice_of(text, (size_t)len));
}

/* With a key in a file when label_key is NULL, with SQLite when conninfo is. */
static int init_folder(const struct inproc *v, const char *label_key, const char *conninfo)
{
    char policy[96], refvals[96];
    const char *more[12] = {"--policy", policy,          "--refvals",
                            refvals,    "--verifier-id", "verifier.test"};
    size_t n = 6;

    (void)snprintf(policy, sizeof(policy), "%s/policy.in", v->dir);
    (void)snprintf(refvals, sizeof(refvals), "%s/refvals.in", v->dir);
    more[n++] = label_key != NULL ? "--label-key" : "--insecure-file-key";
    if (label_key != NULL)
        more[n++] = label_key;
    if (conninfo != NULL) {
        more[n++] = "--postgresql";
        more[n++] = conninfo;
    }
    return inproc_init(v->dir, more);
}

static struct inproc *new_with(const char *label_key, const char *conninfo)
{
    struct inproc *v = calloc(1, sizeof(*v));
    char path[160], text[512];
    struct att_diag diag = {0};

    NEED(v != NULL);
    v->scratch = calloc(1, sizeof(*v->scratch));
    NEED(v->scratch != NULL);
    (void)snprintf(v->dir, sizeof(v->dir), "/tmp/attestd-inproc-XXXXXX");
    NEED(mkdtemp(v->dir) != NULL);
    write_text(v->dir, "policy.in", att_slice_str(inproc_policy));
    v->tls = client_tls_new(NULL);
    write_refvals(v->dir, v->tls);
    NEED(init_folder(v, label_key, conninfo) == 0);
    take_unsigned(v);
    v->ek_ca = softtpm_ca_new("Test maker of TPMs");
    (void)snprintf(path, sizeof(path), "%s/ek.d/maker.pem", v->dir);
    softtpm_ca_write_pem(v->ek_ca, path);
    (void)snprintf(path, sizeof(path), "%s/attestd.yaml", v->dir);
    if (config_load(&v->cfg, path, &diag) != ATT_OK ||
        att_random(v->seal_key, sizeof(v->seal_key)) != ATT_OK ||
        inproc_restart(v, &diag) != ATT_OK) {
        fprintf(stderr, "no keeper: %s\n", att_diag_print(text, sizeof(text), &diag));
        abort();
    }
    return v;
}

struct inproc *inproc_new(void)
{
    return new_with(NULL, NULL);
}

struct inproc *inproc_new_token(const char *label_key)
{
    return new_with(label_key, NULL);
}

struct inproc *inproc_new_postgresql(const char *conninfo)
{
    return new_with(NULL, conninfo);
}

void inproc_free(struct inproc *v)
{
    if (v == NULL)
        return;
    inproc_stop(v);
    config_free(v->cfg);
    softtpm_ca_free(v->ek_ca);
    client_tls_free(v->tls);
    remove_tree(v->dir);
    free(v->scratch);
    free(v);
}

static void copy_file(const char *from, const char *to)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;

    if (access(from, F_OK) != 0)
        return;
    NEED(att_file_read(&b, from, STORE_BYTES_MAX, NULL) == ATT_OK);
    NEED(att_file_write(to, att_buf_slice(b), 0600, NULL) == ATT_OK);
}

char *inproc_dump(struct inproc *v)
{
    static const char *const names[] = {"attestd.db", "attestd.db-wal"};
    char dir[] = "/tmp/attestd-inproc-copy-XXXXXX";
    char from[160], to[160];
    struct store *st = NULL;
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    NEED(f != NULL && mkdtemp(dir) != NULL);
    for (size_t i = 0; i < ATT_COUNT(names); i++) {
        (void)snprintf(from, sizeof(from), "%s/state/%s", v->dir, names[i]);
        (void)snprintf(to, sizeof(to), "%s/%s", dir, names[i]);
        copy_file(from, to);
    }
    NEED(store_open(&st, dir, false, NULL) == ATT_OK);
    NEED(store_dump(st, f) == ATT_OK && fclose(f) == 0);
    store_close(st);
    remove_tree(dir);
    return text;
}

void inproc_answer_clear(struct inproc_answer *a)
{
    att_buf_free(a->body);
    *a = (struct inproc_answer){0};
}

struct att_slice inproc_body(const struct inproc_answer *a)
{
    return a->body != NULL ? att_buf_slice(a->body) : att_slice_of(NULL, 0);
}

void inproc_keep(struct inproc_answer *a, const struct msg *m)
{
    size_t count = a->count;

    inproc_answer_clear(a);
    a->count = count + 1;
    if (m->kind == MSG_FAILED) {
        a->reason = (enum att_reason)m->number;
        (void)snprintf(a->text, sizeof(a->text), "%.*s", (int)m->name.len, (const char *)m->name.p);
        return;
    }
    NEED(m->kind == MSG_DONE);
    a->http = (int)m->number;
    a->type = m->type;
    (void)snprintf(a->path, sizeof(a->path), "%.*s", (int)m->path.len, (const char *)m->path.p);
    if (m->body.len > 0) {
        NEED(att_buf_new(&a->body, m->body.len) == ATT_OK);
        NEED(att_buf_add_slice(a->body, m->body) == ATT_OK);
    }
}

static void keep_answer(void *ctx, const struct msg *m)
{
    inproc_keep(ctx, m);
}

static void ask_here(struct inproc *v, const struct msg *m, struct inproc_answer *a, bool flush)
{
    struct keeper_client client = {.answer = keep_answer, .ctx = a};
    size_t wire = msg_size(m);
    uint8_t *room = malloc(wire);
    struct att_wr w = att_wr_into(room, wire);
    struct msg arrived;

    /* Over the wire form, so that what the keeper sees is what a front can say. */
    NEED(room != NULL && msg_encode(&w, m) == ATT_OK);
    NEED(msg_decode(&arrived, att_slice_of(room, w.len), NULL) == ATT_OK);
    keeper_take(v->keeper, &arrived, &client);
    att_wipe(room, wire);
    free(room);
    if (flush)
        keeper_flush(v->keeper);
}

void inproc_ask(struct inproc *v, const struct msg *m, struct inproc_answer *a, bool flush)
{
    if (v->carry != NULL)
        v->carry(v->carry_ctx, m, a);
    else
        ask_here(v, m, a, flush);
}

void inproc_admin(struct inproc *v, const char *method, const char *path, const char *body,
                  struct inproc_answer *a)
{
    struct msg m = {.kind = MSG_ADMIN,
                    .name = att_slice_str(method),
                    .path = att_slice_str(path),
                    .body = att_slice_str(body)};

    inproc_answer_clear(a);
    inproc_ask(v, &m, a, true);
}

void inproc_token(struct inproc *v, const char *id, char out[64])
{
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    struct inproc_answer a = {0};
    char body[128] = "{}";

    if (id != NULL)
        (void)snprintf(body, sizeof(body), "{\"id\": \"%s\"}", id);
    inproc_admin(v, "POST", "/allow", body, &a);
    NEED(a.http == 201 && att_json_parse(&doc, inproc_body(&a), NULL) == ATT_OK);
    (void)snprintf(out, 64, "%s", json_string_value(json_object_get(doc, "token")));
    inproc_answer_clear(&a);
}

void inproc_gateway_new(struct inproc_gateway *out, struct inproc *v, const char *id, bool has_cert)
{
    *out = (struct inproc_gateway){0};
    out->g = gateway_new(v->tls, "127.0.0.1", 1, id,
                         softtpm_new(has_cert ? v->ek_ca : NULL, SOFTTPM_EK_P256));
    gateway_boot(out->g);
}

void inproc_gateway_free(struct inproc_gateway *gw)
{
    gateway_free(gw->g);
    gw->g = NULL;
}

enum att_reason inproc_enrol_begin(struct inproc *v, struct inproc_gateway *gw,
                                   struct gateway_enrolment *e, const char *token)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = NULL;
    uint8_t room[16384];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct inproc_answer a = {0};
    struct att_diag diag = {0};
    struct msg m = {.kind = MSG_ENROL_BEGIN};
    enum att_reason reason;

    gateway_enrol_prepare(gw->g, e, token);
    NEED(wire_enrol_begin_encode(&w, &e->begin) == ATT_OK);
    if (judge_enrolment(&sealed, &v->appraiser, att_slice_of(room, w.len), inproc_utc_s, &diag) !=
        ATT_OK)
        return diag.reason;
    m.sealed = att_buf_slice(sealed);
    inproc_ask(v, &m, &a, false);
    NEED(a.count == 1);
    reason = a.reason;
    if (reason == ATT_R_NONE) {
        struct att_slice body = inproc_body(&a);

        /* The steps of the gateway borrow the answer: it goes where theirs would be. */
        e->begin_answer.body = malloc(body.len);
        NEED(e->begin_answer.body != NULL);
        memcpy(e->begin_answer.body, body.p, body.len);
        e->begin_answer.body_len = body.len;
        NEED(wire_enrol_challenge_parse(&e->challenge, client_body(&e->begin_answer), NULL) ==
             ATT_OK);
        gateway_enrol_solve(gw->g, e);
    }
    inproc_answer_clear(&a);
    return reason;
}

void inproc_activate_message(struct msg *m, uint8_t *room, size_t cap,
                             const struct gateway_enrolment *e)
{
    struct att_wr w = att_wr_into(room, cap);

    NEED(wire_enrol_activate_encode(&w, &e->activate) == ATT_OK);
    *m = (struct msg){.kind = MSG_ENROL_ACTIVATE, .body = att_slice_of(room, w.len)};
}

static void take_certificate(struct inproc_gateway *gw, struct att_slice body)
{
    ATT_CLEANUP(att_cert_freep) struct att_cert *cert = NULL;
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct wire_enrol_done done;

    NEED(wire_enrol_done_parse(&done, body, NULL) == ATT_OK);
    NEED(att_cert_parse(&cert, done.client_cert, NULL) == ATT_OK);
    NEED(att_cert_key(&key, cert, NULL) == ATT_OK);
    gw->peer = (struct msg_peer){.known = true};
    NEED(att_cert_device_id(gw->peer.device_id, sizeof(gw->peer.device_id), cert) == ATT_OK);
    NEED(att_pubkey_fingerprint(gw->peer.key_digest, key) == ATT_OK);
}

enum att_reason inproc_enrol_activate(struct inproc *v, struct inproc_gateway *gw,
                                      struct gateway_enrolment *e)
{
    uint8_t room[4096];
    struct inproc_answer a = {0};
    struct msg m;
    enum att_reason reason;

    inproc_activate_message(&m, room, sizeof(room), e);
    inproc_ask(v, &m, &a, true);
    NEED(a.count == 1);
    reason = a.reason;
    if (reason == ATT_R_NONE)
        take_certificate(gw, inproc_body(&a));
    inproc_answer_clear(&a);
    return reason;
}

enum att_reason inproc_enrol(struct inproc *v, struct inproc_gateway *gw, const char *token)
{
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    enum att_reason reason;

    NEED(e != NULL);
    reason = inproc_enrol_begin(v, gw, e, token);
    if (reason == ATT_R_NONE)
        reason = inproc_enrol_activate(v, gw, e);
    gateway_enrol_clear(e);
    free(e);
    return reason;
}

void inproc_attempt_clear(struct inproc_attempt *t)
{
    gateway_attempt_clear(&t->a);
    inproc_answer_clear(&t->session_answer);
    inproc_answer_clear(&t->context);
    inproc_answer_clear(&t->answer);
    att_buf_free(t->judged);
    memset(t, 0, sizeof(*t));
}

enum att_reason inproc_session(struct inproc *v, struct inproc_gateway *gw,
                               struct inproc_attempt *t)
{
    struct gateway *g = gw->g;
    struct wire_new_session n = {.own_pcr = GATEWAY_OWN_PCR,
                                 .has_boot = true,
                                 .reset_count = g->tpm->clock.reset_count,
                                 .restart_count = g->tpm->clock.restart_count};
    uint8_t room[128];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct msg m = {.kind = MSG_NEW_SESSION, .peer = gw->peer};
    struct att_rd r;

    for (size_t i = 0; i < ATT_LOG__COUNT; i++)
        n.log_mask |= g->has[i] ? 1U << i : 0;
    NEED(wire_new_session_encode(&w, &n) == ATT_OK);
    m.body = att_slice_of(room, w.len);
    inproc_ask(v, &m, &t->session_answer, false);
    if (t->session_answer.reason != ATT_R_NONE)
        return t->session_answer.reason;
    NEED(t->session_answer.http == 201);
    NEED(wire_challenge_parse(&t->a.challenge, inproc_body(&t->session_answer), NULL) == ATT_OK);
    r = att_rd_slice(t->a.challenge.selection);
    att_pcr_selection_read(&r, &t->a.selection);
    NEED(att_rd_end(&r) == ATT_OK);
    return ATT_R_NONE;
}

void inproc_measure(struct inproc_gateway *gw, struct inproc_attempt *t)
{
    gateway_measure(gw->g, &t->a);
    gateway_sign(gw->g, &t->a);
    gateway_seal(gw->g, &t->a);
}

enum att_reason inproc_judge(struct inproc *v, struct inproc_gateway *gw, struct inproc_attempt *t)
{
    struct msg ask = {.kind = MSG_CONTEXT, .peer = gw->peer};
    struct msg judge = {.kind = MSG_APPRAISE, .body = att_buf_slice(t->a.evidence)};
    struct att_diag diag = {0};

    memcpy(ask.session, t->a.challenge.session.p, sizeof(ask.session));
    inproc_answer_clear(&t->context);
    inproc_ask(v, &ask, &t->context, false);
    if (t->context.reason != ATT_R_NONE)
        return t->context.reason;
    judge.sealed = inproc_body(&t->context);
    att_buf_freep(&t->judged);
    if (judge_evidence(&t->judged, &v->appraiser, v->keys, v->scratch, &judge, &diag) != ATT_OK)
        return diag.reason;
    return ATT_R_NONE;
}

void inproc_commit_message(struct msg *m, const struct inproc_gateway *gw,
                           const struct inproc_attempt *t)
{
    *m = (struct msg){.kind = MSG_COMMIT,
                      .peer = gw->peer,
                      .body = att_buf_slice(t->a.evidence),
                      .sealed = att_buf_slice(t->judged)};
    memcpy(m->session, t->a.challenge.session.p, sizeof(m->session));
}

int inproc_commit(struct inproc *v, struct inproc_gateway *gw, struct inproc_attempt *t)
{
    struct msg m;

    inproc_commit_message(&m, gw, t);
    inproc_answer_clear(&t->answer);
    inproc_ask(v, &m, &t->answer, true);
    if (t->answer.reason != ATT_R_NONE)
        return -(int)t->answer.reason;
    NEED(t->answer.type == MSG_TYPE_OUTCOME);
    NEED(wire_outcome_parse(&t->outcome, inproc_body(&t->answer), NULL) == ATT_OK);
    return t->answer.http;
}

int inproc_attest(struct inproc *v, struct inproc_gateway *gw, struct inproc_attempt *t)
{
    enum att_reason reason;

    inproc_attempt_clear(t);
    reason = inproc_session(v, gw, t);
    if (reason == ATT_R_NONE) {
        inproc_measure(gw, t);
        reason = inproc_judge(v, gw, t);
    }
    return reason == ATT_R_NONE ? inproc_commit(v, gw, t) : -(int)reason;
}
