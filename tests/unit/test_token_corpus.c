/*
 * Tokens, results and claims by others: the corpus folders ear/, eat/, cbor/ and statuslist/. Labels are read
 * in CBOR alone, so a result in JSON is refused as a label; what it says is judged by our rules all the same.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/label.h"
#include "appraise/offline.h"
#include "appraise/status_list.h"
#include "base/b64.h"
#include "bytes.h"
#include "codec/cbor_rd.h"
#include "codec/json.h"
#include "cosetest.h"
#include "evidence/profile.h"
#include "manifest.h"
#include "need.h"
#include "suite.h"

static json_t *json_of(const char *name)
{
    struct att_buf *file = manifest_read(name);
    json_t *j = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(att_json_parse(&j, att_buf_slice(file), &diag) == ATT_OK, "%s: %s", name,
                  diag.text);
    att_buf_free(file);
    return j;
}

static struct bytes base64url(const char *text, size_t len)
{
    struct bytes b = {0};

    NEED(att_b64_decode(b.p, sizeof(b.p), &b.len, ATT_B64_URL, text, len) == ATT_OK);
    return b;
}

static struct att_pubkey *jwk(const char *name)
{
    json_t *j = json_of(name);
    const char *x = json_string_value(json_object_get(j, "x"));
    const char *y = json_string_value(json_object_get(j, "y"));
    struct att_pubkey *out = NULL;
    struct bytes point[2];

    NEED(x != NULL && y != NULL);
    point[0] = base64url(x, strlen(x));
    point[1] = base64url(y, strlen(y));
    NEED(att_pubkey_from_ec(&out, ATT_KEY_EC_P256, bytes_slice(&point[0]), bytes_slice(&point[1]),
                            NULL) == ATT_OK);
    json_decref(j);
    return out;
}

/* No label: whatever lies in these folders, the offline check says malformed, and with this code. */
static void no_label(const char *name, enum att_reason reason)
{
    struct att_buf *file = manifest_read(name);
    struct att_offline *o = calloc(1, sizeof(*o));
    struct att_anchors *nobody = NULL;
    const struct att_trust_rules rules = {0};

    NEED(o != NULL && att_anchors_new(&nobody) == ATT_OK);
    ck_assert_int_eq(att_offline_check(o, att_buf_slice(file), nobody, &rules, 1790000000), ATT_OK);
    ck_assert_msg(o->verdict == ATT_VERDICT_MALFORMED && o->check[0].why.reason == reason,
                  "%s: verdict %d, %s: %s", name, o->verdict,
                  att_reason_code(o->check[0].why.reason), o->check[0].why.text);
    att_anchors_free(nobody);
    free(o);
    att_buf_free(file);
}

/* Results in JWT: judged by ES256 with the example's key, as their issuer meant them. */
static const struct {
    const char *name;
    enum att_err err;
    size_t claims; /* how many the token has */
} JWTS[] = {
    {"veraison-testJWT.jwt", ATT_OK, 5},
    {"veraison-testJWT_JWK.jwt", ATT_OK, 5}, /* with its key inside, which is not looked at */
    {"veraison-ear_test-token-0.jwt", ATT_OK, 4},
    {"veraison-ear_test-token-2.jwt", ATT_E_UNSUPPORTED, 5}, /* alg none */
    {"veraison-ear_test-token-4.jwt", ATT_OK, 0}, /* signed and empty: refused for its claims */
};

static json_t *part_of(const char *text, size_t len)
{
    struct bytes b = base64url(text, len);
    json_t *j = NULL;

    ck_assert_int_eq(att_json_parse(&j, bytes_slice(&b), NULL), ATT_OK);
    return j;
}

static enum att_err judge_jwt(const char *text, size_t dots[2], const struct att_pubkey *key)
{
    json_t *head = part_of(text, dots[0]);
    const char *alg = json_string_value(json_object_get(head, "alg"));
    bool ours = alg != NULL && strcmp(alg, "ES256") == 0;
    struct bytes sig = {0};

    json_decref(head);
    if (!ours) {
        return ATT_E_UNSUPPORTED;
    }
    sig = base64url(text + dots[1] + 1, strlen(text) - dots[1] - 1);
    return att_verify(key, ATT_SCHEME_ECDSA, ATT_HASH_SHA256, att_slice_of(text, dots[1]),
                      bytes_slice(&sig));
}

