/*
 * Refusals beside groups Q, I and T: each is the only thing that stands between one lie and a label, so
 * that no guard of the sources is without a test that misses it (tests/knockout).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"
#include "base/hex.h"
#include "evidence/profile.h"
#include "need.h"
#include "policy/policy.h"

/* ---- evidence ------------------------------------------------------------------------------- */

static bool has_reason(const struct gateway_attempt *a, const char *code)
{
    size_t i;

    for (i = 0; i < a->outcome.reason_count; i++) {
        if (att_slice_eq(a->outcome.reason[i].code, att_slice_str(code))) {
            return true;
        }
    }
    return false;
}

/* Attest what the gateway holds now: refused, and code is among the reasons. */
static void attest_refused(struct gateway *g, const char *code)
{
    struct gateway_attempt a = {0};
    struct service_device d;

    ck_assert_int_eq(gateway_attest(g, &a), 422);
    ck_assert(a.has_outcome);
    ck_assert_uint_eq(a.outcome.status, ATT_TIER_CONTRAINDICATED);
    ck_assert_msg(has_reason(&a, code), "%s is not among the reasons; the first is %s", code,
                  a.answer.code);
    ck_assert(service_device(&d, attack_service, g->id));
    ck_assert_int_eq(d.state.status, STORE_FAILED);
    gateway_attempt_clear(&a);
}

START_TEST(G_evidence_of_another_profile_is_refused)
{
    struct gateway *g = attack_gateway("g-profile");
    struct gateway_attempt a = {0};
    char *before;
    struct att_slice all;
    uint8_t *at;

    ck_assert_int_eq(gateway_prepare(g, &a), 201);
    all = att_buf_slice(a.evidence);
    at = memmem(all.p, all.len, ATT_PROFILE_EVIDENCE, strlen(ATT_PROFILE_EVIDENCE));
    NEED(at != NULL);
    at[strlen(ATT_PROFILE_EVIDENCE) - 1]++;
    before = attack_records();
    gateway_send(g, &a);
    attack_refused(&a.answer, 400, "E_FMT_VERSION");
    attack_same_records(before);
    gateway_attempt_clear(&a);
    gateway_free(g);
}
END_TEST

START_TEST(G_changed_file_is_refused)
{
    struct gateway *g = attack_gateway("g-mismatch");

    softlog_own_file(&g->log[ATT_LOG_OWN], g->tpm, GATEWAY_OWN_PCR, gateway_files[0],
                     att_slice_str("another program\n"));
    attest_refused(g, "E_REF_MISMATCH");
    gateway_free(g);
}
END_TEST

START_TEST(G_unlisted_file_is_refused)
{
    struct gateway *g = attack_gateway("g-unlisted");

    softlog_own_file(&g->log[ATT_LOG_OWN], g->tpm, GATEWAY_OWN_PCR, "/usr/sbin/extra",
                     att_slice_str("x"));
    attest_refused(g, "E_REF_UNLISTED");
    gateway_free(g);
}
END_TEST

START_TEST(G_unlisted_code_is_refused)
{
    struct gateway *g = attack_gateway("g-ima");

    softlog_ima(&g->log[ATT_LOG_IMA], g->tpm, "/tmp/implant", att_slice_str("implant"));
    attest_refused(g, "E_REF_UNLISTED");
    gateway_free(g);
}
END_TEST

START_TEST(G_ima_violation_is_refused)
{
    struct gateway *g = attack_gateway("g-violation");

    softlog_ima_violation(&g->log[ATT_LOG_IMA], g->tpm, gateway_files[0]);
    attest_refused(g, "E_LOG_VIOLATION");
    gateway_free(g);
}
END_TEST

