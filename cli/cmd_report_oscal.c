/*
 * report oscal: a period statement as OSCAL assessment results (NIST, version 1.2.1; docs/formats/report.md).
 *
 * It has observations and no findings: whether an objective is met is the assessor's to say. Ids are UUIDs of version 5
 * over the statement's digest, so that one statement is always the same document.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/result.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/hex.h"
#include "codec/json.h"
#include "commands.h"
#include "crypto/digest.h"
#include "report_make.h"

#define OSCAL_VERSION "1.2.1"
#define UUID_TEXT     37
#define CONTROLS      256

struct oscal {
    const struct report_making *m;
    const struct att_period *p;
    uint8_t digest[32]; /* SHA-256 of the encoded statement */
    char from[ATT_TIME_TEXT], until[ATT_TIME_TEXT];
    enum att_err err;
};

/* RFC 9562 section 5.5: SHA-1 over a name space of ours and the name. */
static const char *uuid(struct oscal *o, char out[UUID_TEXT], const char *name, const uint8_t *key,
                        size_t len)
{
    static const uint8_t space[16] = {0x8f, 0x1d, 0x0a, 0x5e, 0x2c, 0x47, 0x5b, 0x19,
                                      0x9a, 0x33, 0x61, 0x74, 0x74, 0x65, 0x73, 0x74};
    const struct att_slice part[] = {att_slice_of(space, sizeof(space)),
                                     att_slice_of(o->digest, sizeof(o->digest)),
                                     att_slice_str(name), att_slice_of(key, len)};
    uint8_t d[ATT_HASH_MAX] = {0};
    char hex[33];

    if (att_digest(ATT_HASH_SHA1, part, ATT_COUNT(part), d) != ATT_OK) {
        o->err = ATT_E_CRYPTO;
    }
    d[6] = (uint8_t)((d[6] & 0x0f) | 0x50);
    d[8] = (uint8_t)((d[8] & 0x3f) | 0x80);
    (void)att_hex_encode(hex, sizeof(hex), att_slice_of(d, 16));
    (void)snprintf(out, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
    return out;
}

/* --- what was looked at --- */

static json_t *components(struct oscal *o)
{
    static const char *const STATES[] = {"other", "operational", "disposition"};
    json_t *list = json_array();

    for (size_t i = 0; i < o->p->gateways; i++) {
        const struct att_period_gateway *g = &o->p->gateway[i];
        char id[UUID_TEXT], ueid[65];

        (void)att_hex_encode(ueid, sizeof(ueid), att_slice_of(g->ueid, 32));
        (void)json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s+, s:s, s:{s:s}}", "uuid", uuid(o, id, "gateway", g->ueid, 32),
                      "type", "hardware", "title", "urn:dev:ueid:01", ueid, "description",
                      "IoT gateway, named by the SHA-256 of its TPM's endorsement key name",
                      "status", "state", STATES[g->standing]));
    }
    return list;
}

static bool is_known(const json_t *list, const char *id)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *known = json_object_get(json_array_get(list, i), "control-id");

        if (strcmp(json_string_value(known), id) == 0) {
            return true;
        }
    }
    return false;
}

/* "CPS.DS-10" and "SR-3.4" are ids of controls; "RFC", "9683", "layer" are none. An OSCAL token begins with a letter. */
static bool is_control(const char *word)
{
    return isalpha((unsigned char)word[0]) != 0 && strpbrk(word, "0123456789") != NULL &&
           strpbrk(word, ".-") != NULL;
}

/* The ids of controls in the text that says where a requirement comes from. */
static void add_controls(json_t *list, const char *source)
{
    static const char OF_WORDS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
    char word[ATT_POLICY_TEXT];

    while (*(source += strcspn(source, OF_WORDS)) != '\0') {
        size_t span = strspn(source, OF_WORDS);
        size_t len = span;

        while (len > 0 && isalnum((unsigned char)source[len - 1]) == 0) {
            len--; /* the full stop of a sentence */
        }
        for (size_t i = 0; i < len; i++) {
            word[i] = (char)tolower((unsigned char)source[i]);
        }
        word[len] = '\0';
        source += span;
        if (is_control(word) && !is_known(list, word)) {
            (void)json_array_append_new(list, json_pack("{s:s}", "control-id", word));
        }
    }
}

/* Those that the policies which judged name; where none does, the assessor selects them. */
static json_t *reviewed_controls(const struct oscal *o)
{
    json_t *list = json_array();

    for (size_t i = 0; i < o->p->rule_sets; i++) {
        const struct att_policy *policy = report_policy(o->m, o->p->rules[i].policy);

        for (size_t n = 0; policy != NULL && n < policy->count; n++) {
            add_controls(list, policy->requirement[n].source);
        }
    }
    if (json_array_size(list) == 0) {
        json_decref(list);
        return json_pack("{s:[{s:s, s:{}}]}", "control-selections", "description",
                         "No policy that names controls was given; for which ones this is "
                         "evidence is the assessor's to select.",
                         "include-all");
    }
    return json_pack("{s:[{s:o}]}", "control-selections", "include-controls", list);
}

