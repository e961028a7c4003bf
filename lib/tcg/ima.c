/*
 * The kernel's IMA measurement list, one entry at a time.
 *
 * The forms are those of the kernel (Documentation/security/IMA-templates and
 * security/integrity/ima/ima_fs.c): the number of the PCR, the template digest, the template's
 * name, and fields with a length each. All integers are little-endian here.
 */
#include "tcg/ima.h"

#include <string.h>

#include "base/guard.h"
#include "tcg/ima_internal.h"

static const struct att_ima_format FORMATS[] = {
    {"ima-ng", ATT_IMA_TEMPLATE_NG, 2, {ATT_IMA_F_D_NG, ATT_IMA_F_N_NG}},
    {"ima-sig", ATT_IMA_TEMPLATE_SIG, 3, {ATT_IMA_F_D_NG, ATT_IMA_F_N_NG, ATT_IMA_F_SIG}},
    {"ima-buf", ATT_IMA_TEMPLATE_BUF, 3, {ATT_IMA_F_D_NG, ATT_IMA_F_N_NG, ATT_IMA_F_BUF}},
    {"ima-ngv2", ATT_IMA_TEMPLATE_NGV2, 2, {ATT_IMA_F_D_NGV2, ATT_IMA_F_N_NG}},
    {"ima-sigv2", ATT_IMA_TEMPLATE_SIGV2, 3, {ATT_IMA_F_D_NGV2, ATT_IMA_F_N_NG, ATT_IMA_F_SIG}},
    {"ima-modsig",
     ATT_IMA_TEMPLATE_MODSIG,
     5,
     {ATT_IMA_F_D_NG, ATT_IMA_F_N_NG, ATT_IMA_F_SIG, ATT_IMA_F_OTHER, ATT_IMA_F_OTHER}},
    {"evm-sig",
     ATT_IMA_TEMPLATE_EVM_SIG,
     9,
     {ATT_IMA_F_D_NG, ATT_IMA_F_N_NG, ATT_IMA_F_EVMSIG, ATT_IMA_F_OTHER, ATT_IMA_F_OTHER,
      ATT_IMA_F_OTHER, ATT_IMA_F_OTHER, ATT_IMA_F_OTHER, ATT_IMA_F_OTHER}},
    {"ima", ATT_IMA_TEMPLATE_IMA, 2, {ATT_IMA_F_D, ATT_IMA_F_N}},
};

/* The fields that a format string ("d-ng|n-ng|sig") may name. */
static const struct {
    const char *id;
    enum att_ima_field field;
} FIELDS[] = {
    {"d-ng", ATT_IMA_F_D_NG},
    {"n-ng", ATT_IMA_F_N_NG},
    {"sig", ATT_IMA_F_SIG},
    {"buf", ATT_IMA_F_BUF},
    {"d-ngv2", ATT_IMA_F_D_NGV2},
    {"d-modsig", ATT_IMA_F_OTHER},
    {"modsig", ATT_IMA_F_OTHER},
    {"evmsig", ATT_IMA_F_EVMSIG},
    {"iuid", ATT_IMA_F_OTHER},
    {"igid", ATT_IMA_F_OTHER},
    {"imode", ATT_IMA_F_OTHER},
    {"xattrnames", ATT_IMA_F_OTHER},
    {"xattrlengths", ATT_IMA_F_OTHER},
    {"xattrvalues", ATT_IMA_F_OTHER},
};

const struct att_ima_format *att_ima_format_find(struct att_slice name)
{
    for (size_t i = 0; i < ATT_COUNT(FORMATS); i++) {
        if (att_slice_eq(name, att_slice_str(FORMATS[i].name))) {
            return &FORMATS[i];
        }
    }
    return NULL;
}

static bool add_field(struct att_ima_format *f, struct att_slice id)
{
    for (size_t i = 0; i < ATT_COUNT(FIELDS); i++) {
        if (f->count < ATT_IMA_FIELDS_MAX && att_slice_eq(id, att_slice_str(FIELDS[i].id))) {
            f->field[f->count] = FIELDS[i].field;
            f->count++;
            return true;
        }
    }
    return false;
}

static bool is_digest(enum att_ima_field field)
{
    return field == ATT_IMA_F_D_NG || field == ATT_IMA_F_D_NGV2;
}

/*
 * A format string in place of a name: every field known, the file's digest first, one name. No PCR covers the
 * name of a template, so a sender could call another field the digest, such as an attribute of his choice.
 */
