/*
 * Keys that a factory left in the TPM and vouches for (IAK, IDevID), and gateways that lie about them. Beyond the
 * attack matrix, which has no row for them. Nothing that is refused may leave a trace in the records.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attack.h"
#include "base/file.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "factorytest.h"
#include "need.h"

static struct softtpm_ca *factory; /* in the anchors of every service here */

/* A service that looks at such keys, not running yet; extra: more lines. */
static struct service *service_with_factory(const char *word, const char *extra)
{
    char text[256], path[160];
    struct service_options options = {.extra = text};
    struct service *s = NULL;

    snprintf(text, sizeof(text), "iak: %s\niak_anchors: iak.d\n%s", word, extra);
    s = service_new(&options);
    s->options.extra = NULL;
    snprintf(path, sizeof(path), "%s/iak.d", s->dir);
    NEED(mkdir(path, 0700) == 0);
    snprintf(path, sizeof(path), "%s/iak.d/factory.pem", s->dir);
    softtpm_ca_write_pem(factory, path);
    return s;
}

/* A gateway with an enrolment that waits to be sent, and its factory's keys. */
struct scene {
    struct service *service;
    struct gateway *g;
    struct factorytest *f;
    struct gateway_enrolment e;
    char token[128];
};

static struct scene *scene_at(struct service *s, const char *id)
{
    struct scene *c = calloc(1, sizeof(*c));

    NEED(c != NULL);
    c->service = s;
    c->g = attack_stranger_at(s, id);
    c->f = factorytest_new(factory);
    service_token(s, id, c->token);
    gateway_enrol_prepare(c->g, &c->e, c->token);
    factorytest_show_iak(c->f, &c->e);
    return c;
}

static struct scene *scene_new(const char *id)
{
    return scene_at(attack_service, id);
}

static void scene_free(struct scene *c)
{
    gateway_enrol_clear(&c->e);
    gateway_free(c->g);
    factorytest_free(c->f);
    free(c);
}

static void said(const struct client_answer *a, int status, const char *code, const char *word)
{
    struct att_slice body = client_body(a);

    attack_refused(a, status, code);
    ck_assert_msg(word == NULL || memmem(body.p, body.len, word, strlen(word)) != NULL,
                  "the answer does not say %s: %.*s", word, (int)body.len, (const char *)body.p);
}

static void begin_refused(struct scene *c, int status, const char *code, const char *word)
{
    char *before = attack_records();

    ck_assert_int_ne(gateway_enrol_begin(c->g, &c->e), 200);
    said(&c->e.begin_answer, status, code, word);
    attack_same_records(before);
    scene_free(c);
}

static void solve(struct scene *c)
{
    ck_assert_int_eq(gateway_enrol_begin(c->g, &c->e), 200);
    gateway_enrol_solve(c->g, &c->e);
}

static void activate_refused(struct scene *c, const char *code, const char *word)
{
    char *before = attack_records();

    ck_assert_int_ne(gateway_enrol_activate(c->g, &c->e), 200);
    said(&c->e.activate_answer, 422, code, word);
    attack_same_records(before);
    scene_free(c);
}

static void hex_of(char out[65], const struct softtpm_bytes *cert)
{
    uint8_t digest[32];

    NEED(att_sha256(softtpm_slice(cert), digest) == ATT_OK);
    att_hex_encode(out, 65, att_slice_of(digest, sizeof(digest)));
}

/* ---- what is not an attack ------------------------------------------------------------------- */

static void shown_in(const struct service *s, const char *id, const struct factorytest *f)
{
    static const char *const LANGS[] = {"en", "ja"};
    static const char *const WORDS[] = {"(IAK), proven", "証明済み"};
    char text[8192], hex[65];

    hex_of(hex, &f->iak_cert);
    for (size_t i = 0; i < ATT_COUNT(LANGS); i++) {
        const char *show[] = {"--lang", LANGS[i],   "device",      "show",
                              id,       "--socket", s->admin_path, NULL};

        ck_assert_int_eq(service_program(text, sizeof(text), "attestctl", show), 0);
        ck_assert_ptr_nonnull(strstr(text, WORDS[i]));
        ck_assert_ptr_nonnull(strstr(text, hex));
        ck_assert_ptr_nonnull(strstr(text, "CN=A factory"));
        ck_assert_ptr_nonnull(strstr(text, "GW-0001"));
        ck_assert_ptr_nonnull(strstr(text, "FAKE:0a0b:0c"));
    }
}

