// SPDX-License-Identifier: Apache-2.0
// Version 2 of the schema: what MLflow's tracking API keeps beside version 1.
//
// A logged data set is what a script says it read (name, digest, where from), one row an experiment; the registered data
// sets of version 1 are Slipway's own. A logged model is named by model_id ("m-" and 32 hex digits); like runs it has a
// small model_key for its large tables. Registered models and versions are hidden when deleted: approvals stay.
#include "core/store/schema_private.h"

const char sw_schema_v2[] =
    // experiments: '' = the store keeps the artifacts
    "ALTER TABLE experiment ADD COLUMN artifact_location TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE experiment ADD COLUMN updated_ms INTEGER NOT NULL DEFAULT 0;"
    "UPDATE experiment SET updated_ms = created_ms;"
    "CREATE TABLE experiment_tag(experiment_id INTEGER NOT NULL REFERENCES experiment, key TEXT NOT NULL, value TEXT "
    "NOT "
    "NULL,"
    " PRIMARY KEY(experiment_id, key)) STRICT, WITHOUT ROWID;"

    // runs: artifact_experiment_id is the experiment below whose location the artifacts of a moved run stayed; NULL = its
    // own. Runs of one millisecond follow each other by id. The name is a tag as well (MLflow's rule).
    "ALTER TABLE run ADD COLUMN artifact_experiment_id INTEGER REFERENCES experiment;"
    "DROP INDEX run_by_start;"
    "CREATE INDEX run_by_start ON run(is_deleted, start_ms DESC, run_id);"
    "DROP INDEX run_by_experiment;"
    "CREATE INDEX run_by_experiment ON run(experiment_id, is_deleted, start_ms DESC, run_id);"
    "INSERT OR IGNORE INTO tag(run_key, key, value) SELECT run_key, 'mlflow.runName', name FROM run;"
    // filters and orders by a metric: the numbers of one key in order, NaN behind them
    "CREATE INDEX metric_latest_by_value ON metric_latest(key_id, is_nan, value, run_key);"
    // no point came with an earlier time than one of a lower step: the order of steps is that of times
    "ALTER TABLE metric_latest ADD COLUMN is_time_ordered INTEGER NOT NULL DEFAULT 0;"

    // logged data sets and models of runs
    "CREATE TABLE logged_dataset(logged_dataset_id INTEGER PRIMARY KEY, experiment_id INTEGER NOT NULL REFERENCES "
    "experiment,"
    " name TEXT NOT NULL, digest TEXT NOT NULL, source_type TEXT NOT NULL, source TEXT NOT NULL, schema TEXT NOT NULL,"
    " profile TEXT NOT NULL, UNIQUE(experiment_id, name, digest)) STRICT;"
    "CREATE TABLE run_logged_dataset(run_key INTEGER NOT NULL REFERENCES run, logged_dataset_id INTEGER NOT NULL"
    " REFERENCES logged_dataset, PRIMARY KEY(run_key, logged_dataset_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX run_logged_dataset_by_dataset ON run_logged_dataset(logged_dataset_id, run_key);"
    "CREATE TABLE run_logged_dataset_tag(run_key INTEGER NOT NULL, logged_dataset_id INTEGER NOT NULL, key TEXT NOT "
    "NULL,"
    " value TEXT NOT NULL, PRIMARY KEY(run_key, logged_dataset_id, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE run_model_input(run_key INTEGER NOT NULL REFERENCES run, model_id TEXT NOT NULL,"
    " PRIMARY KEY(run_key, model_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE run_model_output(run_key INTEGER NOT NULL REFERENCES run, model_id TEXT NOT NULL, step INTEGER NOT "
    "NULL,"
    " PRIMARY KEY(run_key, model_id)) STRICT, WITHOUT ROWID;"

    // logged models
    "CREATE TABLE logged_model(model_key INTEGER PRIMARY KEY, model_id TEXT NOT NULL UNIQUE, experiment_id INTEGER NOT "
    "NULL"
    " REFERENCES experiment, name TEXT NOT NULL, model_type TEXT NOT NULL, source_run_id TEXT NOT NULL, status TEXT "
    "NOT "
    "NULL,"
    " status_message TEXT NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,"
    " is_deleted INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX logged_model_by_experiment ON logged_model(experiment_id, is_deleted, created_ms);"
    "CREATE INDEX logged_model_by_run ON logged_model(source_run_id);"
    "CREATE TABLE logged_model_param(model_key INTEGER NOT NULL REFERENCES logged_model, key TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY(model_key, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE logged_model_tag(model_key INTEGER NOT NULL REFERENCES logged_model, key TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY(model_key, key)) STRICT, WITHOUT ROWID;"
    // Columns in the order of the key: SQLite before 3.41 takes others for NULL in quick_check.
    "CREATE TABLE logged_model_metric(model_key INTEGER NOT NULL REFERENCES logged_model, key_id INTEGER NOT NULL,"
    " run_key INTEGER NOT NULL, dataset_name TEXT NOT NULL, dataset_digest TEXT NOT NULL, step INTEGER NOT NULL,"
    " time_ms INTEGER NOT NULL, value REAL NOT NULL, is_nan INTEGER NOT NULL,"
    " PRIMARY KEY(model_key, key_id, run_key, dataset_name, dataset_digest, step, time_ms, value, is_nan))"
    " STRICT, WITHOUT ROWID;"

    // the registry
    "ALTER TABLE registered_model ADD COLUMN description TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE registered_model ADD COLUMN updated_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE registered_model ADD COLUMN is_deleted INTEGER NOT NULL DEFAULT 0;"
    "UPDATE registered_model SET updated_ms = created_ms;"
    "CREATE TABLE registered_model_tag(name TEXT NOT NULL REFERENCES registered_model, key TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY(name, key)) STRICT, WITHOUT ROWID;"
    // bytes that are elsewhere: digest and path '', storage_uri says where
    "ALTER TABLE model_version ADD COLUMN source TEXT NOT NULL DEFAULT '';" // as the script named it; '' = path
    "ALTER TABLE model_version ADD COLUMN storage_uri TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE model_version ADD COLUMN run_link TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE model_version ADD COLUMN model_id TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE model_version ADD COLUMN stage TEXT NOT NULL DEFAULT 'None';"
    "ALTER TABLE model_version ADD COLUMN updated_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE model_version ADD COLUMN is_deleted INTEGER NOT NULL DEFAULT 0;"
    "UPDATE model_version SET updated_ms = created_ms;"
    "CREATE INDEX model_version_by_run ON model_version(run_key);"
    "CREATE INDEX model_version_by_model_id ON model_version(model_id);"
    "CREATE TABLE model_version_tag(name TEXT NOT NULL, version INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT "
    "NULL,"
    " PRIMARY KEY(name, version, key), FOREIGN KEY(name, version) REFERENCES model_version) STRICT, WITHOUT ROWID;";
