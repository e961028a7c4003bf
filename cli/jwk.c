/* A key as others keep it for CoRIM. */
#include "jwk.h"

#include <string.h>

#include "base/b64.h"
#include "codec/json.h"

static bool coordinate(uint8_t out[66], size_t *len, const json_t *jwk, const char *name)
{
    const char *text = json_string_value(json_object_get(jwk, name));

    return text != NULL &&
           att_b64_decode(out, 66, len, ATT_B64_URL, text, strlen(text)) == ATT_OK && *len > 0;
}

enum att_err jwk_key(struct att_pubkey **out, struct att_slice in, struct att_diag *diag)
{
    static const struct {
        const char *name;
        enum att_key_type type;
    } CURVES[] = {
        {"P-256", ATT_KEY_EC_P256}, {"P-384", ATT_KEY_EC_P384}, {"P-521", ATT_KEY_EC_P521}};
    ATT_CLEANUP(att_json_freep) json_t *jwk = NULL;
    enum att_err err = att_json_parse(&jwk, in, diag);
    const char *curve = json_string_value(json_object_get(jwk, "crv"));
    uint8_t x[66];
    uint8_t y[66];
    size_t x_len = 0;
    size_t y_len = 0;

    for (size_t i = 0; err == ATT_OK && curve != NULL && i < ATT_COUNT(CURVES); i++) {
        if (strcmp(curve, CURVES[i].name) == 0 && coordinate(x, &x_len, jwk, "x") &&
            coordinate(y, &y_len, jwk, "y")) {
            return att_pubkey_from_ec(out, CURVES[i].type, att_slice_of(x, x_len),
                                      att_slice_of(y, y_len), diag);
        }
    }
    return err != ATT_OK ? err
                         : att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_KEY, "--key",
                                    "expected a JSON Web Key of type EC, PEM or DER");
}
