/* PCR selections and values as people and the TPM tools write them. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/rd.h"
#include "tcg/pcr.h"

/* A cursor over text; every look is bounded by the reader. */
static bool take_char(struct att_rd *r, char c)
{
    if (att_rd_left(r) == 0 || att_rd_peek(r) != (uint8_t)c) {
        return false;
    }
    att_rd_skip(r, 1);
    return true;
}

static bool take_blank(struct att_rd *r)
{
    return take_char(r, ' ') || take_char(r, '\t') || take_char(r, '\r');
}

static void skip_blanks(struct att_rd *r)
{
    while (take_blank(r)) {
    }
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static struct att_slice take_word(struct att_rd *r)
{
    struct att_rd from = *r;
    size_t len = 0;

    while (att_rd_left(r) > 0 && is_word(att_rd_peek(r))) {
        att_rd_skip(r, 1);
        len++;
    }
    return att_rd_bytes(&from, len);
}

/* A decimal PCR index below ATT_PCR_COUNT, or ATT_PCR_COUNT when the word is none. */
static uint32_t pcr_index(struct att_slice word)
{
    uint32_t v = 0;

    if (word.len == 0 || word.len > 2) {
        return ATT_PCR_COUNT;
    }
    for (size_t i = 0; i < word.len; i++) {
        if (!is_digit(word.p[i])) {
            return ATT_PCR_COUNT;
        }
        v = v * 10 + (uint32_t)(word.p[i] - '0');
    }
    return v < ATT_PCR_COUNT ? v : ATT_PCR_COUNT;
}

static enum att_hash bank_of(struct att_slice word)
{
    return att_hash_find((const char *)word.p, word.len);
}

static enum att_err refuse_sel(struct att_diag *diag, const struct att_rd *r, const char *what)
{
    return att_fail_at(diag, ATT_E_FORMAT, ATT_R_USAGE, "selection", att_rd_off(r),
                       "%s; expected like sha256:0,1,7+sha1:10", what);
}

static enum att_err parse_indexes(struct att_rd *r, uint32_t *mask, struct att_diag *diag)
{
    uint32_t m = 0;

    do {
        struct att_slice word = take_word(r);
        uint32_t i = pcr_index(word);

        if (att_slice_eq(word, att_slice_str("all")) && m == 0) {
            *mask = (1U << ATT_PCR_COUNT) - 1U;
            return ATT_OK;
        }
        if (i == ATT_PCR_COUNT) {
            return refuse_sel(diag, r, "not a PCR from 0 to 23");
        }
        if ((m >> i & 1U) != 0) {
            return refuse_sel(diag, r, "a PCR is named twice");
        }
        m |= 1U << i;
    } while (take_char(r, ','));
    *mask = m;
    return ATT_OK;
}

static enum att_err parse_bank(struct att_rd *r, struct att_pcr_selection *list,
                               struct att_diag *diag)
{
    struct att_pcr_sel one = {.size = ATT_PCR_SELECT_MIN};
    enum att_err err = ATT_OK;

    one.bank = bank_of(take_word(r));
    if (one.bank == ATT_HASH_NONE) {
        return refuse_sel(diag, r, "not a PCR bank");
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->sel[i].bank == one.bank) {
            return refuse_sel(diag, r, "a bank is named twice");
        }
    }
    if (list->count == ATT_PCR_BANKS) {
        return refuse_sel(diag, r, "too many banks");
    }
    if (!take_char(r, ':')) {
        return refuse_sel(diag, r, "no colon after the bank");
    }
    err = parse_indexes(r, &one.mask, diag);
    if (err != ATT_OK) {
        return err;
    }
    list->sel[list->count] = one;
    list->count++;
    return ATT_OK;
}

enum att_err att_pcr_selection_parse_text(struct att_pcr_selection *out, const char *text,
                                          struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(att_slice_str(text));
    struct att_pcr_selection list = {0};

    do {
        enum att_err err = parse_bank(&r, &list, diag);

        if (err != ATT_OK) {
            return err;
        }
    } while (take_char(&r, '+'));
    if (att_rd_end(&r) != ATT_OK) {
        return refuse_sel(diag, &r, "unexpected character");
    }
    *out = list;
    return ATT_OK;
}

