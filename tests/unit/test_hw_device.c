/* The device TCTI, which gateways use, over a terminal that stands in for /dev/tpmrm0. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "hwtest.h"
#include "tpm/tpm_internal.h"
#include "ttytpm.h"

static struct swtpm *unit;

static void start(struct ttytpm *relay, bool started)
{
    unit = swtpm_new();
    if (started)
        hw_tpm_close(hwtest_connect(unit)); /* a firmware sends TPM2_Startup */
    ttytpm_start(relay, unit);
}

static void stop(struct ttytpm *relay)
{
    ttytpm_stop(relay);
    swtpm_free(unit);
}

START_TEST(device__quotes_and_activates)
{
    struct att_pcr_selection sel = hwtest_select(ATT_HASH_SHA256, 0xffffff);
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};
    ATT_CLEANUP(att_buf_freep) struct att_buf *opened = NULL;
    struct hwtest_credential c;
    struct hw_tpm *tpm = NULL;
    struct ttytpm relay;
    struct hw_quote q;
    struct hw_ak ak;
    struct hw_ek ek;

    start(&relay, true);
    MUST(hw_tpm_open(&tpm, relay.tcti, &diag));
    MUST(hw_tpm_ek_certs(&certs, tpm, &diag));
    ck_assert_uint_eq(certs.count, 2);
    MUST(hw_tpm_ek(&ek, tpm, HW_EK_ANY, &certs, &diag));
    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    for (int i = 0; i < 10; i++)
        MUST(hw_tpm_quote(&q, tpm, &ak, att_slice_str("over a device"), &sel, &diag));
    ck_assert(hwtest_quote_verifies(&q, &ak));
    hwtest_make_credential(&c, unit, &ek, &ak, "device");
    MUST(hw_tpm_activate(&opened, tpm, &ek, &ak, &c.cred, &diag));
    ck_assert(att_slice_eq(att_buf_slice(opened), att_slice_str("device")));
    hwtest_disconnect(tpm);
    stop(&relay);
}
END_TEST

/* A device is started by its firmware: we say so, and do not do it. */
START_TEST(device__that_was_not_started_is_left_so)
{
    struct hw_tpm *tpm = NULL;
    struct ttytpm relay;
    struct att_diag diag;

    start(&relay, false);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(hw_tpm_open(&tpm, relay.tcti, &diag), ATT_E_TPM);
        ck_assert_int_eq(diag.reason, ATT_R_TPM_IO);
        ck_assert_msg(strstr(diag.text, "TPM_RC_INITIALIZE") != NULL, "%s", diag.text);
    }
    stop(&relay);
}
END_TEST

/* Row X-10: no answer ends the connection in bounded time. */
START_TEST(device__that_does_not_answer_is_given_up)
{
    struct att_clock_info clock;
    struct hw_tpm *tpm = NULL;
    struct ttytpm relay;
    struct att_diag diag;
    int64_t start_ms;

    start(&relay, true);
    ck_assert_int_eq(hw_tpm_open(&tpm, relay.tcti, &diag), ATT_OK);
    hw_link_set_times(tpm->link, 300, HW_LINK_PAUSE_MS);
    relay.silent = true;
    start_ms = att_clock_mono_ms();
    ck_assert_int_eq(hw_tpm_clock(&clock, tpm, &diag), ATT_E_TPM);
    ck_assert_int_eq(diag.reason, ATT_R_TPM_IO);
    ck_assert_msg(strstr(diag.text, "no answer in time") != NULL, "%s", diag.text);
    ck_assert_int_lt(att_clock_mono_ms() - start_ms, 5000);
    ck_assert_int_eq(hw_tpm_clock(&clock, tpm, &diag), ATT_E_TPM);
    hw_tpm_close(tpm);
    stop(&relay);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hw_device");
    TCase *t = tcase_create("pty");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, device__quotes_and_activates);
    tcase_add_test(t, device__that_was_not_started_is_left_so);
    tcase_add_test(t, device__that_does_not_answer_is_given_up);
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
    r = srunner_create(suite());
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
