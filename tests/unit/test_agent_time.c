/*
 * Power cuts, resumes, kexec, a cleared TPM and a second enrolment, from a real software TPM through the agent to
 * a running verifier and back: each is affirmed and explained, or refused and explained.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agenttest.h"
#include "base/file.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "hwtest.h"
#include "need.h"
#include "suite.h"
#include "tcg/ownlog.h"

#define OWN_PCR 13U

/* How many states the last answer told, and that each has its words in both languages. */
static size_t told(void)
{
    ATT_CLEANUP(att_json_freep) json_t *j = NULL;
    const json_t *list = NULL;

    ck_assert_int_eq(att_json_parse(&j, att_slice_str(agenttest_out), NULL), ATT_OK);
    list = json_object_get(j, "states");
    for (size_t i = 0; i < json_array_size(list); i++) {
        static const char *const keys[] = {"code", "en", "ja", "fix_en", "fix_ja", "detail"};

        for (size_t k = 0; k < ATT_COUNT(keys); k++) {
            const char *text = json_string_value(json_object_get(json_array_get(list, i), keys[k]));

            ck_assert_msg(text != NULL && text[0] != '\0', "%s: %s", keys[k], agenttest_out);
        }
    }
    return json_array_size(list);
}

/* State number i of the last answer has this code, and its words have these numbers. */
static void tells(size_t i, const char *code, const char *words)
{
    ATT_CLEANUP(att_json_freep) json_t *j = NULL;
    const json_t *state = NULL;

    (void)told();
    ck_assert_int_eq(att_json_parse(&j, att_slice_str(agenttest_out), NULL), ATT_OK);
    state = json_array_get(json_object_get(j, "states"), i);
    ck_assert_msg(state != NULL, "no state %zu: %.2000s", i, agenttest_out);
    ck_assert_str_eq(json_string_value(json_object_get(state, "code")), code);
    ck_assert_msg(strstr(json_string_value(json_object_get(state, "detail")), words) != NULL,
                  "%s: %s", words, json_string_value(json_object_get(state, "detail")));
}

/* What the verifier wrote down for an auditor. */
static void recorded(const char *text)
{
    struct service_device d;

    ck_assert(service_device(&d, agenttest_service, "gw-1"));
    ck_assert_msg(strstr(d.last.detail, text) != NULL, "%s", d.last.detail);
}

/* The verifier's administrator sees the states of the last attestation, and only those. */
static void shown(size_t i, const char *code)
{
    char said[16384];
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    json_t *states = NULL;

    NEED(service_admin(agenttest_service, "GET", "/devices/gw-1", "", said, sizeof(said)) == 200);
    ck_assert_int_eq(att_json_parse(&doc, att_slice_str(said), NULL), ATT_OK);
    states = json_object_get(doc, "states");
    ck_assert_msg(json_is_array(states), "%s", said);
    ck_assert_uint_eq(json_array_size(states), told());
    if (code != NULL) {
        const json_t *x = json_array_get(states, i);

        ck_assert_str_eq(json_string_value(json_object_get(x, "code")), code);
        ck_assert_ptr_nonnull(
            strstr(json_string_value(json_object_get(x, "detail")), "resetCount "));
    }
}

/* Until the TPM wrote its clock again: what follows is told without the cut before it. */
static void wait_for_a_safe_clock(void)
{
    struct att_clock_info clock = {.safe = false};

    for (int i = 0; i < 40 && !clock.safe; i++) {
        struct hw_tpm *tpm = hwtest_connect(agenttest_tpm);

        MUST(hw_tpm_clock(&clock, tpm, &diag));
        hw_tpm_close(tpm);
        (void)usleep(clock.safe ? 0 : 250000);
    }
    ck_assert(clock.safe);
}

static void power(const char *shutdown, const char *startup)
{
    ck_assert_int_eq(swtpm_tool(agenttest_tpm, "tpm2_shutdown %s", shutdown), 0);
    swtpm_stop(agenttest_tpm);
    swtpm_start(agenttest_tpm);
    ck_assert_int_eq(swtpm_tool(agenttest_tpm, "tpm2_startup %s", startup), 0);
}

