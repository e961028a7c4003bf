/* The TPM for real: a bare swtpm, three transient slots, no resource manager. */
#include "tpm/tpm.h"

#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "hwtest.h"
#include "tcg/pubarea.h"
#include "tpm/ident.h"

static struct swtpm *unit;

static void start_unit(void)
{
    unit = swtpm_new();
}

static void stop_unit(void)
{
    swtpm_free(unit);
    unit = NULL;
}

/* The quote verifies with the key, and is over the PCR values that the TPM gives. */
static void expect_good_quote(const struct hw_quote *q, const struct hw_ak *ak,
                              struct att_slice qualifying, const struct att_pcr_values *values)
{
    struct att_pubarea area;
    struct att_quote quote;
    uint8_t composite[ATT_HASH_MAX], name[ATT_NAME_MAX], signer[ATT_NAME_MAX];
    size_t name_len, signer_len;

    ck_assert(hwtest_quote_verifies(q, ak));
    MUST(att_pubarea_parse(&area, att_slice_of(ak->public_area, ak->public_len), &diag));
    MUST(att_quote_parse(&quote, att_slice_of(q->attest, q->attest_len), &diag));
    ck_assert_uint_eq(quote.magic, ATT_TPM_GENERATED);
    ck_assert_uint_eq(quote.type, ATT_TPM_ST_ATTEST_QUOTE);
    ck_assert(att_slice_eq(quote.extra_data, qualifying));
    MUST(att_pcr_composite(composite, ATT_HASH_SHA256, &quote.selection, values, &diag));
    ck_assert(att_slice_eq(quote.pcr_digest, att_slice_of(composite, 32)));
    ck_assert_int_eq(att_pubarea_name(name, &name_len, &area), ATT_OK);
    ck_assert_int_eq(att_qualified_name(signer, &signer_len, ATT_TPM_RH_ENDORSEMENT,
                                        att_slice_of(name, name_len)),
                     ATT_OK);
    ck_assert(att_slice_eq(quote.qualified_signer, att_slice_of(signer, signer_len)));
}

START_TEST(tpm_open__refuses_other_kinds_of_tcti)
{
    static const char *const others[] = {"cmd:cat",        "tabrmd:",   "libtss2-tcti-device.so.0",
                                         "device:tpmrm0",  "device",    "swtpm:",
                                         "swtpm:path=a",   "mssim",     "",
                                         "pcap:device:/x", "swtpm:x=y", "mssim:path=a"};
    struct att_diag diag;
    struct hw_tpm *tpm = NULL;

    for (size_t i = 0; i < ATT_COUNT(others); i++) {
        ck_assert_int_eq(hw_tpm_open(&tpm, others[i], &diag), ATT_E_CONFIG);
        ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
        ck_assert_ptr_null(tpm);
    }
}
END_TEST

START_TEST(tpm_open__says_what_to_do_without_a_tpm)
{
    struct att_diag diag;
    struct hw_tpm *tpm = NULL;

    ck_assert_int_eq(hw_tpm_open(&tpm, "swtpm:path=/nonexistent/tpm", &diag), ATT_E_TPM);
    ck_assert_int_eq(diag.reason, ATT_R_TPM_ABSENT);
    ck_assert_int_eq(hw_tpm_open(&tpm, "device:/nonexistent/tpm", &diag), ATT_E_TPM);
    ck_assert_int_eq(diag.reason, ATT_R_TPM_ABSENT);
    ck_assert_ptr_nonnull(strstr(diag.text, "firmware"));
    if (access(HW_TPM_DEVICE, F_OK) != 0) {
        ck_assert_int_eq(hw_tpm_open(&tpm, NULL, &diag), ATT_E_TPM);
        ck_assert_int_eq(diag.reason, ATT_R_TPM_ABSENT);
        ck_assert_ptr_nonnull(strstr(diag.text, HW_TPM_DEVICE));
    }
    ck_assert_ptr_null(tpm);
}
END_TEST

