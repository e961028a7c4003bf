/* Group G, the auditor: each lie that a log can tell in its entries has a name, and the entry that it stands in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "base/file.h"
#include "base/hex.h"
#include "cosetest.h"
#include "loghouse.h"
#include "need.h"

static char out[262144];

static void has(const char *text)
{
    ck_assert_msg(strstr(out, text) != NULL, "expected %s: %.2000s", text, out);
}

static void audit(const struct loghouse *h, int code)
{
    const char *const args[] = {"log", "audit", "@log", NULL};
    int got = loghouse_ctl(h, out, sizeof(out), args);

    ck_assert_msg(got == code, "expected %d, found %d: %.2000s", code, got, out);
}

static void audit_state(const struct loghouse *h, const char *log, int code)
{
    const char *const args[] = {"log", "audit", log, "--state", "@state", NULL};
    int got = loghouse_ctl(h, out, sizeof(out), args);

    ck_assert_msg(got == code, "expected %d, found %d: %.2000s", code, got, out);
}

/* A few gateways with labels; one of each kind of entry that is nobody's fault. */
static void open_house(struct loghouse *h, uint32_t labels)
{
    loghouse_open(h);
    for (uint32_t i = 0; i < 3; i++)
        loghouse_enrol(h, i);
    for (uint32_t i = 0; i < labels; i++)
        loghouse_attest(h, i % 3);
}

/* The finding: its reason and its entry. */
static void found(struct loghouse *h, int code, const char *reason, uint64_t index)
{
    char text[64];

    loghouse_sign(h);
    audit(h, code);
    (void)snprintf(text, sizeof(text), "\"code\":\"%s\"", reason);
    has(text);
    (void)snprintf(text, sizeof(text), "\"path\":\"entry %llu\"", (unsigned long long)index);
    has(text);
}

/* In the signature of the first entry: it stays well-formed, and its hash is another. */
#define LAST_OF_FIRST SIZE_MAX

static size_t place_of(const struct loghouse *h, size_t off)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    struct att_slice b;

    if (off != LAST_OF_FIRST)
        return off;
    bundle = loghouse_read(h, "tile/entries/000");
    b = att_buf_slice(bundle);
    return 2 + ((size_t)b.p[0] << 8 | b.p[1]) - 1;
}

START_TEST(G_06__changed_entry_or_hash_is_named)
{
    static const struct {
        const char *file, *path;
        size_t off;
    } CHANGES[] = {
        {"tile/entries/000", "\"path\":\"entry 0\"", LAST_OF_FIRST},
        {"tile/0/000", "\"path\":\"entry 3\"", 3 * 32},
        {"tile/0/001.p/47", "\"path\":\"entry 258\"", 2 * 32 + 5},
        {"tile/1/000.p/1", "\"path\":\"entry 0\"", 0},
    };
    struct loghouse h;

    open_house(&h, 300);
    loghouse_sign(&h);
    audit(&h, 0);
    loghouse_flip(&h, CHANGES[_i].file, place_of(&h, CHANGES[_i].off));
    audit(&h, 1);
    has("E_TL_TREE");
    has(CHANGES[_i].path);
    loghouse_close(&h);
}
END_TEST

/* Entries, hashes and tiles fit: only the root that was signed is another. */
START_TEST(G_06__whole_tree_of_others_is_not_the_signed_one)
{
    struct loghouse h;
    ATT_CLEANUP(att_buf_freep) struct att_buf *kept = NULL;
    char line[64];

    open_house(&h, 20);
    loghouse_sign(&h);
    kept = loghouse_read(&h, "checkpoint");
    h.tiler = (struct att_tiler){0};
    att_buf_clear(h.bundle);
    h.introduced = false;
    for (uint32_t i = 0; i < 23; i++)
        loghouse_enrol(&h, i);
    loghouse_sign(&h);
    loghouse_write(&h, "checkpoint", att_buf_slice(kept));
    audit(&h, 1);
    (void)snprintf(line, sizeof(line), "expected the root of the checkpoint");
    has(line);
    loghouse_close(&h);
}
END_TEST

