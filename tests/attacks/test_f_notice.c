/* Group F, change notices: who may open a window, what it excuses, and that nobody goes back behind it. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "logattack.h"
#include "need.h"
#include "parttest.h"
#include "policy/notice.h"

#define HOUR     3600
#define MANY     200 /* entries of a kernel's list: some 26 KB */
#define PART_LEN 5000

static const struct service_options WITH_NOTICES = {
    .extra = "notices: notices\nnotice_signers: notice-signers\n"};

/* A service beside whose configuration both folders stand; one key has the role "maintenance". */
static struct service *open_service(struct att_signer **signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    struct service *s = service_new(&WITH_NOTICES);
    struct att_privkey *key = NULL;
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/notices", s->dir);
    NEED(mkdir(path, 0700) == 0 || errno == EEXIST);
    (void)snprintf(path, sizeof(path), "%s/notice-signers", s->dir);
    NEED(mkdir(path, 0700) == 0 || errno == EEXIST);
    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_signer_software(signer, key) == ATT_OK);
    NEED(att_pubkey_spki(&spki, (*signer)->public_key) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/notice-signers/maintenance.pem", s->dir);
    NEED(att_file_write(path, att_buf_slice(spki), 0600, NULL) == ATT_OK);
    service_start(s);
    return s;
}

static const char AFTER[] = "after the update";