/* The own log of a gateway that leaves out what the policy wants to see. */
START_TEST(G_file_that_must_be_measured_is_missed)
{
    struct gateway *g = attack_enrolled_at(attack_service, "g-missing");

    softtpm_reset(g->tpm);
    softlog_clear(&g->log[ATT_LOG_UEFI]);
    softlog_clear(&g->log[ATT_LOG_IMA]);
    softlog_clear(&g->log[ATT_LOG_OWN]);
    softlog_uefi_boot(&g->log[ATT_LOG_UEFI], g->tpm, "firmware 1.0");
    softlog_ima_boot_aggregate(&g->log[ATT_LOG_IMA], g->tpm);
    softlog_own_boot(&g->log[ATT_LOG_OWN], g->tpm, GATEWAY_OWN_PCR);
    softlog_own_file(&g->log[ATT_LOG_OWN], g->tpm, GATEWAY_OWN_PCR, gateway_files[0],
                     att_slice_str(gateway_contents[0]));
    attest_refused(g, "E_REF_MISSING");
    gateway_free(g);
}
END_TEST

START_TEST(G_other_firmware_is_refused)
{
    struct gateway *g = attack_enrolled_at(attack_service, "g-firmware");

    softlog_uefi(&g->log[ATT_LOG_UEFI], g->tpm, 0, 8, att_slice_str("firmware 6.66"));
    attest_refused(g, "E_REF_MISMATCH");
    gateway_free(g);
}
END_TEST

/* A gateway with no IMA list, under a policy that asks for one. */
START_TEST(G_missing_log_is_refused)
{
    struct gateway *g = attack_enrolled_at(attack_service, "g-coverage");

    g->has[ATT_LOG_IMA] = false;
    gateway_boot(g);
    attest_refused(g, "E_LOG_COVERAGE");
    gateway_free(g);
}
END_TEST

/*
 * The gateway says that it keeps no IMA list, so PCR 10 is not asked for; then it sends one of good files all
 * the same, while the TPM saw another program.
 */
START_TEST(G_list_beside_the_quote_is_refused)
{
    struct gateway *g = attack_gateway("g-beside");
    struct gateway_attempt a = {0};

    gateway_boot(g);
    softtpm_event(g->tpm, 10, att_slice_str("an implant that the list does not name"));
    g->has[ATT_LOG_IMA] = false;
    ck_assert_int_eq(gateway_session(g, &a), 201);
    g->has[ATT_LOG_IMA] = true;
    gateway_measure(g, &a);
    attack_send_fails(g, &a, "E_Q_PCRSEL");
    gateway_attempt_clear(&a);
    gateway_free(g);
}
END_TEST

/* An endorsement key that the operator listed, with no certificate: E1, and the policy wants E3. */
START_TEST(G_lower_grade_is_refused)
{
    struct gateway *g = attack_stranger("g-grade");
    char body[256];
    char hex[2 * ATT_NAME_MAX + 1];

    g->tpm->ek_cert_len = 0;
    NEED(att_hex_encode(hex, sizeof(hex), softtpm_name(&g->tpm->ek)) != NULL);
    snprintf(body, sizeof(body), "{\"ek_name\":\"%s\",\"id\":\"g-grade\"}", hex);
    ck_assert_int_eq(service_admin(attack_service, "POST", "/allow", body, NULL, 0), 201);
    ck_assert_int_eq(gateway_enrol(g, NULL), 200);
    attest_refused(g, "E_POL_GRADE");
    gateway_free(g);
}
END_TEST

/* A firmware log in the old form says nothing of SHA-256. */
START_TEST(G_boot_log_without_the_bank_is_refused)
{
    static const uint8_t sha1_event[] = {0,  0,  0,  0,  8,  0,  0,  0,  1,  2,  3,
                                         4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
                                         15, 16, 17, 18, 19, 20, 1,  0,  0,  0,  'x'};
    struct gateway *g = attack_gateway("g-bank");
    struct gateway_attempt a = {0};

    gateway_boot(g);
    ck_assert_int_eq(gateway_session(g, &a), 201);
    gateway_measure(g, &a);
    a.log[ATT_LOG_UEFI] = att_slice_of(sha1_event, sizeof(sha1_event));
    attack_send_fails(g, &a, "E_LOG_BANK");
    gateway_attempt_clear(&a);
    gateway_free(g);
}
END_TEST

/* The IMA list says PCR 11; what it names was extended into PCR 10 all the same. */
START_TEST(G_ima_entry_of_another_pcr_is_refused)
{
    struct gateway *g = attack_gateway("g-ima-pcr");
    struct softlog *log = &g->log[ATT_LOG_IMA];
    size_t at = log->len;

    softlog_ima(log, g->tpm, gateway_files[0], att_slice_str(gateway_contents[0]));
    log->p[at] = 11;
    attest_refused(g, "E_LOG_PCR");
    gateway_free(g);
}
END_TEST

