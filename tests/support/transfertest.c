/* Keys and statements of a transfer. */
#include "transfertest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/file.h"
#include "base/hex.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "need.h"

static struct att_signer *new_key(void)
{
    struct att_privkey *key = NULL;
    struct att_signer *signer = NULL;

    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_signer_software(&signer, key) == ATT_OK);
    return signer;
}

void transfertest_name(struct transfertest *x, const struct att_signer *receiver)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;

    NEED(att_pubkey_spki(&spki, receiver->public_key) == ATT_OK);
    x->t.receiver.key_len = att_buf_len(spki);
    memcpy(x->t.receiver.key, att_buf_slice(spki).p, att_buf_len(spki));
}

void transfertest_new(struct transfertest *x, const char *from, const char *to, int64_t now_utc)
{
    *x = (struct transfertest){.giver = new_key(), .receiver = new_key(), .stranger = new_key()};
    NEED(att_random(x->t.id, sizeof(x->t.id)) == ATT_OK);
    (void)snprintf(x->t.giver.verifier_id, sizeof(x->t.giver.verifier_id), "%s", from);
    (void)snprintf(x->t.receiver.verifier_id, sizeof(x->t.receiver.verifier_id), "%s", to);
    (void)snprintf(x->t.giver.device_id, sizeof(x->t.giver.device_id), "gw-1");
    (void)snprintf(x->t.receiver.device_id, sizeof(x->t.receiver.device_id), "gw-1");
    x->t.ek_name_len = x->t.ak_name_len = 34;
    x->t.ek_name[1] = x->t.ak_name[1] = 0x0b;
    x->t.ek_name[33] = 1;
    x->t.offered_utc = x->t.accepted_utc = now_utc;
    x->t.expires_utc = now_utc + 86400;
    transfertest_name(x, x->receiver);
}

void transfertest_clear(struct transfertest *x)
{
    att_signer_free(x->giver);
    att_signer_free(x->receiver);
    att_signer_free(x->stranger);
    att_buf_free(x->offer);
    att_buf_free(x->statement);
}

void transfertest_offer(struct transfertest *x, const struct att_signer *giver)
{
    att_buf_freep(&x->offer);
    NEED(att_transfer_offer_make(&x->offer, &x->t, giver) == ATT_OK);
}

void transfertest_accept(struct transfertest *x, const struct att_signer *receiver,
                         const struct att_signer *named)
{
    att_buf_freep(&x->statement);
    NEED(att_transfer_accept_make(&x->statement, &x->t, att_buf_slice(x->offer), named->public_key,
                                  receiver) == ATT_OK);
}

void transfertest_sign(struct transfertest *x)
{
    transfertest_offer(x, x->giver);
    transfertest_accept(x, x->receiver, x->giver);
}

static void take(uint8_t *out, size_t cap, size_t *len, const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    NEED(text != NULL && att_hex_decode(out, cap, len, text, strlen(text)) == ATT_OK);
}

void transfertest_of(struct transfertest *x, struct inproc *v, const char *device)
{
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    struct inproc_answer a = {0};
    char path[96];
    size_t len = 0;

    (void)snprintf(path, sizeof(path), "/offers/%s", device);
    inproc_admin(v, "GET", path, "", &a);
    NEED(a.http == 200 && att_json_parse(&doc, inproc_body(&a), NULL) == ATT_OK);
    take(x->t.ek_name, sizeof(x->t.ek_name), &x->t.ek_name_len, doc, "ek_name");
    take(x->t.ak_name, sizeof(x->t.ak_name), &x->t.ak_name_len, doc, "ak_name");
    x->t.has_ek_cert = json_is_string(json_object_get(doc, "ek_cert"));
    if (x->t.has_ek_cert)
        take(x->t.ek_cert, sizeof(x->t.ek_cert), &len, doc, "ek_cert");
    (void)snprintf(x->t.giver.device_id, sizeof(x->t.giver.device_id), "%s", device);
    (void)snprintf(x->t.receiver.device_id, sizeof(x->t.receiver.device_id), "%s", device);
    inproc_answer_clear(&a);
}

void transfertest_trust(const struct inproc *v, const struct att_signer *key, const char *name)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/transfer-signers/%s.pem", v->dir, name);
    NEED(att_pubkey_spki(&spki, key->public_key) == ATT_OK);
    NEED(att_file_write(path, att_buf_slice(spki), 0644, NULL) == ATT_OK);
}

enum att_reason transfertest_post(struct inproc *v, struct att_slice bytes)
{
    char text[ATT_B64_LEN(ATT_TRANSFER_MAX) + 1];
    char body[sizeof(text) + 32];
    struct inproc_answer a = {0};
    enum att_reason reason;

    NEED(bytes.len <= ATT_TRANSFER_MAX);
    (void)snprintf(body, sizeof(body), "{\"cose\": \"%s\"}",
                   att_b64_encode(text, sizeof(text), ATT_B64_URL, bytes));
    inproc_admin(v, "POST", "/transfers", body, &a);
    NEED(a.count == 1 && (a.reason != ATT_R_NONE || a.http == 201));
    reason = a.reason;
    inproc_answer_clear(&a);
    return reason;
}
