/* Reading a label's claims strictly: what must be there is there, with the right type. */
#include <stdio.h>
#include <string.h>

#include "appraise/label.h"
#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "evidence/profile.h"

enum seen {
    SEEN_ISS = 1 << 0,
    SEEN_SUB = 1 << 1,
    SEEN_EXP = 1 << 2,
    SEEN_IAT = 1 << 3,
    SEEN_CTI = 1 << 4,
    SEEN_PROFILE = 1 << 5,
    SEEN_SUBMODS = 1 << 6,
    SEEN_STATUS = 1 << 7,
    SEEN_GRADE = 1 << 8,
    SEEN_APPRAISAL = 1 << 9,
    SEEN_KEY_CLASS = 1 << 10,
    SEEN_ALL = (1 << 11) - 1,
};

struct reading {
    struct att_cbor c;
    struct att_label label;
    unsigned int seen;
    enum att_tier submod_status;
    bool bad_profile;
    bool has_audience;
};

static enum att_tier read_tier(struct att_cbor *c)
{
    uint64_t v = att_cbor_uint_max(c, ATT_TIER_CONTRAINDICATED);

    if (v != ATT_TIER_NONE && v != ATT_TIER_AFFIRMING && v != ATT_TIER_WARNING &&
        v != ATT_TIER_CONTRAINDICATED) {
        att_cbor_fail(c, ATT_E_FORMAT);
        return ATT_TIER_CONTRAINDICATED;
    }
    return (enum att_tier)v;
}

static void read_vector(struct att_cbor *c, int8_t vector[ATT_TRUST__COUNT])
{
    (void)att_cbor_enter_map(c, ATT_TRUST__COUNT);
    while (att_cbor_more(c)) {
        int64_t key = att_cbor_key_int(c);
        int64_t value = att_cbor_int(c);

        if (key < 0 || key >= ATT_TRUST__COUNT || value < INT8_MIN || value > INT8_MAX) {
            att_cbor_fail(c, ATT_E_FORMAT);
            return;
        }
        vector[key] = (int8_t)value;
    }
    att_cbor_leave(c);
}

static bool read_profile(struct att_cbor *c, const char *wanted)
{
    struct att_slice profile = att_cbor_text(c, 128);

    return att_slice_eq(profile, att_slice_str(wanted));
}

/* 1003 was one text in older drafts: both are read. */
static void read_policy_ids(struct att_cbor *c, struct att_label *label)
{
    if (att_cbor_peek(c) == ATT_CBOR_TEXT) {
        att_cbor_text_copy(c, label->policy_id, sizeof(label->policy_id));
        return;
    }
    (void)att_cbor_enter_array(c, 8);
    att_cbor_text_copy(c, label->policy_id, sizeof(label->policy_id));
    while (att_cbor_more(c)) {
        (void)att_cbor_item(c);
    }
    att_cbor_leave(c);
}

static void read_gateway(struct reading *r)
{
    bool has_status = false;

    (void)att_cbor_enter_map(&r->c, 16);
    while (att_cbor_more(&r->c)) {
        switch (att_cbor_key_int(&r->c)) {
        case ATT_CLAIM_PROFILE:
            r->bad_profile |= !read_profile(&r->c, ATT_PROFILE_GATEWAY);
            break;
        case ATT_CLAIM_EAR_STATUS:
            r->submod_status = read_tier(&r->c);
            has_status = true;
            break;
        case ATT_CLAIM_EAR_VECTOR:
            read_vector(&r->c, r->label.vector);
            break;
        case ATT_CLAIM_EAR_POLICY_IDS:
            read_policy_ids(&r->c, &r->label);
            break;
        default:
            (void)att_cbor_item(&r->c);
            break;
        }
    }
    att_cbor_leave(&r->c);
    if (!has_status) {
        att_cbor_fail(&r->c, ATT_E_FORMAT);
    }
}

static void read_submods(struct reading *r)
{
    bool found = false;

    (void)att_cbor_enter_map(&r->c, 64);
    while (att_cbor_more(&r->c)) {
        struct att_cbor_key key = att_cbor_key(&r->c);

        if (!key.is_int && att_slice_eq(key.text, att_slice_str("gateway"))) {
            read_gateway(r);
            found = true;
        } else {
            (void)att_cbor_item(&r->c);
        }
    }
    att_cbor_leave(&r->c);
    if (!found) {
        att_cbor_fail(&r->c, ATT_E_FORMAT);
    }
}

