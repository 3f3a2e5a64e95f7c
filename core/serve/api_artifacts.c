// SPDX-License-Identifier: Apache-2.0
// Artifacts over HTTP: lists, downloads with ranges, uploads that stream to the disk, deletion, uploads in parts. Paths and
// files are artifact_private.h's; here is what the API asks of them: that writes go to an experiment that is there, and
// MLflow's fields and messages (server/handlers.py, server/artifact_router.py and store/artifact of 3.17).
#include "core/serve/api_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/model/source.h"
#include "core/serve/artifact_private.h"
#include "core/serve/registry_reply_private.h"
#include "core/serve/run_reply_private.h"
#include "core/store/registered_model.h"

enum {
    SMALL_UPLOAD = 10 << 20, // of the UI's upload
    FIRST_DEPTH = 3,         // parts of the least path that may be changed: <experiment>/<run>/artifacts
};

// --- places ---

// May the caller change what is at `path`?
static enum sw_code check_writable(struct sw_call *c, const struct sw_artifact_path *path, struct sw_err *err)
{
    int64_t id = 0;
    struct sw_experiment e = {0};
    if (strncmp(path->text, "models/", sizeof "models/" - 1) == 0)
        return sw_err_set(err, SW_REFUSED, "registered versions do not change: register another one");
    enum sw_code code = sw_artifact_path_experiment(path, &id, err);
    if (code == SW_OK && path->depth < FIRST_DEPTH)
        code = sw_err_set(err, SW_INVALID, "Invalid path: '%.200s' is not below a run or a logged model", path->text);
    if (code == SW_OK)
        code = sw_experiment_get(c->store, id, c->arena, &e, err);
    if (code != SW_OK)
        return code;
    if (e.is_deleted)
        return sw_err_set(err, SW_INVALID,
                          "The experiment %" PRId64 " must be in the 'active' state. Current state is deleted.", id);
    if (e.artifact_location[0] != '\0') // a place that clients reach by themselves
        return sw_err_set(err, SW_INVALID, "experiment %" PRId64 " keeps its artifacts at %.200s, not here", id,
                          e.artifact_location);
    return SW_OK;
}

