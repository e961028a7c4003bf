/* Attack matrix 4.9: no room. What is refused is not there, what was there stays, and it goes on when there is room. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "attack.h"
#include "need.h"

/* No file of the service may become longer: as with a quota, EFBIG; the kernel says so by SIGXFSZ as well. */
static void limit_files_to(rlim_t bytes)
{
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    const struct dirent *e;
    size_t count = 0;
    DIR *d = opendir("/proc");

    NEED(d != NULL);
    while ((e = readdir(d)) != NULL) {
        pid_t pid = (pid_t)atoi(e->d_name);

        if (pid > 0 && getpgid(pid) == attack_service->pid &&
            prlimit(pid, RLIMIT_FSIZE, &limit, NULL) == 0)
            count++;
    }
    (void)closedir(d);
    NEED(count >= 4); /* supervisor, keeper, appraiser, front */
}

static void refused_by_the_administrators_socket(void)
{
    char body[1024] = "";

    ck_assert_int_eq(
        service_admin(attack_service, "POST", "/allow", "{\"id\":\"gw-none\"}", body, sizeof(body)),
        503);
    ck_assert_msg(strstr(body, "\"E_ST_FULL\"") != NULL, "%s", body);
}

START_TEST(S_08__full_quota_refuses_and_loses_nothing)
{
    struct gateway *g = attack_gateway("gw-full");
    struct gateway_attempt a = {0};
    char *before = attack_records();
    char token[128];

    ck_assert_int_eq(gateway_prepare(g, &a), 201);
    limit_files_to(1);
    for (int i = 0; i < 2; i++) {
        refused_by_the_administrators_socket();
        (void)gateway_send(g, &a);
        attack_refused(&a.answer, 503, "E_ST_FULL");
    }
    attack_same_records(before);
    limit_files_to(RLIM_INFINITY);
    ck_assert_int_eq(gateway_send(g, &a),
                     200); /* the same evidence, and nobody restarted anything */
    service_token(attack_service, "gw-none", token);
    gateway_attempt_clear(&a);
    gateway_free(g);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"S-08-quota", S_08__full_quota_refuses_and_loses_nothing, 0, 60},
    };

    return attack_main("attacks: no room", rows, ATT_COUNT(rows), NULL);
}
