/*
 * Texts for people: columns by wcswidth, and nothing from outside that could steer a terminal.
 *
 * Diagnoses are made in English by the library; what procurement and installers meet most is put into
 * Japanese here by its pattern, and whatever has none is shown as the English detail that it is.
 */
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "cli.h"

#define SLOTS     4
#define SLOT_ROOM 256

/* The character at in: its bytes and columns. Zero bytes: not a character that may be printed. */
static size_t char_at(const char *in, int *columns)
{
    mbstate_t state;
    wchar_t w = 0;
    size_t n = 0;

    memset(&state, 0, sizeof(state));
    n = mbrtowc(&w, in, strlen(in), &state);
    if (n == 0 || n > strlen(in) || iswprint((wint_t)w) == 0) {
        return 0;
    }
    *columns = wcwidth(w) > 0 ? wcwidth(w) : 0;
    return n;
}

char *text_safe(char *out, size_t cap, const char *in)
{
    size_t at = 0;

    while (*in != '\0') {
        int columns = 0;
        size_t n = char_at(in, &columns);
        char piece[8];

        if (n == 0) {
            (void)snprintf(piece, sizeof(piece), "\\x%02x", (unsigned int)(unsigned char)*in);
        } else {
            (void)snprintf(piece, sizeof(piece), "%.*s", (int)n, in);
        }
        if (at + strlen(piece) + 4 > cap) {
            (void)snprintf(out + at, cap - at, "...");
            return out;
        }
        memcpy(out + at, piece, strlen(piece));
        at += strlen(piece);
        in += n == 0 ? 1 : n;
    }
    out[at] = '\0';
    return out;
}

size_t text_width(const char *in)
{
    size_t width = 0;

    while (*in != '\0') {
        int columns = 1;
        size_t n = char_at(in, &columns);

        width += (size_t)columns;
        in += n == 0 ? 1 : n;
    }
    return width;
}

size_t text_fit(const char *in, size_t columns)
{
    size_t width = 0;
    size_t at = 0;
    size_t end = 0; /* where a line may end: before a space, or between wide characters */

    while (in[at] != '\0' && in[at] != '\n') {
        int wide = 1;
        size_t n = char_at(in + at, &wide);

        if ((in[at] == ' ' || wide == 2) && at > 0) {
            end = at;
        }
        if (width + (size_t)wide > columns && end > 0) {
            return end;
        }
        width += (size_t)wide;
        at += n == 0 ? 1 : n;
    }
    return at;
}

char *text_pad(char *out, size_t cap, const char *in, int width)
{
    int have = (int)text_width(in);

    (void)snprintf(out, cap, "%s%*s", in, have < width ? width - have : 0, "");
    return out;
}