START_TEST(iak__gateway_with_factory_keys_enrols_and_gets_its_label)
{
    struct scene *c = scene_new("i-25");
    struct service_device d;
    struct gateway_attempt a = {0};
    char hex[65], note[128];

    ck_assert_int_eq(factorytest_enrol(c->f, c->g, c->token), 200);
    ck_assert(service_device(&d, attack_service, "i-25"));
    ck_assert(d.device.ek_verified && d.device.iak);
    hex_of(hex, &c->f->iak_cert);
    snprintf(note, sizeof(note), "ek verified; iak %s; idevid", hex);
    ck_assert_str_eq(d.last.detail, note);
    shown_in(attack_service, "i-25", c->f);
    ck_assert_int_eq(gateway_attest(c->g, &a), 200);
    gateway_attempt_clear(&a);
    scene_free(c);
}
END_TEST

/* Nobody here knows the TPM's maker, or the TPM holds no certificate of it: the factory vouches for the gateway. */
START_TEST(iak__factory_vouches_where_the_maker_is_unknown)
{
    struct softtpm_ca *maker = softtpm_ca_new("A maker that nobody knows");
    const struct softtpm_cert_order usual = {0};
    struct scene *c = scene_new(_i == 0 ? "i-25-none" : "i-25-unknown");
    struct service_device d;
    struct gateway_attempt a = {0};
    struct client_answer label = {0};

    c->g->tpm->ek_cert_len = 0;
    if (_i == 1) {
        softtpm_certify_ek(c->g->tpm, maker, &usual);
    }
    ck_assert_int_eq(factorytest_enrol(c->f, c->g, c->token), 200);
    ck_assert(service_device(&d, attack_service, c->g->id));
    ck_assert(!d.device.ek_verified && d.device.iak);
    ck_assert_ptr_nonnull(strstr(d.last.detail, "ek vouched for by the iak; iak "));
    ck_assert_int_eq(gateway_attest(c->g, &a), 200);
    ck_assert_int_eq(gateway_label(c->g, &label), 200); /* grade E3 is what the policy asks for */
    client_answer_clear(&label);
    gateway_attempt_clear(&a);
    softtpm_ca_free(maker);
    scene_free(c);
}
END_TEST

START_TEST(iak__gateway_without_factory_keys_enrols_where_they_are_not_asked_for)
{
    struct scene *c = scene_new("i-25-plain");
    struct service_device d;

    ck_assert_int_eq(gateway_enrol(c->g, c->token), 200);
    ck_assert(service_device(&d, attack_service, "i-25-plain"));
    ck_assert(d.device.ek_verified && !d.device.iak);
    ck_assert_str_eq(d.last.detail, "ek verified");
    scene_free(c);
}
END_TEST

/* What a service does not look at is no fault and no merit. */
START_TEST(iak__service_that_does_not_look_takes_no_notice)
{
    struct service *s = service_new(&(struct service_options){0});
    struct softtpm_ca *other = softtpm_ca_new("Another factory");
    const struct softtpm_devid_order usual = {.usage = NULL};
    struct scene *c = NULL;
    struct service_device d;

    service_start(s);
    c = scene_at(s, "i-25-off");
    factorytest_certify_iak(c->f, other, &usual);
    ck_assert_int_eq(factorytest_enrol(c->f, c->g, c->token), 200);
    ck_assert(service_device(&d, s, "i-25-off"));
    ck_assert(!d.device.iak);
    ck_assert_str_eq(d.last.detail, "ek verified");
    scene_free(c);
    softtpm_ca_free(other);
    service_free(s);
}
END_TEST

/* ---- certificates ---------------------------------------------------------------------------- */

static const struct {
    struct softtpm_devid_order order;
    bool other_ca;
    const char *word;
} UNFIT[] = {
    {{.usage = NULL}, true, "certificate.other-ca"},
    {{.not_before_s = -7200, .not_after_s = -3600}, false, "certificate.expired"},
    {{.not_before_s = 3600, .not_after_s = 7200}, false, "certificate.not-yet-valid"},
    {{.is_ca = true}, false, "certificate.ca"},
    {{.usage = ""}, false, "certificate.use"},
    {{.usage = "clientAuth"}, false, "certificate.use"},
};

