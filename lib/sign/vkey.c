/* Verifier keys of signed notes. */
#include "sign/vkey.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "base/hex.h"
#include "base/rd.h"
#include "codec/utf8.h"

#define KEY_MAX                                                                                    \
    4096 /* bytes of type and key that are worth decoding: other types have longer keys */

struct att_vkey {
    enum att_note_type type;
    uint32_t id;
    uint8_t raw[ATT_ED25519_LEN];
    struct att_pubkey *key;
    size_t name_len;
    char name[ATT_NOTE_NAME_MAX];
};

/* The code points of White_Space above U+007F, as UTF-8; U+2000 to U+200A are a range. */
static const char *const SPACES[] = {
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
    "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
    "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
};

bool att_note_name_ok(struct att_slice name)
{
    if (name.len == 0 || !att_utf8_ok(name)) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.p[i] <= ' ' || name.p[i] == '+') {
            return false;
        }
    }
    for (size_t i = 0; i < ATT_COUNT(SPACES); i++) {
        if (memmem(name.p, name.len, SPACES[i], strlen(SPACES[i])) != NULL) {
            return false;
        }
    }
    return true;
}

static enum att_err hash_key(uint8_t out[32], struct att_slice name, enum att_note_type type,
                             const uint8_t key[ATT_ED25519_LEN])
{
    const uint8_t middle[] = {'\n', (uint8_t)type};
    const struct att_slice parts[] = {
        name,
        att_slice_of(middle, sizeof(middle)),
        att_slice_of(key, ATT_ED25519_LEN),
    };

    return att_digest(ATT_HASH_SHA256, parts, ATT_COUNT(parts), out);
}

enum att_err att_vkey_fingerprint(uint8_t out[32], const struct att_vkey *k)
{
    return hash_key(out, att_vkey_name(k), k->type, k->raw);
}

enum att_err att_note_key_id(uint32_t *out, struct att_slice name, enum att_note_type type,
                             const uint8_t key[ATT_ED25519_LEN])
{
    uint8_t hash[32] = {0};
    struct att_rd r = att_rd_from(hash, sizeof(hash));
    enum att_err err = hash_key(hash, name, type, key);

    if (err != ATT_OK) {
        return err;
    }
    *out = att_rd_u32be(&r);
    return ATT_OK;
}

enum att_err att_vkey_new(struct att_vkey **out, struct att_slice name, enum att_note_type type,
                          const struct att_pubkey *key)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *k = NULL;
    enum att_err err = ATT_OK;

    if (!att_note_name_ok(name) || name.len > ATT_NOTE_NAME_MAX) {
        return ATT_E_FORMAT;
    }
    k = calloc(1, sizeof(*k));
    if (k == NULL) {
        return ATT_E_NOMEM;
    }
    k->type = type;
    memcpy(k->name, name.p, name.len);
    k->name_len = name.len;
    err = att_pubkey_ed25519(k->raw, key);
    if (err == ATT_OK) {
        err = att_pubkey_from_ed25519(&k->key, att_slice_of(k->raw, sizeof(k->raw)), NULL);
    }
    if (err == ATT_OK) {
        err = att_note_key_id(&k->id, name, type, k->raw);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = k;
    k = NULL;
    return ATT_OK;
}

static enum att_err refuse(struct att_diag *diag, enum att_err err, const char *what)
{
    return att_fail(diag, err, ATT_R_FMT_KEY, "vkey", "%s", what);
}

/* NAME+ID+KEY, split at the first two plus signs: base64 may have more of them. */
struct parts {
    struct att_slice name, id, key;
};

static bool split_at_plus(struct att_slice *head, struct att_slice *rest)
{
    struct att_rd r = att_rd_slice(*rest);
    const uint8_t *plus = rest->len > 0 ? memchr(rest->p, '+', rest->len) : NULL;

    if (plus == NULL) {
        return false;
    }
    *head = att_rd_bytes(&r, (size_t)(plus - rest->p));
    att_rd_skip(&r, 1);
    *rest = att_rd_rest(&r);
    return true;
}

/* Eight digits of one spelling. */
static enum att_err read_id(uint32_t *out, struct att_slice text)
{
    uint8_t bytes[4] = {0};
    struct att_rd r = att_rd_from(bytes, sizeof(bytes));
    char again[9];
    size_t len = 0;

    if (att_hex_decode(bytes, sizeof(bytes), &len, (const char *)text.p, text.len) != ATT_OK ||
        len != sizeof(bytes)) {
        return ATT_E_FORMAT;
    }
    att_hex_encode(again, sizeof(again), att_slice_of(bytes, sizeof(bytes)));
    if (!att_slice_eq(text, att_slice_str(again))) {
        return ATT_E_FORMAT;
    }
    *out = att_rd_u32be(&r);
    return ATT_OK;
}

