/* Group F, the verifier's configuration and key files: whose they are, what they are, and what they say. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"
#include "base/file.h"
#include "need.h"
#include "verifier/config.h"

static const struct service_options SIGNED = {.signed_policy = true};

static char *path_of(const struct service *s, const char *name)
{
    static char path[192];

    (void)snprintf(path, sizeof(path), "%s/%s", s->dir, name);
    return path;
}

/* The service does not run, and says why. */
static void refused(const struct service *s, const char *code)
{
    int status = service_try(s, NULL);

    ck_assert_msg(status != SERVICE_RAN && status != 0, "it runs: %d", status);
    ck_assert_msg(service_said(s, code), "%s was not said", code);
}

static const char *const KEYS[] = {"label.key", "device-ca.key", "tls.key"};

START_TEST(F_01_key_that_others_can_read_is_refused)
{
    struct service *s = service_new(&SIGNED);
    static const mode_t MODES[] = {0640, 0604, 0660, 0666};

    for (size_t i = 0; i < ATT_COUNT(MODES); i++) {
        NEED(chmod(path_of(s, KEYS[_i]), MODES[i]) == 0);
        refused(s, "E_CFG_PERM");
    }
    NEED(chmod(path_of(s, KEYS[_i]), 0600) == 0);
    ck_assert_int_eq(service_try(s, NULL), SERVICE_RAN);
    service_free(s);
}
END_TEST

/* Root can give a file away; everybody else finds one of another user in the system. */
START_TEST(F_01_key_of_another_user_is_refused)
{
    struct att_buf *b = NULL;
    struct att_diag diag = {0};
    struct service *s = service_new(&SIGNED);
    const char *path = path_of(s, "label.key");

    if (geteuid() != 0 || chown(path, 65534, 65534) != 0) {
        service_free(s);
        return; /* the rule is the same one that the rows above ask with another mode */
    }
    ck_assert_int_eq(att_file_read_careful(&b, path, 65536, ATT_FILE_SECRET, &diag), ATT_E_DENIED);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_CFG_PERM");
    refused(s, "E_CFG_PERM");
    service_free(s);
}
END_TEST

START_TEST(F_01_key_in_a_folder_that_others_can_write_is_refused)
{
    struct service *s = service_new(&SIGNED);
    static const mode_t MODES[] = {0770, 0707, 01777};

    for (size_t i = 0; i < ATT_COUNT(MODES); i++) {
        NEED(chmod(s->dir, MODES[i]) == 0);
        refused(s, "E_CFG_PERM");
    }
    NEED(chmod(s->dir, 0700) == 0);
    ck_assert_int_eq(service_try(s, NULL), SERVICE_RAN);
    service_free(s);
}
END_TEST

/* Without a signature a policy is as good as whoever can write it. */
START_TEST(F_01_unsigned_policy_that_others_can_write_is_refused)
{
    struct service *s = service_new(NULL);

    NEED(chmod(path_of(s, "policy.yaml"), 0620) == 0);
    refused(s, "E_CFG_PERM");
    NEED(chmod(path_of(s, "policy.yaml"), 0644) == 0);
    ck_assert_int_eq(service_try(s, NULL), SERVICE_RAN);
    service_free(s);
}
END_TEST

/* Whoever can put a key there signs policies. */
START_TEST(F_01_signers_that_others_can_write_are_refused)
{
    struct service *s = service_new(&SIGNED);

    NEED(chmod(path_of(s, "policy-signers"), 0777) == 0);
    refused(s, "E_CFG_PERM");
    NEED(chmod(path_of(s, "policy-signers"), 0700) == 0);
    NEED(chmod(path_of(s, "policy-signers/init.pem"), 0666) == 0);
    refused(s, "E_CFG_PERM");
    service_free(s);
}
END_TEST

static void append(const struct service *s, const char *line)
{
    FILE *f = fopen(path_of(s, "attestd.yaml"), "a");

    NEED(f != NULL && fputs(line, f) >= 0 && fclose(f) == 0);
}

static const char *const LINES[] = {
    "colour: red\n",        "fronts: 2\nfronts: 2\n", "nonce_ttl: soon\n",
    "limits: {body: 1}\n",  "limits: {body: x}\n",    "limits: {speed: 1}\n",
    "limits: [body]\n",     "product: {model: []}\n", "policy_signers: [a]\n",
    "limits: {idle: 1x}\n",
};

