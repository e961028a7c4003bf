/* Write, sync, extend; and the same order read backwards after a power cut. */
#include "agent/measurer/ownstore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/measurer/ownstore_internal.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/wr.h"
#include "tcg/ownlog.h"

#define CONTENT_MAX (ATT_OWN_RECORD_MAX - 1024) /* leaves room for the record around it */
#define ITEM_EXTRA  64                          /* bytes of an item beside its name, at most */
#define BOOT_ID     "/proc/sys/kernel/random/boot_id"

void own_store_free(struct own_store *s)
{
    if (s == NULL) {
        return;
    }
    att_closep(&s->fd);
    att_hasher_free(s->hasher);
    free(s);
}

void own_store_freep(struct own_store **s)
{
    own_store_free(*s);
    *s = NULL;
}

enum own_found own_store_found(const struct own_store *s)
{
    return s->found;
}

const char *own_store_path(const struct own_store *s)
{
    return s->path;
}

uint64_t own_store_size(const struct own_store *s)
{
    return s->size;
}

void own_store_boot(const struct own_store *s, uint32_t *reset_count, uint32_t *restart_count)
{
    *reset_count = s->clock.reset_count;
    *restart_count = s->clock.restart_count;
}

static void name_log(struct own_store *s, uint32_t restart_count)
{
    (void)snprintf(s->path, sizeof(s->path), "%s/own-%u-%u.cel", s->dir, s->clock.reset_count,
                   restart_count);
}

/* A name is durable when its folder is. */
static enum att_err sync_folder(const struct own_store *s, struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0) {
        return own_io_error(diag, "cannot sync the folder", s->dir);
    }
    return ATT_OK;
}

/* Every active bank that we can hash for: one that is left out could be extended by anybody unseen. */
static enum att_err choose_banks(struct own_store *s, struct att_diag *diag)
{
    struct hw_tpm_info info;
    enum att_err err = hw_tpm_info(&info, s->tpm, diag);

    if (err != ATT_OK) {
        return err;
    }
    for (uint32_t i = 0; i < info.bank_count; i++) {
        if (att_hash_usable(info.bank[i].alg) && (info.bank[i].mask & (1U << s->pcr)) != 0) {
            s->bank[s->bank_count++] = info.bank[i].alg;
        }
    }
    if (s->bank_count == 0) {
        return att_fail(diag, ATT_E_TPM, ATT_R_Q_BANK, "own log",
                        "no active bank has PCR %u; enable SHA-256 in the firmware set-up", s->pcr);
    }
    return ATT_OK;
}

static enum att_err write_synced(struct own_store *s, struct att_slice record,
                                 struct att_diag *diag)
{
    if (lseek(s->fd, (off_t)s->size, SEEK_SET) < 0 ||
        att_write_all(s->fd, record.p, record.len) != ATT_OK) {
        enum att_err err = own_io_error(diag, "cannot write", s->path);

        if (ftruncate(s->fd, (off_t)s->size) != 0) {
            return err; /* then it is a torn end, which the next start cuts */
        }
        return err;
    }
    own_step_done(OWN_STEP_WRITTEN);
    if (fdatasync(s->fd) != 0) {
        return own_io_error(diag, "cannot sync", s->path);
    }
    own_step_done(OWN_STEP_SYNCED);
    return ATT_OK;
}

/* One record around its content, durable before the TPM hears of it. */
static enum att_err append_content(struct own_store *s, struct att_slice content,
                                   struct att_diag *diag)
{
    struct hw_pcr_digest digests[ATT_PCR_BANKS] = {0};
    uint8_t *record = malloc(ATT_OWN_RECORD_MAX);
    struct att_wr w = att_wr_into(record, record == NULL ? 0 : ATT_OWN_RECORD_MAX);
    struct att_slice all;
    enum att_err err = att_own_record_write(&w, s->next_recnum, s->pcr, s->bank, s->bank_count,
                                            content, s->hasher);

    if (err == ATT_OK) {
        err = att_wr_done(&w, &all);
    }
    for (size_t i = 0; i < s->bank_count && err == ATT_OK; i++) {
        digests[i].alg = s->bank[i];
        err = att_digest(s->bank[i], &content, 1, digests[i].value);
    }
    if (err != ATT_OK) {
        err = att_fail(diag, err, ATT_R_INTERNAL, "own log", "a record could not be written");
    } else if (s->size + all.len > ATT_OWN_LOG_MAX) {
        err = att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, "own log",
                       "%s would grow above %d bytes; reboot to start a new log", s->path,
                       ATT_OWN_LOG_MAX);
    } else {
        err = write_synced(s, all, diag);
    }
    if (err == ATT_OK) {
        err = own_extend(s, digests, diag);
    }
    if (err == ATT_OK) {
        s->size += all.len;
        s->next_recnum++;
    }
    free(record);
    return err;
}

