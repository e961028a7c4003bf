/* Frames that are no answer to what was asked: devices on the wire that lie, and commands that reach too far. */
#include <check.h>
#include <string.h>

#include "attack.h"
#include "bytes.h"
#include "modbustest.h"
#include "sensor/modbus.h"

#define LIMIT_MS 1000

/* One read of two registers from a device that lies; its time is bounded whatever the device does. */
static enum att_err read_of(enum modbustest_lie lie, int limit_ms, struct att_diag *diag)
{
    struct modbustest d = modbustest_liar(lie);
    struct att_source s = modbustest_open(&d, limit_ms);
    struct att_channel_source what = modbustest_at(4, 0, 2);
    uint8_t frame[ATT_FRAME_MAX];
    size_t len = 0;
    int64_t start = attack_now_ms();
    enum att_err err = s.ops->read(s.ctx, &what, frame, &len, diag);

    ck_assert_int_lt(attack_now_ms() - start, limit_ms + 1000);
    s.ops->close(s.ctx);
    modbustest_stop(&d);
    return err;
}

static void refused(enum modbustest_lie lie, enum att_err want, const char *field)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(read_of(lie, LIMIT_MS, &diag), want);
    ck_assert_int_eq(diag.reason, ATT_R_PRV_SOURCE);
    ck_assert_str_eq(diag.field, field);
}

START_TEST(another_transaction)
{
    ck_assert_int_eq(read_of(LIE_NONE, LIMIT_MS, NULL), ATT_OK);
    refused(LIE_TRANSACTION, ATT_E_FORMAT, "MBAP transaction");
    refused(LIE_PROTOCOL, ATT_E_FORMAT, "MBAP protocol");
}
END_TEST

START_TEST(another_unit)
{
    refused(LIE_UNIT, ATT_E_FORMAT, "unit");
}
END_TEST

START_TEST(another_length)
{
    refused(LIE_LENGTH, ATT_E_FORMAT, "MBAP length");
}
END_TEST

START_TEST(another_function)
{
    refused(LIE_FUNCTION, ATT_E_FORMAT, "function");
}
END_TEST

START_TEST(another_count)
{
    refused(LIE_FEWER, ATT_E_FORMAT, "byte count");
    refused(LIE_MORE, ATT_E_FORMAT, "byte count");
    refused(LIE_ODD, ATT_E_FORMAT, "byte count");
}
END_TEST

/* libmodbus bounds what it takes; slow, cut and endless answers end with the limit of the call. */
START_TEST(broken_answers)
{
    struct att_diag diag = {0};

    refused(LIE_OVERSIZED, ATT_E_FORMAT, "source");
    refused(LIE_TRUNCATED, ATT_E_NETWORK, "source");
    refused(LIE_EXCEPTION, ATT_E_IO, "function");
    refused(LIE_EXCEPTION_LONG, ATT_E_FORMAT, "MBAP length");
    ck_assert_int_eq(read_of(LIE_SILENT, 150, &diag), ATT_E_NETWORK);
    ck_assert_int_eq(read_of(LIE_DRIP, 150, &diag), ATT_E_NETWORK);
}
END_TEST

/* Two reads: what comes as the second is the answer to the second, or nothing. */
static void second_read_is_the_second(enum modbustest_lie lie, int limit_ms, long nap_ms,
                                      enum att_err first)
{
    struct modbustest d = modbustest_liar(lie);
    struct att_source s = modbustest_open(&d, limit_ms);
    struct att_channel_source what = modbustest_at(4, 0, 1);
    uint8_t frame[ATT_FRAME_MAX];
    size_t len = 0;

    ck_assert_int_eq(s.ops->read(s.ctx, &what, frame, &len, NULL), first);
    attack_nap_ms(nap_ms);
    ck_assert_int_eq(s.ops->read(s.ctx, &what, frame, &len, NULL), ATT_OK);
    bytes_expect_hex(att_slice_of(frame, len), "04020002");
    s.ops->close(s.ctx);
    modbustest_stop(&d);
}

START_TEST(answers_again)
{
    second_read_is_the_second(LIE_TWICE, LIMIT_MS, 300, ATT_OK);
    second_read_is_the_second(LIE_LATE, 500, 1200, ATT_E_NETWORK);
}
END_TEST

/* One register by RTU, twice, with some time between. */
static void on_line(enum modbustest_lie lie, enum att_err first, enum att_err second)
{
    struct modbustest d = modbustest_rtu_liar(lie);
    struct att_source s = modbustest_open(&d, 500);
    struct att_channel_source what = modbustest_at(4, 0, 1);
    uint8_t frame[ATT_FRAME_MAX];
    size_t len = 0;

    ck_assert_int_eq(s.ops->read(s.ctx, &what, frame, &len, NULL), first);
    attack_nap_ms(lie == LIE_LATE ? 1200 : 100);
    ck_assert_int_eq(s.ops->read(s.ctx, &what, frame, &len, NULL), second);
    if (second == ATT_OK)
        bytes_expect_hex(att_slice_of(frame, len), "04020002");
    s.ops->close(s.ctx);
    modbustest_stop(&d);
}

