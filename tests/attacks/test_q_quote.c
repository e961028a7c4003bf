/* Attack matrix 4.1, rows about one quote: structure, signer, nonce, selection. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "attack_scene.h"
#include "need.h"
#include "policy/policy.h"

/* Quote other PCRs than the challenge asked for, honestly: refused. */
static void selection_fails(struct attack_scene *s, const struct att_pcr_selection *selection,
                            const char *code)
{
    s->a.attest = softtpm_attest(s->g->tpm, att_slice_of(s->a.qualifying, 32), selection);
    attack_send_fails(s->g, &s->a, code);
    ck_assert_msg(s->a.has_outcome && s->a.outcome.reason_count > 0 &&
                      att_slice_eq(s->a.outcome.reason[0].name, att_slice_str("pcrSelect")),
                  "refused, but not for the selection itself");
    attack_scene_close(s);
}

/* The PCRs that the challenge asked for, of another bank. */
static void bank_fails(const char *id, enum att_hash bank)
{
    struct att_pcr_selection sel;
    struct attack_scene s;

    attack_scene_open(&s, id);
    sel = s.a.selection;
    sel.sel[0].bank = bank;
    selection_fails(&s, &sel, "E_Q_BANK");
}

START_TEST(Q_01__magic_zero_is_refused)
{
    struct attack_scene s;

    attack_scene_open(&s, "q-01");
    s.a.attest.magic = 0;
    attack_scene_fails(&s, "E_Q_MAGIC");
}
END_TEST

START_TEST(Q_02__nv_certify_is_no_quote)
{
    struct attack_scene s;

    attack_scene_open(&s, "q-02");
    softtpm_attest_nv(&s.a.attest, att_slice_str("contents of an index"));
    attack_scene_fails(&s, "E_Q_TYPE");
}
END_TEST

START_TEST(Q_03__empty_selection_is_refused)
{
    const struct att_pcr_selection none = {.count = 0};
    const struct att_pcr_selection zero = softtpm_selection(ATT_HASH_SHA256, 0);
    struct attack_scene s;

    attack_scene_open_numbered(&s, "q-03", _i);
    selection_fails(&s, _i == 0 ? &none : &zero, "E_Q_PCRSEL");
}
END_TEST

START_TEST(Q_04__omitted_pcr_is_refused)
{
    struct att_pcr_selection sel;
    struct attack_scene s;

    attack_scene_open_numbered(&s, "q-04", _i);
    sel = s.a.selection;
    ck_assert_uint_ne(sel.sel[0].mask & (1U << (_i == 0 ? 7 : 10)), 0);
    sel.sel[0].mask &= ~(1U << (_i == 0 ? 7 : 10));
    selection_fails(&s, &sel, "E_Q_PCRSEL");
}
END_TEST

START_TEST(Q_05__extra_pcr_is_refused)
{
    struct att_pcr_selection sel;
    struct attack_scene s;

    attack_scene_open(&s, "q-05");
    sel = s.a.selection;
    ck_assert_uint_eq(sel.sel[0].mask & (1U << 14), 0);
    sel.sel[0].mask |= 1U << 14;
    selection_fails(&s, &sel, "E_Q_PCRSEL");
}
END_TEST

START_TEST(Q_06__sha1_bank_is_refused)
{
    bank_fails("q-06", ATT_HASH_SHA1);
}
END_TEST

/* Golden values re-extended into a bank that the firmware left alone (CVE-2021-42299). */
START_TEST(Q_07__unmeasured_bank_is_refused)
{
    bank_fails("q-07", ATT_HASH_SHA384);
}
END_TEST

START_TEST(Q_08__resettable_pcrs_are_refused)
{
    const struct att_pcr_selection sel = softtpm_selection(ATT_HASH_SHA256, 1U << 16 | 1U << 23);
    struct attack_scene s;

    attack_scene_open(&s, "q-08");
    softtpm_event(s.g->tpm, 16, att_slice_str("golden"));
    softtpm_event(s.g->tpm, 23, att_slice_str("golden"));
    selection_fails(&s, &sel, "E_Q_PCRSEL");
}
END_TEST

