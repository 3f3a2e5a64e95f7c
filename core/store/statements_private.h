// SPDX-License-Identifier: Apache-2.0
// Every fixed statement of the store: a name and its text, in the order of the families. Only searches
// compose text (filter.c), from pieces that stand there, with bound values.
#ifndef SW_STORE_STATEMENTS_PRIVATE_H
#define SW_STORE_STATEMENTS_PRIVATE_H

// Column lists that several statements share; the reader of each stands in its family's file.
#define SW_EXPERIMENT_COLUMNS "experiment_id, name, artifact_location, created_ms, updated_ms, is_deleted"

#define SW_RUN_COLUMNS                                                                                                 \
    "run.run_key, run.run_id, run.experiment_id,"                                                                      \
    " (SELECT name FROM experiment WHERE experiment.experiment_id = run.experiment_id),"                               \
    " run.name, run.status, run.user, run.source, run.start_ms, run.end_ms, run.is_deleted, run.job_id,"               \
    " (SELECT value FROM tag WHERE tag.run_key = run.run_key AND tag.key = 'mlflow.note.content'),"                    \
    " ifnull(run.artifact_experiment_id, run.experiment_id),"                                                          \
    " (SELECT artifact_location FROM experiment"                                                                       \
    " WHERE experiment.experiment_id = ifnull(run.artifact_experiment_id, run.experiment_id))"

#define SW_DATASET_COLUMNS "dataset_id, name, version, path, format, digest, size_bytes, schema_json, created_ms"

#define SW_JOB_COLUMNS                                                                                                 \
    "job.job_id, job.name, job.state, job.reason, run.run_id, job.argv_json, job.cwd, job.env_json, job.ranks,"        \
    " job.cpu_slots, job.gpu_count,"                                                                                   \
    " (SELECT group_concat(gpu_uuid) FROM gpu_lease WHERE gpu_lease.job_id = job.job_id), job.time_limit_ms,"          \
    " job.grace_ms, job.max_retries, job.attempt, job.after_job_id, job.options_json, job.supervisor_pid,"             \
    " job.supervisor_ticks, job.created_ms, job.started_ms, job.ended_ms, job.heartbeat_ms, job.stop_requested,"       \
    " job.exit_code, job.signo, job.failed_rank, job.progress, job.progress_text, job.queued_ms"
#define SW_JOB_FROM " FROM job JOIN run USING(run_key)"
// The index of live jobs serves a query only where its own condition stands word for word.
#define SW_JOB_IS_LIVE "state IN ('queued', 'running', 'stopping')"

#define SW_VERSION_FIELDS(files)                                                                                       \
    "v.name, v.version, v.digest, v.path, " files ", v.size_bytes, run.run_id, v.user, v.description, v.created_ms,"   \
    " (SELECT group_concat(alias) FROM model_alias a WHERE a.name = v.name AND a.version = v.version),"                \
    " v.source, v.storage_uri, v.run_link, v.model_id, v.stage, v.updated_ms"
#define SW_VERSION_COLUMNS SW_VERSION_FIELDS("v.files_json")
#define SW_VERSION_LEAN    SW_VERSION_FIELDS("'[]'") // without the list of files, which may be long
#define SW_VERSION_FROM    " FROM model_version v LEFT JOIN run USING(run_key)"

#define SW_LOGGED_COLUMNS                                                                                              \
    "model_key, model_id, experiment_id, (SELECT artifact_location FROM experiment"                                    \
    " WHERE experiment.experiment_id = logged_model.experiment_id), name, model_type, source_run_id, status,"          \
    " status_message, created_ms, updated_ms, is_deleted"

#define SW_PUSH_COLUMNS                                                                                                \
    "push_id, model, version, digest, target, address, state, is_final, message, plan_json, result_json, revision,"    \
    " user, holder_pid, holder_ticks, created_ms, updated_ms"

#define SW_AUDIT_COLUMNS "seq, time_ms, user, host, action, object, digest, detail_json, hash"

