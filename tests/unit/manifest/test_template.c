// SPDX-License-Identifier: Apache-2.0
// Templates: what is refused at load and with which line, how values are typed, left out and checked, where templates are
// found, and that no value changes the structure of what is rendered.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/path.h"
#include "core/manifest/template.h"

static char test_dir[] = "/tmp/slipway-template-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    unsetenv("SLIPWAY_TEMPLATES");
    return mkdtemp(test_dir) != NULL ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    struct sw_err err = {0};
    return sw_path_remove_tree(test_dir, &err) == SW_OK ? 0 : -1;
}

static const char *put(const char *name, const char *text)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s", test_dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    return path;
}

#define HEAD "apiVersion: slipway/v1\nkind: Template\nmetadata: {name: t, summary: s}\n"
#define BODY "---\napiVersion: v1\nkind: ConfigMap\n"

static struct sw_template *load_ok(const char *text)
{
    struct sw_template *t = NULL;
    struct sw_err err = {0};
    if (sw_template_load(put("t.yaml", text), &t, &err) != SW_OK)
        fail_msg("%s (%s)", err.message, err.hint);
    return t;
}

static void refuses_bad_declarations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
        const char *words, *hint;
    } cases[] = {
        {"a: b\n", 1, "no template declaration", "apiVersion"},
        {"apiVersion: slipway/v2\nkind: Template\n" BODY, 1, "no template declaration", ""},
        {"apiVersion: slipway/v1\nkind: Template\n" BODY, 1, "'metadata'", ""},
        {HEAD, 1, "no manifest", ""},
        {"apiVersion: slipway/v1\nkind: Template\nmetadata: {name: other, summary: s}\n" BODY, 3, "is named other", ""},
        {"apiVersion: slipway/v1\nkind: Template\nmetadata: {name: t}\n" BODY, 3, "'summary' is missing", ""},
        {HEAD "parametres: []\n" BODY, 4, "no key 'parametres'", "parameters"},
        {HEAD "parameters: 5\n" BODY, 4, "not a list", ""},
        {HEAD "parameters:\n- {name: a, type: int, help: h, defualt: 1}\n" BODY, 5, "no key 'defualt'", "default"},
        {HEAD "parameters:\n- text\n" BODY, 5, "a parameter is a mapping", ""},
        {HEAD "parameters:\n- {type: int, help: h}\n" BODY, 5, "'name' is missing", ""},
        {HEAD "parameters:\n- {name: Big, type: int, help: h}\n" BODY, 5, "'Big' is no parameter name", ""},
        {HEAD "parameters:\n- {name: a, help: h}\n" BODY, 5, "'type' is missing", ""},
        {HEAD "parameters:\n- {name: a, type: int}\n" BODY, 5, "'help' is missing", ""},
        {HEAD "parameters:\n- {name: a, type: inte, help: h}\n" BODY, 5, "unknown type 'inte'", "'int'"},
        {HEAD "parameters:\n- {name: a, type: text, help: h}\n- {name: a, type: int, help: h}\n" BODY "x: ${a}\n", 6,
         "declared twice", ""},
        {HEAD "parameters:\n- {name: a, type: text, min: 1, max: 2, help: h}\n" BODY, 5, "has a range", ""},
        {HEAD "parameters:\n- {name: a, type: int, min: 1, help: h}\n" BODY, 5, "both min and max", ""},
        {HEAD "parameters:\n- {name: a, type: int, min: 3, max: 3, help: h}\n" BODY, 5, "min below max", ""},
        {HEAD "parameters:\n- {name: a, type: choice, help: h}\n" BODY, 5, "'choices'", ""},
        {HEAD "parameters:\n- {name: a, type: int, choices: [x], help: h}\n" BODY, 5, "'choices'", ""},
        {HEAD "parameters:\n- {name: a, type: choice, choices: [x, [y]], help: h}\n" BODY, 5, "not a word", ""},
        {HEAD "parameters:\n- {name: a, type: choice, choices: [x|y], help: h}\n" BODY, 5, "not a word", ""},
        {HEAD "parameters:\n- {name: a, type: int, default: x, help: h}\n" BODY, 5, "default of: parameter a", ""},
        {HEAD "parameters:\n- {name: a, type: int, default: 9, min: 1, max: 5, help: h}\n" BODY, 5, "from 1 to 5", ""},
        {HEAD "parameters:\n- {name: a, type: int, default: [1], help: h}\n" BODY, 5, "not a single value", ""},
        {HEAD "parameters:\n- {name: a, type: int, default: 1, required: true, help: h}\n" BODY, 5, "only one of", ""},
        {HEAD "parameters:\n- {name: a, type: int, required: maybe, help: h}\n" BODY, 5, "true or false", ""},
        {HEAD "parameters:\n- {name: a, type: text, from: model.digset, help: h}\n" BODY, 5, "'model.digset'",
         "model.digest"},
        {HEAD "parameters:\n- {name: a, type: text, help: h}\n" BODY, 5, "declared but not used", ""},
        {HEAD BODY "data:\n  x: ${nmae}\n", 8, "'nmae' is used but not declared", ""},
        {HEAD "parameters:\n- {name: name, type: text, help: h}\n" BODY "x: ${name}\ny: ${nmae}\n", 10,
         "'nmae' is used", "'name'"},
        {HEAD "parameters:\n- {name: a, type: text, help: h}\n" BODY "x: v-${a}\n", 9, "inside a longer text", "$${"},
        {HEAD "parameters:\n- {name: a, type: text, help: h}\n" BODY "x: ${a}${a}\n", 9, "inside a longer text", ""},
        {HEAD "parameters:\n- {name: a, type: text, help: h}\n" BODY "x: ${a\n", 9, "inside a longer text", ""},
        {HEAD BODY "x: ${}\n", 7, "inside a longer text", ""},
        {HEAD "parameters:\n- {name: a, type: text, help: h}\n" BODY "\"${a}\": 1\n", 9, "the key", ""},
        {HEAD BODY "x: {$fi: a}\n", 7, "the key '$fi'", ""},
        {HEAD BODY "x: {$if: [a]}\n", 7, "names no parameter", ""},
        {HEAD BODY "x: {$if: nothing}\n", 7, "'nothing' is used but not declared", ""},
        {HEAD "---\n- list\n", 1, "document 1 of the manifest has no apiVersion", ""},
        {HEAD BODY "---\nkind: X\n", 8, "document 2 of the manifest has no apiVersion", ""},
        {HEAD BODY "x: &a {y: 1}\nz: *a\n", 8, "aliases are not taken", ""},
        {HEAD BODY "x: {<<: {y: 1}}\n", 7, "merge keys", ""},
        {HEAD BODY "x: 1\nx: 2\n", 8, "given twice", ""},
        {HEAD BODY "x: [1\n", 0, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_template *t = NULL;
        struct sw_err err = {0};
        char place[500];
        const char *path = put("t.yaml", cases[i].text);
        enum sw_code code = sw_template_load(path, &t, &err);
        snprintf(place, sizeof place, "%s:%d: ", path, cases[i].line);
        if (code != SW_INVALID || (cases[i].line > 0 && strncmp(err.message, place, strlen(place)) != 0) ||
            strstr(err.message, cases[i].words) == NULL || strstr(err.hint, cases[i].hint) == NULL)
            fail_msg("case %zu: wanted %d '%s' [%s], got %s (%s)", i, cases[i].line, cases[i].words, cases[i].hint,
                     err.message, err.hint);
    }
}

