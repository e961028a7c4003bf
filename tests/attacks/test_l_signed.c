/*
 * Attacks on the signatures of files: a gateway that is affirmed because the policy's keys signed what ran boots
 * again, and lists something that they did not sign.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imasigs.h"
#include "logattack.h"
#include "need.h"

#define SIGNED_PATH "/opt/vendor/tool"

/* What the list has behind the usual files, and how the entry was spoilt. */
enum lie {
    LIE_NONE,
    LIE_CONTENT,   /* the signature of another file */
    LIE_UNSIGNED,  /* none */
    LIE_KEY,       /* the attacker's own, under its own id */
    LIE_KEY_ID,    /* the attacker's own, under the id of a listed key */
    LIE_SHA1,      /* over SHA-1, of which two files can be made */
    LIE_ALGORITHM, /* over a digest of another algorithm and the same length */
    LIE_VERITY,    /* over an fs-verity digest, for a file that has that digest */
    LIE_FILE,      /* over a file, for an fs-verity digest */
    LIE_EVM,       /* of the file's attributes */
    LIE_BUFFER     /* a buffer under the name of a signed file */
};

static enum lie lie;

/* The attacker has the key IMASIGS_RSA, which the policy does not list. */
static struct imasigs_entry lying_entry(uint8_t *room)
{
    struct imasigs_entry e = imasigs_entry(room, &imasigs[lie == LIE_VERITY ? 9 : 3], SIGNED_PATH);

    switch (lie) {
    case LIE_CONTENT:
        e.content = "malware\n";
        break;
    case LIE_UNSIGNED:
        e.sig.len = 0;
        break;
    case LIE_KEY:
    case LIE_KEY_ID: {
        uint8_t id[4];

        memcpy(id, room + 3, sizeof(id));
        e = imasigs_entry(room, &imasigs[0], SIGNED_PATH);
        if (lie == LIE_KEY_ID) {
            memcpy(room + 3, id, sizeof(id));
        }
        break;
    }
    case LIE_SHA1: {
        const struct imasigs_row sha1 = {IMASIGS_P256, ATT_HASH_SHA256, false, imasigs_sha1};

        e = imasigs_entry(room, &sha1, SIGNED_PATH);
        e.hash = ATT_HASH_SHA1;
        e.prefix = "sha1:";
        break;
    }
    case LIE_ALGORITHM:
        e.prefix = "sm3_256:";
        break;
    case LIE_VERITY:
        e.template_ = "ima-sig";
        e.prefix = "sha256:";
        break;
    case LIE_FILE:
        e.template_ = "ima-sigv2";
        e.prefix = "verity:sha256:";
        break;
    case LIE_EVM:
        room[0] = 5;
        break;
    case LIE_BUFFER:
        e.template_ = "ima-buf";
        break;
    case LIE_NONE:
        break;
    }
    return e;
}

static void list_with_tool(struct softlog *log, struct softtpm *tpm)
{
    uint8_t room[1024];
    struct imasigs_entry e = lying_entry(room);

    gateway_usual_ima(log, tpm);
    imasigs_measure(log, tpm, &e);
}

static const struct gateway_plan TOOL = {.ima = list_with_tool};

/* A service whose policy wants what is below /opt signed by one key, or by it or a reference value. */
static struct service *service_with(const char *how)
{
    static char rule[1024];
    char key[512];
    struct service_options options = {0};
    struct service *service = NULL;

    NEED(snprintf(rule, sizeof(rule),
                  "  - {id: signed, severity: fail, title: {en: signed, ja: signed},\n"
                  "     ima_signed: {under: [/opt], unsigned: %s, keys: [%s]}}\n  - {id: tpm, ",
                  how, imasigs_key(key, sizeof(key), IMASIGS_P256, NULL)) < (int)sizeof(rule));
    options.policy = policy_with("  - {id: tpm, ", rule);
    service = service_new(&options);
    service_start(service);
    return service;
}

static void attack(const char *how, enum lie which, const char *code)
{
    struct service *service = service_with(how);
    struct log_scene s;

    lie = which;
    log_scene_open_at(&s, service, "g-signed", &TOOL);
    if (code != NULL) {
        log_scene_fails(&s, code);
    } else {
        log_scene_affirms(&s);
    }
    service_free(service);
}

START_TEST(G_signed__file_of_a_listed_key_is_affirmed)
{
    attack(_i == 0 ? "fail" : "listed", LIE_NONE, NULL);
}
END_TEST

static const struct {
    enum lie lie;
    const char *code;
} LIES[] = {
    {LIE_CONTENT, "E_IMA_SIGBAD"}, {LIE_UNSIGNED, "E_IMA_UNSIGNED"},
    {LIE_KEY, "E_IMA_SIGKEY"},     {LIE_KEY_ID, "E_IMA_SIGBAD"},
    {LIE_SHA1, "E_IMA_SIGFORM"},   {LIE_ALGORITHM, "E_IMA_SIGFORM"},
    {LIE_VERITY, "E_IMA_SIGFORM"}, {LIE_FILE, "E_IMA_SIGFORM"},
    {LIE_EVM, "E_IMA_SIGFORM"},    {LIE_BUFFER, "E_REF_UNLISTED"},
};

START_TEST(G_signed_lie__is_refused_where_the_signature_decides)
{
    attack("fail", LIES[_i].lie, LIES[_i].code);
}
END_TEST

START_TEST(G_signed_listed__lie_is_refused_where_either_will_do)
{
    attack("listed", LIES[_i].lie, "E_REF_UNLISTED");
}
END_TEST

/* The name says where a rule looks: whoever moves a file below no prefix is judged by reference values. */
START_TEST(G_signed_moved__file_below_no_prefix_is_judged_by_reference_values)
{
    struct service *service = service_with("fail");
    struct log_scene s;

    log_scene_open_at(&s, service, "g-signed-moved", NULL);
    softlog_ima(&s.g->log[ATT_LOG_IMA], s.g->tpm, "/optional/tool", att_slice_str("malware\n"));
    log_scene_fails(&s, "E_REF_UNLISTED");
    service_free(service);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-signed", G_signed__file_of_a_listed_key_is_affirmed, 2, 0},
        {"G-signed-lie", G_signed_lie__is_refused_where_the_signature_decides, (int)ATT_COUNT(LIES),
         0},
        {"G-signed-listed", G_signed_listed__lie_is_refused_where_either_will_do,
         (int)ATT_COUNT(LIES), 0},
        {"G-signed-moved", G_signed_moved__file_below_no_prefix_is_judged_by_reference_values, 0,
         0},
    };

    return attack_main("attacks: signed files", rows, ATT_COUNT(rows), NULL);
}
