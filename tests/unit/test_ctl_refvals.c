/* attestctl refvals make: what becomes a reference value, and what is said of the rest. */
#include <check.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "need.h"
#include "ownlogtest.h"
#include "policy/refval.h"
#include "service.h"
#include "suite.h"

static char dir[32];
static char said[8192];

static void set_up(void)
{
    ownlogtest_fixture.set_up();
    (void)snprintf(dir, sizeof(dir), "/tmp/attest-ref-XXXXXX");
    NEED(mkdtemp(dir) != NULL);
    NEED(chdir(dir) == 0); /* names of the tests are relative to it */
}

static void tear_down(void)
{
    char command[64];

    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    NEED(chdir("/") == 0 && system(command) == 0);
    ownlogtest_fixture.tear_down();
}

/* An item of its own digest: 32 times a byte; zero: there is none. */
struct entry {
    enum att_own_type type;
    const char *name;
    uint8_t digest;
};

static void add_items(uint64_t recnum, const struct entry *entry, size_t count)
{
    struct att_own_item items[8];
    uint8_t digest[8][32];
    uint8_t content[2048];
    struct att_wr c = att_wr_into(content, sizeof(content));

    for (size_t i = 0; i < count; i++) {
        memset(digest[i], entry[i].digest, 32);
        items[i] = ownlogtest_item(entry[i].type, entry[i].name);
        items[i].digest = entry[i].digest != 0 ? digest[i] : NULL;
    }
    NEED(att_own_items_content(&c, items, count) == ATT_OK);
    ownlogtest_add(recnum, OWNLOGTEST_PCR, att_slice_of(content, c.len));
}

/* Values of the log so far; gives the report, which is the caller's. */
static json_t *make(int code)
{
    const char *args[] = {"--json",  "refvals",  "make",        "--own",
                          "own.log", "--output", "out.refvals", NULL};

    NEED(att_file_write("own.log", ownlogtest_log(), 0600, NULL) == ATT_OK);
    ck_assert_msg(service_program(said, sizeof(said), "attestctl", args) == code, "%s", said);
    return json_loads(said, 0, NULL);
}

/* Is 32 times this byte expected under a name? Zero: is anything? */
static bool expects(const char *name, uint8_t byte)
{
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *refs = NULL;
    struct att_refvals_found found = {0};
    uint8_t digest[32];

    memset(digest, byte, 32);
    NEED(att_refvals_map(&refs, "out.refvals", NULL) == ATT_OK);
    NEED(att_refvals_look(&found, refs, att_slice_str(name), digest) == ATT_OK);
    return byte == 0 ? found.count > 0 : found.same;
}

static const char *why_of(const json_t *report, const char *name)
{
    size_t i = 0;
    const json_t *one = NULL;

    json_array_foreach(json_object_get(report, "skipped_names"), i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0) {
            return json_string_value(json_object_get(one, "why"));
        }
    }
    return "";
}

/* Tampered with, then repaired: only the state at the end is approved. */
START_TEST(refvals_make_own__approves_the_last_state_alone)
{
    static const struct entry FIRST[] = {{ATT_OWN_FILE, "/etc/a", 1}, {ATT_OWN_FILE, "/etc/b", 2}};
    static const struct entry THEN[] = {{ATT_OWN_FILE, "/etc/a", 9},
                                        {ATT_OWN_CONFIG, "/etc/a#k", 8}};
    static const struct entry LAST[] = {
        {ATT_OWN_FILE, "/etc/a", 3}, {ATT_OWN_CONFIG, "/etc/a#k", 4}, {ATT_OWN_LINK, "/etc/b", 5}};
    json_t *report = NULL;

    ownlogtest_add_first();
    add_items(1, FIRST, 2);
    add_items(2, THEN, 2);
    add_items(3, LAST, 3);
    report = make(0);
    ck_assert(expects("/etc/a", 3));
    ck_assert(!expects("/etc/a", 1));
    ck_assert(!expects("/etc/a", 9));
    ck_assert(expects("/etc/a#k", 4));
    ck_assert(!expects("/etc/a#k", 8));
    ck_assert(expects("link:/etc/b", 5));
    ck_assert(!expects("/etc/b", 0)); /* it became a link */
    ck_assert_int_eq(json_integer_value(json_object_get(report, "earlier_states")), 4);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "files")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "links")), 1);
    json_decref(report);
}
END_TEST

