/*
 * attest-agent doctor before TPMs and logs that are not as they should be: each line with its state, its
 * reason, and what to do. The program as it is installed, from the folder that BUILD names.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/measurer/state.h"
#include "base/file.h"
#include "bootlog.h"
#include "doctortest.h"
#include "hwtest.h"
#include "need.h"
#include "service.h"
#include "softlog.h"
#include "suite.h"
#include "ttytpm.h"

START_TEST(doctor__passes_a_tpm_that_is_well)
{
    struct swtpm *t = swtpm_new();

    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_passes("tpm.open", "IBM");
    doctortest_passes("tpm.self-test", "");
    doctortest_passes("tpm.clock", "restartCount 0");
    doctortest_passes("tpm.lockout", "0 / 3; one is forgotten every ");
    doctortest_passes("tpm.slots", "transient 3");
    doctortest_passes("tpm.slots", "NV read 1024 bytes");
    doctortest_passes("tpm.banks", "sha256");
    doctortest_passes("own.pcr", "PCR 13");
    doctortest_passes("tpm.ek-certificate", "2 in NV");
    doctortest_passes("tpm.ek-form", "DER");
    doctortest_passes("tpm.ek-key", "H-3, handle 0x81010016, certificate 0x01c00016");
    swtpm_free(t);
}
END_TEST

/* Mark, state, reason, what to do and where the manual tells more: for people, in either language. */
START_TEST(doctor__speaks_two_languages_and_names_the_manual)
{
    static const char *const words[][4] = {
        {"en", "warn    tpm.manager", "\u2192 ", "more: attest-agent(8) DOCTOR tpm.bank-extended"},
        {"ja", "注意", "\u2192 ", "詳細: attest-agent(8) DOCTOR tpm.bank-extended"}};
    struct swtpm *t = swtpm_new_blank();

    (void)doctortest_examine(t);
    ck_assert_ptr_nonnull(
        strstr(doctortest_out, "\"manual\":\"attest-agent(8) DOCTOR tpm.banks\""));
    for (size_t i = 0; i < ATT_COUNT(words); i++) {
        const char *args[] = {"--config", doctortest_conf, "--lang", words[i][0], "doctor", NULL};

        ck_assert_int_eq(
            service_program(doctortest_out, sizeof(doctortest_out), "attest-agent", args), 0);
        ck_assert_msg(strstr(doctortest_out, words[i][1]) != NULL, "%s", doctortest_out);
        ck_assert_msg(strstr(doctortest_out, words[i][3]) != NULL, "%s", doctortest_out);
        ck_assert_msg(strstr(doctortest_out, "E_LOG_BANK") != NULL, "%s", doctortest_out);
        ck_assert_msg(strstr(doctortest_out, "\u2192 ") != NULL, "%s", doctortest_out);
    }
    swtpm_free(t);
}
END_TEST

/* Until the TPM wrote its clock again, which libtpms does every four seconds. */
START_TEST(doctor__tells_a_power_cut_by_the_clock)
{
    struct swtpm *t = swtpm_new_blank();

    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_passes("tpm.clock", "resetCount 1, restartCount 0");
    swtpm_power_cut(t);
    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_says("tpm.clock", "warn", "E_TIME_UNSAFE", "resetCount 2");
    for (int i = 0; i < 20 && strstr(doctortest_out, "E_TIME_UNSAFE") != NULL; i++) {
        (void)usleep(500000);
        ck_assert_int_eq(doctortest_examine(t), 0);
    }
    doctortest_passes("tpm.clock", "resetCount 2");
    swtpm_free(t);
}
END_TEST

START_TEST(doctor__warns_before_a_lockout_and_fails_in_it)
{
    static const char guess[] = "tpm2_nvread -Q -C 0x1500001 -P wrong 0x1500001 2>/dev/null; true";
    struct swtpm *t = swtpm_new_blank();

    ck_assert_int_eq(doctortest_examine(t), 0); /* starts it */
    ck_assert_int_eq(
        swtpm_tool(t, "tpm2_nvdefine -Q -C o -s 8 -a 'authread|authwrite' -p right 0x1500001 && "
                      "head -c 8 /dev/zero | tpm2_nvwrite -Q -C 0x1500001 -P right -i - 0x1500001"),
        0);
    ck_assert_int_eq(swtpm_tool(t, "%s", guess), 0);
    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_passes("tpm.lockout", "1 / 3");
    ck_assert_int_eq(swtpm_tool(t, "%s", guess), 0);
    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_says("tpm.lockout", "warn", "E_TPM_LOCKOUT_NEAR", "2 / 3");
    ck_assert_int_eq(swtpm_tool(t, "%s", guess), 0);
    ck_assert_int_eq(doctortest_examine(t), 6);
    doctortest_says("tpm.lockout", "fail", "E_TPM_LOCKOUT", "3 / 3");
    swtpm_free(t);
}
END_TEST

