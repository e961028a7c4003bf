/* Selected values of a configuration file: what the value of a key is, whatever else the file says. */
#ifndef ATTESTD_AGENT_PICK_H
#define ATTESTD_AGENT_PICK_H

#include "agent/measurer/conf.h"
#include "base/err.h"
#include "base/slice.h"

enum pick_result { PICK_FOUND, PICK_ABSENT, PICK_UNREADABLE };

/*
 * pick_digest - SHA-256 of the value's text.
 *
 * INI    "section.key", or "key" before any section; lines "key = value", comments with # or ;
 * ENV    "KEY" of lines "[export ]KEY=value"; one pair of quotes around the value is cut
 * WORDS  "Key" of lines "Key value ..." (sshd_config)
 * YAML   "a.b.0": keys and list positions down to a scalar, in the strict subset of codec/yaml.h
 *
 * A key that stands on several lines gives all its values, joined with a line feed in their order: which
 * of them a program would obey is not guessed.
 * *result UNREADABLE: YAML outside the subset, or not a scalar. Errors: CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err pick_digest(uint8_t out[32], enum pick_result *result,
                                      struct att_slice text, enum agent_format format,
                                      const char *key);

#endif
