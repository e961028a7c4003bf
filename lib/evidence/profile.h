/*
 * Every string and number of our own profiles, and those of drafts that may still change.
 *
 * Private claim keys are integers below -65536 (RFC 8392 section 9.1.1).
 */
#ifndef ATT_EVIDENCE_PROFILE_H
#define ATT_EVIDENCE_PROFILE_H

#define ATT_PROFILE_URI(name, version) "tag:attestd.example,2026:" name "#" version

#define ATT_PROFILE_EVIDENCE ATT_PROFILE_URI("evidence", "1")
#define ATT_PROFILE_GATEWAY  ATT_PROFILE_URI("gateway", "1")
#define ATT_PROFILE_BUNDLE   ATT_PROFILE_URI("bundle", "1")
#define ATT_PROFILE_REPORT   ATT_PROFILE_URI("period-report", "1")
#define ATT_PROFILE_EAR      "tag:ietf.org,2026:rats/ear#04" /* draft-ietf-rats-ear-04 */

#define ATT_PURPOSE_QUOTE    "attestd quote 1"
#define ATT_PURPOSE_ENROL    "attestd enrol 1"
#define ATT_PURPOSE_CERTIFY  "attestd certify 1"
#define ATT_PURPOSE_DATA_KEY "attestd data key 1"

/* Media types of the evidence collection's members, and of the documents on the wire. */
#define ATT_TYPE_EVIDENCE     "application/cmw+cbor"
#define ATT_TYPE_CBOR         "application/cbor"
#define ATT_TYPE_LABEL        "application/eat+cwt"
#define ATT_TYPE_STATUS_LIST  "application/statuslist+cwt"
#define ATT_TYPE_PROBLEM_JSON "application/problem+json"
#define ATT_TYPE_PROBLEM_CBOR "application/concise-problem-details+cbor"
#define ATT_TYPE_TPM_QUOTE    "application/vnd.attestd.tpm-quote"
#define ATT_TYPE_UEFI_LOG     "application/vnd.attestd.uefi-log"
#define ATT_TYPE_IMA_LOG      "application/vnd.attestd.ima-log"
#define ATT_TYPE_OWN_LOG      "application/vnd.attestd.cel+cbor-seq"
#define ATT_TYPE_CLAIMS       "application/eat-ucs+cbor"
#define ATT_TYPE_ENTRY        "application/vnd.attestd.log-entry+cose"
#define ATT_TYPE_DETAIL       "application/vnd.attestd.outcome-detail" /* salt, then UTF-8 text */

/* CWT (RFC 8392), EAT (RFC 9711), EAR and status list claims. */
#define ATT_CLAIM_ISS            1
#define ATT_CLAIM_SUB            2
#define ATT_CLAIM_AUD            3
#define ATT_CLAIM_EXP            4
#define ATT_CLAIM_IAT            6
#define ATT_CLAIM_CTI            7
#define ATT_CLAIM_CNF            8
#define ATT_CLAIM_UEID           256
#define ATT_CLAIM_UPTIME         261
#define ATT_CLAIM_PROFILE        265
#define ATT_CLAIM_SUBMODS        266
#define ATT_CLAIM_BOOTCOUNT      267
#define ATT_CLAIM_SWNAME         270
#define ATT_CLAIM_SWVERSION      271
#define ATT_CLAIM_EAR_STATUS     1000
#define ATT_CLAIM_EAR_VECTOR     1001
#define ATT_CLAIM_EAR_POLICY_IDS 1003
#define ATT_CLAIM_EAR_VERIFIER   1004
#define ATT_CLAIM_SL_LIST        65533 /* in a status list token: {"lst", "bits"} */
#define ATT_CLAIM_SL_TTL         65534 /* there: seconds until a newer one is made */
#define ATT_CLAIM_STATUS         65535 /* in a label: {"status_list": {"idx", "uri"}} */

/* A COSE_Key in cnf (RFC 8747; RFC 9052, 7; RFC 9053, 7.1.1). */
#define ATT_CNF_COSE_KEY   1
#define ATT_COSE_KEY_KTY   1
#define ATT_COSE_KTY_EC2   2
#define ATT_COSE_KEY_ALG   3
#define ATT_COSE_ALG_ES256 (-7)
#define ATT_COSE_KEY_CRV   (-1)
#define ATT_COSE_CRV_P256  1
#define ATT_COSE_KEY_X     (-2)
#define ATT_COSE_KEY_Y     (-3)

/* Ours, in evidence claims. */
#define ATT_CLAIM_LOG_OFFSETS (-70001) /* {log number: offset} that the quote is bound to */
#define ATT_CLAIM_TPM_HEALTH                                                                       \
    (-70002) /* {0: manufacturer, 1: firmware, 2: lockout counter, 3: [[bank, extended]]} */
#define ATT_CLAIM_BUILD_ID   (-70003) /* text */
#define ATT_CLAIM_BATCH_HEAD (-70004) /* 32 bytes: head of the chain of data batches */

/* Ours, in labels. */
#define ATT_CLAIM_GRADE (-70101) /* text "E1".."E3" */
#define ATT_CLAIM_PRODUCT                                                                          \
    (-70102) /* {0: manufacturer, 1: model, 2: hardware version, 3: key id, ...} */
#define ATT_CLAIM_MEASURED                                                                         \
    (-70103) /* {0: {pcr selection text: composite}, 1: items judged, 2: TPM firmware} */
#define ATT_CLAIM_APPRAISAL                                                                        \
    (-70104) /* {0: evidence, 1: policy, 2: references (SHA-256), 3: [reasons]} */
#define ATT_CLAIM_TPM_TIME                                                                         \
    (-70105) /* {0: clock ms, 1: UTC at the verifier, 2: uncertainty ms, 3: safe} */
#define ATT_CLAIM_CONTROLS  (-70106) /* [control ids that this is evidence for] */
#define ATT_CLAIM_LIMITS    (-70107) /* id of the text that says what the label does not promise */
#define ATT_CLAIM_KEY_CLASS (-70108) /* 0 file, 1 PKCS#11, 2 TPM: where the label key lives */
#define ATT_CLAIM_LBL_BATCH                                                                        \
    (-70109) /* 32 bytes: head of the batch chain that the attestation carried */

/* Ours, in entries of the log and in receipts. */
#define ATT_CLAIM_OUTCOME                                                                          \
    (-70201) /* {0: kind, 1: reason, 2: status, 3: evidence, 4: policy, 5: references} */
#define ATT_HEADER_ENTRY (-70202) /* unprotected, of a receipt: the entry that it is of */
#define ATT_CLAIM_TREE_SIZE                                                                        \
    (-70203) /* protected, of a receipt: entries in the tree that is signed */

#endif
