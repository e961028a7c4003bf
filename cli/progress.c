#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define FIRST_MS 1000
#define EVERY_MS 200

struct progress progress_start(const struct cli *cli)
{
    return (struct progress){.on = !cli->json && !cli->quiet && isatty(STDERR_FILENO) == 1,
                             .started_ms = att_clock_mono_ms(),
                             .first = UINT64_MAX};
}

void progress_tell(struct progress *p, uint64_t done, uint64_t all)
{
    int64_t now = att_clock_mono_ms();

    if (p->first == UINT64_MAX) {
        p->first = done;
    }
    if (!p->on || now - p->started_ms < FIRST_MS || now - p->told_ms < EVERY_MS) {
        return;
    }
    p->told_ms = now;
    p->shown = true;
    (void)fprintf(
        stderr, "\r%llu / %llu (%llu/s)  ", (unsigned long long)done, (unsigned long long)all,
        (unsigned long long)((done - p->first) * 1000 / (uint64_t)(now - p->started_ms + 1)));
    (void)fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->shown) {
        (void)fputs("\r\033[K", stderr);
    }
    p->shown = false;
}
