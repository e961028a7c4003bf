/*
 * The transcription specification: what each channel of a gateway is, from the bytes on the wire to the value that a
 * partner reads.
 *
 * docs/formats/specification.md. People write it as strict YAML; what is signed, measured and named by records is
 * the digest of its deterministic CBOR. A record names the digest of its channel, so that a change elsewhere in the
 * file leaves it alone. Whatever a specification lets through can be computed without overflow: att_curve_make says
 * so when it is read, not when a value comes.
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
#include "prov/source.h"
#include "sign/document.h"

#define ATT_SPEC_CONTENT_TYPE "application/vnd.attestd.specification+cbor"
#define ATT_SPEC_PURPOSE                                                                           \
    "attestd transcription specification 1" /* external data of the signature */

#define ATT_SPEC_FILE_MAX      262144
#define ATT_SPEC_CHANNELS_MAX  64
#define ATT_SPEC_RELATIONS_MAX 16 /* of each kind */
#define ATT_SPEC_MEMBERS_MAX   8  /* channels of one relation */
#define ATT_SPEC_FAULTS_MAX    8
#define ATT_SPEC_POINTS_MAX    32 /* of a table; coefficients of a polynomial: */
#define ATT_SPEC_DEGREE_MAX    5
#define ATT_SPEC_UNIT          25
#define ATT_SPEC_DECIMALS_MAX  9
#define ATT_SPEC_WINDOW_MAX    64 /* samples of a filter, of the noise floor, of a replay */

enum att_wire_type {
    ATT_WIRE_BOOL, /* a coil or discrete input, or bit 0 of a register */
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
    uint8_t decimals;  /* FLOAT32, TEXT: 0..ATT_SPEC_DECIMALS_MAX; 0 for the others */
    char
        field[ATT_PROV_ID]; /* TEXT: member of a JSON object; empty: the whole text is the number */
};

/* Raw values that mean a fault of the sensor or its wire, not a value. Both ends belong to it. */
struct att_fault_band {
    struct att_decimal from, to;
    char means[ATT_PROV_ID];
};

struct att_calibration {
    uint64_t version;        /* only rises */
    int64_t from_s, until_s; /* in force from <= now < until, seconds since 1970, UTC */
    bool is_table;           /* linear between points; else a polynomial, the constant first */
    size_t count;
    struct att_decimal raw[ATT_SPEC_POINTS_MAX]; /* table: rising */
    struct att_decimal
        value[ATT_SPEC_POINTS_MAX]; /* table: at these raw values; polynomial: coefficients */
};

enum att_filter { ATT_FILTER_NONE, ATT_FILTER_MEAN, ATT_FILTER_MEDIAN };
#define ATT_FILTER__COUNT 3
extern const char *const att_filter_words[ATT_FILTER__COUNT];

/* The same quantity read another way (TC-09): a published value, or the register by a second connection. */
struct att_second_path {
    struct att_channel_source source;
    struct att_channel_wire wire;
    bool is_value; /* it says the value; else a raw number of this channel's calibration */
    struct att_decimal tolerance;
};

/* A reference that the device measures beside the quantity (TC-10): what it must read as, after calibration. */
struct att_stimulus {
    struct att_channel_source source; /* decoded and calibrated as the channel */
    struct att_decimal low, high;
};

struct att_channel {
    char id[ATT_PROV_ID];
    char title_en[ATT_PROV_NAME], title_ja[ATT_PROV_NAME];
    bool output;                     /* a command to an actuator, as it was sent */
    bool quarantine;                 /* records with a failed check are kept and not published */
    char no_feedback[ATT_PROV_NAME]; /* an output without a feedback pair: why; else empty */
    char sensor[ATT_PROV_NAME]; /* identity that the device reports (TC-01); empty: none is asked */
    struct att_channel_source source;
    struct att_channel_wire wire;
    struct att_decimal raw_min, raw_max;
    size_t fault_count;
    struct att_fault_band
        fault[ATT_SPEC_FAULTS_MAX]; /* rising, apart; outside of raw_min..raw_max or inside */
    struct att_calibration calibration;
    char unit[ATT_SPEC_UNIT];      /* UCUM */
    struct att_decimal resolution; /* every value is a whole multiple of it */
    enum att_rounding rounding;
    int64_t period_ms, max_age_ms;
    enum att_filter filter; /* over raw numbers, before calibration */
    uint16_t filter_window; /* samples; 1 for NONE, an odd number for MEDIAN */
    bool has_range, has_rate, has_quiet, has_second, has_stimulus;
    struct att_decimal low, high; /* range of the value, both included (TC-13) */
    struct att_decimal rate_most; /* change of the value in rate_ms at most (TC-14) */
    int64_t rate_ms;
    struct att_decimal
        quiet_least; /* of quiet_over values, largest - smallest is at least this (TC-15) */
    uint16_t quiet_over;
    uint16_t replay_over; /* as many raw frames in a row may not come again (TC-18); 0: not asked */
    struct att_second_path second;
    struct att_stimulus stimulus;
    uint8_t digest[32]; /* SHA-256 of the channel's own encoding: what a record names */
};

