/* attestctl refvals make from a repository: nothing that the index does not vouch for is opened or counted. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "need.h"
#include "service.h"
#include "suite.h"

#define FILE_BYTES "no archive: whoever opens it says so"

static char dir[32];

static void put(const char *name, const char *text)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    NEED(att_file_write(path, att_slice_str(text), 0600, NULL) == ATT_OK);
}

static void set_up(void)
{
    (void)snprintf(dir, sizeof(dir), "/tmp/attest-pkg-XXXXXX");
    NEED(mkdtemp(dir) != NULL);
    put("x_1_all.deb", FILE_BYTES);
}

static void tear_down(void)
{
    char command[64];

    (void)snprintf(command, sizeof(command), "rm -r %s", dir);
    NEED(system(command) == 0);
}

static const char *hex_of(const char *text)
{
    static char hex[65];
    uint8_t digest[32];

    NEED(att_sha256(att_slice_str(text), digest) == ATT_OK);
    return att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 32));
}

static size_t stanza(char *out, size_t cap, size_t size, const char *hex)
{
    return (size_t)snprintf(out, cap,
                            "Package: x\nVersion: 1\nArchitecture: all\nFilename: x_1_all.deb\n"
                            "Size: %zu\nSHA256: %s\n\n",
                            size, hex);
}

/* The exit code; said gets what it printed. Nothing may be written. */
static int make(char *said, size_t cap, const char *release)
{
    char index[64], out[64], named[64];
    const char *args[] = {"--json",    "refvals", "make",     "--index", index, "--pool", dir,
                          "--package", "x",       "--output", out,       NULL,  named,    NULL};
    int code = 0;

    (void)snprintf(index, sizeof(index), "%s/Packages", dir);
    (void)snprintf(out, sizeof(out), "%s/out.refvals", dir);
    if (release != NULL) {
        put("Release", release);
        (void)snprintf(named, sizeof(named), "%s/Release", dir);
        args[11] = "--release";
    }
    code = service_program(said, cap, "attestctl", args);
    ck_assert_int_ne(access(out, F_OK), 0);
    return code;
}

static void refuses(int code, const char *reason, const char *release)
{
    char said[4096];

    ck_assert_msg(make(said, sizeof(said), release) == code, "%s", said);
    ck_assert_msg(strstr(said, reason) != NULL, "%s", said);
}

/* The one that is as the index says is opened, and found to be no package: the others must not come so far. */
START_TEST(refvals_make__opens_what_the_index_vouches_for)
{
    char text[1024];

    (void)stanza(text, sizeof(text), strlen(FILE_BYTES), hex_of(FILE_BYTES));
    put("Packages", text);
    refuses(4, "E_FMT_ARCHIVE", NULL);
}
END_TEST

START_TEST(refvals_make__opens_no_package_of_another_digest)
{
    char text[1024];

    (void)stanza(text, sizeof(text), strlen(FILE_BYTES), hex_of("another"));
    put("Packages", text);
    refuses(1, "E_PKG_DIGEST", NULL);
}
END_TEST

START_TEST(refvals_make__opens_no_package_of_another_size)
{
    char text[1024];

    (void)stanza(text, sizeof(text), strlen(FILE_BYTES) + (_i == 0 ? 1 : (size_t)-1),
                 hex_of(FILE_BYTES));
    put("Packages", text);
    refuses(1, "E_PKG_DIGEST", NULL);
}
END_TEST

START_TEST(refvals_make__takes_no_index_that_release_does_not_name)
{
    char text[1024], release[1024];

    (void)stanza(text, sizeof(text), strlen(FILE_BYTES), hex_of(FILE_BYTES));
    put("Packages", text);
    (void)snprintf(release, sizeof(release), "SHA256:\n %s %zu main/Packages\n",
                   hex_of(_i == 0 ? text : "another"), strlen(text));
    if (_i == 0) {
        refuses(4, "E_FMT_ARCHIVE", release); /* it is named: the package is opened */
    } else {
        refuses(1, "E_PKG_INDEX", release);
    }
}
END_TEST

/* The same version twice, with two contents: neither is taken. */
START_TEST(refvals_make__takes_no_package_of_two_contents)
{
    char text[2048];
    size_t len = stanza(text, sizeof(text), strlen(FILE_BYTES), hex_of(FILE_BYTES));

    (void)stanza(text + len, sizeof(text) - len, strlen(FILE_BYTES),
                 hex_of(_i == 0 ? FILE_BYTES : "another"));
    put("Packages", text);
    if (_i == 0) {
        refuses(4, "E_FMT_ARCHIVE", NULL);
    } else {
        refuses(1, "E_PKG_INDEX", NULL);
    }
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {refvals_make__opens_what_the_index_vouches_for, 0},
        {refvals_make__opens_no_package_of_another_digest, 0},
        {refvals_make__opens_no_package_of_another_size, 2},
        {refvals_make__takes_no_index_that_release_does_not_name, 2},
        {refvals_make__takes_no_package_of_two_contents, 2},
    };
    const struct suite_fixture fixture = {set_up, tear_down};

    return SUITE_RUN_ROWS("ctl_packages", rows, &fixture);
}