static void read_boot_id(char *out, size_t cap)
{
    ATT_CLEANUP(att_closep) int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, cap - 1);

    out[n > 0 ? n : 0] = '\0';
    out[strspn(out, "0123456789abcdef-")] = '\0';
}

static enum att_err append_boot(struct own_store *s, const struct own_state *start,
                                struct att_diag *diag)
{
    uint8_t content[1024];
    struct att_wr w = att_wr_into(content, sizeof(content));
    struct att_own_boot boot = {.reset_count = s->clock.reset_count,
                                .restart_count = s->clock.restart_count};
    struct att_slice all;
    enum att_err err = ATT_OK;

    read_boot_id(boot.boot_id, sizeof(boot.boot_id));
    for (size_t i = 0; i < s->bank_count; i++) {
        struct att_pcr_bank *bank = att_pcr_bank_add(&boot.start, s->bank[i]);

        if (bank == NULL) {
            return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "own log", "too many banks");
        }
        bank->has = 1U << s->pcr;
        memcpy(bank->value[s->pcr], start->value[i], att_hash_size(s->bank[i]));
    }
    err = att_own_boot_content(&w, &boot);
    if (err == ATT_OK) {
        err = att_wr_done(&w, &all);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "own log", "no boot record could be made");
    }
    return append_content(s, all, diag);
}