START_TEST(F_02_key_that_is_none_is_refused_with_its_line)
{
    struct service *s = service_new(&SIGNED);
    char place[64];
    char text[8192];
    unsigned int line = 1;
    size_t len = 0;
    FILE *f = fopen(path_of(s, "attestd.yaml"), "r");

    NEED(f != NULL);
    len = fread(text, 1, sizeof(text) - 1, f);
    (void)fclose(f);
    text[len] = '\0';
    for (const char *c = text; *c != '\0'; c++) {
        line += *c == '\n' ? 1 : 0;
    }
    append(s, LINES[_i]);
    ck_assert_int_eq(service_try(s, NULL), 2);
    ck_assert(service_said(s, "E_CFG_KEY"));
    (void)snprintf(place, sizeof(place), "attestd.yaml:%u:", line);
    if (!service_said(s, place)) { /* a key that is there already: the second one is named */
        (void)snprintf(place, sizeof(place), "attestd.yaml:%u:", line + 1);
    }
    ck_assert_msg(service_said(s, place) || service_said(s, "twice") ||
                      service_said(s, "duplicate"),
                  "no place in what was said of %s", LINES[_i]);
    service_free(s);
}
END_TEST

#define MINIMAL                                                                                    \
    "verifier_id: v.example\nstate_dir: state\ntls: {cert: tls.pem, key: tls.key}\n"               \
    "device_ca: {cert: ca.pem, key: \"file:ca.key\"}\n"                                            \
    "label: {chain: label.pem, key: \"pkcs11:object=label\"}\n"                                    \
    "log: {key: \"file:log.key\"}\npolicy: policy.cose\n"

/* Every switch of the configuration: what is absent is what is strict. */
static const struct {
    const char *key;
    size_t at;
} SWITCHES[] = {
    {"insecure_file_key", offsetof(struct config, insecure_file_key)},
    {"insecure_unsigned_policy", offsetof(struct config, insecure_unsigned_policy)},
    {"public", offsetof(struct config, public_labels)},
};

START_TEST(F_08_switch_that_is_absent_is_the_strict_one)
{
    static const struct {
        const char *value; /* NULL: absent */
        int expected;      /* -1: refused */
    } ROWS[] = {{NULL, 0},    {"true", 1}, {"false", 0},     {"yes", -1}, {"1", -1},
                {"True", -1}, {"on", -1},  {"\"true\"", -1}, {"", -1},    {"[true]", -1}};

    for (size_t i = 0; i < ATT_COUNT(ROWS); i++) {
        struct config *cfg = NULL;
        struct att_diag diag = {0};
        char text[1024];
        enum att_err err = ATT_OK;

        (void)snprintf(text, sizeof(text), "%s%s%s%s\n", MINIMAL,
                       ROWS[i].value != NULL ? SWITCHES[_i].key : "",
                       ROWS[i].value != NULL ? ": " : "",
                       ROWS[i].value != NULL ? ROWS[i].value : "");
        err = config_parse(&cfg, "/etc/a/attestd.yaml", att_slice_str(text), &diag);
        if (ROWS[i].expected < 0) {
            ck_assert_msg(err != ATT_OK, "%s: %s", SWITCHES[_i].key, ROWS[i].value);
            ck_assert_ptr_null(cfg);
            continue;
        }
        ck_assert_int_eq(err, ATT_OK);
        ck_assert_int_eq(*(const bool *)((const char *)cfg + SWITCHES[_i].at), ROWS[i].expected);
        config_free(cfg);
    }
}
END_TEST

/* And what it does: a file key, and an unsigned policy, only where that was said. */
START_TEST(F_08_switch_has_its_effect_only_when_it_is_set)
{
    static const struct {
        const char *line, *instead, *code; /* code NULL: it runs */
    } ROWS[] = {
        {"insecure_file_key: true", "insecure_file_key: true", NULL},
        {"insecure_file_key: true", "insecure_file_key: false", "E_KEY_FILE"},
        {"insecure_file_key: true", "", "E_KEY_FILE"},
        {"insecure_unsigned_policy: true", "insecure_unsigned_policy: false", "E_CFG_POLICYSIG"},
        {"insecure_unsigned_policy: true", "", "E_CFG_POLICYSIG"},
    };
    struct service *s = service_new(NULL);
    char text[8192];
    FILE *f = fopen(path_of(s, "attestd.yaml"), "r");
    const char *at = NULL;
    size_t len = 0;

    NEED(f != NULL);
    len = fread(text, 1, sizeof(text) - 1, f);
    (void)fclose(f);
    text[len] = '\0';
    at = strstr(text, ROWS[_i].line);
    NEED(at != NULL);
    f = fopen(path_of(s, "attestd.yaml"), "w");
    NEED(f != NULL);
    (void)fprintf(f, "%.*s%s%s", (int)(at - text), text, ROWS[_i].instead,
                  at + strlen(ROWS[_i].line));
    (void)fclose(f);
    if (ROWS[_i].code == NULL) {
        ck_assert_int_eq(service_try(s, NULL), SERVICE_RAN);
    } else {
        refused(s, ROWS[_i].code);
    }
    service_free(s);
}
END_TEST

