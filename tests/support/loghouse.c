#include "loghouse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "appraise/label.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/wr.h"
#include "need.h"
#include "remove_tree.h"
#include "service.h"
#include "sign/vkey.h"
#include "tlog/checkpoint.h"

#define FILE_MAX (32 * 1024 * 1024)
#define ARGS     20

static void path_of(char out[160], const struct loghouse *h, const char *name)
{
    (void)snprintf(out, 160, "%s/%s", h->log, name);
}

static void write_to(const char *path, struct att_slice in)
{
    FILE *f = fopen(path, "wb"); /* no fsync: a log of a million entries is thousands of files */

    NEED(f != NULL);
    NEED(in.len == 0 || fwrite(in.p, 1, in.len, f) == in.len);
    NEED(fclose(f) == 0);
}

void loghouse_write(const struct loghouse *h, const char *name, struct att_slice in)
{
    char path[160];

    path_of(path, h, name);
    for (char *p = strchr(path + strlen(h->log), '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        NEED(mkdir(path, 0755) == 0 || errno == EEXIST);
        *p = '/';
    }
    write_to(path, in);
}

struct att_buf *loghouse_read(const struct loghouse *h, const char *name)
{
    struct att_buf *b = NULL;
    char path[160];

    path_of(path, h, name);
    NEED(att_file_read(&b, path, FILE_MAX, NULL) == ATT_OK);
    return b;
}

void loghouse_flip(const struct loghouse *h, const char *name, size_t off)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = loghouse_read(h, name);
    struct att_slice s = att_buf_slice(b);
    uint8_t *copy = malloc(s.len);

    NEED(copy != NULL && off < s.len);
    memcpy(copy, s.p, s.len);
    copy[off] ^= 1;
    loghouse_write(h, name, att_slice_of(copy, s.len));
    free(copy);
}

void loghouse_copy(const struct loghouse *h, const char *name)
{
    char command[256];

    (void)snprintf(command, sizeof(command), "cp -r %s %s/%s", h->log, h->dir, name);
    NEED(system(command) == 0);
}

static void make_keys(struct loghouse *h)
{
    struct att_privkey *key = NULL;
    struct att_pubkey *public = NULL;
    struct att_vkey *vkey = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    char text[ATT_VKEY_TEXT + 1], line[ATT_VKEY_TEXT + 2], path[96];

    NEED(att_privkey_generate(&key, ATT_KEY_ED25519) == ATT_OK);
    NEED(att_privkey_public(&public, key) == ATT_OK);
    NEED(att_vkey_new(&vkey, att_slice_str(LOGHOUSE_ORIGIN), ATT_NOTE_ED25519, public) == ATT_OK);
    (void)snprintf(line, sizeof(line), "%s\n", att_vkey_print(text, sizeof(text), vkey));
    write_to(h->vkey, att_slice_str(line));
    NEED(att_signer_software(&h->key, key) == ATT_OK);
    NEED(att_cert_pem(&pem, att_cert_der(h->is.root)) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/root.pem", h->trust);
    write_to(path, att_buf_slice(pem));
    att_vkey_free(vkey);
    att_pubkey_free(public);
}

void loghouse_open(struct loghouse *h)
{
    memset(h, 0, sizeof(*h));
    (void)snprintf(h->dir, sizeof(h->dir), "/tmp/attest-log-XXXXXX");
    NEED(mkdtemp(h->dir) != NULL);
    (void)snprintf(h->log, sizeof(h->log), "%s/log", h->dir);
    (void)snprintf(h->trust, sizeof(h->trust), "%s/trust", h->dir);
    (void)snprintf(h->vkey, sizeof(h->vkey), "%s/log.vkey", h->trust);
    NEED(mkdir(h->log, 0755) == 0 && mkdir(h->trust, 0755) == 0);
    issuer_open(&h->is);
    NEED(att_hasher_new(&h->hasher) == ATT_OK);
    NEED(att_buf_new(&h->bundle, ATT_BUNDLE_MAX) == ATT_OK);
    h->utc = ISSUER_NOW;
    make_keys(h);
}

void loghouse_close(struct loghouse *h)
{
    att_signer_free(h->key);
    att_hasher_free(h->hasher);
    att_buf_free(h->bundle);
    issuer_close(&h->is);
    remove_tree(h->dir);
}

/* --- what entries say --- */

static void fill_room(struct loghouse_room *room, struct loghouse *h, uint32_t gateway)
{
    uint8_t ek[32] = {0};
    struct att_wr w = att_wr_into(room->cti, sizeof(room->cti));
    struct att_wr name = att_wr_into(ek, sizeof(ek));

    memset(room, 0, sizeof(*room));
    att_wr_u32be(&w, (uint32_t)h->utc);
    att_wr_u64be(&w, h->serial++);
    att_wr_u32be(&name, gateway);
    (void)att_label_subject(room->subject, sizeof(room->subject), ek);
    memcpy(room->digest, room->cti, sizeof(room->cti));
    room->status = ATT_TIER_AFFIRMING;
}

struct att_entry_facts loghouse_event(struct loghouse *h, struct loghouse_room *room,
                                      uint32_t gateway, const char *kind)
{
    struct att_entry_facts f = {
        .issuer = ISSUER_ID, .subject = room->subject, .kind = kind, .iat = h->utc};

    fill_room(room, h, gateway);
    memcpy(f.digest, room->digest, sizeof(f.digest));
    return f;
}

struct att_entry_facts loghouse_label(struct loghouse *h, struct loghouse_room *room,
                                      uint32_t gateway)
{
    static const uint8_t rules[32] = {7};
    struct att_entry_facts f = loghouse_event(h, room, gateway, "label");

    f.exp = h->utc + LOGHOUSE_LIFE;
    f.cti = room->cti;
    f.status = &room->status;
    f.of_label = true;
    f.evidence = room->digest;
    f.policy = rules;
    f.refvals = rules;
    return f;
}

/* --- the tree --- */

static enum att_err write_tile(void *ctx, const struct att_tile *tile, struct att_slice hashes,
                               struct att_diag *diag)
{
    char path[ATT_TILE_PATH_TEXT];

    (void)diag;
    loghouse_write(ctx, att_tile_path(path, sizeof(path), tile), hashes);
    return ATT_OK;
}

static void write_bundle(struct loghouse *h, uint64_t index, uint32_t width)
{
    const struct att_tile tile = {.entries = true, .index = index, .width = width};
    char path[ATT_TILE_PATH_TEXT];

    loghouse_write(h, att_tile_path(path, sizeof(path), &tile), att_buf_slice(h->bundle));
}

void loghouse_add_bytes(struct loghouse *h, struct att_slice entry)
{
    const struct att_tile_sink sink = {.take = write_tile, .ctx = h};
    uint8_t leaf[ATT_MERKLE_LEN];

    NEED(att_merkle_leaf(leaf, h->hasher, entry) == ATT_OK);
    NEED(att_bundle_add(h->bundle, entry) == ATT_OK);
    NEED(att_tiler_add(&h->tiler, h->hasher, leaf, &sink, NULL) == ATT_OK);
    if (h->tiler.size % ATT_TILE_WIDTH == 0) {
        write_bundle(h, h->tiler.size / ATT_TILE_WIDTH - 1, ATT_TILE_WIDTH);
        att_buf_clear(h->bundle);
    }
    h->utc++;
}

void loghouse_add(struct loghouse *h, const struct att_entry_facts *facts)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    struct att_entry_facts f = *facts;

    if (!h->introduced) {
        f.x5chain = h->is.chain;
        f.x5chain_count = 1;
        h->introduced = true;
    }
    NEED(att_entry_make(&entry, &f, h->is.signer) == ATT_OK);
    loghouse_add_bytes(h, att_buf_slice(entry));
}

