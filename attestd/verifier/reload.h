/* A new policy or other reference values while the service runs: the supervisor's part (process.h tells the order). */
#ifndef ATTESTD_VERIFIER_RELOAD_H
#define ATTESTD_VERIFIER_RELOAD_H

#include <stddef.h>
#include <sys/types.h>

/*
 * reload_rules - ask keeper and appraisers, in this order, and log what became of it. Takes up to 30 s
 * when none of them answers in time; whatever fails on the way leaves the present rules in force.
 * reply_fd  the read end of the pipe that they answer on
 */
void reload_rules(int reply_fd, pid_t keeper, const pid_t *appraiser, size_t count);

#endif
