/*
 * What the rows of the attack matrix about logs (4.3) share: a gateway with an affirming label that boots
 * again, so that all its logs are sent whole, and one change to what it sends or to what it measured.
 */
#ifndef ATT_TEST_LOGATTACK_H
#define ATT_TEST_LOGATTACK_H

#include "attack.h"

struct log_scene {
    struct service *s;
    struct gateway *g;
    struct gateway_attempt a;
};

/* plan NULL: the usual logs. The id is row and number. */
void log_scene_open(struct log_scene *s, const char *row, int i, const struct gateway_plan *plan);
/* At another service; the gateway need not have been affirmed before. */
void log_scene_open_at(struct log_scene *s, struct service *service, const char *id,
                       const struct gateway_plan *plan);
void log_scene_close(struct log_scene *s);

/* The whole attestation, then FAIL; or that it affirms; or 400, code and NS. Each closes the scene. */
void log_scene_fails(struct log_scene *s, const char *code);
void log_scene_affirms(struct log_scene *s);
void log_scene_malformed(struct log_scene *s, const char *code);

/* How often a code stands among the outcome's reasons, for an item of this name (NULL: any). */
size_t log_scene_reasons(const struct gateway_attempt *a, const char *code, const char *name);

/* Where the n-th record of a firmware log or of an IMA list stands. */
void log_event_at(const struct softlog *log, size_t n, size_t *off, size_t *len);
void log_entry_at(const struct softlog *log, size_t n, size_t *off, size_t *len);
void log_put_u32(struct softlog *log, size_t off, uint32_t v);

/* The base fixture's policy with one text in place of another; static storage, valid until the next call. */
const char *policy_with(const char *old, const char *text);

#endif
