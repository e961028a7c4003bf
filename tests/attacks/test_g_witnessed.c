/* Group G, cosignatures as the service takes them: of enough witnesses, over a tree of this log, and none older than before. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "attack.h"
#include "base/file.h"
#include "logscene.h"
#include "need.h"
#include "notetest.h"
#include "storetest.h"
#include "tlog/checkpoint.h"

struct scene {
    struct logscene log;
    char policy[96];
    struct att_signer *witness, *log_signer;
    struct att_vkey *log_key;
    char origin[ATT_NOTE_NAME_MAX + 1];
};

static void scene_open(struct scene *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *vkey = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    struct att_privkey *key = NULL;
    char path[112], text[1024];
    struct att_slice line;
    int n;

    memset(s, 0, sizeof(*s));
    logscene_open(&s->log);
    (void)snprintf(path, sizeof(path), "%s/trust/log.vkey", s->log.v->dir);
    NEED(att_file_read(&vkey, path, ATT_VKEY_TEXT + 1, NULL) == ATT_OK);
    line = att_slice_of(att_buf_slice(vkey).p, att_buf_len(vkey) - 1);
    NEED(att_vkey_parse(&s->log_key, line, NULL) == ATT_OK);
    (void)snprintf(s->origin, sizeof(s->origin), "%.*s", (int)att_vkey_name(s->log_key).len,
                   (const char *)att_vkey_name(s->log_key).p);
    (void)snprintf(path, sizeof(path), "%s/log.key", s->log.v->dir);
    NEED(att_file_read(&pem, path, 4096, NULL) == ATT_OK);
    NEED(att_privkey_from_pem(&key, att_buf_slice(pem), NULL) == ATT_OK);
    NEED(att_signer_software(&s->log_signer, key) == ATT_OK);
    s->witness = notetest_witness_signer();
    n = snprintf(text, sizeof(text), "log %.*s\nwitness w %s\nquorum w\n", (int)line.len,
                 (const char *)line.p, NOTETEST_WITNESS_VKEY);
    NEED(n > 0 && n < (int)sizeof(text));
    (void)snprintf(s->policy, sizeof(s->policy), "%s/witnesses", s->log.v->dir);
    NEED(att_file_write(s->policy, att_slice_str(text), 0600, NULL) == ATT_OK);
    s->log.v->cfg->log.witnesses = s->policy;
    NEED(inproc_restart(s->log.v, NULL) == ATT_OK);
}

static void scene_close(struct scene *s)
{
    s->log.v->cfg->log.witnesses = NULL;
    att_vkey_free(s->log_key);
    att_signer_free(s->witness);
    att_signer_free(s->log_signer);
    logscene_close(&s->log);
}

static struct att_buf *get(struct scene *s, const char *path)
{
    const struct msg m = {.kind = MSG_LOG, .path = att_slice_str(path)};
    struct inproc_answer a = {0};
    struct att_buf *b = NULL;

    inproc_ask(s->log.v, &m, &a, false);
    ck_assert_int_eq(a.http, 200);
    NEED(att_buf_new(&b, ATT_NOTE_MAX) == ATT_OK);
    NEED(att_buf_add_slice(b, inproc_body(&a)) == ATT_OK);
    inproc_answer_clear(&a);
    return b;
}

/* The note with a cosignature of this signer under the witness's name. */
static void cosign(struct att_buf *note, const struct scene *s, const struct att_signer *by)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *line = NULL;
    const struct att_checkpoint_keys keys = {.log = s->log_key};

    NEED(att_checkpoint_open(&c, att_buf_slice(note), &keys, NULL) == ATT_OK);
    NEED(att_checkpoint_cosign(&line, c, att_slice_str(NOTETEST_WITNESS), NOTETEST_TIME, by) ==
         ATT_OK);
    NEED(att_buf_add_slice(note, att_buf_slice(line)) == ATT_OK);
}

static enum att_reason deliver(struct scene *s, const struct att_buf *note)
{
    struct att_slice text = att_buf_slice(note);
    json_t *body = json_pack("{s:s%}", "note", (const char *)text.p, text.len);
    char *dumped = json_dumps(body, 0);
    struct inproc_answer a = {0};
    enum att_reason reason;

    NEED(dumped != NULL);
    inproc_admin(s->log.v, "POST", "/log/checkpoint", dumped, &a);
    reason = a.http == 200 ? ATT_R_NONE : a.reason;
    ck_assert(a.http == 200 || a.reason != ATT_R_NONE);
    inproc_answer_clear(&a);
    free(dumped);
    json_decref(body);
    return reason;
}

static bool published(struct scene *s, const struct att_buf *note)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *now = get(s, "checkpoint");

    return att_slice_eq(att_buf_slice(now), att_buf_slice(note));
}

