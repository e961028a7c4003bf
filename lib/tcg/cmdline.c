/* Kernel parameters, and the digests that boot loaders extend for them. */
#include "tcg/cmdline.h"

#include <string.h>

#include "base/guard.h"
#include "base/wr.h"

/* Boot loaders and kernels extend these; the ones before are the firmware's. */
#define LOADER_PCR_FIRST 8
#define LOADER_PCR_LAST  15

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

bool att_cmdline_next(struct att_slice *left, struct att_cmdline_param *out)
{
    struct att_cmdline_param p = {0};
    size_t start = 0;
    size_t end = 0;
    bool quoted = false;

    while (start < left->len && is_space(left->p[start])) {
        start++;
    }
    for (end = start; end < left->len && (quoted || !is_space(left->p[end])); end++) {
        quoted = left->p[end] == '"' ? !quoted : quoted;
    }
    if (end == start) {
        return false;
    }
    p.name = att_slice_of(left->p + start, end - start);
    for (size_t i = 0; i < p.name.len; i++) {
        if (p.name.p[i] == '=') {
            p.value = att_slice_of(p.name.p + i + 1, p.name.len - i - 1);
            p.name.len = i;
            break;
        }
    }
    *left = att_slice_of(left->p + end, left->len - end);
    *out = p;
    return true;
}

struct att_slice att_cmdline_trim(struct att_slice text)
{
    while (text.len > 0 && (text.p[text.len - 1] == '\n' || text.p[text.len - 1] == '\0')) {
        text.len--;
    }
    return text;
}

/* The forms that are hashed: the bytes, with a NUL, and each as 16 bits with one. */
enum form { FORM_BYTES, FORM_NUL, FORM_WIDE, FORM__COUNT };

static enum att_err hash_form(uint8_t out[ATT_HASH_MAX], enum form form, enum att_hash bank,
                              struct att_slice text)
{
    static const uint8_t NUL[2] = {0, 0};
    uint8_t wide[2 * ATT_CMDLINE_MAX];
    struct att_wr w = att_wr_into(wide, sizeof(wide));
    struct att_slice part[2] = {text, att_slice_of(NUL, form == FORM_BYTES ? 0 : 1)};

    if (form == FORM_WIDE) {
        for (size_t i = 0; i < text.len; i++) {
            att_wr_u16le(&w, text.p[i]);
        }
        part[0] = att_slice_of(wide, w.len);
        part[1] = att_slice_of(NUL, 2);
    }
    return att_digest(bank, part, 2, out);
}

static const struct att_event_digest *digest_of(const struct att_event *e, enum att_hash bank)
{
    for (uint32_t i = 0; i < e->digest_count; i++) {
        if (e->extends && e->digest[i].alg == bank) {
            return &e->digest[i];
        }
    }
    return NULL;
}

static enum att_err covers(bool *yes, const struct att_event *e, enum att_hash bank,
                           struct att_slice text)
{
    const struct att_event_digest *d = digest_of(e, bank);
    uint8_t digest[ATT_HASH_MAX];
    enum att_err err = ATT_OK;

    *yes = false;
    for (int form = 0; d != NULL && err == ATT_OK && !*yes && form < FORM__COUNT; form++) {
        err = hash_form(digest, (enum form)form, bank, text);
        *yes = err == ATT_OK &&
               !ATT_GUARD(CMDLINE_DIGEST,
                          !att_slice_eq(d->value, att_slice_of(digest, att_hash_size(bank))));
    }
    return err;
}

enum att_err att_cmdline_measured(int *pcr, const struct att_evlog *log, enum att_hash bank,
                                  struct att_slice text)
{
    uint8_t digest[FORM__COUNT][ATT_HASH_MAX];
    enum att_err err = text.len > ATT_CMDLINE_MAX ? ATT_E_LIMIT : ATT_OK;

    *pcr = -1;
    for (int form = 0; err == ATT_OK && form < FORM__COUNT; form++) {
        err = hash_form(digest[form], (enum form)form, bank, text);
    }
    for (size_t i = 0; err == ATT_OK && i < att_evlog_count(log); i++) {
        const struct att_event *e = att_evlog_at(log, i);
        const struct att_event_digest *d = digest_of(e, bank);

        for (int form = 0; d != NULL && form < FORM__COUNT; form++) {
            if (!ATT_GUARD(
                    CMDLINE_DIGEST,
                    !att_slice_eq(d->value, att_slice_of(digest[form], att_hash_size(bank))))) {
                *pcr = (int)e->pcr;
                return ATT_OK;
            }
        }
    }
    return err;
}

/* 16-bit text of plain characters as bytes; empty when it is something else. */
static struct att_slice narrow(struct att_slice data, uint8_t room[ATT_CMDLINE_MAX])
{
    struct att_wr w = att_wr_into(room, ATT_CMDLINE_MAX);

    for (size_t i = 0; i + 1 < data.len; i += 2) {
        if (data.p[i + 1] == 0 && data.p[i] == 0) {
            break;
        }
        if (data.p[i + 1] != 0 || data.p[i] < ' ' || data.p[i] > '~') {
            return att_slice_of(NULL, 0);
        }
        att_wr_u8(&w, data.p[i]);
    }
    return att_slice_of(room, att_wr_ok(&w) ? w.len : 0);
}

/* Behind the words with which GRUB begins the text of such an event; empty without them. */
static struct att_slice behind(struct att_slice data, const char *words)
{
    size_t len = strlen(words);

    if (data.len < len || memcmp(data.p, words, len) != 0) {
        return att_slice_of(NULL, 0);
    }
    return att_slice_of(data.p + len, data.len - len);
}

enum att_err att_cmdline_of_event(struct att_slice *text, const struct att_event *e,
                                  enum att_hash bank, uint8_t room[ATT_CMDLINE_MAX])
{
    struct att_slice data = att_cmdline_trim(e->data_unproven);
    struct att_slice candidate[] = {behind(data, "kernel_cmdline: "),
                                    behind(data, "grub_kernel_cmdline "),
                                    narrow(e->data_unproven, room)};
    enum att_err err = ATT_OK;

    *text = att_slice_of(NULL, 0);
    if (e->pcr < LOADER_PCR_FIRST || e->pcr > LOADER_PCR_LAST) {
        return ATT_OK;
    }
    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(candidate); i++) {
        bool yes = false;

        if (candidate[i].len == 0 || candidate[i].len > ATT_CMDLINE_MAX) {
            continue;
        }
        err = covers(&yes, e, bank, candidate[i]);
        if (err == ATT_OK && yes) {
            *text = candidate[i];
            break;
        }
    }
    return err;
}
