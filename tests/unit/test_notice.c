/* The change notice as a format: its page, its limits, whose signature counts, and the folder of them. */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "need.h"
#include "policy/notice.h"

static uint8_t example[1024];
static size_t example_len;

/* The hex of the page's example. */
static void read_example(void)
{
    FILE *f = fopen("docs/formats/notice.md", "r");
    char line[512], hex[2 * sizeof(example)];
    size_t digits = 0;
    bool inside = false;

    ck_assert_msg(f != NULL, "run from the top of the tree");
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "```", 3) == 0) {
            inside = strcmp(line + 3, "hex\n") == 0;
            continue;
        }
        for (size_t i = 0; inside && line[i] != '\0' && line[i] != '#'; i++) {
            if (!isspace((unsigned char)line[i])) {
                hex[digits++] = line[i];
            }
        }
    }
    fclose(f);
    NEED(att_hex_decode(example, sizeof(example), &example_len, hex, digits) == ATT_OK);
}

static struct att_notice *decode_example(void)
{
    struct att_notice *n = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(att_notice_decode(&n, att_slice_of(example, example_len), &diag) == ATT_OK, "%s",
                  diag.text);
    return n;
}

START_TEST(notice__is_as_its_page_says)
{
    struct att_notice *n = decode_example();
    struct att_buf *again = NULL;
    size_t count = 0;
    const struct att_change_ref *ref = NULL;

    ck_assert_str_eq(n->id, "cal-2");
    ck_assert_str_eq(n->role, "maintenance");
    ck_assert_int_eq(n->until_s - n->from_s, 3600);
    ck_assert_uint_eq(n->change_count, 2);
    ck_assert_ptr_null(n->change[1].after);
    ck_assert(att_notice_concerns(n, "gateway-1"));
    ck_assert(!att_notice_concerns(n, "gateway-2"));
    ck_assert(!att_notice_is_open(n, n->from_s - 1) && att_notice_is_open(n, n->from_s));
    ck_assert(att_notice_is_open(n, n->until_s - 1) && !att_notice_is_open(n, n->until_s));
    ck_assert_ptr_eq(att_notice_named(n, att_slice_str("/etc/cal.conf"), &count), &n->change[0]);
    ck_assert_uint_eq(count, 1);
    ck_assert_ptr_eq(att_notice_named(n, att_slice_str("/etc/old.conf"), &count), &n->change[1]);
    ck_assert_ptr_null(att_notice_named(n, att_slice_str("/etc/cal.con"), &count));
    ck_assert_ptr_null(att_notice_named(n, att_slice_str("/etc/z"), &count));
    ref = att_notice_find(n, n->change[0].after, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert(ref->after && ref->change == 0);
    ref = att_notice_find(n, n->change[1].before[0], &count);
    ck_assert(count == 1 && !ref->after && ref->change == 1);
    ck_assert_ptr_null(att_notice_find(n, n->digest, &count));
    ck_assert_int_eq(att_notice_encode(&again, n, NULL), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(again), att_slice_of(example, example_len)));
    att_buf_free(again);
    att_notice_free(n);
}
END_TEST

