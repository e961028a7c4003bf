/* attestctl on evidence as an agent sends it: shown, written as files, and those files judged again. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "need.h"
#include "scene.h"
#include "service.h"

#define PATH_ROOM 128

struct folder {
    char dir[32];
    char evidence[PATH_ROOM], out[PATH_ROOM], ak[PATH_ROOM];
    char said[32768];
};

static void folder_open(struct folder *f)
{
    strcpy(f->dir, "/tmp/attest-ctl-XXXXXX");
    NEED(mkdtemp(f->dir) != NULL);
    snprintf(f->evidence, PATH_ROOM, "%s/evidence", f->dir);
    snprintf(f->out, PATH_ROOM, "%s/out", f->dir);
    snprintf(f->ak, PATH_ROOM, "%s/ak", f->dir);
}

static void folder_close(struct folder *f)
{
    char command[PATH_ROOM];

    snprintf(command, sizeof(command), "rm -r %s", f->dir);
    NEED(system(command) == 0);
}

static void put(const char *path, struct att_slice bytes)
{
    NEED(att_file_write(path, bytes, 0600, NULL) == ATT_OK);
}

static void holds(const struct folder *f, const char *name, struct att_slice want)
{
    struct att_buf *got = NULL;
    char path[2 * PATH_ROOM];
    struct stat st;

    snprintf(path, sizeof(path), "%s/%s", f->out, name);
    ck_assert_int_eq(att_file_read(&got, path, ATT_EVIDENCE_MAX, NULL), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(got), want));
    NEED(stat(path, &st) == 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600); /* what a gateway runs is not for everybody */
    att_buf_free(got);
}

START_TEST(evidence_show__says_that_it_is_not_verified)
{
    struct scene *s = scene_new(NULL, NULL);
    struct folder f;
    const char *for_scripts[] = {"--json", "evidence", "show", f.evidence, NULL};
    const char *for_people[] = {"evidence", "show", f.evidence, NULL};
    struct att_slice bytes;

    folder_open(&f);
    scene_measure(s, NULL);
    bytes = att_buf_slice(s->evidence);
    put(f.evidence, bytes);
    ck_assert_int_eq(service_program(f.said, sizeof(f.said), "attestctl", for_scripts), 0);
    ck_assert_ptr_nonnull(strstr(f.said, "\"verified\":false"));
    ck_assert_ptr_nonnull(strstr(f.said, "\"own\":{\"bytes\":"));
    ck_assert_ptr_nonnull(strstr(f.said, "\"banks\":[{\"alg\":\"sha256\",\"extended\":true},"
                                         "{\"alg\":\"sha1\",\"extended\":false}]"));
    ck_assert_int_eq(service_program(f.said, sizeof(f.said), "attestctl", for_people), 0);
    ck_assert_int_eq(strncmp(f.said, "NOT VERIFIED", 12), 0);
    put(f.evidence, att_slice_of(bytes.p, bytes.len - 1));
    ck_assert_int_eq(service_program(f.said, sizeof(f.said), "attestctl", for_scripts), 4);
    folder_close(&f);
    scene_free(s);
}
END_TEST

/* What the service judged is judged the same way from its files. */
START_TEST(evidence_export__writes_what_appraise_reads)
{
    struct scene *s = scene_new(NULL, NULL);
    struct folder f;
    char part[3][2 * PATH_ROOM];
    const char *export[] = {"--json", "evidence", "export", f.evidence, "--output", f.out, NULL};
    const char *appraise[] = {"--json", "evidence", "appraise", "--quote", part[0], "--signature",
                              part[1],  "--ak",     f.ak,       "--own",   part[2], NULL};
    struct att_evidence ev;

    folder_open(&f);
    scene_measure(s, NULL);
    put(f.evidence, att_buf_slice(s->evidence));
    put(f.ak, softtpm_public(&s->tpm->ak));
    NEED(att_evidence_parse(&ev, att_buf_slice(s->evidence), NULL) == ATT_OK);
    ck_assert_int_eq(service_program(f.said, sizeof(f.said), "attestctl", export), 0);
    holds(&f, "quote.attest", ev.attest);
    holds(&f, "quote.sig", ev.signature);
    holds(&f, "claims.cbor", ev.claims_encoded);
    holds(&f, "own.log", ev.log[ATT_LOG_OWN]);
    snprintf(part[0], sizeof(part[0]), "%s/quote.attest", f.out);
    snprintf(part[1], sizeof(part[1]), "%s/quote.sig", f.out);
    snprintf(part[2], sizeof(part[2]), "%s/own.log", f.out);
    ck_assert_int_eq(service_program(f.said, sizeof(f.said), "attestctl", appraise), 3);
    ck_assert_ptr_nonnull(strstr(f.said, "{\"id\":\"quote.signature\",\"status\":\"pass\"}"));
    ck_assert_ptr_nonnull(strstr(f.said, "{\"id\":\"log.own\",\"status\":\"pass\"}"));
    ck_assert_ptr_nonnull(strstr(f.said, "E_POL_NONE"));
    folder_close(&f);
    scene_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attestctl on evidence");
    TCase *tc = tcase_create("evidence");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, evidence_show__says_that_it_is_not_verified);
    tcase_add_test(tc, evidence_export__writes_what_appraise_reads);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
