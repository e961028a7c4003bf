/*
 * The transcription specification: what each channel of a gateway is, from the bytes on the wire to the value that a
 * partner reads.
 *
 * docs/formats/specification.md. People write it as strict YAML; what is signed, measured and named by records is
 * the digest of its deterministic CBOR. A record names the digest of its channel, so that a change elsewhere in the
 * file leaves it alone. Whatever a specification lets through can be computed without overflow: that is checked
 * when it is read, not when a value comes.
 */
#ifndef ATT_PROV_SPEC_H
#define ATT_PROV_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "prov/decimal.h"
#include "sign/document.h"

#define ATT_SPEC_CONTENT_TYPE "application/vnd.attestd.specification+cbor"
#define ATT_SPEC_PURPOSE      "attestd transcription specification 1" /* external data */

#define ATT_SPEC_FILE_MAX      262144
#define ATT_SPEC_CHANNELS_MAX  64
#define ATT_SPEC_RELATIONS_MAX 16 /* of each kind */
#define ATT_SPEC_MEMBERS_MAX   8  /* channels of one relation */
#define ATT_SPEC_FAULTS_MAX    8
#define ATT_SPEC_POINTS_MAX    32 /* of a table; coefficients of a polynomial: */
#define ATT_SPEC_DEGREE_MAX    5
#define ATT_SPEC_ID            33 /* with its terminator */
#define ATT_SPEC_NAME          129
#define ATT_SPEC_UNIT          25
#define ATT_SPEC_DECIMALS_MAX  9

enum att_bus {
    ATT_BUS_MODBUS, /* the response PDU: function, byte count, data */
    ATT_BUS_SYSFS,  /* what reading an attribute of IIO or hwmon gave */
    ATT_BUS_MQTT,   /* a message's payload */
    ATT_BUS_LINE,   /* a line that an application wrote */
};
#define ATT_BUS__COUNT 4
extern const char *const att_bus_words[ATT_BUS__COUNT];

struct att_channel_source {
    enum att_bus bus;
    char device
        [ATT_SPEC_ID]; /* which of the agent's devices; its address is the agent's configuration */
    uint8_t unit;      /* MODBUS: unit id 0..247 */
    uint8_t function;  /* MODBUS: 1..4 */
    uint16_t address, count;  /* MODBUS: first register or coil, and how many */
    char name[ATT_SPEC_NAME]; /* SYSFS attribute, MQTT topic, LINE key; empty for MODBUS */
};

enum att_wire_type {
    ATT_WIRE_BOOL, /* a coil or discrete input */
    ATT_WIRE_UINT16,
    ATT_WIRE_INT16,
    ATT_WIRE_UINT32,
    ATT_WIRE_INT32,
    ATT_WIRE_FLOAT32, /* IEEE 754 binary32, rounded half-even to `decimals` by whole numbers */
    ATT_WIRE_BCD16,   /* four decimal digits */
    ATT_WIRE_BCD32,
    ATT_WIRE_TEXT, /* a decimal number as text, of at most `decimals` digits behind the point */
};
#define ATT_WIRE__COUNT 9
extern const char *const att_wire_words[ATT_WIRE__COUNT];

struct att_channel_wire {
    enum att_wire_type type;
    bool little_bytes; /* inside a register; Modbus says big */
    bool little_words; /* of two registers the lower comes first */
    uint8_t decimals;  /* FLOAT32, TEXT; 0 for the others */
    char
        field[ATT_SPEC_ID]; /* TEXT: member of a JSON object; empty: the whole text is the number */
};

/* Raw values that mean a fault of the sensor or its wire, not a value. Both ends belong to it. */
struct att_fault_band {
    struct att_decimal from, to;
    char means[ATT_SPEC_ID];
};

struct att_calibration {
    uint64_t version;        /* only rises */
    int64_t from_s, until_s; /* in force from <= now < until, UTC */
    bool is_table;           /* linear between points; else a polynomial, the constant first */
    size_t count;
    struct att_decimal raw[ATT_SPEC_POINTS_MAX]; /* table: rising */
    struct att_decimal
        value[ATT_SPEC_POINTS_MAX]; /* table: at these raw values; polynomial: coefficients */
};

enum att_filter { ATT_FILTER_NONE, ATT_FILTER_MEAN, ATT_FILTER_MEDIAN };
#define ATT_FILTER__COUNT 3
extern const char *const att_filter_words[ATT_FILTER__COUNT];

