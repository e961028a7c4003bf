/* What the keeper starts from: keys, records and references that fit, or it does not start. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/cert.h"
#include "keepertest.h"
#include "need.h"

static enum att_err no_random(void *out, size_t len)
{
    (void)out;
    (void)len;
    return ATT_E_CRYPTO;
}

/* without random bytes there is no challenge, no enrolment, no token. */
START_TEST(keeper__issues_nothing_without_random_bytes)
{
    struct keeper_options opt = {.cfg = kt.v->cfg,
                                 .seal_key = kt.v->seal_key,
                                 .utc_s = att_clock_utc_s,
                                 .mono_ms = att_clock_mono_ms,
                                 .random = no_random};
    struct att_diag diag = {0};

    keeper_freep(&kt.v->keeper);
    ck_assert_int_eq(keeper_new(&kt.v->keeper, &opt, &diag), ATT_E_CRYPTO);
    ck_assert_int_eq(diag.reason, ATT_R_RNG);
    ck_assert_ptr_null(kt.v->keeper);
}
END_TEST

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

static bool make_token(const char *dir)
{
    char command[1024], path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/softhsm2.conf", dir);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    (void)fprintf(f, "directories.tokendir = %s\n", dir);
    (void)fclose(f);
    ck_assert_int_eq(setenv("SOFTHSM2_CONF", path, 1), 0);
    (void)snprintf(path, sizeof(path), "%s/pin", dir);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    (void)fprintf(f, "1234\n");
    (void)fclose(f);
    ck_assert_int_eq(chmod(path, 0600), 0);
    (void)snprintf(command, sizeof(command),
                   "softhsm2-util --init-token --free --label labels --so-pin 87654321 --pin 1234"
                   " >%s/log 2>&1 && pkcs11-tool --module " SOFTHSM
                   " --token-label labels --login --pin 1234 --keypairgen"
                   " --key-type EC:prime256v1 --label label-key --id 01 >>%s/log 2>&1",
                   dir, dir);
    return system(command) == 0;
}

/* The label key never leaves its token: init certifies it, the keeper signs with it, labels say so. */
START_TEST(keeper__signs_with_a_key_in_a_token)
{
    char dir[] = "/tmp/attestd-token-XXXXXX";
    char uri[512];

    if (access(SOFTHSM, R_OK) != 0) {
        fprintf(stderr, "skipped: no %s\n", SOFTHSM);
        return;
    }
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert(make_token(dir));
    (void)snprintf(
        uri, sizeof(uri),
        "pkcs11:token=labels;object=label-key?module-path=" SOFTHSM "&pin-source=file:%s/pin", dir);
    inproc_gateway_free(&kt.gw);
    inproc_free(kt.v);
    kt.v = inproc_new_token(uri);
    ck_assert(!kt.v->cfg->insecure_file_key);
    inproc_gateway_new(&kt.gw, kt.v, "gw-1", true);
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    keepertest_check_label(kt.t->outcome.label, ATT_TIER_AFFIRMING);
    inproc_stop(kt.v);
    (void)snprintf(uri, sizeof(uri), "rm -r %s", dir);
    ck_assert_int_eq(system(uri), 0);
}
END_TEST

START_TEST(keeper_new__refuses_a_key_file_that_is_not_allowed)
{
    struct att_diag diag = {0};
    char path[96];

    kt.v->cfg->insecure_file_key = false;
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_KEY_FILE);
    kt.v->cfg->insecure_file_key = true;
    (void)snprintf(path, sizeof(path), "%s/label.key", kt.v->dir);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_PERM);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_OK);
}
END_TEST

/* A label key signs what partners believe: nothing of it may be an answer to a TPM. */
START_TEST(keeper_new__refuses_the_label_key_as_data_key)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    struct att_diag diag = {0};
    char from[96], to[96];

    (void)snprintf(from, sizeof(from), "%s/label.key", kt.v->dir);
    (void)snprintf(to, sizeof(to), "%s/data-key.key", kt.v->dir);
    ck_assert_int_eq(att_file_read(&pem, from, 65536, NULL), ATT_OK);
    ck_assert_int_eq(att_file_write(to, att_buf_slice(pem), 0600, NULL), ATT_OK);
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_KEY_PAIR);
    ck_assert_str_eq(diag.field, "data_key.key");
}
END_TEST

