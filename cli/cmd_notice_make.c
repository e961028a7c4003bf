/*
 * notice make: what will change, said before it does.
 *
 * A compiled reference file holds no names, so the new state comes from the sources of `refvals make`; what
 * the present references do not expect of it becomes the notice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "commands.h"
#include "notice_tell.h"
#include "refvals_sources.h"
#include "signing.h"

struct ordering {
    struct sources s;
    const char *id, *role, *from, *until, *title_en, *title_ja, *refvals, *key;
    const char *device[OPTION_MANY], *gone[OPTION_MANY];
    bool complete, file_key;
};

/* The notice under way, with room for its digests. */
struct draft {
    struct att_notice *n;
    uint8_t (*room)[32];
    size_t room_count;
    char *name[ATT_NOTICE_CHANGES_MAX]; /* those that no source and no option holds */
    size_t name_count;
};

static void draft_clear(struct draft *d)
{
    if (d->n != NULL) {
        free(d->n->change);
    }
    free(d->n);
    free(d->room);
    for (size_t i = 0; i < d->name_count; i++) {
        free(d->name[i]);
    }
}

static enum att_err draft_start(struct draft *d)
{
    d->n = calloc(1, sizeof(*d->n));
    d->room = calloc(ATT_NOTICE_CHANGES_MAX * (size_t)(ATT_NOTICE_BEFORE_MAX + 1), 32);
    if (d->n == NULL || d->room == NULL) {
        return ATT_E_NOMEM;
    }
    d->n->change = calloc(ATT_NOTICE_CHANGES_MAX, sizeof(*d->n->change));
    return d->n->change == NULL ? ATT_E_NOMEM : ATT_OK;
}

/* One more change, with what the references expect under its name as the state before. */
static enum att_err add_change(struct draft *d, const struct att_refvals *refs, const char *name,
                               const uint8_t *after, struct att_diag *diag)
{
    struct att_change *c = &d->n->change[d->n->change_count];
    uint8_t before[ATT_NOTICE_BEFORE_MAX][32];
    size_t count = 0;
    enum att_err err = ATT_OK;

    if (d->n->change_count >= ATT_NOTICE_CHANGES_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_CFG_NOTICE, "changes",
                        "expected at most %d; make a notice for each part of the update",
                        ATT_NOTICE_CHANGES_MAX);
    }
    err = att_refvals_expected(&count, refs, att_slice_str(name), before, ATT_COUNT(before));
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "--refvals", "%s", att_err_name(err));
    }
    if (count > ATT_NOTICE_BEFORE_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_CFG_NOTICE, "--refvals",
                        "expected at most %d values of one name, found %zu", ATT_NOTICE_BEFORE_MAX,
                        count);
    }
    c->name = att_slice_str(name);
    if (after != NULL) {
        c->after = memcpy(d->room[d->room_count++], after, 32);
    }
    for (size_t i = 0; i < count; i++) {
        c->before[i] = memcpy(d->room[d->room_count++], before[i], 32);
    }
    c->before_count = count;
    d->n->change_count++;
    return ATT_OK;
}

/* The same path as a link where it is a file, and the other way round; NULL: no memory. */
static char *other_kind(const char *name)
{
    static const size_t LINK = sizeof(ATT_LINK_PREFIX) - 1;
    char *other = NULL;

    if (strncmp(name, ATT_LINK_PREFIX, LINK) == 0) {
        return strdup(name + LINK);
    }
    return asprintf(&other, ATT_LINK_PREFIX "%s", name) < 0 ? NULL : other;
}

static int by_kept_name(const void *name, const void *kept)
{
    return strcmp(name, ((const struct kept *)kept)->name);
}

static bool has_name(const struct making *m, const char *name)
{
    return m->kept_count > 0 &&
           bsearch(name, m->kept, m->kept_count, sizeof(*m->kept), by_kept_name) != NULL;
}

/* A link in the place of a file: the file is gone with that, and must not be asked for. */
static enum att_err add_replaced(struct draft *d, const struct att_refvals *refs,
                                 const struct making *m, const char *name, struct att_diag *diag)
{
    char *other = other_kind(name);
    struct att_refvals_found found = {0};
    enum att_err err =
        other == NULL ? ATT_E_NOMEM : att_refvals_look(&found, refs, att_slice_str(other), NULL);

    if (err != ATT_OK || found.count == 0 || has_name(m, other) ||
        d->name_count == ATT_COUNT(d->name)) { /* so many changes are refused by the next */
        free(other);
        return err;
    }
    d->name[d->name_count++] = other;
    return add_change(d, refs, other, NULL, diag);
}

