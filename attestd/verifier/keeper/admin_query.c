/* What stands behind the question mark of an administrator's request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_internal.h"

/* A number of the query, such as "limit=20"; otherwise when it is absent or no number. */
int64_t admin_query_number(const struct request *r, const char *key, int64_t otherwise)
{
    size_t len = strlen(key);

    for (const char *at = r->query; at != NULL && *at != '\0';) {
        const char *next = strchr(at, '&');

        if (strncmp(at, key, len) == 0 && at[len] == '=') {
            char *end = NULL;
            long long v = strtoll(&at[len + 1], &end, 10);

            return end != &at[len + 1] && (*end == '\0' || *end == '&') && v >= 0 ? v : otherwise;
        }
        at = next != NULL ? &next[1] : NULL;
    }
    return otherwise;
}

void admin_query_text(const struct request *r, const char *key, char *out, size_t cap)
{
    size_t len = strlen(key);

    out[0] = '\0';
    for (const char *at = r->query; at != NULL && *at != '\0';) {
        const char *next = strchr(at, '&');

        if (strncmp(at, key, len) == 0 && at[len] == '=') {
            size_t n = strcspn(&at[len + 1], "&");

            if (n < cap)
                (void)snprintf(out, cap, "%.*s", (int)n, &at[len + 1]);
            return;
        }
        at = next != NULL ? &next[1] : NULL;
    }
}
