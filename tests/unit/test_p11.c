/* A signing key in a real PKCS#11 token: SoftHSM with a folder of its own, made anew for each run. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/p11.h"
#include "remove_tree.h"
#include "sign/signer_p11.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define URI    "pkcs11:token=labels;object=%s?module-path=" MODULE "&pin-source=file:%s/pin"

static char folder[] = "/tmp/attest-p11-XXXXXX";

/* A program with its arguments, quietly; true when it ends with 0. */
static bool run(const char *const *argv)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL ||
            freopen("/dev/null", "w", stderr) == NULL) {
            _exit(126);
        }
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static bool init_token(const char *label)
{
    const char *argv[] = {"softhsm2-util", "--init-token", "--free", "--label", label,
                          "--so-pin",      "87654321",     "--pin",  "1234",    NULL};

    return run(argv);
}

static bool make_key(const char *token, const char *type, const char *label, const char *id,
                     const char *extra)
{
    const char *argv[] = {"pkcs11-tool", "--module", MODULE, "--token-label", token,
                          "--login",     "--pin",    "1234", "--keypairgen",  "--key-type",
                          type,          "--label",  label,  "--id",          id,
                          extra,         NULL};

    return run(argv);
}

static void put(const char *name, const char *text, mode_t mode)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (att_file_write(path, att_slice_str(text), mode, NULL) != ATT_OK || chmod(path, mode) != 0) {
        abort();
    }
}

static bool make_tokens(void)
{
    char conf[512], text[512];

    if (mkdtemp(folder) == NULL) {
        return false;
    }
    snprintf(conf, sizeof(conf), "%s/tokens", folder);
    if (mkdir(conf, 0700) != 0) {
        return false;
    }
    snprintf(text, sizeof(text), "directories.tokendir = %s/tokens\nlog.level = ERROR\n", folder);
    put("softhsm2.conf", text, 0600);
    put("pin", "1234\n", 0600);
    put("wrong-pin", "9999\n", 0600);
    put("open-pin", "1234\n", 0644);
    put("empty-pin", "\n", 0600);
    snprintf(conf, sizeof(conf), "%s/softhsm2.conf", folder);
    setenv("SOFTHSM2_CONF", conf, 1);
    return init_token("labels") && init_token("spare") &&
           make_key("labels", "EC:prime256v1", "label-key", "01", NULL) &&
           make_key("labels", "EC:secp384r1", "big-key", "02", NULL) &&
           make_key("labels", "EC:prime256v1", "loose-key", "03", "--extractable") &&
           make_key("labels", "rsa:2048", "rsa-key", "04", NULL) &&
           make_key("labels", "EC:prime256v1", "twice", "05", NULL) &&
           make_key("labels", "EC:prime256v1", "twice", "06", NULL) &&
           make_key("spare", "EC:prime256v1", "label-key", "01", NULL);
}

static char *uri_of(char *out, size_t cap, const char *object)
{
    snprintf(out, cap, URI, object, folder);
    return out;
}

static enum att_err try_open(const char *uri, const char *pin_file, struct att_diag *diag)
{
    struct att_p11_key *k = NULL;
    enum att_err err = att_p11_open(&k, uri, pin_file, diag);

    att_p11_free(k);
    return err;
}

static const struct {
    const char *object;
    enum att_key_type type;
    enum att_hash hash;
    size_t sig_len;
} KEYS[] = {
    {"label-key", ATT_KEY_EC_P256, ATT_HASH_SHA256, 64},
    {"big-key", ATT_KEY_EC_P384, ATT_HASH_SHA384, 96},
};

START_TEST(att_signer_p11__signs_what_its_public_key_verifies)
{
    char uri[1024];
    struct att_signer *s = NULL;
    struct att_diag diag = {0};
    uint8_t sig[512];
    size_t len = 0;
    struct att_slice message = att_slice_str("a label");

    ck_assert_msg(att_signer_p11(&s, uri_of(uri, sizeof(uri), KEYS[_i].object), NULL, &diag) ==
                      ATT_OK,
                  "%s", diag.text);
    ck_assert_int_eq(s->key_class, ATT_KEY_CLASS_PKCS11);
    ck_assert_int_eq(s->scheme, ATT_SCHEME_ECDSA);
    ck_assert_int_eq(s->hash, KEYS[_i].hash);
    ck_assert_int_eq(att_pubkey_type(s->public_key), KEYS[_i].type);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(att_signer_sign(s, message, sig, sizeof(sig), &len), ATT_OK);
        ck_assert_uint_eq(len, KEYS[_i].sig_len);
        ck_assert_int_eq(
            att_verify(s->public_key, s->scheme, s->hash, message, att_slice_of(sig, len)), ATT_OK);
        sig[3] ^= 1;
        ck_assert_int_eq(
            att_verify(s->public_key, s->scheme, s->hash, message, att_slice_of(sig, len)),
            ATT_E_SIGNATURE);
    }
    att_signer_free(s);
}
END_TEST