START_TEST(refvals_make_own__does_not_ask_for_what_has_gone)
{
    static const struct entry FIRST[] = {{ATT_OWN_FILE, "/etc/a", 1},
                                         {ATT_OWN_FILE, "/etc/gone", 2},
                                         {ATT_OWN_UNREADABLE, "/etc/closed", 0},
                                         {ATT_OWN_UNSUPPORTED, "/etc/fifo", 0},
                                         {ATT_OWN_ABSENT, "/etc/back", 0}};
    static const struct entry THEN[] = {{ATT_OWN_ABSENT, "/etc/gone", 0},
                                        {ATT_OWN_FILE, "/etc/back", 3}};
    json_t *report = NULL;

    ownlogtest_add_first();
    add_items(1, FIRST, 5);
    add_items(2, THEN, 2);
    report = make(0);
    ck_assert(!expects("/etc/gone", 0));
    ck_assert(expects("/etc/back", 3));
    ck_assert_int_eq(json_integer_value(json_object_get(report, "skipped")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "earlier_states")), 1);
    ck_assert_str_eq(why_of(report, "/etc/gone"), "gone");
    ck_assert_str_eq(why_of(report, "/etc/closed"), "unreadable");
    ck_assert_str_eq(why_of(report, "/etc/fifo"), "unsupported");
    json_decref(report);
}
END_TEST

/* In words: a few names and how many more; all of them with --verbose. */
START_TEST(refvals_make_own__names_what_it_leaves_out)
{
    static const struct entry ITEMS[] = {{ATT_OWN_FILE, "/a", 1},   {ATT_OWN_ABSENT, "/1", 0},
                                         {ATT_OWN_ABSENT, "/2", 0}, {ATT_OWN_ABSENT, "/3", 0},
                                         {ATT_OWN_ABSENT, "/4", 0}, {ATT_OWN_ABSENT, "/5", 0},
                                         {ATT_OWN_ABSENT, "/6", 0}, {ATT_OWN_ABSENT, "/7", 0}};
    const char *args[] = {"refvals",  "make",        "--own", "own.log",
                          "--output", "out.refvals", NULL,    NULL};

    ownlogtest_add_first();
    add_items(1, ITEMS, 8);
    NEED(att_file_write("own.log", ownlogtest_log(), 0600, NULL) == ATT_OK);
    ck_assert_int_eq(service_program(said, sizeof(said), "attestctl", args), 0);
    ck_assert_msg(strstr(said, "skipped: /1 (not there") != NULL, "%s", said);
    ck_assert_msg(strstr(said, "/6") == NULL, "%s", said);
    ck_assert_msg(strstr(said, "and 2 more; --verbose") != NULL, "%s", said);
    ck_assert_msg(strstr(said, "known-good boot") != NULL, "%s", said);
    args[6] = "--verbose";
    ck_assert_int_eq(service_program(said, sizeof(said), "attestctl", args), 0);
    ck_assert_msg(strstr(said, "skipped: /7 (not there") != NULL, "%s", said);
    ck_assert_msg(strstr(said, "more; --verbose") == NULL, "%s", said);
}
END_TEST