// clang-format off
#define SW_SQL_TABLE(X) \
    X(BEGIN_READ, "BEGIN") \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE") \
    X(COMMIT, "COMMIT") \
    X(ROLLBACK, "ROLLBACK") \
    X(SAVEPOINT, "SAVEPOINT step") \
    X(RELEASE, "RELEASE step") \
    X(ROLLBACK_TO, "ROLLBACK TO step") \
    X(DATA_VERSION, "PRAGMA data_version") \
    X(COUNT_RUNS, "SELECT count(*) FROM run") \
    X(COUNT_POINTS, "SELECT sum(count) FROM metric_latest") \
    X(COUNT_JOBS, "SELECT count(*) FROM job") \
    X(COUNT_AUDIT, "SELECT count(*) FROM audit") \
    \
    X(EXPERIMENT_LIST, "SELECT " SW_EXPERIMENT_COLUMNS " FROM experiment ORDER BY experiment_id") \
    X(EXPERIMENT_GET, "SELECT " SW_EXPERIMENT_COLUMNS " FROM experiment WHERE experiment_id = ?1") \
    X(EXPERIMENT_FIND, "SELECT " SW_EXPERIMENT_COLUMNS " FROM experiment WHERE name = ?1") \
    X(EXPERIMENT_ADD, "INSERT INTO experiment(name, artifact_location, created_ms, updated_ms) VALUES(?1, ?2, ?3, ?3)") \
    X(EXPERIMENT_RENAME, "UPDATE experiment SET name = ?2, updated_ms = ?3 WHERE experiment_id = ?1") \
    X(EXPERIMENT_SET_DELETED, "UPDATE experiment SET is_deleted = ?2, updated_ms = ?3 WHERE experiment_id = ?1") \
    X(EXPERIMENT_RUNS_SET_DELETED, "UPDATE run SET is_deleted = ?2 WHERE experiment_id = ?1 AND is_deleted <> ?2") \
    X(EXPERIMENT_TAGS, "SELECT key, value FROM experiment_tag WHERE experiment_id = ?1 ORDER BY key") \
    X(EXPERIMENT_TAG_SET, "INSERT INTO experiment_tag(experiment_id, key, value) VALUES(?1, ?2, ?3)" \
        " ON CONFLICT DO UPDATE SET value = excluded.value") \
    X(EXPERIMENT_TAG_DELETE, "DELETE FROM experiment_tag WHERE experiment_id = ?1 AND key = ?2") \
    \
    X(RUN_KEY, "SELECT run_key FROM run WHERE run_id = ?1") \
    X(RUN_ADD, "INSERT INTO run(run_id, experiment_id, name, status, user, source, start_ms, job_id)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
    X(RUN_GET, "SELECT " SW_RUN_COLUMNS " FROM run WHERE run_id = ?1") \
    X(RUN_GET_BY_KEY, "SELECT " SW_RUN_COLUMNS " FROM run WHERE run_key = ?1") \
    X(RUN_CANDIDATES, "SELECT run_id, name, is_deleted FROM run WHERE name = ?1" \
        " UNION SELECT run_id, name, is_deleted FROM run WHERE run_id >= ?2 AND run_id < ?3" \
        " ORDER BY is_deleted LIMIT 7") \
    X(RUN_PARAMS, "SELECT key, value FROM param WHERE run_key = ?1 ORDER BY key") \
    X(RUN_TAGS, "SELECT key, value FROM tag WHERE run_key = ?1 ORDER BY key") \
    X(RUN_METRICS, "SELECT k.name, l.value, l.is_nan, l.min, l.max, l.step, l.count, l.time_ms" \
        " FROM metric_latest l JOIN metric_key k USING(key_id) WHERE l.run_key = ?1 ORDER BY k.name") \
    X(RUN_FINISH, "UPDATE run SET status = ?2, end_ms = ?3 WHERE run_key = ?1") \
    X(RUN_PEEK, "SELECT experiment_id, status, is_deleted FROM run WHERE run_id = ?1") \
    X(RUN_UPDATE, "UPDATE run SET status = ifnull(?2, status), end_ms = CASE WHEN ?3 THEN ?4 ELSE end_ms END," \
        " name = ifnull(?5, name) WHERE run_key = ?1") \
    X(RUN_MOVE, "UPDATE run SET experiment_id = ?2, artifact_experiment_id = ifnull(artifact_experiment_id," \
        " experiment_id) WHERE run_key = ?1") \
    X(RUN_SET_STATUS, "UPDATE run SET status = ?2, end_ms = CASE WHEN ?3 THEN end_ms END WHERE run_key = ?1") \
    X(RUN_SET_DELETED, "UPDATE run SET is_deleted = ?2 WHERE run_key = ?1") \
    X(RUN_ARTIFACT_EXPERIMENT, "SELECT ifnull(artifact_experiment_id, experiment_id) FROM run WHERE run_key = ?1") \
    X(RUN_ADD_INPUT, "INSERT OR IGNORE INTO run_input(run_key, dataset_id, context) VALUES(?1, ?2, ?3)") \
    X(PARAM_GET, "SELECT value FROM param WHERE run_key = ?1 AND key = ?2") \
    X(PARAM_ADD, "INSERT INTO param(run_key, key, value) VALUES(?1, ?2, ?3)") \
    X(TAG_SET, "INSERT INTO tag(run_key, key, value) VALUES(?1, ?2, ?3)" \
        " ON CONFLICT DO UPDATE SET value = excluded.value") \
    X(TAG_DELETE, "DELETE FROM tag WHERE run_key = ?1 AND key = ?2") \
    \
    X(LOGGED_DATASET_FIND, "SELECT logged_dataset_id FROM logged_dataset WHERE experiment_id = ?1 AND name = ?2" \
        " AND digest = ?3") \
    X(LOGGED_DATASET_ADD, "INSERT INTO logged_dataset(experiment_id, name, digest, source_type, source, schema, profile)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
    X(RUN_DATASET_LINK, "INSERT OR IGNORE INTO run_logged_dataset(run_key, logged_dataset_id) VALUES(?1, ?2)") \
    X(RUN_DATASET_TAG, "INSERT OR REPLACE INTO run_logged_dataset_tag(run_key, logged_dataset_id, key, value)" \
        " VALUES(?1, ?2, ?3, ?4)") \
    X(RUN_DATASETS, "SELECT d.logged_dataset_id, d.name, d.digest, d.source_type, d.source, d.schema, d.profile, ''" \
        " FROM run_logged_dataset l JOIN logged_dataset d USING(logged_dataset_id) WHERE l.run_key = ?1" \
        " UNION ALL SELECT 0, d.name, d.digest, 'slipway', d.path, d.schema_json, '', i.context" \
        " FROM run_input i JOIN dataset d USING(dataset_id) WHERE i.run_key = ?1") \
    X(RUN_DATASET_TAGS, "SELECT key, value FROM run_logged_dataset_tag WHERE run_key = ?1 AND logged_dataset_id = ?2" \
        " ORDER BY key") \
    X(RUN_MODEL_INPUT, "INSERT OR IGNORE INTO run_model_input(run_key, model_id) VALUES(?1, ?2)") \
    X(RUN_MODEL_OUTPUT, "INSERT OR REPLACE INTO run_model_output(run_key, model_id, step) VALUES(?1, ?2, ?3)") \
    X(RUN_MODEL_INPUTS, "SELECT model_id FROM run_model_input WHERE run_key = ?1") \
    X(RUN_MODEL_OUTPUTS, "SELECT model_id, step FROM run_model_output WHERE run_key = ?1") \
    X(DATASET_SUMMARIES, "SELECT d.experiment_id, d.name, d.digest, ifnull(t.value, '') FROM logged_dataset d" \
        " JOIN run_logged_dataset l USING(logged_dataset_id)" \
        " LEFT JOIN run_logged_dataset_tag t ON t.run_key = l.run_key AND t.logged_dataset_id = l.logged_dataset_id" \
        " AND t.key = 'mlflow.data.context' WHERE d.experiment_id = ?1" \
        " UNION SELECT r.experiment_id, d.name, d.digest, i.context FROM run r JOIN run_input i USING(run_key)" \
        " JOIN dataset d USING(dataset_id) WHERE r.experiment_id = ?1 LIMIT ?2") \
    \
    X(KEY_FIND, "SELECT key_id FROM metric_key WHERE name = ?1") \
    X(KEY_ADD, "INSERT INTO metric_key(name) VALUES(?1)") \
    X(KEY_LIST, "SELECT k.name FROM metric_latest l JOIN metric_key k USING(key_id) WHERE l.run_key = ?1 ORDER BY k.name") \
    X(POINT_ADD, "INSERT OR IGNORE INTO metric(run_key, key_id, step, time_ms, value, is_nan)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6)") \
    X(SERIES_GET, "SELECT step, time_ms, value, is_nan, min, max, count, min_step, is_ordered, is_time_ordered," \
        " levels FROM metric_latest WHERE run_key = ?1 AND key_id = ?2") \
    X(SERIES_PUT, "INSERT OR REPLACE INTO metric_latest(run_key, key_id, step, time_ms, value, is_nan, min, max, count," \
        " min_step, is_ordered, is_time_ordered, levels)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)") \
    X(BUCKET_ADD, "INSERT INTO metric_level(run_key, key_id, level, first_step, ordinal, last_step, min, max, last," \
        " nan_count, last_time_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)") \
    X(BUCKET_BEFORE, "SELECT max(first_step) FROM metric_level WHERE run_key = ?1 AND key_id = ?2 AND level = ?3" \
        " AND first_step < ?4") \
    X(BUCKET_COUNT, "SELECT count(*) FROM metric_level WHERE run_key = ?1 AND key_id = ?2 AND level = ?3" \
        " AND first_step >= ?4 AND first_step <= ?5 AND last_step >= ?6") \
    X(BUCKET_LIST, "SELECT first_step, last_step, min, max, last, nan_count, last_time_ms FROM metric_level" \
        " WHERE run_key = ?1 AND key_id = ?2 AND level = ?3 AND first_step >= ?4 AND first_step <= ?5" \
        " AND last_step >= ?6 ORDER BY first_step, ordinal") \
    X(POINT_TAIL, "SELECT step, time_ms, value, is_nan FROM metric WHERE run_key = ?1 AND key_id = ?2" \
        " AND (step, time_ms, value, is_nan) > (?3, ?4, ?5, ?6) ORDER BY step, time_ms, value, is_nan LIMIT ?7") \
    X(POINT_TAIL_BY_TIME, "SELECT step, time_ms, value, is_nan FROM metric WHERE run_key = ?1 AND key_id = ?2" \
        " AND (time_ms, step, value, is_nan) > (?4, ?3, ?5, ?6) ORDER BY time_ms, step, value, is_nan LIMIT ?7") \
    X(POINT_SPAN_COUNT, "SELECT count(*) FROM metric WHERE run_key = ?1 AND key_id = ?2 AND step >= ?3 AND step <= ?4") \
    X(POINT_SPAN, "SELECT step, time_ms, value, is_nan FROM metric WHERE run_key = ?1 AND key_id = ?2" \
        " AND step >= ?3 AND step <= ?4 ORDER BY step, time_ms, value, is_nan") \
    X(POINT_PAGE, "SELECT step, time_ms, value, is_nan FROM metric WHERE run_key = ?1 AND key_id = ?2" \
        " ORDER BY step, time_ms, value, is_nan LIMIT ?3 OFFSET ?4") \
    \
    X(DATASET_NEWEST, "SELECT " SW_DATASET_COLUMNS ", is_hidden FROM dataset WHERE name = ?1" \
        " ORDER BY version DESC LIMIT 1") \
    X(DATASET_ADD, "INSERT INTO dataset(name, version, path, format, digest, size_bytes, schema_json, created_ms)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
    X(DATASET_SHOW, "UPDATE dataset SET is_hidden = 0 WHERE dataset_id = ?1") \
    X(DATASET_LIST, "SELECT " SW_DATASET_COLUMNS " FROM dataset d WHERE is_hidden = 0 AND version =" \
        " (SELECT max(version) FROM dataset o WHERE o.name = d.name AND o.is_hidden = 0) ORDER BY name") \
    X(DATASET_GET, "SELECT " SW_DATASET_COLUMNS " FROM dataset WHERE name = ?1 AND is_hidden = 0" \
        " AND (?2 = 0 OR version = ?2) AND substr(digest, 1, length(?3)) = ?3 ORDER BY version DESC LIMIT 1") \
    X(DATASET_HIDE, "UPDATE dataset SET is_hidden = 1 WHERE name = ?1 AND is_hidden = 0") \
    X(DATASET_EXISTS, "SELECT 1 FROM dataset WHERE dataset_id = ?1") \
    \
    X(JOB_ADD, "INSERT INTO job(name, state, run_key, argv_json, cwd, env_json, ranks, cpu_slots, gpu_count," \
        " time_limit_ms, grace_ms, max_retries, after_job_id, options_json, created_ms, queued_ms)" \
        " VALUES(?1, 'queued', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14)") \
    X(RUN_SET_JOB, "UPDATE run SET job_id = ?2 WHERE run_key = ?1") \
    X(JOB_GET, "SELECT " SW_JOB_COLUMNS SW_JOB_FROM " WHERE job.job_id = ?1") \
    X(JOB_SEARCH, "SELECT " SW_JOB_COLUMNS SW_JOB_FROM " ORDER BY job.job_id DESC LIMIT ?1") \
    X(JOB_SEARCH_LIVE, "SELECT " SW_JOB_COLUMNS SW_JOB_FROM \
        " WHERE job.state IN ('queued', 'running', 'stopping') ORDER BY job.job_id DESC LIMIT ?1") \
    X(JOB_STATE, "SELECT state, stop_requested, reason FROM job WHERE job_id = ?1") \
    X(JOB_SET_SUPERVISOR, "UPDATE job SET supervisor_pid = ?2, supervisor_ticks = ?3 WHERE job_id = ?1") \
    X(JOB_SET_REASON, "UPDATE job SET reason = ?2 WHERE job_id = ?1") \
    X(JOB_SET_STOPPING, "UPDATE job SET state = 'stopping', stop_requested = 1 WHERE job_id = ?1") \
    X(JOB_HEARTBEAT, "UPDATE job SET heartbeat_ms = ?2, progress = ifnull(?3, progress)," \
        " progress_text = ifnull(?4, progress_text) WHERE job_id = ?1") \
    X(JOB_FINISH, "UPDATE job SET state = ?2, reason = ?3, exit_code = ?4, signo = ?5, failed_rank = ?6, ended_ms = ?7" \
        " WHERE job_id = ?1") \
    X(JOB_FINISH_RUN, "UPDATE run SET status = ?2, end_ms = ?3 WHERE run_key = (SELECT run_key FROM job WHERE job_id = ?1)") \
    X(JOB_START_RUN, "UPDATE run SET status = ?2, end_ms = NULL," /* its time begins with the first attempt */ \
        " start_ms = CASE WHEN (SELECT attempt FROM job WHERE job_id = ?1) = 1 THEN ?3 ELSE start_ms END" \
        " WHERE run_key = (SELECT run_key FROM job WHERE job_id = ?1)") \
    X(JOB_REQUEUE, "UPDATE job SET state = 'queued', reason = ?2, queued_ms = ?3, stop_requested = 0, started_ms = NULL," \
        " ended_ms = NULL, heartbeat_ms = NULL, exit_code = NULL, signo = NULL, failed_rank = NULL, progress = NULL," \
        " progress_text = '', supervisor_pid = CASE WHEN ?4 THEN supervisor_pid ELSE 0 END," \
        " supervisor_ticks = CASE WHEN ?4 THEN supervisor_ticks ELSE 0 END WHERE job_id = ?1") \
    X(JOB_CLAIM, "UPDATE job SET state = 'running', reason = '', attempt = attempt + 1, started_ms = ?2," \
        " heartbeat_ms = ?2 WHERE job_id = ?1") \
    X(JOB_USERS, "SELECT job_id, cpu_slots FROM job WHERE " SW_JOB_IS_LIVE " AND state <> 'queued' ORDER BY job_id") \
    X(JOB_WAITING, "SELECT job.job_id, job.cpu_slots, job.gpu_count, job.after_job_id, job.supervisor_pid," \
        " job.supervisor_ticks, job.queued_ms, previous.state FROM job" \
        " LEFT JOIN job AS previous ON previous.job_id = job.after_job_id" \
        " WHERE job." SW_JOB_IS_LIVE " AND job.state = 'queued' AND job.job_id <= ?1 ORDER BY job.job_id") \
    X(JOB_AHEAD, "SELECT count(*) FROM job WHERE " SW_JOB_IS_LIVE " AND state = 'queued' AND job_id < ?1") \
    X(ATTEMPT_ADD, "INSERT INTO job_attempt(job_id, attempt, started_ms, state)" \
        " SELECT job_id, attempt, started_ms, state FROM job WHERE job_id = ?1") \
    X(ATTEMPT_END, "UPDATE job_attempt SET state = ?2, reason = ?3, ended_ms = ?4 WHERE job_id = ?1 AND ended_ms IS NULL") \
    X(ATTEMPT_LIST, "SELECT attempt, started_ms, ended_ms, state, reason FROM job_attempt WHERE job_id = ?1" \
        " ORDER BY attempt") \
    X(LEASE_LIST, "SELECT gpu_uuid, job_id FROM gpu_lease ORDER BY gpu_uuid") \
    X(LEASE_ADD, "INSERT INTO gpu_lease(gpu_uuid, job_id, since_ms) VALUES(?1, ?2, ?3)") \
    X(LEASE_RELEASE, "DELETE FROM gpu_lease WHERE job_id = ?1") \
    \
    X(MODEL_NEXT, "INSERT INTO registered_model(name, last_version, created_ms, updated_ms) VALUES(?1, 1, ?2, ?2)" \
        " ON CONFLICT DO UPDATE SET last_version = last_version + 1, updated_ms = excluded.updated_ms, is_deleted = 0," \
        " created_ms = iif(is_deleted, excluded.created_ms, created_ms) RETURNING last_version") \
    X(MODEL_LAST_VERSION, "SELECT last_version FROM registered_model WHERE name = ?1") \
    X(VERSION_ADD, "INSERT INTO model_version(name, version, digest, path, files_json, size_bytes, run_key, user," \
        " description, created_ms, updated_ms, source, storage_uri, run_link, model_id)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12, ?13, ?14)") \
    X(VERSION_LIST, "SELECT " SW_VERSION_COLUMNS SW_VERSION_FROM " WHERE NOT v.is_deleted" \
        " ORDER BY v.created_ms DESC, v.name, v.version DESC") \
    X(VERSION_LIST_OF, "SELECT " SW_VERSION_COLUMNS SW_VERSION_FROM " WHERE v.name = ?1 AND NOT v.is_deleted" \
        " ORDER BY v.version DESC") \
    X(VERSION_NEWEST, "SELECT max(version) FROM model_version WHERE name = ?1 AND NOT is_deleted") \
    X(VERSION_BY_ALIAS, "SELECT version FROM model_alias WHERE name = ?1 AND alias = ?2") \
    X(VERSION_GET, "SELECT " SW_VERSION_COLUMNS SW_VERSION_FROM " WHERE v.name = ?1 AND v.version = ?2" \
        " AND NOT v.is_deleted") \
    X(ALIAS_SET, "INSERT INTO model_alias(name, alias, version) VALUES(?1, ?2, ?3)" \
        " ON CONFLICT DO UPDATE SET version = excluded.version") \
    X(ALIAS_DELETE, "DELETE FROM model_alias WHERE name = ?1 AND alias = ?2") \
    X(VERSION_LATEST, "SELECT " SW_VERSION_LEAN SW_VERSION_FROM " WHERE v.name = ?1 AND v.version = (SELECT max(version)" \
        " FROM model_version o WHERE o.name = v.name AND o.stage = v.stage AND NOT o.is_deleted)" \
        " ORDER BY (SELECT min(version) FROM model_version o WHERE o.name = v.name AND o.stage = v.stage" \
        " AND NOT o.is_deleted)") /* the newest of each stage; stages in the order in which they were first used */ \
    X(VERSION_LEAN_GET, "SELECT " SW_VERSION_LEAN SW_VERSION_FROM " WHERE v.name = ?1 AND v.version = ?2" \
        " AND NOT v.is_deleted") \
    X(VERSION_LEAN_BY_KEY, "SELECT " SW_VERSION_LEAN SW_VERSION_FROM " WHERE v.rowid = ?1") \
    X(VERSION_EXISTS, "SELECT 1 FROM model_version WHERE name = ?1 AND version = ?2 AND NOT is_deleted") \
    X(VERSION_IN_STAGE, "SELECT " SW_VERSION_LEAN SW_VERSION_FROM " WHERE v.name = ?1 AND v.stage = ?2" \
        " AND v.version <> ?3 AND NOT v.is_deleted ORDER BY v.version") \
    X(VERSION_DESCRIBE, "UPDATE model_version SET description = ?3, updated_ms = ?4 WHERE name = ?1 AND version = ?2") \
    X(VERSION_SET_STAGE, "UPDATE model_version SET stage = ?3, updated_ms = ?4 WHERE name = ?1 AND version = ?2") \
    X(VERSION_HIDE, "UPDATE model_version SET is_deleted = 1, updated_ms = ?3 WHERE name = ?1 AND version = ?2") \
    X(VERSION_DELETE_ALIASES, "DELETE FROM model_alias WHERE name = ?1 AND version = ?2") \
    X(VERSION_TAGS, "SELECT key, value FROM model_version_tag WHERE name = ?1 AND version = ?2 ORDER BY key") \
    X(VERSION_TAG_SET, "INSERT INTO model_version_tag(name, version, key, value) VALUES(?1, ?2, ?3, ?4)" \
        " ON CONFLICT DO UPDATE SET value = excluded.value") \
    X(VERSION_TAG_DELETE, "DELETE FROM model_version_tag WHERE name = ?1 AND version = ?2 AND key = ?3") \
    X(REGISTERED_GET, "SELECT name, description, created_ms, updated_ms FROM registered_model" \
        " WHERE name = ?1 AND NOT is_deleted") \
    X(REGISTERED_EXISTS, "SELECT 1 FROM registered_model WHERE name = ?1 AND NOT is_deleted") \
    X(REGISTERED_IS_PROMPT, "SELECT lower(value) = 'true' FROM registered_model_tag WHERE name = ?1 AND key = ?2") \
    X(REGISTERED_ADD, "INSERT INTO registered_model(name, last_version, created_ms, updated_ms, description)" \
        " VALUES(?1, 0, ?2, ?2, ?3) ON CONFLICT DO UPDATE SET is_deleted = 0, created_ms = excluded.created_ms," \
        " updated_ms = excluded.updated_ms, description = excluded.description") \
    X(REGISTERED_DESCRIBE, "UPDATE registered_model SET description = ?2, updated_ms = ?3 WHERE name = ?1") \
    X(REGISTERED_TOUCH, "UPDATE registered_model SET updated_ms = ?2 WHERE name = ?1") \
    X(REGISTERED_HIDE, "UPDATE registered_model SET is_deleted = 1, description = '', updated_ms = ?2 WHERE name = ?1") \
    X(REGISTERED_HIDE_VERSIONS, "UPDATE model_version SET is_deleted = 1, updated_ms = ?2" \
        " WHERE name = ?1 AND NOT is_deleted") \
    X(REGISTERED_DELETE_ALIASES, "DELETE FROM model_alias WHERE name = ?1") \
    X(REGISTERED_DELETE_TAGS, "DELETE FROM registered_model_tag WHERE name = ?1") \
    X(REGISTERED_TAGS, "SELECT key, value FROM registered_model_tag WHERE name = ?1 ORDER BY key") \
    X(REGISTERED_TAG_SET, "INSERT INTO registered_model_tag(name, key, value) VALUES(?1, ?2, ?3)" \
        " ON CONFLICT DO UPDATE SET value = excluded.value") \
    X(REGISTERED_TAG_DELETE, "DELETE FROM registered_model_tag WHERE name = ?1 AND key = ?2") \
    X(REGISTERED_ALIASES, "SELECT alias, version FROM model_alias WHERE name = ?1 ORDER BY alias") \
    X(REGISTERED_APPROVALS, "SELECT count(*) FROM approval WHERE name = ?1") \
    X(REGISTERED_VERSIONS, "SELECT count(*) FROM model_version WHERE name = ?1") /* hidden ones as well */ \
    X(RENAME_MODEL, "INSERT INTO registered_model(name, last_version, created_ms, updated_ms, description)" \
        " SELECT ?2, last_version, created_ms, ?3, description FROM registered_model WHERE name = ?1" \
        " ON CONFLICT(name) DO UPDATE SET last_version = max(last_version, excluded.last_version), is_deleted = 0," \
        " created_ms = excluded.created_ms, updated_ms = excluded.updated_ms, description = excluded.description") \
    X(RENAME_TAGS, "UPDATE registered_model_tag SET name = ?2 WHERE name = ?1") \
    X(RENAME_VERSIONS, "UPDATE model_version SET name = ?2, updated_ms = ?3 WHERE name = ?1") \
    X(RENAME_ALIASES, "UPDATE model_alias SET name = ?2 WHERE name = ?1") \
    X(RENAME_VERSION_TAGS, "UPDATE model_version_tag SET name = ?2 WHERE name = ?1") \
    X(RENAME_EVALUATIONS, "UPDATE evaluation SET name = ?2 WHERE name = ?1") \
    \
    X(LOGGED_ADD, "INSERT INTO logged_model(model_id, experiment_id, name, model_type, source_run_id, status," \
        " status_message, created_ms, updated_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, '', ?7, ?7)") \
    X(LOGGED_GET, "SELECT " SW_LOGGED_COLUMNS " FROM logged_model WHERE model_id = ?1") \
    X(LOGGED_GET_BY_KEY, "SELECT " SW_LOGGED_COLUMNS " FROM logged_model WHERE model_key = ?1") \
    X(LOGGED_KEY, "SELECT model_key FROM logged_model WHERE model_id = ?1") \
    X(LOGGED_FINISH, "UPDATE logged_model SET status = ?2, updated_ms = ?3 WHERE model_key = ?1") \
    X(LOGGED_HIDE, "UPDATE logged_model SET is_deleted = 1, updated_ms = ?2 WHERE model_key = ?1") \
    X(LOGGED_PARAMS, "SELECT key, value FROM logged_model_param WHERE model_key = ?1 ORDER BY key") \
    X(LOGGED_PARAM_ADD, "INSERT INTO logged_model_param(model_key, key, value) VALUES(?1, ?2, ?3)" \
        " ON CONFLICT DO NOTHING") \
    X(LOGGED_PARAM_IS, "SELECT value = ?3 FROM logged_model_param WHERE model_key = ?1 AND key = ?2") \
    X(LOGGED_TAGS, "SELECT key, value FROM logged_model_tag WHERE model_key = ?1 ORDER BY key") \
    X(LOGGED_TAG_SET, "INSERT INTO logged_model_tag(model_key, key, value) VALUES(?1, ?2, ?3)" \
        " ON CONFLICT DO UPDATE SET value = excluded.value") \
    X(LOGGED_TAG_GET, "SELECT key, value FROM logged_model_tag WHERE model_key = ?1 AND key = ?2") \
    X(LOGGED_TAG_DELETE, "DELETE FROM logged_model_tag WHERE model_key = ?1 AND key = ?2") \
    X(LOGGED_METRIC_ADD, "INSERT INTO logged_model_metric(model_key, key_id, step, time_ms, value, is_nan, run_key," \
        " dataset_name, dataset_digest) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING") \
    X(LOGGED_METRICS, "SELECT k.name, iif(m.is_nan, NULL, m.value), m.step, m.time_ms, run.run_id, m.dataset_name," \
        " m.dataset_digest FROM logged_model_metric m JOIN metric_key k USING(key_id) JOIN run USING(run_key)" \
        " WHERE m.model_key = ?1 ORDER BY k.name, m.time_ms, m.step") \
    X(EVALUATION_ADD, "INSERT INTO evaluation(name, version, model_digest, dataset, dataset_digest, split, metrics_json," \
        " created_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
    X(EVALUATION_LIST, "SELECT evaluation_id, name, version, model_digest, dataset, dataset_digest, split, metrics_json," \
        " created_ms FROM evaluation WHERE name = ?1 AND version = ?2 ORDER BY evaluation_id DESC") \
    X(APPROVAL_ADD, "INSERT INTO approval(name, version, digest, user, policy, policy_digest, statement, signature," \
        " comment, created_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)") \
    X(APPROVAL_LIST, "SELECT approval_id, name, version, digest, user, policy, policy_digest, statement, signature," \
        " comment, created_ms, revoked_ms, revoked_by, revoke_reason FROM approval WHERE name = ?1 AND version = ?2" \
        " ORDER BY approval_id DESC") \
    X(APPROVAL_STATE, "SELECT ifnull(revoked_ms, 0) FROM approval WHERE approval_id = ?1") \
    X(APPROVAL_REVOKE, "UPDATE approval SET revoked_ms = ?2, revoked_by = ?3, revoke_reason = ?4 WHERE approval_id = ?1") \
    \
    X(TARGET_ADD, "INSERT INTO target(name, address, options_json, is_production, created_ms) VALUES(?1, ?2, ?3, ?4, ?5)") \
    X(TARGET_GET, "SELECT name, address, options_json, is_production, created_ms FROM target WHERE name = ?1") \
    X(TARGET_LIST, "SELECT name, address, options_json, is_production, created_ms FROM target ORDER BY name") \
    X(TARGET_REMOVE, "DELETE FROM target WHERE name = ?1") \
    X(PUSH_ADD, "INSERT INTO push(model, version, digest, target, address, state, is_final, message, plan_json," \
        " result_json, revision, user, holder_pid, holder_ticks, created_ms, updated_ms)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?15)") \
    X(PUSH_UPDATE, "UPDATE push SET state = ?2, is_final = ?3, message = ?4, digest = ifnull(?5, digest)," \
        " plan_json = ifnull(?6, plan_json), result_json = ifnull(?7, result_json), revision = ifnull(?8, revision)," \
        " holder_pid = ?9, holder_ticks = ?10, updated_ms = ?11 WHERE push_id = ?1") \
    X(PUSH_GET, "SELECT " SW_PUSH_COLUMNS " FROM push WHERE push_id = ?1") \
    X(PUSH_SEARCH, "SELECT " SW_PUSH_COLUMNS " FROM push WHERE (?1 IS NULL OR target = ?1) AND (?2 IS NULL OR model = ?2)" \
        " ORDER BY push_id DESC LIMIT ?3") \
    \
    X(AUDIT_HEAD, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1") \
    X(AUDIT_ADD, "INSERT INTO audit(seq, time_ms, user, host, action, object, digest, detail_json, hash)" \
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)") \
    X(AUDIT_LIST, "SELECT " SW_AUDIT_COLUMNS " FROM audit ORDER BY seq DESC LIMIT ?1") \
    X(AUDIT_ALL, "SELECT " SW_AUDIT_COLUMNS " FROM audit ORDER BY seq")
// clang-format on

#endif
