/*
 * Every firmware event log and IMA list of the corpus, against the values that an independent
 * replay (and, where it is known, the machine's own TPM) gave; and the logs of whole gateways
 * against their PCRs.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"

#define ROWS_MAX 512
#define PATH_CAP 512

static const char *corpus;
static char rows[ROWS_MAX][256]; /* first column of the manifest */
static size_t row_count;

static void load_manifest(void)
{
    char path[PATH_CAP];
    char line[4096];
    FILE *f = NULL;

    snprintf(path, sizeof(path), "%s/MANIFEST.tsv", corpus);
    f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof(line), f) != NULL && row_count < ROWS_MAX) {
        line[strcspn(line, "\t\n")] = '\0';
        snprintf(rows[row_count], sizeof(rows[0]), "%.255s", line);
        row_count++;
    }
    fclose(f);
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static struct att_buf *read_file(const char *name)
{
    char path[PATH_CAP];
    struct att_buf *b = NULL;

    snprintf(path, sizeof(path), "%s/%s", corpus, name);
    ck_assert_msg(att_file_read(&b, path, ATT_IMA_MAX, NULL) == ATT_OK, "%s", path);
    return b;
}

/* The expectation beside a file of the corpus, or NULL. */
static json_t *expectation(const char *name)
{
    char path[PATH_CAP];

    snprintf(path, sizeof(path), "%s/%s.expected.json", corpus, name);
    return json_load_file(path, 0, NULL);
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *v = json_string_value(json_object_get(o, key));

    return v == NULL ? "" : v;
}

static json_int_t number_of(const json_t *o, const char *key)
{
    ck_assert_msg(json_is_integer(json_object_get(o, key)), "%s", key);
    return json_integer_value(json_object_get(o, key));
}

static unsigned int count_bits(uint32_t v)
{
    return (unsigned int)__builtin_popcount(v);
}

/* One bank of a replay: the same PCRs with the same values, no more and no fewer. */
static void expect_bank(const char *file, const char *bank, json_t *want,
                        const struct att_pcr_values *got)
{
    const struct att_pcr_bank *b = att_pcr_bank_find(got, att_hash_find(bank, strlen(bank)));
    const char *pcr = NULL;
    json_t *value = NULL;

    ck_assert_msg(b != NULL, "%s: no bank %s", file, bank);
    ck_assert_msg(count_bits(b->has) == json_object_size(want), "%s: PCRs of %s", file, bank);
    json_object_foreach(want, pcr, value)
    {
        long i = strtol(pcr, NULL, 10);
        char hex[2 * ATT_HASH_MAX + 1];

        ck_assert(i >= 0 && i < ATT_PCR_COUNT);
        ck_assert_msg((b->has >> i & 1U) != 0, "%s: %s PCR %ld", file, bank, i);
        att_hex_encode(hex, sizeof(hex), att_slice_of(b->value[i], att_hash_size(b->bank)));
        ck_assert_msg(strcmp(hex, json_string_value(value)) == 0, "%s: %s PCR %ld is %s", file,
                      bank, i, hex);
    }
}

static void expect_replay(const char *file, json_t *want, const struct att_pcr_values *got)
{
    const char *bank = NULL;
    json_t *pcrs = NULL;

    json_object_foreach(want, bank, pcrs)
    {
        expect_bank(file, bank, pcrs, got);
    }
    for (uint32_t i = 0; i < got->count; i++) {
        bool listed = json_object_get(want, att_hash_name(got->bank[i].bank)) != NULL;

        ck_assert_msg(listed || got->bank[i].has == 0, "%s: bank %s is not expected", file,
                      att_hash_name(got->bank[i].bank));
    }
}

static void expect_event_types(const char *file, const struct att_evlog *log, json_t *want)
{
    size_t total = 0;
    const char *type = NULL;
    json_t *n = NULL;

    json_object_foreach(want, type, n)
    {
        uint32_t wanted = (uint32_t)strtoul(type, NULL, 16);
        json_int_t seen = 0;

        for (size_t i = 0; i < att_evlog_count(log); i++) {
            seen += att_evlog_at(log, i)->type_unproven == wanted;
        }
        ck_assert_msg(seen == json_integer_value(n), "%s: events of type %s", file, type);
        ck_assert_msg(strcmp(att_event_type_name(wanted), "unknown") != 0, "%s", type);
        total += (size_t)seen;
    }
    ck_assert_uint_eq(total, att_evlog_count(log));
}

static void expect_announced(const char *file, const struct att_evlog *log, json_t *want)
{
    enum att_hash banks[ATT_PCR_BANKS];
    size_t n = att_evlog_banks(log, banks);

    ck_assert_msg(n == json_array_size(want), "%s: banks", file);
    for (size_t i = 0; i < n; i++) {
        ck_assert_str_eq(att_hash_name(banks[i]), json_string_value(json_array_get(want, i)));
    }
}

