/* Options by getopt_long: the common ones and a subcommand's own, in any order. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli.h"

#define OPTIONS_MAX 32

enum common {
    OPT_JSON = 1000,
    OPT_LANG,
    OPT_COLOR,
    OPT_TRUST,
    OPT_AT,
    OPT_OUTPUT,
    OPT_CONFIG,
    OPT_YES,
    OPT_NO_INPUT,
    OPT_HELP
};

static const struct option COMMON[] = {
    {"json", no_argument, NULL, OPT_JSON},
    {"lang", required_argument, NULL, OPT_LANG},
    {"color", required_argument, NULL, OPT_COLOR},
    {"trust", required_argument, NULL, OPT_TRUST},
    {"at", required_argument, NULL, OPT_AT},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"config", required_argument, NULL, OPT_CONFIG},
    {"yes", no_argument, NULL, OPT_YES},
    {"no-input", no_argument, NULL, OPT_NO_INPUT},
    {"help", no_argument, NULL, OPT_HELP},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
};

static bool take_lang(struct cli *cli, const char *value)
{
    if (strcmp(value, "ja") != 0 && strcmp(value, "en") != 0) {
        (void)fprintf(stderr, "attestctl: --lang takes en or ja, not \"%s\"\n", value);
        return false;
    }
    cli->lang = value[0] == 'j' ? LANG_JA : LANG_EN;
    return true;
}

static bool take_color(struct cli *cli, const char *value)
{
    if (strcmp(value, "always") == 0) {
        cli->color = true;
    } else if (strcmp(value, "never") == 0) {
        cli->color = false;
    } else if (strcmp(value, "auto") != 0) {
        (void)fprintf(stderr, "attestctl: --color takes auto, always or never, not \"%s\"\n",
                      value);
        return false;
    }
    return true;
}

static bool take_at(struct cli *cli, const char *value)
{
    if (att_time_parse(&cli->at, value) != ATT_OK) {
        (void)fprintf(
            stderr, "attestctl: --at takes a time like 2026-11-24T19:00:00Z, not \"%s\"\n", value);
        return false;
    }
    return true;
}

/* False when the value is not acceptable. */
static bool take_common(struct cli *cli, int code, const char *value)
{
    switch (code) {
    case OPT_JSON:
        cli->json = true;
        return true;
    case OPT_LANG:
        return take_lang(cli, value);
    case OPT_COLOR:
        return take_color(cli, value);
    case OPT_TRUST:
        cli->trust = value;
        return true;
    case OPT_AT:
        return take_at(cli, value);
    case OPT_OUTPUT:
        cli->output = value;
        return true;
    case OPT_YES:
        cli->yes = true;
        return true;
    case OPT_NO_INPUT:
        cli->no_input = true;
        return true;
    case 'q':
        cli->quiet = true;
        return true;
    case 'v':
        cli->verbose = true;
        return true;
    default:
        return code == OPT_CONFIG;
    }
}

static void usage_of(const struct option_spec *spec, size_t count)
{
    (void)fprintf(stderr, "attestctl: options:");
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(stderr, " [--%s%s%s]", spec[i].name, spec[i].value != NULL ? " " : "",
                      spec[i].placeholder != NULL ? spec[i].placeholder : "");
    }
    for (size_t i = 0; i < ATT_COUNT(COMMON); i++) {
        (void)fprintf(stderr, " [--%s]", COMMON[i].name);
    }
    (void)fprintf(stderr, "\n");
}

int options_parse(struct cli *cli, const struct option_spec *spec, size_t spec_count, int *argc,
                  char **argv)
{
    struct option table[OPTIONS_MAX] = {0};
    int code = 0;

    for (size_t i = 0; i < spec_count; i++) {
        table[i] =
            (struct option){spec[i].name, spec[i].value != NULL ? required_argument : no_argument,
                            NULL, (int)i + 1};
    }
    memcpy(&table[spec_count], COMMON, sizeof(COMMON));
    optind = 1;
    while ((code = getopt_long(*argc, argv, "qv", table, NULL)) != -1) {
        if (code >= 1 && code <= (int)spec_count) {
            if (spec[code - 1].value != NULL) {
                *spec[code - 1].value = optarg;
            } else {
                *spec[code - 1].flag = true;
            }
            continue;
        }
        if (code == OPT_HELP) {
            usage_of(spec, spec_count);
            exit(EXIT_VERIFIED);
        }
        if (!take_common(cli, code, optarg)) {
            usage_of(spec, spec_count);
            return EXIT_USAGE;
        }
    }
    memmove(&argv[1], &argv[optind], sizeof(*argv) * (size_t)(*argc - optind + 1));
    *argc = *argc - optind + 1;
    return 0;
}