/* Siblings that measure the same: they agree within a tolerance; of three or more, the majority decides (TC-16). */
struct att_redundancy {
    char id[ATT_PROV_ID];
    size_t count;                          /* 2 or more */
    uint8_t channel[ATT_SPEC_MEMBERS_MAX]; /* indexes */
    struct att_decimal tolerance;
};

/* The sum of factor * value is zero within a tolerance (TC-17). */
struct att_balance {
    char id[ATT_PROV_ID];
    size_t count; /* 2 or more */
    uint8_t channel[ATT_SPEC_MEMBERS_MAX];
    struct att_decimal factor[ATT_SPEC_MEMBERS_MAX];
    struct att_decimal tolerance;
};

/* An output and the input that shows what it did (TC-24), and where it goes without us (TC-25). */
struct att_feedback {
    char id[ATT_PROV_ID];
    uint8_t command, feedback;
    struct att_decimal tolerance;
    int64_t settling_ms;
    struct att_decimal fail_safe; /* the value of the feedback after loss or failure */
};

/* A command is allowed only while another channel is within a band (TC-23). */
struct att_interlock {
    char id[ATT_PROV_ID];
    uint8_t command, state;
    struct att_decimal low, high;
};

/* A switch or counter that shows whether a case was opened (TC-28). */
struct att_seal {
    char id[ATT_PROV_ID];
    uint8_t channel; /* the switch */
    struct att_decimal intact;
    size_t count;
    uint8_t covers[ATT_SPEC_MEMBERS_MAX];
};

struct att_spec {
    char id[ATT_PROV_ID];
    uint64_t version; /* only rises */
    char title_en[ATT_PROV_NAME], title_ja[ATT_PROV_NAME];
    int64_t batch_ms;    /* a batch is closed after so long, */
    uint32_t batch_size; /* or so many records; at most 65536 */
    size_t channel_count;
    struct att_channel *channel; /* owned; in order of id */
    size_t redundancy_count, balance_count, feedback_count, interlock_count, seal_count;
    struct att_redundancy redundancy[ATT_SPEC_RELATIONS_MAX];
    struct att_balance balance[ATT_SPEC_RELATIONS_MAX];
    struct att_feedback feedback[ATT_SPEC_RELATIONS_MAX];
    struct att_interlock interlock[ATT_SPEC_RELATIONS_MAX];
    struct att_seal seal[ATT_SPEC_RELATIONS_MAX];
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
/* Is a file one of these rather than a policy: by its content type; a text by its key "specification". */
bool att_spec_is(struct att_slice in);
/* What the signer says, NOMEM. */
ATT_MUST_USE enum att_err att_spec_sign(struct att_buf **out, const struct att_spec *s,
                                        const struct att_signer *signer);

/*
 * May next take the place of now? One id; its version and each calibration's rise where anything of them changed, and
 * never fall. CONFLICT (CFG_SPECOLD)
 */
ATT_MUST_USE enum att_err att_spec_check_next(const struct att_spec *now,
                                              const struct att_spec *next, struct att_diag *diag);

/* The channel of this id, or of this digest; NULL when there is none. */
const struct att_channel *att_spec_channel(const struct att_spec *s, const char *id);
const struct att_channel *att_spec_channel_of(const struct att_spec *s, const uint8_t digest[32]);

#endif
