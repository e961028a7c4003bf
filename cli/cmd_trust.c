/* trust list, add, show. A fingerprint is typed by a person, never taken from what it should prove. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "trust.h"

#define CERT_FILE_MAX 65536

static void describe(struct report *r, const struct att_cert *c, json_t *list)
{
    uint8_t digest[32] = {0};
    char hex[65];
    char subject[256];
    char until[ATT_TIME_TEXT];

    if (att_cert_fingerprint(digest, c) != ATT_OK) {
        report_worsen(r, V_UNDECIDED);
        return;
    }
    (void)att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 32));
    (void)att_cert_subject(subject, sizeof(subject), c);
    (void)att_time_print(until, sizeof(until), att_cert_not_after(c));
    (void)json_array_append_new(
        list, json_pack("{s:s, s:s, s:s}", "subject", subject, "sha256", hex, "not_after", until));
    report_line(r, "%s\n  SHA-256 %s\n  %s %s", subject, hex, tr(r->cli, "until", "有効期限"),
                until);
}

int cmd_trust_list(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.trust-list.v1");
    struct trust trust = {0};
    struct att_diag diag = {0};
    json_t *list = json_array();
    int code = options_parse(cli, NULL, 0, &argc, argv);
    enum att_err err = code == 0 ? trust_load(&trust, cli->trust, &diag) : ATT_OK;

    (void)json_object_set_new(r.root, "anchors", list);
    if (code != 0) {
        r.exit_override = code;
        return report_finish(&r);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    for (size_t i = 0; i < att_anchors_count(trust.anchors); i++) {
        describe(&r, att_anchors_at(trust.anchors, i), list);
    }
    if (att_anchors_count(trust.anchors) == 0) {
        report_line(&r, "%s", tr(cli, "no anchor is installed", "アンカーがありません"));
        report_worsen(&r, V_UNDECIDED);
    }
    trust_clear(&trust);
    return report_finish(&r);
}

static enum att_err read_cert(struct att_cert **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, path, CERT_FILE_MAX, diag);

    return err == ATT_OK ? att_cert_parse(out, att_buf_slice(file), diag) : err;
}

int cmd_trust_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.trust-show.v1");
    ATT_CLEANUP(att_cert_freep) struct att_cert *cert = NULL;
    struct att_diag diag = {0};
    json_t *list = json_array();
    int code = options_parse(cli, NULL, 0, &argc, argv);
    enum att_err err = ATT_OK;

    (void)json_object_set_new(r.root, "certificates", list);
    if (code != 0 || argc != 2) {
        (void)fprintf(stderr, "attestctl: trust show FILE\n");
        r.exit_override = EXIT_USAGE;
        r.verdict = V_UNDECIDED;
        return report_finish(&r);
    }
    err = read_cert(&cert, argv[1], &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    report_line(&r, "%s",
                tr(cli, "NOT VERIFIED: compare the fingerprint with the issuer by another way.",
                   "未検証: 発行者に別の経路で指紋を確認してください。"));
    describe(&r, cert, list);
    return report_finish(&r);
}

/* Spaces and colons are what people put between digits. */
static enum att_err typed_digest(uint8_t out[32], const char *text)
{
    char digits[128];
    size_t n = 0;
    size_t len = 0;

    for (const char *p = text; *p != '\0' && n + 1 < sizeof(digits); p++) {
        if (isspace((unsigned char)*p) == 0 && *p != ':') {
            digits[n++] = *p;
        }
    }
    if (att_hex_decode(out, 32, &len, digits, n) != ATT_OK || len != 32) {
        return ATT_E_FORMAT;
    }
    return ATT_OK;
}

static enum att_err ask_fingerprint(const struct cli *cli, const char *given, uint8_t out[32],
                                    struct att_diag *diag)
{
    char line[256] = "";

    if (given == NULL) {
        if (cli->no_input || isatty(STDIN_FILENO) == 0) {
            return att_fail(diag, ATT_E_CONFIG, ATT_R_TRUST_FINGERPRINT, "--fingerprint",
                            "type the SHA-256 that the issuer told you");
        }
        (void)fprintf(stderr, "%s\n> ",
                      tr(cli,
                         "Type the SHA-256 fingerprint that the issuer told you by another way:",
                         "発行者から別の経路で聞いた SHA-256 指紋を入力してください:"));
        if (fgets(line, sizeof(line), stdin) == NULL) {
            return att_fail(diag, ATT_E_CONFIG, ATT_R_TRUST_FINGERPRINT, "fingerprint",
                            "nothing typed");
        }
        given = line;
    }
    if (typed_digest(out, given) != ATT_OK) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_TRUST_FINGERPRINT, "fingerprint",
                        "expected 64 hexadecimal digits");
    }
    return ATT_OK;
}

static enum att_err install(const struct cli *cli, const struct att_cert *cert,
                            const uint8_t digest[32], struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    char path[1024];
    char hex[65];
    enum att_err err = att_cert_pem(&pem, att_cert_der(cert));

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "certificate", "it could not be written as PEM");
    }
    (void)mkdir(cli->trust, 0755);
    (void)snprintf(path, sizeof(path), "%s/%.16s.pem", cli->trust,
                   att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 32)));
    return att_file_write(path, att_buf_slice(pem), 0644, diag);
}

int cmd_trust_add(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.trust-add.v1");
    ATT_CLEANUP(att_cert_freep) struct att_cert *cert = NULL;
    const char *given = NULL;
    const struct option_spec options[] = {{"fingerprint", &given, NULL, "HEX"}};
    struct att_diag diag = {0};
    uint8_t digest[32];
    uint8_t typed[32];
    int code = options_parse(cli, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != 0 || argc != 2) {
        (void)fprintf(stderr, "attestctl: trust add FILE [--fingerprint HEX]\n");
        r.exit_override = EXIT_USAGE;
        r.verdict = V_UNDECIDED;
        return report_finish(&r);
    }
    err = read_cert(&cert, argv[1], &diag);
    if (err == ATT_OK) {
        err = att_cert_fingerprint(digest, cert);
    }
    if (err == ATT_OK) {
        err = ask_fingerprint(cli, given, typed, &diag);
    }
    if (err == ATT_OK && memcmp(typed, digest, 32) != 0) {
        err = att_fail(&diag, ATT_E_MISMATCH, ATT_R_TRUST_FINGERPRINT, "fingerprint",
                       "the certificate in the file has another one; nothing was added");
    }
    if (err == ATT_OK) {
        err = install(cli, cert, digest, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    report_line(&r, "%s %s", tr(cli, "added to", "追加しました:"), cli->trust);
    return report_finish(&r);
}
