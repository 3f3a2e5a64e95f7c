// SPDX-License-Identifier: Apache-2.0
// Rows of registered models, versions, aliases, evaluations and approvals. Triggers keep approvals from being deleted
// or changed; the table allows only that one is revoked.
#include "core/store/model_private.h"

#include "core/base/clock.h"
#include "core/store/audit.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    WORD_MAX_BYTES = 250,
    ALIAS_MAX_BYTES = 255,
    URI_MAX_BYTES = 8000,
    TEXT_MAX_BYTES = 16 << 20,
    STATEMENT_MAX_BYTES = 1 << 20
};

static struct sw_value text_or_empty(const char *text)
{
    return sw_text(text != NULL ? text : "");
}

static int64_t or_now(int64_t time_ms)
{
    return time_ms != 0 ? time_ms : sw_clock_now_ms();
}

static enum sw_code no_version(const char *spec, struct sw_err *err)
{
    (void)sw_err_set(err, SW_NOT_FOUND, "there is no model %s", spec);
    return sw_err_hint(err, "`slipway model ls` lists them");
}

// --- names ---
static bool is_blank(const char *text)
{
    return text == NULL || text[strspn(text, " \t\n\v\f\r")] == '\0';
}

enum sw_code sw_model_name_check(const char *name, struct sw_err *err)
{
    if (is_blank(name))
        return sw_err_set(err, SW_INVALID, "Missing value for required parameter 'name'.");
    if (strpbrk(name, "/:") != NULL)
        return sw_err_set(err, SW_INVALID, "Invalid model name '%.200s'. Names cannot contain '/' or ':'.", name);
    if (name[0] == '.' && (name[1] == '\0' || name[1] == '.'))
        return sw_err_set(err, SW_INVALID,
                          "Invalid value \"%.100s\" for parameter 'name' supplied: Names may be treated as files in "
                          "certain cases, and must not resolve to other names when treated as such. This name would "
                          "resolve to '%.100s'",
                          name, name);
    // A name is a folder, a part of a URI and of NAME@alias, and an argument on a command line.
    size_t len = strlen(name);
    if (strpbrk(name, "@%?#\\") == NULL && strchr(".- ", name[0]) == NULL && name[len - 1] != ' ' &&
        sw_name_check("name", name, SW_MODEL_NAME_MAX, NULL) == SW_OK)
        return SW_OK;
    return sw_err_set(err, SW_INVALID,
                      "Invalid model name '%.200s'. Names have at most %d bytes, no control characters and none of "
                      "'@', '%%', '?', '#', '\\', and begin with neither '.', '-' nor a space.",
                      name, SW_MODEL_NAME_MAX);
}

// --- versions ---
void sw_model_read_version(struct sw_reader *r, void *item)
{
    struct sw_model_version *v = item;
    v->name = sw_column_text(r, 0);
    v->version = sw_column_int(r, 1);
    v->digest = sw_column_text(r, 2);
    v->path = sw_column_text(r, 3);
    v->files_json = sw_column_text(r, 4);
    v->size_bytes = sw_column_int(r, 5);
    sw_column_copy(r, 6, v->run_id, sizeof v->run_id);
    v->user = sw_column_text(r, 7);
    v->description = sw_column_text(r, 8);
    v->created_ms = sw_column_int(r, 9);
    v->aliases = sw_column_text(r, 10);
    v->source = sw_column_text(r, 11);
    v->storage_uri = sw_column_text(r, 12);
    v->run_link = sw_column_text(r, 13);
    v->model_id = sw_column_text(r, 14);
    v->stage = sw_column_text(r, 15);
    v->updated_ms = sw_column_int(r, 16);
}

static enum sw_code check_version(const struct sw_model_version *v, struct sw_err *err)
{
    enum sw_code code = sw_model_name_check(v->name, err);
    bool is_elsewhere = v->path == NULL || v->path[0] == '\0';
    if (code == SW_OK && (!is_elsewhere || v->digest == NULL))
        code = sw_name_check("the model's digest", v->digest, WORD_MAX_BYTES, err);
    if (code == SW_OK && is_elsewhere)
        code = sw_name_check("the place of the model's bytes", v->storage_uri, URI_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the model's source", v->source, URI_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the link to the model's run", v->run_link, URI_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the model's list of files", v->files_json, TEXT_MAX_BYTES, err);
    for (size_t i = 0; i < v->tag_count && code == SW_OK; i++)
        code = sw_registry_tag_check(v->tags[i].key, v->tags[i].value, err);
    return code == SW_OK ? sw_text_check("the model's description", v->description, TEXT_MAX_BYTES, err) : code;
}