START_TEST(G_own_record_of_another_pcr_is_refused)
{
    struct gateway *g = attack_gateway("g-own-pcr");
    struct softlog scratch = {.records = g->log[ATT_LOG_OWN].records};
    struct att_slice content = att_slice_str(gateway_contents[0]);

    softlog_own_file(&scratch, g->tpm, GATEWAY_OWN_PCR, gateway_files[0], content);
    softlog_own_file(&g->log[ATT_LOG_OWN], NULL, 12, gateway_files[0], content);
    attest_refused(g, "E_LOG_PCR");
    softlog_free(&scratch);
    gateway_free(g);
}
END_TEST

/* Something else extended the own PCR before the agent's first record. */
START_TEST(G_own_pcr_that_did_not_start_at_zero_is_refused)
{
    struct gateway *g = attack_enrolled_at(attack_service, "g-foreign");

    softtpm_reset(g->tpm);
    softtpm_event(g->tpm, GATEWAY_OWN_PCR, att_slice_str("somebody else"));
    softlog_clear(&g->log[ATT_LOG_OWN]);
    softlog_clear(&g->log[ATT_LOG_UEFI]);
    softlog_clear(&g->log[ATT_LOG_IMA]);
    softlog_uefi_boot(&g->log[ATT_LOG_UEFI], g->tpm, "firmware 1.0");
    softlog_ima_boot_aggregate(&g->log[ATT_LOG_IMA], g->tpm);
    softlog_own_boot(&g->log[ATT_LOG_OWN], g->tpm, GATEWAY_OWN_PCR);
    attest_refused(g, "E_OWN_FOREIGN");
    gateway_free(g);
}
END_TEST

/* ---- enrolment ------------------------------------------------------------------------------ */

static void enrol_refused(struct gateway *g, const struct att_slice *cert, const char *code)
{
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    char token[128];
    char *before;

    NEED(e != NULL);
    service_token(attack_service, g->id, token);
    gateway_enrol_prepare(g, e, token);
    if (cert != NULL) {
        e->begin.ek_cert[0] = *cert;
    }
    before = attack_records();
    gateway_enrol_begin(g, e);
    attack_refused(&e->begin_answer, 422, code);
    attack_same_records(before);
    gateway_enrol_clear(e);
    free(e);
}

START_TEST(G_certificate_of_another_tpm_is_refused)
{
    struct gateway *g = attack_stranger("g-ek-other");
    struct softtpm *other = softtpm_new(attack_service->ek_ca, SOFTTPM_EK_P256);
    const struct att_slice cert = softtpm_ek_cert(other);

    enrol_refused(g, &cert, "E_ID_EKCERT");
    softtpm_free(other);
    gateway_free(g);
}
END_TEST

START_TEST(G_certificate_that_nobody_vouches_for_is_refused)
{
    static const struct softtpm_cert_order order[] = {
        {0},
        {.not_before_s = -7200, .not_after_s = -3600},
        {.not_before_s = 3600, .not_after_s = 7200},
        {.is_ca = true},
        {.without_ek_usage = true},
    };
    struct softtpm_ca *other = softtpm_ca_new("A maker that is not trusted");
    struct gateway *g;
    char id[32];

    snprintf(id, sizeof(id), "g-ek-%d", _i);
    g = attack_stranger(id);
    softtpm_certify_ek(g->tpm, _i == 0 ? other : attack_service->ek_ca, &order[_i]);
    enrol_refused(g, NULL, "E_ID_EKCERT");
    gateway_free(g);
    softtpm_ca_free(other);
}
END_TEST

/* ---- transport ------------------------------------------------------------------------------ */

