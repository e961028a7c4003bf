/*
 * Applications that acquire for themselves, behind the port of prov/source.h: lines on a unix socket.
 *
 *     KEY TEXT
 *
 * KEY is one of the keys that were configured, and the channel's `name`; TEXT, behind one space, is the frame, byte for
 * byte: a number, or a JSON object of which the specification takes a member. UTF-8 or not is the specification's
 * to judge; a byte 0 is refused. Each line is a frame, and they are read in order: none takes the place of another. Where a
 * key has no room for more (HW_FRAMES_ROOM) its writers are held up, as the kernel holds up who writes faster than
 * somebody reads. A writer that breaks a rule is told in one line
 * that begins with "error: " and is hung up on. Writers are told apart by their user id (SO_PEERCRED), and no
 * writer waits for another one.
 */
#ifndef HW_SENSOR_LINE_H
#define HW_SENSOR_LINE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "prov/source.h"

#define HW_LINE_KEYS_MAX    64
#define HW_LINE_UIDS_MAX    8
#define HW_LINE_CLIENTS_MAX 16
#define HW_LINE_MAX         (ATT_PROV_NAME + ATT_FRAME_MAX + 1) /* bytes of a line: key, space, text, end */

struct hw_line_options {
    const char *path;        /* of the socket, which is made: mode 0666, for the user ids decide */
    const char *const *keys; /* 1 to HW_LINE_KEYS_MAX; without spaces */
    size_t key_count;
    const uid_t *uids; /* who may write: 1 to HW_LINE_UIDS_MAX */
    size_t uid_count;
    int limit_ms;      /* how long a read waits for a line: 0 to 60000 */
    int unfinished_ms; /* a writer that leaves a line unfinished for longer is hung up on: 0 is 5000 */
};

/*
 * hw_line_open - listen. What is written is kept by the kernel, and taken in whenever a key is read.
 *
 * read      the oldest line of what->name that was not read; BUSY: none within limit_ms
 * describe  UNSUPPORTED; write UNSUPPORTED
 *
 * out       closed by its ops->close, which removes the socket
 * Errors    CONFIG (PRV_SOURCE) IO NOMEM; CONFLICT: somebody listens there
 */
ATT_MUST_USE enum att_err hw_line_open(struct att_source *out, const struct hw_line_options *o,
                                       struct att_diag *diag);

#endif
