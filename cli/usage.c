/* Help: one screen of commands, and of each command its options and three examples. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define NAME_COLUMN    18
#define COMMAND_COLUMN 19

static void print_option(const struct cli *cli, const struct option_spec *o)
{
    char text[128];
    char padded[256];

    (void)snprintf(text, sizeof(text), "--%s%s%s", o->name, o->value_name != NULL ? " " : "",
                   o->value_name != NULL ? o->value_name : "");
    (void)printf("  %s %s\n", text_pad(padded, sizeof(padded), text, NAME_COLUMN),
                 tr(cli, o->en, o->ja));
}

void usage_command(const struct cli *cli, const struct option_spec *spec, size_t spec_count)
{
    const struct command *c = cli->command;

    (void)printf("%s attestctl %s%s%s%s%s [%s...]\n", tr(cli, "usage:", "使い方:"), c->noun,
                 c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
                 c->args[0] != '\0' ? " " : "", c->args, tr(cli, "OPTION", "オプション"));
    (void)printf("%s\n", tr(cli, c->en, c->ja));
    if (c->more_en != NULL) {
        (void)printf("%s\n", tr(cli, c->more_en, c->more_ja));
    }
    if (spec_count > 0) {
        (void)printf("\n%s\n", tr(cli, "options:", "オプション:"));
    }
    for (size_t i = 0; i < spec_count; i++) {
        print_option(cli, &spec[i]);
    }
    (void)printf("\n%s\n", tr(cli, "common options:", "共通オプション:"));
    for (size_t i = 0; common_options[i].name != NULL; i++) {
        print_option(cli, &common_options[i]);
    }
    (void)printf("\n%s\n", tr(cli, "examples:", "例:"));
    for (size_t i = 0; i < EXAMPLES; i++) {
        (void)printf("  %s\n", c->example[i]);
    }
}

void usage_all(const struct cli *cli, const char *noun)
{
    (void)printf("%s\n", tr(cli, "usage: attestctl [OPTION...] NOUN VERB [ARGUMENT...]",
                            "使い方: attestctl [オプション...] 名詞 動詞 [引数...]"));
    for (size_t i = 0; i < command_count; i++) {
        const struct command *c = &commands[i];
        char words[64];
        char padded[128];

        if (noun != NULL && strcmp(noun, c->noun) != 0) {
            continue;
        }
        (void)snprintf(words, sizeof(words), "%s%s%s", c->noun, c->verb != NULL ? " " : "",
                       c->verb != NULL ? c->verb : "");
        (void)printf("  %s %s\n", text_pad(padded, sizeof(padded), words, COMMAND_COLUMN),
                     tr(cli, c->en, c->ja));
    }
    (void)printf("%s\n", tr(cli, "options and examples: attestctl NOUN VERB --help",
                            "オプションと例: attestctl 名詞 動詞 --help"));
}

/* Steps of insertion, removal, exchange, or swapping neighbours between two short words. */
static size_t distance(const char *a, const char *b)
{
    enum { LEN = 32 };
    size_t d[LEN + 1][LEN + 1];
    size_t m = strlen(a);
    size_t n = strlen(b);

    if (m > LEN || n > LEN) {
        return LEN;
    }
    for (size_t i = 0; i <= m; i++) {
        for (size_t j = 0; j <= n; j++) {
            size_t best = i > j ? i : j; /* right for the first row and column */

            if (i > 0 && j > 0) {
                best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0);
                best = d[i - 1][j] + 1 < best ? d[i - 1][j] + 1 : best;
                best = d[i][j - 1] + 1 < best ? d[i][j - 1] + 1 : best;
            }
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best) {
                best = d[i - 2][j - 2] + 1;
            }
            d[i][j] = best;
        }
    }
    return d[m][n];
}

const char *did_you_mean(const char *typed, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t least = 3; /* further away is another word */

    for (size_t i = 0; i < count; i++) {
        size_t far = distance(typed, candidates[i]);
        size_t len = strlen(typed);

        if (len >= 3 && strncmp(typed, candidates[i], len) == 0) {
            far = 1; /* cut short */
        }
        if (far < least && far < strlen(candidates[i])) {
            best = candidates[i];
            least = far;
        }
    }
    return best;
}
