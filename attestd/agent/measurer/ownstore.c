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

void (*own_store_on_step)(enum own_step step);

struct own_store {
    char dir[OWN_PATH_MAX];
    char path[OWN_PATH_MAX + 64];
    int fd;
    struct hw_tpm *tpm;
    uint32_t pcr;
    struct att_clock_info clock;
    enum att_hash bank[ATT_PCR_BANKS];
    size_t bank_count;
    uint64_t size;        /* bytes written and extended */
    uint64_t next_recnum; /* records */
    enum own_found found;
    struct att_hasher *hasher;
};

static void step_done(enum own_step step)
{
    if (own_store_on_step != NULL) {
        own_store_on_step(step);
    }
}

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

static enum att_err io_error(struct att_diag *diag, const char *what, const char *path)
{
    return att_fail(diag, ATT_E_IO, ATT_R_ST_FULL, "own log", "%s %s: %s", what, path,
                    strerror(errno));
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
        return io_error(diag, "cannot sync the folder", s->dir);
    }
    return ATT_OK;
}

/* The PCR of each bank, in the order of s->bank. */
struct state {
    uint8_t value[ATT_PCR_BANKS][ATT_HASH_MAX];
};

static bool state_eq(const struct own_store *s, const struct state *a, const struct state *b)
{
    for (size_t i = 0; i < s->bank_count; i++) {
        if (memcmp(a->value[i], b->value[i], att_hash_size(s->bank[i])) != 0) {
            return false;
        }
    }
    return true;
}

static enum att_err read_pcr(struct own_store *s, struct state *out, struct att_diag *diag)
{
    struct att_pcr_selection sel = {.count = (uint32_t)s->bank_count};
    struct att_pcr_values values = {0};
    struct state v = {0};
    enum att_err err = ATT_OK;

    for (size_t i = 0; i < s->bank_count; i++) {
        sel.sel[i] = (struct att_pcr_sel){.bank = s->bank[i], .mask = 1U << s->pcr, .size = 3};
    }
    err = hw_tpm_pcr_read(&values, s->tpm, &sel, diag);
    if (err != ATT_OK) {
        return err;
    }
    for (size_t i = 0; i < s->bank_count; i++) {
        const struct att_pcr_bank *bank = att_pcr_bank_find(&values, s->bank[i]);

        if (bank == NULL || (bank->has & (1U << s->pcr)) == 0) {
            return att_fail(diag, ATT_E_TPM, ATT_R_TPM_IO, "own log",
                            "the TPM gave no value of PCR %u in bank %s", s->pcr,
                            att_hash_name(s->bank[i]));
        }
        memcpy(v.value[i], bank->value[s->pcr], att_hash_size(s->bank[i]));
    }
    *out = v;
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

static enum att_err extend_digests(struct own_store *s, const struct hw_pcr_digest *digests,
                                   struct att_diag *diag)
{
    enum att_err err = hw_tpm_pcr_extend(s->tpm, s->pcr, digests, s->bank_count, diag);

