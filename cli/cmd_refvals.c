/*
 * refvals make, show: reference values that nobody types by hand.
 *
 * Names are those that an agent will measure under: a file's path as it will be on the gateway, "link:" and
 * the path for a symbolic link, "file#key" for a configuration value, "pcr/sha256/N" for a boot PCR.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "artefacts.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "crypto/digest.h"
#include "policy/refval.h"
#include "tcg/ownlog.h"

#define LIST_MAX   268435456
#define READ_CHUNK 131072
#define NAME_ROOM  (ATT_OWN_NAME_MAX + 8)
#define TREES_MAX  64

struct making {
    struct report *r;
    struct att_refvals_maker *maker;
    struct att_hasher *hasher;
    uint8_t *chunk;
    size_t files, links, skipped;
};

static enum att_err add(struct making *m, const char *prefix, const char *name,
                        const uint8_t digest[32])
{
    char full[NAME_ROOM];
    int n = snprintf(full, sizeof(full), "%s%s", prefix, name);

    if (n < 0 || (size_t)n >= sizeof(full)) {
        return ATT_E_LIMIT;
    }
    return att_refvals_maker_add(m->maker, att_slice_of(full, (size_t)n), digest);
}

static enum att_err hash_fd(struct making *m, int fd, uint8_t digest[32])
{
    enum att_err err = att_hasher_start(m->hasher, ATT_HASH_SHA256);
    ssize_t n = 1;

    while (err == ATT_OK && n > 0) {
        n = read(fd, m->chunk, READ_CHUNK);
        if (n < 0) {
            return ATT_E_IO;
        }
        err = att_hasher_add(m->hasher, m->chunk, (size_t)n);
    }
    return err == ATT_OK ? att_hasher_finish(m->hasher, digest) : err;
}

static void skip(struct making *m, const char *path)
{
    char shown[512];

    m->skipped++;
    if (!m->r->cli->json) {
        (void)fprintf(stderr, "attestctl: %s: %s\n",
                      tr(m->r->cli, "skipped, not readable", "読めないため省略"),
                      text_safe(shown, sizeof(shown), path));
    }
}

static enum att_err add_file(struct making *m, const char *path, const char *name)
{
    ATT_CLEANUP(att_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    uint8_t digest[32];
    enum att_err err = fd < 0 ? ATT_E_IO : hash_fd(m, fd, digest);

    if (err == ATT_E_IO) {
        skip(m, path);
        return ATT_OK;
    }
    m->files++;
    return err == ATT_OK ? add(m, "", name, digest) : err;
}

static enum att_err add_link(struct making *m, const char *path, const char *name)
{
    char target[4096];
    uint8_t digest[32];
    ssize_t n = readlink(path, target, sizeof(target));
    enum att_err err = ATT_OK;

    if (n < 0 || (size_t)n >= sizeof(target)) {
        m->skipped++;
        return ATT_OK;
    }
    err = att_sha256(att_slice_of(target, (size_t)n), digest);
    m->links++;
    return err == ATT_OK ? add(m, "link:", name, digest) : err;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static enum att_err no_tree(const FTSENT *e, struct att_diag *diag)
{
    char shown[128];

    return att_fail(diag, e->fts_errno == EACCES ? ATT_E_DENIED : ATT_E_NOT_FOUND, ATT_R_FILE,
                    "tree", "cannot open %s: %s", text_safe(shown, sizeof(shown), e->fts_path),
                    strerror(e->fts_errno));
}

/* A copy without slashes at the end, which would stand in the names; "/" itself stays. */
static char *tidy(const char *tree)
{
    char *copy = strdup(tree);
    size_t len = copy != NULL ? strlen(copy) : 0;

    while (len > 1 && copy[len - 1] == '/') {
        copy[--len] = '\0';
    }
    return copy;
}

/* as_root: the folder stands for the gateway's root, and its own path is cut from the names. */
static enum att_err add_tree(struct making *m, const char *tree, bool as_root,
                             struct att_diag *diag)
{
    char *copy = tidy(tree);
    char *paths[] = {copy, NULL};
    size_t strip = as_root && copy != NULL && strcmp(copy, "/") != 0 ? strlen(copy) : 0;
    FTS *fts = copy == NULL ? NULL : fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    FTSENT *e = NULL;
    enum att_err err = fts == NULL ? ATT_E_NOMEM : ATT_OK;

