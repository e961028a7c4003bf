/* Policies of logs and witnesses: read, and asked about a checkpoint. */
#include "tlog/witness_policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "codec/lines.h"

#define WORDS     (3 + NODES_MAX)
#define NODES_MAX (ATT_CHECKPOINT_WITNESSES + ATT_WITNESS_POLICY_GROUPS)
#define NOWHERE   SIZE_MAX

/*
 * A witness or a group, in the order of their definitions. Each knows the one group that it is a member of, which
 * comes later: so one walk from first to last evaluates all of them.
 */
struct node {
    struct att_slice name;
    size_t witness; /* which, or NOWHERE for a group */
    size_t group;   /* the node of the group that it is in, or NOWHERE */
    uint64_t needs; /* members that have to have cosigned */
};

struct att_witness_policy {
    struct att_buf *text; /* a copy, which all slices borrow */
    struct att_witness_party log[ATT_WITNESS_POLICY_LOGS];
    struct att_witness_party witness[ATT_CHECKPOINT_WITNESSES];
    struct att_vkey *key[ATT_WITNESS_POLICY_LOGS + ATT_CHECKPOINT_WITNESSES]; /* owned */
    const struct att_vkey *witness_key[ATT_CHECKPOINT_WITNESSES]; /* of the witnesses, in order */
    struct node node[NODES_MAX];
    size_t logs, witnesses, groups, keys, nodes;
    size_t quorum; /* a node, or NOWHERE for none */
    bool has_quorum;
};

/* The line that is being read. */
struct line {
    size_t number;
    struct att_slice word[WORDS];
    size_t count;
    struct att_diag *diag;
};

static enum att_err refuse(const struct line *l, enum att_err err, const char *what)
{
    return att_fail(l->diag, err, ATT_R_FMT_WITNESSES, "line", "%zu: %s", l->number, what);
}

static enum att_err refuse_word(const struct line *l, enum att_err err, const char *what,
                                struct att_slice word)
{
    char shown[64];

    return att_fail(l->diag, err, ATT_R_FMT_WITNESSES, "line", "%zu: %s \"%s\"", l->number, what,
                    att_escape(shown, sizeof(shown), word.p, word.len));
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Tab, and every byte from the space on but DEL (tlog-policy, Character set). */
static enum att_err check_bytes(const struct line *l, struct att_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.p[i] < ' ' && text.p[i] != '\t') || text.p[i] == 0x7f) {
            return att_fail(l->diag, ATT_E_FORMAT, ATT_R_FMT_WITNESSES, "line",
                            "%zu: expected text, found the byte %02x", l->number,
                            (unsigned int)text.p[i]);
        }
    }
    return ATT_OK;
}

static enum att_err split(struct line *l, struct att_slice text)
{
    size_t at = 0;

    l->count = 0;
    while (at < text.len) {
        size_t from = at;

        while (at < text.len && !is_blank(text.p[at])) {
            at++;
        }
        if (at > from && l->count == WORDS) {
            return refuse(l, ATT_E_LIMIT, "too many words");
        }
        if (at > from) {
            l->word[l->count++] = att_slice_of(text.p + from, at - from);
        }
        at++; /* the blank */
    }
    return ATT_OK;
}

static bool is(struct att_slice word, const char *text)
{
    return att_slice_eq(word, att_slice_str(text));
}

/* The node of that name, or NOWHERE. */
static size_t find(const struct att_witness_policy *p, struct att_slice name)
{
    for (size_t i = 0; i < p->nodes; i++) {
        if (att_slice_eq(p->node[i].name, name)) {
            return i;
        }
    }
    return NOWHERE;
}

