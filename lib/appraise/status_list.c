/* Entries of a status list in memory: entry i of b bits is at bit i*b, from the low end of each byte. */
#include "appraise/status_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"

const char *att_status_name(unsigned int value)
{
    static const char *const NAMES[] = {"valid", "invalid", "suspended"};

    return value < ATT_COUNT(NAMES) ? NAMES[value] : "unknown";
}

bool att_status_uri_ok(const char *uri)
{
    size_t len = strnlen(uri, ATT_STATUS_URI_MAX + 1);

    for (size_t i = 0; i < len; i++) {
        if (uri[i] <= ' ' || uri[i] > '~') {
            return false;
        }
    }
    return len > 0 && len <= ATT_STATUS_URI_MAX;
}

bool status_bits_ok(uint64_t bits)
{
    return bits == 1 || bits == 2 || bits == 4 || bits == 8;
}

struct att_status_list *status_list_room(unsigned int bits, size_t len)
{
    struct att_status_list *l = calloc(1, sizeof(*l) + len);

    if (l != NULL) {
        l->bits = bits;
        l->len = len;
    }
    return l;
}

enum att_err att_status_list_new(struct att_status_list **out, unsigned int bits, uint64_t count)
{
    struct att_status_list *l = NULL;

    if (!status_bits_ok(bits) || count == 0 ||
        count > (uint64_t)ATT_STATUS_BYTES_MAX * (8U / bits)) {
        return ATT_E_LIMIT;
    }
    l = status_list_room(bits, (size_t)(count * bits + 7) / 8);
    if (l == NULL) {
        return ATT_E_NOMEM;
    }
    *out = l;
    return ATT_OK;
}

void att_status_list_free(struct att_status_list *l)
{
    free(l);
}

void att_status_list_freep(struct att_status_list **l)
{
    att_status_list_free(*l);
    *l = NULL;
}

unsigned int att_status_list_bits(const struct att_status_list *l)
{
    return l->bits;
}

uint64_t att_status_list_count(const struct att_status_list *l)
{
    return (uint64_t)l->len * (8U / l->bits);
}

/* Where an entry stands: its byte, and the lowest of its bits there. */
struct place {
    size_t byte;
    unsigned int shift, mask;
};

static struct place place_of(const struct att_status_list *l, uint64_t index)
{
    return (struct place){.byte = (size_t)(index / (8U / l->bits)),
                          .shift = (unsigned int)(index % (8U / l->bits)) * l->bits,
                          .mask = (1U << l->bits) - 1U};
}

enum att_err att_status_list_set(struct att_status_list *l, uint64_t index, unsigned int value)
{
    struct place at;

    if (index >= att_status_list_count(l) || value >> l->bits != 0) {
        return ATT_E_LIMIT;
    }
    at = place_of(l, index);
    l->bytes[at.byte] =
        (uint8_t)((l->bytes[at.byte] & ~(at.mask << at.shift)) | (value << at.shift));
    return ATT_OK;
}

enum att_err att_status_list_get(unsigned int *out, const struct att_status_list *l, uint64_t index,
                                 struct att_diag *diag)
{
    struct place at = place_of(l, index);

    if (ATT_GUARD(SL_INDEX, index >= att_status_list_count(l))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_SL_INDEX, "idx",
                        "expected an entry below %llu, found %llu",
                        (unsigned long long)att_status_list_count(l), (unsigned long long)index);
    }
    *out = at.byte < l->len ? ((unsigned int)l->bytes[at.byte] >> at.shift) & at.mask
                            : ATT_STATUS_VALID;
    return ATT_OK;
}

void att_status_token_free(struct att_status_token *t)
{
    if (t == NULL) {
        return;
    }
    att_status_list_free(t->list);
    free(t);
}

void att_status_token_freep(struct att_status_token **t)
{
    att_status_token_free(*t);
    *t = NULL;
}
