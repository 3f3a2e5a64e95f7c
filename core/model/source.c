// SPDX-License-Identifier: Apache-2.0
#include "core/model/source.h"

#include "core/base/beneath.h"
#include "core/base/path.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PROXY "mlflow-artifacts"

struct resolving {
    struct sw_store *store;
    const struct sw_source_request *request;
    struct sw_arena *arena;
    struct sw_source *out;
    struct sw_err *err;
};

// "scheme:[//authority]path"; a query or fragment is part of the path here, and refused where the path is ours.
struct uri {
    char scheme[32]; // lower case; "" = a path
    const char *authority;
    size_t authority_len;
    const char *path;
};

static struct uri parse_uri(const char *text)
{
    struct uri u = {.path = text, .authority = ""};
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) || (len > 0 && text[len] != '\0' && strchr("+-.", text[len]) != NULL))
        len++;
    if (text[len] != ':' || len == 0 || len >= sizeof u.scheme || !isalpha((unsigned char)text[0]))
        return u;
    for (size_t i = 0; i < len; i++)
        u.scheme[i] = (char)tolower((unsigned char)text[i]);
    u.path = text + len + 1;
    if (strncmp(u.path, "//", 2) == 0) {
        u.authority = u.path + 2;
        u.authority_len = strcspn(u.authority, "/?#");
        u.path = u.authority + u.authority_len;
    }
    return u;
}

// --- refusals, in MLflow's words ---
static enum sw_code refuse_local(const struct resolving *r)
{
    const char *owner = r->request->model_id != NULL ? "model_id" : "run_id";
    return sw_err_set(
        r->err, SW_INVALID,
        "Invalid model version source: '%.120s'. To use a local path as a model version source, the %s "
        "request parameter has to be specified and the local path has to be contained within the artifact "
        "directory of the run specified by the %s.",
        r->request->source, owner, owner);
}

static enum sw_code refuse_relative(const struct resolving *r)
{
    return sw_err_set(
        r->err, SW_INVALID,
        "Invalid model version source: '%.120s'. If supplying a source as an http, https, local file path, "
        "ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path "
        "references present. Please provide an absolute path.",
        r->request->source);
}

static enum sw_code refuse_owner(const struct resolving *r, const char *parameter)
{
    return sw_err_set(
        r->err, SW_INVALID,
        "Invalid model version source: '%.200s'. The %s request parameter must identify the resource that "
        "contains the source.",
        r->request->source, parameter);
}

static enum sw_code out_of_memory(const struct resolving *r)
{
    return sw_err_set(r->err, SW_NO_MEMORY, "no memory to look at a model's source");
}

// --- what no source may hold ---
static int hex_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

// Undoes one layer of percent encoding in place; *has_nul tells of a "%00". True when something was decoded.
static bool decode(char *text, bool *has_nul)
{
    char *to = text;
    bool changed = false;
    for (const char *from = text; *from != '\0'; from++) {
        char c = *from == '+' ? ' ' : *from;
        if (*from == '%' && hex_value(from[1]) >= 0 && hex_value(from[2]) >= 0) {
            c = (char)(hex_value(from[1]) * 16 + hex_value(from[2]));
            *has_nul = *has_nul || c == '\0';
            from += 2;
            changed = true;
        }
        *to++ = c;
    }
    *to = '\0';
    return changed;
}

