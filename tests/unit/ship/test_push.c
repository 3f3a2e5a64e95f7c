// SPDX-License-Identifier: Apache-2.0
// The push state machine: refusals, repetition, revisions, locks, and a kill at every arrow.
#include "tests/unit/ship/fixture.h"

#include "core/base/clock.h"
#include "core/base/tree.h"
#include "core/store/audit.h"

#include <sched.h>
#include <sys/file.h>

static size_t push_count(struct fixture *f, struct sw_push **list)
{
    size_t count = 0;
    assert_ok(f, sw_push_search(f->store, "lab", NULL, 0, f->arena, list, &count, &f->err));
    return count;
}

static size_t audit_count(struct fixture *f, const char *action)
{
    struct sw_audit *rows;
    size_t count, found = 0;
    assert_ok(f, sw_audit_list(f->store, 1000, f->arena, &rows, &count, &f->err));
    for (size_t i = 0; i < count; i++)
        found += strcmp(rows[i].action, action) == 0;
    return found;
}

static void new_version(struct fixture *f, const char *labels)
{
    fixture_puts(f, "model/labels.txt", labels);
    struct sw_model_version v = fixture_register(f, "m");
    fixture_approve(f, &v);
}

static bool is_clean(struct fixture *f, const char *relative, size_t want)
{
    char command[SW_PATH_MAX + 32];
    size_t n = 0;
    snprintf(command, sizeof command, "ls -A '%s/%s' | wc -l", f->root, relative);
    FILE *p = popen(command, "r");
    assert_int_equal(fscanf(p, "%zu", &n), 1);
    pclose(p);
    return n == want;
}

static void test_push_and_again(void **state)
{
    struct fixture *f = *state;
    static const char *const places[] = {"out", "tars/out.tar"};
    fixture_approved_model(f);
    for (size_t i = 0; i < 2; i++) {
        struct sw_push_outcome one, two;
        struct sw_bundle_info before, after;
        fixture_target(f, places[i]);
        assert_ok(f, fixture_push(f, &one));
        assert_false(one.is_unchanged);
        assert_int_equal(one.revision, 1);
        struct stat st_before, st_after;
        assert_int_equal(stat(one.destination, &st_before), 0);
        assert_ok(f, sw_bundle_verify(one.destination, f->arena, &before, &f->err));
        assert_string_equal(before.files.digest, one.package_digest);
        assert_ok(f, fixture_push(f, &two));
        assert_true(two.is_unchanged);
        assert_int_equal(two.revision, 1);
        assert_ok(f, sw_bundle_verify(two.destination, f->arena, &after, &f->err));
        assert_string_equal(before.files.digest, after.files.digest);
        assert_int_equal(stat(one.destination, &st_after), 0);
        assert_int_equal(st_before.st_ino, st_after.st_ino); // nothing was written
        assert_int_equal(st_before.st_mtim.tv_nsec, st_after.st_mtim.tv_nsec);
        assert_ok(f, sw_target_remove(f->store, "lab", &f->err));
    }
    assert_int_equal(audit_count(f, "push"), 4);
    int64_t rows = 0;
    assert_ok(f, sw_audit_verify(f->store, &rows, &f->err));
    assert_true(is_clean(f, "out", 1));
    assert_true(is_clean(f, "tars", 1));
}

static void test_revisions(void **state)
{
    struct fixture *f = *state;
    struct sw_push_outcome out;
    fixture_approved_model(f);
    fixture_target(f, "out");
    assert_ok(f, fixture_push(f, &out));
    new_version(f, "boot\n");
    assert_ok(f, fixture_push(f, &out));
    assert_int_equal(out.revision, 2);
    struct sw_push_request old = {.model = "m/1", .target = "lab"};
    assert_ok(f, sw_push_run(f->store, &old, f->arena, &out, &f->err));
    assert_int_equal(out.revision, 3);
    struct sw_bundle_info info;
    assert_ok(f, fixture_verify(f, "out/m", &info));
    assert_int_equal(info.version, 1);
    assert_true(is_clean(f, "out", 1));
}