static bool custom_format(struct att_slice name, struct att_ima_format *out)
{
    struct att_rd r = att_rd_slice(name);
    struct att_rd start = r;
    size_t len = 0;
    size_t digests = 0;
    size_t paths = 0;

    *out = (struct att_ima_format){.id = ATT_IMA_TEMPLATE_CUSTOM};
    for (;;) {
        if (att_rd_left(&r) == 0 || att_rd_peek(&r) == '|') {
            if (!add_field(out, att_rd_bytes(&start, len))) {
                return false;
            }
            if (att_rd_left(&r) == 0) {
                break;
            }
            att_rd_skip(&r, 1);
            start = r;
            len = 0;
            continue;
        }
        att_rd_skip(&r, 1);
        len++;
    }
    for (uint32_t i = 0; i < out->count; i++) {
        digests += is_digest(out->field[i]) ? 1 : 0;
        paths += out->field[i] == ATT_IMA_F_N_NG ? 1 : 0;
    }
    return !ATT_GUARD(IMA_CUSTOM, !is_digest(out->field[0]) || digests != 1 || paths != 1);
}

/* One entry being read, and whom to tell. */
struct reading {
    struct att_ima_entry e;
    struct att_rd *r;
    struct att_diag *diag;
};

static enum att_err refuse(const struct reading *in, const char *field, const char *what)
{
    return att_fail_at(in->diag, ATT_E_FORMAT, ATT_R_FMT_IMA, field, in->e.off, "%s", what);
}

static enum att_err refuse_read(const struct reading *in, enum att_err err)
{
    return att_fail_at(in->diag, err, ATT_R_FMT_IMA, "entry", in->e.off,
                       err == ATT_E_LIMIT ? "a length is above the limit"
                                          : "the list ends inside an entry");
}

static bool all_zero(struct att_slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] != 0) {
            return false;
        }
    }
    return true;
}

/*
 * The kernel records a violation with zeros for the file's digest; some releases wrote 20 of them
 * under the name of a longer hash.
 */
static bool digest_size_ok(const struct att_ima_entry *e)
{
    if (e->digest.len == att_hash_size(e->alg)) {
        return true;
    }
    return e->violation && e->digest.len == 20 && all_zero(e->digest);
}

/* The index of the first NUL, or the length when there is none. */
static size_t find_nul(struct att_slice s)
{
    const uint8_t *nul = s.len == 0 ? NULL : memchr(s.p, 0, s.len);

    return nul == NULL ? s.len : (size_t)(nul - s.p);
}

/* "alg:" NUL digest, and for version 2 "ima:" or "verity:" before it */
static enum att_err read_digest(struct reading *in, struct att_slice field, bool v2)
{
    struct att_rd r = att_rd_slice(field);
    struct att_slice prefix = {0};
    size_t nul = find_nul(field);

    if (nul == 0 || nul == field.len) {
        return refuse(in, "d-ng", "no NUL after the name of the digest's algorithm");
    }
    prefix = att_rd_bytes(&r, nul - 1);
    if (att_rd_u8(&r) != ':') {
        return refuse(in, "d-ng", "no colon after the name of the digest's algorithm");
    }
    att_rd_skip(&r, 1); /* the NUL */
    in->e.digest = att_rd_rest(&r);
    if (v2) {
        struct att_rd p = att_rd_slice(prefix);

        in->e.verity = prefix.len > 7 && memcmp(prefix.p, "verity:", 7) == 0;
        if (!in->e.verity && (prefix.len <= 4 || memcmp(prefix.p, "ima:", 4) != 0)) {
            return refuse(in, "d-ngv2", "neither an ima nor a verity digest");
        }
        att_rd_skip(&p, in->e.verity ? 7 : 4);
        prefix = att_rd_rest(&p);
    }
    in->e.alg = att_hash_find((const char *)prefix.p, prefix.len);
    if (ATT_GUARD(IMA_ALG, in->e.alg == ATT_HASH_NONE)) {
        return refuse(in, "d-ng", "an unknown digest algorithm");
    }
    if (ATT_GUARD(IMA_DIGEST_SIZE, !digest_size_ok(&in->e))) {
        return refuse(in, "d-ng", "a digest of another size than its algorithm's");
    }
    return ATT_OK;
}

/* A name and one NUL at its end. What the name says is not looked at. */
static enum att_err read_path(struct reading *in, struct att_slice field)
{
    if (field.len > ATT_IMA_PATH_MAX) {
        return refuse_read(in, ATT_E_LIMIT);
    }
    if (field.len == 0 || find_nul(field) != field.len - 1) {
        return refuse(in, "n-ng", "not one NUL, at the end of the name");
    }
    in->e.path = att_slice_of(field.p, field.len - 1);
    return ATT_OK;
}

static enum att_err read_field(struct reading *in, enum att_ima_field kind, struct att_slice field)
{
    switch (kind) {
    case ATT_IMA_F_D_NG:
        return read_digest(in, field, false);
    case ATT_IMA_F_D_NGV2:
        return read_digest(in, field, true);
    case ATT_IMA_F_N_NG:
        return read_path(in, field);
    case ATT_IMA_F_SIG:
        in->e.has_sig = true;
        in->e.sig = field;
        return ATT_OK;
    case ATT_IMA_F_EVMSIG:
        in->e.sig = field;
        return ATT_OK;
    case ATT_IMA_F_BUF:
        in->e.buf = field;
        return ATT_OK;
    default:
        return ATT_OK;
    }
}

