/* Options by getopt_long: the common ones and a subcommand's own, in any order. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli.h"

#define OPTIONS_MAX 64 /* of one command, the common ones included */
#define SHORT       ":hqvo:"

/* Numbers of the common options for getopt_long: their place in the table above this one. */
#define COMMON_BASE 1000

const struct option_spec common_options[] = {
    {"json", NULL, NULL, NULL, "one JSON object on standard output", "結果を JSON 一つで出力する"},
    {"lang", NULL, NULL, "en|ja", "language of messages", "表示言語"},
    {"trust", NULL, NULL, "DIR", "folder of trust anchors", "信頼アンカーのフォルダー"},
    {"at", NULL, NULL, "TIME", "judge as of this time instead of now", "この時刻で判定する"},
    {"output", NULL, NULL, "FILE", "where to write; - is standard output (also -o)",
     "書き出し先。- は標準出力 (-o も可)"},
    {"config", NULL, NULL, "FILE", "settings: trust, lang, socket", "設定ファイル"},
    {"yes", NULL, NULL, NULL, "do not ask before something is removed", "削除の確認を省く"},
    {"no-input", NULL, NULL, NULL, "never ask", "一切質問しない"},
    {"color", NULL, NULL, "WHEN", "auto, always or never", "auto、always または never"},
    {"quiet", NULL, NULL, NULL, "print nothing but errors (also -q)", "エラーだけを表示する (-q)"},
    {"verbose", NULL, NULL, NULL, "say more (also -v)", "詳しく表示する (-v)"},
    {"help", NULL, NULL, NULL, "this text (also -h)", "この説明 (-h)"},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

enum common {
    OPT_JSON = COMMON_BASE,
    OPT_LANG,
    OPT_TRUST,
    OPT_AT,
    OPT_OUTPUT,
    OPT_CONFIG,
    OPT_YES,
    OPT_NO_INPUT,
    OPT_COLOR,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_HELP
};

struct parsing {
    struct report *r;
    const struct option_spec *spec;
    size_t spec_count;
    int argc;
    char **argv;
    bool help;
    bool seen[OPTIONS_MAX]; /* which of its own, then which of the common ones had a value */
};

static int bad_value(struct parsing *p, const char *option, const char *wanted, const char *value)
{
    char shown[64];

    return report_usage(p->r, option, "expected %s, found %s", wanted,
                        text_safe(shown, sizeof(shown), value));
}

static int take_lang(struct parsing *p, const char *value)
{
    if (strcmp(value, "ja") != 0 && strcmp(value, "en") != 0) {
        return bad_value(p, "--lang", "en or ja", value);
    }
    p->r->cli->lang = value[0] == 'j' ? LANG_JA : LANG_EN;
    return OPTIONS_OK;
}

static int take_color(struct parsing *p, const char *value)
{
    if (strcmp(value, "always") == 0) {
        p->r->cli->color = true;
    } else if (strcmp(value, "never") == 0) {
        p->r->cli->color = false;
    } else if (strcmp(value, "auto") != 0) {
        return bad_value(p, "--color", "auto, always or never", value);
    }
    return OPTIONS_OK;
}

static int take_at(struct parsing *p, const char *value)
{
    if (att_time_parse(&p->r->cli->at, value) != ATT_OK) {
        return bad_value(p, "--at", "a time like 2026-11-24T19:00:00Z", value);
    }
    return OPTIONS_OK;
}

static int take_text(struct parsing *p, const char *option, const char **to, const char *value)
{
    if (value[0] == '\0') {
        return bad_value(p, option, "a path", "nothing");
    }
    *to = value;
    return OPTIONS_OK;
}

static int take_common(struct parsing *p, int code, const char *value)
{
    struct cli *cli = p->r->cli;

    switch (code) {
    case OPT_LANG:
        return take_lang(p, value);
    case OPT_COLOR:
        return take_color(p, value);
    case OPT_TRUST:
        return take_text(p, "--trust", &cli->trust, value);
    case OPT_AT:
        return take_at(p, value);
    case OPT_OUTPUT:
        return take_text(p, "--output", &cli->output, value);
    case OPT_YES:
        cli->yes = true;
        break;
    case OPT_NO_INPUT:
        cli->no_input = true;
        break;
    case 'q':
    case OPT_QUIET:
        cli->quiet = true;
        break;
    case 'v':
    case OPT_VERBOSE:
        cli->verbose = true;
        break;
    case 'h':
    case OPT_HELP:
        p->help = true;
        break;
    default: /* --json and --config: main looked at them before anything could fail */
        break;
    }
    return OPTIONS_OK;
}

static int unknown_option(struct parsing *p)
{
    const char *names[OPTIONS_MAX];
    const char *typed = p->argv[optind - 1];
    const char *meant = NULL;
    char shown[64];
    char name[64];
    size_t count = 0;

    for (size_t i = 0; i < p->spec_count; i++) {
        names[count++] = p->spec[i].name;
    }
    for (size_t i = 0; common_options[i].name != NULL; i++) {
        names[count++] = common_options[i].name;
    }
    if (strncmp(typed, "--", 2) != 0) {
        (void)snprintf(shown, sizeof(shown), "-%c", optopt);
        return report_usage(p->r, "option", "there is no option %s", shown);
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(typed + 2, "="), typed + 2);
    (void)text_safe(shown, sizeof(shown), name);
    if (optopt != 0) {
        return report_usage(p->r, "option", "--%s takes no value", shown);
    }
    meant = did_you_mean(name, names, count);
    if (meant == NULL) {
        return report_usage(p->r, "option", "there is no option --%s", shown);
    }
    return report_usage(p->r, "option", "there is no option --%s; did you mean --%s?", shown,
                        meant);
}

static bool is_many(const struct option_spec *spec)
{
    size_t len = spec->value_name != NULL ? strlen(spec->value_name) : 0;

    return len > 3 && strcmp(spec->value_name + len - 3, "...") == 0;
}

static int take_own(struct parsing *p, const struct option_spec *spec)
{
    size_t at = 0;
    char name[64];

    if (spec->value == NULL) {
        *spec->flag = true;
        return OPTIONS_OK;
    }
    while (is_many(spec) && at < OPTION_MANY && spec->value[at] != NULL) {
        at++;
    }
    if (at >= OPTION_MANY - 1) {
        (void)snprintf(name, sizeof(name), "--%s", spec->name);
        return report_usage(p->r, name, "one too many: %s", name);
    }
    spec->value[at] = optarg;
    return OPTIONS_OK;
}

/*
 * Of two values of one option one would be left out without a word, and a partner would read the verdict of
 * the other: "--device A --device B".
 */
static int refuse_twice(struct parsing *p, int code)
{
    bool own = code >= 1 && code <= (int)p->spec_count;
    size_t at = own ? (size_t)code - 1 : p->spec_count + (size_t)(code - COMMON_BASE);
    const struct option_spec *spec = NULL;
    char name[64];

    if (!own && code < COMMON_BASE) {
        return OPTIONS_OK;
    }
    spec = own ? &p->spec[code - 1] : &common_options[code - COMMON_BASE];
    if (spec->value_name == NULL || is_many(spec)) {
        return OPTIONS_OK;
    }
    if (p->seen[at]) {
        (void)snprintf(name, sizeof(name), "--%s", spec->name);
        return report_usage(p->r, name, "%s was given twice", name);
    }
    p->seen[at] = true;
    return OPTIONS_OK;
}

static int take(struct parsing *p, int code)
{
    int refused = OPTIONS_OK;

    if (code == 'o') {
        code = OPT_OUTPUT;
    }
    if (code == '?') {
        return unknown_option(p);
    }
    if (code == ':') {
        char shown[64];

        return report_usage(p->r, "option", "%s needs a value",
                            text_safe(shown, sizeof(shown), p->argv[optind - 1]));
    }
    refused = refuse_twice(p, code);
    if (refused != OPTIONS_OK) {
        return refused;
    }
    if (code >= 1 && code <= (int)p->spec_count) {
        return take_own(p, &p->spec[code - 1]);
    }
    return take_common(p, code, optarg);
}

/* Too many is a mistake of ours that the first call of the command shows. */
static bool fill_table(struct option *table, const struct parsing *p)
{
    size_t common = 0;

    while (common_options[common].name != NULL) {
        common++;
    }
    if (p->spec_count + common >= OPTIONS_MAX) {
        return false;
    }
    for (size_t i = 0; i < p->spec_count; i++) {
        table[i] = (struct option){p->spec[i].name,
                                   p->spec[i].value != NULL ? required_argument : no_argument, NULL,
                                   (int)i + 1};
    }
    for (size_t i = 0; common_options[i].name != NULL; i++) {
        const struct option_spec *c = &common_options[i];

        table[p->spec_count + i] =
            (struct option){c->name, c->value_name != NULL ? required_argument : no_argument, NULL,
                            COMMON_BASE + (int)i};
    }
    return true;
}

static int check_count(struct report *r, int given, const char *surplus)
{
    const struct command *c = r->cli->command;
    char shown[64];

    if (given < c->args_min) {
        return report_usage(r, "arguments", "expected %s, found %s", c->args,
                            given == 0 ? "nothing" : "less");
    }
    if (given > c->args_max) {
        return report_usage(r, "arguments", "one too many: %s",
                            text_safe(shown, sizeof(shown), surplus));
    }
    return OPTIONS_OK;
}

int options_parse(struct report *r, const struct option_spec *spec, size_t spec_count, int *argc,
                  char **argv)
{
    struct option table[OPTIONS_MAX] = {0};
    struct parsing p = {
        .r = r, .spec = spec, .spec_count = spec_count, .argc = *argc, .argv = argv};
    int result = OPTIONS_OK;
    int code = 0;

    if (!fill_table(table, &p)) {
        return report_failure(r, ATT_E_INTERNAL, &(struct att_diag){.reason = ATT_R_INTERNAL});
    }
    optind = 1;
    opterr = 0;
    while (result == OPTIONS_OK && !p.help &&
           (code = getopt_long(*argc, argv, SHORT, table, NULL)) != -1) {
        result = take(&p, code);
    }
    if (result != OPTIONS_OK) {
        return result;
    }
    if (p.help) {
        usage_command(r->cli, spec, spec_count);
        report_drop(r);
        return EXIT_VERIFIED;
    }
    memmove(&argv[1], &argv[optind], sizeof(*argv) * (size_t)(*argc - optind + 1));
    *argc = *argc - optind + 1;
    return check_count(r, *argc - 1,
                       *argc - 1 > r->cli->command->args_max ? argv[r->cli->command->args_max + 1]
                                                             : "");
}

int output_needed(struct report *r, bool dash)
{
    const char *output = r->cli->output;
    char shown[64];

    if (output == NULL) {
        return report_usage(r, "--output", "expected %s, found nothing", "--output FILE");
    }
    if (!dash && output[0] == '-') {
        return report_usage(r, "--output", "expected %s, found %s", "--output FILE",
                            text_safe(shown, sizeof(shown), output));
    }
    return OPTIONS_OK;
}
