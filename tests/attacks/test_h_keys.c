/* Group H, keys of the deployment: a verifier signs with those in force, however its files and records were changed meanwhile. */
#include <stdio.h>
#include <string.h>

#include "attack.h"
#include "base/file.h"
#include "crypto/key.h"
#include "logscene.h"
#include "need.h"

/* Another key in the place of the configured one; the certificate of the label key is another with it. */
static void put_key(const struct logscene *s, const char *name)
{
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *key = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    char path[160];

    NEED(att_privkey_generate(&key, ATT_KEY_ED25519) == ATT_OK);
    NEED(att_privkey_pem(&pem, key) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/%s", s->v->dir, name);
    NEED(att_file_write(path, att_buf_slice(pem), 0600, NULL) == ATT_OK);
}

static void refused_to_start(struct logscene *s, const char *field)
{
    struct att_diag diag = {0};

    ck_assert_int_ne(inproc_restart(s->v, &diag), ATT_OK);
    ck_assert_msg(diag.reason == ATT_R_KEY_CHANGED, "%s %s", att_reason_code(diag.reason),
                  diag.text);
    ck_assert_str_eq(diag.field, field);
}

START_TEST(H_08__log_key_that_was_exchanged)
{
    struct logscene s;

    logscene_open(&s);
    inproc_stop(s.v);
    put_key(&s, "log.key");
    refused_to_start(&s, "log.key");
    logscene_close(&s);
}
END_TEST

/* Records of before keys were written down: what signed last tells whose they are. */
START_TEST(H_08__first_start_with_other_keys)
{
    struct logscene s;

    logscene_open(&s);
    inproc_stop(s.v);
    logscene_sql(&s, "DELETE FROM signing_key");
    if (_i == 0)
        put_key(&s, "log.key");
    else
        logscene_sql(&s, "UPDATE meta SET value = zeroblob(32) WHERE key = 'log_signer'");
    refused_to_start(&s, _i == 0 ? "log.key" : "label.key");
    logscene_close(&s);
}
END_TEST

static void ask(struct logscene *s, const char *path, const char *body, enum att_reason want)
{
    struct inproc_answer a = {0};

    inproc_admin(s->v, "POST", path, body, &a);
    ck_assert_msg(a.reason == want, "%s %s", att_reason_code(a.reason), a.text);
    inproc_answer_clear(&a);
}

static void copy_key(const struct logscene *s, const char *from, const char *to)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/%s", s->v->dir, from);
    NEED(att_file_read(&file, path, 65536, NULL) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/state/keys/%s", s->v->dir, to);
    NEED(att_file_write(path, att_buf_slice(file), 0600, NULL) == ATT_OK);
}

/* A key that signed once, in force or not, never takes over again. */
START_TEST(H_08__key_that_signed_before)
{
    static const char again[] = "{\"kind\": \"log\", \"name\": \"again\", \"reason\": \"rotated\"}";
    struct logscene s;

    logscene_open(&s);
    copy_key(&s, "log.key", "again.key");
    ask(&s, "/keys/rotate", again, ATT_R_KEY_USED);
    put_key(&s, "state/keys/next.key");
    ask(&s, "/keys/rotate", "{\"kind\": \"log\", \"name\": \"next\", \"reason\": \"compromised\"}",
        ATT_R_NONE);
    ask(&s, "/keys/rotate", again, ATT_R_KEY_USED);
    NEED(inproc_restart(s.v, NULL) == ATT_OK);
    ask(&s, "/keys/rotate", again, ATT_R_KEY_USED);
    logscene_close(&s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"H-08-exchanged", H_08__log_key_that_was_exchanged, 0, 60},
        {"H-08-first", H_08__first_start_with_other_keys, 2, 60},
        {"H-08-once", H_08__key_that_signed_before, 0, 60},
    };

    return attack_rows("attacks: keys of the deployment", rows, ATT_COUNT(rows));
}
