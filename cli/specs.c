/* Transcription specifications for people and as JSON. */
#include "specs.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "prov/spec_print.h"
#include "prov/spec_words.h"

/* --- show --- */

/* Who says to have signed it: only a gateway that lists the key believes that. */
static void show_origin(struct report *r, const struct att_spec_origin *from)
{
    char hex[65];

    (void)json_object_set_new(
        r->root, "signer", from->is_signed ? json_hex(att_slice_of(from->kid, 32)) : json_null());
    if (from->is_signed) {
        report_line(r, "%s",
                    tr(r->cli, "NOT VERIFIED: the gateway's specification_signers decide.",
                       "未検証: ゲートウェイの specification_signers が判定します。"));
        report_field(r, tr(r->cli, "signer", "署名者"), "%s",
                     att_hex_encode(hex, sizeof(hex), att_slice_of(from->kid, 32)));
    }
}

static void show_head(struct report *r, const struct att_spec *s)
{
    char hex[65];

    (void)att_hex_encode(hex, sizeof(hex), att_slice_of(s->digest, 32));
    (void)json_object_set_new(r->root, "specification", json_string(s->id));
    (void)json_object_set_new(r->root, "version", json_integer((json_int_t)s->version));
    (void)json_object_set_new(r->root, "digest", json_string(hex));
    (void)json_object_set_new(r->root, "title",
                              json_pack("{s:s, s:s}", "en", s->title_en, "ja", s->title_ja));
    (void)json_object_set_new(r->root, "batch",
                              json_pack("{s:I, s:I}", "every_ms", (json_int_t)s->batch_ms,
                                        "at_most", (json_int_t)s->batch_size));
    report_line(r, "%s@%llu  sha256 %s", s->id, (unsigned long long)s->version, hex);
    report_line(r, "%s", tr(r->cli, s->title_en, s->title_ja));
}

struct columns {
    int id, title, unit;
};

/* As wide as what stands in them. */
static struct columns columns_of(const struct report *r, const struct att_spec *s)
{
    struct columns w = {2, 5, 4};

    for (size_t i = 0; i < s->channel_count; i++) {
        const struct att_channel *c = &s->channel[i];
        int id = (int)strlen(c->id);
        int title = (int)text_width(tr(r->cli, c->title_en, c->title_ja));
        int unit = (int)strlen(c->unit);

        w.id = id > w.id ? id : w.id;
        w.title = title > w.title ? title : w.title;
        w.unit = unit > w.unit ? unit : w.unit;
    }
    w.title = w.title < 32 ? w.title : 32;
    return w;
}

static void row(const struct report *r, const struct columns *w, const char *const cell[5])
{
    char id[64], title[512], unit[64], term[64];

    report_line(r, "  %s  %s  %s  %s  %s", text_pad(id, sizeof(id), cell[0], w->id),
                text_pad(title, sizeof(title), cell[1], w->title),
                text_pad(unit, sizeof(unit), cell[2], w->unit),
                text_pad(term, sizeof(term), cell[3], 25), cell[4]);
}

/* "3: 2026-01-01/2027-01-01", the day as people read it. */
static char *term_of(char *out, size_t cap, const struct att_calibration *k)
{
    char from[ATT_TIME_TEXT], until[ATT_TIME_TEXT];

    (void)att_time_print(from, sizeof(from), k->from_s);
    (void)att_time_print(until, sizeof(until), k->until_s);
    (void)snprintf(out, cap, "%llu: %.10s/%.10s", (unsigned long long)k->version, from, until);
    return out;
}

static json_t *keys_of(const struct att_channel *c)
{
    json_t *keys = json_object();

    for (size_t i = 0; i < ATT_CHANNEL_KEYS; i++) {
        struct att_buf *text = NULL;

        if (att_channel_print(&text, c, i) == ATT_OK && att_buf_len(text) > 1) {
            (void)json_object_set_new(keys, att_channel_key(i),
                                      json_string((const char *)att_buf_slice(text).p));
        }
        att_buf_free(text);
    }
    return keys;
}

static json_t *channel_json(const struct att_channel *c, json_t *keys)
{
    char from[ATT_TIME_TEXT], until[ATT_TIME_TEXT];
    char en[ATT_SPEC_WORDS_MAX], ja[ATT_SPEC_WORDS_MAX];
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "id", c->id, "en", c->title_en, "ja",
                          c->title_ja, "unit", c->unit, "output", c->output, "digest",
                          json_hex(att_slice_of(c->digest, 32)));

    (void)json_object_set_new(
        o, "calibration",
        json_pack("{s:I, s:s, s:s}", "version", (json_int_t)c->calibration.version, "from",
                  att_time_print(from, sizeof(from), c->calibration.from_s), "until",
                  att_time_print(until, sizeof(until), c->calibration.until_s)));
    (void)json_object_set_new(o, "limits_en",
                              json_string(att_channel_limits_words(en, sizeof(en), c, false)));
    (void)json_object_set_new(o, "limits_ja",
                              json_string(att_channel_limits_words(ja, sizeof(ja), c, true)));
    (void)json_object_set_new(o, "as_written", keys);
    return o;
}

