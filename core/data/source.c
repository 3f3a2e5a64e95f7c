// SPDX-License-Identifier: Apache-2.0
// Plain files are read in place by pread(): a mapping would turn a file that shrinks under us into SIGBUS. The gzip
// stream is driven through inflate() and not gzread(), which ignores what follows the stream and hides how far it got.
#include "core/data/source_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "core/base/failpoint.h"
#include "core/base/file.h"
#include "core/base/path.h"

enum { PACKED_BLOCK = 64 * 1024, UNPACKED_BLOCK = 256 * 1024 };
static const int64_t default_max_unpacked = (int64_t)64 << 30;
// deflate cannot do better than 1032:1 (zlib's technical notes); a little room for the container's own bytes.
static const int64_t deflate_max_ratio = 1032;
static const int64_t deflate_slack_bytes = 4096;

struct gzip {
    z_stream z;
    bool is_ready;   // inflateInit2() succeeded
    bool is_between; // a member has ended, the next may begin
    bool is_done;
    int spool;             // unlinked file with the bytes unpacked so far
    int64_t packed_read;   // bytes of the file given to inflate()
    int64_t unpacked;      // bytes in the spool
    struct sw_err failure; // sticky: the stream cannot be continued after an error
    uint8_t in[PACKED_BLOCK];
    uint8_t out[UNPACKED_BLOCK];
};

struct sw_source {
    char *path;
    char *name;
    int fd;
    int64_t file_bytes;
    int64_t max_unpacked;
    int64_t stated_bytes; // -1: the format states no size
    struct gzip *gzip;    // NULL for a plain file
};

