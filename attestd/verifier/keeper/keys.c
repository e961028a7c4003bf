/* Keys as the records name them, opened from the folder of keys or from where the configuration says. */
#include "keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/hex.h"
#include "common/log.h"
#include "keeper_internal.h"
#include "sign/vkey.h"
#include "verifier/keeper/loghead.h"

#define URI_MAX 2048

/* --- what the records say --- */

struct att_pubkey *keys_public(const struct store_key *row)
{
    struct att_pubkey *key = NULL;

    return att_pubkey_from_spki(&key, att_slice_of(row->spki, row->spki_len), NULL) == ATT_OK
               ? key
               : NULL;
}

enum att_err keys_print(uint8_t out[32], const struct config *cfg, enum store_key_kind kind,
                        const struct att_pubkey *key)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *vkey = NULL;
    enum att_err err;

    if (kind == STORE_KEY_LABEL)
        return att_pubkey_fingerprint(out, key);
    err = att_vkey_new(&vkey, att_slice_str(cfg->log.origin), ATT_NOTE_ED25519, key);
    return err == ATT_OK ? att_vkey_fingerprint(out, vkey) : err;
}

enum att_err keys_in_force(struct store_key *out, struct store *st, enum store_key_kind kind)
{
    enum att_err err = ATT_OK;
    int64_t after = 0;

    do {
        err = store_key_next(out, st, kind, after);
        after = out->nth;
    } while (err == ATT_OK && out->ends >= 0);
    return err;
}

void keys_known_clear(struct keys_known *k)
{
    for (size_t i = 0; i < k->count; i++)
        att_pubkey_free(k->key[i]);
    *k = (struct keys_known){0};
}

static enum att_err copy_key(struct att_pubkey **out, const struct att_pubkey *key)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    enum att_err err = att_pubkey_spki(&spki, key);

    return err == ATT_OK ? att_pubkey_from_spki(out, att_buf_slice(spki), NULL) : err;
}

static enum att_err know_configured(struct keys_known *k, const struct config *cfg,
                                    struct att_diag *diag)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *log = NULL;
    const struct issuer_place place = issuer_log_place(cfg);
    enum att_err err = issuer_read_log(&log, &place, diag);

    if (err == ATT_OK)
        err = copy_key(&k->key[0], log->public_key);
    k->count = err == ATT_OK ? 1 : 0;
    return err;
}

enum att_err keys_known_load(struct keys_known *out, const struct config *cfg, struct store *st,
                             struct att_diag *diag)
{
    struct store_key row = {0};
    enum att_err err = ATT_OK;

    while (err == ATT_OK) {
        err = store_key_next(&row, st, STORE_KEY_LOG, row.nth);
        if (err != ATT_OK)
            break;
        if (out->count == ISSUER_LOG_KEYS_MAX)
            return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, "log.key",
                            "expected at most %d keys of one log", ISSUER_LOG_KEYS_MAX);
        out->key[out->count] = keys_public(&row);
        if (out->key[out->count] == NULL)
            return att_fail(diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, "log.key",
                            "a key of the log cannot be read");
        out->count++;
    }
    if (err != ATT_E_NOT_FOUND)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "log.key", "its keys cannot be read");
    return out->count > 0 ? ATT_OK : know_configured(out, cfg, diag);
}

/* --- where keys are --- */

bool keys_name_ok(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= STORE_KEY_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

static enum att_err read_uri(char *out, size_t cap, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_slice text;
    enum att_err err = att_file_read_careful(&file, path, URI_MAX, ATT_FILE_OWNED, diag);

    if (err != ATT_OK)
        return err;
    text = att_buf_slice(file);
    if (text.len > 0 && text.p[text.len - 1] == '\n')
        text.len--;
    if (text.len == 0 || text.len >= cap || memchr(text.p, '\0', text.len) != NULL)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "key", "expected pkcs11:... in %.120s",
                        path);
    (void)snprintf(out, cap, "%.*s", (int)text.len, (const char *)text.p);
    return ATT_OK;
}

