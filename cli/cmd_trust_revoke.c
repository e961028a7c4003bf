/*
 * trust revoke: a label key that its issuer ended goes into revoked-keys of trust.yaml.
 *
 * What is read is the issuer's own entry in the log with the log's receipt (attestctl key export): it counts when the log and an
 * anchor of this folder vouch for it, so it may come by any way.
 */
#include <stdio.h>
#include <string.h>

#include "appraise/x5chain.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/hex.h"
#include "commands.h"
#include "tlog/entry.h"
#include "tlog/receipt.h"
#include "trust.h"

#define YAML_MAX  65536
#define LIST_HEAD "revoked-keys:"
#define PATH_ROOM 4096

struct revoking {
    struct report r;
    struct trust trust;
    bool accept_before;
    struct att_buf *file; /* the receipt */
    struct att_receipt receipt;
    struct att_entry entry;
    char origin[ATT_ENTRY_NAME_MAX];
    char key[65]; /* that ends */
};

static void clear(struct revoking *v)
{
    trust_clear(&v->trust);
    att_buf_free(v->file);
}

/* --- is it so? --- */

static enum att_err verify_receipt(struct revoking *v, struct att_diag *diag)
{
    enum att_err err =
        att_receipt_origin(v->origin, sizeof(v->origin), att_buf_slice(v->file), diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_fail(diag, ATT_E_SIGNATURE, ATT_R_TL_RECEIPT, "iss",
                   "it is of a log of which no key is here (attestctl trust add LOG.vkey)");
    for (size_t i = 0; err == ATT_E_SIGNATURE && i < v->trust.keys.count; i++) {
        const struct att_vkey *key = v->trust.keys.key[i];

        if (att_vkey_type(key) == ATT_NOTE_ED25519 &&
            att_slice_eq(att_vkey_name(key), att_slice_str(v->origin))) {
            err = att_receipt_verify(&v->receipt, att_buf_slice(v->file), v->origin,
                                     att_vkey_key(key), diag);
        }
    }
    return err;
}

static enum att_err check_kind(const struct revoking *v, struct att_diag *diag)
{
    const struct att_entry *e = &v->entry;

    if (ATT_GUARD(TRUST_REVOKE_KIND, strcmp(e->kind, ATT_ENTRY_LABEL_KEY) != 0 ||
                                         strcmp(e->reason, ATT_ENTRY_COMPROMISED) != 0)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_ENTRY, "entry",
                        "expected an entry that revokes a label key, found one of %s %s", e->kind,
                        e->reason);
    }
    return ATT_OK;
}

/* By a label key of the same issuer, which an anchor vouches for and which was not revoked itself. */
static enum att_err check_signer(struct revoking *v, struct att_diag *diag)
{
    ATT_CLEANUP(att_x5chain_close) struct att_x5chain chain = {0};
    const struct att_entry *e = &v->entry;
    const struct att_revoked_key *gone =
        att_revoked_find(v->trust.revoked, v->trust.rules.revoked_count, e->key);
    enum att_err err = e->message.x5chain_count > 0
                           ? att_x5chain_open(&chain, &e->message, diag)
                           : att_fail(diag, ATT_E_FORMAT, ATT_R_TL_ENTRY, "x5chain",
                                      "expected the certificates of its signer, found none");
    bool own = false;
    bool ended = false;

    if (err == ATT_OK) {
        err = att_x5chain_verify(&chain, v->trust.anchors, e->iat, ATT_R_LBL_CHAIN, ATT_R_LBL_KEY,
                                 diag);
    }
    if (err == ATT_OK) {
        err = att_entry_verify(e, chain.key, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(TRUST_REVOKE_ISSUER, !att_cert_names_verifier(chain.leaf, e->issuer))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_LBL_ISSUER, "iss",
                        "the certificate of its signer does not name %.60s", e->issuer);
    }
    own = memcmp(e->key, e->key_before, sizeof(e->key)) == 0;
    ended = gone != NULL && !att_revoked_still_counts(gone, v->origin, v->receipt.index);
    if (ATT_GUARD(TRUST_REVOKE_SIGNER, own || ended)) {
        return att_fail(diag, ATT_E_STALE, ATT_R_LBL_REVOKED, "kid",
                        "its signer was revoked itself");
    }
    return ATT_OK;
}

