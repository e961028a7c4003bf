/* What a factory does to a TPM, with the tools that it would use. */
#include "factoryline.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "need.h"

/* Table 19 of the specification, SHA-256: PolicyOR over user, certify, activate and PolicyAuthorizeNV. */
#define IAK_POLICY    "5437182326e414fca797d5f174615a1641f61255797c3a2b22c21d120b2d1e07"
#define IDEVID_POLICY "ad6b3a2284fd698a0710bf5cc1b9bdf15e2532e3f601fa4b93a6a8fa8de579ea"

static void run(const struct swtpm *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void run(const struct swtpm *t, const char *format, ...)
{
    char command[2048];
    va_list args;

    va_start(args, format);
    NEED(vsnprintf(command, sizeof(command), format, args) < (int)sizeof(command));
    va_end(args);
    if ((t == NULL ? system(command) : swtpm_tool(t, "%s", command)) != 0) {
        fprintf(stderr, "failed: %s\n", command);
        NEED(false);
    }
}

struct factoryline *factoryline_new(void)
{
    struct factoryline *l = calloc(1, sizeof(*l));

    NEED(l != NULL);
    strcpy(l->dir, "/tmp/test-factory-XXXXXX");
    NEED(mkdtemp(l->dir) != NULL);
    snprintf(l->ca, sizeof(l->ca), "%s/ca.pem", l->dir);
    run(NULL,
        "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 "
        "-subj '/CN=Gateway factory' -addext 'basicConstraints=critical,CA:TRUE' "
        "-keyout ca.key -out ca.pem 2>/dev/null && "
        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/serialNumber=GW-7' "
        "-keyout any.key -out any.csr 2>/dev/null",
        l->dir);
    return l;
}

void factoryline_free(struct factoryline *l)
{
    run(NULL, "rm -rf %s", l->dir);
    free(l);
}

/* The key, made in the endorsement hierarchy and kept. */
static void make_key(const struct factoryline *l, const struct swtpm *t, const char *name,
                     const char *algorithm, const char *attributes, const char *policy,
                     const char *handle)
{
    run(t,
        "cd %s && tpm2_createprimary -Q -C e -g sha256 -G %s "
        "-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|adminwithpolicy|sign%s' "
        "-L %s -c %s.ctx && tpm2_evictcontrol -Q -C o -c %s.ctx %s && tpm2_flushcontext -t && "
        "tpm2_readpublic -Q -c %s -f pem -o %s.pub",
        l->dir, algorithm, attributes, policy, name, name, handle, handle, name);
}

/* An authority of one line, which the factory's root certified. */
static void make_line(const struct factoryline *l)
{
    run(NULL,
        "cd %s && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
        "-subj '/CN=Line 3' -keyout line.key -out line.csr 2>/dev/null && "
        "printf 'basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign\\n"
        "subjectKeyIdentifier=hash\\nauthorityKeyIdentifier=keyid\\n' >line.ext && "
        "openssl x509 -req -in line.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 "
        "-extfile line.ext -out line.pem 2>/dev/null && "
        "openssl x509 -in line.pem -outform DER -out line.der",
        l->dir);
}

/* Its certificate, with the device's serial number and the TPM's. */
static void certify(const struct factoryline *l, const struct factoryline_order *order,
                    const char *name, const char *eku)
{
    const char *authority = order->line == LINE_NONE ? "ca" : "line";
    char extended[96] = "";

    if (eku[0] != '\0') {
        snprintf(extended, sizeof(extended), "extendedKeyUsage=%s\\n", eku);
    }
    run(NULL,
        "cd %s && printf "
        "'basicConstraints=critical,CA:FALSE\\nkeyUsage=critical,digitalSignature\\n%s"
        "authorityKeyIdentifier=keyid\\n"
        "subjectAltName=otherName:1.3.6.1.5.5.7.8.4;SEQUENCE:hw\\n[hw]\\ntype=OID:2.23.133.1.2\\n"
        "serial=OCTETSTRING:49424d00:0a0b:0c0d\\n' >%s.ext && "
        "openssl x509 -req -in any.csr -force_pubkey %s.pub -CA %s.pem -CAkey %s.key "
        "-CAcreateserial -days %d -extfile %s.ext -outform DER -out %s.der 2>/dev/null",
        l->dir, extended, name, name, authority, authority, order->expired ? -1 : 3650, name, name);
    if (order->line == LINE_BEHIND) {
        run(NULL, "cd %s && cat line.der >>%s.der", l->dir, name);
    }
}

static void keep(const struct factoryline *l, const struct swtpm *t, const char *name,
                 const char *index)
{
    run(t,
        "cd %s && tpm2_nvdefine -Q %s -C o -s $(wc -c <%s.der) "
        "-a 'ownerread|ownerwrite|authread|no_da' && tpm2_nvwrite -Q %s -C o -i %s.der",
        l->dir, index, name, index, name);
}

void factoryline_provision(struct factoryline *l, const struct swtpm *t,
                           const struct factoryline_order *order)
{
    run(t, "tpm2_startup -c");
    make_key(l, t, "iak", order->rsa ? "rsa2048:rsapss-sha256:null" : "ecc256:ecdsa-sha256:null",
             order->iak_attributes != NULL ? order->iak_attributes : "|restricted", IAK_POLICY,
             "0x81020001");
    make_key(l, t, "idevid", order->rsa ? "rsa2048:null:null" : "ecc256:null:null", "",
             IDEVID_POLICY, "0x81020000");
    if (order->line != LINE_NONE) {
        make_line(l);
    }
    certify(l, order, "iak", order->iak_eku != NULL ? order->iak_eku : "2.23.133.8.3");
    certify(l, order, "idevid", "clientAuth");
    keep(l, t, "iak", "0x01c90100");
    keep(l, t, "idevid", "0x01c90000");
    if (order->line == LINE_APART) {
        keep(l, t, "line", "0x01c90101");
    }
}