/* Whatever bit changes, it is another notice or none. */
START_TEST(notice__a_changed_bit_is_another_notice_or_none)
{
    struct att_notice *n = decode_example();

    for (size_t bit = 0; bit < 8 * example_len; bit++) {
        struct att_notice *other = NULL;
        struct att_diag diag = {0};

        example[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (att_notice_decode(&other, att_slice_of(example, example_len), &diag) == ATT_OK) {
            ck_assert_mem_ne(other->digest, n->digest, 32);
        } else {
            ck_assert_int_eq(diag.reason, ATT_R_CFG_NOTICE);
        }
        att_notice_free(other);
        example[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < example_len; len++) {
        struct att_notice *other = NULL;

        ck_assert_int_ne(att_notice_decode(&other, att_slice_of(example, len), NULL), ATT_OK);
    }
    att_notice_free(n);
}
END_TEST

static void empty_id(struct att_notice *n)
{
    n->id[0] = '\0';
}
static void dotted_id(struct att_notice *n)
{
    n->id[0] = '.';
}
static void spaced_role(struct att_notice *n)
{
    n->role[3] = ' ';
}
static void slashed_role(struct att_notice *n)
{
    n->role[3] = '/';
}
static void no_title(struct att_notice *n)
{
    n->title_en[0] = '\0';
}
static void two_lines(struct att_notice *n)
{
    n->title_en[3] = '\n';
}
static void backwards(struct att_notice *n)
{
    n->until_s = n->from_s;
}
static void eight_days(struct att_notice *n)
{
    n->until_s = n->from_s + ATT_NOTICE_SECONDS_MAX + 1;
}
static void device_twice(struct att_notice *n)
{
    n->device_count = 2;
    memcpy(n->device[1], n->device[0], sizeof(n->device[0]));
}
static void no_change(struct att_notice *n)
{
    n->change_count = 0;
}
static void change_twice(struct att_notice *n)
{
    n->change[1] = n->change[0];
}
static void out_of_order(struct att_notice *n)
{
    struct att_change first = n->change[0];

    n->change[0] = n->change[1];
    n->change[1] = first;
}
static void no_name(struct att_notice *n)
{
    n->change[0].name.len = 0;
}
static void zero_in_name(struct att_notice *n)
{
    n->change[0].name = att_slice_of("/a\0b", 4);
}
static void stays_as_it_is(struct att_notice *n)
{
    n->change[0].before[0] = n->change[0].after;
}
static void gone_from_nothing(struct att_notice *n)
{
    n->change[1].before_count = 0;
}

static const struct {
    void (*spoil)(struct att_notice *n);
    const char *field;
} WRONG[] = {
    {empty_id, "id and role"},      {dotted_id, "id and role"}, {spaced_role, "id and role"},
    {slashed_role, "id and role"},  {no_title, "title"},        {two_lines, "title"},
    {backwards, "window"},          {eight_days, "window"},     {device_twice, "devices"},
    {no_change, "changes"},         {change_twice, "changes"},  {out_of_order, "changes"},
    {no_name, "changes"},           {zero_in_name, "changes"},  {stays_as_it_is, "changes"},
    {gone_from_nothing, "changes"},
};

START_TEST(notice__is_refused_with_the_field_that_is_wrong)
{
    struct att_notice *n = decode_example();
    struct att_buf *out = NULL;
    struct att_diag diag = {0};

    WRONG[_i].spoil(n);
    ck_assert_int_ne(att_notice_encode(&out, n, &diag), ATT_OK);
    ck_assert_ptr_null(out);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_NOTICE);
    ck_assert_str_eq(diag.field, WRONG[_i].field);
    att_notice_free(n);
}
END_TEST

START_TEST(notice__of_seven_days_is_taken_and_not_a_second_more)
{
    struct att_notice *n = decode_example();
    struct att_buf *out = NULL;

    n->until_s = n->from_s + ATT_NOTICE_SECONDS_MAX;
    ck_assert_int_eq(att_notice_encode(&out, n, NULL), ATT_OK);
    att_buf_free(out);
    att_notice_free(n);
}
END_TEST

/* A folder of keys and one of notices, as an operator keeps them. */
static char folder[64];

static void make_folder(void)
{
    read_example();
    (void)snprintf(folder, sizeof(folder), "/tmp/attest-notice-XXXXXX");
    NEED(mkdtemp(folder) != NULL);
}

static void remove_folder(void)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    NEED(system(command) == 0);
}

static struct att_signer *new_signer(struct att_signers *listed, const char *name)
{
    struct att_privkey *key = NULL;
    struct att_signer *signer = NULL;
    struct att_buf *spki = NULL;

    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_signer_software(&signer, key) == ATT_OK);
    NEED(att_pubkey_spki(&spki, signer->public_key) == ATT_OK);
    NEED(att_signers_add(listed, name, att_buf_slice(spki), NULL) == ATT_OK);
    att_buf_free(spki);
    return signer;
}

