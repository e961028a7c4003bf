/*
 * Group Q, raw artefacts under a policy: a quote over more banks than the policy's, and lists that show less than the
 * policy asks. The IMA list, PCR 10 and quotes are those of a TPM that does what it is told; each attack extends,
 * quotes or lists one thing otherwise.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "base/file.h"
#include "base/hex.h"
#include "imalist.h"
#include "need.h"
#include "policy/refval.h"
#include "softtpm.h"

#define PATH_ROOM 64
#define ENTRIES   3
#define IMA_PCR   10
#define FILE_FILL 7
#define VIOLATION "/var/log/open"

static const enum att_hash BANKS[] = {ATT_HASH_SHA1, ATT_HASH_SHA256};
static const uint8_t NONCE[] = {0x00, 0xaa};

struct raw {
    char dir[32];
    struct softtpm *tpm;
    char said[16384];
};

static void put(const struct raw *r, const char *name, struct att_slice bytes)
{
    char path[PATH_ROOM];

    (void)snprintf(path, sizeof(path), "%s/%s", r->dir, name);
    NEED(att_file_write(path, bytes, 0600, NULL) == ATT_OK);
}

/* One requirement: the list is there, or each of its files is a known one. */
static void put_policy(const struct raw *r, const char *requirement)
{
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "policy: banks\nversion: 1\nrequirements:\n  - id: R-01\n    severity: fail\n"
                   "    title: {en: x, ja: x}\n    %s\n",
                   requirement);
    put(r, "policy.yaml", att_slice_str(text));
}

static void put_refvals(const struct raw *r)
{
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    uint8_t digest[32];

    memset(digest, FILE_FILL, sizeof(digest));
    NEED(att_refvals_maker_new(&m) == ATT_OK);
    NEED(att_refvals_maker_add(m, att_slice_str("/usr/bin/0"), digest) == ATT_OK);
    NEED(att_refvals_maker_finish(&out, m) == ATT_OK);
    put(r, "refvals", att_buf_slice(out));
}

/* The digest that the list gives each entry is that of its data; a violation has zeros. */
static void digest_list(void)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_ima it = att_ima_from(imalist_slice());
    struct att_ima_entry e;
    bool more = true;

    NEED(att_hasher_new(&h) == ATT_OK);
    while (att_ima_next(&it, &e, &more, NULL) == ATT_OK && more) {
        uint8_t digest[ATT_HASH_MAX] = {0};

        if (!att_slice_eq(e.path, att_slice_str(VIOLATION))) {
            NEED(att_ima_extended(digest, &e, ATT_HASH_SHA1, false, h) == ATT_OK);
        }
        memcpy(imalist.bytes + e.off + 4, digest, att_hash_size(ATT_HASH_SHA1));
    }
}

/* boot_aggregate and these files, all of one PCR. */
static void write_list(uint32_t pcr, const char *const *file, size_t count)
{
    imalist_setup();
    for (size_t i = 0; i <= count; i++) {
        const char *name = i == 0 ? "boot_aggregate" : file[i - 1];

        imalist_begin(pcr, "ima-ng");
        imalist_digest("sha256:", i == 0 || strcmp(name, VIOLATION) == 0 ? 0 : FILE_FILL, 32);
        imalist_path(name);
        imalist_end();
    }
    digest_list();
}

/* Extend the first entries of the list into a bank, as a kernel does. */
static void extend_list(const struct raw *r, enum att_hash bank, size_t entries)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_ima it = att_ima_from(imalist_slice());
    struct att_ima_entry e;
    bool more = true;

    NEED(att_hasher_new(&h) == ATT_OK);
    for (size_t i = 0; i < entries; i++) {
        uint8_t digest[ATT_HASH_MAX];

        NEED(att_ima_next(&it, &e, &more, NULL) == ATT_OK && more);
        NEED(att_ima_extended(digest, &e, bank, false, h) == ATT_OK);
        softtpm_extend(r->tpm, e.pcr, bank, digest);
    }
}

static void raw_open_with(struct raw *r, uint32_t list_pcr, const char *requirement,
                          const char *const *file, size_t count)
{
    (void)strcpy(r->dir, "/tmp/attest-raw-XXXXXX");
    NEED(mkdtemp(r->dir) != NULL);
    r->tpm = softtpm_new(NULL, SOFTTPM_EK_P256);
    write_list(list_pcr, file, count);
    put(r, "ima", imalist_slice());
    put(r, "ak", softtpm_public(&r->tpm->ak));
    put_policy(r, requirement);
    put_refvals(r);
}

