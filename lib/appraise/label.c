/* Making a label: the claims in deterministic order, then one signature. */
#include "appraise/label.h"

#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/hex.h"
#include "codec/cbor_wr.h"
#include "evidence/profile.h"
#include "sign/cose.h"

#define PAYLOAD_MAX    49152
#define UEID_RAND      0x01 /* RFC 9711 section 4.2.1: a random or hashed identifier */
#define LIMITS_TEXT_ID "attestd-limits-1"
#define SUBJECT_MAX    160

static void write_optional_text(struct att_wr *w, uint64_t key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        att_cbor_wr_uint(w, key);
        att_cbor_wr_text(w, text);
    }
}

static size_t present(const char *text)
{
    return text != NULL && text[0] != '\0' ? 1 : 0;
}

static void write_vector(struct att_wr *w, const int8_t vector[ATT_TRUST__COUNT])
{
    size_t count = 0;

    for (size_t i = 0; i < ATT_TRUST__COUNT; i++) {
        count += vector[i] != 0 ? 1 : 0;
    }
    att_cbor_wr_map(w, count);
    for (size_t i = 0; i < ATT_TRUST__COUNT; i++) {
        if (vector[i] != 0) {
            att_cbor_wr_uint(w, i);
            att_cbor_wr_int(w, vector[i]);
        }
    }
}

static void write_submods(struct att_wr *w, const struct att_label_facts *f,
                          const struct att_result *r)
{
    char policy[128];

    (void)snprintf(policy, sizeof(policy), "%s@%llu",
                   f->policy_name != NULL ? f->policy_name : "none",
                   (unsigned long long)f->policy_version);
    att_cbor_wr_uint(w, ATT_CLAIM_SUBMODS);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_text(w, "gateway");
    att_cbor_wr_map(w, 4);
    att_cbor_wr_uint(w, ATT_CLAIM_PROFILE);
    att_cbor_wr_text(w, ATT_PROFILE_GATEWAY);
    att_cbor_wr_uint(w, ATT_CLAIM_EAR_STATUS);
    att_cbor_wr_uint(w, (uint64_t)r->status);
    att_cbor_wr_uint(w, ATT_CLAIM_EAR_VECTOR);
    write_vector(w, r->vector);
    att_cbor_wr_uint(w, ATT_CLAIM_EAR_POLICY_IDS);
    att_cbor_wr_array(w, 1);
    att_cbor_wr_text(w, policy);
}

static void write_product(struct att_wr *w, const struct att_label_facts *f)
{
    att_cbor_wr_int(w, ATT_CLAIM_PRODUCT);
    att_cbor_wr_map(w, 1 + present(f->manufacturer) + present(f->model) +
                           present(f->hardware_version) + present(f->support_end) +
                           present(f->contact));
    write_optional_text(w, 0, f->manufacturer);
    write_optional_text(w, 1, f->model);
    write_optional_text(w, 2, f->hardware_version);
    att_cbor_wr_uint(w, 3);
    att_cbor_wr_text(w, f->device_id);
    write_optional_text(w, 4, f->support_end);
    write_optional_text(w, 5, f->contact);
}

/* Each as the own log names it, behind "spec:". */
static void write_specs(struct att_wr *w, const struct att_carry *c)
{
    att_cbor_wr_uint(w, 4);
    att_cbor_wr_array(w, c->spec_count);
    for (uint32_t i = 0; i < c->spec_count; i++) {
        att_cbor_wr_array(w, 2);
        att_cbor_wr_text(w, c->spec[i].name);
        att_cbor_wr_bytes(w, att_slice_of(c->spec[i].digest, 32));
    }
}

static void write_measured(struct att_wr *w, const struct att_quoted *quoted,
                           const struct att_result *r)
{
    const struct att_quote *q = quoted != NULL ? att_quoted_quote(quoted) : NULL;
    char selection[128];

    att_cbor_wr_int(w, ATT_CLAIM_MEASURED);
    att_cbor_wr_map(w, (q != NULL ? 4U : 1U) + (r->carry.spec_count > 0 ? 1U : 0U));
    if (q != NULL) {
        att_cbor_wr_uint(w, 0);
        att_cbor_wr_text(w, att_pcr_selection_print(selection, sizeof(selection), &q->selection));
        att_cbor_wr_uint(w, 1);
        att_cbor_wr_bytes(w, q->pcr_digest);
    }
    att_cbor_wr_uint(w, 2);
    att_cbor_wr_uint(w, r->carry.items_judged + r->carry.ima_judged);
    if (q != NULL) {
        att_cbor_wr_uint(w, 3);
        att_cbor_wr_uint(w, q->firmware_version);
    }
    if (r->carry.spec_count > 0) {
        write_specs(w, &r->carry);
    }
}