static void test_several_models_share_a_folder(void **state)
{
    struct fixture *f = *state;
    struct sw_push_outcome out;
    fixture_approved_model(f);
    struct sw_model_version other = fixture_register(f, "other");
    fixture_approve(f, &other);
    fixture_target(f, "out");
    assert_ok(f, fixture_push(f, &out));
    struct sw_push_request request = {.model = "other", .target = "lab"};
    assert_ok(f, sw_push_run(f->store, &request, f->arena, &out, &f->err));
    struct sw_ship_status *status;
    size_t count;
    assert_ok(f, sw_ship_status_list(f->store, "lab", true, f->arena, &status, &count, &f->err));
    assert_int_equal(count, 2);
    assert_string_equal(status[0].last.model, "m");
    assert_int_equal(status[0].verified, SW_OK);
    assert_int_equal(status[1].revision, 1);
    fixture_flip(fixture_path(f, "out/m/model/net.onnx"), 0);
    assert_ok(f, sw_ship_status_list(f->store, "lab", true, f->arena, &status, &count, &f->err));
    assert_int_equal(status[0].verified, SW_CORRUPT);
    assert_non_null(strstr(status[0].verify_message, "net.onnx"));
    assert_int_equal(status[1].verified, SW_OK);
    // A tar belongs to one model.
    struct sw_push_request tar = {.model = "m", .target = "bundle:x.tar"};
    char address[SW_PATH_MAX + 16];
    snprintf(address, sizeof address, "bundle:%s/x.tar", f->root);
    tar.target = address;
    assert_ok(f, sw_push_run(f->store, &tar, f->arena, &out, &f->err));
    tar.model = "other";
    assert_code(f, SW_CONFLICT, sw_push_run(f->store, &tar, f->arena, &out, &f->err));
    assert_ok(f, sw_ship_status_list(f->store, address, false, f->arena, &status, &count, &f->err));
    assert_int_equal(count, 2);
    assert_int_equal(status[0].verified, SW_CANCELLED);
    assert_int_equal(status[1].revision, 0);
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    struct sw_push_outcome out;
    fixture_make_model(f);
    struct sw_model_version v = fixture_register(f, "m");
    fixture_target(f, "out");
    assert_code(f, SW_REFUSED, fixture_push(f, &out));
    assert_says(f, "m/1 is not approved");
    assert_int_equal(sw_code_exit(f->err.code), 5);
    fixture_approve(f, &v);
    size_t withdrawn;
    assert_ok(f, sw_approval_withdraw(f->store, &v, 0, "bob", "no", &withdrawn, &f->err));
    assert_code(f, SW_REFUSED, fixture_push(f, &out));
    fixture_approve(f, &v);
    char path[SW_PATH_MAX];
    assert_ok(f, sw_path_join(path, v.path, "net.onnx", &f->err));
    fixture_flip(path, 0);
    assert_code(f, SW_REFUSED, fixture_push(f, &out));
    assert_says(f, "net.onnx");
    assert_false(fixture_exists(fixture_path(f, "out"))); // nothing was written, not even the folder
    fixture_flip(path, 0);
    assert_ok(f, fixture_push(f, &out));
    struct sw_push *list;
    assert_int_equal(push_count(f, &list), 4);
    assert_string_equal(list[1].state, "failed");
    assert_true(list[1].is_final);
    assert_int_equal(list[1].holder_pid, 0);
    assert_non_null(strstr(list[1].message, "net.onnx"));
}

static void test_policy_is_judged_again(void **state)
{
    struct fixture *f = *state;
    struct sw_push_outcome out;
    fixture_approved_model(f);
    fixture_target(f, "out");
    struct sw_policy p = fixture_policy(f, "gates:\n  - {metric: accuracy, min: 0.9}\n");
    struct sw_push_request request = {.model = "m", .target = "lab", .policy = &p};
    assert_code(f, SW_REFUSED, sw_push_run(f->store, &request, f->arena, &out, &f->err));
    assert_says(f, "accuracy is not known");
    struct sw_model_version v;
    assert_ok(f, sw_model_version_get(f->store, "m", f->arena, &v, &f->err));
    fixture_evaluate(f, &v, 0.95);
    assert_ok(f, sw_push_run(f->store, &request, f->arena, &out, &f->err));
}