/* --- what was seen --- */

static json_t *observation(struct oscal *o, const char *name, const uint8_t *key, size_t len,
                           const char *text)
{
    char id[UUID_TEXT], evidence[UUID_TEXT + 1] = "#";

    (void)uuid(o, evidence + 1, "checkpoint", NULL, 0);
    return json_pack("{s:s, s:s, s:[s], s:s, s:[{s:s, s:s}]}", "uuid", uuid(o, id, name, key, len),
                     "description", text, "methods", "TEST", "collected", o->until,
                     "relevant-evidence", "href", evidence, "description",
                     "Signed checkpoint of the transparency log, every entry of which was audited");
}

static void observe_log(struct oscal *o, json_t *list)
{
    const struct att_statement *s = o->m->statement;
    char text[512];

    (void)snprintf(text, sizeof(text),
                   "Log of verifier %s: %llu entries, from entry %llu on, of %llu audited; labels: "
                   "%llu affirming, %llu warning, %llu refused; gaps: %llu; contradictions: %llu; "
                   "the period is %s.",
                   o->p->issuer, (unsigned long long)(o->p->end - o->p->begin),
                   (unsigned long long)o->p->begin, (unsigned long long)s->audited,
                   (unsigned long long)report_labels(s, ATT_TIER_AFFIRMING),
                   (unsigned long long)report_labels(s, ATT_TIER_WARNING),
                   (unsigned long long)report_labels(s, ATT_TIER_CONTRAINDICATED),
                   (unsigned long long)o->p->gaps, (unsigned long long)s->findings,
                   o->p->closed ? "closed" : "not closed by a later entry");
    (void)json_array_append_new(list, observation(o, "log", NULL, 0, text));
}

static void observe_rules(struct oscal *o, json_t *list)
{
    for (size_t i = 0; i < o->p->rule_sets; i++) {
        const struct att_period_rules *r = &o->p->rules[i];
        const struct att_policy *policy = report_policy(o->m, r->policy);
        char text[512], hex[65], key[24];

        (void)snprintf(key, sizeof(key), "%zu", i);
        (void)snprintf(text, sizeof(text),
                       "Policy %s%s%s: every requirement held in %llu attestations (evidence for "
                       "it), with warnings in %llu, not in %llu.",
                       policy != NULL ? policy->name : "",
                       policy != NULL ? ", SHA-256 " : "SHA-256 ",
                       att_hex_encode(hex, sizeof(hex), att_slice_of(r->policy, 32)),
                       (unsigned long long)r->affirming, (unsigned long long)r->warning,
                       (unsigned long long)r->contraindicated);
        (void)json_array_append_new(
            list, observation(o, "policy", (const uint8_t *)key, strlen(key), text));
    }
}

static void observe_gateways(struct oscal *o, json_t *list)
{
    for (size_t i = 0; i < o->p->gateways; i++) {
        const struct att_period_gateway *g = &o->p->gateway[i];
        char text[512], id[UUID_TEXT];
        json_t *seen = NULL;

        (void)snprintf(text, sizeof(text),
                       "Labels: %llu affirming, %llu warning, %llu refused. In force for %llu of "
                       "%llu enrolled seconds; gaps: %llu, longest %llu seconds; times silent for "
                       "too long: %llu; times taken back: %llu.%s",
                       (unsigned long long)g->affirming, (unsigned long long)g->warning,
                       (unsigned long long)g->contraindicated, (unsigned long long)g->covered_s,
                       (unsigned long long)g->enrolled_s, (unsigned long long)g->gaps,
                       (unsigned long long)g->longest_gap_s, (unsigned long long)g->stale,
                       (unsigned long long)g->taken,
                       g->silent ? " Without a label in force at the end." : "");
        seen = observation(o, "observation", g->ueid, 32, text);
        (void)json_object_set_new(seen, "subjects",
                                  json_pack("[{s:s, s:s}]", "subject-uuid",
                                            uuid(o, id, "gateway", g->ueid, 32), "type",
                                            "component"));
        (void)json_array_append_new(list, seen);
    }
}

/* --- the document --- */

/* The signed head of the log, whole: who has the log's key verifies it with any tool of C2SP. */
static json_t *checkpoint(struct oscal *o)
{
    struct att_slice note = att_buf_slice(o->m->statement->checkpoint);
    char id[UUID_TEXT];
    char *text = malloc(ATT_B64_LEN(note.len));
    json_t *made = NULL;

    if (text == NULL) {
        o->err = ATT_E_NOMEM;
        return NULL;
    }
    made =
        json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s}}", "uuid", uuid(o, id, "checkpoint", NULL, 0),
                  "title", "Checkpoint (C2SP tlog-checkpoint)", "description",
                  "The head of the log, signed by the log's key", "base64", "filename",
                  "checkpoint", "media-type", "text/plain", "value",
                  att_b64_encode(text, ATT_B64_LEN(note.len), ATT_B64_STD, note));
    free(text);
    return made;
}

