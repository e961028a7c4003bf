/* Runs a fuzz target once over each file named, so that make check keeps the corpus green without libFuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX ((size_t)1 << 20) /* bytes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        uint8_t *in = malloc(INPUT_MAX);
        uint8_t *exact = NULL;
        size_t len = 0;

        if (f == NULL || in == NULL) {
            fprintf(stderr, "cannot read %s\n", argv[i]);
            return 1;
        }
        len = fread(in, 1, INPUT_MAX, f);
        fclose(f);
        /* memory of the exact size, so that a sanitizer sees a read past the end */
        exact = realloc(in, len == 0 ? 1 : len);
        if (exact == NULL) {
            return 1;
        }
        printf("%s (%zu bytes)\n", argv[i], len);
        (void)LLVMFuzzerTestOneInput(exact, len);
        free(exact);
    }
    return 0;
}
