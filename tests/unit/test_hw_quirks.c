/*
 * What TPMs in the field do that a manual does not say: docs/QUIRKS.md names these tests. A real TPM in
 * software; power cuts and resumes are what they are.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "hwtest.h"
#include "need.h"
#include "suite.h"
#include "tpm/rc.h"

#define CUTS 8

static struct swtpm *unit;

static void setup(void)
{
    unit = swtpm_new_blank();
}

static void teardown(void)
{
    swtpm_free(unit);
}

static void quote(struct hw_tpm *tpm, const struct hw_ak *ak)
{
    struct att_pcr_selection sel = hwtest_select(ATT_HASH_SHA256, 1);
    struct hw_quote q;

    MUST(hw_tpm_quote(&q, tpm, ak, att_slice_str("noDA"), &sel, &diag));
}

/*
 * Quirk 19. An unorderly stop after an object with dictionary attack protection was used counts as a failed
 * authorisation; ours have none. The same cuts with such an object show that this TPM does count.
 */
START_TEST(power_cuts__do_not_count_towards_a_lockout)
{
    struct hw_tpm_info info;
    struct hw_tpm *tpm;
    struct hw_ak ak;

    for (int i = 0; i < CUTS; i++) {
        tpm = hwtest_connect(unit);
        MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
        quote(tpm, &ak);
        hw_tpm_close(tpm);
        swtpm_power_cut(unit);
    }
    tpm = hwtest_connect(unit);
    MUST(hw_tpm_info(&info, tpm, &diag));
    ck_assert_uint_eq(info.lockout_counter, 0);
    hw_tpm_close(tpm);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(swtpm_tool(unit,
                                    "tpm2_startup -c; tpm2_createprimary -Q -C o -G ecc -p x -c "
                                    "da.ctx && tpm2_create -Q -C da.ctx -P x -G ecc -u u -r r"),
                         0);
        swtpm_power_cut(unit);
    }
    tpm = hwtest_connect(unit);
    MUST(hw_tpm_info(&info, tpm, &diag));
    ck_assert_uint_gt(info.lockout_counter, 0);
    hwtest_disconnect(tpm);
}
END_TEST

static struct att_clock_info clock_of(struct hw_tpm *tpm)
{
    struct att_clock_info clock;

    MUST(hw_tpm_clock(&clock, tpm, &diag));
    return clock;
}

static void pcr_15(uint8_t out[32], struct hw_tpm *tpm)
{
    struct att_pcr_selection sel = hwtest_select(ATT_HASH_SHA256, 1U << 15);
    struct att_pcr_values v;

    MUST(hw_tpm_pcr_read(&v, tpm, &sel, &diag));
    memcpy(out, v.bank[0].value[15], 32);
}

/* TPM2_Shutdown(STATE), power off and on, TPM2_Startup with this word: the clock before and after. */
static void sleep_and_wake(struct att_clock_info at[2], uint8_t pcr[2][32], const char *startup)
{
    const struct hw_pcr_digest one = {.alg = ATT_HASH_SHA256, .value = {1}};
    struct hw_tpm *tpm = hwtest_connect(unit);

    MUST(hw_tpm_pcr_extend(tpm, 15, &one, 1, &diag));
    at[0] = clock_of(tpm);
    pcr_15(pcr[0], tpm);
    hw_tpm_close(tpm);
    ck_assert_int_eq(swtpm_tool(unit, "tpm2_shutdown"), 0);
    swtpm_stop(unit);
    swtpm_start(unit);
    ck_assert_int_eq(swtpm_tool(unit, "tpm2_startup %s", startup), 0);
    tpm = hwtest_connect(unit);
    at[1] = clock_of(tpm);
    pcr_15(pcr[1], tpm);
    hwtest_disconnect(tpm);
}

/* Quirk 23: TPM Resume. restartCount rises, resetCount does not, and the PCRs are kept. */
START_TEST(resume__moves_restart_count_and_keeps_the_pcrs)
{
    struct att_clock_info at[2];
    uint8_t pcr[2][32];

    sleep_and_wake(at, pcr, "");
    ck_assert_uint_eq(at[1].reset_count, at[0].reset_count);
    ck_assert_uint_eq(at[1].restart_count, at[0].restart_count + 1);
    ck_assert_uint_ge(at[1].clock_ms, at[0].clock_ms);
    ck_assert_mem_eq(pcr[0], pcr[1], 32);
}
END_TEST

/* Quirk 23: TPM Restart, a hibernation. restartCount rises too, and the PCRs start anew. */
START_TEST(restart__moves_restart_count_and_clears_the_pcrs)
{
    static const uint8_t zero[32];
    struct att_clock_info at[2];
    uint8_t pcr[2][32];

    sleep_and_wake(at, pcr, "-c");
    ck_assert_uint_eq(at[1].reset_count, at[0].reset_count);
    ck_assert_uint_eq(at[1].restart_count, at[0].restart_count + 1);
    ck_assert_mem_eq(pcr[1], zero, 32);
}
END_TEST