// "." or ".." between separators.
static bool has_dot_part(const char *text, const char *separators)
{
    for (const char *p = text; *p != '\0';) {
        size_t len = strcspn(p, separators);
        if ((len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
            return true;
        p += len;
        p += *p != '\0';
    }
    return false;
}

// The source and whatever it decodes to, to any depth, name no relative part. Each layer is shorter than the one before.
static enum sw_code check_parts(const struct resolving *r)
{
    char *text = sw_arena_strdup(r->arena, r->request->source);
    bool has_nul = false, is_relative = false;
    if (text == NULL)
        return out_of_memory(r);
    do
        is_relative = is_relative || has_dot_part(text, "/\\");
    while (!is_relative && !has_nul && decode(text, &has_nul));
    return is_relative || has_nul ? refuse_relative(r) : SW_OK;
}

// Schemes whose URI names a host that a server would have to connect to (MLflow's list).
static enum sw_code check_scheme(const struct resolving *r, const struct uri *u)
{
    static const char *const refused[] = {"ftp", "sftp", "hdfs", "viewfs", "http", "https", "r2", "b2", "abfss"};
    bool is_refused = strcmp(u->scheme, PROXY) == 0 && u->authority_len > 0;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        is_refused = is_refused || strcmp(u->scheme, refused[i]) == 0;
    if (!is_refused)
        return SW_OK;
    return sw_err_set(r->err, SW_INVALID,
                      "'source' cannot use the '%s' scheme: the '%s' scheme addresses a host other than the tracking "
                      "server's configured artifact storage, so the server would connect to the host named in the URI.",
                      u->scheme, u->scheme);
}

// --- places ---
// Where `uri` of a run or logged model lies: below our artifacts, or elsewhere. `below` is added to it; contained or "".
static enum sw_code set_place(const struct resolving *r, const char *uri, const char *below)
{
    size_t len = strlen(uri);
    while (len > 0 && uri[len - 1] == '/')
        len--;
    const char *storage = sw_arena_printf(r->arena, "%.*s%s%s", (int)len, uri, below[0] != '\0' ? "/" : "", below);
    if (storage == NULL)
        return out_of_memory(r);
    struct uri u = parse_uri(storage);
    const char *relative = u.path + strspn(u.path, "/");
    r->out->storage_uri = storage;
    r->out->relative = NULL;
    if (strcmp(u.scheme, PROXY) != 0 || u.authority_len > 0)
        return SW_OK;
    if (strpbrk(relative, "%?#") != NULL || !sw_path_is_contained(relative))
        return refuse_relative(r);
    r->out->relative = relative;
    return SW_OK;
}

// A path below `uri`, as a script wrote it: one trailing slash is no harm, all else must be plain.
static enum sw_code set_place_below(const struct resolving *r, const char *uri, const char *path)
{
    size_t len = strlen(path);
    len -= len > 0 && path[len - 1] == '/';
    const char *below = sw_arena_strndup(r->arena, path, len);
    if (below == NULL)
        return out_of_memory(r);
    if (len > 0 && (strpbrk(below, "%?#") != NULL || !sw_path_is_contained(below)))
        return refuse_relative(r);
    return set_place(r, uri, below);
}

// The part of `source` that lies below `root`; NULL when it is not there.
static const char *part_below(const char *source, const char *root)
{
    struct uri s = parse_uri(source), t = parse_uri(root);
    if (strcmp(s.scheme, t.scheme) != 0 || s.authority_len != t.authority_len ||
        strncasecmp(s.authority, t.authority, s.authority_len) != 0)
        return NULL;
    s.path += strspn(s.path, "/");
    t.path += strspn(t.path, "/");
    size_t len = strlen(t.path);
    while (len > 0 && t.path[len - 1] == '/')
        len--;
    if (len == 0 || strncmp(s.path, t.path, len) != 0)
        return NULL;
    return s.path[len] == '\0' ? s.path + len : s.path[len] == '/' ? s.path + len + 1 : NULL;
}

// An absent run or model does not contain the source.
static enum sw_code run_uri(const struct resolving *r, const char *run_id, const char **out)
{
    struct sw_run run;
    enum sw_code code = run_id == NULL ? SW_NOT_FOUND : sw_run_get(r->store, run_id, r->arena, &run, r->err);
    if (code == SW_NOT_FOUND)
        return refuse_owner(r, "run_id");
    if (code == SW_OK && (*out = sw_run_artifact_uri(&run, r->arena)) == NULL)
        return out_of_memory(r);
    return code;
}

static enum sw_code model_uri(const struct resolving *r, const char *model_id, const char **out)
{
    struct sw_logged_model m;
    enum sw_code code =
        model_id == NULL ? SW_NOT_FOUND : sw_logged_model_get(r->store, model_id, SW_VIEW_ACTIVE, r->arena, &m, r->err);
    if (code == SW_NOT_FOUND)
        return refuse_owner(r, "model_id");
    if (code == SW_OK && (*out = sw_logged_model_artifact_uri(&m, r->arena)) == NULL)
        return out_of_memory(r);
    if (code == SW_OK && r->out->run_id[0] == '\0')
        r->out->run_id = m.source_run_id;
    return code;
}

// --- one function a scheme; the path begins after the colon or the authority ---
// runs:/RUN/PATH
static enum sw_code resolve_run(const struct resolving *r, const struct uri *u)
{
    const char *id = u->path + 1;
    size_t len = u->path[0] == '/' ? strcspn(id, "/") : 0;
    if (r->request->model_id != NULL)
        return refuse_owner(r, "model_id");
    if (len == 0)
        return sw_err_set(r->err, SW_INVALID,
                          "Not a proper runs:/ URI: %.120s. Runs URIs must be of the form "
                          "'runs:/<run_id>/run-relative/path/to/artifact'",
                          r->request->source);
    const char *given = r->request->run_id;
    const char *uri = NULL;
    if (u->authority_len > 0 || given == NULL || strlen(given) != len || strncmp(given, id, len) != 0)
        return refuse_owner(r, "run_id");
    enum sw_code code = run_uri(r, given, &uri);
    return code == SW_OK ? set_place_below(r, uri, id[len] == '/' ? id + len + 1 : "") : code;
}

// mlflow-artifacts:/PATH
static enum sw_code resolve_proxied(const struct resolving *r, const struct uri *u)
{
    (void)u;
    const char *uri = NULL;
    bool by_model = r->request->model_id != NULL;
    enum sw_code code = by_model ? model_uri(r, r->request->model_id, &uri) : run_uri(r, r->request->run_id, &uri);
    if (code != SW_OK)
        return code;
    const char *below = part_below(r->request->source, uri);
    return below != NULL ? set_place_below(r, uri, below) : refuse_owner(r, by_model ? "model_id" : "run_id");
}

// NAME/3, NAME/Production or NAME/latest by `word`, else NAME@alias.
static enum sw_code find_version(const struct resolving *r, const char *name, const char *word, const char *at,
                                 struct sw_model_version *out)
{
    if (word == NULL)
        return sw_model_version_find_alias(r->store, name, at + 1, r->arena, out, r->err);
    if (strspn(word, "0123456789") == strlen(word) && strlen(word) < 19)
        return sw_model_version_find(r->store, name, strtoll(word, NULL, 10), r->arena, out, r->err);
    if (strcasecmp(word, "latest") == 0)
        return sw_model_version_find_alias(r->store, name, word, r->arena, out, r->err);
    struct sw_model_version_list list = {0};
    enum sw_code code = sw_model_version_latest(r->store, name, &word, 1, r->arena, &list, r->err);
    if (code == SW_OK && list.count == 0)
        return sw_err_set(r->err, SW_NOT_FOUND, "No versions of model with name '%.200s' and stage '%.40s' found", name,
                          word);
    if (code == SW_OK)
        *out = list.items[0];
    return code;
}

static enum sw_code resolve_version(const struct resolving *r, const char *name, const char *slash, const char *at)
{
    struct sw_model_version v = {0};
    bool is_prompt = false;
    char *plain = sw_arena_strndup(r->arena, name, (size_t)((slash != NULL ? slash : at) - name));
    if (plain == NULL)
        return out_of_memory(r);
    enum sw_code code = sw_registered_model_require(r->store, plain, r->err);
    if (code == SW_OK)
        code = find_version(r, plain, slash != NULL ? slash + 1 : NULL, at, &v);
    if (code == SW_OK)
        code = sw_registered_model_is_prompt(r->store, v.name, &is_prompt, r->err);
    if (code != SW_OK)
        return code;
    if (is_prompt)
        return sw_err_set(r->err, SW_INVALID,
                          "Invalid model version source: '%.200s'. Prompt versions cannot be used as model version "
                          "sources.",
                          r->request->source);
    const struct sw_source_request *q = r->request;
    if ((q->run_id != NULL && strcmp(q->run_id, v.run_id) != 0) ||
        (q->model_id != NULL && strcmp(q->model_id, v.model_id) != 0))
        return sw_err_set(
            r->err, SW_INVALID,
            "Invalid model version source: '%.200s'. The run_id and model_id request parameters must match "
            "the referenced model version.",
            q->source);
    r->out->source = sw_arena_printf(r->arena, "models:/%s/%lld", v.name, (long long)v.version);
    r->out->run_id = sw_arena_strdup(r->arena, v.run_id);
    r->out->model_id = v.model_id;
    const char *uri = sw_model_download_uri(&v, r->arena);
    return r->out->source == NULL || r->out->run_id == NULL || uri == NULL ? out_of_memory(r) : set_place(r, uri, "");
}

// models:/m-ID, or a registered version
static enum sw_code resolve_model(const struct resolving *r, const struct uri *u)
{
    const char *name = u->path + 1, *uri = NULL;
    if (u->authority_len > 0 || u->path[0] != '/' || name[0] == '\0')
        return refuse_owner(r, "model_id");
    const char *slash = strchr(name, '/'), *at = strrchr(name, '@');
    bool is_alias = slash == NULL && at != NULL && at > name && at[1] != '\0';
    bool is_version = slash != NULL && slash > name && slash[1] != '\0' && strchr(slash + 1, '/') == NULL;
    if (is_alias || is_version)
        return resolve_version(r, name, slash, at);
    if (slash != NULL || at != NULL || r->request->model_id == NULL || strcmp(r->request->model_id, name) != 0)
        return refuse_owner(r, "model_id");
    enum sw_code code = model_uri(r, name, &uri);
    return code == SW_OK ? set_place(r, uri, "") : code;
}

// Any other scheme: elsewhere, as given.
static enum sw_code resolve_remote(const struct resolving *r, const struct uri *u)
{
    const char *unused = NULL;
    (void)u;
    r->out->storage_uri = r->out->source;
    bool needs_run = r->request->model_id != NULL && r->out->run_id[0] == '\0';
    return needs_run ? model_uri(r, r->request->model_id, &unused) : SW_OK;
}

static const struct {
    const char *scheme;
    enum sw_code (*resolve)(const struct resolving *r, const struct uri *u);
} schemes[] = {
    {"runs", resolve_run},
    {"models", resolve_model},
    {PROXY, resolve_proxied},
};

static enum sw_code resolve_prompt(const struct resolving *r)
{
    static const char *const placeholders[] = {"dummy-source", "prompt-template"};
    for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++) {
        if (strcmp(placeholders[i], r->request->source) != 0)
            continue;
        r->out->storage_uri = r->out->source;
        return SW_OK;
    }
    return sw_err_set(r->err, SW_INVALID,
                      "Invalid prompt source: '%.200s'. Prompt sources must use an MLflow placeholder.",
                      r->request->source);
}

static enum sw_code resolve(const struct resolving *r)
{
    if (r->request->is_prompt)
        return resolve_prompt(r);
    struct uri u = parse_uri(r->request->source);
    enum sw_code code = check_scheme(r, &u);
    if (code == SW_OK && (u.scheme[0] == '\0' || strcmp(u.scheme, "file") == 0))
        code = refuse_local(r);
    if (code == SW_OK)
        code = check_parts(r);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strcmp(schemes[i].scheme, u.scheme) == 0)
            return schemes[i].resolve(r, &u);
    return resolve_remote(r, &u);
}