/* What the sources have and the references do not expect. */
static enum att_err add_new(struct draft *d, const struct att_refvals *refs, const struct making *m,
                            bool complete, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < m->kept_count; i++) {
        const struct kept *k = &m->kept[i];
        struct att_refvals_found found = {0};
        bool set = strncmp(k->name, ATT_COMPLETE_PREFIX, strlen(ATT_COMPLETE_PREFIX)) == 0;

        if (set && !complete) {
            continue; /* of a part of the system: no set of the whole */
        }
        err = att_refvals_look(&found, refs, att_slice_str(k->name), k->digest);
        if (err != ATT_OK) {
            return att_fail(diag, err, ATT_R_NOMEM, "--refvals", "%s", att_err_name(err));
        }
        if (found.same) {
            continue;
        }
        err = add_change(d, refs, k->name, k->digest, diag);
        if (err == ATT_OK && (i == 0 || strcmp(m->kept[i - 1].name, k->name) != 0)) {
            err = add_replaced(d, refs, m, k->name, diag);
        }
    }
    return err;
}

static bool is_told(const struct draft *d, const char *name)
{
    for (size_t i = 0; i < d->n->change_count; i++) {
        const struct att_change *c = &d->n->change[i];

        if (c->after == NULL && att_slice_eq(c->name, att_slice_str(name))) {
            return true;
        }
    }
    return false;
}

static enum att_err add_gone(struct draft *d, const struct att_refvals *refs,
                             const char *const *names, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && names[i] != NULL; i++) {
        if (is_told(d, names[i])) {
            continue;
        }
        err = add_change(d, refs, names[i], NULL, diag);
        if (err == ATT_OK && d->n->change[d->n->change_count - 1].before_count == 0) {
            char shown[96];

            err = att_fail(diag, ATT_E_NOT_FOUND, ATT_R_CFG_NOTICE, "--gone",
                           "expected a name of the reference values, found %s",
                           text_safe(shown, sizeof(shown), names[i]));
        }
    }
    return err;
}

static int by_change(const void *a, const void *b)
{
    const struct att_change *x = a;
    const struct att_change *y = b;
    size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
    int order = memcmp(x->name.p, y->name.p, len);

    if (order != 0 || x->name.len != y->name.len) {
        return order != 0 ? order : x->name.len < y->name.len ? -1 : 1;
    }
    if (x->after == NULL || y->after == NULL) {
        return (x->after != NULL) - (y->after != NULL);
    }
    return memcmp(x->after, y->after, 32);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum att_err copy(char *out, size_t cap, const char *in, const char *option,
                         struct att_diag *diag)
{
    if (in != NULL && strlen(in) >= cap) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_CFG_NOTICE, option, "expected at most %zu bytes",
                        cap - 1);
    }
    (void)snprintf(out, cap, "%s", in != NULL ? in : "");
    return ATT_OK;
}

static enum att_err read_time(int64_t *out, const char *text, const char *option,
                              struct att_diag *diag)
{
    if (att_time_parse(out, text) != ATT_OK) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, option,
                        "expected a time such as 2026-12-01T00:00:00Z");
    }
    return ATT_OK;
}

static enum att_err fill_head(struct att_notice *n, struct ordering *o, struct att_diag *diag)
{
    size_t devices = 0;
    enum att_err err = copy(n->id, sizeof(n->id), o->id, "--id", diag);

    err = err == ATT_OK ? copy(n->role, sizeof(n->role), o->role, "--role", diag) : err;
    err =
        err == ATT_OK ? copy(n->title_en, sizeof(n->title_en), o->title_en, "--title", diag) : err;
    err = err == ATT_OK ? copy(n->title_ja, sizeof(n->title_ja), o->title_ja, "--title-ja", diag)
                        : err;
    n->from_s = att_clock_utc_s();
    if (err == ATT_OK && o->from != NULL) {
        err = read_time(&n->from_s, o->from, "--from", diag);
    }
    err = err == ATT_OK ? read_time(&n->until_s, o->until, "--until", diag) : err;
    while (o->device[devices] != NULL) {
        devices++;
    }
    qsort(o->device, devices, sizeof(o->device[0]), by_text);
    for (size_t i = 0; err == ATT_OK && i < devices; i++) {
        err = copy(n->device[n->device_count++], sizeof(n->device[0]), o->device[i], "--device",
                   diag);
    }
    return err;
}

static enum att_err collect(struct draft *d, struct making *m, struct ordering *o, char **trees,
                            struct att_diag *diag)
{
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *refs = NULL;
    enum att_err err = att_refvals_map(&refs, o->refvals, diag);

