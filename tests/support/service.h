/*
 * The real verifier service for a test: a temporary folder made by `attestd init`, a running `attestd
 * run`, and ways to look at what it keeps without asking it.
 *
 * The programs come from the folder that the environment variable BUILD names.
 */
#ifndef ATT_TEST_SERVICE_H
#define ATT_TEST_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client.h"
#include "softtpm.h"
#include "verifier/store/store.h"

#define SERVICE_VERIFIER "verifier.test"

/* All zero: the base fixture's policy, two-minute nonces, one front. Text borrowed. */
struct service_options {
    const char *policy;    /* YAML; NULL: see service_policy */
    const char *limits;    /* the flow map of "limits:", such as "{idle: 1s}"; NULL: defaults */
    const char *nonce_ttl; /* such as "100ms"; NULL: "2m" */
    const char *extra;     /* more lines for attestd.yaml; NULL: none */
    const char *preload;   /* a shared object for LD_PRELOAD; NULL: none */
    uint32_t more_refvals; /* reference values of other files, beside those of the gateways */
    int fronts;            /* 0: 1 */
    int only_cpu;          /* 1 and up: all its processes run on this processor, counted from 1 */
    bool public_labels;
    bool without_refvals;
    bool signed_policy; /* policy.cose, which init signed, and policy_signers; policy is not used */
};

struct service {
    struct service_options options;
    char dir[64]; /* temporary; removed by service_free */
    char ca_path[128];
    char admin_path[128];
    uint16_t port, operator_port;
    pid_t pid;                /* 0 when it does not run */
    struct softtpm_ca *ek_ca; /* in the trust folder of EK anchors */
    struct client_tls *tls;   /* verifies the server */
};

/* The policy that affirms what gateway_boot measures, grade E3. */
extern const char service_policy[];

struct service *service_new(const struct service_options *options); /* initialised, not running */
void service_start(struct service *s);                              /* returns when it is ready */
void service_stop(struct service *s);                               /* SIGTERM, and waits */
void service_kill(struct service *s); /* SIGKILL to the whole process group, and waits */
void service_free(struct service *s); /* NULL is a no-op */
/* Write attestd.yaml again from s->options; takes effect with the next start. */
void service_configure(struct service *s);

/* Run BUILD/name with arguments (NULL-terminated, without the name); output to out when not NULL. */
int service_program(char *out, size_t cap, const char *name, const char *const *args);

/*
 * Try to start it, with what env sets ("A=1 B=2", or NULL), for at most three seconds: the exit status, or
 * SERVICE_RAN. What it said stays in the folder.
 */
#define SERVICE_RAN 124
int service_try(const struct service *s, const char *env);
/* The same with --check-config: nothing is started. */
int service_check(const struct service *s, const char *env);
bool service_said(const struct service *s, const char *word);
/* How often it said this since it was started. */
size_t service_logged(const struct service *s, const char *word);
/* SIGHUP, and wait until the supervisor has said what became of it. */
void service_reload(struct service *s);

/* One request over the administrator's socket: HTTP status; body copied, terminated. */
int service_admin(const struct service *s, const char *method, const char *path, const char *body,
                  char *out, size_t cap);
/* A one-time token for this device, or for any when id is NULL. */
void service_token(const struct service *s, const char *id, char out[128]);
int service_remove(const struct service *s, const char *id);

/* Plain HTTP of the operator's address: HTTP status. */
int service_operator(const struct service *s, const char *path, char *out, size_t cap);

/*
 * The records as they are on the disk now: a copy of the database is opened and dumped, so a running
 * service is not disturbed. The text is the caller's to free.
 */
char *service_dump(const struct service *s);
/* One device's state and the last outcome that names it, from a copy. False when not enrolled. */
struct service_device {
    struct store_device device;
    struct store_state state;  /* without blobs */
    struct store_outcome last; /* of this device; kind 0 when there is none */
    int64_t outcomes;          /* that name this device */
    int64_t labels;            /* of this device, from the outcomes */
};
bool service_device(struct service_device *out, const struct service *s, const char *id);
int64_t service_outcomes(const struct service *s); /* in all */

/* Resident bytes of all its processes together (Rss of smaps_rollup). */
size_t service_memory(const struct service *s);

#endif
