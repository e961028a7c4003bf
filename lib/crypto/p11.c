/* A key in a PKCS#11 token through libp11, which lends it to OpenSSL as an ordinary key object. */
#include "crypto/p11.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libp11.h>
#include <openssl/err.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/guard.h"
#include "crypto/key_internal.h"
#include "crypto/p11_internal.h"

#define PIN_MAX    ((size_t)256)
#define PIN_SCHEME "file:"

/*
 * A module is loaded once in a process, however many of its keys are open: a second context would close the first one's sessions,
 * and whichever is unloaded first would end the module for both. Keys are opened and freed by one thread.
 */
struct module {
    struct module *next;
    char path[ATT_P11_PATH];
    PKCS11_CTX *ctx;
    PKCS11_SLOT *slots;
    unsigned int slot_count;
    bool loaded;
    size_t users;
};
static struct module *modules;

struct att_p11_key {
    struct module *module;
    struct att_privkey *priv; /* around libp11's key object: freed before the slots */
    struct att_pubkey *pub;
};

static void drop_module(struct module *m);

void att_p11_free(struct att_p11_key *k)
{
    if (k == NULL) {
        return;
    }
    att_privkey_free(k->priv);
    att_pubkey_free(k->pub);
    drop_module(k->module);
    free(k);
}

void att_p11_freep(struct att_p11_key **k)
{
    att_p11_free(*k);
    *k = NULL;
}

static enum att_err refuse(struct att_diag *diag, enum att_err err, const char *text)
{
    ERR_clear_error();
    return att_fail(diag, err, ATT_R_KEY_STORE, "pkcs11", "%s", text);
}

/* A PIN that others can read protects nothing. */
static enum att_err check_mode(const char *path, struct att_diag *diag)
{
    struct stat st;
    char shown[96];

    if (stat(path, &st) != 0) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "pin-source", "expected a file: %s",
                        att_escape(shown, sizeof(shown), path, strlen(path)));
    }
    if (ATT_GUARD(P11_PIN_MODE, (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)) {
        return att_fail(diag, ATT_E_DENIED, ATT_R_CFG_PERM, "pin-source",
                        "expected mode 0600 or stricter, found %04o: %s",
                        (unsigned int)(st.st_mode & 07777),
                        att_escape(shown, sizeof(shown), path, strlen(path)));
    }
    return ATT_OK;
}

/* The first line of the PIN file, terminated. */
static enum att_err read_pin(char pin[PIN_MAX + 1], const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    struct att_slice all = {0};
    const uint8_t *end = NULL;
    size_t len = 0;
    enum att_err err = check_mode(path, diag);

    if (err == ATT_OK) {
        err = att_file_read(&bytes, path, PIN_MAX, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    all = att_buf_slice(bytes);
    end = all.len == 0 ? NULL : memchr(all.p, '\n', all.len);
    len = end == NULL ? all.len : (size_t)(end - all.p);
    if (len == 0 || memchr(all.p, '\0', len) != NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "pin-source",
                        "expected the PIN on the first line of the file");
    }
    memcpy(pin, all.p, len);
    pin[len] = '\0';
    return ATT_OK;
}

static enum att_err pin_path(const char **out, const struct att_p11_uri *uri, const char *pin_file,
                             struct att_diag *diag)
{
    const char *path = uri->pin_source;

    if (uri->pin_source[0] == '\0') {
        *out = pin_file;
        return ATT_OK;
    }
    if (pin_file != NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "pin-source",
                        "expected one place for the PIN, found two");
    }
    if (strncmp(path, PIN_SCHEME, strlen(PIN_SCHEME)) != 0) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "pin-source",
                        "expected pin-source=file:PATH");
    }
    path += strlen(PIN_SCHEME);
    if (strncmp(path, "//", 2) == 0) { /* file:///path, with no host */
        path += 2;
    }
    if (path[0] != '/') {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "pin-source",
                        "expected an absolute path");
    }
    *out = path;
    return ATT_OK;
}

static void unload(struct module *m)
{
    if (m->slots != NULL) {
        PKCS11_release_all_slots(m->ctx, m->slots, m->slot_count);
    }
    if (m->loaded) {
        PKCS11_CTX_unload(m->ctx);
    }
    if (m->ctx != NULL) {
        PKCS11_CTX_free(m->ctx);
    }
    free(m);
}

