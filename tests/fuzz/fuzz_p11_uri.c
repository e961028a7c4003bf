/* An address of a key in a token names a library and one key; spelt byte by byte it is the same address. */
#include <string.h>

#include "base/wr.h"
#include "crypto/p11_internal.h"
#include "fuzz.h"

#define ROOM 65536

static void put(struct att_wr *w, const char *head, const char *value, size_t len)
{
    static const char DIGITS[] = "0123456789abcdef";

    if (len == 0) {
        return;
    }
    att_wr_bytes(w, head, strlen(head));
    for (size_t i = 0; i < len; i++) {
        att_wr_u8(w, '%');
        att_wr_u8(w, (uint8_t)DIGITS[(uint8_t)value[i] >> 4]);
        att_wr_u8(w, (uint8_t)DIGITS[(uint8_t)value[i] & 15]);
    }
    att_wr_u8(w, ';');
}

static void spelt_out(char text[ROOM], const struct att_p11_uri *u)
{
    struct att_wr w = att_wr_into(text, ROOM);

    att_wr_bytes(&w, "pkcs11:", 7);
    put(&w, "token=", u->token, strlen(u->token));
    put(&w, "manufacturer=", u->manufacturer, strlen(u->manufacturer));
    put(&w, "serial=", u->serial, strlen(u->serial));
    put(&w, "model=", u->model, strlen(u->model));
    put(&w, "slot-id=", u->slot_id, strlen(u->slot_id));
    put(&w, "object=", u->object, strlen(u->object));
    put(&w, "id=", u->id, u->id_len);
    put(&w, "type=", u->type, strlen(u->type));
    w.len--; /* the last separator */
    put(&w, "?module-path=", u->module_path, strlen(u->module_path));
    w.len--;
    put(&w, "&pin-source=", u->pin_source, strlen(u->pin_source));
    att_wr_u8(&w, 0);
    HOLDS(att_wr_ok(&w));
    text[w.len - 1 - (u->pin_source[0] != '\0' ? 1 : 0)] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[ROOM];
    static struct att_p11_uri u, again; /* large */
    struct att_diag diag = {0};

    if (size >= sizeof(text)) {
        return 0;
    }
    memset(&u, 0, sizeof(u));
    memset(&again, 0, sizeof(again));
    memcpy(text, data, size);
    text[size] = '\0';
    if (att_p11_uri_parse(&u, text, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_CFG_KEY);
        return 0;
    }
    HOLDS(u.module_path[0] == '/' && (u.object[0] != '\0' || u.id_len > 0));
    spelt_out(text, &u);
    HOLDS(att_p11_uri_parse(&again, text, NULL) == ATT_OK);
    HOLDS(memcmp(&u, &again, sizeof(u)) == 0);
    return 0;
}
