// SPDX-License-Identifier: Apache-2.0
// Versions as the registry sees them: by name and number or alias, with tags; stages, hiding.
#include "core/store/model_private.h"

#include "core/base/clock.h"
#include "core/store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DESCRIPTION_MAX_BYTES = 1 << 20 };

// --- finding ---
enum sw_code sw_model_version_rows(struct sw_store *s, enum sw_sql id, const struct sw_value *values, size_t count,
                                   struct sw_arena *a, struct sw_model_version_list *out, struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code = sw_sql_list(s, id, values, count, a, sizeof *out->items, sw_model_read_version, &rows, err);
    struct sw_model_version *items = rows.items;
    for (size_t i = 0; i < rows.count && code == SW_OK; i++) {
        struct sw_rows tags = {0};
        code = sw_sql_list(s, SQL_VERSION_TAGS, SW_VALUES(sw_text(items[i].name), sw_int(items[i].version)), a,
                           sizeof *items[i].tags, sw_pair_read, &tags, err);
        items[i].tags = tags.items;
        items[i].tag_count = tags.count;
    }
    if (code == SW_OK)
        *out = (struct sw_model_version_list){items, rows.count};
    return code;
}

static enum sw_code find(struct sw_store *s, const char *name, int64_t version, struct sw_arena *a,
                         struct sw_model_version *out, struct sw_err *err)
{
    struct sw_model_version_list list = {0};
    enum sw_code code =
        sw_model_version_rows(s, SQL_VERSION_LEAN_GET, SW_VALUES(sw_text(name), sw_int(version)), a, &list, err);
    if (code == SW_OK && list.count == 0)
        return sw_err_set(err, SW_NOT_FOUND, "Model Version (name=%s, version=%" PRId64 ") not found", name, version);
    if (code == SW_OK)
        *out = list.items[0];
    return code;
}

enum sw_code sw_model_version_find(struct sw_store *s, const char *name, int64_t version, struct sw_arena *a,
                                   struct sw_model_version *out, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_model_name_check(name, err);
    if (code == SW_OK)
        code = sw_snapshot_begin(s, &step, err);
    return code == SW_OK ? sw_snapshot_end(s, &step, find(s, name, version, a, out, err)) : code;
}

static enum sw_code find_alias(struct sw_store *s, const char *name, const char *alias, struct sw_arena *a,
                               struct sw_model_version *out, struct sw_err *err)
{
    int64_t version = 0;
    enum sw_code code = sw_registered_model_require(s, name, err);
    if (code != SW_OK)
        return code;
    if (strcasecmp(alias, "latest") == 0) {
        code = sw_sql_int(s, SQL_VERSION_NEWEST, SW_VALUES(sw_text(name)), 0, &version, err);
        if (code == SW_OK && version == 0)
            code = sw_err_set(err, SW_NOT_FOUND, "Latest version not found for model %s.", name);
    } else {
        code = sw_sql_int(s, SQL_VERSION_BY_ALIAS, SW_VALUES(sw_text(name), sw_text(alias)), 0, &version, err);
        if (code == SW_OK && version == 0)
            code = sw_err_set(err, SW_INVALID, "Registered model alias %.200s not found.", alias);
    }
    return code == SW_OK ? find(s, name, version, a, out, err) : code;
}

enum sw_code sw_model_version_find_alias(struct sw_store *s, const char *name, const char *alias, struct sw_arena *a,
                                         struct sw_model_version *out, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_snapshot_begin(s, &step, err);
    return code == SW_OK ? sw_snapshot_end(s, &step, find_alias(s, name, alias, a, out, err)) : code;
}

// --- stages ---
static const struct {
    const char *word;
    bool is_active;
} stages[] = {{"None", false}, {"Staging", true}, {"Production", true}, {"Archived", false}};
enum { STAGE_COUNT = sizeof stages / sizeof *stages };