static enum att_err load(struct module *m, struct att_diag *diag)
{
    m->ctx = PKCS11_CTX_new();
    if (m->ctx == NULL) {
        return ATT_E_NOMEM;
    }
    if (PKCS11_CTX_load(m->ctx, m->path) != 0) {
        return refuse(diag, ATT_E_NOT_FOUND, "the module cannot be loaded");
    }
    m->loaded = true;
    if (PKCS11_enumerate_slots(m->ctx, &m->slots, &m->slot_count) != 0) {
        m->slots = NULL;
        return refuse(diag, ATT_E_CRYPTO, "the module lists no slots");
    }
    return ATT_OK;
}

/* The module, and one more that uses it. */
static enum att_err take_module(struct module **out, const char *path, struct att_diag *diag)
{
    struct module *m = modules;
    enum att_err err = ATT_OK;

    while (m != NULL && strcmp(m->path, path) != 0) {
        m = m->next;
    }
    if (m == NULL) {
        /* libp11 would write to standard error by itself */
        if (access(path, R_OK) != 0) {
            return refuse(diag, ATT_E_NOT_FOUND, "expected the token's library at module-path");
        }
        m = calloc(1, sizeof(*m));
        if (m == NULL) {
            return ATT_E_NOMEM;
        }
        (void)snprintf(m->path, sizeof(m->path), "%s", path);
        err = load(m, diag);
        if (err != ATT_OK) {
            unload(m);
            return err;
        }
        m->next = modules;
        modules = m;
    }
    m->users++;
    *out = m;
    return ATT_OK;
}

static void drop_module(struct module *m)
{
    struct module **at = &modules;

    if (m == NULL || --m->users > 0) {
        return;
    }
    while (*at != m) {
        at = &(*at)->next;
    }
    *at = m->next;
    unload(m);
}

static bool fits(const char *want, const char *found)
{
    return want[0] == '\0' || (found != NULL && strcmp(want, found) == 0);
}

static bool is_slot(const struct att_p11_uri *uri, PKCS11_SLOT *slot)
{
    const PKCS11_TOKEN *t = slot->token;
    char number[24];

    if (t == NULL || t->initialized == 0) {
        return false;
    }
    (void)snprintf(number, sizeof(number), "%lu", PKCS11_get_slotid_from_slot(slot));
    return fits(uri->slot_id, number) && fits(uri->token, t->label) &&
           fits(uri->manufacturer, t->manufacturer) && fits(uri->serial, t->serialnr) &&
           fits(uri->model, t->model);
}

/* Exactly one: with two, which key signs would be an accident. */
static enum att_err find_slot(PKCS11_SLOT **out, const struct module *m,
                              const struct att_p11_uri *uri, struct att_diag *diag)
{
    PKCS11_SLOT *found = NULL;

    for (unsigned int i = 0; i < m->slot_count; i++) {
        if (!is_slot(uri, &m->slots[i])) {
            continue;
        }
        if (found != NULL) {
            return refuse(diag, ATT_E_CONFIG, "the address fits more than one token");
        }
        found = &m->slots[i];
    }
    if (found == NULL) {
        return refuse(diag, ATT_E_NOT_FOUND, "no token fits the address");
    }
    *out = found;
    return ATT_OK;
}

static enum att_err log_in(PKCS11_SLOT *slot, const char *path, struct att_diag *diag)
{
    char pin[PIN_MAX + 1] = "";
    int logged_in = 0;
    enum att_err err = ATT_OK;

    if (PKCS11_is_logged_in(slot, 0, &logged_in) == 0 && logged_in == 1) {
        return ATT_OK; /* for another key of the token, which is open */
    }
    if (path != NULL) {
        err = read_pin(pin, path, diag);
    }
    if (err == ATT_OK && PKCS11_open_session(slot, 0) != 0) {
        err = refuse(diag, ATT_E_CRYPTO, "the token opens no session");
    }
    if (err == ATT_OK && slot->token->loginRequired != 0) {
        if (path == NULL) {
            err = refuse(diag, ATT_E_DENIED, "the token asks for a PIN and none was given");
        } else if (PKCS11_login(slot, 0, pin) != 0) {
            err = refuse(diag, ATT_E_DENIED, "the token refused the PIN");
        }
    }
    att_wipe(pin, sizeof(pin));
    return err;
}

