/* attest-agent: the command line. See attest-agent(8). */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/measurer/cmd.h"
#include "common/become.h"
#include "common/log.h"

static const char USAGE[] =
    "usage: attest-agent [OPTION...] doctor|enrol|once|run|sample|status\n"
    "  doctor   check this machine: reason and fix for each finding\n"
    "  enrol    --verifier URL [--verifier-ca FILE] [--id NAME] [--token-file FILE]\n"
    "  once     one attestation; print the outcome [--label FILE]\n"
    "  run      the daemon: measure, attest\n"
    "  sample   read the sensors and sign data, until stopped [--batches NUMBER]\n"
    "  status   what the last attestation gave\n"
    "options:\n"
    "  --config FILE    default " AGENT_CONF_DEFAULT "\n"
    "  --check-config   read the configuration, say what is wrong with it, and end\n"
    "  --courier SOCKET have the service manager start attest-courier, instead of starting it\n"
    "  --json           one JSON object on standard output\n"
    "  --lang en|ja     language of texts; default from ATTEST_LANG, LC_ALL, LC_MESSAGES, LANG\n"
    "  -q, --quiet      no results, failures alone;  -v, --verbose  more log lines from run\n"
    "  --help, --version\n";

static const char USAGE_JA[] =
    "使い方: attest-agent [オプション...] doctor|enrol|once|run|sample|status\n"
    "  doctor   この機器を点検し、見つかった点ごとに理由と対処を示す\n"
    "  enrol    --verifier URL [--verifier-ca FILE] [--id NAME] [--token-file FILE]\n"
    "  once     一回だけ証明し、結果を表示する [--label FILE]\n"
    "  run      常駐して測定と証明を続ける\n"
    "  sample   センサーを読みデータに署名し続ける [--batches 回数]\n"
    "  status   前回の証明の結果を表示する\n"
    "オプション:\n"
    "  --config FILE    既定は " AGENT_CONF_DEFAULT "\n"
    "  --check-config   設定を読み、誤りがあれば示して終わる\n"
    "  --courier SOCKET attest-courier を起動する代わりに、サービス管理に起動させる\n"
    "  --json           標準出力に JSON を一つ出力する\n"
    "  --lang en|ja     表示の言語。既定は ATTEST_LANG, LC_ALL, LC_MESSAGES, LANG\n"
    "  -q, --quiet      結果を表示しない (失敗は標準エラーへ)。  -v, --verbose  run "
    "の記録を増やす\n"
    "  --help, --version\n";

static const struct command {
    const char *name;
    int (*run)(struct show *s, const struct agent_conf *conf, const struct options *o);
} COMMANDS[] = {
    {"doctor", cmd_doctor}, {"enrol", cmd_enrol},   {"once", cmd_once},
    {"run", cmd_run},       {"sample", cmd_sample}, {"status", cmd_status},
};

/* A mistake on the command line: said once, never guessed around. */
static int misuse(const char *what, const char *which)
{
    (void)fprintf(stderr, "attest-agent: %s%s%s; see attest-agent --help\n", what,
                  which[0] != '\0' ? ": " : "", which);
    return AGENT_EXIT_USAGE;
}

static bool japanese_locale(void)
{
    static const char *const name[] = {"ATTEST_LANG", "LC_ALL", "LC_MESSAGES", "LANG"};

    for (size_t i = 0; i < ATT_COUNT(name); i++) {
        const char *v = getenv(name[i]);

        if (v != NULL && v[0] != '\0') {
            return strncmp(v, "ja", 2) == 0;
        }
    }
    return false;
}

enum {
    OPT_CONFIG = 256,
    OPT_CHECK,
    OPT_JSON,
    OPT_LANG,
    OPT_VERIFIER,
    OPT_CA,
    OPT_ID,
    OPT_TOKEN,
    OPT_LABEL,
    OPT_BATCHES,
    OPT_COURIER,
    OPT_HELP,
    OPT_VERSION
};

static bool set_language(struct show *s, const char *lang)
{
    s->japanese = strcmp(lang, "ja") == 0;
    return s->japanese || strcmp(lang, "en") == 0;
}

/* False when the option is not known or its value is not. */
static bool take(struct show *s, struct options *o, int opt)
{
    switch (opt) {
    case OPT_CONFIG:
        o->config = optarg;
        return true;
    case OPT_CHECK:
        o->check_config = true;
        return true;
    case OPT_JSON:
        s->json = true;
        return true;
    case OPT_LANG:
        return set_language(s, optarg);
    case OPT_VERIFIER:
        o->verifier = optarg;
        return true;
    case OPT_CA:
        o->verifier_ca = optarg;
        return true;
    case OPT_ID:
        o->id = optarg;
        return true;
    case OPT_TOKEN:
        o->token_file = optarg;
        return true;
    case OPT_BATCHES:
        o->batches = strtoull(optarg, NULL, 10);
        return o->batches > 0 && optarg[0] != '-';
    case OPT_COURIER:
        o->courier = optarg;
        return true;
    case OPT_LABEL:
        o->label = optarg;
        return true;
    case 'q':
        s->quiet = true;
        return true;
    case 'v':
        o->verbose = true;
        return true;
    default:
        return false;
    }
}

