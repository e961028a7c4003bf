/*
 * Answers of Modbus devices. The first four bytes say what was asked for; the rest is the answer by TCP to
 * transaction 1 of unit 1, or a command that an output is to be sent.
 */
#include <stdbool.h>
#include <string.h>

#include "codec/utf8.h"
#include "fuzz.h"
#include "sensor/modbus_pdu.h"

/* What is taken for an answer has all that was asked for, and no byte that was not. */
static void answer_to_read(struct att_slice pdu, const struct att_channel_source *what)
{
    uint8_t request[HW_PDU_READ];
    size_t each = what->function <= 2 ? ((size_t)what->count + 7) / 8 : 2 * (size_t)what->count;

    if (hw_pdu_read_request(request, what, NULL) != ATT_OK)
        return;
    if (hw_pdu_read_check(pdu, what, NULL) == ATT_OK)
        HOLDS(pdu.len == 2 + each && pdu.p[1] == each && pdu.len <= HW_PDU_MAX);
}

/* The answer that has the very values is the only one that is taken. */
static void values_come_back(struct att_slice request, const struct att_channel_source *back)
{
    bool coils = request.p[0] == 5 || request.p[0] == 15, many = request.p[0] > 6;
    size_t len = coils ? ((size_t)back->count + 7) / 8 : 2 * (size_t)back->count;
    uint8_t pdu[HW_PDU_MAX] = {coils ? 1 : 3, (uint8_t)len};

    memcpy(pdu + 2, request.p + (many ? 6 : 3), len);
    if (request.p[0] == 5)
        pdu[2] &= 1;
    HOLDS(hw_pdu_read_back_check(att_slice_of(pdu, 2 + len), request, NULL) == ATT_OK);
    HOLDS(hw_pdu_read_back_check(att_slice_of(pdu, 1 + len), request, NULL) == ATT_E_FORMAT);
    pdu[2] ^= 1;
    HOLDS(hw_pdu_read_back_check(att_slice_of(pdu, 2 + len), request, NULL) == ATT_E_MISMATCH);
}

/* What may be sent reads back inside of the output; an answer equal to it is taken for an equal one. */
static void a_command(struct att_slice request, const struct att_channel_source *what)
{
    struct att_channel_source back;
    uint8_t echo[5], asked[HW_PDU_READ];

    if (hw_pdu_write_check(request, what, NULL) != ATT_OK)
        return;
    hw_pdu_read_back(&back, request, what);
    HOLDS(back.address >= what->address);
    HOLDS(back.address + back.count <= what->address + what->count);
    HOLDS(hw_pdu_read_request(asked, &back, NULL) == ATT_OK);
    memcpy(echo, request.p, sizeof echo);
    HOLDS(hw_pdu_echo_check(att_slice_of(echo, sizeof echo), request, NULL) == ATT_OK);
    echo[2] ^= 1;
    HOLDS(hw_pdu_echo_check(att_slice_of(echo, sizeof echo), request, NULL) == ATT_E_FORMAT);
    HOLDS(hw_pdu_echo_check(att_slice_of(echo, 4), request, NULL) == ATT_E_FORMAT);
    values_come_back(request, &back);
}

/* An identity is a line of printable text, whatever its objects are. */
static void identity(struct att_slice pdu)
{
    struct hw_pdu_identity id = {0};

    for (int i = 0; i < 3; i++)
        if (hw_pdu_identity_read(&id, pdu, NULL) != ATT_OK)
            break;
    if (hw_pdu_server_id_read(&id, pdu, NULL) == ATT_OK)
        HOLDS(id.objects >= 2);
    HOLDS(memchr(id.text, 0, sizeof id.text) != NULL && id.objects <= HW_PDU_OBJECTS);
    HOLDS(att_utf8_ok(att_slice_str(id.text)));
    for (const char *c = id.text; *c != '\0'; c++)
        HOLDS((unsigned char)*c >= ' ' && *c != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_channel_source what = {.bus = ATT_BUS_MODBUS, .unit = 1};
    struct att_slice pdu = {0}, rest = {0};
    uint8_t code = 0, again[HW_PDU_ADU_MAX];

    if (size < 4)
        return 0;
    what.function = data[0];
    what.address = (uint16_t)(data[1] * 257);
    what.count = (uint16_t)(data[2] << 8 | data[3]);
    rest = att_slice_of(data + 4, size - 4);
    a_command(rest, &what);
    identity(rest);
    if (hw_pdu_unwrap(&pdu, rest, 1, 1, NULL) != ATT_OK)
        return 0;
    HOLDS(hw_pdu_wrap(again, 1, 1, pdu) == (pdu.len <= HW_PDU_MAX ? rest.len : 0));
    HOLDS(pdu.len > HW_PDU_MAX || memcmp(again, rest.p, rest.len) == 0);
    hw_pdu_identity_request(again, what.function, data[1]);
    HOLDS(again[0] == HW_PDU_MEI && again[3] == data[1]);
    if (hw_pdu_function_check(&code, pdu, what.function, NULL) == ATT_OK)
        answer_to_read(pdu, &what);
    HOLDS(code == 0 || strlen(hw_pdu_exception(code)) > 0);
    return 0;
}
