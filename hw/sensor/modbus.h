/*
 * Modbus devices behind the port of prov/source.h: by TCP, and by RTU on a serial line.
 *
 * libmodbus opens the line, sends and receives; sensor/modbus_pdu.h judges what came. A frame is the PDU of the
 * answer (function, byte count, data), byte for byte. One request is under way at a time, and after any answer that
 * was late or wrong the connection is given up, so that no late answer is taken for a later one. By TCP the
 * transaction's number says so too; a serial line has none: there what stands in the input is dropped before each
 * request.
 */
#ifndef HW_SENSOR_MODBUS_H
#define HW_SENSOR_MODBUS_H

#include <stdint.h>

#include "base/err.h"
#include "prov/source.h"

#define HW_MODBUS_PORT      502
#define HW_MODBUS_LIMIT_MIN 10 /* milliseconds */
#define HW_MODBUS_LIMIT_MAX 60000

struct hw_modbus_options {
    const char *
        address; /* TCP: IPv4 or IPv6 in numbers, for a name would wait for a resolver; else NULL */
    uint16_t port;    /* TCP: 0 is HW_MODBUS_PORT */
    const char *line; /* RTU: the serial device, such as /dev/ttyS1; else NULL */
    int baud;         /* RTU: 0 is 19200 */
    char parity;      /* RTU: N, E or O; 0 is E (serial line guide 2.5.1) */
    int stop_bits;    /* RTU: 0 is 1 */
    int limit_ms;     /* for one call as a whole, connecting and all its messages among it */
    int retry_ms; /* after a failure the next one waits this long, then twice as long: 0 is 200 */
    int retry_most_ms; /* and never longer than this: 0 is 10000 */
};

/*
 * hw_modbus_open - a source of Modbus frames; the device may be absent until it is read.
 *
 * read      one request of function 1 to 4. NETWORK: not reached, or no whole answer in time, or still in the time
 *           that a failure has to wait; FORMAT: an answer that is none; IO: an exception, in words
 * describe  function 43/14 by TCP, function 17 by RTU, in one line. UNSUPPORTED: an illegal function
 * write     the frame is a request of function 5, 6, 15 or 16 inside of the output; it is sent, must be confirmed, is
 *           read back and must be equal: DENIED (outside of the output), MISMATCH (not what was written)
 *
 * out       closed by its ops->close
 * Errors    CONFIG (PRV_SOURCE) NOMEM
 */
ATT_MUST_USE enum att_err hw_modbus_open(struct att_source *out, const struct hw_modbus_options *o,
                                         struct att_diag *diag);

#endif