/* A GET with a body: what one reader takes for a body, another takes for the next request. */
START_TEST(G_body_that_may_be_a_request_is_refused)
{
    static const char smuggled[] = "GET /labels/v1/00112233445566778899aabbccddeeff HTTP/1.1\r\n"
                                   "Host: a\r\n\r\n";
    struct gateway *g = attack_gateway("g-smuggle");
    char request[512];
    char text[8192];
    size_t used = 0;
    int answers = 0;
    const char *at;
    int n;

    snprintf(request, sizeof(request),
             "GET /labels/v1/device/g-smuggle/current HTTP/1.1\r\nHost: a\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             sizeof(smuggled) - 1, smuggled);
    client_set_timeout(g->client, 1000);
    ck_assert(client_connect(g->client));
    ck_assert(client_send(g->client, request, strlen(request)));
    while (used < sizeof(text) - 1 &&
           (n = client_receive(g->client, text + used, sizeof(text) - 1 - used)) > 0) {
        used += (size_t)n;
    }
    text[used] = '\0';
    for (at = text; (at = strstr(at, "HTTP/1.1 ")) != NULL; at += 9) {
        answers += at[9] >= '1' && at[9] <= '5' ? 1 : 0;
    }
    ck_assert_int_eq(answers, 1);
    ck_assert_msg(strncmp(text, "HTTP/1.1 4", 10) == 0, "%.60s", text);
    gateway_free(g);
}
END_TEST

/* Two bodies that are promised at once are more than the service may hold. */
START_TEST(G_too_much_under_way_is_refused)
{
    static const char head[] = "POST /enrol/v1/begin HTTP/1.1\r\nHost: a\r\n"
                               "Content-Type: application/cbor\r\nContent-Length: 700000\r\n\r\n";
    static uint8_t body[700000];
    const struct service_options options = {
        .limits = "{body: 1048576, enrol_body: 1048576, inflight: 1048576}"};
    struct service *s = service_new(&options);
    struct client *slow;
    struct client *other;
    struct client_answer a = {0};

    service_start(s);
    slow = client_new(s->tls, "127.0.0.1", s->port, NULL);
    other = client_new(s->tls, "127.0.0.1", s->port, NULL);
    ck_assert(client_connect(slow) && client_send(slow, head, sizeof(head) - 1));
    attack_nap_ms(50);
    client_request(other, &a, "POST", "/enrol/v1/begin", ATT_TYPE_CBOR,
                   att_slice_of(body, sizeof(body)));
    attack_refused(&a, 503, "E_BUSY");
    client_close(slow);
    attack_nap_ms(50);
    client_request(other, &a, "POST", "/enrol/v1/begin", ATT_TYPE_CBOR,
                   att_slice_of(body, sizeof(body)));
    attack_refused(&a, 400, "E_FMT_CBOR"); /* there is room again: it was read and judged */
    client_answer_clear(&a);
    client_free(slow);
    client_free(other);
    service_free(s);
}
END_TEST

/* ---- raw appraisal, policies, configuration ------------------------------------------------- */

START_TEST(Q_03__raw_quote_over_no_pcr_is_refused)
{
    const struct att_pcr_selection none = softtpm_selection(ATT_HASH_SHA256, 0);
    struct softtpm *tpm = softtpm_new(NULL, SOFTTPM_EK_P256);
    struct softtpm_bytes attest;
    struct softtpm_bytes signature;
    char dir[] = "/tmp/attest-q03-XXXXXX";
    char path[3][64];
    const char *args[] = {"--json",      "evidence", "appraise", "--quote", path[0],
                          "--signature", path[1],    "--ak",     path[2],   NULL};
    char said[16384];
    int i;

    NEED(mkdtemp(dir) != NULL);
    softtpm_quote(&attest, &signature, tpm, att_slice_str("nonce of sixteen"), &none);
    for (i = 0; i < 3; i++) {
        const struct att_slice part = i == 0   ? softtpm_slice(&attest)
                                      : i == 1 ? softtpm_slice(&signature)
                                               : softtpm_public(&tpm->ak);
        FILE *f;

        snprintf(path[i], sizeof(path[i]), "%s/%d", dir, i);
        f = fopen(path[i], "wb");
        NEED(f != NULL && fwrite(part.p, 1, part.len, f) == part.len && fclose(f) == 0);
    }
    ck_assert_int_eq(service_program(said, sizeof(said), "attestctl", args), 1);
    ck_assert_msg(strstr(said, "E_Q_PCRSEL") != NULL, "%s", said);
    for (i = 0; i < 3; i++) {
        NEED(unlink(path[i]) == 0);
    }
    NEED(rmdir(dir) == 0);
    softtpm_free(tpm);
}
END_TEST

/* Not as people write it, where the reader refuses, but as it is stored: the last stand. */
START_TEST(G_stored_policy_that_is_no_policy_is_refused)
{
    ATT_CLEANUP(att_policy_freep) struct att_policy *p = NULL;
    ATT_CLEANUP(att_policy_freep) struct att_policy *again = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = NULL;
    struct att_diag diag = {0};
    size_t count;

    NEED(att_policy_parse_yaml(&p, "p", att_slice_str(service_policy), &diag) == ATT_OK);
    count = p->count;
    if (_i == 0) {
        p->count = 0;
    } else {
        p->own_pcr_mask = 1U << 16;
    }
    NEED(att_policy_encode(&encoded, p) == ATT_OK);
    p->count = count;
    ck_assert_int_ne(att_policy_decode(&again, att_buf_slice(encoded), &diag), ATT_OK);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_CFG_POLICY");
}
END_TEST

START_TEST(G_label_key_in_a_file_needs_the_operators_word)
{
    struct service *s = service_new(NULL);
    char path[128];
    char command[512];
    char text[8192];
    char *word;
    size_t len;
    FILE *f;

    snprintf(path, sizeof(path), "%s/attestd.yaml", s->dir);
    f = fopen(path, "r+");
    NEED(f != NULL);
    len = fread(text, 1, sizeof(text) - 1, f);
    text[len] = '\0';
    word = strstr(text, "insecure_file_key: true ");
    word = word != NULL ? word : strstr(text, "insecure_file_key: true");
    NEED(word != NULL);
    memcpy(word, "# nothing is said of it", 23);
    NEED(fseek(f, 0, SEEK_SET) == 0 && fwrite(text, 1, len, f) == len && fclose(f) == 0);
    snprintf(command, sizeof(command), "timeout 3 %s/attestd run --config %s 2>%s/said",
             getenv("BUILD") != NULL ? getenv("BUILD") : "build/release", path, s->dir);
    ck_assert_int_ne(WEXITSTATUS(system(command)), 124); /* it does not run */
    snprintf(command, sizeof(command), "grep -q E_KEY_FILE %s/said", s->dir);
    ck_assert_int_eq(system(command), 0);
    service_free(s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"G-profile", G_evidence_of_another_profile_is_refused, 0, 0},
        {"G-mismatch", G_changed_file_is_refused, 0, 0},
        {"G-unlisted", G_unlisted_file_is_refused, 0, 0},
        {"G-ima", G_unlisted_code_is_refused, 0, 0},
        {"G-violation", G_ima_violation_is_refused, 0, 0},
        {"G-missing", G_file_that_must_be_measured_is_missed, 0, 0},
        {"G-firmware", G_other_firmware_is_refused, 0, 0},
        {"G-coverage", G_missing_log_is_refused, 0, 0},
        {"G-beside", G_list_beside_the_quote_is_refused, 0, 0},
        {"G-grade", G_lower_grade_is_refused, 0, 0},
        {"G-bank", G_boot_log_without_the_bank_is_refused, 0, 0},
        {"G-ima-pcr", G_ima_entry_of_another_pcr_is_refused, 0, 0},
        {"G-own-pcr", G_own_record_of_another_pcr_is_refused, 0, 0},
        {"G-foreign", G_own_pcr_that_did_not_start_at_zero_is_refused, 0, 0},
        {"G-ek-other", G_certificate_of_another_tpm_is_refused, 0, 0},
        {"G-ek", G_certificate_that_nobody_vouches_for_is_refused, 5, 0},
        {"G-smuggle", G_body_that_may_be_a_request_is_refused, 0, 0},
        {"G-inflight", G_too_much_under_way_is_refused, 0, 0},
        {"Q-03-raw", Q_03__raw_quote_over_no_pcr_is_refused, 0, 0},
        {"G-policy", G_stored_policy_that_is_no_policy_is_refused, 2, 0},
        {"G-key-file", G_label_key_in_a_file_needs_the_operators_word, 0, 0},
    };

    return attack_main("attacks: the last guards", rows, ATT_COUNT(rows), NULL);
}
