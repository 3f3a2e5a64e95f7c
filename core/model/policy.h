// SPDX-License-Identifier: Apache-2.0
// What a model must satisfy before it may leave this machine. A policy is a YAML file (README.md has an example); its
// rules in canonical form travel inside each approval, so a push can judge again without the file. Judging reads rows
// and the leading bytes of files; it changes nothing.
#ifndef SW_MODEL_POLICY_H
#define SW_MODEL_POLICY_H

#include "core/model/registry.h"

struct sw_policy_gate {
    const char *metric;
    double min, max;            // NaN = no bound; at least one is set
    const char *dataset;        // name as evaluated; NULL = any
    const char *dataset_digest; // hex prefix of at least 12 digits; NULL = any
    const char *split;          // NULL = any
};

struct sw_policy {
    const char *name; // the file's metadata.name, else the file name without its folder
    struct sw_policy_gate *gates;
    size_t gate_count;
    bool forbid_unsafe_files;    // default true
    int64_t max_size_bytes;      // 0 = no limit
    int64_t approvals;           // needed; default 1, at least 1
    bool allow_author;           // default false: whoever made the version cannot approve it
    bool require_signature;      // default false
    const char *allowed_signers; // absolute path of an allowed-signers file (ssh-keygen(1)), NULL = none
    const char *rules_json;      // canonical JSON of all of the above but the name
    char digest[SW_SHA256_HEX];  // SHA-256 of rules_json
};

// The rules without a file: the defaults above. In `a`.
enum sw_code sw_policy_default(struct sw_arena *a, struct sw_policy *out, struct sw_err *err);
// SW_INVALID names file and line; an unknown key offers the nearest one. SW_NOT_FOUND, SW_IO.
enum sw_code sw_policy_load(const char *path, struct sw_arena *a, struct sw_policy *out, struct sw_err *err);
// From rules_json of an earlier sw_policy.
enum sw_code sw_policy_from_rules(const char *name, const char *rules_json, struct sw_arena *a, struct sw_policy *out,
                                  struct sw_err *err);

enum sw_verdict_outcome {
    SW_VERDICT_PASS,
    SW_VERDICT_FAIL,
    SW_VERDICT_WAITING, // something has to be done first: evaluate, approve
};
const char *sw_verdict_word(enum sw_verdict_outcome outcome); // "pass", "fail", "waiting"

// One judged rule. `sentence` says it whole: "accuracy 0.8812 on fashion-mnist test, needs >= 0.9".
struct sw_verdict {
    const char *rule; // "accuracy", "unsafe files", "size", "approvals"
    const char *want; // ">= 0.9 on fashion-mnist test"
    const char *have; // "0.9214", "-" when unknown
    enum sw_verdict_outcome outcome;
    const char *sentence;
};
struct sw_verdict_list {
    struct sw_verdict *items;
    size_t count;
    size_t fail_count, waiting_count;
    const struct sw_verdict *first_bad; // first failed one, else first waiting one, else NULL
};
#define SW_POLICY_GATES_MAX 64

// Judges every rule about the model itself (gates, unsafe files, size); approvals are judged by approval.h. A gate
// counts the newest evaluation of exactly these bytes that fits its data set and split and has the metric.
enum sw_code sw_policy_judge(struct sw_store *s, const struct sw_policy *p, const struct sw_model_version *v,
                             struct sw_arena *a, struct sw_verdict_list *out, struct sw_err *err);
// Adds a verdict to a list made by sw_policy_judge(), which leaves room for one more.
void sw_verdict_add(struct sw_verdict_list *list, const struct sw_verdict *verdict);
// [{"rule","want","have","outcome","sentence"}]; take, NULL when out of memory.
json_t *sw_verdict_list_to_json(const struct sw_verdict_list *list);

#endif
