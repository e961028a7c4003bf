/*
 * refvals make, show: reference values that nobody types by hand.
 *
 * Names are those that an agent will measure under: a file's path as it will be on the gateway, "link:" and
 * the path for a symbolic link, "file#key" for a configuration value, "pcr/sha256/N" for a boot PCR.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "refvals_sources.h"

/* How far the chain from a signature to a file was followed here. */
static void say_repository(const struct making *m)
{
    const struct cli *cli = m->r->cli;

    report_line(m->r, "%s: %zu", tr(cli, "packages", "パッケージ"), m->packages);
    report_line(m->r, "%s",
                m->released
                    ? tr(cli,
                         "The index is one that Release names. Its OpenPGP signature was not "
                         "checked here: apt does when it fetches it, or gpgv.",
                         "索引は Release の記載と一致します。OpenPGP "
                         "署名はここでは検証していません（apt の取得時、または gpgv）。")
                    : tr(cli, "No Release file was given: the index was taken as it is.",
                         "Release が指定されていないため、索引はそのまま使いました。"));
}

static int made(const struct making *m)
{
    struct report *r = m->r;
    const struct cli *cli = r->cli;
    char shown[512];

    (void)json_object_set_new(r->root, "files", json_integer((json_int_t)m->files));
    (void)json_object_set_new(r->root, "links", json_integer((json_int_t)m->links));
    (void)json_object_set_new(r->root, "pcrs", json_integer((json_int_t)m->pcrs));
    if (m->indexed) {
        (void)json_object_set_new(r->root, "packages", json_integer((json_int_t)m->packages));
        (void)json_object_set_new(r->root, "index",
                                  json_string(m->released ? "named-by-release" : "not-checked"));
    }
    if (strcmp(cli->output, "-") == 0) {
        report_drop(r);
        return EXIT_VERIFIED;
    }
    report_line(r, "%s: %zu %s, %zu %s, %zu %s, %zu %s",
                text_safe(shown, sizeof(shown), cli->output), m->files,
                tr(cli, "files", "ファイル"), m->links, tr(cli, "links", "リンク"), m->pcrs,
                tr(cli, "PCR values", "PCR 値"), m->skipped, tr(cli, "skipped", "省略"));
    if (m->indexed) {
        say_repository(m);
    }
    return report_finish(r);
}

static int run_make(struct report *r, const struct sources *s, char **trees)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    const struct cli *cli = r->cli;
    struct making m = {0};
    struct att_diag diag = {0};
    enum att_err err = making_start(&m, r);

    err = err == ATT_OK ? sources_add(&m, s, trees, &diag) : err;
    err = err == ATT_OK ? att_refvals_maker_finish(&out, m.maker) : err;
    making_clear(&m);
    if (err == ATT_OK) {
        err = att_file_write(cli->output, att_buf_slice(out), 0644, &diag);
    }
    return err != ATT_OK ? report_failure(r, err, &diag) : made(&m);
}

int cmd_refvals_make(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.refvals-make.v1");
    struct sources s = {0};
    const struct option_spec options[] = {SOURCE_OPTIONS(s)};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);

    if (code != OPTIONS_OK) {
        return code;
    }
    if (sources_lack(&s) != NULL) {
        return report_usage(&r, "arguments", "expected %s, found nothing", sources_lack(&s));
    }
    if (argc < 2 && sources_none(&s)) {
        return report_usage(&r, "arguments", "expected %s, found nothing",
                            "TREE, --root, --image, --sha256sums or another source");
    }
    code = output_needed(&r, true);
    if (code != OPTIONS_OK) {
        return code;
    }
    if (strcmp(cli->output, "-") == 0 && cli->json) {
        return report_usage(&r, "--output", "expected %s, found %s", "a file when --json is given",
                            "-");
    }
    return run_make(&r, &s, argv + 1);
}

int cmd_refvals_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.refvals-show.v1");
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *refs = NULL;
    const char *name = NULL;
    const struct option_spec options[] = {{"name", &name, NULL, "NAME",
                                           "print what is expected under this name",
                                           "この名前の参照値を表示する"}};
    uint8_t found[16][32];
    struct att_diag diag = {0};
    json_t *list = json_array();
    int code = OPTIONS_OK;
    enum att_err err = ATT_OK;

    (void)json_object_set_new(r.root, "expected", list);
    code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    if (code != OPTIONS_OK) {
        return code;
    }
    err = att_refvals_map(&refs, argv[1], &diag);
    if (err == ATT_OK) {
        err = att_refvals_check(refs, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)json_object_set_new(r.root, "count", json_integer((json_int_t)att_refvals_count(refs)));
    (void)json_object_set_new(r.root, "digest",
                              json_hex(att_slice_of(att_refvals_digest(refs), 32)));
    report_line(&r, "%llu %s", (unsigned long long)att_refvals_count(refs),
                tr(cli, "reference values", "件の参照値"));
    if (name != NULL) {
        size_t n = 0;

        err = att_refvals_expected(&n, refs, att_slice_str(name), found, ATT_COUNT(found));
        if (err != ATT_OK) {
            (void)att_fail(&diag, err, ATT_R_NOMEM, "--name", "%s", att_err_name(err));
            return report_failure(&r, err, &diag);
        }
        for (size_t i = 0; i < n && i < ATT_COUNT(found); i++) {
            char hex[65];

            (void)json_array_append_new(list, json_hex(att_slice_of(found[i], sizeof(found[i]))));
            report_line(&r, "  %s  %s",
                        att_hex_encode(hex, sizeof(hex), att_slice_of(found[i], sizeof(found[i]))),
                        name);
        }
        if (n == 0) {
            report_reason(&r, "E_REF_UNLISTED", name, "no reference value has this name");
            report_worsen(&r, V_FAIL);
        }
    }
    return report_finish(&r);
}
