/*
 * /keys: which keys sign, and when another takes over.
 *
 * A change has a transaction of its own, and what it says, what the records name and what labels lose are in it together. The
 * last entry that a rotated label key signs is the one that names its successor; an end for a compromised key is signed by the
 * key that follows, and the tree with the entry of a new log key by that key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_internal.h"
#include "base/guard.h"
#include "base/hex.h"
#include "codec/json.h"
#include "tlog/entry.h"

#define HAND_OVER_S     (INT64_C(30) * 86400) /* a log's key of before cosigns for so long */
#define HAND_OVER_MAX_S (INT64_C(366) * 86400)

static const char *kind_name(enum store_key_kind kind)
{
    return kind == STORE_KEY_LABEL ? "label" : "log";
}

/* --- lists --- */

static enum att_err print_of(char out[65], const struct request *r, const struct store_key *row)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = keys_public(row);
    uint8_t print[32];

    if (key == NULL || keys_print(print, r->k->cfg, row->kind, key) != ATT_OK)
        return att_fail(r->diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, "key", "a key cannot be read");
    (void)att_hex_encode(out, 65, att_slice_of(print, sizeof(print)));
    return ATT_OK;
}

static json_t *number_or_null(int64_t n)
{
    return n >= 0 ? json_integer((json_int_t)n) : json_null();
}

static json_t *row_json(const struct request *r, const struct store_key *row, const char *print)
{
    bool in_force = row->ends < 0;
    const struct issuer *i = r->k->issuer;

    return json_pack("{s:s, s:o, s:I, s:o, s:o, s:b, s:o, s:o}", "key", print, "name",
                     admin_text(row->name), "begins", (json_int_t)row->begins, "ends",
                     number_or_null(row->ends), "revoked", number_or_null(row->revoked), "in_force",
                     in_force ? 1 : 0, "cosigns_until", admin_time(row->cosigns_until), "expires",
                     admin_time(in_force && row->kind == STORE_KEY_LABEL
                                    ? att_cert_not_after(i->label.chain[0])
                                    : 0));
}

static enum att_err list_kind(json_t *list, struct request *r, enum store_key_kind kind)
{
    struct store_key row = {0};
    char print[65];
    enum att_err err = store_key_next(&row, r->k->st, kind, 0);

    while (err == ATT_OK) {
        err = print_of(print, r, &row);
        if (err != ATT_OK)
            return err;
        if (json_array_append_new(list, row_json(r, &row, print)) != 0)
            return att_fail(r->diag, ATT_E_NOMEM, ATT_R_NOMEM, "keys", "memory ran out");
        err = store_key_next(&row, r->k->st, kind, row.nth);
    }
    return err == ATT_E_NOT_FOUND
               ? ATT_OK
               : att_fail(r->diag, err, ATT_R_ST_CORRUPT, "keys", "they cannot be read");
}

enum att_err admin_list_keys(struct request *r)
{
    ATT_CLEANUP(att_json_freep) json_t *label = json_array();
    ATT_CLEANUP(att_json_freep) json_t *log = json_array();
    enum att_err err = label != NULL && log != NULL
                           ? ATT_OK
                           : att_fail(r->diag, ATT_E_NOMEM, ATT_R_NOMEM, "keys", "memory ran out");

    if (err == ATT_OK)
        err = list_kind(label, r, STORE_KEY_LABEL);
    if (err == ATT_OK)
        err = list_kind(log, r, STORE_KEY_LOG);
    return err == ATT_OK
               ? admin_reply(r, 200,
                             json_pack("{s:s, s:s, s:O, s:O}", "issuer", r->k->cfg->verifier_id,
                                       "origin", r->k->cfg->log.origin, "label", label, "log", log))
               : err;
}

/* The label key of this fingerprint. */
static enum att_err find_label_key(struct store_key *row, struct request *r, const char *hex)
{
    char print[65];
    enum att_err err = store_key_next(row, r->k->st, STORE_KEY_LABEL, 0);

