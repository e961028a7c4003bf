/*
 * A gateway that left its factory with an IAK and an IDevID: tpm2-tools and openssl play the factory on a software
 * TPM, the agent shows the keys, a running verifier judges them.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agenttest.h"
#include "base/file.h"
#include "codec/json.h"
#include "factoryline.h"
#include "need.h"
#include "suite.h"

static struct factoryline *line;

/* The verifier looks at factory keys, and knows this factory. */
static void set_up(void)
{
    char path[128], command[256];

    agenttest_setup();
    line = factoryline_new();
    service_stop(agenttest_service);
    snprintf(path, sizeof(path), "%s/iak.d", agenttest_service->dir);
    NEED(mkdir(path, 0700) == 0);
    snprintf(command, sizeof(command), "cp %s %s/", line->ca, path);
    NEED(system(command) == 0);
}

static void tear_down(void)
{
    factoryline_free(line);
    agenttest_teardown();
}

static void serve(const char *word)
{
    char extra[64];

    snprintf(extra, sizeof(extra), "iak: %s\niak_anchors: iak.d\n", word);
    agenttest_service->options.extra = extra;
    service_configure(agenttest_service);
    agenttest_service->options.extra = NULL;
    service_start(agenttest_service);
}

/* More lines for agent.yaml. */
static void name_keys(const char *lines)
{
    char text[2048];
    ATT_CLEANUP(att_buf_freep) struct att_buf *usual = NULL;

    agenttest_configure(swtpm_tcti(agenttest_tpm));
    NEED(att_file_read(&usual, agenttest_conf, 1024, NULL) == ATT_OK);
    snprintf(text, sizeof(text), "%s%.*s", lines, (int)att_buf_len(usual),
             (const char *)att_buf_slice(usual).p);
    agenttest_write(agenttest_conf, text);
}

#define BOTH "iak_handle: 0x81020001\nidevid_handle: 0x81020000\n"

static const struct {
    struct factoryline_order order;
    const char *lines;
} LINES[] = {
    {{.rsa = false}, BOTH},
    {{.rsa = true}, BOTH},
    {{.rsa = false}, "iak_certificates: [0x01c90100]\nidevid_certificates: [0x01c90000]\n"},
    /* a chain in NV: in the key's own index, and in one of its own; the verifier has the root alone */
    {{.line = LINE_BEHIND}, BOTH},
    {{.line = LINE_APART},
     "iak_certificates: [0x01c90100, 0x01c90101]\n"
     "idevid_certificates: [0x01c90000, 0x01c90101]\n"},
};

START_TEST(iak__provisioned_gateway_enrols_and_is_labelled)
{
    struct service_device d;

    factoryline_provision(line, agenttest_tpm, &LINES[_i].order);
    serve("require");
    name_keys(LINES[_i].lines);
    agenttest_enrolled();
    ck_assert(service_device(&d, agenttest_service, "gw-1"));
    ck_assert(d.device.ek_verified && d.device.iak);
    ck_assert_ptr_nonnull(strstr(d.last.detail, "ek verified; iak "));
    ck_assert_ptr_nonnull(strstr(d.last.detail, "; idevid"));
    agenttest_affirmed();
}
END_TEST

/* Certificates in files, the root behind: what a maker gives on paper. */
START_TEST(iak__certificates_come_from_files_too)
{
    char lines[256];
    const struct factoryline_order usual = {.rsa = false};
    char command[512];

    factoryline_provision(line, agenttest_tpm, &usual);
    snprintf(command, sizeof(command),
             "cd %s && openssl x509 -in ca.pem -outform DER -out ca.der && cat iak.der ca.der "
             ">both.der",
             line->dir);
    NEED(system(command) == 0);
    serve("require");
    snprintf(lines, sizeof(lines), "iak_certificates: [%s/both.der]\n", line->dir);
    name_keys(lines);
    agenttest_enrolled();
    agenttest_affirmed();
}
END_TEST

static void enrol_refused(const char *code, const char *word)
{
    ck_assert_int_ne(agenttest_enrol_as("gw-1"), 0);
    ck_assert_msg(agenttest_said(code) && (word == NULL || agenttest_said(word)), "%s",
                  agenttest_out);
}

static const struct {
    struct factoryline_order order;
    const char *code, *word;
} BAD[] = {
    {{.expired = true}, "E_ID_IAKCERT", "certificate.expired"},
    {{.iak_eku = ""}, "E_ID_IAKCERT", "certificate.use"},
    {{.iak_attributes = ""}, "E_ID_IAKATTR", "not restricted"},
};

START_TEST(iak__badly_provisioned_gateway_is_refused)
{
    factoryline_provision(line, agenttest_tpm, &BAD[_i].order);
    serve("accept");
    name_keys("iak_handle: 0x81020001\n");
    enrol_refused(BAD[_i].code, BAD[_i].word);
}
END_TEST

/* The authority between root and key stands in an index that nobody named. */
START_TEST(iak__chain_with_a_link_missing_is_refused)
{
    const struct factoryline_order apart = {.line = LINE_APART};

    factoryline_provision(line, agenttest_tpm, &apart);
    serve("require");
    name_keys(BOTH);
    enrol_refused("E_ID_IAKCERT", NULL);
}
END_TEST

