/* Measurement logs for tests: the writers' side of tcg/evlog.h, tcg/ima.h and tcg/ownlog.h. */
#include "softlog.h"

#include <stdio.h>

#include <openssl/sha.h>

#include "base/wr.h"
#include "need.h"

#define EV_NO_ACTION       3U
#define EV_SEPARATOR       4U
#define EV_S_CRTM_VERSION  8U
#define EV_EFI_VARIABLE    0x80000001U
#define EV_EFI_APPLICATION 0x80000003U
#define EV_EFI_ACTION      0x80000007U
#define IMA_PCR            10U
#define RECORD_MAX         65536

void softlog_free(struct softlog *log)
{
    free(log->p);
    memset(log, 0, sizeof(*log));
}

void softlog_clear(struct softlog *log)
{
    log->len = 0;
    log->records = 0;
}

struct att_slice softlog_slice(const struct softlog *log)
{
    return att_slice_of(log->p, log->len);
}

struct att_slice softlog_from(const struct softlog *log, uint64_t off)
{
    NEED(off <= log->len);
    return att_slice_of(log->p == NULL ? NULL : log->p + off, log->len - (size_t)off);
}

static void append(struct softlog *log, const struct att_wr *w)
{
    NEED(att_wr_ok(w));
    if (log->len + w->len > log->cap) {
        log->cap = 2 * (log->len + w->len);
        log->p = realloc(log->p, log->cap);
        NEED(log->p != NULL);
    }
    memcpy(log->p + log->len, w->p, w->len);
    log->len += w->len;
    log->records++;
}

static void spec_id(struct softlog *log)
{
    static const uint8_t zeros[20];
    uint8_t room[128];
    struct att_wr w = att_wr_into(room, sizeof(room));

    att_wr_u32le(&w, 0);
    att_wr_u32le(&w, EV_NO_ACTION);
    att_wr_bytes(&w, zeros, sizeof(zeros));
    att_wr_u32le(&w, 16 + 4 + 4 + 4 + 3 * 4 + 1);
    att_wr_bytes(&w, "Spec ID Event03", 16);
    att_wr_u32le(&w, 0); /* platform class: client */
    att_wr_u8(&w, 0);
    att_wr_u8(&w, 2);
    att_wr_u8(&w, 0);
    att_wr_u8(&w, 2); /* UINTN of 64 bits */
    att_wr_u32le(&w, 3);
    att_wr_u16le(&w, ATT_HASH_SHA1);
    att_wr_u16le(&w, 20);
    att_wr_u16le(&w, ATT_HASH_SHA256);
    att_wr_u16le(&w, 32);
    att_wr_u16le(&w, ATT_HASH_SHA384);
    att_wr_u16le(&w, 48);
    att_wr_u8(&w, 0); /* no vendor info */
    append(log, &w);
}

void softlog_raw(struct softlog *log, struct att_slice bytes)
{
    softlog_splice(log, log->len, 0, bytes);
    log->records++;
}

void softlog_splice(struct softlog *log, size_t off, size_t len, struct att_slice bytes)
{
    size_t whole = log->len - len + bytes.len;
    uint8_t *p = malloc(whole + 1);

    NEED(p != NULL && off + len <= log->len);
    if (off > 0) {
        memcpy(p, log->p, off);
    }
    if (bytes.len > 0) {
        memcpy(p + off, bytes.p, bytes.len);
    }
    if (log->len > off + len) {
        memcpy(p + off + bytes.len, log->p + off + len, log->len - off - len);
    }
    free(log->p);
    log->p = p;
    log->len = whole;
    log->cap = whole;
}

void softlog_uefi(struct softlog *log, struct softtpm *tpm, uint32_t pcr, uint32_t type,
                  struct att_slice data)
{
    softlog_uefi_as(log, tpm, pcr, type, data, data);
}

void softlog_uefi_as(struct softlog *log, struct softtpm *tpm, uint32_t pcr, uint32_t type,
                     struct att_slice hashed, struct att_slice data)
{
    uint8_t room[4096];
    uint8_t digest[48];
    struct att_wr w = att_wr_into(room, sizeof(room));