static enum sw_code add_version(struct sw_store *s, const struct sw_model_version *v, int64_t *version,
                                struct sw_err *err)
{
    int64_t run_key = 0;
    enum sw_code code = v->run_id[0] != '\0' ? sw_run_key(s, v->run_id, &run_key, err) : SW_OK;
    if (code == SW_OK)
        code = sw_sql_int(s, SQL_MODEL_NEXT, SW_VALUES(sw_text(v->name), sw_int(sw_clock_now_ms())), 0, version, err);
    if (code == SW_OK)
        code =
            sw_sql_run(s, SQL_VERSION_ADD,
                       SW_VALUES(sw_text(v->name), sw_int(*version), sw_text(v->digest), text_or_empty(v->path),
                                 sw_text(v->files_json != NULL ? v->files_json : "[]"), sw_int(v->size_bytes),
                                 sw_int_or_null(run_key), sw_text(v->user != NULL ? v->user : sw_audit_user()),
                                 text_or_empty(v->description), sw_int(or_now(v->created_ms)), text_or_empty(v->source),
                                 text_or_empty(v->storage_uri), text_or_empty(v->run_link), text_or_empty(v->model_id)),
                       err);
    for (size_t i = 0; i < v->tag_count && code == SW_OK; i++)
        code = sw_sql_run(
            s, SQL_VERSION_TAG_SET,
            SW_VALUES(sw_text(v->name), sw_int(*version), sw_text(v->tags[i].key), sw_text(v->tags[i].value)), err);
    return code;
}

enum sw_code sw_model_version_add(struct sw_store *s, const struct sw_model_version *v, int64_t *version,
                                  struct sw_err *err)
{
    struct sw_step step;
    int64_t number = 0;
    enum sw_code code = check_version(v, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code == SW_OK)
        code = sw_step_end(s, &step, add_version(s, v, &number, err), err);
    if (code == SW_OK)
        *version = number;
    return code;
}

enum sw_code sw_model_next_version(struct sw_store *s, const char *name, int64_t *version, struct sw_err *err)
{
    int64_t last = 0;
    enum sw_code code = sw_sql_int(s, SQL_MODEL_LAST_VERSION, SW_VALUES(sw_text(name)), 0, &last, err);
    if (code == SW_OK)
        *version = last + 1;
    return code;
}

enum sw_code sw_model_version_list(struct sw_store *s, const char *name, struct sw_arena *a,
                                   struct sw_model_version **out, size_t *count, struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code = name != NULL ? sw_sql_list(s, SQL_VERSION_LIST_OF, SW_VALUES(sw_text(name)), a, sizeof **out,
                                                   sw_model_read_version, &rows, err)
                                     : sw_sql_list(s, SQL_VERSION_LIST, SW_NO_VALUES, a, sizeof **out,
                                                   sw_model_read_version, &rows, err);
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return code;
}

enum sw_code sw_model_version_get(struct sw_store *s, const char *spec, struct sw_arena *a,
                                  struct sw_model_version *out, struct sw_err *err)
{
    char name[SW_MODEL_NAME_MAX + 1];
    const char *alias = NULL;
    int64_t version = 0;
    enum sw_code code = sw_spec_split("model", spec, name, sizeof name, &version, &alias, err);
    if (code == SW_OK && alias != NULL)
        code = sw_sql_int(s, SQL_VERSION_BY_ALIAS, SW_VALUES(sw_text(name), sw_text(alias)), 0, &version, err);
    else if (code == SW_OK && version == 0)
        code = sw_sql_int(s, SQL_VERSION_NEWEST, SW_VALUES(sw_text(name)), 0, &version, err);
    struct sw_model_version found_row = {0};
    bool found = false;
    if (code == SW_OK)
        code = sw_sql_get(s, SQL_VERSION_GET, SW_VALUES(sw_text(name), sw_int(version)), a, sw_model_read_version,
                          &found_row, &found, err);
    if (code == SW_OK && !found)
        return no_version(spec, err);
    if (code == SW_OK)
        *out = found_row;
    return code;
}

