/* The strict YAML loader: libyaml's events into a small tree, and everything clever refused. */
#include "codec/yaml.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/guard.h"
#include "codec/yaml_internal.h"

#define DEPTH_MAX      12
#define NODES_MAX      20000
#define ARENA_BLOCK    16384 /* bytes */
#define NAME_MAX_SHOWN 96    /* characters of the document's name in a message */
#define SHOWN_MAX      64    /* and of a key */

/* Nodes and texts live in blocks that are freed together. */
struct block {
    struct block *next;
    size_t used, size;
    _Alignas(16) unsigned char data[];
};

struct att_yaml {
    const char *name;
    struct block *blocks;
    struct att_yaml_node *root;
};

/* A list or map that is open; its children hang in a chain until it closes. */
struct frame {
    struct att_yaml_node *node;
    struct att_yaml_node *first, *last;
    size_t count; /* children; in a map keys and values count one each */
};

struct build {
    struct att_yaml *doc;
    struct frame frames[DEPTH_MAX];
    size_t depth;
    size_t nodes;
    struct att_diag *diag;
};

static void *arena(struct att_yaml *y, size_t size)
{
    size_t need = (size + 15) & ~(size_t)15;
    struct block *b = y->blocks;
    void *at = NULL;

    if (b == NULL || need > b->size - b->used) {
        size_t room = need > ARENA_BLOCK ? need : ARENA_BLOCK;

        b = calloc(1, sizeof(*b) + room);
        if (b == NULL) {
            return NULL;
        }
        b->size = room;
        b->next = y->blocks;
        y->blocks = b;
    }
    at = b->data + b->used;
    b->used += need;
    return at;
}

static enum att_err refuse(const struct build *b, enum att_err err, yaml_mark_t at,
                           const char *what)
{
    char name[NAME_MAX_SHOWN + 1];

    return att_fail(b->diag, err, ATT_R_FMT_YAML, NULL, "%s:%zu:%zu: %s",
                    att_escape(name, sizeof(name), b->doc->name, strlen(b->doc->name)), at.line + 1,
                    at.column + 1, what);
}

static enum att_err no_memory(const struct build *b)
{
    return att_fail(b->diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory for the document");
}

static bool key_is_next(const struct frame *f)
{
    return f->node->type == ATT_YAML_MAP && f->count % 2 == 0;
}

/* The reader of libyaml reports bytes: find their line, and their column in characters. */
static yaml_mark_t mark_of(struct att_slice in, size_t off)
{
    yaml_mark_t at = {0};

    for (size_t i = 0; i < off && i < in.len; i++) {
        if (in.p[i] == '\n') {
            at.line++;
            at.column = 0;
        } else if ((in.p[i] & 0xc0) != 0x80) {
            at.column++;
        }
    }
    return at;
}

static enum att_err parser_failed(const struct build *b, const yaml_parser_t *p,
                                  struct att_slice in)
{
    const char *what = p->problem != NULL ? p->problem : "not well-formed";

    if (p->error == YAML_MEMORY_ERROR) {
        return no_memory(b);
    }
    if (p->error == YAML_READER_ERROR) {
        return refuse(b, ATT_E_FORMAT, mark_of(in, p->problem_offset), what);
    }
    return refuse(b, ATT_E_FORMAT, p->problem_mark, what);
}

/* Anchors, and tags of any kind, also the lone "!". */
static enum att_err plain_words_only(const struct build *b, const yaml_char_t *anchor,
                                     const yaml_char_t *tag, yaml_mark_t at)
{
    if (ATT_GUARD(YAML_ANCHOR, anchor != NULL)) {
        return refuse(b, ATT_E_FORMAT, at, "anchors are not allowed");
    }
    if (ATT_GUARD(YAML_TAG, tag != NULL)) {
        return refuse(b, ATT_E_FORMAT, at, "tags are not allowed");
    }
    return ATT_OK;
}

/* C0 but tab and newline, DEL, and C1 (c2 80 to c2 9f); the text is valid UTF-8. */
static bool has_control(const yaml_char_t *text, size_t len, bool one_line)
{
    for (size_t i = 0; i < len; i++) {
        bool space = text[i] == '\n' || text[i] == '\t';

        if (text[i] == 0x7f || (text[i] < 0x20 && (one_line || !space))) {
            return true;
        }
        if (text[i] == 0xc2 && i + 1 < len && text[i + 1] < 0xa0) {
            return true;
        }
    }
    return false;
}

static enum att_err new_node(struct build *b, enum att_yaml_type type, yaml_mark_t at,
                             struct att_yaml_node **out)
{
    struct att_yaml_node *n = NULL;

