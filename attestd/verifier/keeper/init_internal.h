/* What the parts of `attestd init` share. */
#ifndef ATTESTD_VERIFIER_KEEPER_INIT_INTERNAL_H
#define ATTESTD_VERIFIER_KEEPER_INIT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "verifier/keeper/folder.h"

#define INIT_HOSTS_MAX 16

struct init {
    const char *dir;
    const char *verifier_id;
    const char *listen;
    const char *operator_at; /* address for health and metrics */
    const char *policy, *refvals;
    const char *postgresql; /* connection string, or NULL for SQLite */
    const char *label_key;  /* pkcs11:..., or NULL for a file */
    const char *host[INIT_HOSTS_MAX];
    size_t host_count;
    bool insecure_file_key;
    int64_t now;
    struct folder folder;                     /* what was made so far */
    uint8_t root_print[32], signer_print[32]; /* fingerprints of the label's certificates */
};

/* The command line into in; false when it is not understood, which is said on stderr. --help ends the program. */
bool init_parse(struct init *in, int argc, char **argv);
bool init_add_host(struct init *in, const char *host);
/* Plain words only: they go into YAML and certificates as they are. */
bool init_plain(const char *text, size_t max);
bool init_names_are_plain(const struct init *in);
void init_usage(FILE *out);
/* Fingerprints, and what to do after it was made. */
void init_print_next(const struct init *in);

#endif
