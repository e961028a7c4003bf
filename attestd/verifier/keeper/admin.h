/*
 * The administrator's routes, behind /admin/v1 on the operator's unix socket. JSON in and out.
 *
 *   GET    /devices?after=ID&limit=N   200 {"devices": [device...], "next": ID or null}; by id, at most 100
 *   GET    /devices/ID                 200 device
 *   DELETE /devices/ID                 200 {"removed": ID}; its labels stay readable, none is current
 *   POST   /allow {"id": ID, "ttl_s": N}           201 {"token": text, "id": ID or null, "expires": time}
 *          a one-time token; both optional: any device, one day; at most 30 days
 *   POST   /allow {"id": ID, "ek_name": hex}       201 {"ek_name": hex, "id": ID or null}
 *          or "ek_public": hex of TPMT_PUBLIC; an endorsement key on the allow-list
 *   DELETE /allow/HEX                  200 {"removed": hex}
 *   GET    /policy                     200 {"policy": name, "version", "digest": hex, "signer": hex or null}
 *          what new challenges are under
 *   POST   /policy {"cose": base64url}  202 the same of a signed policy that will be in force in a moment
 *   POST   /labels/revoke {"id": ID or "cti": hex, "reason": text}     200 {"device", "status", "changed",
 *          "labels", "unlisted", "outcome"}; the same for /labels/suspend and /labels/restore. Of a gateway: its labels
 *          in force, and it gets no other until it enrols again or is restored. Again it changes nothing.
 *   GET    /offers/ID                  200 what an offer of the gateway says (docs/formats/transfer.md)
 *   POST   /transfers {"cose": base64url}  201 transfer: given or received here from now on
 *   GET    /transfers?from=N           200 {"transfers": [transfer...], "next": N or null}; at most 100
 *   GET    /transfers/HEX              200 the statement as both signed it
 *   GET    /outcomes?from=N&limit=N    200 {"outcomes": [outcome...], "next": N or null}; at most 100
 *
 * device = {"id", "status": enrolled | affirming | warning | failed | stale, "reason": code or null,
 *   "grade": "E1".."E3" or null, "enrolled", "last_seen": time or null, "deadline", "ek_name": hex,
 *   "ak_name": hex, "ek_verified": bool,
 *   "label": {"cti": hex, "status": tier, "issued", "expires", "current": bool} or null,
 *   "reasons": [{"code", "requirement", "title": {"en", "ja"} or null, "name", "expected": hex or null,
 *   "found": hex or null}]}
 *   GET /devices/ID alone also has "transfer", and "iak" and "idevid": what the certificate of that key of its
 *   factory says, or null.
 *   A list leaves reasons out. Times are RFC 3339 in UTC.
 * label["told"] is what its status list says: valid, revoked or suspended.
 * outcome = {"index", "time", "kind", "device", "reason", "detail", "cti", "evidence", "policy", "refvals"}
 *
 * Refusals of a policy: E_CFG_POLICYSIG, E_CFG_ROLLBACK, E_CFG_POLICY, and E_FILE where the service may not
 * write the file. Others: 404 E_HTTP_ROUTE, E_ID_NONE, E_LBL_NONE, E_EVIDENCE_NONE, 409 E_SL_FOR_GOOD, 400 E_FMT_JSON or
 * E_FMT_ID, 405 E_HTTP_METHOD.
 * Tokens are stored as their SHA-256 only: the answer is the one time that the text is seen.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_ADMIN_H
#define ATTESTD_VERIFIER_KEEPER_ADMIN_H

#include "base/err.h"
#include "verifier/keeper/keeper_internal.h"

/* Inside the transaction of the job. Fills the job's answer on ATT_OK. */
ATT_MUST_USE enum att_err admin_run(struct keeper *k, struct job *job, struct att_diag *diag);

/* Does this request change keys? Then it has a transaction of its own: in each, one key signs labels and their entries. */
bool admin_changes_keys(const struct msg *m);

#endif