static void write_digest(struct att_wr *w, bool has, const uint8_t digest[32])
{
    if (has) {
        att_cbor_wr_bytes(w, att_slice_of(digest, 32));
    } else {
        att_cbor_wr_null(w);
    }
}

static void write_appraisal(struct att_wr *w, const struct att_result *r)
{
    att_cbor_wr_int(w, ATT_CLAIM_APPRAISAL);
    att_cbor_wr_map(w, 4);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_bytes(w, att_slice_of(r->evidence_digest, 32));
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_bytes(w, att_slice_of(r->policy_digest, 32));
    att_cbor_wr_uint(w, 2);
    att_cbor_wr_bytes(w, att_slice_of(r->refvals_digest, 32));
    att_cbor_wr_uint(w, 3);
    att_cbor_wr_array(w, r->reason_count);
    for (uint32_t i = 0; i < r->reason_count; i++) {
        const struct att_result_reason *x = &r->reason[i];

        att_cbor_wr_array(w, 5);
        att_cbor_wr_text(w, att_reason_code(x->reason));
        att_cbor_wr_text(w, x->requirement);
        att_cbor_wr_text(w, x->name);
        write_digest(w, x->has_expected, x->expected);
        write_digest(w, x->has_found, x->found);
    }
}

static void write_time(struct att_wr *w, const struct att_label_facts *f,
                       const struct att_quoted *quoted)
{
    const struct att_clock_info *clock = &att_quoted_quote(quoted)->clock;

    att_cbor_wr_int(w, ATT_CLAIM_TPM_TIME);
    att_cbor_wr_map(w, 4);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_uint(w, clock->clock_ms);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_int(w, f->iat);
    att_cbor_wr_uint(w, 2);
    att_cbor_wr_uint(w, f->uncertainty_ms);
    att_cbor_wr_uint(w, 3);
    att_cbor_wr_bool(w, clock->safe);
}

char *att_label_subject(char *out, size_t cap, const uint8_t ek_digest[32])
{
    char hex[80];
    uint8_t ueid[33] = {UEID_RAND};

    memcpy(ueid + 1, ek_digest, 32);
    (void)snprintf(out, cap, "urn:dev:ueid:%s",
                   att_hex_encode(hex, sizeof(hex), att_slice_of(ueid, sizeof(ueid))));
    return out;
}

/* RFC 8747, section 3.1: the key that the gateway shows by signing; a COSE_Key (RFC 9053, section 7.1.1). */
static void write_data_key(struct att_wr *w, const uint8_t point[ATT_DATA_KEY_POINT])
{
    att_cbor_wr_uint(w, ATT_CLAIM_CNF);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_uint(w, ATT_CNF_COSE_KEY);
    att_cbor_wr_map(w, 5);
    att_cbor_wr_uint(w, ATT_COSE_KEY_KTY);
    att_cbor_wr_uint(w, ATT_COSE_KTY_EC2);
    att_cbor_wr_uint(w, ATT_COSE_KEY_ALG);
    att_cbor_wr_int(w, ATT_COSE_ALG_ES256);
    att_cbor_wr_int(w, ATT_COSE_KEY_CRV);
    att_cbor_wr_uint(w, ATT_COSE_CRV_P256);
    att_cbor_wr_int(w, ATT_COSE_KEY_X);
    att_cbor_wr_bytes(w, att_slice_of(point, ATT_DATA_KEY_POINT / 2));
    att_cbor_wr_int(w, ATT_COSE_KEY_Y);
    att_cbor_wr_bytes(w, att_slice_of(point + ATT_DATA_KEY_POINT / 2, ATT_DATA_KEY_POINT / 2));
}

/* Token Status List, section 6.3: where it is told whether this label still counts. */
static void write_status(struct att_wr *w, const struct att_label_facts *f)
{
    att_cbor_wr_uint(w, ATT_CLAIM_STATUS);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_text(w, "status_list");
    att_cbor_wr_map(w, 2);
    att_cbor_wr_text(w, "idx");
    att_cbor_wr_uint(w, f->status_index);
    att_cbor_wr_text(w, "uri");
    att_cbor_wr_text(w, f->status_uri);
}

static void write_payload(struct att_wr *w, const struct att_label_facts *f,
                          const struct att_quoted *quoted, const struct att_result *r,
                          enum att_key_class key_class)
{
    char subject[SUBJECT_MAX];
    char grade[4];