    if (ATT_GUARD(YAML_NODES, b->nodes >= NODES_MAX)) {
        return refuse(b, ATT_E_LIMIT, at, "more than 20000 nodes");
    }
    b->nodes++;
    n = arena(b->doc, sizeof(*n));
    if (n == NULL) {
        return no_memory(b);
    }
    *n = (struct att_yaml_node){.doc_name = b->doc->name, .type = type};
    n->line = at.line + 1;
    n->column = at.column + 1;
    *out = n;
    return ATT_OK;
}

static enum att_err refuse_duplicate(const struct build *b, const struct att_yaml_node *key,
                                     const struct att_yaml_node *first)
{
    char name[NAME_MAX_SHOWN + 1];
    char shown[SHOWN_MAX + 1];

    return att_fail(b->diag, ATT_E_FORMAT, ATT_R_FMT_YAML, NULL,
                    "%s:%zu:%zu: duplicate key: %s (first in line %zu)",
                    att_escape(name, sizeof(name), b->doc->name, strlen(b->doc->name)), key->line,
                    key->column, att_escape(shown, sizeof(shown), key->text, key->len),
                    first->line);
}

/* Hang a node into the open list or map, or make it the root. */
static enum att_err attach(struct build *b, struct att_yaml_node *n)
{
    struct frame *f = NULL;

    if (b->depth == 0) {
        b->doc->root = n;
        return ATT_OK;
    }
    f = &b->frames[b->depth - 1];
    if (key_is_next(f)) {
        for (const struct att_yaml_node *k = f->first; k != NULL; k = k->next->next) {
            if (ATT_GUARD(YAML_DUPLICATE, k->len == n->len && strcmp(k->text, n->text) == 0)) {
                return refuse_duplicate(b, n, k);
            }
        }
    }
    if (f->last == NULL) {
        f->first = n;
    } else {
        f->last->next = n;
    }
    f->last = n;
    f->count++;
    return ATT_OK;
}

static enum att_err check_key(const struct build *b, const yaml_event_t *e)
{
    yaml_scalar_style_t style = e->data.scalar.style;

    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) {
        return refuse(b, ATT_E_FORMAT, e->start_mark, "a key is plain or quoted text");
    }
    if (e->data.scalar.length == 0) {
        return refuse(b, ATT_E_FORMAT, e->start_mark, "a key is empty");
    }
    return ATT_OK;
}

static enum att_err on_scalar(struct build *b, const yaml_event_t *e)
{
    bool key = b->depth > 0 && key_is_next(&b->frames[b->depth - 1]);
    struct att_yaml_node *n = NULL;
    enum att_err err =
        plain_words_only(b, e->data.scalar.anchor, e->data.scalar.tag, e->start_mark);

    if (err == ATT_OK && key) {
        err = check_key(b, e);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(YAML_CONTROL, has_control(e->data.scalar.value, e->data.scalar.length, key))) {
        return refuse(b, ATT_E_FORMAT, e->start_mark, "control characters are not allowed");
    }
    err = new_node(b, ATT_YAML_SCALAR, e->start_mark, &n);
    if (err != ATT_OK) {
        return err;
    }
    n->text = arena(b->doc, e->data.scalar.length + 1);
    if (n->text == NULL) {
        return no_memory(b);
    }
    memcpy(n->text, e->data.scalar.value, e->data.scalar.length);
    n->len = e->data.scalar.length;
    n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return attach(b, n);
}

static enum att_err open_frame(struct build *b, enum att_yaml_type type, yaml_mark_t at)
{
    struct att_yaml_node *n = NULL;
    enum att_err err = ATT_OK;

    if (b->depth > 0 && key_is_next(&b->frames[b->depth - 1])) {
        return refuse(b, ATT_E_FORMAT, at, "a key is plain or quoted text");
    }
    /* no guard to knock out: the frames would be written past their end */
    if (b->depth >= DEPTH_MAX) {
        return refuse(b, ATT_E_LIMIT, at, "more than 12 levels");
    }
    err = new_node(b, type, at, &n);
    if (err == ATT_OK) {
        err = attach(b, n);
    }
    if (err != ATT_OK) {
        return err;
    }
    b->frames[b->depth] = (struct frame){.node = n};
    b->depth++;
    return ATT_OK;
}

/* The chain becomes an array, so that readers can ask by number. */
static enum att_err close_frame(struct build *b)
{
    struct frame *f = &b->frames[b->depth - 1];
    size_t i = 0;

