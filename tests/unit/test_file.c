/* Whole files: read under a cap, replaced in one step, and what is no file. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "need.h"

static char folder[] = "/tmp/att-base-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void put_file(const char *name, const char *text, mode_t mode)
{
    ck_assert_int_eq(att_file_write(in_folder(name), att_slice_str(text), mode, NULL), ATT_OK);
}

START_TEST(att_file__what_is_written_is_read_back)
{
    struct att_buf *b = NULL;
    struct stat st;
    uint8_t *big = malloc(200000);

    NEED(big != NULL);
    for (size_t i = 0; i < 200000; i++) {
        big[i] = (uint8_t)(i * 7 + i / 256);
    }
    ck_assert_int_eq(att_file_write(in_folder("f"), att_slice_of(big, 200000), 0600, NULL), ATT_OK);
    ck_assert_int_eq(att_file_read(&b, in_folder("f"), 200000, NULL), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(b), att_slice_of(big, 200000)));
    att_buf_freep(&b);
    ck_assert_int_eq(stat(in_folder("f"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    put_file("f", "shorter", 0640);
    ck_assert_int_eq(att_file_read(&b, in_folder("f"), SIZE_MAX, NULL), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(b), att_slice_str("shorter")));
    att_buf_freep(&b);
    ck_assert_int_eq(stat(in_folder("f"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0640);
    ck_assert_int_eq(att_file_write(in_folder("f"), att_slice_of(NULL, 0), 0600, NULL), ATT_OK);
    ck_assert_int_eq(att_file_read(&b, in_folder("f"), 0, NULL), ATT_OK);
    ck_assert_uint_eq(att_buf_len(b), 0);
    att_buf_free(b);
    free(big);
}
END_TEST

START_TEST(att_file_read__reads_up_to_the_cap_and_refuses_one_byte_more)
{
    struct att_buf *b = NULL;
    struct att_diag diag = {0};

    put_file("seven", "1234567", 0600);
    ck_assert_int_eq(att_file_read(&b, in_folder("seven"), 6, &diag), ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_LIM_SIZE);
    ck_assert_ptr_null(b);
    ck_assert_int_eq(att_file_read(&b, in_folder("seven"), 0, NULL), ATT_E_LIMIT);
    ck_assert_int_eq(att_file_read(&b, in_folder("seven"), 7, NULL), ATT_OK);
    ck_assert_uint_eq(att_buf_len(b), 7);
    att_buf_freep(&b);
    /* endless, and its size says 0 */
    ck_assert_int_eq(att_file_read(&b, "/dev/zero", 100000, NULL), ATT_E_LIMIT);
    ck_assert_int_eq(att_file_read(&b, "/dev/null", 0, NULL), ATT_OK);
    att_buf_free(b);
}
END_TEST

START_TEST(att_file_read__refuses_what_is_no_file)
{
    struct att_buf *b = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_file_read(&b, in_folder("no\x1b"), 9, &diag), ATT_E_NOT_FOUND);
    ck_assert_int_eq(diag.reason, ATT_R_FILE);
    ck_assert_ptr_null(strchr(diag.text, '\x1b'));
    put_file("plain", "x", 0600);
    ck_assert_int_eq(att_file_read(&b, in_folder("plain/under"), 9, NULL), ATT_E_NOT_FOUND);
    ck_assert_int_eq(att_file_read(&b, folder, 9, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(mkfifo(in_folder("fifo"), 0600), 0);
    ck_assert_int_eq(att_file_read(&b, in_folder("fifo"), 9, NULL), ATT_E_FORMAT);
    if (geteuid() != 0) {
        put_file("locked", "x", 0000);
        ck_assert_int_eq(att_file_read(&b, in_folder("locked"), 9, NULL), ATT_E_DENIED);
    }
    ck_assert_ptr_null(b);
}
END_TEST

START_TEST(att_file_read__minus_is_standard_input)
{
    struct att_buf *b = NULL;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(att_write_all(ends[1], "from a pipe", 11), ATT_OK);
    (void)close(ends[1]);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    ck_assert_int_eq(att_file_read(&b, "-", 11, NULL), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(b), att_slice_str("from a pipe")));
    att_buf_free(b);
    (void)close(ends[0]);
}
END_TEST

