/* log verify: the head of a log, and that an entry is in it, under one key or a policy of logs and witnesses. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "log_view.h"
#include "tlog/checkpoint.h"
#include "tlog/proof_text.h"
#include "tlog/witness_policy.h"

#define FILE_MAX   1048576 /* bytes of a checkpoint or a proof */
#define ENTRY_MAX  (64 * 1048576)
#define PROOF_HEAD "c2sp.org/tlog-proof@"

/* What is asked for, and what was found so far. */
struct looking {
    struct report r;
    const char *key_arg, *policy_path, *entry_path;
    struct att_vkey *key; /* one of these two */
    struct att_witness_policy *policy;
    struct att_buf *file;
    struct att_proof_text proof;
    bool is_proof;
    struct att_note note;
    struct att_checkpoint *checkpoint; /* NULL until it is believed */
};

static void clear(struct looking *l)
{
    att_checkpoint_free(l->checkpoint);
    att_vkey_free(l->key);
    att_witness_policy_free(l->policy);
    att_buf_free(l->file);
}

static enum att_err load_keys(struct looking *l, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = ATT_OK;

    if (l->key_arg != NULL) {
        err = log_key_load(&l->key, l->key_arg, diag);
        if (err == ATT_OK && att_vkey_type(l->key) != ATT_NOTE_ED25519) {
            return att_fail(diag, ATT_E_CONFIG, ATT_R_FMT_KEY, "--key", "expected %s, found %s",
                            "the key of a log (type 01)", "the key of a witness (type 04)");
        }
        return err;
    }
    err = att_file_read(&file, l->policy_path, ATT_WITNESS_POLICY_MAX, diag);
    if (err == ATT_OK) {
        err = att_witness_policy_parse(&l->policy, att_buf_slice(file), diag);
    }
    return log_as_config(err);
}

/* A check that did not pass: what is malformed, false or missing, as everywhere (exit_for). */
static void failed(struct looking *l, const char *id, enum att_err err, const struct att_diag *why)
{
    int code = exit_for(err, why->reason);

    report_check(&l->r, id, code == EXIT_UNDECIDED ? C_NOT_RUN : C_FAIL, why);
    report_worsen(&l->r, code == EXIT_MALFORMED   ? V_MALFORMED
                         : code == EXIT_UNDECIDED ? V_UNDECIDED
                                                  : V_FAIL);
}

/* Is this about the file, and not about this machine? */
static bool is_answer(enum att_err err)
{
    return err != ATT_E_NOMEM && err != ATT_E_CRYPTO && err != ATT_E_INTERNAL;
}

/* The first line tells a proof from a checkpoint, whose first line is the name of a log. */
static bool begins_as_proof(struct att_slice in)
{
    return in.len > strlen(PROOF_HEAD) && memcmp(in.p, PROOF_HEAD, strlen(PROOF_HEAD)) == 0;
}

/* A proof, or a checkpoint alone. False: malformed, and told. */
static bool read_form(struct looking *l)
{
    struct att_slice in = att_buf_slice(l->file);
    struct att_tree_head tree;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    if (l->is_proof) {
        err = att_proof_text_parse(&l->proof, in, &diag);
        if (err != ATT_OK) {
            failed(l, "format", err, &diag);
            return false;
        }
        in = l->proof.checkpoint;
    }
    err = att_note_parse(&l->note, in, &diag);
    if (err == ATT_OK) {
        err = att_tree_head_parse(&tree, l->note.text, &diag);
    }
    if (err != ATT_OK) {
        failed(l, "format", err, &diag);
        return false;
    }
    report_check(&l->r, "format", C_PASS, NULL);
    return true;
}

static enum att_err verify_signatures(struct looking *l, struct att_diag *diag)
{
    const struct att_checkpoint_keys keys = {.log = l->key};

    if (l->policy != NULL) {
        return att_witness_policy_verify(&l->checkpoint, l->policy, &l->note, diag);
    }
    return att_checkpoint_verify(&l->checkpoint, &l->note, &keys, diag);
}

