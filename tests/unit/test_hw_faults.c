/*
 * A TPM and a line that fail: rows and M-09 of the attack matrix, each fault at
 * each command of each operation. Whatever happens: the right reason, nothing left in the TPM, and the
 * same operation works when the fault is gone.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fault_tcti.h"
#include "hwtest.h"
#include "tpm/rc.h"
#include "tpm/tpm_internal.h"

static struct swtpm *unit;
static struct hw_ak ak;
static struct hw_ek ek;
static struct hwtest_credential credential;

static void start_unit(void)
{
    struct hw_tpm *tpm;

    unit = swtpm_new();
    tpm = hwtest_connect(unit);
    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    MUST(hw_tpm_ek(&ek, tpm, HW_EK_L2, NULL, &diag)); /* transient: two objects and a session */
    hw_tpm_close(tpm);
    hwtest_make_credential(&credential, unit, &ek, &ak, "secret");
}

static void stop_unit(void)
{
    swtpm_free(unit);
    unit = NULL;
}

struct faulty {
    TSS2_TCTI_CONTEXT *line;
    struct hw_tpm *tpm;
};

static struct faulty connect_badly(void)
{
    struct faulty f = {.line = fault_tcti_new(swtpm_tcti(unit))};

    MUST(hw_tpm_open_tcti(&f.tpm, f.line, fault_tcti_close, true, &diag));
    hw_link_set_times(f.tpm->link, 200, 0);
    return f;
}

typedef enum att_err (*operation)(struct hw_tpm *tpm, struct att_diag *diag);

static enum att_err do_clock(struct hw_tpm *tpm, struct att_diag *diag)
{
    struct att_clock_info clock;

    return hw_tpm_clock(&clock, tpm, diag);
}

static enum att_err do_info(struct hw_tpm *tpm, struct att_diag *diag)
{
    struct hw_tpm_info info;

    return hw_tpm_info(&info, tpm, diag);
}

static enum att_err do_pcr_read(struct hw_tpm *tpm, struct att_diag *diag)
{
    struct att_pcr_selection sel = hwtest_select(ATT_HASH_SHA256, 0xffffff);
    struct att_pcr_values values;

    return hw_tpm_pcr_read(&values, tpm, &sel, diag);
}

static enum att_err do_pcr_extend(struct hw_tpm *tpm, struct att_diag *diag)
{
    struct hw_pcr_digest one = {.alg = ATT_HASH_SHA256};

    return hw_tpm_pcr_extend(tpm, 15, &one, 1, diag);
}

static enum att_err do_ek_certs(struct hw_tpm *tpm, struct att_diag *diag)
{
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};

    return hw_tpm_ek_certs(&certs, tpm, diag);
}

static enum att_err do_ek(struct hw_tpm *tpm, struct att_diag *diag)
{
    struct hw_ek made;

    return hw_tpm_ek(&made, tpm, HW_EK_L2, NULL, diag);
}

static enum att_err do_ak_find(struct hw_tpm *tpm, struct att_diag *diag)
{
    struct hw_ak found;

    return hw_tpm_ak_find(&found, tpm, HW_AK_HANDLE, diag);
}

/* Nothing stands there: it is made, kept, and found. */
static enum att_err do_ak_make(struct hw_tpm *tpm, struct att_diag *diag)
{
    struct hw_ak made;
    enum att_err err = hw_tpm_ak_make(&made, tpm, 0x81000c00, diag);

    return err == ATT_OK ? hw_tpm_ak_remove(tpm, 0x81000c00, diag) : err;
}

static enum att_err do_quote(struct hw_tpm *tpm, struct att_diag *diag)
{
    struct att_pcr_selection sel = hwtest_select(ATT_HASH_SHA256, 0xff);
    struct hw_quote q;

    return hw_tpm_quote(&q, tpm, &ak, att_slice_str("nonce"), &sel, diag);
}

static enum att_err do_activate(struct hw_tpm *tpm, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *secret = NULL;

    return hw_tpm_activate(&secret, tpm, &ek, &ak, &credential.cred, diag);
}

static const operation operations[] = {do_clock,    do_info,    do_pcr_read, do_pcr_extend,
                                       do_ek_certs, do_ek,      do_ak_find,  do_ak_make,
                                       do_quote,    do_activate};