static void raw_open(struct raw *r, uint32_t list_pcr, const char *requirement)
{
    static const char *const FILE_[ENTRIES - 1] = {"/usr/bin/0", "/usr/bin/0"};

    raw_open_with(r, list_pcr, requirement, FILE_, ENTRIES - 1);
}

static void raw_close(struct raw *r)
{
    char command[PATH_ROOM];

    (void)snprintf(command, sizeof(command), "rm -r %s", r->dir);
    NEED(system(command) == 0);
    softtpm_free(r->tpm);
}

static void put_values(const struct raw *r)
{
    char text[16384];
    size_t len = 0;

    for (size_t b = 0; b < ATT_COUNT(BANKS); b++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\"%s\":{", b == 0 ? "{" : "},",
                                att_hash_name(BANKS[b]));
        for (uint32_t pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
            char hex[2 * ATT_HASH_MAX + 1];

            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\"%u\":\"%s\"",
                                    pcr == 0 ? "" : ",", (unsigned int)pcr,
                                    att_hex_encode(hex, sizeof(hex),
                                                   att_slice_of(softtpm_pcr(r->tpm, BANKS[b], pcr),
                                                                att_hash_size(BANKS[b]))));
        }
    }
    NEED(len + 3 < sizeof(text));
    (void)strcat(text, "}}");
    put(r, "pcrs", att_slice_str(text));
}

/* Quote these PCRs of both banks, and judge it: the exit code. */
static int judge(struct raw *r, uint32_t sha1, uint32_t sha256, bool with_values)
{
    struct att_pcr_selection sel = {.count = 2};
    struct softtpm_bytes attest;
    struct softtpm_bytes signature;
    char path[7][PATH_ROOM];
    static const char *const NAME[] = {"quote",       "sig",     "ak",  "ima",
                                       "policy.yaml", "refvals", "pcrs"};
    static const char *const OPTION[] = {"--quote",  "--signature", "--ak",  "--ima",
                                         "--policy", "--refvals",   "--pcrs"};
    const char *args[24] = {"--json", "evidence", "appraise", "--nonce", "00aa"};
    size_t count = 5;

    sel.sel[0] = (struct att_pcr_sel){.bank = ATT_HASH_SHA1, .mask = sha1, .size = 3};
    sel.sel[1] = (struct att_pcr_sel){.bank = ATT_HASH_SHA256, .mask = sha256, .size = 3};
    softtpm_quote(&attest, &signature, r->tpm, att_slice_of(NONCE, sizeof(NONCE)), &sel);
    put(r, "quote", softtpm_slice(&attest));
    put(r, "sig", softtpm_slice(&signature));
    put_values(r);
    for (size_t i = 0; i < ATT_COUNT(NAME) - (with_values ? 0 : 1); i++) {
        (void)snprintf(path[i], PATH_ROOM, "%s/%s", r->dir, NAME[i]);
        args[count++] = OPTION[i];
        args[count++] = path[i];
    }
    return service_program(r->said, sizeof(r->said), "attestctl", args);
}

static void says(const struct raw *r, const char *what)
{
    ck_assert_msg(strstr(r->said, what) != NULL, "no %s in %s", what, r->said);
}

#define LOGS     "logs: [ima]"
#define FILES    "ima_files: {unlisted: fail}"
#define BIT(pcr) (1U << (pcr))

/* Both banks by the list, and a PCR that nobody extended: with and without values beside the quote. */
START_TEST(Q_06_honest_quote_over_two_banks_is_taken)
{
    struct raw r;

    raw_open(&r, IMA_PCR, _i % 2 == 0 ? LOGS : FILES);
    extend_list(&r, ATT_HASH_SHA1, ENTRIES);
    extend_list(&r, ATT_HASH_SHA256, ENTRIES);
    ck_assert_msg(judge(&r, BIT(IMA_PCR) | BIT(16) | BIT(17), BIT(IMA_PCR), _i < 2) == 0, "%s",
                  r.said);
    raw_close(&r);
}
END_TEST

