/* refvals import, export, merge: reference values in the forms of others, and several files as one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "artefacts.h"
#include "base/file.h"
#include "base/guard.h"
#include "codec/json.h"
#include "commands.h"
#include "jwk.h"
#include "policy/import.h"
#include "refvals_sources.h"
#include "sign/cose.h"
#include "signing.h"

#define IMPORT_MAX   134217728
#define KEY_MAX      16384
#define CONTENT_TYPE "application/rim+cbor"

/* ---- import ---- */

struct importing {
    struct report *r;
    struct att_refvals_maker *maker;
    struct att_pubkey *key; /* NULL: none was given */
    size_t values, others, signed_files;
};

static enum att_err take(void *ctx, struct att_slice name, const uint8_t digest[32])
{
    return att_refvals_maker_add(((struct importing *)ctx)->maker, name, digest);
}

static enum att_err load_key(struct att_pubkey **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, path, KEY_MAX, diag);
    struct att_slice in;

    if (err != ATT_OK) {
        return err;
    }
    in = att_buf_slice(file);
    return in.len > 0 && in.p[0] == '{' ? jwk_key(out, in, diag)
                                        : att_pubkey_from_text(out, in, diag);
}

/* Who gives a key wants what its holder signed: a file that only lost its signature must not get past that. */
static enum att_err check_signed(const struct importing *im, bool is_signed, struct att_diag *diag)
{
    if (ATT_GUARD(REFVALS_SIGNED, im->key != NULL && !is_signed)) {
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_REF_SIGNATURE, "signature",
                        "expected a CoRIM signed by the key of --key, found no signature; without "
                        "--key it is taken as it is");
    }
    return ATT_OK;
}

/* The payload of a signed CoRIM, after its signature. */
static enum att_err open_signed(struct importing *im, struct att_slice *in, struct att_diag *diag)
{
    struct att_cose_verified *v = NULL;
    struct att_cose m;
    enum att_err err = att_cose_parse(&m, *in, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (!att_slice_eq(m.content_type, att_slice_str(CONTENT_TYPE))) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_CORIM, "content type", "expected %s",
                        CONTENT_TYPE);
    }
    if (im->key == NULL) {
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_REF_SIGNER, "--key",
                        "expected %s, found nothing", "--key FILE");
    }
    err = att_cose_verify(&v, &m, im->key, att_slice_of(NULL, 0), diag);
    if (err != ATT_OK) {
        return err == ATT_E_SIGNATURE || err == ATT_E_MISMATCH || err == ATT_E_UNSUPPORTED
                   ? att_fail(diag, ATT_E_SIGNATURE, ATT_R_REF_SIGNATURE, "signature",
                              "the signature does not verify under the key")
                   : err;
    }
    *in = att_cose_payload(v); /* borrowed from the file, not from v */
    att_cose_verified_free(v);
    im->signed_files++;
    return ATT_OK;
}

/* No CoRIM starts with one of these: its first byte is that of a tag. */
static bool is_json(struct att_slice text)
{
    return text.len > 0 && text.p[0] != '\0' && strchr("{[\"", text.p[0]) != NULL;
}

static enum att_err import_bytes(struct importing *im, struct att_slice in, struct att_diag *diag)
{
    struct att_import io = {.take = take, .ctx = im};
    struct att_slice text = in;
    bool is_signed = false;
    enum att_err err = ATT_OK;

    while (text.len > 0 && strchr(" \t\r\n", text.p[0]) != NULL && text.p[0] != '\0') {
        text = att_slice_of(text.p + 1, text.len - 1);
    }
    is_signed = in.len > 0 && in.p[0] == 0xd2; /* tag 18: COSE_Sign1 */
    if (is_signed) {
        err = open_signed(im, &in, diag);
    }
    if (err == ATT_OK) {
        err = is_json(text) ? att_allowlist_read(&io, in, diag) : att_corim_read(&io, in, diag);
    }
    err =
        err == ATT_OK ? check_signed(im, is_signed, diag) : err; /* malformed comes before false */
    im->values += io.values;
    im->others += io.others;
    if (io.profile[0] != '\0') {
        report_line(im->r, "%s: %s", tr(im->r->cli, "profile", "プロファイル"), io.profile);
    }
    return err;
}

static enum att_err import_file(struct importing *im, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, path, IMPORT_MAX, diag);

    return err == ATT_OK ? sources_named(import_bytes(im, att_buf_slice(file), diag), path, diag)
                         : err;
}

