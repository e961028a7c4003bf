/*
 * Attack matrix row I-08: endorsement key certificates with something changed. None passes, none costs more
 * than it may, and the service goes on. The same mutants are made each time.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "attack.h"
#include "base/clock.h"
#include "crypto/ek_cert.h"
#include "need.h"

#define MUTANTS      10000
#define MUTANTS_SENT 40
#define COST_MS_MAX  50
#define COST_MAX     ((size_t)16 << 20) /* bytes */
#define KEPT_MAX     65536 /* bytes that OpenSSL may keep for itself after all of them */
#define HEADER       16

/* ---- what OpenSSL holds --------------------------------------------------------------------- */

static size_t held, held_most;

static void *count(void *base, size_t size)
{
    if (base == NULL) {
        return NULL;
    }
    memcpy(base, &size, sizeof(size));
    held += size;
    held_most = held > held_most ? held : held_most;
    return (uint8_t *)base + HEADER;
}

static void forget(void *base)
{
    size_t size = 0;

    memcpy(&size, base, sizeof(size));
    held -= size;
}

static void *counted_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return count(malloc(size + HEADER), size);
}

static void counted_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    if (p != NULL) {
        forget((uint8_t *)p - HEADER);
        free((uint8_t *)p - HEADER);
    }
}

static void *counted_realloc(void *p, size_t size, const char *file, int line)
{
    if (p == NULL) {
        return counted_malloc(size, file, line);
    }
    if (size == 0) {
        counted_free(p, file, line);
        return NULL;
    }
    forget((uint8_t *)p - HEADER);
    return count(realloc((uint8_t *)p - HEADER, size + HEADER), size);
}

/* ---- mutants -------------------------------------------------------------------------------- */

static uint64_t state;

static uint32_t chance(uint32_t below)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(state >> 33) % below;
}

struct mutant {
    uint8_t p[16384];
    size_t len;
};

static void flip_bits(struct mutant *m)
{
    for (uint32_t n = 1 + chance(3); n > 0; n--) {
        m->p[chance((uint32_t)m->len)] ^= (uint8_t)(1U << chance(8));
    }
}

/* A length of four bytes that promises gigabytes, somewhere. */
static void promise(struct mutant *m)
{
    static const uint8_t huge[] = {0x84, 0x7f, 0xff, 0xff, 0xff};
    size_t at = 1 + chance((uint32_t)(m->len - sizeof(huge)));

    memcpy(m->p + at, huge, sizeof(huge) - chance(3));
}

/* Sets in sets in sets, from some place to the end of all room. */
static void nest(struct mutant *m)
{
    size_t at = 4 + chance((uint32_t)m->len - 4);

    m->len = sizeof(m->p);
    for (size_t i = at; i + 4 <= m->len; i += 4) {
        size_t inside = m->len - i - 4;

        m->p[i] = chance(4) == 0 ? 0x30 : 0x31;
        m->p[i + 1] = 0x82;
        m->p[i + 2] = (uint8_t)(inside >> 8);
        m->p[i + 3] = (uint8_t)inside;
    }
    m->p[2] = (uint8_t)((m->len - 4) >> 8);
    m->p[3] = (uint8_t)(m->len - 4);
}

static void cut_or_double(struct mutant *m)
{
    size_t at = chance((uint32_t)m->len);

    if (chance(2) == 0) {
        m->len = at;
        return;
    }
    memmove(m->p + at + 16, m->p + at, m->len - at);
    m->len += 16;
}

static void mutate(struct mutant *m, struct att_slice good, uint32_t number)
{
    static void (*const kinds[])(struct mutant *) = {flip_bits, promise, nest, cut_or_double};

    state = number + 1;
    do {
        NEED(good.len + 64 < sizeof(m->p));
        memcpy(m->p, good.p, good.len);
        m->len = good.len;
        kinds[number % ATT_COUNT(kinds)](m);
    } while (att_slice_eq(att_slice_of(m->p, m->len), good));
}

/* ---- judged here: what each costs ----------------------------------------------------------- */

