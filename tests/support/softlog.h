/*
 * Measurement logs as firmware, kernel and agent write them, with the extends that belong to them.
 *
 * Each call appends one record and, when tpm is not NULL, extends that TPM as the real writer would. The
 * firmware log and the IMA list are made here with OpenSSL alone; the own log through tcg/ownlog.h.
 */
#ifndef ATT_TEST_SOFTLOG_H
#define ATT_TEST_SOFTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "softtpm.h"
#include "tcg/ownlog.h"

struct softlog {
    uint8_t *p; /* owned */
    size_t len;
    size_t cap;
    uint64_t records;
    bool padded; /* IMA: the kernel is one that extends the SHA-1 padded with zeros */
};

void softlog_free(struct softlog *log);  /* the content; the log is empty after */
void softlog_clear(struct softlog *log); /* a new boot */
struct att_slice softlog_slice(const struct softlog *log);
struct att_slice softlog_from(const struct softlog *log, uint64_t off);

/* Crypto-agile firmware log, banks SHA-1, SHA-256, SHA-384. The first call writes the Spec ID record. */
void softlog_uefi(struct softlog *log, struct softtpm *tpm, uint32_t pcr, uint32_t type,
                  struct att_slice data);
/* The same, with digests of other bytes than the data: firmware images, or a lie. */
void softlog_uefi_as(struct softlog *log, struct softtpm *tpm, uint32_t pcr, uint32_t type,
                     struct att_slice hashed, struct att_slice data);
/* Bytes as they are. */
void softlog_raw(struct softlog *log, struct att_slice bytes);
/* Remove len bytes at off and put others there. */
void softlog_splice(struct softlog *log, size_t off, size_t len, struct att_slice bytes);
/* A whole small boot: version, variables, separators in PCR 0 to 7, a boot application. */
void softlog_uefi_boot(struct softlog *log, struct softtpm *tpm, const char *firmware);

/* Any template in any PCR: the data is what the kernel hashes. template "ima" is not written so. */
void softlog_ima_template(struct softlog *log, struct softtpm *tpm, uint32_t pcr,
                          const char *template_name, struct att_slice data);
/* ima-ng entries in PCR 10; the file's SHA-256 is that of content. */
void softlog_ima(struct softlog *log, struct softtpm *tpm, const char *path,
                 struct att_slice content);
void softlog_ima_violation(struct softlog *log, struct softtpm *tpm, const char *path);
/* An entry of this path whose digest is given: 32 bytes. */
void softlog_ima_digest(struct softlog *log, struct softtpm *tpm, const char *path,
                        const uint8_t *digest);
/* The first entry: boot_aggregate over PCR 0 to 9 of the SHA-256 bank, as kernels since 5.8. */
void softlog_ima_boot_aggregate(struct softlog *log, struct softtpm *tpm);

/* The own log: a boot record for this TPM's counters, then items. Banks SHA-1 and up as the TPM has. */
void softlog_own_boot(struct softlog *log, struct softtpm *tpm, uint32_t pcr);
void softlog_own_items(struct softlog *log, struct softtpm *tpm, uint32_t pcr,
                       const struct att_own_item *items, size_t count);
/* One regular file with this content. */
void softlog_own_file(struct softlog *log, struct softtpm *tpm, uint32_t pcr, const char *path,
                      struct att_slice content);

#endif
