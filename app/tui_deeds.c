// SPDX-License-Identifier: Apache-2.0
// Actions of the screens as rows of one table: which command does it, which of its options the form offers, what is said
// afterwards. A form's fields are the command's own options; doing it runs the command as a child on the same store.
#include "app/tui_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "core/base/proc.h"
#include "core/base/text.h"
#include "core/manifest/template.h"
#include "core/store/dataset.h"
#include "core/ship/push.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    WORDS_MAX = 512,
    FIELDS_MAX = 48,
    OUTPUT_MAX = 8 << 20,
    COMMAND_TIMEOUT_MS = 3600 * 1000, // an evaluation or a large push takes its time
    PREVIEW_MAX = 64 << 10,
};

struct request {
    struct sw_app_backend *b;
    struct tui_worker *w;
    struct sw_arena *a;
    const struct deed *deed;
    const struct sw_tui_action_query *q;
};

struct deed {
    const char *action;
    const char *verb;             // of the command
    const char *say;              // after success; {key} is a member of the command's document
    const struct sw_option *args; // positional arguments that the form asks for, in order
    size_t arg_count;
    const char *options; // of the command that the form offers, in order; "" = none
    // The rows as positional arguments, before `args`. NULL = rows are not named.
    const char *(*row_word)(const struct request *r, const char *id);
    // Value that a field opens with; NULL = the option's own default.
    const char *(*prefill)(const struct request *r, const char *field);
    enum sw_code (*preview)(const struct request *r, struct sw_tui_form *out, struct sw_err *err);
    const char *undo; // command that takes it back, given the same rows
    const char *undo_reason;
    enum sw_tui_list open_list; // where to go afterwards, to the row that `open` makes of the document
    const char *open;           // as `say`; NULL = stay
    bool is_shell;              // the last argument is a shell command line
    bool names_parent;          // what the list belongs to stands before the rows
};

// --- values ---

static const char *value_of(const struct request *r, const char *field)
{
    for (size_t i = 0; i < r->q->value_count; i++)
        if (strcmp(r->q->values[i].name, field) == 0)
            return r->q->values[i].value;
    bool is_opening = r->q->value_count == 0;
    return is_opening && r->deed->prefill != NULL ? r->deed->prefill(r, field) : NULL;
}

static const char *plain_row(const struct request *r, const char *id)
{
    (void)r;
    return id;
}

static const char *dataset_row(const struct request *r, const char *id)
{
    return tui_dataset_name(id, r->a);
}

static const char *first_row(const struct request *r)
{
    return r->q->id_count > 0 ? r->q->ids[0] : NULL;
}

static const char *launch_prefill(const struct request *r, const char *field)
{
    if (strcmp(field, "data") == 0 && r->q->list == SW_TUI_LIST_DATASETS && first_row(r) != NULL)
        return tui_dataset_name(first_row(r), r->a);
    if (strcmp(field, "data") == 0 && r->q->list == SW_TUI_LIST_ROWS)
        return tui_dataset_name(r->q->parent, r->a);
    return strcmp(field, "net") == 0 ? "cnn" : NULL;
}

// The file's own name, in the folder that the screens were started in.
static const char *export_prefill(const struct request *r, const char *field)
{
    return strcmp(field, "output") == 0 && first_row(r) != NULL ? sw_path_base(first_row(r)) : NULL;
}

static const char *register_prefill(const struct request *r, const char *field)
{
    return strcmp(field, "run") == 0 ? first_row(r) : NULL;
}

static const char *approve_prefill(const struct request *r, const char *field)
{
    return strcmp(field, "policy") == 0 && r->b->policy[0] != '\0' ? r->b->policy : NULL;
}

static const char *evaluate_prefill(const struct request *r, const char *field)
{
    return strcmp(field, "split") == 0 && r->q->value_count == 0 ? "test" : NULL;
}

static const char *push_prefill(const struct request *r, const char *field)
{
    struct sw_target *targets;
    size_t count;
    struct sw_err ignored = {0};
    if (strcmp(field, "template") == 0)
        return "kserve-inferenceservice";
    if (strcmp(field, "to") != 0 || sw_target_list(r->w->store, r->a, &targets, &count, &ignored) != SW_OK ||
        count == 0)
        return NULL;
    return targets[0].name;
}

