/* What a reader found, as records for attestctl; and how much one file may hold. */
#include "unpack/box.h"

#include <string.h>

#include "base/wr.h"

#define CONTENT_MAX (UINT64_C(1) << 40)

enum att_err box_record(struct box *b, const struct unpack_head *h, const char *text,
                        const uint8_t *digest)
{
    uint8_t raw[UNPACK_HEAD_LEN];
    struct att_wr w = att_wr_into(raw, sizeof(raw));

    att_wr_u8(&w, h->kind);
    att_wr_u8(&w, h->err);
    att_wr_u16le(&w, h->len);
    att_wr_u16le(&w, h->reason);
    if (fwrite(raw, 1, sizeof(raw), b->to) != sizeof(raw) ||
        fwrite(text, 1, h->len, b->to) != h->len ||
        (digest != NULL && fwrite(digest, 1, 32, b->to) != 32)) {
        return ATT_E_IO;
    }
    return ATT_OK;
}

enum att_err box_more(struct box *b, uint64_t bytes, struct att_diag *diag)
{
    uint64_t most = b->len > CONTENT_MAX / BOX_RATIO_MAX ? CONTENT_MAX
                                                         : b->len * BOX_RATIO_MAX + BOX_RATIO_FREE;

    if (bytes > most || b->content > most - bytes) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_ARCHIVE, "archive",
                        "it unpacks to more than %d times its size", BOX_RATIO_MAX);
    }
    b->content += bytes;
    return ATT_OK;
}

enum att_err box_file(struct box *b, const char *name, const uint8_t digest[32])
{
    struct unpack_head h = {.kind = UNPACK_FILE, .len = (uint16_t)strlen(name)};

    return box_record(b, &h, name, digest);
}

enum att_err box_link(struct box *b, const char *name, const char *target)
{
    struct unpack_head h = {.kind = UNPACK_LINK, .len = (uint16_t)strlen(name)};
    uint8_t digest[32];
    enum att_err err = att_sha256(att_slice_str(target), digest);

    return err == ATT_OK ? box_record(b, &h, name, digest) : err;
}

enum att_err box_package(struct box *b)
{
    struct unpack_head h = {.kind = UNPACK_PACKAGE};

    return box_record(b, &h, "", NULL);
}

enum att_err box_text(struct box *b, const char *part, size_t len)
{
    struct unpack_head h = {.kind = UNPACK_TEXT, .len = (uint16_t)len};

    return box_record(b, &h, part, NULL);
}

/* One component of a name onto what is there. */
static enum att_err add_part(char room[UNPACK_NAME_ROOM], size_t *len, const char *part,
                             size_t part_len)
{
    if (part_len == 0 || (part_len == 1 && part[0] == '.')) {
        return ATT_OK;
    }
    if (part_len == 2 && part[0] == '.' && part[1] == '.') {
        return ATT_E_FORMAT;
    }
    if (*len + 1 + part_len >= UNPACK_NAME_MAX) {
        return ATT_E_LIMIT;
    }
    room[(*len)++] = '/';
    memcpy(room + *len, part, part_len);
    *len += part_len;
    return ATT_OK;
}

enum att_err box_name(char room[UNPACK_NAME_ROOM], const char *name, struct att_diag *diag)
{
    const char *at = name;
    size_t len = 0;
    enum att_err err = ATT_OK;
    char shown[96];

    while (err == ATT_OK && *at != '\0') {
        size_t part = strcspn(at, "/");

        err = add_part(room, &len, at, part);
        at += part + (at[part] == '/' ? 1 : 0);
    }
    room[len] = '\0';
    return err == ATT_OK ? err
                         : att_fail(diag, err, ATT_R_FMT_ARCHIVE, "name",
                                    "a path that leads out of the root or is too long: %s",
                                    att_escape(shown, sizeof(shown), name, strlen(name)));
}
