/* Replaying whole logs from files. */
#include "replay.h"

#include <string.h>

#include "artefacts.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"
#include "tcg/ownlog.h"

static const enum att_hash IMA_BANKS[] = {ATT_HASH_SHA1, ATT_HASH_SHA256, ATT_HASH_SHA384};

void replay_clear(struct replayed *r)
{
    att_buf_freep(&r->uefi_bytes);
    att_buf_freep(&r->ima_bytes);
    att_buf_freep(&r->own_bytes);
    att_buf_freep(&r->cel_bytes);
    json_decref(r->events);
    r->events = NULL;
}

void replay_merge(struct att_pcr_values *to, const struct att_pcr_values *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct att_pcr_bank *b = &from->bank[i];
        struct att_pcr_bank *into = att_pcr_bank_add(to, b->bank);

        for (uint32_t pcr = 0; into != NULL && pcr < ATT_PCR_COUNT; pcr++) {
            if ((b->has >> pcr & 1) != 0) {
                memcpy(into->value[pcr], b->value[pcr], ATT_HASH_MAX);
                into->has |= 1U << pcr;
            }
        }
    }
}

static void count(struct replayed *r, const char *log, size_t events)
{
    (void)json_object_set_new(r->events, log, json_integer((json_int_t)events));
}

static enum att_err load_uefi(struct replayed *r, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = NULL;
    enum att_err err = artefact_log(&r->uefi_bytes, path, ATT_EVLOG_MAX, diag);

    if (err == ATT_OK) {
        err = att_evlog_parse(&log, att_buf_slice(r->uefi_bytes), diag);
    }
    if (err == ATT_OK) {
        err = att_evlog_replay(&r->uefi, log, diag);
    }
    if (err == ATT_OK) {
        count(r, "uefi", att_evlog_count(log));
    }
    return err;
}

/* The kernel writes boot_aggregate before anybody can read: an empty list is what a failed copy leaves. */
static enum att_err load_ima(struct replayed *r, const struct replay_files *files,
                             struct att_diag *diag)
{
    uint32_t entries = 0;
    enum att_err err = files->ima != NULL
                           ? artefact_log(&r->ima_bytes, files->ima, ATT_IMA_MAX, diag)
                           : artefact_ima_ascii(&r->ima_bytes, files->ima_ascii, diag);

    if (err == ATT_OK) {
        err = att_ima_replay(&r->ima, att_buf_slice(r->ima_bytes), IMA_BANKS, ATT_COUNT(IMA_BANKS),
                             false, &entries, diag);
    }
    if (err == ATT_OK && entries == 0) {
        err =
            att_fail_at(diag, ATT_E_TRUNCATED, ATT_R_FMT_IMA, "list", 0,
                        "expected the kernel's first entry (boot_aggregate), found an empty list");
    }
    if (err == ATT_OK) {
        count(r, "ima", entries);
    }
    return err;
}

static enum att_err load_own(struct replayed *r, const char *path, struct att_diag *diag)
{
    uint32_t records = 0;
    enum att_err err = artefact_log(&r->own_bytes, path, ATT_OWN_LOG_MAX, diag);

    if (err == ATT_OK) {
        err = att_own_replay(&r->own, att_buf_slice(r->own_bytes), &records, diag);
    }
    if (err == ATT_OK) {
        count(r, "own", records);
    }
    return err;
}

static enum att_err load_cel(struct replayed *r, const char *path, struct att_diag *diag)
{
    enum att_err err = artefact_log(&r->cel_bytes, path, ATT_CEL_MAX, diag);

    if (err == ATT_OK) {
        err = att_cel_replay(&r->cel, att_buf_slice(r->cel_bytes), diag);
    }
    if (err == ATT_OK) {
        count(r, "cel", r->cel.records);
    }
    return err;
}

enum att_err replay_load(struct replayed *out, const struct replay_files *files,
                         struct att_diag *diag)
{
    struct replayed r = {.events = json_object()};
    enum att_err err = ATT_OK;

    if (files->uefi != NULL) {
        err = load_uefi(&r, files->uefi, diag);
    }
    if (err == ATT_OK && (files->ima != NULL || files->ima_ascii != NULL)) {
        err = load_ima(&r, files, diag);
    }
    if (err == ATT_OK && files->own != NULL) {
        err = load_own(&r, files->own, diag);
    }
    if (err == ATT_OK && files->cel != NULL) {
        err = load_cel(&r, files->cel, diag);
    }
    if (err != ATT_OK) {
        replay_clear(&r);
        return err;
    }
    *out = r;
    return ATT_OK;
}
