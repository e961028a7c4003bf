/* The service manager's notification protocol (sd_notify): one datagram, nothing linked. */
#ifndef ATTESTD_COMMON_NOTIFY_H
#define ATTESTD_COMMON_NOTIFY_H

/*
 * notify_send - tell the service manager, such as "READY=1", "STOPPING=1" or "STATUS=...".
 *
 * Does nothing when NOTIFY_SOCKET is not set; failures are nobody's problem.
 */
void notify_send(const char *state);

#endif
