// SPDX-License-Identifier: Apache-2.0
// Reading artifacts: lists, files, and what HTTP wants to know of them (type, file name, range). Messages are MLflow's.
#include "core/serve/artifact_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/buf.h"

static int compare_names(const void *left, const void *right)
{
    const struct sw_beneath_entry *a = left, *b = right;
    return strcmp(a->name, b->name);
}

// What is ours in the root is nobody's artifact.
static size_t hide_dot_names(struct sw_beneath_entry *items, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (items[i].name[0] != '.')
            items[kept++] = items[i];
    return kept;
}

enum sw_code sw_artifact_list(int root, const struct sw_artifact_path *path, struct sw_arena *a,
                              struct sw_beneath_entry **out, size_t *count, struct sw_err *err)
{
    int fd = -1;
    struct sw_beneath_stat st = {0};
    enum sw_code code = sw_beneath_open(root, path->text, &fd, &st, err);
    if (code != SW_OK && code != SW_NOT_FOUND)
        return code;
    close(fd);
    *count = 0;
    if (code == SW_NOT_FOUND || !st.is_dir)
        return SW_OK;
    code = sw_beneath_list(root, path->text, SW_ARTIFACT_ENTRIES, a, out, count, err);
    if (code != SW_OK)
        return code;
    if (path->depth == 0)
        *count = hide_dot_names(*out, *count);
    if (*count > 0)
        qsort(*out, *count, sizeof **out, compare_names);
    return SW_OK;
}

enum sw_code sw_artifact_open(int root, const struct sw_artifact_path *path, int *fd, struct sw_beneath_stat *stat,
                              struct sw_err *err)
{
    int opened = -1;
    struct sw_beneath_stat st;
    enum sw_code code = sw_beneath_open(root, path->text, &opened, &st, err);
    if (code == SW_NOT_FOUND)
        return sw_err_set(err, SW_NOT_FOUND, "No such artifact: '%.300s'", path->text);
    if (code != SW_OK)
        return code;
    if (st.is_dir) {
        close(opened);
        return sw_err_set(err, SW_INVALID, "Artifact path refers to a directory, not a file: '%.300s'", path->text);
    }
    *fd = opened;
    *stat = st;
    return SW_OK;
}

enum sw_code sw_artifact_remove(int root, const struct sw_artifact_path *path, struct sw_err *err)
{
    return sw_beneath_remove(root, path->text, err);
}

// --- type and name ---

// MLflow shows these as text; for the rest it asks Python's mimetypes, whose common answers are below.
static const char *const text_names[] = {
    "txt", "log", "err",  "cfg", "conf", "cnf", "cf",  "ini", "properties", "prop", "hocon", "toml",    "yaml",
    "yml", "xml", "json", "js",  "py",   "py3", "csv", "tsv", "md",         "rst",  "ipynb", "MLmodel", "MLproject",
};
static const struct {
    const char *extension, *type;
} types[] = {
    {"avi", "video/x-msvideo"},    {"bmp", "image/bmp"},     {"css", "text/css"},
    {"doc", "application/msword"}, {"gif", "image/gif"},     {"h5", "application/x-hdf5"},
    {"htm", "text/html"},          {"html", "text/html"},    {"ico", "image/vnd.microsoft.icon"},
    {"jpeg", "image/jpeg"},        {"jpg", "image/jpeg"},    {"mjs", "text/javascript"},
    {"mov", "video/quicktime"},    {"mp3", "audio/mpeg"},    {"mp4", "video/mp4"},
    {"pdf", "application/pdf"},    {"png", "image/png"},     {"ps", "application/postscript"},
    {"sh", "application/x-sh"},    {"svg", "image/svg+xml"}, {"tar", "application/x-tar"},
    {"tgz", "application/x-tar"},  {"tif", "image/tiff"},    {"tiff", "image/tiff"},
    {"wasm", "application/wasm"},  {"wav", "audio/x-wav"},   {"webm", "video/webm"},
    {"zip", "application/zip"},
};

const char *sw_artifact_type(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *extension = dot != NULL && dot != name ? dot + 1 : name;
    for (size_t i = 0; i < sizeof text_names / sizeof *text_names; i++)
        if (strcmp(extension, text_names[i]) == 0)
            return "text/plain";
    for (size_t i = 0; extension != name && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(extension, types[i].extension) == 0)
            return types[i].type;
    return "application/octet-stream";
}

// RFC 9110's token characters.
static bool is_token_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void add_quoted(struct sw_buf *b, const char *name)
{
    sw_buf_addc(b, '"');
    size_t before = b->len;
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            sw_buf_addc(b, '\\');
        if ((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f)
            sw_buf_addc(b, *at);
    }
    if (b->len == before)
        sw_buf_adds(b, "download");
    sw_buf_addc(b, '"');
}

const char *sw_artifact_disposition(const char *name, struct sw_arena *a)
{
    struct sw_buf b;
    bool is_ascii = true, is_token = true;
    for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++) {
        is_ascii = is_ascii && *at < 0x80;
        is_token = is_token && is_token_char(*at);
    }
    sw_buf_init(&b, 8 * SW_ARTIFACT_PATH);
    sw_buf_adds(&b, "attachment; filename=");
    if (is_token)
        sw_buf_adds(&b, name);
    else
        add_quoted(&b, name);
    if (!is_ascii) {
        sw_buf_adds(&b, "; filename*=UTF-8''");
        for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++)
            sw_buf_addf(&b, is_token_char(*at) && strchr("%'*", *at) == NULL ? "%c" : "%%%02X", *at);
    }
    const char *text = b.failed ? NULL : sw_arena_strdup(a, b.data);
    sw_buf_free(&b);
    return text;
}

// --- ranges ---

// A number of at most 18 digits; longer ones are beyond any file. NULL when there is none.
static const char *read_position(const char *at, int64_t *out)
{
    size_t digits = strspn(at, "0123456789");
    if (digits == 0)
        return NULL;
    *out = digits <= 18 ? strtoll(at, NULL, 10) : INT64_MAX;
    return at + digits;
}

struct sw_artifact_range sw_artifact_range(const char *header, int64_t size_bytes)
{
    const struct sw_artifact_range whole = {SW_RANGE_WHOLE, 0, size_bytes};
    const struct sw_artifact_range outside = {SW_RANGE_OUTSIDE, 0, size_bytes};
    int64_t first = 0, last = INT64_MAX;
    if (header == NULL || strncasecmp(header, "bytes=", 6) != 0)
        return whole;
    const char *at = header + 6;
    bool is_suffix = *at == '-';
    if (is_suffix) {
        at = read_position(at + 1, &last);
    } else {
        at = read_position(at, &first);
        if (at == NULL || *at != '-')
            return whole;
        at++;
        if (*at != '\0')
            at = read_position(at, &last);
    }
    if (at == NULL || *at != '\0' || (!is_suffix && last < first))
        return whole;
    if (is_suffix) {
        first = last < size_bytes ? size_bytes - last : 0;
        if (last == 0)
            return outside;
        last = INT64_MAX;
    }
    if (first >= size_bytes)
        return outside;
    if (last >= size_bytes)
        last = size_bytes - 1;
    return (struct sw_artifact_range){SW_RANGE_PART, first, last - first + 1};
}
