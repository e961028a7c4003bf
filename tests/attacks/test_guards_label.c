/* A label that is signed with the right key and false in one claim: what the offline check says of it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "appraise/offline.h"
#include "attack.h"
#include "base/file.h"
#include "evidence/profile.h"
#include "need.h"
#include "sign/cose.h"

/* Sign a payload with the label key of the service, which lies in its folder, as the service would. */
static struct att_buf *sign_label(const struct att_cose *like, struct att_slice payload,
                                  const char *typ)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = NULL;
    struct att_privkey *key = NULL;
    struct att_buf *out = NULL;
    char path[128];
    const struct att_cose_order order = {.typ = typ,
                                         .x5chain = like->x5chain,
                                         .x5chain_count = like->x5chain_count,
                                         .cwt_claims = like->cwt_claims,
                                         .payload = payload};

    snprintf(path, sizeof(path), "%s/label.key", attack_service->dir);
    NEED(att_file_read(&pem, path, 65536, NULL) == ATT_OK);
    NEED(att_privkey_from_pem(&key, att_buf_slice(pem), NULL) == ATT_OK);
    NEED(att_signer_software(&signer, key) == ATT_OK);
    NEED(att_cose_make(&out, &order, signer) == ATT_OK);
    return out;
}

static void judge_label(struct att_offline *out, struct att_slice label)
{
    static const struct att_trust_rules rules;
    ATT_CLEANUP(att_anchors_freep) struct att_anchors *anchors = NULL;
    char path[128];

    snprintf(path, sizeof(path), "%s/trust", attack_service->dir);
    NEED(att_anchors_new(&anchors) == ATT_OK);
    NEED(att_anchors_load(anchors, path, NULL) == ATT_OK);
    NEED(att_offline_check(out, label, anchors, &rules, time(NULL)) == ATT_OK);
}

static bool names(const struct att_offline *o, const char *code)
{
    size_t i;

    for (i = 0; i < o->check_count; i++) {
        if (o->check[i].status == ATT_CHECK_FAIL &&
            strcmp(att_reason_code(o->check[i].why.reason), code) == 0) {
            return true;
        }
    }
    return false;
}

/* Write over the last place where the bytes stand. */
static void overwrite(uint8_t *payload, size_t len, const void *from, const void *to, size_t n)
{
    uint8_t *found = NULL;
    size_t at;

    for (at = 0; at + n <= len; at++) {
        if (memcmp(payload + at, from, n) == 0) {
            found = payload + at;
        }
    }
    NEED(found != NULL);
    memcpy(found, to, n);
}

static void falsify(uint8_t *payload, size_t len, int i, const struct att_label *label)
{
    uint8_t exp[6] = {0x04,
                      0x1a,
                      (uint8_t)(label->exp >> 24),
                      (uint8_t)(label->exp >> 16),
                      (uint8_t)(label->exp >> 8),
                      (uint8_t)label->exp};
    uint8_t iat[6] = {0x06,
                      0x1a,
                      (uint8_t)(label->iat >> 24),
                      (uint8_t)(label->iat >> 16),
                      (uint8_t)(label->iat >> 8),
                      (uint8_t)label->iat};
    uint8_t nbf[6];

    memcpy(nbf, iat, sizeof(nbf));
    nbf[0] = 0x05;
    switch (i) {
    case 1: /* expires in the next century */
        overwrite(payload, len, exp, "\x04\x1a\xff\xff\xff\xff", 6);
        break;
    case 2: /* of a profile that is not known */
        overwrite(payload, len, "ear#04", "ear#99", 6);
        break;
    case 3: /* without its time of issue */
        overwrite(payload, len, iat, nbf, 6);
        break;
    case 4: /* kinder than what it says of the gateway */
        overwrite(payload, len, "\x19\x03\xe8\x18\x60", "\x19\x03\xe8\x18\x20", 5);
        break;
    default:
        break;
    }
}

/* Attest, honestly or so that the label says no. */
static void earn_label(struct gateway *g, struct gateway_attempt *a, bool bad)
{
    ck_assert_int_eq(gateway_session(g, a), 201);
    gateway_measure(g, a);
    a->attest.magic = bad ? 0 : a->attest.magic;
    gateway_sign(g, a);
    gateway_seal(g, a);
    ck_assert_int_eq(gateway_send(g, a), bad ? 422 : 200);
}

/* 0: the control, only signed again; 5: of another type. */
START_TEST(G_label_that_is_false_in_one_claim_is_refused)
{
    static const char *const code[] = {NULL,          "E_LBL_TIME",  "E_LBL_PROFILE",
                                       "E_LBL_CLAIM", "E_LBL_CLAIM", "E_FMT_COSE"};
    struct att_offline *o = calloc(1, sizeof(*o));
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    struct gateway_attempt a = {0};
    struct att_label *read = calloc(1, sizeof(*read));
    struct gateway *g;
    struct att_cose m;
    uint8_t payload[8192];
    char id[32];

    NEED(o != NULL && read != NULL);
    snprintf(id, sizeof(id), "g-label-%d", _i);
    g = attack_gateway(id);
    earn_label(g, &a, _i == 4);
    NEED(att_cose_parse(&m, a.outcome.label, NULL) == ATT_OK);
    NEED(att_label_read(read, m.payload_untrusted, NULL) == ATT_OK);
    NEED(m.payload_untrusted.len <= sizeof(payload));
    memcpy(payload, m.payload_untrusted.p, m.payload_untrusted.len);
    falsify(payload, m.payload_untrusted.len, _i, read);
    label = sign_label(&m, att_slice_of(payload, m.payload_untrusted.len),
                       _i == 5 ? "application/cwt" : ATT_TYPE_LABEL);
    judge_label(o, att_buf_slice(label));
    if (_i == 0) {
        ck_assert_int_eq(o->verdict, ATT_VERDICT_PASS);
    } else {
        ck_assert_int_ne(o->verdict, ATT_VERDICT_PASS);
        ck_assert_msg(names(o, code[_i]), "%s is not named", code[_i]);
    }
    gateway_attempt_clear(&a);
    gateway_free(g);
    free(read);
    free(o);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-label", G_label_that_is_false_in_one_claim_is_refused, 6, 0},
    };

    return attack_main("attacks: false labels", rows, ATT_COUNT(rows), NULL);
}
