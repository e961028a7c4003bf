/*
 * The main of a fuzz target in ordinary builds: each file named is given to it once.
 *
 * A name that does not exist is an error, for it may be a seed that got lost; only when no name exists at
 * all (a pattern that matched nothing) there is no corpus, and the test is skipped with status 77.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "fuzz/fuzz.h"

#define INPUT_MAX (64U << 20)
#define SKIPPED   77

/* In memory of exactly its size, so that a sanitizer sees a read past the end. */
static int run_file(const char *path)
{
    struct att_buf *b = NULL;
    struct att_diag diag = {0};
    uint8_t *exact = NULL;
    size_t len = 0;

    if (att_file_read(&b, path, INPUT_MAX, &diag) != ATT_OK) {
        fprintf(stderr, "replay: %s: %s\n", path, diag.text);
        return 1;
    }
    len = att_buf_len(b);
    exact = malloc(len > 0 ? len : 1);
    if (exact == NULL) {
        att_buf_free(b);
        return 1;
    }
    if (len > 0) {
        memcpy(exact, att_buf_slice(b).p, len);
    }
    att_buf_free(b);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    int there = 0;
    int failed = 0;

    for (int i = 1; i < argc; i++) {
        there += access(argv[i], F_OK) == 0 ? 1 : 0;
    }
    if (there == 0) {
        printf("no corpus: %s\n", argc > 1 ? argv[1] : "no file was named");
        return SKIPPED;
    }
    for (int i = 1; i < argc; i++) {
        failed += run_file(argv[i]);
    }
    printf("%d inputs replayed, %d failed\n", argc - 1, failed);
    return failed == 0 ? 0 : 1;
}