static struct swtpm *with_banks(const char *banks)
{
    struct swtpm *t = swtpm_new_blank();

    ck_assert_int_eq(
        swtpm_tool(t, "tpm2_startup -c && tpm2_pcrallocate -Q %s && tpm2_shutdown -c", banks), 0);
    swtpm_stop(t);
    swtpm_start(t);
    return t;
}

START_TEST(doctor__fails_a_tpm_with_sha1_alone)
{
    struct swtpm *t = with_banks("sha1:all+sha256:none+sha384:none+sha512:none");

    ck_assert_int_ne(doctortest_examine(t), 0);
    doctortest_says("tpm.banks", "fail", "E_Q_BANK", "sha1");
    swtpm_free(t);
}
END_TEST

START_TEST(doctor__needs_no_sha1_bank)
{
    struct swtpm *t = with_banks("sha1:none+sha256:all+sha384:none+sha512:none");

    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_passes("tpm.banks", "sha256");
    ck_assert_ptr_null(strstr(doctortest_out, "sha1 "));
    swtpm_free(t);
}
END_TEST

START_TEST(doctor__warns_of_a_bank_that_the_firmware_does_not_extend)
{
    struct swtpm *t = with_banks("sha1:all+sha256:all+sha384:none+sha512:none");

    ck_assert_int_eq(swtpm_tool(t, "tpm2_startup -c && tpm2_pcrextend 0:sha1=%040d", 7), 0);
    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_says("tpm.bank-extended", "warn", "E_LOG_BANK", "bank sha256 are all zero");
    ck_assert_int_eq(swtpm_tool(t, "tpm2_pcrextend 0:sha256=%064d", 7), 0);
    ck_assert_int_eq(doctortest_examine(t), 0);
    ck_assert_ptr_null(strstr(doctortest_out, "tpm.bank-extended"));
    swtpm_free(t);
}
END_TEST

START_TEST(doctor__says_when_there_is_no_certificate)
{
    struct swtpm *t = swtpm_new_blank();

    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_says("tpm.ek-certificate", "warn", "E_ID_EKCERT", "0 NV indexes could not be read");
    doctortest_passes("tpm.ek-key", "L-2, handle 0x00000000, certificate 0x00000000");
    /* an index that wants a password which we do not have */
    ck_assert_int_eq(swtpm_tool(t, "tpm2_nvdefine -Q -C o -s 8 -a 'authread|ownerwrite' -p x "
                                   "0x01c00002 && head -c 8 /dev/zero | tpm2_nvwrite -Q -C o -i - "
                                   "0x01c00002"),
                     0);
    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_says("tpm.ek-certificate", "warn", "E_ID_EKCERT", "1 NV indexes could not be read");
    swtpm_free(t);
}
END_TEST

/* One certificate at 0x01c00016: what a shell command makes of the TPM's own, which is in the file own. */
static void rewrite_certificate(struct swtpm *t, const char *make)
{
    ck_assert_int_eq(swtpm_tool(t,
                                "tpm2_nvread -Q -C o 0x01c00016 -o own && %s >new && "
                                "tpm2_nvundefine -Q -C p 0x01c00016 && "
                                "(tpm2_nvundefine -Q -C p 0x01c00002 || true) && "
                                "tpm2_nvdefine -Q -C o -s $(stat -c %%s new) -a "
                                "'ownerwrite|ownerread|no_da' 0x01c00016 && "
                                "tpm2_nvwrite -Q -C o -i new 0x01c00016",
                                make),
                     0);
}

START_TEST(doctor__reads_certificates_as_makers_wrote_them)
{
    struct swtpm *t = swtpm_new();

    ck_assert_int_eq(doctortest_examine(t), 0);
    rewrite_certificate(t, "(cat own; head -c 40 /dev/zero | tr '\\0' '\\377')");
    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_passes("tpm.ek-form", "padding");
    doctortest_passes("tpm.ek-key", "certificate 0x01c00016");
    swtpm_free(t);
}
END_TEST

START_TEST(doctor__warns_of_a_certificate_that_is_none)
{
    struct swtpm *t = swtpm_new();

    ck_assert_int_eq(doctortest_examine(t), 0);
    rewrite_certificate(t, "head -c 200 own");
    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_says("tpm.ek-form", "warn", "E_FMT_CERT", "0x01c00016");
    swtpm_free(t);
}
END_TEST

