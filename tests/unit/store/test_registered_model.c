// SPDX-License-Identifier: Apache-2.0
// The registry of MLflow: models with tags, aliases and stages; renaming, hiding, numbers that never come back; logged
// models with params, tags and metrics.
#include "tests/unit/store/fixture.h"

#include "core/store/audit.h"
#include "core/store/logged_model.h"
#include "core/store/registered_model.h"

#include <math.h>

static int64_t add_version(struct fixture *f, const char *name)
{
    struct sw_pair tags[] = {{"task", "classification"}};
    struct sw_model_version v = {.name = name,
                                 .digest = "d",
                                 .path = "/m",
                                 .size_bytes = 5,
                                 .source = "runs:/r/model",
                                 .run_link = "http://x",
                                 .tags = tags,
                                 .tag_count = 1};
    int64_t version = 0;
    ok(sw_model_version_add(f->store, &v, &version, &f->err));
    return version;
}

static struct sw_registered_model get(struct fixture *f, const char *name)
{
    struct sw_registered_model m = {0};
    ok(sw_registered_model_get(f->store, name, f->arena, &m, &f->err));
    return m;
}

static struct sw_model_version find(struct fixture *f, const char *name, int64_t version)
{
    struct sw_model_version v = {0};
    ok(sw_model_version_find(f->store, name, version, f->arena, &v, &f->err));
    return v;
}

// The newest audit row.
static struct sw_audit last_audit(struct fixture *f)
{
    struct sw_audit *rows = NULL;
    size_t count = 0;
    ok(sw_audit_list(f->store, 1, f->arena, &rows, &count, &f->err));
    assert_int_equal(count, 1);
    return rows[0];
}

// --- registered models ---
static void test_create_and_describe(void **state)
{
    struct fixture *f = *state;
    struct sw_pair tags[] = {{"team", "ads"}, {"area", "x"}};
    ok(sw_registered_model_create(f->store, "recommendation-v2", "first", tags, 2, &f->err));
    struct sw_registered_model m = get(f, "recommendation-v2");
    assert_string_equal(m.description, "first");
    assert_int_equal(m.tag_count, 2);
    assert_string_equal(m.tags[0].key, "area"); // sorted
    assert_int_equal(m.latest_count, 0);
    assert_true(m.created_ms > 0 && m.updated_ms == m.created_ms);
    fails(sw_registered_model_create(f->store, "recommendation-v2", NULL, NULL, 0, &f->err), SW_EXISTS);
    assert_string_equal(f->err.message, "Registered Model (name=recommendation-v2) already exists.");
    struct sw_pair prompt = {SW_PROMPT_TAG, "true"};
    fails(sw_registered_model_create(f->store, "recommendation-v2", NULL, &prompt, 1, &f->err), SW_EXISTS);
    says("Tried to create a prompt with name 'recommendation-v2', but the name is already taken by a registered model");
    ok(sw_registered_model_describe(f->store, "recommendation-v2", "second", &f->err));
    assert_string_equal(get(f, "recommendation-v2").description, "second");
    fails(sw_registered_model_describe(f->store, "none", "x", &f->err), SW_NOT_FOUND);
    assert_string_equal(f->err.message, "Registered Model with name=none not found");
    fails(sw_registered_model_create(f->store, " ", NULL, NULL, 0, &f->err), SW_INVALID);
    assert_string_equal(f->err.message, "Missing value for required parameter 'name'.");
    fails(sw_registered_model_create(f->store, "a/b", NULL, NULL, 0, &f->err), SW_INVALID);
    assert_string_equal(f->err.message, "Invalid model name 'a/b'. Names cannot contain '/' or ':'.");
    fails(sw_registered_model_create(f->store, "..", NULL, NULL, 0, &f->err), SW_INVALID);
}

