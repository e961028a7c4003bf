/*
 * CEL in TLV (TCG CEL 1.0, 5.2): type u8, length u32 big endian, value.
 *
 * A record is four of them in this order: number, register, digests, content. No field is read deeper than
 * the structure that is known of it, so nothing here calls itself.
 */
#include "base/guard.h"
#include "tcg/cel_internal.h"

/* Fields of the contents whose structure is known. */
#define PCCLIENT_TYPE  0
#define PCCLIENT_DATA  1
#define IMA_NAME       0
#define IMA_DATA       1
#define MANAGEMENT_MAX 128 /* bytes: a version, a time or a state */

struct tlv {
    uint8_t type;
    struct att_rd value;
};

/* max bounds the length before anything follows from it. */
static struct tlv take(struct att_rd *r, uint32_t max)
{
    struct tlv t = {.type = att_rd_u8(r)};
    uint32_t len = att_rd_count32be(r, max);

    t.value = att_rd_sub(r, len);
    return t;
}

/* An unsigned number of one, two, four or eight bytes, alone in its value. */
static uint64_t number(struct att_rd *r)
{
    switch (att_rd_left(r)) {
    case 1:
        return att_rd_u8(r);
    case 2:
        return att_rd_u16be(r);
    case 4:
        return att_rd_u32be(r);
    case 8:
        return att_rd_u64be(r);
    default:
        att_rd_fail(r, ATT_E_FORMAT);
        return 0;
    }
}

static enum att_err refuse_read(const struct att_cel_record *rec, const char *field,
                                const struct att_rd *r, struct att_diag *diag)
{
    enum att_err err = r->err != ATT_OK ? r->err : ATT_E_FORMAT;

    return att_fail_at(diag, err, ATT_R_FMT_CEL, field, rec->off, "%s",
                       err == ATT_E_TRUNCATED ? "the log ends inside a record"
                       : err == ATT_E_LIMIT   ? "a length is above the limit"
                                              : "not the field that belongs here");
}

static enum att_err read_recnum(struct att_cel_record *rec, struct att_rd *r, struct att_diag *diag)
{
    struct tlv t = take(r, 8);

    rec->recnum = number(&t.value);
    if (!att_rd_ok(r) || t.type != ATT_CEL_RECNUM || att_rd_end(&t.value) != ATT_OK) {
        return refuse_read(rec, "record.recnum", r, diag);
    }
    return ATT_OK;
}

static enum att_err read_register(struct att_cel_record *rec, struct att_rd *r,
                                  struct att_diag *diag)
{
    struct tlv t = take(r, 8);
    uint64_t index = number(&t.value);
    bool known = t.type == ATT_CEL_PCR || t.type == ATT_CEL_NV_INDEX || t.type == ATT_CEL_CCMR;

    if (!att_rd_ok(r) || !known || index > UINT32_MAX || att_rd_end(&t.value) != ATT_OK) {
        return refuse_read(rec, "record.pcr", r, diag);
    }
    rec->register_type = t.type;
    rec->index = (uint32_t)index;
    return ATT_OK;
}

/* The type of a digest is the low byte of its TCG algorithm id. */
static enum att_err read_digests(struct att_cel_record *rec, struct att_rd *r,
                                 struct att_diag *diag)
{
    struct tlv t = take(r, ATT_PCR_BANKS * (5 + ATT_HASH_MAX));

    if (!att_rd_ok(r) || t.type != ATT_CEL_DIGESTS) {
        return refuse_read(rec, "record.digests", r, diag);
    }
    while (att_rd_left(&t.value) > 0) {
        struct tlv d = take(&t.value, ATT_HASH_MAX);
        struct att_slice value = att_rd_rest(&d.value);

        if (!att_rd_ok(&t.value) || !att_cel_add_digest(rec, d.type, value)) {
            return refuse_read(rec, "record.digests", &t.value, diag);
        }
    }
    return ATT_OK;
}

/* {0: u32 event type, 1: event data}; the value of the first may be shorter. */
static bool read_pcclient(struct att_cel_record *rec, struct att_rd r)
{
    struct tlv type = take(&r, 4);
    uint64_t n = number(&type.value);
    struct tlv data = take(&r, ATT_CEL_RECORD_MAX);

    rec->has_event = true;
    rec->event_type = (uint32_t)n;
    rec->event = att_rd_rest(&data.value);
    return att_rd_end(&r) == ATT_OK && att_rd_end(&type.value) == ATT_OK &&
           type.type == PCCLIENT_TYPE && data.type == PCCLIENT_DATA;
}

/* {0: template name, 1: template data} */
static bool is_ima_template(struct att_rd r)
{
    struct tlv name = take(&r, 256);
    struct tlv data = take(&r, ATT_CEL_RECORD_MAX);

    return att_rd_end(&r) == ATT_OK && name.type == IMA_NAME && data.type == IMA_DATA;
}

/* A list of fields, each known by its number alone. */
static bool is_list(struct att_rd r, uint32_t max)
{
    while (att_rd_left(&r) > 0) {
        (void)take(&r, max);
    }
    return att_rd_end(&r) == ATT_OK;
}

static enum att_err read_content(struct att_cel_record *rec, struct att_rd *r,
                                 struct att_diag *diag)
{
    struct tlv t = take(r, ATT_CEL_RECORD_MAX);
    struct att_rd inner = t.value;
    bool good = t.type >= ATT_CEL_VENDOR;

    if (!att_rd_ok(r)) {
        return refuse_read(rec, "record.content", r, diag);
    }
    rec->content_type = t.type;
    rec->content = att_rd_rest(&t.value);
    switch (t.type) {
    case ATT_CEL_MANAGEMENT:
        good = is_list(inner, MANAGEMENT_MAX);
        break;
    case ATT_CEL_PCCLIENT:
        good = read_pcclient(rec, inner);
        break;
    case ATT_CEL_IMA_TEMPLATE:
        good = is_ima_template(inner);
        break;
    case ATT_CEL_IMA_TLV:
    case ATT_CEL_SYSTEMD:
        good = is_list(inner, ATT_CEL_RECORD_MAX);
        break;
    default:
        break;
    }
    if (ATT_GUARD(CEL_CONTENT, !good)) {
        return att_cel_refuse(rec, "record.content",
                              "an unknown type of content, or not the structure of its type", diag);
    }
    return ATT_OK;
}

enum att_err att_cel_read_tlv(struct att_cel_record *rec, struct att_rd *r, struct att_diag *diag)
{
    enum att_err err = read_recnum(rec, r, diag);

    if (err == ATT_OK) {
        err = read_register(rec, r, diag);
    }
    if (err == ATT_OK) {
        err = read_digests(rec, r, diag);
    }
    return err == ATT_OK ? read_content(rec, r, diag) : err;
}