START_TEST(keeper_new__refuses_a_key_of_another_certificate)
{
    struct att_diag diag = {0};
    char from[96], to[96];

    (void)snprintf(from, sizeof(from), "%s/tls.key", kt.v->dir);
    (void)snprintf(to, sizeof(to), "%s/label.key", kt.v->dir);
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_KEY_PAIR);
}
END_TEST

/* Where a key may live, and what the device authority's certificate must be. */
START_TEST(keeper_new__refuses_keys_and_certificates_of_another_kind)
{
    struct config was = *kt.v->cfg;
    struct att_diag diag = {0};

    kt.v->cfg->label_key = "https://keys.example/label";
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_E_CONFIG);
    ck_assert_str_eq(diag.field, "label.key");
    kt.v->cfg->label_key = was.label_key;
    kt.v->cfg->device_ca.key = "pkcs11:object=ca";
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_E_UNSUPPORTED);
    ck_assert_str_eq(diag.field, "device_ca.key");
    kt.v->cfg->device_ca.key = was.device_ca.key;
    kt.v->cfg->device_ca.cert = was.label_chain; /* a leaf */
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_E_MISMATCH);
    ck_assert_str_eq(diag.field, "device_ca.cert");
    kt.v->cfg->device_ca.cert = was.device_ca.cert;
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_OK);
}
END_TEST

/* Certify the label key anew, as the operator of a verifier of this name would; NULL: without a name. */
static void certify_label_key(const char *verifier_id)
{
    struct att_cert_order order = {.kind = ATT_CERT_LABEL_SIGNER,
                                   .common_name = "labels",
                                   .verifier_id = verifier_id,
                                   .not_before = inproc_utc_s - 60,
                                   .not_after = inproc_utc_s + 86400};
    struct att_privkey *root_key = NULL, *key = NULL;
    struct att_pubkey *pub = NULL;
    struct att_cert *root = NULL;
    struct att_buf *root_key_pem = NULL, *key_pem = NULL, *root_pem = NULL, *der = NULL,
                   *pem = NULL;
    struct att_diag diag = {0};
    char path[4][96];
    static const char *const NAMES[] = {"label-root.key", "label-root.pem", "label.key",
                                        "label.pem"};

    for (size_t i = 0; i < ATT_COUNT(NAMES); i++)
        (void)snprintf(path[i], sizeof(path[i]), "%s/%s", kt.v->dir, NAMES[i]);
    ck_assert_int_eq(att_file_read(&root_key_pem, path[0], 4096, &diag), ATT_OK);
    ck_assert_int_eq(att_file_read(&root_pem, path[1], 4096, &diag), ATT_OK);
    ck_assert_int_eq(att_file_read(&key_pem, path[2], 4096, &diag), ATT_OK);
    ck_assert_int_eq(att_privkey_from_pem(&root_key, att_buf_slice(root_key_pem), &diag), ATT_OK);
    ck_assert_int_eq(att_privkey_from_pem(&key, att_buf_slice(key_pem), &diag), ATT_OK);
    ck_assert_int_eq(att_cert_parse(&root, att_buf_slice(root_pem), &diag), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&pub, key), ATT_OK);
    order.subject_key = pub;
    ck_assert_int_eq(att_cert_issue(&der, &order, root, root_key, &diag), ATT_OK);
    ck_assert_int_eq(att_cert_pem(&pem, att_buf_slice(der)), ATT_OK);
    ck_assert_int_eq(att_file_write(path[3], att_buf_slice(pem), 0644, &diag), ATT_OK);
    att_buf_free(root_key_pem);
    att_buf_free(root_pem);
    att_buf_free(key_pem);
    att_buf_free(der);
    att_buf_free(pem);
    att_privkey_free(root_key);
    att_privkey_free(key);
    att_pubkey_free(pub);
    att_cert_free(root);
}

START_TEST(keeper_new__refuses_a_label_key_that_is_not_certified_for_this_verifier)
{
    static const char *const OTHER[] = {NULL, "verifier.elsewhere", "verifier.test2",
                                        "verifier.tes"};
    struct att_diag diag = {0};

    for (size_t i = 0; i < ATT_COUNT(OTHER); i++) {
        certify_label_key(OTHER[i]);
        ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_E_MISMATCH);
        ck_assert_int_eq(diag.reason, ATT_R_KEY_PAIR);
    }
    certify_label_key("verifier.test");
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_OK);
}
END_TEST

