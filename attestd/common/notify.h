/* The service manager's notification protocol (sd_notify): one datagram, nothing linked. */
#ifndef ATTESTD_COMMON_NOTIFY_H
#define ATTESTD_COMMON_NOTIFY_H

#include <stdint.h>

/*
 * notify_send - tell the service manager, such as "READY=1", "STOPPING=1" or "STATUS=...".
 *
 * Does nothing when NOTIFY_SOCKET is not set; failures are nobody's problem.
 */
void notify_send(const char *state);

/*
 * notify_watchdog_ms - how often the service manager wants to hear "WATCHDOG=1" at the latest; 0: it does not watch.
 *
 * A third of WATCHDOG_USEC, when WATCHDOG_PID is this process or is not set.
 */
int64_t notify_watchdog_ms(void);

/* notify_alive - "WATCHDOG=1", when a quarter of that time has gone since the last one. From any thread, as often as one likes. */
void notify_alive(void);

#endif
