/* Member by member: a verifier that was taken over answers what it likes. */
#include "transfer_facts.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"

/* Hexadecimal digits of the verifier's answer into cap bytes at most. */
static enum att_err take_hex(uint8_t *out, size_t cap, size_t *len, const json_t *o,
                             const char *key, struct att_diag *diag)
{
    const char *text = json_string_value(json_object_get(o, key));

    if (text == NULL || att_hex_decode(out, cap, len, text, strlen(text)) != ATT_OK) {
        return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_PROTOCOL, "verifier",
                        "expected hexadecimal digits in %s", key);
    }
    return ATT_OK;
}

static enum att_err take_exact(uint8_t *out, size_t size, const json_t *o, const char *key,
                               struct att_diag *diag)
{
    size_t len = 0;
    enum att_err err = take_hex(out, size, &len, o, key, diag);

    if (err == ATT_OK && len != size) {
        return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_PROTOCOL, "verifier",
                        "expected %zu bytes in %s", size, key);
    }
    return err;
}

static enum att_err take_text(char *out, size_t cap, const json_t *o, const char *key,
                              struct att_diag *diag)
{
    const char *text = json_string_value(json_object_get(o, key));

    if (text == NULL || strlen(text) >= cap) {
        return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_PROTOCOL, "verifier",
                        "expected a text in %s", key);
    }
    (void)snprintf(out, cap, "%s", text);
    return ATT_OK;
}

static uint64_t take_number(const json_t *o, const char *key)
{
    json_int_t v = json_integer_value(json_object_get(o, key));

    return v > 0 ? (uint64_t)v : 0;
}

static enum att_err take_last(struct att_transfer_last *l, const json_t *o, struct att_diag *diag)
{
    const char *status = json_string_value(json_object_get(o, "status"));
    const json_t *counters = json_object_get(o, "counters");
    const json_t *label = json_object_get(o, "label");
    enum att_err err = ATT_OK;

    while (status == NULL || strcmp(att_transfer_status_name(l->status), status) != 0) {
        if (status == NULL || strcmp(att_transfer_status_name(l->status), "unknown") == 0) {
            return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_PROTOCOL, "verifier",
                            "expected a known status in last");
        }
        l->status++;
    }
    l->has_counters = json_is_object(counters);
    l->reset_count = (uint32_t)take_number(counters, "reset");
    l->restart_count = (uint32_t)take_number(counters, "restart");
    l->clock_ms = take_number(counters, "clock_ms");
    l->outcomes = take_number(o, "outcomes");
    l->has_label = json_is_object(label);
    if (l->has_label) {
        err = take_exact(l->cti, sizeof(l->cti), label, "cti", diag);
    }
    return err == ATT_OK && l->has_label
               ? take_exact(l->label_digest, sizeof(l->label_digest), label, "sha256", diag)
               : err;
}

enum att_err transfer_facts_read(struct att_transfer *t, const json_t *o, struct att_diag *diag)
{
    struct att_transfer_side *g = &t->giver;
    enum att_err err = take_text(g->verifier_id, sizeof(g->verifier_id), o, "verifier", diag);

    if (err == ATT_OK) {
        err = take_text(g->device_id, sizeof(g->device_id), o, "device", diag);
    }
    if (err == ATT_OK) {
        err = take_hex(t->ek_name, sizeof(t->ek_name), &t->ek_name_len, o, "ek_name", diag);
    }
    if (err == ATT_OK) {
        err = take_hex(t->ak_name, sizeof(t->ak_name), &t->ak_name_len, o, "ak_name", diag);
    }
    t->has_ek_cert = json_is_string(json_object_get(o, "ek_cert"));
    if (err == ATT_OK && t->has_ek_cert) {
        err = take_exact(t->ek_cert, sizeof(t->ek_cert), o, "ek_cert", diag);
    }
    return err == ATT_OK ? take_last(&t->last, json_object_get(o, "last"), diag) : err;
}
