// SPDX-License-Identifier: Apache-2.0
// A file that grows, by polling: inotify would save a system call a second and misses what other machines write to a
// shared file system. The descriptor is kept, so that a file that is renamed away (rotation) is read to its end first.
#include "core/job/harvest_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void sw_job_follow_init(struct sw_job_follow *f, const char *path)
{
    *f = (struct sw_job_follow){.fd = -1};
    snprintf(f->path, sizeof(f->path), "%s", path);
}

void sw_job_follow_close(struct sw_job_follow *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

static enum sw_code open_file(struct sw_job_follow *f, struct sw_err *err)
{
    struct stat st;
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return SW_OK; // not there yet
    if (fd < 0 || fstat(fd, &st) != 0) {
        enum sw_code code = sw_err_errno(err, errno, "cannot read %s", f->path);
        if (fd >= 0)
            close(fd);
        return code;
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return sw_err_set(err, SW_INVALID, "%s is no regular file", f->path);
    }
    f->fd = fd;
    f->device = st.st_dev;
    f->inode = st.st_ino;
    f->offset = 0;
    f->tail_len = 0;
    return SW_OK;
}

static void remember(struct sw_job_follow *f)
{
    int64_t from = f->offset > SW_JOB_FOLLOW_TAIL ? f->offset - SW_JOB_FOLLOW_TAIL : 0;
    ssize_t n = pread(f->fd, f->tail, (size_t)(f->offset - from), from);
    f->tail_len = n > 0 ? (size_t)n : 0;
}

void sw_job_follow_skip(struct sw_job_follow *f)
{
    struct sw_err err = {0};
    struct stat st;
    if (open_file(f, &err) != SW_OK || f->fd < 0 || fstat(f->fd, &st) != 0)
        return; // told when it is read
    f->offset = st.st_size;
    remember(f);
}

// Was the file truncated, or overwritten from its beginning?
static bool was_written_anew(const struct sw_job_follow *f, int64_t size)
{
    char tail[SW_JOB_FOLLOW_TAIL];
    if (size < f->offset)
        return true;
    ssize_t n = pread(f->fd, tail, f->tail_len, f->offset - (int64_t)f->tail_len);
    return n != (ssize_t)f->tail_len || memcmp(tail, f->tail, f->tail_len) != 0;
}

static bool has_successor(const struct sw_job_follow *f)
{
    struct stat st;
    return stat(f->path, &st) == 0 && (st.st_ino != f->inode || st.st_dev != f->device);
}

enum sw_code sw_job_follow_read(struct sw_job_follow *f, void *block, size_t size, size_t *len, bool *is_anew,
                                struct sw_err *err)
{
    struct stat st;
    enum sw_code code = SW_OK;
    *len = 0;
    *is_anew = false;
    for (int files = 0; files < 2; files++) { // the one at hand, and the one that took its place
        if (f->fd < 0) {
            code = open_file(f, err);
            *is_anew = true;
        }
        if (code || f->fd < 0)
            return code;
        if (fstat(f->fd, &st) != 0)
            return sw_err_errno(err, errno, "cannot read %s", f->path);
        if (st.st_size != f->offset && was_written_anew(f, st.st_size)) {
            *is_anew = true;
            f->offset = 0;
            f->tail_len = 0;
        }
        ssize_t n = pread(f->fd, block, size, f->offset);
        if (n < 0)
            return sw_err_errno(err, errno, "cannot read %s", f->path);
        if (n > 0) {
            *len = (size_t)n;
            f->offset += n;
            remember(f);
            return SW_OK;
        }
        if (!has_successor(f))
            return SW_OK;
        sw_job_follow_close(f);
    }
    return SW_OK;
}