/* The first measured file becomes AFTER, within hours from now. */
static void put_notice(const struct service *s, const struct att_signer *signer, const char *role,
                       int from_hour, int until_hour)
{
    uint8_t before[32], after[32];
    struct att_change change = {.name = att_slice_str(gateway_files[0]),
                                .after = after,
                                .before_count = 1,
                                .before = {before}};
    struct att_notice *draft = calloc(1, sizeof(*draft));
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    char path[160];

    NEED(draft != NULL);
    NEED(att_sha256(att_slice_str(gateway_contents[0]), before) == ATT_OK);
    NEED(att_sha256(att_slice_str(AFTER), after) == ATT_OK);
    *draft = (struct att_notice){.id = "update-1",
                                 .title_en = "an update",
                                 .from_s = att_clock_utc_s() + (int64_t)from_hour * HOUR,
                                 .until_s = att_clock_utc_s() + (int64_t)until_hour * HOUR,
                                 .change_count = 1,
                                 .change = &change};
    (void)snprintf(draft->role, sizeof(draft->role), "%s", role);
    NEED(att_notice_encode(&encoded, draft, NULL) == ATT_OK);
    NEED(att_notice_sign(&message, att_buf_slice(encoded), signer) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/notices/update.notice", s->dir);
    NEED(att_file_write(path, att_buf_slice(message), 0600, NULL) == ATT_OK);
    free(draft);
}

static void measure(struct gateway *g, const char *content)
{
    softlog_own_file(&g->log[ATT_LOG_OWN], g->tpm, GATEWAY_OWN_PCR, gateway_files[0],
                     att_slice_str(content));
}

/* What the service says of the device after one attestation: a status and a reason's code. */
static void attests(struct service *s, struct gateway *g, int http, enum store_status status,
                    const char *reason)
{
    struct gateway_attempt a = {0};
    struct service_device d;

    ck_assert_int_eq(gateway_attest(g, &a), http);
    gateway_attempt_clear(&a);
    NEED(service_device(&d, s, g->id));
    ck_assert_str_eq(d.state.reason, reason);
    ck_assert_int_eq(d.state.status, status);
}

static bool recorded(const struct service *s, const char *text)
{
    char *dump = service_dump(s);
    bool found = strstr(dump, text) != NULL;

    free(dump);
    return found;
}

START_TEST(F_12__window_excuses_what_is_listed_and_warns)
{
    struct att_signer *signer = NULL;
    struct service *s = open_service(&signer);
    struct gateway *g = attack_gateway_at(s, "f-12");

    measure(g, AFTER);
    attests(s, g, 422, STORE_FAILED, "E_REF_MISMATCH");
    put_notice(s, signer, "maintenance", -1, 1);
    service_reload(s);
    ck_assert(recorded(s, "update-1: by maintenance"));
    attests(s, g, 200, STORE_WARNING, "E_REF_WINDOW");
    attests(s, g, 200, STORE_WARNING, "E_REF_WINDOW");
    measure(g, "something else");
    attests(s, g, 422, STORE_FAILED, "E_REF_MISMATCH");
    gateway_free(g);
    att_signer_free(signer);
    service_free(s);
}
END_TEST

START_TEST(F_12__before_is_refused_once_after_was_shown)
{
    struct att_signer *signer = NULL;
    struct service *s = open_service(&signer);
    struct gateway *g = attack_gateway_at(s, "f-12-back");

    put_notice(s, signer, "maintenance", -1, 1);
    service_reload(s);
    attests(s, g, 200, STORE_AFFIRMING, "");
    measure(g, AFTER);
    attests(s, g, 200, STORE_WARNING, "E_REF_WINDOW");
    measure(g, gateway_contents[0]);
    attests(s, g, 422, STORE_FAILED, "E_REF_RETIRED");
    /* also over a restart of the service, a power cut of the gateway, and the window's end */
    service_kill(s);
    service_start(s);
    gateway_boot(g);
    attests(s, g, 422, STORE_FAILED, "E_REF_RETIRED");
    gateway_free(g);
    att_signer_free(signer);
    service_free(s);
}
END_TEST

static const struct {
    int from, until;
} CLOSED[] = {{1, 2}, {-2, -1}};

START_TEST(F_12__window_that_is_not_open_excuses_nothing)
{
    struct att_signer *signer = NULL;
    struct service *s = open_service(&signer);
    struct gateway *g = attack_gateway_at(s, "f-12-closed");

    put_notice(s, signer, "maintenance", CLOSED[_i].from, CLOSED[_i].until);
    service_reload(s);
    measure(g, AFTER);
    attests(s, g, 422, STORE_FAILED, "E_REF_MISMATCH");
    gateway_free(g);
    att_signer_free(signer);
    service_free(s);
}
END_TEST

/* A stranger's notice, and one of a role that somebody else signed: refused, and what was in force stays. */
START_TEST(F_12__notice_of_nobody_who_counts_is_not_loaded)
{
    struct att_signer *signer = NULL, *stranger = NULL;
    struct service *s = open_service(&signer);
    struct gateway *g = attack_gateway_at(s, "f-12-forged");
    struct att_privkey *key = NULL;

    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_signer_software(&stranger, key) == ATT_OK);
    put_notice(s, _i == 0 ? stranger : signer, _i == 0 ? "maintenance" : "operations", -1, 1);
    service_reload(s);
    ck_assert_uint_eq(service_logged(s, " reload.refused"), 1);
    ck_assert_uint_eq(service_logged(s, ".notice: "), 1); /* which file it was */
    ck_assert(recorded(s, "E_CFG_NOTICESIG"));
    measure(g, AFTER);
    attests(s, g, 422, STORE_FAILED, "E_REF_MISMATCH");
    put_notice(s, signer, "maintenance", -1, 1);
    service_reload(s);
    attests(s, g, 200, STORE_WARNING, "E_REF_WINDOW");
    service_stop(s);
    put_notice(s, _i == 0 ? stranger : signer, _i == 0 ? "maintenance" : "operations", -1, 1);
    ck_assert_int_eq(service_try(s, NULL), 2);
    ck_assert(service_said(s, "E_CFG_NOTICESIG"));
    gateway_free(g);
    att_signer_free(stranger);
    att_signer_free(signer);
    service_free(s);
}
END_TEST

START_TEST(F_12__withdrawal_is_recorded_and_ends_the_window)
{
    struct att_signer *signer = NULL;
    struct service *s = open_service(&signer);
    struct gateway *g = attack_gateway_at(s, "f-12-gone");
    char path[160];

    put_notice(s, signer, "maintenance", -1, 1);
    service_reload(s);
    measure(g, AFTER);
    attests(s, g, 200, STORE_WARNING, "E_REF_WINDOW");
    (void)snprintf(path, sizeof(path), "%s/notices/update.notice", s->dir);
    NEED(unlink(path) == 0);
    service_reload(s);
    ck_assert(recorded(s, "E_NOTICE_GONE"));
    attests(s, g, 422, STORE_FAILED, "E_REF_MISMATCH");
    gateway_free(g);
    att_signer_free(signer);
    service_free(s);
}
END_TEST

