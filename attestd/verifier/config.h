/*
 * attestd.yaml: what the verifier service is told by its operator (docs/formats and attestd(8)).
 *
 * Strict: unknown, duplicate and mistyped keys are refused with file:line:column. Absent means the
 * strict value. A path that is not absolute is taken from the folder of the configuration file, so that
 * a folder made by `attestd init` can be moved as a whole.
 *
 *   verifier_id: verifier.example           # required: named in quotes and labels
 *   listen: "0.0.0.0:8443"                  # or "[::]:8443"; port 0 takes a free one
 *   operator: "127.0.0.1:9464"              # healthz, readyz, metrics; absent: none
 *   admin_socket: /run/attestd/admin.sock   # administrator routes; absent: none
 *   state_dir: /var/lib/attestd             # required: database, and what stays with this host
 *   store: {postgresql: "host=/run/postgresql dbname=attestd"}   # absent: SQLite in state_dir
 *   tls: {cert: tls.pem, key: tls.key}      # required: chain and key of the server
 *   device_ca: {cert: ca.pem, key: "file:ca.key"}  # required: issues and judges client certificates
 *   label: {chain: label.pem, key: "pkcs11:..."}   # required: signs labels
 *   log: {key: "file:log.key", origin: verifier.example/log, head: log-head}  # required: key, Ed25519
 *                                           # origin absent: verifier_id; head absent: state_dir/log-head
 *   data_key: {key: "file:data-key.key"}    # or pkcs11:, EC P-256: authorises data keys; absent: none are
 *   status: {uri: "https://verifier.example:8443", ttl: 15m, life: 24h, entries: 1048576}
 *                                           # uri absent: https://verifier_id; labels name uri/status/v1/N
 *   product: {manufacturer: "", model: "", hardware_version: "", support_end: "", contact: ""}
 *   policy: policy.cose                     # required: signed (attestctl policy sign)
 *   policy_signers: policy-signers          # folder of public keys (*.pem) whose signature counts
 *   notices: notices                        # folder of change notices (*.notice); absent: none
 *   notice_signers: notice-signers          # folder of public keys (ROLE.pem) of those who may sign them
 *   transfer_signers: transfer-signers      # folder of our keys that may give or receive gateways; absent: nobody
 *   insecure_unsigned_policy: false         # true: policy may be YAML that nobody signed
 *   refvals: refvals.bin                    # absent: what asks for a reference value fails
 *   ek_anchors: trust.d                     # folder of TPM makers' roots; absent: none
 *   ek_crls: crl.d                          # folder of their revocation lists; absent: none are looked at
 *   ek_revocation: required                 # or if-present: a missing or outdated list is no fault
 *   ek_deny: ek-deny.txt                    # EKs that get nothing, whoever vouches for them; absent: none
 *   iak: off                                # or accept, require: keys that factories left in the TPMs (IAK, IDevID)
 *   iak_anchors: iak.d                      # folder of those factories' roots; with iak: accept and require
 *   iak_crls: iak-crl.d                     # folder of their revocation lists; absent: none are looked at
 *   iak_revocation: required                # or if-present
 *   ek_workarounds: [tcg-header, padding, rsaes-oaep, ber]  # defects of EK certificates that are forgiven
 *   tpm_deny: [{manufacturer: IFX, firmware_from: "4.0", firmware_below: "4.34", action: refuse}]
 *   insecure_file_key: false                # true: device_ca.key and label.key may be file:
 *   public: false                           # true: labels are for everybody
 *   fronts: 1
 *   nonce_ttl: 2m
 *   evidence: {key: evidence.key, keep: 90d, per_gateway: 67108864, database: 17179869184}
 *                                           # seals what is kept; key absent: state_dir/evidence.key
 *   limits: {request_deadline: 10s, idle: 60s, body: 8388608, enrol_body: 131072, inflight: 268435456,
 *            connections: 4096, connections_per_peer: 256, sessions: 65536, sessions_per_device: 8,
 *            enrolments: 256, appraiser_memory: 536870912, appraiser_evidences: 1000,
 *            log_bytes: 167772160, uploads: 256}
 */
#ifndef ATTESTD_VERIFIER_CONFIG_H
#define ATTESTD_VERIFIER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "base/slice.h"
#include "codec/yaml.h"
#include "crypto/ek_cert.h"
#include "verifier/store/store.h"

#define CONFIG_DEFAULT_PATH "/etc/attestd/attestd.yaml"
#define CONFIG_FRONTS_MAX   16

struct config_files {
    const char *cert; /* PEM file */
    const char *key;  /* tls: PEM file. Others: "file:PATH" (absolute by now) or "pkcs11:..." */
};

struct config_product {
    const char *manufacturer, *model, *hardware_version, *support_end, *contact; /* or NULL */
};

