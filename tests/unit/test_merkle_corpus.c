/* The proofs that other implementations test with: every file of the corpus folder merkle/. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/file.h"
#include "codec/json.h"
#include "crypto/merkle.h"
#include "need.h"
#include "suite.h"

static const char *corpus;

/* A hash in base64; what is no hash cannot be given to a function that takes hashes, and so is refused. */
static bool hash_of(uint8_t out[ATT_MERKLE_LEN], const json_t *j)
{
    const char *text = json_string_value(j);
    uint8_t bytes[64];
    size_t len = 0;

    if (text == NULL ||
        att_b64_decode(bytes, sizeof(bytes), &len, ATT_B64_STD, text, strlen(text)) != ATT_OK ||
        len != ATT_MERKLE_LEN)
        return false;
    memcpy(out, bytes, ATT_MERKLE_LEN);
    return true;
}

static bool path_of(struct att_merkle_path *out, const json_t *j)
{
    memset(out, 0, sizeof(*out));
    if (json_array_size(j) > ATT_MERKLE_PATH_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(j); i++) {
        if (!hash_of(out->hash[out->count++], json_array_get(j, i)))
            return false;
    }
    return true;
}

/* One file has an index of 2^64 - 1, so numbers are read as reals; all others are small. */
static uint64_t number(const json_t *j, const char *name)
{
    double v = json_real_value(json_object_get(j, name));

    return v < 1e15 ? (uint64_t)v : UINT64_MAX;
}

static bool includes(const json_t *j)
{
    struct att_merkle_path path;
    uint8_t root[ATT_MERKLE_LEN], leaf[ATT_MERKLE_LEN];

    return hash_of(root, json_object_get(j, "root")) &&
           hash_of(leaf, json_object_get(j, "leafHash")) &&
           path_of(&path, json_object_get(j, "proof")) &&
           att_merkle_verify_inclusion(root, number(j, "leafIdx"), number(j, "treeSize"), leaf,
                                       &path, NULL) == ATT_OK;
}

static bool continues(const json_t *j)
{
    struct att_merkle_head old = {.size = number(j, "size1")};
    struct att_merkle_head now = {.size = number(j, "size2")};
    struct att_merkle_path path;

    return hash_of(old.root, json_object_get(j, "root1")) &&
           hash_of(now.root, json_object_get(j, "root2")) &&
           path_of(&path, json_object_get(j, "proof")) &&
           att_merkle_verify_consistency(&old, &now, &path, NULL) == ATT_OK;
}

static void judge(const char *path, bool (*verifies)(const json_t *))
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    ATT_CLEANUP(att_json_freep) json_t *j = NULL;
    bool want;

    NEED(att_file_read(&bytes, path, 65536, NULL) == ATT_OK);
    j = json_loadb((const char *)att_buf_slice(bytes).p, att_buf_len(bytes),
                   JSON_DECODE_INT_AS_REAL, NULL);
    NEED(j != NULL);
    NEED(json_is_boolean(json_object_get(j, "wantErr")));
    want = !json_is_true(json_object_get(j, "wantErr"));
    printf("%s: %s\n", path + strlen(corpus) + 1, want ? "verifies" : "refused");
    ck_assert_msg(verifies(j) == want, "%s", path);
}

static size_t judge_folder(const char *kind, const char *part, bool (*verifies)(const json_t *))
{
    char folder[512], path[1024];
    struct dirent *e;
    size_t count = 0;
    DIR *d;

    (void)snprintf(folder, sizeof(folder), "%s/merkle/%s/%s", corpus, kind, part);
    d = opendir(folder);
    NEED(d != NULL);
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        judge(path, verifies);
        count++;
    }
    closedir(d);
    return count;
}

START_TEST(att_merkle_verify_inclusion__judges_the_files_of_others)
{
    size_t count = judge_folder("inclusion", "0", includes);

    count += judge_folder("inclusion", "1", includes);
    count += judge_folder("inclusion", "2", includes);
    count += judge_folder("inclusion", "single-entry", includes);
    ck_assert_uint_ge(count, 50);
}
END_TEST

START_TEST(att_merkle_verify_consistency__judges_the_files_of_others)
{
    size_t count = judge_folder("consistency", "0", continues);

    count += judge_folder("consistency", "1", continues);
    count += judge_folder("consistency", "2", continues);
    ck_assert_uint_ge(count, 40);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {att_merkle_verify_inclusion__judges_the_files_of_others,
                                  att_merkle_verify_consistency__judges_the_files_of_others};

    corpus = getenv("CORPUS");
    if (corpus == NULL || corpus[0] == '\0') {
        puts("no corpus: set CORPUS to its folder");
        return 77;
    }
    return SUITE_RUN("merkle_corpus", tests);
}
