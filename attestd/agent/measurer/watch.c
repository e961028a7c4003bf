/* One inotify descriptor, one watch a folder. */
#include "agent/measurer/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EVENTS                                                                                     \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |            \
     IN_DELETE_SELF | IN_MOVE_SELF)
#define READ_LEN 4096

struct watch {
    int fd;
};

enum att_err watch_new(struct watch **out)
{
    struct watch *w = calloc(1, sizeof(*w));

    if (w == NULL) {
        return ATT_E_NOMEM;
    }
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0) {
        free(w);
        return ATT_E_IO;
    }
    *out = w;
    return ATT_OK;
}

void watch_free(struct watch *w)
{
    if (w != NULL) {
        (void)close(w->fd);
        free(w);
    }
}

void watch_freep(struct watch **w)
{
    watch_free(*w);
    *w = NULL;
}

int watch_fd(const struct watch *w)
{
    return w->fd;
}

/* The folder of a row's path; false when there is none. A configuration value is "file#key", a specification no path. */
static bool folder_of(char *out, size_t cap, const struct table_row *row)
{
    const uint8_t *slash = memrchr(row->name, '/', row->name_len);
    size_t len = slash == NULL ? 0 : (size_t)(slash - row->name);

    if (slash == NULL || row->name[0] != '/' || len + 2 > cap) {
        return false;
    }
    memcpy(out, row->name, len);
    out[len] = '\0';
    if (len == 0) {
        strcpy(out, "/");
    }
    return true;
}

bool watch_table(struct watch *w, const struct table *t)
{
    char last[PATH_MAX] = "";
    char folder[PATH_MAX];
    bool all = true;

    /* rows are sorted, so a folder's rows mostly stand together */
    for (size_t i = 0; i < table_count(t) && all; i++) {
        if (!folder_of(folder, sizeof(folder), table_at(t, i)) || strcmp(folder, last) == 0) {
            continue;
        }
        memcpy(last, folder, sizeof(last));
        if (inotify_add_watch(w->fd, folder, EVENTS | IN_ONLYDIR | IN_EXCL_UNLINK) < 0) {
            all = errno != ENOSPC && errno != ENOMEM;
        }
    }
    return all;
}

bool watch_drain(struct watch *w)
{
    uint8_t events[READ_LEN] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool any = false;

    while (read(w->fd, events, sizeof(events)) > 0) {
        any = true;
    }
    return any;
}
