/*
 * attest-agent doctor makes a quote and judges it: with TPMs that are well, and with one between program and TPM that
 * changes what either says, which is what a broken TPM, driver or attacker does.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/rd.h"
#include "base/wr.h"
#include "doctortest.h"
#include "hwtest.h"
#include "need.h"
#include "suite.h"
#include "ttytpm.h"

#define CC_CREATE_PRIMARY 0x131U
#define CC_QUOTE          0x158U
#define CC_PCR_READ       0x17eU

/* In the answer to TPM2_Quote: header, size of the parameters, TPM2B_ATTEST, TPMT_SIGNATURE. */
#define AT_ATTEST  16U
#define AT_MAGIC   AT_ATTEST
#define AT_TYPE    (AT_ATTEST + 4)
#define TRIES_MAX  4000
#define COORDINATE 32

static struct swtpm *unit;

static void set_up(void)
{
    doctortest_setup();
    unit = swtpm_new_blank();
}

static void tear_down(void)
{
    swtpm_free(unit);
    doctortest_teardown();
}

/* Doctor over a device, with somebody in between. */
static void examine_with(const struct ttytpm_liar *liar)
{
    struct ttytpm tty;

    NEED(swtpm_tool(unit, "tpm2_startup -c 2>/dev/null; true") == 0);
    ttytpm_start(&tty, unit);
    tty.liar = liar;
    (void)doctortest_run(tty.tcti, DOCTORTEST_NO_LOGS);
    ttytpm_stop(&tty);
}

START_TEST(quote__of_a_tpm_that_is_well_passes)
{
    ck_assert_int_eq(doctortest_examine(unit), 0);
    doctortest_passes("tpm.quote", "transient key, ");
    doctortest_passes("tpm.quote", " ms; bytes: qualifying data 32 / 66, signature r ");
    doctortest_passes("tpm.quote", "nonce, PCRs, endorsement hierarchy and signature are right");
    doctortest_passes("tpm.quote", "no PCR moved");
    doctortest_enrol(unit);
    (void)doctortest_examine(unit);
    doctortest_passes("tpm.quote", "enrolled key, ");
    ck_assert_int_eq(swtpm_tool(unit, "tpm2_evictcontrol -Q -C o -c 0x81000a11"), 0);
    (void)doctortest_examine(unit);
    doctortest_passes("tpm.quote", "transient key, ");
    hwtest_disconnect(hwtest_connect(unit)); /* nothing of it stays in the TPM */
}
END_TEST

START_TEST(quote__needs_the_bank_that_is_judged)
{
    ck_assert_int_eq(swtpm_tool(unit, "tpm2_startup -c && tpm2_pcrallocate -Q "
                                      "sha1:all+sha256:none+sha384:none+sha512:none && "
                                      "tpm2_shutdown -c"),
                     0);
    swtpm_stop(unit);
    swtpm_start(unit);
    (void)doctortest_examine(unit);
    doctortest_says("tpm.quote", "not-run", NULL, "no SHA-256 bank");
}
END_TEST

/* ---- one byte of the answer ---- */

static size_t changed_byte; /* from the start; SIZE_MAX: the last one of the signature */

static void change_byte(struct ttytpm *t, const uint8_t *command, uint8_t *answer, size_t *len)
{
    (void)t;
    if (ttytpm_code(command) == CC_QUOTE && *len > AT_TYPE) {
        /* behind the signature stand the five bytes of a session without a key */
        answer[changed_byte == SIZE_MAX ? *len - 6 : changed_byte] ^= 1;
    }
}

START_TEST(quote__with_a_changed_byte_is_told)
{
    static const struct {
        size_t at;
        const char *code, *words;
    } rows[] = {
        {AT_MAGIC, "E_Q_MAGIC", "expected ff544347"},
        {AT_TYPE + 1, "E_Q_TYPE", "expected a quote (8018), found 8019"},
        {AT_TYPE + 20, "E_Q_SIG", "does not verify"}, /* in the signer's name */
        {SIZE_MAX, "E_Q_SIG", "does not verify"},
    };
    static const struct ttytpm_liar liar = {.answer = change_byte};

    changed_byte = rows[_i].at;
    examine_with(&liar);
    doctortest_says("tpm.quote", "fail", rows[_i].code, rows[_i].words);
}
END_TEST

/* ---- an answer of before: its signature is good ---- */

static uint8_t kept[TTYTPM_MAX];
static size_t kept_len;

static void keep_answer(struct ttytpm *t, const uint8_t *command, uint8_t *answer, size_t *len)
{
    (void)t;
    if (ttytpm_code(command) == CC_QUOTE) {
        memcpy(kept, answer, *len);
        kept_len = *len;
    }
}

static void give_kept(struct ttytpm *t, const uint8_t *command, uint8_t *answer, size_t *len)
{
    (void)t;
    if (ttytpm_code(command) == CC_QUOTE) {
        memcpy(answer, kept, kept_len);
        *len = kept_len;
    }
}

START_TEST(quote__of_before_is_told)
{
    static const struct ttytpm_liar keeps = {.answer = keep_answer};
    static const struct ttytpm_liar gives = {.answer = give_kept};

    examine_with(&keeps);
    doctortest_passes("tpm.quote", "no PCR moved");
    ck_assert_uint_gt(kept_len, 0);
    examine_with(&gives);
    doctortest_says("tpm.quote", "fail", "E_Q_NONCE", "32 bytes");
}
END_TEST

