/* What the files of the event log share: the parsed log. */
#ifndef ATT_TCG_EVLOG_INTERNAL_H
#define ATT_TCG_EVLOG_INTERNAL_H

#include "tcg/evlog.h"

#define ATT_EV_NO_ACTION   0x00000003U
#define ATT_EV_HCRTM_EVENT 0x80000010U

struct att_evlog {
    bool crypto_agile;
    bool locality_told; /* a StartupLocality event was seen: the first one counts */
    int locality;
    enum att_hash bank[ATT_PCR_BANKS];
    size_t bank_count;
    struct att_event *event;
    size_t count;
    size_t cap;
    size_t consumed;
};

#endif
