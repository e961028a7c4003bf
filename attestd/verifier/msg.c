/* Messages between the verifier's processes: one table says which members each kind has. */
#include "verifier/msg.h"

#include <string.h>

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "common/frame.h"

enum field {
    F_END,
    F_PEER,
    F_SESSION,
    F_NAME,
    F_PATH,
    F_BODY,
    F_SEALED,
    F_NUMBER,
    F_TYPE,
};

#define FIELDS_MAX 6 /* the longest row and its end */
#define HEAD_BOUND 16
#define ITEM_BOUND 9 /* the head of one item */

struct schema {
    enum msg_kind kind;
    enum field field[FIELDS_MAX];
};

static const struct schema schemas[] = {
    {MSG_ENROL_BEGIN, {F_SEALED}},
    {MSG_NEW_SESSION, {F_PEER, F_BODY}},
    {MSG_CONTEXT, {F_PEER, F_SESSION}},
    {MSG_COMMIT, {F_PEER, F_SESSION, F_BODY, F_SEALED}},
    {MSG_ENROL_ACTIVATE, {F_BODY}},
    {MSG_SESSION_GET, {F_PEER, F_SESSION}},
    {MSG_SESSION_DELETE, {F_PEER, F_SESSION}},
    {MSG_LABEL, {F_PEER, F_SESSION, F_NAME}},
    {MSG_ADMIN, {F_NAME, F_PATH, F_BODY}},
    {MSG_STATUS, {F_NUMBER}},
    {MSG_STATUS_LIST, {F_NUMBER}},
    {MSG_CERTIFY_BEGIN, {F_PEER, F_BODY}},
    {MSG_CERTIFY, {F_PEER, F_SESSION, F_BODY}},
    {MSG_DONE, {F_NUMBER, F_TYPE, F_PATH, F_BODY, F_SEALED}},
    {MSG_FAILED, {F_NUMBER, F_NAME}},
    {MSG_APPRAISE, {F_SEALED, F_BODY}},
    {MSG_ENROL_CHECK, {F_BODY}},
    {MSG_JUDGED, {F_SEALED}},
    {MSG_CHECKED, {F_SEALED}},
    {MSG_HELLO, {F_NUMBER}},
    {MSG_PART, {F_PEER, F_SESSION, F_SEALED}},
    {MSG_LOG, {F_PATH}},
    {MSG_FOLD, {F_SEALED, F_BODY}},
    {MSG_FOLDED, {F_SEALED}},
};

static const struct schema *schema_of(uint64_t kind)
{
    for (size_t i = 0; i < ATT_COUNT(schemas); i++) {
        if ((uint64_t)schemas[i].kind == kind) {
            return &schemas[i];
        }
    }
    return NULL;
}

static size_t field_count(const struct schema *s)
{
    size_t n = 0;

    while (n < FIELDS_MAX && s->field[n] != F_END) {
        n++;
    }
    return n;
}

size_t msg_size(const struct msg *m)
{
    return HEAD_BOUND + (size_t)FIELDS_MAX * ITEM_BOUND + sizeof(m->peer) + 4 * ITEM_BOUND +
           sizeof(m->session) + m->name.len + m->path.len + m->body.len + m->sealed.len;
}

static void write_peer(struct att_wr *w, const struct msg_peer *p)
{
    att_cbor_wr_array(w, 4);
    att_cbor_wr_bool(w, p->known);
    att_cbor_wr_text(w, p->device_id);
    att_cbor_wr_bytes(w, att_slice_of(p->key_digest, sizeof(p->key_digest)));
    att_cbor_wr_bool(w, p->administrator);
}

static void read_peer(struct att_cbor *c, struct msg_peer *p)
{
    if (att_cbor_enter_array(c, 4) != 4) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    p->known = att_cbor_bool(c);
    att_cbor_text_copy(c, p->device_id, sizeof(p->device_id));
    att_cbor_bytes_exact(c, p->key_digest, sizeof(p->key_digest));
    p->administrator = att_cbor_bool(c);
    att_cbor_leave(c);
}

static void write_field(struct att_wr *w, const struct msg *m, enum field f)
{
    switch (f) {
    case F_PEER:
        write_peer(w, &m->peer);
        return;
    case F_SESSION:
        att_cbor_wr_bytes(w, att_slice_of(m->session, sizeof(m->session)));
        return;
    case F_NAME:
        att_cbor_wr_text_slice(w, m->name);
        return;
    case F_PATH:
        att_cbor_wr_text_slice(w, m->path);
        return;
    case F_BODY:
        att_cbor_wr_bytes(w, m->body);
        return;
    case F_SEALED:
        att_cbor_wr_bytes(w, m->sealed);
        return;
    case F_NUMBER:
        att_cbor_wr_uint(w, m->number);
        return;
    case F_TYPE:
        att_cbor_wr_uint(w, (uint64_t)m->type);
        return;
    case F_END: /* behind the members that a row has */
        return;
    }
}

static void read_field(struct att_cbor *c, struct msg *m, enum field f)
{
    switch (f) {
    case F_PEER:
        read_peer(c, &m->peer);
        return;
    case F_SESSION:
        att_cbor_bytes_exact(c, m->session, sizeof(m->session));
        return;
    case F_NAME:
        m->name = att_cbor_text(c, MSG_NAME_MAX);
        return;
    case F_PATH:
        m->path = att_cbor_text(c, MSG_PATH_MAX);
        return;
    case F_BODY:
        m->body = att_cbor_bytes(c, FRAME_MAX);
        return;
    case F_SEALED:
        m->sealed = att_cbor_bytes(c, FRAME_MAX);
        return;
    case F_NUMBER:
        m->number = att_cbor_uint(c);
        return;
    case F_TYPE:
        m->type = (enum msg_type)att_cbor_uint_max(c, MSG_TYPE__COUNT - 1);
        return;
    case F_END:
        return;
    }
}

enum att_err msg_encode(struct att_wr *w, const struct msg *m)
{
    const struct schema *s = schema_of((uint64_t)m->kind);
    size_t count = 0;

    if (s == NULL) {
        return ATT_E_INTERNAL;
    }
    count = field_count(s);
    att_cbor_wr_array(w, 2 + count);
    att_cbor_wr_uint(w, (uint64_t)m->kind);
    att_cbor_wr_uint(w, m->id);
    for (size_t i = 0; i < count; i++) {
        write_field(w, m, s->field[i]);
    }
    return w->err;
}

enum att_err msg_decode(struct msg *out, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    uint32_t items = att_cbor_enter_array(&c, 2 + FIELDS_MAX);
    uint64_t kind = att_cbor_uint(&c);
    const struct schema *s = NULL;
    struct msg m = {0};
    enum att_err err = ATT_OK;

    m.id = att_cbor_uint(&c);
    s = att_cbor_ok(&c) ? schema_of(kind) : NULL;
    if (s == NULL || items != 2 + field_count(s)) {
        att_cbor_fail(&c, ATT_E_FORMAT);
        return att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "message", diag);
    }
    m.kind = s->kind;
    for (size_t i = 0; i < field_count(s); i++) {
        read_field(&c, &m, s->field[i]);
    }
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "message", diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = m;
    return ATT_OK;
}
