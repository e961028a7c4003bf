/* The first step of each route. */
#include "verifier/front/handler.h"

#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/hex.h"
#include "verifier/front/front.h"

#define LOG_READS_MAX 8 /* parts of the log that a front asks the keeper for at once */

/* Sixteen bytes in lower-case hexadecimal: sessions and labels are named so. */
static bool read_name16(uint8_t out[16], struct att_slice text)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] >= 'A' && text.p[i] <= 'F') {
            return false;
        }
    }
    return text.len == 32 &&
           att_hex_decode(out, 16, &len, (const char *)text.p, text.len) == ATT_OK && len == 16;
}

static bool read_session(struct exchange *ex)
{
    if (read_name16(ex->session, exchange_part(ex, 0))) {
        return true;
    }
    exchange_fail(ex, ATT_R_HTTP_ROUTE, "a session is named by 32 lower-case hexadecimal digits");
    return false;
}

void handle_enrol_begin(struct exchange *ex)
{
    exchange_to_appraiser(ex, STEP_CHECK);
}

void handle_enrol_activate(struct exchange *ex)
{
    struct msg m = {.kind = MSG_ENROL_ACTIVATE, .body = exchange_body(ex)};

    exchange_to_keeper(ex, &m, STEP_KEEPER);
}

void handle_certify_begin(struct exchange *ex)
{
    struct msg m = {.kind = MSG_CERTIFY_BEGIN, .body = exchange_body(ex)};

    exchange_to_keeper(ex, &m, STEP_KEEPER);
}

void handle_certify(struct exchange *ex)
{
    struct msg m = {.kind = MSG_CERTIFY, .body = exchange_body(ex)};

    if (!read_session(ex)) {
        return;
    }
    memcpy(m.session, ex->session, sizeof(m.session));
    exchange_to_keeper(ex, &m, STEP_KEEPER);
}

void handle_new_session(struct exchange *ex)
{
    struct msg m = {.kind = MSG_NEW_SESSION, .body = exchange_body(ex)};

    exchange_to_keeper(ex, &m, STEP_SESSION);
}

static void session_message(struct exchange *ex, enum msg_kind kind, enum exchange_step step)
{
    struct msg m = {.kind = kind};

    memcpy(m.session, ex->session, sizeof(m.session));
    exchange_to_keeper(ex, &m, step);
}

/* The first answer to a challenge finds its context here; whoever asks again asks the keeper. */
static void judge_body(struct exchange *ex, enum exchange_step how)
{
    if (!read_session(ex)) {
        return;
    }
    ex->judged_as = how;
    ex->sealed = contexts_take(&ex->front->contexts, ex->session, gate_identity(ex->conn));
    if (ex->sealed != NULL) {
        exchange_to_appraiser(ex, how);
        return;
    }
    session_message(ex, MSG_CONTEXT, STEP_CONTEXT);
}

void handle_evidence(struct exchange *ex)
{
    judge_body(ex, STEP_APPRAISE);
}

void handle_part(struct exchange *ex)
{
    judge_body(ex, STEP_FOLD);
}

void handle_session_get(struct exchange *ex)
{
    if (read_session(ex)) {
        session_message(ex, MSG_SESSION_GET, STEP_KEEPER);
    }
}

void handle_session_delete(struct exchange *ex)
{
    if (read_session(ex)) {
        session_message(ex, MSG_SESSION_DELETE, STEP_KEEPER);
    }
}

void handle_label(struct exchange *ex)
{
    struct msg m = {.kind = MSG_LABEL};

    if (!read_name16(m.session, exchange_part(ex, 0))) {
        exchange_fail(ex, ATT_R_HTTP_ROUTE, "a label is named by 32 lower-case hexadecimal digits");
        return;
    }
    exchange_to_keeper(ex, &m, STEP_KEEPER);
}

void handle_label_current(struct exchange *ex)
{
    struct msg m = {.kind = MSG_LABEL, .name = exchange_part(ex, 0)};
    struct att_diag diag = {0};

    if (att_device_id_check(m.name, &diag) != ATT_OK) {
        exchange_fail(ex, diag.reason, diag.text);
        return;
    }
    exchange_to_keeper(ex, &m, STEP_KEEPER);
}

/* The keeper decides and reads one after the other: strangers who read must leave it time to decide. */
static bool takes_turn(struct exchange *ex)
{
    if (ATT_GUARD(LOG_READS, ex->front->log_reads >= LOG_READS_MAX)) {
        exchange_fail(ex, ATT_R_BUSY, "too many read the log or status lists");
        return false;
    }
    ex->reads_log = true;
    ex->front->log_reads++;
    return true;
}

void handle_log(struct exchange *ex)
{
    struct msg m = {.kind = MSG_LOG, .path = exchange_part(ex, 0)};

    if (takes_turn(ex)) {
        exchange_to_keeper(ex, &m, STEP_KEEPER);
    }
}

/* Decimal, no leading zeros: there is no second name for a list. */
static bool read_list_number(uint64_t *out, struct att_slice text)
{
    uint64_t n = 0;

    if (text.len == 0 || text.len > 9 || text.p[0] == '0')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        n = 10 * n + (uint64_t)(text.p[i] - '0');
    }
    *out = n;
    return true;
}

void handle_status_list(struct exchange *ex)
{
    struct msg m = {.kind = MSG_STATUS_LIST};

    if (!read_list_number(&m.number, exchange_part(ex, 0))) {
        exchange_fail(ex, ATT_R_SL_GONE, "a status list is named by a number from 1");
        return;
    }
    if (!takes_turn(ex)) {
        return;
    }
    exchange_to_keeper(ex, &m, STEP_KEEPER);
}

void handle_healthz(struct exchange *ex)
{
    const struct answer a = {.status = 200, .type = "text/plain", .body = att_slice_str("ok\n")};

    answer_send(ex, &a);
}

void handle_readyz(struct exchange *ex)
{
    struct msg m = {.kind = MSG_STATUS, .number = MSG_ASK_READY};

    if (ex->front->judge.worker == NULL) {
        exchange_fail(ex, ATT_R_BUSY, "no appraiser at work");
        return;
    }
    exchange_to_keeper(ex, &m, STEP_KEEPER);
}

void handle_metrics(struct exchange *ex)
{
    struct msg m = {.kind = MSG_STATUS, .number = MSG_ASK_METRICS};

    exchange_to_keeper(ex, &m, STEP_METRICS);
}

static const char *method_name(enum scan_method method)
{
    switch (method) {
    case SCAN_GET:
        return "GET";
    case SCAN_POST:
        return "POST";
    case SCAN_DELETE:
        return "DELETE";
    case SCAN_OTHER:
        break;
    }
    return "";
}

void handle_admin(struct exchange *ex)
{
    char path[SCAN_PATH_MAX + 2];
    struct att_slice rest = exchange_part(ex, 0);
    struct msg m = {.kind = MSG_ADMIN,
                    .name = att_slice_str(method_name(ex->conn->scan.req.method)),
                    .body = exchange_body(ex)};

    (void)snprintf(path, sizeof(path), "/%.*s", (int)rest.len, (const char *)rest.p);
    m.path = att_slice_str(path);
    exchange_to_keeper(ex, &m, STEP_KEEPER);
}
