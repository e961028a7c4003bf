/* The table of commands: what --help prints, and which function runs. */
#include "commands.h"

static const struct command work[] = {
    {.noun = "label",
     .verb = "verify",
     .args = "FILE...",
     .args_min = 1,
     .args_max = ARGS_ANY,
     .en = "verify labels offline",
     .ja = "ラベルをオフラインで検証する",
     .more_en = "Exit 0: authentic, current, affirming. 1: no. 3: cannot decide. 4: not a label.\n"
                "Several files: the worst of them. - is standard input. No network is used.\n"
                "Whether a label was revoked since is told only with --status, as of that list.",
     .more_ja = "終了コード 0: 本物、有効期間内、肯定。1: 否。3: 判定不能。4: ラベルではない。\n"
                "複数のファイルでは最も悪いもの。- は標準入力。ネットワークは使わない。\n"
                "発行後の失効は --status のリストの時点でのみ分かる。",
     .example =
         {"attestctl label verify gateway.label",
          "attestctl label verify --device gateway-1 --at 2026-12-01T00:00:00Z gateway.label",
          "attestctl --json label verify lot-7/*.label | jq -r '.files[]|[.file,.verdict]|@csv'"},
     .run = cmd_label_verify},
    {.noun = "label",
     .verb = "show",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "print a label without verifying it",
     .ja = "検証せずにラベルを表示する",
     .example = {"attestctl label show gateway.label",
                 "attestctl --lang ja label show gateway.label",
                 "attestctl --json label show gateway.label | jq .label.expires"},
     .run = cmd_label_show},
    {.noun = "label",
     .verb = "get",
     .args = "URL|ID --output FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "fetch a label from a verifier",
     .ja = "検証サーバーからラベルを取得する",
     .more_en =
         "An https URL needs --ca. An id (of a gateway, or a label's 32 hexadecimal digits)\n"
         "is asked for over the administrator's socket, and with --list a status list by its "
         "number. What comes is not verified yet.",
     .more_ja = "https の URL には --ca が必要。ID (機器、またはラベルの 16 進 32 桁) は\n"
                "管理ソケットに問い合わせる (--list ではステータスリストを番号で)。\n"
                "取得しただけでは未検証。",
     .example =
         {"attestctl label get https://verifier.example:8443/labels/v1/device/gateway-1/current"
          " --ca verifier-ca.pem -o gateway-1.label",
          "attestctl label get gateway-1 -o gateway-1.label",
          "attestctl label get gateway-1 -o - | attestctl label verify -"},
     .run = cmd_label_get},
    {.noun = "label",
     .verb = "revoke",
     .args = "ID --reason TEXT",
     .args_min = 1,
     .args_max = 1,
     .en = "take a gateway's labels, or one label, back for good",
     .ja = "機器のラベル、または一つのラベルを失効させる",
     .more_en =
         "ID of a gateway: all its labels in force, and it gets no other until it enrols again.\n"
         "A label's 32 hexadecimal digits: that one. Log and status list change together.",
     .more_ja = "機器の ID: 有効なすべてのラベル。再登録するまで新しいラベルも発行されない。\n"
                "ラベルの 16 進 32 桁: そのラベルだけ。ログとステータスリストは同時に変わる。",
     .example = {"attestctl label revoke gateway-1 --reason 'stolen from site 4'",
                 "attestctl label revoke 6a5e1c400b6a4f0e9d1c77d0a8b3e2f1 --reason mistake --yes",
                 "attestctl --json label revoke gateway-1 --reason stolen --yes | jq .labels"},
     .run = cmd_label_revoke},
    {.noun = "label",
     .verb = "suspend",
     .args = "ID --reason TEXT",
     .args_min = 1,
     .args_max = 1,
     .en = "let a gateway's labels, or one label, not count for now",
     .ja = "機器のラベル、または一つのラベルを一時停止する",
     .more_en = "As revoke, until label restore.",
     .more_ja = "revoke と同じ対象を、label restore まで停止する。",
     .example = {"attestctl label suspend gateway-1 --reason 'under repair'",
                 "attestctl label suspend gateway-1 --reason repair --socket verifier/admin.sock",
                 "attestctl --json label suspend gateway-1 --reason repair | jq .labels.outcome"},
     .run = cmd_label_suspend},
    {.noun = "label",
     .verb = "restore",
     .args = "ID --reason TEXT",
     .args_min = 1,
     .args_max = 1,
     .en = "let suspended labels count again",
     .ja = "一時停止したラベルを復帰させる",
     .more_en = "What was suspended by itself is restored by itself. Revoked stays revoked.",
     .more_ja = "個別に停止したラベルは個別に復帰させる。失効は取り消せない。",
     .example = {"attestctl label restore gateway-1 --reason 'repaired'",
                 "attestctl label restore 6a5e1c400b6a4f0e9d1c77d0a8b3e2f1 --reason mistake",
                 "attestctl --json label restore gateway-1 --reason repaired | jq .labels.changed"},
     .run = cmd_label_restore},
    {.noun = "bundle",
     .verb = "verify",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "verify a bundle offline: one file, one answer",
     .ja = "バンドルをオフラインで検証する",
     .more_en = "Exit codes as label verify. Keys come from the trust folder alone, nothing from "
                "the file.\n"
                "With --newer FILE a label that was followed by another is told: superseded.",
     .more_ja = "終了コードは label verify と同じ。鍵は信頼フォルダーのものだけを使う。\n"
                "--newer FILE で、後のラベルに置き換えられていないかを確認する。",
     .example = {"attestctl bundle verify gateway.bundle",
                 "attestctl bundle verify gateway.bundle --device gateway-1 --newer next.bundle",
                 "attestctl --json bundle verify gateway.bundle | jq -r .verdict"},
     .run = cmd_bundle_verify},
    {.noun = "bundle",
     .verb = "create",
     .args = "LABEL --output FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "put label, checkpoint and status list into one file",
     .ja = "ラベル、チェックポイント、ステータスリストを一つのファイルにする",
     .more_en =
         "The label brings its certificates and receipts. A checkpoint must be of the receipt's\n"
         "tree; else give a proof (tlog-proof) of the label's entry, which has a checkpoint in it.",
     .more_ja = "証明書と受領証はラベルに含まれる。チェックポイントは受領証と同じ木のもの、\n"
                "異なる場合はラベルの項目の証明 (tlog-proof) を指定する。",
     .example = {"attestctl bundle create gateway.label --status 1.status -o gateway.bundle",
                 "attestctl bundle create gateway.label --data data --from 40 -o gateway.bundle",
                 "attestctl label get gateway-1 -o - | attestctl bundle create - -o 1.bundle"},
     .run = cmd_bundle_create},
    {.noun = "bundle",
     .verb = "show",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "print what a bundle holds without verifying it",
     .ja = "検証せずにバンドルの内容を表示する",
     .example = {"attestctl bundle show gateway.bundle",
                 "attestctl bundle show gateway.bundle --svg level-a -o level-a.svg",
                 "attestctl --json bundle show gateway.bundle | jq .status_list.as_of"},
     .run = cmd_bundle_show},
    {.noun = "bundle",
     .verb = "disclose",
     .args = "FILE --record BATCH:RECORD --output FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "make a bundle that shows single records of the data and nothing of the others",
     .ja = "データのうち選んだ記録だけを示すバンドルを作る",
     .more_en = "Each record travels with the proof that it stands in its signed batch. Numbers of "
                "batches and records are "
                "those of bundle show --csv.",
     .more_ja =
         "各記録には署名済みバッチに含まれる証明が付きます。番号は bundle show --csv のものです。",
     .example = {"attestctl bundle disclose week.bundle --record 12:3 -o one.bundle",
                 "attestctl bundle disclose week.bundle --record 12:3 --record 13:0 -o two.bundle",
                 "attestctl bundle verify one.bundle"},
     .run = cmd_bundle_disclose},
    {.noun = "bundle",
     .verb = "extract",
     .args = "FILE --output DIR",
     .args_min = 1,
     .args_max = 1,
     .en = "write what a bundle holds as files",
     .ja = "バンドルの内容をファイルに書き出す",
     .example = {"attestctl bundle extract gateway.bundle --output gateway",
                 "attestctl bundle extract gateway.bundle -o dir && ls dir",
                 "attestctl --json bundle extract gateway.bundle -o gateway | jq .files"},
     .run = cmd_bundle_extract},
    {.noun = "evidence",
     .verb = "appraise",
     .args = "--quote FILE --signature FILE --ak FILE",
     .en = "appraise raw TPM artefacts",
     .ja = "TPM の生データを判定する",
     .more_en = "What was not given is not run. Without a policy the verdict is undecided at best.",
     .more_ja = "渡されなかったものは未実施。方針がなければ、よくても判定不能。",
     .example = {"attestctl evidence appraise --quote quote.msg --signature quote.sig --ak ak.pem"
                 " --nonce 00aa55ff",
                 "attestctl evidence appraise --quote quote.msg --signature quote.sig --ak ak.pem"
                 " --pcrs pcrs.yaml --uefi bios.bin",
                 "attestctl evidence appraise --quote quote.msg --signature quote.sig --ak ak.pem"
                 " --nonce 00aa55ff --pcrs pcrs.yaml --policy site.yaml --refvals site.refvals"},
     .run = cmd_evidence_appraise},
    {.noun = "evidence",
     .verb = "reappraise",
     .args = "FILE...",
     .args_min = 1,
     .args_max = ARGS_ANY,
     .en = "make decisions of the verifier again",
     .ja = "検証サーバーの判定を再現する",
     .more_en =
         "FILE: records from evidence get. With the rules of the record the result must be the"
         " same byte for byte (exit 0, else 1). --policy or other reference values ask what the"
         " verdict would be: 0 when none changes, 1 when one does. Give the records of one boot in"
         " order: a later one goes on where the one before it ended. A kernel's list that came in"
         " parts is not kept: --ima gives it for a what-if.",
     .more_ja =
         "FILE は evidence get の記録。記録と同じ方針と参照値なら結果は完全に一致する "
         "(0、違えば 1)。"
         "別の方針や参照値では仮の判定となり、変わるものがなければ 0、あれば 1。"
         "同じ起動の記録は順に渡す。分割で届いたカーネルのリストは保存されないため、仮の判定では "
         "--ima で渡す。",
     .example = {"attestctl evidence reappraise 12.record --refvals site.refvals",
                 "attestctl evidence reappraise 12.record 13.record --refvals site.refvals"
                 " --policy next.yaml",
                 "attestctl --json evidence reappraise 12.record 13.record --refvals next.refvals "
                 "--what-if | "
                 "jq .changed"},
     .run = cmd_evidence_reappraise},
    {.noun = "evidence",
     .verb = "get",
     .args = "INDEX --output FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "fetch the record of an outcome",
     .ja = "判定の記録を取得する",
     .more_en = "The record holds the gateway's evidence: treat it as confidential.",
     .more_ja = "記録には機器の証拠が含まれる。機密として扱う。",
     .example = {"attestctl evidence get 12 --output 12.record",
                 "attestctl evidence get 12 --socket /run/attestd/admin.sock -o 12.record",
                 "attestctl evidence get 12 -o - | attestctl evidence reappraise - --refvals"
                 " site.refvals"},
     .run = cmd_evidence_get},
    {.noun = "evidence",
     .verb = "replay",
     .args = "{--uefi|--ima|--ima-ascii|--own|--cel} F...",
     .en = "print the PCRs that logs lead to",
     .ja = "ログから PCR を再現する",
     .more_en = "A pass means well-formed and replayed, and nothing about trust.",
     .more_ja = "適合は「形式が正しく再現できた」ことだけを示し、信頼性は示さない。",
     .example =
         {"attestctl evidence replay --uefi /sys/kernel/security/tpm0/binary_bios_measurements",
          "attestctl evidence replay --ima /sys/kernel/security/ima/binary_runtime_measurements",
          "attestctl --json evidence replay --uefi bios.bin --ima ima.bin | jq .pcrs.sha256"},
     .run = cmd_evidence_replay},
    {.noun = "evidence",
     .verb = "show",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "print evidence, or that of a record, unverified",
     .ja = "検証せずに証拠を表示する",
     .example = {"attestctl evidence show case-12.evidence", "attestctl evidence show -",
                 "attestctl --json evidence show case-12.evidence | jq .quote"},
     .run = cmd_evidence_show},
    {.noun = "evidence",
     .verb = "export",
     .args = "FILE --output DIR",
     .args_min = 1,
     .args_max = 1,
     .en = "write evidence as files for other TPM tools",
     .ja = "証拠を他の TPM ツール用に書き出す",
     .example = {"attestctl evidence export case-12.evidence --output case-12",
                 "attestctl evidence export - -o case-12 <case-12.evidence",
                 "attestctl evidence replay --own case-12/own.log"},
     .run = cmd_evidence_export},
    {.noun = "policy",
     .verb = "check",
     .args = "FILE...",
     .args_min = 1,
     .args_max = ARGS_ANY,
     .en = "check policies and transcription specifications",
     .ja = "方針と転写仕様を検査する",
     .example = {"attestctl policy check site.yaml --refvals fleet.refvals",
                 "attestctl policy check policies/*.yaml plant.yaml",
                 "attestctl --json policy check site.yaml | jq .reasons"},
     .run = cmd_policy_check},
    {.noun = "policy",
     .verb = "show",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "print a policy's requirements, or a specification's channels, and the digest",
     .ja = "方針の要件または転写仕様のチャネルと、ダイジェストを表示する",
     .example = {"attestctl policy show site.yaml", "attestctl --lang ja policy show plant.yaml",
                 "attestctl --json policy show site.yaml | jq -r .digest"},
     .run = cmd_policy_show},
    {.noun = "policy",
     .verb = "key",
     .args = "FILE...",
     .args_min = 1,
     .args_max = ARGS_ANY,
     .en = "print the keys of files as lines for ima_signed",
     .ja = "鍵や証明書を ima_signed の行として表示する",
     .more_en =
         "A certificate or a public key, PEM or DER: those that the kernel's .ima keyring holds.\n"
         "A certificate's key id is that of its subject key identifier, as the kernel has it.",
     .more_ja = "PEM または DER の証明書か公開鍵 (カーネルの .ima キーリングにあるもの)。\n"
                "証明書の鍵 ID はカーネルと同じく主体鍵識別子 (SKI) の末尾。",
     .example = {"attestctl policy key /etc/keys/ima/vendor.x509",
                 "attestctl policy key ima-1.der ima-2.pem >>site.yaml",
                 "attestctl --json policy key ima.pem | jq -r '.keys[].id'"},
     .run = cmd_policy_key},
    {.noun = "policy",
     .verb = "sign",
     .args = "FILE --key KEY --output FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "sign a policy for a verifier, or a specification for a gateway",
     .ja = "検証サーバーの方針またはゲートウェイの転写仕様に署名する",
     .example =
         {"attestctl policy sign site.yaml --key 'pkcs11:object=policies' -o policy.cose",
          "attestctl policy sign plant.yaml --key signer.key --insecure-file-key -o plant.spec",
          "attestctl --json policy sign site.yaml --key signer.key --insecure-file-key -o "
          "policy.cose | jq -r .digest"},
     .run = cmd_policy_sign},
    {.noun = "policy",
     .verb = "diff",
     .args = "OLD NEW",
     .args_min = 2,
     .args_max = 2,
     .en = "say what changes, and for which gateways",
     .ja = "変更点と影響を受ける機器を示す",
     .more_en = "Exit code 1 when they judge differently; with --evidence, when a verdict changes.",
     .more_ja = "判定が異なれば終了コード 1。--evidence では機器の判定が変わるとき 1。",
     .example = {"attestctl policy diff plant-1.yaml plant-2.yaml",
                 "attestctl policy diff policy.cose site-2.yaml --evidence records --refvals "
                 "fleet.refvals",
                 "attestctl --json policy diff old.yaml new.yaml | jq -r '.changes[].en'"},
     .run = cmd_policy_diff},
    {.noun = "policy",
     .verb = "load",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "bring a signed policy into force",
     .ja = "署名済みの方針を有効にする",
     .more_en =
         "Waits until new challenges are under it. What was asked for before is judged under the\n"
         "policy of its time.",
     .more_ja = "新しいチャレンジに適用されるまで待つ。それ以前の要求は当時の方針で判定される。",
     .example = {"attestctl policy load policy.cose",
                 "attestctl policy load policy.cose --socket verifier/admin.sock",
                 "attestctl --json policy load policy.cose | jq .version"},
     .run = cmd_policy_load},
    {.noun = "notice",
     .verb = "make",
     .args = "--id ID --role ROLE [SOURCE...] --output FILE",
     .args_max = ARGS_ANY,
     .en = "announce an update before it is installed",
     .ja = "更新を事前に通知する",
     .more_en =
         "The sources of refvals make hold the new state; what they have otherwise than FILE "
         "becomes expected until TIME, at most 7 days, and every label says so. Put the notice "
         "into the verifier's folder of notices.",
     .more_ja =
         "入力 (refvals make と同じ) は新しい状態。FILE と異なるものが TIME まで (最長 7 日) "
         "認められ、その間のラベルは警告となる。通知は検証サーバーの notices フォルダーに置く。",
     .example =
         {"attestctl notice make --id openssl-3 --role maintenance --until 2026-12-03T00:00:00Z"
          " --title 'openssl security update' --refvals fleet.refvals --deb libssl3.deb"
          " --key pkcs11:object=maintenance -o openssl-3.notice",
          "attestctl notice make --id fw-12 --role maintenance --until 2026-12-03T00:00:00Z "
          "--title "
          "'firmware 12' --device gateway-1 --refvals fleet.refvals --uefi new-boot.bin --key "
          "maintenance.key --insecure-file-key -o fw-12.notice",
          "attestctl notice make --id drop-telnet --role maintenance --until 2026-12-03T00:00:00Z "
          "--title 'telnet goes' --refvals fleet.refvals --gone /usr/bin/telnet --key "
          "maintenance.key --insecure-file-key -o drop-telnet.notice"},
     .run = cmd_notice_make},
    {.noun = "notice",
     .verb = "show",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "print a change notice; with --signers verify it",
     .ja = "変更通知を表示する。--signers で検証もする",
     .more_en = "DIR holds ROLE.pem for each role, as the verifier's notice_signers does.",
     .more_ja = "DIR には検証サーバーの notice_signers と同様に 役割名.pem を置く。",
     .example = {"attestctl notice show openssl-3.notice",
                 "attestctl notice show openssl-3.notice --signers /etc/attestd/notice-signers",
                 "attestctl --json notice show openssl-3.notice | jq '.changes | length'"},
     .run = cmd_notice_show},
    {.noun = "refvals",
     .verb = "make",
     .args = "[TREE...] [SOURCE...] --output FILE",
     .args_max = ARGS_ANY,
     .en = "make reference values from a known-good state",
     .ja = "正しい状態から参照値を作る",
     .more_en = "Sources may be given often and in any mixture; they are merged.",
     .more_ja = "入力は何度でも、組み合わせても指定でき、統合される。",
     .example =
         {"attestctl refvals make --root /mnt/image --output fleet.refvals",
          "attestctl refvals make --image rootfs.squashfs --image initrd.img --uefi "
          "bios.bin -o fleet.refvals",
          "attestctl refvals make --index Packages.xz --release InRelease --pool /srv/debian "
          "--status image/var/lib/dpkg/status -o fleet.refvals"},
     .run = cmd_refvals_make},
    {.noun = "refvals",
     .verb = "show",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .en = "check a reference value file and print from it",
     .ja = "参照値ファイルを検査し表示する",
     .example = {"attestctl refvals show fleet.refvals",
                 "attestctl refvals show fleet.refvals --name /usr/bin/env",
                 "attestctl --json refvals show fleet.refvals | jq .count"},
     .run = cmd_refvals_show},
    {.noun = "refvals",
     .verb = "merge",
     .args = "FILE... --output FILE",
     .args_min = 1,
     .args_max = ARGS_ANY,
     .en = "make one reference value file of several",
     .ja = "複数の参照値ファイルを一つにする",
     .example = {"attestctl refvals merge base.refvals site.refvals --output fleet.refvals",
                 "attestctl refvals merge *.refvals -o fleet.refvals",
                 "attestctl --json refvals merge a.refvals b.refvals -o c.refvals | jq .verdict"},
     .run = cmd_refvals_merge},
    {.noun = "refvals",
     .verb = "import",
     .args = "FILE... --output FILE",
     .args_min = 1,
     .args_max = ARGS_ANY,
     .en = "make reference values of a CoRIM or allow-list",
     .ja = "CoRIM または許可リストから参照値を作る",
     .more_en =
         "A signed CoRIM needs its signer's key. What cannot be compared is left out and counted.",
     .more_ja = "署名付き CoRIM には署名者の鍵が必要。比較できないものは省略し数を示す。",
     .example = {"attestctl refvals import maker.corim --key maker.pem --output maker.refvals",
                 "attestctl refvals import runtime-policy.json --output fleet.refvals",
                 "attestctl --json refvals import maker.corim -o maker.refvals | jq .values"},
     .run = cmd_refvals_import},
    {.noun = "refvals",
     .verb = "export",
     .args = "--form FORM SOURCE... --output FILE",
     .args_max = ARGS_ANY,
     .en = "write reference values for other verifiers",
     .ja = "他の検証者用に参照値を書き出す",
     .more_en = "From the sources of refvals make: a compiled file does not hold names. corim-pcrs "
                "holds PCRs alone, "
                "each under its index.",
     .more_ja = "refvals make "
                "と同じ入力から作る。コンパイル済みのファイルは名前を持たない。corim-pcrs は PCR "
                "だけを番号ごとに持つ。",
     .example =
         {"attestctl refvals export --form corim-pcrs --pcrs boot.json -o boot.corim",
          "attestctl refvals export --form allowlist --root /mnt/image -o runtime-policy.json",
          "attestctl refvals export --form corim --id gw-1.4 --image rootfs.img -o gw.corim"},
     .run = cmd_refvals_export},
    {.noun = "device",
     .verb = "list",
     .args = "",
     .en = "list the enrolled gateways",
     .ja = "登録機器を一覧する",
     .example =
         {"attestctl device list", "attestctl device list --socket verifier/admin.sock",
          "attestctl --json device list | jq -r '.devices[]|select(.status!=\"affirming\").id'"},
     .run = cmd_device_list},
    {.noun = "device",
     .verb = "show",
     .args = "ID",
     .args_min = 1,
     .args_max = 1,
     .en = "print one gateway's state and reasons",
     .ja = "機器の状態と理由を表示する",
     .example = {"attestctl device show gateway-1", "attestctl --lang ja device show gateway-1",
                 "attestctl --json device show gateway-1 | jq .device.reasons"},
     .run = cmd_device_show},
    {.noun = "device",
     .verb = "allow",
     .args = "[ID]",
     .args_max = 1,
     .en = "make a one-time enrolment token",
     .ja = "一回限りの登録トークンを作る",
     .more_en = "The token goes to standard output. With --ek the endorsement key of that name is\n"
                "allow-listed instead.",
     .more_ja = "標準出力にはトークンだけを出力する。--ek を付けると、その名前の EK を許可する。",
     .example = {"attestctl device allow gateway-1 --verifier-ca ca.pem >token.txt",
                 "attestctl device allow gateway-1 --replace >token.txt",
                 "attestctl device allow gateway-1 --ek 000b5f1c..."},
     .run = cmd_device_allow},
    {.noun = "device",
     .verb = "remove",
     .args = "ID",
     .args_min = 1,
     .args_max = 1,
     .en = "remove a gateway; it must enrol again",
     .ja = "機器を削除する (再登録が必要になる)",
     .example = {"attestctl device remove gateway-1", "attestctl device remove gateway-1 --yes",
                 "attestctl device remove gateway-1 --yes --socket verifier/admin.sock"},
     .run = cmd_device_remove},
    {.noun = "device",
     .verb = "transfer",
     .args = "ACTION ID|FILE...",
     .args_min = 1,
     .args_max = ARGS_ANY,
     .en = "give a gateway to another organisation",
     .ja = "機器を別の組織へ移管する",
     .more_en = "Actions: offer ID, accept FILE, complete FILE, get ID, show FILE, verify FILE... "
                "The giver offers, the receiver accepts, each verifier completes; verify follows a "
                "chain of transfers offline, the oldest first.",
     .more_ja = "操作: offer ID、accept FILE、complete FILE、get ID、show FILE、verify FILE... "
                "譲渡側が offer、受領側が accept し、双方の検証者で complete する。verify "
                "は古い順の移管をオフラインで検証する。",
     .example =
         {"attestctl device transfer offer gateway-1 --to b.pem --key pkcs11:object=a -o 1.offer",
          "attestctl device transfer accept 1.offer --from a.pem --key pkcs11:object=b "
          "--verifier b.example -o 1.transfer",
          "attestctl device transfer verify 1.transfer --from a.pem"},
     .run = cmd_device_transfer}};

