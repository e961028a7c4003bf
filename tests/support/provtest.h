/* Samples of a small specification, made as a gateway makes them, for tests of everything behind. */
#ifndef TESTS_PROVTEST_H
#define TESTS_PROVTEST_H

#include "prov/batch.h"
#include "prov/channels.h"
#include "prov/check.h"
#include "prov/data.h"
#include "prov/spec.h"

#define PROV_CHANNELS_MAX 8

/* A gateway that samples: specification, what it showed, and the numbers that come next. */
struct prov_gateway {
    struct att_spec *spec;
    struct att_channels *channels;
    uint64_t sequence[PROV_CHANNELS_MAX]; /* of the last sample */
    struct att_gateway_facts facts;
    uint64_t clock_ms;
};

/* Specification text with channels in front of relations; NULL for the usual one (level-a, level-b, temperature). */
void prov_start(struct prov_gateway *g, const char *yaml);
void prov_stop(struct prov_gateway *g);
/* The usual specification. */
extern const char prov_yaml[];

/* A Modbus answer of one register. Returns frame. */
struct att_slice prov_register(uint8_t frame[4], uint16_t v);
/*
 * A sample of a channel as the gateway makes it: value computed, checks run, past kept. frame is borrowed. why, if not
 * NULL, gets the first failed check.
 */
struct att_sample prov_sample(struct prov_gateway *g, const char *channel, struct att_slice frame,
                              struct att_diag *why);
/* The same from a sample whose frames, identity and times are given; the rest is filled in. */
void prov_finish(struct prov_gateway *g, struct att_sample *s, struct att_diag *why);

/* What a statement needs beside its samples: numbers from 1 on. */
struct att_batch_statement prov_draft(const struct prov_gateway *g, uint64_t number,
                                      const uint8_t previous[ATT_HEAD_LEN]);

#endif
