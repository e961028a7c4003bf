/*
 * Reading CoRIM: draft-ietf-rats-corim, the parts that a TPM gateway has.
 *
 * The documents of others keep their keys in any order; a key twice is refused here. Each map is first cut
 * into its fields, whole items, and each field is then read by itself.
 */
#include <stdio.h>
#include <string.h>

#include "codec/cbor_rd.h"
#include "crypto/digest.h"
#include "policy/corim_internal.h"
#include "policy/import.h"

#define FIELDS       16
#define ENTRIES_MAX  1048576
#define KEYS_MAX     4096
#define PCRS         24
#define TAG_URI      32
#define TAG_OID      111
#define TAG_CORIM    501
#define TAG_OLD_500  500
#define TAG_OLD_502  502
#define TAG_COSWID   505
#define TAG_COMID    506
#define TAG_COTL     508
#define TAG_SWID     1398229316
#define ALG_SHA256   1
#define PROFILE_ROOM 128

/* Where we are, for a refusal. */
struct reading {
    struct att_import *io;
    struct att_diag *diag;
    const uint8_t *file; /* where the whole begins: offsets count from there */
    size_t tag, triple, measurement;
    bool parsec, ours;
};

static enum att_err refuse(const struct reading *x, enum att_err err, const char *what)
{
    return att_fail(x->diag, err, ATT_R_FMT_CORIM, "corim",
                    "tag %zu, triple %zu, measurement %zu: %s", x->tag, x->triple, x->measurement,
                    what);
}

/* Everything was read and nothing is left over: else what was being read, how it failed and at which byte of the file. */
static enum att_err end(const struct reading *x, const struct att_cbor *c, const char *what)
{
    struct att_diag why = {0};
    enum att_err err = att_cbor_end_diag(c, ATT_R_FMT_CORIM, "corim", &why);

    if (err == ATT_OK) {
        return ATT_OK;
    }
    return att_fail_at(x->diag, err, ATT_R_FMT_CORIM, "corim",
                       (c->rd.p != NULL ? (size_t)(c->rd.p - x->file) : 0) + why.off,
                       "tag %zu, triple %zu, measurement %zu: in the %s: %s", x->tag, x->triple,
                       x->measurement, what,
                       err == ATT_E_FORMAT ? "expected another type, key or form here, or one key "
                                             "stands twice"
                                           : why.text);
}

/* The items under the keys 0 to 15 of a map; others are stepped over. */
static void cut(struct att_cbor *c, struct att_slice at[FIELDS])
{
    memset(at, 0, FIELDS * sizeof(*at));
    (void)att_cbor_enter_map(c, KEYS_MAX);
    while (att_cbor_more(c)) {
        struct att_cbor_key key = att_cbor_key(c);
        struct att_slice item = att_cbor_item(c);

        if (!key.is_int || key.num < 0 || key.num >= FIELDS) {
            continue;
        }
        if (at[key.num].p != NULL) {
            att_cbor_fail(c, ATT_E_FORMAT);
        }
        at[key.num] = item;
    }
    att_cbor_leave(c);
}

static enum att_err cut_all(const struct reading *x, struct att_slice in,
                            struct att_slice at[FIELDS], const char *what)
{
    struct att_cbor c = att_cbor_from_any_order(in);

    cut(&c, at);
    return end(x, &c, what);
}

static enum att_err give(struct reading *x, struct att_slice name, struct att_slice digest)
{
    x->io->values++;
    return x->io->take(x->io->ctx, name, digest.p);
}

/* The digests of one name: SHA-256 is given out, others are counted. An empty name: none is. */
static enum att_err read_digests(struct reading *x, struct att_slice in, struct att_slice name)
{
    struct att_cbor c = att_cbor_from_any_order(in);
    enum att_err err = ATT_OK;

