/* A gateway whose IMA list is longer than one message: the installed programs and a real software TPM. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agentscene.h"
#include "need.h"
#include "suite.h"

#define ANSWERS       "\nattestd_front_answers_2xx "
#define LONG_COUNT    65000 /* entries: more than 8 MiB */
#define SHORT_COUNT   2500
#define SMALL_MESSAGE 262144
#define LIMIT         1048576
#define IN_A_NAME     (101 + 100 * 143 + 86) /* where the name of the entry 101 starts */

static struct agentscene scene;

static void set_up_whole(void)
{
    agentscene_open(&scene, NULL, NULL);
}

/* The smallest message that an agent may be told to send, and a verifier that takes a short list. */
static void set_up_small(void)
{
    agentscene_open(&scene, "{log_bytes: 1048576}", "evidence_max: 262144\n");
}

/* Many small parts of a long list: time enough for something to happen on the way. */
static void set_up_slow(void)
{
    agentscene_open(&scene, NULL, "evidence_max: 262144\n");
}

static void tear_down(void)
{
    agentscene_close(&scene);
}

static uint64_t fill(uint32_t first, uint32_t count, const uint8_t *digest)
{
    struct longlist *l =
        first == 0 ? longlist_new(scene.ima, scene.tpm) : longlist_again(scene.ima, scene.tpm);

    longlist_fill(l, first, count, digest);
    return longlist_close(l);
}

static void affirmed(void)
{
    int code = agentscene_once(&scene);

    ck_assert_msg(code == 0, "%d: %s", code, scene.out);
    ck_assert(agentscene_said(&scene, "\"status\":\"affirming\""));
}

START_TEST(long_list__earns_a_label_and_then_sends_what_is_new)
{
    ck_assert_uint_gt(fill(0, LONG_COUNT, scene.known), 8U << 20);
    affirmed();
    fill(LONG_COUNT, 10, scene.known);
    affirmed();
}
END_TEST

/* The list is on its way: so many answers were given to others than us. */
static void wait_for_answers(unsigned long count)
{
    static char text[65536];
    unsigned long seen = 0;

    for (unsigned long ours = 0; seen < ours + count; ours++) {
        const char *at = NULL;

        ck_assert_int_eq(service_operator(scene.service, "/metrics", text, sizeof(text)), 200);
        at = strstr(text, ANSWERS);
        ck_assert_ptr_nonnull(at);
        seen = strtoul(at + strlen(ANSWERS), NULL, 10);
    }
}

/* The verifier dies while the list is on its way, and comes back with nothing of it. */
START_TEST(long_list__is_sent_again_after_the_connection_was_lost)
{
    char log[128];
    int status = 0;
    pid_t pid = 0;

    ck_assert_uint_gt(fill(0, LONG_COUNT, scene.known), 8U << 20);
    pid = agentscene_start(&scene);
    wait_for_answers(30);
    service_kill(scene.service);
    service_start(scene.service);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    (void)snprintf(log, sizeof(log), "grep -q 'attest.part.again code=E_NET' %s/once.log",
                   scene.dir);
    ck_assert_int_eq(system(log), 0);
}
END_TEST

/* What an early part hides is found, named and stays found. */
START_TEST(long_list__deviation_in_the_first_part_refuses_the_whole)
{
    struct longlist *l = longlist_new(scene.ima, scene.tpm);

    longlist_add(l, "boot_aggregate", scene.known);
    longlist_add(l, "/usr/bin/strange", scene.unknown);
    longlist_fill(l, 2, SHORT_COUNT, scene.known);
    ck_assert_uint_gt(longlist_close(l), SMALL_MESSAGE);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(agentscene_once(&scene), 1);
        ck_assert_msg(agentscene_said(&scene, "E_REF_UNLISTED"), "%s", scene.out);
        ck_assert_msg(agentscene_said(&scene, "/usr/bin/strange"), "%s", scene.out);
    }
}
END_TEST

/* An old kernel: the agent finds that out by itself, and what is new later goes on by the same rule. */
START_TEST(long_list__of_a_kernel_that_pads_sha1_earns_a_label)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct longlist *l =
            i == 0 ? longlist_new(scene.ima, scene.tpm) : longlist_again(scene.ima, scene.tpm);

        longlist_padded(l);
        longlist_fill(l, i * SHORT_COUNT, SHORT_COUNT, scene.known);
        ck_assert_uint_gt(longlist_close(l), SMALL_MESSAGE);
        affirmed();
        ck_assert_msg(agentscene_said(&scene, "attest.parts.rule bank=sha256 rule=padded-sha1"),
                      "%s", scene.out);
    }
}
END_TEST

/* One byte of an early entry: no end of the list leads to what the TPM signed. */
START_TEST(long_list__edited_part_does_not_lead_to_the_quote)
{
    FILE *f = NULL;
    int at = 0;

    ck_assert_uint_gt(fill(0, SHORT_COUNT, scene.known), SMALL_MESSAGE);
    f = fopen(scene.ima, "r+b");
    NEED(f != NULL && fseek(f, IN_A_NAME, SEEK_SET) == 0);
    at = fgetc(f);
    NEED(at == '/' && fseek(f, IN_A_NAME, SEEK_SET) == 0 && fputc(at ^ 1, f) != EOF);
    NEED(fclose(f) == 0);
    ck_assert_int_eq(agentscene_once(&scene), 1);
    ck_assert_msg(agentscene_said(&scene, "E_LOG_PCR"), "%s", scene.out);
}
END_TEST