static json_t *resources(struct oscal *o)
{
    json_t *list = json_array();
    char id[UUID_TEXT], hex[65];

    (void)json_array_append_new(list,
                                json_pack("{s:s, s:s, s:s}", "uuid", uuid(o, id, "plan", NULL, 0),
                                          "title", "Audit of a transparency log", "description",
                                          "attestctl log audit: tree, form, signatures, keys, "
                                          "times and agreement of all entries"));
    (void)json_array_append_new(list, checkpoint(o));
    for (size_t i = 0; i < o->p->rule_sets; i++) {
        const struct att_policy *policy = report_policy(o->m, o->p->rules[i].policy);
        char key[24];

        if (policy == NULL) {
            continue;
        }
        (void)snprintf(key, sizeof(key), "%zu", i);
        (void)att_hex_encode(hex, sizeof(hex), att_slice_of(policy->digest, 32));
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s+}", "uuid",
                            uuid(o, id, "resource", (const uint8_t *)key, strlen(key)), "title",
                            policy->name, "description", "SHA-256 of the policy: ", hex));
    }
    return list;
}

/* What is not shown, one paragraph each, in English as the whole document. */
static json_t *remarks(void)
{
    static const struct cli english = {.lang = LANG_EN};
    char text[2048] = "";
    const char *limit = NULL;

    for (size_t i = 0; (limit = report_limit(&english, i)) != NULL; i++) {
        size_t at = strlen(text);

        (void)snprintf(text + at, sizeof(text) - at, "%s%s", i == 0 ? "" : "\n\n", limit);
    }
    return json_string(text);
}

static json_t *result(struct oscal *o)
{
    json_t *observations = json_array();
    json_t *made = NULL;
    char id[UUID_TEXT];

    observe_log(o, observations);
    observe_rules(o, observations);
    observe_gateways(o, observations);
    made = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "uuid",
                     uuid(o, id, "result", NULL, 0), "title",
                     "What a transparency log shows of a period", "description",
                     "Evidence for an assessor. Nothing here states conformity.", "start", o->from,
                     "end", o->until, "reviewed-controls", reviewed_controls(o), "observations",
                     observations, "remarks", remarks());
    if (o->p->gateways > 0) {
        (void)json_object_set_new(made, "local-definitions",
                                  json_pack("{s:o}", "components", components(o)));
    }
    return made;
}

static json_t *document(struct oscal *o)
{
    char id[UUID_TEXT], plan[UUID_TEXT + 1] = "#";

    (void)uuid(o, plan + 1, "plan", NULL, 0);
    return json_pack("{s:{s:s, s:{s:s, s:s, s:s, s:s}, s:{s:s}, s:[o], s:{s:o}}}",
                     "assessment-results", "uuid", uuid(o, id, "document", NULL, 0), "metadata",
                     "title", "Period statement of a verifier of IoT gateways", "last-modified",
                     o->until, "version", "1", "oscal-version", OSCAL_VERSION, "import-ap", "href",
                     plan, "results", result(o), "back-matter", "resources", resources(o));
}

static enum att_err write_oscal(struct report_making *m, struct report *r, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    struct oscal o = {.m = m};
    enum att_err err = report_making_prepare(m, diag);

    if (err == ATT_OK) {
        err = report_making_run(m, r, NULL, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    o.p = m->statement->period;
    (void)att_time_print(o.from, sizeof(o.from), o.p->from);
    (void)att_time_print(o.until, sizeof(o.until), o.p->until);
    err = att_statement_encode(&encoded, m->statement);
    if (err == ATT_OK) {
        err = att_sha256(att_buf_slice(encoded), o.digest);
    }
    if (err == ATT_OK) {
        doc = document(&o);
        err = doc == NULL ? ATT_E_NOMEM : o.err;
    }
    if (err == ATT_OK) {
        err = att_json_print(&text, doc);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, err == ATT_E_LIMIT ? ATT_R_LIM_SIZE : ATT_R_INTERNAL, "oscal",
                        "the document cannot be made: %s", att_err_name(err));
    }
    return report_write(m->cli, att_buf_slice(text), diag);
}

int cmd_report_oscal(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.report-oscal.v1");
    struct report_making m = {.cli = cli};
    const struct option_spec spec[] = {REPORT_OPTIONS(m)};
    struct att_diag diag = {0};
    int code = options_parse(&r, spec, ATT_COUNT(spec), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    code = report_output(&r);
    if (code != OPTIONS_OK) {
        return code;
    }
    m.log.options.place.where = argv[1];
    err = write_oscal(&m, &r, &diag);
    code = err == ATT_OK ? report_finish(&r) : report_failure(&r, err, &diag);
    report_making_clear(&m);
    return code;
}