    if (log->len == 0) {
        spec_id(log);
    }
    att_wr_u32le(&w, pcr);
    att_wr_u32le(&w, type);
    att_wr_u32le(&w, 3);
    att_wr_u16le(&w, ATT_HASH_SHA1);
    att_wr_bytes(&w, SHA1(hashed.p, hashed.len, digest), 20);
    att_wr_u16le(&w, ATT_HASH_SHA256);
    att_wr_bytes(&w, SHA256(hashed.p, hashed.len, digest), 32);
    att_wr_u16le(&w, ATT_HASH_SHA384);
    att_wr_bytes(&w, SHA384(hashed.p, hashed.len, digest), 48);
    att_wr_u32le(&w, (uint32_t)data.len);
    att_wr_slice(&w, data);
    append(log, &w);
    if (tpm != NULL && type != EV_NO_ACTION) {
        softtpm_event(tpm, pcr, hashed);
    }
}

void softlog_uefi_boot(struct softlog *log, struct softtpm *tpm, const char *firmware)
{
    static const uint8_t separator[4];
    /* UEFI_VARIABLE_DATA: GUID of the global variables, "SecureBoot" in UTF-16, one byte 1 */
    static const uint8_t secure_boot[16 + 8 + 8 + 20 + 1] = {
        0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03,
        0x2b, 0x8c, 10,   0,    0,    0,    0,    0,    0,    0,    1,    0,    0,    0,
        0,    0,    0,    0,    'S',  0,    'e',  0,    'c',  0,    'u',  0,    'r',  0,
        'e',  0,    'B',  0,    'o',  0,    'o',  0,    't',  0,    1};
    uint32_t pcr;

    softlog_uefi(log, tpm, 0, EV_S_CRTM_VERSION, att_slice_str(firmware));
    softlog_uefi(log, tpm, 7, EV_EFI_VARIABLE, att_slice_of(secure_boot, sizeof(secure_boot)));
    softlog_uefi(log, tpm, 4, EV_EFI_ACTION,
                 att_slice_str("Calling EFI Application from Boot Option"));
    for (pcr = 0; pcr < 8; pcr++) {
        softlog_uefi(log, tpm, pcr, EV_SEPARATOR, att_slice_of(separator, sizeof(separator)));
    }
    softlog_uefi(log, tpm, 4, EV_EFI_APPLICATION, att_slice_str("image of a boot loader"));
    softlog_uefi(log, tpm, 5, EV_EFI_ACTION, att_slice_str("Exit Boot Services Invocation"));
    softlog_uefi(log, tpm, 5, EV_EFI_ACTION,
                 att_slice_str("Exit Boot Services Returned with Success"));
}

static void ima_record(struct softlog *log, uint32_t pcr, const uint8_t *template_digest,
                       const char *name, struct att_slice data)
{
    uint8_t *room = malloc(data.len + 512);
    struct att_wr w = att_wr_into(room, data.len + 512);

    NEED(room != NULL);
    att_wr_u32le(&w, pcr);
    att_wr_bytes(&w, template_digest, 20);
    att_wr_u32le(&w, (uint32_t)strlen(name));
    att_wr_bytes(&w, name, strlen(name));
    att_wr_u32le(&w, (uint32_t)data.len);
    att_wr_slice(&w, data);
    append(log, &w);
    free(room);
}

/* Kernels before 5.8: every bank gets the SHA-1. */
static void extend_padded(struct softtpm *tpm, uint32_t pcr, const uint8_t digest[20])
{
    uint8_t padded[48] = {0};

    memcpy(padded, digest, 20);
    softtpm_extend(tpm, pcr, ATT_HASH_SHA1, padded);
    softtpm_extend(tpm, pcr, ATT_HASH_SHA256, padded);
    softtpm_extend(tpm, pcr, ATT_HASH_SHA384, padded);
}

void softlog_ima_template(struct softlog *log, struct softtpm *tpm, uint32_t pcr,
                          const char *template_name, struct att_slice data)
{
    uint8_t digest[20];

    ima_record(log, pcr, SHA1(data.p, data.len, digest), template_name, data);
    if (tpm != NULL && log->padded) {
        extend_padded(tpm, pcr, digest);
    } else if (tpm != NULL) {
        softtpm_event(tpm, pcr, data);
    }
}

/* The data of the template ima-ng; room for a path of PATH_MAX and what goes with it. */
static struct att_slice ng_data(uint8_t room[8192], const char *path, const uint8_t *digest)
{
    struct att_wr d = att_wr_into(room, 8192);

    att_wr_u32le(&d, 8 + 32);
    att_wr_bytes(&d, "sha256:", 8);
    att_wr_bytes(&d, digest, 32);
    att_wr_u32le(&d, (uint32_t)strlen(path) + 1);
    att_wr_bytes(&d, path, strlen(path) + 1);
    NEED(att_wr_ok(&d));
    return att_slice_of(room, d.len);
}