static void test_foreign_things_are_left_alone(void **state)
{
    struct fixture *f = *state;
    struct sw_push_outcome out;
    fixture_approved_model(f);
    fixture_target(f, "out");
    fixture_puts(f, "out/m/precious.txt", "mine");
    assert_code(f, SW_CONFLICT, fixture_push(f, &out));
    assert_says(f, "is no bundle of model m");
    assert_true(fixture_exists(fixture_path(f, "out/m/precious.txt")));
    assert_ok(f, sw_path_remove_tree(fixture_path(f, "out/m"), &f->err));
    assert_ok(f, fixture_push(f, &out)); // the same call goes on
    assert_true(out.was_resumed);
    assert_ok(f, sw_target_remove(f->store, "lab", &f->err));
    fixture_target(f, "file.tar");
    fixture_puts(f, "file.tar", "not a tar");
    assert_code(f, SW_CONFLICT, fixture_push(f, &out));
    assert_ok(f, sw_target_remove(f->store, "lab", &f->err));
    fixture_target(f, "file.tar/below");
    assert_code(f, SW_CONFLICT, fixture_push(f, &out));
}

static void test_a_damaged_bundle_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct sw_push_outcome out;
    struct sw_bundle_info info;
    fixture_approved_model(f);
    fixture_target(f, "out");
    assert_ok(f, fixture_push(f, &out));
    fixture_flip(fixture_path(f, "out/m/model/net.onnx"), 1);
    assert_ok(f, fixture_push(f, &out));
    assert_int_equal(out.revision, 1); // the same content as before
    assert_ok(f, fixture_verify(f, "out/m", &info));
}

static void test_preview_writes_nothing(void **state)
{
    struct fixture *f = *state;
    struct sw_push_preview look;
    struct sw_push_outcome out;
    struct sw_push_request request = {.model = "m", .target = "lab"};
    fixture_make_model(f);
    struct sw_model_version v = fixture_register(f, "m");
    fixture_target(f, "out");
    assert_ok(f, sw_push_look(f->store, &request, f->arena, &look, &f->err));
    assert_int_equal(look.refusal.code, SW_REFUSED);
    fixture_approve(f, &v);
    assert_ok(f, sw_push_look(f->store, &request, f->arena, &look, &f->err));
    assert_int_equal(look.refusal.code, SW_OK);
    assert_int_equal(look.diff.new_count, 6);
    assert_string_equal(look.diff.destination, fixture_path(f, "out/m"));
    assert_false(fixture_exists(fixture_path(f, "out")));
    struct sw_push *list;
    assert_int_equal(push_count(f, &list), 0);
    assert_ok(f, fixture_push(f, &out));
    assert_string_equal(out.package_digest, look.package.files.digest); // what was shown is what was written
    assert_ok(f, sw_push_look(f->store, &request, f->arena, &look, &f->err));
    assert_true(look.diff.is_unchanged);
    assert_int_equal(look.diff.same_count, 6);
    new_version(f, "boot\n");
    assert_ok(f, sw_push_look(f->store, &request, f->arena, &look, &f->err));
    assert_false(look.diff.is_unchanged);
    assert_true(look.diff.changed_count >= 3); // labels, approval, note
    assert_int_equal(look.diff.gone_count, 0);
}

// --- manifests ---

static const char template_text[] = "apiVersion: slipway/v1\n"
                                    "kind: Template\n"
                                    "metadata: {name: plain, summary: a config map}\n"
                                    "parameters:\n"
                                    "  - {name: name, type: name, from: model.name, required: true, help: name}\n"
                                    "  - {name: uri, type: text, from: model.uri, required: true, help: uri}\n"
                                    "  - {name: replicas, type: int, min: 1, max: 9, default: 1, help: replicas}\n"
                                    "  - {name: push, type: text, from: push.id, required: true, help: push}\n"
                                    "  - {name: head, type: text, from: audit.head, required: true, help: head}\n"
                                    "  - {name: by, type: text, from: approval.by, required: true, help: approver}\n"
                                    "---\n"
                                    "apiVersion: v1\n"
                                    "kind: ConfigMap\n"
                                    "metadata: {name: \"${name}\"}\n"
                                    "data: {uri: \"${uri}\", push: \"${push}\", head: \"${head}\", by: \"${by}\"}\n"
                                    "replicas: ${replicas}\n";

static json_t *read_manifest(struct fixture *f)
{
    struct sw_yaml *yaml = NULL;
    assert_ok(
        f, sw_yaml_load(fixture_path(f, "out/m/manifests/01-configmap.yaml"), &sw_tree_limits_default, &yaml, &f->err));
    json_t *copy = json_deep_copy(sw_yaml_doc(yaml, 0));
    sw_yaml_free(yaml);
    return copy;
}

