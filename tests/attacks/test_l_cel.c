/* Attack matrix 4.3, L-28: canonical event logs that are none, in evidence and in a file. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logattack.h"
#include "need.h"
#include "tcg/ownlog.h"

static struct softlog *own(struct log_scene *s)
{
    return &s->g->log[ATT_LOG_OWN];
}

/* Where the n-th record of an own log stands. */
static size_t record_at(const struct softlog *log, size_t n)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_own it = att_own_from(softlog_slice(log), 0);
    struct att_own_record rec = {.off = 0};
    bool more = true;
    size_t i;

    NEED(att_hasher_new(&h) == ATT_OK);
    for (i = 0; i <= n; i++) {
        NEED(att_own_next(&it, &rec, &more, h, NULL) == ATT_OK && more);
    }
    return rec.off;
}

/* The second byte of a record's map is its number: 0 to 3 in this log. */
START_TEST(L_28__record_numbers_that_repeat_or_leave_a_gap_are_malformed)
{
    static const uint8_t NUMBER[] = {0, 2, 23};
    struct log_scene s;

    log_scene_open(&s, "l-28", _i, NULL);
    own(&s)->p[record_at(own(&s), 1) + 2] = NUMBER[_i];
    log_scene_malformed(&s, "E_FMT_CEL");
}
END_TEST

START_TEST(L_28__length_or_depth_beyond_all_bounds_is_malformed)
{
    static uint8_t deep[1000];
    static const uint8_t overlong[] = {0xa4, 0x00, 0x04, 0x01, 0x0d, 0x03, 0x5b, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t many[] = {0xa4, 0x00, 0x04, 0x01, 0x0d, 0x03, 0x9b, 0x00,
                                   0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00};
    struct log_scene s;

    memset(deep, 0x81, sizeof(deep));
    log_scene_open(&s, "l-28-len", _i, NULL);
    softlog_raw(own(&s), _i == 0   ? att_slice_of(deep, sizeof(deep))
                         : _i == 1 ? att_slice_of(overlong, sizeof(overlong))
                                   : att_slice_of(many, sizeof(many)));
    log_scene_malformed(&s, "E_FMT_CEL");
}
END_TEST

static void put_u32be(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 24);
    at[1] = (uint8_t)(v >> 16);
    at[2] = (uint8_t)(v >> 8);
    at[3] = (uint8_t)v;
}

/* A record in TLV whose last field is at 39: number 0, PCR 14, one SHA-1 digest, content. */
static size_t tlv_record(uint8_t *out, uint64_t recnum)
{
    static const uint8_t HEAD[] = {0, 0, 0, 0,  8, 0, 0, 0, 0,  0, 0, 0, 0, 1, 0,
                                   0, 0, 1, 14, 3, 0, 0, 0, 25, 4, 0, 0, 0, 20};

    memcpy(out, HEAD, sizeof(HEAD));
    out[12] = (uint8_t)recnum;
    memset(out + sizeof(HEAD), 0xaa, 20);
    out[sizeof(HEAD) + 20] = 80;
    put_u32be(out + sizeof(HEAD) + 21, 1);
    out[sizeof(HEAD) + 25] = 'x';
    return sizeof(HEAD) + 26;
}

/* A file of somebody else's, through the command line: 4, and the place. */
START_TEST(L_28__file_that_is_no_tlv_log_is_malformed)
{
    static uint8_t log[16384];
    char path[] = "/tmp/attest-l28-XXXXXX";
    const char *args[] = {"--json", "evidence", "replay", "--cel", path, NULL};
    size_t len = tlv_record(log, 0);
    char said[16384];
    uint32_t level;
    FILE *f = NULL;
    int fd = mkstemp(path);

    switch (_i) {
    case 0: /* good: so that the others are refused for what they are */
        len += tlv_record(log + len, 1);
        break;
    case 1:
    case 2:
        len += tlv_record(log + len, _i == 1 ? 0 : 2);
        break;
    case 3:
        put_u32be(log + len - 5, UINT32_MAX);
        break;
    default:
        len -= 6;
        for (level = 1000; level > 0; level--, len += 5) {
            log[len] = 5;
            put_u32be(log + len + 1, 5 * (level - 1));
        }
        break;
    }
    NEED(fd >= 0);
    f = fdopen(fd, "wb");
    NEED(f != NULL && fwrite(log, 1, len, f) == len && fclose(f) == 0);
    ck_assert_int_eq(service_program(said, sizeof(said), "attestctl", args), _i == 0 ? 0 : 4);
    ck_assert(_i == 0 || strstr(said, "E_FMT_CEL") != NULL);
    remove(path);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"L-28", L_28__record_numbers_that_repeat_or_leave_a_gap_are_malformed, 3, 0},
        {"L-28-length", L_28__length_or_depth_beyond_all_bounds_is_malformed, 3, 0},
        {"L-28-file", L_28__file_that_is_no_tlv_log_is_malformed, 5, 0},
    };

    return attack_main("attacks: canonical event logs", rows, ATT_COUNT(rows), NULL);
}