START_TEST(G_witnessed__cosigned_head_is_published_until_a_newer_one_is)
{
    struct scene s;
    ATT_CLEANUP(att_buf_freep) struct att_buf *first = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *second = NULL;

    scene_open(&s);
    first = get(&s, "checkpoint/newest");
    ck_assert(published(&s, first));
    cosign(first, &s, s.witness);
    ck_assert_int_eq(deliver(&s, first), ATT_R_NONE);
    ck_assert(published(&s, first));
    att_buf_free(logscene_label(&s.log));
    ck_assert(published(&s, first));
    second = get(&s, "checkpoint/newest");
    ck_assert(!att_slice_eq(att_buf_slice(first), att_buf_slice(second)));
    cosign(second, &s, s.witness);
    ck_assert_int_eq(deliver(&s, second), ATT_R_NONE);
    NEED(inproc_restart(s.log.v, NULL) == ATT_OK);
    ck_assert(published(&s, second));
    scene_close(&s);
}
END_TEST

/* Nobody's cosignature, a stranger's under the witness's name, and a line that nobody asked for. */
START_TEST(G_witnessed_quorum__too_few_cosignatures_change_nothing)
{
    struct scene s;
    ATT_CLEANUP(att_buf_freep) struct att_buf *before = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *stranger = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bent = NULL;

    scene_open(&s);
    before = get(&s, "checkpoint/newest");
    ck_assert_int_eq(deliver(&s, before), ATT_R_TL_WITNESS);
    stranger = get(&s, "checkpoint/newest");
    cosign(stranger, &s, s.log_signer);
    ck_assert_int_eq(deliver(&s, stranger), ATT_R_TL_WITNESS);
    bent = get(&s, "checkpoint/newest");
    NEED(att_buf_add_slice(bent, att_slice_str(NOTETEST_WITNESS_LINE)) == ATT_OK);
    ck_assert_int_eq(deliver(&s, bent), ATT_R_TL_CKPT);
    ck_assert(published(&s, before));
    scene_close(&s);
}
END_TEST

/* Who stole the log's key and deceived a witness gets nothing published: the service knows its own trees. */
START_TEST(G_witnessed_tree__other_trees_are_refused)
{
    struct scene s;
    ATT_CLEANUP(att_buf_freep) struct att_buf *before = NULL;

    scene_open(&s);
    before = get(&s, "checkpoint/newest");
    for (uint64_t size = 1; size <= 1000; size += 999) {
        const struct att_tree_head h = {.origin = att_slice_str(s.origin),
                                        .tree = {.size = size, .root = {7}}};
        ATT_CLEANUP(att_buf_freep) struct att_buf *small = NULL;
        ATT_CLEANUP(att_buf_freep) struct att_buf *other = NULL;

        NEED(att_checkpoint_make(&small, &h, s.log_signer) == ATT_OK);
        NEED(att_buf_new(&other, ATT_NOTE_MAX) == ATT_OK);
        NEED(att_buf_add_slice(other, att_buf_slice(small)) == ATT_OK);
        cosign(other, &s, s.witness);
        ck_assert_int_eq(deliver(&s, other), ATT_R_TL_FORK);
    }
    ck_assert(published(&s, before));
    scene_close(&s);
}
END_TEST

START_TEST(G_witnessed_older__head_before_the_published_one_is_refused)
{
    struct scene s;
    ATT_CLEANUP(att_buf_freep) struct att_buf *old = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *now = NULL;

    scene_open(&s);
    old = get(&s, "checkpoint/newest");
    cosign(old, &s, s.witness);
    att_buf_free(logscene_label(&s.log));
    now = get(&s, "checkpoint/newest");
    cosign(now, &s, s.witness);
    ck_assert_int_eq(deliver(&s, now), ATT_R_NONE);
    ck_assert_int_eq(deliver(&s, old), ATT_R_TL_SEEN);
    ck_assert(published(&s, now));
    scene_close(&s);
}
END_TEST

/* What cannot be read may be newer: an error is not "none". */
START_TEST(G_witnessed_unread__older_head_does_not_take_the_place_of_one_that_cannot_be_read)
{
    struct scene s;
    ATT_CLEANUP(att_buf_freep) struct att_buf *old = NULL;

    scene_open(&s);
    old = get(&s, "checkpoint/newest");
    cosign(old, &s, s.witness);
    inproc_stop(s.log.v);
    (void)snprintf(ts.folder, sizeof(ts.folder), "%.50s/state", s.log.v->dir);
    storetest_sql("INSERT INTO meta (key, value) VALUES ('log_witnessed', zeroblob(100000))");
    NEED(inproc_restart(s.log.v, NULL) == ATT_OK);
    ck_assert_int_eq(deliver(&s, old), ATT_R_ST_CORRUPT);
    scene_close(&s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-witnessed", G_witnessed__cosigned_head_is_published_until_a_newer_one_is, 0, 60},
        {"G-witnessed-quorum", G_witnessed_quorum__too_few_cosignatures_change_nothing, 0, 60},
        {"G-witnessed-tree", G_witnessed_tree__other_trees_are_refused, 0, 60},
        {"G-witnessed-unread",
         G_witnessed_unread__older_head_does_not_take_the_place_of_one_that_cannot_be_read, 0, 60},
        {"G-witnessed-older", G_witnessed_older__head_before_the_published_one_is_refused, 0, 60},
    };

    return attack_rows("attacks: cosigned checkpoints", rows, ATT_COUNT(rows));
}