/* A key of this type, which is kept. The reason of a refusal becomes that of the file. */
static enum att_err take_key(struct att_witness_policy *p, const struct line *l,
                             struct att_slice text, enum att_note_type type,
                             const struct att_vkey **out)
{
    struct att_vkey *k = NULL;
    struct att_diag inner = {0};
    enum att_err err = att_vkey_parse(&k, text, &inner);

    if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO) {
        return att_fail(l->diag, err, inner.reason, "line", "%s", inner.text);
    }
    if (err != ATT_OK) {
        return att_fail(l->diag, err, ATT_R_FMT_WITNESSES, "line", "%zu: %.120s", l->number,
                        inner.text);
    }
    if (att_vkey_type(k) != type) {
        att_vkey_free(k);
        return refuse(l, ATT_E_UNSUPPORTED,
                      type == ATT_NOTE_ED25519 ? "expected the key of a log, of type 01"
                                               : "expected the key of a witness, of type 04");
    }
    p->key[p->keys++] = k;
    *out = k;
    return ATT_OK;
}

/* Does one of these parties have the same public key, under whatever name and id? */
static bool has_key(const struct att_witness_party *party, size_t count, const struct att_vkey *key)
{
    for (size_t i = 0; i < count; i++) {
        if (att_pubkey_eq(att_vkey_key(party[i].key), att_vkey_key(key))) {
            return true;
        }
    }
    return false;
}

static enum att_err read_log(struct att_witness_policy *p, const struct line *l)
{
    struct att_witness_party log = {.key = NULL};
    enum att_err err = ATT_OK;

    if (l->count < 2 || l->count > 3) {
        return refuse(l, ATT_E_FORMAT, "expected: log VKEY [URL]");
    }
    if (p->logs == ATT_WITNESS_POLICY_LOGS) {
        return refuse(l, ATT_E_LIMIT, "expected at most 64 logs");
    }
    err = take_key(p, l, l->word[1], ATT_NOTE_ED25519, &log.key);
    if (err != ATT_OK) {
        return err;
    }
    if (has_key(p->log, p->logs, log.key)) {
        return refuse(l, ATT_E_FORMAT, "the key of this log stands in an earlier line");
    }
    log.url = l->count > 2 ? l->word[2] : log.url;
    p->log[p->logs++] = log;
    return ATT_OK;
}

/* A name that nothing has yet. */
static enum att_err check_new_name(const struct att_witness_policy *p, const struct line *l)
{
    if (is(l->word[1], "none")) {
        return refuse(l, ATT_E_FORMAT, "\"none\" is no name");
    }
    if (ATT_GUARD(WITNESS_NAME_TWICE, find(p, l->word[1]) != NOWHERE)) {
        return refuse_word(l, ATT_E_FORMAT, "the name is taken:", l->word[1]);
    }
    return ATT_OK;
}

static enum att_err read_witness(struct att_witness_policy *p, const struct line *l)
{
    struct att_witness_party w = {.key = NULL};
    enum att_err err = ATT_OK;

    if (l->count < 3 || l->count > 4) {
        return refuse(l, ATT_E_FORMAT, "expected: witness NAME VKEY [URL]");
    }
    if (p->witnesses == ATT_CHECKPOINT_WITNESSES) {
        return refuse(l, ATT_E_LIMIT, "expected at most 64 witnesses");
    }
    err = check_new_name(p, l);
    if (err == ATT_OK) {
        err = take_key(p, l, l->word[2], ATT_NOTE_COSIGNATURE, &w.key);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(WITNESS_KEY_TWICE, has_key(p->witness, p->witnesses, w.key))) {
        return refuse(l, ATT_E_FORMAT, "the key of this witness stands in an earlier line");
    }
    w.name = l->word[1];
    w.url = l->count > 3 ? l->word[3] : w.url;
    p->node[p->nodes++] =
        (struct node){.name = w.name, .witness = p->witnesses, .group = NOWHERE, .needs = 0};
    p->witness_key[p->witnesses] = w.key;
    p->witness[p->witnesses++] = w;
    return ATT_OK;
}