static void test_tags(void **state)
{
    struct fixture *f = *state;
    ok(sw_registered_model_create(f->store, "m", NULL, NULL, 0, &f->err));
    add_version(f, "m");
    ok(sw_registered_model_set_tag(f->store, "m", "k", "1", &f->err));
    ok(sw_registered_model_set_tag(f->store, "m", "k", "2", &f->err));
    assert_string_equal(get(f, "m").tags[0].value, "2");
    assert_string_equal(last_audit(f).action, "tag");
    ok(sw_registered_model_set_tag(f->store, "m", "k", NULL, &f->err));
    ok(sw_registered_model_set_tag(f->store, "m", "k", NULL, &f->err)); // none is fine
    assert_int_equal(get(f, "m").tag_count, 0);
    ok(sw_model_version_set_tag(f->store, "m", 1, "validated", "yes", &f->err));
    assert_int_equal(find(f, "m", 1).tag_count, 2);
    ok(sw_model_version_set_tag(f->store, "m", 1, "task", NULL, &f->err));
    assert_string_equal(find(f, "m", 1).tags[0].key, "validated");
    assert_string_equal(last_audit(f).object, "m/1");
    fails(sw_model_version_set_tag(f->store, "m", 9, "k", "v", &f->err), SW_NOT_FOUND);
    assert_string_equal(f->err.message, "Model Version (name=m, version=9) not found");
    fails(sw_registered_model_set_tag(f->store, "m", "", "v", &f->err), SW_INVALID);
    fails(sw_registered_model_set_tag(f->store, "m", "a\nb", "v", &f->err), SW_INVALID);
    char longest[252] = "";
    memset(longest, 'k', 251);
    fails(sw_registered_model_set_tag(f->store, "m", longest, "v", &f->err), SW_INVALID);
    assert_string_equal(f->err.message, "'key' exceeds the maximum length of 250 characters");
    longest[250] = '\0';
    ok(sw_registered_model_set_tag(f->store, "m", longest, "v", &f->err));
    char *value = calloc(1, 100002);
    memset(value, 'v', 100001);
    fails(sw_registered_model_set_tag(f->store, "m", "k", value, &f->err), SW_INVALID);
    assert_string_equal(f->err.message, "'value' exceeds the maximum length of 100000 characters");
    value[100000] = '\0';
    ok(sw_registered_model_set_tag(f->store, "m", "k", value, &f->err));
    free(value);
}

