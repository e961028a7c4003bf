/*
 * The least that a program can do to say whether an ES256 signature of an issuer is good: start, load libcrypto, verify
 * a chain of two certificates and one signature. The limit of bench_bundle.
 *
 *   es256 CHAIN SIGNATURE CONTENT    PEM, leaf first; DER; bytes. Exit 0: good
 */
#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#define ROOM 65536

static size_t read_file(unsigned char *out, const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t len = f != NULL ? fread(out, 1, ROOM, f) : 0;

    if (f != NULL) {
        (void)fclose(f);
    }
    return len;
}

int main(int argc, char **argv)
{
    static unsigned char sig[ROOM], content[ROOM];
    BIO *in = argc == 4 ? BIO_new_file(argv[1], "r") : NULL;
    X509 *leaf = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    X509 *root = leaf != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    size_t sig_len = root != NULL ? read_file(sig, argv[2]) : 0;
    size_t len = root != NULL ? read_file(content, argv[3]) : 0;

    if (root == NULL || X509_STORE_add_cert(store, root) != 1 ||
        X509_STORE_CTX_init(ctx, store, leaf, NULL) != 1 || X509_verify_cert(ctx) != 1) {
        return 1;
    }
    return EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, X509_get0_pubkey(leaf)) == 1 &&
                   EVP_DigestVerify(md, sig, sig_len, content, len) == 1
               ? 0
               : 1;
}