/* The members of a group that will be the next node. */
static enum att_err take_members(struct att_witness_policy *p, const struct line *l)
{
    for (size_t i = 3; i < l->count; i++) {
        size_t member = find(p, l->word[i]);

        if (member == NOWHERE) {
            return refuse_word(l, ATT_E_FORMAT, "expected a name that is defined above, found",
                               l->word[i]);
        }
        if (ATT_GUARD(WITNESS_MEMBER_TWICE, p->node[member].group != NOWHERE)) {
            return refuse_word(l, ATT_E_FORMAT, "a group has this member already:", l->word[i]);
        }
        p->node[member].group = p->nodes;
    }
    return ATT_OK;
}

static enum att_err read_needs(uint64_t *out, const struct line *l)
{
    size_t members = l->count - 3;

    if (is(l->word[2], "any")) {
        *out = 1;
        return ATT_OK;
    }
    if (is(l->word[2], "all")) {
        *out = members;
        return ATT_OK;
    }
    if (att_lines_decimal(out, l->word[2], NODES_MAX) != ATT_OK) {
        return refuse(l, ATT_E_FORMAT, "expected all, any or a number behind the group's name");
    }
    if (ATT_GUARD(WITNESS_THRESHOLD, *out < 1 || *out > members)) {
        return refuse(l, ATT_E_FORMAT, "expected a number from 1 to the number of members");
    }
    return ATT_OK;
}

static enum att_err read_group(struct att_witness_policy *p, const struct line *l)
{
    struct node g = {.witness = NOWHERE, .group = NOWHERE};
    enum att_err err = ATT_OK;

    if (l->count < 4) {
        return refuse(l, ATT_E_FORMAT, "expected: group NAME all|any|K MEMBER...");
    }
    if (p->groups == ATT_WITNESS_POLICY_GROUPS) {
        return refuse(l, ATT_E_LIMIT, "expected at most 64 groups");
    }
    err = check_new_name(p, l);
    if (err == ATT_OK) {
        err = read_needs(&g.needs, l);
    }
    if (err == ATT_OK) {
        err = take_members(p, l);
    }
    if (err != ATT_OK) {
        return err;
    }
    g.name = l->word[1];
    p->node[p->nodes++] = g;
    p->groups++;
    return ATT_OK;
}

static enum att_err read_quorum(struct att_witness_policy *p, const struct line *l)
{
    if (l->count != 2) {
        return refuse(l, ATT_E_FORMAT, "expected: quorum NAME, or quorum none");
    }
    if (ATT_GUARD(WITNESS_QUORUM_TWICE, p->has_quorum)) {
        return refuse(l, ATT_E_FORMAT, "expected one quorum, found another");
    }
    p->quorum = find(p, l->word[1]);
    if (p->quorum == NOWHERE && !is(l->word[1], "none")) {
        return refuse_word(l, ATT_E_FORMAT, "expected a name that is defined above, found",
                           l->word[1]);
    }
    p->has_quorum = true;
    return ATT_OK;
}

static enum att_err read_line(struct att_witness_policy *p, struct line *l, struct att_slice text)
{
    static const struct {
        const char *word;
        enum att_err (*read)(struct att_witness_policy *p, const struct line *l);
    } KINDS[] = {
        {"log", read_log},
        {"witness", read_witness},
        {"group", read_group},
        {"quorum", read_quorum},
    };
    enum att_err err = check_bytes(l, text);

    if (err == ATT_OK) {
        err = split(l, text);
    }
    if (err != ATT_OK || l->count == 0 || l->word[0].p[0] == '#') {
        return err;
    }
    for (size_t i = 0; i < ATT_COUNT(KINDS); i++) {
        if (is(l->word[0], KINDS[i].word)) {
            return KINDS[i].read(p, l);
        }
    }
    return refuse_word(l, ATT_E_FORMAT, "expected log, witness, group or quorum, found",
                       l->word[0]);
}

static enum att_err read_lines(struct att_witness_policy *p, struct att_diag *diag)
{
    struct att_lines it = att_lines_from(att_buf_slice(p->text));
    struct line *l = calloc(1, sizeof(*l));
    struct att_slice text = {0};
    bool more = true;
    enum att_err err = ATT_OK;