struct config_limits {
    int64_t request_deadline_ms; /* from accept or first byte to the last byte of a request */
    int64_t idle_ms;             /* between two requests on one connection */
    size_t body;                 /* bytes, of a gateway that showed its certificate */
    size_t enrol_body;           /* bytes, of anybody */
    size_t inflight;             /* bytes of all request bodies together */
    size_t connections, connections_per_peer;
    size_t sessions, sessions_per_device; /* open challenges */
    size_t enrolments;                    /* begun and not yet activated */
    size_t appraiser_memory;              /* bytes of address space */
    size_t appraiser_evidences;           /* judged by one worker before it is replaced */
    size_t log_bytes;                     /* of a kernel list that comes in parts */
    size_t uploads;                       /* such lists under way at once, of all gateways */
};

/* How long and how much evidence is kept; what goes first is the oldest. */
struct config_evidence {
    const char *key;    /* file */
    int64_t keep_ms;    /* after the decision */
    size_t per_gateway; /* bytes */
    size_t database;    /* bytes of the whole database */
};

/* What becomes of a key that a factory left in the TPM and vouches for (IAK, and IDevID beside it). */
enum config_iak {
    CONFIG_IAK_OFF,     /* it is not looked at */
    CONFIG_IAK_ACCEPT,  /* one that is shown must be good; none is no fault */
    CONFIG_IAK_REQUIRE, /* nobody enrols without */
};

/* The transparency log. */
struct config_log {
    const char *key;    /* "file:PATH": Ed25519, signs trees */
    const char *origin; /* the log's name in checkpoints and receipts */
    const char *head; /* file: what was last signed, beside the database or on a disk of its own */
    const char *witnesses; /* tlog-policy, or NULL: whose cosignatures the checkpoint needs */
};

/* The lists that say whether labels still count. */
struct config_status {
    const char *uri; /* what stands in front of /status/v1/N: where strangers get them */
    int64_t ttl_ms;  /* a newer one is there then at the latest */
    int64_t life_ms; /* after which a list says nothing any more */
    size_t entries;  /* of a list that is begun */
};

#define CONFIG_TPM_DENY_MAX 64

/* TPMs that may not enrol. Firmware is TPM_PT_FIRMWARE_VERSION_1: "MAJOR.MINOR", 16 bits each. */
struct config_tpm_deny {
    char manufacturer[5]; /* such as "IFX"; empty: any */
    uint64_t from, below; /* from <= version < below */
    bool warn;            /* it enrols, and the outcome says so */
};

/* Strings belong to the configuration; optional ones are NULL when absent. */
struct config {
    const char *path; /* of the file itself */
    const char *verifier_id;
    const char *listen_host;
    uint16_t listen_port;
    const char *operator_host; /* or NULL */
    uint16_t operator_port;
    const char *admin_socket; /* or NULL */
    const char *state_dir;
    const char *postgresql; /* connection string; NULL: SQLite in state_dir */
    struct config_files tls, device_ca;
    const char *label_chain, *label_key;
    const char *keys;     /* folder of the keys that follow these (attestctl key create) */
    const char *data_key; /* authorises data keys; or NULL */
    struct config_log log;
    struct config_status status;
    struct config_product product;
    const char *policy;
    const char *policy_signers;   /* or NULL */
    const char *transfer_signers; /* or NULL */
    bool insecure_unsigned_policy;
    const char *refvals;                  /* or NULL */
    const char *notices, *notice_signers; /* folders, or NULL */
    const char *ek_anchors;               /* or NULL */
    struct config_evidence evidence;
    const char *ek_crls; /* or NULL */
    const char *ek_deny; /* or NULL */
    enum att_crl_rule ek_revocation;
    unsigned int ek_workarounds; /* bits of att_ek_fix */
    enum config_iak iak;
    const char *iak_anchors, *iak_crls; /* or NULL */
    enum att_crl_rule iak_revocation;
    struct config_tpm_deny tpm_deny[CONFIG_TPM_DENY_MAX];
    size_t tpm_deny_count;
    bool insecure_file_key;
    bool public_labels;
    size_t fronts;
    int64_t nonce_ttl_ms;
    struct config_limits limits;
    struct att_pool pool; /* owns the strings */
};

/*
 * config_load - read and judge a file. Errors CONFIG FORMAT (CFG_KEY CFG_PATH) NOT_FOUND IO NOMEM;
 * the text of a refusal starts with file:line:column. *out is the caller's to free.
 */
ATT_MUST_USE enum att_err config_load(struct config **out, const char *path, struct att_diag *diag);

/* The same from bytes; path gives the folder for relative paths and the name in messages. */
ATT_MUST_USE enum att_err config_parse(struct config **out, const char *path, struct att_slice in,
                                       struct att_diag *diag);
/* ek_revocation, ek_workarounds, tpm_deny; iak and iak_revocation, whose folders were read before. For config.c. */
ATT_MUST_USE enum att_err config_read_ek(struct config *cfg, const struct att_yaml_node *root,
                                         struct att_diag *diag);
/* Where the records are; borrows the strings. */
struct store_place config_store(const struct config *cfg);
void config_free(struct config *cfg);
void config_freep(struct config **cfg);

#endif
