/*
 * agent.yaml: where the verifier is, which TPM, what is measured and how often.
 *
 *   verifier: https://verifier.example:8443   # absent: as enrolled
 *   verifier_ca: ca.pem                       # absent: as enrolled
 *   proxy: http://proxy.example:3128          # absent: none; the environment is never read
 *   state_dir: /var/lib/attest-agent
 *   tcti: device:/dev/tpmrm0
 *   own_pcr: 13
 *   ak_handle: 0x81000a11
 *   ek_certificates: [ek.der, issuing-ca.der] # from the maker's web site, when the TPM holds none
 *   iak_handle: 0x81020001                    # attestation key that the factory certified; absent: none is shown
 *   iak_certificates: [0x01c90100]            # NV indexes and DER files: its certificate, and what leads to the root
 *   idevid_handle: 0x81020000                 # the factory's identity key, which the IAK then vouches for
 *   idevid_certificates: [0x01c90000]
 *   logs: {uefi: auto, ima: auto}             # auto, none, or a path
 *   evidence_max: 8388608                     # bytes of one message; a longer kernel list goes in parts
 *   interval: 10m                             # the longest; the verifier may ask for less
 *   rescan: 1m                                # files whose metadata changed are read again
 *   rehash: 6h                                # everything is read again
 *   hash_threads: 2
 *   specification: plant.spec                 # what each channel means, signed; absent: there are none
 *   specification_signers: signers            # folder of *.pem: whose signature counts; beside it
 *   measure:
 *     - {file: /boot/vmlinuz}
 *     - {tree: /usr/bin, exclude: ["*.tmp", "cache"]}
 *     - {block: /dev/mmcblk0p2}
 *     - {config: {file: /etc/gateway.conf, format: ini, keys: [network.host, mode]}}
 *
 * Strict: unknown, duplicate and mistyped keys are refused with file:line:column. A path that is not
 * absolute is taken from the folder of the configuration file.
 */
#ifndef ATTESTD_AGENT_CONF_H
#define ATTESTD_AGENT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/measurer/conf_data.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/slice.h"

#define AGENT_CONF_DEFAULT      "/etc/attestd/agent.yaml"
#define AGENT_STATE_DEFAULT     "/var/lib/attest-agent"
#define AGENT_OWN_PCR           13
#define AGENT_ROOTS_MAX         256
#define AGENT_EXCLUDES_MAX      64
#define AGENT_KEYS_MAX          64
#define AGENT_THREADS_MAX       16
#define AGENT_EK_FILES_MAX      4
#define AGENT_EVIDENCE_MIN      262144
#define AGENT_FACTORY_CERTS_MAX 4

enum agent_root_kind { ROOT_FILE, ROOT_TREE, ROOT_BLOCK, ROOT_CONFIG };
enum agent_format { FORMAT_INI, FORMAT_ENV, FORMAT_WORDS, FORMAT_YAML };

/* One entry of the list. */
struct agent_root {
    enum agent_root_kind kind;
    const char *path;  /* absolute, without a trailing slash (but "/" itself) */
    const char **word; /* exclude patterns of a tree, keys of a configuration file */
    size_t word_count;
    enum agent_format format;
};

/* A key of the factory: where it stands, and where its certificates do. */
struct agent_factory_cert {
    uint32_t index;   /* in NV; 0: a file */
    const char *path; /* DER */
};
struct agent_factory_key {
    uint32_t handle; /* 0: not to be shown */
    struct agent_factory_cert cert[AGENT_FACTORY_CERTS_MAX];
    size_t count;
};

struct agent_conf {
    const char *verifier, *verifier_ca, *proxy; /* or NULL */
    const char *courier; /* socket of couriers that the service manager starts: --courier; NULL */
    const char *state_dir;
    const char *tcti; /* or NULL: the device */
    uint32_t own_pcr, ak_handle;
    const char *ek_file[AGENT_EK_FILES_MAX]; /* DER */
    size_t ek_file_count;
    struct agent_factory_key iak, idevid;
    const char *specification, *specification_signers; /* both or NULL */
    const char *uefi_log, *ima_log;                    /* NULL: none */
    bool uefi_auto, ima_auto; /* the kernel's path, and absent is no error */
    size_t evidence_max;      /* bytes: more is not held in memory */
    int64_t interval_ms, rescan_ms, rehash_ms;
    int hash_threads;
    size_t root_count;
    struct agent_root *root;
    struct agent_data data;
    struct att_pool pool; /* owns strings and lists */
};

/*
 * agent_conf_load - errors CONFIG (CFG_KEY) FORMAT (FMT_YAML) NOT_FOUND (FILE) IO NOMEM; the text of a
 * refusal starts with file:line:column.
 */
ATT_MUST_USE enum att_err agent_conf_load(struct agent_conf **out, const char *path,
                                          struct att_diag *diag);
/* The same from bytes; path names it in messages and gives the folder of relative paths. */
ATT_MUST_USE enum att_err agent_conf_parse(struct agent_conf **out, const char *path,
                                           struct att_slice in, struct att_diag *diag);
void agent_conf_free(struct agent_conf *c);
void agent_conf_freep(struct agent_conf **c);

#endif
