/* What the files of the status list share. */
#ifndef ATT_APPRAISE_STATUS_INTERNAL_H
#define ATT_APPRAISE_STATUS_INTERNAL_H

#include "appraise/status_list.h"

struct att_status_list {
    unsigned int bits; /* 1, 2, 4 or 8 */
    size_t len;        /* bytes */
    uint8_t bytes[];
};

/* Members of the StatusList map (section 4.3 of the draft). */
#define STATUS_KEY_BITS "bits"
#define STATUS_KEY_LST  "lst"

bool status_bits_ok(uint64_t bits);
/* A list of len zero bytes; len is at most ATT_STATUS_BYTES_MAX. NULL: no memory. */
struct att_status_list *status_list_room(unsigned int bits, size_t len);

#endif