/* Logs of boots before this one explain nothing any more. */
static void remove_others(const struct own_store *s)
{
    const char *mine = strrchr(s->path, '/') + 1;
    DIR *dir = opendir(s->dir);
    const struct dirent *d = NULL;

    while (dir != NULL && (d = readdir(dir)) != NULL) {
        unsigned int reset = 0;
        unsigned int restart = 0;
        int len = 0;

        if (sscanf(d->d_name, "own-%u-%u.cel%n", &reset, &restart, &len) == 2 && len > 0 &&
            d->d_name[len] == '\0' && strcmp(d->d_name, mine) != 0) {
            (void)unlinkat(dirfd(dir), d->d_name, 0);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static enum att_err new_boot(struct own_store *s, const struct own_state *now,
                             struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->fd < 0) {
        return own_io_error(diag, "cannot make", s->path);
    }
    err = sync_folder(s, diag);
    if (err == ATT_OK) {
        err = append_boot(s, now, diag);
    }
    if (err == ATT_OK) {
        s->found = OWN_NEW_BOOT;
        remove_others(s);
    }
    return err;
}

/* The log of the same reset with the highest restartCount below ours: the one that a resume continues. */
static bool find_earlier(struct own_store *s, uint32_t *restart_count)
{
    DIR *dir = opendir(s->dir);
    const struct dirent *d = NULL;
    bool found = false;

    while (dir != NULL && (d = readdir(dir)) != NULL) {
        unsigned int reset = 0;
        unsigned int restart = 0;

        if (sscanf(d->d_name, "own-%u-%u.cel", &reset, &restart) == 2 &&
            reset == s->clock.reset_count && restart < s->clock.restart_count &&
            (!found || restart > *restart_count)) {
            *restart_count = restart;
            found = true;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return found;
}

static enum att_err open_log(struct own_store *s, struct att_diag *diag)
{
    s->fd = open(s->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (s->fd < 0 && errno != ENOENT) {
        return own_io_error(diag, "cannot open", s->path);
    }
    return s->fd < 0 ? ATT_E_NOT_FOUND : ATT_OK;
}

/* PCRs survived and restartCount moved: the same log goes on under a new name and boot record. */
static enum att_err resume(struct own_store *s, struct att_diag *diag)
{
    char old[sizeof(s->path)];
    uint32_t restart_count = 0;
    struct own_state now;
    enum att_err err = ATT_OK;

    if (ATT_GUARD(AGENT_OWN_START, !find_earlier(s, &restart_count))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_OWN_FOREIGN, "own log",
                        "PCR %u is not zero and %s has no log of this boot", s->pcr, s->dir);
    }
    name_log(s, restart_count);
    memcpy(old, s->path, sizeof(old));
    err = open_log(s, diag);
    if (err == ATT_OK) {
        err = own_reconcile(s, diag);
    }
    if (err == ATT_OK) {
        err = own_read_pcr(s, &now, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    name_log(s, s->clock.restart_count);
    if (rename(old, s->path) != 0) {
        return own_io_error(diag, "cannot rename", old);
    }
    err = sync_folder(s, diag);
    if (err == ATT_OK) {
        err = append_boot(s, &now, diag);
    }
    s->found = OWN_RESUMED;
    return err;
}

/*
 * The last boot record is an earlier one after a power cut between rename and record, and of another kernel
 * after kexec, which resets nothing. Without a boot id that can be read the counters decide alone.
 */
static enum att_err complete_boot(struct own_store *s, const struct own_state *now,
                                  struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *log = NULL;
    struct att_own it;
    struct att_own_record rec;
    char kernel[sizeof(rec.boot.boot_id)];
    bool more = true;
    bool named = false;
    bool same_kernel = true;
    enum att_err err = own_read_log(s, &log, diag);

    read_boot_id(kernel, sizeof(kernel));
    it = att_own_from(err == ATT_OK ? att_buf_slice(log) : att_slice_of(NULL, 0), 0);
    while (err == ATT_OK) {
        err = att_own_next(&it, &rec, &more, s->hasher, diag);
        if (err != ATT_OK || !more) {
            break;
        }
        if (rec.is_boot) {
            named = rec.boot.reset_count == s->clock.reset_count &&
                    rec.boot.restart_count == s->clock.restart_count;
            same_kernel = kernel[0] == '\0' || strcmp(rec.boot.boot_id, kernel) == 0;
        }
    }
    if (err != ATT_OK || (named && same_kernel)) {
        return err;
    }
    s->found = named ? OWN_OTHER_KERNEL : s->found;
    return append_boot(s, now, diag);
}

static enum att_err start_or_go_on(struct own_store *s, struct att_diag *diag)
{
    static const struct own_state zero;
    struct own_state now;
    enum att_err err = own_read_pcr(s, &now, diag);

    if (err != ATT_OK) {
        return err;
    }
    name_log(s, s->clock.restart_count);
    err = open_log(s, diag);
    if (err == ATT_E_NOT_FOUND) {
        return own_state_eq(s, &now, &zero) ? new_boot(s, &now, diag) : resume(s, diag);
    }
    if (err == ATT_OK) {
        err = own_reconcile(s, diag);
    }
    if (err == ATT_OK) {
        err = own_read_pcr(s, &now, diag);
    }
    return err != ATT_OK ? err : complete_boot(s, &now, diag);
}

enum att_err own_store_open(struct own_store **out, const char *state_dir, uint32_t pcr,
                            struct hw_tpm *tpm, struct att_diag *diag)
{
    ATT_CLEANUP(own_store_freep) struct own_store *s = calloc(1, sizeof(*s));
    enum att_err err = ATT_OK;

    if (s == NULL || att_hasher_new(&s->hasher) != ATT_OK) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "own log", "no memory");
    }
    s->fd = -1;
    s->tpm = tpm;
    s->pcr = pcr;
    if (strlen(state_dir) >= sizeof(s->dir)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "state_dir", "the path is too long");
    }
    strcpy(s->dir, state_dir);
    err = hw_tpm_clock(&s->clock, tpm, diag);
    if (err == ATT_OK) {
        err = choose_banks(s, diag);
    }
    if (err == ATT_OK) {
        err = start_or_go_on(s, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = s;
    s = NULL;
    return ATT_OK;
}

enum att_err own_store_table(struct table **out, const struct own_store *s, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *log = NULL;
    enum att_err err = own_read_log(s, &log, diag);

    return err != ATT_OK ? err : table_from_log(out, att_buf_slice(log), diag);
}

/* As many rows as fit one record. */
static size_t batch_of(const struct table *rows, size_t first, struct att_own_item *out)
{
    size_t len = 0;
    size_t count = 0;

    while (first + count < table_count(rows) && count < ATT_OWN_ITEMS_MAX) {
        const struct table_row *row = table_at(rows, first + count);

        len += row->name_len + ITEM_EXTRA;
        if (len > CONTENT_MAX) {
            break;
        }
        out[count++] = table_item(row);
    }
    return count;
}

enum att_err own_store_append(struct own_store *s, const struct table *rows, struct att_diag *diag)
{
    struct att_own_item *items = calloc(ATT_OWN_ITEMS_MAX, sizeof(*items));
    uint8_t *content = malloc(CONTENT_MAX);
    enum att_err err = items == NULL || content == NULL ? ATT_E_NOMEM : ATT_OK;

    if (err != ATT_OK) {
        (void)att_fail(diag, err, ATT_R_NOMEM, "own log", "no memory");
    }
    for (size_t done = 0; done < table_count(rows) && err == ATT_OK;) {
        struct att_wr w = att_wr_into(content, CONTENT_MAX);
        size_t count = batch_of(rows, done, items);
        struct att_slice all;

        err = att_own_items_content(&w, items, count);
        if (err == ATT_OK) {
            err = att_wr_done(&w, &all);
        }
        err = err == ATT_OK
                  ? append_content(s, all, diag)
                  : att_fail(diag, err, ATT_R_INTERNAL, "own log", "items could not be encoded");
        done += count;
    }
    free(items);
    free(content);
    return err;
}
