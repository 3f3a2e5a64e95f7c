// SPDX-License-Identifier: Apache-2.0
// Uploads in parts. All state is in files, so parts may come to a server that was started after the upload began, and to
// several at once. A part's ETag is a random id in its name: it says which of several uploads of the same part is meant,
// which is all that the protocol asks of it.
#include "core/serve/artifact_uploads_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/hash.h"

enum { ABOUT_BYTES = SW_ARTIFACT_PATH + 16 };

// An upload that is open: its folder and what "about" says.
struct session {
    int folder;
    int part_count;
    char target[SW_ARTIFACT_PATH];
};

static bool is_id(const char *text)
{
    return strlen(text) == SW_ARTIFACT_ID - 1 && strspn(text, "0123456789abcdef") == SW_ARTIFACT_ID - 1;
}

static void folder_name(char out[static 48], const char *id)
{
    snprintf(out, 48, SW_ARTIFACT_MPU_PREFIX "%s", id);
}

static enum sw_code no_upload(struct sw_err *err)
{
    return sw_err_set(err, SW_NOT_FOUND, "there is no such multipart upload, or it was aborted or has expired");
}

enum sw_code sw_artifact_parts_create(int root, const struct sw_artifact_path *path, int count,
                                      char id[static SW_ARTIFACT_ID], struct sw_err *err)
{
    char name[48], about[ABOUT_BYTES], about_name[64];
    int uploads = -1;
    struct sw_artifact_upload *u = NULL;
    if (count < 1 || count > SW_ARTIFACT_PARTS)
        return sw_err_set(err, SW_INVALID, "a multipart upload has 1 to %d parts, not %d", SW_ARTIFACT_PARTS, count);
    enum sw_code code = sw_random_id(id, err);
    if (code == SW_OK)
        code = sw_artifact_uploads_folder(root, &uploads, err);
    if (code != SW_OK)
        return code;
    folder_name(name, id);
    snprintf(about_name, sizeof about_name, "%s/about", name);
    int len = snprintf(about, sizeof about, "%d %s", count, path->text);
    code = sw_artifact_upload_begin(root, &u, err);
    if (code == SW_OK)
        code = sw_artifact_upload_add(u, about, (size_t)len, err);
    if (code == SW_OK)
        code = sw_artifact_upload_place(u, uploads, about_name, err);
    if (code != SW_OK)
        sw_artifact_upload_drop(u);
    close(uploads);
    return code;
}

static enum sw_code read_about(struct session *s, struct sw_err *err)
{
    char about[ABOUT_BYTES];
    int fd = openat(s->folder, "about", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, about, sizeof about - 1) : -1;
    if (fd >= 0)
        close(fd);
    int target_at = 0;
    about[len > 0 ? len : 0] = '\0';
    if (len <= 0 || sscanf(about, "%d %n", &s->part_count, &target_at) != 1 || about[target_at] == '\0')
        return sw_err_set(err, SW_CORRUPT, "the record of a multipart upload is damaged");
    snprintf(s->target, sizeof s->target, "%s", about + target_at);
    return SW_OK;
}

