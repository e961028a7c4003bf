/* What "status" and "once" say of the data key. */
#include "agent/measurer/datakey.h"
#include "agent/measurer/show.h"

#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "crypto/key.h"

static enum att_err fingerprint(char hex[65], const struct data_key *k)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct att_pubarea area;
    uint8_t print[32];
    enum att_err err =
        att_pubarea_parse(&area, att_slice_of(k->key.public_area, k->key.public_len), NULL);

    if (err == ATT_OK) {
        err = att_pubarea_key(&key, &area, NULL);
    }
    if (err == ATT_OK) {
        err = att_pubkey_fingerprint(print, key);
    }
    if (err == ATT_OK) {
        (void)att_hex_encode(hex, 65, att_slice_of(print, sizeof(print)));
    }
    return err;
}

static void show_grant(struct show *s, const char *dir)
{
    char when[ATT_TIME_TEXT], pcrs[128];
    struct att_grant g;

    if (data_grant_load(&g, dir, NULL) != ATT_OK) {
        show_line(s, "  %s", show_tr(s, "not authorised yet", "まだ認可されていません"));
        return;
    }
    (void)att_time_print(when, sizeof(when), g.until_utc);
    show_text(s, "data_key_until", when);
    show_line(s, "  %s %s (%s, TPM clock %llu ms, resetCount %u, restartCount %u)",
              show_tr(s, "authorised until", "認可の期限:"), when,
              att_pcr_selection_print(pcrs, sizeof(pcrs), &g.selection),
              (unsigned long long)g.until_ms, g.reset_count, g.restart_count);
}

void show_data_key(struct show *s, const struct agent *a)
{
    const char *dir = a->conf->state_dir;
    struct data_refusal r;
    struct data_key k;
    char hex[65], when[ATT_TIME_TEXT];

    if (data_key_load(&k, dir, NULL) != ATT_OK || fingerprint(hex, &k) != ATT_OK) {
        return;
    }
    show_text(s, "data_key", hex);
    show_line(s, "%s %s%s", show_tr(s, "data key", "データ鍵"), hex,
              k.certified ? "" : show_tr(s, " (not certified)", " (未認証)"));
    show_grant(s, dir);
    if (data_refusal_load(&r, dir, NULL) != ATT_OK) {
        return;
    }
    (void)att_time_print(when, sizeof(when), r.utc_s);
    show_text(s, "data_key_refusal", r.code);
    show_text(s, "data_key_refusal_text", r.text);
    show_line(s, "  %s %s: %s %s", show_tr(s, "last refused by the TPM,", "TPM による直近の拒否,"),
              when, r.code, r.text);
}

/* A verifier that authorises none, or knows nothing of it, is no fault of this gateway. */
void show_data_key_failure(struct show *s, const struct agent *a)
{
    char line[ATT_DIAG_TEXT + 96];
    struct att_diag why = a->data_key;

    if (why.err == ATT_OK || why.reason == ATT_R_DK_OFF || why.reason == ATT_R_HTTP_ROUTE) {
        return;
    }
    show_text(s, "data_key_failure", att_reason_code(why.reason));
    show_line(s, "! %s %s", show_tr(s, "no data key:", "データ鍵なし:"),
              att_diag_print(line, sizeof(line), &why));
}
