// SPDX-License-Identifier: Apache-2.0
// Rows of registered models. A deleted or renamed model leaves its row behind, hidden, because it counts the versions:
// neither their numbers nor their folders are ever used twice.
#include "core/store/model_private.h"

#include "core/base/clock.h"
#include "core/store/audit.h"

#include <string.h>
#include <strings.h>

enum { TAG_KEY_MAX_BYTES = 250, TAG_VALUE_MAX_BYTES = 100000, DESCRIPTION_MAX_BYTES = 1 << 20 };

// --- reading ---
static void read_alias(struct sw_reader *r, void *item)
{
    *(struct sw_model_alias *)item = (struct sw_model_alias){sw_column_text(r, 0), sw_column_int(r, 1)};
}

void sw_registered_model_read(struct sw_reader *r, void *item)
{
    struct sw_registered_model *m = item;
    m->name = sw_column_text(r, 0);
    m->description = sw_column_text(r, 1);
    m->created_ms = sw_column_int(r, 2);
    m->updated_ms = sw_column_int(r, 3);
}

enum sw_code sw_registered_model_load(struct sw_store *s, struct sw_arena *a, struct sw_registered_model *model,
                                      struct sw_err *err)
{
    struct sw_rows tags = {0}, aliases = {0};
    struct sw_model_version_list latest = {0};
    enum sw_code code = sw_sql_list(s, SQL_REGISTERED_TAGS, SW_VALUES(sw_text(model->name)), a, sizeof *model->tags,
                                    sw_pair_read, &tags, err);
    if (code == SW_OK)
        code = sw_sql_list(s, SQL_REGISTERED_ALIASES, SW_VALUES(sw_text(model->name)), a, sizeof *model->aliases,
                           read_alias, &aliases, err);
    if (code == SW_OK)
        code = sw_model_version_rows(s, SQL_VERSION_LATEST, SW_VALUES(sw_text(model->name)), a, &latest, err);
    if (code != SW_OK)
        return code;
    model->tags = tags.items;
    model->tag_count = tags.count;
    model->aliases = aliases.items;
    model->alias_count = aliases.count;
    model->latest = latest.items;
    model->latest_count = latest.count;
    return SW_OK;
}

static enum sw_code no_model(const char *name, struct sw_err *err)
{
    return sw_err_set(err, SW_NOT_FOUND, "Registered Model with name=%s not found", name);
}

enum sw_code sw_registered_model_require(struct sw_store *s, const char *name, struct sw_err *err)
{
    int64_t found = 0;
    enum sw_code code = sw_model_name_check(name, err);
    if (code == SW_OK)
        code = sw_sql_int(s, SQL_REGISTERED_EXISTS, SW_VALUES(sw_text(name)), 0, &found, err);
    return code == SW_OK && found == 0 ? no_model(name, err) : code;
}

static enum sw_code get(struct sw_store *s, const char *name, struct sw_arena *a, struct sw_registered_model *out,
                        struct sw_err *err)
{
    struct sw_registered_model m = {0};
    bool found = false;
    enum sw_code code =
        sw_sql_get(s, SQL_REGISTERED_GET, SW_VALUES(sw_text(name)), a, sw_registered_model_read, &m, &found, err);
    if (code == SW_OK && !found)
        return no_model(name, err);
    if (code == SW_OK)
        code = sw_registered_model_load(s, a, &m, err);
    if (code == SW_OK)
        *out = m;
    return code;
}

enum sw_code sw_registered_model_get(struct sw_store *s, const char *name, struct sw_arena *a,
                                     struct sw_registered_model *out, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_model_name_check(name, err);
    if (code == SW_OK)
        code = sw_snapshot_begin(s, &step, err);
    return code == SW_OK ? sw_snapshot_end(s, &step, get(s, name, a, out, err)) : code;
}

// --- tags ---
enum sw_code sw_registry_tag_check(const char *key, const char *value, struct sw_err *err)
{
    if (key == NULL || key[0] == '\0')
        return sw_err_set(err, SW_INVALID, "Missing value for required parameter 'key'.");
    if (strlen(key) > TAG_KEY_MAX_BYTES)
        return sw_err_set(err, SW_INVALID, "'key' exceeds the maximum length of %d characters", TAG_KEY_MAX_BYTES);
    if (value != NULL && strlen(value) > TAG_VALUE_MAX_BYTES)
        return sw_err_set(err, SW_INVALID, "'value' exceeds the maximum length of %d characters", TAG_VALUE_MAX_BYTES);
    enum sw_code code = sw_name_check("the tag's key", key, TAG_KEY_MAX_BYTES, err);
    return code == SW_OK ? sw_text_check("the tag's value", value, TAG_VALUE_MAX_BYTES, err) : code;
}

