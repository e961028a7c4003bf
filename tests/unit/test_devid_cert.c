/* Certificates of factory keys (IAK, IDevID): what they are good for, and what they say of the device. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "crypto/devid_cert.h"
#include "need.h"
#include "softtpm.h"
#include "suite.h"

static struct softtpm_ca *ca;
static struct att_anchors *anchors;
static EVP_PKEY *key;

static struct att_cert *parse(struct att_slice der)
{
    struct att_cert *c = NULL;

    NEED(att_cert_parse(&c, der, NULL) == ATT_OK);
    return c;
}

static struct att_cert *root_of(const struct softtpm_ca *of)
{
    unsigned char *der = NULL;
    int len = i2d_X509(of->root, &der);
    struct att_cert *c = parse(att_slice_of(der, (size_t)len));

    OPENSSL_free(der);
    return c;
}

static void set_up(void)
{
    struct att_cert *root = NULL;

    ca = softtpm_ca_new("A factory");
    key = softtpm_p256();
    root = root_of(ca);
    NEED(att_anchors_new(&anchors) == ATT_OK && att_anchors_add(anchors, root) == ATT_OK);
    att_cert_free(root);
}

static void tear_down(void)
{
    att_anchors_freep(&anchors);
    EVP_PKEY_free(key);
    softtpm_ca_free(ca);
}

static struct att_cert *issue(const struct softtpm_devid_order *order)
{
    struct softtpm_bytes der = softtpm_certify_devid(key, ca, order);

    return parse(softtpm_slice(&der));
}

static enum att_err judge(const struct att_cert *c, enum att_cert_use use, struct att_diag *diag)
{
    return att_chain_verify(c, NULL, 0, anchors, use, (int64_t)time(NULL), ATT_R_ID_IAKCERT, diag);
}

static const struct {
    struct softtpm_devid_order order;
    const char *iak, *idevid; /* the word of a refusal; NULL: accepted */
} CASES[] = {
    {{.usage = NULL}, NULL, NULL},
    {{.usage = "2.23.133.8.3,clientAuth"}, NULL, NULL},
    {{.usage = "", .policy = "2.23.133.11.1.3"}, NULL, NULL}, /* verifiedTPMRestricted */
    {{.usage = "", .policy = "2.23.133.11.1.1,2.23.133.11.1.3"}, NULL, NULL},
    {{.usage = "", .policy = "2.23.133.11.1.2"}, "certificate.use", NULL}, /* verifiedTPMFixed */
    {{.usage = ""}, "certificate.use", NULL},
    {{.usage = "clientAuth"}, "certificate.use", NULL},
    {{.usage = "2.23.133.8.1"}, "certificate.use", NULL}, /* of an endorsement key */
    {{.is_ca = true}, "certificate.ca", "certificate.ca"},
    {{.not_before_s = -7200, .not_after_s = -3600}, "certificate.expired", "certificate.expired"},
    {{.not_before_s = 3600, .not_after_s = 7200},
     "certificate.not-yet-valid",
     "certificate.not-yet-valid"},
};

static void expect(const struct att_cert *c, enum att_cert_use use, const char *word)
{
    struct att_diag diag = {0};
    enum att_err err = judge(c, use, &diag);

    if (word == NULL) {
        ck_assert_msg(err == ATT_OK, "case %d: %s", use, diag.text);
        return;
    }
    ck_assert_int_ne(err, ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_ID_IAKCERT);
    ck_assert_str_eq(diag.field, word);
}

START_TEST(att_chain_verify__factory_key_needs_its_issuers_word)
{
    struct att_cert *c = issue(&CASES[_i].order);

    expect(c, ATT_USE_IAK, CASES[_i].iak);
    expect(c, ATT_USE_IDEVID, CASES[_i].idevid);
    att_cert_free(c);
}
END_TEST

START_TEST(att_chain_verify__another_factory_is_refused)
{
    struct softtpm_ca *other = softtpm_ca_new("Another factory");
    struct softtpm_devid_order usual = {.usage = NULL};
    struct softtpm_bytes der = softtpm_certify_devid(key, other, &usual);
    struct att_cert *c = parse(softtpm_slice(&der));

    expect(c, ATT_USE_IAK, "certificate.other-ca");
    expect(c, ATT_USE_IDEVID, "certificate.other-ca");
    att_cert_free(c);
    softtpm_ca_free(other);
}
END_TEST

START_TEST(att_cert_devid_name__tells_device_and_module)
{
    struct softtpm_devid_order order = {.serial = "GW-2026/0042",
                                        .module = "49465800:0a0b0c:1f2e3d"};
    struct att_cert *c = issue(&order);
    struct att_devid_name n;
    char number[ATT_CERT_SERIAL + 1];

    ck_assert_int_eq(att_cert_devid_name(&n, c, NULL), ATT_OK);
    ck_assert_str_eq(n.device_serial, "GW-2026/0042");
    ck_assert_str_eq(n.hw_type, "2.23.133.1.2");
    ck_assert_str_eq(n.hw_serial, "49465800:0a0b0c:1f2e3d");
    ck_assert_uint_eq(strlen(att_cert_serial(number, sizeof(number), c)), 32);
    ck_assert_str_eq(att_cert_serial(number, 10, c), "");
    att_cert_free(c);
}
END_TEST

