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

/* Its certificate, with the device's serial number and the TPM's, in NV. */
static void certify(const struct factoryline *l, const struct swtpm *t, const char *name,
                    const char *eku, bool expired, const char *index)
{
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
        "openssl x509 -req -in any.csr -force_pubkey %s.pub -CA ca.pem -CAkey ca.key "
        "-CAcreateserial -days %d -extfile %s.ext -outform DER -out %s.der 2>/dev/null",
        l->dir, extended, name, name, expired ? -1 : 3650, name, name);
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
    certify(l, t, "iak", order->iak_eku != NULL ? order->iak_eku : "2.23.133.8.3", order->expired,
            "0x01c90100");
    certify(l, t, "idevid", "clientAuth", order->expired, "0x01c90000");
}
