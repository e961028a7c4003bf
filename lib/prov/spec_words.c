/* Limits and relations as sentences. */
#include "prov/spec_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "prov/spec_internal.h"

struct number {
    char text[ATT_DECIMAL_TEXT];
};

static struct number number(struct att_decimal d)
{
    struct number n;

    (void)att_decimal_print(n.text, sizeof(n.text), d);
    return n;
}

/* Seconds, exactly. */
static struct number seconds(int64_t ms)
{
    struct att_decimal d = {0, 0};

    (void)!att_decimal_make(&d, ms, -3);
    return number(d);
}

char *att_channel_limits_words(char *out, size_t cap, const struct att_channel *c, bool ja)
{
    struct att_words w = {out, cap, 0, ja};

    out[0] = '\0';
    if (c->has_range) {
        ATT_WORDS_SAY(&w, "%s to %s", "%s から %s", number(c->low).text, number(c->high).text);
    }
    if (c->has_rate) {
        ATT_WORDS_SAY(&w, "%schanges by at most %s in %s s", "%s変化は %s 以下 (%s 秒で)",
                      w.len > 0 ? "; " : "", number(c->rate_most).text, seconds(c->rate_ms).text);
    }
    if (c->has_quiet) {
        ATT_WORDS_SAY(&w, "%smoves by at least %s in %u values", "%s変動は %s 以上 (%u 値で)",
                      w.len > 0 ? "; " : "", number(c->quiet_least).text, c->quiet_over);
    }
    if (c->replay_over > 0) {
        ATT_WORDS_SAY(&w, "%sno %u frames in a row again", "%s同じ %u フレームの繰り返しなし",
                      w.len > 0 ? "; " : "", c->replay_over);
    }
    return out;
}

/* --- relations --- */

static const char *id_of(const struct att_spec *s, uint8_t channel)
{
    return s->channel[channel].id;
}

static void say_members(struct att_words *w, const struct att_spec *s, const uint8_t *member,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ATT_WORDS_SAY(w, "%s%s", "%s%s", i == 0 ? "" : w->ja ? "、" : ", ", id_of(s, member[i]));
    }
}

static void say_redundancy(struct att_words *w, const struct att_spec *s,
                           const struct att_redundancy *r)
{
    say_members(w, s, r->channel, r->count);
    ATT_WORDS_SAY(w, " agree within %s %s", " は %s %s 以内で一致する", number(r->tolerance).text,
                  s->channel[r->channel[0]].unit);
}

static void say_balance(struct att_words *w, const struct att_spec *s, const struct att_balance *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct att_decimal f = b->factor[i];

        att_words_add(w, "%s", f.mantissa < 0 ? (i > 0 ? " - " : "-") : (i > 0 ? " + " : ""));
        f = att_decimal_abs(f);
        if (f.mantissa != 1 || f.exponent != 0) {
            att_words_add(w, "%s ", number(f).text);
        }
        att_words_add(w, "%s", id_of(s, b->channel[i]));
    }
    ATT_WORDS_SAY(w, " is 0 within %s", " は %s 以内で 0 である", number(b->tolerance).text);
}

static void say_feedback(struct att_words *w, const struct att_spec *s,
                         const struct att_feedback *f)
{
    ATT_WORDS_SAY(w, "%s follows %s within %s %s after %s s; without us it is %s",
                  "%s は %s に %s %s 以内で追従する (%s 秒後)。指令が絶えたときは %s",
                  id_of(s, f->feedback), id_of(s, f->command), number(f->tolerance).text,
                  s->channel[f->feedback].unit, seconds(f->settling_ms).text,
                  number(f->fail_safe).text);
}

static void say_interlock(struct att_words *w, const struct att_spec *s,
                          const struct att_interlock *x)
{
    ATT_WORDS_SAY(w, "%s only while %s is %s to %s", "%s は %s が %s から %s の間だけ",
                  id_of(s, x->command), id_of(s, x->state), number(x->low).text,
                  number(x->high).text);
}

static void say_seal(struct att_words *w, const struct att_spec *s, const struct att_seal *x)
{
    ATT_WORDS_SAY(w, "%s is %s as long as nobody opened what holds ",
                  "%s は %s (開けられていない間): ", id_of(s, x->channel), number(x->intact).text);
    say_members(w, s, x->covers, x->count);
}

static void say_relation(struct att_words *w, const struct att_spec *s, enum att_relation kind,
                         const void *r)
{
    w->out[0] = '\0';
    switch (kind) {
    case ATT_RELATION_REDUNDANCY:
        say_redundancy(w, s, r);
        break;
    case ATT_RELATION_BALANCE:
        say_balance(w, s, r);
        break;
    case ATT_RELATION_FEEDBACK:
        say_feedback(w, s, r);
        break;
    case ATT_RELATION_INTERLOCK:
        say_interlock(w, s, r);
        break;
    case ATT_RELATION_SEAL:
        say_seal(w, s, r);
        break;
    }
}

bool att_relation_words(struct att_relation_words *out, const struct att_spec *s, size_t i)
{
    for (int k = 0; k < ATT_RELATION__COUNT; k++) {
        enum att_relation kind = (enum att_relation)k;
        struct att_relation_view all = att_spec_relation_view(s, kind);
        struct att_words en = {out->en, sizeof(out->en), 0, false};
        struct att_words ja = {out->ja, sizeof(out->ja), 0, true};

        if (i >= all.count) {
            i -= all.count;
            continue;
        }
        out->kind = all.key;
        out->id = att_relation_view_at(&all, i);
        say_relation(&en, s, kind, out->id);
        say_relation(&ja, s, kind, out->id);
        return true;
    }
    return false;
}
