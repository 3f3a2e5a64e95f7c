// SPDX-License-Identifier: Apache-2.0
// Rows of registered data sets.
#include "core/store/dataset.h"

#include "core/base/clock.h"
#include "core/store/store_private.h"

#include <string.h>

enum { NAME_MAX_BYTES = 250, PATH_MAX_BYTES = 4096, SCHEMA_MAX_BYTES = 16 << 20 };

struct row {
    struct sw_dataset dataset;
    bool is_hidden;
};

static void read_dataset(struct sw_reader *r, void *item)
{
    *(struct sw_dataset *)item = (struct sw_dataset){
        .dataset_id = sw_column_int(r, 0),
        .name = sw_column_text(r, 1),
        .version = sw_column_int(r, 2),
        .path = sw_column_text(r, 3),
        .format = sw_column_text(r, 4),
        .digest = sw_column_text(r, 5),
        .size_bytes = sw_column_int(r, 6),
        .schema_json = sw_column_text(r, 7),
        .created_ms = sw_column_int(r, 8),
    };
}

static void read_row(struct sw_reader *r, void *item)
{
    struct row *row = item;
    read_dataset(r, &row->dataset);
    row->is_hidden = sw_column_int(r, 9) != 0;
}

static enum sw_code check(const struct sw_dataset *d, struct sw_err *err)
{
    enum sw_code code = sw_name_check("the data set's name", d->name, NAME_MAX_BYTES, err);
    if (code == SW_OK && strpbrk(d->name, "/@") != NULL) {
        (void)sw_err_set(err, SW_INVALID, "the data set's name %s contains '/' or '@'", d->name);
        code = sw_err_hint(err, "these stand before versions and digests");
    }
    if (code == SW_OK)
        code = sw_name_check("the data set's path", d->path, PATH_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_name_check("the data set's format", d->format, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_name_check("the data set's digest", d->digest, NAME_MAX_BYTES, err);
    return code == SW_OK ? sw_text_check("the data set's schema", d->schema_json, SCHEMA_MAX_BYTES, err) : code;
}

static enum sw_code add(struct sw_store *s, const struct sw_dataset *d, struct sw_arena *a, int64_t *id,
                        struct sw_err *err)
{
    struct row newest = {0};
    bool found = false;
    enum sw_code code =
        sw_sql_get(s, SQL_DATASET_NEWEST, SW_VALUES(sw_text(d->name)), a, read_row, &newest, &found, err);
    if (code != SW_OK)
        return code;
    const struct sw_dataset *n = &newest.dataset;
    if (found && strcmp(n->digest, d->digest) == 0 && strcmp(n->path, d->path) == 0) {
        *id = n->dataset_id;
        return newest.is_hidden ? sw_sql_run(s, SQL_DATASET_SHOW, SW_VALUES(sw_int(n->dataset_id)), err) : SW_OK;
    }
    code = sw_sql_run(s, SQL_DATASET_ADD,
                      SW_VALUES(sw_text(d->name), sw_int(n->version + 1), sw_text(d->path), sw_text(d->format),
                                sw_text(d->digest), sw_int(d->size_bytes),
                                sw_text(d->schema_json != NULL ? d->schema_json : "{}"),
                                sw_int(d->created_ms != 0 ? d->created_ms : sw_clock_now_ms())),
                      err);
    if (code == SW_OK)
        *id = sqlite3_last_insert_rowid(s->db);
    return code;
}

enum sw_code sw_dataset_add(struct sw_store *s, const struct sw_dataset *d, int64_t *dataset_id, struct sw_err *err)
{
    enum sw_code code = check(d, err);
    if (code != SW_OK)
        return code;
    struct sw_arena *a = sw_arena_new(2 * SCHEMA_MAX_BYTES);
    if (a == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "adding the data set %s: out of memory", d->name);
    struct sw_step step;
    int64_t id = 0;
    code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    if (code == SW_OK)
        code = sw_step_end(s, &step, add(s, d, a, &id, err), err);
    sw_arena_free(a);
    if (code == SW_OK)
        *dataset_id = id;
    return code;
}

enum sw_code sw_dataset_list(struct sw_store *s, struct sw_arena *a, struct sw_dataset **out, size_t *count,
                             struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code = sw_sql_list(s, SQL_DATASET_LIST, SW_NO_VALUES, a, sizeof **out, read_dataset, &rows, err);
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return code;
}

static enum sw_code not_found(const char *name, struct sw_err *err)
{
    (void)sw_err_set(err, SW_NOT_FOUND, "there is no data set %s", name);
    return sw_err_hint(err, "`slipway data ls` lists them; `slipway data add PATH` registers one");
}

enum sw_code sw_dataset_get(struct sw_store *s, const char *name, struct sw_arena *a, struct sw_dataset *out,
                            struct sw_err *err)
{
    char word[NAME_MAX_BYTES + 1];
    const char *digest = NULL;
    int64_t version = 0;
    enum sw_code code = sw_spec_split("data set", name, word, sizeof word, &version, &digest, err);
    if (code != SW_OK)
        return code;
    struct sw_dataset found_row = {0};
    bool found = false;
    code =
        sw_sql_get(s, SQL_DATASET_GET, SW_VALUES(sw_text(word), sw_int(version), sw_text(digest != NULL ? digest : "")),
                   a, read_dataset, &found_row, &found, err);
    if (code == SW_OK && !found)
        return not_found(name, err);
    if (code == SW_OK)
        *out = found_row;
    return code;
}

enum sw_code sw_dataset_remove(struct sw_store *s, const char *name, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    if (code != SW_OK)
        return code;
    code = sw_sql_run(s, SQL_DATASET_HIDE, SW_VALUES(sw_text(name)), err);
    if (code == SW_OK && sqlite3_changes(s->db) == 0)
        code = not_found(name, err);
    return sw_step_end(s, &step, code, err);
}