// A push is taken up by the command that began it.
static const char *resume_row(const struct request *r, const char *id)
{
    struct sw_push p;
    struct sw_err ignored = {0};
    if (sw_push_get(r->w->store, strtoll(id, NULL, 10), r->a, &p, &ignored) != SW_OK)
        return id;
    return sw_arena_printf(r->a, "%s/%" PRId64, p.model, p.version);
}

static const char *push_target(const struct request *r, const char *id)
{
    struct sw_push p;
    struct sw_err ignored = {0};
    return sw_push_get(r->w->store, strtoll(id, NULL, 10), r->a, &p, &ignored) == SW_OK ? p.target : id;
}

static const char *resume_prefill(const struct request *r, const char *field)
{
    struct sw_push p;
    struct sw_err ignored = {0};
    if (first_row(r) == NULL || sw_push_get(r->w->store, strtoll(first_row(r), NULL, 10), r->a, &p, &ignored) != SW_OK)
        return NULL;
    if (strcmp(field, "to") == 0)
        return p.target;
    json_t *plan;
    if (strcmp(field, "template") != 0 ||
        sw_json_parse(p.plan_json, strlen(p.plan_json), "plan", &sw_tree_limits_default, &plan, &ignored) != SW_OK)
        return NULL;
    const char *name = sw_arena_strdup(r->a, sw_tree_text(plan, "template"));
    json_decref(plan);
    return name;
}

// --- previews ---

static enum sw_code preview_approve(const struct request *r, struct sw_tui_form *out, struct sw_err *err)
{
    struct sw_model_version v;
    struct sw_policy loaded, otherwise;
    const struct sw_policy *policy = NULL;
    struct sw_verdict_list verdicts;
    struct tui_sections s;
    enum sw_code code = sw_model_version_get(r->w->store, first_row(r), r->a, &v, err);
    if (code == SW_OK)
        code = tui_load_policy(r->b, value_of(r, "policy"), r->a, &loaded, &policy, err);
    if (code == SW_OK && policy == NULL) {
        policy = &otherwise;
        code = sw_policy_default(r->a, &otherwise, err);
    }
    if (code == SW_OK)
        code = sw_policy_judge(r->w->store, policy, &v, r->a, &verdicts, err);
    if (code == SW_OK)
        code = tui_sections_begin(&s, r->a, err);
    if (code != SW_OK) { // a policy that is being typed does not load yet: say so, keep the form
        out->blocked = sw_arena_strdup(r->a, err->message);
        return SW_OK;
    }
    tui_add_verdicts(&s, NULL, &verdicts);
    out->checks = s.items[0].checks.items;
    out->check_count = s.items[0].checks.count;
    out->preview_title = "will be approved";
    out->preview = sw_arena_printf(r->a, "%s\nsha256:%s\npolicy %s", first_row(r), v.digest, policy->name);
    if (verdicts.first_bad != NULL)
        out->blocked = verdicts.first_bad->sentence;
    return SW_OK;
}

static enum sw_code preview_export(const struct request *r, struct sw_tui_form *out, struct sw_err *err)
{
    (void)err;
    const char *to = value_of(r, "output");
    if (to == NULL || to[0] == '\0')
        out->blocked = "name a file, or a folder to copy it into";
    return SW_OK;
}

static void list_changes(const struct sw_ship_diff *diff, struct sw_buf *text)
{
    for (size_t i = 0; i < diff->count; i++) {
        char size[32];
        const struct sw_ship_item *item = &diff->items[i];
        sw_buf_addf(text, "%-8s %10s  %.12s  %s\n", sw_ship_change_word(item->change),
                    sw_format_bytes(size, sizeof size, item->size_bytes), item->digest, item->path);
    }
}

