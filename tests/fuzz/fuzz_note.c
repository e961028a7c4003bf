/*
 * Signed notes and verifier keys: what is parsed is the whole input, and whatever verifies under a key of ours is the
 * very line that this key makes (Ed25519 has one signature for one text).
 */
#include <string.h>

#include "fuzz.h"
#include "sign/note.h"

/* RFC 8032 7.1, test 1. */
#define SEED_KEY                                                                                   \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"                           \
    "-----END PRIVATE KEY-----\n"

static struct att_signer *signer;
static struct att_vkey *keys[2];
static const enum att_note_type TYPES[2] = {ATT_NOTE_ED25519, ATT_NOTE_COSIGNATURE};

static void make_keys(void)
{
    struct att_privkey *key = NULL;

    if (signer != NULL) {
        return;
    }
    HOLDS(att_privkey_from_pem(&key, att_slice_str(SEED_KEY), NULL) == ATT_OK);
    HOLDS(att_signer_software(&signer, key) == ATT_OK);
    for (size_t i = 0; i < 2; i++) {
        HOLDS(att_vkey_new(&keys[i], att_slice_str("fuzz.example"), TYPES[i], signer->public_key) ==
              ATT_OK);
    }
}

static void same_line(const struct att_note *note, size_t which, uint64_t time_s)
{
    const struct att_note_order order = {.text = note->text,
                                         .name = att_slice_str("fuzz.example"),
                                         .type = TYPES[which],
                                         .time_s = time_s};
    struct att_buf *line = NULL;
    bool found = false;

    HOLDS(att_note_sign(&line, &order, signer) == ATT_OK);
    for (size_t i = 0; i < note->sig_count; i++) {
        found = found || att_slice_eq(note->sig[i].line, att_buf_slice(line));
    }
    HOLDS(found);
    att_buf_free(line);
}

/* Text, blank line and lines lie behind each other and fill the input. */
static void tiles_input(const struct att_note *note, const uint8_t *data, size_t size)
{
    const uint8_t *at = data + note->text.len + 1;

    HOLDS(note->text.p == data && at[-1] == '\n' && at[-2] == '\n');
    for (size_t i = 0; i < note->sig_count; i++) {
        HOLDS(note->sig[i].line.p == at && att_note_name_ok(note->sig[i].name));
        at += note->sig[i].line.len;
    }
    HOLDS(at == data + size && note->sig_count >= 1);
}

/* Without the lines of strangers it is still the same text, and signed by the same keys. */
static void kept(const struct att_note *note)
{
    const struct att_vkey *const *ours = (const struct att_vkey *const *)keys;
    struct att_note_verified *v = NULL;
    struct att_note again;
    struct att_buf *b = NULL;

    HOLDS(att_note_keep(&b, note, ours, 2) == ATT_OK);
    HOLDS(att_note_parse(&again, att_buf_slice(b), NULL) == ATT_OK);
    HOLDS(att_slice_eq(again.text, note->text) && again.sig_count <= note->sig_count);
    HOLDS(att_note_verify(&v, &again, ours, 2, NULL) == ATT_OK);
    att_note_verified_free(v);
    att_buf_free(b);
}

static void vkey(struct att_slice in)
{
    struct att_vkey *k = NULL;
    uint8_t print[32];
    struct att_diag diag = {0};
    char text[ATT_VKEY_TEXT];

    if (att_vkey_parse(&k, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_KEY);
        return;
    }
    HOLDS(att_slice_eq(in, att_slice_str(att_vkey_print(text, sizeof(text), k))));
    HOLDS(att_vkey_fingerprint(print, k) == ATT_OK);
    att_vkey_free(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_note_verified *v = NULL;
    struct att_note note;
    struct att_diag diag = {0};
    uint64_t time_s = 0;

    make_keys();
    vkey(att_slice_of(data, size));
    if (att_note_parse(&note, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_TL_CKPT && (diag.off == ATT_OFF_NONE || diag.off <= size));
        return 0;
    }
    tiles_input(&note, data, size);
    if (att_note_verify(&v, &note, (const struct att_vkey *const *)keys, 2, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_TL_CKPT);
        return 0;
    }
    for (size_t i = 0; i < 2; i++) {
        if (att_note_signed_by(v, keys[i], &time_s)) {
            same_line(&note, i, time_s);
        }
    }
    HOLDS(att_slice_eq(att_note_text(v), note.text));
    kept(&note);
    att_note_verified_free(v);
    return 0;
}
