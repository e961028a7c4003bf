/* The records of a firmware event log tile its input, and whatever parses can be replayed. */
#include "fuzz.h"
#include "tcg/cmdline.h"
#include "tcg/evlog.h"

/* Bytes of a record: fixed fields, digests, data. */
static size_t size_of(const struct att_event *ev, bool agile)
{
    size_t size = 4 + 4 + 4 + ev->data_unproven.len;

    if (!agile) {
        return size + 20;
    }
    for (uint32_t i = 0; i < ev->digest_count; i++) {
        size += 2 + ev->digest[i].value.len;
    }
    return size + 4;
}

static void check_tiles(const struct att_evlog *log, size_t size)
{
    size_t end = 0;

    for (size_t i = 0; i < att_evlog_count(log); i++) {
        const struct att_event *ev = att_evlog_at(log, i);

        HOLDS(ev->off == end);
        HOLDS(!ev->extends || ev->pcr < ATT_PCR_COUNT);
        HOLDS(ev->digest_count >= 1 && ev->digest_count <= ATT_PCR_BANKS);
        end += size_of(ev, i > 0 && att_evlog_crypto_agile(log));
    }
    HOLDS(end == att_evlog_consumed(log) && end <= size);
}

static void check_head(const struct att_evlog *log)
{
    enum att_hash banks[ATT_PCR_BANKS];
    size_t count = att_evlog_banks(log, banks);
    int locality = att_evlog_locality(log);

    HOLDS(count >= 1 && count <= ATT_PCR_BANKS);
    HOLDS(locality == 0 || locality == 3 || locality == 4);
    for (size_t i = 0; i < count; i++) {
        HOLDS(att_hash_size(banks[i]) > 0);
    }
    for (size_t i = 0; i < att_evlog_count(log); i++) {
        HOLDS(att_event_type_name(att_evlog_at(log, i)->type_unproven)[0] != '\0');
    }
}

/* Parameters lie in their text, one behind the other. */
static void check_parameters(struct att_slice text)
{
    struct att_slice left = att_cmdline_trim(text);
    struct att_cmdline_param p;
    const uint8_t *end = text.p;

    HOLDS(left.len <= text.len);
    while (att_cmdline_next(&left, &p)) {
        HOLDS(p.name.p >= end && p.name.p < text.p + text.len);
        end = p.value.p != NULL ? p.value.p + p.value.len : p.name.p + p.name.len;
        HOLDS(end <= text.p + text.len && left.p + left.len <= text.p + text.len);
    }
}

/* A command line that an event carries is one that the log proves, in the PCR of some event. */
static void check_command_lines(const struct att_evlog *log)
{
    static uint8_t room[ATT_CMDLINE_MAX];

    for (size_t i = 0; i < att_evlog_count(log); i++) {
        const struct att_event *ev = att_evlog_at(log, i);
        struct att_slice text = {0};
        int pcr = -1;

        if (att_hash_usable(ev->digest[0].alg)) {
            HOLDS(att_cmdline_of_event(&text, ev, ev->digest[0].alg, room) == ATT_OK);
        }
        if (text.len == 0) {
            check_parameters(ev->data_unproven);
            continue;
        }
        check_parameters(text);
        HOLDS(att_cmdline_measured(&pcr, log, ev->digest[0].alg, text) == ATT_OK && pcr >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_evlog *log = NULL;
    struct att_pcr_values v;
    struct att_diag diag = {0};

    if (att_evlog_parse(&log, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_UEFI && diag.off <= size);
        return 0;
    }
    check_tiles(log, size);
    check_head(log);
    check_command_lines(log);
    HOLDS(att_evlog_replay(&v, log, NULL) == ATT_OK);
    HOLDS(v.count <= ATT_PCR_BANKS);
    att_evlog_free(log);
    return 0;
}
