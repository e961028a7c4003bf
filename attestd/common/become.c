/* Credentials are changed once and for good: credentials(7), capabilities(7). */
#include "common/become.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static enum att_err refuse(struct att_diag *diag, const char *dir, uid_t uid, const char *what)
{
    return att_fail(diag, ATT_E_DENIED, ATT_R_CFG_PERM, "folder",
                    "%s belongs to user %ld; root works in it as that user: %s", dir, (long)uid,
                    what);
}

static int keep_reading(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

    data[0].permitted = data[0].effective = 1U << CAP_DAC_READ_SEARCH;
    return (int)syscall(SYS_capset, &head, data);
}

enum att_err become_owner(const char *dir, bool read_all, struct att_diag *diag)
{
    const struct passwd *user = NULL;
    struct stat st;

    if (geteuid() != 0 || lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid == 0) {
        return ATT_OK;
    }
    user = getpwuid(st.st_uid);
    if (user == NULL) {
        return refuse(diag, dir, st.st_uid, "expected an account of it, found none");
    }
    if (prctl(PR_SET_KEEPCAPS, read_all ? 1 : 0, 0, 0, 0) != 0 ||
        initgroups(user->pw_name, user->pw_gid) != 0 ||
        setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
        setresuid(st.st_uid, st.st_uid, st.st_uid) != 0 || (read_all && keep_reading() != 0)) {
        return refuse(diag, dir, st.st_uid, strerror(errno));
    }
    return ATT_OK;
}

void become_last(void)
{
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}