enum att_err keys_place(struct issuer_place *out, struct keys_room *room, const struct config *cfg,
                        const char *name, struct att_diag *diag)
{
    struct stat st;
    char uri[KEYS_PATH];
    int a = snprintf(room->chain, sizeof(room->chain), "%s/%s.pem", cfg->keys, name);
    int b = snprintf(room->key, sizeof(room->key), "file:%s/%s.key", cfg->keys, name);
    int c = snprintf(uri, sizeof(uri), "%s/%s.uri", cfg->keys, name);
    enum att_err err = ATT_OK;

    if (a < 0 || b < 0 || c < 0 || (size_t)a >= sizeof(room->chain) ||
        (size_t)b >= sizeof(room->key) || (size_t)c >= sizeof(uri))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "keys", "the path is too long");
    if (lstat(uri, &st) == 0)
        err = read_uri(room->key, sizeof(room->key), uri, diag);
    else if (lstat(room->key + strlen("file:"), &st) != 0)
        err = att_fail(diag, ATT_E_NOT_FOUND, ATT_R_KEY_NONE, "key",
                       "expected %s.key or %s.uri in %.120s: %s", name, name, cfg->keys,
                       strerror(errno));
    *out = (struct issuer_place){.key = room->key, .chain = room->chain, .field = "key"};
    return err;
}

/* --- opening what is in force --- */

/* One key under way: read from a place, kept when it is the row's. */
struct opening {
    const struct config *cfg;
    const struct store_key *row;
    int64_t now_utc;
    struct issuer_label label; /* found */
    struct att_signer *log;    /* found */
    bool other;                /* another key was found instead */
    uint8_t found[32];
    const char *where; /* it was found */
};

static void opening_clear(struct opening *o)
{
    issuer_label_clear(&o->label);
    att_signer_freep(&o->log);
}

static bool is_of_row(const struct opening *o, const struct att_pubkey *key)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;

    return att_pubkey_spki(&spki, key) == ATT_OK &&
           att_slice_eq(att_buf_slice(spki), att_slice_of(o->row->spki, o->row->spki_len));
}

/* NOT_FOUND: a key is there, and it is another. */
static enum att_err try_place(struct opening *o, const struct issuer_place *place,
                              struct att_diag *diag)
{
    bool labels = o->row->kind == STORE_KEY_LABEL;
    const struct att_pubkey *key = NULL;
    enum att_err err = labels ? issuer_read_label(&o->label, o->cfg, place, o->now_utc, diag)
                              : issuer_read_log(&o->log, place, diag);

    if (err != ATT_OK)
        return err;
    key = labels ? o->label.signer->public_key : o->log->public_key;
    if (!ATT_GUARD(KEY_IN_FORCE, !is_of_row(o, key)))
        return ATT_OK;
    o->other = keys_print(o->found, o->cfg, o->row->kind, key) == ATT_OK;
    o->where = place->field;
    opening_clear(o);
    return ATT_E_NOT_FOUND;
}

static enum att_err changed(const struct opening *o, const struct att_diag *why,
                            struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = keys_public(o->row);
    uint8_t print[32] = {0};
    char want[65], found[65];

    if (key == NULL || keys_print(print, o->cfg, o->row->kind, key) != ATT_OK)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, "key", "it cannot be read");
    (void)att_hex_encode(want, sizeof(want), att_slice_of(print, sizeof(print)));
    (void)att_hex_encode(found, sizeof(found), att_slice_of(o->found, sizeof(o->found)));
    return att_fail(diag, ATT_E_CONFIG, ATT_R_KEY_CHANGED, o->where,
                    "expected the key in force, %s (%s%s), found %s%s%.90s", want,
                    o->row->name[0] == '\0' ? "" : "keys: ",
                    o->row->name[0] == '\0' ? "as configured at first" : o->row->name, found,
                    why->text[0] == '\0' ? "" : "; ", why->text);
}

/* In the folder of keys when it came from there, else, or when it was taken over into the configuration, where that says. */
static enum att_err open_row(struct opening *o, struct att_diag *diag)
{
    struct issuer_place place =
        o->row->kind == STORE_KEY_LABEL ? issuer_label_place(o->cfg) : issuer_log_place(o->cfg);
    struct att_diag named = {0}, configured = {0};
    struct issuer_place of_name;
    struct keys_room room;
    enum att_err err = ATT_E_NOT_FOUND;

