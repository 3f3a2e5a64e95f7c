// SPDX-License-Identifier: Apache-2.0
#include "core/model/mlmodel.h"

#include "core/base/file.h"
#include "core/base/path.h"
#include "core/base/tree.h"
#include "core/model/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX (64u << 10)

// No versions: a reader with another one would only be warned.
static const char requirements[] = "mlflow\nnumpy\nonnx\nonnxruntime\n";
static const char conda[] = "channels:\n- conda-forge\ndependencies:\n- python\n- pip\n- pip:\n"
                            "  - mlflow\n  - numpy\n  - onnx\n  - onnxruntime\nname: mlflow-env\n";
static const char python_env[] =
    "build_dependencies:\n- pip\n- setuptools\n- wheel\ndependencies:\n- -r requirements.txt\n";

// A list of one tensor as MLflow's JSON of a schema.
static char *schema(const struct sw_model_tensor *t)
{
    json_t *shape = json_array();
    for (size_t i = 0; i < t->rank; i++)
        (void)json_array_append_new(shape, json_integer(t->dims[i]));
    json_t *list = json_pack("[{s:s, s:s, s:{s:s, s:o}}]", "name", t->name, "type", "tensor", "tensor-spec", "dtype",
                             "float32", "shape", shape);
    char *text = list == NULL ? NULL : json_dumps(list, 0);
    json_decref(list);
    return text;
}

// "2026-11-25 04:54:00.726000"
static json_t *time_text(int64_t time_ms)
{
    char text[64], day[32];
    struct tm utc;
    time_t seconds = (time_t)(time_ms / 1000);
    if (gmtime_r(&seconds, &utc) == NULL || strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &utc) == 0)
        return NULL;
    snprintf(text, sizeof text, "%s.%03d000", day, (int)(time_ms % 1000));
    return json_string(text);
}

// The run that the model says it came from, when this store has it.
static enum sw_code add_run(struct sw_store *s, const struct sw_model_header *h, struct sw_arena *a, json_t *tree,
                            struct sw_err *err)
{
    struct sw_run run;
    if (h->run_id == NULL || h->run_id[0] == '\0')
        return SW_OK;
    enum sw_code code = sw_run_get(s, h->run_id, a, &run, NULL);
    if (code == SW_NOT_FOUND)
        return SW_OK;
    if (code != SW_OK)
        return sw_run_get(s, h->run_id, a, &run, err);
    bool bad = json_object_set_new(tree, "run_id", json_string(run.run_id)) != 0;
    bad |= json_object_set_new(tree, "utc_time_created", time_text(run.start_ms)) != 0;
    return bad ? sw_err_set(err, SW_NO_MEMORY, "no memory for an MLmodel file") : SW_OK;
}

static json_t *describe(const struct sw_model_header *h, const struct sw_model_file *file)
{
    char uuid[33], *inputs = schema(&h->input), *outputs = schema(&h->output);
    snprintf(uuid, sizeof uuid, "%.32s", file->sha256);
    json_t *tree =
        json_pack("{s:{s:{s:s, s:[s,s]}, s:{s:s, s:{s:s, s:s}, s:s}}, s:I, s:s, s:{s:s, s:s, s:n}}", "flavors", "onnx",
                  "data", h->path, "providers", "CUDAExecutionProvider", "CPUExecutionProvider", "python_function",
                  "data", h->path, "env", "conda", "conda.yaml", "virtualenv", "python_env.yaml", "loader_module",
                  "mlflow.onnx", "model_size_bytes", (json_int_t)file->size_bytes, "model_uuid", uuid, "signature",
                  "inputs", inputs, "outputs", outputs, "params");
    free(inputs);
    free(outputs);
    return tree;
}

static enum sw_code write_mlmodel(struct sw_store *s, const struct sw_model_header *h, const struct sw_model_file *file,
                                  struct sw_arena *a, const char **out, struct sw_err *err)
{
    struct sw_buf text;
    sw_buf_init(&text, TEXT_MAX);
    json_t *tree = describe(h, file);
    enum sw_code code =
        tree == NULL ? sw_err_set(err, SW_NO_MEMORY, "no memory for an MLmodel file") : add_run(s, h, a, tree, err);
    if (code == SW_OK)
        code = sw_yaml_write(tree, &text, err);
    if (code == SW_OK && (*out = sw_arena_strdup(a, text.data)) == NULL)
        code = sw_err_set(err, SW_NO_MEMORY, "no memory for an MLmodel file");
    json_decref(tree);
    sw_buf_free(&text);
    return code;
}

enum sw_code sw_mlmodel_make(struct sw_store *s, const char *root, const struct sw_model_files *files,
                             struct sw_arena *a, struct sw_mlmodel *out, struct sw_err *err)
{
    static const char *const names[SW_MLMODEL_FILES] = {"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"};
    struct sw_model_header h = {0};
    const char *text = NULL;
    *out = (struct sw_mlmodel){0};
    for (size_t i = 0; i < SW_MLMODEL_FILES; i++)
        if (sw_model_files_find(files, names[i]) != NULL)
            return SW_OK;
    enum sw_code code = sw_model_header_read(root, files, a, &h, err);
    bool is_ours = code == SW_OK && h.producer != NULL && strcmp(h.producer, "slipway") == 0 && h.input.rank > 0 &&
                   h.output.rank > 0;
    if (!is_ours)
        return code;
    code = write_mlmodel(s, &h, sw_model_files_find(files, h.path), a, &text, err);
    if (code != SW_OK)
        return code;
    const char *const texts[SW_MLMODEL_FILES] = {text, conda, python_env, requirements};
    for (size_t i = 0; i < SW_MLMODEL_FILES; i++) {
        out->files[i].path = names[i];
        out->files[i].text = texts[i];
    }
    out->count = SW_MLMODEL_FILES;
    return SW_OK;
}

enum sw_code sw_mlmodel_add_to_list(const struct sw_mlmodel *m, const struct sw_model_files *files, struct sw_arena *a,
                                    struct sw_model_files *out, struct sw_err *err)
{
    size_t count = files->count + m->count;
    struct sw_model_file *items = sw_arena_array(a, count, sizeof *items);
    if (items == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a list of %zu files", count);
    memcpy(items, files->items, files->count * sizeof *items);
    for (size_t i = 0; i < m->count; i++) {
        struct sw_model_file *f = &items[files->count + i];
        f->path = m->files[i].path;
        f->size_bytes = (int64_t)strlen(m->files[i].text);
        sw_sha256_hex(m->files[i].text, strlen(m->files[i].text), f->sha256);
    }
    return sw_model_files_seal(items, count, out, err);
}

enum sw_code sw_mlmodel_write(const struct sw_mlmodel *m, const char *folder, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < m->count && code == SW_OK; i++) {
        char path[SW_PATH_MAX];
        code = sw_path_join(path, folder, m->files[i].path, err);
        if (code == SW_OK)
            code = sw_file_write(path, m->files[i].text, strlen(m->files[i].text), err);
    }
    return code;
}
