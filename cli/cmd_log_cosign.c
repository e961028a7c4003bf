/* log cosign: the newest head of the own log goes to its witnesses, and back to the verifier with what they signed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "codec/json.h"
#include "commands.h"
#include "log_source.h"
#include "log_tree.h"
#include "log_view.h"
#include "tlog/witness_policy.h"
#include "tlog/witness_request.h"

#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"
#define URL_MAX   1024
#define TRIES                                                                                      \
    3 /* what it saw last is guessed, then told; once more when somebody else came in between */

struct asking {
    struct report r;
    const char *witnesses, *ca, *socket;
    struct att_witness_policy *policy;
    struct log_source *source;
    struct log_nodes *nodes;
    struct att_buf *newest, *published; /* notes; published grows by the lines of cosignatures */
    struct att_note note;
    struct att_checkpoint *checkpoint; /* of newest */
    const struct att_merkle_head *tree;
};

static void clear(struct asking *a)
{
    att_checkpoint_free(a->checkpoint);
    log_nodes_close(a->nodes);
    log_source_close(a->source);
    att_witness_policy_free(a->policy);
    att_buf_free(a->newest);
    att_buf_free(a->published);
}

/* A note under the policy; note is the room that the checkpoint borrows. */
static enum att_err believe(struct att_checkpoint **out, struct att_note *note,
                            const struct asking *a, struct att_slice bytes, struct att_diag *diag)
{
    enum att_err err = att_note_parse(note, bytes, diag);

    return err == ATT_OK ? att_witness_policy_verify(out, a->policy, note, diag) : err;
}

static enum att_err open_all(struct asking *a, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    const struct log_place place = {.socket = a->socket};
    enum att_err err =
        att_file_read_careful(&file, a->witnesses, ATT_WITNESS_POLICY_MAX, ATT_FILE_OWNED, diag);

    if (err == ATT_OK) {
        err = att_witness_policy_parse(&a->policy, att_buf_slice(file), diag);
    }
    if (err != ATT_OK) {
        return log_as_config(err);
    }
    err = log_source_open(&a->source, &place, diag);
    if (err == ATT_OK) {
        err = log_source_get(&a->newest, a->source, "checkpoint/newest", ATT_NOTE_MAX, diag);
    }
    if (err == ATT_OK) {
        err = log_source_get(&a->published, a->source, "checkpoint", ATT_NOTE_MAX, diag);
    }
    if (err == ATT_OK) {
        err = believe(&a->checkpoint, &a->note, a, att_buf_slice(a->newest), diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    a->tree = &att_checkpoint_head(a->checkpoint)->tree;
    return log_nodes_open(&a->nodes, a->source, a->tree->size);
}

/* Is the newest tree published already, with all that is asked for? */
static bool nothing_new(const struct asking *a)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    struct att_note note;

    return believe(&c, &note, a, att_buf_slice(a->published), NULL) == ATT_OK &&
           att_checkpoint_head(c)->tree.size == a->tree->size &&
           att_witness_policy_met(a->policy, c);
}

/* What this witness has probably seen last: what it cosigned of the published head. */
static uint64_t guess(const struct asking *a, const struct att_witness_party *w)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    struct att_note note;

    if (believe(&c, &note, a, att_buf_slice(a->published), NULL) != ATT_OK ||
        !att_checkpoint_cosigned_by(c, w->key, NULL)) {
        return 0;
    }
    return att_checkpoint_head(c)->tree.size;
}

static enum att_err request_from(struct att_buf **out, struct asking *a, uint64_t old,
                                 struct att_diag *diag)
{
    struct att_merkle_nodes nodes = log_nodes_of(a->nodes);
    struct att_witness_request q = {.old = old, .checkpoint = att_buf_slice(a->newest)};
    enum att_err err = ATT_OK;

    if (old > 0 && old < a->tree->size) {
        err = att_merkle_prove_consistency(&q.path, &nodes, old, a->tree->size);
    }
    if (err == ATT_OK) {
        err = att_witness_request_encode(out, &q);
    }
    return err == ATT_OK ? err : att_fail(diag, err, ATT_R_INTERNAL, "proof", "it cannot be made");
}

