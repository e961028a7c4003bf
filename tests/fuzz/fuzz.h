/* What a fuzz target is made of. A target checks a property: surviving is not enough. */
#ifndef ATT_TEST_FUZZ_H
#define ATT_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer calls it for each input; tests/support/replay.c does so in ordinary builds. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Say which property does not hold, and stop: the input is a finding. */
#define HOLDS(property)                                                                            \
    do {                                                                                           \
        if (!(property)) {                                                                         \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #property);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