    if (l == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory");
    }
    l->diag = diag;
    while (err == ATT_OK && more) {
        err = att_lines_next(&text, &it, &more);
        l->number = it.line;
        if (err != ATT_OK) {
            err = refuse(l, err, "the file ends inside a line");
        } else if (more) {
            err = read_line(p, l, text);
        }
    }
    if (err == ATT_OK && !p->has_quorum) {
        err = refuse(l, ATT_E_FORMAT, "the file ends without a quorum");
    }
    free(l);
    return err;
}

enum att_err att_witness_policy_parse(struct att_witness_policy **out, struct att_slice text,
                                      struct att_diag *diag)
{
    ATT_CLEANUP(att_witness_policy_freep) struct att_witness_policy *p = NULL;
    enum att_err err = ATT_OK;

    if (text.len > ATT_WITNESS_POLICY_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_WITNESSES, "file",
                        "expected at most %d bytes, found %zu", ATT_WITNESS_POLICY_MAX, text.len);
    }
    p = calloc(1, sizeof(*p));
    if (p != NULL && att_buf_new(&p->text, ATT_WITNESS_POLICY_MAX) == ATT_OK) {
        err = att_buf_add_slice(p->text, text);
    }
    if (p == NULL || p->text == NULL || err != ATT_OK) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory");
    }
    err = read_lines(p, diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = p;
    p = NULL;
    return ATT_OK;
}

void att_witness_policy_free(struct att_witness_policy *p)
{
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->keys; i++) {
        att_vkey_free(p->key[i]);
    }
    att_buf_free(p->text);
    free(p);
}

void att_witness_policy_freep(struct att_witness_policy **p)
{
    att_witness_policy_free(*p);
    *p = NULL;
}

const struct att_witness_party *att_witness_policy_log(const struct att_witness_policy *p, size_t i)
{
    return i < p->logs ? &p->log[i] : NULL;
}

const struct att_witness_party *att_witness_policy_witness(const struct att_witness_policy *p,
                                                           size_t i)
{
    return i < p->witnesses ? &p->witness[i] : NULL;
}

bool att_witness_policy_asks_nobody(const struct att_witness_policy *p)
{
    return p->quorum == NOWHERE;
}

/* A log may have several keys under one name: the first that signed is taken. */
enum att_err att_witness_policy_verify(struct att_checkpoint **out,
                                       const struct att_witness_policy *p,
                                       const struct att_note *note, struct att_diag *diag)
{
    struct att_checkpoint_keys keys = {.witness = p->witness_key, .witness_count = p->witnesses};
    struct att_tree_head head;
    enum att_err err = att_tree_head_parse(&head, note->text, diag);
    char shown[96];

    if (err != ATT_OK) {
        return err;
    }
    err = att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TL_CKPT, "origin", "no log of the policy is %s",
                   att_escape(shown, sizeof(shown), head.origin.p, head.origin.len));
    for (size_t i = 0; err == ATT_E_UNTRUSTED && i < p->logs; i++) {
        keys.log = p->log[i].key;
        if (att_slice_eq(att_vkey_name(keys.log), head.origin)) {
            err = att_checkpoint_verify(out, note, &keys, diag);
        }
    }
    return err;
}

bool att_witness_policy_met(const struct att_witness_policy *p, const struct att_checkpoint *c)
{
    size_t count[NODES_MAX] = {0}; /* members that cosigned, by group */

    for (size_t i = 0; i < p->nodes; i++) {
        const struct node *n = &p->node[i];
        bool cosigned = n->witness == NOWHERE
                            ? !ATT_GUARD(WITNESS_QUORUM, count[i] < n->needs)
                            : att_checkpoint_cosigned_by(c, p->witness_key[n->witness], NULL);

        if (cosigned && i == p->quorum) {
            return true;
        }
        if (cosigned && n->group != NOWHERE) {
            count[n->group]++;
        }
    }
    return att_witness_policy_asks_nobody(p);
}