/* "41007" and a line break, and nothing else. */
static bool size_of(uint64_t *out, struct att_slice body)
{
    uint64_t n = 0;

    if (body.len < 2 || body.len > 20 || body.p[body.len - 1] != '\n') {
        return false;
    }
    for (size_t i = 0; i + 1 < body.len; i++) {
        if (body.p[i] < '0' || body.p[i] > '9') {
            return false;
        }
        n = n * 10 + (uint64_t)(body.p[i] - '0');
    }
    *out = n;
    return n <= ATT_MERKLE_SIZE_MAX;
}

/* The lines of an answer count when the note with them verifies, and this witness is among those who signed. */
static enum att_err take_lines(struct asking *a, const struct att_witness_party *w,
                               struct att_slice lines, struct att_diag *diag)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *longer = NULL;
    struct att_note note;
    enum att_err err = att_buf_new(&longer, ATT_NOTE_MAX);

    if (err == ATT_OK) {
        err = att_buf_add_slice(longer, att_buf_slice(a->newest));
    }
    if (err == ATT_OK) {
        err = att_buf_add_slice(longer, lines);
    }
    if (err == ATT_OK) {
        err = believe(&c, &note, a, att_buf_slice(longer), diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (!att_checkpoint_cosigned_by(c, w->key, NULL)) {
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TL_WITNESS, "answer",
                        "it holds no cosignature of the key that the policy names");
    }
    att_buf_freep(&a->newest);
    a->newest = longer;
    longer = NULL;
    att_checkpoint_freep(&a->checkpoint);
    err = believe(&a->checkpoint, &a->note, a, att_buf_slice(a->newest), diag);
    a->tree = err == ATT_OK ? &att_checkpoint_head(a->checkpoint)->tree : NULL;
    return err;
}

static enum att_err refused(int status, struct att_slice body, struct att_diag *diag)
{
    char said[64];

    if (status == 422) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_CONSIST, "witness",
                        "it saw a tree that this log does not contain");
    }
    return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_PROTOCOL, "witness", "it answered %d %s", status,
                    att_escape(said, sizeof(said), body.p, body.len < 40 ? body.len : 40));
}

/* BUSY: it saw another size last, which is in *old now. */
static enum att_err ask_once(struct asking *a, const struct att_witness_party *w, const char *url,
                             uint64_t *old, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *request = NULL;
    struct online_request q = {.kind = "witness", .target = url, .ca = a->ca};
    uint64_t seen = 0;
    int status = 0;
    enum att_err err = request_from(&request, a, *old, diag);

    if (err != ATT_OK) {
        return err;
    }
    q.body = att_buf_slice(request);
    err = online_exchange(&q, &status, &body, diag);
    if (err != ATT_OK) {
        return err;
    }
    if (status == 200) {
        return take_lines(a, w, att_buf_slice(body), diag);
    }
    if (status != 409 || !size_of(&seen, att_buf_slice(body))) {
        return refused(status, att_buf_slice(body), diag);
    }
    if (seen > a->tree->size) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_ROLLBACK, "witness",
                        "it saw this log with %llu entries, which has %llu",
                        (unsigned long long)seen, (unsigned long long)a->tree->size);
    }
    if (seen == *old) {
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_TL_FORK, "witness",
                        "it saw another tree of %llu entries", (unsigned long long)seen);
    }
    *old = seen;
    return att_fail(diag, ATT_E_BUSY, ATT_R_TL_SEEN, "witness", "it saw another size each time");
}

static enum att_err ask(struct asking *a, const struct att_witness_party *w, struct att_diag *diag)
{
    char url[URL_MAX];
    uint64_t old = guess(a, w);
    size_t len = w->url.len;
    enum att_err err = ATT_E_BUSY;

    while (len > 0 && w->url.p[len - 1] == '/') {
        len--;
    }
    if (snprintf(url, sizeof(url), "%.*s/add-checkpoint", (int)len, (const char *)w->url.p) >=
        (int)sizeof(url)) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_WITNESSES, "witness",
                        "its address is too long");
    }
    for (size_t i = 0; i < TRIES && err == ATT_E_BUSY; i++) {
        err = ask_once(a, w, url, &old, diag);
    }
    return err;
}

/* Another tree is a matter of the log; a witness that cannot be had only leaves the question open. */
static bool is_alarm(const struct att_diag *why)
{
    return why->reason == ATT_R_TL_CONSIST || why->reason == ATT_R_TL_ROLLBACK ||
           why->reason == ATT_R_TL_FORK;
}

