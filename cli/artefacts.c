/* Reading raw artefacts. */
#include "artefacts.h"

#include <string.h>

#include "base/file.h"
#include "pcr_file.h"
#include "policy/policy_file.h"
#include "prov/spec.h"
#include "tcg/ima.h"
#include "tcg/pubarea.h"

#define KEY_FILE_MAX 16384
#define PCR_FILE_MAX 262144

static bool looks_like_text(struct att_slice in)
{
    return in.len > 10 && memcmp(in.p, "-----BEGIN", 10) == 0;
}

enum att_err artefact_key(struct att_pubkey **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_pubarea area;
    struct att_slice in;
    enum att_err err = att_file_read(&file, path, KEY_FILE_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    in = att_buf_slice(file);
    /* DER starts with a SEQUENCE, which no TPMT_PUBLIC or TPM2B_PUBLIC does */
    if (looks_like_text(in) || (in.len > 0 && in.p[0] == 0x30)) {
        return att_pubkey_from_text(out, in, diag);
    }
    err = att_pubarea_parse(&area, in, diag);
    return err == ATT_OK ? att_pubarea_key(out, &area, diag) : err;
}

enum att_err artefact_pcrs(struct att_pcr_values *out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, path, PCR_FILE_MAX, diag);

    return err == ATT_OK ? pcr_file_read(out, att_buf_slice(file), diag) : err;
}

enum att_err artefact_policy(struct att_policy **out, const char *path,
                             struct att_policy_origin *from, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, path, ATT_POLICY_FILE_MAX, diag);

    return err == ATT_OK ? att_policy_peek(out, path, att_buf_slice(file), from, diag) : err;
}

enum att_err artefact_document(struct artefact_document *out, const char *path,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_policy_origin policy = {0};
    struct att_spec_origin spec = {0};
    enum att_err err = att_file_read(&file, path, ATT_POLICY_FILE_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (att_spec_is(att_buf_slice(file))) {
        err = att_spec_peek(&out->spec, path, att_buf_slice(file), &spec, diag);
        out->is_signed = spec.is_signed;
        memcpy(out->kid, spec.kid, sizeof(out->kid));
        return err;
    }
    err = att_policy_peek(&out->policy, path, att_buf_slice(file), &policy, diag);
    out->is_signed = policy.is_signed;
    memcpy(out->kid, policy.kid, sizeof(out->kid));
    return err;
}

void artefact_document_clear(struct artefact_document *d)
{
    att_policy_freep(&d->policy);
    att_spec_freep(&d->spec);
}

enum att_err artefact_rules(struct att_policy **out, const char *path, struct att_diag *diag)
{
    enum att_err err = artefact_policy(out, path, NULL, diag);
    bool text = err == ATT_E_FORMAT || err == ATT_E_LIMIT || err == ATT_E_UNSUPPORTED;

    return text ? ATT_E_CONFIG : err;
}

enum att_err artefact_log(struct att_buf **out, const char *path, size_t max, struct att_diag *diag)
{
    return att_file_read(out, path, max, diag);
}

/* No line of text has a NUL, and each record of the binary form has one in its first four bytes. */
static bool is_binary(struct att_slice in)
{
    return in.len >= 4 && memchr(in.p, 0, 4) != NULL;
}

enum att_err artefact_ima_ascii(struct att_buf **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = att_file_read(&file, path, ATT_IMA_MAX, diag);

    if (err == ATT_OK && is_binary(att_buf_slice(file))) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_IMA, "--ima-ascii",
                        "expected lines of text, found the binary form: name it with --ima");
    }
    return err == ATT_OK ? att_ima_ascii_to_binary(out, att_buf_slice(file), diag) : err;
}
