/*
 * The kernel's command line: its parameters, and which text a digest of the boot log proves.
 *
 * A boot loader that measures the command line extends a digest of its text; some put the text beside
 * it, under words of their own. Only a text whose digest is the extended one is given out here.
 */
#ifndef ATT_TCG_CMDLINE_H
#define ATT_TCG_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "tcg/evlog.h"

#define ATT_CMDLINE_MAX 16384 /* bytes of text; kernels take 2 to 4 KiB */

/* One parameter, borrowed from the text; value is empty without "=". */
struct att_cmdline_param {
    struct att_slice name, value;
};

/* The next parameter of *left, which shrinks; false at the end. A space inside double quotes is no end. */
bool att_cmdline_next(struct att_slice *left, struct att_cmdline_param *out);

/* The text of a file as /proc/cmdline gives it: without the newline at its end. */
struct att_slice att_cmdline_trim(struct att_slice text);

/*
 * att_cmdline_measured - the PCR into which some event extended a digest of this text, as the Linux EFI
 * stub and systemd-stub (UTF-16 with a NUL) or GRUB (the bytes) do; -1 when none did.
 * Errors  LIMIT (text above ATT_CMDLINE_MAX) CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_cmdline_measured(int *pcr, const struct att_evlog *log,
                                               enum att_hash bank, struct att_slice text);

/*
 * att_cmdline_of_event - the command line that an event of PCR 8 to 15 carries, when its digest is that of
 * the text: GRUB's behind "kernel_cmdline: ", systemd-stub's as 16-bit text. *text is empty when there is
 * none; it borrows the event or room. The words before it are the sender's: they choose what is looked at.
 * Errors  CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_cmdline_of_event(struct att_slice *text, const struct att_event *e,
                                               enum att_hash bank, uint8_t room[ATT_CMDLINE_MAX]);

#endif