static enum sw_code preview_push(const struct request *r, struct sw_tui_form *out, struct sw_err *err)
{
    struct sw_push_preview look;
    struct sw_target target;
    struct sw_err problem = {0};
    struct sw_buf text;
    const char *to = value_of(r, "to");
    struct sw_push_request request = {
        .model = r->deed->row_word(r, first_row(r)),
        .target = to,
        .manifest_template = value_of(r, "template"),
    };
    if (to == NULL || to[0] == '\0') {
        out->blocked = "choose a target; screen 5 adds one";
        return SW_OK;
    }
    if (sw_push_look(r->w->store, &request, r->a, &look, &problem) != SW_OK) {
        out->blocked =
            sw_arena_printf(r->a, "%s%s%s", problem.message, problem.hint[0] != '\0' ? "; " : "", problem.hint);
        return SW_OK;
    }
    sw_buf_init(&text, PREVIEW_MAX);
    sw_buf_addf(&text, "%s\n", look.diff.destination);
    if (look.diff.is_unchanged)
        sw_buf_adds(&text, "nothing to write: the same bytes are there already\n");
    list_changes(&look.diff, &text);
    if (look.manifests != NULL)
        sw_buf_addf(&text, "\n%s", look.manifests);
    out->preview = sw_arena_strndup(r->a, text.data, text.len);
    out->preview_title = "will be written";
    sw_buf_free(&text);
    if (look.refusal.code != SW_OK)
        out->blocked = sw_arena_strdup(r->a, look.refusal.message);
    if (sw_target_get(r->w->store, to, r->a, &target, &problem) == SW_OK && target.is_production)
        out->confirm_word = target.name;
    return out->preview != NULL ? SW_OK : tui_no_memory(err);
}

// --- the table ---

#define ARG(variable, label, kind, words)                                                                              \
    static const struct sw_option variable[] = {{.name = (label), .type = (kind), .help = (words), .required = true}}
ARG(arg_net, "net", SW_OPTION_TEXT, "mlp, cnn, linear, mlp:512-256, or layers such as conv16-pool-conv32-pool-fc64");
ARG(arg_command, "command", SW_OPTION_TEXT, "command line, run by sh");
ARG(arg_path, "path", SW_OPTION_PATH, "file or folder");
ARG(arg_note, "text", SW_OPTION_TEXT, "the note; replaces the one before");
ARG(arg_tag, "key=value", SW_OPTION_TEXT, "tag and its value");
ARG(arg_model, "name", SW_OPTION_TEXT, "registered model, made when missing");
ARG(arg_alias, "alias", SW_OPTION_TEXT, "such as champion");
static const struct sw_option arg_target[] = {
    {.name = "name", .type = SW_OPTION_NAME, .help = "name of the target", .required = true},
    {.name = "address", .type = SW_OPTION_TEXT, .help = "bundle:FOLDER or bundle:FILE.tar", .required = true},
};
#define TAKES(array) .args = (array), .arg_count = COUNT(array)

