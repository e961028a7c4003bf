/* Attack matrix 4.1, rows about one quote: structure, signature, signer, nonce, selection. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/sha.h>

#include "attack.h"
#include "codec/cbor_wr.h"
#include "evidence/verify.h"
#include "need.h"
#include "policy/policy.h"

/* A gateway with an affirming label, and an honest attestation that is not yet signed. */
struct scene {
    struct gateway *g;
    struct gateway_attempt a;
};

static void open_scene(struct scene *s, const char *id)
{
    memset(s, 0, sizeof(*s));
    s->g = attack_gateway(id);
    ck_assert_int_eq(gateway_session(s->g, &s->a), 201);
    gateway_measure(s->g, &s->a);
}

static void open_numbered(struct scene *s, const char *row, int i)
{
    char id[ATT_DEVICE_ID_MAX + 1];

    snprintf(id, sizeof(id), "%s-%d", row, i);
    open_scene(s, id);
}

static void close_scene(struct scene *s)
{
    gateway_attempt_clear(&s->a);
    gateway_free(s->g);
}

static void send_fails(struct scene *s, const char *code)
{
    attack_send_fails(s->g, &s->a, code);
    close_scene(s);
}

/* Quote other PCRs than the challenge asked for, honestly. */
static void select_pcrs(struct scene *s, const struct att_pcr_selection *selection)
{
    s->a.attest = softtpm_attest(s->g->tpm, att_slice_of(s->a.qualifying, 32), selection);
}

START_TEST(Q_01__magic_zero_is_refused)
{
    struct scene s;

    open_scene(&s, "q-01");
    s.a.attest.magic = 0;
    send_fails(&s, "E_Q_MAGIC");
}
END_TEST

START_TEST(Q_02__nv_certify_is_no_quote)
{
    struct scene s;

    open_scene(&s, "q-02");
    softtpm_attest_nv(&s.a.attest, att_slice_str("contents of an index"));
    send_fails(&s, "E_Q_TYPE");
}
END_TEST

START_TEST(Q_03__empty_selection_is_refused)
{
    const struct att_pcr_selection none = {.count = 0};
    const struct att_pcr_selection zero = softtpm_selection(ATT_HASH_SHA256, 0);
    struct scene s;

    open_numbered(&s, "q-03", _i);
    select_pcrs(&s, _i == 0 ? &none : &zero);
    send_fails(&s, "E_Q_PCRSEL");
}
END_TEST

START_TEST(Q_04__omitted_pcr_is_refused)
{
    struct att_pcr_selection sel;
    struct scene s;

    open_numbered(&s, "q-04", _i);
    sel = s.a.selection;
    ck_assert_uint_ne(sel.sel[0].mask & (1U << (_i == 0 ? 7 : 10)), 0);
    sel.sel[0].mask &= ~(1U << (_i == 0 ? 7 : 10));
    select_pcrs(&s, &sel);
    send_fails(&s, "E_Q_PCRSEL");
}
END_TEST

START_TEST(Q_05__extra_pcr_is_refused)
{
    struct att_pcr_selection sel;
    struct scene s;

    open_scene(&s, "q-05");
    sel = s.a.selection;
    ck_assert_uint_eq(sel.sel[0].mask & (1U << 14), 0);
    sel.sel[0].mask |= 1U << 14;
    select_pcrs(&s, &sel);
    send_fails(&s, "E_Q_PCRSEL");
}
END_TEST

START_TEST(Q_06__sha1_bank_is_refused)
{
    struct att_pcr_selection sel;
    struct scene s;

    open_scene(&s, "q-06");
    sel = s.a.selection;
    sel.sel[0].bank = ATT_HASH_SHA1;
    select_pcrs(&s, &sel);
    send_fails(&s, "E_Q_BANK");
}
END_TEST