static void test_rename(void **state)
{
    struct fixture *f = *state;
    struct sw_pair tag = {"team", "ads"};
    ok(sw_registered_model_create(f->store, "old", "about", &tag, 1, &f->err));
    add_version(f, "old");
    add_version(f, "old");
    ok(sw_model_set_alias(f->store, "old", "champion", 2, &f->err));
    struct sw_evaluation e = {.name = "old", .version = 1, .model_digest = "d"};
    int64_t id = 0;
    ok(sw_evaluation_add(f->store, &e, &id, &f->err));
    ok(sw_registered_model_create(f->store, "taken", NULL, NULL, 0, &f->err));
    fails(sw_registered_model_rename(f->store, "old", "taken", &f->err), SW_EXISTS);
    fails(sw_registered_model_rename(f->store, "none", "x", &f->err), SW_NOT_FOUND);
    fails(sw_registered_model_rename(f->store, "old", "a:b", &f->err), SW_INVALID);
    ok(sw_registered_model_rename(f->store, "old", "old", &f->err));
    ok(sw_registered_model_rename(f->store, "old", "new", &f->err));
    assert_string_equal(last_audit(f).action, "rename");
    struct sw_registered_model m = get(f, "new");
    assert_string_equal(m.description, "about");
    assert_string_equal(m.tags[0].value, "ads");
    assert_string_equal(m.aliases[0].alias, "champion");
    assert_int_equal(m.latest[0].version, 2);
    assert_int_equal(m.latest[0].tag_count, 1);
    fails(sw_registered_model_require(f->store, "old", &f->err), SW_NOT_FOUND);
    struct sw_evaluation *list = NULL;
    size_t count = 0;
    ok(sw_evaluation_list(f->store, "new", 1, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 1);
    // Numbers of the old name stay used, so that folders never meet.
    assert_int_equal(add_version(f, "old"), 3);
    ok(sw_registered_model_delete(f->store, "old", &f->err));
    fails(sw_registered_model_rename(f->store, "new", "old", &f->err), SW_INVALID);
    says("deleted model whose versions are kept");
    struct sw_store_health health;
    ok(sw_store_check(f->store, true, &health, &f->err));
    assert_true(health.is_intact);
}

static void test_rename_and_back(void **state)
{
    struct fixture *f = *state;
    add_version(f, "a");
    ok(sw_registered_model_rename(f->store, "a", "b", &f->err));
    assert_int_equal(add_version(f, "b"), 2);
    ok(sw_registered_model_rename(f->store, "b", "a", &f->err));
    assert_int_equal(add_version(f, "a"), 3);
}

static void test_approved_name_stays(void **state)
{
    struct fixture *f = *state;
    add_version(f, "m");
    struct sw_approval a = {.name = "m", .version = 1, .digest = "d"};
    int64_t id = 0;
    ok(sw_approval_add(f->store, &a, &id, &f->err));
    fails(sw_registered_model_rename(f->store, "m", "x", &f->err), SW_INVALID);
    says("approvals were given under this name");
    ok(sw_registered_model_delete(f->store, "m", &f->err)); // hides: the approval is still there
    struct sw_approval *list = NULL;
    size_t count = 0;
    ok(sw_approval_list(f->store, "m", 1, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 1);
}

static void test_delete_model(void **state)
{
    struct fixture *f = *state;
    struct sw_pair tag = {"team", "ads"};
    ok(sw_registered_model_create(f->store, "m", "about", &tag, 1, &f->err));
    add_version(f, "m");
    ok(sw_model_set_alias(f->store, "m", "champion", 1, &f->err));
    ok(sw_registered_model_delete(f->store, "m", &f->err));
    assert_string_equal(last_audit(f).action, "delete");
    fails(sw_registered_model_delete(f->store, "m", &f->err), SW_NOT_FOUND);
    struct sw_model_version v, *list = NULL;
    size_t count = 0;
    fails(sw_model_version_get(f->store, "m", f->arena, &v, &f->err), SW_NOT_FOUND);
    fails(sw_model_version_get(f->store, "m/1", f->arena, &v, &f->err), SW_NOT_FOUND);
    ok(sw_model_version_list(f->store, NULL, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 0);
    ok(sw_registered_model_create(f->store, "m", NULL, NULL, 0, &f->err));
    struct sw_registered_model m = get(f, "m");
    assert_string_equal(m.description, "");
    assert_int_equal(m.tag_count + m.alias_count + m.latest_count, 0);
    assert_int_equal(add_version(f, "m"), 2);
}

// --- versions ---
static void test_find(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v;
    add_version(f, "m");
    v = find(f, "m", 1);
    assert_string_equal(v.source, "runs:/r/model");
    assert_string_equal(v.run_link, "http://x");
    assert_string_equal(v.stage, "None");
    assert_string_equal(v.files_json, "[]");
    assert_string_equal(v.tags[0].value, "classification");
    assert_int_equal(v.updated_ms, v.created_ms);
    fails(sw_model_version_find_alias(f->store, "m", "champion", f->arena, &v, &f->err), SW_INVALID);
    assert_string_equal(f->err.message, "Registered model alias champion not found.");
    fails(sw_model_version_find_alias(f->store, "none", "champion", f->arena, &v, &f->err), SW_NOT_FOUND);
    add_version(f, "m");
    ok(sw_model_set_alias(f->store, "m", "champion", 1, &f->err));
    struct sw_audit row = last_audit(f);
    assert_string_equal(row.action, "alias");
    assert_string_equal(row.object, "m/1");
    assert_string_equal(row.detail_json, "{\"alias\":\"champion\",\"before\":0,\"after\":1}");
    ok(sw_model_version_find_alias(f->store, "m", "champion", f->arena, &v, &f->err));
    assert_int_equal(v.version, 1);
    assert_string_equal(v.aliases, "champion");
    ok(sw_model_version_find_alias(f->store, "m", "Latest", f->arena, &v, &f->err));
    assert_int_equal(v.version, 2);
    ok(sw_model_set_alias(f->store, "m", "champion", 0, &f->err));
    assert_string_equal(last_audit(f).action, "unalias");
    ok(sw_model_version_describe(f->store, "m", 2, "better", &f->err));
    assert_string_equal(find(f, "m", 2).description, "better");
}

static void test_alias_names(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *alias, *message;
    } bad[] = {
        {"", "Registered model alias name cannot be empty."},
        {"a b", "Invalid alias name: 'a b'. Names may only contain alphanumerics, underscores (_), and dashes (-)."},
        {"LATEST", "'latest' alias name (case insensitive) is reserved."},
        {"V12", "Version alias name 'V12' is reserved."},
    };
    add_version(f, "m");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fails(sw_model_set_alias(f->store, "m", bad[i].alias, 1, &f->err), SW_INVALID);
        assert_string_equal(f->err.message, bad[i].message);
    }
    ok(sw_model_set_alias(f->store, "m", "v1-good", 1, &f->err));
}

static void test_stages(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version_list list;
    for (int i = 0; i < 3; i++)
        add_version(f, "m");
    ok(sw_model_version_set_stage(f->store, "m", 1, "production", false, &f->err));
    ok(sw_model_version_set_stage(f->store, "m", 2, "Production", false, &f->err));
    assert_string_equal(find(f, "m", 1).stage, "Production"); // two of them, as nobody asked otherwise
    ok(sw_model_version_set_stage(f->store, "m", 3, "Production", true, &f->err));
    assert_string_equal(find(f, "m", 1).stage, "Archived");
    assert_string_equal(find(f, "m", 2).stage, "Archived");
    struct sw_audit row = last_audit(f);
    assert_string_equal(row.action, "stage");
    assert_string_equal(row.object, "m/3");
    assert_string_equal(row.digest, "d");
    assert_string_equal(row.detail_json, "{\"before\":\"None\",\"after\":\"Production\"}");
    add_version(f, "m");
    ok(sw_model_version_latest(f->store, "m", NULL, 0, f->arena, &list, &f->err));
    assert_int_equal(list.count, 3); // Archived 2, Production 3, None 4
    assert_int_equal(list.items[0].version, 2);
    assert_int_equal(list.items[2].version, 4);
    static const char *const only[] = {"none"};
    ok(sw_model_version_latest(f->store, "m", only, 1, f->arena, &list, &f->err));
    assert_int_equal(list.count, 1);
    static const char *const bad[] = {"Prod"};
    fails(sw_model_version_latest(f->store, "m", bad, 1, f->arena, &list, &f->err), SW_INVALID);
    assert_string_equal(f->err.message, "Invalid Model Version stage: Prod. Value must be one of None, Staging, "
                                        "Production, Archived.");
    fails(sw_model_version_set_stage(f->store, "m", 1, "None", true, &f->err), SW_INVALID);
    says("is not an Active stage");
    fails(sw_model_version_set_stage(f->store, "m", 9, "Staging", true, &f->err), SW_NOT_FOUND);
    assert_string_equal(find(f, "m", 3).stage, "Production");
}

static void test_delete_version(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v;
    add_version(f, "m");
    add_version(f, "m");
    ok(sw_model_set_alias(f->store, "m", "champion", 2, &f->err));
    ok(sw_model_version_delete(f->store, "m", 2, &f->err));
    fails(sw_model_version_delete(f->store, "m", 2, &f->err), SW_NOT_FOUND);
    fails(sw_model_version_find(f->store, "m", 2, f->arena, &v, &f->err), SW_NOT_FOUND);
    assert_int_equal(get(f, "m").alias_count, 0);
    ok(sw_model_version_get(f->store, "m", f->arena, &v, &f->err));
    assert_int_equal(v.version, 1);
    int64_t next = 0;
    ok(sw_model_next_version(f->store, "m", &next, &f->err));
    assert_int_equal(next, 3);
    assert_int_equal(add_version(f, "m"), 3);
    fails(sw_model_set_alias(f->store, "m", "champion", 2, &f->err), SW_NOT_FOUND);
}

static void test_bytes_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v = {.name = "m", .digest = "", .path = ""};
    int64_t version = 0;
    fails(sw_model_version_add(f->store, &v, &version, &f->err), SW_INVALID); // but where?
    v.storage_uri = v.source = "s3://bucket/model";
    ok(sw_model_version_add(f->store, &v, &version, &f->err));
    v = find(f, "m", 1);
    assert_string_equal(v.digest, "");
    assert_string_equal(v.storage_uri, "s3://bucket/model");
}