START_TEST(tpm_open__works_over_tcp)
{
    struct swtpm *t = swtpm_new_blank();
    struct hw_tpm *tpm = NULL;
    struct att_clock_info clock;
    char tcti[64];
    enum att_err err = ATT_E_TPM;
    int port = 20000 + getpid() % 6000 * 2; /* below the ephemeral ports */

    swtpm_stop(t);
    ck_assert_int_eq(swtpm_tool(t,
                                "timeout 30 swtpm socket --tpm2 --tpmstate dir=$PWD/state "
                                "--server type=tcp,port=%d --ctrl type=tcp,port=%d "
                                "--flags not-need-init --pid file=$PWD/tcp.pid >/dev/null 2>&1 &",
                                port, port + 1),
                     0);
    (void)snprintf(tcti, sizeof tcti, "swtpm:host=127.0.0.1,port=%d", port);
    for (int i = 0; i < 100 && err != ATT_OK; i++) {
        err = hw_tpm_open(&tpm, tcti, NULL);
        if (err != ATT_OK)
            ck_assert_int_eq(system("sleep 0.05"), 0);
    }
    ck_assert_int_eq(err, ATT_OK);
    MUST(hw_tpm_clock(&clock, tpm, &diag));
    hwtest_disconnect(tpm);
    ck_assert_int_eq(swtpm_tool(t, "kill $(cat tcp.pid)"), 0);
    swtpm_free(t);
}
END_TEST