/* Nothing of keys, anchors, policy or switches comes from the environment. */
START_TEST(F_09_environment_changes_no_configuration)
{
    static const char ENV[] =
        "ATTESTD_CONFIG=/nowhere ATTESTD_POLICY=/nowhere ATTESTD_INSECURE_UNSIGNED_POLICY=true "
        "ATTESTD_INSECURE_FILE_KEY=true INSECURE_UNSIGNED_POLICY=true POLICY=/nowhere "
        "POLICY_SIGNERS=/tmp ATTESTD_POLICY_SIGNERS=/tmp ATTEST_TRUST_DIR=/nowhere "
        "ATTESTD_EK_ANCHORS=/nowhere ATTESTD_LABEL_KEY=/nowhere ATTESTD_TLS_KEY=/nowhere "
        "SSL_CERT_FILE=/nowhere SSL_CERT_DIR=/nowhere ATTESTD_STATE_DIR=/nowhere";
    struct service *s = service_new(&SIGNED);

    ck_assert_int_eq(service_check(s, ENV), 0);
    ck_assert_int_eq(service_try(s, ENV), SERVICE_RAN);
    /* a policy without a signature stays one, whatever the environment says */
    NEED(att_file_write(path_of(s, "policy.cose"), att_slice_str(service_policy), 0600, NULL) ==
         ATT_OK);
    ck_assert_int_eq(service_check(s, ENV), 2);
    ck_assert(service_said(s, "E_CFG_POLICYSIG"));
    service_free(s);
}
END_TEST

enum kind { LINK, FIFO, FOLDER, DEVICE, DANGLING, KINDS };

static void put_in_place(const char *path, enum kind kind)
{
    char moved[256];

    (void)snprintf(moved, sizeof(moved), "%s.moved", path);
    NEED(rename(path, moved) == 0);
    switch (kind) {
    case LINK:
        NEED(symlink(moved, path) == 0);
        break;
    case FIFO:
        NEED(mkfifo(path, 0600) == 0);
        break;
    case FOLDER:
        NEED(mkdir(path, 0700) == 0);
        break;
    case DEVICE:
        NEED(symlink("/dev/zero", path) == 0);
        break;
    default:
        NEED(symlink("/nowhere/at/all", path) == 0);
        break;
    }
}

START_TEST(F_11_path_that_is_no_file_is_refused)
{
    static const char *const FILES[] = {"attestd.yaml", "policy.cose", "label.key",
                                        "policy-signers/init.pem"};

    for (size_t i = 0; i < ATT_COUNT(FILES); i++) {
        struct service *s = service_new(&SIGNED);

        put_in_place(path_of(s, FILES[i]), (enum kind)_i);
        ck_assert_int_eq(service_try(s, NULL), 2);
        ck_assert_msg(service_said(s, "E_CFG_PATH"), "%s: E_CFG_PATH was not said", FILES[i]);
        service_free(s);
    }
}
END_TEST

/* A device itself, where no link leads to it. */
START_TEST(F_11_device_is_refused)
{
    struct config *cfg = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(config_load(&cfg, "/dev/zero", &diag), ATT_E_CONFIG);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_CFG_PATH");
    ck_assert_ptr_null(cfg);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"F-01", F_01_key_that_others_can_read_is_refused, (int)ATT_COUNT(KEYS), 60},
        {"F-01-owner", F_01_key_of_another_user_is_refused, 0, 60},
        {"F-01-folder", F_01_key_in_a_folder_that_others_can_write_is_refused, 0, 60},
        {"F-01-policy", F_01_unsigned_policy_that_others_can_write_is_refused, 0, 60},
        {"F-01-signers", F_01_signers_that_others_can_write_are_refused, 0, 60},
        {"F-02", F_02_key_that_is_none_is_refused_with_its_line, (int)ATT_COUNT(LINES), 60},
        {"F-08", F_08_switch_that_is_absent_is_the_strict_one, (int)ATT_COUNT(SWITCHES), 60},
        {"F-08-effect", F_08_switch_has_its_effect_only_when_it_is_set, 5, 60},
        {"F-09", F_09_environment_changes_no_configuration, 0, 60},
        {"F-11", F_11_path_that_is_no_file_is_refused, KINDS, 60},
        {"F-11-device", F_11_device_is_refused, 0, 60},
    };

    return attack_rows("attacks: configuration files", rows, ATT_COUNT(rows));
}
