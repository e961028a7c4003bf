/* Specifications as deterministic CBOR: one encoding of each, and nothing that the text would refuse. */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/digest.h"
#include "need.h"
#include "prov/spec_internal.h"
#include "spectest.h"

/* Without the count of its entries, and without its last one. */
#define TANK_WITHOUT_END                                                                           \
    "01656c6576656c0282654c6576656c66e6b0b4e4bd8d03860063706c6301040001048501f4f400600582c48203"   \
    "04c4820402068183c4820000c48200190e0f6b62726f6b656e2d776972650785011a6955b9001a6b36ec80f482c4" \
    "8221387cc48226190c3508616d09c48222010a000b1903e80c1903e80e82c4822002c482201830"
#define TANK_CHANNEL   "ae" TANK_WITHOUT_END "16f5"
#define TANK_CBOR      "a60101026474616e6b030104826454616e6b63e6a7bd05821903e818400681" TANK_CHANNEL
#define TANK_DIGEST    "629777eae9eafe19907d7da689671b7b30faa6b49632ce28f5fe79cf00ce031f"
#define CHANNEL_DIGEST "f9b21191f889c7acfdc37ad786304aaed85c17c40dc2a010f65da777a465d649"

static void is_hex(struct att_slice in, const char *hex)
{
    char *text = malloc(2 * in.len + 1);

    NEED(text != NULL);
    ck_assert_str_eq(att_hex_encode(text, 2 * in.len + 1, in), hex);
    free(text);
}

/* The YAML and the hex of the page's example. */
static void read_page(char *yaml, size_t yaml_cap, char *hex, size_t hex_cap)
{
    FILE *f = fopen("docs/formats/specification.md", "r");
    char line[512];
    char *to = NULL;
    size_t n = 0, cap = 0;

    ck_assert_msg(f != NULL, "run from the top of the tree");
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "```", 3) == 0) {
            to = strcmp(line + 3, "yaml\n") == 0  ? yaml
                 : strcmp(line + 3, "hex\n") == 0 ? hex
                                                  : NULL;
            cap = to == yaml ? yaml_cap : hex_cap;
            n = 0;
            continue;
        }
        for (size_t i = 0; to != NULL && line[i] != '\0' && (to == yaml || line[i] != '#'); i++) {
            NEED(n + 1 < cap);
            if (to == yaml || !isspace((unsigned char)line[i])) {
                to[n++] = line[i];
                to[n] = '\0';
            }
        }
    }
    (void)fclose(f);
}

START_TEST(spec__the_documented_bytes_are_those)
{
    char yaml[2048] = "", hex[2048] = "";
    struct att_spec *s = NULL;

    read_page(yaml, sizeof(yaml), hex, sizeof(hex));
    s = spec_of(yaml);
    ck_assert_str_eq(hex, TANK_CBOR);
    is_hex(att_buf_slice(s->bytes), TANK_CBOR);
    is_hex(att_slice_of(s->digest, 32), TANK_DIGEST);
    is_hex(att_slice_of(s->channel[0].digest, 32), CHANNEL_DIGEST);
    att_spec_free(s);
}
END_TEST

START_TEST(spec__both_forms_are_one)
{
    struct att_spec *s = spec_of(spec_text);
    struct att_spec *again = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_spec_decode(&again, att_buf_slice(s->bytes), &diag), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(s->bytes), att_buf_slice(again->bytes)));
    ck_assert_mem_eq(s->digest, again->digest, 32);
    for (size_t i = 0; i < s->channel_count; i++) {
        ck_assert_mem_eq(s->channel[i].digest, again->channel[i].digest, 32);
    }
    att_spec_free(again);
    att_spec_free(s);
}
END_TEST

START_TEST(spec__a_channel_keeps_its_digest_when_another_changes)
{
    struct att_spec *a = spec_of(spec_text);
    struct att_spec *b = spec_with("high: 4.8", "high: 4.7");
    size_t other = 0;

    ck_assert_mem_ne(a->digest, b->digest, 32);
    for (size_t i = 0; i < a->channel_count; i++) {
        bool same = memcmp(a->channel[i].digest, b->channel[i].digest, 32) == 0;

        ck_assert_int_eq(same, strcmp(a->channel[i].id, "level-a") != 0);
        other += same ? 1 : 0;
    }
    ck_assert_uint_eq(other, a->channel_count - 1);
    att_spec_free(a);
    att_spec_free(b);
}
END_TEST

