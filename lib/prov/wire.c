/* Raw numbers out of frames. Modbus counts bytes itself; text is read by the strict readers of numbers and of JSON. */
#include "prov/wire.h"

#include "base/rd.h"
#include "codec/json.h"

#define FIELD           "frame"
#define EIGHTEEN_DIGITS ((att_i128)1000000000 * 1000000000)

const char *const att_bus_words[ATT_BUS__COUNT] = {"modbus", "sysfs", "mqtt", "line"};
const char *const att_wire_words[ATT_WIRE__COUNT] = {
    "bool", "uint16", "int16", "uint32", "int32", "float32", "bcd16", "bcd32", "text"};
const char *const att_filter_words[ATT_FILTER__COUNT] = {"none", "mean", "median"};

/* MODBUS Application Protocol 1.1b3, section 7 */
#define EXCEPTION_BIT 0x80

unsigned int att_wire_registers(enum att_wire_type type)
{
    static const uint8_t COUNT[ATT_WIRE__COUNT] = {1, 1, 1, 2, 2, 2, 1, 2, 0};

    return COUNT[type];
}

/* --- numbers of registers --- */

static enum att_err read_bcd(int64_t *raw, uint32_t bits, struct att_diag *diag)
{
    int64_t v = 0;

    for (int shift = 28; shift >= 0; shift -= 4) {
        uint32_t digit = bits >> shift & 15;

        if (digit > 9)
            return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_FRAME, FIELD,
                            "expected four bits of a decimal digit, found %u", digit);
        v = v * 10 + (int64_t)digit;
    }
    *raw = v;
    return ATT_OK;
}

/*
 * IEEE 754 binary32 in steps of 10^-decimals: mantissa * 2^(exponent - 150) * 10^decimals, of whole numbers only.
 * mantissa * 10^9 is below 2^54.
 */
static enum att_err read_float(int64_t *raw, uint32_t bits, uint8_t decimals, struct att_diag *diag)
{
    uint32_t exponent = bits >> 23 & 255;
    att_i128 v = bits & 0x7fffff;
    int shift = exponent == 0 ? -149 : (int)exponent - 150;

    if (exponent == 255)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_FRAME, FIELD,
                        "expected a number, found NaN or an infinity (%08x)", bits);
    if (exponent != 0)
        v += 0x800000;
    for (uint8_t i = 0; i < decimals; i++)
        v *= 10;
    if (shift < -60)
        v = 0;
    else if (shift < 0)
        v = att_i128_divide(v, (att_i128)1 << -shift, ATT_ROUND_HALF_EVEN);
    else if (v != 0)
        v = shift < 60 ? v * ((att_i128)1 << shift) : EIGHTEEN_DIGITS;
    if (v >= EIGHTEEN_DIGITS)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_PRV_FRAME, FIELD,
                        "expected at most 18 digits, %d of them decimals, found binary32 %08x",
                        decimals, bits);
    *raw = bits >> 31 != 0 ? -(int64_t)v : (int64_t)v;
    return ATT_OK;
}

static enum att_err read_register(int64_t *raw, const struct att_channel_wire *wire, uint32_t bits,
                                  struct att_diag *diag)
{
    switch (wire->type) {
    case ATT_WIRE_BOOL:
        *raw = bits & 1;
        return ATT_OK;
    case ATT_WIRE_INT16:
        *raw = (int16_t)bits;
        return ATT_OK;
    case ATT_WIRE_INT32:
        *raw = (int32_t)bits;
        return ATT_OK;
    case ATT_WIRE_FLOAT32:
        return read_float(raw, bits, wire->decimals, diag);
    case ATT_WIRE_BCD16:
    case ATT_WIRE_BCD32:
        return read_bcd(raw, bits, diag);
    case ATT_WIRE_UINT16:
    case ATT_WIRE_UINT32:
    case ATT_WIRE_TEXT:
        break;
    }
    *raw = bits;
    return ATT_OK;
}

static uint32_t one_register(struct att_rd *r, bool little_bytes)
{
    uint32_t v = att_rd_u16be(r);

    return little_bytes ? (v >> 8 | v << 8) & 0xffff : v;
}

static enum att_err registers(int64_t *raw, const struct att_channel_wire *wire, struct att_rd *r,
                              struct att_diag *diag)
{
    uint32_t first = one_register(r, wire->little_bytes);
    uint32_t second = 0;

    if (att_wire_registers(wire->type) < 2)
        return read_register(raw, wire, first, diag);
    second = one_register(r, wire->little_bytes);
    return read_register(raw, wire,
                         wire->little_words ? second << 16 | first : first << 16 | second, diag);
}