    while (err == ATT_OK) {
        err = print_of(print, r, row);
        if (err != ATT_OK)
            return err;
        if (strcmp(print, hex) == 0)
            return ATT_OK;
        err = store_key_next(row, r->k->st, STORE_KEY_LABEL, row->nth);
    }
    if (err != ATT_E_NOT_FOUND)
        return att_fail(r->diag, err, ATT_R_ST_CORRUPT, "keys", "they cannot be read");
    return att_fail(r->diag, err, ATT_R_KEY_NONE, "key",
                    "expected the 64 hexadecimal digits of a label key of this verifier");
}

/* GET /keys/HEX/revocation: the entry that ends the key, in a receipt: what partners keep (attestctl trust revoke). */
enum att_err admin_show_revocation(struct request *r)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *receipt = NULL;
    struct store_key row = {0};
    char hex[65] = "";
    const char *slash = strchr(r->rest, '/');
    enum att_err err;

    if (slash == NULL || strcmp(slash, "/revocation") != 0 || slash - r->rest != 64)
        return att_fail(r->diag, ATT_E_NOT_FOUND, ATT_R_HTTP_ROUTE, "path",
                        "expected /keys/KEY/revocation");
    (void)snprintf(hex, sizeof(hex), "%.64s", r->rest);
    err = find_label_key(&row, r, hex);
    if (err != ATT_OK)
        return err;
    if (row.revoked < 0)
        return att_fail(r->diag, ATT_E_NOT_FOUND, ATT_R_KEY_NONE, "key",
                        "expected a key that was revoked, found one that was not");
    err = sequencer_receipt(&receipt, r->k->sequencer, row.revoked, r->diag);
    return err == ATT_OK
               ? answer_with(&r->job->answer, 200, MSG_TYPE_CBOR, att_buf_slice(receipt), r->diag)
               : err;
}

/* --- changes --- */

/* What is to happen, read from the request and the records. */
struct plan {
    enum store_key_kind kind;
    const char *name;
    bool compromised;
    int64_t hand_over_s;
    struct store_key before, now;
    char before_print[65], now_print[65];
    int64_t entry; /* that says so */
    int64_t labels;
};

static enum att_err bad(struct request *r, const char *field, const char *what)
{
    return att_fail(r->diag, ATT_E_FORMAT, ATT_R_FMT_JSON, field, "expected %s", what);
}

static enum att_err read_words(struct plan *p, struct request *r)
{
    const char *kind = json_string_value(json_object_get(r->body, "kind"));
    const char *why = json_string_value(json_object_get(r->body, "reason"));

    p->name = json_string_value(json_object_get(r->body, "name"));
    if (kind == NULL || (strcmp(kind, "label") != 0 && strcmp(kind, "log") != 0))
        return bad(r, "kind", "label or log");
    if (p->name == NULL || !keys_name_ok(p->name))
        return bad(r, "name", "a name of the folder of keys: 1 to 64 of a-z 0-9 - _");
    if (why == NULL ||
        (strcmp(why, ATT_ENTRY_ROTATED) != 0 && strcmp(why, ATT_ENTRY_COMPROMISED) != 0))
        return bad(r, "reason", "rotated or compromised");
    p->kind = strcmp(kind, "label") == 0 ? STORE_KEY_LABEL : STORE_KEY_LOG;
    p->compromised = strcmp(why, ATT_ENTRY_COMPROMISED) == 0;
    return ATT_OK;
}

/* {"kind", "name", "reason", "hand_over_s"}: a key in strange hands hands nothing over. */
static enum att_err read_plan(struct plan *p, struct request *r)
{
    const json_t *over = json_object_get(r->body, "hand_over_s");
    enum att_err err = read_words(p, r);

    if (err != ATT_OK)
        return err;
    if (json_object_size(r->body) != (over != NULL ? 4 : 3))
        return bad(r, "body", "kind, name, reason, hand_over_s and nothing else");
    if (over != NULL &&
        (!json_is_integer(over) || p->kind != STORE_KEY_LOG || p->compromised ||
         json_integer_value(over) < 0 || json_integer_value(over) > HAND_OVER_MAX_S))
        return bad(r, "hand_over_s", "0 to 366 days, of a log's key that is rotated");
    if (p->kind == STORE_KEY_LOG && !p->compromised)
        p->hand_over_s = over != NULL ? json_integer_value(over) : HAND_OVER_S;
    return ATT_OK;
}

static enum att_err open_new(struct key_change *c, struct request *r, const struct plan *p)
{
    const struct config *cfg = r->k->cfg;
    struct issuer_place place;
    struct keys_room room;
    enum att_err err = keys_place(&place, &room, cfg, p->name, r->diag);

