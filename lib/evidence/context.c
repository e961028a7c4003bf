/* The bytes that qualifying data is the hash of. */
#include "evidence/context.h"

#include "base/guard.h"
#include "base/wr.h"
#include "codec/cbor_wr.h"
#include "crypto/digest.h"
#include "evidence/profile.h"

#define CONTEXT_MAX 1024

const char *att_log_name(enum att_log log)
{
    static const char *const NAMES[ATT_LOG__COUNT] = {"uefi", "ima", "own"};

    return (unsigned int)log < ATT_LOG__COUNT ? NAMES[log] : "none";
}

static enum att_err hash_context(uint8_t out[32], const struct att_wr *w)
{
    struct att_slice encoded;
    enum att_err err = att_cbor_wr_done(w, &encoded);

    if (err != ATT_OK) {
        return err;
    }
    return att_sha256(encoded, out);
}

enum att_err att_quote_qualifying(uint8_t out[32], const struct att_quote_context *ctx)
{
    uint8_t room[CONTEXT_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    size_t logs = 0;

    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        logs += ctx->logs.has[i] ? 1 : 0;
    }
    att_cbor_wr_array(&w, 7);
    att_cbor_wr_text(&w, ATT_PURPOSE_QUOTE);
    att_cbor_wr_text(&w, ctx->verifier_id);
    att_cbor_wr_bytes(&w, att_slice_of(ctx->nonce, ATT_NONCE_LEN));
    att_cbor_wr_text(&w, ctx->device_id);
    att_cbor_wr_bytes(&w, att_slice_of(ctx->session, ATT_SESSION_LEN));
    att_cbor_wr_bytes(&w, att_slice_of(ctx->claims_digest, 32));
    att_cbor_wr_array(&w, logs);
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        if (!ctx->logs.has[i]) {
            continue;
        }
        att_cbor_wr_array(&w, 2);
        att_cbor_wr_text(&w, att_log_name((enum att_log)i));
        att_cbor_wr_uint(&w, ctx->logs.off[i]);
    }
    return hash_context(out, &w);
}

enum att_err att_enrol_qualifying(uint8_t out[32], const struct att_enrol_context *ctx)
{
    uint8_t room[CONTEXT_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));

    att_cbor_wr_array(&w, 7);
    att_cbor_wr_text(&w, ATT_PURPOSE_ENROL);
    att_cbor_wr_text(&w, ctx->verifier_id);
    att_cbor_wr_bytes(&w, att_slice_of(ctx->nonce, ATT_NONCE_LEN));
    att_cbor_wr_text(&w, ctx->device_id);
    att_cbor_wr_bytes(&w, ctx->ek_name);
    att_cbor_wr_bytes(&w, ctx->ak_name);
    att_cbor_wr_bytes(&w, att_slice_of(ctx->csr_digest, 32));
    return hash_context(out, &w);
}

enum att_err att_certify_qualifying(uint8_t out[32], const struct att_certify_context *ctx)
{
    uint8_t room[CONTEXT_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));

    att_cbor_wr_array(&w, 8);
    att_cbor_wr_text(&w, ATT_PURPOSE_CERTIFY);
    att_cbor_wr_text(&w, ctx->verifier_id);
    att_cbor_wr_bytes(&w, att_slice_of(ctx->nonce, ATT_NONCE_LEN));
    att_cbor_wr_text(&w, ctx->device_id);
    att_cbor_wr_bytes(&w, att_slice_of(ctx->session, ATT_SESSION_LEN));
    att_cbor_wr_bytes(&w, ctx->ak_name);
    att_cbor_wr_bytes(&w, ctx->parent_name);
    att_cbor_wr_bytes(&w, ctx->key_name);
    return hash_context(out, &w);
}

enum att_err att_data_key_ref(uint8_t out[32], const char *device_id)
{
    uint8_t room[CONTEXT_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));

    att_cbor_wr_array(&w, 2);
    att_cbor_wr_text(&w, ATT_PURPOSE_DATA_KEY);
    att_cbor_wr_text(&w, device_id);
    return hash_context(out, &w);
}

static bool id_character(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

enum att_err att_device_id_check(struct att_slice id, struct att_diag *diag)
{
    char shown[96];

    if (ATT_GUARD(ID_LENGTH, id.len == 0 || id.len > ATT_DEVICE_ID_MAX)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_ID, "device id",
                        "expected 1 to %d characters, found %zu", ATT_DEVICE_ID_MAX, id.len);
    }
    for (size_t i = 0; i < id.len; i++) {
        if (ATT_GUARD(ID_CHARACTER, !id_character(id.p[i]))) {
            return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_ID, "device id", i,
                               "expected A-Z a-z 0-9 . _ -, found \"%s\"",
                               att_escape(shown, sizeof(shown), id.p, id.len));
        }
    }
    return ATT_OK;
}
