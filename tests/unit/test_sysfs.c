/* hw/sensor/sysfs.h on a tree that is laid out as /sys is: class folders of links, devices below "devices". */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "hwtest.h"
#include "need.h"
#include "remove_tree.h"
#include "sensor/sysfs.h"
#include "suite.h"

#define IIO   "bus/iio/devices/iio:device0"
#define HWMON "class/hwmon/hwmon0"

static char top[64]; /* of everything; "sys" in it is the root */

static const char *at(const char *path)
{
    static char full[512];

    NEED(snprintf(full, sizeof full, "%s/%s", top, path) < (int)sizeof full);
    return full;
}

static void folder(const char *path)
{
    NEED(mkdir(at(path), 0755) == 0);
}

static void attribute(const char *path, const char *text, size_t len)
{
    int fd = open(at(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    NEED(fd >= 0 && write(fd, text, len) == (ssize_t)len && close(fd) == 0);
}

static void text_attribute(const char *path, const char *text)
{
    attribute(path, text, strlen(text));
}

static void link_to(const char *path, const char *target)
{
    NEED(symlink(target, at(path)) == 0);
}

static void set_up(void)
{
    static const char *const folders[] = {"sys",
                                          "sys/bus",
                                          "sys/bus/iio",
                                          "sys/bus/iio/devices",
                                          "sys/class",
                                          "sys/class/hwmon",
                                          "sys/devices",
                                          "sys/devices/adc",
                                          "sys/devices/adc/iio:device0",
                                          "sys/devices/adc/iio:device0/power",
                                          "sys/devices/cpu",
                                          "sys/devices/cpu/hwmon0",
                                          "other"};

    snprintf(top, sizeof top, "/tmp/att-sysfs-XXXXXX");
    NEED(mkdtemp(top) != NULL);
    for (size_t i = 0; i < ATT_COUNT(folders); i++)
        folder(folders[i]);
    link_to("sys/bus/iio/devices/iio:device0", "../../../devices/adc/iio:device0");
    link_to("sys/class/hwmon/hwmon0", "../../devices/cpu/hwmon0");
    text_attribute("sys/" IIO "/name", "ads1115\n");
    text_attribute("sys/" IIO "/in_voltage0_raw", "1234\n");
    text_attribute("sys/" IIO "/in_temp_input", "-40");
    text_attribute("sys/" IIO "/power/control", "auto\n");
    text_attribute("sys/" HWMON "/temp1_input", "42500\n");
    text_attribute("other/secret", "7\n");
}

static void tear_down(void)
{
    remove_tree(top);
}

static struct att_source open_at(const char *device)
{
    struct att_source s = {0};
    char root[128];
    struct hw_sysfs_options o = {.root = root, .device = device};

    snprintf(root, sizeof root, "%s/sys", top);
    MUST(hw_sysfs_open(&s, &o, &diag));
    return s;
}

static enum att_err read_of(const char *device, const char *name, struct bytes *out)
{
    struct att_source s = open_at(device);
    struct att_channel_source what = {.bus = ATT_BUS_SYSFS};
    enum att_err err = ATT_OK;

    NEED(strlen(name) < sizeof what.name);
    memcpy(what.name, name, strlen(name));
    err = s.ops->read(s.ctx, &what, out->p, &out->len, NULL);
    s.ops->close(s.ctx);
    return err;
}

START_TEST(read__gives_the_text_as_it_stands)
{
    struct bytes b = {0};

    ck_assert_int_eq(read_of(IIO, "in_voltage0_raw", &b), ATT_OK);
    bytes_expect_text(bytes_slice(&b), "1234\n");
    ck_assert_int_eq(read_of(IIO, "in_temp_input", &b), ATT_OK);
    bytes_expect_text(bytes_slice(&b), "-40");
    ck_assert_int_eq(read_of(HWMON, "temp1_input", &b), ATT_OK);
    bytes_expect_text(bytes_slice(&b), "42500\n");
    text_attribute("sys/" IIO "/in_voltage0_raw", "1235\n");
    ck_assert_int_eq(read_of(IIO, "in_voltage0_raw", &b), ATT_OK);
    bytes_expect_text(bytes_slice(&b), "1235\n");
}
END_TEST

START_TEST(read__tells_what_is_away_from_what_is_wrong)
{
    static const char many[ATT_FRAME_MAX + 1] = {'1'};
    struct bytes b = {0};

    ck_assert_int_eq(read_of(IIO, "in_voltage9_raw", &b), ATT_E_NETWORK);
    ck_assert_int_eq(read_of("bus/iio/devices/iio:device7", "name", &b), ATT_E_NETWORK);
    attribute("sys/" IIO "/empty", "", 0);
    ck_assert_int_eq(read_of(IIO, "empty", &b), ATT_E_FORMAT);
    attribute("sys/" IIO "/full", many, ATT_FRAME_MAX);
    ck_assert_int_eq(read_of(IIO, "full", &b), ATT_OK);
    ck_assert_uint_eq(b.len, ATT_FRAME_MAX);
    attribute("sys/" IIO "/over", many, sizeof many);
    ck_assert_int_eq(read_of(IIO, "over", &b), ATT_E_FORMAT);
    NEED(mkfifo(at("sys/" IIO "/fifo"), 0644) == 0);
    ck_assert_int_eq(read_of(IIO, "fifo", &b), ATT_E_FORMAT);
    ck_assert_int_eq(read_of(IIO, "power", &b), ATT_E_FORMAT);
}
END_TEST

START_TEST(read__takes_no_path_and_no_link)
{
    static const char *const bad[] = {
        "", ".", "..", "power/control", "../iio:device0/name", "/etc/passwd", "a b"};
    struct bytes b = {0};

    for (size_t i = 0; i < ATT_COUNT(bad); i++)
        ck_assert_int_eq(read_of(IIO, bad[i], &b), ATT_E_CONFIG);
    link_to("sys/" IIO "/out", "../../../../other/secret");
    ck_assert_int_eq(read_of(IIO, "out", &b), ATT_E_DENIED);
    link_to("sys/" IIO "/in", "name");
    ck_assert_int_eq(read_of(IIO, "in", &b), ATT_E_DENIED);
}
END_TEST

START_TEST(open__keeps_the_device_below_the_root)
{
    static const char *const bad[] = {NULL, "", "../other", "bus/../../other", "/etc", "class/out"};
    struct hw_sysfs_options o = {0};
    struct att_source s = {0};
    char root[128];

    snprintf(root, sizeof root, "%s/sys", top);
    link_to("sys/class/out", "../../other");
    o.root = root;
    for (size_t i = 0; i < ATT_COUNT(bad); i++) {
        o.device = bad[i];
        ck_assert_int_eq(hw_sysfs_open(&s, &o, NULL), ATT_E_CONFIG);
    }
    o.root = "/tmp/no such root";
    o.device = IIO;
    ck_assert_int_eq(hw_sysfs_open(&s, &o, NULL), ATT_E_CONFIG);
    ck_assert_ptr_null(s.ops);
}
END_TEST

/* The folder is replaced by a link after it was found good. */
START_TEST(read__does_not_follow_a_device_that_left_the_root)
{
    struct att_source s = open_at(HWMON);
    struct att_channel_source what = {.bus = ATT_BUS_SYSFS, .name = "secret"};
    struct bytes b = {0};

    NEED(unlink(at("sys/class/hwmon/hwmon0")) == 0);
    link_to("sys/class/hwmon/hwmon0", "../../../other");
    ck_assert_int_eq(s.ops->read(s.ctx, &what, b.p, &b.len, NULL), ATT_E_DENIED);
    s.ops->close(s.ctx);
}
END_TEST

START_TEST(describe__is_the_name_of_the_device)
{
    struct att_source iio = open_at(IIO), hwmon = open_at(HWMON);
    struct att_channel_source what = {.bus = ATT_BUS_SYSFS, .name = "in_voltage0_raw"};
    char text[ATT_PROV_NAME], few[4];

    MUST(iio.ops->describe(iio.ctx, &what, text, sizeof text, &diag));
    ck_assert_str_eq(text, "ads1115");
    ck_assert_int_eq(iio.ops->describe(iio.ctx, &what, few, sizeof few, NULL), ATT_E_LIMIT);
    ck_assert_int_eq(hwmon.ops->describe(hwmon.ctx, &what, text, sizeof text, NULL),
                     ATT_E_UNSUPPORTED);
    text_attribute("sys/" HWMON "/name", "k10\x1btemp\n");
    MUST(hwmon.ops->describe(hwmon.ctx, &what, text, sizeof text, &diag));
    ck_assert_ptr_null(strchr(text, '\x1b'));
    ck_assert_int_eq(iio.ops->write(iio.ctx, &what, (const uint8_t *)"1", 1, NULL),
                     ATT_E_UNSUPPORTED);
    iio.ops->close(iio.ctx);
    hwmon.ops->close(hwmon.ctx);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {read__gives_the_text_as_it_stands, 0},
        {read__tells_what_is_away_from_what_is_wrong, 0},
        {read__takes_no_path_and_no_link, 0},
        {open__keeps_the_device_below_the_root, 0},
        {read__does_not_follow_a_device_that_left_the_root, 0},
        {describe__is_the_name_of_the_device, 0},
    };
    const struct suite_fixture fixture = {set_up, tear_down};

    return SUITE_RUN_ROWS("sysfs", rows, &fixture);
}