void loghouse_turn(struct loghouse *h, const struct issuer *next)
{
    uint8_t before[32], now[32];
    const struct att_entry_facts f = {.issuer = ISSUER_ID,
                                      .kind = ATT_ENTRY_LABEL_KEY,
                                      .reason = ATT_ENTRY_ROTATED,
                                      .iat = h->utc,
                                      .key_before = before,
                                      .key_now = now};

    NEED(att_pubkey_fingerprint(before, h->is.signer->public_key) == ATT_OK);
    NEED(att_pubkey_fingerprint(now, next->signer->public_key) == ATT_OK);
    loghouse_add(h, &f);
    h->is = *next;
    h->introduced = false;
}

void loghouse_enrol(struct loghouse *h, uint32_t gateway)
{
    struct loghouse_room room;
    struct att_entry_facts f = loghouse_event(h, &room, gateway, "enrolled");

    loghouse_add(h, &f);
}

void loghouse_attest(struct loghouse *h, uint32_t gateway)
{
    struct loghouse_room room;
    struct att_entry_facts f = loghouse_label(h, &room, gateway);

    loghouse_add(h, &f);
}

void loghouse_sign(struct loghouse *h)
{
    const struct att_tile_sink sink = {.take = write_tile, .ctx = h};
    ATT_CLEANUP(att_buf_freep) struct att_buf *note = NULL;
    struct att_tree_head head = {.origin = att_slice_str(LOGHOUSE_ORIGIN),
                                 .tree = {.size = h->tiler.size}};

    NEED(att_tiler_root(head.tree.root, &h->tiler, h->hasher) == ATT_OK);
    NEED(att_tiler_rest(&h->tiler, &sink, NULL) == ATT_OK);
    if (h->tiler.size % ATT_TILE_WIDTH != 0)
        write_bundle(h, h->tiler.size / ATT_TILE_WIDTH, att_tiler_width(&h->tiler, 0));
    NEED(att_checkpoint_make(&note, &head, h->key) == ATT_OK);
    loghouse_write(h, "checkpoint", att_buf_slice(note));
}

/* --- who reads it --- */

int loghouse_ctl(const struct loghouse *h, char *out, size_t cap, const char *const *args)
{
    char at[ATT_TIME_TEXT], room[ARGS][96];
    const char *const common[] = {"--json", "--at", att_time_print(at, sizeof(at), h->utc),
                                  "--trust", h->trust};
    const char *argv[ARGS + ATT_COUNT(common) + 1];
    size_t n = 0;

    for (size_t i = 0; args[i] != NULL; i++, n++) {
        NEED(n < ARGS);
        argv[n] = args[i];
        if (args[i][0] != '@')
            continue;
        (void)snprintf(room[n], sizeof(room[n]), "%s/%s", h->dir, args[i] + 1);
        argv[n] = room[n];
    }
    memcpy(&argv[n], common, sizeof(common));
    argv[n + ATT_COUNT(common)] = NULL;
    return service_program(out, cap, "attestctl", argv);
}
