/*
 * Group G and C, keys: whoever puts another key in place of the one in force, says that a key took over which did not, or lets
 * one go on that was ended, is named by an audit, and partners take no word of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "base/file.h"
#include "base/hex.h"
#include "cosetest.h"
#include "crypto/digest.h"
#include "loghouse.h"
#include "need.h"
#include "sign/vkey.h"
#include "tlog/receipt.h"

static char out[262144];

static void has(const char *text)
{
    ck_assert_msg(strstr(out, text) != NULL, "expected %s: %.2000s", text, out);
}

static void run(const struct loghouse *h, const char *const *args, int code)
{
    int got = loghouse_ctl(h, out, sizeof(out), args);

    ck_assert_msg(got == code, "expected %d, found %d: %.2000s", code, got, out);
}

static void audit(struct loghouse *h, int code)
{
    const char *const args[] = {"log", "audit", "@log", NULL};

    loghouse_sign(h);
    run(h, args, code);
}

/* The finding: its reason and its entry. */
static void found(struct loghouse *h, const char *reason, unsigned int index)
{
    char text[64];

    audit(h, 1);
    (void)snprintf(text, sizeof(text), "\"code\":\"%s\"", reason);
    has(text);
    (void)snprintf(text, sizeof(text), "\"path\":\"entry %u\"", index);
    has(text);
    has("\"findings\":1,");
}

/* A house with two label keys under one root; the first signs until the other is turned to. */
struct two {
    struct loghouse h;
    struct issuer first, second;
    uint8_t print[2][32]; /* of both */
};

static void open_two(struct two *t)
{
    loghouse_open(&t->h);
    t->first = t->h.is;
    issuer_open_under(&t->second, &t->first, ATT_CERT_LABEL_SIGNER, ISSUER_ID);
    NEED(att_pubkey_fingerprint(t->print[0], t->first.signer->public_key) == ATT_OK);
    NEED(att_pubkey_fingerprint(t->print[1], t->second.signer->public_key) == ATT_OK);
    loghouse_enrol(&t->h, 1);
    loghouse_attest(&t->h, 1);
}

static void turn(struct two *t, bool second)
{
    t->h.is = second ? t->second : t->first;
    t->h.introduced = false;
}

static void close_two(struct two *t)
{
    t->h.is = t->first;
    issuer_close(&t->second);
    loghouse_close(&t->h);
}

static void say(struct loghouse *h, const char *kind, const char *why, const uint8_t before[32],
                const uint8_t now[32])
{
    struct att_entry_facts f = {.issuer = ISSUER_ID,
                                .kind = kind,
                                .reason = why,
                                .iat = h->utc,
                                .key_before = before,
                                .key_now = now};

    loghouse_add(h, &f);
}

/* --- what is as it should be --- */

START_TEST(G_keys__that_follow_each_other)
{
    struct two t;

    open_two(&t);
    if (_i == 0) {
        say(&t.h, ATT_ENTRY_LABEL_KEY, ATT_ENTRY_ROTATED, t.print[0], t.print[1]);
        turn(&t, true);
    } else {
        turn(&t, true);
        say(&t.h, ATT_ENTRY_LABEL_KEY, ATT_ENTRY_COMPROMISED, t.print[0], t.print[1]);
    }
    loghouse_attest(&t.h, 1);
    if (_i == 0) /* known later: the one before had been in strange hands */
        say(&t.h, ATT_ENTRY_LABEL_KEY, ATT_ENTRY_COMPROMISED, t.print[0], t.print[1]);
    audit(&t.h, 0);
    has("\"findings\":0,");
    close_two(&t);
}
END_TEST

/* --- lies of a log about its label keys --- */

/* Vouched for by the same root, and introduced with its certificates: but no entry says that it took over. */
START_TEST(G_keys__one_that_took_over_in_silence)
{
    struct two t;

    open_two(&t);
    turn(&t, true);
    loghouse_attest(&t.h, 1);
    found(&t.h, "E_TL_KEY", 2);
    close_two(&t);
}
END_TEST

START_TEST(G_keys__one_that_goes_on_after_it_handed_over)
{
    struct two t;

    open_two(&t);
    if (_i == 0)
        say(&t.h, ATT_ENTRY_LABEL_KEY, ATT_ENTRY_ROTATED, t.print[0], t.print[1]);
    turn(&t, true);
    if (_i == 1)
        say(&t.h, ATT_ENTRY_LABEL_KEY, ATT_ENTRY_COMPROMISED, t.print[0], t.print[1]);
    loghouse_attest(&t.h, 1);
    turn(&t, false);
    loghouse_attest(&t.h, 1);
    found(&t.h, "E_TL_KEY", 4);
    close_two(&t);
}
END_TEST

