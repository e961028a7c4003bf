/* Configuration values by key, in four spellings that are common on gateways. */
#include "agent/measurer/pick.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "codec/yaml.h"
#include "crypto/digest.h"

#define VALUE_MAX 65536

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct att_slice trim(struct att_slice s)
{
    while (s.len > 0 && is_space(s.p[s.len - 1])) {
        s.len--;
    }
    while (s.len > 0 && is_space(s.p[0])) {
        s = att_slice_of(s.p + 1, s.len - 1);
    }
    return s;
}

/* Up to, not including, the first of a character; the whole slice when it is not there. */
static struct att_slice before(struct att_slice s, char c, bool *found)
{
    const uint8_t *at = s.len == 0 ? NULL : memchr(s.p, c, s.len);

    *found = at != NULL;
    return at == NULL ? s : att_slice_of(s.p, (size_t)(at - s.p));
}

static struct att_slice next_line(struct att_rd *r)
{
    bool found = false;
    struct att_rd look = *r;
    struct att_slice line = before(att_rd_rest(&look), '\n', &found);

    line = att_rd_bytes(r, line.len);
    if (found) {
        att_rd_skip(r, 1);
    }
    return line;
}

/* A line in two, at a separator that is not part of either. */
static bool split(struct att_slice line, char separator, struct att_slice *left,
                  struct att_slice *right)
{
    struct att_rd r = att_rd_slice(line);
    bool found = false;
    struct att_slice l = before(line, separator, &found);

    if (!found) {
        return false;
    }
    *left = trim(att_rd_bytes(&r, l.len));
    att_rd_skip(&r, 1);
    *right = trim(att_rd_rest(&r));
    return true;
}

/* The state of one search through a file of lines. */
struct search {
    enum agent_format format;
    struct att_slice key;
    struct att_slice section; /* INI: the one we are in */
    struct att_hasher *hasher;
    size_t found; /* values so far */
};

static bool ini_key_is(const struct search *s, struct att_slice name)
{
    struct att_rd r = att_rd_slice(s->key);

    if (s->section.len == 0) {
        return att_slice_eq(s->key, name);
    }
    if (s->key.len != s->section.len + 1 + name.len) {
        return false;
    }
    return att_slice_eq(att_rd_bytes(&r, s->section.len), s->section) && att_rd_u8(&r) == '.' &&
           att_slice_eq(att_rd_rest(&r), name);
}

static bool ini_line(struct search *s, struct att_slice line, struct att_slice *value)
{
    struct att_slice name;

    if (line.p[0] == '#' || line.p[0] == ';') {
        return false;
    }
    if (line.p[0] == '[' && line.p[line.len - 1] == ']') {
        s->section = trim(att_slice_of(line.p + 1, line.len - 2));
        return false;
    }
    return split(line, '=', &name, value) && ini_key_is(s, name);
}

static bool env_line(struct search *s, struct att_slice line, struct att_slice *value)
{
    static const char export[] = "export ";
    struct att_slice name;
    struct att_slice v;

    if (line.p[0] == '#' || !split(line, '=', &name, &v)) {
        return false;
    }
    if (name.len > strlen(export) && memcmp(name.p, export, strlen(export)) == 0) {
        name = trim(att_slice_of(name.p + strlen(export), name.len - strlen(export)));
    }
    if (v.len >= 2 && (v.p[0] == '"' || v.p[0] == '\'') && v.p[v.len - 1] == v.p[0]) {
        v = att_slice_of(v.p + 1, v.len - 2);
    }
    *value = v;
    return att_slice_eq(name, s->key);
}

static bool words_line(struct search *s, struct att_slice line, struct att_slice *value)
{
    struct att_slice name = line;

    *value = (struct att_slice){0};
    if (line.p[0] == '#') {
        return false;
    }
    for (size_t i = 0; i < line.len; i++) {
        if (is_space(line.p[i])) {
            name.len = i;
            *value = trim(att_slice_of(line.p + i, line.len - i));
            break;
        }
    }
    return att_slice_eq(name, s->key);
}