START_TEST(Q_08__policy_that_names_resettable_pcrs_is_refused)
{
    static const char *const text[] = {
        "policy: p\nversion: 1\nrequirements:\n"
        "  - {id: a, severity: fail, boot_pcrs: [16], title: {en: a, ja: a}}\n",
        "policy: p\nversion: 1\nown_pcrs: [23]\nrequirements:\n"
        "  - {id: a, severity: fail, logs: [own], title: {en: a, ja: a}}\n",
        "policy: p\nversion: 1\nrequirements:\n  - {id: a, severity: fail, title: {en: a, ja: a},\n"
        "     pcr_in: {pcr: 16, values: "
        "[0000000000000000000000000000000000000000000000000000000000000000]}}\n"};
    struct att_policy *p = NULL;
    struct att_diag diag = {0};

    ck_assert_int_ne(att_policy_parse_yaml(&p, "p.yaml", att_slice_str(text[_i]), &diag), ATT_OK);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_CFG_POLICY");
    ck_assert_ptr_null(p);
}
END_TEST

/* On the wire no PCR value travels (D4): a wrong digest is one that no log explains. */
START_TEST(Q_09__digest_one_bit_off_is_refused)
{
    struct attack_scene s;

    attack_scene_open(&s, "q-09");
    s.a.attest.digest[0] ^= 1;
    attack_scene_fails(&s, "E_LOG_PCR");
}
END_TEST

static void write_bytes(const char *dir, const char *name, const void *p, size_t len)
{
    char path[200];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "wb");
    NEED(f != NULL && fwrite(p, 1, len, f) == len && fclose(f) == 0);
}

/* PCR values of the bank as JSON, with one of them changed. */
static void write_pcrs(const char *dir, const struct softtpm *tpm, int change)
{
    char text[8192] = "{\"sha256\":{";
    size_t len = strlen(text);
    uint32_t pcr;
    size_t i;

    for (pcr = 0; pcr < 8; pcr++) {
        /* 1: a bit of PCR 7; 2: PCR 4 and 5 exchanged; 3: PCR 7 removed */
        uint32_t from = change == 2 && pcr == 4 ? 5 : change == 2 && pcr == 5 ? 4 : pcr;
        const uint8_t *v = softtpm_pcr(tpm, ATT_HASH_SHA256, from);

        if (change == 3 && pcr == 7) {
            continue;
        }
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\"%u\":\"", pcr == 0 ? "" : ",",
                                (unsigned int)pcr);
        for (i = 0; i < 32; i++) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%02x",
                                    v[i] ^ (change == 1 && pcr == 7 && i == 31 ? 1 : 0));
        }
        len += (size_t)snprintf(text + len, sizeof(text) - len, "\"");
    }
    len += (size_t)snprintf(text + len, sizeof(text) - len, "}}");
    write_bytes(dir, "pcrs", text, len);
}

/* Values do travel in raw appraisal: attestctl with the files of other tools. */
START_TEST(Q_09__reported_value_that_was_not_quoted_is_refused)
{
    const struct att_pcr_selection sel = softtpm_selection(ATT_HASH_SHA256, 0xff);
    struct gateway *g = attack_stranger("q-09-raw");
    struct softtpm_bytes attest;
    struct softtpm_bytes signature;
    char dir[] = "/tmp/attest-q09-XXXXXX";
    char path[4][64];
    const char *args[] = {"--json", "evidence", "appraise", "--quote", path[0], "--signature",
                          path[1],  "--ak",     path[2],    "--pcrs",  path[3], NULL};
    char said[16384];
    int code;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path[0], 64, "%s/quote", dir);
    snprintf(path[1], 64, "%s/sig", dir);
    snprintf(path[2], 64, "%s/ak", dir);
    snprintf(path[3], 64, "%s/pcrs", dir);
    softtpm_quote(&attest, &signature, g->tpm, att_slice_str("nonce of sixteen"), &sel);
    write_bytes(dir, "quote", attest.p, attest.len);
    write_bytes(dir, "sig", signature.p, signature.len);
    write_bytes(dir, "ak", g->tpm->ak.public_area, g->tpm->ak.public_len);
    write_pcrs(dir, g->tpm, _i);
    code = service_program(said, sizeof(said), "attestctl", args);
    if (_i == 0) {
        ck_assert_msg(code == 3, "unchanged values are undecided without a policy: %d %s", code,
                      said);
        ck_assert_ptr_null(strstr(said, "E_Q_DIGEST"));
    } else {
        ck_assert_msg(code == 1, "exit %d: %s", code, said);
        ck_assert_msg(strstr(said, "E_Q_DIGEST") != NULL, "%s", said);
    }
    snprintf(said, sizeof(said), "rm -r %s", dir);
    ck_assert_int_eq(system(said), 0);
    gateway_free(g);
}
END_TEST

