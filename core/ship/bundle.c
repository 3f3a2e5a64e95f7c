// SPDX-License-Identifier: Apache-2.0
// Writing bundles. Staged as a sibling named after the package's digest (".MODEL.push-DIGEST12"), so that the next
// attempt after a kill finds its own work and clears away what other content left behind.
#include "core/ship/bundle_private.h"

#include "core/base/file.h"
#include "core/ship/tar_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct bundle {
    const struct sw_shipment *shipment;
    struct sw_arena *arena;
    bool is_tar;
    bool is_unchanged;        // known after upload
    char final[SW_PATH_MAX];  // "/srv/out/fashion-cnn" or "/srv/out.tar"
    char parent[SW_PATH_MAX]; // of final
    char staging[SW_PATH_MAX];
    char staging_prefix[128]; // ".fashion-cnn.push-"
    int lock_fd;
};

static enum sw_code normalize(const char *rest, char *out, struct sw_err *err)
{
    if (rest[0] == '\0') {
        enum sw_code code = sw_err_set(err, SW_INVALID, "the bundle address names no folder");
        (void)sw_err_hint(err, "write %s", bundle_kind.address_help);
        return code;
    }
    char path[SW_PATH_MAX];
    enum sw_code code = sw_path_absolute(path, rest, err);
    if (code == SW_OK && path[1] == '\0')
        return sw_err_set(err, SW_INVALID, "a bundle cannot be the root folder");
    if (code == SW_OK)
        memcpy(out, path, sizeof path);
    return code;
}

// --- opening ---

static void close_bundle(void *handle)
{
    struct bundle *b = handle;
    if (b == NULL)
        return;
    if (b->lock_fd >= 0)
        close(b->lock_fd);
    sw_arena_free(b->arena);
    free(b);
}

static enum sw_code set_paths(struct bundle *b, struct sw_err *err)
{
    const struct sw_shipment *s = b->shipment;
    enum sw_code code = sw_bundle_path(s->rest, s->package->model, b->final, err);
    if (code != SW_OK)
        return code;
    memcpy(b->parent, b->final, sizeof b->parent);
    char *slash = strrchr(b->parent, '/');
    slash[slash == b->parent] = '\0';
    char name[160];
    snprintf(b->staging_prefix, sizeof b->staging_prefix, ".%.100s.push-", sw_path_base(b->final));
    snprintf(name, sizeof name, "%s%.12s", b->staging_prefix, s->package->files.digest);
    return sw_path_join(b->staging, b->parent, name, err);
}