/* The type and the 32 bytes behind it. */
static enum att_err read_key(enum att_note_type *type, struct att_pubkey **out,
                             struct att_slice text, struct att_diag *diag)
{
    uint8_t bytes[KEY_MAX];
    struct att_rd r;
    uint8_t found = 0;
    size_t len = 0;
    enum att_err err =
        att_b64_decode(bytes, sizeof(bytes), &len, ATT_B64_STD, (const char *)text.p, text.len);

    if (err != ATT_OK || len == 0) {
        return refuse(diag, err == ATT_E_LIMIT ? err : ATT_E_FORMAT,
                      "expected base64 of a type and a key behind the second \"+\"");
    }
    r = att_rd_from(bytes, len);
    found = att_rd_u8(&r);
    if (found != ATT_NOTE_ED25519 && found != ATT_NOTE_COSIGNATURE) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_FMT_KEY, "vkey",
                        "expected a key of type 01 (Ed25519) or 04 (cosignature), found type %02x",
                        (unsigned int)found);
    }
    if (len != 1 + ATT_ED25519_LEN) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_KEY, "vkey",
                        "expected a key of %d bytes, found %zu", ATT_ED25519_LEN, len - 1);
    }
    err = att_pubkey_from_ed25519(out, att_rd_rest(&r), diag);
    if (err != ATT_OK) {
        return err;
    }
    *type = (enum att_note_type)found;
    return ATT_OK;
}

enum att_err att_vkey_parse(struct att_vkey **out, struct att_slice text, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *k = NULL;
    struct parts p = {.key = text};
    enum att_note_type type = ATT_NOTE_ED25519;
    uint32_t id = 0;
    enum att_err err = ATT_OK;

    if (!split_at_plus(&p.name, &p.key) || !split_at_plus(&p.id, &p.key)) {
        return refuse(diag, ATT_E_FORMAT, "expected NAME+ID+KEY");
    }
    if (!att_note_name_ok(p.name)) {
        return refuse(diag, ATT_E_FORMAT,
                      "expected a name without spaces in front of the first \"+\"");
    }
    if (p.name.len > ATT_NOTE_NAME_MAX) {
        return refuse(diag, ATT_E_LIMIT, "expected a name of at most 255 bytes");
    }
    if (read_id(&id, p.id) != ATT_OK) {
        return refuse(diag, ATT_E_FORMAT,
                      "expected 8 lower-case hexadecimal digits behind the first \"+\"");
    }
    err = read_key(&type, &key, p.key, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_vkey_new(&k, p.name, type, key);
    if (err != ATT_OK) {
        return att_fail(diag, err, err == ATT_E_NOMEM ? ATT_R_NOMEM : ATT_R_INTERNAL, "vkey",
                        "the key could not be kept");
    }
    if (ATT_GUARD(VKEY_ID, k->id != id)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_FMT_KEY, "vkey",
                        "expected the id %08" PRIx32 ", which name and key have, found %08" PRIx32,
                        k->id, id);
    }
    *out = k;
    k = NULL;
    return ATT_OK;
}

void att_vkey_free(struct att_vkey *k)
{
    if (k != NULL) {
        att_pubkey_free(k->key);
        free(k);
    }
}

void att_vkey_freep(struct att_vkey **k)
{
    att_vkey_free(*k);
    *k = NULL;
}

char *att_vkey_print(char *out, size_t cap, const struct att_vkey *k)
{
    uint8_t typed[1 + ATT_ED25519_LEN] = {(uint8_t)k->type};
    char base64[ATT_B64_LEN(sizeof(typed))];

    if (cap == 0) {
        return out;
    }
    out[0] = '\0';
    if (cap >= ATT_VKEY_TEXT) {
        memcpy(typed + 1, k->raw, sizeof(k->raw));
        att_b64_encode(base64, sizeof(base64), ATT_B64_STD, att_slice_of(typed, sizeof(typed)));
        snprintf(out, cap, "%.*s+%08" PRIx32 "+%s", (int)k->name_len, k->name, k->id, base64);
    }
    return out;
}

struct att_slice att_vkey_name(const struct att_vkey *k)
{
    return att_slice_of(k->name, k->name_len);
}

enum att_note_type att_vkey_type(const struct att_vkey *k)
{
    return k->type;
}

uint32_t att_vkey_id(const struct att_vkey *k)
{
    return k->id;
}

const struct att_pubkey *att_vkey_key(const struct att_vkey *k)
{
    return k->key;
}
