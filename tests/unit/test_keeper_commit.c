/* The keeper's decision on evidence: once, in time, by itself, and not at all when the disk fails. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appraise/label.h"
#include "keepertest.h"
#include "sign/cose.h"

START_TEST(attest__gives_a_label_that_a_stranger_verifies)
{
    struct inproc_answer a = {0};

    keepertest_enrol(&kt.gw);
    ck_assert(!keepertest_has_current());
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    ck_assert_uint_eq(kt.t->outcome.status, ATT_TIER_AFFIRMING);
    ck_assert_uint_eq(kt.t->outcome.reason_count, 0);
    ck_assert_uint_eq(kt.t->outcome.next_s, 600);
    keepertest_check_label(kt.t->outcome.label, ATT_TIER_AFFIRMING);
    ck_assert_int_eq(keepertest_label("gw-1", &kt.gw.peer, &a), ATT_R_NONE);
    ck_assert(att_slice_eq(inproc_body(&a), kt.t->outcome.label));
    inproc_answer_clear(&a);
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "affirming");
    ck_assert_uint_eq(keepertest_outcomes("label"), 1);
}
END_TEST

/* Attests and is accepted; the challenge asks for each log from its end as it is now, or whole. */
static void attest_from(bool end)
{
    inproc_attempt_clear(kt.t);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    for (size_t i = 0; i < ATT_LOG__COUNT; i++)
        ck_assert_uint_eq(kt.t->a.challenge.offset[i], end ? kt.gw.g->log[i].len : 0);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), 200);
}

START_TEST(attest__goes_on_where_the_logs_were_judged)
{
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    attest_from(true);

    /* After a reboot everything is judged again. */
    gateway_boot(kt.gw.g);
    attest_from(false);
}
END_TEST

START_TEST(attest__asks_for_whole_logs_under_another_policy)
{
    static const char stricter[] =
        "policy: inproc\nversion: 2\nboot_log_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]\n"
        "requirements:\n"
        "  - {id: grade, severity: fail, grade_at_least: E1, title: {en: graded, ja: E1}}\n"
        "  - {id: files, severity: fail, own_items: {under: [/usr, /etc], unlisted: fail},\n"
        "     title: {en: known files, ja: files}}\n";

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    ck_assert_uint_eq(keepertest_outcomes("policy"), 1);
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    ck_assert_uint_eq(keepertest_outcomes("policy"), 1);
    inproc_set_policy(kt.v, stricter);
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    ck_assert_uint_eq(keepertest_outcomes("policy"), 2);
    attest_from(false);
}
END_TEST

/* Q-11, INV-5 */
START_TEST(commit__answers_once_and_tells_the_same_again)
{
    struct inproc_answer again = {0};
    struct msg m = {.kind = MSG_SESSION_GET};

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    m.peer = kt.gw.peer;
    memcpy(m.session, kt.t->a.challenge.session.p, sizeof(m.session));
    inproc_ask(kt.v, &m, &again, false);
    ck_assert_int_eq(again.http, 200);
    ck_assert_int_eq(again.type, MSG_TYPE_OUTCOME);
    ck_assert(att_slice_eq(inproc_body(&again), inproc_body(&kt.t->answer)));
    inproc_answer_clear(&again);
    keepertest_remember();
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), -ATT_R_Q_NONCE_USED);
    keepertest_check_unchanged();
}
END_TEST

/* */
START_TEST(commit__accepts_one_of_64_copies)
{
    struct inproc_answer answers[64];
    struct msg m;
    size_t accepted = 0;

    memset(answers, 0, sizeof(answers));
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_commit_message(&m, &kt.gw, kt.t);
    for (size_t i = 0; i < 64; i++)
        inproc_ask(kt.v, &m, &answers[i], false);
    ck_assert_uint_eq(keeper_waiting(kt.v->keeper), 64);
    keeper_flush(kt.v->keeper);
    for (size_t i = 0; i < 64; i++) {
        ck_assert_uint_eq(answers[i].count, 1);
        if (answers[i].http == 200)
            accepted++;
        else
            ck_assert_int_eq(answers[i].reason, ATT_R_Q_NONCE_USED);
        inproc_answer_clear(&answers[i]);
    }
    ck_assert_uint_eq(accepted, 1);
    ck_assert_uint_eq(keepertest_outcomes("label"), 1);
}
END_TEST

