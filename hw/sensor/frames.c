#include "sensor/frames.h"

#include <string.h>

#define HEAD 2

bool hw_frames_put(struct hw_frames *f, struct att_slice frame)
{
    if (frame.len == 0 || frame.len > ATT_FRAME_MAX ||
        sizeof f->room - (f->to - f->from) < HEAD + frame.len)
        return false;
    if (sizeof f->room - f->to < HEAD + frame.len) {
        memmove(f->room, f->room + f->from, f->to - f->from);
        f->to -= f->from;
        f->from = 0;
    }
    f->room[f->to] = (uint8_t)(frame.len >> 8);
    f->room[f->to + 1] = (uint8_t)frame.len;
    memcpy(f->room + f->to + HEAD, frame.p, frame.len);
    f->to += HEAD + frame.len;
    f->count++;
    return true;
}

size_t hw_frames_take(struct hw_frames *f, uint8_t out[ATT_FRAME_MAX])
{
    size_t len = 0;

    if (f->count == 0)
        return 0;
    len = (size_t)f->room[f->from] << 8 | f->room[f->from + 1];
    memcpy(out, f->room + f->from + HEAD, len);
    f->from += HEAD + len;
    f->count--;
    if (f->count == 0)
        f->from = f->to = 0;
    return len;
}
