/* What is not so has to be noticed: else the walk could say nothing. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "faults.h"
#include "need.h"

static void lie_lost(struct record *r)
{
    (void)snprintf(r->allowed[r->allowed_count++], sizeof(r->allowed[0]), "never-asked");
}

static void lie_leaf(struct record *r)
{
    r->leaf[r->leaf_count / 2][7] ^= 1;
}

static void lie_cut(struct record *r)
{
    memset(r->leaf[r->leaf_count], 1, sizeof(r->leaf[0]));
    r->leaf_count++;
}

static void lie_fork(struct record *r)
{
    r->head[0].root[31] ^= 1;
}

static void lie_longer(struct record *r)
{
    r->head[0].size += 100;
}

static void lie_label(struct record *r)
{
    r->label[0].cti[15] ^= 1;
}

static void lie_signature(struct record *r)
{
    r->label[0].bytes[r->label[0].len - 1] ^= 1;
}

/* Genuine by its bytes, under an id that nobody has. */
static void lie_stored(struct record *r)
{
    struct record_label *a = &r->label[r->label_count++];

    *a = r->label[0];
    a->cti[0] ^= 1;
}

static void lie_place(struct record *r)
{
    r->revoked[0].place ^= 1;
}

static void lie_outcome(struct record *r)
{
    r->revoked[0].outcome += 100;
}

static void lie_undone(struct record *r)
{
    memcpy(r->refused[r->refused_count++], r->allowed[0], sizeof(r->refused[0]));
}

static void lie_counted(struct record *r)
{
    r->entries++;
}

static void lie_uncounted(struct record *r)
{
    r->base--;
}

static const struct lie {
    const char *name;
    void (*tell)(struct record *r);
    enum complaint must;
} lies[] = {
    {"an entry that was never made", lie_lost, COMPLAINT_LOST},
    {"an entry with another hash", lie_leaf, COMPLAINT_LOST},
    {"an entry behind the last one", lie_cut, COMPLAINT_LOST},
    {"a checkpoint with another root", lie_fork, COMPLAINT_FORK},
    {"a checkpoint of more entries", lie_longer, COMPLAINT_FORK},
    {"a label of another id", lie_label, COMPLAINT_LOST},
    {"a label with another signature", lie_signature, COMPLAINT_LOST},
    {"a label that is not stored", lie_stored, COMPLAINT_LOST},
    {"a revocation at another place", lie_place, COMPLAINT_LOST},
    {"a revocation by another outcome", lie_outcome, COMPLAINT_LOST},
    {"an acknowledgement without an entry", lie_counted, COMPLAINT_LOST},
    {"an entry that nobody asked for", lie_uncounted, COMPLAINT_TWICE},
    {"a refusal that was carried out", lie_undone, COMPLAINT_UNDONE},
};

static void run_clean(struct run *run, struct stage *w)
{
    run_begin(run, w);
    NEED(run_whole(run, w, PROC_ALONE));
}

static size_t check_lies(struct stage *w)
{
    static struct run run;
    size_t missed = 0;

    for (size_t i = 0; i < ATT_COUNT(lies); i++) {
        run_clean(&run, w);
        lies[i].tell(&run.r);
        run.c.quiet = true;
        run_again(&run, w);
        printf("%-5s %s\n", run.c.count[lies[i].must] > 0 ? "ok" : "FAIL", lies[i].name);
        missed += run.c.count[lies[i].must] == 0;
        run_end(&run);
    }
    return missed;
}

/* A service that answers before it has committed: what was asked counts as acknowledged. */
static size_t check_gullible(struct stage *w)
{
    static struct run run;
    struct fault f = {"fdatasync", "KILL", 1};
    size_t lost = 0;
    bool hit = true;

    for (; hit; f.when++) {
        run_begin(&run, w);
        run.c.quiet = true;
        run.script.gullible = true;
        hit = run_faulted(&run, w, &f);
        run.script.gullible = false;
        if (hit)
            run_again(&run, w);
        lost += hit ? run.c.count[COMPLAINT_LOST] : 0;
        run_end(&run);
    }
    printf("%-5s an acknowledgement of what was only asked for: %zu lost at %lu points\n",
           lost > 0 ? "ok" : "FAIL", lost, f.when - 2);
    return lost == 0;
}

/* A process that syncs again and goes on. */
static size_t check_retried_sync(struct stage *w)
{
    static const char trace[] = "fdatasync(5</a>) = -1 EIO (Input/output error) (INJECTED)\n"
                                "fdatasync(6</b>) = 0\nfdatasync(5</a>) = 0\n"
                                "writev(4<socket:[1]>, [{iov_base=\"\", iov_len=1}], 1) = 1\n";
    static struct run run;

    run_clean(&run, w);
    run_end(&run);
    run.c = (struct complaints){.quiet = true};
    NEED(att_file_write(w->proc.trace, att_slice_str(trace), 0600, NULL) == ATT_OK);
    run_check_sync(&run, &w->proc);
    printf("%-5s a sync that is tried again, by a process that answers and ends well\n",
           run.c.count[COMPLAINT_SYNC] == 3 ? "ok" : "FAIL");
    return run.c.count[COMPLAINT_SYNC] != 3;
}

/* A process that answers while a file of the records is not synced. */
static size_t check_early_answer(struct stage *w)
{
    static const char trace[] = "pwrite64(5</a-wal>, \"\", 1, 0) = 1\nfdatasync(5</a-wal>) = 0\n"
                                "pwrite64(6</b/log-head>, \"\", 1, 0) = 1\n"
                                "pwrite64(5</a-wal>, \"\", 1, 0) = 1\nfdatasync(5</a-wal>) = 0\n"
                                "writev(4<socket:[1]>, [{iov_base=\"\", iov_len=1}], 1) = 1\n"
                                "fdatasync(6</b/log-head>) = 0\n"
                                "writev(4<socket:[1]>, [{iov_base=\"\", iov_len=1}], 1) = 1\n";
    struct proc_order o;
    bool good;

    NEED(att_file_write(w->proc.trace, att_slice_str(trace), 0600, NULL) == ATT_OK);
    o = proc_order(&w->proc);
    good = o.writes == 3 && o.answers == 2 && o.early == 1;
    printf("%-5s an answer before the sync\n", good ? "ok" : "FAIL");
    return good ? 0 : 1;
}

size_t lies_check(struct stage *w)
{
    return check_lies(w) + check_gullible(w) + check_retried_sync(w) + check_early_answer(w);
}
