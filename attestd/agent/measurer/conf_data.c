/* Devices and data of agent.yaml. Each refusal has its place. */
#include "agent/measurer/conf_data.h"

#include <stdio.h>
#include <string.h>

#include "agent/measurer/conf_internal.h"

#define LIMIT_MS 1000

static const char *keep(struct reader *r, const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = att_pool_get(&r->conf->pool, len);

    if (copy != NULL)
        memcpy(copy, text, len);
    return copy;
}

static enum att_err text_of(struct reader *r, const struct att_yaml_node *map, const char *key,
                            const char **out)
{
    const struct att_yaml_node *n = att_yaml_get(map, key);
    const char *text = NULL;
    enum att_err err = n == NULL ? ATT_OK : att_yaml_text(n, &text, CONF_TEXT_MAX, r->diag);

    if (err != ATT_OK || n == NULL)
        return err;
    *out = keep(r, text);
    return *out != NULL ? ATT_OK : att_fail(r->diag, ATT_E_NOMEM, ATT_R_NOMEM, key, "no memory");
}

static enum att_err path_of(struct reader *r, const struct att_yaml_node *map, const char *key,
                            const char **out)
{
    const struct att_yaml_node *n = att_yaml_get(map, key);
    const char *text = NULL;
    enum att_err err = n == NULL ? ATT_OK : att_yaml_text(n, &text, CONF_TEXT_MAX, r->diag);

    return err != ATT_OK || n == NULL ? err : conf_keep_path(r, n, text, out);
}

static enum att_err number_of(struct reader *r, const struct att_yaml_node *map, const char *key,
                              int64_t least, int64_t most, int64_t *out)
{
    const struct att_yaml_node *n = att_yaml_get(map, key);

    return n == NULL ? ATT_OK : att_yaml_int(n, least, most, out, r->diag);
}

static enum att_err need(struct reader *r, const struct att_yaml_node *map, const char *key)
{
    return att_yaml_get(map, key) != NULL
               ? ATT_OK
               : att_yaml_fail(map, ATT_R_CFG_KEY, r->diag, "expected %s", key);
}

static enum att_err limit_of(struct reader *r, const struct att_yaml_node *map, int *out)
{
    const struct att_yaml_node *n = att_yaml_get(map, "limit");
    int64_t ms = LIMIT_MS;
    enum att_err err = n == NULL ? ATT_OK : att_yaml_duration_ms(n, 10, 60000, &ms, r->diag);

    *out = (int)ms;
    return err;
}

/* --- devices --- */

static enum att_err read_modbus(struct reader *r, const struct att_yaml_node *n,
                                struct agent_device *d)
{
    static const char *const KEYS[] = {"tcp", "port", "line", "baud", "parity", "limit", NULL};
    const char *parity = "even";
    int64_t port = 502;
    int64_t baud = 19200;
    enum att_err err = att_yaml_only(n, KEYS, r->diag);

    if (err == ATT_OK)
        err = text_of(r, n, "tcp", &d->address);
    if (err == ATT_OK)
        err = path_of(r, n, "line", &d->line);
    if (err == ATT_OK)
        err = number_of(r, n, "port", 1, 65535, &port);
    if (err == ATT_OK)
        err = number_of(r, n, "baud", 300, 4000000, &baud);
    if (err == ATT_OK)
        err = text_of(r, n, "parity", &parity);
    if (err == ATT_OK)
        err = limit_of(r, n, &d->limit_ms);
    if (err != ATT_OK)
        return err;
    if ((d->address == NULL) == (d->line == NULL))
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "expected one of tcp and line");
    if (strcmp(parity, "even") != 0 && strcmp(parity, "odd") != 0 && strcmp(parity, "none") != 0)
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "parity: expected even, odd or none");
    d->port = (uint16_t)port;
    d->baud = (int)baud;
    d->parity = parity[0] == 'e' ? 'E' : parity[0] == 'o' ? 'O' : 'N';
    return ATT_OK;
}

