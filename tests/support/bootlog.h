/*
 * A small firmware event log built by hand, right or wrong, and what the parser says to it.
 *
 * The crypto-agile form has the banks SHA-1 and SHA-256; its Spec ID event is the first 69 bytes. A
 * test spoils bytes where it likes. TCG PC Client Platform Firmware Profile, section 10.
 */
#ifndef ATT_TEST_BOOTLOG_H
#define ATT_TEST_BOOTLOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/wr.h"
#include "tcg/evlog.h"

#define EV_NO_ACTION 3U
#define EV_SEPARATOR 4U
#define EV_ACTION    5U
#define EV_HCRTM     0x80000010U

struct bootlog {
    uint8_t bytes[4096];
    struct att_wr w;
};

void bootlog_begin(struct bootlog *b);
struct att_slice bootlog_slice(const struct bootlog *b); /* borrowed from b */

/* A record of the old form, which alone makes the log one of SHA-1. */
void bootlog_sha1_event(struct bootlog *b, uint32_t pcr, uint32_t type, const void *data,
                        size_t len);
/* The Spec ID event of len bytes of data, up to where the number of banks would follow. */
void bootlog_spec_id_head(struct bootlog *b, uint32_t len);
void bootlog_spec_id(struct bootlog *b);

/* A record with a digest of data for each bank; data_len is what it says of the data's length. */
void bootlog_event_with(struct bootlog *b, uint32_t pcr, uint32_t type, struct att_slice data,
                        uint32_t data_len);
void bootlog_event(struct bootlog *b, uint32_t pcr, uint32_t type, const void *data, size_t len);
void bootlog_separator(struct bootlog *b, uint32_t pcr);

/* The log, which must be accepted; the caller's. */
struct att_evlog *bootlog_parsed(const struct bootlog *b);
/* The log must be refused with this error at this offset, and FMT_UEFI. */
void bootlog_refuse(const struct bootlog *b, enum att_err want, size_t off);
void bootlog_refuse_slice(struct att_slice in, enum att_err want, size_t off);

/* The log extends this PCR alone, to this value in hex. */
void bootlog_expect_pcr(const struct att_evlog *log, enum att_hash bank, uint32_t pcr,
                        const char *want);

/* What bootlog_separator makes of a PCR that was zero. */
#define BOOTLOG_SEPARATOR_SHA256 "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"
#define BOOTLOG_SEPARATOR_SHA1   "b2a83b0ebf2f8374299a5b2bdfc31ea955ad7236"

#endif