static const struct deed deeds[] = {
    {.action = "launch",
     .verb = "train",
     TAKES(arg_net),
     .prefill = launch_prefill,
     .options =
         "data ranks name experiment epochs batch optimizer lr momentum weight-decay schedule warmup val-fraction "
         "seed gpus retries time-limit",
     .say = "job {job_id} ({name}) is queued",
     .open_list = SW_TUI_LIST_JOBS,
     .open = "{job_id}",
     .undo_reason = "a queued job is stopped with x"},
    {.action = "run",
     .verb = "run",
     TAKES(arg_command),
     .is_shell = true,
     .options = "name experiment ranks gpus metrics-from-output retries time-limit",
     .say = "job {job_id} ({name}) is queued",
     .open_list = SW_TUI_LIST_JOBS,
     .open = "{job_id}",
     .undo_reason = "a queued job is stopped with x"},
    {.action = "job.stop", .verb = "stop", .row_word = plain_row, .say = "asked to stop"},
    {.action = "job.retry", .verb = "retry", .row_word = plain_row, .say = "queued again"},
    {.action = "data.add", .verb = "data add", TAKES(arg_path), .options = "name", .say = "{name} is registered"},
    {.action = "data.rm",
     .verb = "data rm",
     .row_word = dataset_row,
     .say = "the name is hidden; files and runs stay",
     .undo_reason = "register it again with a"},
    {.action = "run.note", .verb = "note", .row_word = plain_row, TAKES(arg_note), .say = "noted"},
    {.action = "run.tag", .verb = "tag", .row_word = plain_row, TAKES(arg_tag), .say = "tagged"},
    {.action = "run.rm", .verb = "rm", .row_word = plain_row, .say = "deleted; u brings them back", .undo = "restore"},
    {.action = "run.restore", .verb = "restore", .row_word = plain_row, .say = "restored", .undo = "rm"},
    {.action = "artifact.export",
     .verb = "artifacts",
     .names_parent = true,
     .row_word = plain_row,
     .prefill = export_prefill,
     .options = "output",
     .preview = preview_export,
     .say = "{path} is copied"},
    {.action = "artifact.digest",
     .verb = "artifacts --digest",
     .names_parent = true,
     .row_word = plain_row,
     .say = "{path}: sha256:{sha256}"},
    {.action = "model.register",
     .verb = "model register",
     TAKES(arg_model),
     .prefill = register_prefill,
     .options = "run description",
     .say = "{name}/{version} is registered",
     .open_list = SW_TUI_LIST_MODELS,
     .open = "{name}/{version}"},
    {.action = "model.evaluate",
     .verb = "model evaluate",
     .row_word = plain_row,
     .prefill = evaluate_prefill,
     .options = "data split",
     .say = "evaluated on {dataset} {split}"},
    {.action = "model.approve",
     .verb = "model approve",
     .row_word = plain_row,
     .prefill = approve_prefill,
     .options = "policy comment target signing-key",
     .preview = preview_approve,
     .say = "{name}/{version} is approved",
     .undo_reason = "an approval is withdrawn with V"},
    {.action = "model.revoke",
     .verb = "model revoke",
     .row_word = plain_row,
     .options = "reason",
     .say = "withdrawn",
     .undo_reason = "approve it again with A"},
    {.action = "model.verify",
     .verb = "model verify",
     .row_word = plain_row,
     .say = "intact: every byte as registered"},
    {.action = "model.alias", .verb = "model alias", .row_word = plain_row, TAKES(arg_alias), .say = "alias is set"},
    {.action = "push",
     .verb = "push",
     .row_word = plain_row,
     .prefill = push_prefill,
     .options = "to template set",
     .preview = preview_push,
     .say = "push {push_id} is done, revision {revision}",
     .undo_reason = "pushed",
     .open_list = SW_TUI_LIST_PUSHES,
     .open = "{push_id}"},
    {.action = "target.add",
     .verb = "target add",
     TAKES(arg_target),
     .options = "production",
     .say = "{name} is a target"},
    {.action = "target.rm", .verb = "target rm", .row_word = plain_row, .say = "removed; what was pushed stays"},
    {.action = "push.resume",
     .verb = "push",
     .row_word = resume_row,
     .prefill = resume_prefill,
     .options = "to template",
     .preview = preview_push,
     .say = "push {push_id} is done, revision {revision}",
     .undo_reason = "pushed"},
    {.action = "push.verify", .verb = "status --verify", .row_word = push_target, .say = "as pushed: every byte fits"},
};

static const struct deed *find_deed(const char *action)
{
    for (size_t i = 0; i < COUNT(deeds); i++)
        if (strcmp(deeds[i].action, action) == 0)
            return &deeds[i];
    return NULL;
}

// --- words of the command ---

struct words {
    const char *items[WORDS_MAX + 1];
    size_t count;
};

static void add_word(struct words *w, const char *word)
{
    if (w->count < WORDS_MAX && word != NULL)
        w->items[w->count++] = word;
}

static void add_split(struct words *w, struct sw_arena *a, const char *text)
{
    char *rest = sw_arena_strdup(a, text);
    for (char *word; rest != NULL && (word = strsep(&rest, " ")) != NULL;)
        if (word[0] != '\0')
            add_word(w, word);
}

// Options of the deed's command that its form offers, in the form's order. The table lives in the arena.
static enum sw_code form_options(const struct request *r, struct sw_option **out, size_t *count, struct sw_err *err)
{
    const struct sw_command *command;
    struct words verb = {0}, names = {0};
    size_t used, all_count = 0;
    add_split(&verb, r->a, r->deed->verb);
    add_split(&names, r->a, r->deed->options != NULL ? r->deed->options : "");
    enum sw_code code = sw_command_find(verb.items, verb.count, &command, &used, err);
    if (code != SW_OK)
        return code;
    struct sw_option *all = sw_command_options(command, &all_count);
    struct sw_option *chosen = sw_arena_array(r->a, names.count + 1, sizeof *chosen);
    *count = 0;
    for (size_t i = 0; i < names.count && chosen != NULL; i++) {
        const struct sw_option *o = sw_option_find(all, all_count, names.items[i]);
        if (o != NULL)
            chosen[(*count)++] = *o;
    }
    free(all);
    *out = chosen;
    return chosen != NULL ? SW_OK : tui_no_memory(err);
}

