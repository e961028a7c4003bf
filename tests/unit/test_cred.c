/*
 * Credentials made in software, opened by a real TPM: RSA and ECC endorsement keys, and an
 * attestation key as the agent makes it. The names that we compute are compared with those that the
 * TPM gives.
 */
#include "tcg/cred.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/wr.h"
#include "need.h"
#include "swtpm.h"

#define AK_ATTRIBUTES "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign"
#define STORAGE_ATTRIBUTES                                                                         \
    "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt"
#define SECRET "0123456789abcdef0123456789abcdef"

static struct swtpm *tpm;

/* A tool, and then the slots that it left occupied: this TPM has three. */
#define TOOL(...)                                                                                  \
    do {                                                                                           \
        ck_assert_int_eq(swtpm_tool(tpm, __VA_ARGS__), 0);                                         \
        ck_assert_int_eq(swtpm_tool(tpm, "tpm2_flushcontext -t >/dev/null 2>&1"), 0);              \
    } while (0)

static void setup(void)
{
    tpm = swtpm_new_blank();
    TOOL("tpm2_startup -c");
}

static void teardown(void)
{
    swtpm_free(tpm);
}

static void path_of(char *out, size_t cap, const char *name)
{
    snprintf(out, cap, "%s/%s", swtpm_folder(tpm), name);
}

static struct att_buf *read_file(const char *name)
{
    char path[512];
    struct att_buf *b = NULL;

    path_of(path, sizeof(path), name);
    ck_assert_msg(att_file_read(&b, path, 4096, NULL) == ATT_OK, "%s", path);
    return b;
}

/* The file form of tpm2-tools: a magic number, a version, the two structures. */
static void write_credential(const struct att_credential *c)
{
    uint8_t bytes[1024];
    struct att_wr w = att_wr_into(bytes, sizeof(bytes));
    struct att_slice all = {0};
    char path[512];

    att_wr_u32be(&w, 0xbadcc0de);
    att_wr_u32be(&w, 1);
    att_wr_bytes(&w, c->id_object, c->id_object_len);
    att_wr_bytes(&w, c->secret, c->secret_len);
    ck_assert_int_eq(att_wr_done(&w, &all), ATT_OK);
    path_of(path, sizeof(path), "cred.blob");
    ck_assert_int_eq(att_file_write(path, all, 0600, NULL), ATT_OK);
}

/* Open cred.blob with the keys ak.ctx and ek.ctx: the tool's exit status. */
static int activate(bool with_policy)
{
    const char *dir = swtpm_folder(tpm);
    int code = 0;

    if (with_policy) {
        TOOL("tpm2_startauthsession --policy-session -S %s/session", dir);
        TOOL("tpm2_policysecret -S %s/session -c e >/dev/null", dir);
    }
    code = swtpm_tool(tpm,
                      "rm -f %s/opened; tpm2_activatecredential -c %s/ak.ctx -C %s/ek.ctx "
                      "-i %s/cred.blob -o %s/opened %s%s%s >/dev/null 2>&1",
                      dir, dir, dir, dir, dir, with_policy ? "-P session:" : "",
                      with_policy ? dir : "", with_policy ? "/session" : "");
    TOOL("true");
    if (with_policy) {
        TOOL("tpm2_flushcontext %s/session", dir);
    }
    return code;
}

static void make_ak(void)
{
    const char *dir = swtpm_folder(tpm);

    TOOL("tpm2_createprimary -Q -C e -g sha256 -G ecc:ecdsa-sha256:null -a '" AK_ATTRIBUTES
         "' -c %s/ak.ctx",
         dir);
    TOOL("tpm2_readpublic -Q -c %s/ak.ctx -o %s/ak.pub -n %s/ak.name -q %s/ak.qname", dir, dir, dir,
         dir);
}

static struct att_pubarea parse_key(const struct att_buf *bytes)
{
    struct att_pubarea p = {0};
    struct att_diag diag = {0};

    ck_assert_msg(att_pubarea_parse(&p, att_buf_slice(bytes), &diag) == ATT_OK, "%s", diag.text);
    return p;
}

/* One EK, and what it must and must not open. */
static void check_ek(bool with_policy, size_t secret_len)
{
    struct att_buf *ek_bytes = read_file("ek.pub");
    struct att_buf *name = read_file("ak.name");
    struct att_pubarea ek = parse_key(ek_bytes);
    struct att_slice secret = att_slice_of(SECRET SECRET, secret_len);
    struct att_credential c = {0};
    struct att_diag diag = {0};
    struct att_buf *opened = NULL;
    uint8_t other[ATT_NAME_MAX];

    ck_assert_int_eq(att_pubarea_check_ek(&ek, NULL), ATT_OK);
    ck_assert_msg(att_credential_make(&c, &ek, att_buf_slice(name), secret, &diag) == ATT_OK, "%s",
                  diag.text);
    write_credential(&c);
    ck_assert_int_eq(activate(with_policy), 0);
    opened = read_file("opened");
    ck_assert(att_slice_eq(att_buf_slice(opened), secret));
    att_buf_free(opened);

    c.id_object[c.id_object_len - 1] ^= 1;
    write_credential(&c);
    ck_assert_int_ne(activate(with_policy), 0);

    memcpy(other, att_buf_slice(name).p, att_buf_len(name));
    other[5] ^= 1; /* for another attestation key */
    ck_assert_int_eq(
        att_credential_make(&c, &ek, att_slice_of(other, att_buf_len(name)), secret, NULL), ATT_OK);
    write_credential(&c);
    ck_assert_int_ne(activate(with_policy), 0);
    att_buf_free(ek_bytes);
    att_buf_free(name);
}

