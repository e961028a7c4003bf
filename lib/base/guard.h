/*
 * Named guards: the checks that keep a lie from passing.
 *
 * ATT_GUARD(NAME, refuse) is the condition alone in every build that is installed. In the knock-out
 * build (make knockout) the environment variable ATT_KNOCKOUT can name one guard, which then never
 * refuses; at least one test of the attack matrix must turn red. The switch does not exist in any
 * other build.
 */
#ifndef ATT_BASE_GUARD_H
#define ATT_BASE_GUARD_H

#include <stdbool.h>

/* The environment for a program that is to have none: empty, but for the switch of the knock-out build. */
char *const *att_guard_environment(void);

#ifdef ATT_KNOCKOUT_BUILD
bool att_guard_stands(const char *name);
#define ATT_GUARD(name, refuse) (att_guard_stands(#name) && (refuse))
#else
#define ATT_GUARD(name, refuse) (refuse)
#endif

#endif