START_TEST(doctor__warns_of_another_tpms_certificate)
{
    struct swtpm *t = swtpm_new();
    struct swtpm *other = swtpm_new_sibling(t);
    char command[256];

    ck_assert_int_eq(doctortest_examine(t), 0);
    ck_assert_int_eq(doctortest_examine(other), 0);
    ck_assert_int_eq(swtpm_tool(other, "tpm2_nvread -Q -C o 0x01c00016 -o other"), 0);
    (void)snprintf(command, sizeof(command), "cat %s/other", swtpm_folder(other));
    rewrite_certificate(t, command);
    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_passes("tpm.ek-form", "DER");
    doctortest_says("tpm.ek-key", "warn", "E_ID_EKCERT", "belongs to another TPM");
    swtpm_free(other);
    swtpm_free(t);
}
END_TEST

START_TEST(doctor__does_not_take_another_key_at_the_usual_handle)
{
    struct swtpm *t = swtpm_new();

    ck_assert_int_eq(doctortest_examine(t), 0);
    ck_assert_int_eq(swtpm_tool(t, "tpm2_evictcontrol -Q -C o -c 0x81010016 && "
                                   "tpm2_createprimary -Q -C o -G ecc384 -c x.ctx && "
                                   "tpm2_evictcontrol -Q -C o -c x.ctx 0x81010016"),
                     0);
    ck_assert_int_eq(doctortest_examine(t), 0);
    doctortest_passes("tpm.ek-key", "H-3, handle 0x00000000, certificate 0x01c00016");
    swtpm_free(t);
}
END_TEST

/* Its memory cannot be written any more, which is what a worn-out chip meets. */
START_TEST(doctor__fails_a_tpm_in_failure_mode)
{
    struct swtpm *t = swtpm_new_blank();
    struct ttytpm tty;

    ck_assert_int_eq(doctortest_examine(t), 0);
    ck_assert_int_eq(swtpm_tool(t, "rm -rf state && touch state && "
                                   "(tpm2_nvdefine -Q -C o -s 8 0x1500001 2>/dev/null || true)"),
                     0);
    ttytpm_start(&tty, t);
    ck_assert_int_eq(doctortest_run(tty.tcti, DOCTORTEST_NO_LOGS), 6);
    doctortest_says("tpm.self-test", "fail", "E_TPM_IO",
                    "TPM_RC_FAILURE (0x101): failure mode; switch");
    ttytpm_stop(&tty);
    ck_assert_int_eq(doctortest_examine(t),
                     6); /* a simulator is sent TPM2_Startup, which says it first */
    doctortest_says("tpm.open", "fail", "E_TPM_IO", "TPM_RC_FAILURE (0x101)");
    swtpm_free(t);
}
END_TEST

START_TEST(doctor__says_when_no_firmware_started_the_tpm)
{
    struct swtpm *t = swtpm_new_blank();
    struct ttytpm tty;

    ttytpm_start(&tty, t);
    ck_assert_int_eq(doctortest_run(tty.tcti, DOCTORTEST_NO_LOGS), 6);
    doctortest_says("tpm.open", "fail", "E_TPM_IO",
                    "TPM_RC_INITIALIZE (0x100): the TPM was not started");
    ttytpm_stop(&tty);
    swtpm_free(t);
}
END_TEST

/* Somebody without a resource manager left three keys loaded and went. */
START_TEST(doctor__warns_of_slots_that_others_left_full)
{
    struct swtpm *t = swtpm_new_blank();
    struct ttytpm tty;

    ck_assert_int_eq(swtpm_tool(t, "tpm2_startup -c; for i in 1 2 3; do tpm2_createprimary -Q -C o "
                                   "-G ecc -c x.ctx || exit 1; done"),
                     0);
    ttytpm_start(&tty, t);
    (void)doctortest_run(tty.tcti, DOCTORTEST_NO_LOGS);
    doctortest_says("tpm.manager", "warn", "E_TPM_RES", "no resource manager");
    doctortest_says("tpm.slots", "warn", "E_TPM_RES", "transient 0");
    doctortest_says("tpm.ek-key", "fail", "E_TPM_RES", "TPM_RC_OBJECT_MEMORY");
    ttytpm_stop(&tty);
    swtpm_free(t);
}
END_TEST

