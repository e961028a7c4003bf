/* A small set-associative cache: the id's hash names a set, the least recently used of a set goes. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 4

struct slot {
    struct unit *unit; /* NULL: empty */
    uint64_t used;
};

struct units {
    size_t sets;
    uint64_t tick;
    struct slot slot[];
};

enum att_err units_new(struct units **out, size_t cap)
{
    size_t sets = (cap + WAYS - 1) / WAYS;
    struct units *u = calloc(1, sizeof(*u) + sets * WAYS * sizeof(u->slot[0]));

    if (u == NULL)
        return ATT_E_NOMEM;
    u->sets = sets;
    *out = u;
    return ATT_OK;
}

static void unit_free(struct unit *unit)
{
    if (unit == NULL)
        return;
    att_ak_clear(&unit->ak);
    free(unit);
}

static void unit_freep(struct unit **unit)
{
    unit_free(*unit);
    *unit = NULL;
}

void units_clear(struct units *u)
{
    for (size_t i = 0; i < u->sets * WAYS; i++) {
        unit_free(u->slot[i].unit);
        u->slot[i] = (struct slot){0};
    }
}

void units_free(struct units *u)
{
    if (u == NULL)
        return;
    units_clear(u);
    free(u);
}

void units_freep(struct units **u)
{
    units_free(*u);
    *u = NULL;
}

static struct slot *set_of(struct units *u, const char *id)
{
    uint64_t h = 14695981039346656037ULL;

    for (const char *c = id; *c != '\0'; c++)
        h = (h ^ (uint8_t)*c) * 1099511628211ULL;
    return &u->slot[(h ^ (h >> 32)) % u->sets * WAYS];
}

static struct slot *slot_of(struct units *u, const char *id)
{
    struct slot *set = set_of(u, id);

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].unit != NULL && strcmp(set[i].unit->device.id, id) == 0)
            return &set[i];
    }
    return NULL;
}

void unit_forget(struct units *u, const char *id)
{
    struct slot *s = slot_of(u, id);

    if (s == NULL)
        return;
    unit_free(s->unit);
    *s = (struct slot){0};
}

/* The record must agree with itself before anything is believed of it. */
static enum att_err derive(struct unit *unit, struct att_diag *diag)
{
    const struct store_device *d = &unit->device;
    enum att_err err = att_ak_parse(&unit->ak, att_slice_of(d->ak_public, d->ak_public_len), diag);

    if (err == ATT_OK && !att_slice_eq(att_slice_of(unit->ak.name, unit->ak.name_len),
                                       att_slice_of(d->ak_name, d->ak_name_len)))
        err = ATT_E_MISMATCH;
    if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO || err == ATT_OK)
        return err;
    return att_fail(diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, "device",
                    "the attestation key of %s is damaged", d->id);
}

static void keep(struct units *u, struct unit *unit)
{
    struct slot *set = set_of(u, unit->device.id);
    struct slot *oldest = &set[0];

    for (size_t i = 1; i < WAYS; i++) {
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    unit_free(oldest->unit);
    oldest->unit = unit;
    oldest->used = u->tick;
}

enum att_err unit_get(const struct unit **out, struct units *u, struct store *st, const char *id,
                      struct att_diag *diag)
{
    ATT_CLEANUP(unit_freep) struct unit *unit = NULL;
    struct slot *s = slot_of(u, id);
    enum att_err err;

    u->tick++;
    if (s != NULL) {
        s->used = u->tick;
        *out = s->unit;
        return ATT_OK;
    }
    unit = calloc(1, sizeof(*unit));
    if (unit == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "device", "memory ran out");
    err = store_device_get(&unit->device, st, id);
    if (err == ATT_OK)
        err = store_hold_get(&unit->hold, st, unit->device.enrolment);
    if (err == ATT_OK)
        err = store_data_key_get(&unit->data_key, st, unit->device.enrolment);
    if (err == ATT_E_NOT_FOUND)
        return att_fail(diag, err, ATT_R_ID_UNKNOWN, "device", "no gateway is enrolled as %s", id);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "device", "the record of %s cannot be read",
                        id);
    err = derive(unit, diag);
    if (err != ATT_OK)
        return err;
    keep(u, unit);
    *out = unit;
    unit = NULL;
    return ATT_OK;
}