/* Everything of a channel is in its digest: each of these gives another. */
static const struct {
    const char *from, *to;
} COUNTS[] = {
    {"id: level-a\n", "id: level-aa\n"}, /* nothing else names it here */
    {"en: Level A", "en: Level AA"},
    {"ja: 水位 A", "ja: 水位 AA"},
    {"address: 0, count: 1", "address: 7, count: 1"},
    {"bytes: little", "bytes: big"},
    {"until: 2027-01-01, table", "until: 2027-01-02, table"},
    {"[12000, 2.5]", "[12000, 2.6]"},
    {"rounding: half-away", "rounding: half-even"},
    {"max_age: 2s", "max_age: 3s"},
    {"median: 5", "median: 7"},
    {"low: 0.2", "low: 0.3"},
    {"in: 1s", "in: 2s"},
    {"least: 0.001", "least: 0.002"},
    {"over: 16", "over: 17"},
    {"FMX21 / 4711", "FMX21 / 4712"},
    {"quarantine: false", "quarantine: true"},
    {"topic: plant/level-a", "topic: plant/level-b"},
    {"low: 2.4", "low: 2.3"},
};

START_TEST(spec__everything_of_a_channel_is_in_its_digest)
{
    static const char *const NAMES[] = {"level-a", "level-aa"};
    struct att_spec *a = spec_of(spec_text);
    char text[16384];
    char *relations = NULL;
    struct att_spec *b = NULL;
    const struct att_channel *c = NULL;

    (void)spec_text_with(text, sizeof(text), COUNTS[_i].from, COUNTS[_i].to);
    relations = strstr(text, "redundancy:");
    NEED(relations != NULL);
    (void)snprintf(relations, 256,
                   "feedback:\n  - {id: valve, command: valve-command, feedback: "
                   "valve-position, tolerance: 1, settling: 10s, fail_safe: 0}\n");
    b = spec_of(text);
    c = att_spec_channel(b, NAMES[_i == 0 ? 1 : 0]);
    ck_assert_ptr_nonnull(c);
    ck_assert_ptr_null(att_spec_channel_of(a, c->digest));
    att_spec_free(a);
    att_spec_free(b);
}
END_TEST

/* --- refused --- */

