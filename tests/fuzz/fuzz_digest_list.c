/*
 * A list of digests gives one path a line at most; one below a root begins there and does not leave it; and each,
 * written as sha256sum(1) writes it, is read as the same.
 */
#include <string.h>

#include "base/hex.h"
#include "base/wr.h"
#include "fuzz.h"
#include "policy/import.h"

#define ROOM 16384

struct seen {
    bool rooted;
    const uint8_t *digest; /* of the path that is read again */
    const char *name;
    size_t count;
};

static enum att_err take_again(void *ctx, struct att_slice name, const uint8_t digest[32])
{
    struct seen *s = ctx;

    HOLDS(att_slice_eq(name, att_slice_str(s->name)) && memcmp(digest, s->digest, 32) == 0);
    s->count++;
    return ATT_OK;
}

/* "\" in front of the line when a byte of the name is escaped in it. */
static struct att_slice write_line(uint8_t room[ROOM], const char *name, const uint8_t digest[32])
{
    struct att_wr w = att_wr_into(room, ROOM);
    char hex[65];

    if (strpbrk(name, "\n\r\\") != NULL) {
        att_wr_u8(&w, '\\');
    }
    att_wr_bytes(&w, att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 32)), 64);
    att_wr_bytes(&w, "  ", 2);
    for (; *name != '\0'; name++) {
        if (strchr("\n\r\\", *name) != NULL) {
            att_wr_u8(&w, '\\');
        }
        att_wr_u8(&w, (uint8_t)(*name == '\n' ? 'n' : *name == '\r' ? 'r' : *name));
    }
    att_wr_u8(&w, '\n');
    HOLDS(att_wr_ok(&w));
    return att_slice_of(room, w.len);
}

static enum att_err take(void *ctx, struct att_slice name, const uint8_t digest[32])
{
    static uint8_t room[ROOM];
    struct seen *s = ctx;
    const char *text = (const char *)name.p;
    struct seen again = {.name = text, .digest = digest};
    struct att_import io = {.take = take_again, .ctx = &again};

    HOLDS(name.len > 0 && strlen(text) == name.len);
    HOLDS(!s->rooted || (text[0] == '/' && strstr(text, "/../") == NULL));
    s->count++;
    if (strncmp(text, "./", 2) != 0) { /* which would go */
        HOLDS(att_digest_list_read(&io, write_line(room, text, digest), false, NULL) == ATT_OK);
        HOLDS(again.count == 1);
    }
    return strcmp(text, "/no") == 0 ? ATT_E_LIMIT : ATT_OK;
}

static void read_list(struct att_slice in, bool rooted)
{
    struct seen s = {.rooted = rooted};
    struct att_import io = {.take = take, .ctx = &s};
    struct att_diag diag = {0};
    size_t lines = 1;

    for (size_t i = 0; i < in.len; i++) {
        lines += in.p[i] == '\n' ? 1 : 0;
    }
    if (att_digest_list_read(&io, in, rooted, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_REFVALS);
    }
    HOLDS(s.count == io.values && s.count <= lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_list(att_slice_of(data, size), true);
    read_list(att_slice_of(data, size), false);
    return 0;
}