// That NAME/VERSION exists, before rows refer to it.
static enum sw_code require_version(struct sw_store *s, const char *name, int64_t version, struct sw_err *err)
{
    int64_t found = 0;
    enum sw_code code = sw_sql_int(s, SQL_VERSION_EXISTS, SW_VALUES(sw_text(name), sw_int(version)), 0, &found, err);
    if (code != SW_OK || found != 0)
        return code;
    char spec[SW_MODEL_NAME_MAX + 32];
    snprintf(spec, sizeof spec, "%s/%" PRId64, name != NULL ? name : "", version);
    return no_version(spec, err);
}

// --- aliases ---
static enum sw_code check_alias(const char *alias, struct sw_err *err)
{
    size_t len = 0;
    while (isalnum((unsigned char)alias[len]) || alias[len] == '_' || alias[len] == '-')
        len++;
    if (len == 0 && alias[0] == '\0')
        return sw_err_set(err, SW_INVALID, "Registered model alias name cannot be empty.");
    if (alias[len] != '\0')
        return sw_err_set(err, SW_INVALID,
                          "Invalid alias name: '%.200s'. Names may only contain alphanumerics, underscores (_), and "
                          "dashes (-).",
                          alias);
    if (len > ALIAS_MAX_BYTES)
        return sw_err_set(err, SW_INVALID, "'Registered model alias name' exceeds the maximum length of %d characters",
                          ALIAS_MAX_BYTES);
    if (strcasecmp(alias, "latest") == 0)
        return sw_err_set(err, SW_INVALID, "'latest' alias name (case insensitive) is reserved.");
    if ((alias[0] == 'v' || alias[0] == 'V') && len > 1 && strspn(alias + 1, "0123456789") == len - 1)
        return sw_err_set(err, SW_INVALID, "Version alias name '%s' is reserved.", alias);
    return SW_OK;
}

static enum sw_code audit_alias(struct sw_store *s, const char *name, const char *alias, int64_t before, int64_t after,
                                struct sw_err *err)
{
    char label[SW_MODEL_NAME_MAX + 32];
    snprintf(label, sizeof label, "%s/%" PRId64, name, after != 0 ? after : before);
    return sw_audit_add_tree(
        s, after != 0 ? "alias" : "unalias", label, "",
        json_pack("{s:s, s:I, s:I}", "alias", alias, "before", (json_int_t)before, "after", (json_int_t)after), err);
}

static enum sw_code set_alias(struct sw_store *s, const char *name, const char *alias, int64_t version,
                              struct sw_err *err)
{
    int64_t before = 0;
    enum sw_code code = sw_sql_int(s, SQL_VERSION_BY_ALIAS, SW_VALUES(sw_text(name), sw_text(alias)), 0, &before, err);
    if (code == SW_OK && version == 0 && before == 0)
        code = sw_err_set(err, SW_NOT_FOUND, "model %s has no alias %s", name, alias);
    if (code == SW_OK && version != 0)
        code = require_version(s, name, version, err);
    if (code != SW_OK)
        return code;
    code = version != 0 ? sw_sql_run(s, SQL_ALIAS_SET, SW_VALUES(sw_text(name), sw_text(alias), sw_int(version)), err)
                        : sw_sql_run(s, SQL_ALIAS_DELETE, SW_VALUES(sw_text(name), sw_text(alias)), err);
    return code == SW_OK ? audit_alias(s, name, alias, before, version, err) : code;
}

enum sw_code sw_model_set_alias(struct sw_store *s, const char *name, const char *alias, int64_t version,
                                struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = check_alias(alias, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, set_alias(s, name, alias, version, err), err) : code;
}

// --- evaluations ---
static void read_evaluation(struct sw_reader *r, void *item)
{
    *(struct sw_evaluation *)item = (struct sw_evaluation){
        .evaluation_id = sw_column_int(r, 0),
        .name = sw_column_text(r, 1),
        .version = sw_column_int(r, 2),
        .model_digest = sw_column_text(r, 3),
        .dataset = sw_column_text(r, 4),
        .dataset_digest = sw_column_text(r, 5),
        .split = sw_column_text(r, 6),
        .metrics_json = sw_column_text(r, 7),
        .created_ms = sw_column_int(r, 8),
    };
}

