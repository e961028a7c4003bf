/*
 * Questions to the server, and how long an answer is waited for. libpq's own calls wait for ever: for a host that is gone
 * without a word, and for the answer to what the local system did not send, of which they say nothing.
 */
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "pg_internal.h"

int64_t pg_silence_ms = 30000;

/* False: the server has been silent for too long. */
static bool wait_for_bytes(PGconn *conn)
{
    int64_t deadline_ms = att_clock_mono_ms() + pg_silence_ms;
    struct pollfd p = {.fd = PQsocket(conn), .events = POLLIN};
    int n;

    do {
        int64_t left_ms = deadline_ms - att_clock_mono_ms();

        n = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
    } while (n < 0 && errno == EINTR);
    return n == 1;
}

/* The last result, as PQexec has it; NULL: what became of the question is not known. */
static PGresult *answer(PGconn *conn, int sent)
{
    PGresult *last = NULL, *next;

    if (sent != 1)
        return NULL;
    for (;;) {
        while (PQisBusy(conn) != 0) {
            if (!wait_for_bytes(conn) || PQconsumeInput(conn) != 1) {
                PQclear(last);
                return NULL;
            }
        }
        next = PQgetResult(conn);
        if (next == NULL)
            return last;
        PQclear(last);
        last = next;
    }
}

PGresult *pg_ask(PGconn *conn, const char *text)
{
    return answer(conn, PQsendQuery(conn, text));
}

PGresult *pg_ask_prepare(PGconn *conn, const char *name, const char *text)
{
    return answer(conn, PQsendPrepare(conn, name, text, 0, NULL));
}

PGresult *pg_ask_prepared(PGconn *conn, const struct pg_stmt *s)
{
    static const int binary[PG_PARAMS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

    return answer(conn,
                  PQsendQueryPrepared(conn, s->name, s->bound, s->value, s->length, binary, 1));
}
