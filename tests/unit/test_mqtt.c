/* hw/sensor/mqtt.h against the broker mosquitto, with TLS, and against what is no broker. */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "broker.h"
#include "bytes.h"
#include "hwtest.h"
#include "modbustest.h"
#include "need.h"
#include "sensor/mqtt.h"
#include "suite.h"

#define LIMIT_MS 3000

static struct broker broker;
static const char *const topics[] = {"tank/level", "tank/flow"};

static void set_up(void)
{
    NEED(broker_start(&broker, false));
}

static void tear_down(void)
{
    broker_end(&broker);
}

static struct att_source open_in(struct hw_mqtt_options link, bool retained)
{
    struct att_source s = {0};
    struct hw_mqtt_in_options o = {.link = link,
                                   .topics = topics,
                                   .topic_count = ATT_COUNT(topics),
                                   .qos = 1,
                                   .retained = retained};

    MUST(hw_mqtt_in_open(&s, &o, &diag));
    return s;
}

static enum att_err hear(struct att_source s, const char *topic, struct bytes *b)
{
    struct att_channel_source what = {.bus = ATT_BUS_MQTT};
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    memcpy(what.name, topic, strlen(topic));
    err = s.ops->read(s.ctx, &what, b->p, &b->len, &diag);
    ck_assert(err == ATT_OK || diag.reason == ATT_R_PRV_SOURCE);
    return err;
}

/* This comes, sooner or later; what came before it is passed over. */
static void expect(struct att_source s, const char *topic, const char *text)
{
    struct bytes b = {0};
    bool came = false;

    for (int i = 0; i < 50 && !came; i++) {
        if (hear(s, topic, &b) == ATT_OK)
            came = att_slice_eq(bytes_slice(&b), att_slice_str(text));
    }
    ck_assert_msg(came, "%s never came on %s", text, topic);
}

/* Connected, however busy the machine is, with nothing to hear. */
static void subscribed(struct att_source s, const char *topic)
{
    struct bytes b = {0};
    enum att_err err = ATT_E_NETWORK;

    for (int i = 0; i < 50 && err != ATT_E_BUSY; i++) {
        err = hear(s, topic, &b);
        ck_assert(err == ATT_E_BUSY || err == ATT_E_NETWORK);
        usleep(2000);
    }
    ck_assert_int_eq(err, ATT_E_BUSY);
}

static void expect_err(struct att_source s, const char *topic, enum att_err want)
{
    struct bytes b = {0};

    ck_assert_int_eq(hear(s, topic, &b), want);
}

static void settle(void)
{
    usleep(100000); /* until the broker has passed on what it took */
}

START_TEST(read__gives_the_newest_of_each_topic)
{
    struct att_source s = open_in(broker_options(&broker, "in", 300), false);

    subscribed(s, "tank/level");
    broker_publish(&broker, "tank/level", "4.25", false);
    broker_publish(&broker, "tank/flow", "{\"flow\": 1.5}", false);
    settle();
    expect(s, "tank/level", "4.25");
    expect(s, "tank/flow", "{\"flow\": 1.5}");
    expect_err(s, "tank/level", ATT_E_BUSY);
    broker_publish(&broker, "tank/level", "4.26", false);
    broker_publish(&broker, "tank/level", "4.27", false);
    settle();
    expect(s, "tank/level", "4.27");
    expect_err(s, "other", ATT_E_CONFIG);
    s.ops->close(s.ctx);
}
END_TEST

START_TEST(read__passes_over_what_was_kept)
{
    struct att_source fresh = open_in(broker_options(&broker, "a", 300), false);
    struct att_source kept = open_in(broker_options(&broker, "b", LIMIT_MS), true);

    broker_publish(&broker, "tank/level", "old", true);
    subscribed(fresh, "tank/level");
    expect(kept, "tank/level", "old");
    broker_publish(&broker, "tank/level", "new", true);
    settle();
    expect(fresh, "tank/level", "new"); /* it came while we were there: nothing old about it */
    fresh.ops->close(fresh.ctx);
    kept.ops->close(kept.ctx);
}
END_TEST

START_TEST(read__bounds_a_payload)
{
    struct att_source s = open_in(broker_options(&broker, "in", 300), false);
    char text[ATT_FRAME_MAX + 2] = "";

    subscribed(s, "tank/level");
    memset(text, '1', ATT_FRAME_MAX + 1);
    broker_publish(&broker, "tank/level", text, false);
    settle();
    expect_err(s, "tank/level", ATT_E_FORMAT);
    expect_err(s, "tank/level", ATT_E_BUSY);
    text[ATT_FRAME_MAX] = '\0';
    broker_publish(&broker, "tank/level", text, false);
    settle();
    expect(s, "tank/level", text);
    broker_publish(&broker, "tank/level", "", false);
    settle();
    expect_err(s, "tank/level", ATT_E_FORMAT);
    s.ops->close(s.ctx);
}
END_TEST