/* Who cosigned, and when they say that they did. */
static void tell_cosignatures(struct looking *l, json_t *list)
{
    const struct att_witness_party *w = NULL;

    for (size_t i = 0; l->policy != NULL; i++) {
        uint64_t time_s = 0;
        char name[256];
        char safe[256];
        char when[ATT_TIME_TEXT];

        w = att_witness_policy_witness(l->policy, i);
        if (w == NULL) {
            return;
        }
        if (!att_checkpoint_cosigned_by(l->checkpoint, w->key, &time_s)) {
            continue;
        }
        (void)att_escape(name, sizeof(name), w->name.p, w->name.len);
        (void)text_safe(safe, sizeof(safe), name);
        if (att_time_print(when, sizeof(when), (int64_t)time_s)[0] == '\0') {
            (void)snprintf(when, sizeof(when), "%llu s", (unsigned long long)time_s);
        }
        (void)json_array_append_new(list, json_pack("{s:s, s:s}", "name", safe, "time", when));
        report_field(&l->r, tr(l->r.cli, "cosigned", "連署"), "%s, %s", safe, when);
    }
}

static void tell_head(struct looking *l)
{
    const struct att_tree_head *h = att_checkpoint_head(l->checkpoint);
    const struct cli *cli = l->r.cli;
    json_t *cosignatures = json_array();
    char origin[256];
    char safe[256];
    char root[2 * ATT_MERKLE_LEN + 1];

    (void)att_escape(origin, sizeof(origin), h->origin.p, h->origin.len);
    (void)text_safe(safe, sizeof(safe), origin);
    (void)att_hex_encode(root, sizeof(root), att_slice_of(h->tree.root, sizeof(h->tree.root)));
    report_field(&l->r, tr(cli, "log", "ログ"), "%s", safe);
    report_field(&l->r, tr(cli, "size", "件数"), "%llu", (unsigned long long)h->tree.size);
    report_field(&l->r, tr(cli, "root", "ルート"), "%s", root);
    if (h->extension.len > 0) {
        report_field(&l->r, tr(cli, "more lines", "追加の行"), "%s",
                     tr(cli, "present; nothing reads them", "あり (解釈しません)"));
    }
    tell_cosignatures(l, cosignatures);
    (void)json_object_set_new(l->r.root, "checkpoint",
                              json_pack("{s:s, s:I, s:s, s:b, s:o}", "origin", safe, "size",
                                        (json_int_t)h->tree.size, "root", root, "extension",
                                        (int)(h->extension.len > 0), "cosignatures", cosignatures));
}

/* Whoever relies on a log alone relies on it showing everybody the same: that is said, not passed over. */
static void judge_witnesses(struct looking *l)
{
    const struct cli *cli = l->r.cli;
    struct att_diag why = {0};

    if (l->policy == NULL || att_witness_policy_asks_nobody(l->policy)) {
        report_check(&l->r, "witnesses", C_NOT_APPLICABLE, NULL);
        report_line(&l->r, "%s",
                    tr(cli, "No witness was asked for: this log could show others another tree.",
                       "監視者の連署は求められていません。このログがほかの人に別の木を示す可能性は"
                       "残ります。"));
        return;
    }
    if (att_witness_policy_met(l->policy, l->checkpoint)) {
        report_check(&l->r, "witnesses", C_PASS, NULL);
        return;
    }
    (void)att_fail(&why, ATT_E_UNTRUSTED, ATT_R_TL_WITNESS, "witnesses",
                   "%zu cosigned, which is not enough for the quorum",
                   att_checkpoint_cosigned(l->checkpoint));
    failed(l, "witnesses", why.err, &why);
}

static enum att_err leaf_of(uint8_t out[ATT_MERKLE_LEN], const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    enum att_err err = att_file_read(&entry, path, ENTRY_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_hasher_new(&h);
    if (err == ATT_OK) {
        err = att_merkle_leaf(out, h, att_buf_slice(entry));
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "entry", "it could not be hashed");
    }
    return ATT_OK;
}

static enum att_err judge_inclusion(struct looking *l, struct att_diag *diag)
{
    const struct att_merkle_head *tree = &att_checkpoint_head(l->checkpoint)->tree;
    uint8_t leaf[ATT_MERKLE_LEN];
    enum att_err err = leaf_of(leaf, l->entry_path, diag);

