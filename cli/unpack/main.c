/*
 * attest-unpack image|deb|text: standard input is the file, standard output takes records (record.h).
 *
 * Started by `attestctl refvals make`; the one program that links libraries for archives and images.
 */
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unpack/box.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN
#endif
#endif

#define MEMORY_MAX  (UINT64_C(3) << 30)
#define CPU_SECONDS 7200

static void limit(int what, rlim_t value)
{
    struct rlimit r = {value, value};

    (void)setrlimit((__rlimit_resource_t)what, &r);
}

static void confine(void)
{
#ifndef UNDER_ASAN /* its shadow is terabytes of address space */
    limit(RLIMIT_AS, MEMORY_MAX);
#endif
    limit(RLIMIT_CPU, CPU_SECONDS);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int main(int argc, char **argv)
{
    struct box b = {.fd = STDIN_FILENO, .to = stdout};
    struct att_diag diag = {0};
    struct unpack_head h = {.kind = UNPACK_END};
    enum att_err err = ATT_OK;

    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* names in archives may be converted by it */
    confine();
    if (argc != 2) {
        return 2;
    }
    err = unpack(&b, argv[1], &diag);
    if (err != ATT_OK) {
        h = (struct unpack_head){UNPACK_FAIL, (uint8_t)err, (uint16_t)strlen(diag.text),
                                 (uint16_t)diag.reason};
    }
    if (box_record(&b, &h, diag.text, NULL) != ATT_OK || fflush(stdout) != 0) {
        return 1;
    }
    att_hasher_free(b.hasher);
    return 0;
}
