/* The answers of a witness: from a judgement to HTTP, and what is made durable in between. */
#include "witness/witness.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/guard.h"
#include "tlog/witness.h"

#define ADD "/add-checkpoint"

/* One request under way. */
struct asking {
    const struct witness *w;
    struct att_witness_ask *ask;
    struct witness_held held;
};

static void clear(struct asking *q)
{
    witness_held_clear(&q->held);
    att_witness_ask_free(q->ask);
}

/* C2SP tlog-witness, add-checkpoint. What is not about the request is ours, and is told as such. */
static int status_of(enum att_err err, const struct att_diag *why)
{
    switch (err) {
    case ATT_E_FORMAT:
    case ATT_E_TRUNCATED:
    case ATT_E_TRAILING:
    case ATT_E_LIMIT:
        return 400;
    case ATT_E_NOT_FOUND:
        return 404;
    case ATT_E_UNTRUSTED:
    case ATT_E_SIGNATURE:
        return 403;
    case ATT_E_STALE:
    case ATT_E_CONFLICT:
        return 409;
    case ATT_E_MISMATCH:
        return why->reason == ATT_R_TL_CONSIST ? 422 : 400;
    default:
        return 503;
    }
}

static enum att_err add_text(struct serve_answer *a, const char *text)
{
    enum att_err err = a->body == NULL ? att_buf_new(&a->body, ATT_NOTE_MAX) : ATT_OK;

    return err == ATT_OK ? att_buf_add(a->body, text, strlen(text)) : err;
}

/* 409 says what was seen last, in the one form that the specification has for it. */
static void tell_seen(struct serve_answer *a, const struct asking *q)
{
    uint64_t size =
        q->held.checkpoint != NULL ? att_checkpoint_head(q->held.checkpoint)->tree.size : 0;
    char text[32];

    (void)snprintf(text, sizeof(text), "%llu\n", (unsigned long long)size);
    a->type = "text/x.tlog.size";
    (void)add_text(a, text);
}

static const struct att_tree_head *head_of(const struct asking *q)
{
    return att_checkpoint_head(att_witness_ask_checkpoint(q->ask));
}

/* "COSIGNED log.example/gateways, 41007" or "REFUSED 409 E_TL_FORK ..." */
static void tell(const struct asking *q, int status, const struct att_diag *why)
{
    char when[ATT_TIME_TEXT];
    char name[128] = "-";
    unsigned long long size = 0;

    if (q->w->quiet) {
        return;
    }
    if (q->ask != NULL) {
        size = head_of(q)->tree.size;
        (void)att_escape(name, sizeof(name), head_of(q)->origin.p, head_of(q)->origin.len);
    }
    (void)att_time_print(when, sizeof(when), q->w->utc_s());
    if (status == 200) {
        (void)printf("%s cosigned log=%s size=%llu\n", when, name, size);
    } else {
        (void)printf("%s refused log=%s size=%llu status=%d code=%s text=\"%s\"\n", when, name,
                     size, status, att_reason_code(why->reason), why->text);
    }
    (void)fflush(stdout);
}