static double cpu_ms(void)
{
    struct timespec t;

    NEED(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool passes(struct att_slice in, const struct att_anchors *anchors)
{
    ATT_CLEANUP(att_cert_freep) struct att_cert *c = NULL;
    struct att_tpm_name name;
    struct att_diag diag = {0};

    if (att_cert_parse_ek(&c, NULL, in, ATT_EK_FIX_ALL, &diag) != ATT_OK) {
        return false;
    }
    (void)!att_cert_tpm_name(&name, c, &diag);
    return att_chain_verify(c, NULL, 0, anchors, ATT_USE_EK, att_clock_utc_s(), ATT_R_ID_EKCERT,
                            &diag) == ATT_OK;
}

static struct att_anchors *anchors_of(const struct softtpm_ca *ca)
{
    ATT_CLEANUP(att_cert_freep) struct att_cert *root = NULL;
    struct att_anchors *a = NULL;
    uint8_t der[2048], *p = der;
    int len = i2d_X509(ca->root, &p);

    NEED(len > 0 && (size_t)len <= sizeof(der));
    NEED(att_cert_parse(&root, att_slice_of(der, (size_t)len), NULL) == ATT_OK);
    NEED(att_anchors_new(&a) == ATT_OK && att_anchors_add(a, root) == ATT_OK);
    return a;
}

START_TEST(I_08__mutants_are_refused_at_bounded_cost)
{
    static struct mutant m;
    const struct softtpm_ca *ca = attack_service->ek_ca;
    struct softtpm *tpm = softtpm_new(ca, _i == 0 ? SOFTTPM_EK_P256 : SOFTTPM_EK_RSA2048);
    struct att_anchors *anchors = anchors_of(ca);
    double longest = 0;
    size_t most = 0, start_held = held;

    ck_assert(passes(softtpm_ek_cert(tpm), anchors));
    for (uint32_t i = 0; i < MUTANTS / 2; i++) {
        size_t before = held;
        double start = 0;

        mutate(&m, softtpm_ek_cert(tpm), i);
        held_most = held;
        start = cpu_ms();
        ck_assert_msg(!passes(att_slice_of(m.p, m.len), anchors), "mutant %u passes", i);
        longest = cpu_ms() - start > longest ? cpu_ms() - start : longest;
        most = held_most - before > most ? held_most - before : most;
    }
    ck_assert_uint_le(held, start_held + KEPT_MAX);
    ck_assert_msg(longest <= COST_MS_MAX, "one took %.1f ms", longest);
    ck_assert_msg(most <= COST_MAX, "one took %zu bytes", most);
    att_anchors_free(anchors);
    softtpm_free(tpm);
}
END_TEST

/* ---- sent: the service refuses each, keeps its records, and serves others ------------------- */

START_TEST(I_08__service_goes_on)
{
    static struct mutant m;
    struct gateway *g = attack_stranger("i-08");
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    struct attack_live live;
    char token[128];
    char *before = NULL;

    NEED(e != NULL);
    attack_live_open(&live, attack_service, "i-08-live");
    service_token(attack_service, g->id, token);
    before = attack_records();
    for (uint32_t i = 0; i < MUTANTS_SENT; i++) {
        gateway_enrol_prepare(g, e, token);
        mutate(&m, softtpm_ek_cert(g->tpm), 77 * i);
        e->begin.ek_cert[0] = att_slice_of(m.p, m.len);
        (void)gateway_enrol_begin(g, e);
        ck_assert_msg(e->begin_answer.status == 400 || e->begin_answer.status == 422,
                      "mutant %u: %d %s", i, e->begin_answer.status, e->begin_answer.code);
    }
    attack_same_records(before);
    attack_live_check(&live);
    attack_live_close(&live);
    gateway_enrol_clear(e);
    free(e);
    gateway_free(g);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"I-08", I_08__mutants_are_refused_at_bounded_cost, 2, 120},
        {"I-08-sent", I_08__service_goes_on, 0, 120},
    };

    NEED(CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) == 1);
    return attack_main("attacks: changed certificates", rows, ATT_COUNT(rows), NULL);
}