/* Golden values re-extended into a bank that the firmware left alone (CVE-2021-42299). */
START_TEST(Q_07__unmeasured_bank_is_refused)
{
    struct att_pcr_selection sel;
    struct scene s;

    open_scene(&s, "q-07");
    sel = s.a.selection;
    sel.sel[0].bank = ATT_HASH_SHA384;
    select_pcrs(&s, &sel);
    send_fails(&s, "E_Q_BANK");
}
END_TEST

START_TEST(Q_08__resettable_pcrs_are_refused)
{
    const struct att_pcr_selection sel = softtpm_selection(ATT_HASH_SHA256, 1U << 16 | 1U << 23);
    struct scene s;

    open_scene(&s, "q-08");
    softtpm_event(s.g->tpm, 16, att_slice_str("golden"));
    softtpm_event(s.g->tpm, 23, att_slice_str("golden"));
    select_pcrs(&s, &sel);
    send_fails(&s, "E_Q_PCRSEL");
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
    struct scene s;

    open_scene(&s, "q-09");
    s.a.attest.digest[0] ^= 1;
    send_fails(&s, "E_LOG_PCR");
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
    struct scene s;

    open_numbered(&s, "q-10", _i);
    wrong_nonce(&s.a, _i);
    send_fails(&s, "E_Q_NONCE");
}
END_TEST

START_TEST(Q_15__another_devices_key_is_refused)
{
    struct gateway *other = attack_gateway("q-15-other");
    struct service_device before;
    struct service_device after;
    struct scene s;

    open_scene(&s, "q-15");
    ck_assert(service_device(&before, attack_service, "q-15-other"));
    s.a.attest_bytes = softtpm_attest_encode(&s.a.attest);
    s.a.signature = softtpm_sign(&other->tpm->ak, softtpm_slice(&s.a.attest_bytes));
    s.a.signature_bytes = softtpm_signature_encode(&s.a.signature);
    gateway_seal(s.g, &s.a);
    gateway_send(s.g, &s.a);
    attack_fails(s.g, &s.a, "E_Q_SIG");
    ck_assert(service_device(&after, attack_service, "q-15-other"));
    ck_assert_mem_eq(&before, &after, sizeof(before));
    close_scene(&s);
    gateway_free(other);
}
END_TEST

/* Sign the attest as it stands with another scheme or hash than the enrolled key's. */
static void send_signed_as(struct scene *s, uint16_t scheme, enum att_hash hash,
                           enum att_hash said_hash, const char *code)
{
    s->a.attest_bytes = softtpm_attest_encode(&s->a.attest);
    s->a.signature =
        softtpm_sign_as(&s->g->tpm->ak, scheme, hash, softtpm_slice(&s->a.attest_bytes));
    s->a.signature.hash = (uint16_t)said_hash;
    s->a.signature_bytes = softtpm_signature_encode(&s->a.signature);
    gateway_seal(s->g, &s->a);
    gateway_send(s->g, &s->a);
    attack_fails(s->g, &s->a, code);
    close_scene(s);
}

START_TEST(Q_16__ecdsa_with_sha1_is_refused)
{
    struct scene s;

    open_scene(&s, "q-16-sha1");
    send_signed_as(&s, SOFTTPM_ALG_ECDSA, ATT_HASH_SHA1, ATT_HASH_SHA1, "E_Q_SIGALG");
}
END_TEST

/* The header claims the enrolled hash: nothing is wrong with the algorithm, the signature is false. */
START_TEST(Q_16__sha1_under_a_sha256_header_is_refused)
{
    struct scene s;

    open_scene(&s, "q-16-header");
    send_signed_as(&s, SOFTTPM_ALG_ECDSA, ATT_HASH_SHA1, ATT_HASH_SHA256, "E_Q_SIG");
}
END_TEST

