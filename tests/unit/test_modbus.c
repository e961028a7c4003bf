/* hw/sensor/modbus.h against libmodbus' own server, by TCP and by RTU, and against devices that are not there. */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "bytes.h"
#include "hwtest.h"
#include "modbustest.h"
#include "sensor/modbus.h"
#include "suite.h"

#define LIMIT_MS 2000

static struct modbustest device;
static struct att_source source;

static void begin(bool rtu)
{
    device = rtu ? modbustest_rtu() : modbustest_tcp();
    source = modbustest_open(&device, LIMIT_MS);
}

static void end(void)
{
    source.ops->close(source.ctx);
    modbustest_stop(&device);
}

static void expect_frame(uint8_t function, uint16_t address, uint16_t count, const char *hex)
{
    struct att_channel_source what = modbustest_at(function, address, count);
    uint8_t frame[ATT_FRAME_MAX];
    size_t len = 0;

    MUST(source.ops->read(source.ctx, &what, frame, &len, &diag));
    bytes_expect_hex(att_slice_of(frame, len), hex);
}

/* _i = 0: TCP, 1: RTU */
START_TEST(read__gives_the_answer_as_it_came)
{
    begin(_i == 1);
    expect_frame(4, 0, 2, "040400640065");
    expect_frame(4, 9, 1, "0402006d");
    expect_frame(3, 0, 1, "03020000");
    expect_frame(2, 0, 10, "02024902");
    expect_frame(1, 0, 3, "010100");
    end();
}
END_TEST

START_TEST(read__tells_an_exception_in_words_and_keeps_the_connection)
{
    struct att_channel_source what = modbustest_at(4, 9, 2);
    uint8_t frame[ATT_FRAME_MAX];
    struct att_diag diag = {0};
    size_t len = 77;

    begin(_i == 1);
    ck_assert_int_eq(source.ops->read(source.ctx, &what, frame, &len, &diag), ATT_E_IO);
    ck_assert_int_eq(diag.reason, ATT_R_PRV_SOURCE);
    ck_assert_ptr_nonnull(strstr(diag.text, "exception 2, illegal data address"));
    ck_assert_uint_eq(len, 77);
    expect_frame(4, 0, 1, "04020064");
    end();
}
END_TEST

START_TEST(describe__gives_all_objects_in_a_line)
{
    struct att_channel_source what = modbustest_at(4, 0, 1);
    char text[ATT_PROV_NAME], few[8];

    begin(false);
    MUST(source.ops->describe(source.ctx, &what, text, sizeof text, &diag));
    ck_assert_str_eq(text, MODBUSTEST_IDENTITY);
    ck_assert_int_eq(source.ops->describe(source.ctx, &what, few, sizeof few, NULL), ATT_E_LIMIT);
    expect_frame(4, 0, 1, "04020064");
    end();
}
END_TEST

START_TEST(describe__asks_a_serial_device_for_its_server_id)
{
    struct att_channel_source what = modbustest_at(4, 0, 1);
    char text[ATT_PROV_NAME];

    begin(true);
    MUST(source.ops->describe(source.ctx, &what, text, sizeof text, &diag));
    ck_assert_str_eq(text, "180; LMB3.1.6");
    end();
}
END_TEST

static enum att_err send_command(struct att_channel_source what, const char *hex)
{
    struct bytes b = bytes_unhex(hex);

    return source.ops->write(source.ctx, &what, b.p, b.len, NULL);
}

START_TEST(write__is_confirmed_and_read_back)
{
    begin(_i == 1);
    ck_assert_int_eq(send_command(modbustest_at(3, 0, 2), "06000101f4"), ATT_OK);
    expect_frame(3, 0, 2, "0304000001f4");
    ck_assert_int_eq(send_command(modbustest_at(3, 0, 2), "10000000020400070008"), ATT_OK);
    expect_frame(3, 0, 2, "030400070008");
    ck_assert_int_eq(send_command(modbustest_at(1, 2, 1), "050002ff00"), ATT_OK);
    ck_assert_int_eq(send_command(modbustest_at(1, 0, 10), "0f0000000a020d03"), ATT_OK);
    expect_frame(1, 0, 10, "01020d03");
    end();
}
END_TEST

START_TEST(write__tells_when_the_device_does_not_follow)
{
    begin(_i == 1);
    ck_assert_int_eq(send_command(modbustest_at(3, 9, 1), "0600090001"), ATT_E_MISMATCH);
    end();
}
END_TEST

START_TEST(write__refuses_what_is_no_command)
{
    static const char *const bad[] = {
        "",           "03000000",         "0600",       "0600000000ff",
        "05000012ff", "1000000002030007", "1000000000", "10000000010400070008"};

    begin(false);
    for (size_t i = 0; i < ATT_COUNT(bad); i++)
        ck_assert_int_eq(send_command(modbustest_at(3, 0, 10), bad[i]), ATT_E_FORMAT);
    expect_frame(3, 0, 2, "030400000000");
    end();
}
END_TEST

