/* Names and digests out of file system images: ext2 to ext4 through libext2fs, squashfs through libsquashfs. */
#include <ext2fs/ext2fs.h>
#include <sqfs/compressor.h>
#include <sqfs/data_reader.h>
#include <sqfs/dir_reader.h>
#include <sqfs/error.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/super.h>
#include <stdlib.h>
#include <string.h>

#include "unpack/box.h"

#define FOLDERS_MAX 1000000
#define READ_CHUNK  131072

static enum att_err refuse(struct att_diag *diag, const char *at, const char *what)
{
    char shown[128];

    return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_ARCHIVE, "image", "%s: %s",
                    att_escape(shown, sizeof(shown), at, strlen(at)), what);
}

/* A path that grows and shrinks with the folders that are entered. */
struct path {
    char text[UNPACK_NAME_ROOM];
    size_t len;
};

static bool path_push(struct path *p, const char *name, size_t len)
{
    if (p->len + 1 + len >= UNPACK_NAME_MAX || len == 0 || memchr(name, '/', len) != NULL ||
        memchr(name, 0, len) != NULL) {
        return false;
    }
    p->text[p->len] = '/';
    memcpy(p->text + p->len + 1, name, len);
    p->len += 1 + len;
    p->text[p->len] = '\0';
    return true;
}

static void path_pop(struct path *p, size_t len)
{
    p->len = len;
    p->text[len] = '\0';
}

/* ---- ext2, ext3, ext4 ---- */

/* A folder that is still to be read. */
struct folder {
    ext2_ino_t ino;
    char *path;
};

struct ext {
    struct box *b;
    struct att_diag *diag;
    ext2_filsys fs;
    ext2fs_inode_bitmap met; /* folders: one that is met twice is damage, and would never end */
    struct folder *folder;
    size_t folders, room;
    struct path at;
    uint8_t *chunk;
    enum att_err err;
};

static enum att_err ext_hash(struct ext *x, ext2_ino_t ino, uint8_t digest[32])
{
    ext2_file_t file = NULL;
    enum att_err err = att_hasher_start(x->b->hasher, ATT_HASH_SHA256);

    if (err != ATT_OK || ext2fs_file_open(x->fs, ino, 0, &file) != 0) {
        return err != ATT_OK ? err : refuse(x->diag, x->at.text, "cannot be read");
    }
    while (err == ATT_OK) {
        unsigned int got = 0;

        if (ext2fs_file_read(file, x->chunk, READ_CHUNK, &got) != 0) {
            err = refuse(x->diag, x->at.text, "its blocks are damaged");
        }
        if (err != ATT_OK || got == 0) {
            break;
        }
        err = box_more(x->b, got, x->diag);
        err = err == ATT_OK ? att_hasher_add(x->b->hasher, x->chunk, got) : err;
    }
    (void)ext2fs_file_close(file);
    return err == ATT_OK ? att_hasher_finish(x->b->hasher, digest) : err;
}

/* A short target stands in the inode, a longer one in a block; inline data in either. */
static enum att_err ext_link(struct ext *x, ext2_ino_t ino, struct ext2_inode *inode)
{
    char target[4096];
    uint64_t size = EXT2_I_SIZE(inode);
    ext2_file_t file = NULL;
    unsigned int got = 0;
    errcode_t bad = 0;

    if (size == 0 || size >= sizeof(target)) {
        return refuse(x->diag, x->at.text, "a link of an impossible length");
    }
    if (ext2fs_is_fast_symlink(inode) != 0) {
        memcpy(target, inode->i_block, size < sizeof(inode->i_block) ? size : 0);
        got = size < sizeof(inode->i_block) ? (unsigned int)size : 0;
    } else {
        bad = ext2fs_file_open2(x->fs, ino, inode, 0, &file);
        bad = bad == 0 ? ext2fs_file_read(file, target, (unsigned int)size, &got) : bad;
        if (file != NULL) {
            (void)ext2fs_file_close(file);
        }
    }
    if (bad != 0 || got != size) {
        return refuse(x->diag, x->at.text, "its target cannot be read");
    }
    target[size] = '\0';
    return box_link(x->b, x->at.text, target);
}

static enum att_err ext_later(struct ext *x, ext2_ino_t ino)
{
    struct folder *more = x->folder;

    if (ext2fs_test_inode_bitmap2(x->met, ino) != 0 || x->folders >= FOLDERS_MAX) {
        return refuse(x->diag, x->at.text, "a folder that is met twice, or too many of them");
    }
    ext2fs_mark_inode_bitmap2(x->met, ino);
    if (x->folders == x->room) {
        x->room = x->room == 0 ? 256 : x->room * 2;
        more = reallocarray(x->folder, x->room, sizeof(*more));
    }
    if (more == NULL) {
        return ATT_E_NOMEM;
    }
    x->folder = more;
    more[x->folders] = (struct folder){ino, strdup(x->at.text)};
    return more[x->folders++].path == NULL ? ATT_E_NOMEM : ATT_OK;
}

