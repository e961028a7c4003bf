/* attestd: the verifier service. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "common/become.h"
#include "common/log.h"
#include "common/tls.h"
#include "verifier/appraiser/appraiser.h"
#include "verifier/config.h"
#include "verifier/exit.h"
#include "verifier/keeper/archive.h"
#include "verifier/keeper/issuer.h"
#include "verifier/keeper/rejudge.h"
#include "verifier/process.h"

static const char usage_text[] =
    "usage: attestd init --dir DIR [...]         keys, certificates and configuration of a first "
    "run\n"
    "       attestd run [--config FILE]          the verifier service\n"
    "       attestd run --check-config           judge the configuration and stop\n"
    "       attestd fsck [--config FILE]         check the records; change nothing\n"
    "       attestd fsck --dump                  print every record\n"
    "       attestd --version | --help\n"
    "The configuration is " CONFIG_DEFAULT_PATH " unless --config names another.\n";

struct options {
    const char *config;
    bool check_only;
    bool file_key;
    bool dump;
};

static int usage_error(const char *what)
{
    (void)fprintf(stderr, "attestd: %s\n%s", what, usage_text);
    return EXIT_USAGE;
}

static bool read_options(struct options *out, int argc, char **argv)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"check-config", no_argument, NULL, 'k'},
                                          {"insecure-file-key", no_argument, NULL, 'i'},
                                          {"dump", no_argument, NULL, 'd'},
                                          {NULL, 0, NULL, 0}};
    struct options o = {.config = CONFIG_DEFAULT_PATH};
    int c = 0;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (c) {
        case 'c':
            o.config = optarg;
            break;
        case 'k':
            o.check_only = true;
            break;
        case 'i':
            o.file_key = true;
            break;
        case 'd':
            o.dump = true;
            break;
        default:
            return false;
        }
    }
    *out = o;
    return optind == argc;
}

/* Everything that the processes would read at their start, read once here. */
static enum att_err check_files(const struct config *cfg, struct att_diag *diag)
{
    static const uint8_t no_key[MSG_SEAL_LEN];
    const struct tls_server_files files = {
        .cert = cfg->tls.cert, .key = cfg->tls.key, .client_ca = cfg->device_ca.cert};
    ATT_CLEANUP(tls_server_freep) struct tls_server *tls = NULL;
    ATT_CLEANUP(ek_trust_clear) struct ek_trust trust = {0};
    struct appraiser a = {0};
    enum att_err err = tls_server_new(&tls, &files, diag);

    if (err == ATT_OK) {
        err = ek_trust_load(&trust, cfg, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = appraiser_open(&a, cfg, no_key, diag);
    if (err == ATT_OK) {
        appraiser_close(&a);
    }
    return err;
}

/* The keys that the keeper will hold; a token is asked for its PIN. */
static enum att_err check_keys(const struct config *cfg, struct att_diag *diag)
{
    ATT_CLEANUP(issuer_freep) struct issuer *issuer = NULL;
    struct archive archive = {0};
    enum att_err err = issuer_open(&issuer, cfg, att_clock_utc_s(), diag);

    if (err == ATT_OK) {
        err = archive_open(&archive, &cfg->evidence, diag);
    }
    archive_close(&archive);
    return err;
}

static int with_config(int argc, char **argv, bool run)
{
    ATT_CLEANUP(config_freep) struct config *cfg = NULL;
    struct options o = {0};
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    if (!read_options(&o, argc, argv)) {
        return usage_error("this command line is not understood");
    }
    if (run ? o.dump : o.check_only || o.file_key) {
        return usage_error("that option belongs to another command");
    }
    err = config_load(&cfg, o.config, &diag);
    if (err == ATT_OK) {
        err = become_owner(cfg->state_dir, false, &diag);
    }
    if (err != ATT_OK) {
        return exit_told("attestd", err, &diag);
    }
    cfg->insecure_file_key = cfg->insecure_file_key || o.file_key;
    if (!run) {
        return o.dump ? keeper_dump_main(cfg) : keeper_fsck_main(cfg);
    }
    err = check_files(cfg, &diag);
    if (err == ATT_OK && o.check_only) {
        err = check_keys(cfg, &diag);
    }
    if (err != ATT_OK) {
        return exit_told("attestd", err, &diag);
    }
    if (o.check_only) {
        (void)printf("%s: the configuration is good\n", o.config);
        return EXIT_SUCCESS;
    }
    return supervisor_run(cfg);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    log_open("attestd", LOG_LEVEL_INFO);
    /* A limit on files is an error of the write, and no reason to die. */
    (void)signal(SIGXFSZ, SIG_IGN);
    if (strcmp(word, "--help") == 0 || strcmp(word, "help") == 0) {
        (void)fputs(usage_text, stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        (void)puts("attestd " ATT_VERSION);
        return EXIT_SUCCESS;
    }
    if (strcmp(word, "init") == 0) {
        return keeper_init_main(argc - 1, argv + 1);
    }
    if (strcmp(word, "run") == 0) {
        return with_config(argc - 1, argv + 1, true);
    }
    if (strcmp(word, "fsck") == 0) {
        return with_config(argc - 1, argv + 1, false);
    }
    return usage_error("a command is missing");
}