/* TANK_CBOR with the first `from` as `to`, both in hexadecimal. */
static const struct {
    const char *from, *to;
    enum att_err err;
} REFUSED[] = {
    {"a6010102", "a6010202", ATT_E_UNSUPPORTED},           /* another format */
    {"a60101", "a50101", ATT_E_FORMAT},                    /* one entry less than there is */
    {"a60101", "a70101", ATT_E_TRUNCATED},                 /* and one more */
    {"a6010102", "a6010103", ATT_E_FORMAT},                /* a key that is not there */
    {"6474616e6b", "6454616e6b", ATT_E_CONFIG},            /* an id with a capital */
    {"0301", "0300", ATT_E_CONFIG},                        /* version 0 */
    {"0301", "031a80000000", ATT_E_CONFIG},                /* and too large a one */
    {"821903e81840", "8218631840", ATT_E_CONFIG},          /* a batch of 99 ms */
    {"821903e81840", "821a05265c011840", ATT_E_LIMIT},     /* of more than a day */
    {"821903e81840", "831903e8184000", ATT_E_LIMIT},       /* three things instead of two */
    {"63e6a7bd", "6365c285", ATT_E_CONFIG},                /* a title with a C1 control */
    {"63e6a7bd", "63e6a7ff", ATT_E_FORMAT},                /* that is no UTF-8 */
    {"0681ae", "0680ae", ATT_E_TRAILING},                  /* no channels */
    {"860063706c63", "850063706c63", ATT_E_FORMAT},        /* registers without a count */
    {"860063706c63", "860463706c63", ATT_E_LIMIT},         /* an unknown bus */
    {"63706c630104", "63504c430104", ATT_E_CONFIG},        /* a device with capitals */
    {"706c6301040001", "706c63190100040001", ATT_E_LIMIT}, /* a unit of 256 */
    {"706c6301040001", "706c6301050001", ATT_E_CONFIG},    /* function 5 */
    {"706c6301040001", "706c6301040002", ATT_E_CONFIG},    /* two registers of uint16 */
    {"8501f4f40060", "8509f4f40060", ATT_E_LIMIT},         /* an unknown type */
    {"8501f4f40060", "8501f4f50060", ATT_E_CONFIG},        /* words of one register */
    {"8501f4f40060", "8501f4f40260", ATT_E_CONFIG},        /* decimals of uint16 */
    {"8501f4f40060", "8501f4f4006178", ATT_E_CONFIG},      /* a field of uint16 */
    {"0582c4820304", "0582c4820404", ATT_E_CONFIG},        /* min above max */
    {"0582c4820304", "0582c482021828", ATT_E_FORMAT},      /* 40 * 10^2: another spelling */
    {"0582c4820304", "0582c5820304", ATT_E_FORMAT},        /* bigfloat */
    {"0582c4820304", "0582c483030400", ATT_E_LIMIT},       /* three numbers of a decimal */
    {"0582c4820304", "0582c48104", ATT_E_FORMAT},          /* and one */
    {"0582c4820304", "0582c4821304", ATT_E_LIMIT},         /* 10^19 */
    {"0582c4820304", "0582c482001b8000000000000000", ATT_E_LIMIT},  /* 2^63 */
    {"0582c4820304", "0582c482003b7fffffffffffffff", ATT_E_FORMAT}, /* -2^63: 19 digits */
    {"0582c4820304", "0582c4820100", ATT_E_FORMAT},                 /* 0 * 10^1 */
    {"0582c4820304", "0582f97e00", ATT_E_FORMAT},                   /* NaN */
    {"0582c4820304", "0582fb40af400000000000", ATT_E_FORMAT},       /* 4000.0 as binary64 */
    {"068183", "068182", ATT_E_FORMAT},                             /* a fault without a meaning */
    {"6b62726f6b656e2d77697265", "60", ATT_E_CONFIG},               /* of none */
    {"0785011a6955b9001a6b36ec80", "0785011a6b36ec801a6955b900",
     ATT_E_CONFIG},                         /* until before from */
    {"0785011a", "0785001a", ATT_E_CONFIG}, /* a calibration of version 0 */
    {"6b36ec80f482c48221387c", "6b36ec80f582c48221387c", ATT_E_FORMAT}, /* a table of numbers */
    {"80f482c48221387cc48226190c35", "80f481c48221387c", ATT_E_CONFIG}, /* one coefficient */
    {"08616d", "086120", ATT_E_CONFIG},                                 /* a blank is no unit */
    {"09c4822201", "09c4822220", ATT_E_CONFIG},                         /* a resolution below 0 */
    {"0a000b", "0a050b", ATT_E_LIMIT},                      /* an unknown rule of rounding */
    {"0b1903e8", "0b00", ATT_E_CONFIG},                     /* no period */
    {"0b1903e8", "0b1b7fffffffffffffff", ATT_E_LIMIT},      /* a very long one */
    {"0e82c4822002", "0d8200010e82c4822002", ATT_E_FORMAT}, /* one entry more than the map has */
    {"16f5", "15f416f5", ATT_E_FORMAT},
    {"16f5", "16f6", ATT_E_FORMAT},                                 /* quarantine: null */
    {"16f5", "17f5", ATT_E_FORMAT},                                 /* nothing of quarantine */
    {TANK_CHANNEL, "af" TANK_WITHOUT_END "15f416f5", ATT_E_FORMAT}, /* output: false says nothing */
    {"ae01656c6576656c02", "ad02", ATT_E_FORMAT},                   /* nothing of an id */
};

/* Hexadecimal with one part as another. */
static size_t changed(uint8_t *out, size_t cap, const char *from, const char *to)
{
    const char *at = strstr(TANK_CBOR, from);
    char hex[2048];
    size_t len = 0;

    if (at == NULL) {
        return 0;
    }
    (void)snprintf(hex, sizeof(hex), "%.*s%s%s", (int)(at - TANK_CBOR), TANK_CBOR, to,
                   at + strlen(from));
    NEED(att_hex_decode(out, cap, &len, hex, strlen(hex)) == ATT_OK);
    return len;
}

static enum att_err decode(struct att_slice in)
{
    struct att_spec *s = NULL;
    struct att_diag diag = {0};
    enum att_err err = att_spec_decode(&s, in, &diag);

    if (err != ATT_OK) {
        ck_assert_ptr_null(s);
        ck_assert_int_eq(diag.reason, ATT_R_CFG_SPEC);
    }
    att_spec_free(s);
    return err;
}