/* An entry without a byte, one of the limit, and one that is no entry. */
START_TEST(G_13__entries_of_odd_lengths)
{
    static uint8_t large[ATT_TILE_ENTRY_MAX + 1];
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    struct loghouse h;

    NEED(att_buf_new(&bundle, ATT_BUNDLE_MAX) == ATT_OK);
    ck_assert_int_eq(att_bundle_add(bundle, att_slice_of(large, sizeof(large))), ATT_E_LIMIT);
    ck_assert_uint_eq(att_buf_len(bundle), 0);
    open_house(&h, 3);
    loghouse_add_bytes(&h,
                       _i == 0 ? att_slice_of(NULL, 0) : att_slice_of(large, sizeof(large) - 1));
    found(&h, 4, "E_FMT_CBOR", 6);
    loghouse_close(&h);
}
END_TEST

START_TEST(G_16__label_key_that_nobody_introduced)
{
    struct loghouse h;
    struct att_signer *ours;
    struct att_signer *other = cosetest_signer(ATT_KEY_EC_P256);

    open_house(&h, 3);
    ours = h.is.signer;
    h.is.signer = other;
    loghouse_attest(&h, 1);
    h.is.signer = ours;
    found(&h, 1, "E_TL_SIGNATURE", 6);
    att_signer_free(other);
    loghouse_close(&h);
}
END_TEST

/* A key that introduces itself, under an authority that is not installed here. */
START_TEST(G_16__label_key_that_nobody_vouches_for)
{
    struct loghouse h;
    struct issuer ours, other;

    open_house(&h, 3);
    ours = h.is;
    issuer_open(&other);
    loghouse_turn(&h, &other);
    loghouse_attest(&h, 1);
    issuer_close(&h.is);
    h.is = ours;
    loghouse_sign(&h);
    audit(&h, 3);
    has("\"code\":\"E_LBL_KEY\"");
    has("{\"id\":\"keys\",\"status\":\"not-run\"}");
    loghouse_close(&h);
}
END_TEST

START_TEST(G_20__time_that_goes_back)
{
    struct loghouse h;

    open_house(&h, 3);
    h.utc -= 10;
    loghouse_attest(&h, 1);
    found(&h, 1, "E_CLK_BACK", 6);
    loghouse_close(&h);
}
END_TEST

/* One more entry that does not agree with those before it. */
static void again(struct loghouse *h) /* a label twice */
{
    struct loghouse_room room;
    struct att_entry_facts f = loghouse_label(h, &room, 1);

    loghouse_add(h, &f);
    f.iat = h->utc;
    loghouse_add(h, &f);
}

static void add_event(struct loghouse *h, const char *kind, const uint8_t *cti)
{
    struct loghouse_room room;
    struct att_entry_facts f = loghouse_event(h, &room, 1, kind);

    f.cti = cti;
    loghouse_add(h, &f);
}

static void after_removal(struct loghouse *h)
{
    add_event(h, "removed", NULL);
    loghouse_attest(h, 1);
}

static void revokes_nothing(struct loghouse *h)
{
    struct loghouse_room room;

    loghouse_attest(h, 1);
    (void)loghouse_label(h, &room, 1); /* an id of now that no label has */
    add_event(h, "revoked", room.cti);
}

static void revokes_anothers(struct loghouse *h)
{
    struct loghouse_room room;
    struct att_entry_facts f = loghouse_label(h, &room, 2);

    loghouse_add(h, &f);
    add_event(h, "revoked", room.cti);
}

static void restores(struct loghouse *h, const char *first, const char *then)
{
    struct loghouse_room room;
    struct att_entry_facts f = loghouse_label(h, &room, 1);

    loghouse_add(h, &f);
    if (first != NULL)
        add_event(h, first, room.cti);
    add_event(h, then, room.cti);
}

static void restored_after_revoked(struct loghouse *h)
{
    restores(h, "revoked", "restored");
}

static void restored_from_nothing(struct loghouse *h)
{
    loghouse_attest(h, 1);
    restores(h, NULL, "restored");
    h->serial++;
}

static void one_label(struct loghouse *h, const char *kind, int status, int64_t exp,
                      const char *issuer)
{
    struct loghouse_room room;
    struct att_entry_facts f;

    loghouse_attest(h, 1);
    f = loghouse_label(h, &room, 1);
    f.kind = kind;
    room.status = status;
    f.exp = exp != 0 ? exp : f.exp;
    f.reason = "E_TEST";
    f.issuer = issuer != NULL ? issuer : f.issuer;
    loghouse_add(h, &f);
}

