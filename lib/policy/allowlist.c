/* The allow-list JSON ("runtime policy") that Keylime reads: docs/formats/imports.md. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "policy/import.h"

#define BUFFER_PREFIX "ima-buf:"
#define NAME_ROOM     4200

static enum att_err refuse(struct att_diag *diag, const char *at, const char *what)
{
    char shown[96];

    return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_ALLOWLIST, "allow-list", "%s: %s",
                    att_escape(shown, sizeof(shown), at, strlen(at)), what);
}

static enum att_err take_digest(struct att_import *io, struct att_slice name, const json_t *value,
                                struct att_diag *diag)
{
    const char *text = json_string_value(value);
    uint8_t digest[ATT_HASH_MAX];
    size_t len = 0;

    if (text == NULL ||
        att_hex_decode(digest, sizeof(digest), &len, text, strlen(text)) != ATT_OK || len == 0) {
        return refuse(diag, (const char *)name.p, "expected digests in hexadecimal digits");
    }
    if (len != 32) {
        io->others++; /* SHA-1 and the longer ones are not compared here */
        return ATT_OK;
    }
    io->values++;
    return io->take(io->ctx, name, digest);
}

/* {"name": ["hex", ...]} */
static enum att_err take_section(struct att_import *io, const json_t *root, const char *key,
                                 const char *prefix, struct att_diag *diag)
{
    json_t *section = json_object_get(root, key);
    const char *name = NULL;
    json_t *list = NULL;
    enum att_err err = ATT_OK;

    if (section == NULL) {
        return ATT_OK;
    }
    if (!json_is_object(section)) {
        return refuse(diag, key, "expected an object of names");
    }
    json_object_foreach(section, name, list)
    {
        char full[NAME_ROOM];
        int n = snprintf(full, sizeof(full), "%s%s", prefix, name);
        size_t i = 0;
        json_t *value = NULL;

        if (n < 0 || (size_t)n >= sizeof(full) || !json_is_array(list)) {
            return refuse(diag, name, "expected a list of digests");
        }
        json_array_foreach(list, i, value)
        {
            err = take_digest(io, att_slice_of(full, (size_t)n), value, diag);
            if (err != ATT_OK) {
                return err;
            }
        }
    }
    return err;
}

enum att_err att_allowlist_read(struct att_import *io, struct att_slice in, struct att_diag *diag)
{
    static const char *const OTHERS[] = {"excludes", "keyrings", "verification-keys"};
    ATT_CLEANUP(att_json_freep) json_t *root = NULL;
    enum att_err err = att_json_parse(&root, in, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (!json_is_object(root) || !json_is_object(json_object_get(root, "digests"))) {
        return refuse(diag, "digests", "expected an object of paths");
    }
    for (size_t i = 0; i < ATT_COUNT(OTHERS); i++) {
        const json_t *x = json_object_get(root, OTHERS[i]);

        io->others +=
            json_array_size(x) + json_object_size(x) + (json_string_length(x) > 0 ? 1 : 0);
    }
    err = take_section(io, root, "digests", "", diag);
    return err == ATT_OK ? take_section(io, root, "ima-buf", BUFFER_PREFIX, diag) : err;
}

static json_t *empty_policy(void)
{
    return json_pack("{s:{s:i,s:i}, s:i, s:{}, s:[], s:{}, s:{s:[], s:s, s:n}, s:{}, s:s}", "meta",
                     "version", 1, "generator", 0, "release", 0, "digests", "excludes", "keyrings",
                     "ima", "ignored_keyrings", "log_hash_alg", "sha1", "dm_policy", "ima-buf",
                     "verification-keys", "");
}

static bool put(json_t *section, const char *name, const uint8_t digest[32])
{
    json_t *list = json_object_get(section, name);
    char hex[65];

    if (list == NULL) {
        list = json_array();
        if (json_object_set_new(section, name, list) != 0) {
            return false;
        }
    }
    return json_array_append_new(
               list, json_string(att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 32)))) == 0;
}

enum att_err att_allowlist_write(struct att_buf **out, const struct att_export *values,
                                 size_t count, size_t *left_out)
{
    ATT_CLEANUP(att_json_freep) json_t *root = empty_policy();
    json_t *digests = json_object_get(root, "digests");
    json_t *buffers = json_object_get(root, "ima-buf");
    size_t skip = sizeof(BUFFER_PREFIX) - 1;
    size_t left = 0;
    bool good = digests != NULL && buffers != NULL;

    for (size_t i = 0; good && i < count; i++) {
        const char *name = values[i].name;

        if (strncmp(name, BUFFER_PREFIX, skip) == 0) {
            good = put(buffers, name + skip, values[i].digest);
        } else if (name[0] == '/' && strchr(name, '#') == NULL) {
            good = put(digests, name, values[i].digest);
        } else {
            left++;
        }
    }
    if (!good) {
        return ATT_E_NOMEM;
    }
    *left_out = left;
    return att_json_print(out, root);
}