/* What cannot become a value says so, and no file is written. */
static const struct useless {
    const char *option, *path; /* option NULL: a tree */
    int code;
    const char *says;
} USELESS[] = {
    {"--root", "archive.tar", 2, "--image"},
    {NULL, "tree", 2, "--root"},
    {NULL, "./tree", 2, "--root"},
    {NULL, "/tmp/../tmp", 2, "from / on"},
    {NULL, "//tmp", 2, "from / on"},
    {NULL, "known.refvals", 2, "refvals merge"},
    {"--root", "known.refvals", 2, "refvals merge"},
    {"--list", "known.refvals", 2, "refvals merge"},
    {"--own", "known.refvals", 2, "refvals merge"},
    {"--root", "empty", 4, "found none"},
    {"--root", "folders", 4, "found none"},
};

START_TEST(refvals_make__refuses_what_would_be_of_no_use)
{
    const struct useless *u = &USELESS[_i];
    const char *args[] = {"--json",  "refvals", "make", "--output", "x.refvals",
                          u->option, u->path,   NULL,   NULL};

    if (u->option == NULL) {
        args[5] = u->path;
        args[6] = NULL;
    }
    NEED(mkdir("tree", 0700) == 0 && mkdir("empty", 0700) == 0 && mkdir("folders", 0700) == 0);
    NEED(mkdir("folders/in", 0700) == 0);
    NEED(att_file_write("tree/a", att_slice_str("a"), 0600, NULL) == ATT_OK);
    NEED(att_file_write("archive.tar", att_slice_str("any"), 0600, NULL) == ATT_OK);
    NEED(att_file_write("known.refvals", att_slice_str("ATTREFV2 and so on"), 0600, NULL) ==
         ATT_OK);
    ck_assert_msg(service_program(said, sizeof(said), "attestctl", args) == u->code, "%s", said);
    ck_assert_msg(strstr(said, "E_REF_SOURCE") != NULL, "%s", said);
    ck_assert_msg(strstr(said, u->says) != NULL, "%s", said);
    ck_assert_int_ne(access("x.refvals", F_OK), 0);
    args[2] = "export"; /* the same sources, refused alike */
    args[7] = "--form=allowlist";
    ck_assert_msg(service_program(said, sizeof(said), "attestctl", args) == u->code, "%s", said);
}
END_TEST

/* Where the machine has another file system below a folder: it is left out by name, or taken when asked for. */
START_TEST(refvals_make__stays_on_one_file_system)
{
    const char *args[] = {"--json",   "refvals",   "make", "--root", "root",
                          "--output", "x.refvals", NULL,   NULL};
    json_t *report = NULL;

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        fprintf(stderr, "skipped: mounting is not allowed here\n");
        return;
    }
    NEED(mkdir("root", 0700) == 0 && mkdir("root/etc", 0700) == 0 && mkdir("root/mnt", 0700) == 0);
    NEED(att_file_write("root/etc/a", att_slice_str("a"), 0600, NULL) == ATT_OK);
    NEED(mount("tmpfs", "root/mnt", "tmpfs", 0, NULL) == 0);
    NEED(att_file_write("root/mnt/b", att_slice_str("b"), 0600, NULL) == ATT_OK);
    ck_assert_msg(service_program(said, sizeof(said), "attestctl", args) == 0, "%s", said);
    report = json_loads(said, 0, NULL);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "files")), 1);
    ck_assert_str_eq(why_of(report, "root/mnt"), "other-file-system");
    json_decref(report);
    args[7] = "--cross-mounts";
    ck_assert_msg(service_program(said, sizeof(said), "attestctl", args) == 0, "%s", said);
    report = json_loads(said, 0, NULL);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "files")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "skipped")), 0);
    json_decref(report);
    NEED(umount("root/mnt") == 0);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {refvals_make_own__approves_the_last_state_alone, 0},
        {refvals_make_own__does_not_ask_for_what_has_gone, 0},
        {refvals_make_own__names_what_it_leaves_out, 0},
        {refvals_make__refuses_what_would_be_of_no_use, (int)ATT_COUNT(USELESS)},
        {refvals_make__stays_on_one_file_system, 0},
    };
    const struct suite_fixture fixture = {set_up, tear_down};

    return SUITE_RUN_ROWS("ctl_refvals", rows, &fixture);
}
