/* Attack matrix 4.3, rows about the kernel's list: what an entry may be, and what it proves. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "logattack.h"
#include "need.h"

#define IMA_PCR 10U

static struct softlog *list(struct log_scene *s)
{
    return &s->g->log[ATT_LOG_IMA];
}

/* Template data of two fields, as they are. */
static struct att_slice two_fields(uint8_t *room, size_t cap, struct att_slice a,
                                   struct att_slice b)
{
    struct att_wr w = att_wr_into(room, cap);

    att_wr_u32le(&w, (uint32_t)a.len);
    att_wr_slice(&w, a);
    att_wr_u32le(&w, (uint32_t)b.len);
    att_wr_slice(&w, b);
    NEED(att_wr_ok(&w));
    return att_slice_of(room, w.len);
}

/* Text with a NUL after the name of the algorithm, then a digest of n bytes. */
static struct att_slice digest_field(uint8_t *room, const char *alg, size_t n)
{
    size_t len = strlen(alg) + 1;

    memcpy(room, alg, len);
    memset(room + len, 0xaa, n);
    return att_slice_of(room, len + n);
}

static struct att_slice with_nul(const char *path)
{
    return att_slice_of(path, strlen(path) + 1);
}

#define HIDDEN_LINE                                                                                \
    "/tmp/x\n10 0123456789012345678901234567890123456789 ima-ng "                                  \
    "sha256:0123456789012345678901234567890123456789012345678901234567890123 /usr/sbin/gatewayd"

/* Who reads lines takes the second one for an entry of its own. */
START_TEST(L_14__newline_in_a_path_is_part_of_the_path)
{
    struct log_scene s;

    log_scene_open(&s, "l-14", _i, NULL);
    softlog_ima(list(&s), s.g->tpm, HIDDEN_LINE, att_slice_str("evil"));
    gateway_attest(s.g, &s.a);
    attack_fails(s.g, &s.a, "E_REF_UNLISTED");
    ck_assert_uint_eq(log_scene_reasons(&s.a, "E_REF_UNLISTED", NULL), 1);
    ck_assert_uint_eq(log_scene_reasons(&s.a, "E_REF_UNLISTED", "/usr/sbin/gatewayd"), 0);
    log_scene_close(&s);
}
END_TEST

/* The kernel writes "a b" as "a_b": both files come under one name, and each needs its own digest. */
START_TEST(L_15__one_name_of_two_files_decides_nothing)
{
    struct log_scene s;

    log_scene_open(&s, "l-15", _i, NULL);
    softlog_ima(list(&s), s.g->tpm, "/usr/a_b", att_slice_str(gateway_contents[0]));
    softlog_ima(list(&s), s.g->tpm, "/usr/a_b", att_slice_str(gateway_contents[_i]));
    softlog_ima(list(&s), s.g->tpm, gateway_files[0],
                att_slice_str(_i == 0 ? "not what is listed" : gateway_contents[1]));
    if (_i == 0) {
        log_scene_fails(&s, "E_REF_MISMATCH"); /* the name is listed, with another digest */
    } else {
        log_scene_affirms(&s);
    }
}
END_TEST

START_TEST(L_16__digest_field_that_is_no_digest_is_malformed)
{
    uint8_t room[1024];
    uint8_t field[512];
    char name[320] = {0};
    struct log_scene s;
    struct att_slice digest;

    log_scene_open(&s, "l-16", _i, NULL);
    memset(name, 'a', 300);
    name[300] = ':';
    switch (_i) {
    case 0: /* no colon */
        digest = digest_field(field, "sha256", 32);
        break;
    case 1: /* no NUL */
        memcpy(field, "sha256:", 7);
        memset(field + 7, 0xaa, 32);
        digest = att_slice_of(field, 39);
        break;
    case 2:
        digest = digest_field(field, name, 32);
        break;
    case 3: /* nothing */
        digest = att_slice_of(field, 0);
        break;
    case 4: /* an unknown algorithm, whose digest has no bytes */
        digest = digest_field(field, name, 0);
        break;
    default: /* the NUL alone */
        digest = digest_field(field, "", 0);
        break;
    }
    softlog_ima_template(list(&s), s.g->tpm, IMA_PCR, "ima-ng",
                         two_fields(room, sizeof(room), digest, with_nul("/usr/x")));
    log_scene_malformed(&s, "E_FMT_IMA");
}
END_TEST

