// SPDX-License-Identifier: Apache-2.0
#include "core/ship/plan_private.h"

#include "core/base/tree.h"
#include "core/store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The SHA-256 of nothing: stands for the audit head where only the shape of a package matters.
#define EMPTY_HEAD  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CONTEXT_MAX 16

static enum sw_code no_memory(const struct plan *p, struct sw_err *err)
{
    return sw_err_set(err, SW_NO_MEMORY, "no memory to plan the push of %s", p->request->model);
}

// --- resolving ---

static enum sw_code resolve_target(struct plan *p, struct sw_err *err)
{
    const char *address = p->request->target;
    p->target = p->request->target;
    if (strchr(p->request->target, ':') == NULL) {
        struct sw_target target;
        enum sw_code code = sw_target_get(p->store, p->request->target, p->arena, &target, err);
        if (code != SW_OK)
            return code;
        address = target.address;
        json_t *options = json_loads(target.options_json, 0, NULL);
        p->target_namespace = sw_arena_strdup(p->arena, sw_tree_text(options, "namespace"));
        json_decref(options);
    }
    char full[SW_TARGET_ADDRESS_MAX];
    enum sw_code code = sw_target_parse(address, &p->kind, full, err);
    if (code != SW_OK)
        return code;
    p->address = sw_arena_strdup(p->arena, full);
    if (p->address == NULL)
        return no_memory(p, err);
    if (address == p->request->target) // an address is its own name, in its normal form
        p->target = p->address;
    p->rest = sw_target_rest(p->address);
    return SW_OK;
}

// Where a manifest finds the model: what the user set for the parameter that asks for it, else a volume to be filled
// from the bundle by whoever applies it.
static enum sw_code resolve_model_uri(struct plan *p, struct sw_err *err)
{
    p->model_uri = sw_arena_printf(p->arena, "pvc://models/%s/%" PRId64, p->version.name, p->version.version);
    const struct sw_template_info *info = p->manifest == NULL ? NULL : sw_template_info(p->manifest);
    for (size_t i = 0; info != NULL && i < info->parameter_count; i++) {
        const struct sw_option *o = &info->parameters[i];
        if (o->from == NULL || strcmp(o->from, "model.uri") != 0)
            continue;
        const char *given = sw_template_value_of(p->manifest, o->name, p->request->set, p->request->set_count, NULL, 0);
        if (given != NULL)
            p->model_uri = sw_arena_strdup(p->arena, given);
    }
    return p->model_uri == NULL ? no_memory(p, err) : SW_OK;
}

// --- rendering ---

static const char *run_tag(const struct plan *p, const char *key)
{
    struct sw_run run;
    if (p->version.run_id[0] == '\0' || sw_run_get(p->store, p->version.run_id, p->arena, &run, NULL) != SW_OK)
        return NULL;
    for (size_t i = 0; i < run.tag_count; i++) {
        if (strcmp(run.tags[i].key, key) == 0)
            return run.tags[i].value;
    }
    return NULL;
}

// "784" for the shape "1x28x28".
static const char *count_features(const struct plan *p)
{
    if (p->header.input_shape == NULL)
        return NULL;
    int64_t product = 1;
    for (const char *at = p->header.input_shape; *at != '\0';) {
        char *end = NULL;
        int64_t extent = strtoll(at, &end, 10);
        if (end == at || extent <= 0 || __builtin_mul_overflow(product, extent, &product))
            return NULL;
        at = *end == 'x' ? end + 1 : end;
    }
    return sw_arena_printf(p->arena, "%" PRId64, product);
}