static enum sw_code open_bundle(const struct sw_shipment *s, void **handle, struct sw_err *err)
{
    struct bundle *b = calloc(1, sizeof *b);
    if (b == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to write a bundle");
    b->shipment = s;
    b->lock_fd = -1;
    b->is_tar = bundle_is_tar(s->rest);
    b->arena = sw_arena_new(4 * SW_MODEL_FILES_ARENA_MAX);
    enum sw_code code =
        b->arena == NULL ? sw_err_set(err, SW_NO_MEMORY, "no memory to write a bundle") : set_paths(b, err);
    if (code != SW_OK) {
        close_bundle(b);
        return code;
    }
    *handle = b;
    return SW_OK;
}

// --- preflight ---

static enum sw_code refuse_foreign(const struct bundle *b, struct sw_err *err)
{
    if (bundle_look(b->final, b->shipment->package->model) != BUNDLE_FOREIGN)
        return SW_OK;
    enum sw_code code =
        sw_err_set(err, SW_CONFLICT, "'%s' exists and is no bundle of model %s", b->final, b->shipment->package->model);
    (void)sw_err_hint(err, "move it away, or give the target another address");
    return code;
}

// The nearest folder above that exists: what is missing below it will be made.
static void nearest_folder(char path[static SW_PATH_MAX])
{
    struct stat st;
    while (path[1] != '\0' && stat(path, &st) != 0) {
        char *slash = strrchr(path, '/');
        slash[slash == path] = '\0';
    }
}

static enum sw_code preflight(void *handle, struct sw_err *err)
{
    const struct bundle *b = handle;
    enum sw_code code = refuse_foreign(b, err);
    if (code != SW_OK)
        return code;
    char folder[SW_PATH_MAX];
    memcpy(folder, b->parent, sizeof folder);
    nearest_folder(folder);
    struct stat st;
    struct statvfs fs;
    if (stat(folder, &st) == 0 && !S_ISDIR(st.st_mode))
        return sw_err_set(err, SW_CONFLICT, "'%s' is not a folder", folder);
    if (access(folder, W_OK | X_OK) != 0 || statvfs(folder, &fs) != 0)
        return sw_err_errno(err, errno, "writing into '%s'", folder);
    const struct sw_package *p = b->shipment->package;
    int64_t need = b->is_tar ? tar_size(p) : p->files.size_bytes + (int64_t)p->manifest_len;
    if ((uint64_t)need / fs.f_frsize + 1 > fs.f_bavail) {
        (void)sw_err_set(err, SW_NO_SPACE, "'%s' has no room for %lld bytes", folder, (long long)need);
        return sw_err_hint(err, "free some space there, then push again");
    }
    return SW_OK;
}

// --- upload ---

// Whoever holds the folder's lock is the only one who stages there. File systems without locks are taken as they are.
static enum sw_code lock_parent(struct bundle *b, struct sw_err *err)
{
    b->lock_fd = open(b->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (b->lock_fd < 0)
        return sw_err_errno(err, errno, "opening '%s'", b->parent);
    if (flock(b->lock_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return SW_OK;
    enum sw_code code = sw_err_set(err, SW_LOCKED, "another process is writing into '%s'", b->parent);
    (void)sw_err_hint(err, "try again when it has ended");
    return code;
}

// Removes stagings of this bundle that hold other content: their pushes were given up.
static void clear_other_stagings(const struct bundle *b)
{
    DIR *dir = opendir(b->parent);
    if (dir == NULL)
        return;
    size_t len = strlen(b->staging_prefix);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[SW_PATH_MAX];
        if (strncmp(entry->d_name, b->staging_prefix, len) == 0 &&
            strcmp(entry->d_name, sw_path_base(b->staging)) != 0 &&
            sw_path_join(path, b->parent, entry->d_name, NULL) == SW_OK)
            (void)sw_path_remove_tree(path, NULL);
    }
    closedir(dir);
}

// Keeps from an earlier attempt only files that belong to the package with the right bytes.
static enum sw_code prune_staging(const struct bundle *b, struct sw_err *err)
{
    struct stat st;
    struct sw_model_files have;
    if (lstat(b->staging, &st) != 0)
        return SW_OK;
    if (!S_ISDIR(st.st_mode) || sw_model_files_scan(b->staging, b->arena, &have, NULL) != SW_OK)
        return sw_path_remove_tree(b->staging, err);
    for (size_t i = 0; i < have.count; i++) {
        const struct sw_model_file *want = sw_model_files_find(&b->shipment->package->files, have.items[i].path);
        char path[SW_PATH_MAX];
        if (want != NULL && strcmp(want->sha256, have.items[i].sha256) == 0)
            continue;
        enum sw_code code = sw_path_join(path, b->staging, have.items[i].path, err);
        if (code != SW_OK)
            return code;
        if (unlink(path) != 0)
            return sw_err_errno(err, errno, "removing '%s'", path);
    }
    return SW_OK;
}

static enum sw_code write_part(const struct bundle *b, const char *relative, const char *bytes, size_t len,
                               struct sw_err *err)
{
    char path[SW_PATH_MAX], folder[SW_PATH_MAX];
    enum sw_code code = sw_path_join(path, b->staging, relative, err);
    if (code != SW_OK)
        return code;
    memcpy(folder, path, sizeof folder);
    *strrchr(folder, '/') = '\0';
    code = sw_path_make_dirs(folder, err);
    if (code == SW_OK)
        code = sw_file_write(path, bytes, len, err);
    if (code == SW_OK && b->shipment->progress != NULL && !b->shipment->progress(b->shipment->ctx, (int64_t)len))
        code = sw_err_set(err, SW_CANCELLED, "writing '%s' was cancelled", path);
    return code;
}

static enum sw_code stage_folder(const struct bundle *b, struct sw_err *err)
{
    const struct sw_package *p = b->shipment->package;
    char model[SW_PATH_MAX];
    enum sw_code code = prune_staging(b, err);
    if (code == SW_OK)
        code = sw_path_join(model, b->staging, "model", err);
    for (size_t i = 0; code == SW_OK && i < p->files.count; i++) {
        struct sw_model_file file = p->files.items[i];
        const struct sw_package_part *part = sw_package_find_part(p, file.path);
        if (part != NULL) {
            code = write_part(b, part->path, part->bytes, part->len, err);
            continue;
        }
        file.path += strlen(SW_PACKAGE_MODEL);
        code = sw_model_file_copy(p->model_root, model, &file, b->shipment->progress, b->shipment->ctx, err);
    }
    if (code == SW_OK)
        code = write_part(b, SW_PACKAGE_MANIFEST, p->manifest, p->manifest_len, err);
    return code == SW_OK ? sw_model_sync_tree(b->staging, err) : code;
}

static enum sw_code stage_tar(const struct bundle *b, struct sw_err *err)
{
    int fd = open(b->staging, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return sw_err_errno(err, errno, "creating '%s'", b->staging);
    enum sw_code code = tar_write(fd, b->shipment->package, b->shipment->progress, b->shipment->ctx, err);
    if (code == SW_OK && fsync(fd) != 0)
        code = sw_err_errno(err, errno, "syncing '%s'", b->staging);
    if (close(fd) != 0 && code == SW_OK)
        code = sw_err_errno(err, errno, "closing '%s'", b->staging);
    return code;
}

// Stands there already, whole and equal.
static bool is_in_place(const struct sw_shipment *s, const char *path, struct sw_arena *a)
{
    struct sw_bundle_info info;
    return bundle_look(path, s->package->model) == BUNDLE_OURS && sw_bundle_verify(path, a, &info, NULL) == SW_OK &&
           strcmp(info.files.digest, s->package->files.digest) == 0;
}

static enum sw_code upload(void *handle, struct sw_err *err)
{
    struct bundle *b = handle;
    enum sw_code code = sw_path_make_dirs(b->parent, err);
    if (code == SW_OK)
        code = lock_parent(b, err);
    if (code != SW_OK)
        return code;
    clear_other_stagings(b);
    b->is_unchanged = is_in_place(b->shipment, b->final, b->arena);
    if (b->is_unchanged)
        return sw_path_remove_tree(b->staging, err); // an earlier attempt was killed after the exchange
    code = b->is_tar ? stage_tar(b, err) : stage_folder(b, err);
    if (code == SW_NO_SPACE) // a full disk is not kept full
        (void)sw_path_remove_tree(b->staging, NULL);
    return code;
}

// --- diff ---

static void add_item(struct sw_ship_diff *d, const struct sw_model_file *f, enum sw_ship_change change,
                     const struct sw_package_part *part)
{
    size_t *const counters[] = {&d->new_count, &d->changed_count, &d->same_count, &d->gone_count};
    ++*counters[change];
    d->items[d->count++] = (struct sw_ship_item){.path = f->path,
                                                 .size_bytes = f->size_bytes,
                                                 .digest = change == SW_SHIP_GONE ? "" : f->sha256,
                                                 .change = change,
                                                 .bytes = part == NULL ? NULL : part->bytes};
}

static int by_path(const void *left, const void *right)
{
    return strcmp(((const struct sw_ship_item *)left)->path, ((const struct sw_ship_item *)right)->path);
}

// Of what stands there damaged nothing is known, so all of it counts as changed.
static void fill_items(const struct sw_package *p, const struct sw_model_files *have, bool is_damaged,
                       struct sw_ship_diff *d)
{
    for (size_t i = 0; i < p->files.count; i++) {
        const struct sw_model_file *want = &p->files.items[i];
        const struct sw_model_file *old = sw_model_files_find(have, want->path);
        enum sw_ship_change change = is_damaged ? SW_SHIP_CHANGED : SW_SHIP_NEW;
        if (old != NULL)
            change = strcmp(want->sha256, old->sha256) == 0 ? SW_SHIP_SAME : SW_SHIP_CHANGED;
        add_item(d, want, change, sw_package_find_part(p, want->path));
    }
    for (size_t i = 0; i < have->count; i++) {
        if (sw_model_files_find(&p->files, have->items[i].path) == NULL)
            add_item(d, &have->items[i], SW_SHIP_GONE, NULL);
    }
    qsort(d->items, d->count, sizeof *d->items, by_path);
}

static enum sw_code diff(const struct sw_shipment *s, struct sw_arena *a, struct sw_ship_diff *out, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    enum sw_code code = sw_bundle_path(s->rest, s->package->model, path, err);
    if (code != SW_OK)
        return code;
    struct sw_bundle_info info = {0};
    bool is_ours = bundle_look(path, s->package->model) == BUNDLE_OURS;
    bool is_whole = is_ours && sw_bundle_verify(path, a, &info, NULL) == SW_OK;
    if (!is_whole)
        info.files.count = 0;
    struct sw_ship_diff d = {.destination = sw_arena_strdup(a, path),
                             .items =
                                 sw_arena_array(a, s->package->files.count + info.files.count + 1, sizeof *d.items)};
    if (d.items == NULL || d.destination == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to compare '%s'", path);
    fill_items(s->package, &info.files, is_ours && !is_whole, &d);
    d.is_unchanged = is_whole && strcmp(info.files.digest, s->package->files.digest) == 0;
    *out = d;
    return SW_OK;
}

// --- apply and after ---

// Puts the staged tree in the place of the old one. Where the file system cannot exchange two names there is a moment
// between two renames without a bundle; the next push fills it.
static enum sw_code exchange(const struct bundle *b, struct sw_err *err)
{
    if (renameat2(AT_FDCWD, b->staging, AT_FDCWD, b->final, RENAME_NOREPLACE) == 0)
        return SW_OK;
    if (errno == EEXIST && renameat2(AT_FDCWD, b->staging, AT_FDCWD, b->final, RENAME_EXCHANGE) == 0)
        return SW_OK;
    if (errno != EINVAL && errno != ENOSYS)
        return sw_err_errno(err, errno, "putting the bundle at '%s'", b->final);
    char old[SW_PATH_MAX], name[160];
    snprintf(name, sizeof name, "%sold", b->staging_prefix);
    enum sw_code code = sw_path_join(old, b->parent, name, err);
    if (code == SW_OK)
        code = sw_path_remove_tree(old, err);
    if (code != SW_OK)
        return code;
    if ((rename(b->final, old) != 0 && errno != ENOENT) || rename(b->staging, b->final) != 0)
        return sw_err_errno(err, errno, "putting the bundle at '%s'", b->final);
    return sw_path_remove_tree(old, err);
}

static enum sw_code apply(void *handle, struct sw_err *err)
{
    const struct bundle *b = handle;
    if (b->is_unchanged)
        return SW_OK;
    enum sw_code code = refuse_foreign(b, err);
    if (code != SW_OK)
        return code;
    if (!b->is_tar)
        code = exchange(b, err);
    else if (rename(b->staging, b->final) != 0)
        code = sw_err_errno(err, errno, "putting the bundle at '%s'", b->final);
    if (code == SW_OK)
        code = sw_file_sync_dir(b->parent, err);
    if (code == SW_OK)
        code = sw_path_remove_tree(b->staging, err); // after an exchange the old bundle has this name
    return code;
}

static enum sw_code verify(const char *rest, const char *model, const char *package_digest, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    struct sw_bundle_info info;
    struct sw_arena *a = sw_arena_new(4 * SW_MODEL_FILES_ARENA_MAX);
    if (a == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to verify a bundle");
    enum sw_code code = sw_bundle_path(rest, model, path, err);
    if (code == SW_OK)
        code = sw_bundle_verify(path, a, &info, err);
    if (code == SW_OK && strcmp(info.files.digest, package_digest) != 0)
        code = sw_err_set(err, SW_CORRUPT, "'%s' is whole but not what was pushed: sha256:%s expected, sha256:%s found",
                          path, package_digest, info.files.digest);
    sw_arena_free(a);
    return code;
}

static enum sw_code wait_for(void *handle, struct sw_err *err)
{
    const struct sw_shipment *s = ((const struct bundle *)handle)->shipment;
    return verify(s->rest, s->package->model, s->package->files.digest, err);
}

const struct sw_target_kind bundle_kind = {
    .scheme = "bundle",
    .summary = "a folder or tar with model, manifests, approvals and digests",
    .address_help = "bundle:FOLDER or bundle:FILE.tar",
    .normalize = normalize,
    .open = open_bundle,
    .close = close_bundle,
    .preflight = preflight,
    .upload = upload,
    .diff = diff,
    .apply = apply,
    .wait = wait_for,
    .verify = verify,
};
