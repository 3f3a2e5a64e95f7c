// SPDX-License-Identifier: Apache-2.0
// The token: 256 random bits as hex, in a file that only its user can read.
#include "core/serve/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/path.h"

enum sw_code sw_serve_token_make(char out[static SW_SERVE_TOKEN], struct sw_err *err)
{
    char half[33];
    for (size_t i = 0; i < 2; i++) {
        enum sw_code code = sw_random_id(half, err);
        if (code != SW_OK)
            return code;
        memcpy(out + 32 * i, half, sizeof half);
    }
    return SW_OK;
}

enum sw_code sw_serve_token_path(char out[static SW_PATH_MAX], struct sw_err *err)
{
    enum sw_code code = sw_path_place(SW_PLACE_STATE, out, err);
    return code == SW_OK ? sw_path_join(out, out, "token", err) : code;
}

// Several processes may make it at once: whoever links the name first wins, the others read that one.
static enum sw_code make_file(const char *path, struct sw_err *err)
{
    char own[SW_PATH_MAX + 32], token[SW_SERVE_TOKEN + 1];
    snprintf(own, sizeof own, "%s.%ld", path, (long)getpid());
    enum sw_code code = sw_serve_token_make(token, err);
    if (code != SW_OK)
        return code;
    memcpy(token + SW_SERVE_TOKEN - 1, "\n", 2);
    code = sw_file_write(own, token, SW_SERVE_TOKEN, err);
    if (code == SW_OK && link(own, path) != 0 && errno != EEXIST)
        code = sw_err_errno(err, errno, "making the token %s", path);
    unlink(own);
    return code;
}

static enum sw_code read_file(int fd, const char *path, char out[static SW_SERVE_TOKEN], struct sw_err *err)
{
    struct stat st;
    char text[SW_SERVE_TOKEN] = "";
    if (fstat(fd, &st) != 0)
        return sw_err_errno(err, errno, "reading the token %s", path);
    if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
        (void)sw_err_set(err, SW_CREDENTIALS, "the token %s is not this user's alone", path);
        (void)sw_err_hint(err, "others may have read it: remove the file, a new one is made");
        return SW_CREDENTIALS;
    }
    ssize_t n = read(fd, text, SW_SERVE_TOKEN - 1);
    if (n != SW_SERVE_TOKEN - 1 || strspn(text, "0123456789abcdef") != SW_SERVE_TOKEN - 1) {
        (void)sw_err_set(err, SW_CREDENTIALS, "%s does not hold a token", path);
        (void)sw_err_hint(err, "remove the file, a new one is made");
        return SW_CREDENTIALS;
    }
    memcpy(out, text, SW_SERVE_TOKEN - 1);
    out[SW_SERVE_TOKEN - 1] = '\0';
    return SW_OK;
}

enum sw_code sw_serve_token(char out[static SW_SERVE_TOKEN], struct sw_err *err)
{
    char dir[SW_PATH_MAX], path[SW_PATH_MAX];
    enum sw_code code = sw_path_place(SW_PLACE_STATE, dir, err);
    if (code == SW_OK)
        code = sw_path_make_dirs(dir, err);
    if (code == SW_OK)
        code = sw_serve_token_path(path, err);
    if (code != SW_OK)
        return code;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        code = make_file(path, err);
        if (code != SW_OK)
            return code;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    }
    if (fd < 0)
        return sw_err_errno(err, errno, "opening the token %s", path);
    code = read_file(fd, path, out, err);
    close(fd);
    return code;
}
