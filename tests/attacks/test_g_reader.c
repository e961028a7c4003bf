/* Group G, mirrors: what is kept of a log never goes back, and never holds a tree that the log did not sign. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "loghouse.h"
#include "need.h"

static char out[65536];

static void expect(const struct loghouse *h, const char *const *args, int code, const char *text)
{
    int got = loghouse_ctl(h, out, sizeof(out), args);

    ck_assert_msg(got == code, "expected %d, found %d: %.2000s", code, got, out);
    ck_assert_msg(strstr(out, text) != NULL, "expected %s: %.2000s", text, out);
}

static void export_is(const struct loghouse *h, const char *from, int code, const char *text)
{
    const char *const args[] = {"log", "export", "@mirror", "--from", from, NULL};

    expect(h, args, code, text);
}

static void open_house(struct loghouse *h, uint32_t labels)
{
    loghouse_open(h);
    loghouse_enrol(h, 1);
    for (uint32_t i = 0; i < labels; i++)
        loghouse_attest(h, 1);
    loghouse_sign(h);
}

/* One size, two roots, both signed. */
START_TEST(G_04__fork_leaves_the_mirror_as_it_is)
{
    struct loghouse h;

    open_house(&h, 300);
    export_is(&h, "@log", 0, "\"verdict\":\"pass\"");
    loghouse_copy(&h, "one");
    h.tiler = (struct att_tiler){0}; /* the same log key signs another history */
    att_buf_clear(h.bundle);
    h.introduced = false;
    loghouse_enrol(&h, 2);
    for (uint32_t i = 0; i < 300; i++)
        loghouse_attest(&h, 2);
    loghouse_sign(&h);
    export_is(&h, "@log", 1, "E_TL_FORK");
    export_is(&h, "@one", 0, "\"verdict\":\"pass\"");
    loghouse_close(&h);
}
END_TEST

START_TEST(G_05__older_tree_leaves_the_mirror_as_it_is)
{
    struct loghouse h;

    open_house(&h, 300);
    loghouse_copy(&h, "old");
    loghouse_attest(&h, 1);
    loghouse_sign(&h);
    export_is(&h, "@log", 0, "\"size\":302");
    export_is(&h, "@old", 1, "E_TL_ROLLBACK");
    export_is(&h, "@log", 0, "\"size\":302");
    loghouse_close(&h);
}
END_TEST

/* A byte of an entry, new to the mirror or known to it; where it comes from is not believed. */
START_TEST(G_11__changed_entry_gets_into_no_mirror)
{
    struct loghouse h;

    open_house(&h, 300);
    if (_i == 1)
        export_is(&h, "@log", 0, "\"size\":301");
    loghouse_attest(&h, 1);
    loghouse_sign(&h);
    loghouse_flip(&h, "tile/entries/001.p/46", _i == 0 ? 2000 : 20);
    export_is(&h, "@log", 1, _i == 0 ? "E_TL_TREE" : "entry 256 is another one");
    loghouse_close(&h);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-04-mirror", G_04__fork_leaves_the_mirror_as_it_is, 0, 60},
        {"G-05-mirror", G_05__older_tree_leaves_the_mirror_as_it_is, 0, 60},
        {"G-11-mirror", G_11__changed_entry_gets_into_no_mirror, 2, 60},
    };

    return attack_rows("attacks: mirrors of a log", rows, ATT_COUNT(rows));
}