static enum att_err read_sysfs(struct reader *r, const struct att_yaml_node *n,
                               struct agent_device *d)
{
    static const char *const KEYS[] = {"device", "root", NULL};
    enum att_err err = att_yaml_only(n, KEYS, r->diag);

    if (err == ATT_OK)
        err = need(r, n, "device");
    if (err == ATT_OK)
        err = text_of(r, n, "device", &d->device);
    return err == ATT_OK ? path_of(r, n, "root", &d->root) : err;
}

static enum att_err read_broker(struct reader *r, const struct att_yaml_node *n, bool topic,
                                struct agent_broker *b)
{
    static const char *const KEYS[] = {"host", "port",  "client", "ca",    "certificate",
                                       "key",  "topic", "plain",  "limit", NULL};
    const struct att_yaml_node *plain = att_yaml_get(n, "plain");
    int64_t port = 0;
    enum att_err err = att_yaml_only(n, KEYS, r->diag);

    if (err == ATT_OK)
        err = need(r, n, "host");
    if (err == ATT_OK)
        err = need(r, n, "client");
    if (err == ATT_OK)
        err = text_of(r, n, "host", &b->host);
    if (err == ATT_OK)
        err = text_of(r, n, "client", &b->client);
    if (err == ATT_OK)
        err = text_of(r, n, "topic", &b->topic);
    if (err == ATT_OK)
        err = path_of(r, n, "ca", &b->ca);
    if (err == ATT_OK)
        err = path_of(r, n, "certificate", &b->certificate);
    if (err == ATT_OK)
        err = path_of(r, n, "key", &b->key);
    if (err == ATT_OK)
        err = number_of(r, n, "port", 1, 65535, &port);
    if (err == ATT_OK && plain != NULL)
        err = att_yaml_bool(plain, &b->plain, r->diag);
    if (err != ATT_OK)
        return err;
    if (topic != (b->topic != NULL))
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag,
                             topic ? "expected topic" : "a topic is the specification's to name");
    if (!b->plain && b->ca == NULL)
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "expected ca, or plain: true without TLS");
    b->port = (uint16_t)port;
    return ATT_OK;
}

static enum att_err read_line(struct reader *r, const struct att_yaml_node *n,
                              struct agent_device *d)
{
    static const char *const KEYS[] = {"socket", "users", "limit", NULL};
    const struct att_yaml_node *users = att_yaml_get(n, "users");
    enum att_err err = att_yaml_only(n, KEYS, r->diag);

    if (err == ATT_OK)
        err = need(r, n, "socket");
    if (err == ATT_OK)
        err = need(r, n, "users");
    if (err == ATT_OK)
        err = path_of(r, n, "socket", &d->socket);
    if (err == ATT_OK)
        err = limit_of(r, n, &d->limit_ms);
    if (err != ATT_OK)
        return err;
    d->user_count = att_yaml_count(users);
    if (att_yaml_type(users) != ATT_YAML_LIST || d->user_count == 0 ||
        d->user_count > AGENT_USERS_MAX)
        return att_yaml_fail(users, ATT_R_CFG_KEY, r->diag, "expected a list of 1 to %d user ids",
                             AGENT_USERS_MAX);
    for (size_t i = 0; err == ATT_OK && i < d->user_count; i++) {
        int64_t id = 0;

        err = att_yaml_int(att_yaml_item(users, i), 0, INT32_MAX, &id, r->diag);
        d->user[i] = (uid_t)id;
    }
    return err;
}

static enum att_err read_bus(struct reader *r, const struct att_yaml_node *n,
                             struct agent_device *d)
{
    const struct att_yaml_node *one = NULL;
    size_t found = 0;