START_TEST(doctor__says_when_there_is_no_tpm)
{
    ck_assert_int_eq(doctortest_run("device:/dev/no-such-tpm", DOCTORTEST_NO_LOGS), 6);
    doctortest_says("tpm.open", "fail", "E_TPM_ABSENT", "enable the TPM in the firmware");
    ck_assert_int_eq(doctortest_run("swtpm:path=/tmp/no-such-socket", DOCTORTEST_NO_LOGS), 6);
    doctortest_says("tpm.open", "fail", "E_TPM_ABSENT", "nothing answers");
}
END_TEST

START_TEST(doctor__names_the_stack_that_it_was_built_with)
{
    struct swtpm *t = swtpm_new_blank();
    bool old = strtol(hw_tpm_stack(), NULL, 10) < 4;

    ck_assert_int_eq(doctortest_examine(t), 0);
    ck_assert_uint_gt(strlen(hw_tpm_stack()), 0);
    doctortest_says("tpm.stack", old ? "warn" : "pass", old ? "E_TPM_STACK" : NULL, hw_tpm_stack());
    swtpm_free(t);
}
END_TEST

START_TEST(doctor__tells_an_evicted_key_from_another_tpm)
{
    struct swtpm *t = swtpm_new_blank();
    struct swtpm *other = swtpm_new_blank();

    doctortest_enrol(t);
    (void)doctortest_examine(t);
    doctortest_passes("tpm.key", "the enrolled one");
    ck_assert_int_eq(swtpm_tool(t, "tpm2_evictcontrol -Q -C o -c 0x81000a11"), 0);
    (void)doctortest_examine(t);
    doctortest_says("tpm.key", "warn", "E_TPM_KEY_GONE", "the enrolled one");
    (void)doctortest_examine(other);
    doctortest_says("tpm.key", "fail", "E_TPM_OTHER", "another TPM");
    ck_assert_int_eq(swtpm_tool(t, "tpm2_createprimary -Q -C o -G ecc -c x.ctx && "
                                   "tpm2_evictcontrol -Q -C o -c x.ctx 0x81000a11"),
                     0);
    (void)doctortest_examine(t);
    doctortest_says("tpm.key", "fail", "E_CFG_KEY", "name a free handle");
    swtpm_free(other);
    swtpm_free(t);
}
END_TEST

/* TPM2_Clear takes the owner's keys and the counters; a changed endorsement seed is another TPM. */
START_TEST(doctor__knows_a_tpm_whose_seed_was_changed)
{
    struct swtpm *t = swtpm_new_blank();

    doctortest_enrol(t);
    ck_assert_int_eq(swtpm_tool(t, "tpm2_clear -Q -c p"), 0);
    (void)doctortest_examine(t);
    doctortest_says("tpm.key", "warn", "E_TPM_KEY_GONE", "the enrolled one");
    ck_assert_int_eq(swtpm_tool(t, "tpm2_changeeps -Q"), 0);
    (void)doctortest_examine(t);
    doctortest_says("tpm.key", "fail", "E_TPM_OTHER", "its seed was changed");
    swtpm_free(t);
}
END_TEST

START_TEST(doctor__fails_an_own_pcr_that_another_program_uses)
{
    struct swtpm *t = swtpm_new_blank();

    ck_assert_int_eq(swtpm_tool(t, "tpm2_startup -c && tpm2_pcrextend 13:sha256=%064d", 7), 0);
    ck_assert_int_eq(doctortest_examine(t), 1);
    doctortest_says("own.pcr", "fail", "E_OWN_FOREIGN", "systemd-stub");
    swtpm_free(t);
}
END_TEST

START_TEST(doctor__warns_of_a_boot_log_without_sha256)
{
    struct bootlog *b = calloc(1, sizeof(*b));

    NEED(b != NULL);
    bootlog_begin(b);
    bootlog_sha1_event(b, 0, EV_SEPARATOR, "\0\0\0\0", 4);
    (void)doctortest_examine_log("uefi", bootlog_slice(b));
    doctortest_passes("log.uefi", "1 events");
    doctortest_says("log.bank", "warn", "E_LOG_BANK", "sha1");
    bootlog_begin(b);
    bootlog_spec_id(b);
    bootlog_separator(b, 0);
    (void)doctortest_examine_log("uefi", bootlog_slice(b));
    doctortest_passes("log.bank", "sha256");
    (void)doctortest_examine_log("uefi", att_slice_str("no log"));
    doctortest_says("log.uefi", "fail", "E_FMT_UEFI", "");
    (void)doctortest_run("device:/dev/no-such-tpm", "uefi: /no/such/log, ima: none");
    doctortest_says("log.uefi", "warn", "E_LOG_COVERAGE", "");
    free(b);
}
END_TEST

