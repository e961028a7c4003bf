/* Prefixes of own_items and own_complete, with their places in the text. */
#include "policy/policy_prefix.h"

#include <stdio.h>
#include <string.h>

#include "codec/yaml.h"
#include "policy/name_set.h"

#define FOLDER_DEPTH 4 /* of the sets that refvals make adds */
#define NAME_ROOM    4200
#define SPEC_PREFIX                                                                                \
    "spec:" /* a transcription specification: no path, and nobody lists all of them */

struct checking {
    const struct att_refvals *refs;
    att_policy_warning warn;
    void *ctx;
    struct att_diag *diag;
};

static enum att_err is_listed(bool *out, const struct checking *c, const char *before,
                              const char *name, size_t len)
{
    char full[NAME_ROOM];
    struct att_refvals_found found = {0};
    int n = snprintf(full, sizeof(full), "%s%.*s", before, (int)len, name);
    enum att_err err = n < 0 || (size_t)n >= sizeof(full)
                           ? ATT_E_LIMIT
                           : att_refvals_look(&found, c->refs, att_slice_of(full, (size_t)n), NULL);

    *out = found.count > 0;
    return err;
}

static size_t depth_of(const char *prefix, size_t len)
{
    size_t depth = 0;

    for (size_t i = 0; i < len; i++) {
        depth += prefix[i] == '/' ? 1 : 0;
    }
    return depth;
}

/* Does anything of the references lie under it? Yes, too, where they cannot tell. */
static enum att_err covers(bool *out, const struct checking *c, const char *prefix)
{
    static const char *const BEFORE[] = {ATT_COMPLETE_PREFIX, "", ATT_LINK_PREFIX};
    size_t len = strlen(prefix);
    bool tells = false;
    enum att_err err = is_listed(&tells, c, ATT_COMPLETE_PREFIX, "/", 1);

    while (len > 1 && prefix[len - 1] == '/') {
        len--;
    }
    *out = !tells || depth_of(prefix, len) > FOLDER_DEPTH;
    for (size_t i = 0; err == ATT_OK && !*out && i < ATT_COUNT(BEFORE); i++) {
        err = is_listed(out, c, BEFORE[i], prefix, len);
    }
    return err;
}

static void tell(const struct checking *c, const struct att_yaml_node *n, bool whole,
                 const char *shown)
{
    struct att_diag d = {0};

    if (whole) {
        (void)att_yaml_fail(n, ATT_R_CFG_PREFIX, &d,
                            "expected a folder that the reference values have all of, found %s: "
                            "own_complete cannot hold",
                            shown);
    } else {
        (void)att_yaml_fail(n, ATT_R_CFG_PREFIX, &d,
                            "expected a path with reference values under it, found %s: what is "
                            "measured there is unlisted",
                            shown);
    }
    c->warn(c->ctx, &d);
}

static enum att_err check_prefix(const struct checking *c, const struct att_yaml_node *n,
                                 bool whole)
{
    const char *prefix = "";
    char shown[96];
    bool there = true;
    enum att_err err = att_yaml_text(n, &prefix, NAME_ROOM - 100, c->diag);

    if (err != ATT_OK) {
        return err;
    }
    (void)att_escape(shown, sizeof(shown), prefix, strlen(prefix));
    if (prefix[0] != '/' && (whole || strncmp(prefix, SPEC_PREFIX, sizeof(SPEC_PREFIX) - 1) != 0)) {
        return att_yaml_fail(n, ATT_R_CFG_POLICY, c->diag,
                             "expected a path from / on, found %s: no name of a gateway begins so",
                             shown);
    }
    if (c->refs == NULL) {
        return ATT_OK;
    }
    err = whole ? is_listed(&there, c, ATT_COMPLETE_PREFIX, prefix, strlen(prefix))
                : covers(&there, c, prefix);
    if (err == ATT_OK && !there) {
        tell(c, n, whole, shown);
    }
    return err;
}

static enum att_err check_list(const struct checking *c, const struct att_yaml_node *list,
                               bool whole)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && list != NULL && i < att_yaml_count(list); i++) {
        err = check_prefix(c, att_yaml_item(list, i), whole);
    }
    return err;
}

/* A requirement or a part of one; the policy was accepted, so that it is at most a few deep. */
static enum att_err check_part(const struct checking *c, const struct att_yaml_node *part)
{
    static const char *const PARTS[] = {"all", "any", "not"};
    const struct att_yaml_node *items = att_yaml_get(part, "own_items");
    enum att_err err = items != NULL ? check_list(c, att_yaml_get(items, "under"), false) : ATT_OK;

    if (err == ATT_OK) {
        err = check_list(c, att_yaml_get(part, "own_complete"), true);
    }
    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(PARTS); i++) {
        const struct att_yaml_node *n = att_yaml_get(part, PARTS[i]);

        if (n != NULL && att_yaml_type(n) == ATT_YAML_MAP) {
            err = check_part(c, n);
        }
        for (size_t k = 0; err == ATT_OK && n != NULL && att_yaml_type(n) == ATT_YAML_LIST &&
                           k < att_yaml_count(n);
             k++) {
            err = check_part(c, att_yaml_item(n, k));
        }
    }
    return err;
}

enum att_err att_policy_check_prefixes(const char *name, struct att_slice text,
                                       const struct att_refvals *refs, att_policy_warning warn,
                                       void *ctx, struct att_diag *diag)
{
    ATT_CLEANUP(att_yaml_freep) struct att_yaml *y = NULL;
    const struct checking c = {.refs = refs, .warn = warn, .ctx = ctx, .diag = diag};
    const struct att_yaml_node *list = NULL;
    enum att_err err = att_yaml_parse(&y, name, text, diag);

    if (err == ATT_OK) {
        list = att_yaml_get(att_yaml_root(y), "requirements");
    }
    for (size_t i = 0; err == ATT_OK && list != NULL && i < att_yaml_count(list); i++) {
        err = check_part(&c, att_yaml_item(list, i));
    }
    return err;
}
