/* The commands about a transparency log, in the order of help. */
#include "commands.h"

const struct command log_commands[] = {
    {.noun = "log",
     .verb = "verify",
     .args = "FILE --key VKEY|--policy FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "verify a log's checkpoint, or a proof that an entry is in it",
     .ja = "ログのチェックポイント、またはエントリーの包含証明を検証する",
     .more_en = "FILE is a signed checkpoint, or a proof (tlog-proof) of the entry in --entry.\n"
                "--policy also says how many witnesses must have cosigned; --key asks for none.\n"
                "Exit 0: all holds. 1: no. 3: cannot decide. 4: malformed. No network is used.",
     .more_ja = "FILE は署名付きチェックポイント、または証明 (tlog-proof、--entry が必要)。\n"
                "--policy は必要な監視者の連署も定める。--key だけでは連署を求めない。\n"
                "終了コード 0: 成立。1: 否。3: 判定不能。4: 形式不正。通信はしない。",
     .example = {"attestctl log verify checkpoint --key log.vkey",
                 "attestctl log verify checkpoint --policy witnesses.txt",
                 "attestctl --json log verify label.tlog-proof --key log.vkey --entry leaf.bin"},
     .run = cmd_log_verify},
    {.noun = "log",
     .verb = "audit",
     .args = "DIR|URL",
     .args_min = 1,
     .args_max = 1,
     .en = "check every entry of a published log",
     .ja = "公開ログのすべての項目を検査する",
     .more_en =
         "Tree, form, signatures and times of all entries; labels, revocations and enrolments.\n"
         "Gaps between labels and silent gateways are listed, and are not failures.\n"
         "Exit 0: all holds. 1: no. 3: cannot decide. 4: malformed.",
     .more_ja = "木、形式、署名、時刻、およびラベル・失効・登録の整合を確認する。\n"
                "ラベルの空白期間と応答のない機器は一覧に示し、不合格とはしない。\n"
                "終了コード 0: 成立。1: 否。3: 判定不能。4: 形式不正。",
     .example =
         {"attestctl log audit /srv/www/log --key log.vkey",
          "attestctl log audit https://verifier.example:8443/log --ca ca.pem --state audit.state",
          "attestctl --json log audit mirror | jq .counts"},
     .run = cmd_log_audit},
    {.noun = "log",
     .verb = "monitor",
     .args = "DIR|URL",
     .args_min = 1,
     .args_max = 1,
     .en = "hold a published log to what it showed last time",
     .ja = "公開ログを前回の内容と照合する",
     .more_en =
         "The checkpoint of last time is kept in $XDG_STATE_HOME/attestctl. A log that went back "
         "or\n"
         "forked is exit 1, and both checkpoints are saved as evidence. --watch: a gateway of\n"
         "which no new label is expected, but those of --expect.",
     .more_ja =
         "前回のチェックポイントは $XDG_STATE_HOME/attestctl "
         "に置く。ログが後退または分岐した場合は\n"
         "終了コード 1 で、両方のチェックポイントを証拠として保存する。--watch は新しいラベルを\n"
         "想定しない機器 (--expect のラベルを除く)。",
     .example = {"attestctl log monitor https://verifier.example:8443/log --ca ca.pem",
                 "attestctl log monitor mirror --key log.vkey",
                 "attestctl log monitor mirror --watch UEID --expect gateway.label"},
     .run = cmd_log_monitor},
    {.noun = "log",
     .verb = "prove",
     .args = "INDEX|LABEL",
     .args_max = 1,
     .en = "a proof from a published log, for log verify and other tools",
     .ja = "公開ログから証明を作る (log verify などで検証できる)",
     .more_en =
         "Of an entry (tlog-proof), or with --consistency of an earlier tree (tlog-witness).\n"
         "A label that its receipt promised and that is not there is exit 1 (E_TL_NOTMERGED).",
     .more_ja =
         "項目の証明 (tlog-proof)、または --consistency で以前の木の証明 (tlog-witness) を書く。\n"
         "受領証が約束したラベルが公開されていなければ終了コード 1 (E_TL_NOTMERGED)。",
     .example = {"attestctl log prove 12 --from mirror --entry leaf.bin -o 12.tlog-proof",
                 "attestctl log prove gateway.label --from mirror -o gateway.tlog-proof",
                 "attestctl log prove --consistency old-checkpoint --from mirror -o proof"},
     .run = cmd_log_prove},
    {.noun = "log",
     .verb = "export",
     .args = "DIR",
     .args_min = 1,
     .args_max = 1,
     .en = "a published log as plain files, for any web server",
     .ja = "公開ログを通常のファイルとして書き出す (任意のウェブサーバーで配信できる)",
     .more_en = "What the folder has already must be the beginning of it; its checkpoint is "
                "written last.\n"
                "The key of the log is --key, or one in the trust folder.",
     .more_ja = "フォルダーに既にある内容は新しい木の先頭でなければならない。チェックポイントは最後"
                "に書く。\n"
                "ログの鍵は --key または信頼フォルダーのもの。",
     .example = {"attestctl log export /srv/www/log --key log.vkey",
                 "attestctl log export mirror --from https://verifier.example:8443/log --ca ca.pem",
                 "attestctl log export copy --from /srv/www/log"},
     .run = cmd_log_export},
    {.noun = "log",
     .verb = "cosign",
     .args = "--witnesses FILE",
     .en = "ask the witnesses, and give their cosignatures to the verifier",
     .ja = "監視者に連署を求め、検証サーバーに渡す",
     .more_en = "Reads the newest checkpoint over --socket, sends it to each witness of FILE "
                "(tlog-policy) that\n"
                "has an https address, and publishes it when the quorum has cosigned. Run it from "
                "a timer;\n"
                "the verifier itself calls nobody. Exit 0: published. 3: too few. 1: a witness saw "
                "another log.",
     .more_ja =
         "--socket から最新のチェックポイントを読み、FILE (tlog-policy) で https の宛先を持つ\n"
         "監視者に送り、必要な数の連署が揃えば公開する。タイマーから実行する (検証サーバー自身は\n"
         "外部に接続しない)。終了コード 0: 公開。3: 不足。1: 監視者が別の木を見ている。",
     .example =
         {"attestctl log cosign --witnesses /etc/attestd/witnesses.txt",
          "attestctl log cosign --witnesses witnesses.txt --ca partners.pem",
          "attestctl --json log cosign --witnesses witnesses.txt --socket /run/attestd/admin.sock"},
     .run = cmd_log_cosign},
    {.noun = "log",
     .verb = "witness",
     .args = "--name NAME --key KEY --logs FILE --state DIR",
     .en = "be a witness: cosign logs that only grow",
     .ja = "監視者として、追記だけのログに連署する",
     .more_en =
         "Serves POST /add-checkpoint and GET /HASH/checkpoint (C2SP tlog-witness) over HTTP, for "
         "a\n"
         "proxy that has the certificate. What was cosigned is durable before it is answered; two\n"
         "trees of one size are kept as evidence (fork-*) in --state. Ends with SIGTERM.",
     .more_ja =
         "C2SP tlog-witness の POST /add-checkpoint と GET /HASH/checkpoint を HTTP で提供する\n"
         "(証明書は前段のプロキシが持つ)。連署は応答前に保存し、同じ大きさの二つの木は\n"
         "証拠として --state に残す (fork-*)。SIGTERM で終了する。",
     .example = {"attestctl log witness --name example.org/w1 --key pkcs11:object=w1 --show-key",
                 "attestctl log witness --name example.org/w1 --key pkcs11:object=w1 "
                 "--logs logs.txt --state /var/lib/attest-witness",
                 "attestctl log witness --name example.org/w1 --key w1.pem --insecure-file-key "
                 "--logs logs.txt --state state --listen '[::1]:8090'"},
     .run = cmd_log_witness}};

const size_t log_command_count = ATT_COUNT(log_commands);
