/* The TLS server: one context, made once; one session a connection. */
#include "common/tls.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/guard.h"

#define KEY_FILE_MAX    65536
#define CERT_LIST_MAX   32768 /* bytes of a client's chain; ours are below 2 KiB */
#define CHAIN_DEPTH     3
#define SESSION_SECONDS 7200 /* a ticket older than this is a full handshake */

struct tls_server {
    SSL_CTX *ctx;
    int ex_index; /* where a session keeps whom to call when it goes */
};

struct on_free {
    void (*call)(void *ctx);
    void *ctx;
};

static const unsigned char session_context[] = "attestd";

/* The library's reason for the last failure; its queue is emptied. */
static const char *why(char *out, size_t cap)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code);

    ERR_clear_error();
    return att_escape(out, cap, reason == NULL ? "unknown" : reason,
                      reason == NULL ? 7 : strlen(reason));
}

static enum att_err refuse_file(struct att_diag *diag, const char *field, const char *path)
{
    char reason[96];
    char shown[96];

    (void)why(reason, sizeof(reason));
    (void)att_escape(shown, sizeof(shown), path, strlen(path));
    return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, field, "%s: %s", shown, reason);
}

static void session_gone(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl,
                         void *argp)
{
    struct on_free *f = ptr;

    (void)parent;
    (void)ad;
    (void)index;
    (void)argl;
    (void)argp;
    if (f != NULL) {
        f->call(f->ctx);
        free(f);
    }
}

/* One index for the process: libcrypto never gives one back. */
static int ex_index(void)
{
    static int index = -1;

    if (index < 0) {
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, session_gone);
    }
    return index;
}

/* A key file wants no password: nobody is there to type one. */
static int no_password(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)ctx;
    return -1;
}

/* From the bytes that were judged: the file could be another one by now. */
static bool use_key(SSL_CTX *ctx, struct att_slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len); /* at most KEY_FILE_MAX */
    EVP_PKEY *key = NULL;
    bool used = false;

    if (bio != NULL) {
        key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    }
    used = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return used;
}

static enum att_err set_identity(SSL_CTX *ctx, const struct tls_server_files *files,
                                 struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *key = NULL;
    enum att_err err = att_file_read_careful(&key, files->key, KEY_FILE_MAX, ATT_FILE_SECRET, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, files->cert) != 1) {
        return refuse_file(diag, "tls.cert", files->cert);
    }
    if (!use_key(ctx, att_buf_slice(key)) || SSL_CTX_check_private_key(ctx) != 1) {
        return refuse_file(diag, "tls.key", files->key);
    }
    return ATT_OK;
}

/* Whom a client certificate must lead to, for what, and how strictly that is judged. */
static enum att_err set_client_rules(SSL_CTX *ctx, const struct tls_server_files *files,
                                     struct att_diag *diag)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    STACK_OF(X509_NAME) *names = NULL;

    if (SSL_CTX_load_verify_file(ctx, files->client_ca) != 1) {
        return refuse_file(diag, "device_ca.cert", files->client_ca);
    }
    names = SSL_load_client_CA_file(files->client_ca);
    if (names == NULL) {
        return refuse_file(diag, "device_ca.cert", files->client_ca);
    }
    SSL_CTX_set_client_CA_list(ctx, names); /* takes names */
    if (X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT) != 1) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "tls", "cannot set the purpose");
    }
    SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH);
    SSL_CTX_set_verify(ctx, ATT_GUARD(TLS_CLIENT_CHAIN, true) ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       NULL);
    SSL_CTX_set_max_cert_list(ctx, ATT_GUARD(TLS_CERT_LIST, true) ? CERT_LIST_MAX : INT32_MAX);
    return ATT_OK;
}

static enum att_err set_protocol(SSL_CTX *ctx, const struct tls_server_files *files,
                                 struct att_diag *diag)
{
    unsigned char ticket_key[TLS_TICKET_KEY_LEN];