static int imported(struct importing *im, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    struct report *r = im->r;
    enum att_err err = ATT_OK;

    (void)json_object_set_new(r->root, "values", json_integer((json_int_t)im->values));
    (void)json_object_set_new(r->root, "others", json_integer((json_int_t)im->others));
    (void)json_object_set_new(r->root, "signed", json_integer((json_int_t)im->signed_files));
    if (im->values == 0) {
        err = att_fail(diag, ATT_E_NOT_FOUND, ATT_R_REF_OTHERS, "import",
                       "%zu values of other kinds were left out", im->others);
        return report_failure(r, err, diag);
    }
    err = att_refvals_maker_finish(&out, im->maker);
    err = err == ATT_OK ? att_file_write(r->cli->output, att_buf_slice(out), 0644, diag) : err;
    if (err != ATT_OK) {
        return report_failure(r, err, diag);
    }
    report_line(r, "%zu %s, %zu %s", im->values, tr(r->cli, "reference values", "件の参照値"),
                im->others, tr(r->cli, "of other kinds left out", "件は種類が違うため省略"));
    return report_finish(r);
}

int cmd_refvals_import(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.refvals-import.v1");
    struct importing im = {.r = &r};
    const char *key = NULL;
    const struct option_spec options[] = {{"key", &key, NULL, "FILE",
                                           "the signer's public key: PEM, DER or JWK",
                                           "署名者の公開鍵: PEM、DER または JWK"}};
    struct att_diag diag = {0};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    code = output_needed(&r, false);
    if (code != OPTIONS_OK) {
        return code;
    }
    err = att_refvals_maker_new(&im.maker);
    err = err == ATT_OK && key != NULL ? load_key(&im.key, key, &diag) : err;
    for (int i = 1; err == ATT_OK && i < argc; i++) {
        err = import_file(&im, argv[i], &diag);
    }
    code = err != ATT_OK ? report_failure(&r, err, &diag) : imported(&im, &diag);
    att_refvals_maker_free(im.maker);
    att_pubkey_free(im.key);
    return code;
}

/* ---- merge ---- */

static enum att_err merge_file(struct att_refvals_maker *m, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *refs = NULL;
    enum att_err err = att_refvals_map(&refs, path, diag);

    if (err == ATT_OK) {
        err = att_refvals_check(refs, diag);
    }
    return sources_named(err == ATT_OK ? att_refvals_maker_merge(m, refs) : err, path, diag);
}

int cmd_refvals_merge(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.refvals-merge.v1");
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    struct att_diag diag = {0};
    int code = options_parse(&r, NULL, 0, &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    code = output_needed(&r, false);
    if (code != OPTIONS_OK) {
        return code;
    }
    err = att_refvals_maker_new(&m);
    for (int i = 1; err == ATT_OK && i < argc; i++) {
        err = merge_file(m, argv[i], &diag);
    }
    err = err == ATT_OK ? att_refvals_maker_finish(&out, m) : err;
    err = err == ATT_OK ? att_file_write(cli->output, att_buf_slice(out), 0644, &diag) : err;
    return err != ATT_OK ? report_failure(&r, err, &diag) : report_finish(&r);
}

/* ---- export ---- */

static const char *const FORMS[] = {"corim", "corim-pcrs", "allowlist"};

enum form { FORM_CORIM, FORM_CORIM_PCRS, FORM_ALLOWLIST, FORM__COUNT };

struct exporting {
    struct sources s;
    const char *form_name, *id, *key;
    enum form form;
    bool file_key,
        quiet; /* quiet: as it was asked for; values on standard output silence the rest */
};

/* Sorted, each once. NULL: no memory. */
static struct att_export *sorted(struct making *m)
{
    struct att_export *v = calloc(m->kept_count + 1, sizeof(*v));

    if (v == NULL) {
        return NULL;
    }
    making_sort(m);
    for (size_t i = 0; i < m->kept_count; i++) {
        v[i] = (struct att_export){m->kept[i].name, m->kept[i].digest};
    }
    return v;
}

static enum att_err sign_corim(struct att_buf **out, const struct exporting *x,
                               struct att_slice corim, struct att_diag *diag)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = NULL;
    uint8_t kid[32] = {0};
    const struct att_cose_order order = {
        .content_type = CONTENT_TYPE, .kid = att_slice_of(kid, sizeof(kid)), .payload = corim};
    enum att_err err = signing_open(&signer, x->key, x->file_key, diag);

    err = err == ATT_OK ? att_pubkey_fingerprint(kid, signer->public_key) : err;
    return err == ATT_OK ? att_cose_make(out, &order, signer) : err;
}