static const char all_types[] =
    HEAD "parameters:\n"
         "- {name: name, type: name, help: h, default: web}\n"
         "- {name: int, type: int, help: h, default: 3, min: 1, max: 9}\n"
         "- {name: real, type: real, help: h, default: 0.1, min: 0, max: 1}\n"
         "- {name: bool, type: bool, help: h, default: true}\n"
         "- {name: choice, type: choice, choices: [red, green], help: h, default: red}\n"
         "- {name: quantity, type: quantity, help: h, default: 500m}\n"
         "- {name: image, type: image, help: h, default: \"reg.io/a/b:1\"}\n"
         "- {name: duration, type: duration, help: h, default: 15m}\n"
         "- {name: text, type: text, help: h, default: \"3\"}\n"
         "- {name: path, type: path, help: h, default: a/b}\n" BODY
         "name: ${name}\nint: ${int}\nreal: ${real}\nbool: ${bool}\nchoice: ${choice}\nquantity: ${quantity}\n"
         "image: ${image}\nduration: ${duration}\ntext: ${text}\npath: ${path}\n";

static void types_defaults(void **state)
{
    (void)state;
    struct sw_template *t = load_ok(all_types);
    const struct sw_template_info *info = sw_template_info(t);
    struct sw_err err = {0};
    json_t *docs = NULL;
    assert_int_equal(info->parameter_count, 10);
    assert_int_equal(info->document_count, 1);
    assert_string_equal(info->parameters[4].choices, "red|green");
    assert_int_equal(sw_template_render(t, NULL, 0, NULL, 0, &docs, &err), SW_OK);
    json_t *doc = json_array_get(docs, 0);
    assert_true(json_is_integer(json_object_get(doc, "int")) && sw_tree_int(doc, "int", 0) == 3);
    assert_true(json_is_real(json_object_get(doc, "real")) && sw_tree_real(doc, "real", 0) == 0.1);
    assert_true(json_is_true(json_object_get(doc, "bool")));
    assert_string_equal(sw_tree_text(doc, "text"), "3"); // text stays text although it looks like a number
    assert_string_equal(sw_tree_text(doc, "quantity"), "500m");
    json_decref(docs);
    sw_template_free(t);
}

