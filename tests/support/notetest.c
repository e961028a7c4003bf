/* Keys of RFC 8032 and notes that they sign. */
#include "notetest.h"

#include <string.h>

#include "need.h"

#define PEM(key) "-----BEGIN PRIVATE KEY-----\n" key "\n-----END PRIVATE KEY-----\n"

static struct att_signer *signer_of(const char *pem)
{
    struct att_privkey *key = NULL;
    struct att_signer *s = NULL;

    NEED(att_privkey_from_pem(&key, att_slice_str(pem), NULL) == ATT_OK);
    NEED(att_signer_software(&s, key) == ATT_OK);
    return s;
}

struct att_signer *notetest_log_signer(void)
{
    return signer_of(PEM("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"));
}

struct att_signer *notetest_witness_signer(void)
{
    return signer_of(PEM("MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7"));
}

struct att_vkey *notetest_vkey(const char *text)
{
    struct att_vkey *k = NULL;

    NEED(att_vkey_parse(&k, att_slice_str(text), NULL) == ATT_OK);
    return k;
}

struct att_buf *notetest_sign(struct att_slice text, const char *name,
                              struct att_signer *const *signers, size_t count)
{
    const struct att_note_order order = {
        .text = text, .name = att_slice_str(name), .type = ATT_NOTE_ED25519};
    struct att_buf *note = NULL;

    NEED(att_note_make(&note, &order, signers[0]) == ATT_OK);
    for (size_t i = 1; i < count; i++) {
        struct att_buf *line = NULL;

        NEED(att_note_sign(&line, &order, signers[i]) == ATT_OK);
        NEED(att_buf_add_slice(note, att_buf_slice(line)) == ATT_OK);
        att_buf_free(line);
    }
    return note;
}