static void ask_all(struct asking *a)
{
    const struct att_witness_party *w = NULL;

    for (size_t i = 0; (w = att_witness_policy_witness(a->policy, i)) != NULL; i++) {
        struct att_diag why = {0};
        char shown[256], name[256];

        (void)att_escape(shown, sizeof(shown), w->name.p, w->name.len);
        (void)text_safe(name, sizeof(name), shown);
        if (w->url.len == 0) {
            report_check(&a->r, name, C_NOT_APPLICABLE, NULL);
        } else if (ask(a, w, &why) == ATT_OK) {
            report_check(&a->r, name, C_PASS, NULL);
        } else {
            report_check(&a->r, name, is_alarm(&why) ? C_FAIL : C_NOT_RUN, &why);
            report_worsen(&a->r, is_alarm(&why) ? V_FAIL : V_PASS);
        }
        if (a->tree == NULL) {
            return;
        }
    }
}

static enum att_err publish(struct asking *a, struct att_diag *diag)
{
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    struct att_slice note = att_buf_slice(a->newest);
    json_t *body = json_pack("{s:s%}", "note", (const char *)note.p, note.len);
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    struct online_request q = {.kind = "admin",
                               .method = "POST",
                               .target = "/admin/v1/log/checkpoint",
                               .socket = a->socket};
    enum att_err err =
        text != NULL ? ATT_OK : att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "note", "memory ran out");

    if (err == ATT_OK) {
        q.body = att_slice_str(text);
        err = online_admin(&q, &answer, diag);
    }
    json_decref(body);
    free(text);
    return err;
}

static enum att_err run(struct asking *a, struct att_diag *diag)
{
    struct att_diag why = {0};
    enum att_err err = open_all(a, diag);

    if (err != ATT_OK) {
        return err;
    }
    (void)json_object_set_new(a->r.root, "size", json_integer((json_int_t)a->tree->size));
    report_field(&a->r, tr(a->r.cli, "size", "件数"), "%llu", (unsigned long long)a->tree->size);
    if (nothing_new(a)) {
        report_line(&a->r, "%s", tr(a->r.cli, "Nothing is new.", "新しい内容はありません。"));
        return ATT_OK;
    }
    ask_all(a);
    if (a->tree == NULL) {
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "checkpoint", "it was lost");
    }
    if (!att_witness_policy_met(a->policy, a->checkpoint)) {
        (void)att_fail(&why, ATT_E_UNTRUSTED, ATT_R_TL_WITNESS, "witnesses",
                       "%zu cosigned, which is not enough for the quorum",
                       att_checkpoint_cosigned(a->checkpoint));
        report_check(&a->r, "quorum", C_NOT_RUN, &why);
        report_worsen(&a->r, V_UNDECIDED);
        return ATT_OK;
    }
    report_check(&a->r, "quorum", C_PASS, NULL);
    err = publish(a, diag);
    if (err == ATT_OK) {
        report_line(&a->r, "%s", tr(a->r.cli, "Published.", "公開しました。"));
    }
    return err;
}

int cmd_log_cosign(struct cli *cli, int argc, char **argv)
{
    struct asking a = {
        .r = report_start(cli, "attestctl.log-cosign.v1"), .ca = SYSTEM_CA, .socket = cli->socket};
    const struct option_spec options[] = {
        {"witnesses", &a.witnesses, NULL, "FILE", "the log and its witnesses (tlog-policy)",
         "ログと監視者のファイル (tlog-policy)"},
        {"ca", &a.ca, NULL, "FILE", "PEM of the witnesses' authorities",
         "監視者の認証局のファイル (PEM)"},
        {"socket", &a.socket, NULL, "PATH", "the verifier's administrator socket",
         "検証サーバーの管理ソケット"}};
    struct att_diag diag = {0};
    int code = options_parse(&a.r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (a.witnesses == NULL) {
        return report_usage(&a.r, "--witnesses", "expected %s, found nothing", "--witnesses FILE");
    }
    err = run(&a, &diag);
    code = err != ATT_OK ? report_failure(&a.r, err, &diag) : report_finish(&a.r);
    clear(&a);
    return code;
}