/* function, byte count, data: each of them what was asked for. */
static enum att_err read_modbus(int64_t *raw, const struct att_channel_source *source,
                                const struct att_channel_wire *wire, struct att_slice frame,
                                struct att_diag *diag)
{
    struct att_rd r = att_rd_from(frame.p, frame.len);
    bool bits = source->function <= 2;
    size_t expected = bits ? (source->count + 7U) / 8U : source->count * 2U;
    uint8_t function = att_rd_u8(&r);
    uint8_t count = att_rd_u8(&r);

    if (att_rd_ok(&r) && function == (source->function | EXCEPTION_BIT))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_FRAME, FIELD,
                        "expected an answer, found Modbus exception %d", count);
    if (!att_rd_ok(&r) || function != source->function || count != expected ||
        frame.len != 2 + expected)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_FRAME, FIELD,
                        "expected function %d and %zu bytes, found function %d and %d bytes of %zu",
                        source->function, expected, function, count,
                        frame.len > 2 ? frame.len - 2 : 0);
    if (bits && expected > 0) {
        *raw = att_rd_u8(&r) & 1;
        return ATT_OK;
    }
    if (source->count < att_wire_registers(wire->type) || wire->type == ATT_WIRE_TEXT)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_FRAME, FIELD,
                        "expected %u registers for %s, found %d", att_wire_registers(wire->type),
                        att_wire_words[wire->type], source->count);
    return registers(raw, wire, &r, diag);
}

/* --- numbers of text --- */

enum att_err att_wire_steps(int64_t *out, const struct att_channel_wire *wire, struct att_decimal d)
{
    att_i128 v = 0;
    enum att_err err = ATT_OK;

    if (d.exponent + wire->decimals < 0)
        return ATT_E_MISMATCH;
    err = att_i128_shift(&v, d.mantissa, d.exponent + wire->decimals);
    if (err == ATT_OK && (v >= EIGHTEEN_DIGITS || v <= -EIGHTEEN_DIGITS))
        err = ATT_E_LIMIT;
    if (err == ATT_OK)
        *out = (int64_t)v;
    return err;
}

enum att_err att_wire_decimal(struct att_decimal *out, const struct att_channel_wire *wire,
                              int64_t raw)
{
    return att_decimal_make(out, raw, -(int)wire->decimals);
}

typedef enum att_err parse_fn(struct att_decimal *out, struct att_slice text);

static enum att_err number(int64_t *raw, const struct att_channel_wire *wire, struct att_slice text,
                           parse_fn *parse, struct att_diag *diag)
{
    char shown[64];
    struct att_decimal d = {0};
    enum att_err err = parse(&d, text);

    if (err == ATT_OK)
        err = att_wire_steps(raw, wire, d);
    if (err == ATT_OK)
        return ATT_OK;
    return att_fail(
        diag, err == ATT_E_FORMAT ? ATT_E_FORMAT : ATT_E_LIMIT, ATT_R_PRV_FRAME, FIELD,
        "expected a decimal number of at most 18 digits, %d of them decimals, found \"%s\"",
        wire->decimals, att_escape(shown, sizeof(shown), text.p, text.len));
}

static enum att_err member(int64_t *raw, const struct att_channel_wire *wire, struct att_slice text,
                           struct att_diag *diag)
{
    struct att_slice found = {0};
    enum att_err err = att_json_number(&found, text, wire->field, NULL);

    if (err == ATT_OK)
        return number(raw, wire, found, att_decimal_parse_json, diag);
    if (err == ATT_E_NOMEM)
        return att_fail(diag, err, ATT_R_NOMEM, FIELD, "no memory");
    return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_FRAME, FIELD,
                    "expected a JSON object with a number \"%s\"", wire->field);
}

enum att_err att_wire_raw(int64_t *raw, const struct att_channel_source *source,
                          const struct att_channel_wire *wire, struct att_slice frame,
                          struct att_diag *diag)
{
    if (source->bus == ATT_BUS_MODBUS)
        return read_modbus(raw, source, wire, frame, diag);
    if (wire->type != ATT_WIRE_TEXT)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_FRAME, FIELD, "expected text from %s",
                        att_bus_words[source->bus]);
    if (frame.len > 0 && frame.p[frame.len - 1] == '\n')
        frame.len--;
    return wire->field[0] == '\0' ? number(raw, wire, frame, att_decimal_parse, diag)
                                  : member(raw, wire, frame, diag);
}