START_TEST(att_cert_devid_name__shows_other_bytes_in_hexadecimal)
{
    struct softtpm_devid_order order = {.module = "\x01\xff\x1b"};
    struct att_cert *c = issue(&order);
    struct att_devid_name n;

    ck_assert_int_eq(att_cert_devid_name(&n, c, NULL), ATT_OK);
    ck_assert_str_eq(n.hw_serial, "01ff1b");
    att_cert_free(c);
}
END_TEST

/* The bytes of the name stand in the certificate as they are: changed there, the reader alone decides. */
START_TEST(att_cert_devid_name__refuses_another_form)
{
    struct softtpm_devid_order usual = {.usage = NULL};
    struct softtpm_bytes der = softtpm_certify_devid(key, ca, &usual);
    static const uint8_t type[] = {0x06, 0x05, 0x67, 0x81, 0x05, 0x01, 0x02, 0x04};
    static const struct {
        size_t off; /* of the tag of the type */
        uint8_t value;
    } CHANGES[] = {{0, 0x04}, {1, 0x06}, {1, 0x00}, {7, 0x0c}, {8, 0x7f}, {8, 0x01}};
    uint8_t *at = memmem(der.p, der.len, type, sizeof(type));
    struct att_devid_name n;
    struct att_diag diag = {0};
    struct att_cert *c = NULL;

    NEED(at != NULL);
    at[CHANGES[_i].off] = CHANGES[_i].value;
    c = parse(softtpm_slice(&der));
    ck_assert_int_eq(att_cert_devid_name(&n, c, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_IAKCERT);
    ck_assert_str_eq(diag.field, "certificate.hardware");
    att_cert_free(c);
}
END_TEST

START_TEST(att_cert_devid_name__of_another_certificate_is_empty)
{
    struct att_cert *c = root_of(ca);
    struct att_devid_name n;

    ck_assert_int_eq(att_cert_devid_name(&n, c, NULL), ATT_OK);
    ck_assert_str_eq(n.device_serial, "");
    ck_assert_str_eq(n.hw_type, "");
    att_cert_free(c);
}
END_TEST

/* The published authority of another project's factory keys: its intermediate first, its root behind it. */
START_TEST(att_chain_verify__holds_a_real_authority)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    ATT_CLEANUP(att_anchors_freep) struct att_anchors *both = NULL, *root = NULL;
    struct att_diag diag = {0};
    char path[512], issuer[ATT_CERT_ISSUER], subject[ATT_CERT_ISSUER];
    const int64_t at = 1790000000; /* September 2026 */

    snprintf(path, sizeof(path), "%s/ek-certs/keylime-iak_idevid_chain.pem", getenv("CORPUS"));
    NEED(att_file_read(&text, path, 16384, NULL) == ATT_OK);
    NEED(att_anchors_new(&both) == ATT_OK && att_anchors_new(&root) == ATT_OK);
    for (const char *p = (const char *)att_buf_slice(text).p; (p = strstr(p, "-----BEGIN"));) {
        const char *end = strstr(p, "-----END CERTIFICATE-----");
        struct att_cert *c = NULL;

        NEED(end != NULL);
        end += strlen("-----END CERTIFICATE-----");
        ck_assert_int_eq(att_cert_parse(&c, att_slice_of(p, (size_t)(end - p)), &diag), ATT_OK);
        NEED(att_anchors_add(both, c) == ATT_OK);
        att_cert_free(c);
        p = end;
    }
    ck_assert_uint_eq(att_anchors_count(both), 2);
    NEED(att_anchors_add(root, att_anchors_at(both, 1)) == ATT_OK);
    att_cert_issuer(issuer, sizeof(issuer), att_anchors_at(both, 0));
    ck_assert_str_eq(issuer, att_cert_subject(subject, sizeof(subject), att_anchors_at(both, 1)));
    /* the intermediate leads to its root, and is no factory key itself */
    for (int use = ATT_USE_IAK; use <= ATT_USE_IDEVID; use++) {
        ck_assert_int_eq(att_chain_verify(att_anchors_at(both, 0), NULL, 0, root,
                                          (enum att_cert_use)use, at, ATT_R_ID_IAKCERT, &diag),
                         ATT_E_FORMAT);
        ck_assert_str_eq(diag.field, "certificate.ca");
        /* nor does it lead to the root of another factory */
        ck_assert_int_eq(att_chain_verify(att_anchors_at(both, 0), NULL, 0, anchors,
                                          (enum att_cert_use)use, at, ATT_R_ID_IAKCERT, &diag),
                         ATT_E_UNTRUSTED);
    }
}
END_TEST

int main(void)
{
    const struct suite_fixture fixture = {set_up, tear_down};
    const char *corpus = getenv("CORPUS");
    const struct suite_row rows[] = {
        {att_chain_verify__factory_key_needs_its_issuers_word, (int)ATT_COUNT(CASES)},
        {att_chain_verify__another_factory_is_refused, 0},
        {att_cert_devid_name__tells_device_and_module, 0},
        {att_cert_devid_name__shows_other_bytes_in_hexadecimal, 0},
        {att_cert_devid_name__refuses_another_form, 6},
        {att_cert_devid_name__of_another_certificate_is_empty, 0},
        {att_chain_verify__holds_a_real_authority, 0},
    };
    size_t count = ATT_COUNT(rows) - (corpus == NULL || corpus[0] == '\0' ? 1 : 0);

    return suite_run_rows("certificates of factory keys", rows, count, &fixture);
}
