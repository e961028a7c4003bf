/*
 * Noticing change: inotify on the folders of everything that is measured.
 *
 * A hint and no more: what it says starts a pass, what it misses (limits of the kernel, writes through
 * memory maps, block devices) the timers find.
 */
#ifndef ATTESTD_AGENT_WATCH_H
#define ATTESTD_AGENT_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/measurer/table.h"
#include "base/err.h"

struct watch;

ATT_MUST_USE enum att_err watch_new(struct watch **out);
void watch_free(struct watch *w);
void watch_freep(struct watch **w);
int watch_fd(const struct watch *w); /* readable when something changed */

/* Watch the folder of every row. Folders that are watched already cost nothing. False: the kernel's
 * limit is reached, and the timers alone see the rest. */
bool watch_table(struct watch *w, const struct table *t);

/* Read everything that is pending; true when anything was. */
bool watch_drain(struct watch *w);

#endif