/* Quirk 23: a TPM Reset after a resume takes restartCount back to zero, and a cut may take the clock back. */
START_TEST(reset__takes_restart_count_back_to_zero)
{
    struct att_clock_info at[2], after;
    uint8_t pcr[2][32];
    struct hw_tpm *tpm;

    sleep_and_wake(at, pcr, "");
    swtpm_power_cut(unit);
    tpm = hwtest_connect(unit);
    after = clock_of(tpm);
    ck_assert_uint_eq(after.reset_count, at[1].reset_count + 1);
    ck_assert_uint_eq(after.restart_count, 0);
    ck_assert(!after.safe);
    hwtest_disconnect(tpm);
}
END_TEST

/* Quirk 22: slow is not gone. The TPM sleeps for longer than any round of retries. */
START_TEST(slow__tpm_is_waited_for)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    int64_t start_ms;
    pid_t child;

    (void)clock_of(tpm);
    ck_assert_int_eq(kill(swtpm_pid(unit), SIGSTOP), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        (void)usleep(6000000);
        (void)kill(swtpm_pid(unit), SIGCONT);
        _exit(0);
    }
    start_ms = att_clock_mono_ms();
    (void)clock_of(tpm);
    ck_assert_int_ge(att_clock_mono_ms() - start_ms, 5000);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    hwtest_disconnect(tpm);
}
END_TEST

/* From here on opening for reading and writing without waiting is answered with EBUSY, as /dev/tpm0 does. */
static void refuse_devices(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EBUSY),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = ATT_COUNT(code), .filter = code};

    NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* Quirk 17. */
START_TEST(busy__node_is_named_with_the_one_that_is_shared)
{
    struct hw_tpm *tpm = NULL;
    struct att_diag diag = {0};

    refuse_devices();
    ck_assert_int_eq(hw_tpm_open(&tpm, "device:/dev/zero", &diag), ATT_E_BUSY);
    ck_assert_int_eq(diag.reason, ATT_R_TPM_BUSY);
    ck_assert_msg(strstr(diag.text, "use /dev/tpmrm0") != NULL, "%s", diag.text);
    ck_assert_ptr_null(tpm);
}
END_TEST

/* Quirk 34: what a TPM says after a resume or a broken update has a sentence and an action. */
START_TEST(rc__of_a_resume_or_an_update_says_what_to_do)
{
    static const struct {
        uint32_t code;
        const char *name, *action;
    } rows[] = {
        {0x1c4, "TPM_RC_VALUE", "reboot"},
        {0x100, "TPM_RC_INITIALIZE", "reboot"},
        {0x101, "TPM_RC_FAILURE", "switch the power off and on"},
        {0x12d, "TPM_RC_UPGRADE", "finish the update"},
        {0x130, "TPM_RC_REBOOT", "reboot the machine"},
    };
    char out[HW_RC_TEXT];

    for (size_t i = 0; i < ATT_COUNT(rows); i++) {
        (void)hw_rc_print(out, sizeof out, rows[i].code);
        ck_assert_msg(strstr(out, rows[i].name) != NULL, "%s", out);
        ck_assert_msg(strstr(out, rows[i].action) != NULL, "%s", out);
        ck_assert_int_eq(hw_rc_reason(rows[i].code), ATT_R_TPM_IO);
    }
}
END_TEST

/* Quirks 15, 16, 41: a thousand quotes leave no slot taken; in tests/soak a hundred thousand. */
START_TEST(quote__many_in_a_row_take_no_slot)
{
    const int rounds = getenv("ATT_SOAK") != NULL ? 100000 : 1000;
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct hw_tpm_info info;
    struct hw_ak ak;

    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    for (int i = 0; i < rounds; i++)
        quote(tpm, &ak);
    MUST(hw_tpm_info(&info, tpm, &diag));
    ck_assert_uint_eq(info.transient_free, 3);
    ck_assert_uint_eq(info.lockout_counter, 0);
    hwtest_disconnect(tpm);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("hw_quirks");

    if (!swtpm_available()) {
        puts("swtpm is not installed; scripts/setup does it");
        return 77;
    }
    tcase_set_timeout(tc, getenv("ATT_SOAK") != NULL ? 7200 : 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, power_cuts__do_not_count_towards_a_lockout);
    tcase_add_test(tc, resume__moves_restart_count_and_keeps_the_pcrs);
    tcase_add_test(tc, restart__moves_restart_count_and_clears_the_pcrs);
    tcase_add_test(tc, reset__takes_restart_count_back_to_zero);
    tcase_add_test(tc, slow__tpm_is_waited_for);
    tcase_add_test(tc, busy__node_is_named_with_the_one_that_is_shared);
    tcase_add_test(tc, rc__of_a_resume_or_an_update_says_what_to_do);
    tcase_add_test(tc, quote__many_in_a_row_take_no_slot);
    return suite_run_case("hw_quirks", tc);
}
