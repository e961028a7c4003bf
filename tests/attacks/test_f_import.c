/* Group F, reference values of others: a signature that is asked for cannot be left out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"
#include "base/file.h"
#include "issuer.h"
#include "need.h"
#include "sign/cose.h"

static char dir[] = "/tmp/attest-import-XXXXXX";
static char out[65536];

static const char *at(const char *name)
{
    static char path[4][96];
    static size_t next;
    char *p = path[next++ % ATT_COUNT(path)];

    (void)snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
    return p;
}

static int ctl(const char *const *argv)
{
    return service_program(out, sizeof(out), "attestctl", argv);
}

/* In dir, values.corim: signed by key.pem, whose public half is key.pub */
static void make_signed(void)
{
    const char *const argv[] = {"refvals", "export",           "--form",
                                "corim",   "--root",           at("tree"),
                                "--key",   at("key.pem"),      "--insecure-file-key",
                                "-o",      at("values.corim"), NULL};
    static const char SHELL[] =
        "set -e; cd %s; mkdir tree; echo app >tree/app; umask 077;"
        " openssl ecparam -name prime256v1 -genkey -noout -out key.pem 2>/dev/null;"
        " openssl ec -in key.pem -pubout -out key.pub 2>/dev/null";
    char command[512];

    (void)snprintf(command, sizeof(command), SHELL, dir);
    NEED(system(command) == 0);
    ck_assert_msg(ctl(argv) == 0, "%s", out);
}

static int import(const char *file, bool with_key)
{
    const char *argv[] = {"--json",
                          "refvals",
                          "import",
                          file,
                          "--output",
                          at("out.refvals"),
                          with_key ? "--key" : NULL,
                          at("key.pub"),
                          NULL};

    (void)unlink(at("out.refvals"));
    return ctl(argv);
}

/* The payload alone, as whoever holds the file can take it out and change it. */
START_TEST(F_import__signature_left_out)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_cose m;

    NEED(mkdtemp(dir) != NULL);
    make_signed();
    ck_assert_int_eq(import(at("values.corim"), true), 0);
    NEED(att_file_read(&file, at("values.corim"), 65536, NULL) == ATT_OK);
    NEED(att_cose_parse(&m, att_buf_slice(file), NULL) == ATT_OK);
    NEED(att_file_write(at("bare.corim"), m.payload_untrusted, 0644, NULL) == ATT_OK);
    ck_assert_int_eq(import(at("bare.corim"), false), 0);
    ck_assert_int_eq(import(at("bare.corim"), true), 1);
    ck_assert_msg(strstr(out, "\"E_REF_SIGNATURE\"") != NULL, "%s", out);
    ck_assert_int_ne(access(at("out.refvals"), F_OK), 0);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {{"F-import", F_import__signature_left_out, 0, 0}};

    return attack_rows("attacks: reference values of others", rows, ATT_COUNT(rows));
}