START_TEST(Q_16__rsapss_for_an_rsassa_key_is_refused)
{
    static const struct softtpm_ak_order rsa = {.type = SOFTTPM_ALG_RSA,
                                                .attributes = SOFTTPM_AK_ATTRIBUTES,
                                                .scheme = SOFTTPM_ALG_RSASSA,
                                                .hash = ATT_HASH_SHA256};
    struct scene s = {0};
    char token[128];

    s.g = attack_stranger("q-16-pss");
    softtpm_replace_ak(s.g->tpm, &rsa);
    service_token(attack_service, s.g->id, token);
    ck_assert_int_eq(gateway_enrol(s.g, token), 200);
    ck_assert_int_eq(gateway_attest(s.g, &s.a), 200);
    gateway_attempt_clear(&s.a);
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    gateway_measure(s.g, &s.a);
    send_signed_as(&s, SOFTTPM_ALG_RSAPSS, ATT_HASH_SHA256, ATT_HASH_SHA256, "E_Q_SIGALG");
}
END_TEST

/* r and s as DER in the place of r, with a byte behind. */
static void put_der(struct softtpm_signature *sig)
{
    ECDSA_SIG *both = ECDSA_SIG_new();
    unsigned char *p = sig->a;
    BIGNUM *r = BN_bin2bn(sig->a, 32, NULL);
    BIGNUM *s = BN_bin2bn(sig->b, 32, NULL);
    int len;

    NEED(both != NULL && ECDSA_SIG_set0(both, r, s) == 1);
    len = i2d_ECDSA_SIG(both, &p);
    NEED(len > 0);
    sig->a[len] = 0;
    sig->a_len = (size_t)len + 1;
    ECDSA_SIG_free(both);
}

static void impossible_signature(struct softtpm_signature *sig, int i)
{
    /* n of P-256 */
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                      0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

    switch (i) {
    case 0:
        memset(sig->a, 0, 32);
        break;
    case 1:
        memset(sig->b, 0, 32);
        break;
    case 2:
        memcpy(sig->a, order, 32);
        break;
    case 3:
        memset(sig->a, 0xff, 32);
        break;
    case 4:
        sig->a_len = 0;
        sig->b_len = 0;
        break;
    default:
        put_der(sig);
        break;
    }
}

START_TEST(Q_17__impossible_signature_is_refused)
{
    struct scene s;

    open_numbered(&s, "q-17", _i);
    gateway_sign(s.g, &s.a);
    impossible_signature(&s.a.signature, _i);
    s.a.signature_bytes = softtpm_signature_encode(&s.a.signature);
    gateway_seal(s.g, &s.a);
    gateway_send(s.g, &s.a);
    attack_fails(s.g, &s.a, "E_Q_SIG");
    close_scene(&s);
}
END_TEST

/* The evidence again with other bytes for its signature: longer than our own encoder writes. */
static void exchange_signature(struct gateway_attempt *a, struct att_slice signature)
{
    struct att_slice honest = softtpm_slice(&a->signature_bytes);
    struct att_slice all = att_buf_slice(a->evidence);
    struct att_slice attest = softtpm_slice(&a->attest_bytes);
    const uint8_t *at = memmem(all.p, all.len, attest.p, attest.len);
    uint8_t quote_room[70000];
    struct att_wr q = att_wr_into(quote_room, sizeof(quote_room));
    struct att_buf *out = NULL;
    uint8_t head[16];
    struct att_wr h = att_wr_into(head, sizeof(head));
    struct att_slice old;
    size_t before;
    size_t inner;
    size_t outer;

    NEED(at != NULL);
    att_cbor_wr_array(&q, 2);
    att_cbor_wr_bytes(&q, attest);
    before = q.len; /* up to here the inner item is what it was */
    att_cbor_wr_bytes(&q, signature);
    att_cbor_wr_bytes_head(&h, q.len);
    NEED(att_wr_ok(&q) && att_wr_ok(&h) &&
         att_buf_new(&out, all.len + sizeof(quote_room)) == ATT_OK);
    /* the old member: its head, and the inner item, whose signature has a two-byte head */
    inner = before + 2 + honest.len;
    outer = inner < 256 ? 2 : 3;
    old = att_slice_of(at + attest.len - before - outer, outer + inner);
    NEED(att_buf_add(out, all.p, (size_t)(old.p - all.p)) == ATT_OK);
    NEED(att_buf_add(out, head, h.len) == ATT_OK && att_buf_add(out, q.p, q.len) == ATT_OK);
    NEED(att_buf_add(out, old.p + old.len, (size_t)(all.p + all.len - old.p) - old.len) == ATT_OK);
    att_buf_free(a->evidence);
    a->evidence = out;
}

