// SPDX-License-Identifier: Apache-2.0
// Filters and orders as people write them: MLflow's grammar and what its users ask for beside it.
//
//   expr   := term { OR term }            term := factor { AND factor }        factor := NOT factor | ( expr ) | test
//   test   := ident op value | ident [NOT] LIKE|ILIKE text | ident [NOT] IN ( value, ... ) | ident IS [NOT] NULL
//   ident  := [ metric(s) | param(s) | parameter(s) | tag(s) | attribute(s) | attr | run | dataset(s) . ] key
//   key    := word | "quoted" | `quoted`   op := = != <> > >= < <=             value := number | 'text' | "text"
//   order  := ident [ASC|DESC] { , ident [ASC|DESC] }
//
// Keywords in any case; without a type it is an attribute. Runs: run_id, run_name, user_id, status, experiment, source,
// artifact_uri, start_time, end_time (also: name, user, created, "run name"). Experiments: name, experiment_id,
// creation_time, last_update_time. Registered models: name, creation_timestamp, last_updated_timestamp. Model versions the
// same and version_number, run_id, source_path, current_stage, user_id, model_id. Logged models: name, model_id,
// model_type, status, source_run_id, experiment_id, creation_timestamp, last_updated_timestamp. All have tags; runs and
// logged models metrics and params; runs data sets. Metrics and times compare with numbers, names and states with text,
// params and tags with either; a number of an attribute may stand in quotes. Inside quotes a doubled quote stands for one.
// Source: MLflow's "Search Runs" documentation; OR, NOT, parentheses, IS NULL and IN on every type are additions.
#ifndef SW_TRACK_QUERY_H
#define SW_TRACK_QUERY_H

#include "core/base/arena.h"
#include "core/store/query.h"

// The tree lives in the arena; *out is NULL for an empty text. SW_INVALID names the column (from 1), what was expected
// and what stands there; SW_LIMIT for more than 64 KiB, 500 tests or 100 levels.
enum sw_code sw_track_parse_query(enum sw_subject subject, const char *text, struct sw_arena *a,
                                  const struct sw_query **out /* borrow from a */, struct sw_err *err);
// An empty text gives no orders. SW_INVALID as above; at most 16 fields.
enum sw_code sw_track_parse_order(enum sw_subject subject, const char *text, struct sw_arena *a,
                                  struct sw_query_order **out /* borrow from a */, size_t *count, struct sw_err *err);

#endif
