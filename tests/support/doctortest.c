#include "doctortest.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/measurer/state.h"
#include "base/file.h"
#include "codec/json.h"
#include "hwtest.h"
#include "need.h"
#include "service.h"

char doctortest_conf[96], doctortest_out[65536];
char doctortest_dir[64];

void doctortest_setup(void)
{
    strcpy(doctortest_dir, "/tmp/test-doctor-XXXXXX");
    NEED(mkdtemp(doctortest_dir) != NULL);
    (void)snprintf(doctortest_conf, sizeof(doctortest_conf), "%s/agent.yaml", doctortest_dir);
}

void doctortest_teardown(void)
{
    char command[96];

    (void)snprintf(command, sizeof(command), "rm -rf %s", doctortest_dir);
    NEED(system(command) == 0);
}

int doctortest_run_with(const char *tcti, const char *logs, const char *more)
{
    const char *args[] = {"--config", doctortest_conf, "--json", "doctor", NULL};
    char text[1024];

    (void)snprintf(text, sizeof(text), "state_dir: state\ntcti: '%s'\nlogs: {%s}\n%s", tcti, logs,
                   more);
    NEED(att_file_write(doctortest_conf, att_slice_str(text), 0600, NULL) == ATT_OK);
    return service_program(doctortest_out, sizeof(doctortest_out), "attest-agent", args);
}

int doctortest_run(const char *tcti, const char *logs)
{
    return doctortest_run_with(tcti, logs, "");
}

int doctortest_examine(const struct swtpm *t)
{
    return doctortest_run(swtpm_tcti(t), DOCTORTEST_NO_LOGS);
}

static const char *member(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text == NULL ? "" : text;
}

/* The object of a list whose member is this text; NULL when there is none. */
static const json_t *find(const json_t *list, const char *key, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(member(json_array_get(list, i), key), text) == 0) {
            return json_array_get(list, i);
        }
    }
    return NULL;
}

/* The line is there with this status; its reason and words too, where it is no pass. */
void doctortest_says(const char *id, const char *status, const char *code, const char *words)
{
    ATT_CLEANUP(att_json_freep) json_t *j = NULL;
    const json_t *line = NULL;
    const json_t *why = NULL;

    ck_assert_int_eq(att_json_parse(&j, att_slice_str(doctortest_out), NULL), ATT_OK);
    line = find(json_object_get(j, "checks"), "id", id);
    ck_assert_msg(line != NULL, "no line %s: %.2000s", id, doctortest_out);
    ck_assert_msg(strcmp(member(line, "status"), status) == 0, "%s is %s: %.2000s", id,
                  member(line, "status"), doctortest_out);
    if (code == NULL) {
        ck_assert_msg(strstr(member(line, "detail"), words) != NULL, "%s: %s", id,
                      member(line, "detail"));
        return;
    }
    why = find(json_object_get(j, "reasons"), "path", id);
    ck_assert_msg(why != NULL, "no reason for %s: %.2000s", id, doctortest_out);
    ck_assert_str_eq(member(why, "code"), code);
    ck_assert_msg(strstr(member(why, "detail"), words) != NULL, "%s: %s", id,
                  member(why, "detail"));
    ck_assert_uint_gt(strlen(member(why, "fix_en")), 0);
    ck_assert_uint_gt(strlen(member(why, "fix_ja")), 0);
}

void doctortest_passes(const char *id, const char *words)
{
    doctortest_says(id, "pass", NULL, words);
}

/* An enrolment with this TPM, as enrol leaves it. */
void doctortest_enrol(const struct swtpm *t)
{
    struct hw_tpm *tpm = hwtest_connect(t);
    struct agent_ident ident = {
        .device_id = "gw-1", .verifier_id = "v", .url = "https://v", .ek_kind = HW_EK_L2};
    struct hw_ek ek;
    char state[96];

    MUST(hw_tpm_ek(&ek, tpm, HW_EK_L2, NULL, &diag));
    MUST(state_name_of(ident.ek_name, &ident.ek_name_len,
                       att_slice_of(ek.public_area, ek.public_len), STATE_EK, &diag));
    MUST(hw_tpm_ak_make(&ident.ak, tpm, HW_AK_HANDLE, &diag));
    hwtest_disconnect(tpm);
    (void)snprintf(state, sizeof(state), "mkdir -m 0700 %s/state", doctortest_dir);
    NEED(system(state) == 0);
    (void)snprintf(state, sizeof(state), "%s/state", doctortest_dir);
    NEED(state_store(&ident, state, NULL) == ATT_OK);
}

/* Examine these bytes as one of the logs; no TPM is asked. */
int doctortest_examine_log(const char *kind, struct att_slice bytes)
{
    char path[96];
    char logs[256];

    (void)snprintf(path, sizeof(path), "%s/log", doctortest_dir);
    NEED(att_file_write(path, bytes, 0600, NULL) == ATT_OK);
    (void)snprintf(logs, sizeof(logs), "uefi: %s, ima: %s", kind[0] == 'u' ? path : "none",
                   kind[0] == 'i' ? path : "none");
    return doctortest_run("device:/dev/no-such-tpm", logs);
}