static uint32_t commands_of(struct faulty *f, operation op)
{
    const struct fault_plan none = {.fault = FAULT_NONE};

    fault_tcti_plan(f->line, &none);
    MUST(op(f->tpm, &diag));
    return fault_tcti_commands(f->line);
}

static void expect_recovery(struct faulty *f, operation op)
{
    const struct fault_plan none = {.fault = FAULT_NONE};

    fault_tcti_plan(f->line, &none);
    MUST(op(f->tpm, &diag));
    hwtest_expect_nothing_left(f->tpm);
}

/* One code at the n-th command. Works all the same where the command may be refused (a flush). */
static void expect_reason(struct faulty *f, operation op, const struct fault_plan *plan,
                          enum att_reason reason)
{
    struct att_diag diag = {.err = ATT_OK};
    char code[16];
    enum att_err err;

    fault_tcti_plan(f->line, plan);
    err = op(f->tpm, &diag);
    if (err != ATT_OK) {
        ck_assert_int_eq(diag.reason, reason);
        ck_assert_int_eq(err, reason == ATT_R_TPM_BUSY ? ATT_E_BUSY : ATT_E_TPM);
        (void)snprintf(code, sizeof code, "0x%x", plan->value);
        ck_assert_msg(strstr(diag.text, code) != NULL, "%s not in: %s", code, diag.text);
    }
    expect_recovery(f, op);
}

static const struct {
    uint32_t code;
    enum att_reason reason;
} codes[] = {
    {TPM2_RC_LOCKOUT, ATT_R_TPM_LOCKOUT},
    {TPM2_RC_OBJECT_MEMORY, ATT_R_TPM_RES},
    {TPM2_RC_SESSION_MEMORY, ATT_R_TPM_RES},
    {TPM2_RC_CONTEXT_GAP, ATT_R_TPM_RES},
    {TPM2_RC_SESSION_HANDLES, ATT_R_TPM_RES},
    {TPM2_RC_FAILURE, ATT_R_TPM_IO},
    {TPM2_RC_INITIALIZE, ATT_R_TPM_IO},
    {TPM2_RC_CANCELED, ATT_R_TPM_IO},
    {0x4ff, ATT_R_TPM_IO},
};

START_TEST(x09__every_code_at_every_command_has_its_reason)
{
    struct faulty f = connect_badly();
    const operation op = operations[_i];
    uint32_t count = commands_of(&f, op);

    ck_assert_uint_gt(count, 0);
    for (uint32_t n = 0; n < count; n++)
        for (size_t c = 0; c < ATT_COUNT(codes); c++) {
            /* An index that cannot be read is left out, not a failure: its own test. */
            struct fault_plan plan = {FAULT_CODE, n, 1, codes[c].code};

            expect_reason(&f, op, &plan, codes[c].reason);
        }
    hwtest_disconnect(f.tpm);
}
END_TEST

START_TEST(x07__busy_once_is_waited_for)
{
    static const uint32_t busy[] = {TPM2_RC_RETRY, TPM2_RC_YIELDED, TPM2_RC_TESTING,
                                    TPM2_RC_NV_RATE, TPM2_RC_NV_UNAVAILABLE};
    struct faulty f = connect_badly();
    const operation op = operations[_i];
    uint32_t count = commands_of(&f, op);

    for (uint32_t n = 0; n < count; n++)
        for (size_t c = 0; c < ATT_COUNT(busy); c++) {
            struct fault_plan plan = {FAULT_CODE, n, 1 + n % (HW_LINK_TRIES - 1), busy[c]};

            fault_tcti_plan(f.line, &plan);
            MUST(op(f.tpm, &diag));
            ck_assert_uint_eq(fault_tcti_commands(f.line), count + plan.count);
            hwtest_expect_nothing_left(f.tpm);
        }
    hwtest_disconnect(f.tpm);
}
END_TEST

START_TEST(x07__busy_for_ever_ends_after_ten_tries)
{
    struct faulty f = connect_badly();
    const operation op = operations[_i];
    uint32_t count = commands_of(&f, op);

    for (uint32_t n = 0; n < count; n++) {
        struct fault_plan plan = {FAULT_CODE, n, HW_LINK_TRIES, TPM2_RC_RETRY};

        expect_reason(&f, op, &plan, ATT_R_TPM_BUSY);
    }
    hwtest_disconnect(f.tpm);
}
END_TEST

