/* Files of a data folder, in order of their names. What they are worth is asked when the bundle is verified. */
#include "bundle_data.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/label.h"
#include "base/file.h"
#include "base/hex.h"
#include "codec/cbor_wr.h"
#include "prov/batch.h"
#include "prov/spec.h"
#include "sign/cose.h"
#include "tlog/entry.h"

#define PATH_ROOM 4096

struct taking {
    struct bundle_data *d;
    struct att_bundle_file *b;
    const char *folder;
    uint64_t from, to;
    int64_t own_iat;
    uint8_t own[32]; /* digest of the bundle's own label */
    size_t wanted_specs, wanted_labels;
    uint8_t spec[ATT_BUNDLE_SPECS_MAX][32]; /* that batches name */
    uint8_t label[ATT_BUNDLE_EARLIER_MAX][32];
    bool found[ATT_BUNDLE_EARLIER_MAX];
    struct att_diag *diag;
};

void bundle_data_clear(struct bundle_data *d)
{
    att_buf_free(d->batches);
    att_buf_free(d->earlier);
    att_buf_free(d->specs);
}

static enum att_err missing(struct taking *t, const char *what, const uint8_t digest[32])
{
    char hex[65];

    return att_fail(t->diag, ATT_E_NOT_FOUND, ATT_R_PRV_BIND, "--data",
                    "expected the %s with the digest %s in the folder", what,
                    att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 32)));
}

enum att_err bundle_data_append(struct att_buf *to, struct att_slice file)
{
    uint8_t head[16];
    struct att_wr w = att_wr_into(head, sizeof(head));
    enum att_err err = ATT_OK;

    att_cbor_wr_bytes_head(&w, file.len);
    err = att_buf_add(to, head, w.len);
    return err == ATT_OK ? att_buf_add_slice(to, file) : err;
}

/* Remembers a digest once. LIMIT when there are too many. */
static enum att_err want(uint8_t (*list)[32], size_t *count, size_t most, const uint8_t digest[32])
{
    for (size_t i = 0; i < *count; i++)
        if (memcmp(list[i], digest, 32) == 0)
            return ATT_OK;
    if (*count == most)
        return ATT_E_LIMIT;
    memcpy(list[(*count)++], digest, 32);
    return ATT_OK;
}

/* --- files of a folder --- */

typedef enum att_err file_fn(struct taking *t, struct att_slice file);

static bool ends_with(const char *name, const char *suffix)
{
    size_t len = strlen(name);

    return len > strlen(suffix) && strcmp(&name[len - strlen(suffix)], suffix) == 0;
}

static enum att_err one_file(struct taking *t, const char *name, size_t largest, file_fn *take)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    char path[PATH_ROOM];
    int len = snprintf(path, sizeof(path), "%s/%s", t->folder, name);
    enum att_err err =
        len < 0 || (size_t)len >= sizeof(path)
            ? att_fail(t->diag, ATT_E_CONFIG, ATT_R_USAGE, "--data", "expected a shorter path")
            : att_file_read(&file, path, largest, t->diag);

    if (err != ATT_OK)
        return err;
    err = take(t, att_buf_slice(file));
    if (err != ATT_OK)
        att_diag_in(t->diag, name);
    return err;
}

static enum att_err each_file(struct taking *t, const char *suffix, size_t largest, file_fn *take)
{
    struct dirent **entry = NULL;
    int count = scandir(t->folder, &entry, NULL, alphasort);
    enum att_err err = ATT_OK;

    if (count < 0)
        return att_fail(t->diag, errno == ENOENT ? ATT_E_NOT_FOUND : ATT_E_IO, ATT_R_FILE, "--data",
                        "cannot read the folder: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        if (err == ATT_OK && ends_with(entry[i]->d_name, suffix))
            err = one_file(t, entry[i]->d_name, largest, take);
        free(entry[i]);
    }
    free(entry);
    return err;
}

/* --- batches --- */

static enum att_err take_batch(struct taking *t, struct att_slice file)
{
    struct att_batch_file f;
    struct att_batch_statement s;
    uint8_t kid[32];
    enum att_err err = att_batch_file_parse(&f, file, t->diag);

