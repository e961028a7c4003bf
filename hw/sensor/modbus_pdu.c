#include "sensor/modbus_pdu.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/rd.h"

#define COILS_MAX      2000
#define REGISTERS_MAX  125
#define WRITE_COILS    1968
#define WRITE_WORDS    123
#define EXCEPTION_FLAG 0x80
#define COIL_ON        0xff00
#define MEI_IDENTIFY   14
#define MORE_FOLLOWS   0xff
#define OBJECT_MAX     250

static enum att_err refuse(struct att_diag *diag, const char *field, const char *text)
{
    return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_SOURCE, field, "%s", text);
}

const char *hw_pdu_exception(uint8_t code)
{
    static const char *const words[] = {
        [1] = "illegal function",
        [2] = "illegal data address",
        [3] = "illegal data value",
        [4] = "server device failure",
        [5] = "acknowledge: the device is still at work",
        [6] = "server device busy",
        [8] = "memory parity error",
        [10] = "gateway path unavailable",
        [11] = "gateway target device failed to respond",
    };

    return code < ATT_COUNT(words) && words[code] != NULL ? words[code] : "unknown exception";
}

static bool is_bits(uint8_t function)
{
    return function == 1 || function == 2;
}

static size_t bytes_of(uint8_t function, uint32_t count)
{
    return is_bits(function) ? (count + 7) / 8 : 2 * (size_t)count;
}

static void put16(uint8_t *to, uint32_t v)
{
    to[0] = (uint8_t)(v >> 8);
    to[1] = (uint8_t)v;
}

enum att_err hw_pdu_read_request(uint8_t out[HW_PDU_READ], const struct att_channel_source *what,
                                 struct att_diag *diag)
{
    uint32_t most = is_bits(what->function) ? COILS_MAX : REGISTERS_MAX;

    if (what->function < 1 || what->function > 4)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "function",
                        "expected function 1, 2, 3 or 4, found %u", what->function);
    if (what->count < 1 || what->count > most)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "count",
                        "expected 1 to %u with function %u, found %u", most, what->function,
                        what->count);
    if ((uint32_t)what->address + what->count > 65536)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "address",
                        "%u from %u reach beyond 65535", what->count, what->address);
    out[0] = what->function;
    put16(out + 1, what->address);
    put16(out + 3, what->count);
    return ATT_OK;
}

size_t hw_pdu_wrap(uint8_t out[HW_PDU_ADU_MAX], uint16_t tid, uint8_t unit, struct att_slice pdu)
{
    if (pdu.len > HW_PDU_MAX)
        return 0;
    put16(out, tid);
    put16(out + 2, 0);
    put16(out + 4, (uint32_t)pdu.len + 1);
    out[6] = unit;
    memcpy(out + HW_PDU_HEAD, pdu.p, pdu.len);
    return HW_PDU_HEAD + pdu.len;
}

enum att_err hw_pdu_unwrap(struct att_slice *pdu, struct att_slice adu, uint16_t tid, uint8_t unit,
                           struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(adu);
    uint16_t got_tid = att_rd_u16be(&r);
    uint16_t protocol = att_rd_u16be(&r);
    uint16_t length = att_rd_u16be(&r);
    size_t behind = att_rd_left(&r);
    uint8_t got_unit = att_rd_u8(&r);

    if (!att_rd_ok(&r))
        return refuse(diag, "MBAP", "the answer ends inside its header");
    if (ATT_GUARD(MODBUS_TRANSACTION, got_tid != tid))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_SOURCE, "MBAP transaction",
                        "expected %u, found %u: the answer to another request", tid, got_tid);
    if (protocol != 0)
        return refuse(diag, "MBAP protocol", "expected 0, found another: this is no Modbus");
    if (ATT_GUARD(MODBUS_LENGTH, length != behind))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_SOURCE, "MBAP length",
                        "the header says %u bytes, the message has %zu", length, behind);
    if (ATT_GUARD(MODBUS_UNIT, got_unit != unit))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_SOURCE, "unit",
                        "expected an answer of unit %u, found %u", unit, got_unit);
    *pdu = att_rd_rest(&r);
    return ATT_OK;
}

enum att_err hw_pdu_function_check(uint8_t *code, struct att_slice pdu, uint8_t function,
                                   struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(pdu);
    uint8_t got = att_rd_u8(&r);
    bool exception = got == (function | EXCEPTION_FLAG);
    uint8_t why = exception ? att_rd_u8(&r) : 0;

    *code = 0;
    if (!att_rd_ok(&r) || (exception && (att_rd_left(&r) != 0 || why == 0)))
        return refuse(diag, "function", "the answer ends early, or is no whole exception");
    if (ATT_GUARD(MODBUS_FUNCTION, !exception && got != function))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_SOURCE, "function",
                        "expected the answer to function %u, found %u", function, got);
    *code = why;
    return !exception ? ATT_OK
                      : att_fail(diag, ATT_E_IO, ATT_R_PRV_SOURCE, "function",
                                 "the device refuses function %u: exception %u, %s", function, why,
                                 hw_pdu_exception(why));
}