    if (err != ATT_OK) {
        return err;
    }
    (void)json_object_set_new(l->r.root, "index", json_integer((json_int_t)l->proof.index));
    report_field(&l->r, tr(l->r.cli, "entry", "エントリー"), "%llu",
                 (unsigned long long)l->proof.index);
    if (l->proof.extra.len > 0) {
        report_field(&l->r, tr(l->r.cli, "extra data", "付加データ"), "%s",
                     tr(l->r.cli, "present; nothing authenticates it", "あり (認証されません)"));
    }
    err = att_merkle_verify_inclusion(tree->root, l->proof.index, tree->size, leaf, &l->proof.path,
                                      diag);
    if (err == ATT_OK) {
        report_check(&l->r, "inclusion", C_PASS, NULL);
        return ATT_OK;
    }
    if (!is_answer(err)) {
        return err;
    }
    failed(l, "inclusion", err, diag);
    return ATT_OK;
}

static void print_verdict(const struct looking *l)
{
    static const char *const EN[] = {
        "VERIFIED: the log signed this, and what was asked for holds.",
        "UNDECIDED: something needed to decide is missing.",
        "NOT VERIFIED: do not rely on it.",
        "MALFORMED: this is no well-formed checkpoint or proof.",
    };
    static const char *const JA[] = {
        "検証済み: ログが署名しており、確認を求めた内容が成り立ちます。",
        "判定不能: 判定に必要なものが不足しています。",
        "不合格: 信頼しないでください。",
        "形式不正: チェックポイントまたは証明の形式が正しくありません。",
    };

    report_line(&l->r, "%s", tr(l->r.cli, EN[l->r.verdict], JA[l->r.verdict]));
}

/* ATT_OK: judged, whatever came out. */
static enum att_err judge(struct looking *l, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (!read_form(l)) {
        return ATT_OK;
    }
    err = verify_signatures(l, diag);
    if (err != ATT_OK) {
        if (!is_answer(err)) {
            return err;
        }
        failed(l, "signature", err, diag);
        return ATT_OK;
    }
    report_check(&l->r, "signature", C_PASS, NULL);
    tell_head(l);
    judge_witnesses(l);
    return l->is_proof ? judge_inclusion(l, diag) : ATT_OK;
}

/* A proof is about an entry, and a checkpoint about none. OPTIONS_OK, or the exit code after a complaint. */
static int check_entry(struct looking *l)
{
    l->is_proof = begins_as_proof(att_buf_slice(l->file));
    if (l->is_proof && l->entry_path == NULL) {
        return report_usage(&l->r, "--entry", "expected %s, found nothing",
                            "--entry FILE, the entry that the proof is about");
    }
    if (!l->is_proof && l->entry_path != NULL) {
        return report_usage(&l->r, "--entry", "expected %s, found %s",
                            "a proof (tlog-proof) for the entry", "another file");
    }
    return OPTIONS_OK;
}

static int run(struct looking *l, const char *path)
{
    struct att_diag diag = {0};
    enum att_err err = load_keys(l, &diag);
    int code = OPTIONS_OK;

    if (err == ATT_OK) {
        err = att_file_read(&l->file, path, FILE_MAX, &diag);
    }
    if (err == ATT_OK) {
        code = check_entry(l);
    }
    if (code != OPTIONS_OK) {
        return code;
    }
    if (err == ATT_OK) {
        err = judge(l, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&l->r, err, &diag);
    }
    print_verdict(l);
    return report_finish(&l->r);
}

int cmd_log_verify(struct cli *cli, int argc, char **argv)
{
    struct looking l = {.r = report_start(cli, "attestctl.log-verify.v1")};
    const struct option_spec options[] = {
        {"key", &l.key_arg, NULL, "VKEY", "verifier key of the log, NAME+ID+KEY, or its file",
         "ログの検証鍵 (NAME+ID+KEY) またはそのファイル"},
        {"policy", &l.policy_path, NULL, "FILE", "logs and witnesses that count (tlog-policy)",
         "有効なログと監視者のファイル (tlog-policy)"},
        {"entry", &l.entry_path, NULL, "FILE", "the entry whose proof is verified",
         "証明の対象のエントリー"}};
    int code = options_parse(&l.r, options, ATT_COUNT(options), &argc, argv);

    if (code != OPTIONS_OK) {
        return code;
    }
    if (l.key_arg != NULL && l.policy_path != NULL) {
        return report_usage(&l.r, "--policy", "one too many: %s", "--key");
    }
    if (l.key_arg == NULL && l.policy_path == NULL) {
        return report_usage(&l.r, "arguments", "expected %s, found nothing", "--key or --policy");
    }
    code = run(&l, argv[1]);
    clear(&l);
    return code;
}
