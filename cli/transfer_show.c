/* device transfer show and verify: what statements say, and whether they hold, without a verifier. */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "transfer.h"

enum att_err transfer_read(struct transfer_file *out, const char *path, struct att_diag *diag)
{
    enum att_err err = att_file_read(&out->bytes, path, ATT_TRANSFER_MAX, diag);

    return err == ATT_OK ? att_transfer_parse(&out->t, att_buf_slice(out->bytes), diag) : err;
}

void transfer_file_clear(struct transfer_file *f)
{
    att_buf_freep(&f->bytes);
}

enum att_err transfer_ring(struct att_signers **out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    ATT_CLEANUP(att_signers_freep) struct att_signers *ring = NULL;
    enum att_err err = att_file_read(&pem, path, 65536, diag);

    if (err == ATT_OK) {
        err = att_signers_new(&ring);
    }
    if (err == ATT_OK) {
        err = att_signers_add(ring, "", att_buf_slice(pem), diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = ring;
    ring = NULL;
    return ATT_OK;
}

static json_t *side_json(const struct att_transfer_side *s, bool signs)
{
    return json_pack("{s:o, s:o, s:o}", "verifier",
                     signs ? json_string(s->verifier_id) : json_null(), "device",
                     signs ? json_string(s->device_id) : json_null(), "signer",
                     signs ? json_hex(att_slice_of(s->kid, 32)) : json_null());
}

static json_t *time_json(int64_t utc)
{
    char text[ATT_TIME_TEXT];

    return json_string(att_time_print(text, sizeof(text), utc));
}

static json_t *last_json(const struct att_transfer_last *l)
{
    json_t *counters =
        l->has_counters
            ? json_pack("{s:I, s:I, s:I}", "reset", (json_int_t)l->reset_count, "restart",
                        (json_int_t)l->restart_count, "clock_ms", (json_int_t)l->clock_ms)
            : json_null();
    json_t *label = l->has_label
                        ? json_pack("{s:o, s:o}", "cti", json_hex(att_slice_of(l->cti, 16)),
                                    "sha256", json_hex(att_slice_of(l->label_digest, 32)))
                        : json_null();

    return json_pack("{s:s, s:o, s:o, s:I}", "status", att_transfer_status_name(l->status),
                     "counters", counters, "label", label, "outcomes", (json_int_t)l->outcomes);
}

json_t *transfer_json(const struct att_transfer *t)
{
    return json_pack("{s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
                     json_hex(att_slice_of(t->id, sizeof(t->id))), "accepted", t->accepted, "giver",
                     side_json(&t->giver, true), "receiver", side_json(&t->receiver, t->accepted),
                     "ek_name", json_hex(att_slice_of(t->ek_name, t->ek_name_len)), "ek_cert",
                     t->has_ek_cert ? json_hex(att_slice_of(t->ek_cert, 32)) : json_null(),
                     "ak_name", json_hex(att_slice_of(t->ak_name, t->ak_name_len)), "offered",
                     time_json(t->offered_utc), "expires", time_json(t->expires_utc), "accepted_at",
                     t->accepted ? time_json(t->accepted_utc) : json_null(), "last",
                     last_json(&t->last));
}

static void print_hex(const struct report *r, const char *name, const uint8_t *p, size_t len)
{
    char text[2 * ATT_NAME_MAX + 1];

    report_field(r, name, "%s", att_hex_encode(text, sizeof(text), att_slice_of(p, len)));
}

static void print_side(const struct report *r, const char *name, const struct att_transfer_side *s)
{
    char verifier[256];
    char device[128];

    report_field(r, name, "%s @ %s", text_safe(device, sizeof(device), s->device_id),
                 text_safe(verifier, sizeof(verifier), s->verifier_id));
    print_hex(r, tr(r->cli, "signer", "署名者"), s->kid, sizeof(s->kid));
}

static void print_last(const struct report *r, const struct att_transfer_last *l)
{
    report_line(r, "%s", tr(r->cli, "last known to the giver:", "譲渡側での最後の状態:"));
    report_field(r, tr(r->cli, "status", "状態"), "%s", att_transfer_status_name(l->status));
    if (l->has_counters) {
        report_field(r, "resetCount", "%u", l->reset_count);
        report_field(r, "restartCount", "%u", l->restart_count);
        report_field(r, tr(r->cli, "TPM clock", "TPM 時計"), "%llu ms",
                     (unsigned long long)l->clock_ms);
    }
    if (l->has_label) {
        print_hex(r, tr(r->cli, "label", "ラベル"), l->cti, sizeof(l->cti));
        print_hex(r, tr(r->cli, "its SHA-256", "その SHA-256"), l->label_digest,
                  sizeof(l->label_digest));
    }
    report_field(r, tr(r->cli, "outcomes", "結果の数"), "%llu", (unsigned long long)l->outcomes);
}

void transfer_print(struct report *r, const struct att_transfer *t)
{
    const struct cli *cli = r->cli;
    char time[ATT_TIME_TEXT];

    report_line(r, "%s",
                t->accepted ? tr(cli, "transfer, with both signatures:", "移管 (双方の署名):")
                            : tr(cli, "offer, with the giver's signature alone:",
                                 "譲渡の申し出 (譲渡側の署名のみ):"));
    print_hex(r, "id", t->id, sizeof(t->id));
    print_side(r, tr(cli, "giver", "譲渡側"), &t->giver);
    if (t->accepted) {
        print_side(r, tr(cli, "receiver", "受領側"), &t->receiver);
    }
    print_hex(r, tr(cli, "EK name", "EK 名"), t->ek_name, t->ek_name_len);
    print_hex(r, tr(cli, "AK name", "AK 名"), t->ak_name, t->ak_name_len);
    if (t->has_ek_cert) {
        print_hex(r, tr(cli, "EK certificate", "EK 証明書"), t->ek_cert, sizeof(t->ek_cert));
    }
    report_field(r, tr(cli, "offered", "譲渡"), "%s",
                 att_time_print(time, sizeof(time), t->offered_utc));
    if (t->accepted) {
        report_field(r, tr(cli, "accepted", "受領"), "%s",
                     att_time_print(time, sizeof(time), t->accepted_utc));
    }
    report_field(r, tr(cli, "expires", "期限"), "%s",
                 att_time_print(time, sizeof(time), t->expires_utc));
    print_last(r, &t->last);
}

int transfer_show(struct report *r, const struct transfer_options *o, int argc, char **argv)
{
    ATT_CLEANUP(transfer_file_clear) struct transfer_file f = {0};
    struct att_diag diag = {0};
    enum att_err err = transfer_read(&f, argv[2], &diag);

    (void)o;
    (void)argc;
    if (err != ATT_OK) {
        return report_failure(r, err, &diag);
    }
    report_line(r, "%s", tr(r->cli, "NOT VERIFIED", "未検証"));
    (void)json_object_set_new(r->root, "verified", json_false());
    (void)json_object_set_new(r->root, "transfer", transfer_json(&f.t));
    transfer_print(r, &f.t);
    return report_finish(r);
}

/* This one begins where the one before ended: the same gateway, given by who received it, and later. */
static enum att_err check_link(const struct att_transfer *before, const struct att_transfer *t,
                               struct att_diag *diag)
{
    if (!att_slice_eq(att_slice_of(before->ek_name, before->ek_name_len),
                      att_slice_of(t->ek_name, t->ek_name_len))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TRF_CHAIN, "ek_name",
                        "it is about another gateway than the transfer before");
    }
    if (strcmp(before->receiver.verifier_id, t->giver.verifier_id) != 0 ||
        memcmp(before->receiver.kid, t->giver.kid, 32) != 0) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TRF_CHAIN, "giver",
                        "it is given by another than who received the gateway before");
    }
    if (t->offered_utc < before->accepted_utc) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TRF_CHAIN, "offered",
                        "it was offered before the transfer before was accepted");
    }
    return ATT_OK;
}