/* The tool in the service's folder: its exit code; what it printed is in scene.out. */
static int ctl(const char *words)
{
    char command[1024], log[128];
    FILE *f = NULL;
    size_t len = 0;
    int code = 0;

    (void)snprintf(log, sizeof(log), "%s/ctl.log", scene.dir);
    (void)snprintf(command, sizeof(command), "cd %s && %s/attestctl %s >%s 2>&1", scene.dir,
                   getenv("BUILD"), words, log);
    code = system(command);
    f = fopen(log, "r");
    NEED(f != NULL && WIFEXITED(code));
    len = fread(scene.out, 1, sizeof(scene.out) - 1, f);
    (void)fclose(f);
    scene.out[len] = '\0';
    return WEXITSTATUS(code);
}

static void expect_ctl(int code, const char *words, const char *says)
{
    int found = ctl(words);

    ck_assert_msg(found == code, "%s: %d: %s", words, found, scene.out);
    ck_assert_msg(agentscene_said(&scene, says), "%s: %s", words, scene.out);
}

/* What other rules make of a list that came in parts: nothing without the list, and the right thing with it. */
START_TEST(long_list__is_asked_what_if_with_the_list_from_the_gateway)
{
    char get[256], again[256], what_if[512], with[768];
    int n = 0;

    ck_assert_uint_gt(fill(0, SHORT_COUNT, scene.known), SMALL_MESSAGE);
    affirmed();
    do {
        NEED(n < 16);
        (void)snprintf(get, sizeof(get), "evidence get %d --socket %s -o record", n++,
                       scene.service->admin_path);
    } while (ctl(get) != 0);
    (void)snprintf(again, sizeof(again), "evidence reappraise record --refvals %s/refvals.bin",
                   scene.service->dir);
    expect_ctl(0, again, "byte for byte");
    (void)snprintf(what_if, sizeof(what_if),
                   "sed 's/^version: .*/version: 9/' %s/policy.yaml >%s/next.yaml",
                   scene.service->dir, scene.dir);
    NEED(system(what_if) == 0);
    (void)snprintf(what_if, sizeof(what_if), "%s --policy next.yaml", again);
    expect_ctl(3, what_if, "E_LOG_COVERAGE");
    ck_assert_msg(agentscene_said(&scene, "--ima FILE"), "%s", scene.out);
    (void)snprintf(
        with, sizeof(with),
        "policy diff %s/policy.yaml next.yaml --evidence record --refvals %s/refvals.bin",
        scene.service->dir, scene.service->dir);
    expect_ctl(3, with, "E_LOG_COVERAGE"); /* and no gateway changes because of that */
    ck_assert_msg(agentscene_said(&scene, "0 / 0 verdicts change"), "%s", scene.out);
    (void)snprintf(with, sizeof(with), "%s --ima %s", what_if, scene.ima);
    expect_ctl(0, with, "affirming -> affirming");
    (void)snprintf(with, sizeof(with), "%s --what-if --ima %s", what_if, scene.conf);
    expect_ctl(3, with, "E_LOG_PCR");
}
END_TEST

START_TEST(long_list__begins_anew_with_the_next_boot)
{
    ck_assert_uint_gt(fill(0, SHORT_COUNT, scene.known), SMALL_MESSAGE);
    affirmed();
    swtpm_power_cut(scene.tpm);
    NEED(swtpm_tool(scene.tpm, "tpm2_startup -c") == 0);
    ck_assert_uint_gt(fill(0, 2 * SHORT_COUNT, scene.known), SMALL_MESSAGE);
    affirmed();
    fill(2 * SHORT_COUNT, SHORT_COUNT,
         scene.known); /* a step that is too long for one message again */
    affirmed();
}
END_TEST

START_TEST(long_list__beyond_the_verifiers_limit_is_refused_with_its_reason)
{
    ck_assert_uint_gt(fill(0, 4 * SHORT_COUNT, scene.known), LIMIT);
    ck_assert_int_ne(agentscene_once(&scene), 0);
    ck_assert_msg(agentscene_said(&scene, "E_PART_LIMIT"), "%s", scene.out);
}
END_TEST

int main(void)
{
    static const struct suite_fixture whole = {set_up_whole, tear_down};
    static const struct suite_fixture slow = {set_up_slow, tear_down};
    static const struct suite_fixture small = {set_up_small, tear_down};
    const struct suite_row long_ones[] = {
        {long_list__earns_a_label_and_then_sends_what_is_new, 0},
    };
    const struct suite_row short_ones[] = {
        {long_list__deviation_in_the_first_part_refuses_the_whole, 0},
        {long_list__of_a_kernel_that_pads_sha1_earns_a_label, 0},
        {long_list__edited_part_does_not_lead_to_the_quote, 0},
        {long_list__begins_anew_with_the_next_boot, 0},
        {long_list__is_asked_what_if_with_the_list_from_the_gateway, 0},
        {long_list__beyond_the_verifiers_limit_is_refused_with_its_reason, 0},
    };
    const struct suite_row interrupted[] = {
        {long_list__is_sent_again_after_the_connection_was_lost, 0},
    };
    int status = 0;

    if (!swtpm_available()) {
        return 77;
    }
    status = SUITE_RUN_ROWS("long list", long_ones, &whole);
    status += SUITE_RUN_ROWS("long list, interrupted", interrupted, &slow);
    status += SUITE_RUN_ROWS("long list, small messages", short_ones, &small);
    return status == 0 ? 0 : 1;
}
