/* Signed notes: parse without belief, verify under known keys, make. */
#include "sign/note.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "base/wr.h"
#include "codec/lines.h"
#include "codec/utf8.h"

#define DASH          "\xe2\x80\x94 " /* U+2014 and a space begin a line of signature */
#define ED25519_SIG   64
#define SIGNER_CAP    512
#define COSIGNED_HEAD 64 /* room for the two lines in front of a cosigned text */

struct signed_by {
    const struct att_vkey *key;
    uint64_t time_s;
};

struct att_note_verified {
    struct att_slice text;
    size_t count;
    struct signed_by by[ATT_NOTE_SIGS];
};

static enum att_err refuse_at(struct att_diag *diag, enum att_err err, size_t off, const char *what)
{
    return att_fail_at(diag, err, ATT_R_TL_CKPT, "note", off, "%s", what);
}

static enum att_err check_characters(struct att_slice in, struct att_diag *diag)
{
    if (in.len > ATT_NOTE_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_TL_CKPT, "note",
                        "expected at most %d bytes, found %zu", ATT_NOTE_MAX, in.len);
    }
    for (size_t i = 0; i < in.len; i++) {
        if (in.p[i] < ' ' && in.p[i] != '\n') {
            return att_fail_at(diag, ATT_E_FORMAT, ATT_R_TL_CKPT, "note", i,
                               "expected text, found the byte %02x", (unsigned int)in.p[i]);
        }
    }
    if (!att_utf8_ok(in)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_TL_CKPT, "note", "the text is not UTF-8");
    }
    return ATT_OK;
}

/* The text may have blank lines of its own: the last one of the note ends it. Returns its length, or 0. */
static size_t text_len(struct att_slice in)
{
    for (size_t i = in.len; i >= 2; i--) {
        if (in.p[i - 1] == '\n' && in.p[i - 2] == '\n') {
            return i - 1;
        }
    }
    return 0;
}

/* U+2014 SP name SP base64(key id || signature) */
static enum att_err read_sig(struct att_note_sig *out, struct att_slice line, size_t off,
                             struct att_diag *diag)
{
    uint8_t bytes[ATT_NOTE_SIG_MAX];
    struct att_note_sig sig = {0};
    struct att_rd r;
    struct att_slice rest = {0};
    const uint8_t *space = NULL;
    size_t len = 0;
    enum att_err err = ATT_OK;

    if (!att_lines_after(&rest, line, DASH)) {
        return refuse_at(diag, ATT_E_FORMAT, off,
                         "expected a line of signature, which begins with U+2014 and a space");
    }
    space = rest.len > 0 ? memchr(rest.p, ' ', rest.len) : NULL;
    r = att_rd_slice(rest);
    sig.name = att_rd_bytes(&r, space != NULL ? (size_t)(space - rest.p) : 0);
    if (!att_note_name_ok(sig.name)) {
        return refuse_at(diag, ATT_E_FORMAT, off,
                         "expected the name of a key, without spaces and \"+\", and a space");
    }
    att_rd_skip(&r, 1);
    sig.base64 = att_rd_rest(&r);
    err = att_lines_base64(bytes, sizeof(bytes), &len, sig.base64);
    if (err != ATT_OK || len < 5) {
        return refuse_at(diag, err == ATT_E_LIMIT ? err : ATT_E_FORMAT, off,
                         "expected base64 of a key id and a signature of at most 8192 bytes");
    }
    r = att_rd_from(bytes, len);
    sig.key_id = att_rd_u32be(&r);
    sig.line = att_slice_of(line.p, line.len + 1);
    *out = sig;
    return ATT_OK;
}

static enum att_err read_sigs(struct att_note *note, struct att_rd rest, struct att_diag *diag)
{
    struct att_lines it = {.rd = rest};
    struct att_slice line = {0};
    bool more = false;

    for (;;) {
        enum att_err err = att_lines_next(&line, &it, &more);

        if (err != ATT_OK) {
            return refuse_at(diag, err, it.off, "the note ends inside a line of signature");
        }
        if (!more) {
            break;
        }
        if (note->sig_count == ATT_NOTE_SIGS) {
            return refuse_at(diag, ATT_E_LIMIT, it.off, "expected at most 64 signatures");
        }
        err = read_sig(&note->sig[note->sig_count], line, it.off, diag);
        if (err != ATT_OK) {
            return err;
        }
        note->sig_count++;
    }
    if (note->sig_count == 0) {
        return refuse_at(diag, ATT_E_FORMAT, it.rd.base, "the note has no signature");
    }
    return ATT_OK;
}

enum att_err att_note_parse(struct att_note *out, struct att_slice in, struct att_diag *diag)
{
    struct att_note note = {.sig_count = 0};
    struct att_rd r = att_rd_slice(in);
    size_t len = 0;
    enum att_err err = check_characters(in, diag);

