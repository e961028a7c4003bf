/* What an administrator is told of a gateway. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_internal.h"
#include "appraise/label.h"
#include "base/clock.h"
#include "base/hex.h"
#include "sign/cose.h"

json_t *admin_time(int64_t utc)
{
    char text[ATT_TIME_TEXT];

    return utc == 0 ? json_null() : json_string(att_time_print(text, sizeof(text), utc));
}

json_t *admin_hex(bool has, const uint8_t *p, size_t len)
{
    char text[2 * STORE_NAME_MAX + 1];

    if (!has || len > STORE_NAME_MAX)
        return json_null();
    return json_string(att_hex_encode(text, sizeof(text), att_slice_of(p, len)));
}

json_t *admin_text(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *label_json(const struct store_label *l, const struct store_row *row, int64_t now)
{
    const struct store_state *s = &row->state;
    bool current = (s->status == STORE_AFFIRMING || s->status == STORE_WARNING) &&
                   row->hold.reason[0] == '\0' && l->status == STORE_LABEL_VALID && now < l->exp;
    static const char *const told[] = {"valid", "revoked", "suspended"};

    return json_pack("{s:o, s:s, s:I, s:s, s:o, s:o, s:b}", "cti",
                     admin_hex(true, l->cti, sizeof(l->cti)), "told", told[l->status], "outcome",
                     (json_int_t)l->outcome, "status", att_tier_name((enum att_tier)l->tier),
                     "issued", admin_time(l->iat), "expires", admin_time(l->exp), "current",
                     current);
}

static json_t *reasons_json(const struct att_label *l, const struct keeper *k)
{
    const struct att_policy *p = rules_find(k->policy, &k->earlier, l->policy_digest);
    json_t *list = json_array();

    for (uint32_t i = 0; i < l->reason_count && list != NULL; i++) {
        json_t *one =
            json_pack("{s:s, s:s, s:o, s:s, s:o, s:o}", "code", l->reason[i].code, "requirement",
                      l->reason[i].requirement, "title", admin_title(p, l->reason[i].requirement),
                      "name", l->reason[i].name, "expected",
                      admin_hex(l->reason[i].has_expected, l->reason[i].expected, 32), "found",
                      admin_hex(l->reason[i].has_found, l->reason[i].found, 32));

        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* Grade and reasons stand in the last label, which is ours. */
static void add_last_label(json_t *doc, const struct keeper *k, struct att_slice bytes,
                           bool with_reasons)
{
    struct att_cose cose;
    struct att_label *l = calloc(1, sizeof(*l));
    char grade[8];

    if (l != NULL && att_cose_parse(&cose, bytes, NULL) == ATT_OK &&
        att_label_read(l, cose.payload_untrusted, NULL) == ATT_OK) {
        (void)snprintf(grade, sizeof(grade), "E%d", l->grade);
        (void)json_object_set_new(doc, "grade", l->grade > 0 ? json_string(grade) : json_null());
        if (with_reasons)
            (void)json_object_set_new(doc, "reasons", reasons_json(l, k));
    } else {
        (void)json_object_set_new(doc, "grade", json_null());
        if (with_reasons)
            (void)json_object_set_new(doc, "reasons", json_array());
    }
    free(l);
}

/* States of time of the last attestation, out of its outcome's detail: "affirming; E_TIME_UNCLEAN (resetCount 5 to 6)". */
static json_t *states_json(struct store *st, const struct store_label *l)
{
    json_t *list = json_array();
    struct store_outcome o;
    char *codes = NULL;
    char *clocks = NULL;
    char *rest = NULL;

    if (list == NULL || l == NULL || store_outcome_get(&o, st, l->outcome) != ATT_OK)
        return list;
    codes = strstr(o.detail, "; ");
    clocks = codes != NULL ? strstr(codes, " (") : NULL;
    if (clocks == NULL)
        return list;
    *clocks = '\0';
    clocks += strlen(" (");
    clocks[strcspn(clocks, ")")] = '\0';
    for (char *code = strtok_r(codes + strlen("; "), " ", &rest); code != NULL;
         code = strtok_r(NULL, " ", &rest)) {
        if (json_array_append_new(list, json_pack("{s:s, s:s}", "code", code, "detail", clocks)) !=
            0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* What holds it goes before what its last evidence said. */
static json_t *quarantine_json(const struct store_hold *h)
{
    if (h->reason[0] == '\0')
        return json_null();
    return json_pack("{s:s, s:o, s:b}", "code", h->reason, "since", admin_time(h->since_utc),
                     "lasting", h->lasting);
}

json_t *admin_device_json(struct request *r, const struct store_row *row, struct att_buf *bytes,
                          bool with_reasons)
{
    const struct store_device *d = &row->device;
    const struct store_state *s = &row->state;
    bool held = row->hold.reason[0] != '\0';
    struct store_label l;
    json_t *label = NULL;
    json_t *doc;

    att_buf_clear(bytes);
    if (s->has_cti && store_label_get(&l, bytes, r->k->st, s->cti) == ATT_OK)
        label = label_json(&l, row, r->k->opt.utc_s());
    doc = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "id", d->id,
                    "status", held ? "quarantined" : store_status_name(s->status), "reason",
                    admin_text(held ? row->hold.reason : s->reason), "quarantine",
                    quarantine_json(&row->hold), "enrolled", admin_time(d->enrolled_utc),
                    "last_seen", admin_time(s->last_utc), "deadline", admin_time(s->deadline_utc),
                    "ek_name", admin_hex(true, d->ek_name, d->ek_name_len), "ak_name",
                    admin_hex(true, d->ak_name, d->ak_name_len), "ek_verified", d->ek_verified,
                    "label", label != NULL ? label : json_null());
    if (doc != NULL)
        add_last_label(doc, r->k, att_buf_slice(bytes), with_reasons);
    if (doc != NULL && with_reasons)
        (void)json_object_set_new(doc, "states", states_json(r->k->st, label != NULL ? &l : NULL));
    return doc;
}