/* Entries of a long list, and which are the file that the notice speaks of. */
static int updated_at, back_at;

static void long_list(struct softlog *log, struct softtpm *tpm)
{
    gateway_usual_ima(log, tpm);
    for (int i = 0; i < MANY; i++) {
        const char *content = i == updated_at ? AFTER : gateway_contents[i == back_at ? 0 : 1];
        char path[96];

        (void)snprintf(path, sizeof(path), "/usr/lib/package-%d/libname.so", i);
        softlog_ima(log, tpm, path, att_slice_str(content));
    }
}

/* After state and, behind it, before state: in the first part, in a later one, in what comes with the quote. */
static const struct {
    int updated, back;
    bool notice;
    int http;
    enum store_status status;
    const char *reason;
} LISTS[] = {{5, -1, true, 200, STORE_WARNING, "E_REF_WINDOW"},
             {MANY - 1, -1, true, 200, STORE_WARNING, "E_REF_WINDOW"},
             {5, MANY / 2, true, 422, STORE_FAILED, "E_REF_RETIRED"},
             {MANY / 2, MANY - 1, true, 422, STORE_FAILED, "E_REF_RETIRED"},
             {MANY / 2, 5, true, 200, STORE_WARNING, "E_REF_WINDOW"}, /* as it must be: history */
             {5, -1, false, 422, STORE_FAILED, "E_REF_UNLISTED"}};

static void send_in_parts(struct log_scene *x)
{
    size_t off = 0, len = 0;

    ck_assert_int_eq(gateway_session(x->g, &x->a), 201);
    log_entry_at(&x->g->log[ATT_LOG_IMA], MANY - 10, &off, &len);
    part_send_to(x->g, &x->a, off, PART_LEN);
    gateway_measure(x->g, &x->a);
    gateway_sign(x->g, &x->a);
    gateway_seal(x->g, &x->a);
    (void)gateway_send(x->g, &x->a);
}

START_TEST(F_12__kernel_list_in_parts_is_judged_beside_the_notice)
{
    static const struct gateway_plan LONG = {.ima = long_list};
    struct att_signer *signer = NULL;
    struct service *s = open_service(&signer);
    struct service_device d;
    struct log_scene x;

    updated_at = LISTS[_i].updated;
    back_at = LISTS[_i].back;
    if (LISTS[_i].notice) {
        put_notice(s, signer, "maintenance", -1, 1);
        service_reload(s);
    }
    log_scene_open_at(&x, s, "f-12-parts", &LONG);
    if (LISTS[_i].notice) {
        measure(x.g, AFTER); /* the file itself, too */
    }
    send_in_parts(&x);
    ck_assert_int_eq(x.a.answer.status, LISTS[_i].http);
    NEED(service_device(&d, s, x.g->id));
    ck_assert_str_eq(d.state.reason, LISTS[_i].reason);
    ck_assert_int_eq(d.state.status, LISTS[_i].status);
    if (LISTS[_i].http == 200) { /* what was shown in parts is kept: behind it nobody goes back */
        softlog_ima(&x.g->log[ATT_LOG_IMA], x.g->tpm, "/usr/lib/old.so",
                    att_slice_str(gateway_contents[0]));
        attests(s, x.g, 422, STORE_FAILED, "E_REF_RETIRED");
    }
    log_scene_close(&x);
    att_signer_free(signer);
    service_free(s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"F-12", F_12__window_excuses_what_is_listed_and_warns, 0, 0},
        {"F-12-back", F_12__before_is_refused_once_after_was_shown, 0, 0},
        {"F-12-closed", F_12__window_that_is_not_open_excuses_nothing, (int)ATT_COUNT(CLOSED), 0},
        {"F-12-forged", F_12__notice_of_nobody_who_counts_is_not_loaded, 2, 0},
        {"F-12-parts", F_12__kernel_list_in_parts_is_judged_beside_the_notice,
         (int)ATT_COUNT(LISTS), 0},
        {"F-12-gone", F_12__withdrawal_is_recorded_and_ends_the_window, 0, 0},
    };

    return attack_rows("attacks: change notices", rows, ATT_COUNT(rows));
}
