/* The part of agent.yaml that says what the gateway's factory left in the TPM. */
#include <string.h>

#include "agent/measurer/conf_internal.h"
#include "tpm/devid.h"

/* What begins as a number is an index in NV, anything else a file. */
static enum att_err read_place(struct reader *r, const struct att_yaml_node *n,
                               struct agent_factory_cert *out)
{
    const char *text = NULL;
    enum att_err err = att_yaml_text(n, &text, CONF_TEXT_MAX, r->diag);

    if (err != ATT_OK) {
        return err;
    }
    return strncmp(text, "0x", 2) == 0 ? conf_place(r, n, 0x01000000U, 0x01ffffffU, &out->index)
                                       : conf_keep_path(r, n, text, &out->path);
}

static enum att_err read_places(struct reader *r, const struct att_yaml_node *list,
                                struct agent_factory_key *out)
{
    size_t count = att_yaml_count(list);
    enum att_err err = ATT_OK;

    if (att_yaml_type(list) != ATT_YAML_LIST || count == 0 || count > AGENT_FACTORY_CERTS_MAX) {
        return att_yaml_fail(list, ATT_R_CFG_KEY, r->diag,
                             "expected a list of 1 to %d NV indexes and files",
                             AGENT_FACTORY_CERTS_MAX);
    }
    for (size_t i = 0; i < count && err == ATT_OK; i++) {
        err = read_place(r, att_yaml_item(list, i), &out->cert[i]);
    }
    out->count = count;
    return err;
}

/* Either key names the other's usual place; without both the factory's key is left alone. */
static enum att_err read_factory_key(struct reader *r, const struct att_yaml_node *root,
                                     const char *const keys[2],
                                     const struct agent_factory_key *usual,
                                     struct agent_factory_key *out)
{
    const struct att_yaml_node *list = att_yaml_get(root, keys[1]);
    enum att_err err = ATT_OK;

    if (att_yaml_get(root, keys[0]) == NULL && list == NULL) {
        return ATT_OK;
    }
    *out = *usual;
    err = conf_handle_at(r, root, keys[0], 0x81ffffffU, &out->handle);
    return err != ATT_OK || list == NULL ? err : read_places(r, list, out);
}

enum att_err conf_read_factory(struct reader *r, const struct att_yaml_node *root)
{
    static const char *const iak[] = {"iak_handle", "iak_certificates"};
    static const char *const idevid[] = {"idevid_handle", "idevid_certificates"};
    static const struct agent_factory_key usual_iak = {
        .handle = HW_IAK_HANDLE, .cert = {{.index = HW_IAK_CERT}}, .count = 1};
    static const struct agent_factory_key usual_idevid = {
        .handle = HW_IDEVID_HANDLE, .cert = {{.index = HW_IDEVID_CERT}}, .count = 1};
    struct agent_conf *c = r->conf;
    enum att_err err = read_factory_key(r, root, iak, &usual_iak, &c->iak);

    if (err == ATT_OK) {
        err = read_factory_key(r, root, idevid, &usual_idevid, &c->idevid);
    }
    if (err == ATT_OK && c->idevid.handle != 0 && c->iak.handle == 0) {
        const struct att_yaml_node *n = att_yaml_get(root, idevid[0]);

        return att_yaml_fail(n != NULL ? n : att_yaml_get(root, idevid[1]), ATT_R_CFG_KEY, r->diag,
                             "an IDevID is vouched for by the IAK: name that too (iak_handle, "
                             "iak_certificates)");
    }
    return err;
}
