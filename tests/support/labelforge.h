/*
 * A label put together by hand from the parts of a genuine one: an attack changes one thing, and the signature of the
 * issuer's own key holds over what stands there then, unless the attack is on the signature.
 */
#ifndef ATT_TEST_LABELFORGE_H
#define ATT_TEST_LABELFORGE_H

#include "appraise/offline.h"
#include "bytes.h"
#include "issuer.h"

/* All zero: the genuine label again. Text is hex but for context and aad. */
struct labelforge {
    const char *context;     /* of the Sig_structure; NULL: "Signature1" */
    const char *aad;         /* NULL: empty */
    const char *tag, *array; /* NULL: d2 84 */
    const char
        *protected_hex; /* the whole content of the protected bstr; NULL: the genuine map, with: */
    const char *head;   /*   its head; NULL: counted */
    const char *front;  /*   pairs before alg */
    const char *alg;    /*   the value of alg; NULL: 26; "": no alg */
    const char *mid, *more;  /*   pairs behind alg; behind x5chain */
    int pairs;               /*   how many those are in all */
    const char *unprotected; /* NULL: a0 */
    const char
        *payload_item; /* in place of the payload, behind the signature's back; NULL: the payload */
    const char *tail;  /* behind everything; NULL: nothing */
    struct att_slice payload; /* what is signed and sent; empty: the genuine claims */
};

/* Made of this label, signed by this issuer. */
struct bytes labelforge_make(const struct labelforge *f, struct att_slice genuine,
                             const struct issuer *is);
/* The same label under another signature of these bytes. */
struct bytes labelforge_sign_with(struct att_slice genuine, struct att_slice signature);
/* The signature's other form: s replaced by n - s. P-256; 64 bytes in and out. */
void labelforge_other_s(uint8_t out[64], struct att_slice signature);
/* A copy of the label's claims in which the last place of these bytes (hex) holds others; head: another first byte, or 0. */
struct bytes labelforge_claims(struct att_slice genuine, const char *from, const char *to,
                               int head);

/* Judged at ISSUER_NOW, it must get this verdict, and the first check that does not pass this reason. */
void labelforge_expect(struct att_slice label, const struct issuer *is,
                       const struct att_trust_rules *rules, enum att_verdict verdict,
                       const char *code, const char *what);

#endif
