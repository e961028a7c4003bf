/* help, version, explain. */
#include <stdio.h>
#include <string.h>

#include "commands.h"

int cmd_help(struct cli *cli, int argc, char **argv)
{
    int code = options_parse(cli, NULL, 0, &argc, argv);

    if (code != 0) {
        return code;
    }
    (void)printf(
        "attestctl [--json] [--lang en|ja] [--color auto|always|never] [-q|-v] [--trust DIR]"
        " NOUN VERB ...\n\n");
    for (size_t i = 0; i < command_count; i++) {
        const struct command *c = &commands[i];
        char words[64];

        (void)snprintf(words, sizeof(words), "%s%s%s", c->noun, c->verb != NULL ? " " : "",
                       c->verb != NULL ? c->verb : "");
        (void)printf("  %-18s %s\n", words, tr(cli, c->en, c->ja));
        if (c->args[0] != '\0') {
            (void)printf("  %-18s   %s\n", "", c->args);
        }
    }
    (void)printf("\n%s\n", tr(cli, "Examples:", "例:"));
    (void)printf("  attestctl label verify gateway.label\n");
    (void)printf("  attestctl trust add issuer.pem\n");
    (void)printf("  attestctl --lang ja explain E_LBL_TIME\n");
    return EXIT_VERIFIED;
}

int cmd_version(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.version.v1");
    int code = options_parse(cli, NULL, 0, &argc, argv);

    if (code != 0) {
        r.exit_override = code;
    }
    (void)json_object_set_new(r.root, "version", json_string(ATT_VERSION));
    report_line(&r, "attestctl %s", ATT_VERSION);
    return report_finish(&r);
}

int cmd_explain(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.explain.v1");
    const struct att_reason_info *info = NULL;
    enum att_reason reason = ATT_R_NONE;
    int code = options_parse(cli, NULL, 0, &argc, argv);

    if (code == 0 && argc != 2) {
        (void)fprintf(stderr, "attestctl: explain CODE\n");
        code = EXIT_USAGE;
    }
    if (code != 0) {
        r.exit_override = code;
        return report_finish(&r);
    }
    reason = att_reason_find(argv[1]);
    if (reason == ATT_R_NONE) {
        (void)fprintf(stderr, "attestctl: %s: %s\n", tr(cli, "no such code", "該当コードなし"),
                      argv[1]);
        r.exit_override = EXIT_USAGE;
        r.verdict = V_UNDECIDED;
        return report_finish(&r);
    }
    info = att_reason_info(reason);
    (void)json_object_set_new(r.root, "explanation",
                              json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", info->code, "en",
                                        info->en, "ja", info->ja, "fix_en", info->fix_en, "fix_ja",
                                        info->fix_ja));
    report_line(&r, "%s", info->code);
    report_line(&r, "%s %s", tr(cli, "Meaning:", "意味:"), tr(cli, info->en, info->ja));
    report_line(&r, "%s %s", tr(cli, "What to do:", "対処:"), tr(cli, info->fix_en, info->fix_ja));
    return report_finish(&r);
}