START_TEST(credential_make__opens_under_an_rsa_endorsement_key)
{
    const char *dir = swtpm_folder(tpm);

    make_ak();
    TOOL("tpm2_createek -Q -G rsa -c %s/ek.ctx -u %s/ek.pub", dir, dir);
    check_ek(true, 32);
}
END_TEST

START_TEST(credential_make__opens_under_an_ecc_endorsement_key)
{
    const char *dir = swtpm_folder(tpm);

    make_ak();
    TOOL("tpm2_createek -Q -G ecc -c %s/ek.ctx -u %s/ek.pub", dir, dir);
    check_ek(true, 1);
}
END_TEST

/* The parameters of the high-range template H-3, without its policy. */
START_TEST(credential_make__opens_under_p384_sha384_and_aes256)
{
    const char *dir = swtpm_folder(tpm);

    make_ak();
    TOOL("tpm2_createprimary -Q -C e -g sha384 -G ecc384:null:aes256cfb -a '" STORAGE_ATTRIBUTES
         "' -c %s/ek.ctx",
         dir);
    TOOL("tpm2_readpublic -Q -c %s/ek.ctx -o %s/ek.pub", dir, dir);
    check_ek(false, 48);
}
END_TEST

START_TEST(pubarea_name__is_the_name_that_the_tpm_gives)
{
    struct att_buf *bytes = NULL;
    struct att_buf *want = NULL;
    struct att_pubarea ak = {0};
    uint8_t name[ATT_NAME_MAX];
    uint8_t qualified[ATT_NAME_MAX];
    size_t len = 0;
    size_t qualified_len = 0;

    make_ak();
    bytes = read_file("ak.pub");
    ak = parse_key(bytes);
    ck_assert_int_eq(att_pubarea_check_ak(&ak, NULL), ATT_OK);
    ck_assert_int_eq(att_pubarea_name(name, &len, &ak), ATT_OK);
    want = read_file("ak.name");
    ck_assert(att_slice_eq(att_slice_of(name, len), att_buf_slice(want)));
    att_buf_free(want);
    ck_assert_int_eq(att_qualified_name(qualified, &qualified_len, ATT_TPM_RH_ENDORSEMENT,
                                        att_slice_of(name, len)),
                     ATT_OK);
    want = read_file("ak.qname");
    ck_assert(att_slice_eq(att_slice_of(qualified, qualified_len), att_buf_slice(want)));
    ck_assert_int_eq(
        att_qualified_name(qualified, &qualified_len, ATT_TPM_RH_OWNER, att_slice_of(name, len)),
        ATT_OK);
    ck_assert(!att_slice_eq(att_slice_of(qualified, qualified_len), att_buf_slice(want)));
    att_buf_free(want);
    att_buf_free(bytes);
}
END_TEST

static void refuse(const struct att_pubarea *ek, struct att_slice name, struct att_slice secret,
                   enum att_err want)
{
    struct att_credential c = {.secret_len = 77};

    ck_assert_int_eq(att_credential_make(&c, ek, name, secret, NULL), want);
    ck_assert_uint_eq(c.secret_len, 77);
}

START_TEST(credential_make__refuses_keys_and_secrets_of_other_kinds)
{
    struct att_buf *bytes = NULL;
    struct att_buf *name_bytes = NULL;
    struct att_pubarea ek;
    struct att_pubarea bad;
    struct att_slice name;
    struct att_slice secret = att_slice_of(SECRET, 32);
    const char *dir = swtpm_folder(tpm);

    make_ak();
    TOOL("tpm2_createek -Q -G ecc -c %s/ek.ctx -u %s/ek.pub", dir, dir);
    bytes = read_file("ek.pub");
    name_bytes = read_file("ak.name");
    name = att_buf_slice(name_bytes);
    ek = parse_key(bytes);
    bad = ek;
    bad.sym_alg = 0x0010;
    refuse(&bad, name, secret, ATT_E_UNSUPPORTED);
    bad = ek;
    bad.sym_mode = 0x0042; /* CBC */
    refuse(&bad, name, secret, ATT_E_UNSUPPORTED);
    bad = ek;
    bad.sym_bits = 192;
    refuse(&bad, name, secret, ATT_E_UNSUPPORTED);
    bad = ek;
    bad.name_alg = ATT_HASH_SHA1;
    refuse(&bad, name, secret, ATT_E_UNSUPPORTED);
    refuse(&ek, name, att_slice_of(SECRET SECRET, 33), ATT_E_LIMIT);
    refuse(&ek, name, att_slice_of(SECRET, 0), ATT_E_LIMIT);
    refuse(&ek, att_slice_of(name.p, 1), secret, ATT_E_LIMIT);
    att_buf_free(bytes);
    att_buf_free(name_bytes);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cred");
    TCase *t = tcase_create("cred");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, credential_make__opens_under_an_rsa_endorsement_key);
    tcase_add_test(t, credential_make__opens_under_an_ecc_endorsement_key);
    tcase_add_test(t, credential_make__opens_under_p384_sha384_and_aes256);
    tcase_add_test(t, pubarea_name__is_the_name_that_the_tpm_gives);
    tcase_add_test(t, credential_make__refuses_keys_and_secrets_of_other_kinds);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = NULL;
    int failed = 0;

    if (!swtpm_available()) {
        return 77;
    }
    r = srunner_create(suite());
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
