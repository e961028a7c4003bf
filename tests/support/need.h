/* What a test stands on must work: NEED says where it did not and stops the program. */
#ifndef ATT_TEST_NEED_H
#define ATT_TEST_NEED_H

#include <stdio.h>
#include <stdlib.h>

#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: test support failed: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
