// SPDX-License-Identifier: Apache-2.0
#include "core/model/staging.h"

#include "core/base/hash.h"
#include "core/base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX ".staging-"

// ".staging-PID-TICKS-RANDOM" of a process that no longer lives.
static bool is_orphan(const char *name)
{
    int pid = 0;
    int64_t ticks = 0;
    return sscanf(name, PREFIX "%d-%" SCNd64 "-", &pid, &ticks) == 2 && pid > 0 && !sw_proc_is_alive(pid, ticks);
}

// Best effort: what cannot be removed now stays for the next one and harms nobody.
static void remove_orphans(const char *parent)
{
    DIR *dir = opendir(parent);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[SW_PATH_MAX];
        if (is_orphan(entry->d_name) && sw_path_join(path, parent, entry->d_name, NULL) == SW_OK)
            (void)sw_path_remove_tree(path, NULL);
    }
    closedir(dir);
}

enum sw_code sw_staging_make(const char *parent, char out[static SW_PATH_MAX], struct sw_err *err)
{
    enum sw_code code = sw_path_make_dirs(parent, err);
    if (code != SW_OK)
        return code;
    remove_orphans(parent);
    int64_t ticks = 0;
    char random[33];
    code = sw_proc_start_ticks(getpid(), &ticks, err);
    if (code == SW_OK)
        code = sw_random_id(random, err);
    if (code != SW_OK)
        return code;
    char name[128], path[SW_PATH_MAX];
    snprintf(name, sizeof name, PREFIX "%d-%" PRId64 "-%.8s", getpid(), ticks, random);
    code = sw_path_join(path, parent, name, err);
    if (code != SW_OK)
        return code;
    if (mkdir(path, 0700) != 0)
        return sw_err_errno(err, errno, "making the folder '%s'", path);
    memcpy(out, path, SW_PATH_MAX);
    return SW_OK;
}
