/* Connecting, closing, and what every other file of this folder stands on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include "base/file.h"
#include "base/guard.h"
#include "tpm/rc.h"
#include "tpm/tpm_internal.h"

#define TCTI_TEXT_MAX 128 /* a path of a unix socket fits */

/* The libraries by full name: a shorter one would be tried as a file first. */
struct tcti_kind {
    const char *prefix;
    const char *library;
    bool simulator;
};
static const struct tcti_kind kinds[] = {
    {"device:", "libtss2-tcti-device.so.0", false},
    {"swtpm:", "libtss2-tcti-swtpm.so.0", true},
    {"mssim:", "libtss2-tcti-mssim.so.0", true},
};

void hw_freep(void *pointer_to_pointer)
{
    void **p = pointer_to_pointer;

    Esys_Free(*p);
    *p = NULL;
}

enum att_err hw_tpm_fail(struct hw_tpm *tpm, struct att_diag *diag, TSS2_RC rc, const char *command)
{
    const char *broken = hw_link_broken(tpm->link);
    uint32_t busy = hw_link_busy(tpm->link);

    if (broken != NULL)
        return att_fail(diag, ATT_E_TPM, ATT_R_TPM_IO, "tpm",
                        "%s: %s (0x%x); close the connection and open it again", command, broken,
                        rc);
    return hw_rc_fail(diag, busy != 0 ? busy : rc, command);
}

void hw_slot_release(struct hw_slot *slot)
{
    TSS2_RC rc;

    if (slot->tr == ESYS_TR_NONE)
        return;
    if (!slot->loaded) {
        (void)Esys_TR_Close(slot->tpm->esys, &slot->tr);
        slot->tr = ESYS_TR_NONE;
        return;
    }
    rc = Esys_FlushContext(slot->tpm->esys, slot->tr);
    if (rc != TSS2_RC_SUCCESS && slot->tpm->stuck_count < HW_STUCK_MAX)
        slot->tpm->stuck[slot->tpm->stuck_count++] = slot->tr;
    slot->tr = ESYS_TR_NONE;
}

void hw_tpm_begin(struct hw_tpm *tpm)
{
    uint32_t left = tpm->stuck_count;

    tpm->stuck_count = 0;
    for (uint32_t i = 0; i < left; i++) {
        struct hw_slot slot = {.tpm = tpm, .tr = tpm->stuck[i], .loaded = true};

        hw_slot_release(&slot);
    }
}

TSS2_RC hw_slot_open(struct hw_slot *slot, uint32_t handle)
{
    return Esys_TR_FromTPMPublic(slot->tpm->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                 &slot->tr);
}

/* A dead client of a simulator leaves its objects behind; a resource manager would have flushed them. */
static enum att_err flush_leftovers(struct hw_tpm *tpm, uint32_t first, struct att_diag *diag)
{
    struct hw_tpm_handles left;
    enum att_err err = hw_tpm_handles(&left, tpm, first, diag);

    for (uint32_t i = 0; err == ATT_OK && i < left.count; i++) {
        HW_SLOT(slot, tpm);

        if (hw_slot_open(&slot, left.handle[i]) == TSS2_RC_SUCCESS)
            slot.loaded = true;
    }
    return err;
}

static enum att_err start_simulator(struct hw_tpm *tpm, struct att_diag *diag)
{
    TSS2_RC rc = Esys_Startup(tpm->esys, TPM2_SU_CLEAR);
    enum att_err err;

    if (rc != TSS2_RC_SUCCESS && rc != TPM2_RC_INITIALIZE)
        return hw_tpm_fail(tpm, diag, rc, "TPM2_Startup");
    err = flush_leftovers(tpm, TPM2_TRANSIENT_FIRST, diag);
    if (err != ATT_OK)
        return err;
    return flush_leftovers(tpm, TPM2_LOADED_SESSION_FIRST, diag);
}

static enum att_err check_alive(struct hw_tpm *tpm, struct att_diag *diag)
{
    uint32_t nv_buffer_max;

    return hw_tpm_nv_buffer(&nv_buffer_max, tpm, diag);
}

enum att_err hw_tpm_open_tcti(struct hw_tpm **out, TSS2_TCTI_CONTEXT *tcti,
                              void (*close_tcti)(TSS2_TCTI_CONTEXT **), bool simulator,
                              struct att_diag *diag)
{
    ATT_CLEANUP(hw_tpm_closep) struct hw_tpm *tpm = calloc(1, sizeof *tpm);
    enum att_err err;
    TSS2_RC rc;

    if (tpm == NULL) {
        close_tcti(&tcti);
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "tpm", "no memory for the connection");
    }
    err = hw_link_new(&tpm->link, tcti, close_tcti);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "tpm", "no memory for the connection");
    rc = Esys_Initialize(&tpm->esys, hw_link_tcti(tpm->link), NULL);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(tpm, diag, rc, "opening the connection");
    err = simulator ? start_simulator(tpm, diag) : ATT_OK;
    if (err != ATT_OK)
        return err;
    err = check_alive(tpm, diag);
    if (err != ATT_OK)
        return err;
    *out = tpm;
    tpm = NULL;
    return ATT_OK;
}

static enum att_err refuse_kind(struct att_diag *diag, const char *tcti)
{
    char shown[64];