START_TEST(notice__counts_when_the_role_that_it_claims_signed_it)
{
    struct att_signers *listed = NULL, *others = NULL;
    struct att_signer *role = NULL, *other = NULL, *stranger = NULL;
    const struct att_slice encoded = att_slice_of(example, example_len);
    struct att_buf *message = NULL;
    struct att_notice *n = NULL;
    struct att_diag diag = {0};
    uint8_t kid[32];

    NEED(att_signers_new(&listed) == ATT_OK && att_signers_new(&others) == ATT_OK);
    role = new_signer(listed, "maintenance");
    other = new_signer(listed, "operations");
    stranger = new_signer(others, "maintenance");
    ck_assert_int_eq(att_notice_sign(&message, encoded, role), ATT_OK);
    ck_assert_int_eq(att_notice_open(&n, att_buf_slice(message), listed, &diag), ATT_OK);
    att_notice_freep(&n);
    ck_assert_int_eq(att_notice_open(&n, att_buf_slice(message), NULL, &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(att_notice_peek(&n, kid, att_buf_slice(message), &diag), ATT_OK);
    att_notice_freep(&n);
    att_buf_freep(&message);
    ck_assert_int_eq(att_notice_sign(&message, encoded, other), ATT_OK);
    ck_assert_int_eq(att_notice_open(&n, att_buf_slice(message), listed, &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_NOTICESIG);
    ck_assert_str_eq(diag.text, "it claims the role maintenance, and operations signed it");
    att_buf_freep(&message);
    ck_assert_int_eq(att_notice_sign(&message, encoded, stranger), ATT_OK);
    ck_assert_int_eq(att_notice_open(&n, att_buf_slice(message), listed, &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_NOTICESIG);
    ck_assert_int_eq(att_notice_open(&n, encoded, listed, &diag), ATT_E_FORMAT);
    att_buf_free(message);
    att_signer_free(role);
    att_signer_free(other);
    att_signer_free(stranger);
    att_signers_free(listed);
    att_signers_free(others);
}
END_TEST

/* Another id, and a start so many seconds later. */
static void put(struct att_signer *signer, const char *file, const char *id, int64_t later)
{
    struct att_notice *n = decode_example();
    struct att_buf *encoded = NULL, *message = NULL;
    char path[160];

    (void)snprintf(n->id, sizeof(n->id), "%s", id);
    n->from_s += later;
    n->until_s += later;
    NEED(att_notice_encode(&encoded, n, NULL) == ATT_OK);
    NEED(att_notice_sign(&message, att_buf_slice(encoded), signer) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/%s", folder, file);
    NEED(att_file_write(path, att_buf_slice(message), 0600, NULL) == ATT_OK);
    att_buf_free(encoded);
    att_buf_free(message);
    att_notice_free(n);
}

START_TEST(notices__of_a_folder_stand_in_order_of_time)
{
    struct att_signers *listed = NULL;
    struct att_signer *role = NULL;
    struct att_notices all = {0}, other = {0};
    struct att_diag diag = {0};
    char name[32], path[160];

    NEED(att_signers_new(&listed) == ATT_OK);
    role = new_signer(listed, "maintenance");
    ck_assert_int_eq(att_notices_load(&all, NULL, listed, &diag), ATT_OK);
    ck_assert_uint_eq(all.count, 0);
    ck_assert_int_eq(att_notices_load(&all, "/nowhere", listed, &diag), ATT_E_NOT_FOUND);
    put(role, "a.notice", "late", 60);
    put(role, "b.notice", "b", 0);
    put(role, "c.notice", "a", 0);
    put(role, "README", "other", 0);
    ck_assert_int_eq(att_notices_load(&all, folder, listed, &diag), ATT_OK);
    ck_assert_uint_eq(all.count, 3);
    ck_assert_str_eq(all.notice[0]->id, "a");
    ck_assert_str_eq(all.notice[1]->id, "b");
    ck_assert_str_eq(all.notice[2]->id, "late");
    ck_assert(att_notices_equal(&all, &all) && !att_notices_equal(&all, &other));
    ck_assert_ptr_eq(att_notices_find((const struct att_notice *const *)all.notice, all.count,
                                      all.notice[1]->digest),
                     all.notice[1]);
    att_notices_clear(&all);
    put(role, "d.notice", "late", 0);
    ck_assert_int_eq(att_notices_load(&all, folder, listed, &diag), ATT_E_CONFLICT);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_NOTICE);
    for (int i = 0; i < ATT_NOTICES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "d%d.notice", i);
        put(role, i == 0 ? "d.notice" : name, name, i);
    }
    ck_assert_int_eq(att_notices_load(&all, folder, listed, &diag), ATT_E_LIMIT);
    (void)snprintf(path, sizeof(path), "%s/z.notice", folder);
    NEED(att_file_write(path, att_slice_str("none"), 0600, NULL) == ATT_OK);
    ck_assert_int_ne(att_notices_load(&all, folder, listed, &diag), ATT_OK);
    ck_assert_uint_eq(all.count, 0);
    att_signer_free(role);
    att_signers_free(listed);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("change notices");
    TCase *t = tcase_create("notice");
    SRunner *r = srunner_create(s);
    int failed = 0;

    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, notice__is_as_its_page_says);
    tcase_add_test(t, notice__a_changed_bit_is_another_notice_or_none);
    tcase_add_loop_test(t, notice__is_refused_with_the_field_that_is_wrong, 0,
                        (int)ATT_COUNT(WRONG));
    tcase_add_test(t, notice__of_seven_days_is_taken_and_not_a_second_more);
    tcase_add_test(t, notice__counts_when_the_role_that_it_claims_signed_it);
    tcase_add_test(t, notices__of_a_folder_stand_in_order_of_time);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