static enum sw_code set_tag(struct sw_store *s, const char *name, const char *key, const char *value,
                            struct sw_err *err)
{
    enum sw_code code = sw_registered_model_require(s, name, err);
    if (code == SW_OK)
        code = value != NULL
                   ? sw_sql_run(s, SQL_REGISTERED_TAG_SET, SW_VALUES(sw_text(name), sw_text(key), sw_text(value)), err)
                   : sw_sql_run(s, SQL_REGISTERED_TAG_DELETE, SW_VALUES(sw_text(name), sw_text(key)), err);
    return code == SW_OK
               ? sw_audit_add_tree(s, value != NULL ? "tag" : "untag", name, "", json_pack("{s:s}", "key", key), err)
               : code;
}

enum sw_code sw_registered_model_set_tag(struct sw_store *s, const char *name, const char *key, const char *value,
                                         struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_model_name_check(name, err);
    if (code == SW_OK)
        code = sw_registry_tag_check(key, value, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, set_tag(s, name, key, value, err), err) : code;
}

static bool says_prompt(const struct sw_pair *tags, size_t count)
{
    bool is_prompt = false;
    for (size_t i = 0; i < count; i++) // of equal keys the last one counts
        if (strcmp(tags[i].key, SW_PROMPT_TAG) == 0)
            is_prompt = strcasecmp(tags[i].value, "true") == 0;
    return is_prompt;
}

enum sw_code sw_registered_model_is_prompt(struct sw_store *s, const char *name, bool *out, struct sw_err *err)
{
    int64_t is_prompt = 0;
    enum sw_code code =
        sw_sql_int(s, SQL_REGISTERED_IS_PROMPT, SW_VALUES(sw_text(name), sw_text(SW_PROMPT_TAG)), 0, &is_prompt, err);
    if (code == SW_OK)
        *out = is_prompt != 0;
    return code;
}

// --- creating ---
static enum sw_code name_is_taken(struct sw_store *s, const char *name, bool is_new_prompt, struct sw_err *err)
{
    bool is_prompt = false;
    enum sw_code code = sw_registered_model_is_prompt(s, name, &is_prompt, err);
    if (code != SW_OK)
        return code;
    if (is_prompt == is_new_prompt)
        return sw_err_set(err, SW_EXISTS, "%s (name=%s) already exists.", is_prompt ? "Prompt" : "Registered Model",
                          name);
    return sw_err_set(err, SW_EXISTS,
                      "Tried to create a %s with name '%.200s', but the name is already taken by a %s. MLflow does not "
                      "allow creating a model and a prompt with the same name.",
                      is_new_prompt ? "prompt" : "registered model", name, is_prompt ? "prompt" : "registered model");
}

static enum sw_code create(struct sw_store *s, const char *name, const char *description, const struct sw_pair *tags,
                           size_t tag_count, struct sw_err *err)
{
    int64_t found = 0;
    enum sw_code code = sw_sql_int(s, SQL_REGISTERED_EXISTS, SW_VALUES(sw_text(name)), 0, &found, err);
    if (code == SW_OK && found != 0)
        return name_is_taken(s, name, says_prompt(tags, tag_count), err);
    if (code == SW_OK)
        code = sw_sql_run(
            s, SQL_REGISTERED_ADD,
            SW_VALUES(sw_text(name), sw_int(sw_clock_now_ms()), sw_text(description != NULL ? description : "")), err);
    for (size_t i = 0; i < tag_count && code == SW_OK; i++)
        code = sw_sql_run(s, SQL_REGISTERED_TAG_SET,
                          SW_VALUES(sw_text(name), sw_text(tags[i].key), sw_text(tags[i].value)), err);
    return code == SW_OK ? sw_audit_add(s, "create", name, "", "{}", err) : code;
}

enum sw_code sw_registered_model_create(struct sw_store *s, const char *name, const char *description,
                                        const struct sw_pair *tags, size_t tag_count, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_model_name_check(name, err);
    if (code == SW_OK)
        code = sw_text_check("the description", description, DESCRIPTION_MAX_BYTES, err);
    for (size_t i = 0; i < tag_count && code == SW_OK; i++)
        code = sw_registry_tag_check(tags[i].key, tags[i].value, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, create(s, name, description, tags, tag_count, err), err) : code;
}

enum sw_code sw_registered_model_describe(struct sw_store *s, const char *name, const char *description,
                                          struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_text_check("the description", description, DESCRIPTION_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code != SW_OK)
        return code;
    code = sw_registered_model_require(s, name, err);
    if (code == SW_OK)
        code = sw_sql_run(
            s, SQL_REGISTERED_DESCRIBE,
            SW_VALUES(sw_text(name), sw_text(description != NULL ? description : ""), sw_int(sw_clock_now_ms())), err);
    return sw_step_end(s, &step, code, err);
}

