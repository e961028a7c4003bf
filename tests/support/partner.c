#include "partner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/bundle.h"
#include "base/file.h"
#include "need.h"
#include "notetest.h"
#include "tlog/checkpoint.h"

void partner_open(struct partner *p)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    char path[96];

    memset(p, 0, sizeof(*p));
    logscene_open(&p->s);
    (void)snprintf(path, sizeof(path), "%s/trust", p->s.v->dir);
    NEED(att_anchors_new(&p->anchors) == ATT_OK);
    NEED(att_anchors_load(p->anchors, path, NULL) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/trust/log.vkey", p->s.v->dir);
    NEED(att_file_read(&text, path, 4096, NULL) == ATT_OK);
    NEED(att_vkey_parse(&p->log, att_slice_of(att_buf_slice(text).p, att_buf_len(text) - 1),
                        NULL) == ATT_OK);
    p->witness = notetest_vkey(NOTETEST_WITNESS_VKEY);
    p->keys[0] = p->log;
    p->keys[1] = p->witness;
    p->rules = (struct att_trust_rules){.log_required = true, .key = p->keys, .key_count = 1};
    p->out = calloc(1, sizeof(*p->out));
    NEED(p->out != NULL);
}

void partner_close(struct partner *p)
{
    att_anchors_free(p->anchors);
    att_vkey_free(p->log);
    att_vkey_free(p->witness);
    free(p->out);
    logscene_close(&p->s);
}

struct att_signer *partner_key(const struct partner *p, const char *name)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    struct att_privkey *key = NULL;
    struct att_signer *signer = NULL;
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/%s", p->s.v->dir, name);
    NEED(att_file_read(&pem, path, 65536, NULL) == ATT_OK);
    NEED(att_privkey_from_pem(&key, att_buf_slice(pem), NULL) == ATT_OK);
    NEED(att_signer_software(&signer, key) == ATT_OK);
    return signer;
}

struct att_buf *partner_checkpoint_by(struct att_signer *log, const char *origin,
                                      const struct att_merkle_head *tree)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *line = NULL;
    struct att_tree_head head = {.origin = att_slice_str(origin), .tree = *tree};
    struct att_signer *witness = notetest_witness_signer();
    struct att_checkpoint_keys keys = {0};
    struct att_checkpoint *c = NULL;
    struct att_vkey *vkey = NULL;
    struct att_buf *note = NULL;
    struct att_buf *both = NULL;

    NEED(att_checkpoint_make(&note, &head, log) == ATT_OK);
    NEED(att_vkey_new(&vkey, head.origin, ATT_NOTE_ED25519, log->public_key) == ATT_OK);
    keys.log = vkey;
    NEED(att_checkpoint_open(&c, att_buf_slice(note), &keys, NULL) == ATT_OK);
    NEED(att_checkpoint_cosign(&line, c, att_slice_str(NOTETEST_WITNESS), NOTETEST_TIME, witness) ==
         ATT_OK);
    NEED(att_buf_new(&both, att_buf_len(note) + att_buf_len(line)) == ATT_OK);
    NEED(att_buf_add_slice(both, att_buf_slice(note)) == ATT_OK);
    NEED(att_buf_add_slice(both, att_buf_slice(line)) == ATT_OK);
    att_checkpoint_free(c);
    att_vkey_free(vkey);
    att_buf_free(note);
    att_signer_free(witness);
    return both;
}

void partner_look(struct partner *p, const struct att_buf *label)
{
    struct att_trust_rules rules = {.key = p->keys, .key_count = 2};

    NEED(att_offline_check(p->out, att_buf_slice(label), p->anchors, &rules, inproc_utc_s) ==
         ATT_OK);
    NEED(p->out->verdict == ATT_VERDICT_PASS);
}

struct att_buf *partner_checkpoint(struct partner *p, const struct att_buf *label)
{
    struct att_signer *log = partner_key(p, "log.key");
    struct att_merkle_head tree = {0};
    struct att_buf *note = NULL;

    partner_look(p, label);
    tree.size = p->out->receipt.size;
    memcpy(tree.root, p->out->receipt.root, sizeof(tree.root));
    note = partner_checkpoint_by(log, p->out->receipt.origin, &tree);
    att_signer_free(log);
    return note;
}

struct att_buf *partner_list(struct partner *p)
{
    struct msg m = {.kind = MSG_STATUS_LIST, .number = 1};
    struct inproc_answer a = {0};
    struct att_buf *list = NULL;

    inproc_ask(p->s.v, &m, &a, false);
    NEED(a.http == 200);
    list = a.body;
    a.body = NULL;
    inproc_answer_clear(&a);
    return list;
}

static struct att_slice slice(const struct att_buf *b)
{
    return b != NULL ? att_buf_slice(b) : (struct att_slice){0};
}

struct att_buf *partner_pack(const struct att_buf *label, const struct att_buf *checkpoint,
                             const struct att_buf *list)
{
    const struct att_bundle_file b = {
        .label = slice(label), .checkpoint = slice(checkpoint), .status = slice(list)};
    struct att_buf *out = NULL;

    NEED(att_bundle_file_encode(&out, &b) == ATT_OK);
    return out;
}

struct att_buf *partner_bundle(struct partner *p, const struct att_buf *label)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *checkpoint = partner_checkpoint(p, label);
    ATT_CLEANUP(att_buf_freep) struct att_buf *list = partner_list(p);

    return partner_pack(label, checkpoint, list);
}

const struct att_check *partner_check(const struct att_offline *o, const char *id)
{
    for (size_t i = 0; i < o->check_count; i++) {
        if (strcmp(o->check[i].id, id) == 0) {
            return &o->check[i];
        }
    }
    return NULL;
}
