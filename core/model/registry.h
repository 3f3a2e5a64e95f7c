// SPDX-License-Identifier: Apache-2.0
// The registry's rules: how bytes become a model version, how they are proved unchanged, what results are bound to.
// The rows are core/store's. A version's bytes live in "<store>/artifacts/models/NAME/VERSION-DIGEST12/" and are
// never written again once the version exists.
#ifndef SW_MODEL_REGISTRY_H
#define SW_MODEL_REGISTRY_H

#include "core/model/files.h"
#include "core/store/model.h"

#define SW_MODEL_LABEL 272 // "NAME/VERSION" with NUL

// "fashion-cnn/3" into `out`; returns it.
char *sw_model_label(const struct sw_model_version *v, char out[static SW_MODEL_LABEL]);

struct sw_model_source {
    const char *name;   // registered model, made when missing
    const char *run_id; // full id; NULL when registered from files alone
    const char *path;   // folder or single file; NULL = the run's artifact folder "model", else the one model it logged
    const char *description;    // NULL = none
    sw_model_progress progress; // NULL = none; told the bytes copied
    void *ctx;
    // What a registration through the API adds.
    bool always_new;    // equal bytes make a version of their own, too (MLflow's rule)
    bool must_exist;    // the registered model is not made: SW_NOT_FOUND in MLflow's words
    const char *source; // URI that the script named; NULL = none
    const char
        *storage_uri; // the bytes are elsewhere: nothing is copied, the version has no digest; NULL = they are here
    const char *run_link, *model_id;
    const struct sw_pair *tags;
    size_t tag_count;
};
// A model that slipway-train exported gets the files that MLflow loads it by (see mlmodel.h).
// Copies the files into the store, verified while copying, and adds version, rows and audit row in one step. When the
// newest version has exactly these bytes, that one is returned and *is_new is false. `out` lives in `a`. Copying takes long
// and holds no lock of the store; not to be called inside a transaction.
// SW_INVALID name, link or special file; SW_NOT_FOUND run or folder; SW_CORRUPT when the source changes meanwhile.
// Failpoints "model.register.copied", "model.register.commit".
enum sw_code sw_model_register(struct sw_store *s, const struct sw_model_source *source, struct sw_arena *a,
                               struct sw_model_version *out, bool *is_new, struct sw_err *err);

// The registered file list of a version, checked against its digest (SW_CORRUPT when the row itself does not fit); empty
// for a version whose bytes are elsewhere.
enum sw_code sw_model_version_files(const struct sw_model_version *v, struct sw_arena *a, struct sw_model_files *out,
                                    struct sw_err *err);
// Hashes the stored bytes again and compares them with what was registered: SW_CORRUPT names the first file that was
// changed, added or lost, with both digests. SW_REFUSED when the bytes are elsewhere: nothing proves what they are.
enum sw_code sw_model_verify(const struct sw_model_version *v, struct sw_err *err);

struct sw_model_metric {
    const char *name;
    double value; // not finite = unknown; stored as null
};
struct sw_model_result {
    const char *model_digest;   // of the bytes that were run; must be the version's
    const char *dataset;        // name or path as given
    const char *dataset_digest; // of the data that was read
    const char *split;
    const struct sw_model_metric *metrics;
    size_t metric_count;
};
// Binds a result to model bytes and data bytes. SW_CONFLICT when the model digest is not the version's.
enum sw_code sw_model_record_evaluation(struct sw_store *s, const struct sw_model_version *v,
                                        const struct sw_model_result *result, int64_t *evaluation_id,
                                        struct sw_err *err);

struct sw_model_metric_change {
    const char *name;
    double before, after; // NaN when not known on that side
};
enum sw_model_labels { SW_MODEL_LABELS_UNKNOWN, SW_MODEL_LABELS_SAME, SW_MODEL_LABELS_CHANGED };
// What changed between two versions. Metrics are those of the newest evaluations of both on the same data (digest and
// split); none when there is no such pair.
struct sw_model_difference {
    int64_t before_version, after_version;
    int64_t size_change_bytes;
    size_t files_added, files_removed, files_changed;
    enum sw_model_labels labels; // from the models' own metadata
    const char *dataset, *split; // of the metrics, "" when there are none
    struct sw_model_metric_change *metrics;
    size_t metric_count;
};
enum sw_code sw_model_compare(struct sw_store *s, const struct sw_model_version *before,
                              const struct sw_model_version *after, struct sw_arena *a, struct sw_model_difference *out,
                              struct sw_err *err);
// The version before `v` of the same model; *found is false when `v` is the first.
enum sw_code sw_model_previous(struct sw_store *s, const struct sw_model_version *v, struct sw_arena *a,
                               struct sw_model_version *out, bool *found, struct sw_err *err);

#endif
