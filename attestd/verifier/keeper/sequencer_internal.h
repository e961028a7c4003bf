/* What a sequencer is inside, for its start (sequencer_open.c) and its work (sequencer.c). */
#ifndef ATTESTD_VERIFIER_KEEPER_SEQUENCER_INTERNAL_H
#define ATTESTD_VERIFIER_KEEPER_SEQUENCER_INTERNAL_H

#include "tlog/tree.h"
#include "verifier/keeper/loghead.h"
#include "verifier/keeper/sequencer.h"

struct sequencer {
    struct sequencer_options opt;
    struct att_tree *tree;
    struct loghead_file *file;
    struct loghead last, next;    /* settled; sealed */
    struct att_merkle_head known; /* by this host's file, when other hosts signed more since */
    bool others;                  /* they did */
    bool sealed;                  /* next is another one than last */
    bool broken;
    bool signer_known; /* of this process's label key, in what is settled */
    bool starting;     /* what is taken in was recorded before there was a log */
    int64_t settled_utc,
        utc; /* the latest time that the log names: of what is settled; with what is added */
    struct att_buf *checkpoint; /* of the tree that was settled last, or NULL */
    bool hands_over;            /* with a line of the log's key of before */
    struct att_buf *bytes;
    struct att_hasher *hasher;
};

/* NOMEM as it is; what else keeps an entry (-1: the head) from being read is the log's damage: FORMAT (TL_FSCK). */
ATT_MUST_USE enum att_err sequencer_unreadable(struct att_diag *diag, enum att_err err,
                                               int64_t index, const char *what);
/*
 * Of a database that several hosts have in turn: does the tree of size entries go on from what this host knows, or
 * tell another history? known->size is not above size. MISMATCH (TL_ROLLBACK) FORMAT (TL_FSCK) NOMEM
 */
ATT_MUST_USE enum att_err sequencer_begins_with(const struct att_merkle_nodes *nodes,
                                                const struct att_merkle_head *known, uint64_t size,
                                                struct att_diag *diag);

#endif
