/* How far a long command is, on standard error: only on a terminal, and after its first second. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"

struct progress {
    bool on, shown;
    int64_t started_ms, told_ms;
    uint64_t first; /* where it began; UINT64_MAX until it is told once */
};

struct progress progress_start(const struct cli *cli);
/* done of all entries. */
void progress_tell(struct progress *p, uint64_t done, uint64_t all);
/* The line is cleared. */
void progress_end(struct progress *p);

#endif
