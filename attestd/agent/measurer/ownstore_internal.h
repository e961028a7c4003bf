/* For tests that cut the power between two steps. */
#ifndef ATTESTD_AGENT_OWNSTORE_INTERNAL_H
#define ATTESTD_AGENT_OWNSTORE_INTERNAL_H

enum own_step { OWN_STEP_WRITTEN, OWN_STEP_SYNCED, OWN_STEP_EXTENDED };

/* Called after each step when it is not NULL. */
extern void (*own_store_on_step)(enum own_step step);

#endif
