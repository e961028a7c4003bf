/* Batches as files, in order of their numbers. */
#include "agent/sampler/spool.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"

#define PATH_ROOM     4096
#define NUMBER_DIGITS 12

static enum att_err path_of(char out[PATH_ROOM], const struct spool *s, const char *name,
                            struct att_diag *diag)
{
    int len = snprintf(out, PATH_ROOM, "%s/%s", s->folder, name);

    return len < 0 || len >= PATH_ROOM
               ? att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_PATH, "data", "expected a shorter path")
               : ATT_OK;
}

static void name_of(char out[64], uint64_t number)
{
    (void)snprintf(out, 64, "%0*" PRIu64 ".batch", NUMBER_DIGITS, number);
}

/* The number of a batch's file; 0 for another file. */
static uint64_t number_of(const char *name)
{
    char again[64];
    char *end = NULL;
    uint64_t number = strtoull(name, &end, 10);

    if (end == name || strcmp(end, ".batch") != 0)
        return 0;
    name_of(again, number);
    return strcmp(again, name) == 0 ? number : 0;
}

uint64_t spool_next_sequence(const struct spool *s, const char *channel)
{
    for (size_t i = 0; i < s->channel_count; i++)
        if (strcmp(s->channel[i].id, channel) == 0)
            return s->channel[i].last + 1;
    return 1;
}

void spool_note_sequence(struct spool *s, const char *channel, uint64_t sequence)
{
    size_t i = 0;

    while (i < s->channel_count && strcmp(s->channel[i].id, channel) != 0)
        i++;
    if (i == ATT_SPEC_CHANNELS_MAX)
        return;
    if (i == s->channel_count) {
        (void)snprintf(s->channel[i].id, sizeof(s->channel[i].id), "%s", channel);
        s->channel_count++;
    }
    s->channel[i].last = sequence;
}

/* --- looking through the folder --- */

struct looking {
    struct spool *s;
    const struct att_pubkey *key;
    bool intact, began;
    uint64_t number; /* of the batch before */
    uint8_t head[ATT_HEAD_LEN];
};

static void note_channels(struct spool *s, const struct att_batch_statement *st)
{
    for (size_t i = 0; i < st->channel_count; i++) {
        char id[ATT_PROV_ID];

        (void)snprintf(id, sizeof(id), "%.*s", (int)st->channel[i].id.len,
                       (const char *)st->channel[i].id.p);
        spool_note_sequence(s, id, st->channel[i].last);
    }
}

static enum att_err head_of(uint8_t head[ATT_HEAD_LEN], const struct att_batch_file *f)
{
    struct att_cose m;
    enum att_err err = att_cose_parse(&m, f->statement, NULL);

    return err == ATT_OK ? att_batch_head(head, m.payload_untrusted) : err;
}

/* A batch that cannot be read breaks the chain and is told; the one that comes last is needed. */
static enum att_err look_at(struct looking *l, uint64_t number, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_batch_file f;
    struct att_batch_statement st;
    uint8_t head[ATT_HEAD_LEN], kid[32];
    enum att_err err = spool_read(&file, l->s, number, diag);

    if (err == ATT_OK)
        err = att_batch_file_parse(&f, att_buf_slice(file), diag);
    if (err == ATT_OK)
        err = att_batch_peek(&st, kid, &f, diag);
    if (err == ATT_OK)
        err = head_of(head, &f);
    if (err == ATT_OK && st.number != number)
        err = att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_BATCH, "data",
                       "the batch is another one than its name");
    if (err != ATT_OK)
        return err;
    if (l->began && (number != l->number + 1 || memcmp(st.previous, l->head, sizeof(l->head)) != 0))
        l->intact = false;
    if (l->key != NULL) {
        struct att_batch_statement verified;

        l->intact =
            att_batch_verify(&verified, head, &f, l->key, NULL, NULL, NULL) == ATT_OK && l->intact;
    }
    l->s->bytes += (int64_t)att_buf_len(file);
    l->s->first = l->s->first == 0 ? number : l->s->first;
    l->s->last = number;
    l->began = true;
    l->number = number;
    memcpy(l->head, head, sizeof(head));
    memcpy(l->s->head, head, sizeof(head));
    note_channels(l->s, &st);
    return ATT_OK;
}

