/* What each route begins: a check of the path and the first message. */
#ifndef ATTESTD_VERIFIER_FRONT_HANDLER_H
#define ATTESTD_VERIFIER_FRONT_HANDLER_H

struct exchange;

void handle_enrol_begin(struct exchange *ex);
void handle_enrol_activate(struct exchange *ex);
void handle_certify_begin(struct exchange *ex);
void handle_certify(struct exchange *ex);
void handle_new_session(struct exchange *ex);
void handle_evidence(struct exchange *ex);
void handle_part(struct exchange *ex);
void handle_session_get(struct exchange *ex);
void handle_session_delete(struct exchange *ex);
void handle_label(struct exchange *ex);
void handle_label_current(struct exchange *ex);
void handle_log(struct exchange *ex);
void handle_status_list(struct exchange *ex);
void handle_healthz(struct exchange *ex);
void handle_readyz(struct exchange *ex);
void handle_metrics(struct exchange *ex);
void handle_admin(struct exchange *ex);

#endif
