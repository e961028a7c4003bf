/* What the sources of `refvals make` share: each adds names and digests to one collection. */
#ifndef CLI_REFVALS_MAKE_H
#define CLI_REFVALS_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "cli.h"
#include "crypto/digest.h"
#include "policy/name_set.h"
#include "policy/refval.h"
#include "tcg/ownlog.h"

#define MAKING_CHUNK     131072
#define MAKING_TEXT_MAX  268435456 /* of a list or an index, unpacked */
#define MAKING_NAME_ROOM (ATT_OWN_NAME_MAX + 16)

/* A value with its name, kept for writing it in a form of others. */
struct kept {
    char *name;
    uint8_t digest[32];
};

/* Why something is left out. */
enum left_why {
    LEFT_UNREADABLE,  /* a file of a folder, or in an own log */
    LEFT_GONE,        /* of an own log: not there at its end */
    LEFT_UNSUPPORTED, /* of an own log: a FIFO, a socket, a device node */
    LEFT_NAME,        /* of a log: too long, or none at all */
    LEFT_VIOLATION,   /* of an IMA list */
    LEFT_DIGEST,      /* of an IMA list: other than SHA-256 of the content */
    LEFT_MOUNT,       /* of a folder: a mount point, with all below it */
    LEFT__COUNT
};

struct left {
    char *name;
    enum left_why why;
};

struct making {
    struct report *r;
    struct att_refvals_maker *maker;
    struct att_hasher *hasher;
    uint8_t *chunk; /* MAKING_CHUNK bytes to read into */
    size_t files, links, pcrs, skipped;
    size_t values;     /* added in all, doubles too */
    const char *at;    /* the file that is being hashed, or NULL: for progress */
    bool cross;        /* into other file systems below a folder, too */
    struct left *left; /* the first of those that are skipped */
    size_t left_count, left_room;
    bool own;               /* an own log was read: */
    size_t earlier;         /* states in it that a later one took the place of */
    size_t packages;        /* read out of a repository */
    bool indexed, released; /* from an index, and each index is one that a Release file names */
    struct att_buf *text;   /* where a compressed text goes; borrowed, NULL but for that time */
    bool usrmerge; /* what a package has in /bin, /lib and their kin is measured below /usr */
    bool keep;     /* names are kept: refvals export */
    struct kept *kept;
    size_t kept_count, kept_room;
    char release[128]; /* the kernel whose modules were seen last */
    struct att_name_set *all,
        *tree; /* names of files and links: of everything, of the tree under way */
    void *
        folders; /* the same for every folder near the root: tsearch(3) tree of struct folder_set */
    struct timespec began, shown;
    bool progress, drawn;
};

ATT_MUST_USE enum att_err making_start(struct making *m, struct report *r);
void making_clear(struct making *m);

/*
 * One value under prefix and name. A file that is a kernel module also says which kernel will run: its
 * release is expected in the kernel's own measurement "ima-buf:kernel_version".
 */
ATT_MUST_USE enum att_err making_add(struct making *m, const char *prefix, const char *name,
                                     const uint8_t digest[32]);
/* A gateway's own log will name this file (link false) or link: it may not be missing. */
ATT_MUST_USE enum att_err making_listed(struct making *m, bool link, const char *name);
/* Both. */
ATT_MUST_USE enum att_err making_item(struct making *m, bool link, const char *name,
                                      const uint8_t digest[32]);
/* The same for a file or link that is counted; a link's digest is that of its target text. */
ATT_MUST_USE enum att_err making_file(struct making *m, const char *name, const uint8_t digest[32]);
ATT_MUST_USE enum att_err making_link(struct making *m, const char *name, const char *target);
/* From _begin to _end names are also those of one tree: "complete:TREE" is added for them. */
ATT_MUST_USE enum att_err making_tree_begin(struct making *m);
ATT_MUST_USE enum att_err making_tree_end(struct making *m, const char *tree);
/* At the end of all sources: "complete:/", and "complete:FOLDER" for each folder at most 4 deep. */
ATT_MUST_USE enum att_err making_finish(struct making *m);
/* What was kept, in order of name and digest, each once. */
void making_sort(struct making *m);
/* Left out: counted, and named by making_tell. */
ATT_MUST_USE enum att_err making_leave(struct making *m, enum left_why why, const char *name);
void making_left_clear(struct making *m);
/* What was left out, on standard error or into the report's JSON. */
void making_tell(const struct making *m);

/* Hash what a descriptor still holds. IO CRYPTO */
ATT_MUST_USE enum att_err making_hash_fd(struct making *m, int fd, uint8_t digest[32]);

/* A line on a terminal, after one second of work, at most five times a second. */
void making_progress(struct making *m, const char *at);
void making_progress_end(struct making *m);

/*
 * Sources. A refusal names the file and the place in it.
 *
 * making_tree stays on the file system of the tree, as the agent does; mount points below it are left out and
 * named, unless m->cross. A tree that is not the root must have the name that it has on the gateway.
 * Errors  CONFIG (REF_SOURCE: no folder, no absolute name)
 */
ATT_MUST_USE enum att_err making_tree(struct making *m, const char *tree, bool as_root,
                                      struct att_diag *diag);
/* sha256sum(1) lines; rooted: names are relative to the gateway's root. */
ATT_MUST_USE enum att_err making_list(struct making *m, const char *path, bool rooted,
                                      struct att_diag *diag);
/* An own log (cli/refvals_own.c): the last state of each name that is there at its end. */
ATT_MUST_USE enum att_err making_own(struct making *m, const char *path, struct att_diag *diag);
ATT_MUST_USE enum att_err making_ima(struct making *m, const char *path, struct att_diag *diag);
ATT_MUST_USE enum att_err making_pcrs(struct making *m, const char *path, struct att_diag *diag);
ATT_MUST_USE enum att_err making_uefi(struct making *m, const char *path, struct att_diag *diag);
ATT_MUST_USE enum att_err making_cmdline(struct making *m, const char *path, struct att_diag *diag);
/* tar, cpio and initrd, zip, compressed or not; ext4 and squashfs images: by what they begin with. */
ATT_MUST_USE enum att_err making_image(struct making *m, const char *path, struct att_diag *diag);
ATT_MUST_USE enum att_err making_deb(struct making *m, const char *path, struct att_diag *diag);
/* The same of a descriptor at its start. */
ATT_MUST_USE enum att_err making_deb_fd(struct making *m, int fd, struct att_diag *diag);
/* What a compressed text holds; at most MAKING_TEXT_MAX bytes. *out is the caller's. */
ATT_MUST_USE enum att_err making_text_fd(struct att_buf **out, struct making *m, int fd,
                                         struct att_diag *diag);

#endif
