// SPDX-License-Identifier: Apache-2.0
#include "core/base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Deepest folder that sw_path_remove_tree() goes down to: each level holds a descriptor.
enum { REMOVE_DEPTH = 200 };

static const struct {
    const char *variable;
    const char *below_home; // NULL: the specification names no default
} places[] = {
    [SW_PLACE_CONFIG] = {"XDG_CONFIG_HOME", ".config"},    [SW_PLACE_DATA] = {"XDG_DATA_HOME", ".local/share"},
    [SW_PLACE_STATE] = {"XDG_STATE_HOME", ".local/state"}, [SW_PLACE_CACHE] = {"XDG_CACHE_HOME", ".cache"},
    [SW_PLACE_RUNTIME] = {"XDG_RUNTIME_DIR", NULL},
};

enum sw_code sw_path_place(enum sw_place place, char out[static SW_PATH_MAX], struct sw_err *err)
{
    const char *variable = places[place].variable;
    const char *below = places[place].below_home;
    const char *value = getenv(variable);
    if (value != NULL && value[0] == '/')
        return sw_path_join(out, value, "slipway", err);
    const char *home = getenv("HOME");
    if (below == NULL || home == NULL || home[0] != '/') {
        enum sw_code code = sw_err_set(err, SW_NOT_FOUND, "%s is not set%s", variable,
                                       below != NULL ? " and HOME names no absolute folder" : "");
        (void)sw_err_hint(err, "set %s%s to an absolute folder", variable, below != NULL ? " or HOME" : "");
        return code;
    }
    char base[SW_PATH_MAX];
    enum sw_code code = sw_path_join(base, home, below, err);
    return code == SW_OK ? sw_path_join(out, base, "slipway", err) : code;
}

enum sw_code sw_path_join(char out[static SW_PATH_MAX], const char *a, const char *b, struct sw_err *err)
{
    char whole[SW_PATH_MAX]; // `out` may be `a` or `b`
    if (b[0] == '/')
        a = "";
    size_t left = strlen(a);
    bool needs_slash = left > 0 && a[left - 1] != '/' && b[0] != '\0';
    int len = snprintf(whole, sizeof whole, "%s%s%s", a, needs_slash ? "/" : "", b);
    if (len < 0 || len >= SW_PATH_MAX)
        return sw_err_set(err, SW_LIMIT, "the path of %.64s... is longer than %d bytes", b, SW_PATH_MAX - 1);
    memcpy(out, whole, (size_t)len + 1);
    return SW_OK;
}

enum sw_code sw_path_absolute(char out[static SW_PATH_MAX], const char *path, struct sw_err *err)
{
    char whole[SW_PATH_MAX] = "";
    if (path[0] != '/' && getcwd(whole, sizeof whole) == NULL)
        return sw_err_errno(err, errno, "cannot tell the working directory");
    enum sw_code code = sw_path_join(whole, whole, path, err);
    if (code != SW_OK)
        return code;
    size_t len = 0;
    char *rest = NULL;
    char clean[SW_PATH_MAX];
    for (char *part = strtok_r(whole, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest)) {
        if (strcmp(part, ".") == 0)
            continue;
        if (strcmp(part, "..") == 0) {
            while (len > 0 && clean[--len] != '/') {
            }
            continue;
        }
        clean[len++] = '/';
        size_t size = strlen(part);
        memcpy(clean + len, part, size);
        len += size;
    }
    if (len == 0)
        clean[len++] = '/';
    clean[len] = '\0';
    memcpy(out, clean, len + 1);
    return SW_OK;
}

const char *sw_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

bool sw_path_is_contained(const char *path)
{
    const char *part = path;
    for (const char *at = path;; at++) {
        if (*at == '/' || *at == '\0') {
            size_t len = (size_t)(at - part);
            if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
                return false;
            if (*at == '\0')
                return at - path < SW_PATH_MAX;
            part = at + 1;
        } else if ((unsigned char)*at < 0x20 || *at == 0x7f || *at == '\\') {
            return false;
        }
    }
}

// mkdir of one folder; one that exists already is success.
static enum sw_code make_dir(const char *path, struct sw_err *err)
{
    struct stat st;
    if (mkdir(path, 0700) == 0)
        return SW_OK;
    int why = errno;
    if (why == EEXIST && stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? SW_OK : sw_err_errno(err, ENOTDIR, "cannot create folder %s", path);
    // A read-only or forbidden parent answers so even for folders that are there.
    if ((why == EROFS || why == EACCES) && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return SW_OK;
    return sw_err_errno(err, why, "cannot create folder %s", path);
}

enum sw_code sw_path_make_dirs(const char *path, struct sw_err *err)
{
    char part[SW_PATH_MAX] = "";
    enum sw_code code = sw_path_join(part, path, "", err);
    for (char *at = part + 1; code == SW_OK && part[0] != '\0' && *at != '\0'; at++) {
        if (*at != '/' || at[-1] == '/')
            continue;
        *at = '\0';
        code = make_dir(part, err);
        *at = '/';
    }
    return code == SW_OK ? make_dir(part, err) : code;
}

static enum sw_code remove_entry(int parent, const char *name, const char *shown, int depth, struct sw_err *err);

static enum sw_code remove_children(DIR *dir, const char *shown, int depth, struct sw_err *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL)
            return errno == 0 ? SW_OK : sw_err_errno(err, errno, "cannot list %s", shown);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        enum sw_code code = remove_entry(dirfd(dir), entry->d_name, entry->d_name, depth, err);
        if (code != SW_OK)
            return sw_err_wrap(err, "%s", shown);
    }
}

static enum sw_code remove_entry(int parent, const char *name, const char *shown, int depth, struct sw_err *err)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return SW_OK;
    if (errno != EISDIR && errno != EPERM)
        return sw_err_errno(err, errno, "cannot remove %s", shown);
    if (depth == REMOVE_DEPTH)
        return sw_err_set(err, SW_LIMIT, "%s lies more than %d folders deep", shown, REMOVE_DEPTH);
    // Opened relative to the parent and not through links, so that a swapped folder cannot lead elsewhere.
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        enum sw_code code = sw_err_errno(err, errno, "cannot remove %s", shown);
        if (fd >= 0)
            close(fd);
        return code;
    }
    enum sw_code code = remove_children(dir, shown, depth + 1, err);
    closedir(dir);
    if (code == SW_OK && unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        code = sw_err_errno(err, errno, "cannot remove %s", shown);
    return code;
}

enum sw_code sw_path_remove_tree_at(int dir_fd, const char *path, struct sw_err *err)
{
    return remove_entry(dir_fd, path, path, 0, err);
}

enum sw_code sw_path_remove_tree(const char *path, struct sw_err *err)
{
    return sw_path_remove_tree_at(AT_FDCWD, path, err);
}

enum sw_code sw_path_sibling(const char *name, char out[static SW_PATH_MAX], struct sw_err *err)
{
    char self[SW_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0)
        return sw_err_errno(err, errno, "cannot tell where this program lies");
    self[len] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return sw_err_set(err, SW_FAILED, "cannot tell where this program lies: '%s'", self);
    slash[slash == self ? 1 : 0] = '\0';
    return sw_path_join(out, self, name, err);
}
