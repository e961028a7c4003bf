/*
 * A TPM may answer what it likes: what is taken from it is within its limits, and an answer that is none ends the
 * connection with words. The first byte chooses what is asked; the rest are the answers, in order, each behind its
 * length in two bytes. A length from 0xfff0 on stands for what happens on the line instead.
 */
#include <fcntl.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <unistd.h>

#include "base/rd.h"
#include "fuzz.h"
#include "tpm/devid.h"
#include "tpm/ident.h"
#include "tpm/rc.h"
#include "tpm/tpm_internal.h"

enum ask { ASK_CERTS, ASK_NV, ASK_INFO, ASK_CLOCK, ASK_PCRS, ASK_EXTEND, ASK__COUNT };

enum line {
    LINE_UNREAD = 0xfff0, /* reading fails */
    LINE_UNSENT,          /* the next command cannot be sent */
    LINE_SILENT,          /* nothing to poll for comes */
    LINE_READY,           /* something to poll for has come; the answer follows */
    LINE_LARGE,           /* more than an answer can be */
};

struct player {
    TSS2_TCTI_CONTEXT_COMMON_V1 head;
    struct att_rd answers;
    uint16_t len; /* of the answer that follows */
};

static struct player *player_of(TSS2_TCTI_CONTEXT *tcti)
{
    return (struct player *)(void *)tcti;
}

/* With no answer left the line is dead. */
static uint16_t next_len(struct player *p)
{
    return att_rd_left(&p->answers) < 2 ? LINE_UNREAD : att_rd_u16be(&p->answers);
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *tcti, size_t size, uint8_t const *command)
{
    struct player *p = player_of(tcti);

    HOLDS(size >= 10 && command[0] == 0x80);
    p->len = next_len(p);
    return p->len == LINE_UNSENT ? TSS2_TCTI_RC_IO_ERROR : TSS2_RC_SUCCESS;
}

static TSS2_RC poll_handles(TSS2_TCTI_CONTEXT *tcti, TSS2_TCTI_POLL_HANDLE *handles, size_t *count)
{
    static int never[2] = {-1, -1};
    static int ready = -1;
    struct player *p = player_of(tcti);

    if (ready < 0) {
        HOLDS(pipe(never) == 0);
        ready = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        HOLDS(ready >= 0);
    }
    if (p->len != LINE_SILENT && p->len != LINE_READY) {
        return TSS2_TCTI_RC_NOT_IMPLEMENTED;
    }
    handles[0].fd = p->len == LINE_SILENT ? never[0] : ready;
    p->len = p->len == LINE_READY ? next_len(p) : p->len;
    *count = 1;
    return TSS2_RC_SUCCESS;
}

static TSS2_RC receive(TSS2_TCTI_CONTEXT *tcti, size_t *size, uint8_t *answer, int32_t timeout)
{
    struct player *p = player_of(tcti);
    struct att_slice bytes = {0};

    (void)timeout;
    if (p->len == LINE_LARGE) {
        *size += 1;
        return TSS2_RC_SUCCESS;
    }
    if (p->len > att_rd_left(&p->answers) || p->len > *size) {
        return TSS2_TCTI_RC_IO_ERROR;
    }
    bytes = att_rd_bytes(&p->answers, p->len);
    *size = bytes.len;
    if (bytes.len > 0) {
        memcpy(answer, bytes.p, bytes.len);
    }
    return TSS2_RC_SUCCESS;
}

static void keep(TSS2_TCTI_CONTEXT **tcti)
{
    *tcti = NULL;
}

/* Nobody but the stack speaks to the line, and what a TCTI may leave out it does. */
static void line_alone(struct hw_link *link)
{
    TSS2_TCTI_CONTEXT *tcti = hw_link_tcti(link);
    TSS2_TCTI_POLL_HANDLE handles[1];
    uint8_t large[TPM2_MAX_COMMAND_SIZE + 1] = {0};
    size_t count = 1;

    HOLDS(Tss2_Tcti_Cancel(tcti) == TSS2_TCTI_RC_NOT_IMPLEMENTED);
    HOLDS(Tss2_Tcti_SetLocality(tcti, 1) == TSS2_TCTI_RC_NOT_IMPLEMENTED);
    HOLDS(Tss2_Tcti_GetPollHandles(tcti, handles, &count) == TSS2_TCTI_RC_NOT_IMPLEMENTED);
    HOLDS(Tss2_Tcti_Transmit(tcti, sizeof(large), large) == TSS2_TCTI_RC_BAD_VALUE);
    HOLDS(Tss2_Tcti_Receive(tcti, NULL, NULL, 0) == TSS2_TCTI_RC_BAD_REFERENCE);
    Tss2_Tcti_Finalize(tcti);
}