/* The quote was made at some moment since its challenge: the label says how long that was. */
static uint64_t uncertainty_of(struct att_slice label)
{
    struct att_label *read = calloc(1, sizeof(*read));
    struct att_cose m;
    uint64_t ms = 0;

    ck_assert_ptr_nonnull(read);
    ck_assert_int_eq(att_cose_parse(&m, label, NULL), ATT_OK);
    ck_assert_int_eq(att_label_read(read, m.payload_untrusted, NULL), ATT_OK);
    ms = read->tpm_uncertainty_ms;
    free(read);
    return ms;
}

/* */
START_TEST(commit__is_too_late_1_ms_after_the_deadline)
{
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    ck_assert_uint_eq(kt.t->a.challenge.expires_ms, (uint64_t)kt.v->cfg->nonce_ttl_ms);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    keepertest_remember();
    inproc_mono_ms += kt.v->cfg->nonce_ttl_ms + 1;
    inproc_utc_s -= 3600; /* K-02: a step of the wall clock changes nothing */
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), -ATT_R_Q_NONCE_EXPIRED);
    keepertest_check_unchanged();
    inproc_utc_s += 3600;
    inproc_mono_ms -= 1;
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), 200);
    ck_assert_uint_eq(uncertainty_of(kt.t->outcome.label), (uint64_t)kt.v->cfg->nonce_ttl_ms);
}
END_TEST

/* INV-2: bad evidence over the gateway's own channel changes its status, visibly. */
START_TEST(commit__makes_refused_evidence_a_failed_device)
{
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    ck_assert(keepertest_has_current());

    keepertest_attest_badly();
    ck_assert_uint_eq(kt.t->outcome.status, ATT_TIER_CONTRAINDICATED);
    ck_assert(att_slice_eq(kt.t->outcome.reason[0].code, att_slice_str("E_Q_NONCE")));
    keepertest_check_label(kt.t->outcome.label, ATT_TIER_CONTRAINDICATED);
    ck_assert(!keepertest_has_current());
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "failed");
    ck_assert_str_eq(keepertest_device("gw-1", "reason"), "E_Q_NONCE");
    ck_assert_uint_eq(keepertest_outcomes("refused"), 1);

    /* The state of the last good evidence stands: the logs go on, and good evidence repairs it. */
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    ck_assert(keepertest_has_current());
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "affirming");
}
END_TEST

START_TEST(commit__names_the_file_that_differs)
{
    keepertest_enrol(&kt.gw);
    softlog_own_file(&kt.gw.g->log[ATT_LOG_OWN], kt.gw.g->tpm, GATEWAY_OWN_PCR, gateway_files[1],
                     att_slice_str("interval = 10\nserver = 203.0.113.9\n"));
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 422);
    ck_assert(kt.t->outcome.reason_count > 0);
    ck_assert(att_slice_eq(kt.t->outcome.reason[0].code, att_slice_str("E_REF_MISMATCH")));
    ck_assert(att_slice_eq(kt.t->outcome.reason[0].name, att_slice_str(gateway_files[1])));
    ck_assert_uint_eq(kt.t->outcome.reason[0].expected.len, 32);
    ck_assert_uint_eq(kt.t->outcome.reason[0].found.len, 32);
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "failed");
    ck_assert(!keepertest_has_current());

    /* It is genuine all the same: the next one goes on from here, and a repair is seen. */
    softlog_own_file(&kt.gw.g->log[ATT_LOG_OWN], kt.gw.g->tpm, GATEWAY_OWN_PCR, gateway_files[1],
                     att_slice_str(gateway_contents[1]));
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    ck_assert(keepertest_has_current());
}
END_TEST

/* I-16: removed while its evidence is on the way. */
START_TEST(commit__gives_no_label_after_removal)
{
    struct inproc_answer removed = {0};
    struct msg commit;
    struct msg drop = {
        .kind = MSG_ADMIN, .name = att_slice_str("DELETE"), .path = att_slice_str("/devices/gw-1")};

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_commit_message(&commit, &kt.gw, kt.t);
    /* Both wait for the same transaction, the removal first. */
    inproc_ask(kt.v, &drop, &removed, false);
    inproc_ask(kt.v, &commit, &kt.t->answer, false);
    keeper_flush(kt.v->keeper);
    ck_assert_int_eq(removed.http, 200);
    ck_assert_int_eq(kt.t->answer.reason, ATT_R_ID_UNKNOWN);
    ck_assert_uint_eq(keepertest_outcomes("label"), 0);
    ck_assert_uint_eq(keepertest_outcomes("removed"), 1);
    inproc_answer_clear(&removed);

    /* Enrolled again, the old challenge is worth nothing. */
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), -ATT_R_Q_NONCE_EXPIRED);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
}
END_TEST