/* A successor cannot appoint itself, and whoever has a compromised key cannot end it. */
START_TEST(G_keys__change_that_the_wrong_one_signs)
{
    struct two t;

    open_two(&t);
    turn(&t, _i == 0);
    say(&t.h, ATT_ENTRY_LABEL_KEY, _i == 0 ? ATT_ENTRY_ROTATED : ATT_ENTRY_COMPROMISED, t.print[0],
        t.print[1]);
    turn(&t, true);
    loghouse_attest(&t.h, 1);
    found(&t.h, "E_TL_KEY", 2);
    close_two(&t);
}
END_TEST

/* From a key that is not in force, to the one that is, or the end of one that the log never had. */
START_TEST(G_keys__change_from_nowhere)
{
    static const uint8_t nobody[32] = {7};
    struct two t;

    open_two(&t);
    say(&t.h, ATT_ENTRY_LABEL_KEY, _i == 2 ? ATT_ENTRY_COMPROMISED : ATT_ENTRY_ROTATED,
        _i == 1 ? t.print[0] : nobody, _i == 0 ? t.print[1] : t.print[0]);
    loghouse_attest(&t.h, 1);
    found(&t.h, "E_TL_KEY", 2);
    close_two(&t);
}
END_TEST

/* --- and about its own --- */

static void log_print(uint8_t print[32], const struct att_signer *key)
{
    ATT_CLEANUP(att_vkey_freep) struct att_vkey *vkey = NULL;

    NEED(att_vkey_new(&vkey, att_slice_str(LOGHOUSE_ORIGIN), ATT_NOTE_ED25519, key->public_key) ==
         ATT_OK);
    NEED(att_vkey_fingerprint(print, vkey) == ATT_OK);
}

START_TEST(G_keys__log_that_hands_over)
{
    static const uint8_t next[32] = {9};
    uint8_t print[32];
    struct loghouse h;

    loghouse_open(&h);
    loghouse_enrol(&h, 1);
    log_print(print, h.key);
    say(&h, ATT_ENTRY_LOG_KEY, ATT_ENTRY_ROTATED, print, next);
    audit(&h, 0); /* its line of before is there for a while */
    loghouse_close(&h);
}
END_TEST

/* The checkpoint is of a key that the log itself calls compromised, or does not name at all. */
START_TEST(G_keys__checkpoint_of_a_key_that_was_ended)
{
    static const uint8_t next[32] = {9}, other[32] = {8};
    uint8_t print[32];
    struct loghouse h;

    loghouse_open(&h);
    loghouse_enrol(&h, 1);
    log_print(print, h.key);
    say(&h, ATT_ENTRY_LOG_KEY, _i == 0 ? ATT_ENTRY_COMPROMISED : ATT_ENTRY_ROTATED,
        _i == 0 ? print : other, next);
    found(&h, "E_TL_KEY", 1);
    loghouse_close(&h);
}
END_TEST

START_TEST(G_keys__log_key_that_follows_another_than_the_last)
{
    static const uint8_t next[32] = {9}, other[32] = {8};
    uint8_t print[32];
    struct loghouse h;

    loghouse_open(&h);
    loghouse_enrol(&h, 1);
    log_print(print, h.key);
    say(&h, ATT_ENTRY_LOG_KEY, ATT_ENTRY_ROTATED, print, next);
    say(&h, ATT_ENTRY_LOG_KEY, ATT_ENTRY_ROTATED, other, print);
    found(&h, "E_TL_KEY", 2);
    loghouse_close(&h);
}
END_TEST

/* --- a state of an audit goes on across a revocation that it was told of, and only then --- */

static void write_rule(const struct two *t, const char *before)
{
    char path[96], text[320], hex[65];

    (void)snprintf(path, sizeof(path), "%s/trust.yaml", t->h.trust);
    (void)snprintf(text, sizeof(text), "revoked-keys:\n  - {key: %s, log: %s, from: 3%s}\n",
                   att_hex_encode(hex, sizeof(hex), att_slice_of(t->print[0], 32)), LOGHOUSE_ORIGIN,
                   before);
    NEED(att_file_write(path, att_slice_str(text), 0644, NULL) == ATT_OK);
}

START_TEST(C_19__state_goes_on_under_the_same_rows_alone)
{
    const char *const args[] = {"log", "audit", "@log", "--state", "@state", NULL};
    struct two t;

    open_two(&t);
    say(&t.h, ATT_ENTRY_LABEL_KEY, ATT_ENTRY_ROTATED, t.print[0], t.print[1]);
    turn(&t, true);
    for (unsigned int i = 0; i < 600; i++)
        loghouse_attest(&t.h, 1);
    loghouse_sign(&t.h);
    run(&t.h, args, 0);
    write_rule(&t, ", before: accept");
    run(&t.h, args, 0);
    has("\"resumed_at\":0,"); /* it was judged by no row */
    run(&t.h, args, 0);
    has("\"resumed_at\":512,");
    write_rule(&t, "");
    run(&t.h, args, 1);
    has("\"resumed_at\":0,");
    has("\"findings\":3,");
    close_two(&t);
}
END_TEST

/* --- what partners are told --- */