    while (err == ATT_OK && (e = fts_read(fts)) != NULL) {
        const char *name = e->fts_pathlen >= strip ? e->fts_path + strip : e->fts_path;

        if (e->fts_level == 0 && (e->fts_info == FTS_NS || e->fts_info == FTS_DNR)) {
            err =
                no_tree(e, diag); /* it was named: leaving it out would make values that miss it */
        } else if (e->fts_info == FTS_F) {
            err = add_file(m, e->fts_accpath, name);
        } else if (e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE) {
            err = add_link(m, e->fts_accpath, name);
        } else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS) {
            skip(m, e->fts_path);
        }
    }
    if (fts != NULL) {
        (void)fts_close(fts);
    }
    free(copy);
    return err;
}

/* "<64 hex>  <path>" lines, as sha256sum writes them; a leading "." of the path is dropped. */
static enum att_err add_list(struct making *m, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, path, LIST_MAX, diag);
    char *at = NULL;
    size_t line = 0;

    if (err != ATT_OK) {
        return err;
    }
    err = att_buf_add(file, "", 1); /* terminated, so that lines can be cut in place */
    at = (char *)(uintptr_t)att_buf_slice(file).p;
    while (err == ATT_OK && *at != '\0') {
        size_t len = strcspn(at, "\n");
        uint8_t digest[32];
        size_t digest_len = 0;
        const char *name = at + 66;

        line++;
        if (len < 67 || att_hex_decode(digest, 32, &digest_len, at, 64) != ATT_OK) {
            return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_REFVALS, "--list",
                            "%s:%zu: expected 64 hexadecimal digits, two spaces and a path", path,
                            line);
        }
        if (at[len] == '\n') {
            at[len++] = '\0';
        }
        if (name[0] == '.' && name[1] == '/') {
            name++;
        }
        err = add(m, "", name, digest);
        m->files++;
        at += len;
    }
    return err;
}

static enum att_err add_own_item(struct making *m, const struct att_own_item *item)
{
    char name[NAME_ROOM];

    if (item->digest == NULL || item->name.len >= ATT_OWN_NAME_MAX) {
        m->skipped++;
        return ATT_OK;
    }
    memcpy(name, item->name.p, item->name.len);
    name[item->name.len] = '\0';
    m->files++;
    return add(m, item->type == ATT_OWN_LINK ? "link:" : "", name, item->digest);
}

/* A known-good own log: everything that it lists is expected. */
static enum att_err add_own(struct making *m, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_own it;
    struct att_own_record rec;
    bool more = true;
    enum att_err err = att_file_read(&file, path, ATT_OWN_LOG_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    it = att_own_from(att_buf_slice(file), 0);
    while (err == ATT_OK) {
        struct att_own_items items;
        struct att_own_item item;

        err = att_own_next(&it, &rec, &more, m->hasher, diag);
        if (err != ATT_OK || !more) {
            break;
        }
        if (rec.is_boot) {
            continue;
        }
        items = att_own_items_from(&rec);
        while (err == ATT_OK && att_own_item_next(&items, &item)) {
            err = add_own_item(m, &item);
        }
    }
    return err;
}

static enum att_err add_pcrs(struct making *m, const char *path, struct att_diag *diag)
{
    struct att_pcr_values values = {0};
    const struct att_pcr_bank *bank = NULL;
    enum att_err err = artefact_pcrs(&values, path, diag);

    if (err != ATT_OK) {
        return err;
    }
    bank = att_pcr_bank_find(&values, ATT_HASH_SHA256);
    if (bank == NULL) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_LOG_BANK, "--pcrs", "%s has no sha256 bank",
                        path);
    }
    for (uint32_t pcr = 0; err == ATT_OK && pcr < ATT_PCR_COUNT; pcr++) {
        char name[32];

        if ((bank->has >> pcr & 1) == 0) {
            continue;
        }
        (void)snprintf(name, sizeof(name), "pcr/sha256/%u", (unsigned int)pcr);
        err = add(m, "", name, bank->value[pcr]);
    }
    return err;
}

