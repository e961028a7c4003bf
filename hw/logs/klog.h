/*
 * Logs that grow while they are read: the firmware's event log and the kernel's IMA list.
 */
#ifndef ATT_LOGS_KLOG_H
#define ATT_LOGS_KLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define HW_LOG_UEFI "/sys/kernel/security/tpm0/binary_bios_measurements"
#define HW_LOG_IMA  "/sys/kernel/security/ima/binary_runtime_measurements"

struct hw_log_part {
    struct att_buf *data; /* owned by the caller */
    uint64_t off;         /* where it starts */
    bool more;            /* cap was reached and the log goes on: the last record may be cut */
};

/*
 * hw_log_read - the bytes of a log from an offset to its present end.
 *
 * path    a regular file or one of the kernel's pseudo files (size 0); a FIFO or device is refused
 * off     bytes to skip: what was read before
 * cap     the most bytes to return, at least 1
 * Errors  NOT_FOUND DENIED IO NOMEM; FORMAT not a regular file; MISMATCH the log is shorter than off
 *         (another boot, or the kernel cut it). Reason FILE.
 */
ATT_MUST_USE enum att_err hw_log_read(struct hw_log_part *out, const char *path, uint64_t off,
                                      size_t cap, struct att_diag *diag);

/*
 * The same, read from its beginning and cut: at an offset inside its last record the kernel's firmware log
 * gives more than a reader in order finds there (its iterator starts that record anew), so that a log that
 * did not grow seems to. cap counts the bytes behind the offset. Errors as hw_log_read.
 */
ATT_MUST_USE enum att_err hw_log_read_in_order(struct hw_log_part *out, const char *path,
                                               uint64_t off, size_t cap, struct att_diag *diag);

/*
 * A log that is read once from one end to the other: the kernel makes its list anew from the first entry
 * for each reader that does not go on where it stood.
 */
struct hw_log_stream {
    int fd;
    uint64_t off; /* of the next byte */
};
/* From an offset on; errors as hw_log_read. End it with hw_log_end. */
ATT_MUST_USE enum att_err hw_log_begin(struct hw_log_stream *out, const char *path, uint64_t off,
                                       struct att_diag *diag);
/* The next bytes, at most cap; *got is less only at the present end of the log. IO (FILE) */
ATT_MUST_USE enum att_err hw_log_next(struct hw_log_stream *s, uint8_t *into, size_t cap,
                                      size_t *got, const char *path, struct att_diag *diag);
void hw_log_end(struct hw_log_stream *s);

void hw_log_part_free(struct hw_log_part *part); /* the contents; for ATT_CLEANUP */

#endif