START_TEST(doctor__reads_the_kernels_list_as_the_verifier_will)
{
    static const uint8_t zero[32];
    struct softlog log = {0};

    softlog_ima_digest(&log, NULL, "boot_aggregate",
                       (const uint8_t *)"01234567890123456789012345678901");
    (void)doctortest_examine_log("ima", softlog_slice(&log));
    doctortest_says("log.ima", "warn", "E_LOG_COVERAGE", "no IMA policy is loaded");
    doctortest_passes("log.ima-start", "boot_aggregate");
    softlog_ima(&log, NULL, "/usr/bin/x", att_slice_str("x"));
    (void)doctortest_examine_log("ima", softlog_slice(&log));
    doctortest_passes("log.ima", "2 entries");
    doctortest_passes("log.violations", "0 of 2");
    doctortest_passes("log.size", "0 / ");
    softlog_ima_violation(&log, NULL, "/usr/bin/y");
    (void)doctortest_examine_log("ima", softlog_slice(&log));
    doctortest_says("log.violations", "warn", "E_LOG_VIOLATION", "1 of 3");
    softlog_clear(&log);
    softlog_ima_digest(&log, NULL, "boot_aggregate", zero);
    (void)doctortest_examine_log("ima", softlog_slice(&log));
    doctortest_says("log.ima-start", "warn", "E_LOG_LATE", "zeros");
    softlog_free(&log);
}
END_TEST

START_TEST(doctor__warns_before_the_logs_are_too_long)
{
    struct softlog log = {0};
    char path[3000];
    int more[] = {0, 0};

    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    while (log.len < (4U << 20)) {
        softlog_ima(&log, NULL, path, att_slice_str("x"));
    }
    more[0] = doctortest_examine_log("ima", softlog_slice(&log));
    doctortest_says("log.size", "warn", "E_LOG_LONG", "/ 8128 KiB");
    while (log.len < (9U << 20)) {
        softlog_ima(&log, NULL, path, att_slice_str("x"));
    }
    more[1] = doctortest_examine_log("ima", softlog_slice(&log));
    doctortest_says("log.size", "warn", "E_LOG_LONG", "+ / 8128 KiB"); /* it goes in parts */
    (void)doctortest_examine_log("uefi", softlog_slice(&log));
    doctortest_says("log.size", "fail", "E_LOG_LONG", "+ / 8128 KiB");
    ck_assert_int_eq(more[0], 6); /* there is no TPM; that outweighs a warning */
    softlog_free(&log);
}
END_TEST

int main(void)
{
    static const struct suite_fixture fixture = {doctortest_setup, doctortest_teardown};
    const struct suite_row rows[] = {
        {doctor__passes_a_tpm_that_is_well, 0},
        {doctor__speaks_two_languages_and_names_the_manual, 0},
        {doctor__tells_a_power_cut_by_the_clock, 0},
        {doctor__warns_before_a_lockout_and_fails_in_it, 0},
        {doctor__fails_a_tpm_with_sha1_alone, 0},
        {doctor__needs_no_sha1_bank, 0},
        {doctor__warns_of_a_bank_that_the_firmware_does_not_extend, 0},
        {doctor__says_when_there_is_no_certificate, 0},
        {doctor__reads_certificates_as_makers_wrote_them, 0},
        {doctor__warns_of_a_certificate_that_is_none, 0},
        {doctor__warns_of_another_tpms_certificate, 0},
        {doctor__does_not_take_another_key_at_the_usual_handle, 0},
        {doctor__fails_a_tpm_in_failure_mode, 0},
        {doctor__says_when_no_firmware_started_the_tpm, 0},
        {doctor__warns_of_slots_that_others_left_full, 0},
        {doctor__says_when_there_is_no_tpm, 0},
        {doctor__names_the_stack_that_it_was_built_with, 0},
        {doctor__tells_an_evicted_key_from_another_tpm, 0},
        {doctor__knows_a_tpm_whose_seed_was_changed, 0},
        {doctor__fails_an_own_pcr_that_another_program_uses, 0},
        {doctor__warns_of_a_boot_log_without_sha256, 0},
        {doctor__reads_the_kernels_list_as_the_verifier_will, 0},
        {doctor__warns_before_the_logs_are_too_long, 0},
    };

    if (!swtpm_available()) {
        puts("swtpm is not installed; scripts/doctortest_setup does it");
        return 77;
    }
    return SUITE_RUN_ROWS("doctor", rows, &fixture);
}
