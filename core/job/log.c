// SPDX-License-Identifier: Apache-2.0
// Writing logs: streams cut into lines, lines put into files that rotate once. Bytes are kept as they came, escape
// sequences too; making them safe is the reader's business. A full disk costs lines, never the job.
#include "core/job/job_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PENDING_BYTES = 256 << 10 };

static enum sw_code open_file(struct sw_job_log *log, struct sw_err *err)
{
    log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;
    if (log->fd < 0 || fstat(log->fd, &st) != 0) {
        enum sw_code code = sw_err_errno(err, errno, "cannot open the log %s", log->path);
        if (log->fd >= 0)
            close(log->fd);
        log->fd = -1;
        return code;
    }
    log->size_bytes = st.st_size;
    return SW_OK;
}

enum sw_code sw_job_log_open(struct sw_job_log *log, const char *path, int64_t max_bytes, struct sw_err *err)
{
    *log = (struct sw_job_log){.fd = -1, .max_bytes = max_bytes};
    snprintf(log->path, sizeof(log->path), "%s", path);
    sw_buf_init(&log->pending, PENDING_BYTES + 2 * SW_JOB_LINE_BYTES);
    return open_file(log, err);
}

static void rotate(struct sw_job_log *log)
{
    char old[SW_PATH_MAX + 2];
    struct sw_err err = {0};
    snprintf(old, sizeof(old), "%s.1", log->path);
    if (rename(log->path, old) != 0)
        return; // keeps growing; losing lines would be worse
    int previous = log->fd;
    if (open_file(log, &err) != SW_OK)
        log->fd = previous; // goes on in the renamed file
    else
        close(previous);
}

// True when all was written. A short write is cut off again, so that the next line does not join half a line.
static bool write_whole(struct sw_job_log *log, const char *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = write(log->fd, bytes + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (done > 0 && ftruncate(log->fd, log->size_bytes) != 0)
                log->size_bytes += (int64_t)done;
            return false;
        }
        done += (size_t)n;
    }
    log->size_bytes += (int64_t)done;
    return true;
}

static bool tell_lost_lines(struct sw_job_log *log)
{
    char note[96];
    int len = snprintf(note, sizeof(note), SW_JOB_NOTE_PREFIX "%" PRId64 " lines could not be written here\n",
                       log->lost_lines);
    if (!write_whole(log, note, (size_t)len))
        return false;
    log->lost_lines = 0;
    return true;
}

void sw_job_log_flush(struct sw_job_log *log)
{
    if (log->fd < 0 || log->pending.len == 0)
        return;
    if (log->size_bytes > 0 && log->size_bytes + (int64_t)log->pending.len > log->max_bytes)
        rotate(log);
    if ((log->lost_lines > 0 && !tell_lost_lines(log)) || !write_whole(log, log->pending.data, log->pending.len)) {
        for (size_t i = 0; i < log->pending.len; i++)
            log->lost_lines += log->pending.data[i] == '\n';
    }
    sw_buf_clear(&log->pending);
}

void sw_job_log_line(struct sw_job_log *log, const char *prefix, const char *line, size_t len)
{
    if (log->pending.len + len + 64 > PENDING_BYTES)
        sw_job_log_flush(log);
    sw_buf_adds(&log->pending, prefix);
    sw_buf_add(&log->pending, line, len);
    sw_buf_addc(&log->pending, '\n');
}

void sw_job_log_close(struct sw_job_log *log)
{
    sw_job_log_flush(log);
    if (log->fd > 0)
        close(log->fd);
    sw_buf_free(&log->pending);
    log->fd = -1;
}

void sw_job_lines_init(struct sw_job_lines *l, size_t max, sw_job_line_fn on_line, sw_job_line_fn on_state, void *ctx)
{
    *l = (struct sw_job_lines){.max = max, .on_line = on_line, .on_state = on_state, .ctx = ctx};
    sw_buf_init(&l->line, max + 64);
}

static void start_anew(struct sw_job_lines *l)
{
    sw_buf_clear(&l->line);
    l->cut_bytes = 0;
    l->has_return = false;
}

static void emit(struct sw_job_lines *l)
{
    if (l->cut_bytes > 0)
        sw_buf_addf(&l->line, " [%" PRId64 " more bytes]", l->cut_bytes);
    l->on_line(l->ctx, l->line.data, l->line.len);
    start_anew(l);
}

static void add_text(struct sw_job_lines *l, const char *bytes, size_t len)
{
    if (l->has_return) { // something follows the return: the state so far is passed over
        if (l->on_state && l->line.len > 0)
            l->on_state(l->ctx, l->line.data, l->line.len);
        start_anew(l);
    }
    size_t room = l->max - l->line.len;
    size_t kept = len < room ? len : room;
    sw_buf_add(&l->line, bytes, kept);
    l->cut_bytes += (int64_t)(len - kept);
}

void sw_job_lines_feed(struct sw_job_lines *l, const char *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t text = 0;
        while (at + text < len && bytes[at + text] != '\n' && bytes[at + text] != '\r')
            text++;
        if (text > 0)
            add_text(l, bytes + at, text);
        at += text;
        if (at == len)
            break;
        if (bytes[at++] == '\n')
            emit(l);
        else
            l->has_return = true; // "\r\n" ends a line, "\r" alone starts it anew
    }
}

void sw_job_lines_end(struct sw_job_lines *l)
{
    if (l->line.len > 0 || l->cut_bytes > 0)
        emit(l);
}

void sw_job_lines_free(struct sw_job_lines *l)
{
    sw_buf_free(&l->line);
}
