/* Concise Reference Integrity Manifests: what one gives out, and where a malformed one is refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "policy/import.h"

#define ZEROS   "0000000000000000000000000000000000000000000000000000000000000000"
#define DIGEST  "82015820" ZEROS
#define DIGESTS "81" DIGEST
/* {1: {0: "x"}, 4: {0: [[{}, [measurement]]]}} */
#define COMID(measurement) "a201a100617804a1008182a081" measurement
/* {0: "x", 1: [tag]} */
#define CORIM(tag) "a20061780181" tag
/* {0: "x", 1: [h'616263'], 3: profile}: the profile is read first */
#define PROFILED(profile)                                                                          \
    "a3006178018143616263"                                                                         \
    "03" profile

static const struct {
    const char *hex, *says;
} refused[] = {
    {"a0", "neither a CoRIM nor a CoMID"},
    {"d863a0", "neither a CoRIM nor a CoMID"},
    {"d901f500", "document"},
    {"d901fa00", "CoMID"},
    {"a10180", "a CoRIM without an id"},
    {CORIM("d8634100"), "neither CoMID nor CoSWID nor a list of tags"},
    {PROFILED("d8216178"), "a profile that is neither a URI nor an OID"},
    {PROFILED("d82000"), "a profile that is neither a URI nor an OID"},
    {"a101a1006178", "a CoMID without identity or triples"},
    {"a201a004a10080", "a CoMID without an id"},
    {COMID("a10007"), "no value"},
    {COMID("a2000701a10280"), "no digest"},
    {COMID("a2000701a1028182014100"), "a SHA-256 of another length"},
    {COMID("a101a10ea200" DIGESTS "00" DIGESTS), "a register that stands twice"},
    {COMID("a101a10ea10020"), "digests"},
};

/* What cannot be read at all: which part of the file it was, what was expected there, and at which byte. */
static const struct {
    const char *hex;
    size_t off;
    const char *part, *says;
} broken[] = {
    {"a2006178", 0, "in the file as one item of CBOR: ", "the input ends inside an item"},
    {"a000", 1, "in the file as one item of CBOR: ", "1 bytes are left over"},
    {COMID("a101a10ea10020"), 19, "triple 0, measurement 0: in the digests (an array of",
     "expected"},
    {COMID("a10120"), 15, "in the measurement value (key 1: a map): ", "expected another type"},
    {"a201a100617804a10020", 9, "in the reference triples (key 0: an array): ", "expected"},
    {"a20061780180", 6, "in the tags (key 1: an array that is not empty)", "expected"},
    {PROFILED("d86f6178"), 13, "in the profile (key 3: a URI or OID)", "expected another type"},
};

struct taken {
    size_t count;
    char name[64];
};

static enum att_err take(void *ctx, struct att_slice name, const uint8_t digest[32])
{
    struct taken *t = ctx;

    ck_assert_uint_lt(name.len, sizeof(t->name));
    memcpy(t->name, name.p, name.len);
    t->name[name.len] = '\0';
    t->count += digest[0] == 0 ? 1 : 0;
    return ATT_OK;
}

static enum att_err read_hex(struct taken *t, struct att_import *io, const char *hex,
                             struct att_diag *diag)
{
    uint8_t bytes[512];
    size_t len = 0;

    *t = (struct taken){0};
    *io = (struct att_import){.take = take, .ctx = t};
    ck_assert_int_eq(att_hex_decode(bytes, sizeof(bytes), &len, hex, strlen(hex)), ATT_OK);
    return att_corim_read(io, att_slice_of(bytes, len), diag);
}

START_TEST(corim_read__refuses_with_the_reason)
{
    struct att_diag diag = {0};
    struct att_import io;
    struct taken t;

    ck_assert_int_ne(read_hex(&t, &io, refused[_i].hex, &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CORIM);
    ck_assert_msg(strstr(diag.text, refused[_i].says) != NULL, "row %d: \"%s\"", _i, diag.text);
}
END_TEST

START_TEST(corim_read__tells_the_part_and_the_byte)
{
    struct att_diag diag = {0};
    struct att_import io;
    struct taken t;

    ck_assert_int_ne(read_hex(&t, &io, broken[_i].hex, &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CORIM);
    ck_assert_msg(diag.off == broken[_i].off, "row %d: byte %zu: \"%s\"", _i, diag.off, diag.text);
    ck_assert_msg(strstr(diag.text, broken[_i].part) != NULL &&
                      strstr(diag.text, broken[_i].says) != NULL,
                  "row %d: \"%s\"", _i, diag.text);
}
END_TEST

/* A measurement by a PCR's index, and registers by name, which no policy asks for. */
START_TEST(corim_read__gives_out_pcrs)
{
    struct att_import io;
    struct taken t;

    ck_assert_int_eq(read_hex(&t, &io, COMID("a2000701a102" DIGESTS), NULL), ATT_OK);
    ck_assert_uint_eq(t.count, 1);
    ck_assert_str_eq(t.name, "pcr/sha256/7");
    ck_assert_int_eq(read_hex(&t, &io, COMID("a101a10ea200" DIGESTS "01" DIGESTS), NULL), ATT_OK);
    ck_assert_uint_eq(t.count, 2);
    ck_assert_str_eq(t.name, "pcr/sha256/1");
    ck_assert_int_eq(read_hex(&t, &io, COMID("a200181901a102" DIGESTS), NULL), ATT_OK); /* PCR 25 */
    ck_assert_uint_eq(t.count, 0);
    ck_assert_uint_eq(io.others, 1);
}
END_TEST

START_TEST(corim_read__takes_no_part_for_the_whole)
{
    struct att_import io;
    struct taken t;
    uint8_t bytes[512];
    size_t len = 0;
    static const char HEX[] = COMID("a2000701a102" DIGESTS);

    ck_assert_int_eq(read_hex(&t, &io, HEX, NULL), ATT_OK);
    ck_assert_int_eq(att_hex_decode(bytes, sizeof(bytes), &len, HEX, strlen(HEX)), ATT_OK);
    for (size_t cut = 0; cut < len; cut++)
        ck_assert_int_ne(att_corim_read(&io, att_slice_of(bytes, cut), NULL), ATT_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("corim");
    TCase *tc = tcase_create("corim");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_add_loop_test(tc, corim_read__refuses_with_the_reason, 0,
                        (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_loop_test(tc, corim_read__tells_the_part_and_the_byte, 0,
                        (int)(sizeof(broken) / sizeof(broken[0])));
    tcase_add_test(tc, corim_read__gives_out_pcrs);
    tcase_add_test(tc, corim_read__takes_no_part_for_the_whole);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