static enum att_err ext_inode(struct ext *x, ext2_ino_t ino)
{
    struct ext2_inode inode;
    uint8_t digest[32];
    enum att_err err = ATT_OK;

    if (ext2fs_read_inode(x->fs, ino, &inode) != 0) {
        return refuse(x->diag, x->at.text, "its inode is damaged");
    }
    if (LINUX_S_ISDIR(inode.i_mode)) {
        return ext_later(x, ino);
    }
    if (LINUX_S_ISLNK(inode.i_mode)) {
        return ext_link(x, ino, &inode);
    }
    if (!LINUX_S_ISREG(inode.i_mode)) {
        return ATT_OK;
    }
    err = ext_hash(x, ino, digest);
    return err == ATT_OK ? box_file(x->b, x->at.text, digest) : err;
}

static int ext_entry(struct ext2_dir_entry *entry, int offset, int blocksize, char *buf, void *ctx)
{
    struct ext *x = ctx;
    size_t len = (size_t)ext2fs_dirent_name_len(entry);
    size_t before = x->at.len;
    bool dot = (len == 1 && entry->name[0] == '.') ||
               (len == 2 && entry->name[0] == '.' && entry->name[1] == '.');

    (void)offset;
    (void)blocksize;
    (void)buf;
    if (dot || entry->inode == 0) {
        return 0;
    }
    if (!path_push(&x->at, entry->name, len)) {
        x->err = refuse(x->diag, x->at.text, "a name in it is not possible");
        return DIRENT_ABORT;
    }
    x->err = ext_inode(x, entry->inode);
    path_pop(&x->at, before);
    return x->err == ATT_OK ? 0 : DIRENT_ABORT;
}

/* The last folder of the list, until there is none. */
static void ext_folders(struct ext *x)
{
    while (x->err == ATT_OK && x->folders > 0) {
        struct folder f = x->folder[--x->folders];

        x->at.len = strlen(f.path);
        memcpy(x->at.text, f.path, x->at.len + 1);
        free(f.path);
        if (ext2fs_dir_iterate(x->fs, f.ino, 0, NULL, ext_entry, x) != 0 && x->err == ATT_OK) {
            x->err = refuse(x->diag, x->at.text, "the folder is damaged");
        }
    }
}

static void ext_close(struct ext *x)
{
    while (x->folders > 0) {
        free(x->folder[--x->folders].path);
    }
    free(x->folder);
    free(x->chunk);
    if (x->met != NULL) {
        ext2fs_free_inode_bitmap(x->met);
    }
    if (x->fs != NULL) {
        ext2fs_free(x->fs);
    }
}

enum att_err read_ext(struct box *b, struct att_diag *diag)
{
    ATT_CLEANUP(ext_close) struct ext x = {.b = b, .diag = diag, .chunk = malloc(READ_CHUNK)};
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", b->fd);
    if (x.chunk == NULL) {
        return ATT_E_NOMEM;
    }
    if (ext2fs_open(path, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &x.fs) != 0) {
        return refuse(diag, "superblock", "not an ext2, ext3 or ext4 file system that is known");
    }
    if (ext2fs_allocate_inode_bitmap(x.fs, "folders", &x.met) != 0) {
        return ATT_E_NOMEM;
    }
    if (ext2fs_blocks_count(x.fs->super) > b->len / x.fs->blocksize) {
        return refuse(diag, "superblock", "the image ends before its file system does");
    }
    x.err = ext_later(&x, EXT2_ROOT_INO);
    ext_folders(&x);
    return x.err;
}

/* ---- squashfs ---- */

struct squash {
    struct box *b;
    struct att_diag *diag;
    sqfs_super_t super;
    sqfs_file_t *file;
    sqfs_compressor_t *unpacker;
    sqfs_id_table_t *ids;
    sqfs_dir_reader_t *folders;
    sqfs_data_reader_t *data;
    sqfs_tree_node_t *root;
    struct path at;
    uint8_t *chunk;
};

static enum att_err squash_file(struct squash *s, const sqfs_inode_generic_t *inode)
{
    uint64_t size = 0;
    uint64_t pos = 0;
    uint8_t digest[32];
    enum att_err err = att_hasher_start(s->b->hasher, ATT_HASH_SHA256);

