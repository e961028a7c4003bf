/* What is left out of reference values: each by its name and why, for people and in JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "refvals_make.h"

#define NAMED_MAX 10000 /* kept by name; the rest is only counted */
#define SHOWN     5     /* without --verbose */

static const struct {
    const char *code, *en, *ja;
} WHY[LEFT__COUNT] = {
    [LEFT_UNREADABLE] = {"unreadable", "not readable", "読めない"},
    [LEFT_GONE] = {"gone", "not there when the log ended", "ログの終わりには存在しない"},
    [LEFT_UNSUPPORTED] = {"unsupported", "no file and no link", "ファイルでもリンクでもない"},
    [LEFT_NAME] = {"name-too-long", "name too long", "名前が長すぎる"},
    [LEFT_VIOLATION] = {"violation", "changed while the kernel measured it (violation)",
                        "計測中に変更された (violation)"},
    [LEFT_DIGEST] = {"not-sha256", "no SHA-256 of the content", "内容の SHA-256 ではない"},
    [LEFT_MOUNT] = {"other-file-system", "another file system", "別のファイルシステム"},
};

enum att_err making_leave(struct making *m, enum left_why why, const char *name)
{
    struct left *more = m->left;

    if (m->skipped++ >= NAMED_MAX) {
        return ATT_OK;
    }
    if (m->left_count == m->left_room) {
        m->left_room = m->left_room == 0 ? 16 : m->left_room * 2;
        more = reallocarray(m->left, m->left_room, sizeof(*more));
    }
    if (more == NULL) {
        return ATT_E_NOMEM;
    }
    m->left = more;
    more[m->left_count] = (struct left){.name = strdup(name), .why = why};
    return more[m->left_count++].name == NULL ? ATT_E_NOMEM : ATT_OK;
}

void making_left_clear(struct making *m)
{
    for (size_t i = 0; i < m->left_count; i++) {
        free(m->left[i].name);
    }
    free(m->left);
    m->left = NULL;
    m->left_count = 0;
}

static void tell_names(const struct making *m)
{
    const struct cli *cli = m->r->cli;
    size_t shown = cli->verbose || m->left_count < SHOWN ? m->left_count : SHOWN;
    char safe[512];

    for (size_t i = 0; i < shown; i++) {
        const struct left *l = &m->left[i];

        (void)fprintf(stderr, "attestctl: %s: %s (%s)\n", tr(cli, "skipped", "省略"),
                      text_safe(safe, sizeof(safe), l->name),
                      tr(cli, WHY[l->why].en, WHY[l->why].ja));
    }
    if (m->skipped > shown) {
        (void)fprintf(stderr, "attestctl: %s: %s %zu %s\n", tr(cli, "skipped", "省略"),
                      tr(cli, "and", "ほか"), m->skipped - shown,
                      shown < m->left_count
                          ? tr(cli, "more; --verbose names them", "件 (--verbose で表示)")
                          : tr(cli, "more", "件"));
    }
}

/* What a log proves is where the gateway was, not that it was good there: whoever names the log says that. */
static void tell_own(const struct making *m)
{
    const struct cli *cli = m->r->cli;

    (void)fprintf(stderr, "attestctl: %s (--own): %s %zu. %s\n", tr(cli, "own log", "測定ログ"),
                  tr(cli, "the last state of each name was taken; earlier states left out:",
                     "各項目の最後の状態だけを採用。省略した以前の状態:"),
                  m->earlier,
                  tr(cli,
                     "What stands last in it is approved from now on: it must be the log of a "
                     "known-good boot.",
                     "最後の状態が今後の正解となるため、正しい起動のログに限って使うこと。"));
}

static json_t *as_json(const struct making *m)
{
    json_t *list = json_array();

    for (size_t i = 0; i < m->left_count; i++) {
        char safe[MAKING_NAME_ROOM];

        (void)json_array_append_new(list, json_pack("{s:s, s:s}", "name",
                                                    att_escape(safe, sizeof(safe), m->left[i].name,
                                                               strlen(m->left[i].name)),
                                                    "why", WHY[m->left[i].why].code));
    }
    return list;
}

void making_tell(const struct making *m)
{
    struct report *r = m->r;

    (void)json_object_set_new(r->root, "skipped", json_integer((json_int_t)m->skipped));
    (void)json_object_set_new(r->root, "skipped_names", as_json(m));
    if (m->own) {
        (void)json_object_set_new(r->root, "earlier_states", json_integer((json_int_t)m->earlier));
    }
    if (r->cli->json) {
        return;
    }
    tell_names(m);
    if (m->own && !r->cli->quiet) {
        tell_own(m);
    }
}