/* The old file or the new one: a write that fails leaves the old one and no litter. */
START_TEST(att_file_write__replaces_or_leaves_alone)
{
    struct att_buf *b = NULL;
    struct att_diag diag = {0};
    struct stat st;

    put_file("target", "old", 0600);
    ck_assert_int_eq(symlink("target", in_folder("link")), 0);
    put_file("link", "new", 0600); /* replaces the link, never what it points to */
    ck_assert_int_eq(lstat(in_folder("link"), &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    ck_assert_int_eq(att_file_read(&b, in_folder("target"), 9, NULL), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(b), att_slice_str("old")));
    att_buf_freep(&b);
    ck_assert_int_eq(att_file_write(in_folder("none/f"), att_slice_str("x"), 0600, &diag),
                     ATT_E_NOT_FOUND);
    ck_assert_int_eq(diag.reason, ATT_R_FILE);
    ck_assert_int_eq(mkdir(in_folder("sub"), 0700), 0);
    ck_assert_int_eq(mkdir(in_folder("sub/full"), 0700), 0);
    ck_assert_int_eq(att_file_write(in_folder("sub"), att_slice_str("x"), 0600, &diag),
                     ATT_E_CONFIG);
    ck_assert_int_eq(mkfifo(in_folder("fifo"), 0600),
                     0); /* as a device node: root could replace it */
    ck_assert_int_eq(att_file_write(in_folder("fifo"), att_slice_str("x"), 0600, &diag),
                     ATT_E_CONFIG);
    ck_assert_int_eq(lstat(in_folder("fifo"), &st), 0);
    ck_assert(S_ISFIFO(st.st_mode));
    ck_assert_int_eq(lstat(in_folder("sub"), &st), 0);
    ck_assert(S_ISDIR(st.st_mode));
    (void)snprintf(diag.text, sizeof(diag.text), "sub.new-%ld", (long)getpid());
    ck_assert_int_ne(lstat(in_folder(diag.text), &st), 0);
}
END_TEST

START_TEST(att_file_keep_name__needs_the_folder)
{
    struct att_diag diag = {0};

    put_file("kept", "x", 0600);
    ck_assert_int_eq(att_file_keep_name(in_folder("kept"), &diag), ATT_OK);
    ck_assert_int_eq(att_file_keep_name(in_folder("none/kept"), &diag), ATT_E_NOT_FOUND);
    ck_assert_int_eq(diag.reason, ATT_R_FILE);
    ck_assert_int_ne(att_file_keep_name(in_folder("kept/below"), &diag), ATT_OK);
}
END_TEST

START_TEST(att_write_all__says_when_it_could_not)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(att_write_all(fd, "x", 1), ATT_E_IO);
    ck_assert_int_eq(att_write_all(fd, NULL, 0), ATT_OK);
    att_closep(&fd);
    ck_assert_int_eq(fd, -1);
    att_closep(&fd);
    ck_assert_int_eq(att_write_all(-1, "x", 1), ATT_E_IO);
}
END_TEST

START_TEST(att_dir_private__is_ours_alone_or_refused)
{
    struct att_diag diag = {0};
    struct stat st;

    ck_assert_int_eq(att_dir_private(in_folder("mine"), NULL), ATT_OK);
    ck_assert_int_eq(att_dir_private(in_folder("mine"), NULL), ATT_OK);
    ck_assert_int_eq(stat(in_folder("mine"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_int_eq(chmod(in_folder("mine"), 0750), 0);
    ck_assert_int_eq(att_dir_private(in_folder("mine"), &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_PERM);
    ck_assert_ptr_nonnull(strstr(diag.text, "mode 0750"));
    ck_assert_int_eq(chmod(in_folder("mine"), 0700), 0);
    ck_assert_int_eq(symlink("mine", in_folder("alias")), 0);
    ck_assert_int_eq(att_dir_private(in_folder("alias"), &diag), ATT_E_CONFIG);
    put_file("file", "x", 0600);
    ck_assert_int_eq(att_dir_private(in_folder("file"), &diag), ATT_E_CONFIG);
    ck_assert_int_eq(att_dir_private(in_folder("none/deep"), &diag), ATT_E_NOT_FOUND);
}
END_TEST

static void make_folder(void)
{
    (void)strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    NEED(mkdtemp(folder) != NULL);
    (void)umask(022);
}

static void remove_folder(void)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        (void)execl("/bin/rm", "rm", "-rf", "--", folder, (char *)NULL);
        _exit(127);
    }
    NEED(waitpid(pid, &status, 0) == pid && status == 0);
}

static void add_files(Suite *s)
{
    TCase *t = tcase_create("files");

    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, att_file__what_is_written_is_read_back);
    tcase_add_test(t, att_file_read__reads_up_to_the_cap_and_refuses_one_byte_more);
    tcase_add_test(t, att_file_read__refuses_what_is_no_file);
    tcase_add_test(t, att_file_read__minus_is_standard_input);
    tcase_add_test(t, att_file_write__replaces_or_leaves_alone);
    tcase_add_test(t, att_file_keep_name__needs_the_folder);
    tcase_add_test(t, att_write_all__says_when_it_could_not);
    tcase_add_test(t, att_dir_private__is_ours_alone_or_refused);
    suite_add_tcase(s, t);
}

int main(void)
{
    Suite *s = suite_create("file");
    SRunner *r = NULL;
    int failed = 0;

    add_files(s);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