/* Whose signatures count for this file: the giver's, which for all but the first is the receiver before. */
static enum att_err giver_ring(struct att_signers **out, const struct transfer_options *o,
                               const struct att_transfer *before, struct att_diag *diag)
{
    ATT_CLEANUP(att_signers_freep) struct att_signers *ring = NULL;
    enum att_err err = ATT_OK;

    if (before == NULL) {
        return transfer_ring(out, o->from, diag);
    }
    err = att_signers_new(&ring);
    if (err == ATT_OK) {
        err = att_signers_add(ring, "receiver",
                              att_slice_of(before->receiver.key, before->receiver.key_len), diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = ring;
    ring = NULL;
    return ATT_OK;
}

static enum att_err verify_one(const struct att_transfer *t, const struct transfer_options *o,
                               const struct att_transfer *before, struct att_diag *diag)
{
    ATT_CLEANUP(att_signers_freep) struct att_signers *ring = NULL;
    enum att_err err = before != NULL ? check_link(before, t, diag) : ATT_OK;

    if (err == ATT_OK) {
        err = giver_ring(&ring, o, before, diag);
    }
    return err == ATT_OK ? att_transfer_verify(t, ATT_TRANSFER_GIVER, ring, diag) : err;
}

/* --to: the last receiver is who it should be. */
static enum att_err check_receiver(const struct att_transfer *t, const struct transfer_options *o,
                                   struct att_diag *diag)
{
    ATT_CLEANUP(att_signers_freep) struct att_signers *ring = NULL;
    enum att_err err = transfer_ring(&ring, o->to, diag);

    return err == ATT_OK ? att_transfer_verify(t, ATT_TRANSFER_RECEIVER, ring, diag) : err;
}

static bool undecided(enum att_err err)
{
    return err == ATT_E_NOMEM || err == ATT_E_IO || err == ATT_E_CRYPTO || err == ATT_E_NOT_FOUND;
}

int transfer_verify(struct report *r, const struct transfer_options *o, int argc, char **argv)
{
    struct att_transfer before;
    struct att_diag diag = {0};
    json_t *list = json_array();
    enum att_err err = ATT_OK;

    (void)json_object_set_new(r->root, "transfers", list);
    for (int i = 2; i < argc && err == ATT_OK; i++) {
        ATT_CLEANUP(transfer_file_clear) struct transfer_file f = {0};

        err = transfer_read(&f, argv[i], &diag);
        if (err == ATT_OK) {
            err = verify_one(&f.t, o, i > 2 ? &before : NULL, &diag);
        }
        if (err == ATT_OK && i + 1 == argc && o->to != NULL) {
            err = check_receiver(&f.t, o, &diag);
        }
        if (err == ATT_OK) {
            transfer_print(r, &f.t);
            (void)json_array_append_new(list, transfer_json(&f.t));
            before = f.t;
            before.message = before.offer_message = (struct att_cose){0}; /* their bytes end here */
        }
    }
    if (err != ATT_OK && (undecided(err) || diag.reason == ATT_R_FMT_TRANSFER)) {
        return report_failure(r, err, &diag);
    }
    report_check(r, diag.reason == ATT_R_TRF_CHAIN ? "transfer.chain" : "transfer.signature",
                 err == ATT_OK ? C_PASS : C_FAIL, err == ATT_OK ? NULL : &diag);
    return report_finish(r);
}
