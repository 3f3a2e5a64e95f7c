// SPDX-License-Identifier: Apache-2.0
#include "core/ship/tar_private.h"

#include "core/base/failpoint.h"
#include "core/base/file.h"
#include "core/base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MTIME           315532800 // 1980-01-01: readers warn about times at or before 1970
#define COPY_BLOCK      (1u << 20)
#define SIZE_OCTAL      (INT64_C(1) << 33) // sizes from here on do not fit 11 octal digits
#define PATH_MAX_IN_TAR 257

// The ustar header, all fields bytes.
struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], typeflag, linkname[100], magic[6],
        version[2], uname[32], gname[32], devmajor[8], devminor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == TAR_BLOCK, "a tar header is one block");

static const unsigned char zeros[TAR_BLOCK];

static size_t padding_of(int64_t size_bytes)
{
    return (size_t)((TAR_BLOCK - size_bytes % TAR_BLOCK) % TAR_BLOCK);
}

// Splits at the first '/' that leaves a name of at most 100 bytes.
static bool put_path(struct header *h, const char *path)
{
    size_t len = strlen(path);
    if (len <= sizeof h->name) {
        memcpy(h->name, path, len);
        return true;
    }
    const char *slash = memchr(path + len - sizeof h->name - 1, '/', sizeof h->name + 1);
    if (slash == NULL || (size_t)(slash - path) > sizeof h->prefix || slash[1] == '\0')
        return false;
    memcpy(h->prefix, path, (size_t)(slash - path));
    memcpy(h->name, slash + 1, strlen(slash + 1));
    return true;
}

static void put_size(struct header *h, int64_t size_bytes)
{
    if (size_bytes < SIZE_OCTAL) {
        snprintf(h->size, sizeof h->size, "%011" PRIo64, (uint64_t)size_bytes);
        return;
    }
    h->size[0] = (char)0x80;
    for (size_t i = 0; i < 8; i++)
        h->size[11 - i] = (char)(size_bytes >> (8 * i));
}

static int64_t get_size(const struct header *h)
{
    int64_t size = 0;
    if ((unsigned char)h->size[0] == 0x80) {
        for (size_t i = 4; i < 12; i++)
            size = (int64_t)((uint64_t)size << 8 | (unsigned char)h->size[i]);
        return size;
    }
    for (size_t i = 0; i < 11 && h->size[i] >= '0' && h->size[i] <= '7'; i++)
        size = size << 3 | (h->size[i] - '0');
    return size;
}

static enum sw_code too_long(const char *path, struct sw_err *err)
{
    enum sw_code code = sw_err_set(err, SW_LIMIT, "'%s' is too long a name for a tar", path);
    (void)sw_err_hint(err, "push into a folder instead, or use shorter file names in the model");
    return code;
}

enum sw_code tar_header(const char *path, int64_t size_bytes, unsigned char out[static TAR_BLOCK], struct sw_err *err)
{
    struct header h = {0};
    if (!put_path(&h, path))
        return too_long(path, err);
    memcpy(h.mode, "0000644", sizeof h.mode);
    memcpy(h.uid, "0000000", sizeof h.uid);
    memcpy(h.gid, "0000000", sizeof h.gid);
    put_size(&h, size_bytes);
    snprintf(h.mtime, sizeof h.mtime, "%011o", (unsigned)MTIME);
    memset(h.checksum, ' ', sizeof h.checksum);
    h.typeflag = '0';
    memcpy(h.magic, "ustar", sizeof h.magic);
    memcpy(h.version, "00", sizeof h.version);
    memcpy(h.devmajor, "0000000", sizeof h.devmajor);
    memcpy(h.devminor, "0000000", sizeof h.devminor);
    memcpy(out, &h, sizeof h);
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += out[i];
    char digits[8];
    snprintf(digits, sizeof digits, "%06o", sum); // six digits, NUL, and the space that is there
    memcpy(out + offsetof(struct header, checksum), digits, 7);
    return SW_OK;
}

int64_t tar_size(const struct sw_package *p)
{
    int64_t total = TAR_BLOCK + (int64_t)p->manifest_len + (int64_t)padding_of((int64_t)p->manifest_len);
    for (size_t i = 0; i < p->files.count; i++) {
        int64_t size = p->files.items[i].size_bytes;
        total += TAR_BLOCK + size + (int64_t)padding_of(size);
    }
    return total + 2 * TAR_BLOCK;
}

