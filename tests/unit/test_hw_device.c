/*
 * The device TCTI, which gateways use. No machine that builds this has a TPM, so a raw terminal stands in
 * for /dev/tpmrm0: a relay behind it hands each command to swtpm and each answer back.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rd.h"
#include "hwtest.h"
#include "tpm/tpm_internal.h"

struct relay {
    struct swtpm *unit;
    int master, tpm;
    char tcti[128];
    pthread_t thread;
    atomic_bool silent; /* commands arrive, answers do not leave */
};

static bool read_exactly(int fd, uint8_t *to, size_t len)
{
    for (size_t got = 0; got < len;) {
        ssize_t n = read(fd, &to[got], len - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

/* One command or answer: the header says how long it is. */
static bool pass_on(int from, int to)
{
    uint8_t bytes[4096];
    struct att_rd r;
    uint32_t size;

    if (!read_exactly(from, bytes, 10))
        return false;
    r = att_rd_from(bytes, 10);
    att_rd_skip(&r, 2);
    size = att_rd_u32be(&r);
    if (size < 10 || size > sizeof bytes || !read_exactly(from, &bytes[10], size - 10))
        return false;
    return to < 0 || att_write_all(to, bytes, size) == ATT_OK;
}

static void *relay_main(void *arg)
{
    struct relay *relay = arg;

    while (pass_on(relay->master, relay->tpm) &&
           pass_on(relay->tpm, relay->silent ? -1 : relay->master))
        continue;
    return NULL;
}

static int connect_unix(const struct swtpm *t)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s/tpm", swtpm_folder(t));
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)(const void *)&a, sizeof a), 0);
    return fd;
}

static void start(struct relay *relay, bool started)
{
    struct hw_tpm *tpm;
    struct termios raw;
    int slave;

    memset(relay, 0, sizeof *relay);
    relay->unit = swtpm_new();
    if (started) {
        tpm = hwtest_connect(relay->unit); /* a firmware sends TPM2_Startup */
        hw_tpm_close(tpm);
    }
    relay->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(relay->master, 0);
    ck_assert_int_eq(grantpt(relay->master), 0);
    ck_assert_int_eq(unlockpt(relay->master), 0);
    (void)snprintf(relay->tcti, sizeof relay->tcti, "device:%s", ptsname(relay->master));
    slave = open(ptsname(relay->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(slave, 0); /* stays open: the terminal keeps its settings */
    ck_assert_int_eq(tcgetattr(slave, &raw), 0);
    cfmakeraw(&raw);
    ck_assert_int_eq(tcsetattr(slave, TCSANOW, &raw), 0);
    relay->tpm = connect_unix(relay->unit);
    ck_assert_int_eq(pthread_create(&relay->thread, NULL, relay_main, relay), 0);
}

static void stop(struct relay *relay)
{
    (void)pthread_cancel(relay->thread);
    (void)pthread_join(relay->thread, NULL);
    (void)close(relay->master);
    (void)close(relay->tpm);
    swtpm_free(relay->unit);
}

START_TEST(device__quotes_and_activates)
{
    struct att_pcr_selection sel = hwtest_select(ATT_HASH_SHA256, 0xffffff);
    ATT_CLEANUP(hw_ek_certs_free) struct hw_ek_certs certs = {.count = 0};
    ATT_CLEANUP(att_buf_freep) struct att_buf *opened = NULL;
    struct hwtest_credential c;
    struct hw_tpm *tpm = NULL;
    struct relay relay;
    struct hw_quote q;
    struct hw_ak ak;
    struct hw_ek ek;

    start(&relay, true);
    MUST(hw_tpm_open(&tpm, relay.tcti, &diag));
    MUST(hw_tpm_ek_certs(&certs, tpm, &diag));
    ck_assert_uint_eq(certs.count, 2);
    MUST(hw_tpm_ek(&ek, tpm, HW_EK_ANY, &certs, &diag));
    MUST(hw_tpm_ak_make(&ak, tpm, HW_AK_HANDLE, &diag));
    for (int i = 0; i < 10; i++)
        MUST(hw_tpm_quote(&q, tpm, &ak, att_slice_str("over a device"), &sel, &diag));
    ck_assert(hwtest_quote_verifies(&q, &ak));
    hwtest_make_credential(&c, relay.unit, &ek, &ak, "device");
    MUST(hw_tpm_activate(&opened, tpm, &ek, &ak, &c.cred, &diag));
    ck_assert(att_slice_eq(att_buf_slice(opened), att_slice_str("device")));
    hwtest_disconnect(tpm);
    stop(&relay);
}
END_TEST

/* A device is started by its firmware: we say so, and do not do it. */
START_TEST(device__that_was_not_started_is_left_so)
{
    struct hw_tpm *tpm = NULL;
    struct relay relay;
    struct att_diag diag;

    start(&relay, false);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(hw_tpm_open(&tpm, relay.tcti, &diag), ATT_E_TPM);
        ck_assert_int_eq(diag.reason, ATT_R_TPM_IO);
        ck_assert_msg(strstr(diag.text, "TPM_RC_INITIALIZE") != NULL, "%s", diag.text);
    }
    stop(&relay);
}
END_TEST

/* Row X-10: no answer ends the connection in bounded time. */
START_TEST(device__that_does_not_answer_is_given_up)
{
    struct att_clock_info clock;
    struct hw_tpm *tpm = NULL;
    struct relay relay;
    struct att_diag diag;
    int64_t start_ms;

    start(&relay, true);
    ck_assert_int_eq(hw_tpm_open(&tpm, relay.tcti, &diag), ATT_OK);
    hw_link_set_times(tpm->link, 300, HW_LINK_PAUSE_MS);
    relay.silent = true;
    start_ms = att_clock_mono_ms();
    ck_assert_int_eq(hw_tpm_clock(&clock, tpm, &diag), ATT_E_TPM);
    ck_assert_int_eq(diag.reason, ATT_R_TPM_IO);
    ck_assert_msg(strstr(diag.text, "no answer in time") != NULL, "%s", diag.text);
    ck_assert_int_lt(att_clock_mono_ms() - start_ms, 5000);
    ck_assert_int_eq(hw_tpm_clock(&clock, tpm, &diag), ATT_E_TPM);
    hw_tpm_close(tpm);
    stop(&relay);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hw_device");
    TCase *t = tcase_create("pty");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, device__quotes_and_activates);
    tcase_add_test(t, device__that_was_not_started_is_left_so);
    tcase_add_test(t, device__that_does_not_answer_is_given_up);
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
