#include "log_memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hex.h"
#include "trust_keys.h"

static const char *from_env(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] == '/' ? value
                                            : NULL; /* the XDG rules: absolute, or not there */
}

/* The folder, made when it is not there. */
static enum att_err folder(char out[LOG_MEMORY_PATH], struct att_diag *diag)
{
    const char *state = from_env("XDG_STATE_HOME");
    const char *home = from_env("HOME");
    int len = 0;

    if (state == NULL && home == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "XDG_STATE_HOME",
                        "expected XDG_STATE_HOME or HOME, found neither");
    }
    len = state != NULL ? snprintf(out, LOG_MEMORY_PATH, "%s/attestctl", state)
                        : snprintf(out, LOG_MEMORY_PATH, "%s/.local/state/attestctl", home);
    if (len < 0 || len >= LOG_MEMORY_PATH - 128) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "XDG_STATE_HOME", "the path is too long");
    }
    for (char *p = strchr(out + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        (void)mkdir(out, 0700); /* what is not there in the end is told below */
        *p = '/';
    }
    return att_dir_private(out, diag);
}

/* FOLDER/KEY, by the first half of the key's fingerprint: names of logs have any character. */
static enum att_err base_path(char out[LOG_MEMORY_PATH], const struct att_vkey *key,
                              struct att_diag *diag)
{
    uint8_t print[32];
    char hex[33];
    enum att_err err = folder(out, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (att_vkey_fingerprint(print, key) != ATT_OK) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "key", "hashing failed");
    }
    (void)att_hex_encode(hex, sizeof(hex), att_slice_of(print, 16));
    (void)snprintf(out + strlen(out), LOG_MEMORY_PATH - strlen(out), "/%s", hex);
    return ATT_OK;
}

enum att_err log_memory_load(struct att_buf **out, const struct att_vkey *key,
                             struct att_diag *diag)
{
    char path[LOG_MEMORY_PATH];
    enum att_err err = base_path(path, key, diag);

    if (err != ATT_OK) {
        return err;
    }
    (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), ".checkpoint");
    return att_file_read_careful(out, path, ATT_NOTE_MAX, ATT_FILE_OWNED, diag);
}

enum att_err log_memory_keep(const struct att_vkey *key, struct att_slice note,
                             struct att_diag *diag)
{
    char path[LOG_MEMORY_PATH];
    enum att_err err = base_path(path, key, diag);

    if (err != ATT_OK) {
        return err;
    }
    (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), ".checkpoint");
    return att_file_write(path, note, 0600, diag);
}

enum att_err log_memory_evidence(char path[LOG_MEMORY_PATH], const struct att_vkey *key,
                                 const struct att_slice note[2], const uint64_t size[2],
                                 struct att_diag *diag)
{
    char seen[LOG_MEMORY_PATH];
    struct stat st;
    enum att_err err = base_path(path, key, diag);

    if (err != ATT_OK) {
        return err;
    }
    (void)snprintf(path + strlen(path), LOG_MEMORY_PATH - strlen(path), "-%llu-%llu",
                   (unsigned long long)size[0], (unsigned long long)size[1]);
    (void)snprintf(seen, sizeof(seen), "%s.seen", path);
    (void)snprintf(path + strlen(path), LOG_MEMORY_PATH - strlen(path), ".held");
    if (stat(path, &st) == 0 && stat(seen, &st) == 0) {
        return ATT_OK;
    }
    err = att_file_write(path, note[0], 0600, diag);
    return err == ATT_OK ? att_file_write(seen, note[1], 0600, diag) : err;
}