/* The checkpoint as it is kept: what the log signed, and our line. */
static enum att_err kept_note(struct att_buf **out, const struct asking *q, struct att_slice line)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    const struct att_vkey *const log[] = {att_witness_ask_log(q->ask)};
    enum att_err err = att_note_keep(&b, att_witness_ask_note(q->ask), log, 1);

    if (err == ATT_OK) {
        err = att_buf_add_slice(b, line);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

/* A cosignature that claims an earlier time than the last one would make the order of two heads a question. */
static enum att_err time_now(uint64_t *out, const struct asking *q, struct att_diag *diag)
{
    int64_t now = q->w->utc_s();

    if (ATT_GUARD(WITNESS_TIME, now <= 0 || (uint64_t)now < q->held.time_s)) {
        return att_fail(diag, ATT_E_BUSY, ATT_R_CLK_BACK, "clock",
                        "it shows %lld, the last cosignature was made at %llu", (long long)now,
                        (unsigned long long)q->held.time_s);
    }
    *out = (uint64_t)now;
    return ATT_OK;
}

static enum att_err cosign(struct serve_answer *a, const struct asking *q, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *line = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *note = NULL;
    uint64_t time_s = 0;
    enum att_err err = time_now(&time_s, q, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_checkpoint_cosign(&line, att_witness_ask_checkpoint(q->ask), att_vkey_name(q->w->key),
                                time_s, q->w->signer);
    if (err == ATT_OK) {
        err = kept_note(&note, q, att_buf_slice(line));
    }
    if (err != ATT_OK) {
        return att_fail(diag, ATT_E_BUSY, ATT_R_KEY_STORE, "cosignature", "%s", att_err_name(err));
    }
    err = witness_store_save(&q->w->store, head_of(q)->origin, att_buf_slice(note), diag);
    if (err == ATT_OK) {
        a->body = line;
        line = NULL;
    }
    return err;
}

/* The evidence is kept before anybody hears of it. */
static enum att_err keep_fork(const struct asking *q, struct att_diag *diag)
{
    return witness_store_fork(&q->w->store, head_of(q), att_buf_slice(q->held.bytes),
                              att_witness_ask_bytes(q->ask), diag);
}

static enum att_err decide(struct serve_answer *a, struct asking *q, struct att_slice body,
                           struct att_diag *diag)
{
    struct att_diag again = {0};
    enum att_err err = att_witness_ask_open(&q->ask, body, q->w->logs, diag);

    if (err != ATT_OK) {
        return err;
    }
    /* what cannot be read or believed of our own files is no answer about the log */
    if (witness_store_load(&q->held, &q->w->store, q->w->logs, head_of(q)->origin, diag) !=
        ATT_OK) {
        return ATT_E_BUSY;
    }
    err = att_witness_judge(q->ask, q->held.checkpoint, diag);
    if (err == ATT_E_CONFLICT && keep_fork(q, &again) != ATT_OK) {
        *diag = again;
        return ATT_E_IO;
    }
    return err == ATT_OK ? cosign(a, q, diag) : err;
}

static void add_checkpoint(const struct witness *w, struct att_slice body, struct serve_answer *a)
{
    struct asking q = {.w = w};
    struct att_diag why = {0};
    enum att_err err = decide(a, &q, body, &why);

    a->status = err == ATT_OK ? 200 : status_of(err, &why);
    if (a->status == 409) {
        tell_seen(a, &q);
    } else if (err != ATT_OK) {
        (void)add_text(a, att_reason_code(why.reason));
        (void)add_text(a, "\n");
    }
    tell(&q, a->status, &why);
    clear(&q);
}

/* GET /PLACE/checkpoint: what was cosigned last, for whoever watches the witness. */
static void latest(const struct witness *w, const char *path, struct serve_answer *a)
{
    const struct att_witness_party *log = NULL;
    struct witness_held held = {0};
    struct att_diag why = {0};
    char place[WITNESS_PLACE_LEN];
    char expected[WITNESS_PLACE_LEN + 16];

    a->status = 404;
    for (size_t i = 0; (log = att_witness_policy_log(w->logs, i)) != NULL; i++) {
        if (witness_place(place, att_vkey_name(log->key)) != ATT_OK) {
            a->status = 500;
            return;
        }
        (void)snprintf(expected, sizeof(expected), "/%s/checkpoint", place);
        if (strcmp(expected, path) == 0) {
            break;
        }
    }
    if (log == NULL) {
        return;
    }
    if (witness_store_load(&held, &w->store, w->logs, att_vkey_name(log->key), &why) != ATT_OK) {
        a->status = 503;
        return;
    }
    if (held.checkpoint != NULL) {
        a->status = 200;
        a->body = held.bytes;
        held.bytes = NULL;
    }
    witness_held_clear(&held);
}

void witness_answer(void *ctx, const struct scan_request *head, struct att_slice body,
                    struct serve_answer *answer)
{
    const struct witness *w = ctx;

    if (head->method == SCAN_POST && strcmp(head->path, ADD) == 0) {
        add_checkpoint(w, body, answer);
    } else if (head->method == SCAN_GET) {
        latest(w, head->path, answer);
    } else {
        answer->status = 404;
    }
}