/* Something extended a PCR of the bank that the policy does not see. */
START_TEST(Q_06_surplus_bank_that_no_log_explains_is_refused)
{
    static const uint32_t PCR[] = {16, 0, 23};
    static const uint8_t FOREIGN[20] = {1};
    struct raw r;

    raw_open(&r, IMA_PCR, LOGS);
    extend_list(&r, ATT_HASH_SHA1, ENTRIES);
    extend_list(&r, ATT_HASH_SHA256, ENTRIES);
    softtpm_extend(r.tpm, PCR[_i], ATT_HASH_SHA1, FOREIGN);
    ck_assert_int_eq(judge(&r, BIT(IMA_PCR) | BIT(PCR[_i]), BIT(IMA_PCR), true), 1);
    says(&r, "{\"id\":\"quote.pcr-digest\",\"status\":\"pass\"}");
    says(&r, "{\"id\":\"log.ima\",\"status\":\"pass\"}");
    says(&r, "{\"id\":\"policy\",\"status\":\"fail\"}");
    says(&r, "E_Q_BANK");
    /* the logs alone do not lead to the digest either */
    ck_assert_int_eq(judge(&r, BIT(IMA_PCR) | BIT(PCR[_i]), BIT(IMA_PCR), false), 1);
    says(&r, "E_LOG_PCR");
    raw_close(&r);
}
END_TEST

/* Each bank is reached by a part of the list, but not by the same: no kernel and no TPM does that. */
START_TEST(Q_06_banks_that_stop_at_different_entries_are_refused)
{
    struct raw r;

    raw_open(&r, IMA_PCR, FILES);
    extend_list(&r, ATT_HASH_SHA1, _i == 0 ? 1 : ENTRIES);
    extend_list(&r, ATT_HASH_SHA256, _i == 0 ? ENTRIES : 1);
    ck_assert_int_eq(judge(&r, BIT(IMA_PCR), BIT(IMA_PCR), true), 1);
    says(&r, "{\"id\":\"log.ima\",\"status\":\"fail\"}");
    says(&r, "no single entry");
    raw_close(&r);
}
END_TEST

/* The list is proven in SHA-1 alone, which the policy does not take. */
START_TEST(Q_06_list_that_another_bank_proves_is_refused)
{
    struct raw r;

    raw_open(&r, IMA_PCR, FILES);
    extend_list(&r, ATT_HASH_SHA1, ENTRIES);
    ck_assert_int_eq(judge(&r, BIT(IMA_PCR), BIT(16), true), 1);
    says(&r, "{\"id\":\"log.ima\",\"status\":\"fail\"}");
    says(&r, "E_Q_PCRSEL");
    raw_close(&r);
}
END_TEST

/* The list is proven by a PCR that anybody may reset and extend. */
START_TEST(Q_06_list_of_another_pcr_is_refused)
{
    struct raw r;

    raw_open(&r, 23, FILES);
    extend_list(&r, ATT_HASH_SHA1, ENTRIES);
    extend_list(&r, ATT_HASH_SHA256, ENTRIES);
    ck_assert_int_eq(judge(&r, BIT(23), BIT(23), _i == 0), 1);
    says(&r, "{\"id\":\"log.ima\",\"status\":\"fail\"}");
    says(&r, "expected PCR 10, found 23");
    raw_close(&r);
}
END_TEST

#define AND(rule) "\n  - id: R-02\n    severity: fail\n    title: {en: y, ja: y}\n    " rule

/* One quote over what the list leads to, in the policy's bank. */
static int judge_list(struct raw *r, size_t entries)
{
    int code = 0;

    extend_list(r, ATT_HASH_SHA256, entries);
    code = judge(r, BIT(16), BIT(IMA_PCR), true);
    says(r, "{\"id\":\"log.ima\",\"status\":\"pass\"}");
    return code;
}

