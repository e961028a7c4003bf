/* bundle disclose: a bundle with single records of the data, each proven by itself; nothing of the others is in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/bundle.h"
#include "base/file.h"
#include "bundle_data.h"
#include "codec/cbor_wr.h"
#include "commands.h"
#include "prov/batch.h"

/* "BATCH:RECORD", both as bundle show --csv has them. */
struct wanted {
    uint64_t batch;
    uint32_t index;
};

struct disclosing {
    struct att_buf *batches; /* owned */
    size_t count, given;
    struct wanted wanted[OPTION_MANY];
    uint32_t batch_count;
};

static int order(const void *a, const void *b)
{
    const struct wanted *x = a;
    const struct wanted *y = b;

    if (x->batch != y->batch) {
        return x->batch < y->batch ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index ? 1 : 0;
}

static bool read_wanted(struct wanted *out, const char *text)
{
    char *end = NULL;
    unsigned long index = 0;

    if (text[0] < '1' || text[0] > '9') {
        return false;
    }
    out->batch = strtoull(text, &end, 10);
    if (*end != ':' || end[1] < '0' || end[1] > '9') {
        return false;
    }
    index = strtoul(end + 1, &end, 10);
    out->index = (uint32_t)index;
    return *end == '\0' && index < ATT_BATCH_RECORDS_MAX && strlen(text) < 32;
}

static int read_all(struct report *r, struct disclosing *d, const char *const *text)
{
    char shown[64];

    for (; text[d->count] != NULL; d->count++) {
        if (!read_wanted(&d->wanted[d->count], text[d->count])) {
            return report_usage(r, "--record", "expected BATCH:RECORD, such as 12:3, found %s",
                                text_safe(shown, sizeof(shown), text[d->count]));
        }
    }
    if (d->count == 0) {
        return report_usage(r, "--record", "expected --record BATCH:RECORD at least once");
    }
    qsort(d->wanted, d->count, sizeof(d->wanted[0]), order);
    return OPTIONS_OK;
}

/* The records of this batch that are wanted, and nothing of the others. */
static enum att_err one_batch(struct disclosing *d, struct att_slice file, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *cut = NULL;
    uint32_t index[OPTION_MANY];
    size_t count = 0;
    struct att_batch_file f;
    struct att_batch_statement s;
    uint8_t kid[32];
    enum att_err err = att_batch_file_parse(&f, file, diag);

    if (err == ATT_OK) {
        err = att_batch_peek(&s, kid, &f, diag);
    }
    for (size_t i = 0; err == ATT_OK && i < d->count; i++) {
        if (d->wanted[i].batch == s.number &&
            (count == 0 || index[count - 1] != d->wanted[i].index)) {
            index[count++] = d->wanted[i].index;
        }
    }
    if (err != ATT_OK || count == 0) {
        return err;
    }
    err = att_batch_disclose(&cut, &f, index, count, diag);
    if (err == ATT_OK) {
        err = bundle_data_append(d->batches, att_buf_slice(cut));
    }
    d->given += count;
    d->batch_count++;
    return err;
}

static enum att_err cut_down(struct disclosing *d, struct att_bundle_file *b, struct att_diag *diag)
{
    struct att_bundle_files it = att_bundle_batches(b);
    struct att_slice file;
    enum att_err err = att_buf_new(&d->batches, ATT_BUNDLE_DATA_MAX);

    while (err == ATT_OK && d->given < d->count && att_bundle_next(&it, &file)) {
        err = one_batch(d, file, diag);
    }
    if (err == ATT_OK && d->given < d->count) {
        err = att_fail(diag, ATT_E_NOT_FOUND, ATT_R_USAGE, "--record",
                       "expected records of batches in this bundle, each once");
    }
    b->batches = att_buf_slice(d->batches);
    b->batch_count = d->batch_count;
    return err;
}

static enum att_err disclose(struct disclosing *d, const char *from, const char *to,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *made = NULL;
    struct att_bundle_file b = {0};
    enum att_err err = att_file_read(&file, from, ATT_BUNDLE_MAX, diag);

    if (err == ATT_OK) {
        err = att_bundle_file_parse(&b, att_buf_slice(file), diag);
    }
    if (err == ATT_OK) {
        err = cut_down(d, &b, diag);
    }
    if (err == ATT_OK && att_bundle_file_encode(&made, &b) != ATT_OK) {
        err = att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "bundle", "it could not be made");
    }
    return err == ATT_OK ? att_file_write(to, att_buf_slice(made), 0644, diag) : err;
}

int cmd_bundle_disclose(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.bundle-disclose.v1");
    const char *record[OPTION_MANY] = {NULL};
    const struct option_spec options[] = {{"record", record, NULL, "BATCH:RECORD...",
                                           "a record that the new file may hold",
                                           "新しいファイルに含めてよい記録"}};
    struct disclosing d = {0};
    struct att_diag diag = {0};
    char shown[512];
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    code = output_needed(&r, true);
    if (code == OPTIONS_OK) {
        code = read_all(&r, &d, record);
    }
    if (code != OPTIONS_OK) {
        return code;
    }
    err = disclose(&d, argv[1], cli->output, &diag);
    att_buf_free(d.batches);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)json_object_set_new(r.root, "verified", json_false());
    (void)json_object_set_new(r.root, "records", json_integer((json_int_t)d.given));
    if (strcmp(cli->output, "-") == 0) {
        report_drop(&r);
        return EXIT_VERIFIED;
    }
    report_line(&r, "%s: attestctl bundle verify %s",
                tr(cli, "cut down, NOT VERIFIED. Next", "絞り込みました (未検証)。次"),
                text_safe(shown, sizeof(shown), cli->output));
    return report_finish(&r);
}
