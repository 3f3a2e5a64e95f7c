// SPDX-License-Identifier: Apache-2.0
// Versions of models in MLflow's JSON, and what the handlers of the registry read alike.
#ifndef SW_SERVE_REGISTRY_REPLY_PRIVATE_H
#define SW_SERVE_REGISTRY_REPLY_PRIVATE_H

#include "core/model/source.h"
#include "core/serve/call_private.h"

// Aliases stand only where MLflow has them: not among a model's latest versions, not in a search.
void sw_api_put_version(struct sw_call *c, const char *key, const struct sw_model_version *v, bool with_aliases);
void sw_api_put_versions(struct sw_call *c, const char *key, const struct sw_model_version *items, size_t count,
                         bool with_aliases); // nothing when there are none
// "version" as a number; SW_INVALID as MLflow says it.
enum sw_code sw_api_read_version(const struct sw_call *c, int64_t *out, struct sw_err *err);
enum sw_code sw_api_registry_tag(const struct sw_pair *tag, struct sw_err *err);
enum sw_code sw_api_registry_tags(struct sw_call *c, struct sw_pair **out, size_t *count, struct sw_err *err);
const char *sw_api_text_or_empty(const struct sw_call *c, const char *name);

#endif