static void in_use(void)
{
    agenttest_enrolled();
    wait_for_a_safe_clock();
    agenttest_affirmed();
}

START_TEST(time__first_attestation_is_told_once)
{
    in_use();
    tells(0, "E_TIME_FIRST", "restartCount 0, clock ");
    ck_assert_uint_eq(told(), 1);
    recorded("affirming; E_TIME_FIRST (resetCount ");
    shown(0, "E_TIME_FIRST");
    ck_assert_int_eq(agenttest_run("status", NULL), 0);
    tells(0, "E_TIME_FIRST", "restartCount 0, clock ");
    agenttest_affirmed();
    ck_assert_uint_eq(told(), 0);
    shown(0, NULL);
}
END_TEST

START_TEST(time__power_cut_is_explained)
{
    in_use();
    swtpm_power_cut(agenttest_tpm);
    agenttest_affirmed();
    tells(0, "E_TIME_UNCLEAN", "resetCount 2 to 3, restartCount 0 to 0");
    ck_assert_uint_eq(told(), 1);
    recorded("affirming; E_TIME_UNCLEAN (resetCount 2 to 3");
    shown(0, "E_TIME_UNCLEAN");
    agenttest_affirmed(); /* the same boot, and the clock is not safe yet */
    tells(0, "E_TIME_UNSAFE", "resetCount 3 to 3");
    wait_for_a_safe_clock();
    agenttest_affirmed();
    ck_assert_uint_eq(told(), 0);
}
END_TEST

START_TEST(time__several_cuts_are_told_as_one_with_their_number)
{
    in_use();
    for (int i = 0; i < 3; i++) {
        struct hw_tpm *tpm = NULL;

        swtpm_power_cut(agenttest_tpm);
        tpm = hwtest_connect(agenttest_tpm); /* a firmware starts it each time */
        hw_tpm_close(tpm);
    }
    agenttest_affirmed();
    tells(0, "E_TIME_UNCLEAN", "resetCount 2 to 5");
}
END_TEST

START_TEST(time__orderly_reboot_is_explained)
{
    in_use();
    power("-c", "-c");
    agenttest_affirmed();
    tells(0, "E_TIME_RESET", "resetCount 2 to 3");
    ck_assert_uint_eq(told(), 1);
}
END_TEST

START_TEST(time__resume_is_explained_and_measures_nothing_again)
{
    in_use();
    power("", "");
    agenttest_affirmed();
    tells(0, "E_TIME_RESUME", "resetCount 2 to 2, restartCount 0 to 1");
    ck_assert_uint_eq(told(), 1);
    ck_assert(agenttest_said("\"changes\":0"));
    recorded("affirming; E_TIME_RESUME");
}
END_TEST

/* TPM Restart: the PCRs start anew, the own log with them. */
START_TEST(time__hibernation_is_explained_and_measures_again)
{
    in_use();
    power("", "-c");
    agenttest_affirmed();
    tells(0, "E_TIME_RESUME", "resetCount 2 to 2, restartCount 0 to 1");
    ck_assert(agenttest_said("\"changes\":2"));
}
END_TEST

/* restartCount falls to zero with a reset: resetCount comes first, so this is no going back. */
START_TEST(time__reset_after_a_resume_is_no_going_back)
{
    in_use();
    power("", "");
    agenttest_affirmed();
    swtpm_power_cut(agenttest_tpm);
    agenttest_affirmed();
    tells(0, "E_TIME_UNCLEAN", "resetCount 2 to 3, restartCount 1 to 0");
}
END_TEST

static void read_pcr(struct att_pcr_values *out, struct hw_tpm *tpm, const struct hw_tpm_info *info)
{
    struct att_pcr_selection sel = {.count = info->bank_count};

    for (uint32_t i = 0; i < info->bank_count; i++) {
        sel.sel[i] = (struct att_pcr_sel){info->bank[i].alg, 1U << OWN_PCR, 3};
    }
    MUST(hw_tpm_pcr_read(out, tpm, &sel, &diag));
}