/* "*" stands for any text; $1..$4 take what stood there. Longer patterns stand first. */
static const struct {
    const char *en, *ja;
} DETAILS[] = {
    {"something is missing in *", "次のフォルダーに不足があります: $1"},
    {"no reference value tells what all of it is", "その全体を示す参照値がありません"},
    {"expected affirming, found *", "期待: 肯定 (affirming)、実際: $1"},
    {"*: expected a path from / on, found *: no name of a gateway begins so",
     "$1: / で始まるパスが必要です (実際: $2)。機器の名前はすべて / で始まります"},
    {"*: expected a folder that the reference values have all of, found *: own_complete cannot "
     "hold",
     "$1: 参照値に $2 の全体がないため own_complete は成り立ちません"},
    {"*: expected a path with reference values under it, found *: what is measured there is "
     "unlisted",
     "$1: $2 以下に参照値がなく、そこで測定されるものは未登録になります"},
    {"expected records of evidence get in *, found none", "$1 に evidence get の記録がありません"},
    {"expected a folder, found *, which is none; of an archive or image: --image",
     "フォルダーが必要ですが $1 は違います (アーカイブやイメージは --image)"},
    {"expected a path as it is on the gateway, from / on, found *; of a folder that stands for "
     "the root: --root",
     "機器上での絶対パスが必要です (実際: $1)。ルートに当たるフォルダーは --root で指定"},
    {"expected what reference values are made from, found *, which is compiled and holds no names; "
     "to join such files: refvals merge",
     "参照値の元になるものが必要ですが $1 はコンパイル済みで名前を持ちません (統合は refvals "
     "merge)"},
    {"expected files, links or other values in *, found none (left out: *)",
     "$1 にファイル、リンクその他の値がありません (省略: $2)"},
    {"expected one of this verifier", "この検証サーバーの証明書が必要です"},
    {"there is no option *; did you mean *?", "オプション $1 はありません。$2 のことですか?"},
    {"there is no option *", "オプション $1 はありません"},
    {"there is no command *; did you mean *?", "コマンド $1 はありません。$2 のことですか?"},
    {"there is no command *", "コマンド $1 はありません"},
    {"there is no code *; did you mean *?", "コード $1 はありません。$2 のことですか?"},
    {"there is no code *", "コード $1 はありません"},
    {"* takes no value", "$1 に値は付きません"},
    {"* needs a value", "$1 には値が必要です"},
    {"* needs a verb: *", "$1 には動詞が必要です: $2"},
    {"one too many: *", "余分な引数: $1"},
    {"expected bank *, which the quote does not cover", "期待: バンク $1 (クォートに含まれません)"},
    {"no log that was given explains PCR * of bank *; give it, or quote bank * alone",
     "PCR $1 (バンク $2) を説明するログがありません。ログを渡すか、バンク $3 "
     "だけをクォートしてください"},
    {"* of * packages are missing", "$2 個中 $1 個のパッケージがありません"},
    {"*: it has another size than the index says", "$1: 索引とサイズが異なります"},
    {"*: it has another SHA-256 than the index says", "$1: 索引と SHA-256 が異なります"},
    {"*: no Release file that was given names its SHA-256 and size",
     "$1: 指定の Release に SHA-256 とサイズの記載がありません"},
    {"*: the text ends inside a line", "$1: 行の途中で終わっています"},
    {"*: the stanza has no field *", "$1: 項目 $2 がありません"},
    {"*: key *: expected a key of the policy, found another one; *",
     "$1: 鍵 $2 は方針にありません ($3)"},
    {"*: key *: expected a signature over this digest, found one that is not; *",
     "$1: 鍵 $2 の署名はこのダイジェストのものではありません ($3)"},
    {"*: key *: expected *, found *", "$1: 鍵 $2: 期待: $3、実際: $4"},
    {"*: expected a signature, found none; *", "$1: 署名がありません ($2)"},
    {"expected a checkpoint of *, found one of *", "$1 のチェックポイントが必要です (実際: $2)"},
    {"the signature of * does not verify under its key", "$1 の署名がその鍵で検証できません"},
    {"the log's own key, id *, did not sign this checkpoint",
     "ログ自身の鍵 (ID $1) の署名がありません"},
    {"no log of the policy is *", "$1 は方針のログにありません"},
    {"the path does not lead from the entry to the root of the tree",
     "この経路はエントリーから木のルートに至りません"},
    {"* cosigned, which is not enough for the quorum", "連署は $1 件で、定足数に足りません"},
    {"key *: expected a key of the policy, found another one; *", "鍵 $1 は方針にありません ($2)"},
    {"key *: expected a signature over this digest, found one that is not; *",
     "鍵 $1 の署名はこのダイジェストのものではありません ($2)"},
    {"key *: expected *, found *", "鍵 $1: 期待: $2、実際: $3"},
    {"expected a signature, found none; *", "署名がありません ($1)"},
    {"expected at least * entries, which the folder has, found *",
     "フォルダーには $1 件ありますが、ログには $2 件しかありません"},
    {"expected at least * entries, which were audited, found *",
     "監査済みは $1 件ですが、ログには $2 件しかありません"},
    {"expected at least * entries, which the log had, found *",
     "前回は $1 件ありましたが、今回は $2 件しかありません"},
    {"the entries do not lead to the root of the checkpoint*",
     "項目はチェックポイントのルートに至りません"},
    {"entry * is another one than *", "項目 $1 が以前のものと異なります"},
    {"the first * entries are not those that *", "最初の $1 件が以前のものと異なります"},
    {"no key here is of the log *", "ログ $1 の鍵がありません"},
    {"expected the root of the checkpoint, *, found *",
     "チェックポイントのルート $1 と異なります (計算値: $2)"},
    {"expected the hash of tile level * to be *, found *",
     "レベル $1 のタイルのハッシュは $2 ですが、項目からの計算値は $3 です"},
    {"expected a label key that an entry up to here introduced, found another",
     "ここまでの項目で示されていない鍵による署名です"},
    {"expected a time not before *, found *", "時刻が逆行しています ($1 の後に $2)"},
    {"expected a new label, found one that the log has already", "同じラベルが既にログにあります"},
    {"expected a gateway that is enrolled, found one that was removed",
     "撤去された機器のラベルです"},
    {"expected a label of this gateway that is in force, found none that is *",
     "$1 の対象となるこの機器の有効なラベルがありません"},
    {"expected a label that can become *, found one that is that, or revoked",
     "$1 にできないラベルです (既にその状態か、失効済み)"},
    {"expected a status that agrees with *, found *", "状態 $2 が種別 $1 と矛盾しています"},
    {"expected a reason of *, found none", "$1 に理由がありません"},
    {"expected none of the watched gateway, or one of --expect",
     "監視対象の機器の、--expect にないラベルです"},
    {"expected the file, found nothing", "ファイルがありません"},
    {"expected a time like *, found *", "$1 の形の時刻が必要です (実際: $2)"},
    {"expected a path, found nothing", "パスが必要です"},
    {"expected * or *, found *", "期待: $1 または $2、実際: $3"},
    {"expected at least *, found *", "期待: $1 以上、実際: $2"},
    {"expected at most * bytes, found *", "期待: $1 バイト以下、実際: $2 バイト"},
    {"expected certificates in PEM or one in DER: *",
     "PEM の証明書か DER の証明書一つが必要です: $1"},
    {"expected 64 hexadecimal digits, found *", "16 進数 64 桁が必要です (実際: $1)"},
    {"expected 1 to 64 bytes in hexadecimal digits, found *",
     "1〜64 バイトの 16 進数が必要です (実際: $1)"},
    {"expected *, found nothing", "$1 が必要です (指定なし)"},
    {"expected *, found less", "$1 が必要です (不足しています)"},
    {"expected *, found *", "期待: $1、実際: $2"},
    {"it ended at *, asked for *", "有効期限 $1 (判定時刻 $2)"},
    {"it begins at *, asked for *", "$1 から有効 (判定時刻 $2)"},
    {"its life is not short: * s", "有効期間が長すぎます: $1 秒"},
    {"at most * bytes, found *", "上限 $1 バイト、実際 $2 バイト"},
    {"at most * bytes are read", "読み込む上限は $1 バイトです"},
    {"no anchor is installed", "アンカーが入っていません"},
    {"no folder *", "フォルダー $1 がありません"},
    {"the label names no certificate", "ラベルに証明書がありません"},
    {"the signature does not verify under the key", "署名がこの鍵で検証できません"},
    {"for tests and demonstrations only", "試験と実演だけのものです"},
    {"trust.yaml asks for a key in hardware", "trust.yaml はハードウェア鍵を要求しています"},
    {"the trust folder asks for a receipt of the log and the label has none",
     "信頼フォルダーはログの受領証を要求していますが、ラベルにありません"},
    {"trust.yaml asks for a status list and none was given",
     "trust.yaml はステータスリストを要求していますが、指定されていません"},
    {"the label names no status list", "ラベルにステータスリストの記載がありません"},
    {"entry * says valid (*) as of *", "項目 $1: 有効 ($2)、$3 時点"},
    {"entry * says invalid (*) as of *", "項目 $1: 失効 ($2)、$3 時点"},
    {"entry * says suspended (*) as of *", "項目 $1: 一時停止 ($2)、$3 時点"},
    {"entry * says unknown (*) as of *", "項目 $1: 未知の値 ($2)、$3 時点"},
    {"it is of *, and trust.yaml takes it for * s", "$1 のものです (trust.yaml の許容は $2 秒)"},
    {"the certificate does not name *", "証明書に $1 の名前がありません"},
    {"the zlib stream ends too early", "zlib ストリームが途中で終わっています"},
    {"bytes are left over after the zlib stream", "zlib ストリームの後にバイトが余っています"},
    {"the zlib stream holds more than * bytes", "zlib ストリームの展開後が $1 バイトを超えます"},
    {"it is no zlib stream, or a damaged one", "zlib ストリームではないか壊れています"},
    {"sub, exp, iat or status_list is missing", "sub、exp、iat または status_list がありません"},
    {"it ends before it begins", "開始より前に終了しています"},
    {"--accept warning allows it", "--accept warning により許可"},
    {"no path to an installed anchor", "入っているアンカーに至る経路がありません"},
    {"certificate *: unable to get local issuer certificate",
     "証明書 $1: 発行者が入っているアンカーにありません"},
    {"certificate *: self-signed certificate in certificate chain",
     "証明書 $1: ルートが入っているアンカーにありません"},
    {"certificate *: self-signed certificate", "証明書 $1: 自己署名で、アンカーにありません"},
    {"certificate *: certificate has expired", "証明書 $1: 有効期限が切れています"},
    {"certificate *: certificate is not yet valid", "証明書 $1: まだ有効ではありません"},
    {"certificate *: certificate signature failure", "証明書 $1: 署名が正しくありません"},
    {"cannot open *: No such file or directory", "$1 がありません"},
    {"cannot open *: Permission denied", "$1 を読む権限がありません"},
    {"cannot open *: *", "$1 を開けません: $2"},
    {"cannot write *: No space left on device", "$1 に書けません: 空き容量がありません"},
    {"cannot write *: Permission denied", "$1 に書く権限がありません"},
    {"cannot write *: *", "$1 に書けません: $2"},
    {"* is not a regular file", "$1 は通常のファイルではありません"},
    {"the input ends inside an item", "途中で終わっています"},
    {"* bytes are left over after the item", "後に $1 バイト余っています"},
    {"* bytes left over after the certificate", "証明書の後に $1 バイト余っています"},
    {"a length, count, number or the depth is above the limit",
     "長さ、個数または深さが上限超えです"},
    {"expected deterministic CBOR of another type or form here",
     "ここには別の型の決定的 CBOR が必要です"},
    {"required claims are missing (*)", "必須の項目がありません ($1)"},
    {"the overall status is not the one of the gateway and its vector",
     "全体の状態が内訳と一致しません"},
    {"the certificate in the file has another one; nothing was added",
     "ファイルの証明書の指紋は別のものです。何も追加していません"},
    {"the key in the file has another one; nothing was added",
     "ファイルの鍵の指紋は別のものです。何も追加していません"},
    {"expected one verifier key: *", "検証鍵 (vkey) 一つが必要です: $1"},
    {"type the SHA-256 that the issuer told you", "発行者から聞いた SHA-256 を入力してください"},
    {"the quote covers no PCR", "クォートが PCR を一つも含みません"},
    {"the quote was made for another nonce", "別のナンスに対するクォートです"},
    {"the PCR values lead to another digest", "PCR 値から別のダイジェストになります"},
    {"it leads to another value of PCR * in bank *", "PCR $1 (バンク $2) が別の値になります"},
    {"no bank and PCR that both the log and the values have",
     "ログと値に共通するバンクと PCR がありません"},
    {"policies refuse it", "方針では拒否されます"},
    {"no reference value has this name", "この名前の参照値がありません"},
    {"the verifier answered *", "検証サーバーの応答: $1"},
};