START_TEST(att_p11_open__again_after_it_was_closed)
{
    char uri[1024];
    uint8_t first[32], second[32];

    for (int i = 0; i < 3; i++) {
        struct att_p11_key *k = NULL;

        ck_assert_int_eq(att_p11_open(&k, uri_of(uri, sizeof(uri), "label-key"), NULL, NULL),
                         ATT_OK);
        ck_assert_int_eq(att_pubkey_fingerprint(i == 0 ? first : second, att_p11_public(k)),
                         ATT_OK);
        att_p11_free(k);
    }
    ck_assert(att_digest_eq(first, second, sizeof(first)));
    att_p11_free(NULL);
}
END_TEST

static void check_signs(const struct att_signer *s)
{
    struct att_slice message = att_slice_str("a label");
    uint8_t sig[512];
    size_t len = 0;

    ck_assert_int_eq(att_signer_sign(s, message, sig, sizeof(sig), &len), ATT_OK);
    ck_assert_int_eq(att_verify(s->public_key, s->scheme, s->hash, message, att_slice_of(sig, len)),
                     ATT_OK);
}

/* One key takes over from another: both are open for a while, and neither's end is the other's. */
START_TEST(att_p11_open__two_keys_of_one_token)
{
    char uri[1024];
    struct att_signer *before = NULL, *now = NULL, *again = NULL;

    ck_assert_int_eq(att_signer_p11(&before, uri_of(uri, sizeof(uri), "label-key"), NULL, NULL),
                     ATT_OK);
    check_signs(before);
    ck_assert_int_eq(att_signer_p11(&now, uri_of(uri, sizeof(uri), "big-key"), NULL, NULL), ATT_OK);
    check_signs(before);
    check_signs(now);
    ck_assert_int_eq(try_open(uri_of(uri, sizeof(uri), "none"), NULL, NULL), ATT_E_NOT_FOUND);
    check_signs(before);
    att_signer_free(before);
    check_signs(now);
    ck_assert_int_eq(att_signer_p11(&again, uri_of(uri, sizeof(uri), "label-key"), NULL, NULL),
                     ATT_OK);
    att_signer_free(now);
    check_signs(again);
    att_signer_free(again);
}
END_TEST

START_TEST(att_p11_open__every_way_of_naming_one_key)
{
    static const char *const PATHS[] = {
        "token=labels;id=%01",
        "token=labels;object=label%2Dkey;id=%01;type=private",
        "object=label-key;token=labels;manufacturer=SoftHSM%20project;model=SoftHSM%20v2",
    };
    char uri[1024], pin[512];
    struct att_diag diag = {0};

    snprintf(uri, sizeof(uri), "pkcs11:%s?module-path=" MODULE, PATHS[_i]);
    snprintf(pin, sizeof(pin), "%s/pin", folder);
    ck_assert_msg(try_open(uri, pin, &diag) == ATT_OK, "%s", diag.text);
}
END_TEST

