/* The grammar of The Unified Code for Units of Measure, chapter 2, over at most ATT_UNIT_MAX bytes. */
#include "prov/unit.h"

#include <string.h>

#define DEPTH 4 /* of brackets */

struct scan {
    const char *p;
};

static bool take(struct scan *s, char c)
{
    if (*s->p != c) {
        return false;
    }
    s->p++;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool digits(struct scan *s)
{
    const char *from = s->p;

    while (is_digit(*s->p)) {
        s->p++;
    }
    return s->p != from;
}

/* "{...}" or "[...]": printable, and none of these again inside. */
static bool enclosed(struct scan *s, char open, char close)
{
    const char *from = s->p;

    if (!take(s, open)) {
        return false;
    }
    while (*s->p > ' ' && *s->p <= '~' && strchr("[]{}", *s->p) == NULL) {
        s->p++;
    }
    return s->p > from + 1 && take(s, close);
}

/* An atom with its prefix: letters and the like, parts in square brackets; "10*" and "10^" are atoms too. */
static bool symbol(struct scan *s)
{
    const char *from = s->p;

    if (strncmp(s->p, "10*", 3) == 0 || strncmp(s->p, "10^", 3) == 0) {
        s->p += 3;
        return true;
    }
    for (;;) {
        if (*s->p == '[') {
            if (!enclosed(s, '[', ']')) {
                return false;
            }
        } else if (*s->p > ' ' && *s->p <= '~' && !is_digit(*s->p) &&
                   strchr("\"()+-./={}]*^", *s->p) == NULL) {
            s->p++;
        } else {
            return s->p != from;
        }
    }
}

/* "2", "-1", "+3"; none is none. */
static bool exponent(struct scan *s)
{
    bool is_signed = take(s, '-') || take(s, '+');

    return digits(s) || !is_signed;
}

static bool term(struct scan *s, int depth);

static bool component(struct scan *s, int depth)
{
    if (take(s, '(')) {
        return depth < DEPTH && term(s, depth + 1) && take(s, ')');
    }
    if (*s->p == '{') {
        return enclosed(s, '{', '}');
    }
    if (is_digit(*s->p) && strncmp(s->p, "10*", 3) != 0 && strncmp(s->p, "10^", 3) != 0) {
        return *s->p != '0' && digits(s) && (*s->p != '{' || enclosed(s, '{', '}'));
    }
    return symbol(s) && exponent(s) && (*s->p != '{' || enclosed(s, '{', '}'));
}

static bool term(struct scan *s, int depth)
{
    if (!component(s, depth)) {
        return false;
    }
    while (*s->p == '.' || *s->p == '/') {
        s->p++;
        if (!component(s, depth)) {
            return false;
        }
    }
    return true;
}

bool att_unit_ok(const char *text)
{
    struct scan s = {text};

    if (strnlen(text, ATT_UNIT_MAX + 1) > ATT_UNIT_MAX) {
        return false;
    }
    (void)take(&s, '/');
    return term(&s, 0) && *s.p == '\0';
}