struct sources {
    const char *root, *list, *own, *pcrs;
};

static enum att_err make(struct making *m, const struct sources *s, int argc, char **argv,
                         struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (int i = 1; err == ATT_OK && i < argc; i++) {
        err = add_tree(m, argv[i], false, diag);
    }
    if (err == ATT_OK && s->root != NULL) {
        err = add_tree(m, s->root, true, diag);
    }
    if (err == ATT_OK && s->list != NULL) {
        err = add_list(m, s->list, diag);
    }
    if (err == ATT_OK && s->own != NULL) {
        err = add_own(m, s->own, diag);
    }
    if (err == ATT_OK && s->pcrs != NULL) {
        err = add_pcrs(m, s->pcrs, diag);
    }
    return err;
}

static void making_clear(struct making *m)
{
    att_refvals_maker_free(m->maker);
    att_hasher_free(m->hasher);
    free(m->chunk);
}

struct words {
    int argc;
    char **argv;
};

static enum att_err make_bytes(struct att_buf **out, struct making *m, const struct sources *s,
                               const struct words *trees, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    m->chunk = malloc(READ_CHUNK);
    err = m->chunk == NULL ? ATT_E_NOMEM : att_refvals_maker_new(&m->maker);
    if (err == ATT_OK) {
        err = att_hasher_new(&m->hasher);
    }
    if (err == ATT_OK) {
        err = make(m, s, trees->argc, trees->argv, diag);
    }
    return err == ATT_OK ? att_refvals_maker_finish(out, m->maker) : err;
}

static int made(const struct making *m)
{
    struct report *r = m->r;
    const struct cli *cli = r->cli;
    char shown[512];

    (void)json_object_set_new(r->root, "files", json_integer((json_int_t)m->files));
    (void)json_object_set_new(r->root, "links", json_integer((json_int_t)m->links));
    (void)json_object_set_new(r->root, "skipped", json_integer((json_int_t)m->skipped));
    if (strcmp(cli->output, "-") == 0) {
        report_drop(r);
        return EXIT_VERIFIED;
    }
    report_line(r, "%s: %zu %s, %zu %s, %zu %s", text_safe(shown, sizeof(shown), cli->output),
                m->files, tr(cli, "files", "ファイル"), m->links, tr(cli, "links", "リンク"),
                m->skipped, tr(cli, "skipped", "省略"));
    return report_finish(r);
}

int cmd_refvals_make(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.refvals-make.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    struct sources s = {0};
    const struct option_spec options[] = {
        {"root", &s.root, NULL, "DIR", "a folder that stands for the gateway's root",
         "機器のルートに当たるフォルダー"},
        {"list", &s.list, NULL, "FILE", "digests as sha256sum(1) writes them",
         "sha256sum 形式の一覧"},
        {"own", &s.own, NULL, "FILE", "the own log of a known-good gateway",
         "正しい機器の測定ログ"},
        {"pcrs", &s.pcrs, NULL, "FILE", "known-good PCR values", "正しい PCR 値"}};
    struct making m = {.r = &r};
    struct att_diag diag = {0};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (argc < 2 && s.root == NULL && s.list == NULL && s.own == NULL && s.pcrs == NULL) {
        return report_usage(&r, "arguments", "expected %s, found nothing",
                            "TREE, --root, --list, --own or --pcrs");
    }
    if (cli->output == NULL) {
        return report_usage(&r, "--output", "expected %s, found nothing", "--output FILE");
    }
    if (strcmp(cli->output, "-") == 0 && cli->json) {
        return report_usage(&r, "--output", "expected %s, found %s", "a file when --json is given",
                            "-");
    }
    err = make_bytes(&out, &m, &s, &(struct words){argc, argv}, &diag);
    making_clear(&m);
    if (err == ATT_OK) {
        err = att_file_write(cli->output, att_buf_slice(out), 0644, &diag);
    }
    return err != ATT_OK ? report_failure(&r, err, &diag) : made(&m);
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
