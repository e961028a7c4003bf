/* PCR banks, selections (TPML_PCR_SELECTION), values and the composite digest. */
#ifndef ATT_TCG_PCR_H
#define ATT_TCG_PCR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/slice.h"
#include "base/wr.h"
#include "crypto/digest.h"

#define ATT_PCR_COUNT      24
#define ATT_PCR_BANKS      5 /* in one list: sha1 sha256 sha384 sha512 sm3 */
#define ATT_PCR_SELECT_MIN 3 /* PCR_SELECT_MIN of a TPM with 24 PCRs */

/* One bank's selection: bit i of mask is PCR i. */
struct att_pcr_sel {
    enum att_hash bank;
    uint32_t mask;
    uint8_t size; /* sizeofSelect as sent, 3 or 4 (3 in what we make) */
};
struct att_pcr_selection {
    uint32_t count;
    struct att_pcr_sel sel[ATT_PCR_BANKS];
};

/*
 * att_pcr_selection_read - the TPML_PCR_SELECTION at r. Fails the reader with FORMAT or LIMIT:
 * count above 16 or above ATT_PCR_BANKS, sizeofSelect not 3 or 4 (a TPM with 24 PCRs sends no
 * less), a bit for a PCR of 24 and above, one bank twice, unknown bank (TPM 2.0 Part 2, 10.6.2
 * and 10.9.7). An empty list is well-formed.
 */
void att_pcr_selection_read(struct att_rd *r, struct att_pcr_selection *out);
void att_pcr_selection_write(struct att_wr *w, const struct att_pcr_selection *sel);
bool att_pcr_selection_eq(
    const struct att_pcr_selection *a,
    const struct att_pcr_selection *b); /* same banks in the same order, same PCRs */
bool att_pcr_selection_empty(const struct att_pcr_selection *sel);
/*
 * "sha256:0,1,7+sha1:10" or "sha256:all", as the TPM tools write it. FORMAT, reason USAGE, with the
 * character. A bank or a PCR named twice is refused. Print returns out.
 */
ATT_MUST_USE enum att_err att_pcr_selection_parse_text(struct att_pcr_selection *out,
                                                       const char *text, struct att_diag *diag);
char *att_pcr_selection_print(char *out, size_t cap, const struct att_pcr_selection *sel);

/* Values of one or more banks; has is a bit mask of the PCRs that are known. */
struct att_pcr_bank {
    enum att_hash bank;
    uint32_t has;
    uint8_t value[ATT_PCR_COUNT][ATT_HASH_MAX];
};
struct att_pcr_values {
    uint32_t count;
    struct att_pcr_bank bank[ATT_PCR_BANKS];
};
struct att_pcr_bank *att_pcr_bank_get(struct att_pcr_values *v, enum att_hash bank); /* or NULL */
const struct att_pcr_bank *att_pcr_bank_find(const struct att_pcr_values *v, enum att_hash bank);
struct att_pcr_bank *att_pcr_bank_add(struct att_pcr_values *v,
                                      enum att_hash bank); /* get or new; NULL when full */

/* new = H(old || digest) in place; digest has the bank's size. */
ATT_MUST_USE enum att_err att_pcr_extend(struct att_hasher *h, enum att_hash bank, uint8_t *value,
                                         const uint8_t *digest);

/*
 * att_pcr_composite - H(selected values in selection order, ascending index).
 * hash    that of the signing scheme, not of the bank
 * Errors  NOT_FOUND (a selected value is not known; diag names it) UNSUPPORTED CRYPTO
 */
ATT_MUST_USE enum att_err att_pcr_composite(uint8_t *out, enum att_hash hash,
                                            const struct att_pcr_selection *sel,
                                            const struct att_pcr_values *values,
                                            struct att_diag *diag);

/*
 * att_pcr_values_parse_text - PCR values as the TPM tools keep them: the text of tpm2_pcrread
 * ("sha256:" and under it "0 : 0xABC..", also below a line "pcrs:"), or the binary file of
 * "tpm2_quote -o" (told apart by its first bytes). The JSON form is read by the caller.
 * Errors  FORMAT TRUNCATED LIMIT, reason FMT_YAML, with the byte
 */
ATT_MUST_USE enum att_err att_pcr_values_parse_text(struct att_pcr_values *out, struct att_slice in,
                                                    struct att_diag *diag);

#endif
