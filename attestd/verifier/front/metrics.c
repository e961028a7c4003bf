/* Prometheus text, version 0.0.4. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "verifier/front/front.h"

#define METRICS_MAX (256 * 1024)
#define PREFIX      "attestd_front_"

struct row {
    const char *name, *type, *help;
    uint64_t value;
};

static enum att_err put(struct att_buf *out, const struct row *r)
{
    char text[512];
    int n = snprintf(text, sizeof(text),
                     "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n" PREFIX "%s %" PRIu64 "\n",
                     r->name, r->help, r->name, r->type, r->name, r->value);

    if (n < 0 || (size_t)n >= sizeof(text)) {
        return ATT_E_INTERNAL;
    }
    return att_buf_add(out, text, (size_t)n);
}

static enum att_err put_all(struct att_buf *out, const struct front *f)
{
    const struct front_counters *c = f->wiring->counters;
    enum att_err err = ATT_OK;

#define COUNTER(member, type_, help_)                                                              \
    if (err == ATT_OK) {                                                                           \
        struct row r = {.name = #member, .type = #type_, .help = (help_)};                         \
        for (size_t i = 0; i < f->cfg->fronts; i++) {                                              \
            r.value += atomic_load_explicit(&c[i].member, memory_order_relaxed);                   \
        }                                                                                          \
        err = put(out, &r);                                                                        \
    }
    FRONT_COUNTERS(COUNTER)
#undef COUNTER
    return err;
}

enum att_err metrics_print(struct att_buf **out, const struct front *f, struct att_slice more)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    enum att_err err = att_buf_new(&b, METRICS_MAX);

    if (err == ATT_OK) {
        err = put_all(b, f);
    }
    if (err == ATT_OK) {
        err = att_buf_add_slice(b, more);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}