static const struct command help[] = {
    {.noun = "explain",
     .args = "CODE",
     .args_max = 1,
     .en = "cause and remedy of a reason code",
     .ja = "理由コードの意味と対処を表示する",
     .example = {"attestctl explain E_REF_MISMATCH", "attestctl --lang ja explain E_LBL_TIME",
                 "attestctl explain --list"},
     .run = cmd_explain},
    {.noun = "version",
     .args = "",
     .en = "print the version",
     .ja = "バージョンを表示する",
     .example = {"attestctl version", "attestctl --json version | jq -r .version",
                 "attestctl --version"},
     .run = cmd_version},
    {.noun = "help",
     .args = "[NOUN [VERB]]",
     .args_max = 2,
     .en = "print this, or the help of one command",
     .ja = "この一覧、または一つのコマンドの説明を表示する",
     .example = {"attestctl help", "attestctl help label", "attestctl help label verify"},
     .run = cmd_help},
};

const struct command *command_at(size_t i)
{
    if (i < ATT_COUNT(work)) {
        return &work[i];
    }
    i -= ATT_COUNT(work);
    if (i < trust_command_count) {
        return &trust_commands[i];
    }
    i -= trust_command_count;
    if (i < log_command_count) {
        return &log_commands[i];
    }
    i -= log_command_count;
    if (i < key_command_count) {
        return &key_commands[i];
    }
    i -= key_command_count;
    if (i < report_command_count) {
        return &report_commands[i];
    }
    i -= report_command_count;
    return i < ATT_COUNT(help) ? &help[i] : NULL;
}
