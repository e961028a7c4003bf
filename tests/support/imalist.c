/* IMA lists by hand: each number and length in its place, and nothing checked. */
#include "imalist.h"

#include <check.h>
#include <string.h>

struct imalist imalist;

void imalist_setup(void)
{
    memset(imalist.bytes, 0, sizeof(imalist.bytes));
    imalist.w = att_wr_into(imalist.bytes, sizeof(imalist.bytes));
}

struct att_slice imalist_slice(void)
{
    struct att_slice out = {0};

    ck_assert_int_eq(att_wr_done(&imalist.w, &out), ATT_OK);
    return out;
}

void imalist_begin_sized(uint32_t pcr, const char *name, size_t hash_len)
{
    att_wr_u32le(&imalist.w, pcr);
    memset(att_wr_room(&imalist.w, hash_len), 0xab, hash_len);
    att_wr_u32le(&imalist.w, (uint32_t)strlen(name));
    att_wr_bytes(&imalist.w, name, strlen(name));
    att_wr_u32le(&imalist.w, 0);
    imalist.data_at = imalist.w.len;
}

void imalist_begin(uint32_t pcr, const char *name)
{
    imalist_begin_sized(pcr, name, 20);
}

void imalist_field(const void *in, size_t len)
{
    att_wr_u32le(&imalist.w, (uint32_t)len);
    att_wr_bytes(&imalist.w, in, len);
}

void imalist_digest(const char *prefix, uint8_t fill, size_t len)
{
    att_wr_u32le(&imalist.w, (uint32_t)(strlen(prefix) + 1 + len));
    att_wr_bytes(&imalist.w, prefix, strlen(prefix));
    att_wr_u8(&imalist.w, 0);
    if (len > 0) {
        memset(att_wr_room(&imalist.w, len), fill, len);
    }
}

void imalist_path(const char *path)
{
    imalist_field(path, strlen(path) + 1);
}

void imalist_end(void)
{
    size_t len = imalist.w.len - imalist.data_at;

    for (unsigned int i = 0; i < 4; i++) {
        imalist.bytes[imalist.data_at - 4 + i] = (uint8_t)(len >> (8 * i));
    }
}

void imalist_whole(const char *name, const char *prefix, const char *path)
{
    imalist_begin(10, name);
    imalist_digest(prefix, 0x5a, 32);
    imalist_path(path);
    imalist_end();
}

struct att_ima_entry imalist_only_entry(void)
{
    struct att_ima it = att_ima_from(imalist_slice());
    struct att_ima_entry e;
    struct att_ima_entry none;
    struct att_diag diag = {0};
    bool more = false;

    ck_assert_msg(att_ima_next(&it, &e, &more, &diag) == ATT_OK, "%s", diag.text);
    ck_assert(more);
    ck_assert_int_eq(att_ima_next(&it, &none, &more, NULL), ATT_OK);
    ck_assert(!more);
    ck_assert_uint_eq(it.count, 1);
    return e;
}

void imalist_old_entry(const char *path, size_t len)
{
    att_wr_u32le(&imalist.w, 10);
    memset(att_wr_room(&imalist.w, 20), 0xab, 20);
    att_wr_u32le(&imalist.w, 3);
    att_wr_bytes(&imalist.w, "ima", 3);
    memset(att_wr_room(&imalist.w, 20), 0x5a, 20);
    att_wr_u32le(&imalist.w, (uint32_t)len);
    att_wr_bytes(&imalist.w, path, len);
}