START_TEST(spec_decode__refuses_what_the_text_would)
{
    uint8_t in[1024];
    size_t len = changed(in, sizeof(in), REFUSED[_i].from, REFUSED[_i].to);
    enum att_err err = ATT_OK;

    ck_assert_msg(len > 0, "row %d is not in the bytes", _i);
    err = decode(att_slice_of(in, len));
    ck_assert_msg(err == REFUSED[_i].err, "row %d: expected %s, found %s", _i,
                  att_err_name(REFUSED[_i].err), att_err_name(err));
}
END_TEST

START_TEST(spec_decode__every_beginning_is_refused)
{
    struct att_spec *s = spec_of(spec_text);
    struct att_slice whole = att_buf_slice(s->bytes);
    uint8_t more[4096];

    for (size_t len = 0; len < whole.len; len++) {
        ck_assert_int_eq(decode(att_slice_of(whole.p, len)), ATT_E_TRUNCATED);
    }
    NEED(whole.len < sizeof(more));
    memcpy(more, whole.p, whole.len);
    more[whole.len] = 0;
    ck_assert_int_eq(decode(att_slice_of(more, whole.len + 1)), ATT_E_TRAILING);
    att_spec_free(s);
}
END_TEST

START_TEST(spec_decode__what_is_too_large_is_refused_unread)
{
    uint8_t *large = calloc(1, ATT_SPEC_FILE_MAX + 1);

    NEED(large != NULL);
    ck_assert_int_eq(decode(att_slice_of(large, ATT_SPEC_FILE_MAX + 1)), ATT_E_LIMIT);
    free(large);
}
END_TEST

/* Channels and relations in another order, or twice, are another encoding of what could be said in one. */
static const char *const ORDER[] = {"level-b", "level-a", "horn", "flow", "door", "air"};

START_TEST(spec_decode__ids_rise)
{
    struct att_spec *s = spec_of(spec_text);
    uint8_t in[4096];
    struct att_slice whole = att_buf_slice(s->bytes);
    const char *id = ORDER[_i];
    uint8_t *at = NULL;

    memcpy(in, whole.p, whole.len);
    at = memmem(in, whole.len, id, strlen(id));
    NEED(at != NULL);
    *at = strcmp(id, "air") == 0 ? 'z' : 'a';
    at[1] = 'a';
    ck_assert_int_eq(decode(att_slice_of(in, whole.len)), ATT_E_CONFIG);
    att_spec_free(s);
}
END_TEST

/* Relations point at channels by number: one that is not there, and one that stands twice. */
START_TEST(spec_decode__members_are_channels_in_order)
{
    static const uint8_t PAIR[] = {0x82, 4, 5}; /* level-a and level-b */
    static const uint8_t BAD[][3] = {{0x82, 4, 23}, {0x82, 4, 4}, {0x82, 5, 4}, {0x82, 4, 8}};
    struct att_spec *s = spec_of(spec_text);
    struct att_slice whole = att_buf_slice(s->bytes);
    uint8_t in[4096];

    for (size_t i = 0; i < ATT_COUNT(BAD); i++) {
        uint8_t *at = NULL;

        memcpy(in, whole.p, whole.len);
        at = memmem(in + whole.len - 160, 160, PAIR, sizeof(PAIR));
        NEED(at != NULL);
        memcpy(at, BAD[i], sizeof(PAIR));
        ck_assert_int_eq(decode(att_slice_of(in, whole.len)), ATT_E_CONFIG);
    }
    att_spec_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spec_cbor");
    TCase *c = tcase_create("cbor");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_add_test(c, spec__the_documented_bytes_are_those);
    tcase_add_test(c, spec__both_forms_are_one);
    tcase_add_test(c, spec__a_channel_keeps_its_digest_when_another_changes);
    tcase_add_loop_test(c, spec__everything_of_a_channel_is_in_its_digest, 0,
                        (int)ATT_COUNT(COUNTS));
    tcase_add_loop_test(c, spec_decode__refuses_what_the_text_would, 0, (int)ATT_COUNT(REFUSED));
    tcase_add_test(c, spec_decode__every_beginning_is_refused);
    tcase_add_test(c, spec_decode__what_is_too_large_is_refused_unread);
    tcase_add_loop_test(c, spec_decode__ids_rise, 0, (int)ATT_COUNT(ORDER));
    tcase_add_test(c, spec_decode__members_are_channels_in_order);
    suite_add_tcase(suite, c);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