    if (err == ATT_OK) {
        step_done(OWN_STEP_EXTENDED);
    }
    return err;
}

/* The digests of a record in the order of our banks; false when one is missing. */
static bool digests_of(const struct own_store *s, const struct att_own_record *rec,
                       struct hw_pcr_digest *out)
{
    for (size_t i = 0; i < s->bank_count; i++) {
        bool found = false;

        out[i].alg = s->bank[i];
        for (uint32_t j = 0; j < rec->digest_count && !found; j++) {
            found = rec->digest[j].alg == s->bank[i];
            if (found) {
                memcpy(out[i].value, rec->digest[j].value, att_hash_size(s->bank[i]));
            }
        }
        if (!found) {
            return false;
        }
    }
    return rec->digest_count == s->bank_count;
}

/* A replay of the log, remembering what a power cut may have left. */
struct replay {
    struct state before, after; /* without and with the last whole record */
    struct hw_pcr_digest last[ATT_PCR_BANKS];
    uint64_t records;
    size_t end;        /* bytes of whole records */
    bool tail;         /* something that is no record stands behind them */
    bool seen_earlier; /* the PCR equals a prefix that is shorter still */
    bool started;      /* the log begins with a boot record, from zero */
};

static enum att_err check_boot(const struct own_store *s, const struct replay *r,
                               const struct att_own_record *rec, struct att_diag *diag)
{
    for (size_t i = 0; i < s->bank_count; i++) {
        const struct att_pcr_bank *start = att_pcr_bank_find(&rec->boot.start, s->bank[i]);
        size_t size = att_hash_size(s->bank[i]);

        if (ATT_GUARD(AGENT_BOOT_START, start == NULL || memcmp(start->value[s->pcr],
                                                                r->after.value[i], size) != 0)) {
            return att_fail_at(diag, ATT_E_MISMATCH, ATT_R_OWN_LOG, "own log", rec->off,
                               "the boot record of %s does not start where the log stands",
                               s->path);
        }
    }
    return ATT_OK;
}

static enum att_err replay_record(struct own_store *s, struct replay *r, const struct state *now,
                                  const struct att_own_record *rec, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (ATT_GUARD(AGENT_LOG_SHAPE, rec->pcr != s->pcr || !digests_of(s, rec, r->last) ||
                                       (r->records == 0 && !rec->is_boot))) {
        return att_fail_at(
            diag, ATT_E_MISMATCH, ATT_R_OWN_LOG, "own log", rec->off,
            "%s has a record for another PCR or other banks, or no boot record first", s->path);
    }
    if (rec->is_boot) {
        err = check_boot(s, r, rec, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    r->seen_earlier = r->seen_earlier || (r->records > 0 && state_eq(s, now, &r->before));
    r->before = r->after;
    for (size_t i = 0; i < s->bank_count && err == ATT_OK; i++) {
        err = att_pcr_extend(s->hasher, s->bank[i], r->after.value[i], r->last[i].value);
    }
    r->records++;
    r->end = rec->off + rec->len;
    return err;
}

static enum att_err replay_log(struct own_store *s, struct replay *r, const struct state *now,
                               struct att_slice log, struct att_diag *diag)
{
    struct att_own it = att_own_from(log, 0);
    enum att_err err = ATT_OK;

    while (r->end < log.len) {
        struct att_own_record rec;
        bool more = false;

        err = att_own_next(&it, &rec, &more, s->hasher, NULL);
        if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO) {
            return att_fail(diag, err, ATT_R_NOMEM, "own log", "the log could not be replayed");
        }
        if (err != ATT_OK || !more) {
            r->tail = true;
            return ATT_OK;
        }
        err = replay_record(s, r, now, &rec, diag);
        if (err != ATT_OK) {
            return err;
        }
    }
    return ATT_OK;
}

/* What stands behind the last whole record was never extended: a write that the power cut. */
static enum att_err cut_tail(struct own_store *s, size_t end, struct att_diag *diag)
{
    if (ftruncate(s->fd, (off_t)end) != 0 || fdatasync(s->fd) != 0) {
        return io_error(diag, "cannot cut the torn end of", s->path);
    }
    return ATT_OK;
}

static enum att_err set_right(struct own_store *s, struct replay *r, const struct state *now,
                              struct att_diag *diag)
{
    bool equal = state_eq(s, now, &r->after);
    bool behind = r->records > 0 && !r->tail && state_eq(s, now, &r->before);
    enum att_err err = ATT_OK;

    s->size = r->end;
    s->next_recnum = r->records;
    if (equal) {
        s->found = r->tail ? OWN_CUT_TORN : OWN_EQUAL;
        return r->tail ? cut_tail(s, r->end, diag) : ATT_OK;
    }
    if (behind) {
        err = extend_digests(s, r->last, diag);
        s->found = OWN_EXTENDED_LAST;
        return err;
    }
    if (r->seen_earlier || r->tail || state_eq(s, now, &r->before)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_OWN_LOG, "own log",
                        "PCR %u is behind %s by more than its last record", s->pcr, s->path);
    }
    return att_fail(diag, ATT_E_MISMATCH, ATT_R_OWN_FOREIGN, "own log",
                    "PCR %u is not what the %llu records of %s lead to", s->pcr,
                    (unsigned long long)r->records, s->path);
}

static enum att_err read_log(const struct own_store *s, struct att_buf **out, struct att_diag *diag)
{
    if (lseek(s->fd, 0, SEEK_SET) != 0) {
        return io_error(diag, "cannot read", s->path);
    }
    return att_file_read_fd(out, s->fd, ATT_OWN_LOG_MAX, diag);
}

static enum att_err reconcile(struct own_store *s, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *log = NULL;
    struct replay r = {0};
    struct state now;
    enum att_err err = read_pcr(s, &now, diag);

    if (err == ATT_OK) {
        err = read_log(s, &log, diag);
    }
    if (err == ATT_OK) {
        err = replay_log(s, &r, &now, att_buf_slice(log), diag);
    }
    return err != ATT_OK ? err : set_right(s, &r, &now, diag);
}

static enum att_err write_synced(struct own_store *s, struct att_slice record,
                                 struct att_diag *diag)
{
    if (lseek(s->fd, (off_t)s->size, SEEK_SET) < 0 ||
        att_write_all(s->fd, record.p, record.len) != ATT_OK) {
        enum att_err err = io_error(diag, "cannot write", s->path);

        (void)ftruncate(s->fd,
                        (off_t)s->size); /* if not now, then as a torn end at the next start */
        return err;
    }
    step_done(OWN_STEP_WRITTEN);
    if (fdatasync(s->fd) != 0) {
        return io_error(diag, "cannot sync", s->path);
    }
    step_done(OWN_STEP_SYNCED);
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
        err = extend_digests(s, digests, diag);
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

static enum att_err append_boot(struct own_store *s, const struct state *start,
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

static enum att_err new_boot(struct own_store *s, const struct state *now, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->fd < 0) {
        return io_error(diag, "cannot make", s->path);
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
        return io_error(diag, "cannot open", s->path);
    }
    return s->fd < 0 ? ATT_E_NOT_FOUND : ATT_OK;
}

/* PCRs survived and restartCount moved: the same log goes on under a new name and boot record. */
static enum att_err resume(struct own_store *s, struct att_diag *diag)
{
    char old[sizeof(s->path)];
    uint32_t restart_count = 0;
    struct state now;
    enum att_err err = ATT_OK;