static void refused_and_affirming(struct loghouse *h)
{
    one_label(h, "refused", ATT_TIER_AFFIRMING, 0, NULL);
}

static void label_and_contraindicated(struct loghouse *h)
{
    one_label(h, "label", ATT_TIER_CONTRAINDICATED, 0, NULL);
}

static void label_of_another_kind(struct loghouse *h)
{
    one_label(h, "enrolled", ATT_TIER_AFFIRMING, 0, NULL);
}

static void ends_before_it_begins(struct loghouse *h)
{
    one_label(h, "label", ATT_TIER_AFFIRMING, h->utc - 5, NULL);
}

static void other_issuer(struct loghouse *h)
{
    one_label(h, "label", ATT_TIER_AFFIRMING, 0, "other.test");
}

static void no_reason(struct loghouse *h)
{
    loghouse_attest(h, 1);
    add_event(h, "stale", NULL);
}

static const struct {
    void (*lie)(struct loghouse *h);
    const char *reason;
    uint64_t index;
} LIES[] = {
    {again, "E_TL_LABELS", 7},
    {after_removal, "E_TL_LABELS", 7},
    {revokes_nothing, "E_TL_LABELS", 7},
    {revokes_anothers, "E_TL_LABELS", 7},
    {restored_after_revoked, "E_TL_LABELS", 8},
    {restored_from_nothing, "E_TL_LABELS", 8},
    {refused_and_affirming, "E_TL_LABELS", 7},
    {label_and_contraindicated, "E_TL_LABELS", 7},
    {label_of_another_kind, "E_TL_LABELS", 7},
    {ends_before_it_begins, "E_TL_LABELS", 7},
    {other_issuer, "E_TL_ENTRY", 7},
    {no_reason, "E_TL_LABELS", 7},
};

START_TEST(G_labels__that_contradict_each_other)
{
    struct loghouse h;

    open_house(&h, 3);
    LIES[_i].lie(&h);
    found(&h, 1, LIES[_i].reason, LIES[_i].index);
    has("\"findings\":1,");
    loghouse_close(&h);
}
END_TEST

/* What may happen to labels is no finding. */
START_TEST(G_labels__that_agree)
{
    struct loghouse_room room;
    struct att_entry_facts f;
    struct loghouse h;

    open_house(&h, 3);
    restores(&h, "suspended", "restored");
    restores(&h, "suspended", "revoked");
    f = loghouse_label(&h, &room, 1);
    f.kind = "refused";
    f.reason = "E_REF_MISMATCH";
    room.status = ATT_TIER_CONTRAINDICATED;
    loghouse_add(&h, &f);
    add_event(&h, "revoked",
              (const uint8_t[ATT_ENTRY_CTI]){1}); /* of a label that ended long ago */
    f = loghouse_label(&h, &room, 1);
    loghouse_add(&h, &f);
    add_event(&h, "suspended", NULL); /* all of the gateway's, and then the one is restored */
    add_event(&h, "restored", room.cti);
    add_event(&h, "removed", NULL);
    add_event(&h, "enrolled", NULL);
    h.utc += 2 * LOGHOUSE_LIFE;
    loghouse_attest(&h, 0); /* a gap */
    loghouse_sign(&h);
    audit(&h, 0);
    has("\"findings\":0,");
    has("\"gaps_count\":1,");
    has("\"silent_count\":2,");
    has("\"revoked\":5,");
    loghouse_close(&h);
}
END_TEST

START_TEST(G_05__log_that_is_shorter_than_what_was_audited)
{
    struct loghouse h;

    open_house(&h, 200);
    loghouse_sign(&h);
    loghouse_copy(&h, "old");
    for (uint32_t i = 0; i < 100; i++)
        loghouse_attest(&h, 1);
    loghouse_sign(&h);
    audit_state(&h, "@log", 0);
    audit_state(&h, "@old", 1);
    has("E_TL_ROLLBACK");
    audit_state(&h, "@log", 0);
    has("\"resumed_at\":256");
    loghouse_close(&h);
}
END_TEST