    err = err == ATT_OK ? att_refvals_check(refs, diag) : err;
    err = err == ATT_OK ? sources_add(m, &o->s, trees, diag) : err;
    if (err != ATT_OK) {
        return err;
    }
    making_sort(m);
    err = add_new(d, refs, m, o->complete, diag);
    err = err == ATT_OK ? add_gone(d, refs, o->gone, diag) : err;
    if (err == ATT_OK && d->n->change_count == 0) {
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_CFG_NOTICE, "changes",
                        "the reference values expect all of it already: no notice is needed");
    }
    qsort(d->n->change, d->n->change_count, sizeof(*d->n->change), by_change);
    return err;
}

static enum att_err write_signed(struct report *r, const struct draft *d,
                                 const struct att_signer *signer, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    enum att_err err = att_notice_encode(&encoded, d->n, diag);

    if (err == ATT_E_FORMAT) {
        err = ATT_E_CONFIG; /* it is the command line that was wrong */
    }
    if (err == ATT_OK) {
        err = att_notice_sign(&message, att_buf_slice(encoded), signer);
    }
    return err == ATT_OK ? att_file_write(r->cli->output, att_buf_slice(message), 0644, diag) : err;
}

static int run_make(struct report *r, struct ordering *o, char **trees)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = NULL;
    ATT_CLEANUP(draft_clear) struct draft d = {0};
    struct making m = {0};
    struct att_diag diag = {0};
    enum att_err err = signing_open(&signer, o->key, o->file_key, &diag);

    err = err == ATT_OK ? draft_start(&d) : err;
    err = err == ATT_OK ? fill_head(d.n, o, &diag) : err;
    err = err == ATT_OK ? making_start(&m, r) : err;
    m.keep = true;
    err = err == ATT_OK ? collect(&d, &m, o, trees, &diag) : err;
    err = err == ATT_OK ? write_signed(r, &d, signer, &diag) : err;
    if (err == ATT_OK) {
        notice_tell(r, d.n);
    }
    making_clear(&m);
    if (err != ATT_OK) {
        return report_failure(r, err, &diag);
    }
    if (signer->key_class == ATT_KEY_CLASS_FILE) {
        report_reason(r, "E_KEY_FILE", o->key, "signed with a key in a file (--insecure-file-key)");
    }
    return report_finish(r);
}

/* The first option that must be there and is not, or NULL. */
static const char *missing(const struct ordering *o)
{
    const struct {
        const char *option, *value;
    } needed[] = {{"--id ID", o->id},
                  {"--role ROLE", o->role},
                  {"--until TIME", o->until},
                  {"--title TEXT", o->title_en},
                  {"--refvals FILE", o->refvals},
                  {"--key KEY", o->key}};

    for (size_t i = 0; i < ATT_COUNT(needed); i++) {
        if (needed[i].value == NULL) {
            return needed[i].option;
        }
    }
    return NULL;
}

int cmd_notice_make(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.notice-make.v1");
    struct ordering o = {0};
    const struct option_spec options[] = {
        {"id", &o.id, NULL, "ID", "its name; labels say it", "通知の名前 (ラベルに表示)"},
        {"role", &o.role, NULL, "ROLE", "in which role it is signed", "署名者の役割"},
        {"from", &o.from, NULL, "TIME", "the window opens then; absent: now",
         "期間の開始 (省略時は現在)"},
        {"until", &o.until, NULL, "TIME", "the window ends then, at most 7 days later",
         "期間の終了 (最長 7 日)"},
        {"title", &o.title_en, NULL, "TEXT", "what it is about", "内容 (英語)"},
        {"title-ja", &o.title_ja, NULL, "TEXT", "the same in Japanese", "内容 (日本語)"},
        {"device", o.device, NULL, "ID...", "only for this gateway", "対象の機器を限る"},
        {"refvals", &o.refvals, NULL, "FILE", "the reference values of today", "現在の参照値"},
        {"gone", o.gone, NULL, "NAME...", "what will not be there any more", "なくなる項目"},
        {"complete", NULL, &o.complete, NULL, "the sources are the whole new state",
         "入力は新しい状態の全体である"},
        {"key", &o.key, NULL, "KEY", "pkcs11:URI, or a file", "pkcs11:URI またはファイル"},
        {"insecure-file-key", NULL, &o.file_key, NULL, "the key may be a file",
         "ファイルの鍵を許可する"},
        SOURCE_OPTIONS(o.s)};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);

    if (code != OPTIONS_OK) {
        return code;
    }
    if (missing(&o) != NULL) {
        return report_usage(&r, "arguments", "expected %s, found nothing", missing(&o));
    }
    if (argc < 2 && sources_none(&o.s) && o.gone[0] == NULL) {
        return report_usage(&r, "arguments", "expected %s, found nothing",
                            "TREE, --deb, --image, --gone or another source");
    }
    code = output_needed(&r, false);
    return code != OPTIONS_OK ? code : run_make(&r, &o, argv + 1);
}