/* an older challenge that is answered after a newer one is not held against the gateway. */
START_TEST(commit__lets_an_overtaken_challenge_lapse)
{
    struct inproc_attempt *late = calloc(1, sizeof(*late));

    ck_assert_ptr_nonnull(late);
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, late), ATT_R_NONE);
    inproc_measure(&kt.gw, late);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, late), ATT_R_NONE);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    keepertest_remember();
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, late), -ATT_R_Q_NONCE_EXPIRED);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, late), ATT_R_Q_NONCE_EXPIRED);
    keepertest_check_unchanged();
    inproc_attempt_clear(late);
    free(late);
}
END_TEST

/* What the appraiser sealed, opened with the key that only tests and the two processes have. */
static void open_judged(struct msg_judged *j, struct att_result *r)
{
    ck_assert_int_eq(msg_judged_open(j, att_buf_slice(kt.t->judged), kt.v->seal_key, NULL), ATT_OK);
    ck_assert_int_eq(att_result_decode(r, j->result, NULL), ATT_OK);
}

static void seal_judged(struct msg_judged *j, const struct att_result *r)
{
    static uint8_t room[262144];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_buf *sealed = NULL;

    ck_assert_int_eq(att_result_encode(&w, r), ATT_OK);
    j->result = att_slice_of(room, w.len);
    ck_assert_int_eq(msg_judged_seal(&sealed, j, kt.v->seal_key), ATT_OK);
    att_buf_free(kt.t->judged);
    kt.t->judged = sealed;
}

/* ADV-14: the appraiser is taken over and seals what it likes. */
START_TEST(commit__verifies_the_quote_itself)
{
    struct att_result *r = att_result_new();
    struct inproc_gateway forger;
    struct softtpm_signature sig;
    struct softtpm_bytes bytes;
    struct msg_judged j;

    ck_assert_ptr_nonnull(r);
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    open_judged(&j, r);
    inproc_gateway_new(&forger, kt.v, "gw-f", true);
    sig = softtpm_sign(&forger.g->tpm->ak, j.attest);
    bytes = softtpm_signature_encode(&sig);
    j.signature = softtpm_slice(&bytes);
    seal_judged(&j, r);
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), 422);
    ck_assert(att_slice_eq(kt.t->outcome.reason[0].code, att_slice_str("E_Q_SIG")));
    keepertest_check_label(kt.t->outcome.label, ATT_TIER_CONTRAINDICATED);
    ck_assert(!keepertest_has_current());
    inproc_gateway_free(&forger);
    att_result_free(r);
}
END_TEST

START_TEST(commit__does_not_let_the_appraiser_stretch_what_was_judged)
{
    enum { CLOCK, POLICY, REFVALS, TIER, EVIDENCE, CONTEXT, CLAIMS, ROWS };
    static const uint8_t none[] = {
        0xa0}; /* claims that say nothing, in the place of the signed ones */
    static const int want[ROWS] = {[CLOCK] = 422,
                                   [POLICY] = -ATT_R_BUSY,
                                   [REFVALS] = -ATT_R_BUSY,
                                   [TIER] = -ATT_R_FMT_FRAME,
                                   [EVIDENCE] = -ATT_R_FMT_FRAME,
                                   [CONTEXT] = -ATT_R_BUSY,
                                   [CLAIMS] = 422};
    struct att_result *r = att_result_new();
    struct msg_judged j;

    ck_assert_ptr_nonnull(r);
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    open_judged(&j, r);
    r->state.clock.clock_ms += _i == CLOCK ? 1 : 0;
    r->policy_digest[0] ^= _i == POLICY ? 1 : 0;
    r->refvals_digest[31] ^= _i == REFVALS ? 1 : 0;
    r->accepted = _i != TIER;
    j.evidence_digest[5] ^= _i == EVIDENCE ? 1 : 0;
    j.context_digest[5] ^= _i == CONTEXT ? 1 : 0;
    if (_i == CLAIMS)
        j.claims = att_slice_of(none, sizeof(none));
    seal_judged(&j, r);
    keepertest_remember();
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), want[_i]);
    ck_assert(!keepertest_has_current());
    if (want[_i] < 0)
        keepertest_check_unchanged();
    att_result_free(r);
}
END_TEST