static enum att_err verify(struct revoking *v, struct att_diag *diag)
{
    enum att_err err = verify_receipt(v, diag);

    if (err == ATT_OK) {
        err = att_entry_parse(&v->entry, v->receipt.entry, diag);
    }
    if (err == ATT_OK) {
        err = check_kind(v, diag);
    }
    if (err == ATT_OK) {
        err = check_signer(v, diag);
    }
    if (err == ATT_OK) {
        (void)att_hex_encode(v->key, sizeof(v->key),
                             att_slice_of(v->entry.key_before, sizeof(v->entry.key_before)));
    }
    return err;
}

/* --- trust.yaml --- */

static bool known_already(const struct revoking *v)
{
    return att_revoked_find(v->trust.revoked, v->trust.rules.revoked_count, v->entry.key_before) !=
           NULL;
}

/* The byte behind the line that begins with LIST_HEAD and holds nothing else; 0: there is no such line. */
static size_t list_begins(struct att_slice text, bool *inline_list)
{
    size_t head = strlen(LIST_HEAD);

    *inline_list = false;
    for (size_t at = 0; at < text.len;) {
        const uint8_t *line = &text.p[at];
        const uint8_t *nl = memchr(line, '\n', text.len - at);
        size_t len = nl != NULL ? (size_t)(nl - line) : text.len - at;

        if (len >= head && memcmp(line, LIST_HEAD, head) == 0) {
            size_t n = head;

            while (n < len && line[n] == ' ') {
                n++;
            }
            *inline_list = n < len && line[n] != '#';
            return at + len + (nl != NULL ? 1 : 0);
        }
        at += len + 1;
    }
    return 0;
}

/* The row as a line of the list, with the indentation of the item that stands there first. */
static size_t indent_at(struct att_slice text, size_t at)
{
    size_t n = 0;

    while (at + n < text.len && text.p[at + n] == ' ') {
        n++;
    }
    return at + n < text.len && text.p[at + n] == '-' ? n : 2;
}

static enum att_err add_row(struct att_buf *out, const struct revoking *v, struct att_slice text,
                            struct att_diag *diag)
{
    char row[512];
    bool inline_list = false;
    size_t at = list_begins(text, &inline_list);
    bool torn = text.len > 0 && text.p[text.len - 1] != '\n';
    size_t cut = at > 0 ? at : text.len;
    int len =
        snprintf(row, sizeof(row), "%s%s%*s- {key: \"%s\", log: \"%s\", from: %llu, before: %s}\n",
                 torn && cut == text.len ? "\n" : "", at > 0 ? "" : LIST_HEAD "\n",
                 at > 0 ? (int)indent_at(text, at) : 2, "", v->key, v->origin,
                 (unsigned long long)v->receipt.index, v->accept_before ? "accept" : "refuse");
    enum att_err err = len > 0 && (size_t)len < sizeof(row) ? ATT_OK : ATT_E_LIMIT;

    if (inline_list) {
        return att_fail(
            diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "trust.yaml",
            "expected revoked-keys as lines of \"- {...}\", found another form: add {key: %s, "
            "log: %.60s, from: %llu} by hand",
            v->key, v->origin, (unsigned long long)v->receipt.index);
    }
    if (err == ATT_OK) {
        err = att_buf_add(out, text.p, cut);
    }
    if (err == ATT_OK) {
        err = att_buf_add(out, (const uint8_t *)row, (size_t)len);
    }
    return err == ATT_OK ? att_buf_add(out, cut < text.len ? &text.p[cut] : NULL, text.len - cut)
                         : err;
}

/* Does what will stand there say it, by the reader that judges labels? */
static enum att_err read_back(const struct revoking *v, const char *path, struct att_slice text,
                              struct att_diag *diag)
{
    static struct trust again; /* large */
    const struct att_revoked_key *row = NULL;
    enum att_err err = ATT_OK;

    again = (struct trust){0};
    err = trust_rules_parse(&again, path, text, diag);
    if (err != ATT_OK) {
        return err;
    }
    row = att_revoked_find(again.revoked, again.rules.revoked_count, v->entry.key_before);
    return row != NULL && row->from == v->receipt.index && strcmp(row->origin, v->origin) == 0
               ? ATT_OK
               : att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "trust.yaml",
                          "the row cannot be written there");
}