START_TEST(x07__the_pauses_end_within_five_seconds)
{
    struct faulty f = connect_badly();
    const struct fault_plan plan = {FAULT_CODE, 0, 0, TPM2_RC_TESTING};
    struct att_diag diag;
    int64_t start_ms, took_ms;

    hw_link_set_times(f.tpm->link, HW_LINK_ANSWER_MS, HW_LINK_PAUSE_MS);
    fault_tcti_plan(f.line, &plan);
    start_ms = att_clock_mono_ms();
    ck_assert_int_eq(do_clock(f.tpm, &diag), ATT_E_BUSY);
    took_ms = att_clock_mono_ms() - start_ms;
    ck_assert_int_eq(diag.reason, ATT_R_TPM_BUSY);
    ck_assert_ptr_nonnull(strstr(diag.text, "TPM_RC_TESTING"));
    ck_assert_uint_eq(fault_tcti_commands(f.line), HW_LINK_TRIES);
    ck_assert_int_ge(took_ms, 1000);
    ck_assert_int_le(took_ms, HW_LINK_BUSY_MS);
    expect_recovery(&f, do_clock);
    hwtest_disconnect(f.tpm);
}
END_TEST

/* Row X-08: after a lockout no second authorisation is tried for the same index. */
START_TEST(x08__no_authorisation_after_a_lockout)
{
    struct faulty f = connect_badly();
    struct fault_plan plan = {FAULT_CODE, 0, 0, TPM2_RC_LOCKOUT};
    const uint32_t count = commands_of(&f, do_ek_certs);
    struct att_diag diag;
    bool seen = false;

    for (uint32_t n = 0; n < count; n++) {
        plan.first = n;
        fault_tcti_plan(f.line, &plan);
        ck_assert_int_eq(do_ek_certs(f.tpm, &diag), ATT_E_TPM);
        ck_assert_int_eq(diag.reason, ATT_R_TPM_LOCKOUT);
        ck_assert_uint_eq(fault_tcti_commands(f.line), n + 1);
        seen = true;
    }
    ck_assert(seen);
    expect_recovery(&f, do_ek_certs);
    hwtest_disconnect(f.tpm);
}
END_TEST

/* Another template may do where the TPM lacks the curve. */
START_TEST(ak_make__falls_back_to_rsa)
{
    struct faulty f = connect_badly();
    const struct fault_plan plan = {FAULT_CODE, 1, 1, TPM2_RC_CURVE + TPM2_RC_P + TPM2_RC_2};
    struct att_pcr_selection sel = hwtest_select(ATT_HASH_SHA256, 0xff);
    struct att_pubarea area;
    struct hw_quote q;
    struct hw_ak rsa;

    fault_tcti_plan(f.line, &plan);
    MUST(hw_tpm_ak_make(&rsa, f.tpm, 0x81000c01, &diag));
    MUST(att_pubarea_parse(&area, att_slice_of(rsa.public_area, rsa.public_len), &diag));
    ck_assert_uint_eq(area.rsa_bits, 2048);
    MUST(hw_tpm_quote(&q, f.tpm, &rsa, att_slice_str("n"), &sel, &diag));
    ck_assert(hwtest_quote_verifies(&q, &rsa));
    MUST(hw_tpm_ak_remove(f.tpm, 0x81000c01, &diag));
    hwtest_disconnect(f.tpm);
}
END_TEST

/* The line breaks at the n-th command: the connection is over, a new one finds a clean TPM. */
static void expect_broken(operation op, const struct fault_plan *plan)
{
    struct faulty f = connect_badly();
    struct hw_tpm *tpm;
    struct att_diag diag;

    fault_tcti_plan(f.line, plan);
    if (op(f.tpm, &diag) != ATT_OK) {
        ck_assert_int_eq(diag.reason, ATT_R_TPM_IO);
        ck_assert_msg(strstr(diag.text, "open it again") != NULL, "%s", diag.text);
    }
    /* Not one command more goes over it. */
    ck_assert_int_eq(do_clock(f.tpm, &diag), ATT_E_TPM);
    ck_assert_int_eq(diag.reason, ATT_R_TPM_IO);
    hw_tpm_close(f.tpm);
    tpm = hwtest_connect(unit);
    hwtest_expect_nothing_left(tpm);
    ck_assert_int_eq(op(tpm, &diag), ATT_OK);
    hwtest_disconnect(tpm);
}

