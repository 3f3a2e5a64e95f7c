// SPDX-License-Identifier: Apache-2.0
// What a script names as the source of a model version, resolved to a place: a folder below this store's artifacts, or one
// that is elsewhere. The rules are MLflow's (3.17, server/handlers.py: what belongs to a run needs its run_id, what belongs
// to a logged model its model_id, a local path never serves), and every text is parsed into parts before it becomes a path:
// '..', encoded forms, queries and fragments in a source were holes in MLflow's server again and again.
#ifndef SW_MODEL_SOURCE_H
#define SW_MODEL_SOURCE_H

#include "core/model/registry.h"
#include "core/store/logged_model.h"
#include "core/store/registered_model.h"

struct sw_source_request {
    const char *source;
    const char *run_id, *model_id; // NULL = not given
    bool is_prompt;                // a prompt's version: no bytes, a placeholder as source
};
struct sw_source {
    const char *source;      // as given; of a registered version always "models:/NAME/VERSION"
    const char *run_id;      // "" = none; also the one that the logged model or version named came from
    const char *model_id;    // "" = none
    const char *relative;    // below "<store>/artifacts", contained; NULL = elsewhere
    const char *storage_uri; // where the artifacts are, as a URI
};

// All in the arena. SW_INVALID with MLflow's messages; SW_NOT_FOUND a registered model or version.
enum sw_code sw_source_resolve(struct sw_store *s, const struct sw_source_request *request, struct sw_arena *a,
                               struct sw_source *out, struct sw_err *err);

// Registers the place: its bytes are copied and hashed as sw_model_register() does, with no link followed on the way there.
// A folder that is missing or empty makes a version without bytes, as MLflow would; such a version cannot be approved. Of
// `base` the members source, run_id, model_id, path and storage_uri are filled here. The version comes with its tags.
enum sw_code sw_source_register(struct sw_store *s, const struct sw_source *source, struct sw_model_source base,
                                struct sw_arena *a, struct sw_model_version *out, struct sw_err *err);

// "mlflow-artifacts:/models/NAME/VERSION-DIGEST12" of a version whose bytes are here, else where they are. In the arena; NULL
// when it is full.
const char *sw_model_download_uri(const struct sw_model_version *v, struct sw_arena *a);

#endif
