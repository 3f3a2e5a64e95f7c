// SPDX-License-Identifier: Apache-2.0
// Files on their way. They collect in a folder of the same file system, so that taking the name is one rename: nobody
// reads half a file, a cut upload shows nowhere, and leftovers lie in one place. (A temporary name beside the target would
// show in lists of it, and unnamed files, O_TMPFILE, cannot replace a file that exists.)
#include "core/serve/artifact_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/failpoint.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/serve/artifact_uploads_private.h"

enum {
    FLUSH_BYTES = 8 << 20, // written back as they come, so that the last sync is short and no dirty gigabyte gathers
    NAME_TRIES = 4,        // against a cleaner that took the file between its making and its lock
    RENAME_TRIES = 4,      // against somebody who removes the target's folder meanwhile
    KEEP_MS = 24 * 60 * 60 * 1000,
};

struct sw_artifact_upload {
    int root; // borrow
    int folder, fd;
    char name[48];
    int64_t size, flushed;
};

enum sw_code sw_artifact_uploads_folder(int root, int *fd, struct sw_err *err)
{
    if (mkdirat(root, SW_ARTIFACT_UPLOADS, 0700) != 0 && errno != EEXIST)
        return sw_err_errno(err, errno, "cannot create the folder of uploads");
    int folder = openat(root, SW_ARTIFACT_UPLOADS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return sw_err_errno(err, errno, "cannot open the folder of uploads");
    *fd = folder;
    return SW_OK;
}

// A new locked file in u->folder. u->fd stays -1 when a cleaner was faster.
static enum sw_code make_file(struct sw_artifact_upload *u, struct sw_err *err)
{
    char id[33];
    struct stat st;
    enum sw_code code = sw_random_id(id, err);
    if (code != SW_OK)
        return code;
    snprintf(u->name, sizeof u->name, SW_ARTIFACT_PUT_PREFIX "%s", id);
    int fd = openat(u->folder, u->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return sw_err_errno(err, errno, "cannot create a file for an upload");
    if (flock(fd, LOCK_SH | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0)
        u->fd = fd;
    else
        close(fd);
    return SW_OK;
}

enum sw_code sw_artifact_upload_begin(int root, struct sw_artifact_upload **out, struct sw_err *err)
{
    struct sw_artifact_upload *u = calloc(1, sizeof *u);
    if (u == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for an upload");
    *u = (struct sw_artifact_upload){.root = root, .folder = -1, .fd = -1};
    enum sw_code code = sw_artifact_uploads_folder(root, &u->folder, err);
    for (int i = 0; code == SW_OK && u->fd < 0; i++)
        code = i < NAME_TRIES ? make_file(u, err) : sw_err_set(err, SW_BUSY, "the folder of uploads is being cleaned");
    if (code != SW_OK) {
        sw_artifact_upload_drop(u);
        return code;
    }
    *out = u;
    return SW_OK;
}

static void free_upload(struct sw_artifact_upload *u)
{
    if (u->fd >= 0)
        close(u->fd);
    if (u->folder >= 0)
        close(u->folder);
    free(u);
}

void sw_artifact_upload_drop(struct sw_artifact_upload *u)
{
    if (u == NULL)
        return;
    if (u->fd >= 0)
        unlinkat(u->folder, u->name, 0);
    free_upload(u);
}

enum sw_code sw_artifact_upload_add(struct sw_artifact_upload *u, const void *bytes, size_t len, struct sw_err *err)
{
    int failure = sw_failpoint("artifact.write");
    if (failure != 0)
        return sw_err_errno(err, failure, "cannot write the upload");
    enum sw_code code = sw_fd_write_all(u->fd, bytes, len, "the upload", err);
    if (code != SW_OK)
        return code;
    u->size += (int64_t)len;
    if (u->size - u->flushed >= FLUSH_BYTES) {
        (void)sync_file_range(u->fd, u->flushed, u->size - u->flushed, SYNC_FILE_RANGE_WRITE);
        u->flushed = u->size;
    }
    return SW_OK;
}

enum sw_code sw_artifact_upload_add_file(struct sw_artifact_upload *u, int fd, const char *what, struct sw_err *err)
{
    enum sw_code code = sw_fd_copy_rest(fd, u->fd, what, "the upload", err);
    struct stat st;
    if (code == SW_OK && fstat(u->fd, &st) == 0)
        u->size = st.st_size;
    return code;
}

int64_t sw_artifact_upload_size(const struct sw_artifact_upload *u)
{
    return u->size;
}

static enum sw_code take_name(struct sw_artifact_upload *u, int folder, const char *name, const char *shown,
                              struct sw_err *err)
{
    if (renameat(u->folder, u->name, folder, name) == 0)
        return SW_OK;
    if (errno == EISDIR || errno == ENOTDIR || errno == ENOTEMPTY || errno == EEXIST)
        return sw_err_set(err, SW_INVALID, "Artifact path refers to a directory, not a file: '%.300s'", shown);
    return sw_err_errno(err, errno, "cannot store the artifact '%.300s'", shown);
}

enum sw_code sw_artifact_upload_place(struct sw_artifact_upload *u, int base, const char *relative, struct sw_err *err)
{
    int failure = sw_failpoint("artifact.rename");
    enum sw_code code =
        failure != 0 ? sw_err_errno(err, failure, "cannot store the artifact '%.300s'", relative) : SW_OK;
    // Whole on the disk before it has its name, so that a power cut leaves the old file or the new one.
    if (code == SW_OK && fdatasync(u->fd) != 0)
        code = sw_err_errno(err, errno, "cannot write the artifact '%.300s'", relative);
    for (int i = 0; code == SW_OK || (code == SW_NOT_FOUND && i < RENAME_TRIES); i++) {
        int folder = -1;
        const char *name;
        code = sw_beneath_parent(base, relative, true, &folder, &name, err);
        if (code == SW_OK)
            code = take_name(u, folder, name, relative, err);
        if (folder >= 0)
            close(folder);
        if (code == SW_OK)
            break;
    }
    if (code == SW_OK)
        free_upload(u);
    return code;
}

enum sw_code sw_artifact_upload_finish(struct sw_artifact_upload *u, const struct sw_artifact_path *path,
                                       struct sw_err *err)
{
    return sw_artifact_upload_place(u, u->root, path->text, err);
}

// --- what nobody finishes ---

static void remove_if_dead(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(folder, name, 0);
    close(fd);
}

void sw_artifact_clean(int root, int64_t now_ms)
{
    struct sw_err err = {0};
    struct sw_beneath_entry *items = NULL;
    size_t count = 0;
    int folder = openat(root, SW_ARTIFACT_UPLOADS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct sw_arena *a = folder >= 0 ? sw_arena_new(64 << 20) : NULL;
    if (a != NULL && sw_beneath_list(folder, "", SW_ARTIFACT_ENTRIES, a, &items, &count, &err) != SW_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!items[i].stat.is_dir)
            remove_if_dead(folder, items[i].name);
        else if (now_ms - items[i].stat.modified_ms > KEEP_MS &&
                 sw_beneath_remove(folder, items[i].name, &err) != SW_OK)
            break;
    }
    sw_arena_free(a);
    if (folder >= 0)
        close(folder);
}