static void read_product(struct reading *r)
{
    struct att_label *label = &r->label;

    (void)att_cbor_enter_map(&r->c, 16);
    while (att_cbor_more(&r->c)) {
        switch (att_cbor_key_int(&r->c)) {
        case 0:
            att_cbor_text_copy(&r->c, label->manufacturer, sizeof(label->manufacturer));
            break;
        case 1:
            att_cbor_text_copy(&r->c, label->model, sizeof(label->model));
            break;
        case 2:
            att_cbor_text_copy(&r->c, label->hardware_version, sizeof(label->hardware_version));
            break;
        case 3:
            att_cbor_text_copy(&r->c, label->device_id, sizeof(label->device_id));
            break;
        case 4:
            att_cbor_text_copy(&r->c, label->support_end, sizeof(label->support_end));
            break;
        case 5:
            att_cbor_text_copy(&r->c, label->contact, sizeof(label->contact));
            break;
        default:
            (void)att_cbor_item(&r->c);
            break;
        }
    }
    att_cbor_leave(&r->c);
}

/* Data is held against these: what stands twice would be an answer that the reader picks. */
static void read_specs(struct reading *r)
{
    struct att_label *l = &r->label;

    (void)att_cbor_enter_array(&r->c, ATT_SPEC_ITEMS_MAX);
    while (att_cbor_more(&r->c)) {
        struct att_spec_item *s = &l->spec[l->spec_count];

        if (att_cbor_enter_array(&r->c, 2) != 2) {
            att_cbor_fail(&r->c, ATT_E_FORMAT);
        }
        att_cbor_word_copy(&r->c, s->name, sizeof(s->name));
        att_cbor_bytes_exact(&r->c, s->digest, 32);
        att_cbor_leave(&r->c);
        if (ATT_GUARD(LABEL_SPEC_ORDER, l->spec_count > 0 && strcmp(s[-1].name, s->name) >= 0)) {
            att_cbor_fail(&r->c, ATT_E_FORMAT);
        }
        l->spec_count++;
    }
    att_cbor_leave(&r->c);
}

static void read_measured(struct reading *r)
{
    (void)att_cbor_enter_map(&r->c, 16);
    while (att_cbor_more(&r->c)) {
        switch (att_cbor_key_int(&r->c)) {
        case 2:
            r->label.items_judged = att_cbor_uint(&r->c);
            break;
        case 3:
            r->label.tpm_firmware = att_cbor_uint(&r->c);
            break;
        case 4:
            read_specs(r);
            break;
        default:
            (void)att_cbor_item(&r->c);
            break;
        }
    }
    att_cbor_leave(&r->c);
}

static bool read_digest(struct att_cbor *c, uint8_t digest[32])
{
    if (att_cbor_peek(c) == ATT_CBOR_NULL) {
        att_cbor_null(c);
        return false;
    }
    att_cbor_bytes_exact(c, digest, 32);
    return true;
}

static void read_reasons(struct reading *r)
{
    (void)att_cbor_enter_array(&r->c, ATT_RESULT_REASONS_MAX);
    while (att_cbor_more(&r->c)) {
        struct att_label_reason *x = &r->label.reason[r->label.reason_count];

        (void)att_cbor_enter_array(&r->c, 5);
        att_cbor_text_copy(&r->c, x->code, sizeof(x->code));
        att_cbor_text_copy(&r->c, x->requirement, sizeof(x->requirement));
        att_cbor_text_copy(&r->c, x->name, sizeof(x->name));
        x->has_expected = read_digest(&r->c, x->expected);
        x->has_found = read_digest(&r->c, x->found);
        att_cbor_leave(&r->c);
        r->label.reason_count++;
    }
    att_cbor_leave(&r->c);
}

static void read_appraisal(struct reading *r)
{
    unsigned int have = 0;

    (void)att_cbor_enter_map(&r->c, 8);
    while (att_cbor_more(&r->c)) {
        int64_t key = att_cbor_key_int(&r->c);

        switch (key) {
        case 0:
            att_cbor_bytes_exact(&r->c, r->label.evidence_digest, 32);
            break;
        case 1:
            att_cbor_bytes_exact(&r->c, r->label.policy_digest, 32);
            break;
        case 2:
            att_cbor_bytes_exact(&r->c, r->label.refvals_digest, 32);
            break;
        case 3:
            read_reasons(r);
            break;
        default:
            (void)att_cbor_item(&r->c);
            continue;
        }
        have |= 1U << (unsigned int)key;
    }
    att_cbor_leave(&r->c);
    if (have != 15) {
        att_cbor_fail(&r->c, ATT_E_FORMAT);
    }
}

