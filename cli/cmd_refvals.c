/*
 * refvals make, show: reference values that nobody types by hand.
 *
 * Names are those that an agent will measure under: a file's path as it will be on the gateway, "link:" and
 * the path for a symbolic link, "file#key" for a configuration value, "pcr/sha256/N" for a boot PCR.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "refvals_make.h"

/* What the command line names; a list ends with NULL. */
struct sources {
    const char *root[OPTION_MANY], *list[OPTION_MANY], *sums[OPTION_MANY], *image[OPTION_MANY],
        *tar[OPTION_MANY], *deb[OPTION_MANY], *own[OPTION_MANY], *ima[OPTION_MANY],
        *uefi[OPTION_MANY], *pcrs[OPTION_MANY], *cmdline[OPTION_MANY];
};

static enum att_err add_tree(struct making *m, const char *path, struct att_diag *diag)
{
    return making_tree(m, path, false, diag);
}

static enum att_err add_root(struct making *m, const char *path, struct att_diag *diag)
{
    return making_tree(m, path, true, diag);
}

static enum att_err add_list(struct making *m, const char *path, struct att_diag *diag)
{
    return making_list(m, path, false, diag);
}

static enum att_err add_sums(struct making *m, const char *path, struct att_diag *diag)
{
    return making_list(m, path, true, diag);
}

/* A refusal names the file; one that begins with a line number goes on behind its name. */
static enum att_err name_source(enum att_err err, const char *path, struct att_diag *diag)
{
    struct att_diag d = *diag;
    bool line = isdigit((unsigned char)d.text[0]) != 0;
    char shown[96];

    if (err == ATT_OK || d.reason == ATT_R_NONE || d.reason == ATT_R_FILE) {
        return err;
    }
    (void)att_fail_at(diag, err, d.reason, d.field, d.off, "%s:%s%s",
                      att_escape(shown, sizeof(shown), path, strlen(path)), line ? "" : " ",
                      d.text);
    return err;
}

typedef enum att_err (*source)(struct making *m, const char *path, struct att_diag *diag);

static enum att_err make(struct making *m, const struct sources *s, struct att_diag *diag)
{
    const struct {
        source add;
        const char *const *path;
    } all[] = {{add_root, s->root},      {add_list, s->list},         {add_sums, s->sums},
               {making_image, s->image}, {making_image, s->tar},      {making_deb, s->deb},
               {making_own, s->own},     {making_ima, s->ima},        {making_uefi, s->uefi},
               {making_pcrs, s->pcrs},   {making_cmdline, s->cmdline}};
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(all); i++) {
        for (const char *const *path = all[i].path; err == ATT_OK && *path != NULL; path++) {
            err = name_source(all[i].add(m, *path, diag), *path, diag);
        }
    }
    return err;
}

static enum att_err make_bytes(struct att_buf **out, struct making *m, const struct sources *s,
                               char **trees, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (; err == ATT_OK && *trees != NULL; trees++) {
        err = add_tree(m, *trees, diag);
    }
    if (err == ATT_OK) {
        err = make(m, s, diag);
    }
    making_progress_end(m);
    return err == ATT_OK ? att_refvals_maker_finish(out, m->maker) : err;
}

static int made(const struct making *m)
{
    struct report *r = m->r;
    const struct cli *cli = r->cli;
    char shown[512];

    (void)json_object_set_new(r->root, "files", json_integer((json_int_t)m->files));
    (void)json_object_set_new(r->root, "links", json_integer((json_int_t)m->links));
    (void)json_object_set_new(r->root, "pcrs", json_integer((json_int_t)m->pcrs));
    (void)json_object_set_new(r->root, "skipped", json_integer((json_int_t)m->skipped));
    if (strcmp(cli->output, "-") == 0) {
        report_drop(r);
        return EXIT_VERIFIED;
    }
    report_line(r, "%s: %zu %s, %zu %s, %zu %s, %zu %s",
                text_safe(shown, sizeof(shown), cli->output), m->files,
                tr(cli, "files", "ファイル"), m->links, tr(cli, "links", "リンク"), m->pcrs,
                tr(cli, "PCR values", "PCR 値"), m->skipped, tr(cli, "skipped", "省略"));
    return report_finish(r);
}

static bool no_source(const struct sources *s, int argc)
{
    return argc < 2 && s->root[0] == NULL && s->list[0] == NULL && s->sums[0] == NULL &&
           s->image[0] == NULL && s->tar[0] == NULL && s->deb[0] == NULL && s->own[0] == NULL &&
           s->ima[0] == NULL && s->uefi[0] == NULL && s->pcrs[0] == NULL && s->cmdline[0] == NULL;
}

static int run_make(struct report *r, const struct sources *s, char **trees)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    const struct cli *cli = r->cli;
    struct making m = {0};
    struct att_diag diag = {0};
    enum att_err err = making_start(&m, r);

    err = err == ATT_OK ? make_bytes(&out, &m, s, trees, &diag) : err;
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
    const struct option_spec options[] = {
        {"root", s.root, NULL, "DIR...", "a folder that stands for the gateway's root",
         "機器のルートに当たるフォルダー"},
        {"image", s.image, NULL, "FILE...", "a root file system: ext4, squashfs, tar, cpio, zip",
         "ルートファイルシステム: ext4、squashfs、tar、cpio、zip"},
        {"tar", s.tar, NULL, "FILE...", "the same as --image", "--image と同じ"},
        {"deb", s.deb, NULL, "FILE...", "a Debian package", "Debian パッケージ"},
        {"sha256sums", s.sums, NULL, "FILE...", "a root file system as a list of sha256sum(1)",
         "ルートファイルシステムの sha256sum 一覧"},
        {"list", s.list, NULL, "FILE...", "digests as sha256sum(1) writes them, names as they are",
         "sha256sum 形式の一覧 (名前はそのまま)"},
        {"own", s.own, NULL, "FILE...", "the own log of a known-good gateway",
         "正しい機器の測定ログ"},
        {"ima", s.ima, NULL, "FILE...", "the IMA list of a known-good boot",
         "正しい起動の IMA リスト"},
        {"uefi", s.uefi, NULL, "FILE...", "the firmware event log of a known-good boot",
         "正しい起動のファームウェアログ"},
        {"cmdline", s.cmdline, NULL, "FILE...", "the kernel command line of a known-good boot",
         "正しい起動のカーネルコマンドライン"},
        {"pcrs", s.pcrs, NULL, "FILE...", "known-good PCR values", "正しい PCR 値"}};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);

    if (code != OPTIONS_OK) {
        return code;
    }
    if (no_source(&s, argc)) {
        return report_usage(&r, "arguments", "expected %s, found nothing",
                            "TREE, --root, --image, --sha256sums or another source");
    }
    if (cli->output == NULL) {
        return report_usage(&r, "--output", "expected %s, found nothing", "--output FILE");
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
    const uint8_t *found[16];
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
        err = err == ATT_E_MISMATCH ? ATT_E_FORMAT : err; /* damaged, not a "no" */
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

            (void)json_array_append_new(list, json_hex(att_slice_of(found[i], 32)));
            report_line(&r, "  %s  %s",
                        att_hex_encode(hex, sizeof(hex), att_slice_of(found[i], 32)), name);
        }
        if (n == 0) {
            report_reason(&r, "E_REF_UNLISTED", name, "no reference value has this name");
            report_worsen(&r, V_FAIL);
        }
    }
    return report_finish(&r);
}
