/* attestd init: its command line, and what it says at the end. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "evidence/context.h"
#include "init_internal.h"

static void print_fingerprint(const char *what, const uint8_t print[32])
{
    char hex[65];

    (void)printf("  %-16s %s\n", what, att_hex_encode(hex, sizeof(hex), att_slice_of(print, 32)));
}

void init_print_next(const struct init *in)
{
    (void)printf("SHA-256 fingerprints\n");
    print_fingerprint("label root", in->root_print);
    print_fingerprint("label signer", in->signer_print);
    (void)printf("\nnext\n");
    if (in->refvals == NULL)
        (void)printf("  attestctl refvals make --help      what is expected; then set refvals: in "
                     "attestd.yaml\n");
    (void)printf(
        "  cp MAKER-ROOT.pem %s/ek.d/           anchors of TPM makers\n"
        "  attestd run --config %s/attestd.yaml\n"
        "  attestctl device allow --socket %s/admin.sock GATEWAY-ID\n"
        "  attestctl --trust %s/trust label verify FILE\n"
        "  attestctl policy sign %s/policy.yaml --key %s/policy-signer.key --insecure-file-key \\\n"
        "      --output %s/policy.cose            after a change; raise version, then SIGHUP\n"
        "gateways need %s/ca.pem; move %s/label-root.key, ca.key and policy-signer.key to a "
        "safe place\n",
        in->dir, in->dir, in->dir, in->dir, in->dir, in->dir, in->dir, in->dir, in->dir);
    if (in->insecure_file_key)
        (void)printf("the label key is a file: every label says so, and partners may refuse it\n");
}

void init_usage(FILE *out)
{
    (void)fprintf(out,
                  "usage: attestd init --dir DIR (--insecure-file-key | --label-key pkcs11:URI)\n"
                  "                    [--verifier-id NAME] [--host NAME]... [--listen ADDR:PORT]\n"
                  "                    [--operator ADDR:PORT]\n"
                  "                    [--policy FILE] [--refvals FILE] [--postgresql CONNINFO]\n");
}

enum {
    OPT_DIR = 1,
    OPT_FILE_KEY,
    OPT_LABEL_KEY,
    OPT_ID,
    OPT_HOST,
    OPT_LISTEN,
    OPT_OPERATOR,
    OPT_POLICY,
    OPT_REFVALS,
    OPT_POSTGRESQL,
    OPT_HELP
};

bool init_add_host(struct init *in, const char *host)
{
    if (in->host_count >= INIT_HOSTS_MAX)
        return false;
    in->host[in->host_count++] = host;
    return true;
}

static bool take_option(struct init *in, int option, const char *value)
{
    switch (option) {
    case OPT_DIR:
        in->dir = value;
        return true;
    case OPT_FILE_KEY:
        in->insecure_file_key = true;
        return true;
    case OPT_LABEL_KEY:
        in->label_key = value;
        return true;
    case OPT_ID:
        in->verifier_id = value;
        return true;
    case OPT_HOST:
        return init_add_host(in, value);
    case OPT_LISTEN:
        in->listen = value;
        return true;
    case OPT_OPERATOR:
        in->operator_at = value;
        return true;
    case OPT_POLICY:
        in->policy = value;
        return true;
    case OPT_REFVALS:
        in->refvals = value;
        return true;
    case OPT_POSTGRESQL:
        in->postgresql = value;
        return true;
    default:
        return false;
    }
}

static bool refused(const char *what, const char *more)
{
    char shown[160];

    (void)fprintf(stderr, "attestd init: %s: %s\n", what,
                  att_escape(shown, sizeof(shown), more, strlen(more)));
    init_usage(stderr);
    return false;
}

bool init_parse(struct init *in, int argc, char **argv)
{
    static const struct option options[] = {
        {"dir", required_argument, NULL, OPT_DIR},
        {"insecure-file-key", no_argument, NULL, OPT_FILE_KEY},
        {"label-key", required_argument, NULL, OPT_LABEL_KEY},
        {"verifier-id", required_argument, NULL, OPT_ID},
        {"host", required_argument, NULL, OPT_HOST},
        {"listen", required_argument, NULL, OPT_LISTEN},
        {"operator", required_argument, NULL, OPT_OPERATOR},
        {"policy", required_argument, NULL, OPT_POLICY},
        {"refvals", required_argument, NULL, OPT_REFVALS},
        {"postgresql", required_argument, NULL, OPT_POSTGRESQL},
        {"help", no_argument, NULL, OPT_HELP},
        {NULL, 0, NULL, 0},
    };
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == OPT_HELP) {
            init_usage(stdout);
            exit(EXIT_SUCCESS);
        }
        if (!take_option(in, option, optarg)) { /* getopt has said what is wrong */
            init_usage(stderr);
            return false;
        }
    }
    if (optind < argc)
        return refused("one argument too many", argv[optind]);
    if (in->dir == NULL)
        return refused("expected --dir DIR", "found none");
    if (in->insecure_file_key && in->label_key != NULL)
        return refused("expected one label key", "found --insecure-file-key and --label-key");
    if (!in->insecure_file_key && in->label_key == NULL)
        return refused("expected a label key, found none",
                       "--label-key pkcs11:URI names one in a token or TPM; "
                       "--insecure-file-key makes a file, for trials only");
    return true;
}

bool init_plain(const char *text, size_t max)
{
    size_t len = strlen(text);

    return len > 0 && len <= max &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:_-[]") ==
               len;
}

bool init_names_are_plain(const struct init *in)
{
    for (size_t i = 0; i < in->host_count; i++) {
        if (!init_plain(in->host[i], 253))
            return false;
    }
    if (in->label_key != NULL && strpbrk(in->label_key, "\"\\\n\r") != NULL)
        return false;
    if (in->postgresql != NULL && strpbrk(in->postgresql, "\"\\\n\r") != NULL)
        return false;
    return init_plain(in->verifier_id, ATT_VERIFIER_ID_MAX) && init_plain(in->listen, 300) &&
           init_plain(in->operator_at, 300);
}