    (void)snprintf(grade, sizeof(grade), "E%d", r->grade);
    att_cbor_wr_map(w, 15U + (quoted != NULL ? 1U : 0U) + present(f->status_uri) +
                           (f->data_key != NULL ? 1U : 0U) + (f->batch_head != NULL ? 1U : 0U));
    att_cbor_wr_uint(w, ATT_CLAIM_ISS);
    att_cbor_wr_text(w, f->issuer);
    att_cbor_wr_uint(w, ATT_CLAIM_SUB);
    att_cbor_wr_text(w, att_label_subject(subject, sizeof(subject), f->ek_digest));
    att_cbor_wr_uint(w, ATT_CLAIM_EXP);
    att_cbor_wr_int(w, f->exp);
    att_cbor_wr_uint(w, ATT_CLAIM_IAT);
    att_cbor_wr_int(w, f->iat);
    att_cbor_wr_uint(w, ATT_CLAIM_CTI);
    att_cbor_wr_bytes(w, att_slice_of(f->cti, ATT_CTI_LEN));
    if (f->data_key != NULL) {
        write_data_key(w, f->data_key);
    }
    att_cbor_wr_uint(w, ATT_CLAIM_PROFILE);
    att_cbor_wr_text(w, ATT_PROFILE_EAR);
    write_submods(w, f, r);
    att_cbor_wr_uint(w, ATT_CLAIM_EAR_STATUS);
    att_cbor_wr_uint(w, (uint64_t)r->status);
    att_cbor_wr_uint(w, ATT_CLAIM_EAR_VERIFIER);
    att_cbor_wr_map(w, 2);
    att_cbor_wr_uint(w, 0);
    att_cbor_wr_text(w, f->issuer);
    att_cbor_wr_uint(w, 1);
    att_cbor_wr_text(w, "attestd " ATT_VERSION);
    if (present(f->status_uri) != 0) {
        write_status(w, f);
    }
    att_cbor_wr_int(w, ATT_CLAIM_GRADE);
    att_cbor_wr_text(w, grade);
    write_product(w, f);
    write_measured(w, quoted, r);
    write_appraisal(w, r);
    if (quoted != NULL) {
        write_time(w, f, quoted);
    }
    att_cbor_wr_int(w, ATT_CLAIM_LIMITS);
    att_cbor_wr_text(w, LIMITS_TEXT_ID);
    att_cbor_wr_int(w, ATT_CLAIM_KEY_CLASS);
    att_cbor_wr_uint(w, (uint64_t)key_class);
    if (f->batch_head != NULL) {
        att_cbor_wr_int(w, ATT_CLAIM_LBL_BATCH);
        att_cbor_wr_bytes(w, att_slice_of(f->batch_head, ATT_BATCH_HEAD_LEN));
    }
}

/* RFC 9597: issuer and subject can be read without opening the payload. */
static enum att_err write_header_claims(struct att_slice *out, uint8_t *room, size_t cap,
                                        const struct att_label_facts *f)
{
    struct att_wr w = att_wr_into(room, cap);
    char subject[SUBJECT_MAX];

    att_cbor_wr_map(&w, 2);
    att_cbor_wr_uint(&w, ATT_CLAIM_ISS);
    att_cbor_wr_text(&w, f->issuer);
    att_cbor_wr_uint(&w, ATT_CLAIM_SUB);
    att_cbor_wr_text(&w, att_label_subject(subject, sizeof(subject), f->ek_digest));
    return att_cbor_wr_done(&w, out);
}

enum att_err att_label_make(struct att_buf **out, const struct att_label_facts *facts,
                            const struct att_quoted *quoted, const struct att_result *result,
                            const struct att_signer *signer)
{
    uint8_t payload[PAYLOAD_MAX];
    uint8_t header[512];
    struct att_wr w = att_wr_into(payload, sizeof(payload));
    struct att_cose_order order = {
        .typ = ATT_TYPE_LABEL, .x5chain = facts->x5chain, .x5chain_count = facts->x5chain_count};
    enum att_err err = ATT_OK;

    if (ATT_GUARD(LABEL_PROOF, quoted == NULL && result->status != ATT_TIER_CONTRAINDICATED)) {
        return ATT_E_INTERNAL;
    }
    if (ATT_GUARD(DK_LABEL,
                  facts->data_key != NULL && result->status == ATT_TIER_CONTRAINDICATED)) {
        return ATT_E_INTERNAL;
    }
    if (present(facts->status_uri) != 0 &&
        (!att_status_uri_ok(facts->status_uri) || facts->status_index > ATT_STATUS_INDEX_MAX)) {
        return ATT_E_INTERNAL;
    }
    write_payload(&w, facts, quoted, result, signer->key_class);
    err = att_cbor_wr_done(&w, &order.payload);
    if (err == ATT_OK) {
        err = write_header_claims(&order.cwt_claims, header, sizeof(header), facts);
    }
    if (err != ATT_OK) {
        return err;
    }
    return att_cose_make(out, &order, signer);
}
