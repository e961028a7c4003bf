/* One attestation that is about to be falsified. */
#include "attack_scene.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

void attack_scene_open(struct attack_scene *s, const char *id)
{
    memset(s, 0, sizeof(*s));
    s->g = attack_gateway(id);
    ck_assert_int_eq(gateway_session(s->g, &s->a), 201);
    gateway_measure(s->g, &s->a);
}

void attack_scene_open_numbered(struct attack_scene *s, const char *row, int i)
{
    char id[ATT_DEVICE_ID_MAX + 1];

    snprintf(id, sizeof(id), "%s-%d", row, i);
    attack_scene_open(s, id);
}

void attack_scene_close(struct attack_scene *s)
{
    gateway_attempt_clear(&s->a);
    gateway_free(s->g);
}

void attack_scene_fails(struct attack_scene *s, const char *code)
{
    attack_send_fails(s->g, &s->a, code);
    attack_scene_close(s);
}