char *att_pcr_selection_print(char *out, size_t cap, const struct att_pcr_selection *sel)
{
    size_t at = 0;

    if (cap == 0) {
        return out;
    }
    out[0] = '\0';
    for (uint32_t b = 0; b < sel->count; b++) {
        char sep = ':';

        for (uint32_t i = 0; i < ATT_PCR_COUNT; i++) {
            char item[32];
            int len = 0;

            if ((sel->sel[b].mask >> i & 1U) == 0) {
                continue;
            }
            if (sep == ':') {
                len = snprintf(item, sizeof(item), "%s%s:%u", at == 0 ? "" : "+",
                               att_hash_name(sel->sel[b].bank), (unsigned int)i);
            } else {
                len = snprintf(item, sizeof(item), ",%u", (unsigned int)i);
            }
            sep = ',';
            if (len < 0 || (size_t)len >= cap - at) {
                return out; /* whole items only */
            }
            memcpy(out + at, item, (size_t)len + 1);
            at += (size_t)len;
        }
    }
    return out;
}

static enum att_err refuse_val(struct att_diag *diag, const struct att_rd *r, const char *what)
{
    return att_fail_at(diag, ATT_E_FORMAT, ATT_R_FMT_YAML, "pcrs", att_rd_off(r), "%s", what);
}

/* What follows the colon of "7 : 0xABC..." into the bank. */
static enum att_err parse_value(struct att_rd *r, struct att_pcr_bank *bank, uint32_t index,
                                struct att_diag *diag)
{
    struct att_slice word = {0};
    uint8_t value[ATT_HASH_MAX];
    size_t size = att_hash_size(bank->bank);
    size_t len = 0;
    enum att_err err = ATT_OK;

    if ((bank->has >> index & 1U) != 0) {
        return refuse_val(diag, r, "a PCR is given twice");
    }
    word = take_word(r);
    if (word.len > 2 && word.p[0] == '0' && (word.p[1] == 'x' || word.p[1] == 'X')) {
        struct att_rd hex = att_rd_slice(word);

        att_rd_skip(&hex, 2);
        word = att_rd_rest(&hex);
    }
    err = att_hex_decode(value, sizeof(value), &len, (const char *)word.p, word.len);
    if (err != ATT_OK || len != size) {
        return refuse_val(diag, r, "not a hexadecimal value of the bank's size");
    }
    memcpy(bank->value[index], value, size);
    bank->has |= 1U << index;
    return ATT_OK;
}

/* A name and a colon: a bank, or the "pcrs:" under which some tools write the banks. */
static enum att_err parse_heading(struct att_rd *r, struct att_pcr_values *v,
                                  struct att_pcr_bank **current, struct att_slice word,
                                  struct att_diag *diag)
{
    enum att_hash alg = ATT_HASH_NONE;

    if (v->count == 0 && att_slice_eq(word, att_slice_str("pcrs"))) {
        return ATT_OK;
    }
    alg = bank_of(word);
    if (alg == ATT_HASH_NONE) {
        return refuse_val(diag, r, "neither a PCR bank nor a PCR from 0 to 23");
    }
    if (att_pcr_bank_find(v, alg) != NULL) {
        return refuse_val(diag, r, "a bank is given twice");
    }
    *current = att_pcr_bank_add(v, alg);
    return *current != NULL ? ATT_OK : refuse_val(diag, r, "too many banks");
}

static enum att_err parse_line(struct att_rd *r, struct att_pcr_values *v,
                               struct att_pcr_bank **current, struct att_diag *diag)
{
    struct att_slice word = {0};
    uint32_t index = 0;
    enum att_err err = ATT_OK;