static void wrong_nonce(struct gateway_attempt *a, int i)
{
    struct softtpm_attest *t = &a->attest;

    switch (i) {
    case 0:
        t->extra_len = 0;
        break;
    case 1:
        t->extra_len = 31;
        break;
    case 2:
        memset(t->extra + 32, 0, 32);
        t->extra_len = 64;
        break;
    case 3: /* an equal prefix, the end changed */
        t->extra[31] ^= 1;
        break;
    case 4:
        SHA256(a->challenge.nonce.p, 32, t->extra);
        break;
    default: /* the nonce itself, not the context's hash */
        memcpy(t->extra, a->challenge.nonce.p, 32);
        break;
    }
}

START_TEST(Q_10__other_nonce_is_refused)
{
    struct attack_scene s;

    attack_scene_open_numbered(&s, "q-10", _i);
    wrong_nonce(&s.a, _i);
    attack_scene_fails(&s, "E_Q_NONCE");
}
END_TEST

static void wrong_signer(struct attack_scene *s, int i)
{
    struct softtpm_attest *t = &s->a.attest;

    switch (i) {
    case 0:
        t->signer[33] ^= 1;
        break;
    case 1: /* the name, as of a key with no parent */
        memcpy(t->signer, s->g->tpm->ak.name, s->g->tpm->ak.name_len);
        break;
    case 2: { /* the same key under the owner hierarchy */
        uint8_t text[4 + 34] = {0x40, 0x00, 0x00, 0x01};

        memcpy(text + 4, s->g->tpm->ak.name, 34);
        SHA256(text, sizeof(text), t->signer + 2);
        break;
    }
    default:
        t->signer_len = 0;
        break;
    }
}

START_TEST(Q_23__signer_of_another_place_is_refused)
{
    struct attack_scene s;

    attack_scene_open_numbered(&s, "q-23", _i);
    wrong_signer(&s, _i);
    attack_scene_fails(&s, "E_Q_SIGNER");
}
END_TEST

/* Malformed structures: the device is authenticated, yet nothing can be said of it. */
static void malformed_changes_nothing(struct attack_scene *s)
{
    char *before = attack_records();

    gateway_seal(s->g, &s->a);
    gateway_send(s->g, &s->a);
    attack_refused(&s->a.answer, 400, "E_FMT_ATTEST");
    attack_same_records(before);
}

static void malformed_selection(struct softtpm_attest *t, int i)
{
    struct att_wr w = att_wr_into(t->body, sizeof(t->body));
    static const uint8_t size[] = {3, 0, 1, 5, 255, 4, 3};
    uint32_t count = i == 0 ? 17 : 1;
    uint32_t k;

    att_wr_u32be(&w, count);
    for (k = 0; k < count; k++) {
        att_wr_u16be(&w, ATT_HASH_SHA256);
        att_wr_u8(&w, size[i]);
        att_wr_zeros(&w, size[i]);
        if (i == 5) {
            w.p[w.len - 1] = 1; /* PCR 24 */
        }
        if (i == 6) {
            w.p[w.len - 1] = 0;
        }
    }
    if (i == 6) {
        att_wr_u8(&w, 0); /* a list of one that goes on */
    }
    att_wr_u16be(&w, 32);
    att_wr_bytes(&w, t->digest, 32);
    NEED(att_wr_ok(&w));
    t->body_len = w.len;
}