/* A CoRIM in the form that was asked for. */
static enum att_err write_corim(struct att_buf **out, const struct exporting *x,
                                const struct att_export *v, struct making *m, size_t *left,
                                struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (x->form == FORM_CORIM) {
        return att_corim_write(out, x->id, v, m->kept_count);
    }
    err = att_corim_write_pcrs(out, x->id, v, m->kept_count, left);
    return err == ATT_E_NOT_FOUND
               ? att_fail(diag, err, ATT_R_REF_OTHERS, "export",
                          "expected values of PCRs, found %zu others", m->kept_count)
               : err;
}

/* On standard error, since the values themselves may go to standard output. */
static void tell_left(const struct report *r, const struct exporting *x, size_t values, size_t left)
{
    if (r->cli->json || x->quiet || left == 0) {
        return;
    }
    (void)fprintf(
        stderr, "attestctl: %s: %zu %s, %zu %s\n", x->form_name, values,
        tr(r->cli, "values written", "件を出力"), left,
        tr(r->cli, "left out, which this form has no place for", "件はこの形式で表せないため省略"));
}

static enum att_err write_form(struct att_buf **out, const struct exporting *x, struct making *m,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *plain = NULL;
    size_t left = 0;
    struct att_export *v = sorted(m);
    enum att_err err = v == NULL ? ATT_E_NOMEM : ATT_OK;

    if (err == ATT_OK && x->form == FORM_ALLOWLIST) {
        err = att_allowlist_write(&plain, v, m->kept_count, &left);
    } else if (err == ATT_OK) {
        err = write_corim(&plain, x, v, m, &left, diag);
    }
    free(v);
    if (err == ATT_OK && x->form != FORM_ALLOWLIST && x->key != NULL) {
        err = sign_corim(out, x, att_buf_slice(plain), diag);
    } else if (err == ATT_OK) {
        *out = plain;
        plain = NULL;
    }
    (void)json_object_set_new(m->r->root, "values",
                              json_integer((json_int_t)(m->kept_count - left)));
    (void)json_object_set_new(m->r->root, "others", json_integer((json_int_t)left));
    if (err == ATT_OK) {
        tell_left(m->r, x, m->kept_count - left, left);
    }
    return err;
}

static int run_export(struct report *r, const struct exporting *x, char **trees)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    struct making m = {0};
    struct att_diag diag = {0};
    enum att_err err = making_start(&m, r);

    m.keep = true;
    err = err == ATT_OK ? sources_add(&m, &x->s, trees, &diag) : err;
    err = err == ATT_OK ? write_form(&out, x, &m, &diag) : err;
    making_clear(&m);
    err = err == ATT_OK ? att_file_write(r->cli->output, att_buf_slice(out), 0644, &diag) : err;
    return err != ATT_OK ? report_failure(r, err, &diag) : report_finish(r);
}

int cmd_refvals_export(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.refvals-export.v1");
    struct exporting x = {.form_name = "", .id = "reference-values"};
    const struct option_spec options[] = {
        {"form", &x.form_name, NULL, "FORM", "corim, corim-pcrs or allowlist",
         "corim、corim-pcrs または allowlist"},
        {"id", &x.id, NULL, "ID", "what a CoRIM is called", "CoRIM の名前"},
        {"key", &x.key, NULL, "KEY", "sign a CoRIM: pkcs11:URI, or a file",
         "CoRIM に署名する: pkcs11:URI またはファイル"},
        {"insecure-file-key", NULL, &x.file_key, NULL, "the key may be a file",
         "ファイルの鍵を許可する"},
        SOURCE_OPTIONS(x.s)};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    char shown[64];

    if (code != OPTIONS_OK) {
        return code;
    }
    while (x.form < FORM__COUNT && strcmp(x.form_name, FORMS[x.form]) != 0) {
        x.form++;
    }
    if (x.form == FORM__COUNT) {
        return report_usage(&r, "--form", "expected %s, found %s", "corim, corim-pcrs or allowlist",
                            text_safe(shown, sizeof(shown), x.form_name));
    }
    if (sources_lack(&x.s) != NULL) {
        return report_usage(&r, "arguments", "expected %s, found nothing", sources_lack(&x.s));
    }
    if (argc < 2 && sources_none(&x.s)) {
        return report_usage(&r, "arguments", "expected %s, found nothing",
                            "TREE, --root, --image, --sha256sums or another source");
    }
    code = output_needed(&r, !cli->json);
    if (code != OPTIONS_OK) {
        return code;
    }
    x.quiet = cli->quiet;
    if (strcmp(cli->output, "-") == 0) {
        cli->quiet = true;
    }
    return run_export(&r, &x, argv + 1);
}