/* A front is taken over: it cannot make a verdict, nor attach one to other evidence. */
START_TEST(commit__refuses_what_the_appraiser_did_not_seal)
{
    struct msg m;
    uint8_t *copy;

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    keepertest_remember();
    inproc_commit_message(&m, &kt.gw, kt.t);
    copy = malloc(m.sealed.len);
    ck_assert_ptr_nonnull(copy);
    for (size_t i = 0; i < m.sealed.len; i += 37) {
        struct msg forged = m;

        memcpy(copy, m.sealed.p, m.sealed.len);
        copy[i] ^= 1;
        forged.sealed = att_slice_of(copy, m.sealed.len);
        inproc_ask(kt.v, &forged, &kt.t->answer, true);
        ck_assert_int_eq(kt.t->answer.reason, ATT_R_FMT_FRAME);
    }
    free(copy);
    keepertest_check_unchanged();
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), 200);
}
END_TEST

static void limit_files_to(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* S-08: the disk is full. 503, nothing decided, the same challenge can be answered later. */
START_TEST(commit__decides_nothing_on_a_full_disk)
{
    char path[96];
    struct stat sb;

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    keepertest_remember();
    (void)snprintf(path, sizeof(path), "%s/state/attestd.db-wal", kt.v->dir);
    ck_assert_int_eq(stat(path, &sb), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files_to((rlim_t)sb.st_size);
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), -ATT_R_ST_FULL);
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), -ATT_R_ST_FULL);
    limit_files_to(RLIM_INFINITY);
    ck_assert(!keeper_must_stop(kt.v->keeper));
    keepertest_check_unchanged();
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), 200);
    ck_assert_uint_eq(keepertest_outcomes("label"), 1);
}
END_TEST

/* fdatasync is ours because this program comes first in the order of symbols. */
static bool sync_fault;

int fdatasync(int fd)
{
    if (sync_fault) {
        errno = EIO;
        return -1;
    }
    return fsync(fd);
}

/* Nobody knows what is on the disk: no answer at all, and the process ends. */
START_TEST(keeper__says_nothing_when_the_disk_failed)
{
    struct inproc_answer status = {0};
    struct msg m;

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_commit_message(&m, &kt.gw, kt.t);
    sync_fault = true;
    inproc_ask(kt.v, &m, &kt.t->answer, true);
    ck_assert_uint_eq(kt.t->answer.count, 0);
    ck_assert(keeper_must_stop(kt.v->keeper));
    inproc_ask(kt.v, &m, &kt.t->answer, true); /* nor to anything that comes later */
    ck_assert_uint_eq(kt.t->answer.count, 0);
    m = (struct msg){.kind = MSG_STATUS, .number = MSG_ASK_READY};
    inproc_ask(kt.v, &m, &status, false);
    ck_assert_int_eq(status.reason, ATT_R_ST_CORRUPT);
    sync_fault = false;
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
}
END_TEST

/* A verifier that outlives its label certificate says so, and decides nothing. */
START_TEST(commit__makes_no_label_that_would_fail_everywhere)
{
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    keepertest_remember();
    inproc_utc_s += 1826 * 86400LL;
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), -ATT_R_KEY_EXPIRED);
    keepertest_check_unchanged();
    inproc_utc_s -= 1826 * 86400LL;
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {attest__gives_a_label_that_a_stranger_verifies, 0},
        {attest__goes_on_where_the_logs_were_judged, 0},
        {attest__asks_for_whole_logs_under_another_policy, 0},
        {commit__answers_once_and_tells_the_same_again, 0},
        {commit__accepts_one_of_64_copies, 0},
        {commit__is_too_late_1_ms_after_the_deadline, 0},
        {commit__makes_refused_evidence_a_failed_device, 0},
        {commit__names_the_file_that_differs, 0},
        {commit__gives_no_label_after_removal, 0},
        {commit__lets_an_overtaken_challenge_lapse, 0},
        {commit__verifies_the_quote_itself, 0},
        {commit__does_not_let_the_appraiser_stretch_what_was_judged, 7},
        {commit__refuses_what_the_appraiser_did_not_seal, 0},
        {commit__decides_nothing_on_a_full_disk, 0},
        {keeper__says_nothing_when_the_disk_failed, 0},
        {commit__makes_no_label_that_would_fail_everywhere, 0},
    };

    return SUITE_RUN_ROWS("keeper_commit", ROWS, &keepertest_fixture);
}