START_TEST(tpm_open__flushes_what_a_dead_client_left)
{
    struct hw_tpm *tpm = hwtest_connect(unit);

    hw_tpm_close(tpm);
    ck_assert_int_eq(swtpm_tool(unit, "tpm2_createprimary -Q -C o -c a.ctx && "
                                      "tpm2_startauthsession -S s.ctx --policy-session"),
                     0);
    tpm = hwtest_connect(unit);
    hwtest_expect_nothing_left(tpm);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(tpm_info__is_what_the_simulator_is)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct hw_tpm_info info;

    MUST(hw_tpm_info(&info, tpm, &diag));
    ck_assert_str_eq(info.manufacturer, "IBM ");
    ck_assert_str_eq(info.vendor, "SW   TPM");
    ck_assert_uint_ge(info.spec_level, 138);
    ck_assert_uint_ne(info.firmware, 0);
    ck_assert(!info.in_lockout);
    ck_assert_uint_eq(info.lockout_counter, 0);
    ck_assert_uint_eq(info.lockout_max, 3);
    ck_assert_uint_eq(info.lockout_interval_s, 1000);
    ck_assert_uint_ge(info.nv_buffer_max, 512);
    ck_assert_uint_eq(info.transient_free, 3);
    ck_assert_uint_eq(info.bank_count, 3);
    for (uint32_t i = 0; i < info.bank_count; i++) {
        ck_assert_uint_eq(info.bank[i].mask, 0xffffff);
        ck_assert(info.bank[i].never_extended);
    }
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(tpm_info__tells_a_bank_that_nobody_extends)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct hw_pcr_digest one = {.alg = ATT_HASH_SHA256, .value = {1}};
    struct hw_tpm_info info;

    MUST(hw_tpm_pcr_extend(tpm, 7, &one, 1, &diag));
    MUST(hw_tpm_info(&info, tpm, &diag));
    for (uint32_t i = 0; i < info.bank_count; i++)
        ck_assert_int_eq(info.bank[i].never_extended, info.bank[i].alg != ATT_HASH_SHA256);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(tpm_info__shows_a_lockout_and_the_quote_still_works)
{
    struct swtpm *t = swtpm_new_blank();
    struct hw_tpm *tpm = hwtest_connect(t);
    struct att_pcr_selection sel = hwtest_select(ATT_HASH_SHA256, 1);
    struct hw_tpm_info info;
    struct hw_quote q;
    struct hw_ak ak;

    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    hwtest_disconnect(tpm);
    ck_assert_int_eq(
        swtpm_tool(t, "tpm2_nvdefine -Q -C o -s 8 -a 'authread|authwrite' -p right "
                      "0x1500001 && head -c 8 /dev/zero | tpm2_nvwrite -Q -C "
                      "0x1500001 -P right -i - 0x1500001; for i in 1 2 3 4; do tpm2_nvread -Q -C "
                      "0x1500001 -P wrong 0x1500001 2>/dev/null; done; true"),
        0);
    tpm = hwtest_connect(t);
    MUST(hw_tpm_info(&info, tpm, &diag));
    ck_assert(info.in_lockout);
    ck_assert_uint_eq(info.lockout_counter, info.lockout_max);
    MUST(hw_tpm_quote(&q, tpm, &ak, att_slice_str("noDA"), &sel, &diag));
    hwtest_disconnect(tpm);
    swtpm_free(t);
}
END_TEST

START_TEST(pcr_extend__is_the_hash_chain_and_touches_one_bank)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct hw_pcr_digest two[2] = {{.alg = ATT_HASH_SHA256, .value = {0xaa, 1, 2, 3}},
                                   {.alg = ATT_HASH_SHA1, .value = {0xbb, 1, 2, 3}}};
    struct att_pcr_selection sel = {.count = 3,
                                    .sel = {{ATT_HASH_SHA1, 1U << 13, 3},
                                            {ATT_HASH_SHA256, 1U << 13, 3},
                                            {ATT_HASH_SHA384, 1U << 13, 3}}};
    struct att_pcr_values before, after;
    struct att_hasher *h = NULL;

    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    MUST(hw_tpm_pcr_read(&before, tpm, &sel, &diag));
    MUST(hw_tpm_pcr_extend(tpm, 13, two, 2, &diag));
    MUST(hw_tpm_pcr_read(&after, tpm, &sel, &diag));
    for (size_t i = 0; i < 2; i++) {
        struct att_pcr_bank *old = att_pcr_bank_get(&before, two[i].alg);

        ck_assert_int_eq(att_pcr_extend(h, two[i].alg, old->value[13], two[i].value), ATT_OK);
    }
    for (uint32_t i = 0; i < 3; i++) {
        enum att_hash alg = sel.sel[i].bank;
        const struct att_pcr_bank *now = att_pcr_bank_find(&after, alg);

        ck_assert_uint_eq(now->has, 1U << 13);
        ck_assert_mem_eq(now->value[13], att_pcr_bank_find(&before, alg)->value[13],
                         att_hash_size(alg));
    }
    att_hasher_free(h);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(pcr_extend__refuses_what_no_pcr_takes)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct hw_pcr_digest one = {.alg = ATT_HASH_SHA256};
    struct hw_pcr_digest odd = {.alg = (enum att_hash)0x7777};
    struct att_diag diag;

    ck_assert_int_eq(hw_tpm_pcr_extend(tpm, 24, &one, 1, &diag), ATT_E_CONFIG);
    ck_assert_int_eq(hw_tpm_pcr_extend(tpm, 13, &one, 0, &diag), ATT_E_CONFIG);
    ck_assert_int_eq(hw_tpm_pcr_extend(tpm, 13, &odd, 1, &diag), ATT_E_CONFIG);
    ck_assert_int_eq(hw_tpm_pcr_extend(tpm, 17, &one, 1, &diag), ATT_E_TPM);
    ck_assert_int_eq(diag.reason, ATT_R_TPM_IO);
    ck_assert_ptr_nonnull(strstr(diag.text, "TPM_RC_LOCALITY"));
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(pcr_read__agrees_with_tpm2_pcrread_in_all_banks)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct att_pcr_selection all = {.count = 4,
                                    .sel = {{ATT_HASH_SHA1, 0xffffff, 3},
                                            {ATT_HASH_SHA256, 0xffffff, 3},
                                            {ATT_HASH_SHA384, 0xffffff, 3},
                                            {ATT_HASH_SHA512, 0xffffff, 3}}};
    struct att_pcr_values ours, theirs;
    struct att_buf *text = NULL;
    char path[128];

    MUST(hw_tpm_pcr_read(&ours, tpm, &all, &diag));
    hwtest_disconnect(tpm);
    ck_assert_int_eq(swtpm_tool(unit, "tpm2_pcrread >pcrs.txt"), 0);
    (void)snprintf(path, sizeof path, "%s/pcrs.txt", swtpm_folder(unit));
    MUST(att_file_read(&text, path, 65536, &diag));
    MUST(att_pcr_values_parse_text(&theirs, att_buf_slice(text), &diag));
    ck_assert_uint_eq(ours.count, 3); /* SHA-512 is not active */
    for (uint32_t i = 0; i < ours.count; i++) {
        const struct att_pcr_bank *b = &ours.bank[i];
        const struct att_pcr_bank *other = att_pcr_bank_find(&theirs, b->bank);

        ck_assert_ptr_nonnull(other);
        ck_assert_uint_eq(b->has, 0xffffff);
        for (int pcr = 0; pcr < ATT_PCR_COUNT; pcr++)
            ck_assert_mem_eq(b->value[pcr], other->value[pcr], att_hash_size(b->bank));
    }
    att_buf_free(text);
}
END_TEST

