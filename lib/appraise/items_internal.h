/* Judging what the logs list, item by item: for appraise.c. */
#ifndef ATT_APPRAISE_ITEMS_INTERNAL_H
#define ATT_APPRAISE_ITEMS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appraise/appraise.h"
#include "policy/name_set.h"
#include "tcg/ownlog.h"

struct att_ima_entry;
struct att_seen;

#define ATT_LACKS_MAX 8 /* prefixes of own_complete that get words of their own */

/* Where something is missing below a prefix: for the reason of its requirement. */
struct att_lack {
    uint32_t bit; /* of the prefix, in the carry's mask */
    char text[ATT_DIAG_TEXT];
};

/* One appraisal in progress. */
struct judging {
    const struct att_verified *v;
    const struct att_policy *policy;
    const struct att_refvals *refvals; /* may be NULL */
    struct att_result *out;
    const struct att_ima_parts *parts; /* of the kernel list, judged before; NULL: none */
    struct att_deviation *standing;    /* what deviates at this point of the logs; owned */
    size_t standing_count, standing_room;
    bool lost;             /* more stood at once than are worked with */
    struct att_seen *seen; /* entries of the own log for own_complete; owned, NULL: none */
    struct att_lack lack[ATT_LACKS_MAX];
    size_t lack_count;
    const struct att_notice *notice[ATT_NOTICES_MAX]; /* of out->windows, in its order */
    struct att_windows_seen seen_changes; /* shown before this place of the kernel's list */
    uint8_t stands[ATT_NOTICES_MAX][ATT_WINDOW_BITS]; /* the after state stands now, elsewhere */
    uint8_t needed[ATT_NOTICES_MAX]
                  [ATT_WINDOW_BITS]; /* and would be a deviation without the window */
    uint32_t window, change;         /* of the last answer EXPECTED */
};

/* What change notices say of one measured state (window_judge.c). */
enum att_window_says {
    ATT_WINDOW_SILENT,
    ATT_WINDOW_EXPECTED, /* a window is open in which this state is expected */
    ATT_WINDOW_RETIRED   /* the device had left this state */
};
/*
 * Before any log is judged: which boot (resetCount) this is, whether the kernel's list goes on in it, and what
 * its parts showed (NULL: none came).
 */
void att_judging_windows_start(struct judging *j, uint32_t boot, bool goes_on,
                               const struct att_windows_seen *seen);
/*
 * Of what stands under a name, as reference values spell it: digest NULL when it is gone. The latest counts:
 * what stands at the end was shown (att_judging_windows_end).
 */
enum att_window_says att_judging_window_item(struct judging *j, struct att_slice name,
                                             const uint8_t *digest);
/* Of an entry of the kernel's list, which is history: what stands in it was shown. name empty: any. */
enum att_window_says att_judging_window_entry(struct judging *j, struct att_slice name,
                                              const uint8_t digest[32]);
void att_judging_windows_end(struct judging *j);
/* Does an open window list this name as one that will be there? */
bool att_judging_window_lists(const struct judging *j, struct att_slice name);
/*
 * What open windows make of a name's being there. The oldest that mentions it tells whether it was there before, the
 * newest whether it will be.
 */
enum att_window_move {
    ATT_WINDOW_STAYS, /* or no open window speaks of it */
    ATT_WINDOW_COMES,
    ATT_WINDOW_GOES
};
enum att_window_move att_judging_window_move(const struct judging *j, struct att_slice name);
/* The answer EXPECTED was needed: if that still stands at the end, the label will say so; what is history stands for this boot. */
void att_judging_window_needed(struct judging *j);
void att_judging_window_is_history(struct judging *j);
void att_judging_tell_windows(struct judging *j);

/*
 * att_judge_spec - what a label will say of specifications: an item whose name begins with ATT_SPEC_ITEM takes the
 * place of the one before it, and stands only while a reference value approves it.
 */
void att_judge_spec(struct att_carry *c, const struct att_own_item *item, bool approved);

/*
 * att_judging_start - begin with what the carry holds; att_judging_end puts back what still stands after
 * the last entry, as much as a carry keeps (overflow when that is not all), and frees. A log is judged by
 * its end: a thousand changes that were repaired or approved leave nothing.
 */
ATT_MUST_USE enum att_err att_judging_start(struct judging *j);
void att_judging_end(struct judging *j);

