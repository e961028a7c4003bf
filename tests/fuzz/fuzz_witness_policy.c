/* Policies of witnesses: nobody counts twice, and a checkpoint that nobody cosigned satisfies only "quorum none". */
#include "fuzz.h"
#include "tlog/witness_policy.h"

/* The example of docs/formats/log.md, which one witness cosigned. */
static const char SIGNED[] =
    "log.example/gateways\n2\nT1X2GdkhUjV3iyufF9b0kVsWFxIU0VI4EpNml2Teci4=\n\n"
    "\xe2\x80\x94 log.example/gateways "
    "1g4b71R4161kHVgHgn6QEYsHmQPRpQM+JKqDiaf0/B5HehuQqE0qCxDRWMWK9l+"
    "sWj+Bm2EELJIbuU7F+sVL9Sl5uQ0=\n";
static const char COSIGNED[] = "\xe2\x80\x94 witness.example/w1 "
                               "BNLYMwAAAABpKg1QiT8cEJ+uKe+kufy38ZuioyNA8YxqXCD+8pooFVHQnU3uNcr9m"
                               "XbVVx2BREQxqfUUzbc/rfZmeTVwpBGLcMVgDw==\n";

static struct att_slice example(void)
{
    static char text[sizeof(SIGNED) + sizeof(COSIGNED)];

    return att_slice_of(text, (size_t)snprintf(text, sizeof(text), "%s%s", SIGNED, COSIGNED));
}

/* true unless the policy knows the log and finds too few witnesses. */
static void ask(const struct att_witness_policy *p, struct att_slice in, bool cosigned)
{
    struct att_checkpoint *c = NULL;
    struct att_diag diag = {0};
    struct att_note note;

    HOLDS(att_note_parse(&note, in, NULL) == ATT_OK);
    if (att_witness_policy_verify(&c, p, &note, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_TL_CKPT);
        return;
    }
    HOLDS(att_checkpoint_cosigned(c) <= (cosigned ? 1U : 0U));
    HOLDS(!att_witness_policy_met(p, c) || att_checkpoint_cosigned(c) > 0 ||
          att_witness_policy_asks_nobody(p));
    HOLDS(!att_witness_policy_asks_nobody(p) || att_witness_policy_met(p, c));
    att_checkpoint_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_witness_policy *p = NULL;
    struct att_diag diag = {0};
    const struct att_witness_party *party = NULL;

    if (att_witness_policy_parse(&p, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_WITNESSES && diag.text[0] != '\0');
        return 0;
    }
    for (size_t i = 0; (party = att_witness_policy_log(p, i)) != NULL; i++) {
        HOLDS(att_vkey_type(party->key) == ATT_NOTE_ED25519 && i < ATT_WITNESS_POLICY_LOGS);
    }
    for (size_t i = 0; (party = att_witness_policy_witness(p, i)) != NULL; i++) {
        HOLDS(att_vkey_type(party->key) == ATT_NOTE_COSIGNATURE && party->name.len > 0);
    }
    ask(p, example(), true);
    ask(p, att_slice_of(SIGNED, sizeof(SIGNED) - 1), false);
    att_witness_policy_free(p);
    return 0;
}
