/* attest-agent doctor about the boot: the order of its log, PCRs of the last accepted attestation, makers' names. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agentscene.h"
#include "base/file.h"
#include "bootlog.h"
#include "doctortest.h"
#include "need.h"
#include "suite.h"

#define ACTION "Calling EFI Application from Boot Option"

/* A log that is right, but for what spoil makes of it. */
static void examine_boot(void (*spoil)(struct bootlog *))
{
    struct bootlog *b = calloc(1, sizeof(*b));

    NEED(b != NULL);
    bootlog_begin(b);
    bootlog_spec_id(b);
    bootlog_event(b, 4, EV_ACTION, ACTION, sizeof(ACTION) - 1);
    for (uint32_t pcr = 0; pcr < 7; pcr++) {
        bootlog_separator(b, pcr);
    }
    spoil(b);
    (void)doctortest_examine_log("uefi", bootlog_slice(b));
    free(b);
}

static void nothing(struct bootlog *b)
{
    bootlog_separator(b, 7);
}

static void no_separator(struct bootlog *b)
{
    (void)b;
}

static void second_separator(struct bootlog *b)
{
    nothing(b);
    bootlog_separator(b, 2);
}

static void late_event(struct bootlog *b)
{
    nothing(b);
    bootlog_event(b, 1, EV_ACTION, ACTION, sizeof(ACTION) - 1);
}

static void error_separator(struct bootlog *b)
{
    bootlog_event(b, 7, EV_SEPARATOR, "\1\0\0\0", 4);
}

static void unknown_type(struct bootlog *b)
{
    nothing(b);
    bootlog_event(b, 4, 0x12345, "x", 1);
}

/* The digest of an action is that of its data, by the standard; the last byte of the log is the data's. */
static void changed_data(struct bootlog *b)
{
    nothing(b);
    bootlog_event(b, 5, 0x80000007, "Exit Boot Services", 18);
    b->bytes[bootlog_slice(b).len - 1] ^= 1;
}

START_TEST(boot_log__that_is_right_passes)
{
    examine_boot(nothing);
    doctortest_passes("log.order", "separators and data are right; events of unknown type: 0");
    examine_boot(unknown_type);
    doctortest_passes("log.order", "events of unknown type: 1");
}
END_TEST

START_TEST(boot_log__deviation_is_told_with_what_a_policy_says)
{
    static const struct {
        void (*spoil)(struct bootlog *);
        const char *code, *words;
    } rows[] = {
        {no_separator, "E_LOG_ORDER",
         "PCR 7: no separator; refused unless the policy's boot_order"},
        {second_separator, "E_LOG_ORDER", "PCR 2, event 10: a second separator"},
        {late_event, "E_LOG_ORDER", "PCR 1, event 10: a second separator, or an event behind it"},
        {error_separator, "E_LOG_BOOT_ERROR", "PCR 7, event 9: every policy refuses"},
        {changed_data, "E_LOG_DIGEST", "PCR 5, event 10: every policy refuses"},
    };

    examine_boot(rows[_i].spoil);
    doctortest_says("log.order", "warn", rows[_i].code, rows[_i].words);
}
END_TEST

/* ---- PCR 0 to 7 ---- */

static void look(const struct agentscene *s)
{
    const char *args[] = {"--config", s->conf, "--json", "doctor", NULL};

    (void)service_program(doctortest_out, sizeof(doctortest_out), "attest-agent", args);
}

static void damage(const struct agentscene *s)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/state/boot-pcrs.txt", s->dir);
    NEED(att_file_write(path, att_slice_str("sha256:\n  0 : 0x12"), 0600, NULL) == ATT_OK);
}

START_TEST(boot_pcrs__are_compared_with_the_last_accepted)
{
    static struct agentscene s;
    struct longlist *list = NULL;

    agentscene_open(&s, NULL, NULL);
    list = longlist_new(s.ima, s.tpm);
    longlist_fill(list, 0, 3, s.known);
    (void)longlist_close(list);
    look(&s);
    doctortest_says("tpm.boot-pcrs", "not-run", NULL, "no attestation was accepted yet");
    ck_assert_msg(agentscene_once(&s) == 0, "%s", s.out);
    look(&s);
    doctortest_passes("tpm.boot-pcrs", "as in the last accepted attestation");
    ck_assert_int_eq(swtpm_tool(s.tpm, "tpm2_pcrextend 0:sha256=%064d 5:sha256=%064d", 7, 7), 0);
    look(&s);
    doctortest_says("tpm.boot-pcrs", "warn", "E_REF_BOOT", "PCR 0, 5 of bank sha256");
    damage(&s);
    look(&s);
    doctortest_says("tpm.boot-pcrs", "warn", "E_FMT_YAML", "");
    agentscene_close(&s);
}
END_TEST

/* ---- whose authority ---- */

#define KNOWN "Infineon OPTIGA(TM) RSA Root CA"

START_TEST(ek_issuer__is_looked_up_among_the_makers)
{
    struct swtpm *t = swtpm_new_blank();
    char command[512], more[128];

    (void)snprintf(command, sizeof(command),
                   "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 "
                   "-subj '/O=Infineon/CN=" KNOWN "' -keyout /dev/null -outform DER "
                   "-out %s/ek.der 2>/dev/null",
                   doctortest_dir);
    NEED(system(command) == 0);
    (void)snprintf(more, sizeof(more), "ek_certificates: [%s/ek.der]\n", doctortest_dir);
    (void)doctortest_run_with(swtpm_tcti(t), DOCTORTEST_NO_LOGS, more);
    doctortest_passes("tpm.ek-issuer", KNOWN ": IFX, root");
    swtpm_free(t);
    t = swtpm_new();
    (void)doctortest_examine(t);
    doctortest_says("tpm.ek-issuer", "warn", "E_ID_EKCERT",
                    "not in the list of makers' authorities; the verifier's operator needs its "
                    "root");
    swtpm_free(t);
}
END_TEST

int main(void)
{
    static const struct suite_fixture fixture = {doctortest_setup, doctortest_teardown};
    const struct suite_row rows[] = {
        {boot_log__that_is_right_passes, 0},
        {boot_log__deviation_is_told_with_what_a_policy_says, 5},
        {boot_pcrs__are_compared_with_the_last_accepted, 0},
        {ek_issuer__is_looked_up_among_the_makers, 0},
    };

    if (!swtpm_available()) {
        puts("swtpm is not installed; scripts/setup does it");
        return 77;
    }
    return SUITE_RUN_ROWS("doctor and the boot", rows, &fixture);
}
