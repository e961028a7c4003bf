/* Is this UTF-8? The one check that libcbor's streaming decoder leaves to us. */
#ifndef ATT_CODEC_UTF8_H
#define ATT_CODEC_UTF8_H

#include <stdbool.h>

#include "base/slice.h"

/* Well-formed as RFC 3629 section 4 has it: no overlong forms, surrogates, nor above U+10FFFF. */
bool att_utf8_ok(struct att_slice in);

#endif
