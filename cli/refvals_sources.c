/* The sources of reference values, one after the other, and whose fault a refusal is. */
#include "refvals_sources.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "refvals_debian.h"

/* Taken for a file to measure, it would become the value of a name that no gateway has. */
static enum att_err check_not_compiled(const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint8_t head[ATT_REFVALS_HEAD] = {0};
    struct stat st;
    char shown[96];

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || read(fd, head, sizeof(head)) < 0 ||
        !att_refvals_is_compiled(head)) {
        return ATT_OK; /* whether it is there, its own reader says */
    }
    return att_fail(diag, ATT_E_CONFIG, ATT_R_REF_SOURCE, "sources",
                    "expected what reference values are made from, found %s, which is compiled "
                    "and holds no names; to join such files: refvals merge",
                    text_safe(shown, sizeof(shown), path));
}

/* A source that gives nothing was named by mistake, or lost its content on the way. */
static enum att_err check_gave(const struct making *m, size_t before, const char *path,
                               struct att_diag *diag)
{
    char shown[96];

    return m->values > before
               ? ATT_OK
               : att_fail(diag, ATT_E_FORMAT, ATT_R_REF_SOURCE, "sources",
                          "expected files, links or other values in %s, found none (left out: %zu)",
                          text_safe(shown, sizeof(shown), path), m->skipped);
}

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
enum att_err sources_named(enum att_err err, const char *path, struct att_diag *diag)
{
    struct att_diag d = *diag;
    bool line = isdigit((unsigned char)d.text[0]) != 0;
    char shown[96];

    if (err == ATT_OK || d.reason == ATT_R_NONE || d.reason == ATT_R_FILE ||
        d.reason == ATT_R_REF_SOURCE) {
        return err;
    }
    (void)att_fail_at(diag, err, d.reason, d.field, d.off, "%s:%s%s",
                      att_escape(shown, sizeof(shown), path, strlen(path)), line ? "" : " ",
                      d.text);
    return err;
}

typedef enum att_err (*source)(struct making *m, const char *path, struct att_diag *diag);

static enum att_err add_one(struct making *m, source add, const char *path, struct att_diag *diag)
{
    const size_t before = m->values;
    enum att_err err = check_not_compiled(path, diag);

    if (err == ATT_OK) {
        err = sources_named(add(m, path, diag), path, diag);
    }
    return err == ATT_OK ? check_gave(m, before, path, diag) : err;
}

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
            err = add_one(m, all[i].add, *path, diag);
        }
    }
    return err;
}

enum att_err sources_add(struct making *m, const struct sources *s, char **trees,
                         struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    m->cross = s->cross_mounts;
    for (; err == ATT_OK && *trees != NULL; trees++) {
        err = add_one(m, add_tree, *trees, diag);
    }
    if (err == ATT_OK) {
        err = make(m, s, diag);
    }
    if (err == ATT_OK && s->index[0] != NULL) {
        err = making_repository(m, s, diag);
    }
    if (err == ATT_OK) {
        err = making_finish(m);
    }
    making_progress_end(m);
    if (err == ATT_OK) {
        making_tell(m);
    }
    return err;
}

bool sources_none(const struct sources *s)
{
    return s->root[0] == NULL && s->list[0] == NULL && s->sums[0] == NULL && s->image[0] == NULL &&
           s->tar[0] == NULL && s->deb[0] == NULL && s->own[0] == NULL && s->ima[0] == NULL &&
           s->uefi[0] == NULL && s->pcrs[0] == NULL && s->cmdline[0] == NULL && s->index[0] == NULL;
}

const char *sources_lack(const struct sources *s)
{
    bool any = s->pool[0] != NULL || s->status[0] != NULL || s->package[0] != NULL ||
               s->release[0] != NULL || s->skip_missing;

    if (s->index[0] == NULL) {
        return any ? "--index FILE" : NULL;
    }
    if (s->pool[0] == NULL) {
        return "--pool DIR";
    }
    return s->status[0] == NULL && s->package[0] == NULL ? "--status FILE or --package NAME" : NULL;
}
