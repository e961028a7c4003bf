/* Cutting at lengths that others wrote. */
#include "agent/measurer/certs.h"

#include "base/rd.h"

#define DER_SEQUENCE 0x30
#define TWO_BYTES    0x82 /* a length of two bytes follows */

void agent_certs_add(const struct agent_certs *to, struct att_slice cert)
{
    if (*to->count < to->max && cert.len > 0 && cert.len <= to->cert_max) {
        to->cert[(*to->count)++] = cert;
    }
}

/* Bytes of the certificate that begins here, by its own word; 0: none does. */
static size_t length_at(struct att_rd look)
{
    uint8_t tag = att_rd_u8(&look);
    uint8_t form = att_rd_u8(&look);
    uint16_t len = att_rd_u16be(&look);

    return att_rd_ok(&look) && tag == DER_SEQUENCE && form == TWO_BYTES ? (size_t)len + 4 : 0;
}

/* Another one follows behind len bytes. */
static bool another_behind(struct att_rd after, size_t len)
{
    att_rd_skip(&after, len);
    return att_rd_ok(&after) && length_at(after) > 0;
}

void agent_certs_cut(const struct agent_certs *to, struct att_slice bytes, bool padded)
{
    struct att_rd r = att_rd_slice(bytes);
    size_t len = length_at(r);

    while (len > 0 && (!padded || another_behind(r, len))) {
        agent_certs_add(to, att_rd_bytes(&r, len));
        len = length_at(r);
    }
    if (padded) {
        agent_certs_add(to, att_rd_rest(&r));
    }
}