static enum att_err take(struct search *s, struct att_slice value)
{
    enum att_err err = ATT_OK;

    if (s->found++ > 0) {
        err = att_hasher_add(s->hasher, "\n", 1);
    }
    return err != ATT_OK ? err : att_hasher_add(s->hasher, value.p, value.len);
}

static enum att_err search_lines(struct search *s, struct att_slice text)
{
    struct att_rd r = att_rd_slice(text);

    while (att_rd_left(&r) > 0) {
        struct att_slice line = trim(next_line(&r));
        struct att_slice value = {0};
        bool hit = false;
        enum att_err err = ATT_OK;

        if (line.len == 0) {
            continue;
        }
        hit = s->format == FORMAT_INI   ? ini_line(s, line, &value)
              : s->format == FORMAT_ENV ? env_line(s, line, &value)
                                        : words_line(s, line, &value);
        if (hit) {
            err = take(s, value);
        }
        if (err != ATT_OK) {
            return err;
        }
    }
    return ATT_OK;
}

/* One step down a path: a key of a map, or a position of a list. */
static const struct att_yaml_node *step(const struct att_yaml_node *n, const char *word)
{
    char *end = NULL;
    unsigned long i = 0;

    if (att_yaml_type(n) == ATT_YAML_MAP) {
        return att_yaml_get(n, word);
    }
    if (att_yaml_type(n) != ATT_YAML_LIST || word[0] < '0' || word[0] > '9') {
        return NULL;
    }
    i = strtoul(word, &end, 10);
    return *end == '\0' && i < att_yaml_count(n) ? att_yaml_item(n, i) : NULL;
}

static enum pick_result yaml_value(const struct att_yaml *y, const char *key, const char **out)
{
    const struct att_yaml_node *n = att_yaml_root(y);
    char path[256];
    char *rest = path;
    char *word = NULL;

    if (strlen(key) >= sizeof(path)) {
        return PICK_ABSENT;
    }
    strcpy(path, key);
    while (n != NULL && (word = strsep(&rest, ".")) != NULL) {
        n = step(n, word);
    }
    if (n == NULL) {
        return PICK_ABSENT;
    }
    if (att_yaml_type(n) != ATT_YAML_SCALAR || att_yaml_text(n, out, VALUE_MAX, NULL) != ATT_OK) {
        return PICK_UNREADABLE;
    }
    return PICK_FOUND;
}

static enum att_err pick_yaml(uint8_t out[32], enum pick_result *result, struct att_slice text,
                              const char *key)
{
    ATT_CLEANUP(att_yaml_freep) struct att_yaml *y = NULL;
    const char *value = NULL;
    enum att_err err = att_yaml_parse(&y, "configuration", text, NULL);

    if (err == ATT_E_NOMEM) {
        return err;
    }
    *result = err != ATT_OK ? PICK_UNREADABLE : yaml_value(y, key, &value);
    return *result == PICK_FOUND ? att_sha256(att_slice_str(value), out) : ATT_OK;
}

enum att_err pick_digest(uint8_t out[32], enum pick_result *result, struct att_slice text,
                         enum agent_format format, const char *key)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct search s = {.format = format, .key = att_slice_str(key)};
    enum att_err err = ATT_OK;

    if (format == FORMAT_YAML) {
        return pick_yaml(out, result, text, key);
    }
    err = att_hasher_new(&h);
    if (err == ATT_OK) {
        err = att_hasher_start(h, ATT_HASH_SHA256);
    }
    s.hasher = h;
    if (err == ATT_OK) {
        err = search_lines(&s, text);
    }
    if (err == ATT_OK) {
        err = att_hasher_finish(h, out);
    }
    if (err == ATT_OK) {
        *result = s.found > 0 ? PICK_FOUND : PICK_ABSENT;
    }
    return err;
}