/* The record that the agent of another kernel would write: same counters, other boot id. */
static struct att_slice other_kernels_record(uint8_t *room, size_t cap, struct hw_tpm *tpm,
                                             uint64_t recnum, const struct att_clock_info *clock)
{
    struct att_own_boot boot = {.reset_count = clock->reset_count,
                                .restart_count = clock->restart_count,
                                .boot_id = "01234567-89ab-4def-8123-456789abcdef"};
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct hw_pcr_digest digest[ATT_PCR_BANKS] = {0};
    enum att_hash bank[ATT_PCR_BANKS];
    struct hw_tpm_info info;
    uint8_t content[1024];
    struct att_wr inner = att_wr_into(content, sizeof(content));
    struct att_wr w = att_wr_into(room, cap);
    struct att_slice all;

    MUST(hw_tpm_info(&info, tpm, &diag));
    read_pcr(&boot.start, tpm, &info);
    NEED(att_hasher_new(&h) == ATT_OK && att_own_boot_content(&inner, &boot) == ATT_OK);
    NEED(att_wr_done(&inner, &all) == ATT_OK);
    for (uint32_t i = 0; i < info.bank_count; i++) {
        bank[i] = digest[i].alg = info.bank[i].alg;
        NEED(att_digest(bank[i], &all, 1, digest[i].value) == ATT_OK);
    }
    NEED(att_own_record_write(&w, recnum, OWN_PCR, bank, info.bank_count, all, h) == ATT_OK);
    MUST(hw_tpm_pcr_extend(tpm, OWN_PCR, digest, info.bank_count, &diag));
    NEED(att_wr_done(&w, &all) == ATT_OK);
    return all;
}

/* Append it to the own log of this boot, which has so many records. */
static void another_kernel_ran(uint64_t records)
{
    struct hw_tpm *tpm = hwtest_connect(agenttest_tpm);
    struct att_clock_info clock;
    uint8_t room[4096];
    struct att_slice record;
    char path[128];
    FILE *f = NULL;

    MUST(hw_tpm_clock(&clock, tpm, &diag));
    record = other_kernels_record(room, sizeof(room), tpm, records, &clock);
    hwtest_disconnect(tpm);
    (void)snprintf(path, sizeof(path), "%s/state/own-%u-%u.cel", agenttest_dir, clock.reset_count,
                   clock.restart_count);
    f = fopen(path, "ae");
    NEED(f != NULL && fchmod(fileno(f), 0600) == 0);
    NEED(fwrite(record.p, 1, record.len, f) == record.len && fclose(f) == 0);
}

/* The log that this kernel finds was begun by another: its agent says so, and the verifier tells it. */
START_TEST(time__kexec_is_explained)
{
    agenttest_enrolled();
    wait_for_a_safe_clock();
    another_kernel_ran(0);
    agenttest_affirmed();
    tells(0, "E_TIME_FIRST", "");
    tells(1, "E_TIME_KEXEC", "restartCount 0");
    agenttest_affirmed();
    ck_assert_uint_eq(told(), 0);
}
END_TEST

/* The same in a log that was judged up to there: what is new begins with the other kernel's record. */
START_TEST(time__kexec_between_two_attestations_is_explained)
{
    in_use();
    another_kernel_ran(2);
    agenttest_affirmed();
    tells(0, "E_TIME_KEXEC", "resetCount 2 to 2, restartCount 0 to 0");
    ck_assert_uint_eq(told(), 1);
    recorded("affirming; E_TIME_KEXEC");
    power("", ""); /* a resume is none */
    agenttest_affirmed();
    tells(0, "E_TIME_RESUME", "restartCount 0 to 1");
    ck_assert_uint_eq(told(), 1);
}
END_TEST

