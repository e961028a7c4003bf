/*
 * Checkpoints: a head that is read is written the same again; one that verifies is the very note that the log's key
 * makes (Ed25519 has one signature for one text), and another root of that size is a fork of it.
 */
#include "fuzz.h"
#include "tlog/checkpoint.h"

/* RFC 8032 7.1, tests 1 and 2: the keys of the example in docs/formats/log.md. */
#define PEM(key)    "-----BEGIN PRIVATE KEY-----\n" key "\n-----END PRIVATE KEY-----\n"
#define LOG_KEY     PEM("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g")
#define WITNESS_KEY PEM("MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7")
#define WITNESS     "witness.example/w1"

static struct att_signer *log_signer, *witness_signer;
static struct att_vkey *log_key, *witness_key;
static const struct att_vkey *witnesses[1];
static struct att_checkpoint_keys keys;

static void one_key(struct att_signer **signer, struct att_vkey **vkey, const char *pem,
                    const char *name, enum att_note_type type)
{
    struct att_privkey *key = NULL;

    HOLDS(att_privkey_from_pem(&key, att_slice_str(pem), NULL) == ATT_OK);
    HOLDS(att_signer_software(signer, key) == ATT_OK);
    HOLDS(att_vkey_new(vkey, att_slice_str(name), type, (*signer)->public_key) == ATT_OK);
}

static void make_keys(void)
{
    if (log_key != NULL) {
        return;
    }
    one_key(&log_signer, &log_key, LOG_KEY, "log.example/gateways", ATT_NOTE_ED25519);
    one_key(&witness_signer, &witness_key, WITNESS_KEY, WITNESS, ATT_NOTE_COSIGNATURE);
    witnesses[0] = witness_key;
    keys = (struct att_checkpoint_keys){.log = log_key, .witness = witnesses, .witness_count = 1};
}

static void text_again(struct att_slice text)
{
    struct att_tree_head head;
    struct att_diag diag = {0};
    struct att_buf *again = NULL;

    if (att_tree_head_parse(&head, text, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_TL_CKPT && diag.off <= text.len);
        return;
    }
    HOLDS(head.origin.len > 0 && head.tree.size <= ATT_MERKLE_SIZE_MAX);
    HOLDS(att_tree_head_encode(&again, &head) == ATT_OK);
    HOLDS(att_slice_eq(att_buf_slice(again), text));
    att_buf_free(again);
}

/* Does the input hold these bytes, which one of our keys made? */
static void holds_made(struct att_slice in, struct att_buf *made)
{
    struct att_slice m = att_buf_slice(made);
    bool found = false;

    for (size_t i = 0; !found && i + m.len <= in.len; i++) {
        found = att_slice_eq(att_slice_of(in.p + i, m.len), m);
    }
    HOLDS(found);
    att_buf_free(made);
}

/* The log signs another root of that size: both verify, and that is a fork. */
static void fork_of(const struct att_checkpoint *c)
{
    struct att_tree_head head = *att_checkpoint_head(c);
    struct att_buf *note = NULL;
    struct att_checkpoint *other = NULL;

    HOLDS(att_checkpoint_check_fork(c, c, NULL) == ATT_OK);
    head.tree.root[31] ^= 1;
    if (head.tree.size == 0) {
        HOLDS(att_checkpoint_make(&note, &head, log_signer) == ATT_E_INTERNAL);
        return;
    }
    HOLDS(att_checkpoint_make(&note, &head, log_signer) == ATT_OK);
    HOLDS(att_checkpoint_open(&other, att_buf_slice(note), &keys, NULL) == ATT_OK);
    HOLDS(att_checkpoint_check_fork(c, other, NULL) == ATT_E_CONFLICT);
    att_checkpoint_free(other);
    att_buf_free(note);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    struct att_checkpoint *c = NULL;
    struct att_diag diag = {0};
    struct att_note note;
    struct att_buf *made = NULL;
    uint64_t time_s = 0;

    make_keys();
    text_again(in);
    if (att_note_parse(&note, in, NULL) == ATT_OK) {
        text_again(note.text);
    }
    if (att_checkpoint_open(&c, in, &keys, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_TL_CKPT);
        return 0;
    }
    HOLDS(att_slice_eq(att_checkpoint_head(c)->origin, att_vkey_name(log_key)));
    if (att_checkpoint_cosigned_by(c, witness_key, &time_s)) {
        HOLDS(att_checkpoint_cosigned(c) == 1);
        HOLDS(att_checkpoint_cosign(&made, c, att_slice_str(WITNESS), time_s, witness_signer) ==
              ATT_OK);
        holds_made(in, made);
    }
    fork_of(c);
    att_checkpoint_free(c);
    return 0;
}
