/* Records as SenML (RFC 8428) and as a table. Numbers are the exact decimals; nothing becomes binary on the way. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "data_view.h"
#include "report_csv.h"

struct forming {
    struct att_text text;
    const struct data_order *o;
    struct csv csv;
    bool begun;
};

static bool wanted(const struct data_order *o, const struct data_row *row)
{
    return o->channel == NULL || strcmp(o->channel, row->channel->id) == 0;
}

/* RFC 8428 4.3: letters, digits, "-:./_"; ids of channels are of these. */
static enum att_err senml_row(void *ctx, const struct data_row *row, struct att_diag *diag)
{
    struct forming *f = ctx;
    char value[ATT_DECIMAL_TEXT];

    (void)diag;
    if (!wanted(f->o, row) || !row->sample->has_value)
        return ATT_OK;
    att_text_add(&f->text, "%s\n{", f->begun ? "," : "");
    if (!f->begun)
        att_text_add(&f->text, "\"bn\":\"%s:\",", f->o->subject);
    att_text_add(&f->text, "\"n\":\"%s\",\"u\":\"%s\",\"v\":%s,\"t\":%" PRId64 ".%03d}",
                 row->channel->id, row->channel->unit,
                 att_decimal_print(value, sizeof(value), row->sample->value), row->utc_ms / 1000,
                 (int)(row->utc_ms % 1000));
    f->begun = true;
    return f->text.err;
}

enum att_err data_senml(struct att_buf *out, const struct data_order *o, struct att_diag *diag)
{
    struct forming f = {.text.out = out, .o = o};
    enum att_err err = ATT_OK;

    att_text_add(&f.text, "[");
    err = data_view(o->bundle, senml_row, &f, diag);
    att_text_add(&f.text, "\n]\n");
    return err == ATT_OK ? f.text.err : err;
}

static enum att_err csv_row(void *ctx, const struct data_row *row, struct att_diag *diag)
{
    struct forming *f = ctx;
    const struct att_sample *s = row->sample;
    char text[2 * ATT_FRAME_MAX + 1];
    char failed[DATA_FAILED_ROOM];

    (void)diag;
    if (!wanted(f->o, row))
        return ATT_OK;
    csv_number(&f->csv, row->batch->number);
    csv_number(&f->csv, row->index);
    csv_text(&f->csv, row->channel->id);
    csv_number(&f->csv, s->sequence);
    csv_time(&f->csv, row->utc_ms / 1000);
    csv_text(&f->csv, row->utc_claimed ? "claimed" : "label");
    csv_number(&f->csv, s->from_ms);
    csv_number(&f->csv, s->until_ms);
    csv_text(&f->csv, att_hex_encode(text, sizeof(text), s->frame));
    csv_decimal(&f->csv, s->has_value ? att_decimal_print(text, sizeof(text), s->value) : "");
    csv_text(&f->csv, row->channel->unit);
    csv_text(&f->csv, data_failed(failed, s->check));
    csv_end(&f->csv);
    return f->csv.err;
}

enum att_err data_csv(struct att_buf *out, const struct data_order *o, struct att_diag *diag)
{
    static const char *const EN[] = {"batch",     "record",  "channel", "sequence",
                                     "time",      "time_by", "from_ms", "until_ms",
                                     "raw_frame", "value",   "unit",    "failed_checks"};
    static const char *const JA[] = {"バッチ",     "記録",       "チャネル",      "連番",
                                     "時刻",       "時刻の根拠", "TPM 時計 (始)", "TPM 時計 (終)",
                                     "生フレーム", "値",         "単位",          "不合格の検査"};
    struct forming f = {.text.out = out, .o = o, .csv = {.out = out}};
    enum att_err err = ATT_OK;

    for (size_t i = 0; i < ATT_COUNT(EN); i++)
        csv_text(&f.csv, o->ja ? JA[i] : EN[i]);
    csv_end(&f.csv);
    err = data_view(o->bundle, csv_row, &f, diag);
    return err == ATT_OK ? f.csv.err : err;
}
