/* attest-agent doctor before a kernel's list and the PCR that it extends: the installed program and a software TPM. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "codec/json.h"
#include "longlist.h"
#include "need.h"
#include "remove_tree.h"
#include "service.h"
#include "suite.h"
#include "swtpm.h"

static char dir[] = "/tmp/test-doctor-list-XXXXXX";
static char list[64], conf[64], out[65536];
static struct swtpm *tpm;

static void set_up(void)
{
    char text[512];

    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    NEED(mkdtemp(dir) != NULL);
    (void)snprintf(list, sizeof(list), "%s/ima", dir);
    (void)snprintf(conf, sizeof(conf), "%s/agent.yaml", dir);
    tpm = swtpm_new();
    NEED(swtpm_tool(tpm, "tpm2_startup -c") == 0);
    (void)snprintf(text, sizeof(text),
                   "state_dir: state\ntcti: '%s'\nlogs: {uefi: none, ima: ima}\n", swtpm_tcti(tpm));
    NEED(att_file_write(conf, att_slice_str(text), 0600, NULL) == ATT_OK);
}

static void tear_down(void)
{
    swtpm_free(tpm);
    remove_tree(dir);
}

static void fill(bool padded)
{
    static const uint8_t FILE_DIGEST[32] = {7};
    struct longlist *l = longlist_new(list, tpm);

    if (padded) {
        longlist_padded(l);
    }
    longlist_fill(l, 0, 50, FILE_DIGEST);
    (void)longlist_close(l);
}

/* The line's member, in a static buffer; empty when there is no such line. */
static const char *line(const char *id, const char *key)
{
    static char text[256];
    ATT_CLEANUP(att_json_freep) json_t *j = NULL;
    const json_t *checks = NULL;
    const char *args[] = {"--config", conf, "--json", "doctor", NULL};

    (void)service_program(out, sizeof(out), "attest-agent", args);
    ck_assert_int_eq(att_json_parse(&j, att_slice_str(out), NULL), ATT_OK);
    checks = json_object_get(j, "checks");
    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *c = json_array_get(checks, i);
        const char *value = json_string_value(json_object_get(c, key));

        if (value != NULL && strcmp(json_string_value(json_object_get(c, "id")), id) == 0) {
            (void)snprintf(text, sizeof(text), "%s", value);
        }
    }
    return text;
}

START_TEST(doctor__tells_how_the_kernel_extends)
{
    fill(_i == 1);
    ck_assert_str_eq(line("log.ima-pcr", "status"), "pass");
    ck_assert_str_eq(line("log.ima-pcr", "detail"),
                     _i == 1 ? "the SHA-1 padded with zeros" : "the bank's own hash");
}
END_TEST

/* One byte of the list, or an extend that no entry tells of. */
START_TEST(doctor__warns_of_a_list_that_does_not_lead_to_its_pcr)
{
    fill(false);
    if (_i == 0) {
        FILE *f = fopen(list, "r+b");

        NEED(f != NULL && fseek(f, 300, SEEK_SET) == 0 && fputc('!', f) != EOF && fclose(f) == 0);
    } else {
        NEED(swtpm_tool(tpm,
                        "tpm2_pcrextend 10:sha256="
                        "0101010101010101010101010101010101010101010101010101010101010101") == 0);
    }
    ck_assert_str_eq(line("log.ima-pcr", "status"), "warn");
    ck_assert_msg(strstr(out, "E_LOG_PCR") != NULL, "%s", out);
}
END_TEST

int main(void)
{
    static const struct suite_fixture fixture = {set_up, tear_down};
    const struct suite_row rows[] = {
        {doctor__tells_how_the_kernel_extends, 2},
        {doctor__warns_of_a_list_that_does_not_lead_to_its_pcr, 2},
    };

    if (!swtpm_available()) {
        return 77;
    }
    return SUITE_RUN_ROWS("doctor and the kernel's list", rows, &fixture);
}