START_TEST(ak_make__is_the_same_key_each_time)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct hw_ak first, again, found;
    struct att_pubarea area;

    MUST(hw_tpm_ak_make(&first, tpm, HW_AK_HANDLE, &diag));
    MUST(hw_tpm_ak_make(&again, tpm, HW_AK_HANDLE, &diag));
    MUST(hw_tpm_ak_find(&found, tpm, HW_AK_HANDLE, &diag));
    ck_assert_mem_eq(&first, &again, sizeof first);
    ck_assert_mem_eq(&first, &found, sizeof first);
    MUST(att_pubarea_parse(&area, att_slice_of(first.public_area, first.public_len), &diag));
    MUST(att_pubarea_check_ak(&area, &diag));
    ck_assert_uint_eq(area.ecc_curve, 3);
    ck_assert_uint_ne(area.attributes & ATT_OBJ_NO_DA, 0);
    MUST(hw_tpm_ak_remove(tpm, HW_AK_HANDLE, &diag));
    ck_assert_int_eq(hw_tpm_ak_find(&found, tpm, HW_AK_HANDLE, NULL), ATT_E_NOT_FOUND);
    ck_assert_int_eq(hw_tpm_ak_remove(tpm, HW_AK_HANDLE, NULL), ATT_E_NOT_FOUND);
    MUST(hw_tpm_ak_make(&again, tpm, HW_AK_HANDLE, &diag));
    ck_assert_mem_eq(&first, &again, sizeof first);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(ak_make__refuses_a_handle_that_is_taken)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct att_diag diag;
    struct hw_ak ak;

    hw_tpm_close(tpm);
    ck_assert_int_eq(swtpm_tool(unit, "tpm2_createprimary -Q -C o -c k.ctx && "
                                      "tpm2_evictcontrol -Q -C o -c k.ctx 0x81000b01"),
                     0);
    tpm = hwtest_connect(unit);
    ck_assert_int_eq(hw_tpm_ak_make(&ak, tpm, 0x81000b01, &diag), ATT_E_CONFLICT);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
    ck_assert_int_eq(hw_tpm_ak_remove(tpm, 0x81000b01, &diag), ATT_E_CONFLICT);
    ck_assert_int_eq(hw_tpm_ak_make(&ak, tpm, 0x81800000, &diag), ATT_E_CONFIG);
    ck_assert_int_eq(hw_tpm_ak_make(&ak, tpm, 0x01c00002, &diag), ATT_E_CONFIG);
    hwtest_disconnect(tpm);
}
END_TEST