// --- searching ---
static void search_finds(struct fixture *f, const struct sw_query *where, const char *const *names, size_t count)
{
    struct sw_registered_model_list list = {0};
    ok(sw_registered_model_search(f->store, &(struct sw_search){.where = where}, f->arena, &list, &f->err));
    assert_int_equal(list.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(list.items[i].name, names[i]);
}

static void test_search_hides_prompts(void **state)
{
    struct fixture *f = *state;
    struct sw_pair prompt = {SW_PROMPT_TAG, "true"}, team = {"team", "ads"};
    ok(sw_registered_model_create(f->store, "b", NULL, &team, 1, &f->err));
    ok(sw_registered_model_create(f->store, "a", NULL, NULL, 0, &f->err));
    ok(sw_registered_model_create(f->store, "p", NULL, &prompt, 1, &f->err));
    ok(sw_registered_model_create(f->store, "gone", NULL, NULL, 0, &f->err));
    ok(sw_registered_model_delete(f->store, "gone", &f->err));
    static const char *const models[] = {"a", "b"}, *const prompts[] = {"p"};
    struct sw_query test = {.kind = SW_QUERY_COMPARE, .field = SW_FIELD_TAG, .key = SW_PROMPT_TAG, .text = "true"};
    struct sw_query of_team = {.kind = SW_QUERY_COMPARE, .field = SW_FIELD_TAG, .key = "team", .text = "ads"};
    struct sw_query both = {.kind = SW_QUERY_AND, .left = &of_team, .right = &test};
    search_finds(f, NULL, models, 2); // by name
    search_finds(f, &test, prompts, 1);
    test.op = SW_OP_NE; // what the client adds to every search for models
    search_finds(f, &test, models, 2);
    search_finds(f, &both, models + 1, 1);
}

static void test_search_versions(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version_list list = {0};
    struct sw_query m = {.kind = SW_QUERY_COMPARE, .field = SW_FIELD_ATTRIBUTE, .key = "name", .text = "m"};
    struct sw_query_order by_number = {.field = SW_FIELD_ATTRIBUTE, .key = "version_number"};
    struct sw_search q = {.where = &m, .order = &by_number, .order_count = 1, .limit = 2};
    for (int i = 0; i < 3; i++)
        add_version(f, "m");
    add_version(f, "n");
    ok(sw_model_version_delete(f->store, "m", 1, &f->err));
    ok(sw_model_version_search(f->store, &q, f->arena, &list, &f->err));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].version, 2);
    assert_string_equal(list.items[0].tags[0].value, "classification");
    q.offset = 2;
    ok(sw_model_version_search(f->store, &q, f->arena, &list, &f->err));
    assert_int_equal(list.count, 0);
}

