/* The integer keys of a specification's CBOR (docs/formats/specification.md). */
#ifndef ATT_PROV_SPEC_KEYS_H
#define ATT_PROV_SPEC_KEYS_H

#define ATT_SPEC_FORMAT_VERSION 1

enum {
    ATT_SPEC_FORMAT = 1,
    ATT_SPEC_ID = 2,
    ATT_SPEC_VERSION = 3,
    ATT_SPEC_TITLE = 4,
    ATT_SPEC_BATCH = 5,
    ATT_SPEC_CHANNELS = 6,
    ATT_SPEC_REDUNDANCY = 7, /* from here on: absent when there are none */
    ATT_SPEC_BALANCE = 8,
    ATT_SPEC_FEEDBACK = 9,
    ATT_SPEC_INTERLOCK = 10,
    ATT_SPEC_SEALS = 11,
};
#define ATT_SPEC_ALWAYS 6

enum {
    ATT_CHANNEL_ID = 1,
    ATT_CHANNEL_TITLE = 2,
    ATT_CHANNEL_SOURCE = 3,
    ATT_CHANNEL_WIRE = 4,
    ATT_CHANNEL_RAW = 5,
    ATT_CHANNEL_FAULTS = 6, /* absent when there are none */
    ATT_CHANNEL_CALIBRATION = 7,
    ATT_CHANNEL_UNIT = 8,
    ATT_CHANNEL_RESOLUTION = 9,
    ATT_CHANNEL_ROUNDING = 10,
    ATT_CHANNEL_PERIOD = 11,
    ATT_CHANNEL_MAX_AGE = 12,
    ATT_CHANNEL_FILTER = 13, /* from here on absent when not asked for, but QUARANTINE */
    ATT_CHANNEL_RANGE = 14,
    ATT_CHANNEL_RATE = 15,
    ATT_CHANNEL_QUIET = 16,
    ATT_CHANNEL_REPLAY = 17,
    ATT_CHANNEL_SECOND = 18,
    ATT_CHANNEL_STIMULUS = 19,
    ATT_CHANNEL_SENSOR = 20,
    ATT_CHANNEL_OUTPUT = 21,
    ATT_CHANNEL_QUARANTINE = 22,
    ATT_CHANNEL_NO_FEEDBACK = 23,
};
#define ATT_CHANNEL_ALWAYS 12

#endif
