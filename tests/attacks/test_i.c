/* Attack matrix 4.2: identity and enrolment. Nothing that is refused may leave a trace in the records. */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "evidence/profile.h"
#include "need.h"

#define CONCURRENT 64

/* Where an enrolment ended: at begin or at activate. */
struct ending {
    int status;
    char code[48];
};

static struct ending ending_of(const struct client_answer *a)
{
    struct ending e = {.status = a->status};

    snprintf(e.code, sizeof(e.code), "%s", a->code);
    return e;
}

static struct ending enrol(struct gateway *g, const char *token)
{
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    struct ending end;

    NEED(e != NULL);
    gateway_enrol_prepare(g, e, token);
    if (gateway_enrol_begin(g, e) != 200) {
        end = ending_of(&e->begin_answer);
    } else {
        gateway_enrol_solve(g, e);
        gateway_enrol_activate(g, e);
        end = ending_of(&e->activate_answer);
    }
    gateway_enrol_clear(e);
    free(e);
    return end;
}

static void enrol_refused(struct gateway *g, const char *token, int status, const char *code)
{
    char *before = attack_records();
    struct ending end = enrol(g, token);

    ck_assert_int_eq(end.status, status);
    ck_assert_str_eq(end.code, code);
    attack_same_records(before);
}

/* The service's log from a position; how long it is now. */
static size_t read_log(char *out, size_t cap, size_t from)
{
    char path[96];
    ssize_t n;
    off_t end;
    int fd;

    snprintf(path, sizeof(path), "%s/log", attack_service->dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    NEED(fd >= 0);
    end = lseek(fd, 0, SEEK_END);
    n = pread(fd, out, cap - 1, (off_t)from);
    NEED(n >= 0 && end >= 0);
    out[n] = '\0';
    close(fd);
    return (size_t)end;
}

START_TEST(I_01__second_tpm_under_an_enrolled_id_is_refused)
{
    struct gateway *first = attack_gateway("i-01");
    struct gateway *second = attack_stranger("i-01");
    char token[128];
    char log[16384];
    size_t at;

    service_token(attack_service, "i-01", token);
    at = read_log(log, sizeof(log), 0);
    enrol_refused(second, token, 409, "E_ID_CONFLICT");
    read_log(log, sizeof(log), at);
    ck_assert_msg(strstr(log, "E_ID_CONFLICT") != NULL, "no security event in the log: %s", log);
    gateway_free(first);
    gateway_free(second);
}
END_TEST

struct claimant {
    struct gateway *g;
    char token[128];
    pthread_barrier_t *start;
    struct ending end;
};

static void *claim(void *arg)
{
    struct claimant *c = arg;

    (void)client_connect(c->g->client);
    pthread_barrier_wait(c->start);
    c->end = enrol(c->g, c->token);
    return NULL;
}

/* What is on record is one TPM and its key, not one's endorsement beside the other's attestation key. */
static void check_whole_record(const char *id, struct softtpm *const tpm[2])
{
    struct service_device d;
    const struct softtpm *winner;

    ck_assert(service_device(&d, attack_service, id));
    ck_assert_int_eq(d.outcomes, 1 + CONCURRENT); /* its enrolment, and the tokens that were made */
    winner = memcmp(d.device.ek_name, tpm[0]->ek.name, 34) == 0 ? tpm[0] : tpm[1];
    ck_assert_mem_eq(d.device.ek_name, winner->ek.name, 34);
    ck_assert_mem_eq(d.device.ak_name, winner->ak.name, 34);
}

START_TEST(I_02__concurrent_registrations_leave_one_whole_record)
{
    struct softtpm *tpm[2] = {softtpm_new(attack_service->ek_ca, SOFTTPM_EK_P256),
                              softtpm_new(attack_service->ek_ca, SOFTTPM_EK_P256)};
    struct claimant *c = calloc(CONCURRENT, sizeof(*c));
    pthread_t thread[CONCURRENT];
    pthread_barrier_t start;
    int good = 0;
    int i;

    NEED(c != NULL && pthread_barrier_init(&start, NULL, CONCURRENT) == 0);
    for (i = 0; i < CONCURRENT; i++) {
        c[i].g =
            gateway_new(attack_service->tls, "127.0.0.1", attack_service->port, "i-02", tpm[i % 2]);
        c[i].start = &start;
        service_token(attack_service, "i-02", c[i].token);
    }
    for (i = 0; i < CONCURRENT; i++) {
        NEED(pthread_create(&thread[i], NULL, claim, &c[i]) == 0);
    }
    for (i = 0; i < CONCURRENT; i++) {
        NEED(pthread_join(thread[i], NULL) == 0);
        good += c[i].end.status == 200 ? 1 : 0;
        /* the winner's own TPM again is no conflict but a second enrolment */
        ck_assert_msg(c[i].end.status == 200 ||
                          (c[i].end.status == 409 && strcmp(c[i].end.code, "E_ID_CONFLICT") == 0) ||
                          (c[i].end.status == 403 && strcmp(c[i].end.code, "E_ID_REENROL") == 0),
                      "%d %s", c[i].end.status, c[i].end.code);
        c[i].g->tpm = NULL;
        gateway_free(c[i].g);
    }
    ck_assert_int_eq(good, 1);
    check_whole_record("i-02", tpm);
    pthread_barrier_destroy(&start);
    softtpm_free(tpm[0]);
    softtpm_free(tpm[1]);
    free(c);
}
END_TEST

START_TEST(I_03__attestation_key_without_protection_is_refused)
{
    static const uint32_t attributes[] = {
        SOFTTPM_AK_ATTRIBUTES & ~ATT_OBJ_RESTRICTED,
        SOFTTPM_AK_ATTRIBUTES & ~ATT_OBJ_FIXED_TPM,
        SOFTTPM_AK_ATTRIBUTES & ~ATT_OBJ_FIXED_PARENT,
        SOFTTPM_AK_ATTRIBUTES & ~ATT_OBJ_SENSITIVE_DATA_ORIGIN,
        SOFTTPM_AK_ATTRIBUTES | ATT_OBJ_DECRYPT,
        SOFTTPM_AK_ATTRIBUTES & ~ATT_OBJ_SIGN,
        SOFTTPM_AK_ATTRIBUTES | ATT_OBJ_ST_CLEAR,
        SOFTTPM_AK_ATTRIBUTES & ~ATT_OBJ_NO_DA,
    };
    const struct softtpm_ak_order order = {.type = SOFTTPM_ALG_ECC,
                                           .attributes = attributes[_i],
                                           .scheme = SOFTTPM_ALG_ECDSA,
                                           .hash = ATT_HASH_SHA256};
    struct gateway *g;
    char id[32];
    char token[128];

    snprintf(id, sizeof(id), "i-03-%d", _i);
    g = attack_stranger(id);
    softtpm_replace_ak(g->tpm, &order);
    service_token(attack_service, id, token);
    enrol_refused(g, token, 422, "E_ID_AKATTR");
    gateway_free(g);
}
END_TEST

START_TEST(I_12__enrolled_gateway_cannot_start_again_by_itself)
{
    struct gateway *g = attack_gateway("i-12");
    struct gateway_attempt a = {0};
    char token[128];

    service_token(attack_service, "i-12", token);
    enrol_refused(g, token, 403, "E_ID_REENROL");
    ck_assert_int_eq(gateway_attest(g, &a), 200);
    gateway_attempt_clear(&a);
    ck_assert_int_eq(service_remove(attack_service, "i-12"), 200);
    gateway_free(g);
    g = attack_enrolled_at(attack_service, "i-12"); /* the administrator made room */
    gateway_free(g);
}
END_TEST

/* An enrolment request whose id was exchanged for bytes of the same length that no encoder writes. */
static void send_id(struct gateway *g, struct client_answer *out, const char *id, size_t len)
{
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    uint8_t *room = malloc(65536);
    char *standin = malloc(len + 1);
    struct att_wr w = att_wr_into(room, 65536);
    uint8_t *at;

    NEED(e != NULL && room != NULL && standin != NULL);
    memset(standin, 'Q', len);
    gateway_enrol_prepare(g, e, "token");
    e->begin.device_id = att_slice_of(standin, len);
    NEED(wire_enrol_begin_encode(&w, &e->begin) == ATT_OK);
    if (len != 0) {
        at = memmem(room, w.len, standin, len);
        NEED(at != NULL);
        memcpy(at, id, len);
    }
    client_request(g->client, out, "POST", "/enrol/v1/begin", ATT_TYPE_CBOR,
                   att_slice_of(room, w.len));
    gateway_enrol_clear(e);
    free(e);
    free(room);
    free(standin);
}

/* The lines about refused ids; each line is one of ours, and has no byte that steers a terminal. */
static size_t refusals_in(const char *log)
{
    size_t count = 0;

    for (const char *line = log; *line != '\0'; line += strcspn(line, "\n") + 1) {
        const char *code = strstr(line, "E_FMT_ID");

        ck_assert_msg(line[0] == '<' && line[2] == '>', "a line of somebody else: %s", line);
        count += code != NULL && code < line + strcspn(line, "\n") ? 1 : 0;
    }
    return count;
}

START_TEST(I_13__hostile_device_id_is_refused_and_logged_on_one_line)
{
    static char long_id[4096];
    static const struct {
        const char *id;
        size_t len;
    } bad[] = {
        {"a\nb", 3},     {"a\rb", 3},  {"a\0b", 3},      {"a\033[2Jb", 6},
        {"%n%n", 4},     {"\"a\"", 3}, {"'; DROP--", 9}, {long_id, sizeof(long_id)},
        {"\xff\xfe", 2}, {"", 0},      {"../etc", 6},    {"a b", 3},
        {"\xc3\xa9", 2},
    };
    struct gateway *g = attack_stranger("i-13");
    struct client_answer answer = {0};
    char *before = attack_records();
    char log[16384];
    size_t at;
    const char *c;

    memset(long_id, 'a', sizeof(long_id));
    at = read_log(log, sizeof(log), 0);
    send_id(g, &answer, bad[_i].id, bad[_i].len);
    attack_refused(&answer, 400, "E_FMT_ID");
    attack_same_records(before);
    attack_nap_ms(20);
    read_log(log, sizeof(log), at);
    for (c = log; *c != '\0'; c++) {
        ck_assert_msg(*c == '\n' || ((unsigned char)*c >= 0x20 && *c != 0x7f),
                      "byte %02x in the log", (unsigned char)*c);
    }
    ck_assert_uint_eq(refusals_in(log), 1);
    client_answer_clear(&answer);
    gateway_free(g);
}
END_TEST

/* Who may enrol is a token or the allow-list; a certificate of somebody else opens nothing. */
static void stranger_certificate(struct client_identity *id, int i)
{
    struct softtpm_ca *other = softtpm_ca_new("Another tenant");
    const struct softtpm_tls_order client = {
        .common_name = "i-14", .alt = "URI:urn:attestd:device:i-14", .usage = "clientAuth"};
    char cert[128];
    char key[128];

    if (i == 1) {
        id->key = softtpm_p256();
        id->cert = softtpm_issue(other, id->key, &client);
    } else { /* the verifier's own server certificate */
        struct softtpm_ca *server;

        snprintf(cert, sizeof(cert), "%s/tls.pem", attack_service->dir);
        snprintf(key, sizeof(key), "%s/tls.key", attack_service->dir);
        server = softtpm_ca_load(cert, key);
        *id = (struct client_identity){.key = server->key, .cert = server->root};
        free(server);
    }
    softtpm_ca_free(other);
}

START_TEST(I_14__enrolment_without_permission_is_refused)
{
    struct client_identity id = {0};
    struct gateway *g = attack_stranger("i-14");
    char token[128];
    char *before;

    if (_i == 0) {
        enrol_refused(g, NULL, 401, "E_ID_TOKEN");
        enrol_refused(g, "guessed", 401, "E_ID_TOKEN");
        gateway_free(g);
        return;
    }
    stranger_certificate(&id, _i);
    service_token(attack_service, "i-14", token);
    before = attack_records();
    client_set_identity(g->client, &id);
    ck_assert_int_eq(enrol(g, token).status, 0); /* the handshake fails */
    attack_same_records(before);
    EVP_PKEY_free(id.key);
    X509_free(id.cert);
    gateway_free(g);
}
END_TEST

START_TEST(I_15__one_tpm_under_two_ids_is_refused)
{
    struct gateway *g = attack_gateway("i-15");
    struct gateway *twin = attack_stranger("i-15-twin");
    struct softtpm *own = twin->tpm;
    char token[128];

    twin->tpm = g->tpm;
    service_token(attack_service, "i-15-twin", token);
    enrol_refused(twin, token, 409, "E_ID_EKDUP");
    twin->tpm = own;
    gateway_free(twin);
    gateway_free(g);
}
END_TEST

START_TEST(I_16__removed_device_is_refused)
{
    struct gateway *g = attack_gateway("i-16");
    struct gateway_attempt a = {0};
    struct client_answer label = {0};
    char *before;

    ck_assert_int_eq(gateway_prepare(g, &a), 201);
    ck_assert_int_eq(service_remove(attack_service, "i-16"), 200);
    before = attack_records();
    gateway_send(g, &a);
    attack_refused(&a.answer, 403, "E_ID_UNKNOWN");
    attack_same_records(before);
    ck_assert_int_ne(gateway_label(g, &label), 200);
    client_answer_clear(&label);
    gateway_attempt_clear(&a);
    gateway_free(g);
}
END_TEST

static void *remove_soon(void *arg)
{
    const char *id = arg;

    NEED(service_remove(attack_service, id) == 200);
    return NULL;
}

/* Either the evidence was decided before the removal, or it was refused: never a label after it. */
START_TEST(I_16__removal_during_appraisal_leaves_no_later_label)
{
    struct gateway_attempt a = {0};
    struct service_device d;
    struct gateway *g;
    pthread_t thread;
    char id[32];

    snprintf(id, sizeof(id), "i-16-race-%d", _i);
    g = attack_gateway(id);
    ck_assert_int_eq(gateway_prepare(g, &a), 201);
    NEED(pthread_create(&thread, NULL, remove_soon, id) == 0);
    gateway_send(g, &a);
    NEED(pthread_join(thread, NULL) == 0);
    ck_assert_msg(a.answer.status == 200 ||
                      (a.answer.status == 403 && strcmp(a.answer.code, "E_ID_UNKNOWN") == 0),
                  "%d %s", a.answer.status, a.answer.code);
    ck_assert(!service_device(&d, attack_service, id));
    ck_assert_str_eq(store_kind_name(d.last.kind), store_kind_name(STORE_KIND_REMOVED));
    gateway_attempt_clear(&a);
    gateway_free(g);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"I-01", I_01__second_tpm_under_an_enrolled_id_is_refused, 0, 0},
        {"I-02", I_02__concurrent_registrations_leave_one_whole_record, 0, 60},
        {"I-03", I_03__attestation_key_without_protection_is_refused, 8, 0},
        {"I-12", I_12__enrolled_gateway_cannot_start_again_by_itself, 0, 0},
        {"I-13", I_13__hostile_device_id_is_refused_and_logged_on_one_line, 13, 0},
        {"I-14", I_14__enrolment_without_permission_is_refused, 3, 0},
        {"I-15", I_15__one_tpm_under_two_ids_is_refused, 0, 0},
        {"I-16", I_16__removed_device_is_refused, 0, 0},
        {"I-16-race", I_16__removal_during_appraisal_leaves_no_later_label, 20, 0},
    };

    return attack_main("attacks: identity and enrolment", rows, ATT_COUNT(rows), NULL);
}
