// SPDX-License-Identifier: Apache-2.0
#include "core/model/registry.h"

#include "core/base/failpoint.h"
#include "core/base/file.h"
#include "core/base/path.h"
#include "core/base/tree.h"
#include "core/model/hazard.h"
#include "core/model/mlmodel.h"
#include "core/model/source.h"
#include "core/model/staging.h"
#include "core/store/logged_input.h"
#include "core/store/audit.h"
#include "core/store/logged_model.h"
#include "core/store/registered_model.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *sw_model_label(const struct sw_model_version *v, char out[static SW_MODEL_LABEL])
{
    snprintf(out, SW_MODEL_LABEL, "%.*s/%" PRId64, SW_MODEL_NAME_MAX, v->name, v->version);
    return out;
}

// --- registering ---

// The folder of the one model that the run logged (MLflow 3 keeps it beside the run). *found is false when there is none
// or more than one.
static enum sw_code find_logged_model(struct sw_store *s, const char *run_id, struct sw_arena *a,
                                      char out[static SW_PATH_MAX], bool *found, struct sw_err *err)
{
    struct sw_run_links links = {0};
    struct sw_source place = {0};
    enum sw_code code = sw_run_load_links(s, run_id, a, &links, err);
    *found = code == SW_OK && links.model_output_count == 1;
    if (!*found)
        return code;
    const char *id = links.model_outputs[0].model_id;
    struct sw_source_request request = {.source = sw_arena_printf(a, "models:/%s", id), .model_id = id};
    code = sw_source_resolve(s, &request, a, &place, err);
    *found = code == SW_OK && place.relative != NULL;
    if (*found)
        code = sw_path_join(out, sw_arena_printf(a, "%s/artifacts", sw_store_dir(s)), place.relative, err);
    return code;
}

static enum sw_code find_source(struct sw_store *s, const struct sw_model_source *source, struct sw_arena *a,
                                char out[static SW_PATH_MAX], struct sw_err *err)
{
    if (source->path != NULL)
        return sw_path_absolute(out, source->path, err);
    if (source->run_id == NULL)
        return sw_err_set(err, SW_INVALID, "model %s: neither a run nor a folder was given", source->name);
    char artifacts[SW_PATH_MAX];
    enum sw_code code = sw_run_artifact_dir(s, source->run_id, artifacts, err);
    if (code == SW_OK)
        code = sw_path_join(out, artifacts, "model", err);
    struct stat st;
    if (code != SW_OK || stat(out, &st) == 0)
        return code;
    int failure = errno;
    bool found = false;
    code = find_logged_model(s, source->run_id, a, out, &found, err);
    if (code != SW_OK || found)
        return code;
    code = sw_err_errno(err, failure, "run %.8s has no model artifact", source->run_id);
    (void)sw_err_hint(err, "write the model into the run's artifact folder 'model', or name a folder");
    return code;
}

// The newest version of `name`; *found is false when there is none yet.
static enum sw_code find_newest(struct sw_store *s, const char *name, struct sw_arena *a, struct sw_model_version *out,
                                bool *found, struct sw_err *err)
{
    struct sw_model_version *list = NULL;
    size_t count = 0;
    enum sw_code code = sw_model_version_list(s, name, a, &list, &count, err);
    if (code != SW_OK)
        return code;
    *found = count > 0;
    if (count > 0)
        *out = list[0];
    return SW_OK;
}

