/*
 * Modbus messages as bytes: what is asked, and whether what came is the answer to it.
 *
 * "MODBUS Application Protocol Specification V1.1b3" (AP) and "MODBUS Messaging on TCP/IP Implementation Guide V1.0b"
 * (MB). No socket and no clock here. A PDU is the function and its data; the answer's is what a record keeps.
 * Every refusal is FORMAT (PRV_SOURCE) unless it is said otherwise.
 */
#ifndef HW_SENSOR_MODBUS_PDU_H
#define HW_SENSOR_MODBUS_PDU_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "prov/source.h"

#define HW_PDU_MAX       253 /* AP 4.1 */
#define HW_PDU_HEAD      7   /* bytes of the MBAP header, the unit id among them (MB 3.1.3) */
#define HW_PDU_ADU_MAX   (HW_PDU_HEAD + HW_PDU_MAX)
#define HW_PDU_READ      5 /* bytes of a request to read */
#define HW_PDU_IDENTIFY  4
#define HW_PDU_OBJECTS   16 /* of one identity, over all of its messages */
#define HW_PDU_SERVER_ID 17
#define HW_PDU_MEI       43

/* "illegal data address" for 2; "unknown exception" for what AP 7 has not. */
const char *hw_pdu_exception(uint8_t code);

/*
 * The request for what->count coils or registers from what->address (AP 6.1 to 6.4).
 *
 * Errors  CONFIG: no function 1..4, no count or more than 2000 coils or 125 registers, or beyond 65535
 */
ATT_MUST_USE enum att_err hw_pdu_read_request(uint8_t out[HW_PDU_READ],
                                              const struct att_channel_source *what,
                                              struct att_diag *diag);

/* MBAP header in front of a PDU; returns the bytes of both. */
size_t hw_pdu_wrap(uint8_t out[HW_PDU_ADU_MAX], uint16_t tid, uint8_t unit, struct att_slice pdu);

/* The PDU of an answer by TCP: our transaction, protocol 0, its own length, our unit. Borrowed from adu. */
ATT_MUST_USE enum att_err hw_pdu_unwrap(struct att_slice *pdu, struct att_slice adu, uint16_t tid,
                                        uint8_t unit, struct att_diag *diag);

/*
 * Is it an exception to this function (AP 7)? *code is 0 when it is none.
 *
 * Errors  IO: the device refused, in words, and *code says why. FORMAT: answers another function
 */
ATT_MUST_USE enum att_err hw_pdu_function_check(uint8_t *code, struct att_slice pdu,
                                                uint8_t function, struct att_diag *diag);

/* Has the answer all that was asked for, and nothing more? Its function was checked before. */
ATT_MUST_USE enum att_err hw_pdu_read_check(struct att_slice pdu,
                                            const struct att_channel_source *what,
                                            struct att_diag *diag);

/*
 * May this be sent to this output? A request of function 5, 6, 15 or 16, well-formed, that stays inside of
 * what->address and what->count; coils to function 1, registers to function 3.
 *
 * Errors  FORMAT DENIED (outside of the output)
 */
ATT_MUST_USE enum att_err hw_pdu_write_check(struct att_slice request,
                                             const struct att_channel_source *what,
                                             struct att_diag *diag);

/* Does the answer confirm that very write (AP 6.5, 6.6, 6.11, 6.12)? */
ATT_MUST_USE enum att_err hw_pdu_echo_check(struct att_slice pdu, struct att_slice request,
                                            struct att_diag *diag);

/* What reads back all that a request to write has set; the request was checked. */
void hw_pdu_read_back(struct att_channel_source *back, struct att_slice request,
                      const struct att_channel_source *what);

/* Do the values that came back equal those written? MISMATCH: the device took the command and did not follow. */
ATT_MUST_USE enum att_err hw_pdu_read_back_check(struct att_slice pdu, struct att_slice request,
                                                 struct att_diag *diag);

/* What a device says of itself, put together over several messages. Begin with all zero. */
struct hw_pdu_identity {
    char text[256]; /* objects in their order, "; " between them; always printable */
    uint8_t objects;
    uint8_t next; /* the object that goes on, or 0: complete */
};

/* Function 43/14, stream access to all objects from this one on (AP 6.21). code: 1 basic .. 3 extended */
void hw_pdu_identity_request(uint8_t out[HW_PDU_IDENTIFY], uint8_t code, uint8_t object);
/* One answer to it; LIMIT: more objects than we take. */
ATT_MUST_USE enum att_err hw_pdu_identity_read(struct hw_pdu_identity *id, struct att_slice pdu,
                                               struct att_diag *diag);

/* The answer to function 17, the identity of devices on serial lines (AP 6.13): its additional data is text. */
ATT_MUST_USE enum att_err hw_pdu_server_id_read(struct hw_pdu_identity *id, struct att_slice pdu,
                                                struct att_diag *diag);

#endif
