/* The commands about period statements, in the order of help. */
#include "commands.h"

const struct command report_commands[] = {
    {.noun = "report",
     .verb = "period",
     .args = "DIR|URL --from TIME --until TIME",
     .args_min = 1,
     .args_max = 1,
     .en = "what a published log shows of a period; --sign writes it signed",
     .ja = "公開ログがある期間について示すこと (--sign で署名して書き出す)",
     .more_en =
         "The whole log is audited first; no statement is made of one that does not stand that.\n"
         "Contradictions among the entries of the period are told in it: exit 1. A period that no\n"
         "later entry closes: exit 3. It is evidence, and says nothing of conformity.",
     .more_ja = "最初にログ全体を監査し、通らないログからは作らない。期間内の項目の矛盾は報告書に\n"
                "示す (終了コード 1)。後の項目で閉じられていない期間は終了コード 3。\n"
                "これは証拠であり、適合を述べるものではない。",
     .example =
         {"attestctl report period mirror --from 2026-11-01T00:00:00Z --until 2026-12-01T00:00:00Z",
          "attestctl report period mirror --from 2026-11-01T00:00:00Z --until 2026-12-01T00:00:00Z "
          "--sign 'pkcs11:object=auditor' -o 2026-11.report",
          "attestctl --json report period mirror --from @1793000000 --until @1793100000 | jq "
          ".statement.tally"},
     .run = cmd_report_period},
    {.noun = "report",
     .verb = "csv",
     .args = "DIR|URL --from TIME --until TIME -o FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "a table of it for spreadsheets (RFC 4180)",
     .ja = "その表を表計算用に書き出す (RFC 4180)",
     .more_en = "Cells that a spreadsheet would take as formulas get an apostrophe in front.\n"
                "With --lang ja headings are Japanese, and the file begins with a byte order mark.",
     .more_ja = "数式とみなされるセルには先頭にアポストロフィを付ける。\n"
                "--lang ja では見出しが日本語になり、ファイルは BOM で始まる。",
     .example =
         {"attestctl report csv mirror --from 2026-11-01T00:00:00Z --until 2026-12-01T00:00:00Z -o "
          "gateways.csv",
          "attestctl report csv mirror --from @1793000000 --until @1793100000 --table events -o -",
          "attestctl --lang ja report csv mirror --from @1793000000 --until @1793100000 --table "
          "rules "
          "--policy site.yaml -o rules.csv"},
     .run = cmd_report_csv},
    {.noun = "report",
     .verb = "oscal",
     .args = "DIR|URL --from TIME --until TIME -o FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "it as OSCAL assessment results (JSON)",
     .ja = "OSCAL assessment results (JSON) として書き出す",
     .more_en =
         "Observations, and no findings: whether an objective is met is the assessor's to say.\n"
         "--policy: where its requirements say that they come from are the reviewed controls.",
     .more_ja = "観測のみで所見は含まない。目標の達成は評価者が判断する。\n"
                "--policy を指定すると、要件の出典が reviewed-controls になる。",
     .example = {"attestctl report oscal mirror --from 2026-11-01T00:00:00Z --until "
                 "2026-12-01T00:00:00Z -o 2026-11.json",
                 "attestctl report oscal mirror --from @1793000000 --until @1793100000 --policy "
                 "site.yaml -o ar.json",
                 "attestctl report oscal mirror --from @1793000000 --until @1793100000 -o - | jq "
                 "'.\"assessment-results\".results[0].observations'"},
     .run = cmd_report_oscal},
    {.noun = "report",
     .verb = "verify",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "check a signed statement; --log makes it again from the log",
     .ja = "署名付き報告書を検証する (--log でログから作り直して照合)",
     .more_en =
         "The auditor's key is one of auditors/*.pem in the trust folder, or --auditor FILE.\n"
         "Exit 0: signed, its figures agree, and the log signed the trees that it names.\n"
         "With --log also: the log leads to the same bytes.",
     .more_ja = "監査人の鍵は信頼フォルダーの auditors/*.pem または --auditor で与える。\n"
                "終了コード 0: 署名が正しく、数値が整合し、示された木にログの署名がある。\n"
                "--log を指定すると、ログから同じバイト列が得られることも確認する。",
     .example = {"attestctl report verify 2026-11.report",
                 "attestctl report verify 2026-11.report --auditor auditor.pem --key log.vkey",
                 "attestctl report verify 2026-11.report --log mirror"},
     .run = cmd_report_verify}};

const size_t report_command_count = ATT_COUNT(report_commands);