static void add_option(struct words *w, const struct request *r, const struct sw_option *o)
{
    const char *value = value_of(r, o->name);
    if (value == NULL || value[0] == '\0' || (o->otherwise != NULL && strcmp(value, o->otherwise) == 0))
        return;
    if (o->type == SW_OPTION_FLAG) {
        if (strcmp(value, "true") == 0)
            add_word(w, sw_arena_printf(r->a, "--%s", o->name));
        return;
    }
    struct words values = {0};
    if (o->repeat)
        add_split(&values, r->a, value);
    else
        add_word(&values, value);
    for (size_t i = 0; i < values.count; i++)
        add_word(w, sw_arena_printf(r->a, "--%s=%s", o->name, values.items[i]));
}

static enum sw_code command_words(const struct request *r, struct words *out, struct sw_err *err)
{
    struct sw_option *options;
    size_t count;
    struct words plain = {0};
    enum sw_code code = form_options(r, &options, &count, err);
    if (code != SW_OK)
        return code;
    add_split(out, r->a, r->deed->verb);
    if (r->deed->names_parent)
        add_word(&plain, r->q->parent);
    for (size_t i = 0; i < r->q->id_count && r->deed->row_word != NULL; i++)
        add_word(&plain, r->deed->row_word(r, r->q->ids[i]));
    if (r->deed->is_shell) {
        add_word(&plain, "sh");
        add_word(&plain, "-c");
    }
    bool has_dash = r->deed->is_shell;
    for (size_t i = 0; i < r->deed->arg_count; i++) {
        const char *value = value_of(r, r->deed->args[i].name);
        has_dash = has_dash || (value != NULL && value[0] == '-');
        add_word(&plain, value);
    }
    // Arguments that look like options stand behind "--", all others where people write them: before the options.
    for (size_t i = 0; i < plain.count && !has_dash; i++)
        add_word(out, plain.items[i]);
    for (size_t i = 0; i < count; i++)
        add_option(out, r, &options[i]);
    if (has_dash)
        add_word(out, "--");
    for (size_t i = 0; i < plain.count && has_dash; i++)
        add_word(out, plain.items[i]);
    return SW_OK;
}

// As a shell takes it.
static const char *shell_text(struct sw_arena *a, const struct words *w)
{
    struct sw_buf text;
    sw_buf_init(&text, 64 << 10);
    sw_buf_adds(&text, "slipway");
    for (size_t i = 0; i < w->count; i++) {
        const char *word = w->items[i];
        size_t safe = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=/.,:@+%");
        sw_buf_addc(&text, ' ');
        if (word[0] != '\0' && word[safe] == '\0') {
            sw_buf_adds(&text, word);
            continue;
        }
        sw_buf_addc(&text, '\'');
        for (const char *c = word; *c != '\0'; c++) {
            if (*c == '\'')
                sw_buf_adds(&text, "'\\''");
            else
                sw_buf_addc(&text, *c);
        }
        sw_buf_addc(&text, '\'');
    }
    const char *copy = sw_arena_strndup(a, text.data, text.len);
    sw_buf_free(&text);
    return copy;
}

// --- running it ---

// The error that the command printed, or what can be said when it printed none.
static enum sw_code command_error(const char *verb, const struct sw_buf *errors, const struct sw_proc_result *result,
                                  struct sw_err *err)
{
    const char *line = errors->len > 0 ? strstr(errors->data, "{\"kind\":\"Error\"") : NULL;
    json_t *document = NULL;
    struct sw_err ignored = {0};
    if (line != NULL &&
        sw_json_parse(line, strcspn(line, "\n"), verb, &sw_tree_limits_default, &document, &ignored) == SW_OK &&
        sw_tree_text(document, "message") != NULL) {
        const char *word = sw_tree_text(document, "code"), *hint = sw_tree_text(document, "hint");
        enum sw_code code = SW_FAILED;
        for (int i = 1; i < (int)SW_CODE_COUNT; i++)
            if (word != NULL && strcmp(word, sw_code_word((enum sw_code)i)) == 0)
                code = (enum sw_code)i;
        (void)sw_err_set(err, code, "%s", sw_tree_text(document, "message"));
        if (hint != NULL && hint[0] != '\0')
            (void)sw_err_hint(err, "%s", hint);
        json_decref(document);
        return code;
    }
    json_decref(document);
    if (result->signo != 0)
        return sw_err_set(err, SW_FAILED, "slipway %s was ended by signal %d", verb, result->signo);
    return sw_err_set(err, SW_FAILED, "slipway %s failed with exit code %d", verb, result->exit_code);
}