/* A line that broke stays so; one that did not still gives nobody more than there is room for. */
static void line_afterwards(struct hw_link *link)
{
    static const uint8_t command[10] = {0x80, 0x01};
    TSS2_TCTI_CONTEXT *tcti = hw_link_tcti(link);
    uint8_t answer[1];
    size_t size = sizeof(answer);
    bool broken = hw_link_broken(link) != NULL;
    TSS2_RC sent = Tss2_Tcti_Transmit(tcti, sizeof(command), command);
    TSS2_RC got = Tss2_Tcti_Receive(tcti, &size, answer, TSS2_TCTI_TIMEOUT_BLOCK);

    HOLDS(!broken || (sent == TSS2_TCTI_RC_IO_ERROR && got == TSS2_TCTI_RC_IO_ERROR));
    HOLDS(got == TSS2_TCTI_RC_IO_ERROR || got == TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
}

static void certs_in_bounds(struct hw_tpm *tpm, enum att_err *err, struct att_diag *diag)
{
    struct hw_ek_certs c = {.count = 0};

    *err = hw_tpm_ek_certs(&c, tpm, diag);
    HOLDS(c.count <= HW_EK_CERTS_MAX && (*err == ATT_OK || c.count == 0));
    for (uint32_t i = 0; i < c.count; i++) {
        size_t len = att_buf_len(c.cert[i].der);

        HOLDS(c.cert[i].index >= 0x01c00000 && c.cert[i].index <= 0x01c07fff);
        HOLDS(c.cert[i].index < 0x01c00100 || c.cert[i].index > 0x01c001ff);
        HOLDS(len >= 2 && len <= HW_EK_CERT_MAX);
    }
    HOLDS(c.chain == NULL || att_buf_len(c.chain) <= HW_EK_CHAIN_MAX);
    hw_ek_certs_free(&c);
}

static void nv_in_bounds(struct hw_tpm *tpm, enum att_err *err, struct att_diag *diag)
{
    struct att_buf *bytes = NULL;

    *err = hw_tpm_nv_certificates(&bytes, tpm, HW_IAK_CERT, diag);
    HOLDS((*err == ATT_OK) == (bytes != NULL));
    HOLDS(bytes == NULL || (att_buf_len(bytes) > 0 && att_buf_len(bytes) <= HW_DEVID_CERTS_MAX));
    att_buf_free(bytes);
}

static void info_in_bounds(struct hw_tpm *tpm, enum att_err *err, struct att_diag *diag)
{
    struct hw_tpm_info info = {.bank_count = 0};

    *err = hw_tpm_info(&info, tpm, diag);
    HOLDS(info.bank_count <= ATT_COUNT(info.bank));
    HOLDS(strlen(info.manufacturer) < sizeof(info.manufacturer) &&
          strlen(info.vendor) < sizeof(info.vendor));
}

static void pcrs_in_bounds(struct hw_tpm *tpm, enum att_err *err, struct att_diag *diag)
{
    const struct att_pcr_selection sel = {.count = 1, .sel = {{ATT_HASH_SHA256, 0x6ff, 3}}};
    struct att_pcr_values v = {.count = 0};

    *err = hw_tpm_pcr_read(&v, tpm, &sel, diag);
    HOLDS(v.count <= 1);
    HOLDS(v.count == 0 || (v.bank[0].bank == ATT_HASH_SHA256 && (v.bank[0].has & ~0x6ffU) == 0));
}

static enum att_err ask(enum ask what, struct hw_tpm *tpm, struct att_diag *diag)
{
    const struct hw_pcr_digest digest = {.alg = ATT_HASH_SHA256};
    struct att_clock_info clock;
    enum att_err err = ATT_OK;

    switch (what) {
    case ASK_CERTS:
        certs_in_bounds(tpm, &err, diag);
        break;
    case ASK_NV:
        nv_in_bounds(tpm, &err, diag);
        break;
    case ASK_INFO:
        info_in_bounds(tpm, &err, diag);
        break;
    case ASK_PCRS:
        pcrs_in_bounds(tpm, &err, diag);
        break;
    case ASK_EXTEND:
        err = hw_tpm_pcr_extend(tpm, 13, &digest, 1, diag);
        break;
    default:
        err = hw_tpm_clock(&clock, tpm, diag);
        break;
    }
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct player p = {.head = {.magic = 1, .version = 1}};
    struct hw_tpm tpm = {.nv_buffer_max = 0};
    struct att_diag diag = {0};

    if (size < 1) {
        return 0;
    }
    HOLDS(setenv("TSS2_LOG", "all+none", 0) == 0);
    p.answers = att_rd_from(data + 1, size - 1);
    p.head.transmit = transmit;
    p.head.receive = receive;
    p.head.getPollHandles = poll_handles;
    HOLDS(hw_link_new(&tpm.link, (TSS2_TCTI_CONTEXT *)(void *)&p.head, keep) == ATT_OK);
    hw_link_set_times(tpm.link, 1, 0);
    line_alone(tpm.link);
    HOLDS(Esys_Initialize(&tpm.esys, hw_link_tcti(tpm.link), NULL) == TSS2_RC_SUCCESS);
    if (ask((enum ask)(data[0] % ASK__COUNT), &tpm, &diag) != ATT_OK) {
        HOLDS(diag.reason != ATT_R_NONE && diag.text[0] != '\0');
    }
    line_afterwards(tpm.link);
    Esys_Finalize(&tpm.esys);
    hw_link_free(tpm.link);
    hw_link_free(NULL);
    return 0;
}
