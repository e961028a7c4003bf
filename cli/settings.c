/* Settings before options: --json, --lang, --config, the environment and the user's configuration file. */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "codec/yaml.h"

#define CONFIG_MAX     65536
#define SYSTEM_TRUST   "/etc/attestd/trust.d"
#define DEFAULT_SOCKET "/run/attestd/admin.sock"

/* The value of "--name VALUE" or "--name=VALUE"; the last one counts. */
static const char *peek(int argc, char **argv, const char *name)
{
    const char *value = NULL;
    size_t len = strlen(name);

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], name, len) != 0) {
            continue;
        }
        if (argv[i][len] == '=') {
            value = argv[i] + len + 1;
        } else if (argv[i][len] == '\0' && i + 1 < argc) {
            value = argv[++i];
        }
    }
    return value;
}

static bool peek_flag(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* An empty variable counts as absent. */
static const char *from_env(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static void name_language(struct cli *cli, const char *value)
{
    cli->lang = strncmp(value, "ja", 2) == 0 ? LANG_JA : LANG_EN;
    cli->lang_named = true;
}

/* No generated locale is needed: the names alone decide. */
static void find_language(struct cli *cli, int argc, char **argv)
{
    static const char *const NAMES[] = {"ATTEST_LANG", "LC_ALL", "LC_MESSAGES", "LANG"};
    const char *asked = peek(argc, argv, "--lang");

    if (asked != NULL) {
        name_language(cli, asked);
        return;
    }
    for (size_t i = 0; i < ATT_COUNT(NAMES); i++) {
        const char *value = from_env(NAMES[i]);

        if (value != NULL) {
            name_language(cli, value);
            /* the locale is the system's word, not this user's: the configuration may say other */
            cli->lang_named = i == 0;
            return;
        }
    }
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
        name_language(cli, lang);
    }
    return err;
}

static enum att_err read_config(struct cli *cli, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    ATT_CLEANUP(att_yaml_freep) struct att_yaml *y = NULL;
    enum att_err err = att_file_read(&text, path, CONFIG_MAX, diag);

    if (err == ATT_OK) {
        err = att_yaml_parse(&y, path, att_buf_slice(text), diag);
    }
    return err == ATT_OK ? take_config(cli, att_yaml_root(y), diag) : err;
}

/* The user's own file; false when there is none to read. */
static bool own_config(char *out, size_t cap)
{
    const char *dir = from_env("XDG_CONFIG_HOME");
    const char *home = from_env("HOME");

    if (dir != NULL) {
        (void)snprintf(out, cap, "%s/attestctl/config.yaml", dir);
    } else if (home != NULL) {
        (void)snprintf(out, cap, "%s/.config/attestctl/config.yaml", home);
    } else {
        return false;
    }
    return access(out, F_OK) == 0;
}

static void default_trust(struct cli *cli)
{
    const char *data = from_env("XDG_DATA_HOME");
    const char *home = from_env("HOME");

    if (data != NULL) {
        (void)snprintf(cli->trust_room, sizeof(cli->trust_room), "%s/attestctl/trust", data);
    } else if (home != NULL) {
        (void)snprintf(cli->trust_room, sizeof(cli->trust_room), "%s/.local/share/attestctl/trust",
                       home);
    }
    if (cli->trust_room[0] == '\0' ||
        (access(cli->trust_room, F_OK) != 0 && access(SYSTEM_TRUST, F_OK) == 0)) {
        (void)snprintf(cli->trust_room, sizeof(cli->trust_room), "%s", SYSTEM_TRUST);
    }
}

int settings_load(struct cli *cli, int argc, char **argv)
{
    const char *trust = from_env("ATTEST_TRUST_DIR");
    const char *socket = from_env("ATTEST_ADMIN_SOCKET");
    struct att_diag diag = {0};
    char path[1024];
    enum att_err err = ATT_OK;

    cli->json = peek_flag(argc, argv, "--json");
    cli->config = peek(argc, argv, "--config");
    find_language(cli, argc, argv);
    if (cli->config != NULL) {
        err = read_config(cli, cli->config, &diag);
    } else if (own_config(path, sizeof(path))) {
        err = read_config(cli, path, &diag);
    }
    if (err != ATT_OK) {
        struct report r = report_start(cli, "attestctl.usage.v1");

        /* what cannot be read or understood here is a configuration that is wrong */
        return report_failure(&r, err == ATT_E_DENIED ? err : ATT_E_CONFIG, &diag);
    }
    if (trust == NULL && cli->trust_room[0] == '\0') {
        default_trust(cli);
    }
    cli->trust = trust != NULL ? trust : cli->trust_room;
    cli->socket = socket != NULL                ? socket
                  : cli->socket_room[0] != '\0' ? cli->socket_room
                                                : DEFAULT_SOCKET;
    return OPTIONS_OK;
}
