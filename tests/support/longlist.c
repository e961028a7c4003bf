/* The list's file, and TPM2_PCR_Extend over swtpm's socket, one command after the other. */
#include "longlist.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/rd.h"
#include "base/wr.h"
#include "crypto/digest.h"
#include "need.h"

#define PCR         10U
#define NAME        "ima-ng"
#define DIGEST_NAME "sha256:"
#define ENTRY_MAX   1024

/* TPM 2.0 Part 2 */
#define TAG_SESSIONS  0x8002U
#define CC_PCR_EXTEND 0x182U
#define RS_PW         0x40000009U
#define ALG_SHA256    0x000bU

struct longlist {
    FILE *file;
    int tpm;
    struct att_hasher *h;
    bool padded;
};

static int connect_to(const struct swtpm *tpm)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const char *path = strchr(swtpm_tcti(tpm), '=');
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    NEED(fd >= 0 && path != NULL && strlen(path) < sizeof(at.sun_path));
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path + 1);
    NEED(connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0);
    return fd;
}

static struct longlist *open_list(const char *path, const char *mode, const struct swtpm *tpm)
{
    struct longlist *l = calloc(1, sizeof(*l));

    NEED(l != NULL);
    l->file = fopen(path, mode);
    NEED(l->file != NULL && att_hasher_new(&l->h) == ATT_OK);
    l->tpm = connect_to(tpm);
    return l;
}

struct longlist *longlist_new(const char *path, const struct swtpm *tpm)
{
    return open_list(path, "wb", tpm);
}

struct longlist *longlist_again(const char *path, const struct swtpm *tpm)
{
    return open_list(path, "ab", tpm);
}

static void extend(struct longlist *l, const uint8_t digest[32])
{
    uint8_t command[128];
    uint8_t answer[64];
    struct att_wr w = att_wr_into(command, sizeof(command));
    struct att_rd r;
    ssize_t got = 0;

    att_wr_u16be(&w, TAG_SESSIONS);
    att_wr_u32be(&w, 10 + 4 + 4 + 9 + 4 + 2 + 32);
    att_wr_u32be(&w, CC_PCR_EXTEND);
    att_wr_u32be(&w, PCR);
    att_wr_u32be(&w, 9); /* bytes of the authorisation: an empty password */
    att_wr_u32be(&w, RS_PW);
    att_wr_u16be(&w, 0);
    att_wr_u8(&w, 0);
    att_wr_u16be(&w, 0);
    att_wr_u32be(&w, 1);
    att_wr_u16be(&w, ALG_SHA256);
    att_wr_bytes(&w, digest, 32);
    NEED(att_wr_ok(&w) && send(l->tpm, command, w.len, MSG_NOSIGNAL) == (ssize_t)w.len);
    got = recv(l->tpm, answer, sizeof(answer), 0);
    NEED(got >= 10);
    r = att_rd_from(answer, (size_t)got);
    att_rd_skip(&r, 6);
    NEED(att_rd_u32be(&r) == 0);
}

void longlist_add(struct longlist *l, const char *name, const uint8_t digest[32])
{
    uint8_t entry[ENTRY_MAX];
    uint8_t sum[32] = {0};
    struct att_wr w = att_wr_into(entry, sizeof(entry));
    size_t data = 0;
    size_t name_len = strlen(name) + 1;
    size_t digest_len = sizeof(DIGEST_NAME) + 32;

    att_wr_u32le(&w, PCR);
    for (int i = 0; i < 20; i++) {
        att_wr_u8(&w, 0x11); /* the template's SHA-1: nobody reads it, and zeros are a violation */
    }
    att_wr_u32le(&w, sizeof(NAME) - 1);
    att_wr_bytes(&w, NAME, sizeof(NAME) - 1);
    att_wr_u32le(&w, (uint32_t)(4 + digest_len + 4 + name_len));
    data = w.len;
    att_wr_u32le(&w, (uint32_t)digest_len);
    att_wr_bytes(&w, DIGEST_NAME, sizeof(DIGEST_NAME));
    att_wr_bytes(&w, digest, 32);
    att_wr_u32le(&w, (uint32_t)name_len);
    att_wr_bytes(&w, name, name_len);
    NEED(att_wr_ok(&w));
    NEED(att_hasher_start(l->h, l->padded ? ATT_HASH_SHA1 : ATT_HASH_SHA256) == ATT_OK &&
         att_hasher_add(l->h, entry + data, w.len - data) == ATT_OK &&
         att_hasher_finish(l->h, sum) == ATT_OK);
    NEED(fwrite(entry, 1, w.len, l->file) == w.len);
    extend(l, sum);
}

void longlist_fill(struct longlist *l, uint32_t first, uint32_t count, const uint8_t digest[32])
{
    char name[128];

    if (first == 0) {
        longlist_add(l, "boot_aggregate", digest);
    }
    for (uint32_t i = first; i < first + count; i++) {
        (void)snprintf(name, sizeof(name),
                       "/usr/lib/x86_64-linux-gnu/package-%06u/libexample.so.%u", (unsigned int)i,
                       (unsigned int)(i % 10));
        longlist_add(l, name, digest);
    }
}

void longlist_padded(struct longlist *l)
{
    l->padded = true;
}

uint64_t longlist_close(struct longlist *l)
{
    long len = 0;

    NEED(fflush(l->file) == 0);
    NEED(fseek(l->file, 0, SEEK_END) == 0);
    len = ftell(l->file);
    NEED(len >= 0 && fclose(l->file) == 0);
    (void)close(l->tpm);
    att_hasher_free(l->h);
    free(l);
    return (uint64_t)len;
}
