#include "log_view.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hex.h"

enum att_err log_as_config(enum att_err err)
{
    switch (exit_for(err, ATT_R_NONE)) {
    case EXIT_MALFORMED:
    case EXIT_FALSE:
        return ATT_E_CONFIG;
    default:
        return err;
    }
}

enum att_err log_key_load(struct att_vkey **out, const char *arg, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_slice text;
    enum att_err err = att_vkey_parse(out, att_slice_str(arg), diag);

    if (err == ATT_OK || strchr(arg, '+') != NULL) {
        return log_as_config(err);
    }
    err = att_file_read(&file, arg, ATT_VKEY_TEXT + 1, diag);
    if (err != ATT_OK) {
        return log_as_config(err);
    }
    text = att_buf_slice(file);
    if (text.len > 0 && text.p[text.len - 1] == '\n') {
        text.len--;
    }
    return log_as_config(att_vkey_parse(out, text, diag));
}

enum att_err log_view_keys(struct log_view *v, const struct cli *cli, const char *key,
                           struct att_diag *diag)
{
    struct stat st;
    enum att_err err = ATT_OK;

    if (key == NULL && (stat(cli->trust, &st) != 0 || !S_ISDIR(st.st_mode))) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_TRUST_NONE, "--trust", "expected %s, found %s",
                        "the key of the log (--key, or a trust folder)", "no folder");
    }
    if (key == NULL) {
        err = trust_keys_load(&v->keys, cli->trust, diag);
    } else {
        err = log_key_load(&v->keys.key[0], key, diag);
        v->keys.count = err == ATT_OK ? 1 : 0;
    }
    if (err == ATT_OK && trust_keys_count(&v->keys, ATT_NOTE_ED25519) == 0) {
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TRUST_NONE, "trust",
                        "expected %s, found nothing",
                        "the key of a log (attestctl trust add LOG.vkey, or --key)");
    }
    return err;
}

/* In which line of the note this key signed, so it says; the number of lines when in none. */
static size_t line_of(const struct att_vkey *key, const struct att_note *note)
{
    size_t i = 0;

    while (i < note->sig_count && (note->sig[i].key_id != att_vkey_id(key) ||
                                   !att_slice_eq(note->sig[i].name, att_vkey_name(key)))) {
        i++;
    }
    return i;
}

/* The key of the log that the note says to be of. Of several, the one whose line comes first: a log that hands over names the
 * new one before the old one. */
static const struct att_vkey *key_of(const struct log_view *v, const struct att_note *note)
{
    const struct att_vkey *best = NULL;
    struct att_tree_head head;

    if (att_tree_head_parse(&head, note->text, NULL) != ATT_OK) {
        return NULL;
    }
    for (size_t i = 0; i < v->keys.count; i++) {
        const struct att_vkey *key = v->keys.key[i];

        if (att_vkey_type(key) == ATT_NOTE_ED25519 &&
            att_slice_eq(att_vkey_name(key), head.origin) &&
            (best == NULL || line_of(key, note) < line_of(best, note))) {
            best = key;
        }
    }
    return best;
}

enum att_err log_view_verify(struct att_checkpoint **out, const struct att_vkey **key,
                             const struct log_view *v, struct att_slice in, struct att_diag *diag)
{
    struct att_tree_head head;
    struct att_checkpoint_keys keys = {0};
    struct att_note note;
    char shown[128];
    enum att_err err = att_note_parse(&note, in, diag);

    if (err == ATT_OK) {
        err = att_tree_head_parse(&head, note.text, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    keys.log = key_of(v, &note);
    if (keys.log == NULL) {
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TL_CKPT, "origin",
                        "no key here is of the log %s",
                        att_escape(shown, sizeof(shown), head.origin.p, head.origin.len));
    }
    *key = keys.log;
    return att_checkpoint_verify(out, &note, &keys, diag);
}

enum att_err log_view_open(struct log_view *v, const struct cli *cli,
                           const struct log_options *options, struct att_diag *diag)
{
    const struct att_tree_head *head = NULL;
    char name[ATT_NOTE_NAME_MAX + 1];
    enum att_err err = log_view_keys(v, cli, options->key, diag);

    if (err == ATT_OK) {
        err = log_source_open(&v->source, &options->place, diag);
    }
    if (err == ATT_OK) {
        err = log_source_get(&v->note, v->source, "checkpoint", ATT_NOTE_MAX, diag);
    }
    if (err == ATT_OK) {
        err = log_view_verify(&v->checkpoint, &v->key, v, att_buf_slice(v->note), diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    head = att_checkpoint_head(v->checkpoint);
    v->tree = &head->tree;
    (void)snprintf(name, sizeof(name), "%.*s", (int)head->origin.len, (const char *)head->origin.p);
    (void)text_safe(v->origin, sizeof(v->origin), name);
    return ATT_OK;
}

void log_view_close(struct log_view *v)
{
    att_checkpoint_free(v->checkpoint);
    att_buf_free(v->note);
    log_source_close(v->source);
    trust_keys_clear(&v->keys);
    *v = (struct log_view){0};
}

void log_view_tell(struct report *r, const struct log_view *v)
{
    char root[2 * ATT_MERKLE_LEN + 1];

    (void)att_hex_encode(root, sizeof(root), att_slice_of(v->tree->root, ATT_MERKLE_LEN));
    report_field(r, tr(r->cli, "log", "ログ"), "%s", v->origin);
    report_field(r, tr(r->cli, "size", "件数"), "%llu", (unsigned long long)v->tree->size);
    report_field(r, tr(r->cli, "root", "ルート"), "%s", root);
    (void)json_object_set_new(r->root, "checkpoint",
                              json_pack("{s:s, s:I, s:s}", "origin", v->origin, "size",
                                        (json_int_t)v->tree->size, "root", root));
}
