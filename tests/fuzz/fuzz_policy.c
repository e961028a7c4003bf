/*
 * Bytes that are a compiled policy are its only encoding; a signature is believed of who is listed alone, and
 * never of bytes that came from elsewhere.
 */
#include <unistd.h>

#include "base/file.h"
#include "cbor_mutate.h"
#include "policy/policy_file.h"
#include "policy_holds.h"

static struct att_signers *listed;
static struct att_signers *nobody;
static struct att_signer *signer;

/* One key, listed in a folder as an operator does it. */
static void make_signer(void)
{
    char folder[] = "/tmp/att-fuzz-policy-XXXXXX";
    char path[64];
    struct att_privkey *key = NULL;
    struct att_buf *spki = NULL;

    HOLDS(mkdtemp(folder) != NULL);
    HOLDS(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    HOLDS(att_signer_software(&signer, key) == ATT_OK);
    HOLDS(att_pubkey_spki(&spki, signer->public_key) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/key.pem", folder);
    HOLDS(att_file_write(path, att_buf_slice(spki), 0600, NULL) == ATT_OK);
    HOLDS(att_signers_new(&listed) == ATT_OK && att_signers_new(&nobody) == ATT_OK);
    HOLDS(att_signers_load(listed, folder, NULL) == ATT_OK);
    HOLDS(unlink(path) == 0 && rmdir(folder) == 0);
    HOLDS(att_signers_load(nobody, folder, NULL) == ATT_E_NOT_FOUND);
    HOLDS(att_signers_add(nobody, "nobody", att_slice_str("no key"), NULL) != ATT_OK);
    HOLDS(att_signers_add(nobody, "nobody", att_buf_slice(spki), NULL) == ATT_OK);
    att_signers_freep(&nobody);
    HOLDS(nobody == NULL && att_signers_new(&nobody) == ATT_OK);
    att_buf_free(spki);
}

/* Only with the signature as it is, and only where the signer is listed. */
static void when_signed(const struct att_policy *p, size_t salt)
{
    static uint8_t flipped[ATT_POLICY_FILE_MAX + 4096];
    struct att_buf *message = NULL;
    struct att_policy *q = NULL;
    struct att_policy_origin from = {0};
    size_t len = 0;

    HOLDS(att_policy_sign(&message, p, signer) == ATT_OK);
    HOLDS(att_policy_open(&q, "fuzz", att_buf_slice(message), listed, false, &from, NULL) ==
          ATT_OK);
    HOLDS(from.is_signed && memcmp(q->digest, p->digest, 32) == 0);
    att_policy_free(q);
    q = NULL;
    HOLDS(att_policy_open(&q, "fuzz", att_buf_slice(message), nobody, true, NULL, NULL) != ATT_OK);
    len = att_buf_len(message);
    HOLDS(len <= sizeof(flipped));
    memcpy(flipped, att_buf_slice(message).p, len);
    flipped[1 + salt % (len - 1)] ^= (uint8_t)(1U << salt % 8);
    HOLDS(att_policy_open(&q, "fuzz", att_slice_of(flipped, len), listed, false, NULL, NULL) !=
          ATT_OK);
    att_buf_free(message);
}

static void as_a_file(struct att_slice in)
{
    struct att_policy *p = NULL;
    struct att_policy_origin from = {0};
    struct att_diag diag = {0};

    HOLDS(att_policy_open(&p, "fuzz", in, listed, false, NULL, &diag) != ATT_OK && p == NULL);
    HOLDS(diag.reason == ATT_R_CFG_POLICYSIG);
    if (!att_document_is_signed(in)) { /* a text: only where that was said */
        HOLDS(att_policy_open(&p, "fuzz", in, nobody, true, NULL, &diag) == ATT_OK ||
              diag.reason != ATT_R_CFG_POLICYSIG);
        att_policy_freep(&p);
    }
    if (att_policy_peek(&p, "fuzz", in, &from, NULL) == ATT_OK) {
        HOLDS(from.is_signed == att_document_is_signed(in));
        policy_holds(p);
        att_policy_free(p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    struct att_policy *p = NULL;
    struct att_diag diag = {0};

    if (signer == NULL) {
        make_signer();
    }
    if (att_policy_decode(&p, in, &diag) == ATT_OK) {
        struct att_buf *encoded = NULL;

        HOLDS(att_policy_encode(&encoded, p) == ATT_OK);
        HOLDS(att_slice_eq(att_buf_slice(encoded), in));
        att_buf_free(encoded);
        policy_holds(p);
        when_signed(p, size + data[size / 2]);
        att_policy_free(p);
    } else {
        HOLDS(p == NULL && diag.reason == ATT_R_CFG_POLICY);
    }
    as_a_file(in);
    return 0;
}

FUZZ_MUTATES_CBOR(0)