static const char *data_of(const json_t *manifest, const char *key)
{
    return sw_tree_text(json_object_get(manifest, "data"), key);
}

static void test_manifests_are_rendered_and_anchored(void **state)
{
    struct fixture *f = *state;
    char path[SW_PATH_MAX];
    struct sw_push_outcome out;
    fixture_approved_model(f);
    fixture_target(f, "out");
    fixture_puts(f, "plain.yaml", template_text);
    snprintf(path, sizeof path, "%s/plain.yaml", f->root);
    struct sw_template_value set[] = {{"replicas", "2"}};
    struct sw_push_request request = {
        .model = "m", .target = "lab", .manifest_template = path, .set = set, .set_count = 1};
    assert_ok(f, sw_push_run(f->store, &request, f->arena, &out, &f->err));
    json_t *manifest = read_manifest(f);
    assert_string_equal(data_of(manifest, "uri"), "pvc://models/m/1");
    assert_string_equal(data_of(manifest, "push"), "1");
    assert_string_equal(data_of(manifest, "by"), "ada");
    assert_int_equal(sw_tree_int(manifest, "replicas", 0), 2);
    json_decref(manifest);
    // Push id and audit head moved on, the content did not: nothing is written, and the anchors stay.
    assert_ok(f, sw_push_run(f->store, &request, f->arena, &out, &f->err));
    assert_true(out.is_unchanged);
    assert_int_equal(out.push_id, 2);
    assert_int_equal(out.revision, 1);
    manifest = read_manifest(f);
    assert_string_equal(data_of(manifest, "push"), "1");
    json_decref(manifest);
    set[0].value = "3";
    assert_ok(f, sw_push_run(f->store, &request, f->arena, &out, &f->err));
    assert_int_equal(out.revision, 2);
    manifest = read_manifest(f);
    assert_string_equal(data_of(manifest, "push"), "3");
    json_decref(manifest);
}

static void test_bad_parameters_touch_nothing(void **state)
{
    struct fixture *f = *state;
    char path[SW_PATH_MAX];
    struct sw_push_outcome out;
    struct sw_push *list;
    fixture_approved_model(f);
    fixture_target(f, "out");
    fixture_puts(f, "plain.yaml", template_text);
    snprintf(path, sizeof path, "%s/plain.yaml", f->root);
    static const struct sw_template_value bad[] = {
        {"replicas", "10"}, {"replicas", "two"}, {"name", "../up"}, {"nmae", "x"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sw_push_request request = {
            .model = "m", .target = "lab", .manifest_template = path, .set = &bad[i], .set_count = 1};
        assert_code(f, SW_USAGE, sw_push_run(f->store, &request, f->arena, &out, &f->err));
    }
    struct sw_push_request missing = {.model = "m", .target = "lab", .manifest_template = "no-such-template"};
    assert_code(f, SW_NOT_FOUND, sw_push_run(f->store, &missing, f->arena, &out, &f->err));
    assert_int_equal(push_count(f, &list), 0);
    assert_false(fixture_exists(fixture_path(f, "out")));
    // A value that looks like YAML stays a value.
    static const struct sw_template_value hostile = {"uri", "x\", evil: {a: \"b"};
    struct sw_push_request request = {
        .model = "m", .target = "lab", .manifest_template = path, .set = &hostile, .set_count = 1};
    assert_ok(f, sw_push_run(f->store, &request, f->arena, &out, &f->err));
    json_t *manifest = read_manifest(f);
    assert_string_equal(data_of(manifest, "uri"), hostile.value);
    assert_int_equal(json_object_size(json_object_get(manifest, "data")), 4);
    json_decref(manifest);
}

// --- two at once ---

static int push_in_child(struct fixture *f)
{
    struct sw_push_outcome out;
    enum sw_code code = fixture_push(f, &out);
    return code == SW_OK ? 0 : (int)code;
}

static void wait_for_state(struct fixture *f, const char *state)
{
    struct sw_push *list = NULL;
    int64_t deadline = sw_clock_mono_ms() + 60000;
    while (push_count(f, &list) == 0 || strcmp(list[0].state, state) != 0) {
        if (sw_clock_mono_ms() > deadline)
            fail_msg("no push came to '%s'", state);
        sched_yield();
    }
}

static void test_a_live_push_locks_the_target(void **state)
{
    struct fixture *f = *state;
    struct sw_push_outcome out;
    struct sw_push *list;
    fixture_approved_model(f);
    fixture_target(f, "out");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) { // stays before "upload" until it is killed
        setenv("SLIPWAY_FAILPOINT", "push.upload.before=stall", 1);
        char store[SW_PATH_MAX];
        snprintf(store, sizeof store, "%s/store", f->root);
        if (sw_store_open(store, SW_STORE_OPEN, &f->store, &f->err) == SW_OK)
            _exit(push_in_child(f));
        _exit(99);
    }
    wait_for_state(f, "preflight");
    assert_code(f, SW_LOCKED, fixture_push(f, &out));
    char number[32];
    snprintf(number, sizeof number, "process %d ", pid);
    assert_says(f, number);
    struct sw_ship_status *status;
    size_t count;
    assert_ok(f, sw_ship_status_list(f->store, "lab", false, f->arena, &status, &count, &f->err));
    assert_true(status[0].has_live_holder);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_ok(f, fixture_push(f, &out));
    assert_true(out.was_resumed);
    assert_int_equal(push_count(f, &list), 1);
}

