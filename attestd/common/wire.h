/*
 * The documents that gateway and verifier exchange over HTTPS, as deterministic CBOR maps with integer
 * keys (docs/formats/protocol.md). Evidence itself is lib/evidence's.
 *
 * Readers refuse unknown keys, a version other than WIRE_VERSION (FMT_VERSION), wrong types and sizes.
 * Slices borrow the input.
 */
#ifndef ATTESTD_COMMON_WIRE_H
#define ATTESTD_COMMON_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/wr.h"

#define WIRE_VERSION      1
#define WIRE_EK_CERTS_MAX 8
#define WIRE_LOGS         3 /* uefi, ima, own: the numbers of enum att_log */
#define WIRE_REASONS_MAX  48
#define WIRE_SESSION_LEN  16
#define WIRE_NONCE_LEN    32
#define WIRE_STALE_AFTER  3       /* intervals that a gateway may be silent */
#define WIRE_PART_MAX     1048576 /* bytes of a log in one part */
#define WIRE_PART_HEAD    48      /* bytes that stand before them at most */

/* A key that the factory left in the TPM, and what vouches for it: [public, [certificate...]] */
struct wire_factory_key {
    struct att_slice public_area; /* TPMT_PUBLIC; empty: there is none */
    struct att_slice cert[WIRE_EK_CERTS_MAX];
    size_t cert_count; /* 1 at least */
};

/* POST /enrol/v1/begin  {0: version, 1: device id, ?2: token, 3: EK public, 4: [EK certificate...],
 * 5: AK public, 6: CSR, ?7: IAK, ?8: IDevID, with 7 alone} */
struct wire_enrol_begin {
    struct att_slice device_id;                  /* text */
    struct att_slice token;                      /* text; empty when none */
    struct att_slice ek_public;                  /* TPMT_PUBLIC */
    struct att_slice ek_cert[WIRE_EK_CERTS_MAX]; /* as read from NV; leaf candidates and chain */
    size_t ek_cert_count;
    struct att_slice ak_public; /* TPMT_PUBLIC */
    struct att_slice csr;       /* PKCS#10 DER */
    struct wire_factory_key iak, idevid;
};

/* 200: {0: version, 1: session, 2: nonce, 3: verifier id, 4: TPM2B_ID_OBJECT, 5: TPM2B_ENCRYPTED_SECRET,
 * 6: PCR selection as TPML_PCR_SELECTION} */
struct wire_enrol_challenge {
    struct att_slice session, nonce, verifier_id, id_object, secret, selection;
};

/* What the IAK says of another key of its TPM: [TPMS_ATTEST, TPMT_SIGNATURE] */
struct wire_certified {
    struct att_slice attest, signature; /* both empty: nothing is said */
};

/* POST /enrol/v1/activate  {0: version, 1: session, 2: secret, 3: TPMS_ATTEST, 4: TPMT_SIGNATURE,
 * ?5: the IAK about the AK, ?6: the IAK about the IDevID key} */
struct wire_enrol_activate {
    struct att_slice session, secret, attest, signature;
    struct wire_certified ak, idevid;
};

/* 200: {0: version, 1: device id, 2: client certificate DER, 3: interval seconds} */
struct wire_enrol_done {
    struct att_slice device_id, client_cert;
    uint64_t interval_s;
};

/* POST /enrol/v1/certify  {0: version}: who asks is said by the connection.
 * 201 + Location: {0: version, 1: session, 2: nonce, 3: verifier id, 4: authorising key, 5: its signature,
 * 6: milliseconds until it expires} */
struct wire_certify_challenge {
    struct att_slice session, nonce, verifier_id;
    struct att_slice authority; /* TPMT_PUBLIC: att_data_key_authority */
    struct att_slice signature; /* 64 bytes, over att_data_key_certify_policy || att_data_key_ref */
    uint64_t expires_ms;
};

/* POST /enrol/v1/certify/{session}  {0: version, 1: data key, 2: name of its parent, 3: TPMS_ATTEST, 4: TPMT_SIGNATURE} */
struct wire_certify {
    struct att_slice key, parent, attest, signature;
};

/* 200: {0: version, 1: name of the data key} */
struct wire_certify_done {
    struct att_slice name;
};

/* POST /challenge-response/v1/newSession  {0: version, 1: mask of logs that the gateway has,
 * 2: own PCR, ?3: [resetCount, restartCount] of the boot that its logs belong to} */
struct wire_new_session {
    uint64_t log_mask; /* bit i: enum att_log i */
    uint64_t own_pcr;
    bool has_boot;
    uint64_t reset_count, restart_count;
};

/* 201 + Location: {0: version, 1: session, 2: nonce, 3: verifier id, 4: selection, 5: {log: offset},
 * 6: milliseconds until it expires} ; offsets are 0 unless the boot is the one that the verifier knows */
struct wire_challenge {
    struct att_slice session, nonce, verifier_id, selection;
    uint64_t offset[WIRE_LOGS];
    uint64_t expires_ms;
};

/* POST .../session/{id}/part  {0: version, 1: log, 2: [resetCount, restartCount] of its boot, 3: first byte,
 * 4: how its kernel extends (0, 1), 5: bytes of the log from there} ; 200: a challenge for what follows, of the same session */