START_TEST(jwt__is_no_label_and_its_signature_is_what_the_manifest_says)
{
    char path[128];
    char text[2048];
    struct att_pubkey *key = jwk("ear/veraison-pkey.json");
    struct att_buf *file = NULL;
    json_t *claims = NULL;
    size_t dots[2];
    enum att_err err = ATT_OK;

    (void)snprintf(path, sizeof(path), "ear/%s", JWTS[_i].name);
    no_label(path, ATT_R_FMT_CBOR);
    file = manifest_read(path);
    NEED(att_buf_len(file) < sizeof(text));
    memcpy(text, att_buf_slice(file).p, att_buf_len(file));
    text[att_buf_len(file)] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    dots[0] = strcspn(text, ".");
    dots[1] = dots[0] + 1 + strcspn(text + dots[0] + 1, ".");
    err = judge_jwt(text, dots, key);
    ck_assert_msg(err == JWTS[_i].err, "%s: %s", path, att_err_name(err));
    claims = part_of(text + dots[0] + 1, dots[1] - dots[0] - 1);
    ck_assert_uint_eq(json_object_size(claims), JWTS[_i].claims);
    text[dots[1] - 1] ^= 1; /* the last letter of the claims: another token */
    ck_assert_int_ne(judge_jwt(text, dots, key), ATT_OK);
    manifest_row("", path, "no label: E_FMT_CBOR; %s",
                 err != ATT_OK          ? "signed by nobody"
                 : JWTS[_i].claims == 0 ? "its signature verifies, over no claims"
                                        : "its signature verifies");
    json_decref(claims);
    att_buf_free(file);
    att_pubkey_free(key);
}
END_TEST

/*
 * Results in JSON. Each submodule's status must be the worst tier of its vector by our rule, which is how a
 * label is judged to be honest. vectors: how many there are.
 */
static const struct {
    const char *name;
    size_t submods, vectors;
} RESULTS[] = {
    {"services-cca.end-to-end.json", 2, 2},
    {"services-cca.good.json", 2, 2},
    {"services-enacttrust.badnode.json", 1, 1},
    {"services-psa.badcrypto.json", 1, 1},
    {"services-psa.badswcomp.json", 1, 1},
    {"services-psa.good.json", 1, 1},
    {"trustee-example.token.json", 1, 1},
    {"veraison-ear-claims-extension-ok.json", 1, 0},
    {"veraison-ear-claims-key-attestation-ko.json", 1, 1},
    {"veraison-ear-claims-key-attestation-ok.json", 1, 1},
    {"veraison-ear-claims-tv-ok.json", 1, 1},
    {"veraison-ear-claims.json", 1, 0},
};

static enum att_tier worst_of(const json_t *vector)
{
    enum att_tier worst = ATT_TIER_NONE;
    const char *name = NULL;
    json_t *value = NULL;

    json_object_foreach((json_t *)(uintptr_t)vector, name, value)
    {
        enum att_tier tier = ATT_TIER_NONE;

        ck_assert(json_integer_value(value) >= INT8_MIN && json_integer_value(value) <= INT8_MAX);
        tier = att_tier_of((int8_t)json_integer_value(value));
        worst = tier > worst ? tier : worst;
    }
    return worst;
}

START_TEST(att_tier_of__gives_the_status_of_others_results)
{
    char path[128];
    json_t *j = NULL;
    const json_t *submods = NULL;
    const char *name = NULL;
    json_t *submod = NULL;
    size_t vectors = 0;

    (void)snprintf(path, sizeof(path), "ear/%s", RESULTS[_i].name);
    no_label(path, ATT_R_FMT_CBOR);
    j = json_of(path);
    submods = json_object_get(j, "submods");
    submods = submods != NULL ? submods : j;
    ck_assert_uint_eq(json_object_size(submods), RESULTS[_i].submods);
    json_object_foreach((json_t *)(uintptr_t)submods, name, submod)
    {
        const json_t *vector = json_object_get(submod, "ear.trustworthiness-vector");
        const char *status = json_string_value(json_object_get(submod, "ear.status"));

        ck_assert_ptr_nonnull(status);
        if (vector != NULL) {
            ck_assert_msg(strcmp(att_tier_name(worst_of(vector)), status) == 0, "%s %s: %s", path,
                          name, status);
            vectors++;
        }
    }
    ck_assert_uint_eq(vectors, RESULTS[_i].vectors);
    manifest_row("", path, "no label: E_FMT_CBOR; %zu vectors, each status is our rule's", vectors);
    json_decref(j);
}
END_TEST