static size_t make_context(const struct plan *p, struct sw_template_value context[static CONTEXT_MAX])
{
    struct sw_arena *a = p->arena;
    const struct sw_approval *approval = p->standing.counted_count == 0 ? NULL : &p->standing.counted[0];
    const struct sw_template_value values[] = {
        {"model.name", p->version.name},
        {"model.version", sw_arena_printf(a, "%" PRId64, p->version.version)},
        {"model.digest", sw_arena_printf(a, "sha256:%s", p->version.digest)},
        {"model.uri", p->model_uri},
        {"model.format", p->header.format},
        {"run.id", p->version.run_id[0] == '\0' ? NULL : p->version.run_id},
        {"data.digest", p->header.data_digest == NULL ? NULL : sw_arena_printf(a, "sha256:%s", p->header.data_digest)},
        {"data.features", count_features(p)},
        {"source.commit", run_tag(p, "mlflow.source.git.commit")},
        {"approval.by", approval == NULL ? "nobody" : approval->user}, // seen in previews only
        {"audit.head", sw_arena_printf(a, "sha256:%s", p->anchor.audit_head)},
        {"push.id", sw_arena_printf(a, "%" PRId64, p->anchor.push_id)},
        {"target.namespace", p->target_namespace},
    };
    _Static_assert(sizeof values / sizeof values[0] <= CONTEXT_MAX, "the context has room");
    memcpy(context, values, sizeof values);
    return sizeof values / sizeof values[0];
}

// The manifests of the template with the present anchor; an empty array without one.
static enum sw_code render(const struct plan *p, json_t **out, struct sw_err *err)
{
    if (p->manifest == NULL) {
        *out = json_array();
        return *out == NULL ? no_memory(p, err) : SW_OK;
    }
    struct sw_template_value context[CONTEXT_MAX];
    size_t count = make_context(p, context);
    enum sw_code code =
        sw_template_render(p->manifest, p->request->set, p->request->set_count, context, count, out, err);
    if (code != SW_OK)
        (void)sw_err_wrap(err, "template %s", p->template_name);
    return code;
}

static enum sw_code fingerprint(struct plan *p, struct sw_err *err)
{
    p->anchor = (struct plan_anchor){.audit_head = EMPTY_HEAD};
    json_t *documents = NULL;
    enum sw_code code = render(p, &documents, err);
    if (code != SW_OK)
        return code;
    json_t *tree = json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:o}", "model", p->version.name, "version",
                             (json_int_t)p->version.version, "digest", p->version.digest, "target", p->target,
                             "address", p->address, "template", p->template_name, "manifests", documents);
    char *text = tree == NULL ? NULL : json_dumps(tree, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(tree);
    if (text == NULL)
        return no_memory(p, err);
    sw_sha256_hex(text, strlen(text), p->fingerprint);
    free(text);
    return SW_OK;
}

enum sw_code plan_make(struct sw_store *s, const struct sw_push_request *r, struct sw_arena *a, struct plan *out,
                       struct sw_err *err)
{
    *out = (struct plan){.store = s, .arena = a, .request = r, .template_name = ""};
    enum sw_code code = sw_model_version_get(s, r->model, a, &out->version, err);
    if (code == SW_OK)
        code = resolve_target(out, err);
    if (code == SW_OK && r->manifest_template != NULL) {
        code = sw_template_find(r->manifest_template, &out->manifest, err);
        if (code == SW_OK)
            out->template_name = sw_template_info(out->manifest)->name;
    }
    if (code == SW_OK)
        code = resolve_model_uri(out, err);
    struct sw_model_files files = {0};
    if (code == SW_OK)
        code = sw_model_version_files(&out->version, a, &files, err);
    if (code == SW_OK && sw_model_header_read(out->version.path, &files, a, &out->header, NULL) != SW_OK)
        out->header = (struct sw_model_header){0}; // lost bytes are refused when they are verified
    return code == SW_OK ? fingerprint(out, err) : code;
}

void plan_free(struct plan *p)
{
    sw_template_free(p->manifest);
    p->manifest = NULL;
}

// --- packing ---

