/* Modbus devices for tests, each a process of its own: an honest one by libmodbus' server, and liars. */
#ifndef ATT_TEST_MODBUSTEST_H
#define ATT_TEST_MODBUSTEST_H

#include <stdint.h>
#include <sys/types.h>

#include "prov/source.h"

#define MODBUSTEST_UNIT     1
#define MODBUSTEST_IDENTITY "Aqua Works; LT-500; 2.1; SN 4711"

struct modbustest {
    pid_t pid[2]; /* the device; and what carries bytes between two terminals, or 0 */
    uint16_t port;
    char line[64]; /* RTU: the near end of the line */
};

/*
 * Input registers 0 to 9 are 100, 101, .. 109; holding registers 0 to 9 are 0 and take what is written, but for
 * number 9, which confirms and stays; coils 0 to 9 are off, discrete inputs 0, 3, 6 and 9 on.
 */
struct modbustest modbustest_tcp(void);
struct modbustest modbustest_tcp_at(uint16_t port); /* 0: any */
struct modbustest modbustest_rtu(void); /* the same behind a line of two pseudo terminals */

/* What a liar does with each answer. Honest data would be: every register has the number of the request, from 1. */
enum modbustest_lie {
    LIE_NONE,
    LIE_TRANSACTION,
    LIE_PROTOCOL,
    LIE_UNIT,
    LIE_LENGTH,    /* the header says one more than there is */
    LIE_FUNCTION,  /* answers as if another function had been asked for */
    LIE_FEWER,     /* one register less, in good order */
    LIE_MORE,      /* one register more, in good order */
    LIE_ODD,       /* a byte count of one more */
    LIE_TRUNCATED, /* hangs up in the middle */
    LIE_SILENT,
    LIE_DRIP,           /* a byte each 40 ms */
    LIE_OVERSIZED,      /* a byte count of 255, and that much and more behind it */
    LIE_EXCEPTION,      /* 2 */
    LIE_EXCEPTION_LONG, /* an exception with something behind it */
    LIE_TWICE,          /* each answer a second time, 20 ms later */
    LIE_LATE,           /* the first answer 1.2 s late, the others at once */
    LIE_ECHO,           /* confirms another address than was written */
    LIE_IGNORE,         /* confirms a write, and reads as before */
    LIE_IDENTITY_LOOP,  /* an identity that never ends */
    LIE_IDENTITY_SHORT, /* an object longer than the message */
};
struct modbustest modbustest_liar(enum modbustest_lie lie);
/*
 * The same by RTU, for LIE_NONE FUNCTION LATE and TWICE; and LIE_UNIT answers as unit 0, LIE_PROTOCOL as the next unit,
 * LIE_TRUNCATED with a wrong check sum.
 */
struct modbustest modbustest_rtu_liar(enum modbustest_lie lie);
/* A port that is listened at, and that takes no connection. */
struct modbustest modbustest_deaf(void);
void modbustest_stop(struct modbustest *d);

/* A source at it with this limit, and first and longest wait after a failure of 1 ms. */
struct att_source modbustest_open(const struct modbustest *d, int limit_ms);
struct att_channel_source modbustest_at(uint8_t function, uint16_t address, uint16_t count);

#endif
