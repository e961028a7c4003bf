/*
 * The first byte chooses: an entry, a receipt, or a label that carries receipts. An entry that verifies under the
 * key of the seeds names it; a receipt that verifies is of a place in its tree, and of the bytes that it carries.
 */
#include <string.h>

#include "base/hex.h"
#include "cbor_mutate.h"
#include "fuzz.h"
#include "tlog/receipt.h"

#define ORIGIN "log.test/one"

/* The keys that the seeds of the corpus are signed with. */
static const char log_key[] =
    "302a300506032b65700321000bbee2e9dbecc27f480d73c14e400a8ec57a8b1f288d68faf3abdf7e260ed673";
static const char issuer_key[] =
    "3059301306072a8648ce3d020106082a8648ce3d03010703420004c5ffa5e651e08ec6124a204d659685325a242149"
    "22"
    "e492e93e55c4bfbae14951d051c08edbdeea1de8b27a9d84d4a1b8a30ab9a14f07af28d82c36da3e8a8a44";

static const struct att_pubkey *key_of(struct att_pubkey **cached, const char *hex)
{
    uint8_t der[128];
    size_t len = 0;

    if (*cached == NULL) {
        HOLDS(att_hex_decode(der, sizeof(der), &len, hex, strlen(hex)) == ATT_OK);
        HOLDS(att_pubkey_from_spki(cached, att_slice_of(der, len), NULL) == ATT_OK);
    }
    return *cached;
}

static void entry(struct att_slice in)
{
    static struct att_pubkey *key;
    struct att_diag diag = {0};
    struct att_entry e;

    if (att_entry_parse(&e, in, &diag) != ATT_OK) {
        HOLDS(diag.reason != ATT_R_NONE);
        return;
    }
    HOLDS(e.issuer[0] != '\0' && e.kind[0] != '\0' && e.iat > 0);
    HOLDS(!e.of_label || (e.has_cti && e.has_status && e.exp > 0 && e.subject[0] != '\0'));
    if (att_entry_verify(&e, key_of(&key, issuer_key), &diag) != ATT_OK)
        HOLDS(diag.reason != ATT_R_NONE);
}

/* A signed root alone: its time is in the future of 1970, or it is refused. */
static void signed_root(struct att_slice in)
{
    struct att_diag diag = {0};
    int64_t iat = 0;

    if (att_receipt_signed_at(&iat, in, &diag) == ATT_OK)
        HOLDS(iat >= 0);
    else
        HOLDS(diag.reason != ATT_R_NONE && iat == 0);
}

static void receipt(struct att_slice in)
{
    static struct att_pubkey *key;
    struct att_diag diag = {0};
    char origin[ATT_ENTRY_NAME_MAX], little[4];
    struct att_receipt r;

    signed_root(in);
    if (att_receipt_origin(origin, sizeof(origin), in, &diag) == ATT_OK)
        HOLDS(att_receipt_origin(little, sizeof(little), in, NULL) == ATT_OK ||
              strlen(origin) >= sizeof(little));
    else
        HOLDS(diag.reason != ATT_R_NONE);
    if (att_receipt_verify(&r, in, ORIGIN, key_of(&key, log_key), &diag) != ATT_OK) {
        HOLDS(diag.reason != ATT_R_NONE);
        return;
    }
    HOLDS(strcmp(origin, ORIGIN) == 0 && r.index < r.head.size);
    HOLDS(r.entry.p > in.p && r.entry.p + r.entry.len < in.p + in.len);
}

static void label(struct att_slice in)
{
    struct att_slice one[ATT_RECEIPTS_MAX];
    uint8_t digest[32];
    struct att_diag diag = {0};
    struct att_cose m;
    size_t count = 0;

    if (att_cose_parse(&m, in, NULL) != ATT_OK)
        return;
    HOLDS(att_entry_of_label(digest, in, &diag) == ATT_OK);
    if (att_receipts_of(one, &count, &m, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_TL_RECEIPT);
        return;
    }
    HOLDS(count <= ATT_RECEIPTS_MAX);
    for (size_t i = 0; i < count; i++)
        receipt(one[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice rest;

    if (size < 2)
        return 0;
    rest = att_slice_of(&data[1], size - 1);
    if (data[0] % 3 == 0)
        entry(rest);
    else if (data[0] % 3 == 1)
        receipt(rest);
    else
        label(rest);
    return 0;
}

FUZZ_MUTATES_CBOR(1)