static enum sw_code make_object(const struct plan *p, const json_t *document, struct sw_buf *all,
                                struct sw_package_object *out, struct sw_err *err)
{
    struct sw_buf yaml;
    sw_buf_init(&yaml, SW_PACKAGE_PART_MAX);
    enum sw_code code = sw_yaml_write(document, &yaml, err);
    if (code == SW_OK)
        code = sw_buf_check(&yaml, "a manifest", err);
    if (code == SW_OK) {
        const char *kind = sw_tree_text(document, "kind");
        const char *name = sw_tree_text(json_object_get(document, "metadata"), "name");
        *out = (struct sw_package_object){sw_arena_strdup(p->arena, kind == NULL ? "object" : kind),
                                          sw_arena_strdup(p->arena, name == NULL ? "" : name),
                                          sw_arena_strdup(p->arena, yaml.data)};
        sw_buf_addf(all, "%s%s", all->len > 0 ? "---\n" : "", yaml.data);
        if (out->kind == NULL || out->name == NULL || out->yaml == NULL)
            code = no_memory(p, err);
    }
    sw_buf_free(&yaml);
    return code;
}

static enum sw_code make_objects(struct plan *p, const json_t *documents, struct sw_package_object *objects,
                                 struct sw_err *err)
{
    struct sw_buf all;
    sw_buf_init(&all, 4 * SW_PACKAGE_PART_MAX);
    enum sw_code code = SW_OK;
    for (size_t i = 0; code == SW_OK && i < json_array_size(documents); i++)
        code = make_object(p, json_array_get(documents, i), &all, &objects[i], err);
    if (code == SW_OK)
        code = sw_buf_check(&all, "the manifests", err);
    if (code == SW_OK) {
        p->manifests = sw_arena_strdup(p->arena, all.data);
        code = p->manifests == NULL ? no_memory(p, err) : SW_OK;
    }
    sw_buf_free(&all);
    return code;
}

enum sw_code plan_pack(struct plan *p, struct sw_err *err)
{
    json_t *documents = NULL;
    enum sw_code code = render(p, &documents, err);
    if (code != SW_OK)
        return code;
    size_t count = json_array_size(documents);
    struct sw_package_object *objects = sw_arena_array(p->arena, count + 1, sizeof *objects);
    code = objects == NULL ? no_memory(p, err) : make_objects(p, documents, objects, err);
    json_decref(documents);
    if (code != SW_OK)
        return code;
    struct sw_package_input input = {.version = &p->version,
                                     .approvals = p->standing.counted,
                                     .approval_count = p->standing.counted_count,
                                     .objects = objects,
                                     .object_count = count,
                                     .storage_uri = count == 0 ? "" : p->model_uri,
                                     .audit_head = p->anchor.audit_head};
    return sw_package_make(&input, p->arena, &p->package, err);
}

enum sw_code plan_find_last_done(struct plan *p, struct sw_push *out, bool *found, struct sw_err *err)
{
    struct sw_push *list = NULL;
    size_t count = 0;
    *found = false;
    enum sw_code code = sw_push_search(p->store, p->target, p->version.name, 0, p->arena, &list, &count, err);
    for (size_t i = 0; code == SW_OK && i < count && !*found; i++) {
        if (strcmp(list[i].state, sw_push_state_word(SW_PUSH_DONE)) == 0 &&
            strcmp(list[i].address, p->address) == 0) { // a target may have been given another address since
            *out = list[i];
            *found = true;
        }
    }
    return code;
}

// The anchor and the package digest that a journal row remembers.
static bool read_anchor(const struct sw_push *push, struct plan_anchor *anchor, char digest[static SW_SHA256_HEX])
{
    json_t *tree = json_loads(push->plan_json, 0, NULL);
    const char *head = sw_tree_text(tree, "audit_head");
    const char *package = sw_tree_text(tree, "package_digest");
    anchor->push_id = sw_tree_int(tree, "anchor_push_id", 0);
    bool is_complete = head != NULL && package != NULL && strlen(head) == SW_SHA256_HEX - 1 &&
                       strlen(package) == SW_SHA256_HEX - 1 && anchor->push_id > 0;
    if (is_complete) {
        memcpy(anchor->audit_head, head, SW_SHA256_HEX);
        memcpy(digest, package, SW_SHA256_HEX);
    }
    json_decref(tree);
    return is_complete;
}