// Runs `slipway WORDS...` on the backend's store and gives its document. A failure becomes the command's own error.
static enum sw_code run_command(struct sw_app_backend *b, const char *verb, const char *const *words, json_t **out,
                                struct sw_err *err)
{
    const char *argv[WORDS_MAX + 8] = {"/proc/self/exe", "--json", "--yes", "--store", b->store_dir};
    char self[SW_PATH_MAX];
    size_t n = 5;
    struct sw_proc_result result;
    struct sw_buf output, errors;
    enum sw_code code = sw_path_sibling("slipway", self, err);
    if (code != SW_OK)
        return code;
    argv[0] = self;
    for (size_t i = 0; words[i] != NULL && n < COUNT(argv) - 1; i++)
        argv[n++] = words[i];
    struct sw_proc_spec spec = {.argv = argv, .new_session = true};
    sw_buf_init(&output, OUTPUT_MAX);
    sw_buf_init(&errors, OUTPUT_MAX);
    code = sw_proc_run(&spec, NULL, 0, COMMAND_TIMEOUT_MS, &output, &errors, &result, err);
    *out = NULL;
    if (code == SW_OK && (result.signo != 0 || result.exit_code != 0))
        code = command_error(verb, &errors, &result, err);
    if (code == SW_OK && output.len > 0)
        code = sw_json_parse(output.data, output.len, verb, &sw_tree_limits_default, out, err);
    sw_buf_free(&output);
    sw_buf_free(&errors);
    return code;
}

// `pattern` with each {key} replaced by that member of the document.
static const char *fill_pattern(struct sw_arena *a, const char *pattern, const json_t *document)
{
    struct sw_buf text;
    sw_buf_init(&text, 4096);
    for (const char *at = pattern; *at != '\0';) {
        const char *open = strchr(at, '{'), *close = open != NULL ? strchr(open, '}') : NULL;
        if (close == NULL) {
            sw_buf_adds(&text, at);
            break;
        }
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)(close - open - 1), open + 1);
        const json_t *value = json_object_get(document, key);
        sw_buf_add(&text, at, (size_t)(open - at));
        if (json_is_string(value))
            sw_buf_adds(&text, json_string_value(value));
        else if (json_is_integer(value))
            sw_buf_addf(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else
            sw_buf_adds(&text, "-");
        at = close + 1;
    }
    const char *filled = sw_arena_strndup(a, text.data, text.len);
    sw_buf_free(&text);
    return filled;
}

// A token "restore ID ID...": what `u` hands back.
static const char *undo_token(const struct request *r)
{
    const char *token = r->deed->undo;
    for (size_t i = 0; i < r->q->id_count && token != NULL; i++)
        token = sw_arena_printf(r->a, "%s %s", token, r->q->ids[i]);
    return token;
}

static enum sw_code undo(struct sw_app_backend *b, const struct sw_tui_action_query *q, struct sw_arena *a,
                         struct sw_tui_outcome *out, struct sw_err *err)
{
    struct words words = {0};
    json_t *document;
    if (q->id_count == 0)
        return sw_err_set(err, SW_INVALID, "nothing to undo");
    add_split(&words, a, q->ids[0]);
    enum sw_code code = run_command(b, words.items[0], words.items, &document, err);
    if (code != SW_OK)
        return code;
    json_decref(document);
    out->message = "taken back";
    out->role = SW_TUI_OK;
    out->command = shell_text(a, &words);
    return SW_OK;
}

enum sw_code tui_act(void *ctx, const struct sw_tui_action_query *q, const struct sw_task *task, struct sw_arena *a,
                     struct sw_tui_outcome *out, struct sw_err *err)
{
    (void)task;
    struct request r = {.b = ctx, .a = a, .q = q, .deed = find_deed(q->action)};
    struct words words = {0};
    json_t *document;
    if (strcmp(q->action, "undo") == 0)
        return undo(ctx, q, a, out, err);
    if (r.deed == NULL)
        return sw_err_set(err, SW_UNSUPPORTED, "the action '%s' is not known here", q->action);
    enum sw_code code = tui_worker(ctx, &r.w, err);
    if (code == SW_OK)
        code = command_words(&r, &words, err);
    if (code == SW_OK)
        code = run_command(ctx, r.deed->verb, words.items, &document, err);
    if (code != SW_OK)
        return code;
    out->message = fill_pattern(a, r.deed->say, document);
    out->role = SW_TUI_OK;
    out->command = shell_text(a, &words);
    out->undo = undo_token(&r);
    out->undo_reason = r.deed->undo_reason;
    if (r.deed->open != NULL) {
        out->open_id = fill_pattern(a, r.deed->open, document);
        out->open_list = r.deed->open_list;
        out->open_parent = r.deed->open_list == SW_TUI_LIST_PUSHES ? value_of(&r, "to") : "";
    }
    json_decref(document);
    return SW_OK;
}

