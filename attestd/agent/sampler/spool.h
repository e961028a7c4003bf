/*
 * The data folder: every batch that was signed, with the specifications and labels that they name.
 *
 * NUMBER.batch (12 digits), DIGEST.spec, TIME-DIGEST.label; attestctl bundle create --data reads it. What is there after a
 * power cut is whole: files are written beside, made durable and renamed. The last batch is never removed, for the chain goes
 * on from it. Above the limit the oldest batches go; that they are missing is seen by their numbers.
 */
#ifndef ATTESTD_AGENT_SPOOL_H
#define ATTESTD_AGENT_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "prov/batch.h"
#include "prov/spec.h"

struct spool {
    const char *folder;         /* borrowed */
    int64_t limit;              /* bytes */
    uint64_t first, last;       /* numbers of the batches that are there; 0: none */
    int64_t bytes;              /* of them */
    uint64_t dropped;           /* batches that went because of the limit, since spool_open */
    uint8_t head[ATT_HEAD_LEN]; /* of the last one; zeros for none */
    size_t channel_count;
    struct {
        char id[ATT_PROV_ID];
        uint64_t last;
    } channel
        [ATT_SPEC_CHANNELS_MAX]; /* numbers that the last samples had, as far as the kept batches say */
};

/*
 * spool_open - make the folder, look through it, and say where the chain goes on.
 *
 * key     of the batches; NULL: signatures are not looked at
 * intact  every batch is signed by key, follows the one before and has the records that it was signed over
 * Errors  IO DENIED (FILE): the folder cannot be used; FORMAT: the last batch cannot be read, so that nothing can follow it
 */
ATT_MUST_USE enum att_err spool_open(struct spool *s, bool *intact, const char *folder,
                                     int64_t limit, const struct att_pubkey *key,
                                     struct att_diag *diag);

/* The number that the channel's next sample has. */
uint64_t spool_next_sequence(const struct spool *s, const char *channel);
void spool_note_sequence(struct spool *s, const char *channel, uint64_t sequence);

/* Keep a batch, durably; then drop what is above the limit. IO (ST_FULL, FILE) */
ATT_MUST_USE enum att_err spool_keep(struct spool *s, uint64_t number, struct att_slice file,
                                     const uint8_t head[ATT_HEAD_LEN], struct att_diag *diag);
/* Keep what batches name, once. */
ATT_MUST_USE enum att_err spool_keep_spec(struct spool *s, const struct att_spec *spec,
                                          struct att_diag *diag);
ATT_MUST_USE enum att_err spool_keep_label(struct spool *s, struct att_slice label, int64_t iat,
                                           const uint8_t digest[32], struct att_diag *diag);
/* A kept batch. NOT_FOUND: it was dropped. */
ATT_MUST_USE enum att_err spool_read(struct att_buf **out, const struct spool *s, uint64_t number,
                                     struct att_diag *diag);

#endif
