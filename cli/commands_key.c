/* The commands about a verifier's own keys, in the order of help. */
#include "commands.h"

const struct command key_commands[] = {
    {.noun = "key",
     .verb = "create",
     .args = "label|log NAME --issuer ID",
     .args_min = 2,
     .args_max = 2,
     .en = "make a key that can take over, in the verifier's folder of keys",
     .ja = "引き継ぎ用の鍵を検証サーバーの鍵フォルダーに作る",
     .more_en =
         "A label key needs a certificate: of --ca, or NAME.pem that your authority makes. Give\n"
         "partners NAME.vkey of a log, or a new anchor, before key rotate: they type "
         "fingerprints.\n"
         "As the user of attestd. Nothing is in force by this.",
     .more_ja =
         "ラベル鍵には証明書が必要: --ca で発行するか、認証局が NAME.pem を作る。key rotate の\n"
         "前に、ログの NAME.vkey または新しいアンカーを取引先に渡し、指紋を照合してもらう。\n"
         "attestd のユーザーで実行する。これだけでは有効にならない。",
     .example = {"attestctl key create label label-2 --issuer verifier.example --key 'pkcs11:...' "
                 "--ca root.pem --ca-key root.key",
                 "attestctl key create log log-2 --issuer verifier.example",
                 "attestctl --json key create log log-2 --issuer verifier.example | jq .keys"},
     .run = cmd_key_create},
    {.noun = "key",
     .verb = "show",
     .args = "",
     .en = "list the keys that sign labels and the log, and those that did",
     .ja = "ラベルとログに署名する鍵、および以前の鍵を一覧する",
     .example = {"attestctl key show", "attestctl key show --socket verifier/admin.sock",
                 "attestctl --json key show | jq -r '.keys.label[].key'"},
     .run = cmd_key_show},
    {.noun = "key",
     .verb = "rotate",
     .args = "label|log NAME",
     .args_min = 2,
     .args_max = 2,
     .en = "let a key of the folder of keys take over, now and for good",
     .ja = "鍵フォルダーの鍵に引き継ぐ (元に戻せない)",
     .more_en =
         "The log says so in the same transaction. Labels of before count until they end; with\n"
         "--compromised those in force are revoked at once, and partners are told by key export.",
     .more_ja =
         "同じトランザクションでログに記録する。以前のラベルは期限まで有効。--compromised では\n"
         "有効なラベルを直ちに失効させ、取引先には key export で知らせる。",
     .example = {"attestctl key rotate label label-2",
                 "attestctl key rotate label label-3 --compromised --yes",
                 "attestctl key rotate log log-2 --hand-over 90"},
     .run = cmd_key_rotate},
    {.noun = "key",
     .verb = "revoke",
     .args = "SHA256",
     .args_min = 1,
     .args_max = 1,
     .en = "revoke a label key that signs no more, and its labels",
     .ja = "以前のラベル鍵とそのラベルを失効させる",
     .more_en = "The key in force ends with key rotate --compromised.",
     .more_ja = "現在の鍵は key rotate --compromised で失効させる。",
     .example = {"attestctl key revoke '5F:1C:...:9A'", "attestctl key revoke 5f1c...9a --yes",
                 "attestctl --json key revoke 5f1c...9a --yes | jq .change.labels"},
     .run = cmd_key_revoke},
    {.noun = "key",
     .verb = "export",
     .args = "SHA256 --output FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "write what tells partners that a label key was revoked",
     .ja = "ラベル鍵の失効を取引先に知らせるファイルを書き出す",
     .more_en = "The log's entry about it, with its receipt: attestctl trust revoke FILE.",
     .more_ja = "ログの項目とその受領証: attestctl trust revoke FILE で取り込む。",
     .example = {"attestctl key export 5f1c...9a --output old-key.receipt",
                 "attestctl key export '5F:1C:...:9A' --output /srv/www/old-key.receipt",
                 "attestctl key export 5f1c...9a --output - | ssh partner 'cat >old-key.receipt'"},
     .run = cmd_key_export},
};
const size_t key_command_count = ATT_COUNT(key_commands);