/* The template is ours, but the counters in its quotes would be obfuscated. */
START_TEST(ak_find__refuses_our_template_in_the_owner_hierarchy)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct att_diag diag;
    struct hw_ak ak;

    hw_tpm_close(tpm);
    ck_assert_int_eq(
        swtpm_tool(unit, "tpm2_createprimary -Q -C o -G ecc256:ecdsa-sha256:null -a 'fixedtpm|"
                         "fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign' -c "
                         "o.ctx && tpm2_evictcontrol -Q -C o -c o.ctx 0x81000b02"),
        0);
    tpm = hwtest_connect(unit);
    ck_assert_int_eq(hw_tpm_ak_find(&ak, tpm, 0x81000b02, &diag), ATT_E_CONFLICT);
    ck_assert_ptr_nonnull(strstr(diag.text, "endorsement hierarchy"));
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(quote__verifies_over_the_pcrs_of_the_tpm)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    uint8_t nonce[32] = {7, 7, 7};
    struct att_pcr_selection sel = {
        .count = 2, .sel = {{ATT_HASH_SHA256, 0x24ff, 3}, {ATT_HASH_SHA1, 0x400, 3}}};
    struct att_pcr_values values;
    struct att_clock_info clock;
    struct att_quote quote;
    struct hw_quote q;
    struct hw_ak ak;

    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    MUST(hw_tpm_pcr_read(&values, tpm, &sel, &diag));
    MUST(hw_tpm_quote(&q, tpm, &ak, att_slice_of(nonce, 32), &sel, &diag));
    expect_good_quote(&q, &ak, att_slice_of(nonce, 32), &values);
    MUST(att_quote_parse(&quote, att_slice_of(q.attest, q.attest_len), &diag));
    ck_assert(att_pcr_selection_eq(&quote.selection, &sel));
    MUST(hw_tpm_clock(&clock, tpm, &diag));
    ck_assert_uint_eq(quote.clock.reset_count, clock.reset_count); /* not obfuscated: D2 */
    ck_assert_uint_eq(quote.clock.restart_count, clock.restart_count);
    ck_assert_uint_le(quote.clock.clock_ms, clock.clock_ms);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(quote__refuses_another_key_and_odd_requests)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct att_pcr_selection sel = hwtest_select(ATT_HASH_SHA256, 1);
    struct att_pcr_selection empty = hwtest_select(ATT_HASH_SHA256, 0);
    uint8_t long_nonce[33] = {0};
    struct att_diag diag;
    struct hw_quote q;
    struct hw_ak ak;

    ck_assert_int_eq(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag), ATT_OK);
    ck_assert_int_eq(hw_tpm_quote(&q, tpm, &ak, att_slice_of(long_nonce, 33), &sel, &diag),
                     ATT_E_CONFIG);
    ck_assert_int_eq(hw_tpm_quote(&q, tpm, &ak, att_slice_of(long_nonce, 32), &empty, &diag),
                     ATT_E_CONFIG);
    ak.public_area[ak.public_len - 1] ^= 1; /* the key that was enrolled, and not this one */
    ck_assert_int_eq(hw_tpm_quote(&q, tpm, &ak, att_slice_of(long_nonce, 32), &sel, &diag),
                     ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_TPM_OTHER);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(quote__two_hundred_in_a_row_leak_nothing)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct att_pcr_selection sel = hwtest_select(ATT_HASH_SHA256, 0xffffff);
    struct att_pcr_values values;
    uint8_t nonce[32] = {0};
    struct hw_quote q;
    struct hw_ak ak;
    size_t before = 0;

    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    MUST(hw_tpm_pcr_read(&values, tpm, &sel, &diag));
    for (uint8_t i = 0; i < 200; i++) {
        nonce[0] = i;
        MUST(hw_tpm_quote(&q, tpm, &ak, att_slice_of(nonce, 32), &sel, &diag));
        if (i ==
            10) /* the allocator keeps some of what was freed: a leak would be 200 times that */
            before = mallinfo2().uordblks;
        if (i % 50 == 0)
            expect_good_quote(&q, &ak, att_slice_of(nonce, 32), &values);
        if (i % 20 == 0)
            hwtest_expect_nothing_left(tpm);
    }
    ck_assert_uint_le(mallinfo2().uordblks, before + 32768);
    hwtest_disconnect(tpm);
}
END_TEST

