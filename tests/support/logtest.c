#include "logtest.h"

#include <stdlib.h>
#include <string.h>

#include "cosetest.h"
#include "need.h"
#include "treetest.h"

void logtest_open(struct logtest *l)
{
    l->issuer = cosetest_signer(ATT_KEY_EC_P256);
    l->log = cosetest_signer(ATT_KEY_ED25519);
}

void logtest_close(struct logtest *l)
{
    att_signer_free(l->issuer);
    att_signer_free(l->log);
}

struct att_entry_facts logtest_label_facts(void)
{
    static const uint8_t cti[ATT_ENTRY_CTI] = {1, 2, 3};
    static const uint8_t evidence[32] = {4}, policy[32] = {5}, refvals[32] = {6};
    static const int status = 96;

    return (struct att_entry_facts){
        .issuer = "verifier.test",
        .subject = "urn:dev:ueid:01aa",
        .kind = "refused",
        .reason = "E_REF_MISMATCH",
        .iat = LOGTEST_NOW,
        .exp = LOGTEST_NOW + 3600,
        .cti = cti,
        .status = &status,
        .evidence = evidence,
        .policy = policy,
        .refvals = refvals,
        .of_label = true,
        .digest = {7},
    };
}

struct att_entry_facts logtest_event_facts(void)
{
    return (struct att_entry_facts){
        .issuer = "verifier.test", .kind = "policy", .iat = LOGTEST_NOW, .digest = {8}};
}

void logtest_receipt(struct att_buf **receipt, const struct logtest *l, struct att_slice entry,
                     uint64_t index, uint64_t size)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *root = NULL;
    struct att_merkle_path path;
    struct att_receipt_place place = {.index = index, .size = size, .path = &path};
    struct treetest t;
    struct att_receipt_root signed_root = {
        .origin = LOGTEST_ORIGIN, .iat = LOGTEST_NOW, .head = {.size = size}};

    treetest_open(&t, size);
    NEED(att_merkle_leaf(t.leaf[index], t.hasher, entry) == ATT_OK);
    treetest_root(signed_root.head.root, &t, size);
    treetest_inclusion(&path, &t, index, size);
    NEED(att_receipt_sign(&root, &signed_root, l->log) == ATT_OK);
    NEED(att_receipt_make(receipt, att_buf_slice(root), &place, entry) == ATT_OK);
    treetest_close(&t);
}
