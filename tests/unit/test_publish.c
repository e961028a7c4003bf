/* attestd/agent/sampler/publish.h against the broker mosquitto, which goes away and comes back; heard by mosquitto_sub. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/measurer/conf.h"
#include "agent/sampler/publish.h"
#include "agent/sampler/spool.h"
#include "broker.h"
#include "hwtest.h"
#include "need.h"
#include "remove_tree.h"
#include "suite.h"

#define TOPIC     "plant/batches"
#define HEARD_MAX 1000
#define TRIES     200

static struct broker broker;
static struct agent_conf conf;
static struct spool spool;
static struct publisher *publisher;
static char top[64], data[96], heard_file[96];
static pid_t listener;

/* Paths of the broker's folder do not stay: each is copied. */
static void wire(const char *ca)
{
    static char path[3][160];
    const char *name[3] = {ca, "client.pem", "client.key"};

    for (size_t i = 0; i < ATT_COUNT(name); i++)
        snprintf(path[i], sizeof path[i], "%s/%s", broker.folder, name[i]);
    conf.data.publish = (struct agent_broker){.host = "localhost",
                                              .port = broker.port,
                                              .client = "gateway-1",
                                              .ca = path[0],
                                              .certificate = path[1],
                                              .key = path[2],
                                              .topic = TOPIC};
}

static void open_publisher(void)
{
    MUST(publish_open(&publisher, &conf, &diag));
    ck_assert_ptr_nonnull(publisher);
}

static void set_up(void)
{
    bool intact = false;

    NEED(broker_start(&broker, false));
    snprintf(top, sizeof top, "/tmp/att-publish-XXXXXX");
    NEED(mkdtemp(top) != NULL);
    snprintf(data, sizeof data, "%s/data", top);
    snprintf(heard_file, sizeof heard_file, "%s/heard", top);
    MUST(spool_open(&spool, &intact, data, INT64_C(1) << 30, NULL, &diag));
    wire("ca.pem");
    open_publisher();
}

static void stop_listening(void)
{
    if (listener > 0) {
        kill(listener, SIGTERM);
        waitpid(listener, NULL, 0);
    }
    listener = 0;
}

static void tear_down(void)
{
    stop_listening();
    publish_close(publisher);
    publisher = NULL;
    broker_end(&broker);
    remove_tree(top);
}

/* --- who listens shares no code with us --- */

static size_t heard(unsigned int out[HEARD_MAX])
{
    char line[64];
    size_t count = 0;
    FILE *f = fopen(heard_file, "r");

    while (f != NULL && count < HEARD_MAX && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "batch %u", &out[count]) == 1)
            count++;
    if (f != NULL)
        fclose(f);
    return count;
}

static bool is_listening(void)
{
    char command[160];

    snprintf(command, sizeof command, "grep -q '^probe %d$' %s 2>/dev/null", (int)listener,
             heard_file);
    return system(command) == 0;
}

static void listen_now(void)
{
    char command[1024], probe[32];

    snprintf(command, sizeof command,
             "cd %s && exec stdbuf -oL mosquitto_sub -h localhost -p %u -q 1 -t '" TOPIC
             "' --cafile ca.pem --cert client.pem --key client.key >>%s 2>/dev/null",
             broker.folder, broker.port, heard_file);
    listener = fork();
    if (listener == 0)
        _exit(execl("/bin/sh", "sh", "-c", command, (char *)NULL));
    snprintf(probe, sizeof probe, "probe %d", (int)listener);
    for (int i = 0; i < TRIES && !is_listening(); i++) {
        broker_publish(&broker, TOPIC, probe, false);
        usleep(50000);
    }
    NEED(is_listening());
}

/* --- batches: what is in them is nobody's business here --- */

static void keep_until(uint64_t last)
{
    uint8_t head[ATT_HEAD_LEN] = {0};
    char text[64];

    while (spool.last < last) {
        uint64_t number = spool.last + 1;

        snprintf(text, sizeof text, "batch %u", (unsigned int)number);
        MUST(spool_keep(&spool, number, att_slice_str(text), head, &diag));
        publish_batch(publisher, &spool);
    }
}

static uint64_t mark(void)
{
    char path[128];
    unsigned long long v = 0;
    FILE *f = NULL;

    snprintf(path, sizeof path, "%s/published", data);
    f = fopen(path, "r");
    if (f != NULL && fscanf(f, "%llu", &v) != 1)
        v = 0;
    if (f != NULL)
        fclose(f);
    return v;
}

static void publish_until(uint64_t want)
{
    for (int i = 0; i < TRIES && mark() < want; i++) {
        publish_batch(publisher, &spool);
        usleep(20000);
    }
    ck_assert_uint_eq(mark(), want);
}