/* The records follow each other without a gap. */
static void expect_tiling(const struct att_evlog *log)
{
    size_t before = 0;

    for (size_t i = 0; i < att_evlog_count(log); i++) {
        const struct att_event *ev = att_evlog_at(log, i);

        ck_assert_uint_eq(ev->index, i);
        ck_assert(i == 0 ? ev->off == 0 : ev->off > before);
        before = ev->off;
    }
    ck_assert_uint_gt(att_evlog_consumed(log), before);
}

static void check_event_log(const char *file, const json_t *want)
{
    struct att_buf *bytes = read_file(file);
    struct att_evlog *log = NULL;
    struct att_pcr_values got = {0};
    struct att_diag diag = {0};
    enum att_err err = att_evlog_parse(&log, att_buf_slice(bytes), &diag);

    if (strcmp(text_of(want, "parse"), "ok") != 0) {
        ck_assert_msg(err != ATT_OK, "%s must be refused", file);
        ck_assert_msg(diag.reason == ATT_R_FMT_UEFI, "%s", file);
        att_buf_free(bytes);
        return;
    }
    ck_assert_msg(err == ATT_OK, "%s: %s", file, diag.text);
    ck_assert_msg(att_evlog_crypto_agile(log) ==
                      (strcmp(text_of(want, "format"), "crypto-agile") == 0),
                  "%s", file);
    ck_assert_msg((json_int_t)att_evlog_count(log) == number_of(want, "events"), "%s: events",
                  file);
    ck_assert_msg(att_evlog_locality(log) == number_of(want, "startup_locality"), "%s", file);
    ck_assert_msg((json_int_t)att_evlog_consumed(log) == number_of(want, "bytes_consumed"), "%s",
                  file);
    expect_announced(file, log, json_object_get(want, "algs"));
    expect_event_types(file, log, json_object_get(want, "event_types"));
    expect_tiling(log);
    ck_assert_int_eq(att_evlog_replay(&got, log, NULL), ATT_OK);
    expect_replay(file, json_object_get(want, "replay"), &got);
    att_evlog_free(log);
    att_buf_free(bytes);
}

START_TEST(evlog__replays_every_log_of_the_corpus)
{
    size_t seen = 0;

    for (size_t i = 0; i < row_count; i++) {
        json_t *want = NULL;

        if (!starts(rows[i], "eventlog/") || strstr(rows[i], ".expected.json") != NULL) {
            continue;
        }
        want = expectation(rows[i]);
        if (want == NULL) { /* the upstream's own list of values of another row */
            ck_assert_str_eq(rows[i], "eventlog/hirs-TpmLogExpectedPcrs.txt");
            continue;
        }
        check_event_log(rows[i], want);
        json_decref(want);
        seen++;
    }
    ck_assert_uint_ge(seen, 38);
}
END_TEST

/* Cut anywhere but at a record's end, a log is refused; and it is never read beyond its end. */
START_TEST(evlog__refuses_every_cut_inside_a_record)
{
    struct att_buf *bytes = read_file("eventlog/tpm2tools-event.bin");
    struct att_slice in = att_buf_slice(bytes);
    struct att_evlog *whole = NULL;

    ck_assert_int_eq(att_evlog_parse(&whole, in, NULL), ATT_OK);
    for (size_t len = 0; len < in.len; len++) {
        uint8_t *exact = malloc(len == 0 ? 1 : len);
        struct att_evlog *log = NULL;
        struct att_diag diag = {0};
        bool boundary = len == att_evlog_at(whole, 1)->off;

        memcpy(exact, in.p, len);
        if (att_evlog_parse(&log, att_slice_of(exact, len), &diag) == ATT_OK) {
            ck_assert_msg(boundary || att_evlog_consumed(log) < len, "%zu", len);
            att_evlog_free(log);
        } else {
            ck_assert_int_eq(diag.reason, ATT_R_FMT_UEFI);
        }
        free(exact);
    }
    att_evlog_free(whole);
    att_buf_free(bytes);
}
END_TEST

static void expect_ima(const char *file, struct att_slice list, const json_t *want)
{
    static const enum att_hash BANKS[] = {ATT_HASH_SHA1, ATT_HASH_SHA256, ATT_HASH_SHA384};
    static const enum att_hash OLD[] = {ATT_HASH_SHA256};
    struct att_pcr_values got = {0};
    struct att_pcr_values padded = {0};
    struct att_diag diag = {0};
    uint32_t entries = 0;

    ck_assert_msg(att_ima_replay(&got, list, BANKS, ATT_COUNT(BANKS), false, &entries, &diag) ==
                      ATT_OK,
                  "%s: %s at %zu", file, diag.text, diag.off);
    ck_assert_msg(entries == number_of(want, "entries"), "%s: %u entries", file, entries);
    expect_replay(file, json_object_get(want, "replay"), &got);
    ck_assert_int_eq(att_ima_replay(&padded, list, OLD, 1, true, NULL, NULL), ATT_OK);
    expect_bank(file, "sha256", json_object_get(want, "replay_sha256_legacy_padded_sha1"), &padded);
}