enum sw_code sw_source_resolve(struct sw_store *s, const struct sw_source_request *request, struct sw_arena *a,
                               struct sw_source *out, struct sw_err *err)
{
    struct sw_source found = {
        .source = sw_arena_strdup(a, request->source),
        .run_id = request->run_id != NULL ? sw_arena_strdup(a, request->run_id) : "",
        .model_id = request->model_id != NULL ? sw_arena_strdup(a, request->model_id) : "",
    };
    struct resolving r = {.store = s, .request = request, .arena = a, .out = &found, .err = err};
    if (found.source == NULL || found.run_id == NULL || found.model_id == NULL)
        return out_of_memory(&r);
    enum sw_code code = resolve(&r);
    if (code == SW_OK)
        *out = found;
    return code;
}

// --- registering ---
// Opens what shall be copied and names it through its descriptor, so that it cannot be swapped for a link on the way: a
// folder, or the folder of a single file and the file's name. *fd stays -1 when there is nothing to copy.
static enum sw_code open_place(int root, const char *relative, struct sw_arena *a, int *fd,
                               char path[static SW_PATH_MAX], struct sw_err *err)
{
    struct sw_beneath_stat st;
    struct sw_beneath_entry *entries = NULL;
    size_t count = 0;
    const char *name = "";
    int opened = -1;
    enum sw_code code = sw_beneath_open(root, relative, &opened, &st, err);
    if (code == SW_NOT_FOUND)
        return SW_OK;
    if (code == SW_OK && st.is_dir) {
        code = sw_beneath_list(opened, "", SW_MODEL_FILES_MAX, a, &entries, &count, err);
    } else if (code == SW_OK) {
        close(opened);
        opened = -1;
        code = sw_beneath_parent(root, relative, false, &opened, &name, err);
    }
    bool is_there = code == SW_OK && (count > 0 || name[0] != '\0');
    if (is_there)
        snprintf(path, SW_PATH_MAX, "/proc/self/fd/%d%s%s", opened, name[0] != '\0' ? "/" : "", name);
    else if (opened >= 0)
        close(opened);
    if (is_there)
        *fd = opened;
    return code;
}