/* A state of another history: the tree does not begin with it, whatever it says of entries. */
START_TEST(G_state__of_another_tree)
{
    struct loghouse h;

    open_house(&h, 300);
    loghouse_sign(&h);
    audit_state(&h, "@log", 0);
    h.tiler = (struct att_tiler){0};
    att_buf_clear(h.bundle);
    h.introduced = false;
    for (uint32_t i = 0; i < 303; i++)
        loghouse_enrol(&h, i);
    loghouse_sign(&h);
    audit_state(&h, "@log", 1);
    has("E_TL_CONSIST");
    audit(&h, 0);
    loghouse_close(&h);
}
END_TEST

/* C-19: the label key of this house in trust.yaml, revoked at entry 8. */
static void revoke_key(const struct loghouse *h, const char *log, const char *before)
{
    uint8_t key[32];
    char path[96], text[320], hex[65];

    NEED(att_pubkey_fingerprint(key, h->is.signer->public_key) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/trust.yaml", h->trust);
    (void)snprintf(text, sizeof(text), "revoked-keys:\n  - {key: %s, log: %s, from: 8%s}\n",
                   att_hex_encode(hex, sizeof(hex), att_slice_of(key, sizeof(key))), log, before);
    NEED(att_file_write(path, att_slice_str(text), 0644, NULL) == ATT_OK);
}

/* Ten entries: what stands before the revocation counts where trust.yaml says so, and in that log alone. */
static const struct {
    const char *log, *before, *findings, *first;
} REVOKED[] = {
    {LOGHOUSE_ORIGIN, ", before: accept", "\"findings\":2,", "\"path\":\"entry 8\""},
    {LOGHOUSE_ORIGIN, "", "\"findings\":10,", "\"path\":\"entry 0\""},
    {"other.test/log", ", before: accept", "\"findings\":10,", "\"path\":\"entry 0\""},
};

START_TEST(C_19__entries_of_a_label_key_that_was_revoked)
{
    struct loghouse h;

    open_house(&h, 7);
    loghouse_sign(&h);
    audit(&h, 0);
    revoke_key(&h, REVOKED[_i].log, REVOKED[_i].before);
    audit(&h, 1);
    has("\"code\":\"E_LBL_REVOKED\"");
    has("{\"id\":\"signatures\",\"status\":\"fail\"}");
    has(REVOKED[_i].findings);
    has(REVOKED[_i].first);
    loghouse_close(&h);
}
END_TEST

/* A state of before the revocation was known does not hide what the key signed: the audit begins again. */
START_TEST(C_19__state_of_before_the_revocation)
{
    struct loghouse h;

    open_house(&h, 300);
    loghouse_sign(&h);
    audit_state(&h, "@log", 0);
    revoke_key(&h, LOGHOUSE_ORIGIN, ", before: accept");
    audit_state(&h, "@log", 1);
    has("\"findings\":295,");
    has("\"resumed_at\":0,");
    loghouse_close(&h);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-05-audit", G_05__log_that_is_shorter_than_what_was_audited, 0, 60},
        {"G-06-audit", G_06__changed_entry_or_hash_is_named, 4, 60},
        {"G-06-root", G_06__whole_tree_of_others_is_not_the_signed_one, 0, 60},
        {"G-13", G_13__entries_of_odd_lengths, 2, 60},
        {"G-16-audit", G_16__label_key_that_nobody_introduced, 0, 60},
        {"G-16-anchor", G_16__label_key_that_nobody_vouches_for, 0, 60},
        {"G-20-audit", G_20__time_that_goes_back, 0, 60},
        {"G-labels", G_labels__that_contradict_each_other, (int)ATT_COUNT(LIES), 60},
        {"G-labels-agree", G_labels__that_agree, 0, 60},
        {"C-19-audit", C_19__entries_of_a_label_key_that_was_revoked, (int)ATT_COUNT(REVOKED), 60},
        {"C-19-state", C_19__state_of_before_the_revocation, 0, 60},
        {"G-state", G_state__of_another_tree, 0, 60},
    };

    return attack_rows("attacks: the audit of a log", rows, ATT_COUNT(rows));
}
