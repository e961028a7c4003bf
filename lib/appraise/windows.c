/* Windows of a device: which of all notices they are. */
#include "appraise/windows.h"

#include <string.h>

#include "base/hex.h"
#include "crypto/digest.h"

enum att_err att_windows_notices(const struct att_notice **out, const struct att_windows *w,
                                 const struct att_notice *const *given, size_t count,
                                 struct att_diag *diag)
{
    char hex[65];

    for (uint32_t i = 0; i < w->count; i++) {
        out[i] = att_notices_find(given, count, w->window[i].notice);
        if (out[i] == NULL) {
            return att_fail(
                diag, ATT_E_NOT_FOUND, ATT_R_REF_NOTICE, "change notice",
                "expected the one of SHA-256 %s",
                att_hex_encode(hex, sizeof(hex), att_slice_of(w->window[i].notice, 32)));
        }
    }
    return ATT_OK;
}

static const struct att_window *known_of(const struct att_windows *known, const uint8_t *notice)
{
    for (uint32_t i = 0; i < known->count; i++) {
        if (memcmp(known->window[i].notice, notice, 32) == 0) {
            return &known->window[i];
        }
    }
    return NULL;
}

static bool shows_any(const struct att_window *w)
{
    static const uint8_t none[ATT_WINDOW_BITS];

    return w != NULL && memcmp(w->shown, none, sizeof(none)) != 0;
}

void att_windows_pick(struct att_windows *out, const struct att_notices *all,
                      const struct att_windows *known, const char *device_id, int64_t now_s)
{
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < all->count; i++) {
        const struct att_notice *n = all->notice[i];
        const struct att_window *before = known_of(known, n->digest);
        bool open = att_notice_is_open(n, now_s) && att_notice_concerns(n, device_id);
        struct att_window *one = &out->window[out->count];

        if (!open && !shows_any(before)) {
            continue;
        }
        if (before != NULL) {
            *one = *before;
        }
        memcpy(one->notice, n->digest, sizeof(one->notice));
        one->open = open;
        out->count++;
    }
}

enum att_err att_windows_digest(uint8_t out[32], const struct att_windows *x)
{
    struct att_slice part[2 * ATT_NOTICES_MAX];
    size_t count = 0;

    if (x->count == 0) {
        memset(out, 0, 32);
        return ATT_OK;
    }
    for (uint32_t i = 0; i < x->count; i++) {
        part[count++] = att_slice_of(x->window[i].notice, 32);
        part[count++] = att_slice_str(x->window[i].open ? "open" : "over");
    }
    return att_digest(ATT_HASH_SHA256, part, count, out);
}
