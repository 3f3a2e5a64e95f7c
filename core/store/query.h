// SPDX-License-Identifier: Apache-2.0
// A filter as a tree, for runs and for the other things that are searched. core/track parses text (MLflow's grammar plus
// OR, NOT, parentheses) into it; the store turns it into SQL with bound parameters only.
#ifndef SW_STORE_QUERY_H
#define SW_STORE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What is searched. Each has attributes of its own: a table in core/track/query.c names them, one in the store gives them SQL.
enum sw_subject {
    SW_SUBJECT_RUN,
    SW_SUBJECT_EXPERIMENT,
    SW_SUBJECT_REGISTERED_MODEL,
    SW_SUBJECT_MODEL_VERSION,
    SW_SUBJECT_LOGGED_MODEL,
};
enum sw_view { SW_VIEW_ACTIVE, SW_VIEW_DELETED, SW_VIEW_ALL };

enum sw_query_kind { SW_QUERY_AND, SW_QUERY_OR, SW_QUERY_NOT, SW_QUERY_COMPARE, SW_QUERY_IN, SW_QUERY_IS_NULL };
enum sw_query_op { SW_OP_EQ, SW_OP_NE, SW_OP_LT, SW_OP_LE, SW_OP_GT, SW_OP_GE, SW_OP_LIKE, SW_OP_ILIKE };
enum sw_query_field {
    SW_FIELD_METRIC, // latest value of metric `key`; numbers only
    SW_FIELD_PARAM,  // text compare, except that <, <=, >, >= compare as numbers when both sides are numbers
    SW_FIELD_TAG,
    SW_FIELD_ATTRIBUTE, // of a run: run_id, run_name, user_id, status, experiment, source, artifact_uri (text); start_time,
                        // end_time (ms)
    SW_FIELD_DATASET, // name, digest, context
};

struct sw_query {
    enum sw_query_kind kind;
    struct sw_query *left, *right; // AND, OR; NOT uses left
    enum sw_query_field field;
    const char *key;
    enum sw_query_op op;
    bool is_number;
    double number;
    const char *text;
    const char *const *list; // IN
    size_t list_count;
};

struct sw_query_order {
    enum sw_query_field field;
    const char *key;
    bool descending;
};

// A search for anything but runs, which have one of their own (run.h).
struct sw_search {
    const struct sw_query *where;       // NULL = all
    const struct sw_query_order *order; // NULL = the subject's own order
    size_t order_count;
    enum sw_view view;
    int64_t limit, offset; // limit 0 = 100
};

#endif
