/* The sources that `refvals make` and `refvals export` take. */
#ifndef CLI_REFVALS_SOURCES_H
#define CLI_REFVALS_SOURCES_H

#include "refvals_make.h"

/* What the command line names; a list ends with NULL. */
struct sources {
    const char *root[OPTION_MANY], *list[OPTION_MANY], *sums[OPTION_MANY], *image[OPTION_MANY],
        *tar[OPTION_MANY], *deb[OPTION_MANY], *own[OPTION_MANY], *ima[OPTION_MANY],
        *uefi[OPTION_MANY], *pcrs[OPTION_MANY], *cmdline[OPTION_MANY];
    /* packages of a repository: which, what they must be, and where they are */
    const char *status[OPTION_MANY], *package[OPTION_MANY], *index[OPTION_MANY],
        *release[OPTION_MANY], *pool[OPTION_MANY];
    bool skip_missing, cross_mounts;
};

/* The options that name sources, for an option table. */
#define SOURCE_OPTIONS(s)                                                                           \
    {"root",                                                                                        \
     (s).root,                                                                                      \
     NULL,                                                                                          \
     "DIR...",                                                                                      \
     "a folder that stands for the gateway's root",                                                 \
     "機器のルートに当たるフォルダー"},                                                             \
        {"cross-mounts",                                                                            \
         NULL,                                                                                      \
         &(s).cross_mounts,                                                                         \
         NULL,                                                                                      \
         "also what is mounted below a folder",                                                     \
         "フォルダー以下のマウント先も含める"},                                                     \
        {"image",                                                                                   \
         (s).image,                                                                                 \
         NULL,                                                                                      \
         "FILE...",                                                                                 \
         "a root file system: ext4, squashfs, tar, cpio, zip",                                      \
         "ルートファイルシステム: ext4、squashfs、tar、cpio、zip"},                                 \
        {"tar", (s).tar, NULL, "FILE...", "the same as --image", "--image と同じ"},                 \
        {"deb", (s).deb, NULL, "FILE...", "a Debian package", "Debian パッケージ"},                 \
        {"index",                                                                                   \
         (s).index,                                                                                 \
         NULL,                                                                                      \
         "FILE...",                                                                                 \
         "Packages of a Debian repository, compressed or not",                                      \
         "Debian リポジトリの Packages (圧縮可)"},                                                  \
        {"release",                                                                                 \
         (s).release,                                                                               \
         NULL,                                                                                      \
         "FILE...",                                                                                 \
         "Release or InRelease that must name the index",                                           \
         "索引を記載する Release または InRelease"},                                                \
        {"pool", (s).pool, NULL, "DIR...", "where the packages are", "パッケージのあるフォルダー"}, \
        {"status",                                                                                  \
         (s).status,                                                                                \
         NULL,                                                                                      \
         "FILE...",                                                                                 \
         "what dpkg has installed: these packages",                                                 \
         "dpkg の status: 導入済みのパッケージ"},                                                   \
        {"package",                                                                                 \
         (s).package,                                                                               \
         NULL,                                                                                      \
         "NAME[:ARCH][=VERSION]...",                                                                \
         "this package of the index",                                                               \
         "索引のこのパッケージ"},                                                                   \
        {"skip-missing",                                                                            \
         NULL,                                                                                      \
         &(s).skip_missing,                                                                         \
         NULL,                                                                                      \
         "go on without packages that are not there",                                               \
         "ないパッケージを省いて続ける"},                                                           \
        {"sha256sums",                                                                              \
         (s).sums,                                                                                  \
         NULL,                                                                                      \
         "FILE...",                                                                                 \
         "a root file system as a list of sha256sum(1)",                                            \
         "ルートファイルシステムの sha256sum 一覧"},                                                \
        {"list",                                                                                    \
         (s).list,                                                                                  \
         NULL,                                                                                      \
         "FILE...",                                                                                 \
         "digests as sha256sum(1) writes them, names as they are",                                  \
         "sha256sum 形式の一覧 (名前はそのまま)"},                                                  \
        {"own",                                                                                     \
         (s).own,                                                                                   \
         NULL,                                                                                      \
         "FILE...",                                                                                 \
         "the own log of a known-good boot: its last state",                                        \
         "正しい起動の測定ログ (最後の状態)"},                                                      \
        {"ima",                                                                                     \
         (s).ima,                                                                                   \
         NULL,                                                                                      \
         "FILE...",                                                                                 \
         "the IMA list of a known-good boot",                                                       \
         "正しい起動の IMA リスト"},                                                                \
        {"uefi",                                                                                    \
         (s).uefi,                                                                                  \
         NULL,                                                                                      \
         "FILE...",                                                                                 \
         "the firmware event log of a known-good boot",                                             \
         "正しい起動のファームウェアログ"},                                                         \
        {"cmdline",                                                                                 \
         (s).cmdline,                                                                               \
         NULL,                                                                                      \
         "FILE...",                                                                                 \
         "the kernel command line of a known-good boot",                                            \
         "正しい起動のカーネルコマンドライン"},                                                     \
    {                                                                                               \
        "pcrs", (s).pcrs, NULL, "FILE...", "known-good PCR values", "正しい PCR 値"             \
    }

/* A refusal with the file's name before its text; one that begins with a line number goes on behind it. */
enum att_err sources_named(enum att_err err, const char *path, struct att_diag *diag);

bool sources_none(const struct sources *s);
/* What a repository lacks to be read, or NULL: "--pool DIR". */
const char *sources_lack(const struct sources *s);
/* Trees (a list that ends with NULL) as they are, then everything that is named. */
ATT_MUST_USE enum att_err sources_add(struct making *m, const struct sources *s, char **trees,
                                      struct att_diag *diag);

#endif
