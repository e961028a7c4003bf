/* The bytes of a period statement. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "need.h"
#include "report/statement.h"
#include "suite.h"

#define T0 INT64_C(1790000000)

/* A log of nothing but its beginning: the worked example of docs/formats/report.md. */
static struct att_statement *small(void)
{
    struct att_statement *s = calloc(1, sizeof(*s));
    struct att_period_maker *maker = NULL;
    struct att_entry e = {.iat = T0};

    NEED(s != NULL);
    NEED(att_period_new(&maker, T0, T0 + 3600) == ATT_OK);
    (void)snprintf(e.issuer, sizeof(e.issuer), "verifier.test");
    (void)snprintf(e.kind, sizeof(e.kind), "init");
    NEED(att_period_entry(maker, 0, &e, NULL) == ATT_OK);
    NEED(att_period_finish(&s->period, maker) == ATT_OK);
    att_period_maker_free(maker);
    NEED(att_buf_new(&s->checkpoint, 8) == ATT_OK);
    NEED(att_buf_add(s->checkpoint, "note\n", 5) == ATT_OK);
    memset(s->begin.tree.root, 0xbb, 32);
    memset(s->end.tree.root, 0xee, 32);
    s->end.tree.size = 1;
    s->audited = 1;
    s->keys = 1;
    return s;
}

/* The hex of the page's example. */
static struct att_buf *documented(void)
{
    FILE *f = fopen("docs/formats/report.md", "r");
    struct att_buf *out = NULL;
    char line[512], hex[2048];
    uint8_t room[1024];
    size_t digits = 0, len = 0;
    bool inside = false;

    ck_assert_msg(f != NULL, "run from the top of the tree");
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "```", 3) == 0) {
            inside = strcmp(line + 3, "hex\n") == 0;
            continue;
        }
        for (size_t i = 0; inside && line[i] != '\0' && line[i] != '#'; i++) {
            if (isxdigit((unsigned char)line[i]) != 0 && digits < sizeof(hex))
                hex[digits++] = line[i];
        }
    }
    fclose(f);
    NEED(att_hex_decode(room, sizeof(room), &len, hex, digits) == ATT_OK);
    NEED(att_buf_new(&out, sizeof(room)) == ATT_OK);
    NEED(att_buf_add(out, room, len) == ATT_OK);
    return out;
}

START_TEST(statement__is_what_the_page_says)
{
    ATT_CLEANUP(att_statement_freep) struct att_statement *s = small();
    ATT_CLEANUP(att_statement_freep) struct att_statement *read = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *made = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *page = documented();

    ck_assert_int_eq(att_statement_encode(&made, s), ATT_OK);
    ck_assert_uint_eq(att_buf_len(made), att_buf_len(page));
    ck_assert(att_slice_eq(att_buf_slice(made), att_buf_slice(page)));
    ck_assert_int_eq(att_statement_decode(&read, att_buf_slice(page), NULL), ATT_OK);
    ck_assert_str_eq(read->period->issuer, "verifier.test");
    ck_assert_uint_eq(read->period->end, 1);
    ck_assert_str_eq(read->period->tally[0].kind, "init");
}
END_TEST

/* Every byte that is another, and every length that is shorter, is refused or is another statement. */
START_TEST(statement__bytes_that_are_others)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *page = documented();
    struct att_slice in = att_buf_slice(page);

    for (size_t i = 0; i < in.len; i++) {
        ATT_CLEANUP(att_statement_freep) struct att_statement *read = NULL;
        ATT_CLEANUP(att_buf_freep) struct att_buf *again = NULL;
        uint8_t bad[4096];
        struct att_diag diag = {0};

        memcpy(bad, in.p, in.len);
        bad[i] ^= 1;
        ck_assert_int_ne(att_statement_decode(&read, att_slice_of(in.p, i), &diag), ATT_OK);
        ck_assert_int_ne(diag.reason, ATT_R_NONE);
        if (att_statement_decode(&read, att_slice_of(bad, in.len), NULL) != ATT_OK)
            continue;
        ck_assert_int_eq(att_statement_encode(&again, read), ATT_OK);
        ck_assert(att_slice_eq(att_buf_slice(again), att_slice_of(bad, in.len)));
    }
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {statement__is_what_the_page_says, 0},
        {statement__bytes_that_are_others, 0},
    };

    return SUITE_RUN_ROWS("statement", ROWS, NULL);
}
