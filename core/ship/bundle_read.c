// SPDX-License-Identifier: Apache-2.0
// Reading bundles: the same checks for folder and tar, on one picture of what is there.
#include "core/ship/bundle_private.h"

#include "core/base/file.h"
#include "core/base/path.h"
#include "core/base/tree.h"
#include "core/ship/tar_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

// --- pictures ---

static enum sw_code read_part(const char *root, const char *relative, struct sw_arena *a, struct sw_package_part *out,
                              struct sw_err *err)
{
    char path[SW_PATH_MAX];
    struct sw_buf bytes;
    sw_buf_init(&bytes, SW_PACKAGE_PART_MAX);
    enum sw_code code = sw_path_join(path, root, relative, err);
    if (code == SW_OK)
        code = sw_file_read(path, &bytes, err);
    if (code == SW_OK) {
        char *copy = sw_arena_alloc(a, bytes.len + 1);
        if (copy == NULL)
            code = sw_err_set(err, SW_NO_MEMORY, "no memory to read '%s'", path);
        else
            *out = (struct sw_package_part){relative, memcpy(copy, bytes.data, bytes.len), bytes.len};
    }
    sw_buf_free(&bytes);
    return code;
}

static bool is_approval(const char *path)
{
    return strncmp(path, SW_PACKAGE_APPROVAL, strlen(SW_PACKAGE_APPROVAL)) == 0;
}

// Takes MANIFEST out of the scanned list and loads what has to be looked into.
static enum sw_code sort_folder(const char *root, const struct sw_model_files *all, struct sw_arena *a,
                                struct tar_content *out, struct sw_err *err)
{
    struct sw_model_file *items = sw_arena_array(a, all->count + 1, sizeof *items);
    out->approvals = sw_arena_array(a, all->count + 1, sizeof *out->approvals);
    if (items == NULL || out->approvals == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to read '%s'", root);
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        enum sw_code code = SW_OK;
        struct sw_package_part part = {0};
        if (strcmp(all->items[i].path, SW_PACKAGE_MANIFEST) == 0) {
            code = read_part(root, SW_PACKAGE_MANIFEST, a, &part, err);
            if (code == SW_OK) {
                out->manifest = part.bytes;
                out->manifest_len = part.len;
            }
        } else {
            items[count++] = all->items[i];
            if (is_approval(all->items[i].path))
                code = read_part(root, all->items[i].path, a, &out->approvals[out->approval_count++], err);
        }
        if (code != SW_OK)
            return code;
    }
    if (out->manifest == NULL)
        return sw_err_set(err, SW_CORRUPT, "'%s': the file '" SW_PACKAGE_MANIFEST "' is missing", root);
    return sw_model_files_seal(items, count, &out->files, err);
}

static enum sw_code read_folder(const char *path, struct sw_arena *a, struct tar_content *out, struct sw_err *err)
{
    struct sw_model_files all;
    enum sw_code code = sw_model_files_scan(path, a, &all, err);
    if (code == SW_INVALID) // a link, a special file or a name that no bundle has
        return sw_err_set(err, SW_CORRUPT, "%s", err == NULL ? path : err->message);
    return code == SW_OK ? sort_folder(path, &all, a, out, err) : code;
}

// --- checks ---

