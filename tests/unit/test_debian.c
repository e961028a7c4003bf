/* What Debian says of packages: an index, a Release file with or without its signature, dpkg's status, and an ask. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "policy/debian.h"
#include "suite.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const uint8_t DIGEST[32] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
                                   0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
                                   0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static bool is(struct att_slice s, const char *want)
{
    return att_slice_eq(s, att_slice_str(want));
}

/* One whole stanza with a field of another value, or without it (value NULL). */
static const char *stanza(const char *field, const char *value)
{
    static const char *const USUAL[][2] = {
        {"Package", "gw-tool"},    {"Version", "1:2.0~rc1-3+deb12u1"},
        {"Architecture", "amd64"}, {"Filename", "./pool/g/gw-tool.deb"},
        {"Size", "708"},           {"SHA256", HEX}};
    static char text[8192];
    size_t len = 0;

    for (size_t i = 0; i < ATT_COUNT(USUAL); i++) {
        bool this_one = field != NULL && strcmp(USUAL[i][0], field) == 0;
        const char *with = this_one ? value : USUAL[i][1];

        if (with != NULL) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s: %s\n", USUAL[i][0], with);
        }
    }
    return text;
}

static enum att_err package_of(struct att_deb_package *out, const char *text, struct att_diag *diag)
{
    struct att_deb822 it = att_deb822_from(att_slice_str(text));
    bool more = false;
    enum att_err err = att_deb_package_next(out, &it, &more, diag);

    ck_assert(err != ATT_OK || more);
    return err;
}

START_TEST(att_deb_package_next__gives_what_the_index_says)
{
    struct att_deb_package p = {0};

    ck_assert_int_eq(package_of(&p, stanza(NULL, NULL), NULL), ATT_OK);
    ck_assert(is(p.name, "gw-tool") && is(p.version, "1:2.0~rc1-3+deb12u1"));
    ck_assert(is(p.arch, "amd64") && is(p.path, "./pool/g/gw-tool.deb"));
    ck_assert_uint_eq(p.size, 708);
    ck_assert_mem_eq(p.sha256, DIGEST, 32);
    ck_assert_uint_eq(p.line, 1);
}
END_TEST

