/*
 * A gateway with an affirming label, and an honest attestation that is not signed yet: what rows of group
 * Q falsify.
 */
#ifndef ATT_TEST_ATTACK_SCENE_H
#define ATT_TEST_ATTACK_SCENE_H

#include "attack.h"

struct attack_scene {
    struct gateway *g;
    struct gateway_attempt a;
};

/* At the suite's service, under this id; numbered: ROW-i, for a loop test. */
void attack_scene_open(struct attack_scene *s, const char *id);
void attack_scene_open_numbered(struct attack_scene *s, const char *row, int i);
void attack_scene_close(struct attack_scene *s);

/* Sign, seal and send what stands in s->a.attest: FAIL with code. The scene is closed. */
void attack_scene_fails(struct attack_scene *s, const char *code);

#endif