/* libmodbus checks the sum, and gives nothing for another unit; what stands in the input is dropped by us. */
START_TEST(lies_on_a_line)
{
    on_line(LIE_NONE, ATT_OK, ATT_OK);
    on_line(LIE_TWICE, ATT_OK, ATT_OK);
    on_line(LIE_LATE, ATT_E_NETWORK, ATT_OK);
    on_line(LIE_UNIT, ATT_E_FORMAT, ATT_E_FORMAT);
    on_line(LIE_PROTOCOL, ATT_E_FORMAT, ATT_E_FORMAT);
    on_line(LIE_TRUNCATED, ATT_E_FORMAT, ATT_E_FORMAT);
    on_line(LIE_FUNCTION, ATT_E_FORMAT, ATT_E_FORMAT);
}
END_TEST

static enum att_err write_to(enum modbustest_lie lie, struct att_channel_source what,
                             const char *hex)
{
    struct modbustest d = modbustest_liar(lie);
    struct att_source s = modbustest_open(&d, LIMIT_MS);
    struct bytes b = bytes_unhex(hex);
    enum att_err err = s.ops->write(s.ctx, &what, b.p, b.len, NULL);

    s.ops->close(s.ctx);
    modbustest_stop(&d);
    return err;
}

/* The liar's registers read as the number of the request: 2 when it is read back. */
START_TEST(confirms_another_write)
{
    ck_assert_int_eq(write_to(LIE_NONE, modbustest_at(3, 0, 2), "0600010002"), ATT_OK);
    ck_assert_int_eq(write_to(LIE_ECHO, modbustest_at(3, 0, 2), "0600010002"), ATT_E_FORMAT);
}
END_TEST

START_TEST(does_not_follow)
{
    ck_assert_int_eq(write_to(LIE_NONE, modbustest_at(3, 0, 2), "0600010003"), ATT_E_MISMATCH);
}
END_TEST

START_TEST(writes_elsewhere)
{
    ck_assert_int_eq(write_to(LIE_NONE, modbustest_at(3, 0, 1), "0600010200"), ATT_E_DENIED);
    ck_assert_int_eq(write_to(LIE_NONE, modbustest_at(3, 1, 1), "100000000204020002ff"),
                     ATT_E_DENIED);
    ck_assert_int_eq(write_to(LIE_NONE, modbustest_at(4, 1, 1), "0600010200"), ATT_E_DENIED);
    ck_assert_int_eq(write_to(LIE_NONE, modbustest_at(3, 1, 1), "050001ff00"), ATT_E_DENIED);
}
END_TEST

static enum att_err identity_of(enum modbustest_lie lie)
{
    struct modbustest d = modbustest_liar(lie);
    struct att_source s = modbustest_open(&d, LIMIT_MS);
    struct att_channel_source what = modbustest_at(4, 0, 1);
    char text[ATT_PROV_NAME];
    enum att_err err = s.ops->describe(s.ctx, &what, text, sizeof text, NULL);

    s.ops->close(s.ctx);
    modbustest_stop(&d);
    return err;
}

START_TEST(identities_that_lie)
{
    ck_assert_int_eq(identity_of(LIE_NONE), ATT_OK);
    ck_assert_int_eq(identity_of(LIE_IDENTITY_LOOP), ATT_E_LIMIT);
    ck_assert_int_eq(identity_of(LIE_IDENTITY_SHORT), ATT_E_FORMAT);
    ck_assert_int_eq(identity_of(LIE_UNIT), ATT_E_FORMAT);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"P-source-transaction", another_transaction, 0, 0},
        {"P-source-unit", another_unit, 0, 0},
        {"P-source-length", another_length, 0, 0},
        {"P-source-function", another_function, 0, 0},
        {"P-source-count", another_count, 0, 0},
        {"P-source-broken", broken_answers, 0, 0},
        {"P-source-again", answers_again, 0, 0},
        {"P-source-line-rtu", lies_on_a_line, 0, 0},
        {"P-source-echo", confirms_another_write, 0, 0},
        {"P-source-read-back", does_not_follow, 0, 0},
        {"P-source-place", writes_elsewhere, 0, 0},
        {"P-source-identity", identities_that_lie, 0, 0},
    };

    return attack_rows("source", rows, ATT_COUNT(rows));
}
