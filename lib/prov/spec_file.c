/* Specifications as files: signed, or the YAML itself; and which may follow which. */
#include <string.h>

#include "base/guard.h"
#include "codec/yaml.h"
#include "prov/spec_internal.h"

static const struct att_document_kind SPECIFICATION = {.what = "specification",
                                                       .content_type = ATT_SPEC_CONTENT_TYPE,
                                                       .purpose = ATT_SPEC_PURPOSE,
                                                       .folder = "specification_signers",
                                                       .reason = ATT_R_CFG_SPECSIG};

enum att_err att_spec_open(struct att_spec **out, struct att_slice in,
                           const struct att_signers *signers, struct att_diag *diag)
{
    ATT_CLEANUP(att_cose_verified_freep) struct att_cose_verified *v = NULL;
    uint8_t kid[32];
    enum att_err err = ATT_OK;

    if (!att_document_is_signed(in)) {
        return att_fail(diag, ATT_E_SIGNATURE, ATT_R_CFG_SPECSIG, "specification",
                        "expected a signed specification, found none (attestctl policy sign makes "
                        "one)");
    }
    err = att_document_open(&v, kid, NULL, &SPECIFICATION, in, signers, diag);
    return err == ATT_OK ? att_spec_decode(out, att_cose_payload(v), diag) : err;
}

enum att_err att_spec_peek(struct att_spec **out, const char *name, struct att_slice in,
                           struct att_spec_origin *origin, struct att_diag *diag)
{
    struct att_spec_origin from = {0};
    struct att_cose m;
    enum att_err err = ATT_OK;

    if (!att_document_is_signed(in)) {
        err = att_spec_parse_yaml(out, name, in, diag);
    } else {
        from.is_signed = true;
        err = att_document_peek(&m, from.kid, &SPECIFICATION, in, diag);
        if (err == ATT_OK) {
            err = att_spec_decode(out, m.payload_untrusted, diag);
        }
    }
    if (err == ATT_OK && origin != NULL) {
        *origin = from;
    }
    return err;
}

bool att_spec_is(struct att_slice in)
{
    ATT_CLEANUP(att_yaml_freep) struct att_yaml *y = NULL;
    struct att_cose m;
    uint8_t kid[32];

    if (att_document_is_signed(in)) {
        return att_document_peek(&m, kid, &SPECIFICATION, in, NULL) == ATT_OK;
    }
    return att_yaml_parse(&y, "", in, NULL) == ATT_OK &&
           att_yaml_type(att_yaml_root(y)) == ATT_YAML_MAP &&
           att_yaml_get(att_yaml_root(y), "specification") != NULL;
}

enum att_err att_spec_sign(struct att_buf **out, const struct att_spec *s,
                           const struct att_signer *signer)
{
    return att_document_sign(out, &SPECIFICATION, att_buf_slice(s->bytes), signer);
}

/* --- counters --- */

bool att_spec_same_calibration(const struct att_calibration *a, const struct att_calibration *b)
{
    if (a->from_s != b->from_s || a->until_s != b->until_s || a->is_table != b->is_table ||
        a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!att_decimal_equal(a->value[i], b->value[i]) ||
            (a->is_table && !att_decimal_equal(a->raw[i], b->raw[i]))) {
            return false;
        }
    }
    return true;
}

enum att_err att_spec_check_calibration(const struct att_channel *now,
                                        const struct att_channel *next, struct att_diag *diag)
{
    const struct att_calibration *a = &now->calibration;
    const struct att_calibration *b = &next->calibration;

    if (ATT_GUARD(SPEC_CALIBRATION_FALLS, b->version < a->version)) {
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_CFG_SPECOLD, "calibration",
                        "%s: expected a calibration of version %llu or more, found %llu", next->id,
                        (unsigned long long)a->version, (unsigned long long)b->version);
    }
    if (ATT_GUARD(SPEC_CALIBRATION_SAME,
                  b->version == a->version && !att_spec_same_calibration(a, b))) {
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_CFG_SPECOLD, "calibration",
                        "%s: expected a version above %llu, as the calibration changed", next->id,
                        (unsigned long long)a->version);
    }
    return ATT_OK;
}

enum att_err att_spec_check_version(const struct att_spec *now, const struct att_spec *next,
                                    struct att_diag *diag)
{
    bool same = memcmp(now->digest, next->digest, 32) == 0;

    if (ATT_GUARD(SPEC_OTHER_ID, strcmp(now->id, next->id) != 0)) {
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_CFG_SPECOLD, "specification",
                        "expected %s, found %s", now->id, next->id);
    }
    if (ATT_GUARD(SPEC_VERSION_FALLS, next->version < now->version) ||
        ATT_GUARD(SPEC_VERSION_SAME, next->version == now->version && !same)) {
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_CFG_SPECOLD, "version",
                        "expected a version above %llu, found %llu",
                        (unsigned long long)now->version, (unsigned long long)next->version);
    }
    return ATT_OK;
}

enum att_err att_spec_check_next(const struct att_spec *now, const struct att_spec *next,
                                 struct att_diag *diag)
{
    enum att_err err = att_spec_check_version(now, next, diag);

    for (size_t i = 0; err == ATT_OK && i < next->channel_count; i++) {
        const struct att_channel *before = att_spec_channel(now, next->channel[i].id);

        if (before != NULL) {
            err = att_spec_check_calibration(before, &next->channel[i], diag);
        }
    }
    return err;
}
