/* What the files of the administrator's routes share. */
#ifndef ATTESTD_VERIFIER_KEEPER_ADMIN_INTERNAL_H
#define ATTESTD_VERIFIER_KEEPER_ADMIN_INTERNAL_H

#include <jansson.h>

#include "verifier/keeper/admin.h"

#define PATH_CAP 256

/* One request, its path cut into what the routes need. */
struct request {
    struct keeper *k;
    struct job *job;
    char path[PATH_CAP]; /* without the query */
    char query[PATH_CAP];
    const char *rest; /* behind the route's prefix */
    json_t *body;     /* an object, or NULL when there was none */
    struct att_diag *diag;
};

/* doc becomes the reply's, also when it fails; NULL is no memory. */
ATT_MUST_USE enum att_err admin_reply(struct request *r, int http, json_t *doc);

/* Values that may be absent: 0, has false and an empty text are null. */
json_t *admin_time(int64_t utc);                           /* RFC 3339 */
json_t *admin_hex(bool has, const uint8_t *p, size_t len); /* at most STORE_NAME_MAX bytes */
json_t *admin_text(const char *text);

/* A gateway (admin_device.c); bytes is room for its last label. NULL: no memory. */
json_t *admin_device_json(struct request *r, const struct store_row *row, struct att_buf *bytes,
                          bool with_reasons);

/* What the factory's certificate for one of its keys says, or null (admin_factory.c). */
json_t *admin_factory_json(struct request *r, int64_t enrolment, enum store_factory kind);

/* GET and POST /policy (admin_policy.c). */
ATT_MUST_USE enum att_err admin_show_policy(struct request *r);
ATT_MUST_USE enum att_err admin_load_policy(struct request *r);

/* POST /labels/revoke, suspend and restore (admin_status.c). */
ATT_MUST_USE enum att_err admin_revoke(struct request *r);
/* Keys of the deployment (admin_keys.c). */
ATT_MUST_USE enum att_err admin_list_keys(struct request *r);
ATT_MUST_USE enum att_err admin_show_revocation(struct request *r);
ATT_MUST_USE enum att_err admin_rotate_key(struct request *r);
ATT_MUST_USE enum att_err admin_revoke_key(struct request *r);
ATT_MUST_USE enum att_err admin_suspend(struct request *r);
ATT_MUST_USE enum att_err admin_restore(struct request *r);

/* Offers and transfers of gateways (admin_transfer.c). */
ATT_MUST_USE enum att_err admin_show_offer(struct request *r);
ATT_MUST_USE enum att_err admin_list_transfers(struct request *r);
ATT_MUST_USE enum att_err admin_show_transfer(struct request *r);
ATT_MUST_USE enum att_err admin_complete_transfer(struct request *r);
/* GET /devices/ID of one that was given away and is not enrolled. */
ATT_MUST_USE enum att_err admin_show_given(struct request *r, const char *device);
/* The transfer that led to an enrolment, or null. */
json_t *admin_transfer_of(struct request *r, int64_t enrolment);

/* A number of the query, such as "limit=20"; otherwise when it is absent or no number. */
int64_t admin_query_number(const struct request *r, const char *key, int64_t otherwise);
/* A text of the query; empty when it is absent or longer than cap. */
void admin_query_text(const struct request *r, const char *key, char *out, size_t cap);
/*
 * admin_read - path, query and body of a request whose keeper and diag are set (admin_body.c).
 *
 * *body is the caller's, also when it fails; r->body borrows it.
 * Errors  NOT_FOUND (HTTP_ROUTE) when the path is too long, FORMAT (FMT_JSON)
 */
ATT_MUST_USE enum att_err admin_read(struct request *r, json_t **body, struct att_slice path,
                                     struct att_slice text);

/*
 * Bodies (admin_body.c); each refuses with FORMAT (FMT_JSON, FMT_KEY) what it does not know.
 *
 * token   {"id", "ttl_s", "replace"}, each may be absent; *t gets id and replaces
 * key     {"id", "ek_name" or "ek_public"}: the name of a TPM's key, nameAlg and digest; id may be empty
 */
ATT_MUST_USE enum att_err admin_body_token(struct store_token *t, int64_t *ttl_s,
                                           struct request *r);
ATT_MUST_USE enum att_err admin_body_key(uint8_t name[ATT_NAME_MAX], size_t *len,
                                         char id[STORE_ID_MAX + 1], struct request *r);
/* Hexadecimal digits of a name. FORMAT (FMT_KEY). */
ATT_MUST_USE enum att_err admin_hex_name(uint8_t name[ATT_NAME_MAX], size_t *len, struct request *r,
                                         const char *text);
/* "NUMBER/record" behind the route. NOT_FOUND (HTTP_ROUTE). */
ATT_MUST_USE enum att_err admin_rest_outcome(int64_t *out, struct request *r);
/* {"cose": base64url} alone, decoded; the caller's. */
ATT_MUST_USE enum att_err admin_body_message(struct att_buf **out, struct request *r);

/* The words of the requirement that was not met, {"en", "ja"}, while the policy is at hand (p not NULL); or null. */
json_t *admin_title(const struct att_policy *p, const char *id);

#endif