struct att_channel {
    char id[ATT_SPEC_ID];
    char title_en[ATT_SPEC_NAME], title_ja[ATT_SPEC_NAME];
    bool output;     /* it is a command to an actuator, read back */
    bool quarantine; /* records with a failed check are kept and not published */
    char sensor
        [ATT_SPEC_NAME]; /* identity that the sensor reports or carries (TC-01); may be empty */
    struct att_channel_source source;
    struct att_channel_wire wire;
    struct att_decimal raw_min, raw_max;
    size_t fault_count;
    struct att_fault_band fault[ATT_SPEC_FAULTS_MAX];
    struct att_calibration calibration;
    char unit[ATT_SPEC_UNIT]; /* UCUM */
    struct att_decimal resolution;
    enum att_rounding rounding;
    int64_t period_ms, max_age_ms;
    enum att_filter filter;
    uint16_t filter_window; /* samples; 1 for NONE */
    bool has_range, has_rate, has_quiet;
    struct att_decimal low, high;   /* range of the value, both included */
    struct att_decimal rate_most;   /* change of the value in rate_ms at most */
    int64_t rate_ms;                /* ms */
    struct att_decimal quiet_least; /* of quiet_over values, largest - smallest is at least this */
    uint16_t quiet_over;
    uint8_t digest[32]; /* SHA-256 of the channel's own encoding: what a record names */
};

/* Siblings that measure the same: they agree within a tolerance; of three or more, two decide. */
struct att_redundancy {
    char id[ATT_SPEC_ID];
    size_t count;
    uint8_t channel[ATT_SPEC_MEMBERS_MAX]; /* indexes */
    struct att_decimal tolerance;
};

/* The sum of factor * value is zero within a tolerance. */
struct att_balance {
    char id[ATT_SPEC_ID];
    size_t count;
    uint8_t channel[ATT_SPEC_MEMBERS_MAX];
    struct att_decimal factor[ATT_SPEC_MEMBERS_MAX];
    struct att_decimal tolerance;
};

/* An output and the input that shows what it did. */
struct att_feedback {
    uint8_t command, feedback;
    struct att_decimal tolerance;
    int64_t settling_ms;
    struct att_decimal fail_safe; /* the value of the feedback after loss or failure */
};

struct att_spec {
    char id[ATT_SPEC_ID];
    uint64_t version; /* only rises */
    char title_en[ATT_SPEC_NAME], title_ja[ATT_SPEC_NAME];
    size_t channel_count;
    struct att_channel *channel; /* owned */
    size_t redundancy_count, balance_count, feedback_count;
    struct att_redundancy redundancy[ATT_SPEC_RELATIONS_MAX];
    struct att_balance balance[ATT_SPEC_RELATIONS_MAX];
    struct att_feedback feedback[ATT_SPEC_RELATIONS_MAX];
    struct att_buf *bytes; /* the encoding */
    uint8_t digest[32];    /* SHA-256 of it */
};

/* name: for messages. Errors FORMAT LIMIT (FMT_YAML), CONFIG (CFG_SPEC, with name:line:column), NOMEM CRYPTO */
ATT_MUST_USE enum att_err att_spec_parse_yaml(struct att_spec **out, const char *name,
                                              struct att_slice in, struct att_diag *diag);
/* in is copied. FORMAT LIMIT TRUNCATED TRAILING UNSUPPORTED CONFIG (CFG_SPEC), NOMEM CRYPTO */
ATT_MUST_USE enum att_err att_spec_decode(struct att_spec **out, struct att_slice in,
                                          struct att_diag *diag);
void att_spec_free(struct att_spec *s);
void att_spec_freep(struct att_spec **s);

/* What a file says of itself. */
struct att_spec_origin {
    bool is_signed;
    uint8_t kid[32]; /* SHA-256 of the signer's key; zeros without a signature */
};
/*
 * att_spec_open - a specification that may take effect: signed by one of signers.
 * Errors  SIGNATURE (CFG_SPECSIG), and those of att_spec_decode
 */
ATT_MUST_USE enum att_err att_spec_open(struct att_spec **out, struct att_slice in,
                                        const struct att_signers *signers, struct att_diag *diag);
/* Signed or YAML, without asking who signed it: for what people look at, never for what takes effect. origin may be NULL. */
ATT_MUST_USE enum att_err att_spec_peek(struct att_spec **out, const char *name,
                                        struct att_slice in, struct att_spec_origin *origin,
                                        struct att_diag *diag);
/* What the signer says, NOMEM. */
ATT_MUST_USE enum att_err att_spec_sign(struct att_buf **out, const struct att_spec *s,
                                        const struct att_signer *signer);

/* May next take the place of now? One id, and no counter that falls or stands still beside a change. CONFLICT (CFG_SPECOLD) */
ATT_MUST_USE enum att_err att_spec_check_next(const struct att_spec *now,
                                              const struct att_spec *next, struct att_diag *diag);

/* The channel of this id, or of this digest; NULL when there is none. */
const struct att_channel *att_spec_channel(const struct att_spec *s, const char *id);
const struct att_channel *att_spec_channel_of(const struct att_spec *s, const uint8_t digest[32]);

#endif
