/*
 * Whatever the loader accepts, written out in flow style and read again, is the same document; each of its texts
 * is a truth, a number or a time, at most one of them, and within the bounds that were asked for.
 */
#include <string.h>

#include "base/wr.h"
#include "codec/yaml.h"
#include "fuzz.h"

#define ROOM (8U * ATT_YAML_CAP)

static uint8_t rooms[2][ROOM];

static void put(struct att_wr *w, const char *text)
{
    att_wr_bytes(w, text, strlen(text));
}

/* Line breaks of YAML beside the usual one, which a text may hold only as escapes: NEL, LS, PS. */
static size_t put_break(struct att_wr *w, const char *text)
{
    static const char *const BREAKS[][2] = {
        {"\xc2\x85", "\\N"}, {"\xe2\x80\xa8", "\\L"}, {"\xe2\x80\xa9", "\\P"}};

    for (size_t i = 0; i < sizeof(BREAKS) / sizeof(BREAKS[0]); i++) {
        size_t len = strlen(BREAKS[i][0]);

        if (strncmp(text, BREAKS[i][0], len) == 0) {
            put(w, BREAKS[i][1]);
            return len;
        }
    }
    return 0;
}

static void quote(struct att_wr *w, const char *text)
{
    put(w, "\"");
    for (; *text != '\0'; text++) {
        size_t broken = put_break(w, text);

        if (broken > 0) {
            text += broken - 1;
            continue;
        }
        switch (*text) {
        case '\n':
            put(w, "\\n");
            break;
        case '"':
        case '\\':
            put(w, "\\");
            att_wr_u8(w, (uint8_t)*text);
            break;
        default:
            att_wr_u8(w, (uint8_t)*text);
            break;
        }
    }
    put(w, "\"");
}

static void write_node(struct att_wr *w, const struct att_yaml_node *n)
{
    static const char *const OPEN[] = {"", "[", "{"};
    static const char *const CLOSE[] = {"", "]", "}"};
    enum att_yaml_type type = att_yaml_type(n);
    const char *text = "";

    put(w, OPEN[type]);
    if (type == ATT_YAML_SCALAR) {
        /* nothing at all is written as an empty text */
        quote(w, att_yaml_text(n, &text, SIZE_MAX, NULL) == ATT_OK ? text : "");
    }
    for (size_t i = 0; i < att_yaml_count(n); i++) {
        if (type == ATT_YAML_MAP) {
            put(w, "? ");
            quote(w, att_yaml_key(n, i));
            put(w, " : ");
        }
        write_node(w, type == ATT_YAML_MAP ? att_yaml_value(n, i) : att_yaml_item(n, i));
        put(w, ",\n");
    }
    put(w, CLOSE[type]);
}

/* One reader at most takes a plain text; what it takes lies between its bounds. */
static void read_scalar(const struct att_yaml_node *n)
{
    struct att_diag diag = {0};
    const char *text = "";
    int64_t number = 0;
    int64_t ms = 0;
    bool yes = false;
    bool is_bool = att_yaml_bool(n, &yes, &diag) == ATT_OK;
    bool is_number = att_yaml_int(n, -5, 500, &number, &diag) == ATT_OK;
    bool is_time = att_yaml_duration_ms(n, 2, 3600000, &ms, &diag) == ATT_OK;

    HOLDS((is_bool ? 1 : 0) + (is_number ? 1 : 0) + (is_time ? 1 : 0) <= 1);
    HOLDS(is_bool || is_number || is_time || diag.reason == ATT_R_CFG_KEY);
    HOLDS(number >= -5 && number <= 500 && (ms == 0 || (ms >= 2 && ms <= 3600000)));
    HOLDS(att_yaml_text(n, &text, 4, &diag) != ATT_OK || strlen(text) <= 4);
}

static void read_keys(const struct att_yaml_node *n)
{
    static const char *const KNOWN[] = {"a", "b", NULL};
    struct att_diag diag = {0};
    size_t known = 0;

    for (size_t i = 0; KNOWN[i] != NULL; i++) {
        known += att_yaml_get(n, KNOWN[i]) != NULL ? 1 : 0;
    }
    if (att_yaml_only(n, KNOWN, &diag) == ATT_OK) {
        HOLDS(att_yaml_type(n) == ATT_YAML_MAP && known == att_yaml_count(n));
    } else {
        HOLDS(diag.reason == ATT_R_CFG_KEY);
    }
}

static void read_node(const struct att_yaml_node *n)
{
    read_scalar(n);
    read_keys(n);
    for (size_t i = 0; i < att_yaml_count(n); i++) {
        bool map = att_yaml_type(n) == ATT_YAML_MAP;

        read_node(map ? att_yaml_value(n, i) : att_yaml_item(n, i));
    }
}

/* Refused before a byte of it is read. */
static void too_long(const uint8_t *data)
{
    struct att_yaml *y = NULL;

    HOLDS(att_yaml_parse(&y, "fuzz", att_slice_of(data, ATT_YAML_CAP + 1), NULL) == ATT_E_LIMIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_wr w[2] = {att_wr_into(rooms[0], ROOM), att_wr_into(rooms[1], ROOM)};
    struct att_slice in = att_slice_of(data, size);
    struct att_diag diag = {0};

    too_long(data);
    for (size_t i = 0; i < 2; i++) {
        struct att_yaml *y = NULL;
        enum att_err err = att_yaml_parse(&y, "fuzz", in, &diag);

        HOLDS(i == 0 || err == ATT_OK);
        if (err != ATT_OK) {
            HOLDS(strncmp(diag.text, "fuzz:", 5) == 0 && diag.reason == ATT_R_FMT_YAML);
            return 0;
        }
        read_node(att_yaml_root(y));
        write_node(&w[i], att_yaml_root(y));
        att_yaml_free(y);
        in = att_slice_of(rooms[i], w[i].len);
        if (!att_wr_ok(&w[i]) || in.len > ATT_YAML_CAP) {
            return 0;
        }
    }
    HOLDS(w[0].len == w[1].len && memcmp(rooms[0], rooms[1], w[0].len) == 0);
    return 0;
}