    if (o->row->name[0] != '\0') {
        err = keys_place(&of_name, &room, o->cfg, o->row->name, &named);
        if (err == ATT_OK)
            err = try_place(o, &of_name, &named);
    }
    if (err == ATT_OK || try_place(o, &place, &configured) == ATT_OK)
        return ATT_OK;
    if (o->other)
        return changed(o, &named, diag);
    *diag = named.reason != ATT_R_NONE ? named : configured;
    return diag->err;
}

/* The one before hands over for a while; without it people with only its key have to be told, and nothing else is wrong. */
static void open_before(struct issuer *i, const struct config *cfg, struct store *st,
                        int64_t now_utc)
{
    struct store_key row = {0}, before = {0};
    struct opening o = {.cfg = cfg, .row = &before, .now_utc = now_utc};
    struct att_diag diag = {0};

    while (store_key_next(&row, st, STORE_KEY_LOG, row.nth) == ATT_OK) {
        if (row.ends >= 0)
            before = row;
    }
    if (before.nth == 0 || before.cosigns_until <= now_utc)
        return;
    if (open_row(&o, &diag) != ATT_OK) {
        log_diag(LOG_LEVEL_WARNING, "log.key-before", &diag);
        return;
    }
    i->log_before = o.log;
    i->log_before_until = before.cosigns_until;
}

static enum att_err open_kind(struct issuer *i, const struct config *cfg, struct store *st,
                              enum store_key_kind kind, int64_t now_utc, struct att_diag *diag)
{
    struct store_key row = {0};
    struct opening o = {.cfg = cfg, .row = &row, .now_utc = now_utc};
    enum att_err err = keys_in_force(&row, st, kind);

    if (err != ATT_OK)
        return att_fail(diag, err == ATT_E_NOT_FOUND ? ATT_E_FORMAT : err, ATT_R_ST_CORRUPT, "key",
                        "the records name no key that is in force");
    err = open_row(&o, diag);
    if (err != ATT_OK)
        return err;
    if (kind == STORE_KEY_LABEL) {
        i->label = o.label;
        return issuer_check_data(i, i->label.signer->public_key, diag);
    }
    i->log = o.log;
    return ATT_OK;
}

/* --- a database that names none yet --- */

static enum att_err add_first(struct store *st, enum store_key_kind kind,
                              const struct att_pubkey *key, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    struct store_key row = {.kind = kind};
    enum att_err err = att_pubkey_spki(&spki, key);

    if (err != ATT_OK || att_buf_len(spki) > sizeof(row.spki))
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "key", "it cannot be encoded");
    row.spki_len = att_buf_len(spki);
    memcpy(row.spki, att_buf_slice(spki).p, row.spki_len);
    return store_key_add(st, &row, diag);
}

/* What is in the log already was signed by keys that nobody wrote down: by these, or nothing is signed. */
static enum att_err check_first(const struct issuer *i, struct store *st, struct att_diag *diag)
{
    const struct loghead_keys keys = {.key = i->log_known, .count = i->log_known_count};
    uint8_t bytes[LOGHEAD_MAX], print[32], known[32];
    struct loghead head;
    size_t len = 0;
    enum att_err err = store_meta_get(st, SEQUENCER_SIGNER, known, sizeof(known), &len);

    if (err == ATT_OK &&
        (att_pubkey_fingerprint(print, i->label.signer->public_key) != ATT_OK ||
         len != sizeof(known) || ATT_GUARD(KEY_FIRST, memcmp(known, print, sizeof(known)) != 0)))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_KEY_CHANGED, "label.key",
                        "the last entry of the log was signed by another label key");
    if (err == ATT_OK || err == ATT_E_NOT_FOUND)
        err = store_meta_get(st, SEQUENCER_HEAD, bytes, sizeof(bytes), &len);
    if (err == ATT_E_NOT_FOUND)
        return ATT_OK;
    if (err == ATT_OK && loghead_decode(&head, att_slice_of(bytes, len), &keys, NULL) != ATT_OK)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_KEY_CHANGED, "log.key",
                        "the tree of the log was signed by another key");
    return err == ATT_OK
               ? err
               : att_fail(diag, err, ATT_R_ST_CORRUPT, "log", "its signer cannot be read");
}