// --- writing ---

struct writing {
    int fd;
    const struct sw_package *package;
    sw_model_progress progress;
    void *ctx;
};

static enum sw_code put(const struct writing *w, const void *bytes, size_t len, struct sw_err *err)
{
    if (len == 0)
        return SW_OK;
    int failed = sw_failpoint("tar.write");
    if (failed != 0)
        return sw_err_errno(err, failed, "writing the archive of %s", w->package->label);
    enum sw_code code = sw_fd_write_all(w->fd, bytes, len, "the archive", err);
    if (code == SW_OK && w->progress != NULL && !w->progress(w->ctx, (int64_t)len))
        return sw_err_set(err, SW_CANCELLED, "writing the archive of %s was cancelled", w->package->label);
    return code;
}

static enum sw_code put_header(const struct writing *w, const char *path, int64_t size_bytes, struct sw_err *err)
{
    char full[PATH_MAX_IN_TAR];
    unsigned char block[TAR_BLOCK];
    if (snprintf(full, sizeof full, "%s/%s", w->package->model, path) >= (int)sizeof full)
        return too_long(path, err);
    enum sw_code code = tar_header(full, size_bytes, block, err);
    return code == SW_OK ? put(w, block, sizeof block, err) : code;
}

static enum sw_code put_bytes(const struct writing *w, const char *path, const char *bytes, size_t len,
                              struct sw_err *err)
{
    enum sw_code code = put_header(w, path, (int64_t)len, err);
    if (code == SW_OK)
        code = put(w, bytes, len, err);
    return code == SW_OK ? put(w, zeros, padding_of((int64_t)len), err) : code;
}

static enum sw_code put_open_file(const struct writing *w, int from, const struct sw_model_file *f, struct sw_err *err)
{
    struct sw_sha256 *hash = sw_sha256_new();
    char *block = malloc(COPY_BLOCK);
    int64_t left = f->size_bytes;
    enum sw_code code = SW_OK;
    if (hash == NULL || block == NULL)
        code = sw_err_set(err, SW_NO_MEMORY, "no memory to read '%s'", f->path);
    while (code == SW_OK && left > 0) {
        ssize_t n = read(from, block, left < (int64_t)COPY_BLOCK ? (size_t)left : COPY_BLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            code = sw_err_errno(err, errno, "reading '%s'", f->path);
        if (n <= 0)
            break;
        sw_sha256_add(hash, block, (size_t)n);
        code = put(w, block, (size_t)n, err);
        left -= n;
    }
    char sha256[SW_SHA256_HEX] = "";
    if (hash != NULL)
        sw_sha256_end(hash, sha256);
    free(block);
    if (code == SW_OK && (left > 0 || strcmp(sha256, f->sha256) != 0))
        code = sw_err_set(err, SW_CORRUPT, "'%s' changed: sha256:%s expected, sha256:%s found", f->path, f->sha256,
                          sha256);
    return code == SW_OK ? put(w, zeros, padding_of(f->size_bytes), err) : code;
}

static enum sw_code put_model_file(const struct writing *w, const struct sw_model_file *f, struct sw_err *err)
{
    char source[SW_PATH_MAX];
    enum sw_code code = sw_path_join(source, w->package->model_root, f->path + strlen(SW_PACKAGE_MODEL), err);
    if (code != SW_OK)
        return code;
    int from = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from < 0)
        return sw_err_errno(err, errno, "opening '%s'", source);
    code = put_header(w, f->path, f->size_bytes, err);
    if (code == SW_OK)
        code = put_open_file(w, from, f, err);
    close(from);
    return code;
}

enum sw_code tar_write(int fd, const struct sw_package *p, sw_model_progress progress, void *ctx, struct sw_err *err)
{
    struct writing w = {.fd = fd, .package = p, .progress = progress, .ctx = ctx};
    enum sw_code code = put_bytes(&w, SW_PACKAGE_MANIFEST, p->manifest, p->manifest_len, err);
    for (size_t i = 0; code == SW_OK && i < p->files.count; i++) {
        const struct sw_package_part *part = sw_package_find_part(p, p->files.items[i].path);
        code = part == NULL ? put_model_file(&w, &p->files.items[i], err)
                            : put_bytes(&w, part->path, part->bytes, part->len, err);
    }
    for (int i = 0; code == SW_OK && i < 2; i++)
        code = put(&w, zeros, sizeof zeros, err);
    return code;
}

