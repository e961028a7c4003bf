/*
 * A configuration that is accepted has what the program cannot do without, within its limits; one that is refused
 * is refused at a place. The first byte chooses: the verifier's or the agent's.
 */
#include <string.h>

#include "agent/measurer/conf.h"
#include "fuzz.h"
#include "verifier/config.h"

static bool absolute(const char *path)
{
    return path == NULL || path[0] == '/';
}

static void refused(const struct att_diag *diag)
{
    HOLDS(diag->reason == ATT_R_CFG_KEY || diag->reason == ATT_R_CFG_PATH ||
          diag->reason == ATT_R_FMT_YAML);
    HOLDS(strstr(diag->text, "fuzz.yaml:") != NULL);
}

static void verifier(struct att_slice in)
{
    struct config *c = NULL;
    struct att_diag diag = {0};

    if (config_parse(&c, "/etc/fuzz.yaml", in, &diag) != ATT_OK) {
        refused(&diag);
        return;
    }
    HOLDS(c->verifier_id[0] != '\0' && c->listen_host[0] != '\0' && c->state_dir[0] == '/');
    HOLDS(absolute(c->policy) && absolute(c->refvals) && absolute(c->ek_anchors));
    HOLDS(absolute(c->tls.key) && absolute(c->tls.cert) && absolute(c->admin_socket));
    HOLDS(c->fronts >= 1 && c->fronts <= CONFIG_FRONTS_MAX && c->nonce_ttl_ms > 0);
    HOLDS(c->tpm_deny_count <= CONFIG_TPM_DENY_MAX);
    for (size_t i = 0; i < c->tpm_deny_count; i++) {
        HOLDS(c->tpm_deny[i].from < c->tpm_deny[i].below);
    }
    config_free(c);
}

static void agent(struct att_slice in)
{
    struct agent_conf *c = NULL;
    struct att_diag diag = {0};

    if (agent_conf_parse(&c, "/etc/fuzz.yaml", in, &diag) != ATT_OK) {
        refused(&diag);
        return;
    }
    HOLDS(c->root_count <= AGENT_ROOTS_MAX && c->ek_file_count <= AGENT_EK_FILES_MAX);
    HOLDS(c->hash_threads >= 1 && c->hash_threads <= AGENT_THREADS_MAX);
    HOLDS(c->evidence_max >= AGENT_EVIDENCE_MIN && c->interval_ms > 0);
    HOLDS(c->state_dir[0] == '/' && absolute(c->verifier_ca));
    for (size_t i = 0; i < c->root_count; i++) {
        size_t len = strlen(c->root[i].path);

        HOLDS(c->root[i].path[0] == '/' && (len == 1 || c->root[i].path[len - 1] != '/'));
    }
    agent_conf_free(c);
}

/* What cannot be read is said of the file, and nothing is made of it. */
static void no_such_file(void)
{
    struct config *v = NULL;
    struct agent_conf *a = NULL;
    struct att_diag diag = {0};

    HOLDS(config_load(&v, "/nonexistent/fuzz.yaml", &diag) == ATT_E_NOT_FOUND && v == NULL);
    HOLDS(agent_conf_load(&a, "/nonexistent/fuzz.yaml", &diag) == ATT_E_NOT_FOUND && a == NULL);
    HOLDS(diag.reason == ATT_R_FILE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data + (size > 0), size > 0 ? size - 1 : 0);

    no_such_file();
    if (size > 0 && data[0] == 'a') {
        agent(in);
    } else {
        verifier(in);
    }
    return 0;
}
