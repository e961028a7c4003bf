/*
 * The digits of a number, which no float has touched.
 *
 * jansson says that the text is JSON and which member in order it is (an object of jansson keeps the order of its text);
 * then the text is walked to that member. So the walk only passes over what is known to be well formed.
 */
#include <string.h>

#include "base/rd.h"
#include "codec/json_internal.h"

/* How many members stand before this one; false: it is not there, or not a number. */
static bool place_of(size_t *place, json_t *object, const char *name)
{
    const char *key = NULL;
    json_t *value = NULL;
    size_t before = 0;

    json_object_foreach(object, key, value)
    {
        if (strcmp(key, name) == 0) {
            *place = before;
            return json_is_number(value);
        }
        before++;
    }
    return false;
}

/* RFC 8259 section 2 */
static void skip_white(struct att_rd *r)
{
    while (att_rd_left(r) > 0 && strchr(" \t\r\n", att_rd_peek(r)) != NULL && att_rd_peek(r) != 0)
        att_rd_skip(r, 1);
}

/* The quote in front was read. */
static void skip_string(struct att_rd *r)
{
    uint8_t c = att_rd_u8(r);

    while (att_rd_ok(r) && c != '"') {
        if (c == '\\')
            att_rd_skip(r, 1);
        c = att_rd_u8(r);
    }
}

/* Up to the comma behind a value of the outermost object, which is read too. */
static void skip_member(struct att_rd *r)
{
    size_t depth = 0;
    uint8_t c = att_rd_u8(r);

    while (att_rd_ok(r) && (depth > 0 || c != ',')) {
        if (c == '"')
            skip_string(r);
        depth += c == '{' || c == '[' ? 1 : 0;
        depth -= c == '}' || c == ']' ? 1 : 0;
        c = att_rd_u8(r);
    }
}

/* Digits, signs, point and exponent: what follows a number is none of these. */
static struct att_slice number_ahead(struct att_rd *r)
{
    struct att_slice ahead = att_rd_ahead(r);
    size_t len = 0;

    while (len < ahead.len && ahead.p[len] != 0 && strchr("+-.0123456789Ee", ahead.p[len]) != NULL)
        len++;
    return att_rd_bytes(r, len);
}

static struct att_slice number_at(struct att_slice in, size_t place)
{
    struct att_rd r = att_rd_slice(in);

    skip_white(&r);
    att_rd_skip(&r, 1); /* { */
    for (size_t i = 0; i < place; i++)
        skip_member(&r);
    skip_white(&r);
    att_rd_skip(&r, 1); /* " */
    skip_string(&r);
    skip_white(&r);
    att_rd_skip(&r, 1); /* : */
    skip_white(&r);
    return number_ahead(&r);
}

enum att_err att_json_number(struct att_slice *out, struct att_slice in, const char *name,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_json_freep) json_t *j = NULL;
    size_t place = 0;
    enum att_err err = json_parse_numbers(&j, in, diag);

    if (err != ATT_OK)
        return err;
    if (!json_is_object(j) || !place_of(&place, j, name))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_JSON, "json",
                        "expected an object with a number \"%s\"", name);
    *out = number_at(in, place);
    return ATT_OK;
}
