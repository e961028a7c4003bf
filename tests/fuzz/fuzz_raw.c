/*
 * A raw frame of any source: what gives a number gives it within 18 digits, as a decimal that counts the same steps.
 *
 * Five bytes choose the bus, the type, the orders and decimals, the function and the count.
 */
#include <string.h>

#include "fuzz.h"
#include "prov/wire.h"

#define CHOICE 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_channel_source source = {0};
    struct att_channel_wire wire = {0};
    struct att_diag diag = {0};
    struct att_decimal d = {0};
    int64_t raw = 0;
    int64_t again = 0;

    if (size < CHOICE || size > CHOICE + ATT_FRAME_MAX)
        return 0;
    source.bus = (enum att_bus)(data[0] % ATT_BUS__COUNT);
    source.function = (uint8_t)(1 + data[3] % 4);
    source.count = data[4];
    wire.type = (enum att_wire_type)(data[1] % ATT_WIRE__COUNT);
    wire.little_bytes = (data[2] & 0x80) != 0;
    wire.little_words = (data[2] & 0x40) != 0;
    wire.decimals = wire.type == ATT_WIRE_FLOAT32 || wire.type == ATT_WIRE_TEXT
                        ? (uint8_t)((data[2] & 0x0f) % (ATT_SPEC_DECIMALS_MAX + 1))
                        : 0;
    if ((data[2] & 0x20) != 0)
        memcpy(wire.field, "v", 2);
    if (att_wire_raw(&raw, &source, &wire, att_slice_of(&data[CHOICE], size - CHOICE), &diag) !=
        ATT_OK) {
        HOLDS(diag.reason == ATT_R_PRV_FRAME);
        return 0;
    }
    HOLDS(raw > -INT64_C(1000000000000000000) && raw < INT64_C(1000000000000000000));
    HOLDS(att_wire_decimal(&d, &wire, raw) == ATT_OK && att_decimal_ok(d));
    HOLDS(att_wire_steps(&again, &wire, d) == ATT_OK && again == raw);
    return 0;
}