static enum sw_code parse_stage(const char *word, size_t *out, struct sw_err *err)
{
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        if (strcasecmp(stages[i].word, word) != 0)
            continue;
        *out = i;
        return SW_OK;
    }
    return sw_err_set(err, SW_INVALID,
                      "Invalid Model Version stage: %.200s. Value must be one of None, Staging, Production, Archived.",
                      word);
}

static enum sw_code latest(struct sw_store *s, const char *name, const bool *wanted, struct sw_arena *a,
                           struct sw_model_version_list *out, struct sw_err *err)
{
    struct sw_model_version_list list = {0};
    enum sw_code code = sw_registered_model_require(s, name, err);
    if (code == SW_OK)
        code = sw_model_version_rows(s, SQL_VERSION_LATEST, SW_VALUES(sw_text(name)), a, &list, err);
    if (code != SW_OK)
        return code;
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++) {
        size_t stage = 0;
        if (parse_stage(list.items[i].stage, &stage, NULL) == SW_OK && wanted[stage])
            list.items[kept++] = list.items[i];
    }
    *out = (struct sw_model_version_list){list.items, kept};
    return SW_OK;
}

enum sw_code sw_model_version_latest(struct sw_store *s, const char *name, const char *const *words, size_t count,
                                     struct sw_arena *a, struct sw_model_version_list *out, struct sw_err *err)
{
    bool wanted[STAGE_COUNT] = {false};
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < STAGE_COUNT && count == 0; i++)
        wanted[i] = true;
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        size_t stage = 0;
        code = parse_stage(words[i], &stage, err);
        wanted[stage] = wanted[stage] || code == SW_OK;
    }
    struct sw_step step;
    if (code == SW_OK)
        code = sw_snapshot_begin(s, &step, err);
    return code == SW_OK ? sw_snapshot_end(s, &step, latest(s, name, wanted, a, out, err)) : code;
}

static void write_label(const char *name, int64_t version, char out[static SW_MODEL_NAME_MAX + 32])
{
    snprintf(out, SW_MODEL_NAME_MAX + 32, "%.*s/%" PRId64, SW_MODEL_NAME_MAX, name, version);
}

static enum sw_code move_to_stage(struct sw_store *s, const struct sw_model_version *v, const char *stage, int64_t now,
                                  struct sw_err *err)
{
    char label[SW_MODEL_NAME_MAX + 32];
    write_label(v->name, v->version, label);
    enum sw_code code = sw_sql_run(s, SQL_VERSION_SET_STAGE,
                                   SW_VALUES(sw_text(v->name), sw_int(v->version), sw_text(stage), sw_int(now)), err);
    return code == SW_OK ? sw_audit_add_tree(s, "stage", label, v->digest,
                                             json_pack("{s:s, s:s}", "before", v->stage, "after", stage), err)
                         : code;
}

static enum sw_code set_stage(struct sw_store *s, const char *name, int64_t version, size_t stage, bool archive_others,
                              struct sw_arena *a, struct sw_err *err)
{
    int64_t now = sw_clock_now_ms();
    struct sw_model_version v = {0};
    struct sw_model_version_list others = {0};
    enum sw_code code = find(s, name, version, a, &v, err);
    if (code == SW_OK && archive_others)
        code = sw_model_version_rows(s, SQL_VERSION_IN_STAGE,
                                     SW_VALUES(sw_text(name), sw_text(stages[stage].word), sw_int(version)), a, &others,
                                     err);
    for (size_t i = 0; i < others.count && code == SW_OK; i++)
        code = move_to_stage(s, &others.items[i], "Archived", now, err);
    if (code == SW_OK)
        code = move_to_stage(s, &v, stages[stage].word, now, err);
    return code == SW_OK ? sw_sql_run(s, SQL_REGISTERED_TOUCH, SW_VALUES(sw_text(name), sw_int(now)), err) : code;
}

