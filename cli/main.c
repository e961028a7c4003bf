/* attestctl: find the command, set the common options, run it. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "commands.h"

const struct command commands[] = {
    {"label", "verify", "FILE...", "verify labels offline", "ラベルをオフラインで検証する",
     cmd_label_verify},
    {"label", "show", "FILE", "print a label without verifying it", "検証せずにラベルを表示する",
     cmd_label_show},
    {"label", "get", "URL --output FILE", "fetch a label from a verifier",
     "検証サーバーからラベルを取得する", cmd_label_get},
    {"trust", "list", "", "list the trust anchors", "信頼アンカーを一覧する", cmd_trust_list},
    {"trust", "add", "FILE", "add an anchor; you type its fingerprint",
     "指紋を入力してアンカーを追加する", cmd_trust_add},
    {"trust", "show", "FILE", "print a certificate and its fingerprint", "証明書と指紋を表示する",
     cmd_trust_show},
    {"evidence", "appraise", "--quote F --signature F --ak F ...", "appraise raw TPM artefacts",
     "TPM の生データを判定する", cmd_evidence_appraise},
    {"evidence", "replay", "[--uefi F] [--ima F | --ima-ascii F] [--own F]",
     "the PCRs that logs lead to", "ログから PCR を再現する", cmd_evidence_replay},
    {"evidence", "show", "FILE", "print evidence without verifying it", "検証せずに証拠を表示する",
     cmd_evidence_show},
    {"evidence", "export", "FILE --output DIR",
     "write the parts of evidence as the usual TPM tools read them",
     "証拠を TPM ツールの形式で書き出す", cmd_evidence_export},
    {"policy", "check", "FILE...", "check policies", "方針を検査する", cmd_policy_check},
    {"policy", "show", "FILE", "print a policy's requirements and digest",
     "方針の要件とダイジェストを表示する", cmd_policy_show},
    {"refvals", "make", "[--root DIR] [--list F] [--own F] --output F", "make reference values",
     "参照値を作る", cmd_refvals_make},
    {"refvals", "show", "FILE [--name NAME]", "print what a reference value file holds",
     "参照値ファイルを表示する", cmd_refvals_show},
    {"device", "list", "--socket S", "list the enrolled gateways", "登録機器を一覧する",
     cmd_device_list},
    {"device", "show", "ID --socket S", "print one gateway's state and reasons",
     "機器の状態と理由を表示する", cmd_device_show},
    {"device", "allow", "[ID] --socket S [--ek F] [--ttl T]",
     "make a one-time enrolment token, or allow-list an EK",
     "登録トークンを発行または EK を許可する", cmd_device_allow},
    {"device", "remove", "ID --socket S", "remove a gateway", "機器を削除する", cmd_device_remove},
    {"explain", NULL, "CODE", "cause and remedy of a reason code",
     "理由コードの意味と対処を表示する", cmd_explain},
    {"version", NULL, "", "print the version", "バージョンを表示する", cmd_version},
    {"help", NULL, "", "print this help", "この説明を表示する", cmd_help},
};
const size_t command_count = ATT_COUNT(commands);

const char *tr(const struct cli *cli, const char *en, const char *ja)
{
    return cli->lang == LANG_JA ? ja : en;
}

static bool is_japanese(const char *name)
{
    return name != NULL && strncmp(name, "ja", 2) == 0;
}

/* --lang, then ATTEST_LANG, then the locale names; no generated locale is needed. */
static enum lang language_of_environment(void)
{
    static const char *const NAMES[] = {"ATTEST_LANG", "LC_ALL", "LC_MESSAGES", "LANG"};

    for (size_t i = 0; i < ATT_COUNT(NAMES); i++) {
        const char *value = getenv(NAMES[i]);

        if (value != NULL && value[0] != '\0') {
            return is_japanese(value) ? LANG_JA : LANG_EN;
        }
    }
    return LANG_EN;
}

static void default_trust(struct cli *cli)
{
    const char *named = getenv("ATTEST_TRUST_DIR");
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");

    if (named != NULL) {
        cli->trust = named;
        return;
    }
    if (data != NULL) {
        (void)snprintf(cli->trust_default, sizeof(cli->trust_default), "%s/attestctl/trust", data);
    } else if (home != NULL) {
        (void)snprintf(cli->trust_default, sizeof(cli->trust_default),
                       "%s/.local/share/attestctl/trust", home);
    }
    cli->trust = cli->trust_default;
    if (access(cli->trust, F_OK) != 0 && access("/etc/attestd/trust.d", F_OK) == 0) {
        cli->trust = "/etc/attestd/trust.d";
    }
}

/* The noun and verb are the first two words that are no options. Values of common options are skipped. */
static bool takes_value(const char *arg)
{
    static const char *const VALUED[] = {"--lang", "--color",  "--trust",
                                         "--at",   "--output", "--config"};

    for (size_t i = 0; i < ATT_COUNT(VALUED); i++) {
        if (strcmp(arg, VALUED[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int word_at(int argc, char **argv, int from)
{
    for (int i = from; i < argc; i++) {
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            return i;
        }
        if (takes_value(argv[i])) {
            i++;
        }
    }
    return argc;
}

static const struct command *find(const char *noun, const char *verb)
{
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i].noun, noun) != 0) {
            continue;
        }
        if (commands[i].verb == NULL || (verb != NULL && strcmp(commands[i].verb, verb) == 0)) {
            return &commands[i];
        }
    }
    return NULL;
}

static void remove_word(int *argc, char **argv, int at)
{
    memmove(&argv[at], &argv[at + 1], sizeof(*argv) * (size_t)(*argc - at));
    (*argc)--;
}

static int unknown(const struct cli *cli, const char *noun, const char *verb)
{
    (void)fprintf(stderr, "attestctl: %s: %s %s\n", tr(cli, "unknown command", "不明なコマンド"),
                  noun, verb != NULL ? verb : "");
    (void)fprintf(stderr, "  %s: attestctl help\n", tr(cli, "see", "参照"));
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct cli cli = {.lang = language_of_environment(), .at = att_clock_utc_s()};
    const struct command *command = NULL;
    int noun = word_at(argc, argv, 1);
    int verb = noun < argc ? word_at(argc, argv, noun + 1) : argc;

    (void)setlocale(LC_CTYPE, "C.UTF-8");
    default_trust(&cli);
    cli.color = isatty(STDOUT_FILENO) != 0 && getenv("NO_COLOR") == NULL;
    if (noun >= argc) {
        char *only[] = {argv[0], NULL};

        (void)options_parse(&cli, NULL, 0, &argc, argv);
        (void)cmd_help(&cli, 1, only);
        return argc > 1 && strcmp(argv[1], "--help") == 0 ? EXIT_VERIFIED : EXIT_USAGE;
    }
    command = find(argv[noun], verb < argc ? argv[verb] : NULL);
    if (command == NULL) {
        return unknown(&cli, argv[noun], verb < argc ? argv[verb] : NULL);
    }
    if (command->verb != NULL) {
        remove_word(&argc, argv, verb);
    }
    remove_word(&argc, argv, noun);
    return command->run(&cli, argc, argv);
}
