#include "tpm/link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/guard.h"
#include "base/rd.h"
#include "base/slice.h"

#define LINK_MAGIC        0x6174747374706d31ULL
#define LINK_HEADER       10 /* tag, size, code: Part 3, 5.2 */
#define LINK_POLL_MAX     4
#define LINK_TPM12_ANSWER 0x00c4

struct hw_link {
    TSS2_TCTI_CONTEXT_COMMON_V1 head; /* first: the stack sees only this */
    TSS2_TCTI_CONTEXT *inner;
    void (*close_inner)(TSS2_TCTI_CONTEXT **);
    uint8_t command[TPM2_MAX_COMMAND_SIZE]; /* kept to send it again */
    size_t command_len;
    uint8_t answer[TPM2_MAX_RESPONSE_SIZE]; /* the stack asks for the size before the bytes */
    size_t answer_len;                      /* 0: not here yet */
    int answer_ms, pause_ms;
    uint32_t busy;
    const char *broken;
};

/* The stack hands back the pointer that it was given: the head of our struct. */
static struct hw_link *link_of(TSS2_TCTI_CONTEXT *tcti)
{
    struct hw_link *link = (struct hw_link *)(void *)tcti;

    return link != NULL && link->head.magic == LINK_MAGIC ? link : NULL;
}

static TSS2_RC break_off(struct hw_link *link, const char *why)
{
    link->broken = why;
    return TSS2_TCTI_RC_IO_ERROR;
}

static TSS2_RC link_transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, uint8_t const *command)
{
    struct hw_link *link = link_of(tcti);
    TSS2_RC rc;

    if (link == NULL)
        return TSS2_TCTI_RC_BAD_CONTEXT;
    if (link->broken != NULL)
        return TSS2_TCTI_RC_IO_ERROR;
    if (size > sizeof link->command)
        return TSS2_TCTI_RC_BAD_VALUE;
    memcpy(link->command, command, size);
    link->command_len = size;
    link->answer_len = 0;
    link->busy = 0;
    rc = Tss2_Tcti_Transmit(link->inner, size, command);
    return rc == TSS2_RC_SUCCESS ? rc : break_off(link, "the command could not be sent");
}

/* Wait for the answer where the TCTI below can be polled; where it cannot, its read waits. */
static TSS2_RC wait_for_answer(struct hw_link *link)
{
    TSS2_TCTI_POLL_HANDLE fds[LINK_POLL_MAX];
    size_t count = LINK_POLL_MAX;
    int64_t end_ms = att_clock_mono_ms() + link->answer_ms;
    TSS2_RC rc = Tss2_Tcti_GetPollHandles(link->inner, fds, &count);

    if (rc != TSS2_RC_SUCCESS || count == 0 || count > LINK_POLL_MAX)
        return TSS2_RC_SUCCESS;
    for (size_t i = 0; i < count; i++)
        fds[i].events = POLLIN; /* the device's TCTI asks for writable too, which it always is */
    for (;;) {
        int64_t left_ms = end_ms - att_clock_mono_ms();
        int ready = left_ms <= 0 ? 0 : poll(fds, (nfds_t)count, (int)left_ms);

        if (ready > 0)
            return TSS2_RC_SUCCESS;
        if (ready < 0 && errno != EINTR)
            return break_off(link, "waiting for the answer failed");
        if (left_ms <= 0)
            return break_off(link, "no answer in time");
    }
}

/* The header of an answer must say what arrived; *code is its response code. */
static TSS2_RC check_answer(struct hw_link *link, const uint8_t *answer, size_t len, uint32_t *code)
{
    struct att_rd r = att_rd_from(answer, len);
    uint16_t tag = att_rd_u16be(&r);
    uint32_t size = att_rd_u32be(&r);
    uint32_t rc = att_rd_u32be(&r);

    if (!att_rd_ok(&r))
        return break_off(link, "the answer is shorter than its header");
    if (tag == LINK_TPM12_ANSWER)
        return break_off(link, "this is a TPM 1.2, which cannot be used");
    if (ATT_GUARD(HW_ANSWER_TAG, tag != TPM2_ST_NO_SESSIONS && tag != TPM2_ST_SESSIONS))
        return break_off(link, "the answer has an unknown tag");
    if (ATT_GUARD(HW_ANSWER_SIZE, size != len))
        return break_off(link, "the answer's size field is not its size");
    *code = rc;
    return TSS2_RC_SUCCESS;
}

static bool is_busy(uint32_t code)
{
    switch (code) {
    case TPM2_RC_RETRY:
    case TPM2_RC_YIELDED:
    case TPM2_RC_TESTING:
    case TPM2_RC_NV_RATE:
    case TPM2_RC_NV_UNAVAILABLE:
        return true;
    default:
        return false;
    }
}

