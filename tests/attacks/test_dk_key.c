/* A data key, and an authorisation of one, that would promise less than they seem to (docs/formats/data-key.md). */
#include <check.h>
#include <string.h>

#include "attack.h"
#include "base/wr.h"
#include "tcg/datakey.h"

#define GOOD                                                                                       \
    (ATT_OBJ_FIXED_TPM | ATT_OBJ_FIXED_PARENT | ATT_OBJ_SENSITIVE_DATA_ORIGIN | ATT_OBJ_NO_DA |    \
     ATT_OBJ_ADMIN_WITH_POLICY | ATT_OBJ_SIGN)

static const uint8_t POLICY[ATT_POLICY_LEN] = {0x5a, 0x01};

/* The parts of a TPMT_PUBLIC that an attack may change. */
struct form {
    uint32_t attributes;
    uint16_t name_alg, scheme, hash, curve;
    uint8_t policy[ATT_POLICY_LEN];
    bool no_policy;
};

static struct form good(void)
{
    struct form f = {GOOD, ATT_HASH_SHA256, 0x0018, ATT_HASH_SHA256, 3, {0}, false};

    memcpy(f.policy, POLICY, sizeof(f.policy));
    return f;
}

static enum att_err check(const struct form *f, struct att_diag *diag)
{
    uint8_t room[ATT_PUBAREA_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice all = {0};
    struct att_pubarea area;
    size_t policy_len = f->no_policy ? 0 : att_hash_size((enum att_hash)f->name_alg);
    size_t field = f->curve == 3 ? 32 : 48;

    att_wr_u16be(&w, 0x0023);
    att_wr_u16be(&w, f->name_alg);
    att_wr_u32be(&w, f->attributes);
    att_wr_u16be(&w, (uint16_t)policy_len);
    att_wr_bytes(&w, f->policy, policy_len < 32 ? policy_len : 32);
    att_wr_zeros(&w, policy_len < 32 ? 0 : policy_len - 32);
    att_wr_u16be(&w, 0x0010);
    att_wr_u16be(&w, f->scheme);
    if (f->scheme != 0x0010) {
        att_wr_u16be(&w, f->hash);
    }
    att_wr_u16be(&w, f->curve);
    att_wr_u16be(&w, 0x0010);
    att_wr_u16be(&w, (uint16_t)field);
    att_wr_zeros(&w, field);
    att_wr_u16be(&w, (uint16_t)field);
    att_wr_zeros(&w, field);
    ck_assert_int_eq(att_wr_done(&w, &all), ATT_OK);
    ck_assert_int_eq(att_pubarea_parse(&area, all, NULL), ATT_OK);
    return att_data_key_check(&area, POLICY, diag);
}

static void refused(const struct form *f, const char *word)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(check(f, &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_DK_ATTR);
    ck_assert_msg(strstr(diag.text, word) != NULL, "no %s in: %s", word, diag.text);
}

START_TEST(key__honest_one_is_taken)
{
    struct form f = good();
    struct att_diag diag = {0};

    ck_assert_msg(check(&f, &diag) == ATT_OK, "%s", diag.text);
}
END_TEST

/* One attribute at a time: what each would give away is in the refusal. */
static void flip(uint32_t attribute, const char *word)
{
    struct form f = good();

    f.attributes ^= attribute;
    refused(&f, word);
}

START_TEST(key__that_may_leave_the_tpm_is_refused)
{
    flip(ATT_OBJ_FIXED_TPM, "fixedTPM");
}
END_TEST

START_TEST(key__that_may_be_duplicated_is_refused)
{
    flip(ATT_OBJ_FIXED_PARENT, "fixedParent");
}
END_TEST

START_TEST(key__from_outside_is_refused)
{
    flip(ATT_OBJ_SENSITIVE_DATA_ORIGIN, "sensitiveDataOrigin");
}
END_TEST

START_TEST(key__of_one_boot_is_refused)
{
    flip(ATT_OBJ_ST_CLEAR, "stClear");
}
END_TEST

START_TEST(key__that_power_cuts_lock_is_refused)
{
    flip(ATT_OBJ_NO_DA, "noDA");
}
END_TEST

START_TEST(key__that_does_not_sign_is_refused)
{
    flip(ATT_OBJ_SIGN, "not a signing key");
}
END_TEST

START_TEST(key__that_is_restricted_is_refused)
{
    flip(ATT_OBJ_RESTRICTED, "restricted");
}
END_TEST

START_TEST(key__that_decrypts_is_refused)
{
    flip(ATT_OBJ_DECRYPT, "decrypt");
}
END_TEST

/* The empty password would do, in any state: the whole promise would be gone. */
START_TEST(key__with_user_auth_is_refused)
{
    flip(ATT_OBJ_USER_WITH_AUTH, "userWithAuth");
}
END_TEST

START_TEST(key__whose_password_changes_it_is_refused)
{
    flip(ATT_OBJ_ADMIN_WITH_POLICY, "adminWithPolicy");
}
END_TEST

START_TEST(key__of_another_policy_is_refused)
{
    struct form f = good();

    if (_i == 0) {
        f.policy[31] ^= 1;
    } else {
        f.no_policy = true;
    }
    refused(&f, "another policy");
}
END_TEST

START_TEST(key__of_another_scheme_is_refused)
{
    struct form f = good();

    switch (_i) {
    case 0:
        f.scheme = 0x0010; /* the caller would choose, ECDAA and SHA-1 included */
        break;
    case 1:
        f.hash = ATT_HASH_SHA1;
        break;
    case 2:
        f.curve = 4;
        break;
    default:
        f.name_alg = ATT_HASH_SHA384;
        break;
    }
    refused(&f, "P-256");
}
END_TEST

/* An authorisation over PCR 10 would be void within minutes, one over a PCR that resets binds nothing. */
START_TEST(grant__over_a_pcr_that_moves_or_resets_is_refused)
{
    static const uint32_t MASKS[] = {1U << 10, 1U << 13 | 1U << 10, 1U << 16, 1U << 13 | 1U << 23,
                                     0};
    struct att_grant g = {.selection = {.count = 1, .sel[0] = {ATT_HASH_SHA256, MASKS[_i], 3}}};
    uint8_t room[ATT_GRANT_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice all = {0};
    struct att_grant out;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_grant_encode(&w, &g), ATT_OK);
    ck_assert_int_eq(att_wr_done(&w, &all), ATT_OK);
    ck_assert_int_eq(att_grant_parse(&out, all, &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_DK_GRANT);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"DK-00", key__honest_one_is_taken, 0, 0},
        {"DK-01-tpm", key__that_may_leave_the_tpm_is_refused, 0, 0},
        {"DK-01-parent", key__that_may_be_duplicated_is_refused, 0, 0},
        {"DK-01-origin", key__from_outside_is_refused, 0, 0},
        {"DK-01-boot", key__of_one_boot_is_refused, 0, 0},
        {"DK-01-da", key__that_power_cuts_lock_is_refused, 0, 0},
        {"DK-01-sign", key__that_does_not_sign_is_refused, 0, 0},
        {"DK-01-restricted", key__that_is_restricted_is_refused, 0, 0},
        {"DK-01-decrypt", key__that_decrypts_is_refused, 0, 0},
        {"DK-02", key__with_user_auth_is_refused, 0, 0},
        {"DK-02-admin", key__whose_password_changes_it_is_refused, 0, 0},
        {"DK-03", key__of_another_policy_is_refused, 2, 0},
        {"DK-04", key__of_another_scheme_is_refused, 4, 0},
        {"DK-05", grant__over_a_pcr_that_moves_or_resets_is_refused, 5, 0},
    };

    return attack_rows("attacks: data keys", rows, ATT_COUNT(rows));
}