// --- logged models ---
static void create_logged(struct fixture *f, const char *name, char id[static SW_MODEL_ID])
{
    struct sw_pair params[] = {{"lr", "0.1"}}, tags[] = {{"team", "ads"}};
    struct sw_logged_model_new n = {
        .name = name, .model_type = "clf", .params = params, .tags = tags, .param_count = 1, .tag_count = 1};
    ok(sw_logged_model_create(f->store, &n, id, &f->err));
}

static struct sw_logged_model get_logged(struct fixture *f, const char *id)
{
    struct sw_logged_model m = {0};
    ok(sw_logged_model_get(f->store, id, SW_VIEW_ACTIVE, f->arena, &m, &f->err));
    return m;
}

static void test_logged_model(void **state)
{
    struct fixture *f = *state;
    char id[SW_MODEL_ID];
    create_logged(f, "model", id);
    assert_true(strncmp(id, "m-", 2) == 0 && strlen(id) == 34);
    struct sw_logged_model m = get_logged(f, id);
    assert_string_equal(m.name, "model");
    assert_string_equal(m.model_type, "clf");
    assert_int_equal(m.status, SW_LOGGED_MODEL_PENDING);
    assert_string_equal(m.params[0].value, "0.1");
    assert_string_equal(m.tags[0].value, "ads");
    char uri[128];
    snprintf(uri, sizeof uri, "mlflow-artifacts:/0/models/%s/artifacts", id);
    assert_string_equal(sw_logged_model_artifact_uri(&m, f->arena), uri);
    ok(sw_logged_model_finish(f->store, id, SW_LOGGED_MODEL_READY, &f->err));
    assert_int_equal(get_logged(f, id).status, SW_LOGGED_MODEL_READY);
    struct sw_pair same = {"lr", "0.1"}, other = {"lr", "0.2"}, more[] = {{"depth", "3"}, {"lr", "0.2"}};
    ok(sw_logged_model_add_params(f->store, id, &same, 1, &f->err));
    fails(sw_logged_model_add_params(f->store, id, &other, 1, &f->err), SW_INVALID);
    fails(sw_logged_model_add_params(f->store, id, more, 2, &f->err), SW_INVALID);
    assert_int_equal(get_logged(f, id).param_count, 1); // whole or not at all
    struct sw_pair tag = {"team", "search"};
    ok(sw_logged_model_set_tags(f->store, id, &tag, 1, &f->err));
    assert_string_equal(get_logged(f, id).tags[0].value, "search");
    ok(sw_logged_model_delete_tag(f->store, id, "team", &f->err));
    fails(sw_logged_model_delete_tag(f->store, id, "team", &f->err), SW_NOT_FOUND);
    says("No tag with key 'team' found for model with ID '");
    ok(sw_logged_model_delete(f->store, id, &f->err));
    fails(sw_logged_model_get(f->store, id, SW_VIEW_ACTIVE, f->arena, &m, &f->err), SW_NOT_FOUND);
    ok(sw_logged_model_get(f->store, id, SW_VIEW_ALL, f->arena, &m, &f->err));
    assert_true(m.is_deleted);
}