START_TEST(keeper_new__refuses_references_that_are_not_those_of_their_header)
{
    struct appraiser a = {0};
    struct att_diag diag = {0};
    int fd = open(kt.v->cfg->refvals, O_RDWR | O_CLOEXEC);
    uint8_t byte = 0;

    inproc_stop(kt.v);
    ck_assert_int_eq(pread(fd, &byte, 1, 48), 1); /* of the first digest */
    byte ^= 1;
    ck_assert_int_eq(pwrite(fd, &byte, 1, 48), 1);
    (void)close(fd);
    ck_assert_int_ne(inproc_restart(kt.v, &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_REFVALS);
    ck_assert_int_ne(appraiser_open(&a, kt.v->cfg, kt.v->seal_key, &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_REFVALS);
}
END_TEST

START_TEST(keeper_new__refuses_records_of_another_verifier)
{
    struct att_diag diag = {0};

    kt.v->cfg->verifier_id = "verifier.elsewhere";
    certify_label_key("verifier.elsewhere");
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_E_CONFIG);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
    kt.v->cfg->verifier_id = "verifier.test";
}
END_TEST

START_TEST(init__overwrites_nothing_and_keeps_secrets_private)
{
    static const char *const secret[] = {
        "ca.key",         "tls.key",          "device-ca.key",     "label.key",
        "label-root.key", "state/attestd.db", "state/evidence.key"};
    const char *const again[] = {"--insecure-file-key", NULL};
    const char *const no_choice[] = {NULL};
    struct stat sb;
    char path[128];

    for (size_t i = 0; i < ATT_COUNT(secret); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", kt.v->dir, secret[i]);
        ck_assert_int_eq(stat(path, &sb), 0);
        ck_assert_uint_eq(sb.st_mode & 07777, 0600);
    }
    ck_assert_int_ne(inproc_init(kt.v->dir, again), 0);
    ck_assert_int_eq(inproc_init("/tmp/attestd-never", no_choice), 2);
    ck_assert_int_ne(access("/tmp/attestd-never", F_OK), 0);
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
}
END_TEST

/* A folder that cannot be finished is left as it was found. */
START_TEST(init__leaves_nothing_behind_when_it_fails)
{
    const char *const bad[] = {"--insecure-file-key", "--refvals", "/etc/passwd", NULL};
    const char *const good[] = {"--insecure-file-key", NULL};
    char dir[] = "/tmp/attestd-init-XXXXXX";
    char path[64];

    NEED(mkdtemp(dir) != NULL);
    ck_assert_int_eq(inproc_init(dir, bad), 2);
    ck_assert_int_eq(rmdir(dir), 0); /* it is empty, and still there: init did not make it */
    ck_assert_int_eq(inproc_init(dir, bad), 2);
    ck_assert_int_ne(access(dir, F_OK), 0);
    (void)snprintf(path, sizeof(path), "%s/label.pem", dir);
    NEED(mkdir(dir, 0700) == 0);
    NEED(att_file_write(path, att_slice_str("mine"), 0600, NULL) == ATT_OK);
    ck_assert_int_eq(inproc_init(dir, good), 2);
    ck_assert_int_eq(remove(path), 0); /* what was there before is not taken away */
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {keeper__issues_nothing_without_random_bytes, 0},
        {keeper__signs_with_a_key_in_a_token, 0},
        {keeper_new__refuses_a_key_file_that_is_not_allowed, 0},
        {keeper_new__refuses_the_label_key_as_data_key, 0},
        {keeper_new__refuses_a_key_of_another_certificate, 0},
        {keeper_new__refuses_keys_and_certificates_of_another_kind, 0},
        {keeper_new__refuses_a_label_key_that_is_not_certified_for_this_verifier, 0},
        {keeper_new__refuses_records_of_another_verifier, 0},
        {keeper_new__refuses_references_that_are_not_those_of_their_header, 0},
        {init__overwrites_nothing_and_keeps_secrets_private, 0},
        {init__leaves_nothing_behind_when_it_fails, 0},
    };

    return SUITE_RUN_ROWS("keeper_start", ROWS, &keepertest_fixture);
}