    if (err != ATT_OK || sqfs_inode_get_file_size(inode, &size) != 0) {
        return err != ATT_OK ? err : refuse(s->diag, s->at.text, "its inode is damaged");
    }
    err = box_more(s->b, size, s->diag);
    while (err == ATT_OK && pos < size) {
        sqfs_u32 want = size - pos < READ_CHUNK ? (sqfs_u32)(size - pos) : READ_CHUNK;
        sqfs_s32 got = sqfs_data_reader_read(s->data, inode, pos, s->chunk, want);

        if (got <= 0) {
            return refuse(s->diag, s->at.text, "its blocks are damaged");
        }
        err = att_hasher_add(s->b->hasher, s->chunk, (size_t)got);
        pos += (uint64_t)got;
    }
    err = err == ATT_OK ? att_hasher_finish(s->b->hasher, digest) : err;
    return err == ATT_OK ? box_file(s->b, s->at.text, digest) : err;
}

static enum att_err squash_link(struct squash *s, const sqfs_inode_generic_t *inode)
{
    size_t len = inode->base.type == SQFS_INODE_SLINK ? inode->data.slink.target_size
                                                      : inode->data.slink_ext.target_size;
    char target[4096];

    if (len == 0 || len >= sizeof(target) || len > inode->payload_bytes_used) {
        return refuse(s->diag, s->at.text, "a link of an impossible length");
    }
    memcpy(target, inode->extra, len);
    target[len] = '\0';
    return box_link(s->b, s->at.text, target);
}

static enum att_err squash_node(struct squash *s, const sqfs_tree_node_t *n)
{
    switch (n->inode->base.type) {
    case SQFS_INODE_FILE:
    case SQFS_INODE_EXT_FILE:
        return squash_file(s, n->inode);
    case SQFS_INODE_SLINK:
    case SQFS_INODE_EXT_SLINK:
        return squash_link(s, n->inode);
    default:
        return ATT_OK;
    }
}

/* The node after n in the tree; the path follows. NULL at the end. */
static const sqfs_tree_node_t *squash_next(struct squash *s, const sqfs_tree_node_t *n)
{
    if (n->children != NULL) {
        return n->children;
    }
    while (n->parent != NULL) {
        path_pop(&s->at, s->at.len - strlen((const char *)n->name) - 1);
        if (n->next != NULL) {
            return n->next;
        }
        n = n->parent;
    }
    return NULL;
}

static enum att_err squash_tree(struct squash *s, const sqfs_tree_node_t *root)
{
    const sqfs_tree_node_t *n = squash_next(s, root);
    enum att_err err = ATT_OK;

    while (err == ATT_OK && n != NULL) {
        const char *name = (const char *)n->name;

        if (!path_push(&s->at, name, strlen(name))) {
            return refuse(s->diag, s->at.text, "a name in it is not possible");
        }
        err = squash_node(s, n);
        n = squash_next(s, n);
    }
    return err;
}

static bool squash_open(struct squash *s)
{
    sqfs_compressor_config_t cfg;
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", s->b->fd);
    s->file = sqfs_open_file(path, SQFS_FILE_OPEN_READ_ONLY);
    if (s->file == NULL || sqfs_super_read(&s->super, s->file) != 0 ||
        sqfs_compressor_config_init(&cfg, s->super.compression_id, s->super.block_size,
                                    SQFS_COMP_FLAG_UNCOMPRESS) != 0 ||
        sqfs_compressor_create(&cfg, &s->unpacker) != 0) {
        return false;
    }
    s->ids = sqfs_id_table_create(0);
    if (s->ids == NULL || sqfs_id_table_read(s->ids, s->file, &s->super, s->unpacker) != 0) {
        return false;
    }
    s->folders = sqfs_dir_reader_create(&s->super, s->unpacker, s->file, 0);
    s->data = sqfs_data_reader_create(s->file, s->super.block_size, s->unpacker, 0);
    s->chunk = malloc(READ_CHUNK);
    return s->folders != NULL && s->data != NULL && s->chunk != NULL &&
           sqfs_data_reader_load_fragment_table(s->data, &s->super) == 0;
}

static void squash_close(struct squash *s)
{
    void *const objects[] = {s->data, s->folders, s->ids, s->unpacker, s->file};

    sqfs_dir_tree_destroy(s->root);
    for (size_t i = 0; i < ATT_COUNT(objects); i++) {
        if (objects[i] != NULL) {
            sqfs_destroy(objects[i]);
        }
    }
    free(s->chunk);
}

enum att_err read_squashfs(struct box *b, struct att_diag *diag)
{
    ATT_CLEANUP(squash_close) struct squash s = {.b = b, .diag = diag};

    if (!squash_open(&s) || s.super.bytes_used > b->len ||
        sqfs_dir_reader_get_full_hierarchy(s.folders, s.ids, NULL, 0, &s.root) != 0) {
        return refuse(diag, "superblock", "damaged, or packed in a way that is not known");
    }
    return squash_tree(&s, s.root);
}