static const struct fault_plan line_faults[] = {
    {FAULT_CUT, 0, 1, 0},           {FAULT_SHORT, 0, 1, 0},
    {FAULT_SIZE_FIELD, 0, 1, 0},    {FAULT_SIZE_FIELD, 0, 1, 9},
    {FAULT_SIZE_FIELD, 0, 1, 4097}, {FAULT_SIZE_FIELD, 0, 1, 0xffffffff},
    {FAULT_TAG, 0, 1, 0x8003},      {FAULT_TAG, 0, 1, 0x00c4},
    {FAULT_SILENCE, 0, 1, 0},       {FAULT_READ, 0, 1, 0},
    {FAULT_WRITE, 0, 1, 0},
};

START_TEST(m09__a_line_that_lies_or_breaks_ends_the_connection)
{
    for (size_t i = 0; i < ATT_COUNT(line_faults); i++) {
        struct faulty f = connect_badly();
        uint32_t count = commands_of(&f, operations[_i]);

        hw_tpm_close(f.tpm);
        for (uint32_t n = 0; n < count; n++) {
            struct fault_plan plan = line_faults[i];

            plan.first = n;
            expect_broken(operations[_i], &plan);
        }
    }
}
END_TEST

START_TEST(m09__each_lie_of_the_header_is_named)
{
    static const struct {
        struct fault_plan plan;
        const char *says;
    } rows[] = {
        {{FAULT_SHORT, 0, 1, 0}, "shorter than its header"},
        {{FAULT_SIZE_FIELD, 0, 1, 9}, "size field is not its size"},
        {{FAULT_CUT, 0, 1, 0}, "size field is not its size"},
        {{FAULT_TAG, 0, 1, 0x8003}, "unknown tag"},
        {{FAULT_TAG, 0, 1, 0x00c4}, "TPM 1.2"},
        {{FAULT_SILENCE, 0, 1, 0}, "no answer in time"},
    };

    for (size_t i = 0; i < ATT_COUNT(rows); i++) {
        struct faulty f = connect_badly();
        struct att_diag diag;

        fault_tcti_plan(f.line, &rows[i].plan);
        ck_assert_int_eq(do_clock(f.tpm, &diag), ATT_E_TPM);
        ck_assert_msg(strstr(diag.text, rows[i].says) != NULL, "%s", diag.text);
        hw_tpm_close(f.tpm);
    }
}
END_TEST

/* Handles under the name of another list of the same shape (TPM2_CAP_COMMANDS) are not taken for handles. */
START_TEST(m09__an_answer_to_another_question_is_none)
{
    const uint32_t selector =
        10 + 1 + 3; /* behind header and moreData: the last byte of capability */
    const struct fault_plan plan = {FAULT_BYTE, 0, 1, selector << 8 | TPM2_CAP_COMMANDS};
    struct faulty f = connect_badly();
    struct att_diag diag;

    fault_tcti_plan(f.line, &plan);
    ck_assert_int_eq(do_ek_certs(f.tpm, &diag), ATT_E_TPM);
    ck_assert_int_eq(diag.reason, ATT_R_TPM_IO);
    ck_assert_ptr_nonnull(strstr(diag.text, "expected capability 1, found 2"));
    ck_assert_int_eq(do_ek_certs(f.tpm, &diag), ATT_OK);
    hwtest_disconnect(f.tpm);
}
END_TEST

/* Row X-11: no flipped byte of any answer passes for a good quote of other PCRs. */
START_TEST(x11__a_flipped_byte_is_refused_or_harmless)
{
    struct att_pcr_selection sel = hwtest_select(ATT_HASH_SHA256, 0xff);
    struct faulty f = connect_badly();
    uint32_t count = commands_of(&f, do_quote);

    for (uint32_t n = 0; n < count; n++)
        for (uint32_t byte = 0; byte < 240; byte += n + 1 == count ? 1 : 7) {
            const struct fault_plan plan = {FAULT_FLIP, n, 1, byte};
            struct att_quote parsed;
            struct hw_quote q;

            fault_tcti_plan(f.line, &plan);
            if (hw_tpm_quote(&q, f.tpm, &ak, att_slice_str("nonce"), &sel, NULL) == ATT_OK &&
                hwtest_quote_verifies(&q, &ak)) {
                MUST(att_quote_parse(&parsed, att_slice_of(q.attest, q.attest_len), &diag));
                ck_assert(att_slice_eq(parsed.extra_data, att_slice_str("nonce")));
                ck_assert(att_pcr_selection_eq(&parsed.selection, &sel));
            }
            hw_tpm_close(f.tpm);
            f = connect_badly();
        }
    hwtest_disconnect(f.tpm);
}
END_TEST