    if (err != ATT_OK)
        return err;
    return p->kind == STORE_KEY_LABEL
               ? issuer_read_label(&c->label, cfg, &place, r->k->opt.utc_s(), r->diag)
               : issuer_read_log(&c->log, &place, r->diag);
}

static enum att_err describe_new(struct plan *p, struct request *r, const struct att_pubkey *key)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    enum att_err err = att_pubkey_spki(&spki, key);

    p->now = (struct store_key){.kind = p->kind};
    if (err != ATT_OK || att_buf_len(spki) > sizeof(p->now.spki))
        return att_fail(r->diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "key", "it cannot be encoded");
    p->now.spki_len = att_buf_len(spki);
    memcpy(p->now.spki, att_buf_slice(spki).p, p->now.spki_len);
    (void)snprintf(p->now.name, sizeof(p->now.name), "%s", p->name);
    return print_of(p->now_print, r, &p->now);
}

/* Neither the key in force nor one of before, of either kind: what was revoked, or handed over, does not come back. */
static enum att_err check_unused(struct request *r, const struct plan *p)
{
    static const enum store_key_kind kinds[] = {STORE_KEY_LABEL, STORE_KEY_LOG};
    const struct att_slice spki = att_slice_of(p->now.spki, p->now.spki_len);

    for (size_t i = 0; i < ATT_COUNT(kinds); i++) {
        struct store_key row = {0};
        size_t count = 0;

        while (store_key_next(&row, r->k->st, kinds[i], row.nth) == ATT_OK) {
            if (ATT_GUARD(KEY_ONCE, att_slice_eq(spki, att_slice_of(row.spki, row.spki_len))))
                return att_fail(r->diag, ATT_E_CONFLICT, ATT_R_KEY_USED, "key",
                                "%s is the %s key from entry %lld on", p->name, kind_name(row.kind),
                                (long long)row.begins);
            count++;
        }
        if (kinds[i] == p->kind && count >= ISSUER_LOG_KEYS_MAX)
            return att_fail(r->diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, "key",
                            "expected at most %d keys of a kind", ISSUER_LOG_KEYS_MAX);
    }
    return ATT_OK;
}

static enum att_err note(struct plan *p, struct request *r)
{
    struct store_outcome o = {.utc = r->k->opt.utc_s(),
                              .kind = p->kind == STORE_KEY_LABEL ? STORE_KIND_LABEL_KEY
                                                                 : STORE_KIND_LOG_KEY,
                              .has_rules = true};
    size_t len = 0;

    if (att_hex_decode(o.policy, sizeof(o.policy), &len, p->before_print, 64) != ATT_OK ||
        att_hex_decode(o.refvals, sizeof(o.refvals), &len, p->now_print, 64) != ATT_OK)
        return att_fail(r->diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "key", "hashing failed");
    (void)snprintf(o.reason, sizeof(o.reason), "%s",
                   p->compromised ? ATT_ENTRY_COMPROMISED : ATT_ENTRY_ROTATED);
    (void)snprintf(o.detail, sizeof(o.detail), "%s key %s", kind_name(p->kind), p->now.name);
    return store_outcome_append(&p->entry, r->k->st, &o, r->diag);
}

/* Every label in force that the key signed: nobody can tell which of them it signed for somebody else. */
static enum att_err revoke_labels(struct plan *p, struct request *r)
{
    const int64_t range[2] = {p->before.begins, p->before.ends < 0 ? p->entry : p->before.ends};

    return store_label_revoke_of_key(&p->labels, r->k->st, range, r->k->opt.utc_s(), p->entry,
                                     r->diag);
}

static enum att_err write_change(struct plan *p, struct request *r)
{
    struct store *st = r->k->st;
    bool says_so = p->kind == STORE_KEY_LABEL && !p->compromised;
    int64_t until = p->hand_over_s > 0 ? r->k->opt.utc_s() + p->hand_over_s : 0;
    enum att_err err = note(p, r);