    if (err != ATT_OK) {
        return err;
    }
    len = text_len(in);
    if (len == 0) {
        return refuse_at(diag, ATT_E_FORMAT, in.len,
                         "expected a text, a blank line and signatures, found no blank line");
    }
    note.text = att_rd_bytes(&r, len);
    att_rd_skip(&r, 1);
    err = read_sigs(&note, att_rd_sub(&r, att_rd_left(&r)), diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = note;
    return ATT_OK;
}

/* What a key of this type signs (tlog-cosignature, Ed25519 signed message), into a new buffer. */
static enum att_err signed_message(struct att_buf **out, struct att_slice text,
                                   enum att_note_type type, uint64_t time_s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    enum att_err err = att_buf_new(&b, COSIGNED_HEAD + text.len);

    if (err == ATT_OK && type == ATT_NOTE_COSIGNATURE) {
        err = att_lines_add_text(b, "cosignature/v1\ntime ");
        if (err == ATT_OK) {
            err = att_lines_add_decimal(b, time_s);
        }
        if (err == ATT_OK) {
            err = att_lines_add_text(b, "\n");
        }
    }
    if (err == ATT_OK) {
        err = att_buf_add_slice(b, text);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

/* SIGNATURE unless the line's bytes are a signature of this text by this key. */
static enum att_err verify_sig(uint64_t *time_s, const struct att_note_sig *sig,
                               const struct att_vkey *key, struct att_slice text)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    uint8_t bytes[4 + 8 + ED25519_SIG];
    struct att_rd r;
    struct att_slice raw = {0};
    uint64_t time = 0;
    size_t len = 0;
    enum att_err err = ATT_OK;

    if (att_lines_base64(bytes, sizeof(bytes), &len, sig->base64) != ATT_OK) {
        return ATT_E_SIGNATURE; /* longer than any of ours */
    }
    r = att_rd_from(bytes, len);
    att_rd_skip(&r, 4);
    if (att_vkey_type(key) == ATT_NOTE_COSIGNATURE) {
        time = att_rd_u64be(&r);
    }
    raw = att_rd_bytes(&r, ED25519_SIG);
    if (att_rd_end(&r) != ATT_OK || time > ATT_NOTE_TIME_MAX) {
        return ATT_E_SIGNATURE;
    }
    err = signed_message(&message, text, att_vkey_type(key), time);
    if (err == ATT_OK) {
        err = att_verify(att_vkey_key(key), ATT_SCHEME_ED25519, ATT_HASH_NONE,
                         att_buf_slice(message), raw);
    }
    if (ATT_GUARD(NOTE_SIGNATURE, err != ATT_OK)) {
        return err;
    }
    *time_s = time;
    return ATT_OK;
}

/* The key that name and id of a signature are those of, or NULL. */
static const struct att_vkey *key_of(const struct att_note_sig *sig,
                                     const struct att_vkey *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (att_vkey_id(keys[i]) == sig->key_id &&
            att_slice_eq(att_vkey_name(keys[i]), sig->name)) {
            return keys[i];
        }
    }
    return NULL;
}

static enum att_err tell(struct att_diag *diag, enum att_err err, const struct att_vkey *key)
{
    struct att_slice name = att_vkey_name(key);
    char shown[96];

    att_escape(shown, sizeof(shown), name.p, name.len);
    if (err == ATT_E_SIGNATURE) {
        return att_fail(diag, err, ATT_R_TL_CKPT, "signature",
                        "the signature of %s does not verify under its key", shown);
    }
    return att_fail(diag, err, err == ATT_E_NOMEM ? ATT_R_NOMEM : ATT_R_INTERNAL, "signature",
                    "the signature of %s could not be checked", shown);
}

enum att_err att_note_verify(struct att_note_verified **out, const struct att_note *note,
                             const struct att_vkey *const *keys, size_t key_count,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_note_verified_freep) struct att_note_verified *v = calloc(1, sizeof(*v));

    if (v == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory");
    }
    v->text = note->text;
    for (size_t i = 0; i < note->sig_count; i++) {
        const struct att_vkey *key = key_of(&note->sig[i], keys, key_count);
        struct signed_by *by = &v->by[v->count];
        enum att_err err = ATT_OK;

        if (key == NULL) {
            continue;
        }
        err = verify_sig(&by->time_s, &note->sig[i], key, note->text);
        if (err != ATT_OK) {
            return tell(diag, err, key);
        }
        by->key = key;
        v->count++;
    }
    if (ATT_GUARD(NOTE_UNSIGNED, v->count == 0)) {
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TL_CKPT, "signature",
                        "none of the %zu signatures is of a key that is trusted for this",
                        note->sig_count);
    }
    *out = v;
    v = NULL;
    return ATT_OK;
}

void att_note_verified_free(struct att_note_verified *v)
{
    free(v);
}

void att_note_verified_freep(struct att_note_verified **v)
{
    att_note_verified_free(*v);
    *v = NULL;
}