// --- renaming ---
static enum sw_code count(struct sw_store *s, enum sw_sql id, const char *name, int64_t *out, struct sw_err *err)
{
    return sw_sql_int(s, id, SW_VALUES(sw_text(name)), 0, out, err);
}

static enum sw_code check_rename(struct sw_store *s, const char *name, const char *new_name, struct sw_err *err)
{
    int64_t is_taken = 0, approvals = 0, versions = 0;
    enum sw_code code = sw_registered_model_require(s, name, err);
    if (code == SW_OK)
        code = count(s, SQL_REGISTERED_EXISTS, new_name, &is_taken, err);
    if (code == SW_OK)
        code = count(s, SQL_REGISTERED_APPROVALS, name, &approvals, err);
    if (code == SW_OK)
        code = count(s, SQL_REGISTERED_VERSIONS, new_name, &versions, err);
    if (code != SW_OK)
        return code;
    if (is_taken != 0)
        return sw_err_set(err, SW_EXISTS, "Registered Model (name=%s) already exists.", new_name);
    if (approvals > 0)
        return sw_err_set(err, SW_INVALID,
                          "Registered Model (name=%.200s) cannot be renamed: approvals were given under this name, and "
                          "what was approved is never changed.",
                          name);
    if (versions > 0)
        return sw_err_set(err, SW_INVALID,
                          "Registered Model (name=%.200s) cannot be renamed: '%.200s' is the name of a deleted model "
                          "whose versions are kept.",
                          name, new_name);
    return SW_OK;
}

// Children are renamed after their parent's new row is there; only versions are parents themselves, so keys are checked
// at the end.
static enum sw_code rename_rows(struct sw_store *s, const char *name, const char *new_name, struct sw_err *err)
{
    static const enum sw_sql statements[] = {SQL_RENAME_MODEL,   SQL_RENAME_TAGS,         SQL_RENAME_VERSIONS,
                                             SQL_RENAME_ALIASES, SQL_RENAME_VERSION_TAGS, SQL_RENAME_EVALUATIONS};
    int64_t now = sw_clock_now_ms();
    enum sw_code code = sw_sql_text(s, "PRAGMA defer_foreign_keys = ON", err);
    for (size_t i = 0; i < sizeof statements / sizeof *statements && code == SW_OK; i++) {
        sqlite3_stmt *st = NULL;
        bool has_row = false;
        code = sw_sql_prepare(s, statements[i], &st, err);
        if (code == SW_OK) // some take no time
            code = sw_sql_bind(s, st, (struct sw_value[]){sw_text(name), sw_text(new_name), sw_int(now)},
                               (size_t)sqlite3_bind_parameter_count(st), err);
        if (code == SW_OK)
            code = sw_sql_next(s, st, &has_row, err);
    }
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_REGISTERED_HIDE, SW_VALUES(sw_text(name), sw_int(now)), err);
    return code == SW_OK ? sw_audit_add_tree(s, "rename", new_name, "", json_pack("{s:s}", "before", name), err) : code;
}

enum sw_code sw_registered_model_rename(struct sw_store *s, const char *name, const char *new_name, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_model_name_check(new_name, err);
    if (code == SW_OK)
        code = sw_model_name_check(name, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code != SW_OK)
        return code;
    bool is_same = strcmp(name, new_name) == 0;
    code = is_same ? sw_registered_model_require(s, name, err) : check_rename(s, name, new_name, err);
    if (code == SW_OK)
        code = is_same ? sw_sql_run(s, SQL_REGISTERED_TOUCH, SW_VALUES(sw_text(name), sw_int(sw_clock_now_ms())), err)
                       : rename_rows(s, name, new_name, err);
    return sw_step_end(s, &step, code, err);
}

// --- deleting ---
static enum sw_code hide(struct sw_store *s, const char *name, struct sw_err *err)
{
    int64_t now = sw_clock_now_ms();
    enum sw_code code = sw_registered_model_require(s, name, err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_REGISTERED_DELETE_ALIASES, SW_VALUES(sw_text(name)), err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_REGISTERED_DELETE_TAGS, SW_VALUES(sw_text(name)), err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_REGISTERED_HIDE_VERSIONS, SW_VALUES(sw_text(name), sw_int(now)), err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_REGISTERED_HIDE, SW_VALUES(sw_text(name), sw_int(now)), err);
    return code == SW_OK ? sw_audit_add(s, "delete", name, "", "{}", err) : code;
}

enum sw_code sw_registered_model_delete(struct sw_store *s, const char *name, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, hide(s, name, err), err) : code;
}
