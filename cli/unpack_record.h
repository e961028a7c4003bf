/* Records of attest-unpack (unpack/record.h) as attestctl takes them. */
#ifndef CLI_UNPACK_RECORD_H_
#define CLI_UNPACK_RECORD_H_

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "unpack/record.h"

struct unpack_record {
    struct unpack_head head;
    char text[UNPACK_NAME_ROOM];
    uint8_t digest[32];
};

/* The next record; only its lengths are believed, and bounded. False: cut short, too long, or a name with a zero in it. */
bool unpack_receive(struct unpack_record *out, FILE *from);

#endif