// Somebody with another store writes into the same folder: the folder's own lock keeps the two apart.
static void test_another_store_is_kept_out(void **state)
{
    struct fixture *f = *state;
    struct sw_push_outcome out;
    fixture_approved_model(f);
    fixture_target(f, "out");
    assert_int_equal(mkdir(fixture_path(f, "out"), 0700), 0);
    int fd = open(fixture_path(f, "out"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_code(f, SW_LOCKED, fixture_push(f, &out));
    assert_false(fixture_exists(fixture_path(f, "out/m")));
    close(fd);
    assert_ok(f, fixture_push(f, &out));
    assert_true(out.was_resumed);
}

// --- kills ---

static const char *const steps[] = {"verify", "preflight", "upload", "diff", "apply", "wait", "record", "finish"};

// After a kill at `point` the old bundle is whole or the new one is; the same call finishes the same push.
static void kill_and_finish(struct fixture *f, const char *point, const char *place, int64_t revision)
{
    struct sw_push_outcome out;
    struct sw_bundle_info info;
    struct sw_push *list;
    size_t before = push_count(f, &list), audits = audit_count(f, "push");
    if (!was_killed(fixture_run_child(f, point, push_in_child)))
        fail_msg("%s: was not reached", point);
    enum sw_code code = fixture_verify(f, place, &info);
    if (code != SW_OK && !(revision == 1 && code == SW_NOT_FOUND))
        fail_msg("%s: the bundle is not whole: %s", point, f->err.message);
    if (fixture_push(f, &out) != SW_OK)
        fail_msg("%s: %s", point, f->err.message);
    assert_true(out.was_resumed);
    assert_int_equal(out.revision, revision);
    assert_false(out.is_unchanged);
    assert_int_equal(push_count(f, &list), before + 1);
    assert_int_equal(audit_count(f, "push"), audits + 1);
    assert_string_equal(list[0].state, "done");
    assert_ok(f, fixture_verify(f, place, &info));
    assert_string_equal(info.files.digest, out.package_digest);
}

static void kill_everywhere(struct fixture *f, const char *place, const char *copy_point)
{
    char labels[32];
    int64_t revision = 1;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        for (int after = 0; after < 2; after++) {
            char point[64];
            snprintf(point, sizeof point, "push.%s.%s=kill", steps[i], after ? "after" : "before");
            snprintf(labels, sizeof labels, "label %d\n", (int)revision);
            new_version(f, labels);
            kill_and_finish(f, point, place, revision++);
        }
    }
    new_version(f, "in the middle of copying\n");
    kill_and_finish(f, copy_point, place, revision);
    int64_t rows = 0;
    assert_ok(f, sw_audit_verify(f->store, &rows, &f->err));
}

static void test_kill_at_every_arrow_folder(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    fixture_target(f, "out");
    kill_everywhere(f, "out/m", "model.copy:2=kill");
    assert_true(is_clean(f, "out", 1));
}

static void test_kill_at_every_arrow_tar(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    fixture_target(f, "tars/out.tar");
    kill_everywhere(f, "tars/out.tar", "tar.write:5=kill");
    assert_true(is_clean(f, "tars", 1));
}

static void test_full_disk_leaves_the_old_bundle(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *target, *place, *point;
    } cases[] = {{"out", "out/m", "model.copy:2=enospc"}, {"tars/out.tar", "tars/out.tar", "tar.write:5=enospc"}};
    fixture_approved_model(f);
    for (size_t i = 0; i < 2; i++) {
        struct sw_push_outcome out;
        struct sw_bundle_info before, after;
        fixture_target(f, cases[i].target);
        assert_ok(f, fixture_push(f, &out));
        assert_ok(f, fixture_verify(f, cases[i].place, &before));
        new_version(f, i == 0 ? "boot\n" : "sock\n");
        int status = fixture_run_child(f, cases[i].point, push_in_child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), SW_NO_SPACE);
        assert_ok(f, fixture_verify(f, cases[i].place, &after));
        assert_string_equal(before.files.digest, after.files.digest);
        assert_true(is_clean(f, i == 0 ? "out" : "tars", 1)); // nothing half stays on a full disk
        assert_ok(f, fixture_push(f, &out));
        assert_true(out.was_resumed);
        assert_int_equal(out.revision, 2);
        assert_ok(f, sw_target_remove(f->store, "lab", &f->err));
    }
}