/* The PSA token: a COSE_Sign1 by ES256 that our reader takes; its profile is another than a label's. */
START_TEST(att_cose__verifies_the_psa_token)
{
    struct att_buf *file = manifest_read("eat/services-psa-evidence.cbor");
    struct att_pubkey *key = jwk("eat/services-ec.p256.jwk");
    struct att_pubkey *other = jwk("ear/veraison-pkey.json");
    struct att_diag diag = {0};
    struct att_cose m;
    struct att_cbor c;
    struct att_slice profile = {0};

    ck_assert_int_eq(cosetest_judge(att_buf_slice(file), key, (struct att_slice){0}, &diag),
                     ATT_OK);
    ck_assert_int_eq(cosetest_judge(att_buf_slice(file), other, (struct att_slice){0}, &diag),
                     ATT_E_SIGNATURE);
    NEED(att_cose_parse(&m, att_buf_slice(file), NULL) == ATT_OK);
    ck_assert_uint_eq(m.typ.len, 0);
    c = att_cbor_from_any_order(m.payload_untrusted);
    (void)att_cbor_enter_map(&c, 64);
    while (att_cbor_more(&c)) {
        if (att_cbor_key_int(&c) == ATT_CLAIM_PROFILE) {
            profile = att_cbor_text(&c, 128);
        } else {
            (void)att_cbor_item(&c);
        }
    }
    att_cbor_leave(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_OK);
    bytes_expect_text(profile, "http://arm.com/psa/2.0.0");
    no_label("eat/services-psa-evidence.cbor", ATT_R_FMT_COSE); /* another type */
    manifest_row("eat/", "services-psa-evidence.cbor",
                 "the signature verifies, its profile is read; no label: E_FMT_COSE");
    att_pubkey_free(other);
    att_pubkey_free(key);
    att_buf_free(file);
}
END_TEST

/*
 * CBOR of others. strict: as everything of ours is read; any: with keys in any order, as documents of others
 * are. Floats, indefinite lengths and map keys that are bytes are read in neither way.
 */
static const struct {
    const char *name;
    enum att_err strict, any;
} ITEMS[] = {
    {"cbor/libcbor-all_types.cbor", ATT_E_FORMAT, ATT_E_FORMAT}, /* a float */
    {"cbor/libcbor-indef_string.cbor", ATT_E_FORMAT, ATT_E_FORMAT},
    {"cbor/libcbor-map.cbor", ATT_E_FORMAT, ATT_OK},
    {"cbor/libcbor-tagged_date.cbor", ATT_OK, ATT_OK},
    {"eat/veraison-coev-ce-qe-evidence.cbor", ATT_E_FORMAT, ATT_OK},
    {"eat/veraison-coev-ce-seam-evidence.cbor", ATT_E_FORMAT, ATT_OK},
};

START_TEST(att_cbor__reads_deterministic_items_and_no_others)
{
    struct att_buf *file = manifest_read(ITEMS[_i].name);
    struct att_cbor any = att_cbor_from_any_order(att_buf_slice(file));
    enum att_err err = att_cbor_check(att_buf_slice(file), NULL);

    ck_assert_msg(err == ITEMS[_i].strict, "%s: %s", ITEMS[_i].name, att_err_name(err));
    (void)att_cbor_item(&any);
    err = att_cbor_end(&any);
    ck_assert_msg(err == ITEMS[_i].any, "%s: %s", ITEMS[_i].name, att_err_name(err));
    no_label(ITEMS[_i].name, ITEMS[_i].strict == ATT_OK ? ATT_R_FMT_COSE : ATT_R_FMT_CBOR);
    manifest_row("", ITEMS[_i].name, "%s",
                 ITEMS[_i].strict == ATT_OK ? "deterministic: decodes"
                 : ITEMS[_i].any == ATT_OK
                     ? "keys do not rise: decodes as a document of others, refused as one of ours"
                     : "a float or an indefinite length: refused by our profile");
    att_buf_free(file);
}
END_TEST

