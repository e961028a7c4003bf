#include "sensor/line_text.h"

#include "base/guard.h"
#include "base/rd.h"

/* The bytes up to the first space, which is left: the key. */
static struct att_slice read_key(struct att_rd *r)
{
    struct att_slice ahead = att_rd_ahead(r);
    size_t len = 0;

    while (len < ahead.len && ahead.p[len] != ' ')
        len++;
    return att_rd_bytes(r, len);
}

const char *hw_line_text_parse(struct hw_line_text *out, struct att_slice line)
{
    struct att_rd r = att_rd_slice(line);
    struct hw_line_text l = {.key = read_key(&r)};

    att_rd_skip(&r, 1);
    l.text = att_rd_rest(&r);
    if (!att_rd_ok(&r) || l.key.len == 0 || l.text.len == 0)
        return "expected KEY TEXT, with one space between them";
    if (ATT_GUARD(LINE_LENGTH, l.text.len > ATT_FRAME_MAX))
        return "the text is longer than 512 bytes";
    if (memchr(line.p, '\0', line.len) != NULL)
        return "a byte 0 in the line";
    *out = l;
    return NULL;
}
