/* help, version, explain. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"

static bool known_noun(const char *noun)
{
    for (size_t i = 0; command_at(i) != NULL; i++) {
        if (strcmp(command_at(i)->noun, noun) == 0) {
            return true;
        }
    }
    return false;
}

/* The help of one command is its own: it alone knows its options. */
static int help_of_command(struct cli *cli, const char *noun, const char *verb)
{
    char program[] = "attestctl";
    char help[] = "--help";
    char *argv[] = {program, help, NULL};

    for (size_t i = 0; command_at(i) != NULL; i++) {
        const struct command *c = command_at(i);

        if (strcmp(c->noun, noun) == 0 &&
            (c->verb == NULL || (verb != NULL && strcmp(c->verb, verb) == 0))) {
            cli->command = c;
            return c->run(cli, 2, argv);
        }
    }
    return EXIT_USAGE;
}

int cmd_help(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.help.v1");
    int code = options_parse(&r, NULL, 0, &argc, argv);
    char shown[64];

    if (code != OPTIONS_OK) {
        return code;
    }
    if (argc == 1) {
        report_drop(&r);
        usage_all(cli, NULL);
        return EXIT_VERIFIED;
    }
    if (!known_noun(argv[1])) {
        return report_usage(&r, "command", "there is no command %s",
                            text_safe(shown, sizeof(shown), argv[1]));
    }
    code = help_of_command(cli, argv[1], argc > 2 ? argv[2] : NULL);
    if (code == EXIT_USAGE && argc > 2) {
        return report_usage(&r, "command", "there is no command %s %s", argv[1],
                            text_safe(shown, sizeof(shown), argv[2]));
    }
    report_drop(&r);
    if (code == EXIT_USAGE) {
        usage_all(cli, argv[1]);
    }
    return EXIT_VERIFIED;
}

int cmd_version(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.version.v1");
    int code = options_parse(&r, NULL, 0, &argc, argv);

    if (code != OPTIONS_OK) {
        return code;
    }
    (void)json_object_set_new(r.root, "version", json_string(ATT_VERSION));
    report_line(&r, "attestctl %s", ATT_VERSION);
    return report_finish(&r);
}

/* People type codes in lower case and without the prefix. */
static enum att_reason find_code(const char *typed)
{
    char code[64];
    bool has_prefix = strncmp(typed, "E_", 2) == 0 || strncmp(typed, "e_", 2) == 0;

    (void)snprintf(code, sizeof(code), "%s%s", has_prefix ? "" : "E_", typed);
    for (char *p = code; *p != '\0'; p++) {
        *p = (char)toupper((unsigned char)*p);
    }
    return att_reason_find(code);
}

static json_t *json_of(const struct att_reason_info *info)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", info->code, "en", info->en, "ja",
                     info->ja, "fix_en", info->fix_en, "fix_ja", info->fix_ja);
}

static int list_codes(struct report *r)
{
    json_t *list = json_array();

    for (int i = ATT_R_NONE + 1; i < ATT_R__COUNT; i++) {
        const struct att_reason_info *info = att_reason_info((enum att_reason)i);
        char padded[64];

        (void)json_array_append_new(list, json_of(info));
        report_line(r, "%s %s", text_pad(padded, sizeof(padded), info->code, 24),
                    tr(r->cli, info->en, info->ja));
    }
    (void)json_object_set_new(r->root, "explanations", list);
    return report_finish(r);
}

static int no_such_code(struct report *r, const char *typed)
{
    const char *codes[ATT_R__COUNT];
    const char *meant = NULL;
    char shown[64];

    for (int i = 0; i < ATT_R__COUNT; i++) {
        codes[i] = att_reason_code((enum att_reason)i);
    }
    meant = did_you_mean(typed, codes, ATT_COUNT(codes));
    (void)text_safe(shown, sizeof(shown), typed);
    return meant != NULL
               ? report_usage(r, "code", "there is no code %s; did you mean %s?", shown, meant)
               : report_usage(r, "code", "there is no code %s", shown);
}

int cmd_explain(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.explain.v1");
    const struct att_reason_info *info = NULL;
    enum att_reason reason = ATT_R_NONE;
    bool all = false;
    const struct option_spec options[] = {
        {"list", NULL, &all, NULL, "every code in one line", "全コードを一行ずつ表示する"}};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);

    if (code != OPTIONS_OK) {
        return code;
    }
    if (all && argc == 1) {
        return list_codes(&r);
    }
    if (all || argc == 1) {
        return report_usage(&r, "arguments", "expected %s, found %s", "CODE or --list",
                            argc == 1 ? "nothing" : "both");
    }
    reason = find_code(argv[1]);
    if (reason == ATT_R_NONE) {
        return no_such_code(&r, argv[1]);
    }
    info = att_reason_info(reason);
    (void)json_object_set_new(r.root, "explanation", json_of(info));
    report_line(&r, "%s", info->code);
    report_line(&r, "%s %s", tr(cli, "Meaning:", "意味:"), tr(cli, info->en, info->ja));
    report_line(&r, "%s %s", tr(cli, "What to do:", "対処:"), tr(cli, info->fix_en, info->fix_ja));
    return report_finish(&r);
}
