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

/* GET and POST /policy (admin_policy.c). */
ATT_MUST_USE enum att_err admin_show_policy(struct request *r);
ATT_MUST_USE enum att_err admin_load_policy(struct request *r);

/* The words of the requirement that was not met, {"en", "ja"}, while the policy is at hand (p not NULL); or null. */
json_t *admin_title(const struct att_policy *p, const char *id);

#endif