static void read_time(struct reading *r)
{
    (void)att_cbor_enter_map(&r->c, 8);
    while (att_cbor_more(&r->c)) {
        switch (att_cbor_key_int(&r->c)) {
        case 0:
            r->label.tpm_clock_ms = att_cbor_uint(&r->c);
            break;
        case 1:
            r->label.tpm_utc = att_cbor_int(&r->c);
            break;
        case 2:
            r->label.tpm_uncertainty_ms = att_cbor_uint(&r->c);
            break;
        case 3:
            r->label.tpm_safe = att_cbor_bool(&r->c);
            break;
        default:
            (void)att_cbor_item(&r->c);
            break;
        }
    }
    att_cbor_leave(&r->c);
}

static void read_grade(struct reading *r)
{
    struct att_slice grade = att_cbor_text(&r->c, 2);

    if (grade.len != 2 || grade.p[0] != 'E' || grade.p[1] < '0' || grade.p[1] > '3') {
        att_cbor_fail(&r->c, ATT_E_FORMAT);
        return;
    }
    r->label.grade = grade.p[1] - '0';
}

/* Both members, each with its type: a label whose status cannot be looked up is none of ours. */
static void read_status_list(struct reading *r)
{
    struct att_label *label = &r->label;
    unsigned int have = 0;

    (void)att_cbor_enter_map(&r->c, 8);
    while (att_cbor_more(&r->c)) {
        struct att_slice key = att_cbor_key(&r->c).text;

        if (att_slice_eq(key, att_slice_str("idx"))) {
            label->status_index = att_cbor_uint_max(&r->c, ATT_STATUS_INDEX_MAX);
            have |= 1;
        } else if (att_slice_eq(key, att_slice_str("uri"))) {
            att_cbor_text_copy(&r->c, label->status_uri, sizeof(label->status_uri));
            have |= 2;
        } else {
            (void)att_cbor_item(&r->c);
        }
    }
    att_cbor_leave(&r->c);
    label->has_status_list = have == 3 && att_status_uri_ok(label->status_uri);
}

/* A status that is told in another way than by a list is one that we cannot ask for: not good (C-15). */
static void read_status(struct reading *r)
{
    (void)att_cbor_enter_map(&r->c, 8);
    while (att_cbor_more(&r->c)) {
        if (att_slice_eq(att_cbor_key(&r->c).text, att_slice_str("status_list"))) {
            read_status_list(r);
        } else {
            (void)att_cbor_item(&r->c);
        }
    }
    att_cbor_leave(&r->c);
    if (ATT_GUARD(LABEL_STATUS_LIST, !r->label.has_status_list)) {
        att_cbor_fail(&r->c, ATT_E_FORMAT);
    }
}

static unsigned int read_own_claim(struct reading *r, int64_t key)
{
    switch (key) {
    case ATT_CLAIM_GRADE:
        read_grade(r);
        return SEEN_GRADE;
    case ATT_CLAIM_PRODUCT:
        read_product(r);
        return 0;
    case ATT_CLAIM_MEASURED:
        read_measured(r);
        return 0;
    case ATT_CLAIM_APPRAISAL:
        read_appraisal(r);
        return SEEN_APPRAISAL;
    case ATT_CLAIM_TPM_TIME:
        read_time(r);
        return 0;
    case ATT_CLAIM_KEY_CLASS:
        r->label.key_class = (enum att_key_class)att_cbor_uint_max(&r->c, ATT_KEY_CLASS_TPM);
        return SEEN_KEY_CLASS;
    case ATT_CLAIM_LBL_BATCH:
        r->label.has_batch_head = true;
        att_cbor_bytes_exact(&r->c, r->label.batch_head, sizeof(r->label.batch_head));
        return 0;
    default:
        (void)att_cbor_item(&r->c);
        return 0;
    }
}

/* The next entry of a map of integers must be this one. */
static void expect_int(struct att_cbor *c, int64_t key, int64_t value)
{
    if (att_cbor_key_int(c) != key || att_cbor_int(c) != value) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
}