// --- forms ---

static enum sw_code suggest(const struct request *r, const struct sw_option *o, struct sw_tui_field *field,
                            struct sw_err *err)
{
    size_t count = 0;
    const char **names = NULL;
    enum sw_code code = SW_OK;
    if (strcmp(o->name, "net") == 0) {
        static const char *const nets[] = {"cnn", "mlp", "linear"};
        field->suggestions = nets;
        field->suggestion_count = COUNT(nets);
        return SW_OK;
    }
    if (o->type == SW_OPTION_DATASET) {
        struct sw_dataset *items;
        code = sw_dataset_list(r->w->store, r->a, &items, &count, err);
        names = code == SW_OK ? sw_arena_array(r->a, count + 1, sizeof *names) : NULL;
        for (size_t i = 0; names != NULL && i < count; i++)
            names[i] = items[i].name;
    } else if (o->type == SW_OPTION_TARGET) {
        struct sw_target *items;
        code = sw_target_list(r->w->store, r->a, &items, &count, err);
        names = code == SW_OK ? sw_arena_array(r->a, count + 1, sizeof *names) : NULL;
        for (size_t i = 0; names != NULL && i < count; i++)
            names[i] = items[i].name;
    } else if (strcmp(o->name, "template") == 0) {
        struct sw_template_row *items;
        code = sw_template_list(r->a, &items, &count, err);
        names = code == SW_OK ? sw_arena_array(r->a, count + 1, sizeof *names) : NULL;
        for (size_t i = 0; names != NULL && i < count; i++)
            names[i] = items[i].name;
    }
    field->suggestions = names;
    field->suggestion_count = names != NULL ? count : 0;
    return code;
}

static enum sw_code add_field(const struct request *r, const struct sw_option *o, struct sw_tui_form *out,
                              struct sw_tui_field *fields, struct sw_err *err)
{
    if (out->field_count == FIELDS_MAX)
        return SW_OK;
    struct sw_tui_field *field = &fields[out->field_count++];
    *field = (struct sw_tui_field){.option = o, .value = value_of(r, o->name)};
    return suggest(r, o, field, err);
}

enum sw_code tui_load_form(void *ctx, const struct sw_tui_action_query *q, const struct sw_task *task,
                           struct sw_arena *a, struct sw_tui_form *out, struct sw_err *err)
{
    (void)task;
    struct request r = {.b = ctx, .a = a, .q = q, .deed = find_deed(q->action)};
    struct sw_option *options;
    struct words words = {0};
    size_t count = 0;
    if (r.deed == NULL)
        return sw_err_set(err, SW_UNSUPPORTED, "the action '%s' is not known here", q->action);
    struct sw_tui_field *fields = sw_arena_array(a, FIELDS_MAX, sizeof *fields);
    enum sw_code code = fields != NULL ? tui_worker(ctx, &r.w, err) : tui_no_memory(err);
    if (code == SW_OK)
        code = form_options(&r, &options, &count, err);
    for (size_t i = 0; i < r.deed->arg_count && code == SW_OK; i++)
        code = add_field(&r, &r.deed->args[i], out, fields, err);
    for (size_t i = 0; i < count && code == SW_OK; i++)
        code = add_field(&r, &options[i], out, fields, err);
    if (code == SW_OK)
        code = command_words(&r, &words, err);
    if (code != SW_OK)
        return code;
    out->fields = fields;
    out->title = sw_arena_printf(a, "slipway %s", r.deed->verb);
    out->command = shell_text(a, &words);
    out->preview_title = "will be run";
    out->preview = out->command;
    return r.deed->preview != NULL ? r.deed->preview(&r, out, err) : SW_OK;
}