/* The logs (items.c, boot_judge.c): the covered part of each into out->carry. CRYPTO NOMEM FORMAT */
ATT_MUST_USE enum att_err att_judge_own_items(struct judging *j);
/* The IMA list: its files, boot_aggregate, kexec. */
ATT_MUST_USE enum att_err att_judge_ima_entries(struct judging *j);
/* The entries of a part; refused: by the walk, which told diag. */
struct att_part_entries {
    struct att_parts_walk walk; /* started, and ended by the caller */
    struct att_diag *diag;
    bool refused;
};
/* A part of the list, replayed and judged. What the boot log must tell is kept in the walk's end. */
ATT_MUST_USE enum att_err att_judge_ima_part(struct judging *j, struct att_part_entries *part);
/* The firmware log by appraise/bootlog.h and the policy, when this evidence brought it. */
ATT_MUST_USE enum att_err att_judge_boot_log(struct judging *j);
/* Search the boot log for what a policy's event_absent denies. */
ATT_MUST_USE enum att_err att_judge_boot_events(struct judging *j);

/* A deviation takes the place of an earlier one of the same name and kind; forget removes it. NOMEM */
ATT_MUST_USE enum att_err att_judging_remember(struct judging *j, const struct att_deviation *d);
void att_judging_forget(struct judging *j, const struct att_deviation *d);
/* One of firmware or kernel's log, by its name: the reason is hashed with it, so that two of one event both stand. NOMEM CRYPTO */
ATT_MUST_USE enum att_err att_judging_deviates(struct judging *j, struct att_deviation *d);

/* The name as reference values spell it; room is used for a link, under whose path a file with its target's text is not it. */
#define ATT_JUDGING_NAME_ROOM (ATT_OWN_NAME_MAX + sizeof(ATT_LINK_PREFIX))
struct att_slice att_judging_spelled(uint8_t room[ATT_JUDGING_NAME_ROOM], struct att_slice name,
                                     bool link);
/* The first bytes of SHA-256 of a name. CRYPTO */
ATT_MUST_USE enum att_err att_judging_hash(struct att_slice name, uint64_t *out);

/* The number that a deviation against one leaf of the policy carries in place of a requirement's. */
#define ATT_JUDGING_LEAF 0x10000U
/* The predicate that a deviation stands against by itself (sha256_in, event_absent, min_version); or NULL. */
const struct att_requirement *att_judging_leaf_of(const struct judging *j,
                                                  const struct att_deviation *d);

/* What single predicates ask of one own item or IMA entry, into the standing deviations (leaves.c). */
ATT_MUST_USE enum att_err att_judge_item_leaves(struct judging *j, const struct att_own_item *item);
ATT_MUST_USE enum att_err att_judge_ima_leaves(struct judging *j, const struct att_ima_entry *e);
/* Does an event_absent of the policy search this log? */
bool att_judging_searches(const struct judging *j, enum att_log log);
/* A bit of the carry's mask: what it stands for is there, or is not. */
void att_judging_mark(struct att_carry *c, uint32_t bit, bool there);

/*
 * own_complete (complete.c): is it judged here, an entry of the own log, and the judgement at its end. The
 * items' names borrow the log. NOMEM CRYPTO
 */
bool att_complete_is_judged(const struct judging *j);
ATT_MUST_USE enum att_err att_complete_take(struct judging *j, const struct att_own_item *item);
ATT_MUST_USE enum att_err att_complete_end(struct judging *j);
void att_complete_free(struct judging *j);
/* Is an item, or a link in its place, there at the end of the own log? key: of its plain name. */
bool att_complete_has(const struct judging *j, uint64_t key, bool link);
/* Open windows of change notices (complete_moves.c). Those that go, as if they were still there. NOMEM CRYPTO */
ATT_MUST_USE enum att_err att_complete_add_going(struct att_name_set *set, const struct judging *j,
                                                 const char *prefix);
/* The label will name the windows that a set below a prefix needed. */
void att_complete_say_moves(struct judging *j, const char *prefix);
/* What came with an update, stood in an attestation, and is gone again: told as retired. NOMEM CRYPTO */
ATT_MUST_USE enum att_err att_complete_lost(bool *lost, struct judging *j, const char *prefix);

#endif
