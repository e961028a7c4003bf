/* Each predicate as a clause that an auditor can read. */
#include "policy/policy_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "policy/policy_internal.h"

#define NAMES_SHOWN 4
#define NAME_SHOWN  96

static const char *either(const struct att_words *w, const char *en, const char *ja)
{
    return w->ja ? ja : en;
}

static void say_names(struct att_words *w, const struct att_requirement *r)
{
    char shown[NAME_SHOWN];

    for (size_t i = 0; i < r->name_count && i < NAMES_SHOWN; i++) {
        att_words_add(w, "%s%s", i > 0 ? either(w, ", ", "、") : "",
                      att_escape(shown, sizeof(shown), r->name[i], strlen(r->name[i])));
    }
    if (r->name_count > NAMES_SHOWN) {
        ATT_WORDS_SAY(w, " and %zu more", " ほか %zu 件", r->name_count - NAMES_SHOWN);
    }
}

static void say_pcrs(struct att_words *w, uint32_t mask)
{
    const char *between = "";

    for (unsigned int pcr = 0; pcr < 32; pcr++) {
        if ((mask >> pcr & 1) != 0) {
            att_words_add(w, "%s%u", between, pcr);
            between = ", ";
        }
    }
}

static void say_logs(struct att_words *w, uint32_t mask)
{
    const char *between = "";

    for (size_t i = 0; i < ATT_COUNT(att_policy_logs); i++) {
        if ((mask >> i & 1) != 0) {
            att_words_add(w, "%s%s", between, att_policy_logs[i]);
            between = ", ";
        }
    }
}

/* One value is shown, of several the number. */
static void say_values(struct att_words *w, const struct att_requirement *r)
{
    char hex[17];

    if (r->value_count == 1) {
        att_words_add(w, "%s...", att_hex_encode(hex, sizeof(hex), att_slice_of(r->value[0], 8)));
    } else {
        ATT_WORDS_SAY(w, "one of %zu values", "%zu 個の値のいずれか", r->value_count);
    }
}

static const char *verdict(const struct att_words *w, enum att_severity s)
{
    static const char *const EN[] = {"fails", "warns", "is accepted"};
    static const char *const JA[] = {"不合格", "警告", "許可"};

    return either(w, EN[s], JA[s]);
}

static void say_own_items(struct att_words *w, const struct att_requirement *r)
{
    if (w->ja) {
        say_names(w, r);
        att_words_add(w, " の下で測定した項目がすべて参照値どおりである(参照値のない項目は%s)",
                      verdict(w, r->unlisted));
    } else {
        att_words_add(w, "every item measured under ");
        say_names(w, r);
        att_words_add(w, " is the expected one; what has no reference value %s",
                      verdict(w, r->unlisted));
    }
    if (r->allow_any) {
        att_words_add(w, "%s",
                      either(w, " (allow_any: labels are a warning)", "(allow_any: 判定は警告)"));
    }
}

static void say_named(struct att_words *w, const struct att_requirement *r)
{
    say_names(w, r);
    switch (r->predicate) {
    case ATT_PRED_OWN_MEASURED:
        att_words_add(w, "%s", either(w, ": measured, and there", " が測定されて存在する"));
        break;
    case ATT_PRED_OWN_COMPLETE:
        att_words_add(w, "%s",
                      either(w, ": nothing is missing of what the reference values were made from",
                             " の下に、参照値の元になったものがすべて存在する"));
        break;
    case ATT_PRED_SHA256_IN:
        att_words_add(w, "%s", either(w, " has the digest ", " のダイジェストが "));
        say_values(w, r);
        att_words_add(w, "%s", either(w, "", " である"));
        break;
    default:
        ATT_WORDS_SAY(w, " is a number from %" PRIu64 " to %" PRIu64,
                      " が %" PRIu64 " から %" PRIu64 " までの数である", r->at_least, r->at_most);
        break;
    }
}

static void say_pcr_rule(struct att_words *w, const struct att_requirement *r)
{
    att_words_add(w, "PCR ");
    say_pcrs(w, r->pcr_mask);
    if (r->predicate == ATT_PRED_BOOT_PCRS) {
        att_words_add(
            w, "%s", either(w, ": each value is a reference value", " がすべて参照値どおりである"));
        return;
    }
    att_words_add(w, "%s", either(w, " is ", " が "));
    say_values(w, r);
    att_words_add(w, "%s", either(w, "", " である"));
}

static void say_log_rule(struct att_words *w, const struct att_requirement *r)
{
    if (r->predicate == ATT_PRED_LOGS) {
        att_words_add(w, "%s", either(w, "these logs are there: ", "次のログがある: "));
        say_logs(w, r->log_mask);
        return;
    }
    att_words_add(w, "%s",
                  either(w, "no entry of the logs ", "次のログに拒否リストの項目がない: "));
    say_logs(w, r->log_mask);
    ATT_WORDS_SAY(w, " has one of %zu denied digests", "(%zu 個のダイジェスト)", r->value_count);
}

