/* One channel over time as a picture: a line, a mark on each failed check with the check's name, and the range. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "data_view.h"

#define WIDTH  900
#define HEIGHT 360
#define LEFT   90
#define RIGHT  20
#define TOP    50
#define BOTTOM 50
#define POINTS 4096 /* drawn at most; more are thinned, failed ones never */
#define MARKS  512
#define PLOT_W (WIDTH - LEFT - RIGHT)
#define PLOT_H (HEIGHT - TOP - BOTTOM)

/* Drawing alone: here a decimal may become a double. */
struct drawing {
    struct att_text text;
    const struct data_order *o;
    struct att_channel channel; /* a copy: specifications are the view's */
    uint64_t count, failed, marks;
    int64_t first_ms, last_ms;
    double low, high;
    bool has_value, measured; /* the second pass draws */
    bool pen;                 /* the line goes on */
    uint64_t step, seen;
};

static double number(struct att_decimal v)
{
    char text[ATT_DECIMAL_TEXT];

    return strtod(att_decimal_print(text, sizeof(text), v), NULL);
}

static double x_of(const struct drawing *d, int64_t ms)
{
    double span = d->last_ms > d->first_ms ? (double)(d->last_ms - d->first_ms) : 1;

    return LEFT + (double)(ms - d->first_ms) / span * PLOT_W;
}

static double y_of(const struct drawing *d, double v)
{
    return TOP + PLOT_H - (v - d->low) / (d->high - d->low) * PLOT_H;
}

static void widen(struct drawing *d, double v)
{
    if (!d->has_value || v < d->low)
        d->low = v;
    if (!d->has_value || v > d->high)
        d->high = v;
    d->has_value = true;
}

static enum att_err measure(void *ctx, const struct data_row *row, struct att_diag *diag)
{
    struct drawing *d = ctx;

    (void)diag;
    if (strcmp(row->channel->id, d->o->channel) != 0)
        return ATT_OK;
    if (d->count == 0)
        d->first_ms = row->utc_ms;
    d->channel = *row->channel;
    d->last_ms = row->utc_ms;
    d->count++;
    d->failed += att_check_failed(row->sample->check) ? 1 : 0;
    if (row->sample->has_value)
        widen(d, number(row->sample->value));
    return ATT_OK;
}

static enum att_err line(void *ctx, const struct data_row *row, struct att_diag *diag)
{
    struct drawing *d = ctx;

    (void)diag;
    if (strcmp(row->channel->id, d->o->channel) != 0)
        return ATT_OK;
    if (!row->sample->has_value) {
        d->pen = false; /* a gap in the line is a gap in the data */
        return ATT_OK;
    }
    if (d->seen++ % d->step == 0 || !d->pen)
        att_text_add(&d->text, "%s%.1f %.1f", d->pen ? "L" : "M", x_of(d, row->utc_ms),
                     y_of(d, number(row->sample->value)));
    d->pen = true;
    return d->text.err;
}

static enum att_err mark(void *ctx, const struct data_row *row, struct att_diag *diag)
{
    struct drawing *d = ctx;
    char failed[DATA_FAILED_ROOM], value[ATT_DECIMAL_TEXT];
    double x = 0;
    double y = 0;

    (void)diag;
    if (strcmp(row->channel->id, d->o->channel) != 0 || !att_check_failed(row->sample->check))
        return ATT_OK;
    if (d->marks++ >= MARKS)
        return ATT_OK;
    x = x_of(d, row->utc_ms);
    y = row->sample->has_value ? y_of(d, number(row->sample->value)) : TOP + PLOT_H;
    att_text_add(
        &d->text,
        "<g class=\"fail\"><title>%s, %s %" PRIu64
        ": %s</title><path d=\"M%.1f %.1fl8 8m0-8l-8 8\"/></g>\n",
        data_failed(failed, row->sample->check), row->channel->id, row->sample->sequence,
        row->sample->has_value ? att_decimal_print(value, sizeof(value), row->sample->value) : "-",
        x - 4, y - 4);
    return d->text.err;
}

static void head(struct drawing *d)
{
    char from[ATT_TIME_TEXT], until[ATT_TIME_TEXT];

    att_text_add(&d->text,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" "
                 "font-family=\"sans-serif\" font-size=\"12\">\n"
                 "<style>.line{fill:none;stroke:#1f5fa8;stroke-width:1.5}.fail "
                 "path{stroke:#c01818;stroke-width:2.5}"
                 ".axis{stroke:#666}.limit{stroke:#b07000;stroke-dasharray:6 4}</style>\n"
                 "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
                 WIDTH, HEIGHT, WIDTH, HEIGHT);
    att_text_add(&d->text, "<text x=\"%d\" y=\"22\" font-size=\"15\">%s (%s)</text>\n", LEFT,
                 d->channel.id, d->channel.unit);
    att_text_add(
        &d->text,
        "<text x=\"%d\" y=\"40\">%s: %" PRIu64 ", %s: %" PRIu64 " (&#215;) &#8212; %s</text>\n",
        LEFT, d->o->ja ? "記録" : "records", d->count, d->o->ja ? "検査不合格" : "failed checks",
        d->failed, d->o->ja ? "未検証の表示" : "not verified by this picture");
    att_text_add(
        &d->text,
        "<text x=\"%d\" y=\"%d\">%s</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n",
        LEFT, HEIGHT - 28, att_time_print(from, sizeof(from), d->first_ms / 1000), WIDTH - RIGHT,
        HEIGHT - 28, att_time_print(until, sizeof(until), d->last_ms / 1000));
    att_text_add(&d->text, "<path class=\"axis\" fill=\"none\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP,
                 TOP + PLOT_H, WIDTH - RIGHT);
}

static void scale(struct drawing *d)
{
    for (int i = 0; i <= 4; i++) {
        double v = d->low + (d->high - d->low) * i / 4;

        att_text_add(&d->text, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n",
                     LEFT - 8, y_of(d, v) + 4, v);
    }
}

/* The limits of the range, where they are in the picture. */
static void limits(struct drawing *d)
{
    const struct att_decimal limit[] = {d->channel.low, d->channel.high};

    for (size_t i = 0; d->channel.has_range && i < ATT_COUNT(limit); i++) {
        double v = number(limit[i]);

        if (v >= d->low && v <= d->high)
            att_text_add(&d->text, "<path class=\"limit\" d=\"M%d %.1fH%d\"/>\n", LEFT, y_of(d, v),
                         WIDTH - RIGHT);
    }
}

static enum att_err draw(struct drawing *d, struct att_diag *diag)
{
    enum att_err err = ATT_OK;
    double room = (d->high - d->low) * 0.05;

    d->low -= room > 0 ? room : 1;
    d->high += room > 0 ? room : 1;
    d->step = d->count / POINTS + 1;
    head(d);
    scale(d);
    limits(d);
    att_text_add(&d->text, "<path class=\"line\" d=\"");
    err = data_view(d->o->bundle, line, d, diag);
    att_text_add(&d->text, "\"/>\n");
    if (err == ATT_OK)
        err = data_view(d->o->bundle, mark, d, diag);
    att_text_add(&d->text, "</svg>\n");
    return err == ATT_OK ? d->text.err : err;
}

enum att_err data_svg(struct att_buf *out, const struct data_order *o, struct att_diag *diag)
{
    struct drawing d = {.text.out = out, .o = o};
    enum att_err err = data_view(o->bundle, measure, &d, diag);

    if (err != ATT_OK)
        return err;
    if (d.count == 0)
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_USAGE, "--svg",
                        "expected a channel that has records in this bundle");
    return draw(&d, diag);
}