START_TEST(iak__unfit_certificate_is_refused_with_its_reason)
{
    struct softtpm_ca *other = softtpm_ca_new("Another factory");
    char id[32];
    struct scene *c = NULL;

    snprintf(id, sizeof(id), "i-25-cert-%d", _i);
    c = scene_new(id);
    factorytest_certify_iak(c->f, UNFIT[_i].other_ca ? other : factory, &UNFIT[_i].order);
    factorytest_show_iak(c->f, &c->e);
    softtpm_ca_free(other);
    begin_refused(c, 422, "E_ID_IAKCERT", UNFIT[_i].word);
}
END_TEST

START_TEST(iak__certificate_of_another_key_is_refused)
{
    struct scene *c = scene_new("i-25-key");

    c->e.begin.iak.cert[0] = softtpm_slice(&c->f->idevid_cert);
    begin_refused(c, 422, "E_ID_IAKCERT", "certificate.other-key");
}
END_TEST

START_TEST(iak__identity_certificate_of_another_factory_is_refused)
{
    struct softtpm_ca *other = softtpm_ca_new("Another factory");
    const struct softtpm_devid_order usual = {.usage = NULL};
    struct scene *c = scene_new("i-25-idevid-ca");

    c->f->idevid_cert = softtpm_certify_devid(c->f->idevid.pkey, other, &usual);
    factorytest_show_idevid(c->f, &c->e);
    softtpm_ca_free(other);
    begin_refused(c, 422, "E_ID_IAKCERT", "certificate.other-ca");
}
END_TEST

/* A maker's word about an endorsement key that is bad stays bad, whoever else vouches for the gateway. */
START_TEST(iak__does_not_outweigh_a_bad_endorsement_certificate)
{
    static const struct softtpm_cert_order EXPIRED = {.not_before_s = -7200, .not_after_s = -3600};
    struct scene *c = scene_new("i-25-bad-ek");

    softtpm_certify_ek(c->g->tpm, attack_service->ek_ca, &EXPIRED);
    c->e.begin.ek_cert[0] = softtpm_ek_cert(c->g->tpm);
    begin_refused(c, 422, "E_ID_EKCERT", "certificate.expired");
}
END_TEST

START_TEST(iak__unrestricted_key_is_refused)
{
    static const struct softtpm_ak_order ORDER = {.type = SOFTTPM_ALG_ECC,
                                                  .attributes =
                                                      SOFTTPM_AK_ATTRIBUTES & ~ATT_OBJ_RESTRICTED,
                                                  .scheme = SOFTTPM_ALG_ECDSA,
                                                  .hash = ATT_HASH_SHA256};
    struct scene *c = scene_new("i-25-free");

    softtpm_describe_ak(&c->f->iak, &ORDER);
    factorytest_show_iak(c->f, &c->e);
    begin_refused(c, 422, "E_ID_IAKATTR", NULL);
}
END_TEST

/* ---- what the key says ----------------------------------------------------------------------- */

START_TEST(iak__that_says_nothing_is_refused)
{
    struct scene *c = scene_new("i-25-silent");

    solve(c);
    activate_refused(c, "E_ID_IAKPROOF", "certify.missing");
}
END_TEST

/* The certificate is public: who shows it beside another TPM's key cannot make it speak of that key. */
START_TEST(iak__that_speaks_of_another_key_is_refused)
{
    struct scene *c = scene_new("i-25-other");
    struct softtpm *elsewhere = softtpm_new(factory, SOFTTPM_EK_P256);

    solve(c);
    factorytest_say(c->f, c->g, &c->e, &elsewhere->ak);
    softtpm_free(elsewhere);
    activate_refused(c, "E_ID_IAKPROOF", "certify.name");
}
END_TEST

/* Heard in one enrolment, said again in the next: of the same gateway, under the same id. */
START_TEST(iak__words_of_another_session_are_refused)
{
    struct scene *c = scene_new("i-25-replay");
    struct wire_certified heard;

    solve(c);
    factorytest_say(c->f, c->g, &c->e, &c->g->tpm->ak);
    heard = c->e.activate.ak; /* kept in c->f */
    gateway_enrol_prepare(c->g, &c->e, c->token);
    factorytest_show_iak(c->f, &c->e);
    solve(c);
    c->e.activate.ak = heard;
    activate_refused(c, "E_ID_IAKPROOF", "certify.nonce");
}
END_TEST