START_TEST(att_deb_package_next__needs_every_field)
{
    static const char *const FIELDS[] = {"Package",  "Version", "Architecture",
                                         "Filename", "Size",    "SHA256"};
    struct att_deb_package p = {0};
    struct att_diag diag = {0};

    ck_assert_int_eq(package_of(&p, stanza(FIELDS[_i], NULL), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_DEB822);
    ck_assert_ptr_nonnull(strstr(diag.text, FIELDS[_i]));
    ck_assert_ptr_nonnull(strstr(diag.text, "1: the stanza has no field"));
    ck_assert_ptr_null(p.name.p);
}
END_TEST

static const struct {
    const char *field, *value;
} BAD[] = {
    {"Package", ""},
    {"Package", "../x"},
    {"Package", "a b"},
    {"Package", "-a"},
    {"Package", "a\xc3\xa4"},
    {"Version", "1/2"},
    {"Version", "1 2"},
    {"Version", "~1"},
    {"Architecture", "amd64 i386"},
    {"Architecture", "amd64/.."},
    {"Filename", "/etc/passwd"},
    {"Filename", ".."},
    {"Filename", "../x.deb"},
    {"Filename", "pool/../../x.deb"},
    {"Filename", "pool/.."},
    {"Filename", "pool/a b.deb"},
    {"Filename", "pool/x.deb\n more"},
    {"Size", ""},
    {"Size", "-1"},
    {"Size", "0x10"},
    {"Size", "1 "
             "1"},
    {"Size", "1234567890123456"},
    {"SHA256", "00"},
    {"SHA256", HEX "00"},
    {"SHA256", "g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},
};

START_TEST(att_deb_package_next__refuses_values_that_no_archive_has)
{
    struct att_deb_package p = {0};
    struct att_diag diag = {0};

    ck_assert_int_eq(package_of(&p, stanza(BAD[_i].field, BAD[_i].value), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_DEB822);
    ck_assert_msg(strstr(diag.text, BAD[_i].field) != NULL, "%s", diag.text);
    ck_assert_ptr_null(p.name.p);
}
END_TEST

START_TEST(att_deb_package_next__bounds_each_word)
{
    char word[ATT_DEB_WORD_MAX + 2];
    struct att_deb_package p = {0};

    memset(word, 'a', sizeof(word));
    word[ATT_DEB_WORD_MAX] = '\0';
    ck_assert_int_eq(package_of(&p, stanza("Package", word), NULL), ATT_OK);
    word[ATT_DEB_WORD_MAX] = 'a';
    word[ATT_DEB_WORD_MAX + 1] = '\0';
    ck_assert_int_eq(package_of(&p, stanza("Package", word), NULL), ATT_E_FORMAT);
}
END_TEST

static const struct {
    const char *state;
    bool unpacked, known;
} STATES[] = {
    {"install ok installed", true, true},
    {"hold ok installed", true, true},
    {"install ok unpacked", true, true},
    {"install ok half-configured", true, true},
    {"install ok triggers-awaited", true, true},
    {"install ok triggers-pending", true, true},
    {"install reinstreq half-installed", true, true},
    {"deinstall ok config-files", false, true},
    {"unknown ok not-installed", false, true},
    {"install ok installe", false, false},
    {"", false, false},
};

START_TEST(att_deb_status_next__says_whose_files_are_there)
{
    char text[256];
    struct att_deb_status s = {0};
    struct att_diag diag = {0};
    struct att_deb822 it;
    bool more = false;

    (void)snprintf(text, sizeof(text), "Package: x\nStatus: %s\nVersion: 1\nArchitecture: all\n",
                   STATES[_i].state);
    it = att_deb822_from(att_slice_str(text));
    ck_assert_int_eq(att_deb_status_next(&s, &it, &more, &diag),
                     STATES[_i].known ? ATT_OK : ATT_E_FORMAT);
    ck_assert(s.unpacked == STATES[_i].unpacked);
    ck_assert(!s.unpacked || (is(s.name, "x") && is(s.version, "1") && is(s.arch, "all")));
    ck_assert(STATES[_i].known || strstr(diag.text, "2: Status") != NULL);
}
END_TEST

/* What was never installed has no version; what is, must have one. */
START_TEST(att_deb_status_next__needs_a_version_of_what_is_there)
{
    struct att_deb822 none =
        att_deb822_from(att_slice_str("Package: x\nStatus: unknown ok not-installed\n"));
    struct att_deb822 there = att_deb822_from(
        att_slice_str("Package: x\nStatus: install ok installed\nArchitecture: all\n"));
    struct att_deb_status s = {0};
    bool more = false;

    ck_assert_int_eq(att_deb_status_next(&s, &none, &more, NULL), ATT_OK);
    ck_assert(more && !s.unpacked && s.version.len == 0);
    ck_assert_int_eq(att_deb_status_next(&s, &there, &more, NULL), ATT_E_FORMAT);
}
END_TEST

#define BEGIN  "-----BEGIN PGP SIGNED MESSAGE-----\n"
#define SIG    "-----BEGIN PGP SIGNATURE-----\n\nabc=\n-----END PGP SIGNATURE-----\n"
#define BODY   "Origin: x\nSHA256:\n " HEX " 708 main/binary-amd64/Packages.xz\nEnd: 1\n"
#define OTHERS "Origin: x\nSHA256:\n"

static const struct {
    const char *text;
    enum att_err err;
    bool named;
    const char *said;
} RELEASE[] = {
    {BODY, ATT_OK, true, NULL},
    {OTHERS " " HEX "  708\tPackages\n", ATT_OK, true, NULL},
    {OTHERS " " HEX " 709 Packages\n", ATT_OK, false, NULL},
    {OTHERS " " HEX " 708 main/Contents-amd64\n", ATT_OK, false, NULL},
    {OTHERS " " HEX " 708 main/PackagesX\n", ATT_OK, false, NULL},
    {OTHERS " " HEX " 708 Packages/Contents\n", ATT_OK, false, NULL},
    {"Origin: x\nSHA256: " HEX " 708 Packages\n", ATT_OK, false,
     NULL}, /* the first line names none */
    {"Origin: x\nMD5Sum:\n " HEX " 708 Packages\n", ATT_E_FORMAT, false, "it has no list SHA256"},
    {"Origin: x\n\nSHA256:\n " HEX " 708 Packages\n", ATT_E_FORMAT, false, "it has no list SHA256"},
    {OTHERS " " HEX " 708\n", ATT_E_FORMAT, false, "3: expected a SHA-256"},
    {OTHERS " " HEX " 708 a b\n", ATT_E_FORMAT, false, "3: expected a SHA-256"},
    {OTHERS " " HEX " 708 Packages\n 00 1 x\n", ATT_E_FORMAT, false, "4: expected a SHA-256"},
    {BEGIN "Hash: SHA512\n\n" BODY SIG, ATT_OK, true, NULL},
    {BEGIN "Hash: SHA512\nHash: SHA256\n\n" BODY SIG, ATT_OK, true, NULL},
    {BEGIN "\n" BODY SIG, ATT_OK, true, NULL},
    {BEGIN "Hash: SHA512\n\n" OTHERS " 00 1 x\n" SIG, ATT_E_FORMAT, false, "6: expected a SHA-256"},
    {BEGIN "Hash: SHA512\n" BODY SIG, ATT_E_FORMAT, false, "expected Hash and an empty line"},
    {BEGIN "SHA256: x\n\n" BODY SIG, ATT_E_FORMAT, false, "expected Hash and an empty line"},
    {BEGIN "Hash: SHA512\n\n" BODY, ATT_E_FORMAT, false, "ends before its signature"},
    {BEGIN "Hash: SHA512\n\n" BODY "-----BEGIN PGP SIGNATURE-----\n\nabc=\n", ATT_E_FORMAT, false,
     "ends before its signature"},
    {BEGIN "Hash: SHA512\n\nOrigin: x\n" SIG BODY, ATT_E_FORMAT, false, "behind the signed one"},
    {BEGIN "Hash: SHA512\n\n" BODY SIG "\n", ATT_E_FORMAT, false, "behind the signed one"},
    {BEGIN "Hash: SHA512\n\nOrigin: x\n" SIG BEGIN "\n" BODY SIG, ATT_E_FORMAT, false,
     "behind the signed one"},
    {BODY BEGIN "Hash: SHA512\n\nOrigin: x\n" SIG, ATT_E_FORMAT, false, "expected a field"},
    {"-----BEGIN PGP SIGNATURE-----\n\nabc=\n-----END PGP SIGNATURE-----\n", ATT_E_FORMAT, false,
     "another armour"},
    {BEGIN, ATT_E_FORMAT, false, "expected Hash and an empty line"},
    {"", ATT_E_FORMAT, false, "it has no list SHA256"},
};

START_TEST(att_deb_release_names__reads_what_is_signed_and_nothing_else)
{
    struct att_diag diag = {0};
    bool named = false;

    ck_assert_msg(att_deb_release_names(&named, att_slice_str(RELEASE[_i].text), DIGEST, 708,
                                        &diag) == RELEASE[_i].err,
                  "%s", diag.text);
    ck_assert(named == RELEASE[_i].named);
    if (RELEASE[_i].said != NULL) {
        ck_assert_int_eq(diag.reason, ATT_R_FMT_DEB822);
        ck_assert_msg(strstr(diag.text, RELEASE[_i].said) != NULL, "%s", diag.text);
    }
}
END_TEST

START_TEST(att_deb_ask_parse__takes_name_architecture_and_version)
{
    static const struct {
        const char *text, *name, *arch, *version;
    } GOOD[] = {{"x11", "x11", "", ""},
                {"g++=4:12.2", "g++", "", "4:12.2"},
                {"libc6:i386", "libc6", "i386", ""},
                {"libc6:i386=2.36-9+deb12u4", "libc6", "i386", "2.36-9+deb12u4"}};
    static const char *const WRONG[] = {
        "", "=1", ":all", "a:", "a=", "a:all=", "a b", "a:=1", "../a", "a=1=2", "a/b"};
    struct att_deb_status ask = {0};

    for (size_t i = 0; i < ATT_COUNT(GOOD); i++) {
        ck_assert_int_eq(att_deb_ask_parse(&ask, att_slice_str(GOOD[i].text)), ATT_OK);
        ck_assert(is(ask.name, GOOD[i].name) && is(ask.arch, GOOD[i].arch) &&
                  is(ask.version, GOOD[i].version));
    }
    for (size_t i = 0; i < ATT_COUNT(WRONG); i++) {
        ck_assert_msg(att_deb_ask_parse(&ask, att_slice_str(WRONG[i])) == ATT_E_FORMAT, "%s",
                      WRONG[i]);
    }
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {att_deb_package_next__gives_what_the_index_says, 0},
        {att_deb_package_next__needs_every_field, 6},
        {att_deb_package_next__refuses_values_that_no_archive_has, (int)ATT_COUNT(BAD)},
        {att_deb_package_next__bounds_each_word, 0},
        {att_deb_status_next__says_whose_files_are_there, (int)ATT_COUNT(STATES)},
        {att_deb_status_next__needs_a_version_of_what_is_there, 0},
        {att_deb_release_names__reads_what_is_signed_and_nothing_else, (int)ATT_COUNT(RELEASE)},
        {att_deb_ask_parse__takes_name_architecture_and_version, 0},
    };

    return SUITE_RUN_ROWS("debian", rows, NULL);
}