START_TEST(L_16__length_beyond_its_record_is_malformed)
{
    static const uint32_t LEN[] = {0x7fffffffU, 0xffffffffU, 1000};
    struct log_scene s;
    size_t off;
    size_t len;

    log_scene_open(&s, "l-16-len", _i, NULL);
    log_entry_at(list(&s), 1, &off, &len);
    /* of the field, of the template data, of the template's name */
    log_put_u32(list(&s), off + 4 + 20 + (_i < 3 ? 4 + 6 + 4 : _i < 6 ? 4 + 6 : 0), LEN[_i % 3]);
    log_scene_malformed(&s, "E_FMT_IMA");
}
END_TEST

/* At a service whose policy says what becomes of a violation; NULL: it says nothing. */
static void violate(const char *rule, const char *code)
{
    struct service_options options = {.policy = policy_with("ima_violations: fail", rule)};
    struct service *service = service_new(&options);
    struct log_scene s;

    service_start(service);
    log_scene_open_at(&s, service, "l-17", NULL);
    softlog_ima_violation(list(&s), s.g->tpm, gateway_files[0]);
    if (code != NULL) {
        log_scene_fails(&s, code);
    } else {
        log_scene_affirms(&s);
    }
    service_free(service);
}

START_TEST(L_17__violation_is_judged_by_the_switch_of_the_policy)
{
    switch (_i) {
    case 0:
        violate("ima_violations: fail", "E_LOG_VIOLATION");
        break;
    case 1: /* absent means strict */
        violate("grade_at_least: E1", "E_LOG_VIOLATION");
        break;
    default:
        violate("ima_violations: ignore", NULL);
        break;
    }
}
END_TEST

/* Neither the zeros of the list nor its hash is extended, but ones. */
START_TEST(L_17__violation_that_was_not_measured_does_not_lead_to_the_quote)
{
    struct log_scene s;

    log_scene_open(&s, "l-17-log", _i, NULL);
    softlog_ima_violation(list(&s), NULL, gateway_files[0]);
    softlog_ima(list(&s), s.g->tpm, gateway_files[0], att_slice_str(gateway_contents[0]));
    log_scene_fails(&s, "E_LOG_PCR");
}
END_TEST

START_TEST(L_18__digest_of_another_algorithm_is_malformed)
{
    static const struct {
        const char *alg;
        size_t len;
    } ROWS[] = {{"sha999:", 32}, {"sha256:", 20}, {"sha1:", 32},
                {"sha256:", 0},  {"SHA256:", 32}, {"md5:", 16}};
    uint8_t room[256];
    uint8_t field[128];
    struct log_scene s;

    log_scene_open(&s, "l-18", _i, NULL);
    softlog_ima_template(list(&s), s.g->tpm, IMA_PCR, "ima-ng",
                         two_fields(room, sizeof(room),
                                    digest_field(field, ROWS[_i].alg, ROWS[_i].len),
                                    with_nul("/usr/x")));
    log_scene_malformed(&s, "E_FMT_IMA");
}
END_TEST

START_TEST(L_19__unknown_template_is_malformed)
{
    static const char *const NAME[] = {
        "ima-xx", "", "|", "d-ng", "n-ng|d-ng", "d-ng|n-ng|d-ng", "buf|n-ng", "d-ng|n-ng|what"};
    uint8_t room[256];
    uint8_t field[128];
    struct log_scene s;

    log_scene_open(&s, "l-19", _i, NULL);
    softlog_ima_template(
        list(&s), s.g->tpm, IMA_PCR, NAME[_i],
        two_fields(room, sizeof(room), digest_field(field, "sha256:", 32), with_nul("/usr/x")));
    log_scene_malformed(&s, "E_FMT_IMA");
}
END_TEST

START_TEST(L_19__template_without_fields_is_malformed)
{
    struct log_scene s;

    log_scene_open(&s, "l-19-none", _i, NULL);
    softlog_ima_template(list(&s), s.g->tpm, IMA_PCR, _i == 0 ? "ima-ng" : "ima-sig",
                         att_slice_of(NULL, 0));
    log_scene_malformed(&s, "E_FMT_IMA");
}
END_TEST