START_TEST(iak__signature_of_another_key_is_refused)
{
    struct scene *c = scene_new("i-25-forged");
    struct softtpm_signature sig;

    solve(c);
    factorytest_say(c->f, c->g, &c->e, &c->g->tpm->ak);
    sig = softtpm_sign(&c->f->idevid, softtpm_slice(&c->f->ak_said));
    sig.alg = SOFTTPM_ALG_ECDSA;
    sig.hash = ATT_HASH_SHA256;
    c->f->ak_signed = softtpm_signature_encode(&sig);
    c->e.activate.ak.signature = softtpm_slice(&c->f->ak_signed);
    activate_refused(c, "E_ID_IAKPROOF", "certify.signature");
}
END_TEST

/* An identity key that is somewhere else: its certificate alone proves nothing. */
START_TEST(idevid__that_nobody_speaks_for_is_refused)
{
    struct scene *c = scene_new(_i == 0 ? "i-25-idevid" : "i-25-idevid-ak");

    factorytest_show_idevid(c->f, &c->e);
    solve(c);
    factorytest_say(c->f, c->g, &c->e, &c->g->tpm->ak);
    if (_i == 1) {
        factorytest_say_idevid(c->f, c->g, &c->e, &c->g->tpm->ak);
    }
    activate_refused(c, "E_ID_IAKPROOF", _i == 0 ? "certify.missing" : "certify.name");
}
END_TEST

/* ---- who has it ------------------------------------------------------------------------------ */

/* An endorsement key that nobody vouches for is easily made; the factory's key of one TPM is one. */
START_TEST(iak__one_key_under_two_ids_is_refused)
{
    struct scene *first = scene_new("i-25-first");
    struct scene *second = scene_new("i-25-second");

    ck_assert_int_eq(factorytest_enrol(first->f, first->g, first->token), 200);
    second->g->tpm->ek_cert_len = 0;
    second->e.begin.ek_cert_count = 0;
    factorytest_show_iak(first->f, &second->e);
    begin_refused(second, 409, "E_ID_IAKDUP", NULL);
    scene_free(first);
}
END_TEST

START_TEST(iak__that_is_asked_for_and_missing_is_refused)
{
    struct service *s = service_with_factory("require", "");
    struct service *suites = attack_service;
    struct scene *without = NULL;
    struct scene *with = NULL;

    service_start(s);
    attack_service = s;
    without = scene_new("i-25-without");
    with = scene_new("i-25-with");
    without->e.begin.iak = (struct wire_factory_key){0};
    ck_assert_int_eq(factorytest_enrol(with->f, with->g, with->token), 200);
    begin_refused(without, 422, "E_ID_IAKNONE", "iak_handle");
    scene_free(with);
    attack_service = suites;
    service_free(s);
}
END_TEST

/* ---- afterwards ------------------------------------------------------------------------------ */

static void judge_again(struct service *s, const char *word)
{
    int64_t deadline_ms = attack_now_ms() + 10000;
    size_t before = service_logged(s, word);

    service_reload(s);
    while (service_logged(s, word) == before) {
        ck_assert_msg(attack_now_ms() < deadline_ms, "%s is not in the log", word);
        attack_nap_ms(10);
    }
}

static void write_file(const struct service *s, const char *name, const char *text)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", s->dir, name);
    NEED(att_file_write(path, att_slice_str(text), 0600, NULL) == ATT_OK);
}

START_TEST(iak__denied_certificate_gets_nothing)
{
    struct service *s = service_with_factory("accept", "ek_deny: deny.txt\n");
    struct service *suites = attack_service;
    struct scene *c = NULL;
    struct gateway_attempt a = {0};
    char hex[65];

    write_file(s, "deny.txt", "# nobody\n");
    service_start(s);
    attack_service = s;
    c = scene_new("i-25-denied");
    ck_assert_int_eq(factorytest_enrol(c->f, c->g, c->token), 200);
    hex_of(hex, &c->f->iak_cert);
    write_file(s, "deny.txt", hex);
    judge_again(s, " device.quarantined");
    ck_assert_int_eq(gateway_session(c->g, &a), 403);
    attack_refused(&a.session_answer, 403, "E_ID_EKDENY");
    gateway_attempt_clear(&a);
    scene_free(c);
    attack_service = suites;
    service_free(s);
}
END_TEST