static enum att_err look_through(struct looking *l, struct att_diag *diag)
{
    struct dirent **entry = NULL;
    int count = scandir(l->s->folder, &entry, NULL, alphasort);
    enum att_err last = ATT_OK;

    if (count < 0)
        return att_fail(diag, ATT_E_IO, ATT_R_FILE, "data", "cannot read %s: %s", l->s->folder,
                        strerror(errno));
    for (int i = 0; i < count; i++) {
        uint64_t number = number_of(entry[i]->d_name);

        if (number > 0) {
            last = look_at(l, number, diag);
            l->intact = l->intact && last == ATT_OK;
        }
        free(entry[i]);
    }
    free(entry);
    return last;
}

enum att_err spool_open(struct spool *s, bool *intact, const char *folder, int64_t limit,
                        const struct att_pubkey *key, struct att_diag *diag)
{
    struct looking l = {.s = s, .key = key, .intact = true};
    enum att_err err = ATT_OK;

    memset(s, 0, sizeof(*s));
    s->folder = folder;
    s->limit = limit;
    if (mkdir(folder, 0750) != 0 && errno != EEXIST)
        return att_fail(diag, errno == EACCES ? ATT_E_DENIED : ATT_E_IO, ATT_R_FILE, "data",
                        "cannot make %s: %s", folder, strerror(errno));
    err = look_through(&l, diag);
    *intact = l.intact;
    return err;
}

/* --- keeping --- */

static enum att_err keep(struct spool *s, const char *name, struct att_slice bytes,
                         struct att_diag *diag)
{
    char path[PATH_ROOM];
    enum att_err err = path_of(path, s, name, diag);

    return err == ATT_OK ? att_file_write(path, bytes, 0640, diag) : err;
}

/* The oldest go first; a batch that cannot be removed is in nobody's way but the disk's. */
static void drop_oldest(struct spool *s)
{
    char name[64], path[PATH_ROOM];
    struct stat st;

    while (s->bytes > s->limit && s->first < s->last) {
        name_of(name, s->first);
        if (path_of(path, s, name, NULL) != ATT_OK)
            return;
        if (stat(path, &st) == 0 && unlink(path) == 0) {
            s->bytes -= (int64_t)st.st_size;
            s->dropped++;
        }
        s->first++;
    }
}

enum att_err spool_keep(struct spool *s, uint64_t number, struct att_slice file,
                        const uint8_t head[ATT_HEAD_LEN], struct att_diag *diag)
{
    char name[64];
    enum att_err err = ATT_OK;

    name_of(name, number);
    err = keep(s, name, file, diag);
    if (err != ATT_OK)
        return err;
    s->first = s->first == 0 ? number : s->first;
    s->last = number;
    s->bytes += (int64_t)file.len;
    memcpy(s->head, head, sizeof(s->head));
    drop_oldest(s);
    return ATT_OK;
}

enum att_err spool_keep_spec(struct spool *s, const struct att_spec *spec, struct att_diag *diag)
{
    char name[80], hex[65];

    (void)snprintf(
        name, sizeof(name), "%s.spec",
        att_hex_encode(hex, sizeof(hex), att_slice_of(spec->digest, sizeof(spec->digest))));
    return keep(s, name, att_buf_slice(spec->bytes), diag);
}

enum att_err spool_keep_label(struct spool *s, struct att_slice label, int64_t iat,
                              const uint8_t digest[32], struct att_diag *diag)
{
    char name[80], hex[17];

    (void)snprintf(name, sizeof(name), "%0*" PRId64 "-%s.label", NUMBER_DIGITS, iat,
                   att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 8)));
    return keep(s, name, label, diag);
}

enum att_err spool_read(struct att_buf **out, const struct spool *s, uint64_t number,
                        struct att_diag *diag)
{
    char name[64], path[PATH_ROOM];
    enum att_err err = ATT_OK;

    name_of(name, number);
    err = path_of(path, s, name, diag);
    return err == ATT_OK ? att_file_read(out, path, ATT_BATCH_FILE_MAX, diag) : err;
}