    if (err == ATT_OK)
        err = att_batch_peek(&s, kid, &f, t->diag);
    if (err != ATT_OK || s.number < t->from || (t->to > 0 && s.number > t->to))
        return err;
    err = want(t->spec, &t->wanted_specs, ATT_BUNDLE_SPECS_MAX, s.spec);
    if (err == ATT_OK && memcmp(s.label, t->own, sizeof(t->own)) != 0)
        err = want(t->label, &t->wanted_labels, ATT_BUNDLE_EARLIER_MAX, s.label);
    if (err == ATT_OK && t->b->batch_count == ATT_BUNDLE_BATCHES_MAX)
        err = ATT_E_LIMIT;
    if (err == ATT_OK)
        err = bundle_data_append(t->d->batches, file);
    if (err != ATT_OK)
        return att_fail(t->diag, err, ATT_R_LIM_SIZE, "--data",
                        "expected at most %d batches, %d specifications, %d labels and %d bytes: "
                        "give --from and --to",
                        ATT_BUNDLE_BATCHES_MAX, ATT_BUNDLE_SPECS_MAX, ATT_BUNDLE_EARLIER_MAX,
                        ATT_BUNDLE_DATA_MAX);
    t->d->first = t->b->batch_count == 0 ? s.number : t->d->first;
    t->d->last = s.number;
    t->b->batch_count++;
    return ATT_OK;
}

/* --- specifications --- */

static enum att_err take_spec(struct taking *t, struct att_slice file)
{
    struct att_spec *spec = NULL;
    bool wanted = false;
    enum att_err err = att_spec_decode(&spec, file, t->diag);

    if (err != ATT_OK)
        return err;
    for (size_t i = 0; i < t->wanted_specs; i++)
        wanted = wanted || memcmp(t->spec[i], spec->digest, 32) == 0;
    att_spec_free(spec);
    if (!wanted)
        return ATT_OK;
    t->b->spec_count++;
    return bundle_data_append(t->d->specs, file);
}

/* The run of specifications as members, once it does not move any more. */
static enum att_err name_specs(struct taking *t)
{
    struct att_cbor c = att_cbor_from(att_buf_slice(t->d->specs));

    if (t->b->spec_count != t->wanted_specs)
        return att_fail(
            t->diag, ATT_E_NOT_FOUND, ATT_R_PRV_SPEC, "--data",
            "expected the %zu specifications that the batches name in the folder, found %zu",
            t->wanted_specs, t->b->spec_count);
    for (size_t i = 0; i < t->b->spec_count; i++)
        t->b->spec[i] = att_cbor_bytes(&c, ATT_SPEC_FILE_MAX);
    return att_cbor_ok(&c) ? ATT_OK : ATT_E_INTERNAL;
}

/* --- labels --- */

static enum att_err read_label(struct att_slice file, uint8_t digest[32], int64_t *iat,
                               struct att_diag *diag)
{
    struct att_label *l = calloc(1, sizeof(*l));
    struct att_cose cose;
    enum att_err err = l != NULL ? att_cose_parse(&cose, file, diag)
                                 : att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "label", "no memory");

    if (err == ATT_OK)
        err = att_label_read(l, cose.payload_untrusted, diag);
    if (err == ATT_OK)
        err = att_entry_of_label(digest, file, diag);
    if (err == ATT_OK)
        *iat = l->iat;
    free(l);
    return err;
}

/* Labels that batches name, and the next one behind each, whose head confirms the time of what came before. */
static enum att_err take_label(struct taking *t, struct att_slice file)
{
    uint8_t digest[32];
    int64_t iat = 0;
    bool wanted = t->b->earlier_count > 0; /* all from the first that is named */
    enum att_err err = read_label(file, digest, &iat, t->diag);

    if (err != ATT_OK || iat > t->own_iat || memcmp(digest, t->own, sizeof(digest)) == 0)
        return err;
    for (size_t i = 0; i < t->wanted_labels; i++) {
        if (memcmp(t->label[i], digest, sizeof(digest)) != 0)
            continue;
        wanted = true;
        t->found[i] = true;
    }
    if (!wanted)
        return ATT_OK;
    if (t->b->earlier_count == ATT_BUNDLE_EARLIER_MAX)
        return att_fail(t->diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, "--data",
                        "expected at most %d labels", ATT_BUNDLE_EARLIER_MAX);
    t->b->earlier_count++;
    return bundle_data_append(t->d->earlier, file);
}

static enum att_err all_labels(struct taking *t)
{
    for (size_t i = 0; i < t->wanted_labels; i++)
        if (!t->found[i])
            return missing(t, "label", t->label[i]);
    return ATT_OK;
}