// Where a run's artifacts are: its URI and, when they are here, the folder.
static enum sw_code run_folder(struct sw_call *c, const char *run_id, const char **uri, struct sw_artifact_path *out,
                               struct sw_err *err)
{
    struct sw_run_peek peek;
    struct sw_run run = {0};
    enum sw_code code = sw_api_require_run(c, run_id, &peek, err);
    if (code == SW_OK)
        code = sw_run_get(c->store, run_id, c->arena, &run, err);
    if (code != SW_OK)
        return code;
    *uri = sw_run_artifact_uri(&run, c->arena);
    if (*uri == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a reply");
    return sw_artifact_path_of_uri(out, *uri, err);
}

// "run_id", which older clients call "run_uuid".
static const char *run_id_of(const struct sw_call *c)
{
    const char *id = sw_call_text(c, "run_id");
    return id != NULL && *id != '\0' ? id : sw_call_text(c, "run_uuid");
}

static int root_of(const struct sw_call *c)
{
    return sw_serve_artifact_root(c->serve);
}

// --- lists ---

enum sw_code sw_api_put_artifact_list(struct sw_call *c, const struct sw_artifact_path *folder, const char *prefix,
                                      struct sw_err *err)
{
    struct sw_beneath_entry *items = NULL;
    size_t count = 0;
    enum sw_code code = sw_artifact_list(root_of(c), folder, c->arena, &items, &count, err);
    if (code != SW_OK || count == 0) // MLflow leaves empty lists out
        return code;
    size_t prefix_len = prefix != NULL ? strlen(prefix) : 0;
    while (prefix_len > 0 && prefix[prefix_len - 1] == '/')
        prefix_len--;
    sw_json_begin_array(&c->out, "files");
    for (size_t i = 0; i < count; i++) {
        char path[2 * SW_ARTIFACT_PATH];
        snprintf(path, sizeof path, "%.*s%s%s", (int)prefix_len, prefix != NULL ? prefix : "",
                 prefix_len > 0 ? "/" : "", items[i].name);
        sw_json_begin_object(&c->out, NULL);
        sw_json_put_text(&c->out, "path", path);
        sw_json_put_bool(&c->out, "is_dir", items[i].stat.is_dir);
        if (items[i].stat.size_bytes > 0) // MLflow leaves a zero out
            sw_json_put_int(&c->out, "file_size", items[i].stat.size_bytes);
        sw_json_end_object(&c->out);
    }
    sw_json_end_array(&c->out);
    return SW_OK;
}

SW_API_HANDLER(list_artifacts)
{
    struct sw_artifact_path path;
    const char *run_id = run_id_of(c), *below = sw_call_text(c, "path"), *uri;
    if (run_id == NULL)
        return sw_call_missing("run_id", err);
    enum sw_code code = run_folder(c, run_id, &uri, &path, err);
    if (code == SW_OK)
        code = sw_artifact_path_join(&path, &path, below, err);
    if (code == SW_OK)
        code = sw_api_put_artifact_list(c, &path, below, err);
    if (code == SW_OK)
        sw_json_put_text(&c->out, "root_uri", uri);
    return code;
}

SW_API_HANDLER(list_proxied_artifacts)
{
    struct sw_artifact_path path;
    const char *text = sw_call_text(c, "path");
    enum sw_code code = sw_artifact_path_make(&path, text != NULL ? text : "", err);
    return code == SW_OK ? sw_api_put_artifact_list(c, &path, NULL, err) : code;
}

// --- downloads ---

static void put_download_headers(struct sw_call *c, const struct sw_artifact_path *path, const char *etag)
{
    const char *name = sw_artifact_path_name(path), *disposition = sw_artifact_disposition(name, c->arena);
    c->content_type = sw_artifact_type(name);
    sw_call_header(c, "Content-Disposition", disposition != NULL ? disposition : "attachment");
    sw_call_header(c, "Accept-Ranges", "bytes");
    sw_call_header(c, "ETag", etag);
}

static enum sw_code send_part(struct sw_call *c, const struct sw_artifact_range *range, int64_t size)
{
    if (range->kind == SW_RANGE_OUTSIDE) {
        close(c->file);
        c->file = -1;
        c->status = 416;
        c->content_type = "application/json";
        sw_json_put_text(&c->out, "error_code", "INVALID_PARAMETER_VALUE");
        sw_json_put_text(&c->out, "message", "The range lies outside the artifact");
        sw_call_header(c, "Content-Range", sw_arena_printf(c->arena, "bytes */%" PRId64, size));
        return SW_OK;
    }
    c->status = 206;
    c->file_offset = range->offset;
    c->file_len = range->len;
    sw_call_header(c, "Content-Range",
                   sw_arena_printf(c->arena, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, range->offset,
                                   range->offset + range->len - 1, size));
    return SW_OK;
}

// A range is honoured when the caller's copy is of this very file (If-Range) or it does not say.
static enum sw_code send_file(struct sw_call *c, const struct sw_artifact_path *path, struct sw_err *err)
{
    struct sw_beneath_stat st;
    struct stat file;
    enum sw_code code = sw_artifact_open(root_of(c), path, &c->file, &st, err);
    if (code != SW_OK)
        return code;
    if (fstat(c->file, &file) != 0)
        return sw_err_set(err, SW_IO, "cannot inspect the artifact '%.200s'", path->text);
    const char *etag = sw_arena_printf(c->arena, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"", (uint64_t)file.st_ino,
                                       (uint64_t)st.modified_ms, (uint64_t)st.size_bytes);
    put_download_headers(c, path, etag);
    c->file_offset = 0;
    c->file_len = st.size_bytes;
    bool is_same = c->if_range == NULL || (etag != NULL && strcmp(c->if_range, etag) == 0);
    struct sw_artifact_range range = sw_artifact_range(is_same ? c->range : NULL, st.size_bytes);
    return range.kind == SW_RANGE_WHOLE ? SW_OK : send_part(c, &range, st.size_bytes);
}

SW_API_HANDLER(download_artifact)
{
    struct sw_artifact_path path;
    enum sw_code code = sw_artifact_path_make(&path, c->args[0], err);
    return code == SW_OK ? send_file(c, &path, err) : code;
}

SW_API_HANDLER(get_run_artifact)
{
    struct sw_artifact_path path;
    const char *run_id = run_id_of(c), *below = sw_call_text(c, "path"), *uri;
    if (run_id == NULL)
        return sw_call_missing("run_id", err);
    if (below == NULL || *below == '\0')
        return sw_call_missing("path", err);
    enum sw_code code = run_folder(c, run_id, &uri, &path, err);
    if (code == SW_OK)
        code = sw_artifact_path_join(&path, &path, below, err);
    return code == SW_OK ? send_file(c, &path, err) : code;
}

SW_API_HANDLER(get_version_artifact)
{
    struct sw_artifact_path path;
    struct sw_model_version v = {0};
    int64_t version = 0;
    const char *uri = NULL;
    enum sw_code code = sw_api_read_version(c, &version, err);
    if (code == SW_OK)
        code = sw_model_version_find(c->store, sw_call_text(c, "name"), version, c->arena, &v, err);
    if (code == SW_OK && (uri = sw_model_download_uri(&v, c->arena)) == NULL)
        code = sw_err_set(err, SW_NO_MEMORY, "no memory for a reply");
    if (code == SW_OK)
        code = sw_artifact_path_of_uri(&path, uri, err);
    if (code == SW_OK)
        code = sw_artifact_path_join(&path, &path, sw_call_text(c, "path"), err);
    return code == SW_OK ? send_file(c, &path, err) : code;
}

// --- uploads and deletion ---

// A body on its way to the disk, in c->sink_state.
struct body {
    struct sw_artifact_upload *file;
    int64_t most; // bytes, 0 = what the disk takes
};

static enum sw_code open_body(struct sw_call *c, int64_t most, struct sw_err *err)
{
    struct body *body = sw_arena_alloc(c->arena, sizeof *body);
    if (body == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for an upload");
    enum sw_code code = sw_artifact_upload_begin(root_of(c), &body->file, err);
    if (code != SW_OK)
        return code;
    body->most = most;
    c->sink_state = body;
    return SW_OK;
}

static enum sw_code write_body(struct sw_call *c, const void *bytes, size_t len, struct sw_err *err)
{
    struct body *body = c->sink_state;
    if (body->most > 0 && sw_artifact_upload_size(body->file) + (int64_t)len > body->most)
        return sw_err_set(err, SW_INVALID, "Artifact size is too large. Max size is 10MB.");
    return sw_artifact_upload_add(body->file, bytes, len, err);
}

static void drop_body(struct sw_call *c)
{
    struct body *body = c->sink_state;
    sw_artifact_upload_drop(body->file);
    c->sink_state = NULL;
}

// Gives the body its place, when the caller may write there.
static enum sw_code keep_body(struct sw_call *c, const struct sw_artifact_path *path, struct sw_err *err)
{
    struct body *body = c->sink_state;
    enum sw_code code = check_writable(c, path, err);
    if (code == SW_OK)
        code = sw_artifact_upload_finish(body->file, path, err);
    if (code == SW_OK)
        c->sink_state = NULL;
    return code;
}

static enum sw_code path_of_file(struct sw_call *c, struct sw_artifact_path *path, struct sw_err *err)
{
    const char *text = c->args[0];
    if (text[0] == '\0' || text[strlen(text) - 1] == '/')
        return sw_err_set(err, SW_INVALID, "Artifact path must include a filename (cannot end with '/').");
    return sw_artifact_path_make(path, text, err);
}

static enum sw_code open_put(struct sw_call *c, struct sw_err *err)
{
    struct sw_artifact_path path;
    enum sw_code code = path_of_file(c, &path, err);
    return code == SW_OK ? open_body(c, 0, err) : code;
}

SW_API_HANDLER(put_artifact)
{
    struct sw_artifact_path path;
    enum sw_code code = path_of_file(c, &path, err);
    if (code == SW_OK)
        code = keep_body(c, &path, err);
    if (code == SW_OK)
        sw_call_put_plain(c, "text/plain; charset=utf-8", ""); // as MLflow's server answers
    return code;
}
const struct sw_call_sink sw_api_put_artifact_sink = {open_put, write_body, drop_body};

static enum sw_code open_small(struct sw_call *c, struct sw_err *err)
{
    const char *run_id = sw_call_text(c, "run_uuid"), *path = sw_call_text(c, "path");
    struct sw_artifact_path below;
    if (run_id == NULL || *run_id == '\0')
        return sw_err_set(err, SW_INVALID, "Request must specify run_uuid.");
    if (path == NULL || *path == '\0')
        return sw_err_set(err, SW_INVALID, "Request must specify path.");
    enum sw_code code = sw_artifact_path_make(&below, path, err);
    return code == SW_OK ? open_body(c, SMALL_UPLOAD, err) : code;
}

SW_API_HANDLER(upload_small_artifact)
{
    struct sw_artifact_path path;
    const struct body *body = c->sink_state;
    const char *uri;
    if (sw_artifact_upload_size(body->file) == 0)
        return sw_err_set(err, SW_INVALID, "Request must specify data.");
    enum sw_code code = run_folder(c, sw_call_text(c, "run_uuid"), &uri, &path, err);
    if (code == SW_OK)
        code = sw_artifact_path_join(&path, &path, sw_call_text(c, "path"), err);
    return code == SW_OK ? keep_body(c, &path, err) : code;
}
const struct sw_call_sink sw_api_small_artifact_sink = {open_small, write_body, drop_body};

SW_API_HANDLER(delete_artifact)
{
    struct sw_artifact_path path;
    enum sw_code code = sw_artifact_path_make(&path, c->args[0], err);
    if (code == SW_OK)
        code = check_writable(c, &path, err);
    return code == SW_OK ? sw_artifact_remove(root_of(c), &path, err) : code;
}

// --- uploads in parts ---

static enum sw_code open_part(struct sw_call *c, struct sw_err *err)
{
    return open_body(c, 0, err);
}

SW_API_HANDLER(put_artifact_part)
{
    struct body *body = c->sink_state;
    char etag[SW_ARTIFACT_ID];
    enum sw_code code =
        sw_artifact_parts_put(root_of(c), c->args[0], (int)strtol(c->args[1], NULL, 10), body->file, etag, err);
    if (code != SW_OK)
        return code;
    c->sink_state = NULL;
    sw_call_header(c, "ETag", sw_arena_printf(c->arena, "\"%s\"", etag));
    return SW_OK;
}
const struct sw_call_sink sw_api_artifact_part_sink = {open_part, write_body, drop_body};

// The target of a multipart upload: the folder of the URL and the base name of the client's file.
static enum sw_code target_of(struct sw_call *c, struct sw_artifact_path *out, struct sw_err *err)
{
    struct sw_artifact_path folder;
    const char *name = sw_path_base(sw_call_text(c, "path"));
    if (*name == '\0')
        return sw_err_set(err, SW_INVALID, "Artifact path must include a filename (cannot end with '/').");
    enum sw_code code = sw_artifact_path_make(&folder, c->args[0], err);
    if (code == SW_OK)
        code = sw_artifact_path_join(out, &folder, name, err);
    return code == SW_OK ? check_writable(c, out, err) : code;
}

// The client sends each part to the URL with the headers that it is given here, and adds no token itself.
static void put_credentials(struct sw_call *c, const char *id, int64_t count)
{
    sw_json_begin_array(&c->out, "credentials");
    for (int64_t number = 1; number <= count; number++) {
        sw_json_begin_object(&c->out, NULL);
        sw_json_put_text(&c->out, "url",
                         sw_arena_printf(c->arena, "%s://%s/api/2.0/mlflow-artifacts/mpu/parts/%s/%" PRId64,
                                         sw_serve_scheme(c->serve), c->host, id, number));
        sw_json_put_int(&c->out, "part_number", number);
        sw_json_begin_object(&c->out, "headers");
        sw_json_put_text(&c->out, "Authorization", c->authorization);
        sw_json_end_object(&c->out);
        sw_json_end_object(&c->out);
    }
    sw_json_end_array(&c->out);
}

SW_API_HANDLER(create_multipart_upload)
{
    struct sw_artifact_path path;
    char id[SW_ARTIFACT_ID];
    int64_t count = sw_call_int(c, "num_parts", 1);
    if (sw_serve_scheme(c->serve) == NULL || c->host == NULL)
        return sw_api_no_multipart_upload(c, err);
    enum sw_code code = target_of(c, &path, err);
    sw_artifact_clean(root_of(c), sw_clock_now_ms());
    if (code == SW_OK)
        code = sw_artifact_parts_create(root_of(c), &path, count > INT32_MAX || count < 0 ? 0 : (int)count, id, err);
    if (code != SW_OK)
        return code;
    sw_json_put_text(&c->out, "upload_id", id);
    put_credentials(c, id, count);
    return SW_OK;
}

SW_API_HANDLER(complete_multipart_upload)
{
    struct sw_artifact_path path;
    const json_t *list = json_object_get(c->body, "parts"), *item;
    size_t count = json_array_size(list), i;
    struct sw_artifact_part *parts = sw_arena_array(c->arena, count + 1, sizeof *parts);
    const char *id = sw_call_text(c, "upload_id");
    if (parts == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a call");
    if (id == NULL)
        return sw_call_missing("upload_id", err);
    json_array_foreach (list, i, item) {
        const char *etag = sw_call_member_text(c, item, "etag");
        parts[i] = (struct sw_artifact_part){sw_call_member_int(item, "part_number", 0), etag != NULL ? etag : ""};
    }
    enum sw_code code = target_of(c, &path, err);
    return code == SW_OK ? sw_artifact_parts_complete(root_of(c), id, &path, parts, count, err) : code;
}

SW_API_HANDLER(abort_multipart_upload)
{
    struct sw_artifact_path path;
    const char *id = sw_call_text(c, "upload_id");
    if (id == NULL)
        return sw_call_missing("upload_id", err);
    enum sw_code code = target_of(c, &path, err);
    return code == SW_OK ? sw_artifact_parts_abort(root_of(c), id, &path, err) : code;
}

// --- what is not offered, in the words by which clients know to go another way ---

SW_API_HANDLER(no_multipart_upload)
{
    (void)c;
    return sw_err_set(err, SW_UNSUPPORTED, "Multipart upload is not supported for the current artifact repository");
}

SW_API_HANDLER(no_multipart_download)
{
    (void)c;
    return sw_err_set(err, SW_UNSUPPORTED, "Multipart download is not supported for the current artifact repository");
}

SW_API_HANDLER(no_presigned_url)
{
    (void)c;
    return sw_err_set(err, SW_INVALID,
                      "Presigned URLs are not supported for proxied artifact storage (artifact URI scheme: "
                      "mlflow-artifacts). This endpoint requires a direct cloud storage artifact URI.");
}
