/* log witness: cosign the checkpoints of logs that only grow, and remember them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "commands.h"
#include "common/listen.h"
#include "signing.h"
#include "witness/witness.h"

#define LISTEN   "127.0.0.1:8090"
#define HOST_MAX 64

static volatile sig_atomic_t stop_asked;

static void on_signal(int sig)
{
    (void)sig;
    stop_asked = 1;
}

struct order {
    struct report r;
    const char *name, *key, *logs, *state, *listen;
    bool file_key, show_key;
    struct att_signer *signer;
    struct att_witness_policy *policy;
    struct att_vkey *vkey;
    struct witness witness;
    int fd;
};

static void clear(struct order *o)
{
    witness_store_close(&o->witness.store);
    att_vkey_free(o->vkey);
    att_witness_policy_free(o->policy);
    att_signer_free(o->signer);
    att_closep(&o->fd);
}

/* ADDRESS:PORT or [ADDRESS]:PORT. */
static enum att_err open_listener(int *out, const char *text, struct att_diag *diag)
{
    char host[HOST_MAX];
    const char *colon = strrchr(text, ':');
    const char *from = text[0] == '[' ? text + 1 : text;
    char *end = NULL;
    size_t len = colon != NULL && colon > from ? (size_t)(colon - from) : 0;
    unsigned long port = colon != NULL ? strtoul(colon + 1, &end, 10) : 0;

    if (from != text && len > 0 && from[len - 1] == ']') {
        len--;
    } else if (from != text) {
        len = 0;
    }
    if (len == 0 || len >= sizeof(host) || end == colon + 1 || *end != '\0' || port > UINT16_MAX) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--listen", "expected %s, found %s",
                        "ADDRESS:PORT", text);
    }
    memcpy(host, from, len);
    host[len] = '\0';
    return listen_tcp(out, host, (uint16_t)port, "--listen", diag);
}

static enum att_err open_keys(struct order *o, struct att_diag *diag)
{
    enum att_err err = signing_open(&o->signer, o->key, o->file_key, diag);

    if (err != ATT_OK) {
        return err;
    }
    err =
        att_vkey_new(&o->vkey, att_slice_str(o->name), ATT_NOTE_COSIGNATURE, o->signer->public_key);
    if (err == ATT_E_UNSUPPORTED) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_FMT_KEY, "--key", "expected an Ed25519 key");
    }
    if (err == ATT_E_FORMAT) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_FMT_KEY, "--name",
                        "expected a name without spaces and plus signs, such as %s",
                        "witness.example/w1");
    }
    return err == ATT_OK ? ATT_OK
                         : att_fail(diag, err, ATT_R_INTERNAL, "--key", "it cannot be used");
}

static enum att_err open_logs(struct order *o, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err =
        att_file_read_careful(&file, o->logs, ATT_WITNESS_POLICY_MAX, ATT_FILE_OWNED, diag);

    if (err == ATT_OK) {
        err = att_witness_policy_parse(&o->policy, att_buf_slice(file), diag);
    }
    if (err == ATT_OK && att_witness_policy_log(o->policy, 0) == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_FMT_WITNESSES, "--logs",
                        "expected at least one line: log VKEY");
    }
    return err;
}

/* A signal ends the waiting and nothing else: what is under way is answered first. */
static void catch_signals(sigset_t *waiting)
{
    const struct sigaction act = {.sa_handler = on_signal};
    sigset_t blocked;

    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &blocked, waiting);
    (void)sigaction(SIGTERM, &act, NULL);
    (void)sigaction(SIGINT, &act, NULL);
}

static void tell_start(const struct order *o)
{
    char text[ATT_VKEY_TEXT];
    const struct cli *cli = o->r.cli;

    report_field(&o->r, tr(cli, "verifier key", "検証鍵"), "%s",
                 att_vkey_print(text, sizeof(text), o->vkey));
    report_field(&o->r, tr(cli, "port", "ポート"), "%u", (unsigned int)listen_port(o->fd));
    (void)fflush(stdout);
}

static enum att_err run(struct order *o, struct att_diag *diag)
{
    const struct serve_port port = {
        .body_max = WITNESS_BODY_MAX, .answer = witness_answer, .ctx = &o->witness};
    sigset_t waiting;
    enum att_err err = open_logs(o, diag);

    if (err == ATT_OK) {
        err = witness_store_open(&o->witness.store, o->state, o->vkey, diag);
    }
    if (err == ATT_OK) {
        err = open_listener(&o->fd, o->listen, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    o->witness.quiet = o->r.cli->quiet;
    o->witness.utc_s = att_clock_utc_s;
    o->witness.logs = o->policy;
    o->witness.key = o->vkey;
    o->witness.signer = o->signer;
    catch_signals(&waiting);
    tell_start(o);
    return serve_run(o->fd, &port, &stop_asked, &waiting, diag);
}

/* What a log's operator needs: the line for its policy. */
static int show_key(struct order *o)
{
    char text[ATT_VKEY_TEXT];

    (void)att_vkey_print(text, sizeof(text), o->vkey);
    (void)json_object_set_new(o->r.root, "vkey", json_string(text));
    report_line(&o->r, "%s", text);
    return report_finish(&o->r);
}

static int check_order(struct order *o)
{
    static const char *const names[] = {"--name", "--key", "--logs", "--state"};
    const char *const given[] = {o->name, o->key, o->logs, o->state};
    size_t needed = o->show_key ? 2 : ATT_COUNT(given);

    for (size_t i = 0; i < needed; i++) {
        if (given[i] == NULL) {
            return report_usage(&o->r, names[i], "expected %s, found nothing", names[i]);
        }
    }
    return OPTIONS_OK;
}

int cmd_log_witness(struct cli *cli, int argc, char **argv)
{
    struct order o = {.r = report_start(cli, "attestctl.log-witness.v1"),
                      .listen = LISTEN,
                      .witness.store.lock = -1,
                      .fd = -1};
    const struct option_spec options[] = {
        {"name", &o.name, NULL, "NAME", "name of this witness, such as example.org/w1",
         "この監視者の名前 (例: example.org/w1)"},
        {"key", &o.key, NULL, "KEY", "pkcs11:URI, or a file; Ed25519",
         "pkcs11:URI またはファイル (Ed25519)"},
        {"insecure-file-key", NULL, &o.file_key, NULL, "the key may be a file",
         "ファイルの鍵を許可する"},
        {"logs", &o.logs, NULL, "FILE", "logs that are cosigned (tlog-policy)",
         "連署の対象のログ (tlog-policy)"},
        {"state", &o.state, NULL, "DIR", "where the last checkpoints are kept",
         "最後のチェックポイントを保存するフォルダー"},
        {"listen", &o.listen, NULL, "ADDRESS:PORT", "where to listen (" LISTEN ")",
         "待受アドレス (" LISTEN ")"},
        {"show-key", NULL, &o.show_key, NULL, "print the verifier key and end",
         "検証鍵を表示して終了する"}};
    struct att_diag diag = {0};
    int code = options_parse(&o.r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code == OPTIONS_OK) {
        code = check_order(&o);
    }
    if (code != OPTIONS_OK) {
        return code;
    }
    err = open_keys(&o, &diag);
    if (err == ATT_OK && !o.show_key) {
        err = run(&o, &diag);
    }
    code = err != ATT_OK ? report_failure(&o.r, err, &diag)
           : o.show_key  ? show_key(&o)
                         : report_finish(&o.r);
    clear(&o);
    return code;
}