/* The largest r that its size field can say. */
START_TEST(Q_17__signature_of_64_kib_is_refused)
{
    struct scene s;
    uint8_t *big = calloc(1, 65536 + 8);

    NEED(big != NULL);
    open_scene(&s, "q-17-big");
    gateway_sign(s.g, &s.a);
    gateway_seal(s.g, &s.a);
    memcpy(big, "\x00\x18\x00\x0b\xff\xff", 6);
    exchange_signature(&s.a, att_slice_of(big, 6 + 65535 + 2));
    gateway_send(s.g, &s.a);
    attack_fails(s.g, &s.a, "E_Q_SIG");
    close_scene(&s);
    free(big);
}
END_TEST

static void wrong_signer(struct scene *s, int i)
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
    struct scene s;

    open_numbered(&s, "q-23", _i);
    wrong_signer(&s, _i);
    send_fails(&s, "E_Q_SIGNER");
}
END_TEST

/* Malformed structures: the device is authenticated, yet nothing can be said of it. */
static void malformed_changes_nothing(struct scene *s)
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
    struct scene s;

    open_numbered(&s, "q-24", _i);
    malformed_selection(&s.a.attest, _i);
    gateway_sign(s.g, &s.a);
    malformed_changes_nothing(&s);
    close_scene(&s);
}
END_TEST

/* End to end, a sample of the lengths; all of them in test_q_mutants.c. */
START_TEST(Q_18__cut_or_longer_attest_is_refused)
{
    struct scene s;
    size_t whole;

    open_numbered(&s, "q-18", _i);
    gateway_sign(s.g, &s.a);
    whole = s.a.attest_bytes.len;
    s.a.attest_bytes.len = _i == 0   ? 0
                           : _i == 1 ? 1
                           : _i == 2 ? whole / 2
                           : _i == 3 ? whole - 1
                           : _i == 4 ? whole + 1
                                     : whole + 16;
    malformed_changes_nothing(&s);
    close_scene(&s);
}
END_TEST

/* One bit a time through the whole service: never good, never a crash, always a named reason. */
START_TEST(Q_19__flipped_bit_is_refused)
{
    struct scene s;
    int k;

    open_scene(&s, "q-19");
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
    close_scene(&s);
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
        {"Q-15", Q_15__another_devices_key_is_refused, 0, 0},
        {"Q-16", Q_16__ecdsa_with_sha1_is_refused, 0, 0},
        {"Q-16-header", Q_16__sha1_under_a_sha256_header_is_refused, 0, 0},
        {"Q-16-pss", Q_16__rsapss_for_an_rsassa_key_is_refused, 0, 0},
        {"Q-17", Q_17__impossible_signature_is_refused, 6, 0},
        {"Q-17-big", Q_17__signature_of_64_kib_is_refused, 0, 0},
        {"Q-18", Q_18__cut_or_longer_attest_is_refused, 6, 0},
        {"Q-19", Q_19__flipped_bit_is_refused, 0, 0},
        {"Q-23", Q_23__signer_of_another_place_is_refused, 4, 0},
        {"Q-24", Q_24__malformed_selection_is_refused, 7, 0},
    };

    return attack_main("attacks: quote", rows, ATT_COUNT(rows), NULL);
}