/* A token for the same id, with the operator's word that what stands there may be replaced. */
static void enrol_again(void)
{
    const char *id = "gw-1";
    char path[128], token[128], url[64], body[128];
    const char *more[] = {"--verifier", url, "--verifier-ca", agenttest_service->ca_path,
                          "--id",       id,  "--token-file",  path,
                          NULL};
    ATT_CLEANUP(att_json_freep) json_t *j = NULL;
    char said[1024];

    (void)snprintf(path, sizeof(path), "%s/state/enrolment.cbor", agenttest_dir);
    NEED(unlink(path) == 0);
    (void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"replace\":true}", id);
    NEED(service_admin(agenttest_service, "POST", "/allow", body, said, sizeof(said)) == 201);
    NEED(att_json_parse(&j, att_slice_str(said), NULL) == ATT_OK);
    (void)snprintf(token, sizeof(token), "%s", json_string_value(json_object_get(j, "token")));
    (void)snprintf(path, sizeof(path), "%s/token", agenttest_dir);
    agenttest_write(path, token);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", (unsigned int)agenttest_service->port);
    ck_assert_msg(agenttest_run("enrol", more) == 0, "%s", agenttest_out);
}

/* TPM2_Clear takes the counters to zero: refused until the operator lets the gateway enrol again. */
START_TEST(time__cleared_tpm_is_refused_until_it_is_enrolled_again)
{
    in_use();
    ck_assert_int_eq(swtpm_tool(agenttest_tpm, "tpm2_clear -Q -c p"), 0);
    agenttest_refused(1, "E_OWN_FOREIGN"); /* its PCR is of a boot that has no name any more */
    power("-c", "-c");
    agenttest_refused(1, "E_Q_CLOCK");
    ck_assert(agenttest_said("resetCount"));
    ck_assert(agenttest_said("if the TPM was cleared, enrol again"));
    ck_assert_uint_eq(told(), 0);
    enrol_again();
    agenttest_affirmed();
    tells(0, "E_TIME_FIRST", "resetCount ");
    recorded("affirming; E_TIME_FIRST");
}
END_TEST

/* For people at the terminal, in either language. */
START_TEST(time__states_are_told_in_two_languages)
{
    static const char *const words[][3] = {{"en", "E_TIME_UNCLEAN", "as in a power cut"},
                                           {"ja", "E_TIME_UNCLEAN", "停電"}};

    in_use();
    for (size_t i = 0; i < ATT_COUNT(words); i++) {
        const char *args[] = {"--config", agenttest_conf, "--lang", words[i][0], "once", NULL};

        swtpm_power_cut(agenttest_tpm);
        ck_assert_int_eq(
            service_program(agenttest_out, sizeof(agenttest_out), "attest-agent", args), 0);
        ck_assert_msg(agenttest_said(words[i][1]), "%s", agenttest_out);
        ck_assert_msg(agenttest_said(words[i][2]), "%s", agenttest_out);
        ck_assert_msg(agenttest_said("resetCount "), "%s", agenttest_out);
    }
}
END_TEST

int main(void)
{
    static const struct suite_fixture fixture = {agenttest_setup, agenttest_teardown};
    const struct suite_row rows[] = {
        {time__first_attestation_is_told_once, 0},
        {time__power_cut_is_explained, 0},
        {time__several_cuts_are_told_as_one_with_their_number, 0},
        {time__orderly_reboot_is_explained, 0},
        {time__resume_is_explained_and_measures_nothing_again, 0},
        {time__hibernation_is_explained_and_measures_again, 0},
        {time__reset_after_a_resume_is_no_going_back, 0},
        {time__kexec_is_explained, 0},
        {time__kexec_between_two_attestations_is_explained, 0},
        {time__cleared_tpm_is_refused_until_it_is_enrolled_again, 0},
        {time__states_are_told_in_two_languages, 0},
    };

    if (!swtpm_available()) {
        puts("swtpm is not installed; scripts/setup does it");
        return 77;
    }
    return SUITE_RUN_ROWS("agent_time", rows, &fixture);
}
