// SPDX-License-Identifier: Apache-2.0
// Where templates are found. Folders are asked in order and the first template of a name wins, so that users can put
// their own before the ones that come with the program.
#include "core/manifest/template.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/path.h"
#include "core/base/text.h"

enum { MAX_FOLDERS = 32, MAX_TEMPLATES = 1000 };
static const char suffix[] = ".yaml";

struct folder {
    const char *origin;
    char path[SW_PATH_MAX];
    dev_t device;
    ino_t inode;
};

struct search_path {
    struct folder folders[MAX_FOLDERS];
    size_t count;
};

// Adds a folder that exists and is not there yet (the build tree and the prefix may be one).
static void add_folder(struct search_path *s, const char *origin, const char *path)
{
    struct stat st;
    if (s->count == MAX_FOLDERS || strlen(path) >= SW_PATH_MAX || stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return;
    for (size_t i = 0; i < s->count; i++)
        if (s->folders[i].device == st.st_dev && s->folders[i].inode == st.st_ino)
            return;
    struct folder *f = &s->folders[s->count++];
    f->origin = origin;
    f->device = st.st_dev;
    f->inode = st.st_ino;
    snprintf(f->path, sizeof f->path, "%s", path);
}

static struct search_path *search_path_new(struct sw_err *err)
{
    static const char *const beside_program[] = {"../../templates", "../share/slipway/templates"};
    struct search_path *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)sw_err_set(err, SW_NO_MEMORY, "out of memory while looking for templates");
        return NULL;
    }
    char path[SW_PATH_MAX], place[SW_PATH_MAX];
    struct sw_err ignored = {0}; // a place that does not exist holds no templates
    if (sw_path_place(SW_PLACE_CONFIG, place, &ignored) == SW_OK &&
        sw_path_join(path, place, "templates", &ignored) == SW_OK)
        add_folder(s, "own", path);
    const char *set = getenv("SLIPWAY_TEMPLATES");
    for (const char *at = set; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, ":");
        snprintf(path, sizeof path, "%.*s", (int)(len < sizeof path ? len : 0), at);
        add_folder(s, "set", path);
        at += len + (at[len] == ':');
    }
    for (size_t i = 0; i < sizeof beside_program / sizeof *beside_program; i++)
        if (sw_path_sibling(beside_program[i], path, &ignored) == SW_OK)
            add_folder(s, "built-in", path);
    add_folder(s, "built-in", SW_PREFIX "/share/slipway/templates");
    return s;
}

static struct sw_template_row *find_row(struct sw_template_row *rows, size_t count, const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
            return &rows[i];
    return NULL;
}

static enum sw_code fill_row(struct sw_arena *a, const struct folder *f, const char *path, size_t name_len,
                             struct sw_template_row *row, struct sw_err *err)
{
    struct sw_template *t = NULL;
    struct sw_err problem = {0};
    row->origin = f->origin;
    row->path = sw_arena_strdup(a, path);
    row->name = sw_arena_strndup(a, sw_path_base(path), name_len);
    bool ok = row->path != NULL && row->name != NULL;
    if (sw_template_load(path, &t, &problem) == SW_OK)
        ok = ok && (row->summary = sw_arena_strdup(a, sw_template_info(t)->summary)) != NULL;
    else
        ok = ok && (row->problem = sw_arena_strdup(a, problem.message)) != NULL;
    sw_template_free(t);
    return ok ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "out of memory while listing templates");
}

static enum sw_code list_folder(struct sw_arena *a, const struct folder *f, struct sw_template_row *rows, size_t *count,
                                struct sw_err *err)
{
    DIR *dir = opendir(f->path);
    if (dir == NULL)
        return sw_err_errno(err, errno, "%s", f->path);
    enum sw_code code = SW_OK;
    for (struct dirent *e; code == SW_OK && (e = readdir(dir)) != NULL;) {
        size_t len = strlen(e->d_name);
        char path[SW_PATH_MAX];
        struct stat st;
        if (len < sizeof suffix || strcmp(e->d_name + len - 5, suffix) != 0 || e->d_name[0] == '.' ||
            fstatat(dirfd(dir), e->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
            continue;
        code = sw_path_join(path, f->path, e->d_name, err);
        if (code != SW_OK)
            break;
        struct sw_template_row *same = find_row(rows, *count, e->d_name, len - 5);
        if (same != NULL && same->shadows == NULL)
            same->shadows = sw_arena_strdup(a, path);
        else if (same == NULL && *count < MAX_TEMPLATES)
            code = fill_row(a, f, path, len - 5, &rows[(*count)++], err);
    }
    closedir(dir);
    return code;
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const struct sw_template_row *)a)->name, ((const struct sw_template_row *)b)->name);
}

enum sw_code sw_template_list(struct sw_arena *a, struct sw_template_row **out, size_t *count, struct sw_err *err)
{
    struct sw_template_row *rows = sw_arena_array(a, MAX_TEMPLATES, sizeof *rows);
    if (rows == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while listing templates");
    struct search_path *s = search_path_new(err);
    if (s == NULL)
        return SW_NO_MEMORY;
    size_t found = 0;
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < s->count && code == SW_OK; i++)
        code = list_folder(a, &s->folders[i], rows, &found, err);
    free(s);
    if (code != SW_OK)
        return code;
    qsort(rows, found, sizeof *rows, compare_rows);
    *out = rows;
    *count = found;
    return SW_OK;
}

static enum sw_code not_found(const char *name, struct sw_err *err)
{
    struct sw_arena *a = sw_arena_new((size_t)16 << 20);
    struct sw_template_row *rows = NULL;
    size_t count = 0;
    struct sw_err ignored = {0};
    const char *names[MAX_TEMPLATES], *near = NULL;
    char shown[80];
    if (a != NULL && sw_template_list(a, &rows, &count, &ignored) == SW_OK) {
        for (size_t i = 0; i < count; i++)
            names[i] = rows[i].name;
        near = sw_text_nearest(name, names, count);
    }
    enum sw_code code = sw_err_set(err, SW_NOT_FOUND, "there is no template named %s",
                                   sw_text_safe_copy(shown, sizeof shown, name, SW_TEXT_ONE_LINE));
    if (near != NULL)
        (void)sw_err_hint(err, "did you mean '%s'?", near);
    else
        (void)sw_err_hint(err, "slipway template ls lists them; a path to a file works too");
    sw_arena_free(a);
    return code;
}

enum sw_code sw_template_find(const char *name, struct sw_template **out, struct sw_err *err)
{
    size_t len = strlen(name);
    if (strchr(name, '/') != NULL || (len > 5 && strcmp(name + len - 5, suffix) == 0))
        return sw_template_load(name, out, err);
    struct search_path *s = search_path_new(err);
    if (s == NULL)
        return SW_NO_MEMORY;
    char path[SW_PATH_MAX], file[300];
    struct stat st;
    bool is_found = false;
    snprintf(file, sizeof file, "%.200s%s", name, suffix);
    for (size_t i = 0; i < s->count && !is_found; i++)
        is_found = sw_path_join(path, s->folders[i].path, file, err) == SW_OK && stat(path, &st) == 0;
    free(s);
    return is_found ? sw_template_load(path, out, err) : not_found(name, err);
}