    skip_blanks(r);
    if (att_rd_left(r) == 0 || take_char(r, '\n')) {
        return ATT_OK;
    }
    word = take_word(r);
    skip_blanks(r);
    if (!take_char(r, ':')) {
        return refuse_val(diag, r, "no colon after the name");
    }
    skip_blanks(r);
    index = pcr_index(word);
    if (index < ATT_PCR_COUNT && *current != NULL) {
        err = parse_value(r, *current, index, diag);
    } else {
        err = parse_heading(r, v, current, word, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    skip_blanks(r);
    if (att_rd_left(r) > 0 && !take_char(r, '\n')) {
        return refuse_val(diag, r, "unexpected text at the end of a line");
    }
    return ATT_OK;
}

static enum att_err parse_lines(struct att_pcr_values *v, struct att_slice in,
                                struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(in);
    struct att_pcr_bank *current = NULL;

    while (att_rd_left(&r) > 0) {
        enum att_err err = parse_line(&r, v, &current, diag);

        if (err != ATT_OK) {
            return err;
        }
    }
    return v->count > 0 ? ATT_OK : refuse_val(diag, &r, "no PCR bank");
}

/*
 * The file of "tpm2_quote -o": C structures as they lie in little-endian memory. A
 * TPML_PCR_SELECTION with 16 places of 8 bytes, a count, and so many TPML_DIGEST with 8 places of
 * 66 bytes.
 */
#define DUMP_SELECTIONS 16
#define DUMP_DIGESTS    8
#define DUMP_LISTS_MAX  ((ATT_PCR_BANKS * ATT_PCR_COUNT + DUMP_DIGESTS - 1) / DUMP_DIGESTS)

static void dump_selection(struct att_rd *r, struct att_pcr_selection *sel)
{
    uint32_t count = att_rd_count32le(r, ATT_PCR_BANKS);

    for (uint32_t i = 0; i < DUMP_SELECTIONS; i++) {
        struct att_pcr_sel one = {0};

        one.bank = (enum att_hash)att_rd_u16le(r);
        one.size = att_rd_u8(r);
        one.mask = att_rd_u32le(r);
        att_rd_skip(r, 1);
        if (i >= count) {
            continue;
        }
        if (one.size != ATT_PCR_SELECT_MIN || one.mask >> ATT_PCR_COUNT != 0) {
            att_rd_fail(r, ATT_E_FORMAT);
        }
        sel->sel[i] = one;
    }
    sel->count = count;
}

/* Where the next value of the dump goes: the next selected PCR at or after (*b, *i). */
static bool next_selected(const struct att_pcr_selection *sel, uint32_t *b, uint32_t *i)
{
    for (; *b < sel->count; (*b)++, *i = 0) {
        for (; *i < ATT_PCR_COUNT; (*i)++) {
            if ((sel->sel[*b].mask >> *i & 1U) != 0) {
                return true;
            }
        }
    }
    return false;
}

static void dump_value(struct att_rd *r, struct att_pcr_values *v, enum att_hash alg, uint32_t i)
{
    struct att_pcr_bank *bank = att_pcr_bank_add(v, alg);
    uint16_t size = att_rd_u16le(r);
    uint8_t value[ATT_HASH_MAX];

    att_rd_copy(r, value, sizeof(value));
    if (bank == NULL || size != att_hash_size(alg) || (bank->has >> i & 1U) != 0) {
        att_rd_fail(r, ATT_E_FORMAT);
        return;
    }
    memcpy(bank->value[i], value, size);
    bank->has |= 1U << i;
}

static enum att_err parse_dump(struct att_pcr_values *v, struct att_slice in, struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(in);
    struct att_pcr_selection sel = {0};
    uint32_t lists = 0;
    uint32_t b = 0;
    uint32_t i = 0;

    dump_selection(&r, &sel);
    lists = att_rd_count32le(&r, DUMP_LISTS_MAX);
    for (uint32_t k = 0; k < lists && att_rd_ok(&r); k++) {
        uint32_t count = att_rd_count32le(&r, DUMP_DIGESTS);

        for (uint32_t n = 0; n < DUMP_DIGESTS && att_rd_ok(&r); n++) {
            if (n >= count) {
                att_rd_skip(&r, sizeof(uint16_t) + ATT_HASH_MAX);
                continue;
            }
            if (!next_selected(&sel, &b, &i)) {
                att_rd_fail(&r, ATT_E_FORMAT);
                break;
            }
            dump_value(&r, v, sel.sel[b].bank, i);
            i++;
        }
    }
    if (next_selected(&sel, &b, &i)) {
        att_rd_fail(&r, ATT_E_TRUNCATED);
    }
    return att_rd_end_diag(&r, ATT_R_FMT_YAML, "pcrs", diag);
}

enum att_err att_pcr_values_parse_text(struct att_pcr_values *out, struct att_slice in,
                                       struct att_diag *diag)
{
    struct att_pcr_values v = {0};
    bool dump = in.len > 1 && in.p[0] <= DUMP_SELECTIONS && in.p[0] != '\n' && in.p[1] == 0;
    enum att_err err = dump ? parse_dump(&v, in, diag) : parse_lines(&v, in, diag);

    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}