enum att_err hw_pdu_read_check(struct att_slice pdu, const struct att_channel_source *what,
                               struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(pdu);
    size_t want = bytes_of(what->function, what->count);
    uint8_t bytes = 0;

    att_rd_skip(&r, 1);
    bytes = att_rd_u8(&r);
    if (!att_rd_ok(&r))
        return refuse(diag, "byte count", "the answer ends before it");
    if (ATT_GUARD(MODBUS_BYTE_COUNT, bytes != want || att_rd_left(&r) != want))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_SOURCE, "byte count",
                        "expected %zu bytes of data, the answer says %u and has %zu", want, bytes,
                        att_rd_left(&r));
    return ATT_OK;
}

/* A request to write, taken apart: what it sets, and where its values stand. */
struct write {
    uint8_t function;
    uint16_t address, count;
    struct att_slice values; /* as an answer to read would have them */
    uint8_t coil;            /* the value of function 5, of which values is made */
};

static bool is_single(uint8_t function)
{
    return function == 5 || function == 6;
}

static enum att_err single_parse(struct write *w, struct att_rd *r, struct att_diag *diag)
{
    struct att_rd look = *r;
    uint16_t value = att_rd_u16be(&look);

    w->count = 1;
    if (w->function == 6) {
        w->values = att_rd_bytes(r, 2);
        return ATT_OK;
    }
    if (value != 0 && value != COIL_ON)
        return refuse(diag, "coil", "expected 0x0000 or 0xff00, found another value (AP 6.5)");
    att_rd_skip(r, 2);
    w->coil = value != 0;
    w->values = att_slice_of(&w->coil, 1);
    return ATT_OK;
}

static enum att_err many_parse(struct write *w, struct att_rd *r, struct att_diag *diag)
{
    uint32_t most = w->function == 15 ? WRITE_COILS : WRITE_WORDS;
    uint8_t bytes = 0;

    w->count = (uint16_t)att_rd_count16be(r, most);
    bytes = att_rd_u8(r);
    if (!att_rd_ok(r) || w->count == 0 || bytes != bytes_of(w->function == 15 ? 1 : 3, w->count))
        return refuse(diag, "command", "count and byte count of the values do not fit");
    w->values = att_rd_bytes(r, bytes);
    return ATT_OK;
}

static enum att_err write_parse(struct write *w, struct att_slice request, struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(request);

    *w = (struct write){.function = att_rd_u8(&r)};
    w->address = att_rd_u16be(&r);
    if (!is_single(w->function) && w->function != 15 && w->function != 16)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_PRV_SOURCE, "command",
                        "expected a request of function 5, 6, 15 or 16, found %u", w->function);
    enum att_err err = is_single(w->function) ? single_parse(w, &r, diag) : many_parse(w, &r, diag);
    if (err == ATT_OK && att_rd_end(&r) != ATT_OK)
        return refuse(diag, "command", "it is longer or shorter than its function says");
    return err;
}

enum att_err hw_pdu_write_check(struct att_slice request, const struct att_channel_source *what,
                                struct att_diag *diag)
{
    struct write w;
    enum att_err err = write_parse(&w, request, diag);
    bool coils = w.function == 5 || w.function == 15;
    uint32_t from = what->address, until = from + what->count;

    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(MODBUS_WRITE_PLACE, what->function != (coils ? 1 : 3) || w.address < from ||
                                          (uint32_t)w.address + w.count > until))
        return att_fail(diag, ATT_E_DENIED, ATT_R_PRV_SOURCE, "command",
                        "function %u writes %u from %u; this output is %u from %u of function %u",
                        w.function, w.count, w.address, what->count, what->address, what->function);
    return ATT_OK;
}

enum att_err hw_pdu_echo_check(struct att_slice pdu, struct att_slice request,
                               struct att_diag *diag)
{
    /* address and value, or address and count, come back as they went: bytes 1 to 4 of both */
    if (pdu.len != 5 || request.len < 5)
        return refuse(diag, "write", "the confirmation has not the length of one");
    if (ATT_GUARD(MODBUS_ECHO, memcmp(pdu.p, request.p, 5) != 0))
        return refuse(diag, "write", "the device confirms another write than the one it was sent");
    return ATT_OK;
}

void hw_pdu_read_back(struct att_channel_source *back, struct att_slice request,
                      const struct att_channel_source *what)
{
    struct write w;

    *back = *what;
    if (write_parse(&w, request, NULL) != ATT_OK)
        return; /* never: it was checked */
    back->address = w.address;
    back->count = w.count;
}

