// SPDX-License-Identifier: Apache-2.0
// Filters and orders (query.h) as SQL over any subject. Text is composed only from literals of this folder; every key,
// value and number of a query is bound. To search a subject:
//
//     struct sw_filter f;
//     enum sw_code code = sw_filter_begin(&f, SW_SUBJECT_LOGGED_MODEL, a, err);
//     sw_buf_adds(&f.sql, "SELECT logged_model.model_key FROM logged_model WHERE logged_model.is_deleted = 0");
//     if (code == SW_OK)
//         code = sw_filter_add_ids(&f, " AND logged_model.experiment_id", ids, id_count);
//     if (code == SW_OK)
//         code = sw_filter_add_where(&f, where);               // " AND (...)"
//     if (code == SW_OK)
//         code = sw_filter_add_order(&f, order, order_count);  // " ORDER BY ..."
//     if (code == SW_OK)
//         code = sw_filter_add_page(&f, limit, offset);        // " LIMIT ? OFFSET ?"
//     if (code == SW_OK)
//         code = sw_filter_list_keys(s, &f, a, &keys);
//     sw_filter_end(&f);
//
// The subject's table stands in FROM under its own name: run, experiment, registered_model, model_version, logged_model.
// To search by a new attribute: a row in filter.c, and one in `names` of core/track/query.c.
#ifndef SW_STORE_FILTER_PRIVATE_H
#define SW_STORE_FILTER_PRIVATE_H

#include "core/base/buf.h"
#include "core/store/experiment.h"
#include "core/store/store_private.h"

struct sw_filter_subject;

struct sw_filter {
    struct sw_buf sql;
    const struct sw_filter_subject *subject;
    struct sw_arena *arena;
    struct sw_value *values;
    size_t value_count, value_cap;
    // Set by the caller after sw_filter_begin().
    const struct sw_pair *datasets; // a logged model's metrics count on these alone: name and digest ("" = any)
    size_t dataset_count;
    const struct sw_query *held; // a condition that the caller's own SQL holds already; NULL = none
    bool is_text_order; // params and tags are ordered as text, as MLflow does, not as numbers where they are numbers
    struct sw_err *err;
};

// SW_NO_MEMORY. sw_filter_end() is called in every case.
enum sw_code sw_filter_begin(struct sw_filter *f, enum sw_subject subject, struct sw_arena *a, struct sw_err *err);
void sw_filter_end(struct sw_filter *f);

enum sw_code sw_filter_add_value(struct sw_filter *f, struct sw_value v); // "?7"
// "<column> IN (?, ...)"; no ids fit nothing.
enum sw_code sw_filter_add_ids(struct sw_filter *f, const char *column, const int64_t *ids, size_t count);
// " = 0" and the like, after a column that tells what is deleted.
void sw_filter_add_view(struct sw_filter *f, enum sw_view view);
// "<column> op ?" of a comparison with a number.
enum sw_code sw_filter_add_number_test(struct sw_filter *f, const char *column, const struct sw_query *q);
// " AND (...)", nothing for NULL. A condition on a key that is not there does not hold, and its NOT does; a NaN fits no
// comparison but != (MLflow's rule). SW_INVALID for what the subject does not have, SW_LIMIT.
enum sw_code sw_filter_add_where(struct sw_filter *f, const struct sw_query *where);
// " ORDER BY ...": the terms, then the subject's own order for equal ones. Without terms its default order.
enum sw_code sw_filter_add_order(struct sw_filter *f, const struct sw_query_order *order, size_t count);
// The same behind a term of the caller's SQL, which may be NULL.
enum sw_code sw_filter_add_order_after(struct sw_filter *f, const char *first, const struct sw_query_order *order,
                                       size_t count);
// The same in pieces, for terms that need more: after " ORDER BY " one "term, " each, at last the subject's own order.
// `dataset_name` and `dataset_digest` choose among a logged model's metrics; NULL or "" = any.
enum sw_code sw_filter_add_order_term(struct sw_filter *f, const struct sw_query_order *o, const char *dataset_name,
                                      const char *dataset_digest);
void sw_filter_add_own_order(struct sw_filter *f, const struct sw_query_order *order, size_t count);
// A limit of 0 is 100.
enum sw_code sw_filter_add_page(struct sw_filter *f, int64_t limit, int64_t offset);

// The statement with its values, for sw_sql_next(); the caller ends it with sqlite3_finalize().
enum sw_code sw_filter_prepare(struct sw_store *s, struct sw_filter *f, sqlite3_stmt **out);
// Appends the first column of all rows to `keys`, int64_t each.
enum sw_code sw_filter_list_keys(struct sw_store *s, struct sw_filter *f, struct sw_rows *keys);
// The first column of the first row, 0 when there is none.
enum sw_code sw_filter_get_int(struct sw_store *s, struct sw_filter *f, int64_t *out);

#endif