/* Bytes behind the last field are hashed and would be read by nobody. */
START_TEST(L_19__bytes_behind_the_last_field_are_malformed)
{
    uint8_t room[256];
    uint8_t field[128];
    struct att_slice data;
    struct log_scene s;

    log_scene_open(&s, "l-19-more", _i, NULL);
    data = two_fields(room, sizeof(room), digest_field(field, "sha256:", 32), with_nul("/usr/x"));
    room[data.len] = 0;
    softlog_ima_template(list(&s), s.g->tpm, IMA_PCR, "ima-ng", att_slice_of(room, data.len + 1));
    log_scene_malformed(&s, "E_FMT_IMA");
}
END_TEST

/* Names are bytes: nothing is opened, nothing is cut, and the digest decides. */
START_TEST(L_27__odd_names_are_opaque)
{
    static char longest[4097 + 1];
    static const char *const NAME[] = {longest, "/usr/lib/old.so (deleted)",
                                       "/usr/../../etc/shadow", "", "/usr/\xff\xfe\x01"};
    struct log_scene s;

    memset(longest, 'x', sizeof(longest) - 1);
    longest[0] = '/';
    log_scene_open(&s, "l-27", _i, NULL);
    softlog_ima(list(&s), s.g->tpm, NAME[_i % 5],
                att_slice_str(_i < 5 ? gateway_contents[0] : "evil"));
    if (_i < 5) {
        log_scene_affirms(&s);
    } else {
        log_scene_fails(&s, "E_REF_UNLISTED");
    }
}
END_TEST

static void swap_u32(struct softlog *log, size_t off)
{
    uint8_t *p = log->p + off;
    uint8_t t = p[0];

    p[0] = p[3];
    p[3] = t;
    t = p[1];
    p[1] = p[2];
    p[2] = t;
}

/* A big-endian kernel's list: in whole, and only its last entry. */
START_TEST(L_29__list_of_the_other_byte_order_is_malformed)
{
    struct log_scene s;
    size_t count = 1 + GATEWAY_FILE_COUNT;
    size_t off[1 + GATEWAY_FILE_COUNT];
    size_t len;
    size_t i;

    log_scene_open(&s, "l-29", _i, NULL);
    for (i = 0; i < count; i++) {
        log_entry_at(list(&s), i, &off[i], &len);
    }
    for (i = _i == 0 ? 0 : count - 1; i < count; i++) {
        swap_u32(list(&s), off[i]);
        if (_i == 2) { /* the PCR alone: nothing after it looks wrong */
            continue;
        }
        swap_u32(list(&s), off[i] + 24);
        swap_u32(list(&s), off[i] + 24 + 4 + 6);
        swap_u32(list(&s), off[i] + 24 + 4 + 6 + 4);
        swap_u32(list(&s), off[i] + 24 + 4 + 6 + 8 + 40);
    }
    log_scene_malformed(&s, "E_FMT_IMA");
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"L-14", L_14__newline_in_a_path_is_part_of_the_path, 0, 0},
        {"L-15", L_15__one_name_of_two_files_decides_nothing, 2, 0},
        {"L-16", L_16__digest_field_that_is_no_digest_is_malformed, 6, 0},
        {"L-16-length", L_16__length_beyond_its_record_is_malformed, 9, 0},
        {"L-17", L_17__violation_is_judged_by_the_switch_of_the_policy, 3, 0},
        {"L-17-log", L_17__violation_that_was_not_measured_does_not_lead_to_the_quote, 0, 0},
        {"L-18", L_18__digest_of_another_algorithm_is_malformed, 6, 0},
        {"L-19", L_19__unknown_template_is_malformed, 8, 0},
        {"L-19-none", L_19__template_without_fields_is_malformed, 2, 0},
        {"L-19-more", L_19__bytes_behind_the_last_field_are_malformed, 0, 0},
        {"L-27", L_27__odd_names_are_opaque, 10, 0},
        {"L-29", L_29__list_of_the_other_byte_order_is_malformed, 3, 0},
    };

    return attack_main("attacks: kernel list, entries", rows, ATT_COUNT(rows), NULL);
}
