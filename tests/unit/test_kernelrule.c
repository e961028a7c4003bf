/* How the kernel extends, found by replaying its list to a value of its PCR. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/measurer/kernelrule.h"
#include "base/file.h"
#include "need.h"
#include "softlog.h"
#include "softtpm.h"
#include "suite.h"

#define PCR   10
#define COUNT 9000 /* entries: more than one chunk of a reading */

static struct softtpm_ca *ca;
static struct softtpm *tpm;
static struct softlog list;
static char path[] = "/tmp/test-kernelrule-XXXXXX";

static void set_up(void)
{
    int fd = -1;

    ca = softtpm_ca_new("ca");
    tpm = softtpm_new(ca, SOFTTPM_EK_P256);
    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    NEED(fd >= 0 && close(fd) == 0);
}

static void tear_down(void)
{
    softlog_free(&list);
    list = (struct softlog){0};
    softtpm_free(tpm);
    softtpm_ca_free(ca);
    (void)unlink(path);
}

static void add(int count)
{
    char name[64];

    for (int i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "/usr/bin/tool-%d", i);
        softlog_ima(&list, tpm, name, att_slice_str(name));
    }
}

static struct att_pcr_bank bank_now(enum att_hash bank)
{
    struct att_pcr_bank b = {.bank = bank, .has = 1U << PCR};

    memcpy(b.value[PCR], softtpm_pcr(tpm, bank, PCR), att_hash_size(bank));
    return b;
}

static enum kernel_rule find(const struct att_pcr_bank *values)
{
    struct att_diag diag = {0};
    enum kernel_rule rule = KERNEL_RULE_UNKNOWN;
    enum att_err err = ATT_OK;

    NEED(att_file_write(path, softlog_slice(&list), 0600, NULL) == ATT_OK);
    err = kernel_rule_find(&rule, path, values, &diag);
    ck_assert_msg(err == ATT_OK, "%s", diag.text);
    return rule;
}

static const enum att_hash BANK[] = {ATT_HASH_SHA256, ATT_HASH_SHA384};

/* Also when the list grew behind the value. */
START_TEST(kernel_rule_find__tells_old_kernels_from_new_ones)
{
    const bool pads = _i / 2 == 1;
    struct att_pcr_bank values;

    list.padded = pads;
    add(COUNT);
    softlog_ima_violation(&list, tpm, "/etc/open");
    values = bank_now(BANK[_i % 2]);
    ck_assert_uint_gt(list.len, 1U << 19);
    ck_assert_int_eq(find(&values), pads ? KERNEL_RULE_PADDED : KERNEL_RULE_OWN);
    add(40);
    ck_assert_int_eq(find(&values), pads ? KERNEL_RULE_PADDED : KERNEL_RULE_OWN);
}
END_TEST

START_TEST(kernel_rule_find__of_sha1_there_is_one_rule)
{
    struct att_pcr_bank values;

    list.padded = _i == 1;
    add(5);
    values = bank_now(ATT_HASH_SHA1);
    ck_assert_int_eq(find(&values), KERNEL_RULE_OWN);
}
END_TEST

/* Extended beside the list, a list that was changed, a PCR that is not read, no entry, text. */
START_TEST(kernel_rule_find__does_not_guess)
{
    struct att_pcr_bank values;

    add(20);
    if (_i == 0) {
        softtpm_event(tpm, PCR, att_slice_str("not in the list"));
    }
    values = bank_now(ATT_HASH_SHA256);
    if (_i == 1) {
        list.p[200] ^= 1;
    } else if (_i == 2) {
        values.has = 1;
    } else if (_i == 3) {
        list.len = 0;
    } else if (_i == 4) {
        memset(list.p, 'x', list.len);
    } else if (_i == 5) {
        list.len = 40; /* no whole entry */
    }
    ck_assert_int_eq(find(&values), KERNEL_RULE_UNKNOWN);
}
END_TEST

START_TEST(kernel_rule_find__says_that_there_is_no_list)
{
    struct att_pcr_bank values = bank_now(ATT_HASH_SHA256);
    enum kernel_rule rule = KERNEL_RULE_PADDED;
    struct att_diag diag = {0};

    ck_assert_int_eq(kernel_rule_find(&rule, "/nonexistent/list", &values, &diag), ATT_E_NOT_FOUND);
    ck_assert_int_eq(diag.reason, ATT_R_FILE);
    ck_assert_int_eq(rule, KERNEL_RULE_PADDED);
}
END_TEST

int main(void)
{
    static const struct suite_fixture fixture = {set_up, tear_down};
    const struct suite_row rows[] = {
        {kernel_rule_find__tells_old_kernels_from_new_ones, 4},
        {kernel_rule_find__of_sha1_there_is_one_rule, 2},
        {kernel_rule_find__does_not_guess, 6},
        {kernel_rule_find__says_that_there_is_no_list, 0},
    };

    return SUITE_RUN_ROWS("kernel rule", rows, &fixture);
}
