// SPDX-License-Identifier: Apache-2.0
// What a job's processes find in their environment, and the exit statuses that mean more than failure: the contract
// between the supervisor (core/job) and anything it launches, the built-in trainer included. Beside these names stand
// CUDA_VISIBLE_DEVICES and, for jobs of several ranks, torchrun's own: RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE,
// MASTER_ADDR, MASTER_PORT. A single rank finds none of these, since scripts that do initialise a process group.
#ifndef SW_BASE_JOBENV_H
#define SW_BASE_JOBENV_H

#define SW_ENV_JOB_ID       "SLIPWAY_JOB_ID"
#define SW_ENV_RUN_ID       "SLIPWAY_RUN_ID"
#define SW_ENV_ATTEMPT      "SLIPWAY_ATTEMPT"      // from 1
#define SW_ENV_JOB_DIR      "SLIPWAY_JOB_DIR"      // scratch of the job, kept across attempts: checkpoints go here
#define SW_ENV_ARTIFACT_DIR "SLIPWAY_ARTIFACT_DIR" // files put here become the run's artifacts
#define SW_ENV_COMM_FD      "SLIPWAY_COMM_FD" // empty memfd shared by all ranks of an attempt; set when there are several

// For MLflow's client: the job's own server on loopback, its token, and what start_run() without arguments takes. Left out
// when the job was given another MLFLOW_TRACKING_URI.
#define SW_ENV_TRACKING_URI        "MLFLOW_TRACKING_URI"
#define SW_ENV_TRACKING_TOKEN      "MLFLOW_TRACKING_TOKEN" // ends with the attempt
#define SW_ENV_TRACKING_RUN        "MLFLOW_RUN_ID"
#define SW_ENV_TRACKING_EXPERIMENT "MLFLOW_EXPERIMENT_ID"

// Descriptor for JSON Lines, one object a line, any of these members:
//   {"step": 10, "time_ms": 1, "metrics": {"loss": 0.3}}   numbers, or "NaN", "Infinity", "-Infinity" as text
//   {"params": {"lr": "0.001"}}  {"tags": {"k": "v"}}
//   {"progress": {"fraction": 0.25, "text": "epoch 1/4 · 812 rows/s"}}
#define SW_ENV_METRICS_FD "SLIPWAY_METRICS_FD"

#define SW_EXIT_REQUEUE  75 // checkpointed on request; start me again (EX_TEMPFAIL of sysexits.h)
#define SW_EXIT_DIVERGED 86 // the loss stopped being a finite number

#endif