static void names_parameter_type_and_range(void **state)
{
    (void)state;
    struct sw_template *t = load_ok(all_types);
    static const struct {
        const char *name, *value, *words, *hint;
    } cases[] = {
        {"name", "No_Good", "parameter name: 'No_Good' is not a name", ""},
        {"int", "many", "parameter int: 'many' is not a whole number from 1 to 9 (integer)", ""},
        {"int", "10", "parameter int: '10' is not a whole number from 1 to 9 (integer)", ""},
        {"int", "2.5", "parameter int: '2.5'", ""},
        {"real", "1.5", "parameter real: '1.5' is not a number from 0 to 1 (number)", ""},
        {"bool", "perhaps", "parameter bool: 'perhaps' is not true or false (flag)", ""},
        {"choice", "gren", "parameter choice: 'gren' is not one of red|green (choice)", "green"},
        {"quantity", "2 GB", "parameter quantity: '2 GB' is not a quantity", ""},
        {"image", "UPPER/CASE", "parameter image: 'UPPER/CASE' is not an image reference", ""},
        {"duration", "soon", "parameter duration: 'soon' is not a duration", ""},
        {"text", "a\nb", "is not UTF-8 text without control characters (text)", ""},
        {"path", "", "parameter path: '' is not a file or folder", ""},
        {"colour", "x", "template t has no parameter 'colour'", ""},
        {"choise", "x", "template t has no parameter 'choise'", "'choice'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_template_value set = {cases[i].name, cases[i].value};
        struct sw_err err = {0};
        json_t *docs = NULL;
        enum sw_code code = sw_template_render(t, &set, 1, NULL, 0, &docs, &err);
        if (code != SW_USAGE || strstr(err.message, cases[i].words) == NULL || strstr(err.hint, cases[i].hint) == NULL)
            fail_msg("case %zu: wanted '%s', got %s (%s)", i, cases[i].words, err.message, err.hint);
    }
    struct sw_template_value twice[] = {{"int", "1"}, {"int", "2"}};
    struct sw_err err = {0};
    json_t *docs = NULL;
    assert_int_equal(sw_template_render(t, twice, 2, NULL, 0, &docs, &err), SW_USAGE);
    assert_non_null(strstr(err.message, "given twice"));
    sw_template_free(t);
}

static void takes_set_before_context_before_default(void **state)
{
    (void)state;
    struct sw_template *t =
        load_ok(HEAD "parameters:\n"
                     "- {name: a, type: text, from: model.name, default: d, help: h}\n"
                     "- {name: b, type: text, from: model.digest, required: true, help: the digest}\n" BODY
                     "a: ${a}\nb: ${b}\n");
    struct sw_template_value context[] = {{"model.name", "c"}, {"model.digest", "x"}, {"push.id", "unused"}};
    struct sw_template_value set = {"a", "s"};
    struct sw_err err = {0};
    json_t *docs = NULL;
    assert_string_equal(sw_template_value_of(t, "a", &set, 1, context, 3), "s");
    assert_string_equal(sw_template_value_of(t, "a", NULL, 0, context, 3), "c");
    assert_string_equal(sw_template_value_of(t, "a", NULL, 0, NULL, 0), "d");
    assert_int_equal(sw_template_render(t, &set, 1, NULL, 0, &docs, &err), SW_USAGE);
    assert_string_equal(err.message, "template t needs the parameter b (text): the digest");
    assert_string_equal(err.hint, "give it with --set b=VALUE");
    assert_int_equal(sw_template_render(t, &set, 1, context, 3, &docs, &err), SW_OK);
    assert_string_equal(sw_tree_text(json_array_get(docs, 0), "a"), "s");
    json_decref(docs);
    sw_template_free(t);
}

static char *render_compact(const struct sw_template *t, const char *name, const char *value)
{
    struct sw_template_value set = {name, value};
    struct sw_err err = {0};
    json_t *docs = NULL;
    if (sw_template_render(t, &set, value != NULL, NULL, 0, &docs, &err) != SW_OK)
        fail_msg("%s", err.message);
    char *text = json_dumps(docs, JSON_COMPACT);
    json_decref(docs);
    return text;
}

static void leaves_out_what_conditions_say(void **state)
{
    (void)state;
    struct sw_template *t =
        load_ok(HEAD "parameters:\n- {name: on, type: bool, help: h, default: false}\n"
                     "- {name: opt, type: text, help: h}\n" BODY
                     "a: {$if: on, x: 1}\nl: [{$if: on, y: 2}, 5]\nm: [{$if: opt, z: \"${opt}\"}]\nu: ${opt}\n"
                     "keep: {}\ne: {$if: on}\nlit: $${opt} $5\n"
                     "---\n$if: opt\napiVersion: v1\nkind: B\n");
    static const struct {
        const char *name, *value, *want;
    } cases[] = {
        {NULL, NULL, "[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"l\":[5],\"keep\":{},\"lit\":\"${opt} $5\"}]"},
        {"on", "true",
         "[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"a\":{\"x\":1},\"l\":[{\"y\":2},5],\"keep\":{},\"e\":{},"
         "\"lit\":\"${opt} $5\"}]"},
        {"on", "no", "[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"l\":[5],\"keep\":{},\"lit\":\"${opt} $5\"}]"},
        {"opt", "v",
         "[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"l\":[5],\"m\":[{\"z\":\"v\"}],\"u\":\"v\",\"keep\":{},"
         "\"lit\":\"${opt} $5\"},{\"apiVersion\":\"v1\",\"kind\":\"B\"}]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = render_compact(t, cases[i].name, cases[i].value);
        assert_string_equal(got, cases[i].want);
        free(got);
    }
    sw_template_free(t);
}

// What is written reads back as the tree that was written, whatever the value; and nothing but the value differs.
static void assert_survives(const struct sw_template *t, const char *value)
{
    struct sw_template_value set = {"v", value};
    struct sw_err err = {0};
    json_t *docs = NULL, *back = NULL;
    if (sw_template_render(t, &set, 1, NULL, 0, &docs, &err) != SW_OK) {
        assert_int_equal(err.code, SW_USAGE); // control characters are refused by the type, before any document exists
        return;
    }
    json_t *want = json_pack("[{s:s, s:s, s:{s:s}, s:[s]}, {s:s, s:s}]", "apiVersion", "v1", "kind", "ConfigMap",
                             "data", "k", value, "l", value, "apiVersion", "v1", "kind", "Second");
    assert_true(json_equal(docs, want));
    struct sw_buf text;
    sw_buf_init(&text, 1 << 20);
    assert_int_equal(sw_manifest_write_yaml(docs, &text, &err), SW_OK);
    struct sw_yaml *y = NULL;
    if (sw_yaml_parse(text.data, text.len, "rendered", &sw_tree_limits_default, &y, &err) != SW_OK)
        fail_msg("%s in:\n%s", err.message, text.data);
    assert_int_equal(sw_yaml_count(y), 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(json_equal(sw_yaml_doc(y, i), json_array_get(want, i)));
    sw_yaml_free(y);
    sw_buf_clear(&text);
    assert_int_equal(sw_manifest_write_json(docs, &text, &err), SW_OK);
    assert_int_equal(sw_json_parse(text.data, text.len, "rendered", &sw_tree_limits_default, &back, &err), SW_OK);
    assert_true(json_equal(back, want));
    json_decref(back);
    json_decref(want);
    json_decref(docs);
    sw_buf_free(&text);
}

static void no_value_changes_structure(void **state)
{
    (void)state;
    struct sw_template *t = load_ok(HEAD "parameters:\n- {name: v, type: text, required: true, help: h}\n" BODY
                                         "data: {k: \"${v}\"}\nl: [\"${v}\"]\n---\napiVersion: v1\nkind: Second\n");
    static const char *const nasty[] = {
        "",
        "${v}",
        "${other}",
        "$${v}",
        "a\nb: c",
        "---",
        "--- x",
        "...",
        "null",
        "~",
        "true",
        "yes",
        "0x10",
        "1e3",
        "007",
        "- x",
        "x: y",
        "x #c",
        "#c",
        "\"",
        "'",
        "\\",
        "\\n",
        "|",
        ">",
        "&a",
        "*a",
        "!!int 3",
        "%YAML",
        "{a: b}",
        "[a]",
        " lead",
        "trail ",
        "?",
        ":",
        "-",
        "<<",
        "@x",
        "`x`",
        "\t",
        "a\tb",
        "é\u2028x",
        "\xef\xbb\xbfx",
        ".inf",
        ".nan",
        "2024-01-01",
        "1:30",
        "=",
        "$if",
        "a\"\n---\nkind: Evil",
    };
    for (size_t i = 0; i < sizeof nasty / sizeof *nasty; i++)
        assert_survives(t, nasty[i]);
    static const char *const pieces[] = {"\n", "\"", "'",   "${v}", "$", "{",  "}",  "[", "]",  ": ",
                                         "- ", "#",  "---", "a",    "1", " ",  ",",  "&", "*",  "!",
                                         "|",  ">",  "%",   "@",    "`", "\\", "\t", "é", "\r", "?"};
    unsigned seed = 12345;
    for (int round = 0; round < 3000; round++) {
        char value[200] = "";
        seed = seed * 1664525u + 1013904223u;
        for (unsigned n = 1 + (seed >> 16) % 12; n > 0; n--) {
            seed = seed * 1664525u + 1013904223u;
            strcat(value, pieces[(seed >> 16) % (sizeof pieces / sizeof *pieces)]);
        }
        assert_survives(t, value);
    }
    sw_template_free(t);
}

// --- search path ---

static void put_named(const char *folder, const char *name, const char *summary)
{
    char file[200], text[500];
    snprintf(file, sizeof file, "%s/%s.yaml", folder, name);
    snprintf(text, sizeof text, "apiVersion: slipway/v1\nkind: Template\nmetadata: {name: %s, summary: %s}\n" BODY,
             name, summary);
    put(file, text);
}

static const struct sw_template_row *row_of(const struct sw_template_row *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    fail_msg("no template %s", name);
    return NULL;
}

static void own_templates_hide_built_in_ones(void **state)
{
    (void)state;
    char path[300], own[300];
    snprintf(path, sizeof path, "%s/set1:/nonexistent:%s/set2", test_dir, test_dir);
    snprintf(own, sizeof own, "%s/config", test_dir);
    static const char *const folders[] = {"set1", "set2", "config", "config/slipway", "config/slipway/templates"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char folder[300];
        snprintf(folder, sizeof folder, "%s/%s", test_dir, folders[i]);
        assert_int_equal(mkdir(folder, 0700), 0);
    }
    put_named("set1", "alpha", "first");
    put_named("set2", "alpha", "second");
    put_named("set2", "beta", "first");
    put_named("config/slipway/templates", "beta", "mine");
    put("set1/broken.yaml", "apiVersion: slipway/v1\nkind: Template\n");
    put("set1/notes.txt", "no template");
    setenv("SLIPWAY_TEMPLATES", path, 1);
    setenv("XDG_CONFIG_HOME", own, 1);
    struct sw_arena *a = sw_arena_new(1 << 20);
    struct sw_template_row *rows = NULL;
    struct sw_err err = {0};
    size_t count = 0;
    assert_int_equal(sw_template_list(a, &rows, &count, &err), SW_OK);
    const struct sw_template_row *alpha = row_of(rows, count, "alpha"), *beta = row_of(rows, count, "beta");
    assert_string_equal(alpha->summary, "first");
    assert_string_equal(alpha->origin, "set");
    assert_non_null(strstr(alpha->shadows, "set2/alpha.yaml"));
    assert_string_equal(beta->summary, "mine");
    assert_string_equal(beta->origin, "own");
    assert_non_null(strstr(beta->shadows, "set2/beta.yaml"));
    assert_non_null(strstr(row_of(rows, count, "broken")->problem, "'metadata'"));
    sw_arena_free(a);

    struct sw_template *t = NULL;
    assert_int_equal(sw_template_find("beta", &t, &err), SW_OK);
    assert_string_equal(sw_template_info(t)->summary, "mine");
    sw_template_free(t);
    assert_int_equal(sw_template_find("bata", &t, &err), SW_NOT_FOUND);
    assert_non_null(strstr(err.hint, "'beta'"));
    unsetenv("SLIPWAY_TEMPLATES");
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
}

// --- the templates that come with the program ---

static void renders_the_built_in_templates(void **state)
{
    (void)state;
    setenv("SLIPWAY_TEMPLATES", "templates", 1);
    struct sw_template_value context[] = {{"model.name", "digits"},        {"model.version", "3"},
                                          {"model.digest", "sha256:aa"},   {"model.uri", "s3://models/digits/3"},
                                          {"target.namespace", "serving"}, {"audit.head", "sha256:bb"}};
    struct sw_template *t = NULL;
    struct sw_err err = {0};
    json_t *docs = NULL;
    if (sw_template_find("kserve-inferenceservice", &t, &err) != SW_OK)
        fail_msg("%s", err.message);
    if (sw_template_render(t, NULL, 0, context, 6, &docs, &err) != SW_OK)
        fail_msg("%s", err.message);
    assert_int_equal(json_array_size(docs), 1);
    json_t *doc = json_array_get(docs, 0), *metadata = json_object_get(doc, "metadata");
    assert_string_equal(sw_tree_text(doc, "apiVersion"), "serving.kserve.io/v1beta1");
    assert_string_equal(sw_tree_text(metadata, "namespace"), "serving");
    json_t *annotations = json_object_get(metadata, "annotations");
    assert_string_equal(sw_tree_text(annotations, "slipway.dev/model-version"), "3");
    assert_string_equal(sw_tree_text(annotations, "serving.kserve.io/deploymentMode"), "Standard");
    assert_null(json_object_get(annotations, "slipway.dev/run-id"));
    const char *key;
    json_t *value;
    json_object_foreach (annotations, key, value)
        assert_true(json_is_string(value)); // the API server takes nothing else
    json_t *predictor = json_object_get(json_object_get(doc, "spec"), "predictor");
    json_t *model = json_object_get(predictor, "model");
    assert_string_equal(sw_tree_text(model, "storageUri"), "s3://models/digits/3");
    assert_string_equal(sw_tree_text(model, "protocolVersion"), "v2");
    assert_null(json_object_get(model, "name")); // refused by KServe in a standard predictor
    assert_true(json_is_integer(json_object_get(predictor, "minReplicas")));
    json_decref(docs);
    sw_template_free(t);

    assert_int_equal(sw_template_find("deployment-service", &t, &err), SW_OK);
    struct sw_template_value set[] = {{"claim", "models"}, {"autoscale", "true"}, {"gpus", "1"}};
    assert_int_equal(sw_template_render(t, set, 1, context, 6, &docs, &err), SW_OK);
    assert_int_equal(json_array_size(docs), 2);
    json_decref(docs);
    assert_int_equal(sw_template_render(t, set, 3, context, 6, &docs, &err), SW_OK);
    assert_int_equal(json_array_size(docs), 3);
    json_decref(docs);
    sw_template_free(t);
    unsetenv("SLIPWAY_TEMPLATES");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_declarations),         cmocka_unit_test(types_defaults),
        cmocka_unit_test(names_parameter_type_and_range),   cmocka_unit_test(takes_set_before_context_before_default),
        cmocka_unit_test(leaves_out_what_conditions_say),   cmocka_unit_test(no_value_changes_structure),
        cmocka_unit_test(own_templates_hide_built_in_ones), cmocka_unit_test(renders_the_built_in_templates),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
