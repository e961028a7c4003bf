/* Reading one record. */
#include "unpack_record.h"

#include <string.h>

#include "base/rd.h"

bool unpack_receive(struct unpack_record *r, FILE *from)
{
    uint8_t raw[UNPACK_HEAD_LEN] = {0};
    struct att_rd rd = att_rd_from(raw, sizeof(raw));
    bool digest = false;

    if (fread(raw, 1, sizeof(raw), from) != sizeof(raw)) {
        return false;
    }
    r->head.kind = att_rd_u8(&rd);
    r->head.err = att_rd_u8(&rd);
    r->head.len = att_rd_u16le(&rd);
    r->head.reason = att_rd_u16le(&rd);
    digest = r->head.kind == UNPACK_FILE || r->head.kind == UNPACK_LINK;
    if (r->head.len >= sizeof(r->text) || fread(r->text, 1, r->head.len, from) != r->head.len ||
        (digest && fread(r->digest, 1, 32, from) != 32)) {
        return false;
    }
    r->text[r->head.len] = '\0';
    return strlen(r->text) == r->head.len;
}