void softlog_ima_digest(struct softlog *log, struct softtpm *tpm, const char *path,
                        const uint8_t *digest)
{
    uint8_t room[8192];

    softlog_ima_template(log, tpm, IMA_PCR, "ima-ng", ng_data(room, path, digest));
}

void softlog_ima(struct softlog *log, struct softtpm *tpm, const char *path,
                 struct att_slice content)
{
    uint8_t digest[32];

    SHA256(content.p, content.len, digest);
    softlog_ima_digest(log, tpm, path, digest);
}

void softlog_ima_violation(struct softlog *log, struct softtpm *tpm, const char *path)
{
    static const uint8_t zeros[32];
    uint8_t room[8192];
    uint8_t ones[48];

    ima_record(log, IMA_PCR, zeros, "ima-ng", ng_data(room, path, zeros));
    if (tpm == NULL) {
        return;
    }
    memset(ones, 0xff, sizeof(ones));
    softtpm_extend(tpm, IMA_PCR, ATT_HASH_SHA1, ones);
    softtpm_extend(tpm, IMA_PCR, ATT_HASH_SHA256, ones);
    softtpm_extend(tpm, IMA_PCR, ATT_HASH_SHA384, ones);
}

void softlog_ima_boot_aggregate(struct softlog *log, struct softtpm *tpm)
{
    uint8_t values[10 * 32];
    uint8_t digest[32];
    uint32_t pcr;

    for (pcr = 0; pcr < 10; pcr++) {
        memcpy(values + (size_t)pcr * 32, softtpm_pcr(tpm, ATT_HASH_SHA256, pcr), 32);
    }
    SHA256(values, sizeof(values), digest);
    softlog_ima_digest(log, tpm, "boot_aggregate", digest);
}

static void own_record(struct softlog *log, struct softtpm *tpm, uint32_t pcr,
                       struct att_slice content)
{
    static const enum att_hash banks[] = {ATT_HASH_SHA1, ATT_HASH_SHA256, ATT_HASH_SHA384};
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    uint8_t *room = malloc(RECORD_MAX);
    struct att_wr w = att_wr_into(room, RECORD_MAX);

    NEED(room != NULL && att_hasher_new(&h) == ATT_OK);
    NEED(att_own_record_write(&w, log->records, pcr, banks, ATT_COUNT(banks), content, h) ==
         ATT_OK);
    append(log, &w);
    free(room);
    if (tpm != NULL) {
        softtpm_event(tpm, pcr, content);
    }
}

void softlog_own_boot(struct softlog *log, struct softtpm *tpm, uint32_t pcr)
{
    struct att_own_boot boot = {.reset_count = tpm->clock.reset_count,
                                .restart_count = tpm->clock.restart_count,
                                .boot_id = "7b0a9a52-6e5c-4f3c-9d0c-2f1f3e5d7c11"};
    uint8_t room[1024];
    struct att_wr w = att_wr_into(room, sizeof(room));
    uint32_t i;

    for (i = 0; i < tpm->pcrs.count; i++) {
        struct att_pcr_bank *bank = &boot.start.bank[i];

        bank->bank = tpm->pcrs.bank[i].bank;
        bank->has = 1U << pcr;
        memcpy(bank->value[pcr], tpm->pcrs.bank[i].value[pcr], ATT_HASH_MAX);
        boot.start.count++;
    }
    NEED(att_own_boot_content(&w, &boot) == ATT_OK);
    own_record(log, tpm, pcr, att_slice_of(room, w.len));
}

void softlog_own_items(struct softlog *log, struct softtpm *tpm, uint32_t pcr,
                       const struct att_own_item *items, size_t count)
{
    uint8_t *room = malloc(RECORD_MAX);
    struct att_wr w = att_wr_into(room, RECORD_MAX);

    NEED(room != NULL && att_own_items_content(&w, items, count) == ATT_OK);
    own_record(log, tpm, pcr, att_slice_of(room, w.len));
    free(room);
}

void softlog_own_file(struct softlog *log, struct softtpm *tpm, uint32_t pcr, const char *path,
                      struct att_slice content)
{
    uint8_t digest[32];
    struct att_own_item item = {
        .type = ATT_OWN_FILE, .name = att_slice_str(path), .digest = digest, .detail = content.len};

    SHA256(content.p, content.len, digest);
    softlog_own_items(log, tpm, pcr, &item, 1);
}