START_TEST(Q_24__malformed_selection_is_refused)
{
    struct attack_scene s;

    attack_scene_open_numbered(&s, "q-24", _i);
    malformed_selection(&s.a.attest, _i);
    gateway_sign(s.g, &s.a);
    malformed_changes_nothing(&s);
    attack_scene_close(&s);
}
END_TEST

/* End to end, a sample of the lengths; all of them in test_q_mutants.c. */
START_TEST(Q_18__cut_or_longer_attest_is_refused)
{
    struct attack_scene s;
    size_t whole;

    attack_scene_open_numbered(&s, "q-18", _i);
    gateway_sign(s.g, &s.a);
    whole = s.a.attest_bytes.len;
    s.a.attest_bytes.len = _i == 0   ? 0
                           : _i == 1 ? 1
                           : _i == 2 ? whole / 2
                           : _i == 3 ? whole - 1
                           : _i == 4 ? whole + 1
                                     : whole + 16;
    malformed_changes_nothing(&s);
    attack_scene_close(&s);
}
END_TEST

/* One bit a time through the whole service: never good, never a crash, always a named reason. */
START_TEST(Q_19__flipped_bit_is_refused)
{
    struct attack_scene s;
    int k;

    attack_scene_open(&s, "q-19");
    for (k = 0; k < 24; k++) {
        size_t bit;
        struct softtpm_bytes *target = k % 2 == 0 ? &s.a.attest_bytes : &s.a.signature_bytes;

        gateway_attempt_clear(&s.a);
        ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
        gateway_measure(s.g, &s.a);
        gateway_sign(s.g, &s.a);
        bit = (size_t)k * (target->len * 8 - 1) / 23;
        target->p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        gateway_seal(s.g, &s.a);
        gateway_send(s.g, &s.a);
        ck_assert_msg((s.a.answer.status == 400 && strcmp(s.a.answer.code, "E_FMT_ATTEST") == 0) ||
                          (s.a.answer.status == 422 && strncmp(s.a.answer.code, "E_Q_", 4) == 0),
                      "bit %zu: %d %s", bit, s.a.answer.status, s.a.answer.code);
    }
    attack_scene_close(&s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"Q-01", Q_01__magic_zero_is_refused, 0, 0},
        {"Q-02", Q_02__nv_certify_is_no_quote, 0, 0},
        {"Q-03", Q_03__empty_selection_is_refused, 2, 0},
        {"Q-04", Q_04__omitted_pcr_is_refused, 2, 0},
        {"Q-05", Q_05__extra_pcr_is_refused, 0, 0},
        {"Q-06", Q_06__sha1_bank_is_refused, 0, 0},
        {"Q-07", Q_07__unmeasured_bank_is_refused, 0, 0},
        {"Q-08", Q_08__resettable_pcrs_are_refused, 0, 0},
        {"Q-08-policy", Q_08__policy_that_names_resettable_pcrs_is_refused, 3, 0},
        {"Q-09", Q_09__digest_one_bit_off_is_refused, 0, 0},
        {"Q-09-raw", Q_09__reported_value_that_was_not_quoted_is_refused, 4, 0},
        {"Q-10", Q_10__other_nonce_is_refused, 6, 0},
        {"Q-18", Q_18__cut_or_longer_attest_is_refused, 6, 0},
        {"Q-19", Q_19__flipped_bit_is_refused, 0, 0},
        {"Q-23", Q_23__signer_of_another_place_is_refused, 4, 0},
        {"Q-24", Q_24__malformed_selection_is_refused, 7, 0},
    };

    return attack_main("attacks: quote", rows, ATT_COUNT(rows), NULL);
}
