/* The commands about a trust folder, in the order of help. */
#include "commands.h"

const struct command trust_commands[] = {
    {.noun = "trust",
     .verb = "list",
     .args = "",
     .en = "list the trust anchors and log keys",
     .ja = "信頼アンカーとログの鍵を一覧する",
     .example = {"attestctl trust list", "attestctl --trust demo/trust trust list",
                 "attestctl --json trust list | jq -r '.anchors[].sha256'"},
     .run = cmd_trust_list},
    {.noun = "trust",
     .verb = "add",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "add an anchor or a log's key; you type its fingerprint",
     .ja = "指紋を入力してアンカーまたはログの鍵を追加する",
     .more_en = "FILE is an issuer's certificate, or the verifier key (vkey) of a log or witness.\n"
                "With a log's key labels need its receipt, unless trust.yaml says log: optional.\n"
                "The SHA-256 fingerprint comes from the issuer by another way than the file:\n"
                "by telephone, on paper. Spaces, colons and upper case do not matter.",
     .more_ja =
         "FILE は発行者の証明書、またはログやウィットネスの検証鍵 (vkey)。ログの鍵が入ると、\n"
         "trust.yaml が log: optional としない限り、ラベルにログの受領証が必要になる。\n"
         "SHA-256 指紋は、ファイルとは別の経路 (電話、書面) で発行者から得る。\n"
         "空白、コロン、大文字はあってもよい。",
     .example = {"attestctl trust add issuer.pem",
                 "attestctl trust add issuer.pem --fingerprint '5F:1C:...:9A'",
                 "attestctl --trust /etc/attestd/trust.d trust add log.vkey"},
     .run = cmd_trust_add},
    {.noun = "trust",
     .verb = "remove",
     .args = "SHA256",
     .args_min = 1,
     .args_max = 1,
     .en = "remove an anchor or a log's key by its fingerprint",
     .ja = "指紋を指定してアンカーまたはログの鍵を削除する",
     .more_en = "SHA256 is what trust list prints. What it vouched for is not believed any more.",
     .more_ja = "SHA256 は trust list の表示。これが保証していたものは信頼されなくなる。",
     .example = {"attestctl trust remove '5F:1C:...:9A'",
                 "attestctl --trust /etc/attestd/trust.d trust remove 5f1c...9a --yes",
                 "attestctl --json trust remove 5f1c...9a --yes | jq -r .removed"},
     .run = cmd_trust_remove},
    {.noun = "trust",
     .verb = "revoke",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "believe no more in a label key that its issuer ended",
     .ja = "発行者が失効させたラベル鍵を信頼しないようにする",
     .more_en =
         "FILE is what the issuer's attestctl key export wrote. It may come by any way: the log\n"
         "and an anchor of the trust folder must vouch for it. It goes into trust.yaml.",
     .more_ja = "FILE は発行者の attestctl key export の出力。経路は問わない: 信頼フォルダーの\n"
                "ログ鍵とアンカーで検証し、trust.yaml に追加する。",
     .example = {"attestctl trust revoke old-key.receipt",
                 "attestctl trust revoke old-key.receipt --accept-before --yes",
                 "attestctl --json trust revoke old-key.receipt --yes | jq -r .key"},
     .run = cmd_trust_revoke},
    {.noun = "trust",
     .verb = "show",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "print a certificate and its fingerprint",
     .ja = "証明書と指紋を表示する",
     .more_en =
         "With --ek a TPM's endorsement key certificate is judged against the trust folder,\n"
         "as the verifier would. The public area of a TPM's key (TPM2B_PUBLIC) is shown\n"
         "with its name, which device allow --ek takes.",
     .more_ja =
         "--ek を付けると、検証サーバーと同じ方法で EK 証明書を信頼フォルダーに照らして\n"
         "判定する。TPM の公開領域 (TPM2B_PUBLIC) は、device allow --ek に渡す名前を表示する。",
     .example = {"attestctl trust show issuer.pem",
                 "attestctl --trust /etc/attestd/ek.d trust show --ek ek.der",
                 "attestctl --json trust show issuer.pem | jq -r '.certificates[0].sha256'"},
     .run = cmd_trust_show},
};
const size_t trust_command_count = ATT_COUNT(trust_commands);