/* An entry in a log of its own, with its receipt, as key export writes it. */
static void forge(struct two *t, const struct att_entry_facts *f, const struct issuer *by)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *root = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *receipt = NULL;
    const struct att_merkle_path path = {0};
    const struct att_receipt_place place = {.size = 1, .path = &path};
    struct att_receipt_root r = {.origin = LOGHOUSE_ORIGIN, .iat = t->h.utc, .head = {.size = 1}};
    struct att_entry_facts facts = *f;
    char file[96];

    facts.x5chain = by->chain;
    facts.x5chain_count = 1;
    NEED(att_entry_make(&entry, &facts, by->signer) == ATT_OK);
    NEED(att_merkle_leaf(r.head.root, t->h.hasher, att_buf_slice(entry)) == ATT_OK);
    NEED(att_receipt_sign(&root, &r, t->h.key) == ATT_OK);
    NEED(att_receipt_make(&receipt, att_buf_slice(root), &place, att_buf_slice(entry)) == ATT_OK);
    (void)snprintf(file, sizeof(file), "%s/told", t->h.dir);
    NEED(att_file_write(file, att_buf_slice(receipt), 0644, NULL) == ATT_OK);
}

static void told(const struct two *t, int code, const char *text)
{
    const char *const args[] = {"trust", "revoke", "@told", "--yes", NULL};

    run(&t->h, args, code);
    has(text);
}

static struct att_entry_facts end_of_first(const struct two *t)
{
    return (struct att_entry_facts){.issuer = ISSUER_ID,
                                    .kind = ATT_ENTRY_LABEL_KEY,
                                    .reason = ATT_ENTRY_COMPROMISED,
                                    .iat = t->h.utc,
                                    .key_before = t->print[0],
                                    .key_now = t->print[1]};
}

START_TEST(C_19__end_of_a_key_is_taken_once)
{
    struct att_entry_facts f;
    struct two t;

    open_two(&t);
    f = end_of_first(&t);
    forge(&t, &f, &t.second);
    told(&t, 0, "\"already\":false");
    told(&t, 0, "\"already\":true");
    close_two(&t);
}
END_TEST

/* A rotation is no end: whoever shows its entry would end a key that is good. */
START_TEST(C_19__rotation_is_no_end)
{
    struct att_entry_facts f;
    struct two t;

    open_two(&t);
    f = end_of_first(&t);
    f.reason = ATT_ENTRY_ROTATED;
    forge(&t, &f, &t.first);
    told(&t, 1, "E_TL_ENTRY");
    close_two(&t);
}
END_TEST

/* Another verifier, whose anchor is here too, speaks in this one's name. */
START_TEST(C_19__end_that_another_verifier_says)
{
    struct att_entry_facts f;
    struct issuer other;
    struct two t;

    open_two(&t);
    issuer_open_under(&other, &t.first, ATT_CERT_LABEL_SIGNER, "verifier.other");
    f = end_of_first(&t);
    forge(&t, &f, &other);
    told(&t, 1, "E_LBL_ISSUER");
    issuer_close(&other);
    close_two(&t);
}
END_TEST

/* By the key that it ends, or by one that was ended before: strange hands end whatever they like. */
START_TEST(C_19__end_that_an_ended_key_says)
{
    struct att_entry_facts f;
    struct two t;

    open_two(&t);
    f = end_of_first(&t);
    if (_i == 1) {
        forge(&t, &f, &t.second);
        told(&t, 0, "\"already\":false");
        f.key_before = t.print[1];
        f.key_now = t.print[0];
    }
    forge(&t, &f, &t.first);
    told(&t, 1, "E_LBL_REVOKED");
    close_two(&t);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-keys-follow", G_keys__that_follow_each_other, 2, 60},
        {"G-keys-silent", G_keys__one_that_took_over_in_silence, 0, 60},
        {"G-keys-goes-on", G_keys__one_that_goes_on_after_it_handed_over, 2, 60},
        {"G-keys-wrong-one", G_keys__change_that_the_wrong_one_signs, 2, 60},
        {"G-keys-nowhere", G_keys__change_from_nowhere, 3, 60},
        {"G-keys-hands-over", G_keys__log_that_hands_over, 0, 60},
        {"G-keys-checkpoint", G_keys__checkpoint_of_a_key_that_was_ended, 2, 60},
        {"G-keys-log-follows", G_keys__log_key_that_follows_another_than_the_last, 0, 60},
        {"C-19-state-rows", C_19__state_goes_on_under_the_same_rows_alone, 0, 60},
        {"C-19-end", C_19__end_of_a_key_is_taken_once, 0, 60},
        {"C-19-end-kind", C_19__rotation_is_no_end, 0, 60},
        {"C-19-end-issuer", C_19__end_that_another_verifier_says, 0, 60},
        {"C-19-end-signer", C_19__end_that_an_ended_key_says, 2, 60},
    };

    return attack_rows("attacks: keys that change", rows, ATT_COUNT(rows));
}