// The tree digest of the model in a bundle.
static enum sw_code digest_model(const struct sw_model_files *files, struct sw_arena *a, const char **out,
                                 struct sw_err *err)
{
    struct sw_model_file *items = sw_arena_array(a, files->count + 1, sizeof *items);
    struct sw_model_files model;
    if (items == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a list of %zu files", files->count);
    size_t count = 0;
    for (size_t i = 0; i < files->count; i++) {
        if (strncmp(files->items[i].path, SW_PACKAGE_MODEL, strlen(SW_PACKAGE_MODEL)) == 0) {
            items[count] = files->items[i];
            items[count++].path += strlen(SW_PACKAGE_MODEL);
        }
    }
    enum sw_code code = sw_model_files_seal(items, count, &model, err);
    if (code != SW_OK)
        return code;
    const char *digest = sw_arena_strdup(a, model.digest);
    if (digest == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a digest");
    *out = digest;
    return SW_OK;
}

// An approval in a bundle must be for the model in it.
static enum sw_code check_approval(const char *path, const struct sw_package_part *part, struct sw_arena *a,
                                   struct sw_bundle_info *info, struct sw_err *err)
{
    json_t *tree = NULL;
    enum sw_code code = sw_json_parse(part->bytes, part->len, part->path, &sw_tree_limits_default, &tree, err);
    if (code != SW_OK)
        return sw_err_set(err, SW_CORRUPT, "'%s': %s", path, err == NULL ? "" : err->message);
    const char *digest = sw_tree_text(tree, "digest");
    const char *model = sw_tree_text(tree, "model");
    if (digest == NULL || model == NULL || strcmp(digest, info->model_digest) != 0)
        code = sw_err_set(err, SW_CORRUPT, "'%s': '%s' approves sha256:%.64s, the model is sha256:%s", path, part->path,
                          digest == NULL ? "-" : digest, info->model_digest);
    else
        info->model = sw_arena_strdup(a, model);
    if (code == SW_OK && info->model == NULL)
        code = sw_err_set(err, SW_NO_MEMORY, "no memory to read '%s'", path);
    info->version = sw_tree_int(tree, "version", 0);
    info->approval_count++;
    json_decref(tree);
    return code;
}

static enum sw_code check_content(const char *path, const struct tar_content *c, struct sw_arena *a,
                                  struct sw_bundle_info *out, struct sw_err *err)
{
    struct sw_model_files listed;
    struct sw_bundle_info info = {.model = "", .model_digest = "", .files = c->files};
    char name[SW_PATH_MAX + 16];
    snprintf(name, sizeof name, "%s/" SW_PACKAGE_MANIFEST, path);
    enum sw_code code = sw_model_files_read(c->manifest, c->manifest_len, name, a, &listed, err);
    if (code == SW_OK)
        code = sw_model_files_compare(&listed, &c->files, path, err);
    if (code == SW_OK)
        code = digest_model(&c->files, a, &info.model_digest, err);
    for (size_t i = 0; code == SW_OK && i < c->approval_count; i++) {
        const char *ending = strrchr(c->approvals[i].path, '.');
        if (ending != NULL && strcmp(ending, ".json") == 0)
            code = check_approval(path, &c->approvals[i], a, &info, err);
    }
    if (code == SW_OK && c->folder != NULL && info.model[0] != '\0' && strcmp(c->folder, info.model) != 0)
        code = sw_err_set(err, SW_CORRUPT, "'%s': the folder is '%s', the model '%s'", path, c->folder, info.model);
    if (code == SW_OK)
        *out = info;
    return code;
}

enum sw_code sw_bundle_verify(const char *path, struct sw_arena *a, struct sw_bundle_info *out, struct sw_err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return sw_err_errno(err, errno, "the bundle '%s'", path);
    struct tar_content content = {0};
    enum sw_code code = S_ISDIR(st.st_mode) ? read_folder(path, a, &content, err) : tar_read(path, a, &content, err);
    return code == SW_OK ? check_content(path, &content, a, out, err) : code;
}

// --- looking ---

bool bundle_is_tar(const char *rest)
{
    size_t len = strlen(rest);
    return len > 4 && strcmp(rest + len - 4, ".tar") == 0;
}

enum sw_code sw_bundle_path(const char *rest, const char *model, char out[static SW_PATH_MAX], struct sw_err *err)
{
    return bundle_is_tar(rest) ? sw_path_absolute(out, rest, err) : sw_path_join(out, rest, model, err);
}

// A folder is ours when it has a list whose first line looks like one.
static bool folder_is_ours(const char *path)
{
    char list[SW_PATH_MAX], line[68] = "", hex[SW_SHA256_HEX];
    if (sw_path_join(list, path, SW_PACKAGE_MANIFEST, NULL) != SW_OK)
        return false;
    FILE *file = fopen(list, "rbe");
    if (file == NULL)
        return false;
    bool is_ours = fgets(line, sizeof line, file) != NULL && sscanf(line, "%64[0-9a-f]  ", hex) == 1 &&
                   strlen(hex) == SW_SHA256_HEX - 1;
    fclose(file);
    return is_ours;
}

enum bundle_presence bundle_look(const char *path, const char *model)
{
    struct stat st;
    char folder[SW_MODEL_NAME_MAX + 1];
    if (lstat(path, &st) != 0)
        return BUNDLE_NONE;
    if (S_ISDIR(st.st_mode))
        return folder_is_ours(path) ? BUNDLE_OURS : BUNDLE_FOREIGN;
    return S_ISREG(st.st_mode) && tar_is_ours(path, folder) && strcmp(folder, model) == 0 ? BUNDLE_OURS
                                                                                          : BUNDLE_FOREIGN;
}
