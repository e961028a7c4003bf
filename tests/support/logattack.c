/* Scenes of the attack matrix about logs. */
#include "logattack.h"

#include <stdio.h>

#include "need.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"

static void reboot(struct log_scene *s, const struct gateway_plan *plan)
{
    static const struct gateway_plan USUAL;

    gateway_boot_as(s->g, plan != NULL ? plan : &USUAL);
}

void log_scene_open(struct log_scene *s, const char *row, int i, const struct gateway_plan *plan)
{
    char id[ATT_DEVICE_ID_MAX + 1];

    snprintf(id, sizeof(id), "%s-%d", row, i);
    *s = (struct log_scene){.s = attack_service, .g = attack_gateway(id)};
    reboot(s, plan);
}

void log_scene_open_at(struct log_scene *s, struct service *service, const char *id,
                       const struct gateway_plan *plan)
{
    *s = (struct log_scene){.s = service, .g = attack_enrolled_at(service, id)};
    reboot(s, plan);
}

void log_scene_close(struct log_scene *s)
{
    gateway_attempt_clear(&s->a);
    gateway_free(s->g);
    s->g = NULL;
}

void log_scene_fails(struct log_scene *s, const char *code)
{
    gateway_attest(s->g, &s->a);
    attack_fails_at(s->s, s->g, &s->a, code);
    /* what a boot has shown stays a reason for as long as it lasts */
    gateway_attest(s->g, &s->a);
    attack_fails_at(s->s, s->g, &s->a, code);
    log_scene_close(s);
}

void log_scene_affirms(struct log_scene *s)
{
    int status = gateway_attest(s->g, &s->a);

    ck_assert_msg(status == 200, "expected 200, found %d %s", status, s->a.answer.code);
    ck_assert_uint_eq(s->a.outcome.status, ATT_TIER_AFFIRMING);
    log_scene_close(s);
}

void log_scene_malformed(struct log_scene *s, const char *code)
{
    char *before = NULL;

    ck_assert_int_eq(gateway_prepare(s->g, &s->a), 201);
    before = service_dump(s->s);
    gateway_send(s->g, &s->a);
    attack_refused(&s->a.answer, 400, code);
    NEED(s->s == attack_service);
    attack_same_records(before);
    log_scene_close(s);
}

size_t log_scene_reasons(const struct gateway_attempt *a, const char *code, const char *name)
{
    size_t found = 0;
    size_t i;

    for (i = 0; a->has_outcome && i < a->outcome.reason_count; i++) {
        if (att_slice_eq(a->outcome.reason[i].code, att_slice_str(code)) &&
            (name == NULL || att_slice_eq(a->outcome.reason[i].name, att_slice_str(name)))) {
            found++;
        }
    }
    return found;
}

void log_event_at(const struct softlog *log, size_t n, size_t *off, size_t *len)
{
    struct att_evlog *l = NULL;
    const struct att_event *next = NULL;

    NEED(att_evlog_parse(&l, softlog_slice(log), NULL) == ATT_OK && n < att_evlog_count(l));
    next = att_evlog_at(l, n + 1);
    *off = att_evlog_at(l, n)->off;
    *len = (next != NULL ? next->off : att_evlog_consumed(l)) - *off;
    att_evlog_free(l);
}

void log_entry_at(const struct softlog *log, size_t n, size_t *off, size_t *len)
{
    struct att_ima it = att_ima_from(softlog_slice(log));
    struct att_ima_entry e;
    bool more = true;
    size_t i;

    for (i = 0; i <= n; i++) {
        NEED(att_ima_next(&it, &e, &more, NULL) == ATT_OK && more);
    }
    *off = e.off;
    *len = att_rd_off(&it.rd) - e.off;
}

void log_put_u32(struct softlog *log, size_t off, uint32_t v)
{
    NEED(off + 4 <= log->len);
    log->p[off] = (uint8_t)v;
    log->p[off + 1] = (uint8_t)(v >> 8);
    log->p[off + 2] = (uint8_t)(v >> 16);
    log->p[off + 3] = (uint8_t)(v >> 24);
}

const char *policy_with(const char *old, const char *text)
{
    static char out[8192];
    const char *at = strstr(service_policy, old);

    NEED(at != NULL);
    NEED(snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - service_policy), service_policy, text,
                  at + strlen(old)) < (int)sizeof(out));
    return out;
}
