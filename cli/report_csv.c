#include "report_csv.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/hex.h"

static void add(struct csv *c, const char *text, size_t len)
{
    if (c->err == ATT_OK) {
        c->err = att_buf_add(c->out, text, len);
    }
}

/* OWASP, CSV injection: what a cell may not begin with, in the wide forms too, which Japanese spreadsheets take. */
static bool is_formula(const char *text)
{
    static const char *const BEGINS[] = {"=",  "+",  "-",  "@",  "\t", "\r",
                                         "\n", "＝", "＋", "－", "＠"};

    for (size_t i = 0; i < ATT_COUNT(BEGINS); i++) {
        if (strncmp(text, BEGINS[i], strlen(BEGINS[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* apostrophe: it stands in front, so that a spreadsheet leaves the text as it is. */
static void add_cell(struct csv *c, const char *text, bool apostrophe)
{
    /* some spreadsheets split at other separators: what stands behind one may not begin a cell */
    bool quoted = apostrophe || strpbrk(text, ",;\t\"\r\n") != NULL;

    if (c->begun) {
        add(c, ",", 1);
    }
    c->begun = true;
    if (!quoted) {
        add(c, text, strlen(text));
        return;
    }
    add(c, "\"'", apostrophe ? 2 : 1);
    for (const char *p = text; *p != '\0'; p++) {
        add(c, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
    }
    add(c, "\"", 1);
}

void csv_text(struct csv *c, const char *text)
{
    add_cell(c, text, ATT_GUARD(REPORT_CSV, is_formula(text)));
}

void csv_number(struct csv *c, uint64_t n)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    add_cell(c, text, false);
}

void csv_decimal(struct csv *c, const char *digits)
{
    add_cell(c, digits, false);
}

void csv_time(struct csv *c, int64_t utc_s)
{
    char text[ATT_TIME_TEXT];

    csv_text(c, att_time_print(text, sizeof(text), utc_s));
}

void csv_hex(struct csv *c, bool has, const uint8_t *p, size_t len)
{
    char text[65] = "";

    if (has) {
        (void)att_hex_encode(text, sizeof(text), att_slice_of(p, len));
    }
    /* 12e34 is a digest here and a number there */
    add_cell(c, text, has && strspn(text, "0123456789e") == strlen(text));
}

void csv_end(struct csv *c)
{
    add(c, "\r\n", 2);
    c->begun = false;
}
