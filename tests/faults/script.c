/* What is done in each run: an entry, a label, its revocation, other keys, and what is published of them. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "appraise/label.h"
#include "base/hex.h"
#include "codec/json.h"
#include "faults.h"
#include "need.h"
#include "sign/cose.h"
#include "tlog/checkpoint.h"
#include "tlog/tile.h"

#define TRIES    20 /* a fault comes once; a server that was left needs a moment */
#define PAUSE_MS 200

enum did { DID, SAID_NO, SAID_NOTHING };

static void nap_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

/* What a front makes of it: whatever is not done has to be a "cannot serve now". */
static enum did judge(struct script *s, const struct inproc_answer *a, const char *what)
{
    int http = att_reason_info(a->reason)->http;

    if (s->proc->mute)
        return SAID_NOTHING;
    if (a->reason == ATT_R_NONE)
        return DID;
    s->refusals++;
    if (!s->faulted)
        complain(s->c, COMPLAINT_STUCK, "%s: %s %s", what, att_reason_code(a->reason), a->text);
    else if (http != 503)
        complain(s->c, COMPLAINT_STUCK, "%s: %s is not a 503 (%s)", what,
                 att_reason_code(a->reason), a->text);
    return SAID_NO;
}

/* One entry of the log was asked for. */
static enum did count_entry(struct script *s, enum did did)
{
    s->r->entries += did == DID;
    s->r->unclear += did != DID;
    return did;
}

/* --- the steps --- */

static enum did allow(struct script *s)
{
    static unsigned int serial;
    struct inproc_answer a = {0};
    struct record *r = s->r;
    char id[32], body[64];
    enum did did;

    (void)snprintf(id, sizeof(id), "fault-%u", ++serial);
    (void)snprintf(body, sizeof(body), "{\"id\": \"%s\"}", id);
    inproc_admin(s->v, "POST", "/allow", body, &a);
    did = count_entry(s, judge(s, &a, "allow"));
    if (did == DID && a.http != 201)
        complain(s->c, COMPLAINT_STUCK, "allow: status %d", a.http);
    if ((did == DID || s->gullible) && r->allowed_count < FAULTS_ITEMS)
        (void)snprintf(r->allowed[r->allowed_count++], sizeof(id), "%s", id);
    if (did == SAID_NO && r->refused_count < FAULTS_ITEMS)
        (void)snprintf(r->refused[r->refused_count++], sizeof(id), "%s", id);
    inproc_answer_clear(&a);
    return did;
}

static enum did attest(struct script *s)
{
    struct inproc_attempt *t = s->attempt;
    enum did did;

    inproc_attempt_clear(t);
    if (inproc_session(s->v, s->gw, t) != ATT_R_NONE)
        return judge(s, &t->session_answer, "newSession");
    inproc_measure(s->gw, t);
    if (inproc_judge(s->v, s->gw, t) != ATT_R_NONE)
        return judge(s, &t->context, "context");
    (void)inproc_commit(s->v, s->gw, t);
    did = count_entry(s, judge(s, &t->answer, "commit"));
    if (did == DID)
        record_keep_label(s->r, t->outcome.label);
    return did;
}

static enum did revoke(struct script *s)
{
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    const struct record_label *l = &s->r->label[s->r->label_count - 1];
    struct record_revoked v = {.outcome = -1};
    struct inproc_answer a = {0};
    char cti[33], body[128];
    bool changed;
    enum did did;

    NEED(s->r->label_count > 0 && s->r->revoked_count < ATT_COUNT(s->r->revoked));
    (void)att_hex_encode(cti, sizeof(cti), att_slice_of(l->cti, sizeof(l->cti)));
    (void)snprintf(body, sizeof(body), "{\"cti\": \"%s\", \"reason\": \"faults\"}", cti);
    inproc_admin(s->v, "POST", "/labels/revoke", body, &a);
    did = judge(s, &a, "revoke");
    s->r->unclear += did != DID;
    memcpy(v.cti, l->cti, sizeof(v.cti));
    NEED(record_place(&v.list, &v.place, att_slice_of(l->bytes, l->len)));
    if (did == DID) {
        NEED(att_json_parse(&doc, inproc_body(&a), NULL) == ATT_OK);
        changed = json_is_true(json_object_get(doc, "changed"));
        if (changed)
            v.outcome = json_integer_value(json_object_get(doc, "outcome"));
        s->r->entries += changed;
        if (!changed && s->faulted && s->refusals > 0)
            complain(s->c, COMPLAINT_UNDONE, "the revocation of %s was refused, and is done", cti);
    }
    if (did == DID || s->gullible)
        s->r->revoked[s->r->revoked_count++] = v;
    inproc_answer_clear(&a);
    return did;
}

/* A key whose file cannot be read is refused, with nothing done: whoever asked looks at the file, and asks again. */
static bool cannot_read(const struct script *s, enum att_reason reason)
{
    return s->faulted && (reason == ATT_R_FILE || reason == ATT_R_KEY_NONE);
}

/* Another key takes over, once: what was asked again after no answer came may be done. */
static enum did rotate(struct script *s, const char *kind)
{
    bool *done = strcmp(kind, "label") == 0 ? &s->r->label_key : &s->r->log_key;
    struct inproc_answer a = {0};
    char body[96];
    enum did did;

