/* One line of an application, taken apart: KEY, one space, TEXT (docs/formats/sources.md). */
#ifndef HW_SENSOR_LINE_TEXT_H
#define HW_SENSOR_LINE_TEXT_H

#include "base/slice.h"
#include "prov/source.h"

struct hw_line_text {
    struct att_slice key,
        text; /* borrowed from the line; the text has 1 to ATT_FRAME_MAX bytes, none of them 0 */
};

/* line: without its line feed. Returns what is wrong with it, for whoever wrote it, or NULL. */
const char *hw_line_text_parse(struct hw_line_text *out, struct att_slice line);

#endif