/* A limit holds for the call as a whole, and the one after it does not wait at all. */
START_TEST(read__of_a_dead_device_is_over_in_time)
{
    struct modbustest silent = modbustest_liar(LIE_SILENT);
    struct hw_modbus_options o = {.address = "127.0.0.1",
                                  .port = silent.port,
                                  .limit_ms = 200,
                                  .retry_ms = 60000,
                                  .retry_most_ms = 60000};
    struct att_channel_source what = modbustest_at(4, 0, 1);
    uint8_t frame[ATT_FRAME_MAX];
    struct att_diag diag = {0};
    size_t len = 0;
    int64_t start = att_clock_mono_ms(), took;

    ck_assert_int_eq(hw_modbus_open(&source, &o, &diag), ATT_OK);
    ck_assert_int_eq(source.ops->read(source.ctx, &what, frame, &len, &diag), ATT_E_NETWORK);
    took = att_clock_mono_ms() - start;
    ck_assert_int_ge(took, 190);
    ck_assert_int_lt(took, 1500);
    ck_assert_ptr_nonnull(strstr(diag.text, "within 200 ms"));
    start = att_clock_mono_ms();
    ck_assert_int_eq(source.ops->read(source.ctx, &what, frame, &len, &diag), ATT_E_NETWORK);
    ck_assert_int_lt(att_clock_mono_ms() - start, 100);
    ck_assert_ptr_nonnull(strstr(diag.text, "tried again in"));
    source.ops->close(source.ctx);
    modbustest_stop(&silent);
}
END_TEST

START_TEST(read__of_a_device_that_takes_no_connection_is_over_in_time)
{
    struct modbustest deaf = modbustest_deaf();
    struct att_source s = modbustest_open(&deaf, 300);
    struct att_channel_source what = modbustest_at(4, 0, 1);
    uint8_t frame[ATT_FRAME_MAX];
    struct att_diag diag = {0};
    size_t len = 0;
    int64_t start = att_clock_mono_ms();

    ck_assert_int_eq(s.ops->read(s.ctx, &what, frame, &len, &diag), ATT_E_NETWORK);
    ck_assert_int_lt(att_clock_mono_ms() - start, 1500);
    ck_assert_ptr_nonnull(strstr(diag.text, "within 300 ms"));
    s.ops->close(s.ctx);
}
END_TEST

START_TEST(read__finds_a_device_that_comes_back)
{
    struct att_channel_source what = modbustest_at(4, 0, 1);
    uint8_t frame[ATT_FRAME_MAX];
    size_t len = 0;

    begin(false);
    expect_frame(4, 0, 1, "04020064");
    uint16_t port = device.port;
    modbustest_stop(&device);
    ck_assert_int_eq(source.ops->read(source.ctx, &what, frame, &len, NULL), ATT_E_NETWORK);
    device = modbustest_tcp_at(port);
    usleep(2000); /* the wait after a failure is 1 ms here */
    expect_frame(4, 0, 1, "04020064");
    end();
}
END_TEST

START_TEST(open__refuses_what_cannot_be)
{
    const struct hw_modbus_options bad[] = {
        {.limit_ms = 100},
        {.address = "127.0.0.1", .line = "/dev/null", .limit_ms = 100},
        {.address = "plc.example", .limit_ms = 100},
        {.address = "127.0.0.1", .limit_ms = 0},
        {.address = "::1", .limit_ms = 60001},
        {.line = "/dev/null", .parity = 'x', .limit_ms = 100},
    };
    struct att_source s = {0};
    struct att_diag diag = {0};

    for (size_t i = 0; i < ATT_COUNT(bad); i++)
        ck_assert_int_eq(hw_modbus_open(&s, &bad[i], &diag), ATT_E_CONFIG);
    ck_assert_ptr_null(s.ops);
}
END_TEST

START_TEST(read__refuses_a_place_that_no_device_has)
{
    const struct att_channel_source bad[] = {
        modbustest_at(5, 0, 1),   modbustest_at(0, 0, 1),    modbustest_at(4, 0, 0),
        modbustest_at(4, 0, 126), modbustest_at(1, 0, 2001), modbustest_at(3, 65535, 2),
    };
    uint8_t frame[ATT_FRAME_MAX];
    size_t len = 0;

    begin(false);
    for (size_t i = 0; i < ATT_COUNT(bad); i++) {
        ck_assert_int_eq(source.ops->read(source.ctx, &bad[i], frame, &len, NULL), ATT_E_CONFIG);
        expect_frame(4, 0, 1, "04020064"); /* our own mistake is no failure of the device */
    }
    end();
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {read__gives_the_answer_as_it_came, 2},
        {read__tells_an_exception_in_words_and_keeps_the_connection, 2},
        {describe__gives_all_objects_in_a_line, 0},
        {describe__asks_a_serial_device_for_its_server_id, 0},
        {write__is_confirmed_and_read_back, 2},
        {write__tells_when_the_device_does_not_follow, 2},
        {write__refuses_what_is_no_command, 0},
        {read__of_a_dead_device_is_over_in_time, 0},
        {read__of_a_device_that_takes_no_connection_is_over_in_time, 0},
        {read__finds_a_device_that_comes_back, 0},
        {open__refuses_what_cannot_be, 0},
        {read__refuses_a_place_that_no_device_has, 0},
    };

    return SUITE_RUN_ROWS("modbus", rows, NULL);
}
