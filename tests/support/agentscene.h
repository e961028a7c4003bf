/*
 * A verifier, a TPM and an agent with an IMA list: the programs as they are installed, one gateway enrolled.
 *
 * The agent measures one file; file and list are known to the verifier by their contents' digests.
 */
#ifndef ATT_TEST_AGENTSCENE_H
#define ATT_TEST_AGENTSCENE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "longlist.h"
#include "service.h"
#include "swtpm.h"

struct agentscene {
    struct swtpm *tpm;
    struct service *service;
    char dir[64]; /* the agent's; removed by agentscene_free */
    char conf[96], ima[96];
    uint8_t known[32], unknown[32]; /* digests of files: with and without a reference value */
    char out[65536];                /* what the last program said */
};

/* Enrolled as gw-1, with an empty list. limits: of the service; conf: more lines for agent.yaml; or NULL. */
void agentscene_open(struct agentscene *s, const char *limits, const char *conf);
void agentscene_close(struct agentscene *s);

/* attest-agent once --json: its exit code, its object in out. */
int agentscene_once(struct agentscene *s);
bool agentscene_said(const struct agentscene *s, const char *text);
/* The same in a process that is not waited for; what it says goes to DIR/once.log. */
pid_t agentscene_start(const struct agentscene *s);

#endif