START_TEST(iak__another_factory_is_refused)
{
    const struct factoryline_order usual = {.rsa = false};
    struct factoryline *other = factoryline_new();

    factoryline_provision(other, agenttest_tpm, &usual);
    serve("accept");
    name_keys(BOTH);
    enrol_refused("E_ID_IAKCERT", "certificate.other-ca");
    factoryline_free(other);
}
END_TEST

/* The identity key stands where the attestation key was named: its certificate is for another key. */
START_TEST(iak__certificate_of_another_key_is_refused)
{
    const struct factoryline_order usual = {.rsa = false};

    factoryline_provision(line, agenttest_tpm, &usual);
    serve("accept");
    name_keys("iak_handle: 0x81020001\niak_certificates: [0x01c90000]\n");
    enrol_refused("E_ID_IAKCERT", "certificate.other-key");
}
END_TEST

START_TEST(iak__that_is_required_and_not_named_is_refused)
{
    serve("require");
    name_keys("");
    enrol_refused("E_ID_IAKNONE", "iak_handle");
}
END_TEST

START_TEST(iak__that_is_named_and_not_there_is_told)
{
    serve("accept");
    name_keys("iak_handle: 0x81020001\n");
    enrol_refused("E_TPM_DEVID", "0x81020001");
}
END_TEST

/* ---- doctor ---------------------------------------------------------------------------------- */

static const json_t *find(const json_t *list, const char *key, const char *text)
{
    const char *own = NULL;

    for (size_t i = 0; i < json_array_size(list); i++) {
        own = json_string_value(json_object_get(json_array_get(list, i), key));
        if (own != NULL && strcmp(own, text) == 0) {
            return json_array_get(list, i);
        }
    }
    return NULL;
}

/* The line has this status; code and words of its reason, or without a code the words of its detail. */
static void doctor_says(const char *id, const char *status, const char *code, const char *words)
{
    ATT_CLEANUP(att_json_freep) json_t *j = NULL;
    const json_t *check = NULL;
    const json_t *told = NULL;

    (void)agenttest_run("doctor", NULL);
    NEED(att_json_parse(&j, att_slice_str(agenttest_out), NULL) == ATT_OK);
    check = find(json_object_get(j, "checks"), "id", id);
    told = code == NULL ? check : find(json_object_get(j, "reasons"), "path", id);
    ck_assert_msg(check != NULL && told != NULL, "%s", agenttest_out);
    ck_assert_str_eq(json_string_value(json_object_get(check, "status")), status);
    if (code != NULL) {
        ck_assert_str_eq(json_string_value(json_object_get(told, "code")), code);
    }
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(told, "detail")), words));
}

START_TEST(doctor__looks_at_the_factorys_keys)
{
    const struct factoryline_order usual = {.rsa = false};

    name_keys("");
    doctor_says("tpm.iak", "not-run", NULL, "names none");
    name_keys(BOTH);
    doctor_says("tpm.iak", "fail", "E_TPM_DEVID", "0x81020001");
    factoryline_provision(line, agenttest_tpm, &usual);
    doctor_says("tpm.iak", "pass", NULL, "device GW-7, module 49424d00:0a0b:0c0d");
    doctor_says("tpm.idevid", "pass", NULL, "0x81020000, device GW-7");
    name_keys("iak_handle: 0x81020001\niak_certificates: [0x01c90000]\n");
    doctor_says("tpm.iak", "fail", "E_ID_IAKCERT", "none of the 1 certificates is for the key");
    name_keys("iak_handle: 0x81020000\niak_certificates: [0x01c90000]\n");
    doctor_says("tpm.iak", "fail", "E_ID_IAKATTR", "is not restricted");
    name_keys("");
    doctor_says("tpm.iak", "not-run", NULL, "one stands at 0x81020001");
    doctor_says("tpm.idevid", "not-run", NULL, "one stands at 0x81020000");
}
END_TEST

START_TEST(doctor__tells_of_them_in_japanese)
{
    const struct factoryline_order usual = {.rsa = false};
    const char *args[] = {"--config", agenttest_conf, "--lang", "ja", "doctor", NULL};

    factoryline_provision(line, agenttest_tpm, &usual);
    name_keys("");
    (void)service_program(agenttest_out, sizeof(agenttest_out), "attest-agent", args);
    ck_assert(agenttest_said("0x81020001 にあります"));
    name_keys("iak_handle: 0x81020001\niak_certificates: [0x01c90000]\n");
    (void)service_program(agenttest_out, sizeof(agenttest_out), "attest-agent", args);
    ck_assert(agenttest_said("出荷時の鍵 (IAK、IDevID) の証明書を受け入れられません"));
}
END_TEST

int main(void)
{
    const struct suite_fixture fixture = {set_up, tear_down};
    const struct suite_row rows[] = {
        {iak__provisioned_gateway_enrols_and_is_labelled, (int)ATT_COUNT(LINES)},
        {iak__certificates_come_from_files_too, 0},
        {iak__badly_provisioned_gateway_is_refused, (int)ATT_COUNT(BAD)},
        {iak__chain_with_a_link_missing_is_refused, 0},
        {iak__another_factory_is_refused, 0},
        {iak__certificate_of_another_key_is_refused, 0},
        {iak__that_is_required_and_not_named_is_refused, 0},
        {iak__that_is_named_and_not_there_is_told, 0},
        {doctor__looks_at_the_factorys_keys, 0},
        {doctor__tells_of_them_in_japanese, 0},
    };

    if (!swtpm_available()) {
        return 77;
    }
    return SUITE_RUN_ROWS("keys of the factory", rows, &fixture);
}
