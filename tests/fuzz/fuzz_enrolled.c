/*
 * What an agent kept of its enrolment is written again as the same bytes; certificates that stand one behind the other
 * are cut into pieces of the input, in order. The first byte chooses: even the enrolment, odd certificates (3 modulo 4:
 * what is behind the last stays with it).
 */
#include <string.h>

#include "agent/measurer/certs.h"
#include "agent/measurer/state.h"
#include "cbor_mutate.h"
#include "fuzz.h"

#define CERTS    4
#define CERT_MAX 1024

static void enrolment(struct att_slice in)
{
    static struct agent_ident ident;
    uint8_t room[8192];
    struct att_slice again;
    struct att_diag diag = {0};

    if (agent_ident_parse(&ident, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_CBOR || diag.reason == ATT_R_FMT_VERSION);
        return;
    }
    HOLDS(agent_ident_encode(&again, room, sizeof(room), &ident, &diag) == ATT_OK);
    HOLDS(att_slice_eq(again, in));
    HOLDS(agent_ident_encode(&again, room, in.len - 1, &ident, &diag) != ATT_OK);
}

static void certificates(struct att_slice in, bool padded)
{
    struct att_slice cert[CERTS];
    size_t count = 0;
    const struct agent_certs to = {
        .cert = cert, .count = &count, .max = CERTS, .cert_max = CERT_MAX};
    const uint8_t *at = in.p;

    agent_certs_cut(&to, in, padded);
    HOLDS(count <= CERTS);
    for (size_t i = 0; i < count; i++) {
        HOLDS(cert[i].p >= at && cert[i].len > 0 && cert[i].len <= CERT_MAX);
        at = cert[i].p + cert[i].len;
        HOLDS(at <= in.p + in.len);
        HOLDS(padded || (cert[i].p[0] == 0x30 && cert[i].p[1] == 0x82));
    }
    HOLDS(!padded || in.len == 0 || in.len > CERT_MAX || count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data + (size > 0), size > 0 ? size - 1 : 0);

    if (size > 0 && data[0] % 2 == 1) {
        certificates(in, data[0] % 4 == 3);
    } else if (size > 0) {
        enrolment(in);
    }
    return 0;
}

FUZZ_MUTATES_CBOR(1)