    return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "tcti",
                    "\"%s\" is not device:/dev/..., swtpm:path=/..., swtpm:host=...,port=N or "
                    "mssim:...",
                    att_escape(shown, sizeof shown, tcti, strlen(tcti)));
}

/* The three kinds that we know, with a configuration that names one place. */
static const struct tcti_kind *find_kind(const char *tcti, const char **conf)
{
    for (size_t i = 0; i < ATT_COUNT(kinds); i++) {
        size_t len = strlen(kinds[i].prefix);

        if (strncmp(tcti, kinds[i].prefix, len) != 0)
            continue;
        *conf = tcti + len;
        if (!kinds[i].simulator)
            return (*conf)[0] == '/' ? &kinds[i] : NULL;
        if (strncmp(*conf, "path=/", 6) == 0)
            return &kinds[i];
        return strncmp(*conf, "host=", 5) == 0 || strncmp(*conf, "port=", 5) == 0 ? &kinds[i]
                                                                                  : NULL;
    }
    return NULL;
}

/*
 * The TCTI library would only say "input or output error". Opened and closed again, because only that tells
 * whether somebody holds a node that serves one at a time.
 */
static enum att_err check_device(const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    char shown[64];

    att_escape(shown, sizeof shown, path, strlen(path));
    if (fd >= 0)
        return ATT_OK;
    if (errno == EBUSY)
        return att_fail(diag, ATT_E_BUSY, ATT_R_TPM_BUSY, "tcti",
                        "another program holds %s; use /dev/tpmrm0, which is shared, or stop it",
                        shown);
    if (errno == EACCES || errno == EPERM)
        return att_fail(diag, ATT_E_TPM, ATT_R_TPM_ABSENT, "tcti",
                        "no permission for %s: add this user to the group that owns it (tss)",
                        shown);
    if (errno != ENOENT && errno != ENOTDIR)
        return att_fail(diag, ATT_E_TPM, ATT_R_TPM_ABSENT, "tcti", "%s: %s", shown,
                        strerror(errno));
    if (access("/dev/tpm0", F_OK) == 0)
        return att_fail(diag, ATT_E_TPM, ATT_R_TPM_ABSENT, "tcti",
                        "there is /dev/tpm0 but no %s: a TPM 1.2, or a kernel without resource "
                        "manager (before 4.12)",
                        shown);
    return att_fail(diag, ATT_E_TPM, ATT_R_TPM_ABSENT, "tcti",
                    "no %s: enable the TPM in the firmware and its driver in the kernel, or set "
                    "tcti to a simulator",
                    shown);
}

static enum att_err refuse_load(struct att_diag *diag, TSS2_RC rc, const char *tcti)
{
    char shown[64];

    att_escape(shown, sizeof shown, tcti, strlen(tcti));
    if (rc == TSS2_TCTI_RC_BAD_VALUE)
        return refuse_kind(diag, tcti);
    if (rc == TSS2_TCTI_RC_NOT_SUPPORTED)
        return att_fail(diag, ATT_E_TPM, ATT_R_TPM_ABSENT, "tcti",
                        "the TCTI library for %s is not installed (0x%x)", shown, rc);
    return att_fail(diag, ATT_E_TPM, ATT_R_TPM_ABSENT, "tcti",
                    "nothing answers at %s (0x%x): is it running, and is it free?", shown, rc);
}

enum att_err hw_tpm_open(struct hw_tpm **out, const char *tcti, struct att_diag *diag)
{
    const char *name = tcti == NULL ? "device:" HW_TPM_DEVICE : tcti;
    const char *conf = NULL;
    const struct tcti_kind *kind = find_kind(name, &conf);
    TSS2_TCTI_CONTEXT *context = NULL;
    enum att_err err;
    TSS2_RC rc;

    if (ATT_GUARD(HW_TCTI_KIND, kind == NULL || strlen(name) > TCTI_TEXT_MAX))
        return refuse_kind(diag, name);
    err = kind->simulator ? ATT_OK : check_device(conf, diag);
    if (err != ATT_OK)
        return err;
    if (setenv("TSS2_LOG", "all+none", 1) != 0)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "tcti", "no memory for the environment");
    rc = Tss2_TctiLdr_Initialize_Ex(kind->library, conf, &context);
    if (rc != TSS2_RC_SUCCESS)
        return refuse_load(diag, rc, name);
    return hw_tpm_open_tcti(out, context, Tss2_TctiLdr_Finalize, kind->simulator, diag);
}

void hw_tpm_close(struct hw_tpm *tpm)
{
    if (tpm == NULL)
        return;
    if (tpm->esys != NULL) {
        hw_tpm_begin(tpm);
        Esys_Finalize(&tpm->esys);
    }
    hw_link_free(tpm->link);
    free(tpm);
}

void hw_tpm_closep(struct hw_tpm **tpm)
{
    hw_tpm_close(*tpm);
    *tpm = NULL;
}

enum att_err hw_tpm_shutdown(struct hw_tpm *tpm, struct att_diag *diag)
{
    TSS2_RC rc;

    hw_tpm_begin(tpm);
    rc = Esys_Shutdown(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_SU_CLEAR);
    return rc == TSS2_RC_SUCCESS ? ATT_OK : hw_tpm_fail(tpm, diag, rc, "TPM2_Shutdown");
}