enum sw_code sw_model_version_set_stage(struct sw_store *s, const char *name, int64_t version, const char *word,
                                        bool archive_others, struct sw_err *err)
{
    struct sw_step step;
    size_t stage = 0;
    enum sw_code code = sw_model_name_check(name, err);
    if (code == SW_OK)
        code = parse_stage(word, &stage, err);
    if (code == SW_OK && archive_others && !stages[stage].is_active)
        code = sw_err_set(err, SW_INVALID,
                          "Model version transition cannot archive existing model versions because '%s' is not an "
                          "Active stage. Valid stages are ['Staging', 'Production']",
                          word);
    if (code != SW_OK)
        return code;
    struct sw_arena *a = sw_arena_new(64u << 20);
    if (a == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to change the stage of model %s", name);
    code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code == SW_OK)
        code = sw_step_end(s, &step, set_stage(s, name, version, stage, archive_others, a, err), err);
    sw_arena_free(a);
    return code;
}

// --- changing ---
// That the version exists, in MLflow's words.
static enum sw_code require(struct sw_store *s, const char *name, int64_t version, struct sw_err *err)
{
    int64_t found = 0;
    enum sw_code code = sw_sql_int(s, SQL_VERSION_EXISTS, SW_VALUES(sw_text(name), sw_int(version)), 0, &found, err);
    if (code == SW_OK && found == 0)
        code = sw_err_set(err, SW_NOT_FOUND, "Model Version (name=%s, version=%" PRId64 ") not found", name, version);
    return code;
}

enum sw_code sw_model_version_describe(struct sw_store *s, const char *name, int64_t version, const char *description,
                                       struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_model_name_check(name, err);
    if (code == SW_OK)
        code = sw_text_check("the description", description, DESCRIPTION_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code != SW_OK)
        return code;
    code = require(s, name, version, err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_VERSION_DESCRIBE,
                          SW_VALUES(sw_text(name), sw_int(version), sw_text(description != NULL ? description : ""),
                                    sw_int(sw_clock_now_ms())),
                          err);
    return sw_step_end(s, &step, code, err);
}

static enum sw_code hide(struct sw_store *s, const char *name, int64_t version, struct sw_err *err)
{
    int64_t now = sw_clock_now_ms();
    char label[SW_MODEL_NAME_MAX + 32];
    write_label(name, version, label);
    enum sw_code code = require(s, name, version, err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_VERSION_DELETE_ALIASES, SW_VALUES(sw_text(name), sw_int(version)), err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_VERSION_HIDE, SW_VALUES(sw_text(name), sw_int(version), sw_int(now)), err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_REGISTERED_TOUCH, SW_VALUES(sw_text(name), sw_int(now)), err);
    return code == SW_OK ? sw_audit_add(s, "delete", label, "", "{}", err) : code;
}

enum sw_code sw_model_version_delete(struct sw_store *s, const char *name, int64_t version, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_model_name_check(name, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, hide(s, name, version, err), err) : code;
}

static enum sw_code set_tag(struct sw_store *s, const char *name, int64_t version, const char *key, const char *value,
                            struct sw_err *err)
{
    char label[SW_MODEL_NAME_MAX + 32];
    write_label(name, version, label);
    enum sw_code code = require(s, name, version, err);
    if (code == SW_OK)
        code = value != NULL ? sw_sql_run(s, SQL_VERSION_TAG_SET,
                                          SW_VALUES(sw_text(name), sw_int(version), sw_text(key), sw_text(value)), err)
                             : sw_sql_run(s, SQL_VERSION_TAG_DELETE,
                                          SW_VALUES(sw_text(name), sw_int(version), sw_text(key)), err);
    return code == SW_OK
               ? sw_audit_add_tree(s, value != NULL ? "tag" : "untag", label, "", json_pack("{s:s}", "key", key), err)
               : code;
}

enum sw_code sw_model_version_set_tag(struct sw_store *s, const char *name, int64_t version, const char *key,
                                      const char *value, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_model_name_check(name, err);
    if (code == SW_OK)
        code = sw_registry_tag_check(key, value, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, set_tag(s, name, version, key, value, err), err) : code;
}
