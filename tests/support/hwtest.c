#include "hwtest.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/rd.h"
#include "crypto/verify.h"
#include "need.h"

#define CREDENTIAL_MAGIC 0xbadcc0deU

struct hw_tpm *hwtest_connect(const struct swtpm *t)
{
    struct hw_tpm *tpm = NULL;

    MUST(hw_tpm_open(&tpm, swtpm_tcti(t), &diag));
    return tpm;
}

void hwtest_expect_nothing_left(struct hw_tpm *tpm)
{
    static const uint32_t kinds[] = {0x80000000, 0x02000000, 0x03000000};

    for (size_t i = 0; i < ATT_COUNT(kinds); i++) {
        struct hw_tpm_handles list;

        MUST(hw_tpm_handles(&list, tpm, kinds[i], &diag));
        ck_assert_msg(list.count == 0, "%u handles of 0x%08x are left", list.count, kinds[i]);
    }
}

void hwtest_disconnect(struct hw_tpm *tpm)
{
    hwtest_expect_nothing_left(tpm);
    hw_tpm_close(tpm);
}

struct att_pcr_selection hwtest_select(enum att_hash bank, uint32_t mask)
{
    return (struct att_pcr_selection){.count = 1, .sel[0] = {bank, mask, 3}};
}

bool hwtest_quote_verifies(const struct hw_quote *q, const struct hw_ak *ak)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct att_pubarea area;
    struct att_tpm_sig sig;
    struct att_quote quote;
    uint8_t raw[512];
    size_t raw_len;

    MUST(att_pubarea_parse(&area, att_slice_of(ak->public_area, ak->public_len), &diag));
    MUST(att_pubarea_check_ak(&area, &diag));
    MUST(att_pubarea_key(&key, &area, &diag));
    return att_quote_parse(&quote, att_slice_of(q->attest, q->attest_len), NULL) == ATT_OK &&
           att_tpm_sig_parse(&sig, att_slice_of(q->sig, q->sig_len), NULL) == ATT_OK &&
           att_tpm_sig_raw(&sig, key, raw, sizeof raw, &raw_len, NULL) == ATT_OK &&
           att_verify(key, sig.scheme, sig.hash, att_slice_of(q->attest, q->attest_len),
                      att_slice_of(raw, raw_len)) == ATT_OK;
}

/* The tool reads TPM2B_PUBLIC. */
static void write_ek(const struct hw_ek *ek, const char *path)
{
    uint8_t sized[2 + ATT_PUBAREA_MAX];

    sized[0] = (uint8_t)(ek->public_len >> 8);
    sized[1] = (uint8_t)ek->public_len;
    memcpy(&sized[2], ek->public_area, ek->public_len);
    NEED(att_file_write(path, att_slice_of(sized, 2 + ek->public_len), 0600, NULL) == ATT_OK);
}

/* Its file: magic, version, then the two structures one behind the other. */
static void read_credential(struct hwtest_credential *out, const char *path)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_rd r;
    size_t first, second;

    NEED(att_file_read(&file, path, sizeof out->bytes, NULL) == ATT_OK);
    memcpy(out->bytes, att_buf_slice(file).p, att_buf_len(file));
    r = att_rd_from(out->bytes, att_buf_len(file));
    NEED(att_rd_u32be(&r) == CREDENTIAL_MAGIC);
    NEED(att_rd_u32be(&r) == 1);
    first = att_rd_off(&r);
    att_rd_skip(&r, att_rd_u16be(&r));
    second = att_rd_off(&r);
    att_rd_skip(&r, att_rd_u16be(&r));
    NEED(att_rd_end(&r) == ATT_OK);
    out->cred.id_object = att_slice_of(&out->bytes[first], second - first);
    out->cred.enc_secret = att_slice_of(&out->bytes[second], att_buf_len(file) - second);
}

void hwtest_make_credential(struct hwtest_credential *out, const struct swtpm *folder,
                            const struct hw_ek *ek, const struct hw_ak *ak, const char *secret)
{
    uint8_t name[ATT_NAME_MAX];
    char hex[2 * ATT_NAME_MAX + 1], path[256];
    struct att_pubarea area;
    size_t name_len;

    NEED(att_pubarea_parse(&area, att_slice_of(ak->public_area, ak->public_len), NULL) == ATT_OK);
    NEED(att_pubarea_name(name, &name_len, &area) == ATT_OK);
    att_hex_encode(hex, sizeof hex, att_slice_of(name, name_len));
    (void)snprintf(path, sizeof path, "%s/ek.pub", swtpm_folder(folder));
    write_ek(ek, path);
    NEED(swtpm_tool(folder,
                    "printf %%s '%s' >secret && tpm2_makecredential -Q -T none -u ek.pub -n %s -s "
                    "secret -o cred",
                    secret, hex) == 0);
    (void)snprintf(path, sizeof path, "%s/cred", swtpm_folder(folder));
    read_credential(out, path);
}
