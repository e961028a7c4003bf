/* What an agent kept of its data key, and of the TPM's last refusal, is written again as the same bytes. The first byte
 * chooses: even the key, odd the refusal. */
#include "agent/measurer/datakey.h"
#include "cbor_mutate.h"
#include "fuzz.h"

FUZZ_MUTATES_CBOR(1)

static void key(struct att_slice in)
{
    static struct data_key k;
    uint8_t room[8192];
    struct att_slice again;
    struct att_diag diag = {0};

    if (data_key_parse(&k, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_CBOR || diag.reason == ATT_R_FMT_VERSION);
        return;
    }
    HOLDS(data_key_encode(&again, room, sizeof(room), &k, &diag) == ATT_OK);
    HOLDS(att_slice_eq(again, in));
    HOLDS(data_key_encode(&again, room, in.len - 1, &k, &diag) != ATT_OK);
}

static void refusal(struct att_slice in)
{
    struct data_refusal r;
    uint8_t room[1024];
    struct att_slice again;
    struct att_diag diag = {0};

    if (data_refusal_parse(&r, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_CBOR);
        return;
    }
    HOLDS(r.utc_s >= 0 && r.code[0] != '\0');
    HOLDS(data_refusal_encode(&again, room, sizeof(room), &r) == ATT_OK);
    HOLDS(att_slice_eq(again, in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data + (size > 0), size > 0 ? size - 1 : 0);

    if (size > 0 && data[0] % 2 == 1) {
        refusal(in);
    } else if (size > 0) {
        key(in);
    }
    return 0;
}