/* Everything from first to last was heard, each after the one before it. Once more may be, but for `once`. */
static void expect_heard(unsigned int first, unsigned int last, bool once)
{
    static unsigned int all[HEARD_MAX];
    unsigned int next = first;
    size_t count = 0;

    for (int i = 0; i < TRIES && next <= last; i++) {
        count = heard(all);
        next = first;
        for (size_t k = 0; k < count; k++)
            next += all[k] == next ? 1 : 0;
        usleep(next <= last ? 20000 : 0);
    }
    ck_assert_msg(next > last, "batch %u never came in order, of %zu that came", next, count);
    for (size_t k = 1; k < count; k++)
        ck_assert_msg(all[k] <= all[k - 1] + 1, "%u came before what is between it and %u", all[k],
                      all[k - 1]);
    if (once)
        ck_assert_uint_eq(count, last - first + 1);
}

START_TEST(publish_batch__gives_all_in_order)
{
    listen_now();
    keep_until(5);
    publish_until(5);
    expect_heard(1, 5, true);
}
END_TEST

/* More of them than the driver holds at once. */
START_TEST(publish_batch__loses_nothing_when_the_broker_goes_away)
{
    listen_now();
    keep_until(3);
    publish_until(3);
    expect_heard(1, 3, true);
    stop_listening();
    broker_stop(&broker);
    keep_until(100);
    ck_assert_uint_eq(mark(), 3); /* what nobody acknowledged is not published */
    broker_again(&broker);
    listen_now();
    publish_until(100);
    expect_heard(1, 100, false);
    keep_until(102);
    publish_until(102);
    expect_heard(1, 102, false);
}
END_TEST

START_TEST(publish_open__goes_on_behind_the_mark)
{
    listen_now();
    keep_until(4);
    publish_until(4);
    publish_close(publisher);
    open_publisher();
    keep_until(7);
    publish_until(7);
    expect_heard(1, 7, true);
}
END_TEST

START_TEST(publish_open__begins_anew_where_the_mark_is_damaged)
{
    char path[128];
    FILE *f = NULL;

    listen_now();
    keep_until(3);
    publish_until(3);
    expect_heard(1, 3, true);
    publish_close(publisher);
    snprintf(path, sizeof path, "%s/published", data);
    f = fopen(path, "w");
    NEED(f != NULL && fputs("999\n", f) >= 0 && fclose(f) == 0);
    open_publisher();
    keep_until(4);
    publish_until(4);
    expect_heard(1, 4, false);
}
END_TEST

/* The limit of the folder took some, and somebody's hand one more. */
START_TEST(publish_batch__passes_over_what_is_gone)
{
    unsigned int all[HEARD_MAX];
    char path[128];

    listen_now();
    keep_until(2);
    publish_until(2);
    stop_listening();
    broker_stop(&broker);
    spool.limit = 80; /* ten of them */
    keep_until(30);
    ck_assert_uint_gt(spool.first, 15);
    snprintf(path, sizeof path, "%s/%012u.batch", data, 27);
    NEED(unlink(path) == 0);
    broker_again(&broker);
    publish_close(publisher);
    open_publisher();
    listen_now();
    publish_until(30);
    for (int i = 0; i < TRIES && (heard(all) == 0 || all[heard(all) - 1] != 30); i++)
        usleep(20000);
    ck_assert_uint_eq(heard(all), 2 + 30 - spool.first + 1 - 1);
    ck_assert_uint_eq(all[2], spool.first);
}
END_TEST

START_TEST(publish_batch__gives_nothing_to_a_stranger)
{
    listen_now();
    publish_close(publisher);
    wire("other.pem");
    open_publisher();
    keep_until(3);
    for (int i = 0; i < 5; i++)
        publish_batch(publisher, &spool);
    ck_assert_uint_eq(mark(), 0);
    ck_assert_uint_eq(heard((unsigned int[HEARD_MAX]){0}), 0);
    publish_close(publisher);
    wire("ca.pem");
    open_publisher();
    publish_until(3);
    expect_heard(1, 3, true);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {publish_batch__gives_all_in_order, 0},
        {publish_batch__loses_nothing_when_the_broker_goes_away, 0},
        {publish_open__goes_on_behind_the_mark, 0},
        {publish_open__begins_anew_where_the_mark_is_damaged, 0},
        {publish_batch__passes_over_what_is_gone, 0},
        {publish_batch__gives_nothing_to_a_stranger, 0},
    };
    const struct suite_fixture fixture = {set_up, tear_down};

    return SUITE_RUN_ROWS("publish", rows, &fixture);
}