    if (att_cbor_enter_array(&c, ENTRIES_MAX) == 0 && att_cbor_ok(&c)) {
        return refuse(x, ATT_E_FORMAT, "no digest");
    }
    while (err == ATT_OK && att_cbor_more(&c)) {
        bool sha256 = false;
        struct att_slice digest;

        (void)att_cbor_enter_array(&c, 2);
        if (att_cbor_peek(&c) == ATT_CBOR_TEXT) {
            struct att_slice alg = att_cbor_text(&c, 64);

            sha256 = att_slice_eq(alg, att_slice_str("sha-256"));
        } else {
            sha256 = att_cbor_int(&c) == ALG_SHA256;
        }
        digest = att_cbor_bytes(&c, 128);
        att_cbor_leave(&c);
        if (!att_cbor_ok(&c)) {
            break;
        }
        if (sha256 && digest.len != 32) {
            return refuse(x, ATT_E_FORMAT, "a SHA-256 of another length");
        }
        x->io->others += sha256 && name.len > 0 ? 0 : 1;
        err = sha256 && name.len > 0 ? give(x, name, digest) : ATT_OK;
    }
    if (err != ATT_OK) {
        return err;
    }
    att_cbor_leave(&c);
    return end(x, &c, "digests (an array of [algorithm, bytes])");
}

static struct att_slice pcr_name(char room[32], uint64_t pcr)
{
    (void)snprintf(room, 32, "pcr/sha256/%u", (unsigned int)pcr);
    return att_slice_str(pcr < PCRS ? room : "");
}

/* Integrity registers: an index or a name, and its digests. */
static enum att_err read_registers(struct reading *x, struct att_slice in)
{
    struct att_cbor c = att_cbor_from_any_order(in);
    uint32_t seen = 0;
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_map(&c, KEYS_MAX);
    while (err == ATT_OK && att_cbor_more(&c)) {
        struct att_cbor_key key = att_cbor_key(&c);
        struct att_slice item = att_cbor_item(&c);
        bool pcr = key.is_int && key.num >= 0 && key.num < PCRS;
        char room[32];

        if (!att_cbor_ok(&c)) {
            break;
        }
        if (pcr && (seen >> key.num & 1) != 0) {
            return refuse(x, ATT_E_FORMAT, "a register that stands twice");
        }
        seen |= pcr ? 1U << key.num : 0;
        err =
            read_digests(x, item, pcr ? pcr_name(room, (uint64_t)key.num) : att_slice_of(NULL, 0));
    }
    if (err != ATT_OK) {
        return err;
    }
    att_cbor_leave(&c);
    return end(x, &c, "integrity registers (key 14: a map)");
}

/* The name that a measurement's key means: a PCR's index, or a name of our profile; else empty. */
static enum att_err read_key(struct reading *x, struct att_slice in, char room[32],
                             struct att_slice *name)
{
    struct att_cbor c = att_cbor_from_any_order(in);
    bool plain = x->io->profile[0] == '\0' || x->parsec || x->ours;

    *name = att_slice_of(NULL, 0);
    if (in.p == NULL) {
        return ATT_OK;
    }
    if (plain && att_cbor_peek(&c) == ATT_CBOR_UINT) {
        *name = pcr_name(room, att_cbor_uint(&c));
    } else if (x->ours && att_cbor_peek(&c) == ATT_CBOR_TEXT) {
        *name = att_cbor_text(&c, 8192);
    } else {
        (void)att_cbor_item(&c);
    }
    return end(x, &c, "measurement key (key 0)");
}

static enum att_err read_measurement(struct reading *x, struct att_slice in)
{
    struct att_slice at[FIELDS];
    struct att_slice value[FIELDS];
    struct att_slice name;
    char room[32];
    enum att_err err = cut_all(x, in, at, "measurement (a map)");

    if (err == ATT_OK && at[1].p == NULL) {
        return refuse(x, ATT_E_FORMAT, "no value");
    }
    if (err == ATT_OK) {
        err = cut_all(x, at[1], value, "measurement value (key 1: a map)");
    }
    if (err == ATT_OK) {
        err = read_key(x, at[0], room, &name);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (x->parsec && (name.len == 0 || value[2].p == NULL)) {
        return refuse(x, ATT_E_FORMAT, "its profile asks for a PCR and digests");
    }
    x->io->others += value[2].p == NULL && value[14].p == NULL ? 1 : 0;
    if (value[2].p != NULL) {
        err = read_digests(x, value[2], name);
    }
    return err == ATT_OK && value[14].p != NULL ? read_registers(x, value[14]) : err;
}

static enum att_err read_triple(struct reading *x, struct att_slice in)
{
    struct att_cbor c = att_cbor_from_any_order(in);
    enum att_err err = ATT_OK;