/* Violations, templates, and that each logged SHA-1 template digest is the one of its data. */
static void expect_entries(const char *file, struct att_slice list, const json_t *want)
{
    struct att_ima it = att_ima_from(list);
    struct att_hasher *h = NULL;
    json_int_t violations = 0;
    json_t *templates = json_deep_copy(json_object_get(want, "templates"));

    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    for (;;) {
        struct att_ima_entry e;
        bool more = false;
        char name[64];
        uint8_t digest[ATT_HASH_MAX];

        ck_assert_int_eq(att_ima_next(&it, &e, &more, NULL), ATT_OK);
        if (!more) {
            break;
        }
        violations += e.violation;
        snprintf(name, sizeof(name), "%.*s", (int)e.template_name.len,
                 (const char *)e.template_name.p);
        json_object_set_new(templates, name, json_integer(number_of(templates, name) - 1));
        ck_assert_int_eq(att_ima_extended(digest, &e, ATT_HASH_SHA1, false, h), ATT_OK);
        ck_assert_msg(e.violation || memcmp(digest, e.template_digest.p, 20) == 0, "%s at %zu",
                      file, e.off);
    }
    ck_assert_msg(violations == number_of(want, "violations"), "%s: violations", file);
    {
        const char *name = NULL;
        json_t *left = NULL;

        json_object_foreach(templates, name, left)
        {
            ck_assert_msg(json_integer_value(left) == 0, "%s: template %s", file, name);
        }
    }
    json_decref(templates);
    att_hasher_free(h);
}

static void check_ima_list(const char *file, const json_t *want)
{
    bool ascii = strcmp(text_of(want, "encoding"), "ascii") == 0;
    struct att_buf *bytes = read_file(file);
    struct att_buf *binary = NULL;
    struct att_diag diag = {0};
    struct att_slice list = att_buf_slice(bytes);

    if (strcmp(text_of(want, "parse"), "ok") != 0) {
        static const enum att_hash BANK[] = {ATT_HASH_SHA1};
        struct att_pcr_values got = {0};

        ck_assert_msg(att_ima_replay(&got, list, BANK, 1, false, NULL, &diag) != ATT_OK,
                      "%s must be refused", file);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_IMA);
        att_buf_free(bytes);
        return;
    }
    if (ascii) {
        ck_assert_msg(att_ima_ascii_to_binary(&binary, list, &diag) == ATT_OK, "%s: %s at %zu",
                      file, diag.text, diag.off);
        list = att_buf_slice(binary);
    }
    expect_ima(file, list, want);
    expect_entries(file, list, want);
    att_buf_free(binary);
    att_buf_free(bytes);
}

START_TEST(ima__replays_every_list_of_the_corpus)
{
    size_t seen = 0;

    for (size_t i = 0; i < row_count; i++) {
        json_t *want = NULL;

        if (!starts(rows[i], "ima/") || strstr(rows[i], ".expected.json") != NULL) {
            continue;
        }
        want = expectation(rows[i]);
        if (want != NULL) {
            check_ima_list(rows[i], want);
            json_decref(want);
            seen++;
        }
    }
    ck_assert_uint_ge(seen, 9);
}
END_TEST

/* Lists that another project made by hand: well-formed text, digests of nothing. */
START_TEST(ima__reads_the_ascii_samples_without_expectations)
{
    static const char *const FILES[] = {"ima/keylime-ima-log-sha1.txt",
                                        "ima/keylime-ima-log-sha256.txt"};
    static const enum att_hash BANK[] = {ATT_HASH_SHA256};

    for (size_t i = 0; i < ATT_COUNT(FILES); i++) {
        struct att_buf *bytes = read_file(FILES[i]);
        struct att_buf *binary = NULL;
        struct att_pcr_values got = {0};
        uint32_t entries = 0;

        ck_assert_int_eq(att_ima_ascii_to_binary(&binary, att_buf_slice(bytes), NULL), ATT_OK);
        ck_assert_int_eq(
            att_ima_replay(&got, att_buf_slice(binary), BANK, 1, false, &entries, NULL), ATT_OK);
        ck_assert_uint_eq(entries, 2);
        att_buf_free(binary);
        att_buf_free(bytes);
    }
}
END_TEST

