/* Frames that wait to be read, in the order in which they came, in a room that does not grow. */
#ifndef HW_SENSOR_FRAMES_H
#define HW_SENSOR_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "prov/source.h"

#define HW_FRAMES_ROOM 32768 /* bytes, with two in front of each frame */

/* All zeros: none waits. */
struct hw_frames {
    size_t from, to, count;
    uint8_t room[HW_FRAMES_ROOM];
};

/* At the end; false: there is no room now. frame: 1 to ATT_FRAME_MAX bytes. */
bool hw_frames_put(struct hw_frames *f, struct att_slice frame);
/* The first, and its length; 0: none waits. */
size_t hw_frames_take(struct hw_frames *f, uint8_t out[ATT_FRAME_MAX]);

#endif
