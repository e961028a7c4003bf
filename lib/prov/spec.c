/* A specification in memory: its channels in order, its relations, and the seal that every form goes through. */
#include "prov/spec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/cbor_wr.h"
#include "crypto/digest.h"
#include "prov/spec_internal.h"

enum att_err att_spec_refuse(struct att_diag *diag, const char *field, const char *fmt, ...)
{
    char what[ATT_DIAG_TEXT];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_SPEC, field, "%s", what);
}

enum att_err att_spec_new(struct att_spec **out)
{
    struct att_spec *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return ATT_E_NOMEM;
    }
    s->channel = calloc(ATT_SPEC_CHANNELS_MAX, sizeof(*s->channel));
    if (s->channel == NULL) {
        free(s);
        return ATT_E_NOMEM;
    }
    *out = s;
    return ATT_OK;
}

void att_spec_free(struct att_spec *s)
{
    if (s == NULL) {
        return;
    }
    free(s->channel);
    att_buf_free(s->bytes);
    free(s);
}

void att_spec_freep(struct att_spec **s)
{
    att_spec_free(*s);
    *s = NULL;
}

enum att_err att_spec_add_channel(struct att_spec *s, struct att_channel **out)
{
    if (s->channel_count >= ATT_SPEC_CHANNELS_MAX) {
        return ATT_E_LIMIT;
    }
    *out = &s->channel[s->channel_count++];
    return ATT_OK;
}

struct att_relation_view att_spec_relation_view(const struct att_spec *s, enum att_relation kind)
{
    switch (kind) {
    case ATT_RELATION_REDUNDANCY:
        return (struct att_relation_view){"redundancy", s->redundancy, sizeof(s->redundancy[0]),
                                          s->redundancy_count};
    case ATT_RELATION_BALANCE:
        return (struct att_relation_view){"balance", s->balance, sizeof(s->balance[0]),
                                          s->balance_count};
    case ATT_RELATION_FEEDBACK:
        return (struct att_relation_view){"feedback", s->feedback, sizeof(s->feedback[0]),
                                          s->feedback_count};
    case ATT_RELATION_INTERLOCK:
        return (struct att_relation_view){"interlock", s->interlock, sizeof(s->interlock[0]),
                                          s->interlock_count};
    case ATT_RELATION_SEAL:
        break;
    }
    return (struct att_relation_view){"seals", s->seal, sizeof(s->seal[0]), s->seal_count};
}

struct att_relations att_spec_relations(struct att_spec *s, enum att_relation kind)
{
    void *const first[] = {s->redundancy, s->balance, s->feedback, s->interlock, s->seal};
    size_t *const count[] = {&s->redundancy_count, &s->balance_count, &s->feedback_count,
                             &s->interlock_count, &s->seal_count};
    struct att_relation_view v = att_spec_relation_view(s, kind);

    return (struct att_relations){v.key, first[kind], v.size, count[kind]};
}

enum att_err att_spec_add_relation(struct att_spec *s, enum att_relation kind, void **out)
{
    struct att_relations r = att_spec_relations(s, kind);

    if (*r.count >= ATT_SPEC_RELATIONS_MAX) {
        return ATT_E_LIMIT;
    }
    *out = att_relation_at(&r, (*r.count)++);
    return ATT_OK;
}

int att_spec_index(const struct att_spec *s, const char *id)
{
    for (size_t i = 0; i < s->channel_count; i++) {
        if (strcmp(s->channel[i].id, id) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const struct att_channel *att_spec_channel(const struct att_spec *s, const char *id)
{
    int i = att_spec_index(s, id);

    return i < 0 ? NULL : &s->channel[i];
}

const struct att_channel *att_spec_channel_of(const struct att_spec *s, const uint8_t digest[32])
{
    for (size_t i = 0; i < s->channel_count; i++) {
        if (memcmp(s->channel[i].digest, digest, 32) == 0) {
            return &s->channel[i];
        }
    }
    return NULL;
}

/* --- seal --- */

/* Ids of a list rise, so that none stands twice and there is one order. */
static enum att_err check_order(const void *first, size_t size, size_t count, const char *key,
                                struct att_diag *diag)
{
    const char *id = first;

    for (size_t i = 1; i < count; i++) {
        if (strcmp(id + (i - 1) * size, id + i * size) >= 0) {
            return att_spec_refuse(diag, key, "expected ids that rise, found %s behind %s",
                                   id + i * size, id + (i - 1) * size);
        }
    }
    return ATT_OK;
}

static enum att_err check_channels(const struct att_spec *s, struct att_diag *diag)
{
    enum att_err err =
        check_order(s->channel, sizeof(s->channel[0]), s->channel_count, "channels", diag);

    for (size_t i = 0; err == ATT_OK && i < s->channel_count; i++) {
        err = att_spec_check_channel(&s->channel[i], diag);
        if (err != ATT_OK) {
            att_diag_in(diag, s->channel[i].id);
        }
    }
    return err;
}

static enum att_err check_relations(struct att_spec *s, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (int k = 0; err == ATT_OK && k < ATT_RELATION__COUNT; k++) {
        struct att_relations r = att_spec_relations(s, (enum att_relation)k);

        err = check_order(r.first, r.size, *r.count, r.key, diag);
        for (size_t i = 0; err == ATT_OK && i < *r.count; i++) {
            const char *id = att_relation_at(&r, i);

            err = att_spec_check_relation(s, (enum att_relation)k, id, diag);
            if (err != ATT_OK) {
                att_diag_in(diag, id);
            }
        }
    }
    for (size_t i = 0; err == ATT_OK && i < s->channel_count; i++) {
        err = att_spec_check_output(s, i, diag);
        if (err != ATT_OK) {
            att_diag_in(diag, s->channel[i].id);
        }
    }
    return err;
}

static enum att_err digest_channel(struct att_channel *c, uint8_t *room, size_t cap)
{
    struct att_wr w = att_wr_into(room, cap);
    struct att_slice encoded;
    enum att_err err = ATT_OK;

    att_spec_write_channel(&w, c);
    err = att_cbor_wr_done(&w, &encoded);
    return err == ATT_OK ? att_sha256(encoded, c->digest) : err;
}

static enum att_err encode(struct att_spec *s)
{
    uint8_t *room = NULL;
    struct att_wr w;
    struct att_slice encoded;
    enum att_err err = att_buf_new(&s->bytes, ATT_SPEC_FILE_MAX);

    if (err == ATT_OK) {
        err = att_buf_room(s->bytes, ATT_SPEC_FILE_MAX, &room);
    }
    for (size_t i = 0; err == ATT_OK && i < s->channel_count; i++) {
        err = digest_channel(&s->channel[i], room, ATT_SPEC_FILE_MAX);
    }
    if (err != ATT_OK) {
        return err;
    }
    w = att_wr_into(room, ATT_SPEC_FILE_MAX);
    att_spec_write(&w, s);
    err = att_cbor_wr_done(&w, &encoded);
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(s->bytes, encoded.len);
    return att_sha256(encoded, s->digest);
}

enum att_err att_spec_seal(struct att_spec *s, struct att_diag *diag)
{
    enum att_err err = att_spec_check_head(s, diag);

    if (err == ATT_OK) {
        err = check_channels(s, diag);
    }
    if (err == ATT_OK) {
        err = check_relations(s, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = encode(s);
    if (err == ATT_E_NOMEM) {
        return att_fail(diag, err, ATT_R_NOMEM, "specification", "no memory");
    }
    return err == ATT_OK ? err
                         : att_fail(diag, err, ATT_R_CFG_SPEC, "specification",
                                    "it could not be encoded: %s", att_err_name(err));
}