    x->measurement = 0;
    (void)att_cbor_enter_array(&c, 2);
    if (att_cbor_peek(&c) != ATT_CBOR_MAP) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    (void)att_cbor_item(&c); /* the environment: which product; the operator chose the file */
    if (att_cbor_enter_array(&c, ENTRIES_MAX) == 0) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    while (err == ATT_OK && att_cbor_more(&c)) {
        struct att_slice item = att_cbor_item(&c);

        err = att_cbor_ok(&c) ? read_measurement(x, item) : ATT_OK;
        x->measurement++;
    }
    if (err != ATT_OK) {
        return err;
    }
    att_cbor_leave(&c);
    att_cbor_leave(&c);
    return end(x, &c, "reference triple (an array)");
}

static enum att_err read_triples(struct reading *x, struct att_slice in)
{
    struct att_cbor c = att_cbor_from_any_order(in);
    enum att_err err = ATT_OK;

    x->triple = 0;
    (void)att_cbor_enter_array(&c, ENTRIES_MAX);
    while (err == ATT_OK && att_cbor_more(&c)) {
        struct att_slice item = att_cbor_item(&c);

        err = att_cbor_ok(&c) ? read_triple(x, item) : ATT_OK;
        x->triple++;
    }
    if (err != ATT_OK) {
        return err;
    }
    att_cbor_leave(&c);
    return end(x, &c, "reference triples (key 0: an array)");
}

static enum att_err read_comid(struct reading *x, struct att_slice in)
{
    struct att_slice at[FIELDS];
    struct att_slice triples[FIELDS];
    struct att_slice identity[FIELDS];
    enum att_err err = cut_all(x, in, at, "CoMID (a map)");

    if (err == ATT_OK && (at[1].p == NULL || at[4].p == NULL)) {
        return refuse(x, ATT_E_FORMAT, "a CoMID without identity or triples");
    }
    if (err == ATT_OK) {
        err = cut_all(x, at[1], identity, "tag identity (key 1: a map)");
    }
    if (err == ATT_OK && identity[0].p == NULL) {
        return refuse(x, ATT_E_FORMAT, "a CoMID without an id");
    }
    if (err == ATT_OK) {
        err = cut_all(x, at[4], triples, "triples (key 4: a map)");
    }
    if (err == ATT_OK && triples[0].p == NULL) {
        x->io->others++; /* keys, endorsements, dependencies */
        return ATT_OK;
    }
    return err == ATT_OK ? read_triples(x, triples[0]) : err;
}

/*
 * One of a CoRIM's tags: 506(<<map>>), and in drafts up to 01 <<506(map)>>. *inner is what the tag is of,
 * empty when the reader failed.
 */
static uint64_t open_tag(struct att_cbor *c, struct att_slice *inner)
{
    uint64_t tag = 0;
    struct att_cbor old;

    if (att_cbor_peek(c) == ATT_CBOR_TAG) {
        tag = att_cbor_tag(c);
        *inner = att_cbor_bytes(c, SIZE_MAX);
        return tag;
    }
    old = att_cbor_from_any_order(att_cbor_bytes(c, SIZE_MAX));
    tag = att_cbor_tag(&old);
    *inner = att_cbor_item(&old);
    if (att_cbor_end(&old) != ATT_OK) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    return tag;
}

static enum att_err read_tag(struct reading *x, struct att_cbor *c)
{
    struct att_slice inner = {0};
    uint64_t tag = open_tag(c, &inner);
    struct att_cbor any;

    if (!att_cbor_ok(c)) {
        return ATT_OK; /* told at the end of the list */
    }
    if (tag == TAG_COMID) {
        return read_comid(x, inner);
    }
    if (tag != TAG_COSWID && tag != TAG_COTL) {
        return refuse(x, ATT_E_FORMAT, "neither CoMID nor CoSWID nor a list of tags");
    }
    x->io->others++;
    any = att_cbor_from_any_order(inner);
    (void)att_cbor_item(&any);
    return end(x, &any, "tag (bytes of one item)");
}

/* 32("uri"), and in drafts up to 01 a list of texts: the first of them. */
static struct att_slice profile_text(struct att_cbor *c)
{
    struct att_slice text = {0};

