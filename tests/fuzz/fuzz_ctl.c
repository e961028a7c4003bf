/*
 * What attestctl reads beside labels and logs is usable within its limits, or refused at a place. The first byte
 * chooses: 0 trust.yaml, 1 a verifier key of a trust folder, 2 the list of TPM makers, 3 the user's configuration,
 * 4 PCR values, 5 a JSON Web Key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artefacts.h"
#include "codec/json.h"
#include "fuzz.h"
#include "jwk.h"
#include "pcr_file.h"
#include "policy/makers.h"
#include "settings.h"
#include "trust.h"

enum kind { TRUST_RULES, TRUST_KEY, MAKERS, SETTINGS, PCRS, JWK, KINDS };

#define PATH_ROOM 96

/* A folder with one file, which holds the input. */
static char folder[] = "/tmp/fuzz-ctl-XXXXXX";

static const char *file_of(char path[PATH_ROOM], const char *name)
{
    (void)snprintf(path, PATH_ROOM, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, struct att_slice in)
{
    char path[PATH_ROOM];
    FILE *f = fopen(file_of(path, name), "w");

    HOLDS(f != NULL && fwrite(in.p, 1, in.len, f) == in.len && fclose(f) == 0);
}

static void take_away(const char *name)
{
    char path[PATH_ROOM];

    HOLDS(unlink(file_of(path, name)) == 0);
}

static void leave(void)
{
    (void)rmdir(folder);
}

static void refused(enum att_err err, const struct att_diag *diag)
{
    HOLDS(diag->err != ATT_OK && diag->reason != ATT_R_NONE && diag->text[0] != '\0');
    HOLDS(err != ATT_E_INTERNAL && err != ATT_E_IO && err != ATT_E_NOMEM);
}

/* What was taken for a key looks like one, and is told by its fingerprint. */
static void describe(const struct trust_keys *keys, struct att_slice file)
{
    struct cli cli = {.quiet = true};
    struct report r = report_start(&cli, "fuzz");
    json_t *list = json_array();

    for (size_t i = 0; i < keys->count; i++) {
        HOLDS(trust_key_looks(file));
        trust_key_describe(&r, keys->key[i], list);
    }
    HOLDS(json_array_size(list) == keys->count);
    json_decref(list);
    report_drop(&r);
}

static void trust(const char *name, struct att_slice in)
{
    struct trust t;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    put(name, in);
    if (strcmp(name, "log.vkey") == 0) {
        put("log-again.vkey", in);
        (void)trust_key_looks(in);
    }
    err = trust_load(&t, folder, &diag);
    if (err != ATT_OK) {
        refused(err, &diag);
        HOLDS(err == ATT_E_CONFIG || err == ATT_E_UNTRUSTED || err == ATT_E_SIGNATURE);
    } else {
        HOLDS(t.rules.status_max_age_s >= 0 && t.rules.key_count == t.keys.count);
        HOLDS(t.keys.count <= 2 && trust_keys_count(&t.keys, ATT_NOTE_ED25519) <= t.keys.count);
        describe(&t.keys, in);
        trust_clear(&t);
    }
    take_away(name);
    if (strcmp(name, "log.vkey") == 0) {
        take_away("log-again.vkey");
    }
}

/* A link that leads nowhere is no folder without rules. */
static void rules_cannot_be_read(void)
{
    char path[PATH_ROOM];
    struct trust t;
    struct att_diag diag = {0};

    HOLDS(symlink("/nonexistent", file_of(path, "trust.yaml")) == 0);
    HOLDS(trust_load(&t, folder, &diag) == ATT_E_CONFIG);
    take_away("trust.yaml");
    HOLDS(trust_load(&t, "/nonexistent", &diag) == ATT_E_CONFIG);
    HOLDS(diag.reason == ATT_R_TRUST_NONE);
}

static void makers(struct att_slice in)
{
    static const uint8_t none[32];
    static const uint8_t ones[32] = {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                     0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                     0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                     0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11};
    static const struct att_maker_wanted by_print = {.sha256 = ones};
    static const struct att_maker_wanted by_name = {.name = "AMDTPM"};
    static const struct att_maker_wanted nobody = {.sha256 = none};
    struct att_maker m = {.maker = ""};
    struct att_diag diag = {0};
    enum att_err err = att_makers_search(&m, in, &by_print, &diag);

    if (err == ATT_OK) {
        HOLDS(strlen(m.maker) < sizeof(m.maker) && strlen(m.name) < sizeof(m.name));
        HOLDS(strlen(m.kind) < sizeof(m.kind));
    } else if (err != ATT_E_NOT_FOUND) {
        refused(err, &diag);
    }
    HOLDS(att_makers_search(&m, in, &by_name, NULL) != ATT_OK || strcmp(m.name, by_name.name) == 0);
    HOLDS(att_makers_find(&m, &nobody, NULL) != ATT_OK);
}

static void settings(struct att_slice in)
{
    struct cli cli = {.lang = LANG_EN};
    struct att_diag diag = {0};
    char path[PATH_ROOM];
    enum att_err err = ATT_OK;

    put("config.yaml", in);
    err = settings_file_read(&cli, file_of(path, "config.yaml"), &diag);
    if (err != ATT_OK) {
        refused(err, &diag);
        HOLDS(strstr(diag.text, "config.yaml:") != NULL);
    }
    HOLDS(strlen(cli.trust_room) < sizeof(cli.trust_room) &&
          strlen(cli.socket_room) < sizeof(cli.socket_room));
    take_away("config.yaml");
}

static void written_again(const struct att_pcr_values *v)
{
    static struct att_pcr_values again;
    struct att_buf *text = NULL;
    json_t *doc = artefact_pcrs_json(v);

    memset(&again, 0, sizeof(again));
    HOLDS(doc != NULL && att_json_print(&text, doc) == ATT_OK);
    HOLDS(pcr_file_read(&again, att_buf_slice(text), NULL) == ATT_OK);
    HOLDS(again.count == v->count);
    for (uint32_t i = 0; i < v->count; i++) { /* banks stand in the order of their names */
        const struct att_pcr_bank *b = att_pcr_bank_get(&again, v->bank[i].bank);

        HOLDS(b != NULL && memcmp(b, &v->bank[i], sizeof(*b)) == 0);
    }
    json_decref(doc);
    att_buf_free(text);
}

static void pcrs(struct att_slice in)
{
    static struct att_pcr_values v;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    memset(&v, 0, sizeof(v));
    err = pcr_file_read(&v, in, &diag);
    if (err != ATT_OK) {
        refused(err, &diag);
        HOLDS(v.count == 0);
        return;
    }
    HOLDS(v.count <= ATT_PCR_BANKS);
    written_again(&v);
    for (uint32_t i = 0; i < v.count; i++) {
        HOLDS(att_hash_size(v.bank[i].bank) > 0 && v.bank[i].has >> ATT_PCR_COUNT == 0);
    }
}

static void jwk(struct att_slice in)
{
    struct att_pubkey *key = NULL;
    struct att_diag diag = {0};
    enum att_err err = jwk_key(&key, in, &diag);

    HOLDS((err == ATT_OK) == (key != NULL));
    if (err != ATT_OK) {
        refused(err, &diag);
    }
    att_pubkey_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    struct att_slice in = att_slice_of(data + (size > 0), size > 0 ? size - 1 : 0);

    if (!started) {
        HOLDS(mkdtemp(folder) != NULL && atexit(leave) == 0);
        rules_cannot_be_read();
        started = true;
    }
    switch (size > 0 ? (enum kind)(data[0] % KINDS) : JWK) {
    case TRUST_RULES:
        trust("trust.yaml", in);
        break;
    case TRUST_KEY:
        trust("log.vkey", in);
        break;
    case MAKERS:
        makers(in);
        break;
    case SETTINGS:
        settings(in);
        break;
    case PCRS:
        pcrs(in);
        break;
    default:
        jwk(in);
        break;
    }
    return 0;
}
