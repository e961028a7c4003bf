/* The agent's own log as the writer makes it, for the tests of the log. */
#include "ownlogtest.h"

#include <check.h>
#include <string.h>

struct ownlogtest ot;
const uint8_t ownlogtest_digest[32] = {1, 2, 3};

void ownlogtest_clear(void)
{
    memset(ot.bytes, 0, sizeof(ot.bytes));
    ot.w = att_wr_into(ot.bytes, sizeof(ot.bytes));
}

static void setup(void)
{
    ownlogtest_clear();
    ck_assert_int_eq(att_hasher_new(&ot.h), ATT_OK);
}

static void teardown(void)
{
    att_hasher_free(ot.h);
}

const struct suite_fixture ownlogtest_fixture = {setup, teardown};

struct att_slice ownlogtest_log(void)
{
    struct att_slice out = {0};

    ck_assert_int_eq(att_wr_done(&ot.w, &out), ATT_OK);
    return out;
}

struct att_own_boot ownlogtest_boot(uint32_t restart_count)
{
    struct att_own_boot boot = {.reset_count = 62, .restart_count = restart_count};

    strcpy(boot.boot_id, OWNLOGTEST_BOOT_ID);
    att_pcr_bank_add(&boot.start, ATT_HASH_SHA256)->has = 1U << OWNLOGTEST_PCR;
    att_pcr_bank_add(&boot.start, ATT_HASH_SHA1)->has = 1U << OWNLOGTEST_PCR;
    return boot;
}

void ownlogtest_add(uint64_t recnum, uint32_t pcr, struct att_slice content)
{
    static const enum att_hash BANKS[] = {ATT_HASH_SHA1, ATT_HASH_SHA256};

    ck_assert_int_eq(att_own_record_write(&ot.w, recnum, pcr, BANKS, 2, content, ot.h), ATT_OK);
}

void ownlogtest_add_boot(uint64_t recnum, const struct att_own_boot *boot)
{
    uint8_t content[512];
    struct att_wr c = att_wr_into(content, sizeof(content));

    ck_assert_int_eq(att_own_boot_content(&c, boot), ATT_OK);
    ownlogtest_add(recnum, OWNLOGTEST_PCR, att_slice_of(content, c.len));
}

void ownlogtest_add_first(void)
{
    struct att_own_boot boot = ownlogtest_boot(0);

    ownlogtest_add_boot(0, &boot);
}

struct att_own_item ownlogtest_item(enum att_own_type type, const char *name)
{
    return (struct att_own_item){.type = type,
                                 .name = att_slice_str(name),
                                 .digest = type <= ATT_OWN_CONFIG ? ownlogtest_digest : NULL,
                                 .detail = 7};
}

void ownlogtest_add_items(uint64_t recnum)
{
    struct att_own_item items[] = {ownlogtest_item(ATT_OWN_FILE, "/etc/a"),
                                   ownlogtest_item(ATT_OWN_ABSENT, "/b")};
    uint8_t content[512];
    struct att_wr c = att_wr_into(content, sizeof(content));

    ck_assert_int_eq(att_own_items_content(&c, items, 2), ATT_OK);
    ownlogtest_add(recnum, OWNLOGTEST_PCR, att_slice_of(content, c.len));
}