    if (err != ATT_OK)
        return err;
    p->now.begins = p->entry + (says_so ? 1 : 0);
    if (p->kind == STORE_KEY_LABEL && p->compromised)
        err = revoke_labels(p, r);
    if (err == ATT_OK)
        err = store_key_end(st, p->kind, p->now.begins, until, r->diag);
    if (err == ATT_OK)
        err = store_key_add(st, &p->now, r->diag);
    if (err == ATT_OK && p->compromised)
        err = store_key_revoke(st, p->kind, p->before.nth, p->entry, r->diag);
    if (err == ATT_OK && p->kind == STORE_KEY_LOG && p->compromised && r->k->witnessed != NULL)
        err = witnessed_forget(r->k->witnessed, r->diag);
    return err;
}

static enum att_err told(struct request *r, const struct plan *p)
{
    return admin_reply(
        r, 200,
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "kind", kind_name(p->kind), "name",
                  p->now.name, "reason", p->compromised ? ATT_ENTRY_COMPROMISED : ATT_ENTRY_ROTATED,
                  "before", p->before_print, "now", p->now_print, "outcome", (json_int_t)p->entry,
                  "labels", (json_int_t)p->labels, "cosigns_until",
                  admin_time(p->hand_over_s > 0 ? r->k->opt.utc_s() + p->hand_over_s : 0)));
}

enum att_err admin_rotate_key(struct request *r)
{
    struct plan p = {0};
    struct key_change *c = NULL;
    enum att_err err = read_plan(&p, r);

    if (err != ATT_OK)
        return err;
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return att_fail(r->diag, ATT_E_NOMEM, ATT_R_NOMEM, "key", "memory ran out");
    r->job->keys = c; /* goes with the job */
    c->kind = p.kind;
    c->hands_over = p.hand_over_s > 0;
    c->until = p.hand_over_s > 0 ? r->k->opt.utc_s() + p.hand_over_s : 0;
    err = open_new(c, r, &p);
    if (err == ATT_OK)
        err = describe_new(
            &p, r, p.kind == STORE_KEY_LABEL ? c->label.signer->public_key : c->log->public_key);
    if (err == ATT_OK)
        err = check_unused(r, &p);
    if (err == ATT_OK && keys_in_force(&p.before, r->k->st, p.kind) != ATT_OK)
        err = att_fail(r->diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, "key", "none is in force");
    if (err == ATT_OK)
        err = print_of(p.before_print, r, &p.before);
    if (err == ATT_OK)
        err = write_change(&p, r);
    if (err == ATT_OK && (p.kind == STORE_KEY_LOG || p.compromised))
        key_change_turn(r->k, c); /* the entry itself, or the tree with it, is the new key's */
    return err == ATT_OK ? told(r, &p) : err;
}

/* {"key": HEX}: one of before, of which it is known now that others have it. */
enum att_err admin_revoke_key(struct request *r)
{
    const char *hex = json_string_value(json_object_get(r->body, "key"));
    struct plan p = {.kind = STORE_KEY_LABEL, .compromised = true};
    enum att_err err;

    if (hex == NULL || json_object_size(r->body) != 1)
        return bad(r, "key", "{\"key\": 64 hexadecimal digits}");
    err = find_label_key(&p.before, r, hex);
    if (err == ATT_OK && p.before.ends < 0)
        err = att_fail(r->diag, ATT_E_CONFLICT, ATT_R_KEY_USED, "key",
                       "it is in force: attestctl key rotate --compromised ends it");
    if (err == ATT_OK && p.before.revoked >= 0)
        err = att_fail(r->diag, ATT_E_CONFLICT, ATT_R_KEY_USED, "key",
                       "it was revoked already, at entry %lld", (long long)p.before.revoked);
    if (err == ATT_OK && keys_in_force(&p.now, r->k->st, p.kind) != ATT_OK)
        err = att_fail(r->diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, "key", "none is in force");
    if (err == ATT_OK)
        err = print_of(p.before_print, r, &p.before);
    if (err == ATT_OK)
        err = print_of(p.now_print, r, &p.now);
    if (err == ATT_OK)
        err = note(&p, r);
    if (err == ATT_OK)
        err = revoke_labels(&p, r);
    if (err == ATT_OK)
        err = store_key_revoke(r->k->st, p.kind, p.before.nth, p.entry, r->diag);
    if (err != ATT_OK)
        return err;
    status_cache_clear(&r->k->lists);
    return told(r, &p);
}
