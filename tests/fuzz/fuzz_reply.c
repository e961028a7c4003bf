/*
 * Whatever a verifier answers an administrator, nothing of it is printed as it came: no control character reaches the
 * terminal, in either language. The first byte chooses: 0 a gateway, 1 a page of the list, 2 an offer to transfer,
 * from 4 on the status is that of a problem.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "device_show.h"
#include "fuzz.h"
#include "transfer_facts.h"

enum kind { DEVICE, PAGE, OFFER, KINDS };

static void printable(const char *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)out[i];

        HOLDS(c == '\n' || (c >= ' ' && c != 0x7f));
        /* C1 controls as UTF-8 */
        HOLDS(c != 0xc2 || i + 1 == len || (unsigned char)out[i + 1] >= 0xa0);
    }
}

static void page(struct report *r, const json_t *answer)
{
    char path[256] = "";
    json_t *all = json_array();

    HOLDS(all != NULL);
    device_list_header(r);
    device_list_page(r, answer, all);
    HOLDS(json_array_size(all) == json_array_size(json_object_get(answer, "devices")));
    if (device_next_page(path, sizeof(path), answer)) {
        HOLDS(strncmp(path, "/admin/v1/devices?after=", 24) == 0 && plain_id(path + 24));
    }
    json_decref(all);
}

static void shown(const json_t *answer, enum kind kind, enum lang lang)
{
    struct cli cli = {.lang = lang};
    struct report r = report_start(&cli, "fuzz");
    FILE *terminal = stdout;
    char *out = NULL;
    size_t len = 0;

    stdout = open_memstream(&out, &len);
    HOLDS(stdout != NULL);
    if (kind == PAGE) {
        page(&r, answer);
    } else {
        device_print(&r, answer);
    }
    HOLDS(fclose(stdout) == 0);
    stdout = terminal;
    printable(out, len);
    free(out);
    report_drop(&r);
}

static void offer(const json_t *answer)
{
    static struct att_transfer t;
    struct att_diag diag = {0};

    memset(&t, 0, sizeof(t));
    if (transfer_facts_read(&t, answer, &diag) != ATT_OK) {
        HOLDS(diag.err == ATT_E_NETWORK && diag.reason == ATT_R_NET_PROTOCOL);
        return;
    }
    HOLDS(strlen(t.giver.verifier_id) < sizeof(t.giver.verifier_id));
    HOLDS(strlen(t.giver.device_id) < sizeof(t.giver.device_id));
    HOLDS(t.ek_name_len <= sizeof(t.ek_name) && t.ak_name_len <= sizeof(t.ak_name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int PROBLEM[] = {403, 404, 409, 429, 503, 302};
    struct att_slice in = att_slice_of(data + (size > 0), size > 0 ? size - 1 : 0);
    bool good = size == 0 || data[0] < 4;
    int status = good ? 200 : PROBLEM[data[0] % ATT_COUNT(PROBLEM)];
    enum kind kind = size > 0 ? (enum kind)(data[0] % KINDS) : DEVICE;
    json_t *answer = NULL;
    struct att_diag diag = {0};
    enum att_err err = online_answer(&answer, status, in, &diag);

    if (err != ATT_OK) {
        HOLDS(diag.err == err && diag.reason != ATT_R_NONE);
        printable(diag.text, strlen(diag.text));
    } else if (kind == OFFER) {
        offer(answer);
    } else {
        shown(answer, kind, LANG_EN);
        shown(answer, kind, LANG_JA);
    }
    HOLDS(good || err != ATT_OK);
    json_decref(answer);
    return 0;
}
