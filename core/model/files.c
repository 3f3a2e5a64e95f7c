// SPDX-License-Identifier: Apache-2.0
#include "core/model/files.h"

#include "core/base/failpoint.h"
#include "core/base/file.h"
#include "core/base/path.h"
#include "core/base/text.h"
#include "core/base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BLOCK (1u << 20)

// A list that grows inside an arena; the outgrown halves stay there until the arena goes.
struct growing {
    const char *root;
    struct sw_arena *arena;
    struct sw_model_file *items;
    size_t count, cap;
};

// The place of the next item; it counts once the caller raises `count`.
static enum sw_code next_item(struct growing *g, struct sw_model_file **out, struct sw_err *err)
{
    if (g->items != NULL && g->count < g->cap) {
        *out = &g->items[g->count];
        return SW_OK;
    }
    if (g->count >= SW_MODEL_FILES_MAX)
        return sw_err_set(err, SW_LIMIT, "a model may hold at most %d files", SW_MODEL_FILES_MAX);
    size_t cap = g->cap == 0 ? 16 : 2 * g->cap;
    struct sw_model_file *items = sw_arena_array(g->arena, cap, sizeof *items);
    if (items == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a list of %zu files", cap);
    if (g->items != NULL)
        memcpy(items, g->items, g->count * sizeof *items);
    g->items = items;
    g->cap = cap;
    *out = &items[g->count];
    return SW_OK;
}

static enum sw_code check_path(const char *path, struct sw_err *err)
{
    if (!sw_path_is_contained(path) || !sw_utf8_valid(path, strlen(path))) {
        char shown[160];
        sw_text_safe_copy(shown, sizeof shown, path, SW_TEXT_ONE_LINE);
        (void)sw_err_set(err, SW_INVALID, "the file name '%s' cannot be part of a model", shown);
        (void)sw_err_hint(err, "rename it: UTF-8 without control characters, backslash, '.' or '..' parts");
        return SW_INVALID;
    }
    return SW_OK;
}

static enum sw_code add_visited(void *ctx, const char *relative, int64_t size_bytes, struct sw_err *err)
{
    struct growing *g = ctx;
    (void)size_bytes; // the size of what was hashed counts
    struct sw_model_file *f = NULL;
    enum sw_code code = check_path(relative, err);
    if (code == SW_OK)
        code = next_item(g, &f, err);
    if (code != SW_OK)
        return code;
    char path[SW_PATH_MAX];
    code = sw_path_join(path, g->root, relative, err);
    if (code == SW_OK)
        code = sw_sha256_file(path, f->sha256, &f->size_bytes, err);
    if (code != SW_OK)
        return code;
    f->path = sw_arena_strdup(g->arena, relative);
    if (f->path == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the name of %zu files", g->count);
    g->count++;
    return SW_OK;
}

enum sw_code sw_model_files_scan(const char *root, struct sw_arena *a, struct sw_model_files *out, struct sw_err *err)
{
    struct growing g = {.root = root, .arena = a};
    enum sw_code code = sw_file_walk(root, SW_MODEL_FILES_MAX, add_visited, &g, err);
    if (code != SW_OK)
        return code;
    if (g.count == 0)
        return sw_err_set(err, SW_INVALID, "'%s' holds no file", root);
    return sw_model_files_seal(g.items, g.count, out, err);
}

static int by_path(const void *left, const void *right)
{
    return strcmp(((const struct sw_model_file *)left)->path, ((const struct sw_model_file *)right)->path);
}

// The lines without the check of the buffer, so that digest and text come from one place.
static void add_lines(const struct sw_model_file *items, size_t count, struct sw_buf *out)
{
    for (size_t i = 0; i < count; i++)
        sw_buf_addf(out, "%s  %" PRId64 "  %s\n", items[i].sha256, items[i].size_bytes, items[i].path);
}

enum sw_code sw_model_files_seal(struct sw_model_file *items, size_t count, struct sw_model_files *out,
                                 struct sw_err *err)
{
    struct sw_model_files sealed = {.items = items, .count = count};
    if (count > 1)
        qsort(items, count, sizeof *items, by_path);
    for (size_t i = 0; i < count; i++) {
        enum sw_code code = check_path(items[i].path, err);
        if (code != SW_OK)
            return code;
        if (i > 0 && strcmp(items[i - 1].path, items[i].path) == 0)
            return sw_err_set(err, SW_INVALID, "the file '%s' is listed twice", items[i].path);
        if (items[i].size_bytes < 0 ||
            __builtin_add_overflow(sealed.size_bytes, items[i].size_bytes, &sealed.size_bytes))
            return sw_err_set(err, SW_INVALID, "the size of '%s' is out of range", items[i].path);
    }
    struct sw_buf text;
    sw_buf_init(&text, SW_MODEL_FILES_TEXT_MAX);
    add_lines(items, count, &text);
    enum sw_code code = sw_buf_check(&text, "the file list", err);
    if (code == SW_OK) {
        sw_sha256_hex(text.data, text.len, sealed.digest);
        *out = sealed;
    }
    sw_buf_free(&text);
    return code;
}

enum sw_code sw_model_files_write(const struct sw_model_files *files, struct sw_buf *out, struct sw_err *err)
{
    add_lines(files->items, files->count, out);
    return sw_buf_check(out, "the file list", err);
}

// Takes 64 lower-case hex digits from `text`.
static bool take_digest(const char *text, char hex[static SW_SHA256_HEX])
{
    for (size_t i = 0; i < SW_SHA256_HEX - 1; i++) {
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
        hex[i] = text[i];
    }
    hex[SW_SHA256_HEX - 1] = '\0';
    return true;
}

// Reads one line of `len` bytes (without its newline). Spaces and digits are not looked at closely here: the whole
// text is written again and compared by the caller.
static bool parse_line(const char *line, size_t len, struct sw_arena *a, struct sw_model_file *f)
{
    char *copy = sw_arena_strndup(a, line, len);
    if (copy == NULL || strlen(copy) != len || len < SW_SHA256_HEX || !take_digest(copy, f->sha256))
        return false;
    char *end = NULL;
    errno = 0;
    f->size_bytes = strtoll(copy + SW_SHA256_HEX - 1, &end, 10);
    if (errno != 0 || f->size_bytes < 0 || end[0] != ' ' || end[1] != ' ')
        return false;
    f->path = end + 2;
    return true;
}

static enum sw_code check_same_text(const struct sw_model_files *files, const char *text, size_t len, const char *name,
                                    struct sw_err *err)
{
    struct sw_buf again;
    sw_buf_init(&again, SW_MODEL_FILES_TEXT_MAX);
    enum sw_code code = sw_model_files_write(files, &again, err);
    if (code == SW_OK && (again.len != len || memcmp(again.data, text, len) != 0))
        code = sw_err_set(err, SW_CORRUPT, "%s is not in canonical form", name);
    sw_buf_free(&again);
    return code;
}

enum sw_code sw_model_files_read(const char *text, size_t len, const char *name, struct sw_arena *a,
                                 struct sw_model_files *out, struct sw_err *err)
{
    struct growing g = {.arena = a};
    size_t line_number = 1;
    for (size_t at = 0; at < len; line_number++) {
        const char *end = memchr(text + at, '\n', len - at);
        struct sw_model_file *f = NULL;
        enum sw_code code = next_item(&g, &f, err);
        if (code != SW_OK)
            return code;
        if (end == NULL || !parse_line(text + at, (size_t)(end - text) - at, a, f))
            return sw_err_set(err, SW_CORRUPT, "%s: line %zu is not 'SHA256  SIZE  PATH'", name, line_number);
        g.count++;
        at = (size_t)(end - text) + 1;
    }
    struct sw_model_files files;
    if (sw_model_files_seal(g.items, g.count, &files, err) != SW_OK)
        return sw_err_set(err, SW_CORRUPT, "%s: %s", name, err == NULL ? "" : err->message);
    enum sw_code code = check_same_text(&files, text, len, name, err);
    if (code == SW_OK)
        *out = files;
    return code;
}

json_t *sw_model_files_to_json(const struct sw_model_files *files)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < files->count; i++) {
        const struct sw_model_file *f = &files->items[i];
        json_t *row =
            json_pack("{s:s, s:I, s:s}", "path", f->path, "size_bytes", (json_int_t)f->size_bytes, "sha256", f->sha256);
        if (row == NULL || json_array_append_new(list, row) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool from_row(const json_t *row, struct sw_arena *a, struct sw_model_file *f)
{
    const char *path = sw_tree_text(row, "path");
    const char *sha256 = sw_tree_text(row, "sha256");
    f->size_bytes = sw_tree_int(row, "size_bytes", -1);
    if (path == NULL || sha256 == NULL || strlen(sha256) != SW_SHA256_HEX - 1 || f->size_bytes < 0)
        return false;
    f->path = sw_arena_strdup(a, path);
    return f->path != NULL && take_digest(sha256, f->sha256);
}

enum sw_code sw_model_files_from_json(const char *text, const char *name, struct sw_arena *a,
                                      struct sw_model_files *out, struct sw_err *err)
{
    json_t *list = NULL;
    enum sw_code code = sw_json_parse(text, strlen(text), name, &sw_tree_limits_default, &list, err);
    if (code != SW_OK)
        return code;
    struct growing g = {.arena = a};
    for (size_t i = 0; code == SW_OK && i < json_array_size(list); i++) {
        struct sw_model_file *f = NULL;
        code = next_item(&g, &f, err);
        if (f == NULL)
            break;
        if (!from_row(json_array_get(list, i), a, f))
            code = sw_err_set(err, SW_CORRUPT, "%s: entry %zu is not a file with path, size and digest", name, i);
        g.count++;
    }
    json_decref(list);
    return code == SW_OK ? sw_model_files_seal(g.items, g.count, out, err) : code;
}

const struct sw_model_file *sw_model_files_find(const struct sw_model_files *files, const char *path)
{
    struct sw_model_file key = {.path = path};
    return files->count == 0 ? NULL : bsearch(&key, files->items, files->count, sizeof key, by_path);
}

enum sw_code sw_model_files_compare(const struct sw_model_files *want, const struct sw_model_files *have,
                                    const char *object, struct sw_err *err)
{
    for (size_t i = 0; i < want->count; i++) {
        const struct sw_model_file *a = &want->items[i];
        const struct sw_model_file *b = sw_model_files_find(have, a->path);
        if (b == NULL)
            return sw_err_set(err, SW_CORRUPT, "%s: the file '%s' (sha256:%s) is missing", object, a->path, a->sha256);
        if (strcmp(a->sha256, b->sha256) != 0 || a->size_bytes != b->size_bytes)
            return sw_err_set(err, SW_CORRUPT, "%s: the file '%s' changed: sha256:%s expected, sha256:%s found", object,
                              a->path, a->sha256, b->sha256);
    }
    for (size_t i = 0; i < have->count; i++) {
        const struct sw_model_file *b = &have->items[i];
        if (sw_model_files_find(want, b->path) == NULL)
            return sw_err_set(err, SW_CORRUPT, "%s: the file '%s' (sha256:%s) was added", object, b->path, b->sha256);
    }
    return SW_OK;
}

// --- copying ---

static bool is_there_already(const char *path, const struct sw_model_file *file)
{
    char have[SW_SHA256_HEX];
    int64_t size_bytes = 0;
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == file->size_bytes &&
           sw_sha256_file(path, have, &size_bytes, NULL) == SW_OK && size_bytes == file->size_bytes &&
           strcmp(have, file->sha256) == 0;
}

// Moves the bytes of one open file to another, telling size and digest of what passed.
static enum sw_code pump(int from, int to, const char *path, sw_model_progress progress, void *ctx,
                         struct sw_model_file *seen, struct sw_err *err)
{
    struct sw_sha256 *hash = sw_sha256_new();
    char *block = malloc(COPY_BLOCK);
    enum sw_code code = SW_OK;
    if (hash == NULL || block == NULL)
        code = sw_err_set(err, SW_NO_MEMORY, "no memory to copy '%s'", path);
    while (code == SW_OK) {
        ssize_t n = read(from, block, COPY_BLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            break;
        int failed = n < 0 ? errno : sw_failpoint("model.copy");
        if (failed != 0) {
            code = sw_err_errno(err, failed, "copying '%s'", path);
            break;
        }
        sw_sha256_add(hash, block, (size_t)n);
        seen->size_bytes += n;
        code = sw_fd_write_all(to, block, (size_t)n, path, err);
        if (code == SW_OK && progress != NULL && !progress(ctx, n))
            code = sw_err_set(err, SW_CANCELLED, "copying '%s' was cancelled", path);
    }
    if (code == SW_OK && fsync(to) != 0)
        code = sw_err_errno(err, errno, "syncing '%s'", path);
    if (hash != NULL)
        sw_sha256_end(hash, seen->sha256);
    free(block);
    return code;
}

static enum sw_code make_parent(const char *path, struct sw_err *err)
{
    char parent[SW_PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash == NULL || slash == parent)
        return SW_OK;
    *slash = '\0';
    return sw_path_make_dirs(parent, err);
}

static enum sw_code copy_bytes(const char *source, const char *target, const struct sw_model_file *file,
                               sw_model_progress progress, void *ctx, struct sw_err *err)
{
    int from = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from < 0)
        return sw_err_errno(err, errno, "opening '%s'", source);
    int to = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0) {
        enum sw_code code = sw_err_errno(err, errno, "creating '%s'", target);
        close(from);
        return code;
    }
    struct sw_model_file seen = {.path = file->path};
    enum sw_code code = pump(from, to, target, progress, ctx, &seen, err);
    close(from);
    if (close(to) != 0 && code == SW_OK)
        code = sw_err_errno(err, errno, "closing '%s'", target);
    if (code == SW_OK && (seen.size_bytes != file->size_bytes || strcmp(seen.sha256, file->sha256) != 0))
        code = sw_err_set(err, SW_CORRUPT, "'%s' changed: sha256:%s expected, sha256:%s found", source, file->sha256,
                          seen.sha256);
    if (code != SW_OK)
        unlink(target);
    return code;
}

enum sw_code sw_model_file_copy(const char *from_root, const char *to_root, const struct sw_model_file *file,
                                sw_model_progress progress, void *ctx, struct sw_err *err)
{
    char source[SW_PATH_MAX], target[SW_PATH_MAX];
    enum sw_code code = sw_path_join(source, from_root, file->path, err);
    if (code == SW_OK)
        code = sw_path_join(target, to_root, file->path, err);
    if (code != SW_OK)
        return code;
    if (is_there_already(target, file)) {
        if (progress != NULL && !progress(ctx, file->size_bytes))
            return sw_err_set(err, SW_CANCELLED, "copying '%s' was cancelled", target);
        return SW_OK;
    }
    code = make_parent(target, err);
    return code == SW_OK ? copy_bytes(source, target, file, progress, ctx, err) : code;
}

enum sw_code sw_model_sync_tree(const char *root, struct sw_err *err)
{
    DIR *dir = opendir(root);
    if (dir == NULL)
        return sw_err_errno(err, errno, "opening the folder '%s'", root);
    enum sw_code code = SW_OK;
    for (struct dirent *entry; code == SW_OK && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.' && (entry->d_name[1] == '\0' || strcmp(entry->d_name, "..") == 0))
            continue;
        struct stat st;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
            continue;
        char below[SW_PATH_MAX];
        code = sw_path_join(below, root, entry->d_name, err);
        if (code == SW_OK)
            code = sw_model_sync_tree(below, err);
    }
    closedir(dir);
    return code == SW_OK ? sw_file_sync_dir(root, err) : code;
}