    if (ATT_GUARD(AGENT_OWN_START, !find_earlier(s, &restart_count))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_OWN_FOREIGN, "own log",
                        "PCR %u is not zero and %s has no log of this boot", s->pcr, s->dir);
    }
    name_log(s, restart_count);
    memcpy(old, s->path, sizeof(old));
    err = open_log(s, diag);
    if (err == ATT_OK) {
        err = reconcile(s, diag);
    }
    if (err == ATT_OK) {
        err = read_pcr(s, &now, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    name_log(s, s->clock.restart_count);
    if (rename(old, s->path) != 0) {
        return io_error(diag, "cannot rename", old);
    }
    err = sync_folder(s, diag);
    if (err == ATT_OK) {
        err = append_boot(s, &now, diag);
    }
    s->found = OWN_RESUMED;
    return err;
}

/* After a power cut between rename and record: the last boot record is an earlier one. */
static enum att_err complete_boot(struct own_store *s, const struct state *now,
                                  struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *log = NULL;
    struct att_own it;
    struct att_own_record rec;
    bool more = true;
    bool named = false;
    enum att_err err = read_log(s, &log, diag);

    it = att_own_from(err == ATT_OK ? att_buf_slice(log) : att_slice_of(NULL, 0), 0);
    while (err == ATT_OK) {
        err = att_own_next(&it, &rec, &more, s->hasher, diag);
        if (err != ATT_OK || !more) {
            break;
        }
        if (rec.is_boot) {
            named = rec.boot.reset_count == s->clock.reset_count &&
                    rec.boot.restart_count == s->clock.restart_count;
        }
    }
    return err != ATT_OK || named ? err : append_boot(s, now, diag);
}

static enum att_err start_or_go_on(struct own_store *s, struct att_diag *diag)
{
    static const struct state zero;
    struct state now;
    enum att_err err = read_pcr(s, &now, diag);

    if (err != ATT_OK) {
        return err;
    }
    name_log(s, s->clock.restart_count);
    err = open_log(s, diag);
    if (err == ATT_E_NOT_FOUND) {
        return state_eq(s, &now, &zero) ? new_boot(s, &now, diag) : resume(s, diag);
    }
    if (err == ATT_OK) {
        err = reconcile(s, diag);
    }
    if (err == ATT_OK) {
        err = read_pcr(s, &now, diag);
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
    enum att_err err = read_log(s, &log, diag);

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