/* As attestd judges it: where the files are judged, a violation passes by a rule alone. */
START_TEST(Q_raw_violation_without_a_rule_is_refused)
{
    static const char *const LIST[] = {"/usr/bin/0", VIOLATION};
    static const struct {
        const char *requirement;
        int code;
    } ROWS[] = {
        {FILES, 1},
        {FILES AND("ima_violations: fail"), 1},
        {FILES AND("ima_violations: ignore"), 0},
        {LOGS, 0},
        {LOGS AND("ima_violations: fail"), 1},
    };
    struct raw r;

    raw_open_with(&r, IMA_PCR, ROWS[_i].requirement, LIST, ATT_COUNT(LIST));
    ck_assert_msg(judge_list(&r, ATT_COUNT(LIST) + 1) == ROWS[_i].code, "%s", r.said);
    ck_assert_msg((strstr(r.said, "E_LOG_VIOLATION") != NULL) == (ROWS[_i].code != 0), "%s",
                  r.said);
    raw_close(&r);
}
END_TEST

/* A program of that name: no boot log says that it is another kernel's start. */
START_TEST(Q_raw_file_called_boot_aggregate_is_refused)
{
    static const char *const LIST[] = {"/usr/bin/0", "boot_aggregate"};
    struct raw r;

    raw_open_with(&r, IMA_PCR, FILES AND("ima_kexec: ignore"), LIST, ATT_COUNT(LIST));
    ck_assert_msg(judge_list(&r, ATT_COUNT(LIST) + 1) == 1, "%s", r.said);
    says(&r, "{\"id\":\"log.ima.order\",\"status\":\"fail\"}");
    says(&r, "E_LOG_AGGREGATE");
    raw_close(&r);
}
END_TEST

START_TEST(Q_raw_list_of_no_file_is_refused)
{
    static const char *const LIST[] = {VIOLATION};
    static const struct {
        const char *requirement;
        size_t files;
        int code;
    } ROWS[] = {
        {FILES, 0, 1},
        {FILES AND("ima_violations: ignore"), 1, 1},
        {LOGS, 0, 0},
    };
    struct raw r;

    raw_open_with(&r, IMA_PCR, ROWS[_i].requirement, LIST, ROWS[_i].files);
    ck_assert_msg(judge_list(&r, ROWS[_i].files + 1) == ROWS[_i].code, "%s", r.said);
    ck_assert_msg((strstr(r.said, "E_LOG_COVERAGE") != NULL) == (ROWS[_i].code != 0), "%s", r.said);
    raw_close(&r);
}
END_TEST

/* It relaxes what nothing else asks: as much as no policy. */
START_TEST(Q_raw_policy_that_judges_nothing_passes_nothing)
{
    static const struct {
        const char *requirement;
        int code;
    } ROWS[] = {
        {"ima_violations: ignore", 3},
        {"ima_kexec: ignore", 3},
        {"boot_order: {verdict: ignore}", 3},
        {"boot_order: {verdict: ignore}" AND("ima_kexec: ignore"), 3},
        {"ima_violations: fail", 0},
        {"ima_kexec: ignore" AND(LOGS), 0},
    };
    struct raw r;

    raw_open(&r, IMA_PCR, ROWS[_i].requirement);
    ck_assert_msg(judge_list(&r, ENTRIES) == ROWS[_i].code, "%s", r.said);
    ck_assert_msg((strstr(r.said, "E_POL_NONE") != NULL) == (ROWS[_i].code != 0), "%s", r.said);
    says(&r, ROWS[_i].code == 0 ? "{\"id\":\"policy\",\"status\":\"pass\"}"
                                : "{\"id\":\"policy\",\"status\":\"not-run\"}");
    raw_close(&r);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"Q-06-two", Q_06_honest_quote_over_two_banks_is_taken, 4, 0},
        {"Q-06-surplus", Q_06_surplus_bank_that_no_log_explains_is_refused, 3, 0},
        {"Q-06-entry", Q_06_banks_that_stop_at_different_entries_are_refused, 2, 0},
        {"Q-06-other", Q_06_list_that_another_bank_proves_is_refused, 0, 0},
        {"Q-06-pcr", Q_06_list_of_another_pcr_is_refused, 2, 0},
        {"Q-raw-violation", Q_raw_violation_without_a_rule_is_refused, 5, 0},
        {"Q-raw-aggregate", Q_raw_file_called_boot_aggregate_is_refused, 0, 0},
        {"Q-raw-coverage", Q_raw_list_of_no_file_is_refused, 3, 0},
        {"Q-raw-none", Q_raw_policy_that_judges_nothing_passes_nothing, 6, 0},
    };

    return attack_rows("attacks: raw artefacts under a policy", rows, ATT_COUNT(rows));
}
