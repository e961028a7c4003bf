/* Which transcription specification an agent works by, and what its own log says of it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/measurer/measure.h"
#include "agent/measurer/specification.h"
#include "base/file.h"
#include "crypto/key.h"
#include "need.h"
#include "spectest.h"
#include "suite.h"

#define NOW  "version: 7\ntitle"
#define NEXT "version: 8\ntitle"

static char dir[64];
static char file[96], signers[96], state[96];
static struct att_signer *listed, *other;
static struct agent_conf conf;

static void list(const struct att_signer *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/plant.pem", signers);
    NEED(att_pubkey_spki(&spki, s->public_key) == ATT_OK);
    NEED(att_file_write(path, att_buf_slice(spki), 0600, NULL) == ATT_OK);
}

static struct att_signer *new_signer(void)
{
    struct att_privkey *key = NULL;
    struct att_signer *s = NULL;

    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_signer_software(&s, key) == ATT_OK);
    return s;
}

static void setup(void)
{
    strcpy(dir, "/tmp/test-specification-XXXXXX");
    NEED(mkdtemp(dir) != NULL);
    (void)snprintf(file, sizeof(file), "%s/plant.spec", dir);
    (void)snprintf(signers, sizeof(signers), "%s/signers", dir);
    (void)snprintf(state, sizeof(state), "%s/state", dir);
    NEED(mkdir(signers, 0700) == 0 && mkdir(state, 0700) == 0);
    listed = new_signer();
    other = new_signer();
    list(listed);
    conf = (struct agent_conf){.state_dir = state,
                               .specification = file,
                               .specification_signers = signers,
                               .hash_threads = 1};
}

static void teardown(void)
{
    char command[96];

    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
    att_signer_free(listed);
    att_signer_free(other);
}

/* spec_text with one change, as the configured file. */
static void put(const char *from, const char *to, const struct att_signer *signer)
{
    ATT_CLEANUP(att_spec_freep) struct att_spec *s = spec_with(from, to);
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;

    NEED(att_spec_sign(&message, s, signer) == ATT_OK);
    NEED(att_file_write(file, att_buf_slice(message), 0644, NULL) == ATT_OK);
}

/* The version in force; 0: none. reason: why the file did not take effect, or why there is none. */
static uint64_t in_force(enum att_reason *reason)
{
    ATT_CLEANUP(att_spec_freep) struct att_spec *s = NULL;
    struct att_diag refused = {0};
    struct att_diag diag = {0};
    enum att_err err = specification_in_force(&s, &refused, &conf, &diag);

    *reason = err != ATT_OK ? diag.reason : refused.reason;
    ck_assert_int_eq(err == ATT_OK, s != NULL);
    return s == NULL ? 0 : s->version;
}

static void expect(uint64_t version, enum att_reason reason)
{
    enum att_reason found = ATT_R_NONE;

    ck_assert_uint_eq(in_force(&found), version);
    ck_assert_str_eq(att_reason_code(found), att_reason_code(reason));
}

START_TEST(specification__signed_by_who_is_listed_takes_effect)
{
    put(NULL, NULL, listed);
    expect(7, ATT_R_NONE);
    expect(7, ATT_R_NONE);
    put(NOW, NEXT, listed);
    expect(8, ATT_R_NONE);
}
END_TEST

START_TEST(specification__of_nobody_or_a_stranger_takes_no_effect)
{
    put(NULL, NULL, other);
    expect(0, ATT_R_CFG_SPECSIG);
    NEED(att_file_write(file, att_slice_str(spec_text), 0644, NULL) == ATT_OK);
    expect(0, ATT_R_CFG_SPECSIG);
    NEED(unlink(file) == 0);
    expect(0, ATT_R_FILE);
}
END_TEST

/* What was in force stays, across restarts: it is kept as it was signed. */
START_TEST(specification__that_is_refused_leaves_the_one_in_force)
{
    put(NOW, NEXT, listed);
    expect(8, ATT_R_NONE);
    put(NULL, NULL, listed);
    expect(8, ATT_R_CFG_SPECOLD);
    put("high: 4.8", "high: 4.9", listed);
    expect(8, ATT_R_CFG_SPECOLD);
    put(NOW, "version: 9\ntitle", other);
    expect(8, ATT_R_CFG_SPECSIG);
    NEED(unlink(file) == 0);
    expect(8, ATT_R_FILE);
    put(NOW, "version: 9\ntitle", listed);
    expect(9, ATT_R_NONE);
}
END_TEST

/* Of a signer who is listed no more neither the file nor what is kept counts; its counters still do. */
START_TEST(specification__of_a_signer_who_was_taken_off_is_in_force_no_more)
{
    put(NOW, NEXT, listed);
    expect(8, ATT_R_NONE);
    list(other);
    expect(0, ATT_R_CFG_SPECSIG);
    put(NULL, NULL, other);
    expect(0, ATT_R_CFG_SPECOLD);
    put(NOW, "version: 9\ntitle", other);
    expect(9, ATT_R_NONE);
}
END_TEST

START_TEST(specification__without_a_configuration_there_is_none)
{
    struct att_spec *s = NULL;
    struct att_diag refused = {0};

    conf.specification = NULL;
    ck_assert_int_eq(specification_in_force(&s, &refused, &conf, NULL), ATT_OK);
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(measure_run__has_the_digest_of_the_specification_and_of_each_channel)
{
    ATT_CLEANUP(att_spec_freep) struct att_spec *s = spec_of(spec_text);
    ATT_CLEANUP(table_freep) struct table *t = NULL;
    struct measure_stats stats;
    const struct table_row *row = NULL;
    struct att_diag diag = {0};

    put(NULL, NULL, listed);
    ck_assert_msg(measure_run(&t, &stats, &conf, NULL, &diag) == ATT_OK, "%s", diag.text);
    ck_assert_uint_eq(stats.items, s->channel_count + 1);
    row = table_find(t, att_slice_str("spec:plant"));
    ck_assert_ptr_nonnull(row);
    ck_assert_int_eq(row->type, ATT_OWN_CONFIG);
    ck_assert_mem_eq(row->digest, s->digest, 32);
    for (size_t i = 0; i < s->channel_count; i++) {
        char name[96];

        (void)snprintf(name, sizeof(name), "spec:plant/%s", s->channel[i].id);
        row = table_find(t, att_slice_str(name));
        ck_assert_ptr_nonnull(row);
        ck_assert_mem_eq(row->digest, s->channel[i].digest, 32);
    }
}
END_TEST

START_TEST(measure_run__measures_nothing_by_a_specification_that_nobody_signed)
{
    struct table *t = NULL;
    struct measure_stats stats;
    struct att_diag diag = {0};

    put(NULL, NULL, other);
    ck_assert_int_eq(measure_run(&t, &stats, &conf, NULL, &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_SPECSIG);
    ck_assert_ptr_null(t);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {specification__signed_by_who_is_listed_takes_effect, 0},
        {specification__of_nobody_or_a_stranger_takes_no_effect, 0},
        {specification__that_is_refused_leaves_the_one_in_force, 0},
        {specification__of_a_signer_who_was_taken_off_is_in_force_no_more, 0},
        {specification__without_a_configuration_there_is_none, 0},
        {measure_run__has_the_digest_of_the_specification_and_of_each_channel, 0},
        {measure_run__measures_nothing_by_a_specification_that_nobody_signed, 0},
    };
    const struct suite_fixture fixture = {setup, teardown};

    return SUITE_RUN_ROWS("specification", rows, &fixture);
}