START_TEST(read__finds_a_broker_that_comes_back)
{
    struct att_source s = open_in(broker_options(&broker, "in", 500), false);

    subscribed(s, "tank/level");
    broker_stop(&broker);
    expect_err(s, "tank/level", ATT_E_NETWORK);
    usleep(5000);
    expect_err(s, "tank/level", ATT_E_NETWORK);
    broker_again(&broker);
    subscribed(s, "tank/level");
    broker_publish(&broker, "tank/level", "5", false);
    settle();
    expect(s, "tank/level", "5");
    s.ops->close(s.ctx);
}
END_TEST

static void never_connects(struct hw_mqtt_options o)
{
    struct att_source s = open_in(o, false);
    int64_t start = att_clock_mono_ms();

    expect_err(s, "tank/level", ATT_E_NETWORK);
    ck_assert_int_lt(att_clock_mono_ms() - start, o.limit_ms + 1000);
    s.ops->close(s.ctx);
}

START_TEST(read__trusts_one_broker_alone)
{
    struct hw_mqtt_options o = broker_options(&broker, "in", LIMIT_MS);

    o.ca = broker_file(&broker, "other.pem");
    never_connects(o); /* certified by somebody else */
    o = broker_options(&broker, "in", LIMIT_MS);
    o.host = "127.0.0.1";
    never_connects(o); /* not the name in its certificate */
    o = broker_options(&broker, "in", LIMIT_MS);
    o.certificate = o.key = NULL;
    never_connects(o); /* it wants to know us */
    o = broker_options(&broker, "in", LIMIT_MS);
    o.ca = "/nowhere.pem";
    never_connects(o);
    o = broker_options(&broker, "in", 300);
    o.plain = true;
    o.ca = o.certificate = o.key = NULL;
    never_connects(o);
}
END_TEST

START_TEST(read__of_a_broker_that_says_nothing_is_over_in_time)
{
    struct hw_mqtt_options o = broker_options(&broker, "in", 300);
    struct modbustest deaf = modbustest_deaf();
    uint16_t mute = 0;
    int fd = broker_mute(&mute);

    o.port = deaf.port;
    never_connects(o);
    o.port = mute;
    never_connects(o);
    o.plain = true;
    o.ca = o.certificate = o.key = NULL;
    never_connects(o);
    close(fd);
    never_connects(o); /* and now nobody is there at all */
}
END_TEST

static struct hw_mqtt_out *open_out(int limit_ms, size_t bytes)
{
    struct hw_mqtt_options o = broker_options(&broker, "out", limit_ms);
    struct hw_mqtt_out *q = NULL;

    MUST(hw_mqtt_out_open(&q, &o, bytes, &diag));
    return q;
}

static enum att_err send_text(struct hw_mqtt_out *q, const char *text, uint64_t *number)
{
    return hw_mqtt_out_send(q, "tank/level", att_slice_str(text), number, NULL);
}

START_TEST(work__sends_and_tells_what_the_broker_has)
{
    struct att_source s = open_in(broker_options(&broker, "in", 300), false);
    struct hw_mqtt_out *q = open_out(LIMIT_MS, 100000);
    uint64_t number = 0;

    ck_assert_uint_eq(hw_mqtt_out_acknowledged(q), 0);
    subscribed(s, "tank/flow");
    for (int i = 1; i <= 100; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        ck_assert_int_eq(send_text(q, text, &number), ATT_OK);
        ck_assert_uint_eq(number, (uint64_t)i);
    }
    ck_assert_uint_eq(hw_mqtt_out_waiting(q), 100);
    MUST(hw_mqtt_out_work(q, &diag));
    ck_assert_uint_eq(hw_mqtt_out_acknowledged(q), 100);
    ck_assert_uint_eq(hw_mqtt_out_waiting(q), 0);
    settle();
    expect(s, "tank/level", "100");
    hw_mqtt_out_freep(&q);
    s.ops->close(s.ctx);
}
END_TEST

