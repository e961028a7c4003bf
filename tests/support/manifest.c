/* MANIFEST.tsv: the first column names each file. */
#include "manifest.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "need.h"

const char *manifest_corpus(void)
{
    const char *corpus = getenv("CORPUS");

    if (corpus == NULL || corpus[0] == '\0') {
        puts("no corpus: set CORPUS to its folder");
        return NULL;
    }
    return corpus;
}

struct att_buf *manifest_read(const char *name)
{
    char path[512];
    struct att_buf *b = NULL;

    (void)snprintf(path, sizeof(path), "%s/%s", getenv("CORPUS"), name);
    ck_assert_msg(att_file_read(&b, path, 1U << 20, NULL) == ATT_OK, "%s", path);
    return b;
}

void manifest_row(const char *folder, const char *name, const char *fmt, ...)
{
    va_list args;

    printf("row\t%s%s\t", folder, name);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    (void)fflush(stdout);
}

void manifest_covers(const char *folder, bool (*listed)(const char *name), size_t count)
{
    char path[512];
    char line[4096];
    size_t found = 0;
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "%s/MANIFEST.tsv", getenv("CORPUS"));
    f = fopen(path, "r");
    NEED(f != NULL);
    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\t\n")] = '\0';
        if (strncmp(line, folder, strlen(folder)) == 0) {
            ck_assert_msg(listed(line + strlen(folder)), "%s has no row", line);
            found++;
        }
    }
    (void)fclose(f);
    ck_assert_msg(found == count, "%zu files of %s, %zu rows", found, folder, count);
}