    (void)snprintf(body, sizeof(body),
                   "{\"kind\": \"%s\", \"name\": \"%s-2\", \"reason\": \"rotated\"}", kind, kind);
    inproc_admin(s->v, "POST", "/keys/rotate", body, &a);
    if (!s->proc->mute && a.reason == ATT_R_KEY_USED) {
        if (!*done)
            complain(s->c, COMPLAINT_UNDONE, "the %s key was refused, and is in force", kind);
        inproc_answer_clear(&a);
        return DID;
    }
    did = !s->proc->mute && cannot_read(s, a.reason) ? SAID_NO : judge(s, &a, "key rotate");
    *done = *done || did != SAID_NO; /* without an answer it may be */
    inproc_answer_clear(&a);
    return count_entry(s, did);
}

static enum did rotate_label(struct script *s)
{
    return rotate(s, "label");
}

static enum did rotate_log(struct script *s)
{
    return rotate(s, "log");
}

/* --- what is published --- */

static enum did get(struct script *s, struct inproc_answer *a, const char *path)
{
    const struct msg m = {.kind = MSG_LOG, .path = att_slice_str(path)};

    inproc_answer_clear(a);
    inproc_ask(s->v, &m, a, false);
    return judge(s, a, path);
}

/* Under either key: the line of the one before is missing when its file could not be read at the start. */
static void open_checkpoint(struct record_head *out, struct att_slice note, const struct script *s)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    const struct att_checkpoint_keys before = {.log = s->log}, now = {.log = s->log_next};
    const struct att_tree_head *h;

    NEED(att_checkpoint_open(&c, note, &before, NULL) == ATT_OK ||
         att_checkpoint_open(&c, note, &now, NULL) == ATT_OK);
    h = att_checkpoint_head(c);
    out->size = h->tree.size;
    memcpy(out->root, h->tree.root, sizeof(out->root));
}

/* All entries of the checkpoint, which has to be theirs. */
static enum did get_entries(struct script *s, struct inproc_answer *a, const struct record_head *h,
                            uint8_t (*leaf)[32])
{
    const struct att_tile t = {.entries = true, .width = (uint32_t)h->size};
    struct att_slice entry[ATT_TILE_WIDTH];
    char path[ATT_TILE_PATH_TEXT];
    uint8_t root[32];
    enum did did;

    NEED(h->size > 0 && h->size <= FAULTS_ENTRIES);
    did = get(s, a, att_tile_path(path, sizeof(path), &t));
    if (did != DID)
        return did;
    NEED(att_bundle_parse(entry, inproc_body(a), t.width, NULL) == ATT_OK);
    for (uint32_t i = 0; i < t.width; i++)
        record_leaf(leaf[i], entry[i]);
    record_root(root, (const uint8_t(*)[32])leaf, t.width);
    if (memcmp(root, h->root, sizeof(root)) != 0)
        complain(s->c, COMPLAINT_FORK, "the %u entries are not those of the checkpoint", t.width);
    return DID;
}

static enum did show(struct script *s)
{
    struct inproc_answer note = {0}, entries = {0};
    uint8_t leaf[FAULTS_ENTRIES][32];
    struct record *r = s->r;
    struct record_head h;
    enum did did = get(s, &note, "checkpoint");

    if (did == DID) {
        open_checkpoint(&h, inproc_body(&note), s);
        if (r->head_count < FAULTS_ITEMS) /* it may be asked often */
            r->head[r->head_count++] = h;
        did = get_entries(s, &entries, &h, leaf);
    }
    if (did == DID && h.size >= r->leaf_count) {
        memcpy(r->leaf, leaf, h.size * sizeof(leaf[0]));
        r->leaf_count = h.size;
    }
    inproc_answer_clear(&note);
    inproc_answer_clear(&entries);
    return did;
}

/* --- from step to step --- */

static enum did (*const steps[STEP__COUNT])(struct script *s) = {
    [STEP_ALLOW] = allow,
    [STEP_SHOW] = show,
    [STEP_LABEL] = attest,
    [STEP_REVOKE] = revoke,
    [STEP_LABEL_KEY] = rotate_label,
    [STEP_LOG_KEY] = rotate_log,
    [STEP_SHOW_AGAIN] = show,
};

bool script_run(struct script *s)
{
    unsigned int tries = 0;

    while (s->next < STEP__COUNT) {
        enum did did = steps[s->next](s);

        if (did == SAID_NOTHING)
            return false;
        if (did == DID) {
            s->next++;
            tries = 0;
            continue;
        }
        if (++tries == TRIES) {
            complain(s->c, COMPLAINT_STUCK, "step %d is refused for good", (int)s->next);
            return false;
        }
        nap_ms(tries == 1 ? 0 : PAUSE_MS);
    }
    return true;
}

static enum did find_list(struct script *s, struct found *f)
{
    struct inproc_answer a = {0};
    struct msg m = {.kind = MSG_STATUS_LIST};
    uint64_t place;
    enum did did;

    NEED(record_place(&f->list_number, &place,
                      att_slice_of(s->r->label[0].bytes, s->r->label[0].len)));
    m.number = f->list_number;
    inproc_ask(s->v, &m, &a, false);
    did = judge(s, &a, "status list");
    f->list = a.body;
    a.body = NULL;
    return did;
}

bool script_find(struct script *s, struct found *f)
{
    struct inproc_answer note = {0}, entries = {0};
    bool good = get(s, &note, "checkpoint") == DID;

    if (good) {
        open_checkpoint(&f->head, inproc_body(&note), s);
        good = get_entries(s, &entries, &f->head, f->leaf) == DID;
    }
    f->entries = entries.body;
    inproc_answer_clear(&note);
    return good && find_list(s, f) == DID;
}