struct slots {
    const char *at[SLOTS];
    size_t len[SLOTS];
    size_t count;
};

static bool matches(struct slots *s, const char *pattern, const char *text)
{
    s->count = 0;
    while (*pattern != '\0') {
        size_t literal = strcspn(pattern, "*");
        const char *next = NULL;

        if (literal > 0) {
            if (strncmp(pattern, text, literal) != 0) {
                return false;
            }
            pattern += literal;
            text += literal;
            continue;
        }
        pattern++;
        literal = strcspn(pattern, "*");
        if (s->count == SLOTS) {
            return false;
        }
        s->at[s->count] = text;
        if (pattern[0] == '\0') {
            s->len[s->count++] = strlen(text);
            return true;
        }
        for (next = text; *next != '\0' && strncmp(next, pattern, literal) != 0; next++) {
        }
        if (*next == '\0') {
            return false;
        }
        s->len[s->count++] = (size_t)(next - text);
        text = next;
    }
    return *text == '\0';
}

static void fill(char *out, size_t cap, const char *form, const struct slots *s)
{
    size_t at = 0;

    for (const char *p = form; *p != '\0' && at + SLOT_ROOM < cap; p++) {
        size_t slot = (size_t)(p[1] - '1');

        if (p[0] == '$' && slot < s->count) {
            at += (size_t)snprintf(out + at, SLOT_ROOM, "%.*s",
                                   (int)(s->len[slot] < SLOT_ROOM ? s->len[slot] : SLOT_ROOM - 1),
                                   s->at[slot]);
            p++;
            continue;
        }
        out[at++] = *p;
    }
    out[at] = '\0';
}

const char *text_detail(const struct cli *cli, char *out, size_t cap, const char *english)
{
    struct slots s;

    if (cli->lang != LANG_JA || english[0] == '\0') {
        return english;
    }
    for (size_t i = 0; i < ATT_COUNT(DETAILS); i++) {
        if (matches(&s, DETAILS[i].en, english)) {
            fill(out, cap, DETAILS[i].ja, &s);
            return out;
        }
    }
    (void)snprintf(out, cap, "詳細 (英語): %s", english);
    return out;
}