struct att_slice att_note_text(const struct att_note_verified *v)
{
    return v->text;
}

bool att_note_signed_by(const struct att_note_verified *v, const struct att_vkey *key,
                        uint64_t *time_s)
{
    bool found = false;
    uint64_t newest = 0;

    for (size_t i = 0; i < v->count; i++) {
        if (v->by[i].key == key) {
            found = true;
            newest = v->by[i].time_s > newest ? v->by[i].time_s : newest;
        }
    }
    if (found && time_s != NULL) {
        *time_s = newest;
    }
    return found;
}

enum att_err att_note_keep(struct att_buf **out, const struct att_note *note,
                           const struct att_vkey *const *keys, size_t key_count)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    enum att_err err = att_buf_new(&b, ATT_NOTE_MAX);

    if (err == ATT_OK) {
        err = att_buf_add_slice(b, note->text);
    }
    if (err == ATT_OK) {
        err = att_buf_add(b, "\n", 1);
    }
    for (size_t i = 0; err == ATT_OK && i < note->sig_count; i++) {
        if (key_of(&note->sig[i], keys, key_count) != NULL) {
            err = att_buf_add_slice(b, note->sig[i].line);
        }
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

/* Key id, time for a cosignature, and the signature itself. */
static enum att_err sig_bytes(struct att_wr *w, const struct att_note_order *o,
                              const struct att_signer *signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    uint8_t key[ATT_ED25519_LEN];
    uint8_t raw[SIGNER_CAP];
    uint32_t id = 0;
    size_t len = 0;
    enum att_err err = att_pubkey_ed25519(key, signer->public_key);

    if (err == ATT_OK) {
        err = att_note_key_id(&id, o->name, o->type, key);
    }
    if (err == ATT_OK) {
        err = signed_message(&message, o->text, o->type, o->time_s);
    }
    if (err == ATT_OK) {
        err = att_signer_sign(signer, att_buf_slice(message), raw, sizeof(raw), &len);
    }
    if (err != ATT_OK) {
        return err;
    }
    att_wr_u32be(w, id);
    if (o->type == ATT_NOTE_COSIGNATURE) {
        att_wr_u64be(w, o->time_s);
    }
    att_wr_bytes(w, raw, len);
    return ATT_OK;
}

static bool order_ok(const struct att_note_order *o)
{
    bool timed = o->type == ATT_NOTE_COSIGNATURE;

    return att_note_name_ok(o->name) && (timed || o->type == ATT_NOTE_ED25519) &&
           (timed ? o->time_s <= ATT_NOTE_TIME_MAX : o->time_s == 0);
}

static enum att_err add_line(struct att_buf *b, struct att_slice name, struct att_slice sig)
{
    enum att_err err = att_lines_add_text(b, DASH);

    if (err == ATT_OK) {
        err = att_buf_add_slice(b, name);
    }
    if (err == ATT_OK) {
        err = att_lines_add_text(b, " ");
    }
    if (err == ATT_OK) {
        err = att_lines_add_base64(b, sig);
    }
    return err == ATT_OK ? att_lines_add_text(b, "\n") : err;
}

enum att_err att_note_make(struct att_buf **out, const struct att_note_order *order,
                           const struct att_signer *signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    uint8_t room[4 + 8 + SIGNER_CAP];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_note again;
    struct att_slice sig = {0};
    enum att_err err = ATT_OK;

    if (signer->scheme != ATT_SCHEME_ED25519) {
        return ATT_E_UNSUPPORTED;
    }
    if (!order_ok(order)) {
        return ATT_E_INTERNAL;
    }
    err = sig_bytes(&w, order, signer);
    if (err == ATT_OK) {
        err = att_wr_done(&w, &sig);
    }
    if (err == ATT_OK) {
        err = att_buf_new(&b, ATT_NOTE_MAX);
    }
    if (err == ATT_OK) {
        err = att_buf_add_slice(b, order->text);
    }
    if (err == ATT_OK) {
        err = att_lines_add_text(b, "\n");
    }
    if (err == ATT_OK) {
        err = add_line(b, order->name, sig);
    }
    if (err != ATT_OK) {
        return err == ATT_E_LIMIT ? ATT_E_INTERNAL : err;
    }
    /* what is made here is read by the same rules as everything else */
    if (att_note_parse(&again, att_buf_slice(b), NULL) != ATT_OK ||
        !att_slice_eq(again.text, order->text)) {
        return ATT_E_INTERNAL;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

enum att_err att_note_sign(struct att_buf **line, const struct att_note_order *order,
                           const struct att_signer *signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    enum att_err err = att_note_make(&b, order, signer);

    if (err != ATT_OK) {
        return err;
    }
    att_buf_drop_front(b, order->text.len + 1);
    *line = b;
    b = NULL;
    return ATT_OK;
}