START_TEST(tpm_close__gives_back_all_memory)
{
    size_t before = 0;

    for (int i = 0; i < 20; i++) {
        struct hw_tpm *tpm = hwtest_connect(unit);
        struct hw_tpm_info info;

        MUST(hw_tpm_info(&info, tpm, &diag));
        hw_tpm_close(tpm);
        if (i == 10)
            before = mallinfo2().uordblks;
    }
    ck_assert_uint_le(mallinfo2().uordblks, before + 1024);
}
END_TEST

START_TEST(restart__finds_the_key_again_and_counts)
{
    struct hw_tpm *tpm = hwtest_connect(unit);
    struct att_clock_info first, second, third;
    struct hw_ak before, after;

    MUST(hw_tpm_ak_make(&before, tpm, HW_AK_HANDLE, &diag));
    MUST(hw_tpm_clock(&first, tpm, &diag));
    MUST(hw_tpm_shutdown(tpm, &diag));
    hw_tpm_close(tpm);
    swtpm_stop(unit);
    swtpm_start(unit);
    tpm = hwtest_connect(unit);
    MUST(hw_tpm_ak_find(&after, tpm, HW_AK_HANDLE, &diag));
    ck_assert_mem_eq(&before, &after, sizeof before);
    MUST(hw_tpm_clock(&second, tpm, &diag));
    ck_assert_uint_eq(second.reset_count, first.reset_count + 1);
    ck_assert(second.safe);
    hw_tpm_close(tpm);
    swtpm_power_cut(unit);
    tpm = hwtest_connect(unit);
    MUST(hw_tpm_ak_find(&after, tpm, HW_AK_HANDLE, &diag));
    ck_assert_mem_eq(&before, &after, sizeof before);
    MUST(hw_tpm_clock(&third, tpm, &diag));
    ck_assert_uint_eq(third.reset_count, second.reset_count + 1);
    ck_assert(!third.safe);
    hwtest_disconnect(tpm);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hw_tpm");
    TCase *t = tcase_create("swtpm");

    tcase_set_timeout(t, 120);
    tcase_add_unchecked_fixture(t, start_unit, stop_unit);
    tcase_add_test(t, tpm_open__refuses_other_kinds_of_tcti);
    tcase_add_test(t, tpm_open__says_what_to_do_without_a_tpm);
    tcase_add_test(t, tpm_open__works_over_tcp);
    tcase_add_test(t, tpm_open__flushes_what_a_dead_client_left);
    tcase_add_test(t, tpm_info__is_what_the_simulator_is);
    tcase_add_test(t, tpm_info__tells_a_bank_that_nobody_extends);
    tcase_add_test(t, tpm_info__shows_a_lockout_and_the_quote_still_works);
    tcase_add_test(t, pcr_extend__is_the_hash_chain_and_touches_one_bank);
    tcase_add_test(t, pcr_extend__refuses_what_no_pcr_takes);
    tcase_add_test(t, pcr_read__agrees_with_tpm2_pcrread_in_all_banks);
    tcase_add_test(t, ak_make__is_the_same_key_each_time);
    tcase_add_test(t, ak_make__refuses_a_handle_that_is_taken);
    tcase_add_test(t, ak_find__refuses_our_template_in_the_owner_hierarchy);
    tcase_add_test(t, quote__verifies_over_the_pcrs_of_the_tpm);
    tcase_add_test(t, quote__refuses_another_key_and_odd_requests);
    tcase_add_test(t, quote__two_hundred_in_a_row_leak_nothing);
    tcase_add_test(t, tpm_close__gives_back_all_memory);
    tcase_add_test(t, restart__finds_the_key_again_and_counts);
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
