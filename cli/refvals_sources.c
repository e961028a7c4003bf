/* The sources of reference values, one after the other, and whose fault a refusal is. */
#include "refvals_sources.h"

#include <ctype.h>
#include <string.h>

#include "refvals_debian.h"

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
            err = sources_named(all[i].add(m, *path, diag), *path, diag);
        }
    }
    return err;
}

enum att_err sources_add(struct making *m, const struct sources *s, char **trees,
                         struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (; err == ATT_OK && *trees != NULL; trees++) {
        err = add_tree(m, *trees, diag);
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