/* One form: a COSE_Key of P-256 for ES256. Any other is no key that a TPM of ours uses. */
static void read_data_key(struct reading *r)
{
    struct att_label *l = &r->label;
    struct att_cbor *c = &r->c;

    (void)att_cbor_enter_map(c, 1);
    if (att_cbor_key_int(c) != ATT_CNF_COSE_KEY) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    (void)att_cbor_enter_map(c, 5);
    expect_int(c, ATT_COSE_KEY_KTY, ATT_COSE_KTY_EC2);
    expect_int(c, ATT_COSE_KEY_ALG, ATT_COSE_ALG_ES256);
    expect_int(c, ATT_COSE_KEY_CRV, ATT_COSE_CRV_P256);
    if (att_cbor_key_int(c) != ATT_COSE_KEY_X) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    att_cbor_bytes_exact(c, l->data_key, ATT_DATA_KEY_POINT / 2);
    if (att_cbor_key_int(c) != ATT_COSE_KEY_Y) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    att_cbor_bytes_exact(c, l->data_key + ATT_DATA_KEY_POINT / 2, ATT_DATA_KEY_POINT / 2);
    att_cbor_leave(c);
    att_cbor_leave(c);
    l->has_data_key = true;
}

static unsigned int read_claim(struct reading *r, int64_t key)
{
    struct att_label *label = &r->label;

    switch (key) {
    case ATT_CLAIM_ISS:
        att_cbor_text_copy(&r->c, label->issuer, sizeof(label->issuer));
        return SEEN_ISS;
    case ATT_CLAIM_SUB:
        att_cbor_text_copy(&r->c, label->subject, sizeof(label->subject));
        return SEEN_SUB;
    case ATT_CLAIM_AUD:
        r->has_audience = true;
        (void)att_cbor_item(&r->c);
        return 0;
    case ATT_CLAIM_EXP:
        label->exp = att_cbor_int(&r->c);
        return SEEN_EXP;
    case ATT_CLAIM_IAT:
        label->iat = att_cbor_int(&r->c);
        return SEEN_IAT;
    case ATT_CLAIM_CTI:
        att_cbor_bytes_exact(&r->c, label->cti, ATT_CTI_LEN);
        return SEEN_CTI;
    case ATT_CLAIM_PROFILE:
        r->bad_profile |= !read_profile(&r->c, ATT_PROFILE_EAR);
        return SEEN_PROFILE;
    case ATT_CLAIM_SUBMODS:
        read_submods(r);
        return SEEN_SUBMODS;
    case ATT_CLAIM_EAR_STATUS:
        label->status = read_tier(&r->c);
        return SEEN_STATUS;
    case ATT_CLAIM_STATUS:
        read_status(r);
        return 0;
    case ATT_CLAIM_CNF:
        read_data_key(r);
        return 0;
    default:
        return read_own_claim(r, key);
    }
}

static enum att_tier worst_entry(const struct att_label *label)
{
    enum att_tier worst = ATT_TIER_NONE;

    for (size_t i = 0; i < ATT_TRUST__COUNT; i++) {
        enum att_tier tier = att_tier_of(label->vector[i]);

        worst = tier > worst ? tier : worst;
    }
    return worst;
}

/* The overall status may not be kinder than the gateway's, nor than the worst entry of its vector. */
static bool status_honest(const struct reading *r)
{
    if (r->label.status != r->submod_status) {
        return false;
    }
    return r->label.status == ATT_TIER_NONE || r->label.status >= worst_entry(&r->label);
}

enum att_err att_label_read(struct att_label *out, struct att_slice payload, struct att_diag *diag)
{
    struct reading r = {.c = att_cbor_from(payload)};
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_map(&r.c, 64);
    while (att_cbor_more(&r.c)) {
        r.seen |= read_claim(&r, att_cbor_key_int(&r.c));
    }
    att_cbor_leave(&r.c);
    err = att_cbor_end_diag(&r.c, ATT_R_LBL_CLAIM, "claims", diag);
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(LABEL_PROFILE, r.bad_profile)) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_LBL_PROFILE, "eat_profile",
                        "expected \"%s\"", ATT_PROFILE_EAR);
    }
    /* Our labels are for everybody; one that is for somebody must be refused by all others (RFC 8392 section 3.1.3). */
    if (ATT_GUARD(LABEL_AUDIENCE, r.has_audience)) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_LBL_AUD, "aud",
                        "expected no audience, found one");
    }
    if (ATT_GUARD(LABEL_ENDS, r.seen == (SEEN_ALL & ~SEEN_EXP))) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_LBL_TIME, "exp",
                        "expected a time at which it ends, found none");
    }
    if (ATT_GUARD(LABEL_CLAIMS, r.seen != SEEN_ALL)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_LBL_CLAIM, "claims",
                        "required claims are missing (%x)", SEEN_ALL & ~r.seen);
    }
    if (ATT_GUARD(LABEL_STATUS, !status_honest(&r))) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_LBL_CLAIM, "ear_status",
                        "the overall status is not the one of the gateway and its vector");
    }
    *out = r.label;
    return ATT_OK;
}
