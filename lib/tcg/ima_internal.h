/* What the files of the IMA list share: templates and their fields. */
#ifndef ATT_TCG_IMA_INTERNAL_H
#define ATT_TCG_IMA_INTERNAL_H

#include "tcg/ima.h"

#define ATT_IMA_NAME_MAX   256 /* bytes of a template name or format that we accept */
#define ATT_IMA_FIELDS_MAX 16

enum att_ima_field {
    ATT_IMA_F_D,      /* 20 bytes, SHA-1 (or MD5 padded) */
    ATT_IMA_F_N,      /* a name without NUL, at most 255 bytes */
    ATT_IMA_F_D_NG,   /* "alg:" NUL digest */
    ATT_IMA_F_D_NGV2, /* "type:alg:" NUL digest */
    ATT_IMA_F_N_NG,   /* a name and NUL */
    ATT_IMA_F_SIG,    /* of the file */
    ATT_IMA_F_EVMSIG, /* of its attributes */
    ATT_IMA_F_BUF,
    ATT_IMA_F_OTHER, /* known, and nothing that we read */
};

struct att_ima_format {
    const char *name;
    enum att_ima_template id;
    uint32_t count;
    enum att_ima_field field[ATT_IMA_FIELDS_MAX];
};

/* The built-in template of that name, or NULL. */
const struct att_ima_format *att_ima_format_find(struct att_slice name);

#endif
