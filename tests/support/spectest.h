/* A specification in which everything stands that one can say, and the same with one thing changed. */
#ifndef ATT_TEST_SPECTEST_H
#define ATT_TEST_SPECTEST_H

#include <stddef.h>

#include "prov/spec.h"
#include "sign/signer.h"

extern const char spec_text[];

/* spec_text with the first `from` as `to`; both NULL: as it is. Aborts when from is not there. */
char *spec_text_with(char *out, size_t cap, const char *from, const char *to);
/* It parsed; aborts with what is wrong. */
struct att_spec *spec_of(const char *text);
struct att_spec *spec_with(const char *from, const char *to);

#endif
