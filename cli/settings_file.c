/* The user's configuration file. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "codec/yaml.h"
#include "settings.h"

#define CONFIG_MAX 65536

void settings_language(struct cli *cli, const char *value)
{
    cli->lang = strncmp(value, "ja", 2) == 0 ? LANG_JA : LANG_EN;
    cli->lang_named = true;
}

static enum att_err copy_text(const struct att_yaml_node *root, const char *key, char *out,
                              size_t cap, struct att_diag *diag)
{
    const struct att_yaml_node *n = att_yaml_get(root, key);
    const char *text = NULL;
    enum att_err err = n != NULL ? att_yaml_text(n, &text, cap - 1, diag) : ATT_OK;

    if (err == ATT_OK && text != NULL) {
        (void)snprintf(out, cap, "%s", text);
    }
    return err;
}

static enum att_err take_config(struct cli *cli, const struct att_yaml_node *root,
                                struct att_diag *diag)
{
    static const char *const KEYS[] = {"trust", "lang", "socket", NULL};
    char lang[8] = "";
    enum att_err err = att_yaml_only(root, KEYS, diag);

    if (err == ATT_OK) {
        err = copy_text(root, "trust", cli->trust_room, sizeof(cli->trust_room), diag);
    }
    if (err == ATT_OK) {
        err = copy_text(root, "socket", cli->socket_room, sizeof(cli->socket_room), diag);
    }
    if (err == ATT_OK) {
        err = copy_text(root, "lang", lang, sizeof(lang), diag);
    }
    if (err == ATT_OK && lang[0] != '\0' && strcmp(lang, "en") != 0 && strcmp(lang, "ja") != 0) {
        return att_yaml_fail(att_yaml_get(root, "lang"), ATT_R_CFG_KEY, diag,
                             "expected en or ja, found \"%s\"", lang);
    }
    if (err == ATT_OK && lang[0] != '\0' && !cli->lang_named) {
        settings_language(cli, lang);
    }
    return err;
}

enum att_err settings_file_read(struct cli *cli, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    ATT_CLEANUP(att_yaml_freep) struct att_yaml *y = NULL;
    enum att_err err = att_file_read(&text, path, CONFIG_MAX, diag);

    if (err == ATT_OK) {
        err = att_yaml_parse(&y, path, att_buf_slice(text), diag);
    }
    return err == ATT_OK ? take_config(cli, att_yaml_root(y), diag) : err;
}