/* The rules that replace a strict default. */
static void say_default(struct att_words *w, const struct att_requirement *r)
{
    const char *en = "a file of the kernel's list without a reference value";
    const char *ja = "カーネルの一覧で参照値のないファイルは";

    if (r->predicate == ATT_PRED_IMA_VIOLATIONS) {
        en = "a violation in the kernel's list";
        ja = "カーネルが記録した測定違反は";
    } else if (r->predicate == ATT_PRED_IMA_KEXEC) {
        en = "a kernel's list that goes on after kexec";
        ja = "kexec をまたぐカーネルの一覧は";
    } else if (r->predicate == ATT_PRED_BOOT_ORDER) {
        en = "a boot event out of the firmware's order";
        ja = "順序に合わない起動イベントは";
    }
    att_words_add(w, "%s%s%s", w->ja ? ja : en, w->ja ? "" : " ", verdict(w, r->unlisted));
    if (r->predicate == ATT_PRED_BOOT_ORDER && r->pcr_mask != 0) {
        att_words_add(
            w, "%s", either(w, "; late ones are expected in PCR ", "。遅いイベントを認める PCR: "));
        say_pcrs(w, r->pcr_mask);
    }
}

static void say_signed(struct att_words *w, const struct att_requirement *r)
{
    static const char *const EN[] = {"; what is not fails", "; what is not warns",
                                     ", or has a reference value"};
    static const char *const JA[] = {"(なければ不合格)", "(なければ警告)", "(または参照値がある)"};

    if (w->ja) {
        say_names(w, r);
        att_words_add(w, " の下でカーネルが測定したファイルに %zu 個の鍵のいずれかによる署名がある",
                      r->key_count);
        att_words_add(w, "%s", JA[r->unlisted]);
        return;
    }
    att_words_add(w, "every file that the kernel measured under ");
    say_names(w, r);
    att_words_add(w, " is signed by one of %zu keys%s", r->key_count, EN[r->unlisted]);
}

static void say_rule(struct att_words *w, const struct att_requirement *r);

/* The depth is bounded where policies are read. */
static void say_parts(struct att_words *w, const struct att_requirement *r)
{
    static const char *const EN[] = {"all of (", "one of (", "not ("};
    static const char *const JA[] = {"すべて(", "いずれか(", "否定("};
    size_t which = (size_t)r->predicate - (size_t)ATT_PRED_ALL;

    att_words_add(w, "%s", either(w, EN[which], JA[which]));
    for (size_t i = 0; i < r->child_count; i++) {
        att_words_add(w, "%s", i > 0 ? "; " : "");
        say_rule(w, &r->child[i]);
    }
    att_words_add(w, ")");
}

static void say_rule(struct att_words *w, const struct att_requirement *r)
{
    switch (r->predicate) {
    case ATT_PRED_GRADE:
        ATT_WORDS_SAY(w, "the evidence is graded E%d or better", "証拠の等級が E%d 以上である",
                      r->grade);
        break;
    case ATT_PRED_OWN_ITEMS:
        say_own_items(w, r);
        break;
    case ATT_PRED_OWN_MEASURED:
    case ATT_PRED_OWN_COMPLETE:
    case ATT_PRED_SHA256_IN:
    case ATT_PRED_MIN_VERSION:
        say_named(w, r);
        break;
    case ATT_PRED_BOOT_PCRS:
    case ATT_PRED_PCR_IN:
        say_pcr_rule(w, r);
        break;
    case ATT_PRED_IMA_FILES:
    case ATT_PRED_IMA_VIOLATIONS:
    case ATT_PRED_IMA_KEXEC:
    case ATT_PRED_BOOT_ORDER:
        say_default(w, r);
        break;
    case ATT_PRED_FIRMWARE:
        att_words_add(
            w, "%s",
            either(w, "the TPM's firmware did not change", "TPM のファームウェアが変わっていない"));
        break;
    case ATT_PRED_SECURE_BOOT:
        att_words_add(w, "%s",
                      either(w, "Secure Boot is on, as the firmware measured it",
                             "セキュアブートが有効であると測定されている"));
        break;
    case ATT_PRED_LOGS:
    case ATT_PRED_EVENT_ABSENT:
        say_log_rule(w, r);
        break;
    case ATT_PRED_MAX_AGE:
        ATT_WORDS_SAY(w, "the boot was first accepted at most %" PRIu64 " s ago",
                      "起動が最初に認められてから %" PRIu64 " 秒以内である", r->at_most);
        break;
    case ATT_PRED_IMA_SIGNED:
        say_signed(w, r);
        break;
    case ATT_PRED_ALL:
    case ATT_PRED_ANY:
    case ATT_PRED_NOT:
        say_parts(w, r);
        break;
    }
}

/* A character of several bytes is not cut in two. */
static void end_words(struct att_words *w)
{
    size_t at = w->cap - 4;

    if (w->len + 1 < w->cap) {
        return;
    }
    while (at > 0 && ((unsigned char)w->out[at] & 0xc0) == 0x80) {
        at--;
    }
    memcpy(&w->out[at], "...", 4);
}

char *att_requirement_words(char *out, size_t cap, const struct att_requirement *r, bool ja)
{
    struct att_words w = {.out = out, .cap = cap, .ja = ja};

    out[0] = '\0';
    say_rule(&w, r);
    end_words(&w);
    return out;
}