enum sw_code plan_pack_anchored(struct plan *p, const struct plan_anchor *fresh, struct sw_err *err)
{
    struct sw_push last;
    bool found = false;
    char digest[SW_SHA256_HEX];
    enum sw_code code = plan_find_last_done(p, &last, &found, err);
    if (code != SW_OK)
        return code;
    if (found && last.version == p->version.version && read_anchor(&last, &p->anchor, digest)) {
        code = plan_pack(p, err);
        if (code != SW_OK || strcmp(p->package.files.digest, digest) == 0)
            return code;
    }
    p->anchor = *fresh;
    return plan_pack(p, err);
}

// --- the journal's form ---

enum sw_code plan_to_json(const struct plan *p, char **out, struct sw_err *err)
{
    json_t *approvals = json_array();
    for (size_t i = 0; i < p->standing.counted_count; i++)
        (void)json_array_append_new(approvals, json_integer(p->standing.counted[i].approval_id));
    json_t *set = json_object();
    for (size_t i = 0; i < p->request->set_count; i++) {
        if (p->request->set[i].value != NULL)
            (void)json_object_set_new(set, p->request->set[i].name, json_string(p->request->set[i].value));
    }
    json_t *tree =
        json_pack("{s:s, s:s, s:o, s:s, s:o, s:s?}", "fingerprint", p->fingerprint, "template", p->template_name,
                  "parameters", set, "model_uri", p->model_uri, "approvals", approvals, "manifests", p->manifests);
    if (tree != NULL && p->package.manifest != NULL) {
        (void)json_object_set_new(tree, "audit_head", json_string(p->anchor.audit_head));
        (void)json_object_set_new(tree, "anchor_push_id", json_integer(p->anchor.push_id));
        (void)json_object_set_new(tree, "package_digest", json_string(p->package.files.digest));
    }
    char *text = tree == NULL ? NULL : json_dumps(tree, JSON_COMPACT);
    json_decref(tree);
    if (text == NULL)
        return no_memory(p, err);
    *out = text;
    return SW_OK;
}

bool plan_fits(const struct plan *p, const struct sw_push *push)
{
    json_t *tree = json_loads(push->plan_json, 0, NULL);
    const char *fingerprint = sw_tree_text(tree, "fingerprint");
    bool fits = fingerprint != NULL && strcmp(fingerprint, p->fingerprint) == 0;
    json_decref(tree);
    return fits;
}

static bool is_listed(const json_t *ids, int64_t id)
{
    for (size_t i = 0; i < json_array_size(ids); i++) {
        if (json_integer_value(json_array_get(ids, i)) == id)
            return true;
    }
    return false;
}

// The approvals that went along, in force or not: the package is already at the target.
static enum sw_code restore_approvals(struct plan *p, const json_t *ids, struct sw_err *err)
{
    struct sw_approval *list = NULL;
    size_t count = 0;
    enum sw_code code = sw_approval_list(p->store, p->version.name, p->version.version, p->arena, &list, &count, err);
    if (code != SW_OK)
        return code;
    p->standing.counted = sw_arena_array(p->arena, count + 1, sizeof *p->standing.counted);
    p->standing.counted_count = 0;
    if (p->standing.counted == NULL)
        return no_memory(p, err);
    for (size_t i = count; i-- > 0;) { // newest first there, oldest first here
        if (is_listed(ids, list[i].approval_id))
            p->standing.counted[p->standing.counted_count++] = list[i];
    }
    return SW_OK;
}

enum sw_code plan_restore(struct plan *p, const struct sw_push *push, bool *is_complete, struct sw_err *err)
{
    char digest[SW_SHA256_HEX];
    struct plan_anchor anchor;
    *is_complete = read_anchor(push, &anchor, digest);
    if (!*is_complete)
        return SW_OK;
    p->anchor = anchor;
    json_t *tree = json_loads(push->plan_json, 0, NULL);
    enum sw_code code = restore_approvals(p, json_object_get(tree, "approvals"), err);
    json_decref(tree);
    return code;
}
