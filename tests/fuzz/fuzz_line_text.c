/* Lines of applications: what is taken is the whole line, in two parts, and within its bounds. */
#include <string.h>

#include "fuzz.h"
#include "sensor/line_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hw_line_text l = {0};
    const char *why = hw_line_text_parse(&l, att_slice_of(data, size));

    if (why != NULL) {
        HOLDS(strlen(why) > 0 && l.key.p == NULL && l.text.p == NULL);
        return 0;
    }
    HOLDS(l.key.p == data && l.text.p == data + l.key.len + 1);
    HOLDS(l.key.len > 0 && l.key.len + 1 + l.text.len == size && data[l.key.len] == ' ');
    HOLDS(memchr(l.key.p, ' ', l.key.len) == NULL && memchr(data, 0, size) == NULL);
    HOLDS(l.text.len > 0 && l.text.len <= ATT_FRAME_MAX);
    return 0;
}