static enum att_err read_fields(struct reading *in, const struct att_ima_format *format)
{
    struct att_rd r = att_rd_slice(in->e.template_data);

    for (uint32_t i = 0; i < format->count; i++) {
        uint32_t len = att_rd_u32le(&r);
        struct att_slice field = att_rd_bytes(&r, len);
        enum att_err err = ATT_OK;

        if (!att_rd_ok(&r)) {
            return refuse(in, "template data", "it ends inside a field");
        }
        err = read_field(in, format->field[i], field);
        if (err != ATT_OK) {
            return err;
        }
    }
    if (ATT_GUARD(IMA_FIELDS_END, att_rd_left(&r) != 0)) {
        return refuse(in, "template data", "bytes after the last field");
    }
    return ATT_OK;
}

/* The first template: a digest, a length and a name, with no length before all of it. */
static enum att_err read_old(struct reading *in)
{
    struct att_rd whole = *in->r;
    uint32_t len = 0;

    in->e.alg = ATT_HASH_SHA1;
    in->e.digest = att_rd_bytes(in->r, 20);
    len = att_rd_count32le(in->r, ATT_IMA_OLD_NAME - 1);
    in->e.path = att_rd_bytes(in->r, len);
    if (!att_rd_ok(in->r)) {
        return refuse_read(in, in->r->err);
    }
    if (find_nul(in->e.path) != in->e.path.len) {
        return refuse(in, "n", "a NUL inside the name");
    }
    in->e.template_data = att_rd_bytes(&whole, 20 + 4 + (size_t)len);
    return ATT_OK;
}

static enum att_err read_template(struct reading *in)
{
    const struct att_ima_format *format = att_ima_format_find(in->e.template_name);
    struct att_ima_format custom;
    uint32_t len = 0;

    if (format == NULL) {
        if (!custom_format(in->e.template_name, &custom)) {
            return refuse(in, "template name",
                          "neither a known template nor a list of known fields");
        }
        format = &custom;
    }
    in->e.template_ = format->id;
    if (format->id == ATT_IMA_TEMPLATE_IMA) {
        return read_old(in);
    }
    len = att_rd_count32le(in->r, ATT_IMA_MAX);
    in->e.template_data = att_rd_bytes(in->r, len);
    if (!att_rd_ok(in->r)) {
        return refuse_read(in, in->r->err);
    }
    return read_fields(in, format);
}

static bool known_template(struct att_slice name)
{
    struct att_ima_format custom;

    return att_ima_format_find(name) != NULL || custom_format(name, &custom);
}

/* The kernel has one file a hash and the entries do not say which: look where the name stands. */
static size_t find_digest_size(struct att_rd r)
{
    static const size_t SIZES[] = {20, 32, 48, 64};

    for (size_t i = 0; i < ATT_COUNT(SIZES); i++) {
        struct att_rd at = r;
        uint32_t len = 0;
        struct att_slice name = {0};

        att_rd_skip(&at, 4 + SIZES[i]);
        len = att_rd_count32le(&at, ATT_IMA_NAME_MAX);
        name = att_rd_bytes(&at, len);
        if (att_rd_ok(&at) && known_template(name)) {
            return SIZES[i];
        }
    }
    return SIZES[0];
}

struct att_ima att_ima_from(struct att_slice in)
{
    struct att_ima it = {.rd = att_rd_slice(in)};

    it.digest_size = find_digest_size(it.rd);
    return it;
}

enum att_err att_ima_next(struct att_ima *it, struct att_ima_entry *out, bool *more,
                          struct att_diag *diag)
{
    struct reading in = {.r = &it->rd, .diag = diag, .e = {.off = att_rd_off(&it->rd)}};
    uint32_t name_len = 0;
    enum att_err err = ATT_OK;

    if (!att_rd_ok(&it->rd)) {
        return refuse_read(&in, it->rd.err);
    }
    if (att_rd_left(&it->rd) == 0) {
        *more = false;
        return ATT_OK;
    }
    in.e.pcr = att_rd_u32le(&it->rd);
    in.e.template_digest = att_rd_bytes(&it->rd, it->digest_size);
    if (ATT_GUARD(IMA_PCR, in.e.pcr >= ATT_PCR_COUNT)) {
        return refuse(&in, "pcr", "above 23: not a list, or one in big-endian order");
    }
    name_len = att_rd_count32le(&it->rd, ATT_IMA_NAME_MAX);
    in.e.template_name = att_rd_bytes(&it->rd, name_len);
    if (!att_rd_ok(&it->rd)) {
        return refuse_read(&in, it->rd.err);
    }
    in.e.violation = all_zero(in.e.template_digest);
    err = read_template(&in);
    if (err != ATT_OK) {
        return err;
    }
    it->count++;
    *out = in.e;
    *more = true;
    return ATT_OK;
}