static void pause_ms(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

static TSS2_RC one_answer(struct hw_link *link, uint32_t *code)
{
    size_t len = sizeof link->answer;
    TSS2_RC rc = wait_for_answer(link);

    if (rc != TSS2_RC_SUCCESS)
        return rc;
    rc = Tss2_Tcti_Receive(link->inner, &len, link->answer, TSS2_TCTI_TIMEOUT_BLOCK);
    if (rc != TSS2_RC_SUCCESS)
        return break_off(link, "the answer could not be read");
    if (len > sizeof link->answer)
        return break_off(link, "the answer is larger than an answer can be");
    rc = check_answer(link, link->answer, len, code);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    link->answer_len = len;
    return TSS2_RC_SUCCESS;
}

/*
 * The stack would resubmit the three busy codes by itself, so after the last try the answer is made
 * one that it passes on, and the true code is kept for the diagnosis.
 */
static void give_up(struct hw_link *link, uint32_t code)
{
    static const uint8_t canceled[] = {0x00, 0x00, TPM2_RC_CANCELED >> 8, TPM2_RC_CANCELED & 0xff};

    link->busy = code;
    memcpy(&link->answer[LINK_HEADER - sizeof canceled], canceled, sizeof canceled);
}

/* An answer that is not "busy", or the last of the tries. */
static TSS2_RC final_answer(struct hw_link *link)
{
    int64_t end_ms = att_clock_mono_ms() + HW_LINK_BUSY_MS;
    long wait_ms = link->pause_ms;

    for (int tries = 1;; tries++) {
        uint32_t code = 0;
        TSS2_RC rc = one_answer(link, &code);

        if (rc != TSS2_RC_SUCCESS || !is_busy(code))
            return rc;
        if (tries == HW_LINK_TRIES || att_clock_mono_ms() + wait_ms > end_ms) {
            give_up(link, code);
            return TSS2_RC_SUCCESS;
        }
        pause_ms(wait_ms);
        wait_ms *= 2;
        rc = Tss2_Tcti_Transmit(link->inner, link->command_len, link->command);
        if (rc != TSS2_RC_SUCCESS)
            return break_off(link, "the command could not be sent again");
    }
}

static TSS2_RC link_receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *answer,
                            int32_t timeout_ms)
{
    struct hw_link *link = link_of(tcti);
    TSS2_RC rc;

    (void)timeout_ms;
    if (link == NULL)
        return TSS2_TCTI_RC_BAD_CONTEXT;
    if (size == NULL)
        return TSS2_TCTI_RC_BAD_REFERENCE;
    if (link->broken != NULL)
        return TSS2_TCTI_RC_IO_ERROR;
    if (link->answer_len == 0) {
        rc = final_answer(link);
        if (rc != TSS2_RC_SUCCESS)
            return rc;
    }
    if (answer != NULL && *size < link->answer_len)
        return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
    *size = link->answer_len;
    if (answer == NULL)
        return TSS2_RC_SUCCESS;
    memcpy(answer, link->answer, link->answer_len);
    link->answer_len = 0;
    return TSS2_RC_SUCCESS;
}

static void link_finalize(TSS2_TCTI_CONTEXT *tcti)
{
    (void)tcti; /* hw_link_free does it */
}

static TSS2_RC link_cancel(TSS2_TCTI_CONTEXT *tcti)
{
    (void)tcti;
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC link_poll_handles(TSS2_TCTI_CONTEXT *tcti, TSS2_TCTI_POLL_HANDLE *handles,
                                 size_t *count)
{
    (void)tcti;
    (void)handles;
    (void)count;
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC link_locality(TSS2_TCTI_CONTEXT *tcti, uint8_t locality)
{
    (void)tcti;
    (void)locality;
    return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

enum att_err hw_link_new(struct hw_link **out, TSS2_TCTI_CONTEXT *inner,
                         void (*close_inner)(TSS2_TCTI_CONTEXT **))
{
    struct hw_link *link = calloc(1, sizeof *link);

    if (link == NULL) {
        close_inner(&inner);
        return ATT_E_NOMEM;
    }
    link->head.magic = LINK_MAGIC;
    link->head.version = 1;
    link->head.transmit = link_transmit;
    link->head.receive = link_receive;
    link->head.finalize = link_finalize;
    link->head.cancel = link_cancel;
    link->head.getPollHandles = link_poll_handles;
    link->head.setLocality = link_locality;
    link->inner = inner;
    link->close_inner = close_inner;
    link->answer_ms = HW_LINK_ANSWER_MS;
    link->pause_ms = HW_LINK_PAUSE_MS;
    *out = link;
    return ATT_OK;
}

void hw_link_free(struct hw_link *link)
{
    if (link == NULL)
        return;
    link->close_inner(&link->inner);
    att_wipe(link->command, sizeof link->command);
    att_wipe(link->answer, sizeof link->answer);
    free(link);
}

TSS2_TCTI_CONTEXT *hw_link_tcti(struct hw_link *link)
{
    return (TSS2_TCTI_CONTEXT *)(void *)&link->head;
}

void hw_link_set_times(struct hw_link *link, int answer_ms, int pause_ms)
{
    link->answer_ms = answer_ms;
    link->pause_ms = pause_ms;
}

uint32_t hw_link_busy(const struct hw_link *link)
{
    return link->busy;
}

const char *hw_link_broken(const struct hw_link *link)
{
    return link->broken;
}