enum att_err hw_pdu_read_back_check(struct att_slice pdu, struct att_slice request,
                                    struct att_diag *diag)
{
    struct write w;
    struct att_rd r = att_rd_slice(pdu);
    struct att_slice got = {0};
    enum att_err err = write_parse(&w, request, diag);
    bool coils = w.function == 5 || w.function == 15;
    uint8_t spare = (uint8_t)(coils && w.count % 8 != 0 ? 0xff << (w.count % 8) : 0);

    if (err != ATT_OK)
        return err;
    att_rd_skip(&r, 2);
    got = att_rd_rest(&r);
    if (got.len != w.values.len || got.len == 0)
        return refuse(diag, "read-back", "another number of values came back than were written");
    bool same =
        memcmp(got.p, w.values.p, got.len - 1) == 0 &&
        (got.p[got.len - 1] & (uint8_t)~spare) == (w.values.p[got.len - 1] & (uint8_t)~spare);
    if (ATT_GUARD(MODBUS_READ_BACK, !same))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PRV_SOURCE, "read-back",
                        "%u from %u were written and confirmed, and read back as something else",
                        w.count, w.address);
    return ATT_OK;
}

void hw_pdu_identity_request(uint8_t out[HW_PDU_IDENTIFY], uint8_t code, uint8_t object)
{
    const uint8_t request[HW_PDU_IDENTIFY] = {HW_PDU_MEI, MEI_IDENTIFY, code, object};

    memcpy(out, request, sizeof request);
}

/* An identity that is cut would equal another one that is cut: it is refused. */
static enum att_err add_object(struct hw_pdu_identity *id, struct att_slice value,
                               struct att_diag *diag)
{
    size_t at = strlen(id->text), room = sizeof id->text - at;
    char shown[4 * OBJECT_MAX + 1]; /* every byte escaped */
    int n;

    att_escape(shown, sizeof shown, value.p, value.len);
    n = snprintf(id->text + at, room, "%s%s", id->objects == 0 ? "" : "; ", shown);
    if (n < 0 || (size_t)n >= room || id->objects >= HW_PDU_OBJECTS) {
        id->text[at] = '\0';
        return att_fail(diag, ATT_E_LIMIT, ATT_R_PRV_SOURCE, "identification",
                        "more than %d objects, or than %zu characters in all", HW_PDU_OBJECTS,
                        sizeof id->text - 1);
    }
    id->objects++;
    return ATT_OK;
}

static enum att_err objects_read(struct hw_pdu_identity *id, struct att_rd *r, uint32_t count,
                                 struct att_diag *diag)
{
    for (uint32_t i = 0; i < count; i++) {
        struct att_slice value;
        uint32_t len;

        att_rd_skip(r, 1); /* the object's number: the order says what it is */
        len = att_rd_count8(r, OBJECT_MAX);
        value = att_rd_bytes(r, len);
        if (!att_rd_ok(r))
            return refuse(diag, "identification", "an object ends early");
        enum att_err err = add_object(id, value, diag);
        if (err != ATT_OK)
            return err;
    }
    return att_rd_end(r) == ATT_OK ? ATT_OK
                                   : refuse(diag, "identification", "bytes behind the last object");
}

enum att_err hw_pdu_identity_read(struct hw_pdu_identity *id, struct att_slice pdu,
                                  struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(pdu);
    uint8_t function = att_rd_u8(&r);
    uint8_t mei = att_rd_u8(&r);

    att_rd_skip(&r, 2); /* read code and conformity level */
    uint8_t more = att_rd_u8(&r);
    uint8_t next = att_rd_u8(&r);
    uint32_t count = att_rd_count8(&r, HW_PDU_OBJECTS);

    if (!att_rd_ok(&r) || function != HW_PDU_MEI || mei != MEI_IDENTIFY || count == 0)
        return refuse(diag, "identification", "no answer to function 43/14");
    if (more != 0 && (more != MORE_FOLLOWS || next == 0))
        return refuse(diag, "identification", "says neither that it ends nor where it goes on");
    id->next = more == MORE_FOLLOWS ? next : 0;
    return objects_read(id, &r, count, diag);
}

enum att_err hw_pdu_server_id_read(struct hw_pdu_identity *id, struct att_slice pdu,
                                   struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(pdu);
    uint8_t function = att_rd_u8(&r);
    uint8_t bytes = att_rd_u8(&r);

    if (!att_rd_ok(&r) || function != HW_PDU_SERVER_ID || bytes < 2 || bytes != att_rd_left(&r))
        return refuse(diag, "server id", "no answer to function 17");
    /* the server's id, then 0x00 or 0xff for "is running": a state, no identity; then what the maker says */
    struct att_slice server = att_rd_bytes(&r, 1);
    char number[8];

    snprintf(number, sizeof number, "%u", server.p[0]);
    att_rd_skip(&r, 1);
    enum att_err err = add_object(id, att_slice_str(number), diag);
    return err != ATT_OK ? err : add_object(id, att_rd_rest(&r), diag);
}