static enum sw_code read_at(const struct sw_source *s, int fd, int64_t offset, void *dst, size_t len, size_t *got,
                            struct sw_err *err)
{
    size_t have = 0;
    while (have < len) {
        ssize_t n = pread(fd, (char *)dst + have, len - have, (off_t)(offset + (int64_t)have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sw_err_errno(err, errno, "%s: reading at byte %lld", s->path, (long long)offset);
        if (n == 0)
            break;
        have += (size_t)n;
    }
    *got = have;
    return SW_OK;
}

// A place for unpacked bytes: a nameless file on disk, else anonymous memory when no folder takes one.
static int spool_open(void)
{
    const char *folders[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (folders[i] == NULL || folders[i][0] != '/')
            continue;
        int fd = open(folders[i], O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0)
            return fd;
    }
    return memfd_create("slipway-unpacked", MFD_CLOEXEC);
}

static enum sw_code gzip_new(struct sw_source *s, struct sw_err *err)
{
    struct gzip *g = calloc(1, sizeof *g);
    if (g == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", s->path);
    s->gzip = g;
    g->spool = spool_open();
    if (g->spool < 0)
        return sw_err_errno(err, errno, "no place to unpack %s", s->path);
    if (inflateInit2(&g->z, 15 + 16) != Z_OK) // 16: a gzip header is required
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", s->path);
    g->is_ready = true;
    return SW_OK;
}

static bool starts_as_gzip(const uint8_t *head, size_t len)
{
    return len >= 2 && head[0] == 0x1f && head[1] == 0x8b;
}

static enum sw_code open_file(struct sw_source *s, struct sw_err *err)
{
    s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (s->fd < 0)
        return sw_err_errno(err, errno, "%s", s->path);
    struct stat st;
    if (fstat(s->fd, &st) < 0)
        return sw_err_errno(err, errno, "%s", s->path);
    if (!S_ISREG(st.st_mode)) {
        (void)sw_err_set(err, SW_UNSUPPORTED, "%s is not a regular file", s->path);
        return sw_err_hint(err, "save the data to a file first: rows are read in any order");
    }
    s->file_bytes = st.st_size;
    uint8_t head[2];
    size_t got = 0;
    enum sw_code code = read_at(s, s->fd, 0, head, sizeof head, &got, err);
    if (code == SW_OK && starts_as_gzip(head, got))
        code = gzip_new(s, err);
    return code;
}

enum sw_code sw_source_open(const char *path, int64_t max_unpacked_bytes, struct sw_source **out, struct sw_err *err)
{
    struct sw_source *s = calloc(1, sizeof *s);
    if (s == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", path);
    s->fd = -1;
    s->stated_bytes = -1;
    s->max_unpacked = max_unpacked_bytes > 0 ? max_unpacked_bytes : default_max_unpacked;
    s->path = strdup(path);
    s->name = strdup(sw_path_base(path));
    enum sw_code code = SW_OK;
    if (s->path == NULL || s->name == NULL)
        code = sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", path);
    if (code == SW_OK)
        code = open_file(s, err);
    if (code != SW_OK) {
        sw_source_free(s);
        return code;
    }
    size_t len = strlen(s->name);
    if (s->gzip != NULL && len > 3 && strcmp(s->name + len - 3, ".gz") == 0)
        s->name[len - 3] = '\0';
    *out = s;
    return SW_OK;
}

void sw_source_free(struct sw_source *s)
{
    if (s == NULL)
        return;
    if (s->gzip != NULL) {
        if (s->gzip->is_ready)
            inflateEnd(&s->gzip->z);
        if (s->gzip->spool >= 0)
            close(s->gzip->spool);
        free(s->gzip);
    }
    if (s->fd >= 0)
        close(s->fd);
    free(s->path);
    free(s->name);
    free(s);
}

const char *sw_source_path(const struct sw_source *s)
{
    return s->path;
}

const char *sw_source_name(const struct sw_source *s)
{
    return s->name;
}

static enum sw_code truncated(struct sw_source *s, int64_t have, struct sw_err *err)
{
    (void)sw_err_set(err, SW_INVALID, "%s is cut short: its header states %lld bytes, it holds %lld", s->path,
                     (long long)s->stated_bytes, (long long)have);
    return sw_err_hint(err, "fetch the file again, or check where it was written");
}

static enum sw_code too_long(struct sw_source *s, struct sw_err *err)
{
    (void)sw_err_set(err, SW_INVALID, "%s goes on after the %lld bytes that its header states", s->path,
                     (long long)s->stated_bytes);
    return sw_err_hint(err, "the header or the file is damaged: fetch the file again");
}

// Fills the input buffer; at the end of the file says whether the stream was complete.
static enum sw_code gzip_fill(struct sw_source *s, struct sw_err *err)
{
    struct gzip *g = s->gzip;
    size_t got = 0;
    enum sw_code code = read_at(s, s->fd, g->packed_read, g->in, sizeof g->in, &got, err);
    if (code != SW_OK)
        return code;
    g->packed_read += (int64_t)got;
    g->z.next_in = g->in;
    g->z.avail_in = (uInt)got;
    if (got > 0)
        return SW_OK;
    if (!g->is_between) {
        (void)sw_err_set(err, SW_INVALID,
                         "%s is cut short: the gzip stream does not end before byte %lld, where the file does", s->path,
                         (long long)g->packed_read);
        return sw_err_hint(err, "fetch the file again, or check where it was written");
    }
    g->is_done = true;
    if (s->stated_bytes >= 0 && g->unpacked < s->stated_bytes)
        return truncated(s, g->unpacked, err);
    return SW_OK;
}

// After a member: either another member begins here or the file is not what it says.
static enum sw_code gzip_next_member(struct sw_source *s, struct sw_err *err)
{
    struct gzip *g = s->gzip;
    if (*g->z.next_in != 0x1f) {
        (void)sw_err_set(err, SW_INVALID, "%s has other data after its gzip stream, from byte %lld", s->path,
                         (long long)(g->packed_read - g->z.avail_in));
        return sw_err_hint(err, "the file is damaged or two files were joined: fetch it again");
    }
    if (inflateReset(&g->z) != Z_OK)
        return sw_err_set(err, SW_FAILED, "%s: the gzip stream cannot be continued", s->path);
    g->is_between = false;
    return SW_OK;
}

static enum sw_code gzip_spool(struct sw_source *s, size_t len, struct sw_err *err)
{
    struct gzip *g = s->gzip;
    int64_t total = g->unpacked + (int64_t)len;
    if (s->stated_bytes >= 0 && total > s->stated_bytes)
        return too_long(s, err);
    if (total > s->max_unpacked) {
        (void)sw_err_set(err, SW_LIMIT, "%s unpacks to more than %lld bytes", s->path, (long long)s->max_unpacked);
        return sw_err_hint(err, "if that is intended, unpack it with gunzip and open the plain file");
    }
    int injected = sw_failpoint("data.spool");
    enum sw_code code = injected != 0 ? sw_err_errno(err, injected, "writing the unpacked copy")
                                      : sw_fd_write_all(g->spool, g->out, len, "the unpacked copy", err);
    if (code != SW_OK) {
        (void)sw_err_wrap(err, "%s", s->path);
        return sw_err_hint(err, "point TMPDIR at a folder with more room, or unpack the file with gunzip");
    }
    g->unpacked = total;
    return SW_OK;
}

static enum sw_code gzip_step(struct sw_source *s, struct sw_err *err)
{
    struct gzip *g = s->gzip;
    enum sw_code code = SW_OK;
    if (g->z.avail_in == 0)
        code = gzip_fill(s, err);
    if (code != SW_OK || g->is_done)
        return code;
    if (g->is_between && (code = gzip_next_member(s, err)) != SW_OK)
        return code;
    g->z.next_out = g->out;
    g->z.avail_out = sizeof g->out;
    int rc = inflate(&g->z, Z_NO_FLUSH);
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
        (void)sw_err_set(err, SW_INVALID, "%s: damaged gzip data near byte %lld (%s)", s->path,
                         (long long)(g->packed_read - g->z.avail_in), g->z.msg != NULL ? g->z.msg : "bad stream");
        return sw_err_hint(err, "fetch the file again; `gzip -t` tells the same");
    }
    g->is_between = rc == Z_STREAM_END;
    return gzip_spool(s, sizeof g->out - g->z.avail_out, err);
}

// Unpacks until `target` bytes are there or the data ends.
static enum sw_code gzip_reach(struct sw_source *s, int64_t target, struct sw_err *err)
{
    struct gzip *g = s->gzip;
    while (!g->is_done && g->unpacked < target) {
        if (g->failure.code != SW_OK) {
            if (err != NULL)
                *err = g->failure;
            return g->failure.code;
        }
        enum sw_code code = gzip_step(s, &g->failure);
        if (code != SW_OK) {
            g->is_done = false;
            g->failure.code = code;
        }
    }
    return SW_OK;
}

enum sw_code sw_source_read(struct sw_source *s, int64_t offset, void *dst, size_t len, size_t *got, struct sw_err *err)
{
    if (s->gzip != NULL) {
        enum sw_code code = gzip_reach(s, offset + (int64_t)len, err);
        // What was unpacked before the damage can still be looked at.
        if (code != SW_OK && s->gzip->unpacked < offset + (int64_t)len)
            return code;
        return read_at(s, s->gzip->spool, offset, dst, len, got, err);
    }
    size_t have = 0;
    enum sw_code code = read_at(s, s->fd, offset, dst, len, &have, err);
    if (code != SW_OK)
        return code;
    if (have < len && offset + (int64_t)have < s->file_bytes) {
        (void)sw_err_set(err, SW_INVALID, "%s became shorter while it was read", s->path);
        return sw_err_hint(err, "open it again once nothing writes to it");
    }
    *got = have;
    return SW_OK;
}

enum sw_code sw_source_state_size(struct sw_source *s, int64_t bytes, struct sw_err *err)
{
    s->stated_bytes = bytes;
    if (s->gzip == NULL) {
        if (s->file_bytes < bytes)
            return truncated(s, s->file_bytes, err);
        return s->file_bytes > bytes ? too_long(s, err) : SW_OK;
    }
    if ((bytes - deflate_slack_bytes) / deflate_max_ratio > s->file_bytes) {
        (void)sw_err_set(err, SW_INVALID,
                         "%s states %lld bytes in its header, more than a gzip file of %lld bytes can hold", s->path,
                         (long long)bytes, (long long)s->file_bytes);
        return sw_err_hint(err, "the file is damaged or cut short: fetch it again");
    }
    if (bytes > s->max_unpacked) {
        (void)sw_err_set(err, SW_LIMIT, "%s unpacks to %lld bytes, the limit is %lld", s->path, (long long)bytes,
                         (long long)s->max_unpacked);
        return sw_err_hint(err, "unpack it with gunzip and open the plain file");
    }
    // What was unpacked to read the header may already be too much, or all there is.
    if (s->gzip->unpacked > bytes)
        return too_long(s, err);
    return s->gzip->is_done && s->gzip->unpacked < bytes ? truncated(s, s->gzip->unpacked, err) : SW_OK;
}

enum sw_code sw_source_unpack(struct sw_source *s, int64_t bytes, bool *done, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    if (s->gzip != NULL)
        code = gzip_reach(s, s->gzip->unpacked + bytes, err);
    if (code == SW_OK)
        *done = s->gzip == NULL || s->gzip->is_done;
    return code;
}

int64_t sw_source_size(const struct sw_source *s, bool *is_exact)
{
    const struct gzip *g = s->gzip;
    *is_exact = g == NULL || g->is_done;
    if (g == NULL)
        return s->file_bytes;
    if (g->is_done || g->packed_read == 0)
        return g->unpacked;
    double ratio = (double)g->unpacked / (double)(g->packed_read - g->z.avail_in);
    return (int64_t)(ratio * (double)s->file_bytes);
}

double sw_source_unpacked(const struct sw_source *s)
{
    const struct gzip *g = s->gzip;
    if (g == NULL || g->is_done || s->file_bytes == 0)
        return 1.0;
    return (double)(g->packed_read - g->z.avail_in) / (double)s->file_bytes;
}
