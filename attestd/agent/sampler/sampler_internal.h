/* The state of the sampler, for the files that it is made of. */
#ifndef ATTESTD_AGENT_SAMPLER_INTERNAL_H
#define ATTESTD_AGENT_SAMPLER_INTERNAL_H

#include "agent/measurer/agent.h"
#include "agent/measurer/datakey.h"
#include "agent/sampler/devices.h"
#include "agent/sampler/drift.h"
#include "agent/sampler/publish.h"
#include "agent/sampler/spool.h"
#include "appraise/label.h"
#include "prov/channels.h"
#include "sign/signer.h"

/* One channel at work. */
struct sampled {
    int64_t due;     /* ms of the monotonic clock */
    int64_t late_at; /* when what comes by itself should have come */
    bool lost, second_lost, stimulus_lost;
    bool met; /* a sample of it was taken in this run */
    int64_t identity_at;
    char identity[ATT_PROV_NAME];
    uint8_t check[ATT_CHECKS]; /* of the sample before, for the log */
    bool has_signed;
    struct att_past_sample signed_last;
};

struct sampler {
    struct agent *agent; /* borrowed */
    struct att_spec *spec;
    struct att_channels *channels;
    struct devices *devices;
    struct att_batch *batch;
    struct att_signer *signer;
    struct att_diag refusal; /* what the TPM said to the last signature */
    struct publisher *publisher;
    struct spool spool;
    char folder[STATE_PATH_MAX];
    struct att_gateway_facts facts;
    uint8_t label[32];     /* digest of the label in force */
    uint64_t clock_ms;     /* of the TPM, when it was read last */
    int64_t clock_mono_ms; /* and what the system's clock that nobody sets said then */
    struct drift drift;
    int64_t close_at;
    uint64_t closed;
    uint8_t frame[3][ATT_FRAME_MAX];
    struct sampled channel[ATT_SPEC_CHANNELS_MAX];
};

/* Sign what was gathered, keep and publish it; or drop it, when it may not be signed. An error ends the sampler. */
ATT_MUST_USE enum att_err sampler_close(struct sampler *s, struct att_diag *diag);

#endif