static enum att_err write_first(const struct issuer *i, struct store *st, struct att_diag *diag)
{
    enum att_err err = store_begin(st, diag);

    if (err != ATT_OK)
        return err;
    err = add_first(st, STORE_KEY_LABEL, i->label.signer->public_key, diag);
    if (err == ATT_OK)
        err = add_first(st, STORE_KEY_LOG, i->log->public_key, diag);
    if (err == ATT_OK)
        return store_commit(st, diag);
    store_rollback(st);
    return err;
}

static enum att_err take_configured(struct issuer *i, const struct config *cfg, struct store *st,
                                    int64_t now_utc, struct att_diag *diag)
{
    const struct issuer_place label = issuer_label_place(cfg), log = issuer_log_place(cfg);
    enum att_err err = issuer_read_label(&i->label, cfg, &label, now_utc, diag);

    if (err == ATT_OK)
        err = issuer_check_data(i, i->label.signer->public_key, diag);
    if (err == ATT_OK)
        err = issuer_read_log(&i->log, &log, diag);
    if (err == ATT_OK)
        err = copy_key(&i->log_known[0], i->log->public_key);
    if (err != ATT_OK)
        return err;
    i->log_known_count = 1;
    err = check_first(i, st, diag);
    return err == ATT_OK ? write_first(i, st, diag) : err;
}

enum att_err keys_open(struct issuer **out, const struct config *cfg, struct store *st,
                       int64_t now_utc, struct att_diag *diag)
{
    ATT_CLEANUP(issuer_freep) struct issuer *i = NULL;
    struct keys_known known = {0};
    struct store_key row = {0};
    enum att_err err = issuer_open_authority(&i, cfg, diag);

    if (err != ATT_OK)
        return err;
    if (store_key_next(&row, st, STORE_KEY_LABEL, 0) == ATT_E_NOT_FOUND) {
        err = take_configured(i, cfg, st, now_utc, diag);
    } else {
        err = open_kind(i, cfg, st, STORE_KEY_LABEL, now_utc, diag);
        if (err == ATT_OK)
            err = open_kind(i, cfg, st, STORE_KEY_LOG, now_utc, diag);
        if (err == ATT_OK)
            err = keys_known_load(&known, cfg, st, diag);
        memcpy(i->log_known, known.key, sizeof(i->log_known)); /* the issuer's now */
        i->log_known_count = known.count;
        if (err == ATT_OK)
            open_before(i, cfg, st, now_utc);
    }
    if (err != ATT_OK)
        return err;
    *out = i;
    i = NULL;
    return ATT_OK;
}

/* --- one takes over from the other --- */

void key_change_free(struct key_change *c)
{
    if (c == NULL)
        return;
    issuer_label_clear(&c->label);
    att_signer_free(c->log);
    att_signer_free(c->log_before);
    free(c);
}

static void turn_label(struct issuer *i, struct key_change *c)
{
    struct issuer_label other = i->label;

    i->label = c->label;
    c->label = other;
}

/* What cosigned until now goes aside; a key that hands over stays, in its place. */
static void turn_log(struct issuer *i, struct key_change *c)
{
    struct att_signer *other = i->log, *aside = c->log_before;
    int64_t until = c->until;

    c->log_before = i->log_before;
    c->until = i->log_before_until;
    i->log = c->log;
    i->log_before = c->hands_over && !c->in_force ? other : aside;
    i->log_before_until = until;
    if (c->hands_over && c->in_force) {
        i->log = c->log_before; /* it was only lent */
        c->log_before = NULL;
    }
    c->log = c->hands_over && !c->in_force ? NULL : other;
}

void key_change_turn(struct keeper *k, struct key_change *c)
{
    if (c->kind == STORE_KEY_LABEL)
        turn_label(k->issuer, c);
    else
        turn_log(k->issuer, c);
    c->in_force = !c->in_force;
    sequencer_keys_changed(k->sequencer);
    status_cache_clear(&k->lists);
}

void keys_settle(struct keeper *k, struct job *job)
{
    if (job->keys != NULL && !job->keys->in_force)
        key_change_turn(k, job->keys);
}

void keys_undo(struct keeper *k, struct job *job)
{
    if (job->keys != NULL && job->keys->in_force)
        key_change_turn(k, job->keys);
}
