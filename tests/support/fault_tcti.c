#include "fault_tcti.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include "need.h"

#define HEADER 10

struct fault_tcti {
    TSS2_TCTI_CONTEXT_COMMON_V1 head;
    TSS2_TCTI_CONTEXT *inner;
    struct fault_plan plan;
    uint32_t commands;
    bool strike; /* the command under way is one of the plan's */
    int never[2];
};

static struct fault_tcti *self_of(TSS2_TCTI_CONTEXT *tcti)
{
    return (struct fault_tcti *)(void *)tcti;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, uint8_t const *command)
{
    struct fault_tcti *f = self_of(tcti);
    uint32_t number = f->commands++;

    f->strike = f->plan.fault != FAULT_NONE && number >= f->plan.first &&
                (f->plan.count == 0 || number - f->plan.first < f->plan.count);
    if (f->strike && f->plan.fault == FAULT_WRITE)
        return TSS2_TCTI_RC_IO_ERROR;
    if (f->strike && (f->plan.fault == FAULT_CODE || f->plan.fault == FAULT_SILENCE))
        return TSS2_RC_SUCCESS;
    return Tss2_Tcti_Transmit(f->inner, size, command);
}

static void put_be32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void damage(const struct fault_plan *plan, size_t *size, uint8_t *answer)
{
    switch (plan->fault) {
    case FAULT_CUT:
        (*size)--;
        break;
    case FAULT_SHORT:
        *size = 5;
        break;
    case FAULT_SIZE_FIELD:
        put_be32(&answer[2], plan->value);
        break;
    case FAULT_TAG:
        answer[0] = (uint8_t)(plan->value >> 8);
        answer[1] = (uint8_t)plan->value;
        break;
    case FAULT_FLIP:
        answer[plan->value % *size] ^= 0xff;
        break;
    case FAULT_BYTE:
        NEED(plan->value >> 8 < *size);
        answer[plan->value >> 8] = (uint8_t)plan->value;
        break;
    default:
        break;
    }
}

static TSS2_RC receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *answer, int32_t timeout)
{
    struct fault_tcti *f = self_of(tcti);
    TSS2_RC rc;

    if (f->strike && f->plan.fault == FAULT_READ)
        return TSS2_TCTI_RC_IO_ERROR;
    if (f->strike && f->plan.fault == FAULT_CODE) {
        NEED(*size >= HEADER);
        *size = HEADER;
        memcpy(answer, "\x80\x01\x00\x00\x00\x0a", 6);
        put_be32(&answer[6], f->plan.value);
        return TSS2_RC_SUCCESS;
    }
    NEED(!(f->strike && f->plan.fault == FAULT_SILENCE));
    rc = Tss2_Tcti_Receive(f->inner, size, answer, timeout);
    if (rc == TSS2_RC_SUCCESS && f->strike)
        damage(&f->plan, size, answer);
    return rc;
}

/* Only silence can be polled for; swtpm's TCTI has no handles. */
static TSS2_RC poll_handles(TSS2_TCTI_CONTEXT *tcti, TSS2_TCTI_POLL_HANDLE *handles, size_t *count)
{
    struct fault_tcti *f = self_of(tcti);

    if (!f->strike || f->plan.fault != FAULT_SILENCE)
        return TSS2_TCTI_RC_NOT_IMPLEMENTED;
    *count = 1;
    handles[0] = (TSS2_TCTI_POLL_HANDLE){.fd = f->never[0], .events = POLLIN};
    return TSS2_RC_SUCCESS;
}

TSS2_TCTI_CONTEXT *fault_tcti_new(const char *tcti)
{
    struct fault_tcti *f = calloc(1, sizeof *f);

    NEED(f != NULL && pipe(f->never) == 0);
    NEED(Tss2_TctiLdr_Initialize(tcti, &f->inner) == TSS2_RC_SUCCESS);
    f->head.magic = 0x6661756c74;
    f->head.version = 1;
    f->head.transmit = transmit;
    f->head.receive = receive;
    f->head.getPollHandles = poll_handles;
    return (TSS2_TCTI_CONTEXT *)(void *)&f->head;
}

void fault_tcti_close(TSS2_TCTI_CONTEXT **tcti)
{
    struct fault_tcti *f = self_of(*tcti);

    Tss2_TctiLdr_Finalize(&f->inner);
    (void)close(f->never[0]);
    (void)close(f->never[1]);
    free(f);
    *tcti = NULL;
}

void fault_tcti_plan(TSS2_TCTI_CONTEXT *tcti, const struct fault_plan *plan)
{
    struct fault_tcti *f = self_of(tcti);

    f->plan = *plan;
    f->commands = 0;
    f->strike = false;
}

uint32_t fault_tcti_commands(const TSS2_TCTI_CONTEXT *tcti)
{
    return ((const struct fault_tcti *)(const void *)tcti)->commands;
}
