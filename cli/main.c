/* attestctl: find the command, settle the common settings, run it. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli.h"
#include "settings.h"

/* Options that take a value as the next word: needed to find noun and verb among them. */
static bool takes_value(const char *arg)
{
    if (strcmp(arg, "-o") == 0) {
        return true;
    }
    for (size_t i = 0; strncmp(arg, "--", 2) == 0 && common_options[i].name != NULL; i++) {
        if (common_options[i].value_name != NULL && strcmp(arg + 2, common_options[i].name) == 0) {
            return true;
        }
    }
    return false;
}

/* The noun and verb are the first two words that are no options; values of common options are skipped. */
static int word_at(int argc, char **argv, int from)
{
    for (int i = from; i < argc; i++) {
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            return i;
        }
        if (strcmp(argv[i], "--") == 0) {
            return argc;
        }
        if (takes_value(argv[i])) {
            i++;
        }
    }
    return argc;
}

static const struct command *find(const char *noun, const char *verb)
{
    for (size_t i = 0; command_at(i) != NULL; i++) {
        if (strcmp(command_at(i)->noun, noun) != 0) {
            continue;
        }
        if (command_at(i)->verb == NULL ||
            (verb != NULL && strcmp(command_at(i)->verb, verb) == 0)) {
            return command_at(i);
        }
    }
    return NULL;
}

static void remove_word(int *argc, char **argv, int at)
{
    memmove(&argv[at], &argv[at + 1], sizeof(*argv) * (size_t)(*argc - at));
    (*argc)--;
}

#define WORDS_MAX 64

/* The verbs of a noun, or the nouns when noun is NULL; each once. */
static size_t words(const char **out, const char *noun)
{
    size_t count = 0;

    for (size_t i = 0; command_at(i) != NULL && count < WORDS_MAX; i++) {
        const struct command *c = command_at(i);
        const char *word = noun == NULL ? c->noun : c->verb;

        if (noun != NULL && strcmp(noun, c->noun) != 0) {
            continue;
        }
        if (word != NULL && (count == 0 || strcmp(out[count - 1], word) != 0)) {
            out[count++] = word;
        }
    }
    return count;
}

static void join(char *out, size_t cap, const char *const *list, size_t count)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count && at < cap; i++) {
        at += (size_t)snprintf(out + at, cap - at, "%s%s", i > 0 ? " " : "", list[i]);
    }
}

static int unknown(struct cli *cli, const char *noun, const char *verb)
{
    struct report r = report_start(cli, "attestctl.usage.v1");
    const char *list[WORDS_MAX];
    size_t count = words(list, noun);
    const char *meant = NULL;
    char all[256];
    char shown[64];

    if (count == 0) {
        count = words(list, NULL);
        meant = did_you_mean(noun, list, count);
        (void)text_safe(shown, sizeof(shown), noun);
        return meant != NULL
                   ? report_usage(&r, "command", "there is no command %s; did you mean %s?", shown,
                                  meant)
                   : report_usage(&r, "command", "there is no command %s", shown);
    }
    if (verb == NULL) {
        join(all, sizeof(all), list, count);
        return report_usage(&r, "command", "%s needs a verb: %s", noun, all);
    }
    meant = did_you_mean(verb, list, count);
    (void)text_safe(shown, sizeof(shown), verb);
    if (meant == NULL) {
        join(all, sizeof(all), list, count);
        return report_usage(&r, "command", "there is no command %s %s; did you mean %s %s?", noun,
                            shown, noun, all);
    }
    return report_usage(&r, "command", "there is no command %s %s; did you mean %s %s?", noun,
                        shown, noun, meant);
}

static bool has_word(int argc, char **argv, const char *a, const char *b)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], a) == 0 || strcmp(argv[i], b) == 0) {
            return true;
        }
    }
    return false;
}

/* No command: help was asked for, or is needed. */
static int without_command(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.usage.v1");

    if (has_word(argc, argv, "--help", "-h")) {
        report_drop(&r);
        usage_all(cli, NULL);
        return EXIT_VERIFIED;
    }
    if (has_word(argc, argv, "--version", "--version")) {
        report_drop(&r);
        (void)printf("attestctl %s\n", ATT_VERSION);
        return EXIT_VERIFIED;
    }
    return report_usage(&r, "command", "expected %s, found nothing", "NOUN VERB");
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
    int noun = word_at(argc, argv, 1);
    int verb = noun < argc ? word_at(argc, argv, noun + 1) : argc;

    if (noun >= argc) {
        return without_command(cli, argc, argv);
    }
    cli->command = find(argv[noun], verb < argc ? argv[verb] : NULL);
    if (cli->command == NULL) {
        const char *list[WORDS_MAX];

        if (verb >= argc && has_word(argc, argv, "--help", "-h") && words(list, argv[noun]) > 0) {
            usage_all(cli, argv[noun]);
            return EXIT_VERIFIED;
        }
        return unknown(cli, argv[noun], verb < argc ? argv[verb] : NULL);
    }
    if (cli->command->verb != NULL) {
        remove_word(&argc, argv, verb);
    }
    remove_word(&argc, argv, noun);
    return cli->command->run(cli, argc, argv);
}

int main(int argc, char **argv)
{
    struct cli cli = {.at = att_clock_utc_s()};
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    int code = 0;

    /* A limit on files is an error of the write, and no reason to die: what was begun is taken away again. */
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    cli.color = isatty(STDOUT_FILENO) != 0 && (no_color == NULL || no_color[0] == '\0') &&
                (term == NULL || strcmp(term, "dumb") != 0);
    code = settings_load(&cli, argc, argv);
    if (code == OPTIONS_OK) {
        code = dispatch(&cli, argc, argv);
    }
    /* an answer that could not be written is no answer */
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        (void)fprintf(stderr, "attestctl: %s\n",
                      tr(&cli, "the output could not be written", "出力を書き込めませんでした"));
        return code == EXIT_VERIFIED ? EXIT_UNDECIDED : code;
    }
    return code;
}