static enum att_err write_row(struct revoking *v, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *old = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *now = NULL;
    struct att_diag none = {0};
    char path[PATH_ROOM];
    int len = snprintf(path, sizeof(path), "%s/trust.yaml", v->r.cli->trust);
    enum att_err err = len > 0 && (size_t)len < sizeof(path)
                           ? att_file_read(&old, path, YAML_MAX, &none)
                           : ATT_E_LIMIT;

    if (err != ATT_OK && err != ATT_E_NOT_FOUND) {
        *diag = none;
        return err;
    }
    err = att_buf_new(&now, YAML_MAX);
    if (err == ATT_OK) {
        err = add_row(now, v, old != NULL ? att_buf_slice(old) : att_slice_of(NULL, 0), diag);
    }
    if (err == ATT_OK) {
        err = read_back(v, path, att_buf_slice(now), diag);
    }
    return err == ATT_OK ? att_file_write(path, att_buf_slice(now), 0644, diag) : err;
}

/* --- the command --- */

static int finish(struct revoking *v, bool already)
{
    const struct cli *cli = v->r.cli;
    char shown[ATT_ENTRY_NAME_MAX];

    (void)json_object_set_new(v->r.root, "key", json_string(v->key));
    (void)json_object_set_new(v->r.root, "issuer", json_string(v->entry.issuer));
    (void)json_object_set_new(v->r.root, "from", json_integer((json_int_t)v->receipt.index));
    (void)json_object_set_new(v->r.root, "already", json_boolean(already));
    report_field(&v->r, tr(cli, "issuer", "発行者"), "%s",
                 text_safe(shown, sizeof(shown), v->entry.issuer));
    report_field(&v->r, tr(cli, "revoked key", "失効した鍵"), "%s", v->key);
    report_field(&v->r, tr(cli, "from log entry", "ログの項目から"), "%llu",
                 (unsigned long long)v->receipt.index);
    report_line(&v->r, "%s",
                already ? tr(cli, "it stands in trust.yaml already", "trust.yaml に既にあります")
                        : tr(cli, "added to revoked-keys in trust.yaml",
                             "trust.yaml の revoked-keys に追加しました"));
    return report_finish(&v->r);
}

static int run(struct revoking *v, const char *path)
{
    struct att_diag diag = {0};
    char asked[96];
    enum att_err err = trust_load(&v->trust, v->r.cli->trust, &diag);

    if (err == ATT_OK) {
        err = att_file_read(&v->file, path, ATT_RECEIPT_MAX, &diag);
    }
    if (err == ATT_OK) {
        err = verify(v, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&v->r, err, &diag);
    }
    if (known_already(v)) {
        return finish(v, true);
    }
    (void)snprintf(asked, sizeof(asked), "%.30s: %.16s...", v->entry.issuer, v->key);
    if (!confirmed(v->r.cli, asked,
                   tr(v->r.cli, "this label key of the issuer will not be believed any more",
                      "発行者のこのラベル鍵を信頼しなくなります"))) {
        return report_usage(&v->r, "--yes", "expected %s, found nothing",
                            "--yes: labels of this key are not believed any more");
    }
    err = write_row(v, &diag);
    return err == ATT_OK ? finish(v, false) : report_failure(&v->r, err, &diag);
}

int cmd_trust_revoke(struct cli *cli, int argc, char **argv)
{
    static struct revoking v; /* large */
    const struct option_spec options[] = {
        {"accept-before", NULL, &v.accept_before, NULL,
         "labels that a receipt shows to be in the log before still count",
         "その項目より前にログにあることが受領証で示されたラベルは引き続き有効とする"}};
    int code = OPTIONS_OK;

    v = (struct revoking){.r = report_start(cli, "attestctl.trust-revoke.v1")};
    code = options_parse(&v.r, options, ATT_COUNT(options), &argc, argv);
    if (code != OPTIONS_OK) {
        return code;
    }
    code = run(&v, argv[1]);
    clear(&v);
    return code;
}