static enum sw_code open_bytes(struct sw_store *s, const struct sw_source *source, struct sw_arena *a, int *fd,
                               char path[static SW_PATH_MAX], struct sw_err *err)
{
    char artifacts[SW_PATH_MAX];
    int root = -1;
    if (source->relative == NULL)
        return SW_OK;
    enum sw_code code = sw_path_join(artifacts, sw_store_dir(s), "artifacts", err);
    if (code == SW_OK)
        code = sw_beneath_root(artifacts, &root, err);
    if (code == SW_NOT_FOUND) // nobody has stored anything yet
        return SW_OK;
    if (code != SW_OK)
        return code;
    code = open_place(root, source->relative, a, fd, path, err);
    close(root);
    return code;
}

enum sw_code sw_source_register(struct sw_store *s, const struct sw_source *source, struct sw_model_source base,
                                struct sw_arena *a, struct sw_model_version *out, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    int fd = -1;
    bool is_new = false;
    struct sw_model_version v;
    base.source = source->source;
    base.run_id = source->run_id[0] != '\0' ? source->run_id : NULL;
    base.model_id = source->model_id;
    enum sw_code code = open_bytes(s, source, a, &fd, path, err);
    base.path = fd >= 0 ? path : NULL;
    base.storage_uri = fd >= 0 ? NULL : source->storage_uri;
    if (code == SW_OK)
        code = sw_model_register(s, &base, a, &v, &is_new, err);
    if (fd >= 0)
        close(fd);
    return code == SW_OK ? sw_model_version_find(s, v.name, v.version, a, out, err) : code;
}

// The last two parts of its path name a version's folder, wherever the store was when it was registered.
const char *sw_model_download_uri(const struct sw_model_version *v, struct sw_arena *a)
{
    const char *tail = v->path + strlen(v->path);
    for (int slashes = 0; tail > v->path && (slashes += tail[-1] == '/') < 2;)
        tail--;
    return tail > v->path ? sw_arena_printf(a, PROXY ":/models/%s", tail) : sw_arena_strdup(a, v->storage_uri);
}
