/* RFC 7512 addresses, the part of them that we use. */
#include "crypto/p11_internal.h"

#include <string.h>

#include "base/hex.h"

#define SCHEME "pkcs11:"

struct place {
    char *text;
    size_t cap;
    size_t *len; /* NULL: a text, in which a zero byte has no place */
};

static enum att_err refuse(struct att_diag *diag, const char *what, const char *name, size_t len)
{
    char shown[64];

    return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "pkcs11", "%s: %s", what,
                    att_escape(shown, sizeof(shown), name, len));
}

/* Room for the attribute of this name, or no text when we do not use it. */
static struct place place_of(struct att_p11_uri *u, bool query, const char *name, size_t len)
{
    const struct {
        bool query;
        const char *name;
        struct place place;
    } known[] = {
        {false, "token", {u->token, sizeof(u->token), NULL}},
        {false, "manufacturer", {u->manufacturer, sizeof(u->manufacturer), NULL}},
        {false, "serial", {u->serial, sizeof(u->serial), NULL}},
        {false, "model", {u->model, sizeof(u->model), NULL}},
        {false, "slot-id", {u->slot_id, sizeof(u->slot_id), NULL}},
        {false, "object", {u->object, sizeof(u->object), NULL}},
        {false, "id", {u->id, sizeof(u->id), &u->id_len}},
        {false, "type", {u->type, sizeof(u->type), NULL}},
        {true, "module-path", {u->module_path, sizeof(u->module_path), NULL}},
        {true, "pin-source", {u->pin_source, sizeof(u->pin_source), NULL}},
    };

    for (size_t i = 0; i < ATT_COUNT(known); i++) {
        if (known[i].query == query && strlen(known[i].name) == len &&
            memcmp(known[i].name, name, len) == 0) {
            return known[i].place;
        }
    }
    return (struct place){0};
}

/* Percent decoding (RFC 3986 2.1) into a place, which is terminated. */
static bool decode(struct place to, const char *from, size_t len)
{
    size_t used = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)from[i];
        size_t one = 0;

        if (from[i] == '%') {
            if (len - i < 3 || att_hex_decode(&byte, 1, &one, from + i + 1, 2) != ATT_OK) {
                return false;
            }
            i += 2;
        }
        if (used + 1 >= to.cap || (to.len == NULL && byte == 0)) {
            return false;
        }
        to.text[used++] = (char)byte;
    }
    to.text[used] = '\0';
    if (to.len != NULL) {
        *to.len = used;
    }
    return used > 0;
}

static enum att_err read_one(struct att_p11_uri *u, bool query, const char *at, size_t len,
                             struct att_diag *diag)
{
    const char *equals = memchr(at, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - at);
    struct place to = place_of(u, query, at, name_len);

    if (name_len == strlen("pin-value") && memcmp(at, "pin-value", name_len) == 0) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "pkcs11",
                        "a PIN in an address can be read by others: use pin-source=file:PATH");
    }
    if (equals == NULL || to.text == NULL) {
        return refuse(diag, "an attribute that is not understood", at, name_len);
    }
    if (to.text[0] != '\0' || (to.len != NULL && *to.len > 0)) { /* an id may begin with a zero */
        return refuse(diag, "an attribute given twice", at, name_len);
    }
    if (!decode(to, equals + 1, len - name_len - 1)) {
        return refuse(diag, "an attribute with an empty, long or badly encoded value", at,
                      name_len);
    }
    return ATT_OK;
}

/* Attributes between separators; an empty list is one without attributes. */
static enum att_err read_list(struct att_p11_uri *u, bool query, const char *at, size_t len,
                              struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    while (len > 0 && err == ATT_OK) {
        const char *end = memchr(at, query ? '&' : ';', len);
        size_t one = end == NULL ? len : (size_t)(end - at);

        err = read_one(u, query, at, one, diag);
        if (end == NULL) {
            break;
        }
        at += one + 1;
        len -= one + 1;
    }
    return err;
}

enum att_err att_p11_uri_parse(struct att_p11_uri *out, const char *uri, struct att_diag *diag)
{
    struct att_p11_uri u = {0};
    const char *path = uri + strlen(SCHEME);
    const char *query = NULL;
    enum att_err err = ATT_OK;

    if (strncmp(uri, SCHEME, strlen(SCHEME)) != 0) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "pkcs11",
                        "expected an address that begins with pkcs11:");
    }
    query = strchr(path, '?');
    err = read_list(&u, false, path, query == NULL ? strlen(path) : (size_t)(query - path), diag);
    if (err == ATT_OK && query != NULL) {
        err = read_list(&u, true, query + 1, strlen(query + 1), diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (u.type[0] != '\0' && strcmp(u.type, "private") != 0) {
        return refuse(diag, "expected type=private", u.type, strlen(u.type));
    }
    if (u.module_path[0] != '/') {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "pkcs11",
                        "expected module-path=/ABSOLUTE/PATH of the token's library");
    }
    if (u.object[0] == '\0' && u.id_len == 0) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "pkcs11",
                        "expected object= or id= to name one key");
    }
    *out = u;
    return ATT_OK;
}
