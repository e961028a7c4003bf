/* Words of period statements for people: kinds of entries, and what a log cannot show. */
#include <string.h>

#include "report_make.h"

const char *report_kind(const struct cli *cli, const char *kind)
{
    static const struct {
        const char *kind, *en, *ja;
    } KINDS[] = {
        {"init", "log begun", "ログ開始"},
        {"enrolled", "enrolled", "登録"},
        {"label", "label", "ラベル"},
        {"refused", "refused", "拒否"},
        {"stale", "silent for too long", "応答期限超過"},
        {"removed", "removed", "撤去"},
        {"allowed", "permission to enrol", "登録許可"},
        {"policy", "policy or reference values", "方針・参照値の変更"},
        {"notice", "update window", "更新期間の通知"},
        {"transferred", "transferred", "移管"},
        {"quarantined", "quarantined", "隔離"},
        {"released", "released", "隔離解除"},
        {"revoked", "revoked", "失効"},
        {"suspended", "suspended", "一時停止"},
        {"restored", "restored", "再開"},
        {"certified", "data key certified", "データ鍵の認証"},
    };

    for (size_t i = 0; i < ATT_COUNT(KINDS); i++) {
        if (strcmp(KINDS[i].kind, kind) == 0) {
            return tr(cli, KINDS[i].en, KINDS[i].ja);
        }
    }
    return kind;
}

/* attestd-period-limits-1: docs/formats/report.md has the same words. */
const char *report_limit(const struct cli *cli, size_t i)
{
    static const struct {
        const char *en, *ja;
    } LIMITS[] = {
        {"This is evidence for a reader to judge by. It states no conformity with any scheme or "
         "law.",
         "これは読み手が判断するための証拠であり、いかなる制度や法令への適合も宣言しない。"},
        {"Labels tell what was measured when they were made, under the policy whose digest they "
         "name; nothing "
         "about vulnerabilities or about what was not measured.",
         "ラベルは、示された方針の下で発行時に測定された内容だけを示す。脆弱性や測定対象外の事柄は"
         "示さない。"},
        {"The log has digests: which requirement or which file was at fault, and who the operator "
         "was, stand in the "
         "verifier's records alone.",
         "ログにあるのはダイジェストである。どの要件やファイルが原因か、誰が操作したかは検証サーバ"
         "ーの"
         "記録だけにある。"},
        {"Outcomes that never became entries, and gateways that were never enrolled, cannot be "
         "seen.",
         "項目にならなかった結果や、登録されたことのない機器は見えない。"},
        {"That others were shown the same tree is told only by witnesses, or by comparing "
         "checkpoints.",
         "他者にも同じ木が示されたかは、監視者の連署またはチェックポイントの照合だけで分かる。"},
        {"Times are the verifier's clock.", "時刻は検証サーバーの時計による。"},
    };

    return i < ATT_COUNT(LIMITS) ? tr(cli, LIMITS[i].en, LIMITS[i].ja) : NULL;
}

uint64_t report_labels(const struct att_statement *s, int status)
{
    uint64_t count = 0;

    for (size_t i = 0; i < s->period->tallies; i++) {
        count += s->period->tally[i].status == status ? s->period->tally[i].count : 0;
    }
    return count;
}