static void test_another_version_ends_an_unfinished_push(void **state)
{
    struct fixture *f = *state;
    struct sw_push_outcome out;
    struct sw_push *list;
    fixture_approved_model(f);
    fixture_target(f, "out");
    assert_true(was_killed(fixture_run_child(f, "model.copy:2=kill", push_in_child)));
    new_version(f, "boot\n");
    assert_ok(f, fixture_push(f, &out));
    assert_false(out.was_resumed);
    assert_int_equal(out.revision, 1);
    assert_int_equal(push_count(f, &list), 2);
    assert_string_equal(list[1].state, "failed");
    assert_true(is_clean(f, "out", 1)); // the other staging is gone
}

struct watched {
    int events, reached;
    int64_t bytes;
    enum sw_push_state stop_at;
};

static bool watch(void *ctx, const struct sw_push_event *event)
{
    struct watched *w = ctx;
    w->events++;
    w->reached += event->is_reached;
    if (event->state == SW_PUSH_UPLOADED) {
        assert_true(event->done_bytes >= w->bytes && event->done_bytes <= event->total_bytes);
        w->bytes = event->done_bytes;
    }
    return event->is_reached || event->state != w->stop_at;
}

static void test_watching_and_stopping(void **state)
{
    struct fixture *f = *state;
    struct sw_push_outcome out;
    struct watched w = {.stop_at = SW_PUSH_APPLIED};
    struct sw_push_request request = {.model = "m", .target = "lab", .watch = watch, .ctx = &w};
    fixture_approved_model(f);
    fixture_target(f, "out");
    assert_code(f, SW_CANCELLED, sw_push_run(f->store, &request, f->arena, &out, &f->err));
    assert_int_equal(w.reached, 5); // planned to diffed
    assert_false(fixture_exists(fixture_path(f, "out/m")));
    struct sw_push *list;
    assert_int_equal(push_count(f, &list), 1);
    assert_string_equal(list[0].state, "diffed");
    assert_false(list[0].is_final);
    w = (struct watched){.stop_at = SW_PUSH_FAILED};
    assert_ok(f, sw_push_run(f->store, &request, f->arena, &out, &f->err));
    assert_int_equal(w.reached, 9);
    assert_true(w.bytes > 0);
    assert_true(out.was_resumed);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_push_and_again),
        CASE(test_revisions),
        CASE(test_several_models_share_a_folder),
        CASE(test_refused),
        CASE(test_policy_is_judged_again),
        CASE(test_foreign_things_are_left_alone),
        CASE(test_a_damaged_bundle_is_replaced),
        CASE(test_preview_writes_nothing),
        CASE(test_manifests_are_rendered_and_anchored),
        CASE(test_bad_parameters_touch_nothing),
        CASE(test_a_live_push_locks_the_target),
        CASE(test_another_store_is_kept_out),
        CASE(test_kill_at_every_arrow_folder),
        CASE(test_kill_at_every_arrow_tar),
        CASE(test_full_disk_leaves_the_old_bundle),
        CASE(test_another_version_ends_an_unfinished_push),
        CASE(test_watching_and_stopping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
