// SPDX-License-Identifier: Apache-2.0
// What changed between two versions of a model; see registry.h.
#include "core/model/registry.h"

#include "core/base/tree.h"
#include "core/model/header.h"

#include <math.h>
#include <string.h>

static void count_file_changes(const struct sw_model_files *before, const struct sw_model_files *after,
                               struct sw_model_difference *d)
{
    for (size_t i = 0; i < after->count; i++) {
        const struct sw_model_file *old = sw_model_files_find(before, after->items[i].path);
        if (old == NULL)
            d->files_added++;
        else if (strcmp(old->sha256, after->items[i].sha256) != 0)
            d->files_changed++;
    }
    d->files_removed = before->count + d->files_added - after->count;
}

// The newest evaluations of both versions on the same bytes of data, or NULL for both.
static void pair_evaluations(const struct sw_evaluation *before, size_t before_count, const struct sw_evaluation *after,
                             size_t after_count, const struct sw_evaluation **b, const struct sw_evaluation **a)
{
    *a = *b = NULL;
    for (size_t i = 0; i < after_count; i++) {
        for (size_t j = 0; j < before_count; j++) {
            if (strcmp(after[i].dataset_digest, before[j].dataset_digest) == 0 &&
                strcmp(after[i].split, before[j].split) == 0) {
                *a = &after[i];
                *b = &before[j];
                return;
            }
        }
    }
}

static double metric_of(const json_t *metrics, const char *name)
{
    const json_t *value = json_object_get(metrics, name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static enum sw_code parse_metrics(const struct sw_evaluation *e, json_t **out, struct sw_err *err)
{
    return sw_json_parse(e->metrics_json, strlen(e->metrics_json), "stored metrics", &sw_tree_limits_default, out, err);
}

static enum sw_code list_changes(const json_t *old, json_t *new, struct sw_arena *a, struct sw_model_difference *d,
                                 struct sw_err *err)
{
    d->metrics = sw_arena_array(a, json_object_size(new) + 1, sizeof *d->metrics);
    if (d->metrics == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to compare metrics");
    for (void *at = json_object_iter(new); at != NULL; at = json_object_iter_next(new, at)) {
        const char *name = json_object_iter_key(at);
        struct sw_model_metric_change *change = &d->metrics[d->metric_count++];
        *change = (struct sw_model_metric_change){sw_arena_strdup(a, name), metric_of(old, name), metric_of(new, name)};
        if (change->name == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "no memory to compare metrics");
    }
    return SW_OK;
}

static enum sw_code fill_metrics(const struct sw_evaluation *before, const struct sw_evaluation *after,
                                 struct sw_arena *a, struct sw_model_difference *d, struct sw_err *err)
{
    json_t *old = NULL, *new = NULL;
    enum sw_code code = parse_metrics(before, &old, err);
    if (code == SW_OK)
        code = parse_metrics(after, &new, err);
    if (code == SW_OK)
        code = list_changes(old, new, a, d, err);
    d->dataset = after->dataset;
    d->split = after->split;
    json_decref(old);
    json_decref(new);
    return code;
}

// Labels are known when both models say theirs; a file that cannot be read says nothing.
static enum sw_model_labels compare_labels(const struct sw_model_version *before,
                                           const struct sw_model_files *old_files, const struct sw_model_version *after,
                                           const struct sw_model_files *new_files, struct sw_arena *a)
{
    struct sw_model_header old, new;
    if (sw_model_header_read(before->path, old_files, a, &old, NULL) != SW_OK ||
        sw_model_header_read(after->path, new_files, a, &new, NULL) != SW_OK || old.classes == NULL ||
        new.classes == NULL)
        return SW_MODEL_LABELS_UNKNOWN;
    return strcmp(old.classes, new.classes) == 0 ? SW_MODEL_LABELS_SAME : SW_MODEL_LABELS_CHANGED;
}

enum sw_code sw_model_compare(struct sw_store *s, const struct sw_model_version *before,
                              const struct sw_model_version *after, struct sw_arena *a, struct sw_model_difference *out,
                              struct sw_err *err)
{
    struct sw_model_difference d = {.before_version = before->version,
                                    .after_version = after->version,
                                    .size_change_bytes = after->size_bytes - before->size_bytes,
                                    .dataset = "",
                                    .split = ""};
    struct sw_model_files old_files, new_files;
    enum sw_code code = sw_model_version_files(before, a, &old_files, err);
    if (code == SW_OK)
        code = sw_model_version_files(after, a, &new_files, err);
    if (code != SW_OK)
        return code;
    count_file_changes(&old_files, &new_files, &d);
    d.labels = compare_labels(before, &old_files, after, &new_files, a);
    struct sw_evaluation *old_results, *new_results;
    size_t old_count, new_count;
    code = sw_evaluation_list(s, before->name, before->version, a, &old_results, &old_count, err);
    if (code == SW_OK)
        code = sw_evaluation_list(s, after->name, after->version, a, &new_results, &new_count, err);
    if (code != SW_OK)
        return code;
    const struct sw_evaluation *old_result, *new_result;
    pair_evaluations(old_results, old_count, new_results, new_count, &old_result, &new_result);
    if (new_result != NULL)
        code = fill_metrics(old_result, new_result, a, &d, err);
    if (code == SW_OK)
        *out = d;
    return code;
}

enum sw_code sw_model_previous(struct sw_store *s, const struct sw_model_version *v, struct sw_arena *a,
                               struct sw_model_version *out, bool *found, struct sw_err *err)
{
    struct sw_model_version *list = NULL;
    size_t count = 0;
    enum sw_code code = sw_model_version_list(s, v->name, a, &list, &count, err);
    if (code != SW_OK)
        return code;
    *found = false;
    for (size_t i = 0; i < count && !*found; i++) { // newest first
        if (list[i].version < v->version) {
            *out = list[i];
            *found = true;
        }
    }
    return SW_OK;
}