START_TEST(work__loses_nothing_while_the_broker_is_away)
{
    struct hw_mqtt_out *q = open_out(LIMIT_MS, 100000);
    struct att_source s = {0};
    uint64_t number = 0;

    ck_assert_int_eq(send_text(q, "1", &number), ATT_OK);
    MUST(hw_mqtt_out_work(q, &diag));
    broker_stop(&broker);
    ck_assert_int_eq(send_text(q, "2", &number), ATT_OK);
    ck_assert_int_eq(send_text(q, "3", &number), ATT_OK);
    ck_assert_int_eq(hw_mqtt_out_work(q, NULL), ATT_E_NETWORK);
    ck_assert_uint_eq(hw_mqtt_out_acknowledged(q), 1);
    ck_assert_uint_eq(hw_mqtt_out_waiting(q), 2);
    broker_again(&broker);
    s = open_in(broker_options(&broker, "in", 500), false);
    subscribed(s, "tank/level");
    usleep(5000);
    MUST(hw_mqtt_out_work(q, &diag));
    ck_assert_uint_eq(hw_mqtt_out_acknowledged(q), 3);
    settle();
    expect(s, "tank/level", "3");
    hw_mqtt_out_freep(&q);
    s.ops->close(s.ctx);
}
END_TEST

START_TEST(send__bounds_the_queue)
{
    struct hw_mqtt_out *q = open_out(LIMIT_MS, 10);
    uint64_t number = 77;

    ck_assert_int_eq(send_text(q, "12345678901", &number), ATT_E_LIMIT);
    ck_assert_int_eq(send_text(q, "1234567", &number), ATT_OK);
    ck_assert_int_eq(send_text(q, "8901", &number), ATT_E_BUSY);
    ck_assert_int_eq(send_text(q, "890", &number), ATT_OK);
    ck_assert_uint_eq(number, 2);
    MUST(hw_mqtt_out_work(q, &diag));
    for (int i = 0; i < HW_MQTT_QUEUE_MAX; i++)
        ck_assert_int_eq(send_text(q, "", &number), ATT_OK);
    ck_assert_int_eq(send_text(q, "", &number), ATT_E_BUSY);
    ck_assert_int_eq(hw_mqtt_out_send(q, "a/#", att_slice_str(""), &number, NULL), ATT_E_CONFIG);
    while (hw_mqtt_out_waiting(q) > 0)
        MUST(hw_mqtt_out_work(q, &diag));
    ck_assert_uint_eq(hw_mqtt_out_acknowledged(q), 2 + HW_MQTT_QUEUE_MAX);
    hw_mqtt_out_freep(&q);
}
END_TEST

START_TEST(open__refuses_what_cannot_be)
{
    static const char *const wild[] = {"tank/#"};
    const struct hw_mqtt_options good = broker_options(&broker, "in", 300);
    struct hw_mqtt_options bad[8];
    struct hw_mqtt_in_options in = {.link = good, .topics = wild, .topic_count = 1};
    struct hw_mqtt_out *q = NULL;
    struct att_source s = {0};

    for (size_t i = 0; i < ATT_COUNT(bad); i++)
        bad[i] = good;
    bad[0].host = NULL;
    bad[1].client_id = "";
    bad[2].ca = NULL;
    bad[3].plain = true;
    bad[4].key = NULL;
    bad[5].limit_ms = 0;
    bad[6].limit_ms = 60001;
    bad[7].client_id = "0123456789012345678901234567890123456789012345678901234567890123456789";
    for (size_t i = 0; i < ATT_COUNT(bad); i++)
        ck_assert_int_eq(hw_mqtt_out_open(&q, &bad[i], 1, NULL), ATT_E_CONFIG);
    ck_assert_int_eq(hw_mqtt_in_open(&s, &in, NULL), ATT_E_CONFIG);
    in.topics = topics;
    in.qos = 3;
    ck_assert_int_eq(hw_mqtt_in_open(&s, &in, NULL), ATT_E_CONFIG);
    ck_assert(q == NULL && s.ops == NULL);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {read__gives_the_newest_of_each_topic, 0},
        {read__passes_over_what_was_kept, 0},
        {read__bounds_a_payload, 0},
        {read__finds_a_broker_that_comes_back, 0},
        {read__trusts_one_broker_alone, 0},
        {read__of_a_broker_that_says_nothing_is_over_in_time, 0},
        {work__sends_and_tells_what_the_broker_has, 0},
        {work__loses_nothing_while_the_broker_is_away, 0},
        {send__bounds_the_queue, 0},
        {open__refuses_what_cannot_be, 0},
    };
    const struct suite_fixture fixture = {set_up, tear_down};
    struct broker here;

    if (!broker_start(&here, true)) {
        puts("mosquitto, mosquitto_pub or openssl is not here");
        return 77;
    }
    broker_end(&here);
    return SUITE_RUN_ROWS("mqtt", rows, &fixture);
}
