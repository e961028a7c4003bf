/*
 * A value of a measured configuration file does not change with a comment below it, and only YAML can be
 * unreadable. The first byte is the format, the first line the key, the rest the file.
 */
#include <string.h>

#include "agent/measurer/pick.h"
#include "fuzz.h"

#define TEXT_MAX 65536

static void comment_changes_nothing(struct att_slice text, enum agent_format format,
                                    const char *key)
{
    static uint8_t longer[TEXT_MAX + 16];
    static const char comment[] = "\n# x = y\n";
    enum pick_result r[2] = {PICK_UNREADABLE, PICK_UNREADABLE};
    uint8_t digest[2][32] = {{0}, {0}};

    memcpy(longer, text.p, text.len);
    memcpy(longer + text.len, comment, sizeof(comment) - 1);
    HOLDS(pick_digest(digest[0], &r[0], text, format, key) == ATT_OK);
    HOLDS(pick_digest(digest[1], &r[1], att_slice_of(longer, text.len + sizeof(comment) - 1),
                      format, key) == ATT_OK);
    HOLDS(r[0] == r[1] && r[0] != PICK_UNREADABLE);
    HOLDS(memcmp(digest[0], digest[1], 32) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum agent_format format = size > 0 ? (enum agent_format)(data[0] % 4) : FORMAT_INI;
    const uint8_t *end = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
    enum pick_result r = PICK_FOUND;
    struct att_slice text;
    uint8_t digest[32];
    char key[64] = "";

    if (end == NULL || (size_t)(end - data) > sizeof(key) || size > TEXT_MAX) {
        return 0;
    }
    memcpy(key, data + 1, (size_t)(end - data) - 1);
    text = att_slice_of(end + 1, size - (size_t)(end - data) - 1);
    if (key[0] == '\0' || key[0] == '#') {
        return 0;
    }
    if (format != FORMAT_YAML) {
        comment_changes_nothing(text, format, key);
    } else {
        HOLDS(pick_digest(digest, &r, text, format, key) == ATT_OK);
    }
    return 0;
}
