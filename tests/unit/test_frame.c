/* The frames between processes. */
#include <check.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/frame.h"
#include "suite.h"

#define BIG 131072

static uint8_t big[BIG]; /* zeros */

static void pair(int fd[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
}

START_TEST(frame_receive__gives_back_what_was_sent)
{
    static const size_t len[] = {0, 1, 70000, 131072};
    int fd[2];

    pair(fd);
    for (size_t i = 0; i < ATT_COUNT(len); i++) {
        struct att_buf *b = NULL;
        pid_t child = fork();

        if (child == 0) {
            _exit(frame_send(fd[0], att_slice_of(big, len[i])) == ATT_OK ? 0 : 1);
        }
        ck_assert_int_eq(frame_receive(&b, fd[1], FRAME_MAX), ATT_OK);
        ck_assert(att_slice_eq(att_buf_slice(b), att_slice_of(big, len[i])));
        att_buf_free(b);
    }
    close(fd[0]);
    close(fd[1]);
}
END_TEST

START_TEST(frame_receive__tells_the_end_from_a_torn_frame)
{
    struct att_buf *b = NULL;
    int fd[2];

    pair(fd);
    close(fd[0]);
    ck_assert_int_eq(frame_receive(&b, fd[1], 100), ATT_E_NOT_FOUND);
    close(fd[1]);
    pair(fd);
    ck_assert_int_eq(write(fd[0], "\0\0", 2), 2);
    close(fd[0]);
    ck_assert_int_eq(frame_receive(&b, fd[1], 100), ATT_E_TRUNCATED);
    close(fd[1]);
    pair(fd);
    ck_assert_int_eq(write(fd[0], "\0\0\0\5abc", 7), 7);
    close(fd[0]);
    ck_assert_int_eq(frame_receive(&b, fd[1], 100), ATT_E_TRUNCATED);
    close(fd[1]);
    ck_assert_ptr_null(b);
}
END_TEST

START_TEST(frame_receive__refuses_a_length_above_the_readers_bound)
{
    struct att_buf *b = NULL;
    int fd[2];

    pair(fd);
    ck_assert_int_eq(write(fd[0], "\0\0\0\145", 4), 4);
    ck_assert_int_eq(frame_receive(&b, fd[1], 100), ATT_E_LIMIT);
    ck_assert_int_eq(write(fd[0], "\377\377\377\377", 4), 4);
    ck_assert_int_eq(frame_receive(&b, fd[1], SIZE_MAX), ATT_E_LIMIT);
    ck_assert_int_eq(frame_send(fd[0], att_slice_of(big, FRAME_MAX + 1)), ATT_E_LIMIT);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("frame");

    tcase_add_test(tc, frame_receive__gives_back_what_was_sent);
    tcase_add_test(tc, frame_receive__tells_the_end_from_a_torn_frame);
    tcase_add_test(tc, frame_receive__refuses_a_length_above_the_readers_bound);
    return suite_run_case("frame", tc);
}