    for (size_t i = 0; i < ATT_BUS__COUNT; i++) {
        const struct att_yaml_node *bus = att_yaml_get(n, att_bus_words[i]);

        if (bus == NULL)
            continue;
        d->bus = (enum att_bus)i;
        one = bus;
        found++;
    }
    if (found != 1 || att_yaml_type(one) != ATT_YAML_MAP)
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag,
                             "expected one of modbus, sysfs, mqtt and line");
    switch (d->bus) {
    case ATT_BUS_MODBUS:
        return read_modbus(r, one, d);
    case ATT_BUS_SYSFS:
        return read_sysfs(r, one, d);
    case ATT_BUS_LINE:
        return read_line(r, one, d);
    case ATT_BUS_MQTT:
        break;
    }
    return read_broker(r, one, false, &d->broker);
}

static enum att_err read_device(struct reader *r, const struct att_yaml_node *n, size_t at)
{
    static const char *const KEYS[] = {"id", "modbus", "sysfs", "mqtt", "line", NULL};
    struct agent_device *d = &r->conf->data.device[at];
    const char *id = NULL;
    enum att_err err = ATT_OK;

    if (att_yaml_type(n) != ATT_YAML_MAP)
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "expected a device (a map)");
    err = att_yaml_only(n, KEYS, r->diag);
    if (err == ATT_OK)
        err = need(r, n, "id");
    if (err == ATT_OK)
        err = att_yaml_text(att_yaml_get(n, "id"), &id, ATT_PROV_ID - 1, r->diag);
    if (err != ATT_OK)
        return err;
    (void)snprintf(d->id, sizeof(d->id), "%s", id);
    d->limit_ms = LIMIT_MS;
    for (size_t i = 0; i < at; i++)
        if (strcmp(r->conf->data.device[i].id, d->id) == 0)
            return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "two devices have one id: %s", d->id);
    return read_bus(r, n, d);
}

static enum att_err read_devices(struct reader *r, const struct att_yaml_node *list)
{
    size_t count = att_yaml_count(list);
    enum att_err err = ATT_OK;

    if (att_yaml_type(list) != ATT_YAML_LIST || count == 0 || count > AGENT_DEVICES_MAX)
        return att_yaml_fail(list, ATT_R_CFG_KEY, r->diag, "expected a list of 1 to %d devices",
                             AGENT_DEVICES_MAX);
    r->conf->data.device = att_pool_get(&r->conf->pool, count * sizeof(struct agent_device));
    if (r->conf->data.device == NULL)
        return att_fail(r->diag, ATT_E_NOMEM, ATT_R_NOMEM, "devices", "no memory");
    for (size_t i = 0; err == ATT_OK && i < count; i++)
        err = read_device(r, att_yaml_item(list, i), i);
    r->conf->data.device_count = count;
    return err;
}

/* --- where data goes --- */

static enum att_err read_folder(struct reader *r, const struct att_yaml_node *n)
{
    static const char *const KEYS[] = {"folder", "limit", NULL};
    enum att_err err = ATT_OK;

    if (att_yaml_type(n) != ATT_YAML_MAP)
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "expected a map of folder and limit");
    err = att_yaml_only(n, KEYS, r->diag);
    if (err == ATT_OK)
        err = path_of(r, n, "folder", &r->conf->data.folder);
    return err == ATT_OK ? number_of(r, n, "limit", 1048576, INT64_MAX, &r->conf->data.limit) : err;
}

enum att_err conf_read_data(struct reader *r, const struct att_yaml_node *root)
{
    const struct att_yaml_node *n = att_yaml_get(root, "devices");
    enum att_err err = n != NULL ? read_devices(r, n) : ATT_OK;

    r->conf->data.limit = AGENT_DATA_LIMIT;
    n = att_yaml_get(root, "data");
    if (err == ATT_OK && n != NULL)
        err = read_folder(r, n);
    n = att_yaml_get(root, "publish");
    if (err != ATT_OK || n == NULL)
        return err;
    if (att_yaml_type(n) != ATT_YAML_MAP)
        return att_yaml_fail(n, ATT_R_CFG_KEY, r->diag, "expected a broker (a map)");
    return read_broker(r, n, true, &r->conf->data.publish);
}