START_TEST(iak__denied_certificate_does_not_enrol)
{
    struct service *s = service_with_factory("accept", "ek_deny: deny.txt\n");
    struct service *suites = attack_service;
    struct scene *c = NULL;
    char hex[65];

    write_file(s, "deny.txt", "# nobody\n");
    service_start(s);
    attack_service = s;
    c = scene_new("i-25-denied-first");
    hex_of(hex, &c->f->iak_cert);
    write_file(s, "deny.txt", hex);
    judge_again(s, " ek.judged");
    begin_refused(c, 403, "E_ID_EKDENY", NULL);
    attack_service = suites;
    service_free(s);
}
END_TEST

/* The factory takes it back: whoever rests on it gets no label any more. */
START_TEST(iak__revoked_after_it_enrolled_gets_no_label)
{
    struct service *s =
        service_with_factory("accept", "iak_crls: iak-crl.d\niak_revocation: if-present\n");
    struct service *suites = attack_service;
    struct softtpm_crl_order order = {.revoked_count = 1};
    struct scene *c = NULL;
    struct gateway_attempt a = {0};
    char path[160];

    snprintf(path, sizeof(path), "%s/iak-crl.d", s->dir);
    NEED(mkdir(path, 0700) == 0);
    service_start(s);
    attack_service = s;
    c = scene_new("i-25-revoked");
    ck_assert_int_eq(factorytest_enrol(c->f, c->g, c->token), 200);
    ck_assert_int_eq(gateway_attest(c->g, &a), 200);
    gateway_attempt_clear(&a);
    order.revoked[0] = softtpm_slice(&c->f->iak_cert);
    snprintf(path, sizeof(path), "%s/iak-crl.d/factory.crl", s->dir);
    softtpm_ca_write_crl(factory, path, &order);
    judge_again(s, " device.quarantined");
    ck_assert_int_eq(gateway_session(c->g, &a), 422);
    attack_refused(&a.session_answer, 422, "E_ID_REVOKED");
    gateway_attempt_clear(&a);
    scene_free(c);
    attack_service = suites;
    service_free(s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"I-25", iak__gateway_with_factory_keys_enrols_and_gets_its_label, 0, 0},
        {"I-25-alone", iak__factory_vouches_where_the_maker_is_unknown, 2, 0},
        {"I-25-plain", iak__gateway_without_factory_keys_enrols_where_they_are_not_asked_for, 0, 0},
        {"I-25-off", iak__service_that_does_not_look_takes_no_notice, 0, 60},
        {"I-25-certificate", iak__unfit_certificate_is_refused_with_its_reason,
         (int)ATT_COUNT(UNFIT), 0},
        {"I-25-key", iak__certificate_of_another_key_is_refused, 0, 0},
        {"I-25-idevid-ca", iak__identity_certificate_of_another_factory_is_refused, 0, 0},
        {"I-25-bad-ek", iak__does_not_outweigh_a_bad_endorsement_certificate, 0, 0},
        {"I-25-free", iak__unrestricted_key_is_refused, 0, 0},
        {"I-25-silent", iak__that_says_nothing_is_refused, 0, 0},
        {"I-25-other", iak__that_speaks_of_another_key_is_refused, 0, 0},
        {"I-25-replay", iak__words_of_another_session_are_refused, 0, 0},
        {"I-25-forged", iak__signature_of_another_key_is_refused, 0, 0},
        {"I-25-idevid", idevid__that_nobody_speaks_for_is_refused, 2, 0},
        {"I-25-twice", iak__one_key_under_two_ids_is_refused, 0, 0},
        {"I-25-required", iak__that_is_asked_for_and_missing_is_refused, 0, 60},
        {"I-25-denied", iak__denied_certificate_gets_nothing, 0, 60},
        {"I-25-denied-first", iak__denied_certificate_does_not_enrol, 0, 60},
        {"I-25-revoked", iak__revoked_after_it_enrolled_gets_no_label, 0, 60},
    };
    int code = 0;

    factory = softtpm_ca_new("A factory");
    attack_service = service_with_factory("accept", "");
    service_start(attack_service);
    code = attack_rows("attacks: keys of the factory", rows, ATT_COUNT(rows));
    service_free(attack_service);
    softtpm_ca_free(factory);
    return code;
}
