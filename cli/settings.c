/* Settings before options: --json, --lang, --config, the environment and the user's configuration file. */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* No generated locale is needed: the names alone decide. */
static void find_language(struct cli *cli, int argc, char **argv)
{
    static const char *const NAMES[] = {"ATTEST_LANG", "LC_ALL", "LC_MESSAGES", "LANG"};
    const char *asked = peek(argc, argv, "--lang");

    if (asked != NULL) {
        settings_language(cli, asked);
        return;
    }
    for (size_t i = 0; i < ATT_COUNT(NAMES); i++) {
        const char *value = from_env(NAMES[i]);

        if (value != NULL) {
            settings_language(cli, value);
            /* the locale is the system's word, not this user's: the configuration may say other */
            cli->lang_named = i == 0;
            return;
        }
    }
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
        err = settings_file_read(cli, cli->config, &diag);
    } else if (own_config(path, sizeof(path))) {
        err = settings_file_read(cli, path, &diag);
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