static enum att_err find_key(PKCS11_KEY **out, PKCS11_TOKEN *token, const struct att_p11_uri *uri,
                             struct att_diag *diag)
{
    PKCS11_KEY *keys = NULL;
    PKCS11_KEY *found = NULL;
    unsigned int count = 0;

    if (PKCS11_enumerate_keys(token, &keys, &count) != 0) {
        return refuse(diag, ATT_E_CRYPTO, "the token lists no keys");
    }
    for (unsigned int i = 0; i < count; i++) {
        bool same_id = uri->id_len == 0 || (keys[i].id_len == uri->id_len &&
                                            memcmp(keys[i].id, uri->id, uri->id_len) == 0);

        if (!same_id || !fits(uri->object, keys[i].label)) {
            continue;
        }
        if (found != NULL) {
            return refuse(diag, ATT_E_CONFIG, "the address fits more than one key");
        }
        found = &keys[i];
    }
    if (found == NULL) {
        return refuse(diag, ATT_E_NOT_FOUND, "no private key fits the address");
    }
    *out = found;
    return ATT_OK;
}

/* libp11's key object, with its public half read by our own rules. */
static enum att_err take_key(struct att_p11_key *k, PKCS11_KEY *key, struct att_diag *diag)
{
    EVP_PKEY *pkey = PKCS11_get_private_key(key);
    enum att_err err = ATT_OK;

    if (pkey == NULL) {
        return refuse(diag, ATT_E_CRYPTO, "the token shows no public key for this key");
    }
    err = att_pubkey_from_evp(&k->pub, pkey, diag);
    if (err == ATT_OK && att_pubkey_type(k->pub) != ATT_KEY_EC_P256 &&
        att_pubkey_type(k->pub) != ATT_KEY_EC_P384) {
        err = refuse(diag, ATT_E_UNSUPPORTED, "expected a key on P-256 or P-384");
    }
    if (err != ATT_OK) {
        EVP_PKEY_free(pkey);
        return err;
    }
    return att_privkey_wrap(&k->priv, pkey, att_pubkey_type(k->pub));
}

static enum att_err open_key(struct att_p11_key *k, const struct att_p11_uri *uri, const char *pin,
                             struct att_diag *diag)
{
    PKCS11_SLOT *slot = NULL;
    PKCS11_KEY *key = NULL;
    enum att_err err = take_module(&k->module, uri->module_path, diag);

    if (err == ATT_OK) {
        err = find_slot(&slot, k->module, uri, diag);
    }
    if (err == ATT_OK) {
        err = log_in(slot, pin, diag);
    }
    if (err == ATT_OK) {
        err = find_key(&key, slot->token, uri, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = att_p11_is_sealed(uri->module_path, PKCS11_get_slotid_from_slot(slot),
                            att_slice_of(key->id, key->id_len),
                            att_slice_str(key->label == NULL ? "" : key->label), diag);
    if (err != ATT_OK) {
        return err;
    }
    return take_key(k, key, diag);
}

enum att_err att_p11_open(struct att_p11_key **out, const char *uri, const char *pin_file,
                          struct att_diag *diag)
{
    ATT_CLEANUP(att_p11_freep) struct att_p11_key *k = NULL;
    struct att_p11_uri parsed = {0};
    const char *pin = NULL;
    enum att_err err = att_p11_uri_parse(&parsed, uri, diag);

    if (err == ATT_OK) {
        err = pin_path(&pin, &parsed, pin_file, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    k = calloc(1, sizeof(*k));
    if (k == NULL) {
        return ATT_E_NOMEM;
    }
    err = open_key(k, &parsed, pin, diag);
    ERR_clear_error();
    if (err != ATT_OK) {
        return err;
    }
    *out = k;
    k = NULL;
    return ATT_OK;
}

const struct att_pubkey *att_p11_public(const struct att_p11_key *k)
{
    return k->pub;
}

enum att_hash att_p11_hash(const struct att_p11_key *k)
{
    return att_pubkey_type(k->pub) == ATT_KEY_EC_P384 ? ATT_HASH_SHA384 : ATT_HASH_SHA256;
}

enum att_err att_p11_sign(const struct att_p11_key *k, struct att_slice message, uint8_t *out,
                          size_t cap, size_t *out_len)
{
    return att_sign(k->priv, ATT_SCHEME_ECDSA, att_p11_hash(k), message, out, cap, out_len);
}
