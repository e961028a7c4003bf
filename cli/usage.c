/* Help: one screen of commands, and of each command its options and three examples. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define NAME_COLUMN    18
#define COMMAND_COLUMN 19
#define NOUN_COLUMN    9
#define SCREEN_COLUMNS 79

/* What the verbs of a noun are about. */
struct noun {
    const char *noun, *en, *ja;
};

static const struct noun NOUNS[] = {
    {"label", "security labels: is this one genuine, and what does it say?",
     "ラベル: 本物か、何を示すか"},
    {"trust", "the anchors that labels are verified with", "ラベルの検証に使う信頼の起点"},
    {"evidence", "what gateways sent, and decisions made again", "機器が送った証拠と判定の再現"},
    {"policy", "what a gateway must fulfil", "機器が満たすべき方針"},
    {"notice", "which changes are expected for a while", "一定期間だけ期待される変更 (変更通知)"},
    {"refvals", "which files and values are expected", "期待されるファイルと値 (参照値)"},
    {"device", "the gateways of a verifier", "検証サーバーに登録された機器"},
    {"log", "transparency logs: is this what the log signed?", "透明性ログ: ログが署名したものか"},
    {"key", "the keys that a verifier signs with", "検証サーバーの署名鍵"},
    {"report", "what a log shows of a period, for auditors", "ログが期間について示すこと (監査用)"},
};

static const struct noun *noun_find(const char *name)
{
    for (size_t i = 0; i < ATT_COUNT(NOUNS); i++) {
        if (strcmp(NOUNS[i].noun, name) == 0) {
            return &NOUNS[i];
        }
    }
    return NULL;
}

static void print_option(const struct cli *cli, const struct option_spec *o)
{
    char text[128];
    char padded[256];

    (void)snprintf(text, sizeof(text), "--%s%s%s", o->name, o->value_name != NULL ? " " : "",
                   o->value_name != NULL ? o->value_name : "");
    (void)printf("  %s %s\n", text_pad(padded, sizeof(padded), text, NAME_COLUMN),
                 tr(cli, o->en, o->ja));
}

/* A paragraph in lines that fit a screen; a word that does not fit stands alone. */
static void print_folded(const char *text)
{
    while (*text != '\0') {
        size_t len = text_fit(text, SCREEN_COLUMNS);

        (void)printf("%.*s\n", (int)len, text);
        text += len;
        text += *text == '\n' ? 1 : strspn(text, " ");
    }
}

void usage_command(const struct cli *cli, const struct option_spec *spec, size_t spec_count)
{
    const struct command *c = cli->command;

    (void)printf("%s attestctl %s%s%s%s%s [%s...]\n", tr(cli, "usage:", "使い方:"), c->noun,
                 c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
                 c->args[0] != '\0' ? " " : "", c->args, tr(cli, "OPTION", "オプション"));
    (void)printf("%s\n", tr(cli, c->en, c->ja));
    if (c->more_en != NULL) {
        print_folded(tr(cli, c->more_en, c->more_ja));
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

/* The verbs of a noun on one line. */
static void print_verbs(const char *noun)
{
    const char *between = "";

    (void)printf("            ");
    for (size_t i = 0; command_at(i) != NULL; i++) {
        if (strcmp(command_at(i)->noun, noun) == 0) {
            (void)printf("%s%s", between, command_at(i)->verb);
            between = " | ";
        }
    }
    (void)printf("\n");
}

/* The commands that are one word, on one line: what they do their names say. */
static void print_words(size_t i)
{
    const char *between = "  ";

    for (; command_at(i) != NULL; i++) {
        (void)printf("%s%s", between, command_at(i)->noun);
        between = " | ";
    }
    (void)putchar('\n');
}

static void usage_nouns(const struct cli *cli)
{
    char padded[64];

    for (size_t i = 0; command_at(i) != NULL; i++) {
        const struct command *c = command_at(i);
        const struct noun *n = noun_find(c->noun);

        if (i > 0 && strcmp(command_at(i - 1)->noun, c->noun) == 0) {
            continue;
        }
        if (c->verb == NULL) {
            print_words(i);
            return;
        }
        (void)printf("  %s %s\n", text_pad(padded, sizeof(padded), c->noun, NOUN_COLUMN),
                     n != NULL ? tr(cli, n->en, n->ja) : tr(cli, c->en, c->ja));
        print_verbs(c->noun);
    }
}

void usage_all(const struct cli *cli, const char *noun)
{
    if (noun == NULL) {
        /* the nouns fill the rest of a screen */
        (void)printf(
            "%s\n",
            tr(cli,
               "usage: attestctl [OPTION...] NOUN VERB [ARGUMENT...]; more: attestctl help NOUN",
               "使い方: attestctl [オプション...] 名詞 動詞 [引数...]、詳細: attestctl help 名詞"));
        usage_nouns(cli);
        return;
    }
    (void)printf("%s\n", tr(cli, "usage: attestctl [OPTION...] NOUN VERB [ARGUMENT...]",
                            "使い方: attestctl [オプション...] 名詞 動詞 [引数...]"));
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const struct command *c = command_at(i);
        char words[64];
        char padded[128];

        if (strcmp(noun, c->noun) != 0) {
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