    if (att_cbor_peek(c) == ATT_CBOR_ARRAY) {
        (void)att_cbor_enter_array(c, 16);
        text = att_cbor_text(c, PROFILE_ROOM - 1);
        while (att_cbor_more(c)) {
            (void)att_cbor_text(c, PROFILE_ROOM - 1);
        }
        att_cbor_leave(c);
        return text;
    }
    return att_cbor_text(c, PROFILE_ROOM - 1);
}

static enum att_err read_profile(struct reading *x, struct att_slice in)
{
    struct att_cbor c = att_cbor_from_any_order(in);
    uint64_t tag = in.p == NULL || att_cbor_peek(&c) != ATT_CBOR_TAG ? TAG_URI : att_cbor_tag(&c);
    struct att_slice text;

    if (in.p == NULL) {
        return ATT_OK;
    }
    if (tag == TAG_OID) {
        (void)att_cbor_bytes(&c, 256);
        (void)snprintf(x->io->profile, sizeof(x->io->profile), "oid");
        return end(x, &c, "profile (key 3: a URI or OID)");
    }
    text = profile_text(&c);
    if (tag != TAG_URI || !att_cbor_ok(&c)) {
        return refuse(x, ATT_E_FORMAT, "a profile that is neither a URI nor an OID");
    }
    (void)att_escape(x->io->profile, sizeof(x->io->profile), text.p, text.len);
    x->parsec = att_slice_eq(text, att_slice_str(CORIM_PARSEC_TPM));
    x->ours = att_slice_eq(text, att_slice_str(CORIM_PROFILE));
    return end(x, &c, "profile (key 3: a URI or OID)");
}

static enum att_err read_corim(struct reading *x, const struct att_slice at[FIELDS])
{
    struct att_cbor c = att_cbor_from_any_order(at[1]);
    enum att_err err = read_profile(x, at[3]);

    if (err != ATT_OK || at[0].p == NULL) {
        return err != ATT_OK ? err : refuse(x, ATT_E_FORMAT, "a CoRIM without an id");
    }
    if (att_cbor_enter_array(&c, ENTRIES_MAX) == 0) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    while (err == ATT_OK && att_cbor_more(&c)) {
        err = read_tag(x, &c);
        x->tag++;
    }
    if (err != ATT_OK) {
        return err;
    }
    att_cbor_leave(&c);
    return end(x, &c, "tags (key 1: an array that is not empty)");
}

/* A CoRIM's key 1 is the list of its tags, a CoMID's its identity. */
static enum att_err read_map(struct reading *x, struct att_slice in)
{
    struct att_slice at[FIELDS];
    enum att_err err = cut_all(x, in, at, "document (a map)");
    struct att_cbor c = att_cbor_from_any_order(at[1]);

    if (err != ATT_OK) {
        return err;
    }
    if (at[1].p == NULL) {
        return refuse(x, ATT_E_FORMAT, "neither a CoRIM nor a CoMID");
    }
    return att_cbor_peek(&c) == ATT_CBOR_ARRAY ? read_corim(x, at) : read_comid(x, in);
}

enum att_err att_corim_read(struct att_import *io, struct att_slice in, struct att_diag *diag)
{
    struct reading x = {.io = io, .diag = diag, .file = in.p};
    struct att_cbor c = att_cbor_from_any_order(in);
    struct att_slice item = att_cbor_item(&c);
    enum att_err err = end(&x, &c, "file as one item of CBOR");
    uint64_t tag = 0;

    if (err != ATT_OK) {
        return err;
    }
    c = att_cbor_from_any_order(item);
    while (att_cbor_peek(&c) == ATT_CBOR_TAG) {
        tag = att_cbor_tag(&c);
        if (tag != TAG_OLD_500 && tag != TAG_OLD_502) {
            break; /* drafts up to 04 put those before the document */
        }
    }
    if (tag == TAG_SWID) {
        io->others++;
        return ATT_OK;
    }
    if (tag == TAG_COMID) {
        item = att_cbor_bytes(&c, SIZE_MAX);
        return att_cbor_ok(&c)
                   ? read_comid(&x, item)
                   : refuse(&x, ATT_E_FORMAT, "expected a CoMID as bytes behind its tag");
    }
    if (tag != 0 && tag != TAG_CORIM && tag != TAG_OLD_500 && tag != TAG_OLD_502) {
        return refuse(&x, ATT_E_FORMAT, "neither a CoRIM nor a CoMID");
    }
    item = att_cbor_item(&c);
    return att_cbor_ok(&c) ? read_map(&x, item)
                           : refuse(&x, ATT_E_FORMAT, "expected the map of a CoRIM or CoMID");
}
