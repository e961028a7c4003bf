/* TPMT_PUBLIC (Part 2, 12.2.4): keys as the TPM describes them, their names and attributes. */
#ifndef ATT_TCG_PUBAREA_H
#define ATT_TCG_PUBAREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "crypto/verify.h"

#define ATT_PUBAREA_MAX        1024
#define ATT_NAME_MAX           (2 + ATT_HASH_MAX)
#define ATT_TPM_RH_OWNER       0x40000001U
#define ATT_TPM_RH_ENDORSEMENT 0x4000000bU

#define ATT_OBJ_FIXED_TPM             0x00000002U
#define ATT_OBJ_ST_CLEAR              0x00000004U
#define ATT_OBJ_FIXED_PARENT          0x00000010U
#define ATT_OBJ_SENSITIVE_DATA_ORIGIN 0x00000020U
#define ATT_OBJ_USER_WITH_AUTH        0x00000040U
#define ATT_OBJ_ADMIN_WITH_POLICY     0x00000080U
#define ATT_OBJ_NO_DA                 0x00000400U
#define ATT_OBJ_ENCRYPTED_DUPLICATION 0x00000800U
#define ATT_OBJ_RESTRICTED            0x00010000U
#define ATT_OBJ_DECRYPT               0x00020000U
#define ATT_OBJ_SIGN                  0x00040000U

struct att_pubarea {
    uint16_t type; /* 0x0001 RSA, 0x0023 ECC */
    enum att_hash name_alg;
    uint32_t attributes;
    struct att_slice auth_policy;
    /* symmetric of a storage key: alg 0x0010 means none */
    uint16_t sym_alg, sym_bits, sym_mode;
    uint16_t scheme;           /* 0x0010 none */
    enum att_hash scheme_hash; /* NONE when scheme is none */
    uint16_t rsa_bits;
    uint32_t rsa_exponent; /* 0 means 65537 */
    struct att_slice rsa_n;
    uint16_t ecc_curve; /* 3 P-256, 4 P-384, 5 P-521; others parse and give no key */
    struct att_slice ecc_x, ecc_y;
    struct att_slice encoded; /* the whole TPMT_PUBLIC as sent: what the name hashes */
};

/*
 * att_pubarea_parse - strict TPMT_PUBLIC, or TPM2B_PUBLIC when its size field covers the whole
 *                     input. Slices borrow in.
 *
 * Errors  TRUNCATED TRAILING FORMAT LIMIT UNSUPPORTED, reason FMT_KEY
 */
ATT_MUST_USE enum att_err att_pubarea_parse(struct att_pubarea *out, struct att_slice in,
                                            struct att_diag *diag);

/* nameAlg || H(encoded). out holds ATT_NAME_MAX bytes. */
ATT_MUST_USE enum att_err att_pubarea_name(uint8_t *out, size_t *out_len,
                                           const struct att_pubarea *p);

/* Do the bytes parse, and is this their name? */
bool att_pubarea_has_name(struct att_slice encoded, struct att_slice name);

/*
 * att_pubarea_padded - the same TPMT_PUBLIC with ECC coordinates of full length: TPMs have left out leading
 * zeros, and one key must not have two spellings in our records. out borrows room. LIMIT.
 */
ATT_MUST_USE enum att_err att_pubarea_padded(struct att_slice *out, uint8_t room[ATT_PUBAREA_MAX],
                                             const struct att_pubarea *p);

/* The name of an endorsement key: of its padded form. An attestation key's stays what its TPM computes. */
ATT_MUST_USE enum att_err att_pubarea_ek_name(uint8_t *out, size_t *out_len,
                                              const struct att_pubarea *p);

/* The qualified name of a primary: alg || H(be32(hierarchy) || name) (Part 1, 16.5). */
ATT_MUST_USE enum att_err att_qualified_name(uint8_t *out, size_t *out_len, uint32_t hierarchy,
                                             struct att_slice name);

/* The qualified name of a child: alg || H(parent's qualified name || name) (the same). UNSUPPORTED FORMAT CRYPTO */
ATT_MUST_USE enum att_err att_qualified_child(uint8_t *out, size_t *out_len,
                                              struct att_slice parent, struct att_slice name);

ATT_MUST_USE enum att_err att_pubarea_key(struct att_pubkey **out, const struct att_pubarea *p,
                                          struct att_diag *diag); /* ID_KEY, ID_WEAKKEY */

/*
 * att_pubarea_check_ak - DENIED (ID_AKATTR) unless restricted, sign, fixedTPM, fixedParent and
 * sensitiveDataOrigin are set, decrypt and stClear are not, and the scheme is ECDSA or RSASSA with
 * SHA-256 or better. noDA is asked for too (D2).
 */
ATT_MUST_USE enum att_err att_pubarea_check_ak(const struct att_pubarea *p, struct att_diag *diag);

/*
 * The keys that a factory left in the TPM (TCG, TPM 2.0 Keys for Device Identity and Attestation 1.0, 7.3.4).
 *
 * att_pubarea_check_iak - DENIED (ID_IAKATTR) unless it is a restricted signing key that cannot leave the TPM, was made
 * there and does not decrypt, and its scheme is ECDSA, RSASSA or RSAPSS with SHA-256 or better. Unlike our own
 * attestation key it need not be noDA: the templates are not.
 * att_pubarea_check_idevid - the same of an IDevID key, which is not restricted and may leave its scheme open.
 */
ATT_MUST_USE enum att_err att_pubarea_check_iak(const struct att_pubarea *p, struct att_diag *diag);
ATT_MUST_USE enum att_err att_pubarea_check_idevid(const struct att_pubarea *p,
                                                   struct att_diag *diag);

/* DENIED (ID_EKCERT) unless it is a restricted, fixed decryption key; (ID_WEAKKEY) on another curve than
 * P-256 or P-384. */
ATT_MUST_USE enum att_err att_pubarea_check_ek(const struct att_pubarea *p, struct att_diag *diag);

/* The scheme that signatures of this key must carry. UNSUPPORTED when it names none. */
ATT_MUST_USE enum att_err att_pubarea_scheme(enum att_scheme *scheme, enum att_hash *hash,
                                             const struct att_pubarea *p);

#endif