static void expect_same_pcrs(const char *file, const struct att_pcr_values *got,
                             const struct att_pcr_values *tpm)
{
    for (uint32_t b = 0; b < got->count; b++) {
        const struct att_pcr_bank *mine = &got->bank[b];
        const struct att_pcr_bank *theirs = att_pcr_bank_find(tpm, mine->bank);

        if (theirs == NULL || theirs->has == 0) {
            continue; /* a bank that the log carries and this TPM does not */
        }
        for (uint32_t i = 0; i < ATT_PCR_COUNT; i++) {
            ck_assert_msg((mine->has >> i & 1U) == 0 || memcmp(mine->value[i], theirs->value[i],
                                                               att_hash_size(mine->bank)) == 0,
                          "%s: %s PCR %u", file, att_hash_name(mine->bank), i);
        }
    }
}

/*
 * A whole virtual gateway: firmware, kernel and TPM tell one story. Its kernel (6.1) had SHA-384
 * only as a module, so that it extended that bank by the old rule.
 */
static void check_gateway(const char *folder)
{
    static const enum att_hash BANKS[] = {ATT_HASH_SHA1, ATT_HASH_SHA256};
    static const enum att_hash PADDED[] = {ATT_HASH_SHA384};
    char name[64];
    struct att_buf *pcrs = NULL;
    struct att_buf *bios = NULL;
    struct att_buf *list = NULL;
    struct att_buf *text = NULL;
    struct att_buf *converted = NULL;
    struct att_pcr_values tpm = {0};
    struct att_pcr_values got = {0};
    struct att_evlog *log = NULL;
    struct att_diag diag = {0};
    uint32_t entries = 0;

    snprintf(name, sizeof(name), "gateway-vm/%s/pcrs.yaml", folder);
    pcrs = read_file(name);
    ck_assert_int_eq(att_pcr_values_parse_text(&tpm, att_buf_slice(pcrs), NULL), ATT_OK);
    snprintf(name, sizeof(name), "gateway-vm/%s/bios.bin", folder);
    bios = read_file(name);
    ck_assert_int_eq(att_evlog_parse(&log, att_buf_slice(bios), NULL), ATT_OK);
    ck_assert_int_eq(att_evlog_replay(&got, log, NULL), ATT_OK);
    ck_assert_uint_eq(att_pcr_bank_find(&got, ATT_HASH_SHA256)->has & 0xff, 0xff);
    expect_same_pcrs(name, &got, &tpm);

    snprintf(name, sizeof(name), "gateway-vm/%s/ima.bin", folder);
    list = read_file(name);
    ck_assert_int_eq(
        att_ima_replay(&got, att_buf_slice(list), BANKS, ATT_COUNT(BANKS), false, &entries, NULL),
        ATT_OK);
    ck_assert_uint_gt(entries, 100);
    ck_assert_uint_eq(att_pcr_bank_find(&got, ATT_HASH_SHA256)->has, 1U << 10);
    expect_same_pcrs(name, &got, &tpm);
    ck_assert_int_eq(att_ima_replay(&got, att_buf_slice(list), PADDED, 1, true, NULL, NULL),
                     ATT_OK);
    expect_same_pcrs(name, &got, &tpm);

    snprintf(name, sizeof(name), "gateway-vm/%s/ima.ascii", folder);
    text = read_file(name);
    ck_assert_msg(att_ima_ascii_to_binary(&converted, att_buf_slice(text), &diag) == ATT_OK,
                  "%s: %s at %zu", name, diag.text, diag.off);
    ck_assert_msg(att_slice_eq(att_buf_slice(converted), att_buf_slice(list)), "%s is not ima.bin",
                  name);
    att_evlog_free(log);
    att_buf_free(pcrs);
    att_buf_free(bios);
    att_buf_free(list);
    att_buf_free(text);
    att_buf_free(converted);
}

START_TEST(logs__lead_to_the_pcrs_of_a_whole_gateway)
{
    check_gateway("A");
    check_gateway("B");
    check_gateway("F");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("logs_corpus");
    TCase *t = tcase_create("logs_corpus");

    tcase_set_timeout(t, 120);
    tcase_add_unchecked_fixture(t, load_manifest, NULL);
    tcase_add_test(t, evlog__replays_every_log_of_the_corpus);
    tcase_add_test(t, evlog__refuses_every_cut_inside_a_record);
    tcase_add_test(t, ima__replays_every_list_of_the_corpus);
    tcase_add_test(t, ima__reads_the_ascii_samples_without_expectations);
    tcase_add_test(t, logs__lead_to_the_pcrs_of_a_whole_gateway);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = NULL;
    int failed = 0;

    corpus = getenv("CORPUS");
    if (corpus == NULL || corpus[0] == '\0') {
        printf("no corpus: set CORPUS to its folder\n");
        return 77;
    }
    r = srunner_create(suite());
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