/* --- */

static enum att_err take_all(struct taking *t)
{
    enum att_err err = read_label(t->b->label, t->own, &t->own_iat, t->diag);

    if (err == ATT_OK)
        err = each_file(t, ".batch", ATT_BATCH_FILE_MAX, take_batch);
    if (err == ATT_OK && t->b->batch_count == 0)
        err = att_fail(t->diag, ATT_E_NOT_FOUND, ATT_R_FILE, "--data",
                       "expected batches with these numbers in the folder, found none");
    if (err == ATT_OK)
        err = each_file(t, ".spec", ATT_SPEC_FILE_MAX, take_spec);
    if (err == ATT_OK)
        err = name_specs(t);
    if (err == ATT_OK)
        err = each_file(t, ".label", ATT_LABEL_MAX, take_label);
    return err == ATT_OK ? all_labels(t) : err;
}

enum att_err bundle_data_take(struct bundle_data *d, struct att_bundle_file *b, const char *folder,
                              uint64_t from, uint64_t to, struct att_diag *diag)
{
    struct taking *t = calloc(1, sizeof(*t));
    enum att_err err = t != NULL ? ATT_OK : ATT_E_NOMEM;

    if (err == ATT_OK)
        err = att_buf_new(&d->batches, ATT_BUNDLE_DATA_MAX);
    if (err == ATT_OK)
        err = att_buf_new(&d->earlier, ATT_BUNDLE_DATA_MAX);
    if (err == ATT_OK)
        err = att_buf_new(&d->specs, ATT_BUNDLE_DATA_MAX);
    if (err != ATT_OK) {
        free(t);
        return att_fail(diag, err, ATT_R_NOMEM, "--data", "no memory");
    }
    *t = (struct taking){.d = d, .b = b, .folder = folder, .from = from, .to = to, .diag = diag};
    err = take_all(t);
    free(t);
    b->batches = att_buf_slice(d->batches);
    b->earlier = att_buf_slice(d->earlier);
    return err;
}

/* --- words --- */

void bundle_data_tell(struct report *r, const struct att_offline *o)
{
    const struct att_offline_data *d = &o->data;
    const struct att_data_totals *t = &d->totals;

    if (!d->known)
        return;
    report_field(r, tr(r->cli, "data", "データ"),
                 "%" PRIu64 " %s, %s %" PRIu64 "-%" PRIu64 ", %u %s", t->records,
                 tr(r->cli, "records", "件の記録"), tr(r->cli, "batches", "バッチ"), t->first_batch,
                 t->last_batch, d->labels, tr(r->cli, "labels", "件のラベル"));
    report_field(r, tr(r->cli, "recomputed", "再計算"),
                 "%" PRIu64 "/%" PRIu64 " %s, %" PRIu64 " %s", t->recomputed, t->values,
                 tr(r->cli, "values from raw frames", "個の値を生フレームから計算"),
                 t->checks_repeated, tr(r->cli, "checks repeated", "件の検査を再実行"));
    report_field(r, tr(r->cli, "time", "時刻"), "%" PRIu64 " %s, %" PRIu64 " %s", d->confirmed,
                 tr(r->cli, "batches confirmed by a label", "バッチはラベルで確認済み"),
                 t->batches - d->confirmed,
                 tr(r->cli, "claimed by the gateway", "バッチは機器の申告のみ"));
    report_field(r, tr(r->cli, "beginning", "先頭"), "%s",
                 d->from_label ? tr(r->cli, "follows its label: nothing is missing before it",
                                    "ラベルに続いており、前に欠落はありません")
                               : tr(r->cli, "in the middle: what came before is not in this file",
                                    "途中から: それ以前はこのファイルにありません"));
    (void)json_object_set_new(
        r->root, "data",
        json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "records", (json_int_t)t->records,
                  "batches", (json_int_t)t->batches, "first_batch", (json_int_t)t->first_batch,
                  "last_batch", (json_int_t)t->last_batch, "values", (json_int_t)t->values,
                  "recomputed", (json_int_t)t->recomputed, "checks_repeated",
                  (json_int_t)t->checks_repeated, "failed", (json_int_t)t->failed, "time_confirmed",
                  (json_int_t)d->confirmed, "follows_label", d->from_label ? 1 : 0));
}