/* Matrix row H-08. */
START_TEST(att_p11_open__a_key_that_can_be_taken_out_is_refused)
{
    char uri[1024];
    struct att_diag diag = {0};

    ck_assert_int_eq(try_open(uri_of(uri, sizeof(uri), "loose-key"), NULL, &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_KEY_STORE);
    ck_assert_ptr_nonnull(strstr(diag.text, "CKA_EXTRACTABLE"));
}
END_TEST

static const struct {
    const char *uri; /* %s is the folder */
    enum att_err err;
    enum att_reason reason;
} REFUSED[] = {
    {"file:/etc/key", ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:token=labels;object=label-key", ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:token=labels;object=label-key?module-path=libsofthsm2.so", ATT_E_CONFIG,
     ATT_R_CFG_KEY},
    {"pkcs11:token=labels?module-path=" MODULE, ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:object=k?module-path=" MODULE "&pin-value=1234", ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:object=k?module-path=" MODULE "&pin-source=|echo", ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:object=k?module-path=" MODULE "&pin-source=file:pin", ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:object=k;object=k?module-path=" MODULE, ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:object=k;colour=red?module-path=" MODULE, ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:object=k;type=public?module-path=" MODULE, ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:object=k%0?module-path=" MODULE, ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:object=k%00x?module-path=" MODULE, ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:object=?module-path=" MODULE, ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:token=none;object=k;?module-path=" MODULE "&", ATT_E_NOT_FOUND, ATT_R_KEY_STORE},
    {"pkcs11:object=label-key?module-path=/nonexistent.so", ATT_E_NOT_FOUND, ATT_R_KEY_STORE},
    {"pkcs11:token=none;object=label-key?module-path=" MODULE, ATT_E_NOT_FOUND, ATT_R_KEY_STORE},
    {"pkcs11:object=label-key?module-path=" MODULE, ATT_E_CONFIG, ATT_R_KEY_STORE},
    {"pkcs11:token=labels;object=label-key?module-path=" MODULE, ATT_E_DENIED, ATT_R_KEY_STORE},
    {"pkcs11:token=labels;object=label-key?module-path=" MODULE "&pin-source=file:%s/wrong-pin",
     ATT_E_DENIED, ATT_R_KEY_STORE},
    {"pkcs11:token=labels;object=label-key?module-path=" MODULE "&pin-source=file:%s/open-pin",
     ATT_E_DENIED, ATT_R_CFG_PERM},
    {"pkcs11:token=labels;object=label-key?module-path=" MODULE "&pin-source=file:%s/empty-pin",
     ATT_E_CONFIG, ATT_R_CFG_KEY},
    {"pkcs11:token=labels;object=label-key?module-path=" MODULE "&pin-source=file://%s/none",
     ATT_E_NOT_FOUND, ATT_R_FILE},
    {"pkcs11:token=labels;object=none?module-path=" MODULE "&pin-source=file://%s/pin",
     ATT_E_NOT_FOUND, ATT_R_KEY_STORE},
    {"pkcs11:token=labels;object=twice?module-path=" MODULE "&pin-source=file:%s/pin", ATT_E_CONFIG,
     ATT_R_KEY_STORE},
    {"pkcs11:token=labels;object=rsa-key?module-path=" MODULE "&pin-source=file:%s/pin",
     ATT_E_UNSUPPORTED, ATT_R_KEY_STORE},
};

/* The folder put where %s stands; other percent signs are the address's own. */
static void fill_in(char *out, size_t cap, const char *uri)
{
    const char *at = strstr(uri, "%s/");

    if (at == NULL) {
        snprintf(out, cap, "%s", uri);
        return;
    }
    snprintf(out, cap, "%.*s%s%s", (int)(at - uri), uri, folder, at + 2);
}

START_TEST(att_p11_open__refuses_with_its_code)
{
    char uri[1024];
    struct att_diag diag = {0};

    fill_in(uri, sizeof(uri), REFUSED[_i].uri);
    ck_assert_msg(try_open(uri, NULL, &diag) == REFUSED[_i].err, "%s: %s %s", uri,
                  att_err_name(diag.err), diag.text);
    ck_assert_int_eq(diag.err, REFUSED[_i].err);
    ck_assert_int_eq(diag.reason, REFUSED[_i].reason);
    ck_assert_ptr_null(strstr(diag.text, "1234"));
}
END_TEST

START_TEST(att_p11_open__one_place_for_the_pin)
{
    char uri[1024], pin[512];
    struct att_diag diag = {0};

    snprintf(pin, sizeof(pin), "%s/pin", folder);
    ck_assert_int_eq(try_open(uri_of(uri, sizeof(uri), "label-key"), pin, &diag), ATT_E_CONFIG);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("p11");
    TCase *t = tcase_create("p11");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, att_signer_p11__signs_what_its_public_key_verifies, 0,
                        (int)ATT_COUNT(KEYS));
    tcase_add_test(t, att_p11_open__again_after_it_was_closed);
    tcase_add_test(t, att_p11_open__two_keys_of_one_token);
    tcase_add_loop_test(t, att_p11_open__every_way_of_naming_one_key, 0, 3);
    tcase_add_test(t, att_p11_open__a_key_that_can_be_taken_out_is_refused);
    tcase_add_loop_test(t, att_p11_open__refuses_with_its_code, 0, (int)ATT_COUNT(REFUSED));
    tcase_add_test(t, att_p11_open__one_place_for_the_pin);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = NULL;
    int failed = 0;

    if (access(MODULE, R_OK) != 0) {
        puts("no SoftHSM on this machine: " MODULE);
        return 77;
    }
    if (!make_tokens()) {
        puts("the tools softhsm2-util and pkcs11-tool cannot make a token here");
        return 77;
    }
    r = srunner_create(suite());
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    remove_tree(folder);
    return failed == 0 ? 0 : 1;
}