/* -1: go on; else the exit code. */
static int read_options(struct show *s, struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, OPT_CONFIG},
        {"check-config", no_argument, NULL, OPT_CHECK},
        {"json", no_argument, NULL, OPT_JSON},
        {"lang", required_argument, NULL, OPT_LANG},
        {"verifier", required_argument, NULL, OPT_VERIFIER},
        {"verifier-ca", required_argument, NULL, OPT_CA},
        {"id", required_argument, NULL, OPT_ID},
        {"token-file", required_argument, NULL, OPT_TOKEN},
        {"label", required_argument, NULL, OPT_LABEL},
        {"batches", required_argument, NULL, OPT_BATCHES},
        {"courier", required_argument, NULL, OPT_COURIER},
        {"quiet", no_argument, NULL, 'q'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, OPT_HELP},
        {"version", no_argument, NULL, OPT_VERSION},
        {NULL, 0, NULL, 0},
    };
    int opt = 0;

    opterr = 0;
    while ((opt = getopt_long(argc, argv, "qv", known, NULL)) != -1) {
        if (opt == OPT_HELP) {
            (void)fputs(s->japanese ? USAGE_JA : USAGE, stdout);
            return AGENT_EXIT_OK;
        }
        if (opt == OPT_VERSION) {
            (void)puts("attest-agent " ATT_VERSION);
            return AGENT_EXIT_OK;
        }
        if (!take(s, o, opt)) {
            return misuse("unknown option or bad value", argv[optind - 1]);
        }
    }
    return -1;
}

static int check_config(struct show *s, const struct agent_conf *conf)
{
    show_start(s, "attestd.agent.check-config/1");
    show_number(s, "measure", conf->root_count);
    show_line(s, "\u2714 %s (%zu)",
              show_tr(s, "the configuration is good", "設定に問題はありません"), conf->root_count);
    return show_end(s);
}

static int with_config(struct show *s, const struct options *o, const struct command *c)
{
    ATT_CLEANUP(agent_conf_freep) struct agent_conf *conf = NULL;
    const char *path = o->config != NULL ? o->config : AGENT_CONF_DEFAULT;
    struct att_diag diag = {0};
    enum att_err err = agent_conf_load(&conf, path, &diag);

    if (err == ATT_E_NOT_FOUND && o->config == NULL && !o->check_config) {
        /* nobody wrote one: every default holds */
        err = agent_conf_parse(&conf, path, att_slice_str("{}\n"), &diag);
    }
    if (err == ATT_OK) {
        conf->courier = o->courier;
    }
    if (err == ATT_OK && !o->check_config) {
        err = become_owner(conf->state_dir, true, &diag);
    }
    if (err != ATT_OK) {
        show_start(s, "attestd.agent.check-config/1");
        show_failure(s, &diag);
        s->exit = err == ATT_E_NOT_FOUND ? AGENT_EXIT_USAGE : s->exit;
        return show_end(s);
    }
    return o->check_config ? check_config(s, conf) : c->run(s, conf, o);
}

/* No core files and no new rights; one heap, so that what is freed can be given back. */
static void harden(void)
{
    static const struct rlimit none = {0};

    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ,
                 SIG_IGN); /* the write says so, and a record that is half there is cut off */
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    become_last();
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, 65536);
}

int main(int argc, char **argv)
{
    struct show s = {.japanese = japanese_locale()};
    struct options o = {0};
    const struct command *c = NULL;
    int done = 0;

    harden();
    done = read_options(&s, &o, argc, argv);
    if (done >= 0) {
        return done;
    }
    log_open("agent", o.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
    if (o.check_config && optind == argc) {
        return with_config(&s, &o, NULL);
    }
    if (optind + 1 != argc) {
        return misuse("expected one command", optind == argc ? "" : argv[argc - 1]);
    }
    for (size_t i = 0; i < ATT_COUNT(COMMANDS) && c == NULL; i++) {
        c = strcmp(argv[optind], COMMANDS[i].name) == 0 ? &COMMANDS[i] : NULL;
    }
    return c == NULL ? misuse("unknown command", argv[optind]) : with_config(&s, &o, c);
}