/* ---- a key of another hierarchy: the same template, made under the owner ---- */

static void make_under_the_owner(struct ttytpm *t, uint8_t *command, size_t len)
{
    (void)t;
    if (ttytpm_code(command) == CC_CREATE_PRIMARY && len > 14) {
        command[13] = 0x01; /* TPM_RH_OWNER */
    }
}

START_TEST(quote__by_a_key_of_another_hierarchy_is_told)
{
    static const struct ttytpm_liar liar = {.command = make_under_the_owner};

    examine_with(&liar);
    doctortest_says("tpm.quote", "fail", "E_Q_SIGNER", "endorsement hierarchy");
}
END_TEST

/* ---- PCRs ---- */

/* TPM2_PCR_Extend of PCR 10, SHA-256, with an empty password (Part 3, 22.2). */
static void extend_before_a_quote(struct ttytpm *t, uint8_t *command, size_t len)
{
    uint8_t bytes[128], answer[TTYTPM_MAX];
    struct att_wr w = att_wr_into(bytes, sizeof(bytes));
    struct att_slice all;

    (void)len;
    if (ttytpm_code(command) != CC_QUOTE) {
        return;
    }
    att_wr_u16be(&w, 0x8002);
    att_wr_u32be(&w, 10 + 4 + 4 + 9 + 4 + 2 + 32);
    att_wr_u32be(&w, 0x182);
    att_wr_u32be(&w, 10);
    att_wr_u32be(&w, 9);
    att_wr_u32be(&w, 0x40000009); /* TPM_RS_PW */
    att_wr_u16be(&w, 0);
    att_wr_u8(&w, 0);
    att_wr_u16be(&w, 0);
    att_wr_u32be(&w, 1);
    att_wr_u16be(&w, 0x000b);
    for (int i = 0; i < 32; i++) {
        att_wr_u8(&w, 7);
    }
    NEED(att_wr_done(&w, &all) == ATT_OK);
    NEED(ttytpm_ask(t, all.p, all.len, answer) == 19);
}

START_TEST(quote__while_a_pcr_moves_is_explained)
{
    static const struct ttytpm_liar liar = {.command = extend_before_a_quote};

    examine_with(&liar);
    doctortest_passes("tpm.quote", "a PCR moved meanwhile");
}
END_TEST

static void change_read(struct ttytpm *t, const uint8_t *command, uint8_t *answer, size_t *len)
{
    (void)t;
    if (ttytpm_code(command) == CC_PCR_READ) {
        answer[*len - 1] ^= 1;
    }
}

START_TEST(quote__over_other_values_than_are_read_is_told)
{
    static const struct ttytpm_liar liar = {.answer = change_read};

    examine_with(&liar);
    doctortest_says("tpm.quote", "fail", "E_Q_DIGEST", "signed other values");
}
END_TEST

/* ---- numbers without their leading zeros, as some TPMs give them ---- */

/* Asked again until r starts with a zero, which then goes, and with it a byte of each size. */
static void shorten_r(struct ttytpm *t, const uint8_t *command, uint8_t *answer, size_t *len)
{
    struct att_rd r = att_rd_from(command, 10);
    size_t command_len = 0, at = 0;

    if (ttytpm_code(command) != CC_QUOTE) {
        return;
    }
    att_rd_skip(&r, 2);
    command_len = att_rd_u32be(&r);
    for (int i = 0; i < TRIES_MAX; i++) {
        at = AT_ATTEST + (size_t)(answer[14] << 8 | answer[15]) + 4; /* behind scheme and hash */
        NEED(at + 2 + COORDINATE < *len);
        if (answer[at + 1] == COORDINATE && answer[at + 2] == 0 && answer[at + 3] != 0) {
            break;
        }
        *len = ttytpm_ask(t, command, command_len, answer);
    }
    NEED(answer[at + 2] == 0);
    answer[at + 1]--;
    memmove(&answer[at + 2], &answer[at + 3], *len - at - 3);
    *len -= 1;
    answer[4] = (uint8_t)(*len >> 8);
    answer[5] = (uint8_t)*len;
    answer[12] = (uint8_t)((*len - 19) >> 8); /* header, this size, and the session at the end */
    answer[13] = (uint8_t)(*len - 19);
}

START_TEST(quote__with_short_numbers_is_padded)
{
    static const struct ttytpm_liar liar = {.answer = shorten_r};

    examine_with(&liar);
    doctortest_passes("tpm.quote", "signature r 31, s 32; ");
}
END_TEST

int main(void)
{
    static const struct suite_fixture fixture = {set_up, tear_down};
    const struct suite_row rows[] = {
        {quote__of_a_tpm_that_is_well_passes, 0},
        {quote__needs_the_bank_that_is_judged, 0},
        {quote__with_a_changed_byte_is_told, 4},
        {quote__of_before_is_told, 0},
        {quote__by_a_key_of_another_hierarchy_is_told, 0},
        {quote__while_a_pcr_moves_is_explained, 0},
        {quote__over_other_values_than_are_read_is_told, 0},
        {quote__with_short_numbers_is_padded, 0},
    };

    if (!swtpm_available()) {
        puts("swtpm is not installed; scripts/setup does it");
        return 77;
    }
    return SUITE_RUN_ROWS("doctor and a quote", rows, &fixture);
}
