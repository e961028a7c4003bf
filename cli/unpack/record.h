/*
 * What attest-unpack tells attestctl over a pipe: one record for each name, and a last one that says how it ended.
 *
 * kind (1), error (1), length of the text and reason (2 each, little endian), the text (a name, or what was wrong), and
 * for a file or link 32 bytes of SHA-256.
 */
#ifndef CLI_UNPACK_RECORD_H
#define CLI_UNPACK_RECORD_H

#include <stdint.h>

#define UNPACK_PROGRAM   "attest-unpack"
#define UNPACK_HEAD_LEN  6
#define UNPACK_NAME_MAX  4096 /* as in an agent's own log */
#define UNPACK_NAME_ROOM (UNPACK_NAME_MAX + 16)

enum unpack_kind {
    UNPACK_FILE = 'F',
    UNPACK_LINK = 'L',
    UNPACK_PACKAGE = 'P', /* what follows is a Debian package's: names of the merged /usr */
    UNPACK_TEXT = 'T',    /* not a name: a part of what a compressed text holds */
    UNPACK_FAIL = 'E',
    UNPACK_END = 'Z'
};

struct unpack_head {
    uint8_t kind, err;
    uint16_t len;
    uint16_t reason; /* enum att_reason: more than a byte can count */
};

#endif