struct wire_part {
    uint64_t log; /* enum att_log: 1, the kernel's list */
    uint64_t reset_count, restart_count;
    uint64_t off;
    bool padded; /* the SHA-1 padded with zeros, else each bank's own hash: tcg/ima.h */
    struct att_slice bytes;
};

/* One reason: [code, severity (0 fail, 1 warn), requirement, name, expected / null, found / null, text] */
struct wire_reason {
    struct att_slice code, requirement, name, expected, found, text;
    uint64_t severity;
};

/* A state of time that is no fault: [code, words]. */
#define WIRE_STATES_MAX 4
struct wire_state {
    struct att_slice code, text;
};

/* Answer to evidence, with 200 (accepted) and inside the problem details of 422:
 * {0: version, 1: status tier, 2: label, 3: [reason...], 4: seconds until the next attestation,
 * 5: bytes of log behind the quote, ?6: [state...], ?7: authorisation of the data key} */
struct wire_outcome {
    uint64_t status;
    struct att_slice label; /* empty when none was issued */
    struct wire_reason reason[WIRE_REASONS_MAX];
    size_t reason_count;
    uint64_t next_s;
    uint64_t unattested;
    struct wire_state state[WIRE_STATES_MAX];
    size_t state_count;
    struct att_slice grant; /* att_grant_encode; empty when there is none */
};

/* Problem details in CBOR (RFC 9290) with our members: {70: code, 71: fix, ?72: outcome
 * (encoded as above, in a byte string), -1: title, -2: detail} */
struct wire_problem {
    struct att_slice title, detail, code, fix;
    struct att_slice outcome; /* empty when none */
};

ATT_MUST_USE enum att_err wire_enrol_begin_encode(struct att_wr *w,
                                                  const struct wire_enrol_begin *m);
ATT_MUST_USE enum att_err wire_enrol_begin_parse(struct wire_enrol_begin *out, struct att_slice in,
                                                 struct att_diag *diag);
ATT_MUST_USE enum att_err wire_enrol_challenge_encode(struct att_wr *w,
                                                      const struct wire_enrol_challenge *m);
ATT_MUST_USE enum att_err wire_enrol_challenge_parse(struct wire_enrol_challenge *out,
                                                     struct att_slice in, struct att_diag *diag);
ATT_MUST_USE enum att_err wire_enrol_activate_encode(struct att_wr *w,
                                                     const struct wire_enrol_activate *m);
ATT_MUST_USE enum att_err wire_enrol_activate_parse(struct wire_enrol_activate *out,
                                                    struct att_slice in, struct att_diag *diag);
ATT_MUST_USE enum att_err wire_enrol_done_encode(struct att_wr *w, const struct wire_enrol_done *m);
ATT_MUST_USE enum att_err wire_enrol_done_parse(struct wire_enrol_done *out, struct att_slice in,
                                                struct att_diag *diag);
ATT_MUST_USE enum att_err wire_certify_begin_encode(struct att_wr *w);
ATT_MUST_USE enum att_err wire_certify_begin_parse(struct att_slice in, struct att_diag *diag);
ATT_MUST_USE enum att_err wire_certify_challenge_encode(struct att_wr *w,
                                                        const struct wire_certify_challenge *m);
ATT_MUST_USE enum att_err wire_certify_challenge_parse(struct wire_certify_challenge *out,
                                                       struct att_slice in, struct att_diag *diag);
ATT_MUST_USE enum att_err wire_certify_encode(struct att_wr *w, const struct wire_certify *m);
ATT_MUST_USE enum att_err wire_certify_parse(struct wire_certify *out, struct att_slice in,
                                             struct att_diag *diag);
ATT_MUST_USE enum att_err wire_certify_done_encode(struct att_wr *w,
                                                   const struct wire_certify_done *m);
ATT_MUST_USE enum att_err wire_certify_done_parse(struct wire_certify_done *out,
                                                  struct att_slice in, struct att_diag *diag);
ATT_MUST_USE enum att_err wire_new_session_encode(struct att_wr *w,
                                                  const struct wire_new_session *m);
ATT_MUST_USE enum att_err wire_new_session_parse(struct wire_new_session *out, struct att_slice in,
                                                 struct att_diag *diag);
ATT_MUST_USE enum att_err wire_challenge_encode(struct att_wr *w, const struct wire_challenge *m);
ATT_MUST_USE enum att_err wire_challenge_parse(struct wire_challenge *out, struct att_slice in,
                                               struct att_diag *diag);
/* All but the bytes, of which there will be len: they follow, so that they need not be copied. */
ATT_MUST_USE enum att_err wire_part_encode_head(struct att_wr *w, const struct wire_part *m,
                                                size_t len);
ATT_MUST_USE enum att_err wire_part_parse(struct wire_part *out, struct att_slice in,
                                          struct att_diag *diag);
ATT_MUST_USE enum att_err wire_outcome_encode(struct att_wr *w, const struct wire_outcome *m);
ATT_MUST_USE enum att_err wire_outcome_parse(struct wire_outcome *out, struct att_slice in,
                                             struct att_diag *diag);
ATT_MUST_USE enum att_err wire_problem_encode(struct att_wr *w, const struct wire_problem *m);
ATT_MUST_USE enum att_err wire_problem_parse(struct wire_problem *out, struct att_slice in,
                                             struct att_diag *diag);

#endif