    if (SSL_CTX_set_min_proto_version(ctx, ATT_GUARD(TLS_VERSION, true) ? TLS1_3_VERSION
                                                                        : TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "tls", "no TLS 1.3");
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (SSL_CTX_set_max_early_data(ctx, ATT_GUARD(TLS_EARLY_DATA, true) ? 0 : 16384) != 1 ||
        SSL_CTX_set_num_tickets(ctx, 1) != 1) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "tls", "cannot limit sessions");
    }
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets, no memory of ours */
    (void)SSL_CTX_set_timeout(ctx, SESSION_SECONDS);
    if (SSL_CTX_set_session_id_context(ctx, session_context, sizeof(session_context)) != 1) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "tls", "cannot name sessions");
    }
    if (files->ticket_key == NULL) {
        return ATT_OK;
    }
    memcpy(ticket_key, files->ticket_key, sizeof(ticket_key));
    if (SSL_CTX_set_tlsext_ticket_keys(ctx, ticket_key, sizeof(ticket_key)) != 1) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "tls", "cannot set the ticket key");
    }
    att_wipe(ticket_key, sizeof(ticket_key));
    return ATT_OK;
}

enum att_err tls_server_new(struct tls_server **out, const struct tls_server_files *files,
                            struct att_diag *diag)
{
    ATT_CLEANUP(tls_server_freep) struct tls_server *s = calloc(1, sizeof(*s));
    enum att_err err = ATT_OK;

    if (s == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "tls", "no memory for the server");
    }
    ERR_clear_error();
    s->ex_index = ex_index();
    s->ctx = SSL_CTX_new(TLS_server_method());
    if (s->ctx == NULL || s->ex_index < 0) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "tls", "cannot make a context");
    }
    err = set_protocol(s->ctx, files, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = set_identity(s->ctx, files, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = set_client_rules(s->ctx, files, diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = s;
    s = NULL;
    return ATT_OK;
}

void tls_server_free(struct tls_server *s)
{
    if (s == NULL) {
        return;
    }
    SSL_CTX_free(s->ctx);
    free(s);
}

void tls_server_freep(struct tls_server **s)
{
    tls_server_free(*s);
    *s = NULL;
}

struct ssl_st *tls_session_new(struct tls_server *s, void (*on_free)(void *ctx), void *ctx)
{
    struct on_free *f = calloc(1, sizeof(*f));
    SSL *ssl = SSL_new(s->ctx);

    if (f == NULL || ssl == NULL) {
        free(f);
        SSL_free(ssl);
        return NULL;
    }
    *f = (struct on_free){.call = on_free, .ctx = ctx};
    if (SSL_set_ex_data(ssl, s->ex_index, f) != 1) {
        free(f);
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

void tls_session_free(struct ssl_st *session)
{
    SSL_free(session);
}

void *tls_session_ctx(const struct ssl_st *session)
{
    const struct on_free *f = session == NULL ? NULL : SSL_get_ex_data(session, ex_index());

    return f == NULL ? NULL : f->ctx;
}

void tls_session_bye(struct ssl_st *session)
{
    if (SSL_is_init_finished(session) == 1) {
        (void)SSL_shutdown(session);
        ERR_clear_error(); /* what went wrong here is nobody's: the connection ends anyway */
    }
}

void tls_session_last_words(struct ssl_st *session, struct att_slice text)
{
    if (SSL_is_init_finished(session) != 1 || text.len > INT_MAX) {
        return;
    }
    if (SSL_write(session, text.p, (int)text.len) > 0) {
        tls_session_bye(session);
    }
    ERR_clear_error();
}

enum att_err tls_session_peer(struct att_buf **out, const struct ssl_st *session)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *der = NULL;
    X509 *cert = SSL_get0_peer_certificate(session);
    unsigned char *p = NULL;
    uint8_t *room = NULL;
    int len = 0;
    enum att_err err = ATT_OK;

    if (cert == NULL) {
        return ATT_E_NOT_FOUND;
    }
    if (SSL_get_verify_result(session) != X509_V_OK) {
        return ATT_E_UNTRUSTED;
    }
    len = i2d_X509(cert, NULL);
    if (len <= 0) {
        return ATT_E_CRYPTO;
    }
    err = att_buf_new(&der, (size_t)len);
    if (err != ATT_OK) {
        return err;
    }
    err = att_buf_room(der, (size_t)len, &room);
    if (err != ATT_OK) {
        return err;
    }
    p = room;
    if (i2d_X509(cert, &p) != len) {
        return ATT_E_CRYPTO;
    }
    att_buf_commit(der, (size_t)len);
    *out = der;
    der = NULL;
    return ATT_OK;
}