static void test_logged_model_refusals(void **state)
{
    struct fixture *f = *state;
    char id[SW_MODEL_ID];
    static const char *const bad[] = {"", "a/b", "a:b", "a.b", "a%b", "a\"b", "a'b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        fails(sw_logged_model_create(f->store, &(struct sw_logged_model_new){.name = bad[i]}, id, &f->err), SW_INVALID);
    fails(sw_logged_model_create(f->store, &(struct sw_logged_model_new){.experiment_id = 99}, id, &f->err),
          SW_NOT_FOUND);
    fails(sw_logged_model_finish(f->store, "m-1", SW_LOGGED_MODEL_READY, &f->err), SW_NOT_FOUND);
    assert_string_equal(f->err.message, "Logged model with ID 'm-1' not found.");
    ok(sw_logged_model_create(f->store, &(struct sw_logged_model_new){0}, id, &f->err));
    assert_true(get_logged(f, id).name[0] != '\0'); // invented
}

static void test_logged_model_versions(void **state)
{
    struct fixture *f = *state;
    char id[SW_MODEL_ID];
    create_logged(f, "model", id);
    ok(sw_logged_model_add_version(f->store, id, "m", 1, &f->err));
    ok(sw_logged_model_add_version(f->store, id, "m", 1, &f->err));
    ok(sw_logged_model_add_version(f->store, id, "n", 2, &f->err));
    struct sw_logged_model m = get_logged(f, id);
    assert_string_equal(m.tags[0].key, "mlflow.modelVersions");
    assert_string_equal(m.tags[0].value, "[{\"name\": \"m\", \"version\": 1}, {\"name\": \"n\", \"version\": 2}]");
}

static void test_logged_model_metrics(void **state)
{
    struct fixture *f = *state;
    char id[SW_MODEL_ID], run_id[SW_RUN_ID];
    create_logged(f, "model", id);
    ok(sw_run_create(f->store, &(struct sw_run_new){.status = SW_RUN_RUNNING}, run_id, &f->err));
    struct sw_metric_point points[] = {{"acc", 0.5, 1, 10}, {"acc", NAN, 2, 20}};
    ok(sw_metric_write(f->store, run_id, points, 2, &f->err));
    struct sw_logged_point logged[] = {{points[1], id, "train", "d1"}, {points[0], id, NULL, NULL}};
    ok(sw_logged_model_add_metrics(f->store, run_id, logged, 2, &f->err));
    ok(sw_logged_model_add_metrics(f->store, run_id, logged, 2, &f->err)); // a retry doubles nothing
    struct sw_logged_model m = get_logged(f, id);
    assert_int_equal(m.metric_count, 2);
    assert_string_equal(m.metrics[0].key, "acc");
    assert_string_equal(m.metrics[0].run_id, run_id);
    assert_string_equal(m.metrics[0].dataset_name, "");
    assert_true(m.metrics[0].value == 0.5);
    assert_true(isnan(m.metrics[1].value));
    assert_string_equal(m.metrics[1].dataset_name, "train");
    struct sw_logged_model_list list = {0};
    struct sw_pair on[] = {{"train", "d1"}};
    struct sw_query fits = {.kind = SW_QUERY_COMPARE,
                            .field = SW_FIELD_METRIC,
                            .key = "acc",
                            .op = SW_OP_GT,
                            .is_number = true,
                            .number = 0.4};
    struct sw_logged_model_query q = {.experiment_ids = &m.experiment_id, .experiment_count = 1, .where = &fits};
    ok(sw_logged_model_search(f->store, &q, f->arena, &list, &f->err));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].metric_count, 2);
    q.datasets = on; // there it is no number
    q.dataset_count = 1;
    ok(sw_logged_model_search(f->store, &q, f->arena, &list, &f->err));
    assert_int_equal(list.count, 0);
    q.where = NULL;
    ok(sw_logged_model_search(f->store, &q, f->arena, &list, &f->err));
    assert_int_equal(list.count, 1);
    logged[0].model_id = "m-0";
    fails(sw_logged_model_add_metrics(f->store, run_id, logged, 1, &f->err), SW_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_create_and_describe),
        store_test(test_tags),
        store_test(test_rename),
        store_test(test_rename_and_back),
        store_test(test_approved_name_stays),
        store_test(test_delete_model),
        store_test(test_find),
        store_test(test_alias_names),
        store_test(test_stages),
        store_test(test_delete_version),
        store_test(test_bytes_elsewhere),
        store_test(test_logged_model),
        store_test(test_logged_model_refusals),
        store_test(test_logged_model_versions),
        store_test(test_logged_model_metrics),
        store_test(test_search_hides_prompts),
        store_test(test_search_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