START_TEST(x11__flipped_bytes_never_crash_the_other_operations)
{
    struct faulty f = connect_badly();
    const operation op = operations[_i];
    uint32_t count = commands_of(&f, op);

    for (uint32_t n = 0; n < count; n++)
        for (uint32_t byte = 0; byte < 128; byte += 5 + n % 3) {
            const struct fault_plan plan = {FAULT_FLIP, n, 1, byte};

            fault_tcti_plan(f.line, &plan);
            (void)op(f.tpm, NULL);
            hw_tpm_close(f.tpm);
            f = connect_badly();
        }
    expect_recovery(&f, do_ak_make); /* also removes what a flipped answer may have left */
    hwtest_disconnect(f.tpm);
}
END_TEST

START_TEST(x10__swtpm_killed_and_back_again)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct att_diag diag;

    ck_assert_int_eq(do_quote(tpm, &diag), ATT_OK);
    swtpm_power_cut(unit);
    ck_assert_int_eq(do_quote(tpm, &diag), ATT_E_TPM);
    ck_assert_int_eq(diag.reason, ATT_R_TPM_IO);
    hw_tpm_close(tpm);
    tpm = hwtest_connect(unit);
    ck_assert_int_eq(do_quote(tpm, &diag), ATT_OK);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(rc_print__names_codes_and_places)
{
    static const struct {
        uint32_t code;
        const char *text;
    } rows[] = {
        {0x922, "TPM_RC_RETRY (0x922)"},
        {0x921, "TPM_RC_LOCKOUT (0x921)"},
        {0x18b, "TPM_RC_HANDLE of handle 1 (0x18b)"},
        {0x1c4, "TPM_RC_VALUE of parameter 1 (0x1c4)"},
        {0x2df, "TPM_RC_INTEGRITY of parameter 2 (0x2df)"},
        {0x98e, "TPM_RC_AUTH_FAIL of session 1 (0x98e)"},
        {0x99d, "TPM_RC_POLICY_FAIL of session 1 (0x99d)"},
        {0xb0902, "TPM_RC_OBJECT_MEMORY (0xb0902)"},
        {0xa000a, "TCTI input or output error (0xa000a)"},
        {0x4ff, "unknown return code 0x4ff"},
    };
    char out[HW_RC_TEXT], small[8];

    for (size_t i = 0; i < ATT_COUNT(rows); i++)
        ck_assert_msg(strncmp(hw_rc_print(out, sizeof out, rows[i].code), rows[i].text,
                              strlen(rows[i].text)) == 0,
                      "%s", out);
    ck_assert_str_eq(hw_rc_print(small, sizeof small, 0x922), "TPM_RC_");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hw_faults");
    TCase *t = tcase_create("swtpm");
    const int all = (int)ATT_COUNT(operations);

    tcase_set_timeout(t, 300);
    tcase_add_unchecked_fixture(t, start_unit, stop_unit);
    tcase_add_test(t, rc_print__names_codes_and_places);
    tcase_add_loop_test(t, x07__busy_once_is_waited_for, 0, all);
    tcase_add_loop_test(t, x07__busy_for_ever_ends_after_ten_tries, 0, all);
    tcase_add_test(t, x07__the_pauses_end_within_five_seconds);
    tcase_add_test(t, x08__no_authorisation_after_a_lockout);
    tcase_add_loop_test(t, x09__every_code_at_every_command_has_its_reason, 0, all);
    tcase_add_test(t, ak_make__falls_back_to_rsa);
    tcase_add_loop_test(t, m09__a_line_that_lies_or_breaks_ends_the_connection, 0, all);
    tcase_add_test(t, m09__each_lie_of_the_header_is_named);
    tcase_add_test(t, m09__an_answer_to_another_question_is_none);
    tcase_add_test(t, x11__a_flipped_byte_is_refused_or_harmless);
    tcase_add_loop_test(t, x11__flipped_bytes_never_crash_the_other_operations, 0, all);
    tcase_add_test(t, x10__swtpm_killed_and_back_again);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r;
    int failed;

    if (!swtpm_available()) {
        puts("swtpm is not installed; scripts/setup does it");
        return 77;
    }
    setenv("TSS2_LOG", "all+none", 1);
    r = srunner_create(suite());
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