static void show_channel(struct report *r, const struct columns *w, const struct att_channel *c,
                         json_t *list)
{
    char term[64];
    char limits[ATT_SPEC_WORDS_MAX];
    char title[512];
    json_t *keys = keys_of(c);
    const char *key = NULL;
    json_t *value = NULL;
    bool ja = tr(r->cli, "", "ja")[0] != '\0';

    (void)att_channel_limits_words(limits, sizeof(limits), c, ja);
    row(r, w,
        (const char *const[]){
            c->id, text_safe(title, sizeof(title), ja ? c->title_ja : c->title_en), c->unit,
            term_of(term, sizeof(term), &c->calibration), limits[0] != '\0' ? limits : "-"});
    json_object_foreach(keys, key, value)
    {
        if (r->cli->verbose) {
            report_line(r, "      %s: %s", key, json_string_value(value));
        }
    }
    (void)json_array_append_new(list, channel_json(c, keys));
}

static void show_relations(struct report *r, const struct att_spec *s, json_t *list)
{
    struct att_relation_words words;

    for (size_t i = 0; att_relation_words(&words, s, i); i++) {
        if (i == 0) {
            report_line(r, "%s", "");
        }
        report_line(r, "  %-10s  %-12s  %s", words.kind, words.id, tr(r->cli, words.en, words.ja));
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:s, s:s, s:s}", "kind", words.kind, "id",
                                              words.id, "en", words.en, "ja", words.ja));
    }
}

int spec_show(struct report *r, const struct att_spec *s, const struct att_spec_origin *from)
{
    struct columns w = columns_of(r, s);
    json_t *channels = json_array();
    json_t *relations = json_array();

    (void)json_object_del(r->root, "requirements"); /* of policies */
    (void)json_object_set_new(r->root, "channels", channels);
    (void)json_object_set_new(r->root, "relations", relations);
    show_origin(r, from);
    show_head(r, s);
    report_line(r, "%s", "");
    row(r, &w,
        (const char *const[]){tr(r->cli, "id", "ID"), tr(r->cli, "title", "名称"),
                              tr(r->cli, "unit", "単位"), tr(r->cli, "calibration", "校正"),
                              tr(r->cli, "limits", "限度")});
    for (size_t i = 0; i < s->channel_count; i++) {
        show_channel(r, &w, &s->channel[i], channels);
    }
    show_relations(r, s, relations);
    return report_finish(r);
}

int spec_show_yaml(struct report *r, const struct att_spec *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    enum att_err err = att_spec_print_yaml(&text, s);

    return report_as_text(r, err, text);
}

/* --- diff --- */

static void tell_change(struct report *r, const struct att_spec_change *c, json_t *list)
{
    report_line(r, "  %s %-14s %s", c->counter ? "!" : " ", c->id[0] != '\0' ? c->id : "-",
                tr(r->cli, c->en, c->ja));
    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "id", c->id, "effect",
                                                c->counter ? "counter" : "other", "en", c->en, "ja",
                                                c->ja));
}

int spec_diff(struct report *r, const struct att_spec *a, const struct att_spec *b)
{
    ATT_CLEANUP(att_spec_diff_freep) struct att_spec_diff *d = NULL;
    struct att_diag why = {0};
    struct att_diag stops = {0};
    json_t *list = json_object_get(r->root, "changes");
    enum att_err err = att_spec_diff(&d, a, b);

    if (err != ATT_OK) {
        return report_failure(r, err, &why);
    }
    report_line(r, "%s@%llu -> %s@%llu", a->id, (unsigned long long)a->version, b->id,
                (unsigned long long)b->version);
    for (size_t i = 0; i < d->count; i++) {
        tell_change(r, &d->change[i], list);
    }
    if (d->count > 0) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_POL_DIFFERS, "specification", "%zu changes",
                       d->count);
    }
    report_check(r, "specification", d->count == 0 ? C_PASS : C_FAIL, &why);
    /* The first thing that is missed: the lines above have all of them. */
    if (att_spec_check_next(a, b, &stops) != ATT_OK) {
        report_check(r, "counters", C_FAIL, &stops);
    } else {
        report_check(r, "counters", C_PASS, NULL);
    }
    return report_finish(r);
}