    b->depth--;
    if (f->count == 0) {
        return ATT_OK;
    }
    f->node->child = arena(b->doc, f->count * sizeof(struct att_yaml_node *));
    if (f->node->child == NULL) {
        return no_memory(b);
    }
    for (struct att_yaml_node *n = f->first; n != NULL; n = n->next) {
        f->node->child[i++] = n;
    }
    f->node->children = f->count;
    return ATT_OK;
}

static enum att_err on_document(const struct build *b, const yaml_event_t *e)
{
    if (b->doc->root != NULL) {
        return refuse(b, ATT_E_FORMAT, e->start_mark, "a second document");
    }
    if (e->data.document_start.version_directive != NULL ||
        e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end) {
        return refuse(b, ATT_E_FORMAT, e->start_mark, "directives are not allowed");
    }
    return ATT_OK;
}

static enum att_err on_event(struct build *b, const yaml_event_t *e)
{
    enum att_err err = ATT_OK;

    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(b, e);
    case YAML_ALIAS_EVENT:
        return refuse(b, ATT_E_FORMAT, e->start_mark, "aliases are not allowed");
    case YAML_SCALAR_EVENT:
        return on_scalar(b, e);
    case YAML_SEQUENCE_START_EVENT:
        err = plain_words_only(b, e->data.sequence_start.anchor, e->data.sequence_start.tag,
                               e->start_mark);
        return err != ATT_OK ? err : open_frame(b, ATT_YAML_LIST, e->start_mark);
    case YAML_MAPPING_START_EVENT:
        err = plain_words_only(b, e->data.mapping_start.anchor, e->data.mapping_start.tag,
                               e->start_mark);
        return err != ATT_OK ? err : open_frame(b, ATT_YAML_MAP, e->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_frame(b);
    default:
        return ATT_OK; /* the ends of stream and document carry nothing */
    }
}

static enum att_err run(struct build *b, yaml_parser_t *p, struct att_slice in)
{
    enum att_err err = ATT_OK;
    bool more = true;

    while (more) {
        yaml_event_t e;

        if (yaml_parser_parse(p, &e) != 1) {
            return parser_failed(b, p, in);
        }
        more = e.type != YAML_STREAM_END_EVENT;
        err = on_event(b, &e);
        yaml_event_delete(&e);
        if (err != ATT_OK) {
            return err;
        }
    }
    if (b->doc->root == NULL) {
        return refuse(b, ATT_E_FORMAT, (yaml_mark_t){0}, "the document is empty");
    }
    return ATT_OK;
}

static enum att_err build(struct build *b, struct att_slice in)
{
    yaml_parser_t p;
    enum att_err err = ATT_OK;

    if (in.len > ATT_YAML_CAP) {
        return refuse(b, ATT_E_LIMIT, (yaml_mark_t){0}, "more than 262144 bytes");
    }
    if (in.len >= 3 && memcmp(in.p, "\xef\xbb\xbf", 3) == 0) {
        return refuse(b, ATT_E_FORMAT, (yaml_mark_t){0}, "a byte order mark is not allowed");
    }
    if (yaml_parser_initialize(&p) != 1) {
        return no_memory(b);
    }
    yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p, in.len == 0 ? (const uint8_t *)"" : in.p, in.len);
    err = run(b, &p, in);
    yaml_parser_delete(&p);
    return err;
}

enum att_err att_yaml_parse(struct att_yaml **out, const char *name, struct att_slice in,
                            struct att_diag *diag)
{
    ATT_CLEANUP(att_yaml_freep) struct att_yaml *y = calloc(1, sizeof(*y));
    struct build b = {.doc = y, .diag = diag};
    enum att_err err = ATT_OK;

    if (y == NULL) {
        return no_memory(&b);
    }
    y->name = name;
    err = build(&b, in);
    if (err != ATT_OK) {
        return err;
    }
    *out = y;
    y = NULL;
    return ATT_OK;
}

void att_yaml_free(struct att_yaml *y)
{
    struct block *b = NULL;

    if (y == NULL) {
        return;
    }
    b = y->blocks;
    while (b != NULL) {
        struct block *next = b->next;

        free(b);
        b = next;
    }
    free(y);
}

void att_yaml_freep(struct att_yaml **y)
{
    att_yaml_free(*y);
    *y = NULL;
}

const struct att_yaml_node *att_yaml_root(const struct att_yaml *y)
{
    return y->root;
}