// The files of the source. A single file is a model of one file: `from` becomes its folder.
static enum sw_code scan_source(char from[static SW_PATH_MAX], struct sw_arena *a, struct sw_model_files *out,
                                struct sw_err *err)
{
    struct stat st;
    if (stat(from, &st) != 0)
        return sw_err_errno(err, errno, "the model '%s'", from);
    if (S_ISDIR(st.st_mode))
        return sw_model_files_scan(from, a, out, err);
    if (lstat(from, &st) != 0 || !S_ISREG(st.st_mode))
        return sw_err_set(err, SW_INVALID, "'%s' is neither a folder nor a regular file", from);
    struct sw_model_file *file = sw_arena_alloc(a, sizeof *file);
    char *slash = strrchr(from, '/');
    if (file == NULL || (file->path = sw_arena_strdup(a, slash + 1)) == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a file name");
    enum sw_code code = sw_sha256_file(from, file->sha256, &file->size_bytes, err);
    if (code == SW_OK)
        code = sw_model_files_seal(file, 1, out, err);
    slash[slash == from] = '\0';
    return code;
}

static enum sw_code audit_version(struct sw_store *s, const struct sw_model_version *v,
                                  const struct sw_model_hazard *hazards, size_t hazard_count, struct sw_err *err)
{
    char label[SW_MODEL_LABEL];
    json_t *unsafe = json_array();
    for (size_t i = 0; i < hazard_count; i++)
        (void)json_array_append_new(unsafe, json_string(hazards[i].path));
    json_t *detail = json_pack("{s:s, s:I, s:o}", "run_id", v->run_id, "size_bytes", (json_int_t)v->size_bytes,
                               "unsafe_files", unsafe);
    return sw_audit_add_tree(s, "register", sw_model_label(v, label), v->digest, detail, err);
}

// Moves the staged tree to its final place. A folder already there belongs to no row (we hold the write lock and the
// version number is not taken): it is what a killed registration left.
static enum sw_code settle(const char *staged, const char *final, struct sw_err *err)
{
    enum sw_code code = sw_path_remove_tree(final, err);
    if (code != SW_OK)
        return code;
    if (rename(staged, final) != 0)
        return sw_err_errno(err, errno, "moving the model to '%s'", final);
    char parent[SW_PATH_MAX];
    memcpy(parent, final, sizeof parent);
    *strrchr(parent, '/') = '\0';
    return sw_file_sync_dir(parent, err);
}

struct registration {
    const struct sw_model_source *source;
    const struct sw_model_files *copied; // what the source holds
    const struct sw_mlmodel *added;      // what is written beside it
    const struct sw_model_files *files;  // both
    const struct sw_model_hazard *hazards;
    size_t hazard_count;
    const char *files_json;
    char folder[SW_PATH_MAX]; // of the model's versions
    char staged[SW_PATH_MAX];
};

static enum sw_code copy_all(const char *from, const struct registration *r, struct sw_err *err)
{
    for (size_t i = 0; i < r->copied->count; i++) {
        enum sw_code code =
            sw_model_file_copy(from, r->staged, &r->copied->items[i], r->source->progress, r->source->ctx, err);
        if (code != SW_OK)
            return code;
    }
    enum sw_code code = sw_mlmodel_write(r->added, r->staged, err);
    return code == SW_OK ? sw_model_sync_tree(r->staged, err) : code;
}

// The newest version when it is the one that would be added.
static enum sw_code find_same(struct sw_store *s, const struct registration *r, struct sw_arena *a,
                              struct sw_model_version *out, bool *found, struct sw_err *err)
{
    *found = false;
    if (r->source->always_new)
        return SW_OK;
    enum sw_code code = find_newest(s, r->source->name, a, out, found, err);
    *found = *found && strcmp(out->digest, r->files->digest) == 0;
    return code;
}

// The row of a version that is about to be added; `path` is where its bytes are.
static struct sw_model_version describe(const struct registration *r, const char *path)
{
    const struct sw_model_source *source = r->source;
    struct sw_model_version v = {.name = source->name,
                                 .digest = r->files->digest,
                                 .path = path,
                                 .files_json = r->files_json,
                                 .size_bytes = r->files->size_bytes,
                                 .user = sw_audit_user(),
                                 .description = source->description,
                                 .source = source->source,
                                 .storage_uri = source->storage_uri,
                                 .run_link = source->run_link,
                                 .model_id = source->model_id,
                                 .tags = (struct sw_pair *)source->tags, // read only
                                 .tag_count = source->tag_count};
    snprintf(v.run_id, sizeof v.run_id, "%s", source->run_id == NULL ? "" : source->run_id);
    return v;
}

// Adds row and audit row of a version whose bytes are in place (or elsewhere), and reads it back.
static enum sw_code add_row(struct sw_store *s, const struct registration *r, struct sw_model_version *v,
                            int64_t expected, struct sw_arena *a, struct sw_model_version *out, struct sw_err *err)
{
    char label[SW_MODEL_LABEL];
    enum sw_code code = sw_model_version_add(s, v, &v->version, err);
    if (code == SW_OK && v->version != expected)
        code = sw_err_set(err, SW_FAILED, "model %s: the store gave version %" PRId64 " where %" PRId64 " was next",
                          v->name, v->version, expected);
    if (code == SW_OK)
        code = audit_version(s, v, r->hazards, r->hazard_count, err);
    if (code == SW_OK && v->model_id != NULL && v->model_id[0] != '\0')
        code = sw_logged_model_add_version(s, v->model_id, v->name, v->version, err);
    return code == SW_OK ? sw_model_version_get(s, sw_model_label(v, label), a, out, err) : code;
}

// Runs inside the write transaction.
static enum sw_code add_version(struct sw_store *s, const struct registration *r, struct sw_arena *a,
                                struct sw_model_version *out, bool *is_new, struct sw_err *err)
{
    int64_t expected = 0;
    bool is_same = false;
    enum sw_code code = r->source->must_exist ? sw_registered_model_require(s, r->source->name, err) : SW_OK;
    if (code == SW_OK)
        code = find_same(s, r, a, out, &is_same, err);
    if (code == SW_OK)
        code = sw_model_next_version(s, r->source->name, &expected, err);
    *is_new = !is_same;
    if (code != SW_OK || is_same) // another process was faster
        return code;
    char final[SW_PATH_MAX] = "", name[64];
    if (r->staged[0] != '\0') {
        snprintf(name, sizeof name, "%" PRId64 "-%.12s", expected, r->files->digest);
        code = sw_path_join(final, r->folder, name, err);
        if (code == SW_OK)
            code = settle(r->staged, final, err);
    }
    if (code != SW_OK)
        return code;
    struct sw_model_version v = describe(r, final);
    code = add_row(s, r, &v, expected, a, out, err);
    if (code != SW_OK && final[0] != '\0')
        (void)sw_path_remove_tree(final, NULL);
    return code;
}

static enum sw_code commit_version(struct sw_store *s, const struct registration *r, struct sw_arena *a,
                                   struct sw_model_version *out, bool *is_new, struct sw_err *err)
{
    enum sw_code code = sw_store_begin(s, SW_STORE_FULL, err);
    if (code != SW_OK)
        return code;
    struct sw_model_version v;
    bool added = false;
    code = add_version(s, r, a, &v, &added, err);
    if (code == SW_OK) {
        int failed = sw_failpoint("model.register.commit");
        code =
            failed == 0 ? sw_store_commit(s, err) : sw_err_errno(err, failed, "registering model %s", r->source->name);
    }
    if (code != SW_OK) {
        sw_store_rollback(s); // a folder without a row is removed by the next registration of that version
        return code;
    }
    *out = v;
    *is_new = added;
    return SW_OK;
}

// Copies into a staging folder and commits; the staging folder is gone afterwards either way.
static enum sw_code store_files(struct sw_store *s, const char *from, struct registration *r, struct sw_arena *a,
                                struct sw_model_version *out, bool *is_new, struct sw_err *err)
{
    char relative[SW_MODEL_NAME_MAX + 32];
    snprintf(relative, sizeof relative, "artifacts/models/%s", r->source->name);
    enum sw_code code = sw_path_join(r->folder, sw_store_dir(s), relative, err);
    if (code == SW_OK)
        code = sw_staging_make(r->folder, r->staged, err);
    if (code != SW_OK)
        return code;
    code = copy_all(from, r, err);
    if (code == SW_OK) {
        int failed = sw_failpoint("model.register.copied");
        code = failed == 0 ? commit_version(s, r, a, out, is_new, err)
                           : sw_err_errno(err, failed, "registering model %s", r->source->name);
    }
    (void)sw_path_remove_tree(r->staged, NULL);
    return code;
}

// Scans, copies and commits what lies in `from`.
static enum sw_code register_files(struct sw_store *s, char from[static SW_PATH_MAX],
                                   const struct sw_model_source *source, struct sw_arena *a,
                                   struct sw_model_version *out, bool *is_new, struct sw_err *err)
{
    struct sw_model_files copied, files;
    struct sw_mlmodel added;
    struct registration r = {.source = source, .copied = &copied, .added = &added, .files = &files};
    struct sw_model_hazard *hazards = NULL;
    bool is_same = false;
    enum sw_code code = scan_source(from, a, &copied, err);
    if (code == SW_OK)
        code = sw_mlmodel_make(s, from, &copied, a, &added, err);
    if (code == SW_OK)
        code = sw_mlmodel_add_to_list(&added, &copied, a, &files, err);
    if (code == SW_OK)
        code = find_same(s, &r, a, out, &is_same, err);
    *is_new = !is_same;
    if (code == SW_OK && !is_same)
        code = sw_model_hazard_list(from, &copied, a, &hazards, &r.hazard_count, err);
    if (code != SW_OK || is_same)
        return code;
    r.hazards = hazards;
    json_t *list = sw_model_files_to_json(&files);
    char *json = list == NULL ? NULL : json_dumps(list, JSON_COMPACT);
    r.files_json = json;
    code = json == NULL ? sw_err_set(err, SW_NO_MEMORY, "no memory for the file list of model %s", source->name)
                        : store_files(s, from, &r, a, out, is_new, err);
    free(json);
    json_decref(list);
    return code;
}

enum sw_code sw_model_register(struct sw_store *s, const struct sw_model_source *source, struct sw_arena *a,
                               struct sw_model_version *out, bool *is_new, struct sw_err *err)
{
    char from[SW_PATH_MAX];
    struct sw_run run;
    struct sw_model_version v = {0};
    bool added = false;
    enum sw_code code = sw_model_name_check(source->name, err);
    if (code == SW_OK && source->run_id != NULL)
        code = sw_run_get(s, source->run_id, a, &run, err);
    if (code == SW_OK && source->must_exist)
        code = sw_registered_model_require(s, source->name, err);
    if (code == SW_OK && source->storage_uri != NULL) {
        static const struct sw_model_files none = {0};
        struct registration r = {.source = source, .files = &none};
        code = commit_version(s, &r, a, &v, &added, err);
    } else if (code == SW_OK) {
        code = find_source(s, source, a, from, err);
        if (code == SW_OK)
            code = register_files(s, from, source, a, &v, &added, err);
    }
    if (code == SW_OK) {
        *out = v;
        *is_new = added;
    }
    return code;
}

// --- proving ---

enum sw_code sw_model_version_files(const struct sw_model_version *v, struct sw_arena *a, struct sw_model_files *out,
                                    struct sw_err *err)
{
    char label[SW_MODEL_LABEL];
    sw_model_label(v, label);
    struct sw_model_files files = {0};
    if (v->digest[0] == '\0') {
        *out = files;
        return SW_OK;
    }
    enum sw_code code = sw_model_files_from_json(v->files_json, label, a, &files, err);
    if (code != SW_OK)
        return code;
    if (strcmp(files.digest, v->digest) != 0)
        return sw_err_set(err, SW_CORRUPT, "%s: the registered file list has digest sha256:%s, the version sha256:%s",
                          label, files.digest, v->digest);
    *out = files;
    return SW_OK;
}

static enum sw_code refuse_elsewhere(const struct sw_model_version *v, struct sw_err *err)
{
    char label[SW_MODEL_LABEL];
    (void)sw_err_set(err, SW_REFUSED, "%s: its bytes are elsewhere (%.200s)", sw_model_label(v, label), v->storage_uri);
    return sw_err_hint(err, "download them and register the folder: slipway model register NAME --path DIR");
}

enum sw_code sw_model_verify(const struct sw_model_version *v, struct sw_err *err)
{
    char label[SW_MODEL_LABEL];
    sw_model_label(v, label);
    if (v->digest[0] == '\0')
        return refuse_elsewhere(v, err);
    struct sw_arena *a = sw_arena_new(SW_MODEL_FILES_ARENA_MAX);
    if (a == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to verify %s", label);
    struct sw_model_files want, have;
    enum sw_code code = sw_model_version_files(v, a, &want, err);
    if (code == SW_OK) {
        code = sw_model_files_scan(v->path, a, &have, err);
        if (code == SW_INVALID || code == SW_NOT_FOUND)
            code = sw_err_set(err, SW_CORRUPT, "%s: %s", label, err == NULL ? "" : err->message);
    }
    if (code == SW_OK)
        code = sw_model_files_compare(&want, &have, label, err);
    sw_arena_free(a);
    return code;
}

// --- results ---

enum sw_code sw_model_record_evaluation(struct sw_store *s, const struct sw_model_version *v,
                                        const struct sw_model_result *result, int64_t *evaluation_id,
                                        struct sw_err *err)
{
    char label[SW_MODEL_LABEL];
    sw_model_label(v, label);
    if (v->digest[0] == '\0')
        return refuse_elsewhere(v, err);
    if (strcmp(result->model_digest, v->digest) != 0)
        return sw_err_set(err, SW_CONFLICT,
                          "%s: the bytes evaluated (sha256:%.12s) are not the version's (sha256:%.12s)", label,
                          result->model_digest, v->digest);
    json_t *metrics = json_object();
    for (size_t i = 0; metrics != NULL && i < result->metric_count; i++) {
        const struct sw_model_metric *m = &result->metrics[i];
        if (json_object_set_new(metrics, m->name, isfinite(m->value) ? json_real(m->value) : json_null()) != 0) {
            json_decref(metrics);
            return sw_err_set(err, SW_INVALID, "%s: a metric's name is not UTF-8", label);
        }
    }
    char *text = metrics == NULL ? NULL : json_dumps(metrics, JSON_COMPACT);
    json_decref(metrics);
    if (text == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the evaluation of %s", label);
    struct sw_evaluation e = {.name = v->name,
                              .version = v->version,
                              .model_digest = v->digest,
                              .dataset = result->dataset,
                              .dataset_digest = result->dataset_digest,
                              .split = result->split,
                              .metrics_json = text};
    enum sw_code code = sw_evaluation_add(s, &e, evaluation_id, err);
    free(text);
    return code;
}