enum sw_code sw_evaluation_add(struct sw_store *s, const struct sw_evaluation *e, int64_t *id, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_text_check("the evaluation's metrics", e->metrics_json, STATEMENT_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code != SW_OK)
        return code;
    code = require_version(s, e->name, e->version, err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_EVALUATION_ADD,
                          SW_VALUES(sw_text(e->name), sw_int(e->version), text_or_empty(e->model_digest),
                                    text_or_empty(e->dataset), text_or_empty(e->dataset_digest),
                                    text_or_empty(e->split), sw_text(e->metrics_json != NULL ? e->metrics_json : "{}"),
                                    sw_int(or_now(e->created_ms))),
                          err);
    int64_t added = sqlite3_last_insert_rowid(s->db);
    code = sw_step_end(s, &step, code, err);
    if (code == SW_OK)
        *id = added;
    return code;
}

enum sw_code sw_evaluation_list(struct sw_store *s, const char *name, int64_t version, struct sw_arena *a,
                                struct sw_evaluation **out, size_t *count, struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code = sw_sql_list(s, SQL_EVALUATION_LIST, SW_VALUES(sw_text(name), sw_int(version)), a, sizeof **out,
                                    read_evaluation, &rows, err);
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return code;
}

// --- approvals ---
static void read_approval(struct sw_reader *r, void *item)
{
    *(struct sw_approval *)item = (struct sw_approval){
        .approval_id = sw_column_int(r, 0),
        .name = sw_column_text(r, 1),
        .version = sw_column_int(r, 2),
        .digest = sw_column_text(r, 3),
        .user = sw_column_text(r, 4),
        .policy = sw_column_text(r, 5),
        .policy_digest = sw_column_text(r, 6),
        .statement = sw_column_text(r, 7),
        .signature = sw_column_text(r, 8),
        .comment = sw_column_text(r, 9),
        .created_ms = sw_column_int(r, 10),
        .revoked_ms = sw_column_int(r, 11),
        .revoked_by = sw_column_text(r, 12),
        .revoke_reason = sw_column_text(r, 13),
    };
}

enum sw_code sw_approval_add(struct sw_store *s, const struct sw_approval *a, int64_t *id, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_name_check("the approved digest", a->digest, WORD_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the approval's statement", a->statement, STATEMENT_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the approval's comment", a->comment, STATEMENT_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code != SW_OK)
        return code;
    code = require_version(s, a->name, a->version, err);
    if (code == SW_OK)
        code =
            sw_sql_run(s, SQL_APPROVAL_ADD,
                       SW_VALUES(sw_text(a->name), sw_int(a->version), sw_text(a->digest),
                                 sw_text(a->user != NULL ? a->user : sw_audit_user()), text_or_empty(a->policy),
                                 text_or_empty(a->policy_digest), text_or_empty(a->statement),
                                 text_or_empty(a->signature), text_or_empty(a->comment), sw_int(or_now(a->created_ms))),
                       err);
    int64_t added = sqlite3_last_insert_rowid(s->db);
    code = sw_step_end(s, &step, code, err);
    if (code == SW_OK)
        *id = added;
    return code;
}

enum sw_code sw_approval_list(struct sw_store *s, const char *name, int64_t version, struct sw_arena *a,
                              struct sw_approval **out, size_t *count, struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code = sw_sql_list(s, SQL_APPROVAL_LIST, SW_VALUES(sw_text(name), sw_int(version)), a, sizeof **out,
                                    read_approval, &rows, err);
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return code;
}

enum sw_code sw_approval_revoke(struct sw_store *s, int64_t approval_id, const char *user, const char *reason,
                                struct sw_err *err)
{
    struct sw_step step;
    int64_t revoked_ms = 0;
    enum sw_code code = sw_text_check("the reason", reason, STATEMENT_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code != SW_OK)
        return code;
    code = sw_sql_int(s, SQL_APPROVAL_STATE, SW_VALUES(sw_int(approval_id)), -1, &revoked_ms, err);
    if (code == SW_OK && revoked_ms < 0)
        code = sw_err_set(err, SW_NOT_FOUND, "there is no approval %" PRId64, approval_id);
    if (code == SW_OK && revoked_ms > 0)
        code = sw_err_set(err, SW_CONFLICT, "approval %" PRId64 " was revoked before", approval_id);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_APPROVAL_REVOKE,
                          SW_VALUES(sw_int(approval_id), sw_int(sw_clock_now_ms()),
                                    sw_text(user != NULL ? user : sw_audit_user()), text_or_empty(reason)),
                          err);
    return sw_step_end(s, &step, code, err);
}
