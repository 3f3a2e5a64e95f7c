// SPDX-License-Identifier: Apache-2.0
// Reading logs that grow and rotate: the last lines, and what came since. A cursor remembers which file (by inode) it was
// in, so that a rotation between two reads loses nothing that is still on disk. Only whole lines are given.
#include "core/job/job_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 << 10 };

struct log_file {
    int fd; // -1 = there is none
    uint64_t inode;
    int64_t born_us, size;
};

static enum sw_code log_path(struct sw_store *s, int64_t job_id, int rank, char out[static SW_PATH_MAX],
                             struct sw_err *err)
{
    char name[32];
    snprintf(name, sizeof(name), "rank-%d.log", rank);
    return sw_job_path(sw_store_dir(s), job_id, rank == SW_JOB_LOG_ALL ? "all.log" : name, out, err);
}

static struct log_file open_log(const char *path, const char *suffix)
{
    char name[SW_PATH_MAX + 4];
    struct statx st;
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &st) == 0 && S_ISREG(st.stx_mode))
        return (struct log_file){
            .fd = fd,
            .inode = st.stx_ino,
            .born_us = st.stx_mask & STATX_BTIME ? st.stx_btime.tv_sec * 1000000 + st.stx_btime.tv_nsec / 1000 : 0,
            .size = (int64_t)st.stx_size};
    if (fd >= 0)
        close(fd);
    return (struct log_file){.fd = -1};
}

static bool is_at(const struct sw_job_log_cursor *cursor, const struct log_file *f)
{
    return f->fd >= 0 && cursor->inode == f->inode && cursor->born_us == f->born_us;
}

static void close_log(struct log_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

// Where the last `lines` lines of the file begin; *found says how many there are (at most `lines`).
static int64_t find_tail(const struct log_file *f, int lines, int *found)
{
    char *block = malloc(BLOCK);
    int64_t end = f->size, start = 0;
    *found = 0;
    // A newline before the end closes a line; the one at the very end closes the last.
    for (int64_t at = end; block && at > 0 && *found <= lines;) {
        int64_t from = at > BLOCK ? at - BLOCK : 0;
        ssize_t n = pread(f->fd, block, (size_t)(at - from), from);
        if (n != at - from)
            break;
        for (ssize_t i = n - 1; i >= 0; i--)
            if (block[i] == '\n' && ++*found > lines) {
                start = from + i + 1;
                break;
            }
        at = from;
    }
    free(block);
    if (*found > lines)
        *found = lines;
    return start;
}

// Appends whole lines of [from, size) as far as there is room; returns the offset after them.
static int64_t append_lines(const struct log_file *f, int64_t from, struct sw_buf *out)
{
    char *block = malloc(BLOCK);
    int64_t at = from;
    while (block && at < f->size) {
        size_t room = out->max - out->len;
        size_t want = (size_t)(f->size - at < BLOCK ? f->size - at : BLOCK);
        ssize_t n = pread(f->fd, block, want < room ? want : room, at);
        const char *last = n > 0 ? memrchr(block, '\n', (size_t)n) : NULL;
        if (!last)
            break;
        size_t len = (size_t)(last - block) + 1;
        sw_buf_add(out, block, len);
        at += (int64_t)len;
    }
    free(block);
    return at;
}

// What does not fit is left out at the front: moves `from` past the first line break beyond it.
static int64_t skip_to_fit(const struct log_file *f, int64_t from, int64_t room)
{
    if (f->size - from <= room)
        return from;
    char c = '\0';
    int64_t at = f->size - room;
    while (at < f->size && c != '\n')
        if (pread(f->fd, &c, 1, at++) != 1)
            break;
    return at;
}

enum sw_code sw_job_log_tail(struct sw_store *s, int64_t job_id, int rank, int lines, struct sw_buf *out,
                             struct sw_job_log_cursor *cursor, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    enum sw_code code = log_path(s, job_id, rank, path, err);
    if (code)
        return code;
    struct log_file log = open_log(path, ""), old = open_log(path, ".1");
    if (log.fd < 0) {
        close_log(&old);
        if (rank == SW_JOB_LOG_ALL)
            return sw_err_set(err, SW_NOT_FOUND, "job %" PRId64 " has no log yet", job_id);
        return sw_err_set(err, SW_NOT_FOUND, "job %" PRId64 " has no log of rank %d", job_id, rank);
    }
    int found = 0, wanted = lines > 0 ? lines : INT32_MAX - 1, unused;
    int64_t from = find_tail(&log, wanted, &found);
    if (found < wanted && old.fd >= 0) {
        int64_t old_from = find_tail(&old, wanted - found, &unused);
        int64_t room = (int64_t)(out->max - out->len) - (log.size - from);
        if (room > 0)
            append_lines(&old, skip_to_fit(&old, old_from, room), out);
    }
    int64_t end = append_lines(&log, skip_to_fit(&log, from, (int64_t)(out->max - out->len)), out);
    if (cursor)
        *cursor = (struct sw_job_log_cursor){.inode = log.inode, .born_us = log.born_us, .offset = end};
    close_log(&log);
    close_log(&old);
    return sw_buf_check(out, "the log", err);
}

enum sw_code sw_job_log_follow(struct sw_store *s, int64_t job_id, int rank, struct sw_job_log_cursor *cursor,
                               struct sw_buf *out, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    enum sw_code code = log_path(s, job_id, rank, path, err);
    if (code)
        return code;
    struct log_file log = open_log(path, "");
    if (log.fd < 0)
        return SW_OK; // not begun yet, or between two names
    if (cursor->inode && !is_at(cursor, &log)) {
        struct log_file old = open_log(path, ".1");
        if (is_at(cursor, &old)) {
            cursor->offset = append_lines(&old, cursor->offset, out);
            if (cursor->offset < old.size) { // no room for the rest of it: next time
                close_log(&old);
                close_log(&log);
                return SW_OK;
            }
        } else {
            sw_buf_adds(out, SW_JOB_NOTE_PREFIX "some lines were rotated away before they were read\n");
        }
        close_log(&old);
        cursor->offset = 0;
    }
    if (cursor->offset > log.size) // cut by somebody
        cursor->offset = 0;
    cursor->inode = log.inode;
    cursor->born_us = log.born_us;
    cursor->offset = append_lines(&log, cursor->offset, out);
    close_log(&log);
    return sw_buf_check(out, "the log", err);
}