static enum sw_code open_session(int root, const char *id, struct session *out, struct sw_err *err)
{
    char name[48];
    int uploads = -1;
    struct session s = {.folder = -1};
    if (!is_id(id))
        return no_upload(err);
    folder_name(name, id);
    enum sw_code code = sw_artifact_uploads_folder(root, &uploads, err);
    if (code != SW_OK)
        return code;
    s.folder = openat(uploads, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (s.folder < 0)
        code = errno == ENOENT ? no_upload(err) : sw_err_errno(err, errno, "cannot open a multipart upload");
    close(uploads);
    if (code == SW_OK)
        code = read_about(&s, err);
    if (code != SW_OK) {
        if (s.folder >= 0)
            close(s.folder);
        return code;
    }
    *out = s;
    return SW_OK;
}

// The session of `id`, when it is that of `path`.
static enum sw_code open_session_of(int root, const char *id, const struct sw_artifact_path *path, struct session *out,
                                    struct sw_err *err)
{
    struct session s = {.folder = -1};
    enum sw_code code = open_session(root, id, &s, err);
    if (code != SW_OK)
        return code;
    if (strcmp(s.target, path->text) != 0) {
        close(s.folder);
        return sw_err_set(err, SW_INVALID, "the multipart upload is one of another artifact than '%.300s'", path->text);
    }
    *out = s;
    return SW_OK;
}

static void part_name(char out[static 64], int64_t number, const char *etag)
{
    snprintf(out, 64, "%05d-%s", (int)number, etag);
}

enum sw_code sw_artifact_parts_put(int root, const char *id, int number, struct sw_artifact_upload *u,
                                   char etag[static SW_ARTIFACT_ID], struct sw_err *err)
{
    struct session s = {.folder = -1};
    char name[64], made[SW_ARTIFACT_ID];
    enum sw_code code = open_session(root, id, &s, err);
    if (code != SW_OK)
        return code;
    if (number < 1 || number > s.part_count)
        code = sw_err_set(err, SW_INVALID, "the upload has the parts 1 to %d, none %d", s.part_count, number);
    if (code == SW_OK)
        code = sw_random_id(made, err);
    if (code == SW_OK) {
        part_name(name, number, made);
        code = sw_artifact_upload_place(u, s.folder, name, err);
    }
    if (code == SW_OK)
        memcpy(etag, made, sizeof made);
    close(s.folder);
    return code;
}

// ETags come back as they were given, some clients without the quotes. False for what was never given.
static bool read_etag(const char *text, char etag[static SW_ARTIFACT_ID])
{
    size_t len = strlen(text);
    bool is_quoted = len == SW_ARTIFACT_ID + 1 && text[0] == '"' && text[len - 1] == '"';
    snprintf(etag, SW_ARTIFACT_ID, "%.32s", text + is_quoted);
    return is_id(etag) && (is_quoted || len == SW_ARTIFACT_ID - 1);
}

static enum sw_code append_part(const struct session *s, const struct sw_artifact_part *part, int64_t expected,
                                struct sw_artifact_upload *u, struct sw_err *err)
{
    char etag[SW_ARTIFACT_ID], name[64];
    if (part->number != expected)
        return sw_err_set(err, SW_INVALID, "the parts are not complete and in order: part %d is due, not %d",
                          (int)expected, (int)part->number);
    int fd = -1;
    if (read_etag(part->etag, etag)) {
        part_name(name, expected, etag);
        fd = openat(s->folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (fd < 0)
        return sw_err_set(err, SW_INVALID, "part %d was not uploaded with that ETag", (int)expected);
    enum sw_code code = sw_artifact_upload_add_file(u, fd, "a part of an upload", err);
    close(fd);
    return code;
}

static enum sw_code assemble(int root, const struct session *s, const struct sw_artifact_path *path,
                             const struct sw_artifact_part *parts, size_t count, struct sw_err *err)
{
    struct sw_artifact_upload *u = NULL;
    if (count != (size_t)s->part_count)
        return sw_err_set(err, SW_INVALID, "the upload has %d parts, not %zu", s->part_count, count);
    enum sw_code code = sw_artifact_upload_begin(root, &u, err);
    for (size_t i = 0; code == SW_OK && i < count; i++)
        code = append_part(s, &parts[i], (int64_t)i + 1, u, err);
    if (code == SW_OK)
        code = sw_artifact_upload_finish(u, path, err);
    if (code != SW_OK)
        sw_artifact_upload_drop(u);
    return code;
}

// Leaves "done" in the place of the parts: a client whose answer was lost completes again, and the folder expires.
static enum sw_code mark_done(const struct session *s, struct sw_arena *a, struct sw_err *err)
{
    struct sw_beneath_entry *items = NULL;
    size_t count = 0;
    int fd = openat(s->folder, "done", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return sw_err_errno(err, errno, "cannot end a multipart upload");
    close(fd);
    enum sw_code code = sw_beneath_list(s->folder, "", SW_ARTIFACT_ENTRIES, a, &items, &count, err);
    for (size_t i = 0; code == SW_OK && i < count; i++)
        if (strchr(items[i].name, '-') != NULL)
            code = sw_beneath_remove(s->folder, items[i].name, err);
    return code;
}

enum sw_code sw_artifact_parts_complete(int root, const char *id, const struct sw_artifact_path *path,
                                        const struct sw_artifact_part *parts, size_t count, struct sw_err *err)
{
    struct session s = {.folder = -1};
    struct stat st;
    struct sw_arena *a = sw_arena_new(64 << 20);
    if (a == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to end a multipart upload");
    enum sw_code code = open_session_of(root, id, path, &s, err);
    if (code == SW_OK && fstatat(s.folder, "done", &st, AT_SYMLINK_NOFOLLOW) != 0) {
        code = assemble(root, &s, path, parts, count, err);
        if (code == SW_OK)
            code = mark_done(&s, a, err);
    }
    if (s.folder >= 0)
        close(s.folder);
    sw_arena_free(a);
    return code;
}

enum sw_code sw_artifact_parts_abort(int root, const char *id, const struct sw_artifact_path *path, struct sw_err *err)
{
    struct session s = {.folder = -1};
    char name[64];
    enum sw_code code = open_session_of(root, id, path, &s, err);
    if (code != SW_OK)
        return code;
    close(s.folder);
    snprintf(name, sizeof name, SW_ARTIFACT_UPLOADS "/" SW_ARTIFACT_MPU_PREFIX "%s", id);
    return sw_beneath_remove(root, name, err);
}