/* The vectors of the status list draft: each of 2^20 entries, those that are named and all others. */
START_TEST(att_status_list_read__gives_every_entry_of_the_drafts_lists)
{
    static const char *const LISTS[][2] = {
        {"statuslist/tsl-1bit.cbor", "statuslist/tsl-1bit.json"},
        {"statuslist/tsl-4bit.cbor", "statuslist/tsl-4bit.json"}};
    struct att_buf *file = manifest_read(LISTS[_i][0]);
    json_t *j = json_of(LISTS[_i][1]);
    const json_t *set = json_object_get(j, "set");
    struct att_status_list *l = NULL;
    size_t named = 0;
    char key[24];

    ck_assert_int_eq(att_status_list_read(&l, att_buf_slice(file), NULL), ATT_OK);
    ck_assert_uint_eq(att_status_list_bits(l),
                      (unsigned int)json_integer_value(json_object_get(j, "bits")));
    ck_assert_uint_eq(att_status_list_count(l),
                      (uint64_t)json_integer_value(json_object_get(j, "size")));
    for (uint64_t i = 0; i < att_status_list_count(l); i++) {
        unsigned int value = 99;

        NEED(att_status_list_get(&value, l, i, NULL) == ATT_OK);
        if (value == 0) {
            continue;
        }
        (void)snprintf(key, sizeof(key), "%llu", (unsigned long long)i);
        ck_assert_msg(value == json_integer_value(json_object_get(set, key)), "entry %s: %u", key,
                      value);
        named++;
    }
    ck_assert_uint_eq(named, json_object_size(set));
    manifest_row("", LISTS[_i][0], "1048576 entries, %zu of them set as they should be", named);
    att_status_list_free(l);
    json_decref(j);
    att_buf_free(file);
}
END_TEST

/* Keys, claims and texts that lie beside: they are what their names say, and no label. */
static const char *const BESIDE[] = {"ear/veraison-pkey.json",
                                     "ear/veraison-README.txt",
                                     "eat/services-ec.p256.jwk",
                                     "eat/services-psa.good.json",
                                     "eat/services-tpm-enacttrust-basic.json",
                                     "statuslist/tsl-1bit.json",
                                     "statuslist/tsl-4bit.json",
                                     "statuslist/tsl-1bit.cbor",
                                     "statuslist/tsl-4bit.cbor"};

START_TEST(offline_check__takes_no_other_file_for_a_label)
{
    size_t len = strlen(BESIDE[_i]);

    no_label(BESIDE[_i], ATT_R_FMT_CBOR);
    if (strcmp(BESIDE[_i] + len - 4, "json") == 0 || strcmp(BESIDE[_i] + len - 3, "jwk") == 0) {
        json_decref(json_of(BESIDE[_i]));
    }
    if (strcmp(BESIDE[_i] + len - 4, "cbor") != 0) {
        manifest_row("", BESIDE[_i], "what belongs to others; no label: E_FMT_CBOR");
    }
}
END_TEST

static const char *folder;

static bool is(const char *row, const char *name)
{
    return strncmp(row, folder, strlen(folder)) == 0 && strcmp(row + strlen(folder), name) == 0;
}

static bool listed(const char *name)
{
    for (size_t i = 0; i < ATT_COUNT(BESIDE); i++) {
        if (is(BESIDE[i], name)) {
            return true;
        }
    }
    for (size_t i = 0; i < ATT_COUNT(ITEMS); i++) {
        if (is(ITEMS[i].name, name)) {
            return true;
        }
    }
    for (size_t i = 0; strcmp(folder, "ear/") == 0 && i < ATT_COUNT(JWTS); i++) {
        if (strcmp(JWTS[i].name, name) == 0) {
            return true;
        }
    }
    for (size_t i = 0; strcmp(folder, "ear/") == 0 && i < ATT_COUNT(RESULTS); i++) {
        if (strcmp(RESULTS[i].name, name) == 0) {
            return true;
        }
    }
    return is("eat/services-psa-evidence.cbor", name);
}

START_TEST(the_tables__have_each_file_of_the_manifest)
{
    static const struct {
        const char *folder;
        size_t files;
    } FOLDERS[] = {{"ear/", 19}, {"eat/", 6}, {"cbor/", 4}, {"statuslist/", 4}};

    folder = FOLDERS[_i].folder;
    manifest_covers(folder, listed, FOLDERS[_i].files);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {jwt__is_no_label_and_its_signature_is_what_the_manifest_says, (int)ATT_COUNT(JWTS)},
        {att_tier_of__gives_the_status_of_others_results, (int)ATT_COUNT(RESULTS)},
        {att_cose__verifies_the_psa_token, 0},
        {att_cbor__reads_deterministic_items_and_no_others, (int)ATT_COUNT(ITEMS)},
        {att_status_list_read__gives_every_entry_of_the_drafts_lists, 2},
        {offline_check__takes_no_other_file_for_a_label, (int)ATT_COUNT(BESIDE)},
        {the_tables__have_each_file_of_the_manifest, 4},
    };

    if (manifest_corpus() == NULL) {
        return 77;
    }
    return SUITE_RUN_ROWS("token_corpus", rows, NULL);
}