// --- reading ---

struct reading {
    FILE *file;
    const char *name;
    int64_t offset;
    struct sw_arena *arena;
    struct tar_content *content;
    struct sw_model_file *items;
    size_t item_count, item_cap;
};

static enum sw_code damaged(const struct reading *r, const char *what, struct sw_err *err)
{
    return sw_err_set(err, SW_CORRUPT, "'%s' is damaged at byte %" PRId64 ": %s", r->name, r->offset, what);
}

static enum sw_code get(struct reading *r, void *bytes, size_t len, struct sw_err *err)
{
    size_t n = fread(bytes, 1, len, r->file);
    if (n < len)
        return ferror(r->file) ? sw_err_errno(err, errno, "reading '%s'", r->name) : damaged(r, "it ends early", err);
    r->offset += (int64_t)len;
    return SW_OK;
}

static void get_path(const struct header *h, char path[static PATH_MAX_IN_TAR])
{
    snprintf(path, PATH_MAX_IN_TAR, "%.*s%s%.*s", (int)sizeof h->prefix, h->prefix, h->prefix[0] == '\0' ? "" : "/",
             (int)sizeof h->name, h->name);
}

// Takes one header apart and insists that it is the one tar_header() makes for what was found in it.
static bool parse_header(const unsigned char block[static TAR_BLOCK], char path[static PATH_MAX_IN_TAR],
                         int64_t *size_bytes)
{
    struct header h;
    unsigned char again[TAR_BLOCK];
    memcpy(&h, block, sizeof h);
    get_path(&h, path);
    *size_bytes = get_size(&h);
    return *size_bytes >= 0 && tar_header(path, *size_bytes, again, NULL) == SW_OK &&
           memcmp(block, again, TAR_BLOCK) == 0;
}

static enum sw_code grow(struct reading *r, struct sw_err *err)
{
    if (r->item_count < r->item_cap)
        return SW_OK;
    size_t cap = r->item_cap == 0 ? 32 : 2 * r->item_cap;
    struct sw_model_file *items = cap > 4 * SW_MODEL_FILES_MAX ? NULL : sw_arena_array(r->arena, cap, sizeof *items);
    if (items == NULL)
        return sw_err_set(err, SW_LIMIT, "'%s' holds too many files", r->name);
    if (r->item_count > 0)
        memcpy(items, r->items, r->item_count * sizeof *items);
    r->items = items;
    r->item_cap = cap;
    return SW_OK;
}

// Hashes the content; what has to be looked into is kept as well.
static enum sw_code get_content(struct reading *r, int64_t size_bytes, char *kept, char sha256[static SW_SHA256_HEX],
                                struct sw_err *err)
{
    struct sw_sha256 *hash = sw_sha256_new();
    char *block = malloc(COPY_BLOCK);
    enum sw_code code = SW_OK;
    if (hash == NULL || block == NULL)
        code = sw_err_set(err, SW_NO_MEMORY, "no memory to read '%s'", r->name);
    for (int64_t done = 0; code == SW_OK && done < size_bytes;) {
        size_t n = size_bytes - done < (int64_t)COPY_BLOCK ? (size_t)(size_bytes - done) : COPY_BLOCK;
        code = get(r, block, n, err);
        if (code != SW_OK)
            break;
        sw_sha256_add(hash, block, n);
        if (kept != NULL)
            memcpy(kept + done, block, n);
        done += (int64_t)n;
    }
    if (hash != NULL)
        sw_sha256_end(hash, sha256);
    free(block);
    unsigned char pad[TAR_BLOCK] = {0};
    if (code == SW_OK)
        code = get(r, pad, padding_of(size_bytes), err);
    if (code == SW_OK && memcmp(pad, zeros, sizeof zeros) != 0)
        code = damaged(r, "padding is not zero", err);
    return code;
}

