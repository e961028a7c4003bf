/* The list of known makers: found beside the program, read strictly, asked once. */
#include "policy/makers.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "codec/yaml.h"

#define PATH_TEXT 4096

static bool beside(char *out, size_t cap, const char *program, const char *rest)
{
    const char *slash = strrchr(program, '/');
    int len =
        slash == NULL ? -1 : snprintf(out, cap, "%.*s/%s", (int)(slash - program), program, rest);

    return len > 0 && (size_t)len < cap && access(out, R_OK) == 0;
}

static enum att_err find_list(char *out, size_t cap, struct att_diag *diag)
{
    char program[PATH_TEXT];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);

    program[len > 0 ? len : 0] = '\0';
    if (beside(out, cap, program, "../share/attestd/certs/vendors.yaml") ||
        beside(out, cap, program, "../../certs/vendors.yaml")) {
        return ATT_OK;
    }
    return att_fail(diag, ATT_E_IO, ATT_R_FILE, "vendors.yaml", "the list is not installed");
}

static enum att_err copy_text(char *out, size_t cap, const struct att_yaml_node *row,
                              const char *key, struct att_diag *diag)
{
    const struct att_yaml_node *n = att_yaml_get(row, key);
    const char *text = NULL;
    enum att_err err = ATT_OK;

    if (n == NULL) {
        return att_yaml_fail(row, ATT_R_CFG_KEY, diag, "%s is missing", key);
    }
    err = att_yaml_text(n, &text, cap - 1, diag);
    if (err == ATT_OK) {
        (void)snprintf(out, cap, "%s", text);
    }
    return err;
}

static enum att_err read_row(struct att_maker *out, char sha256[65],
                             const struct att_yaml_node *row, struct att_diag *diag)
{
    static const char *const keys[] = {"maker", "kind",  "name",   "sha256",
                                       "from",  "until", "source", NULL};
    enum att_err err = att_yaml_type(row) == ATT_YAML_MAP
                           ? att_yaml_only(row, keys, diag)
                           : att_yaml_fail(row, ATT_R_CFG_KEY, diag, "authorities: expected a map");

    if (err == ATT_OK) {
        err = copy_text(out->maker, sizeof(out->maker), row, "maker", diag);
    }
    if (err == ATT_OK) {
        err = copy_text(out->kind, sizeof(out->kind), row, "kind", diag);
    }
    if (err == ATT_OK) {
        err = copy_text(out->name, sizeof(out->name), row, "name", diag);
    }
    return err == ATT_OK ? copy_text(sha256, 65, row, "sha256", diag) : err;
}

static enum att_err search(struct att_maker *out, const struct att_yaml_node *root,
                           const struct att_maker_wanted *wanted, struct att_diag *diag)
{
    static const char *const keys[] = {"sources", "authorities", NULL};
    const struct att_yaml_node *list = NULL;
    char print[65] = "";
    enum att_err err = att_yaml_only(root, keys, diag);

    if (err != ATT_OK) {
        return err;
    }
    list = att_yaml_get(root, "authorities");
    if (list == NULL || att_yaml_type(list) != ATT_YAML_LIST) {
        return att_yaml_fail(root, ATT_R_CFG_KEY, diag, "authorities: expected a list");
    }
    if (wanted->sha256 != NULL) {
        (void)att_hex_encode(print, sizeof(print), att_slice_of(wanted->sha256, 32));
    }
    for (size_t i = 0; i < att_yaml_count(list); i++) {
        struct att_maker m;
        char sha256[65];

        err = read_row(&m, sha256, att_yaml_item(list, i), diag);
        if (err != ATT_OK) {
            return err;
        }
        if (wanted->sha256 != NULL ? strcmp(sha256, print) == 0
                                   : strcmp(m.name, wanted->name) == 0) {
            *out = m;
            return ATT_OK;
        }
    }
    return ATT_E_NOT_FOUND;
}

enum att_err att_makers_search(struct att_maker *out, struct att_slice text,
                               const struct att_maker_wanted *wanted, struct att_diag *diag)
{
    ATT_CLEANUP(att_yaml_freep) struct att_yaml *y = NULL;
    enum att_err err = att_yaml_parse(&y, "vendors.yaml", text, diag);

    return err == ATT_OK ? search(out, att_yaml_root(y), wanted, diag) : err;
}

enum att_err att_makers_find(struct att_maker *out, const struct att_maker_wanted *wanted,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    char path[PATH_TEXT];
    enum att_err err = find_list(path, sizeof(path), diag);

    if (err == ATT_OK) {
        err = att_file_read(&text, path, ATT_YAML_CAP, diag);
    }
    return err == ATT_OK ? att_makers_search(out, att_buf_slice(text), wanted, diag) : err;
}