// The path below the one folder, or NULL.
static const char *below_folder(struct reading *r, const char *path)
{
    struct tar_content *c = r->content;
    const char *slash = strchr(path, '/');
    if (slash == NULL)
        return NULL;
    if (c->folder == NULL)
        c->folder = sw_arena_strndup(r->arena, path, (size_t)(slash - path));
    size_t len = c->folder == NULL ? 0 : strlen(c->folder);
    return len > 0 && strncmp(path, c->folder, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

static enum sw_code get_entry(struct reading *r, const unsigned char block[static TAR_BLOCK], struct sw_err *err)
{
    struct tar_content *c = r->content;
    char path[PATH_MAX_IN_TAR];
    int64_t size_bytes = 0;
    const char *below = parse_header(block, path, &size_bytes) ? below_folder(r, path) : NULL;
    if (below == NULL)
        return damaged(r, "the header is not one of ours", err);
    bool is_manifest = c->manifest == NULL;
    if (is_manifest != (strcmp(below, SW_PACKAGE_MANIFEST) == 0))
        return damaged(r, "MANIFEST must come first and once", err);
    bool is_approval = strncmp(below, SW_PACKAGE_APPROVAL, strlen(SW_PACKAGE_APPROVAL)) == 0;
    if (!is_manifest && r->item_count > 0 && strcmp(r->items[r->item_count - 1].path, below) >= 0)
        return damaged(r, "the files are not in order", err);
    char *kept = NULL;
    if (is_manifest || is_approval) {
        kept = size_bytes > SW_PACKAGE_PART_MAX ? NULL : sw_arena_alloc(r->arena, (size_t)size_bytes + 1);
        if (kept == NULL)
            return sw_err_set(err, SW_LIMIT, "'%s': '%s' is too large", r->name, below);
    }
    enum sw_code code = grow(r, err);
    struct sw_model_file f = {.path = sw_arena_strdup(r->arena, below), .size_bytes = size_bytes};
    if (code == SW_OK)
        code = get_content(r, size_bytes, kept, f.sha256, err);
    if (code == SW_OK && f.path == NULL)
        code = sw_err_set(err, SW_NO_MEMORY, "no memory to read '%s'", r->name);
    if (code != SW_OK)
        return code;
    if (is_manifest) {
        c->manifest = kept;
        c->manifest_len = (size_t)size_bytes;
        return SW_OK;
    }
    r->items[r->item_count++] = f;
    if (is_approval && c->approval_count < 2 * 100)
        c->approvals[c->approval_count++] = (struct sw_package_part){f.path, kept, (size_t)size_bytes};
    return SW_OK;
}

static enum sw_code get_all(struct reading *r, struct sw_err *err)
{
    unsigned char block[TAR_BLOCK];
    enum sw_code code = SW_OK;
    for (;;) {
        code = get(r, block, sizeof block, err);
        if (code != SW_OK || memcmp(block, zeros, sizeof zeros) == 0)
            break;
        code = get_entry(r, block, err);
        if (code != SW_OK)
            break;
    }
    if (code == SW_OK)
        code = get(r, block, sizeof block, err);
    if (code == SW_OK && (memcmp(block, zeros, sizeof zeros) != 0 || fgetc(r->file) != EOF))
        code = damaged(r, "the end is not two empty blocks", err);
    if (code == SW_OK && r->content->manifest == NULL)
        code = damaged(r, "it is empty", err);
    return code == SW_OK ? sw_model_files_seal(r->items, r->item_count, &r->content->files, err) : code;
}

enum sw_code tar_read(const char *path, struct sw_arena *a, struct tar_content *out, struct sw_err *err)
{
    struct tar_content content = {.approvals = sw_arena_array(a, 2 * 100, sizeof *content.approvals)};
    struct reading r = {.file = fopen(path, "rbe"), .name = path, .arena = a, .content = &content};
    if (r.file == NULL)
        return sw_err_errno(err, errno, "opening '%s'", path);
    enum sw_code code =
        content.approvals == NULL ? sw_err_set(err, SW_NO_MEMORY, "no memory to read '%s'", path) : get_all(&r, err);
    fclose(r.file);
    if (code == SW_OK)
        *out = content;
    return code;
}

bool tar_is_ours(const char *path, char folder[static SW_MODEL_NAME_MAX + 1])
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return false;
    unsigned char block[TAR_BLOCK];
    char first[PATH_MAX_IN_TAR];
    int64_t size_bytes = 0;
    bool is_ours = fread(block, 1, sizeof block, file) == sizeof block && parse_header(block, first, &size_bytes);
    fclose(file);
    char *slash = is_ours ? strchr(first, '/') : NULL;
    if (slash == NULL || strcmp(slash + 1, SW_PACKAGE_MANIFEST) != 0 || slash - first > SW_MODEL_NAME_MAX)
        return false;
    memcpy(folder, first, (size_t)(slash - first));
    folder[slash - first] = '\0';
    return true;
}
