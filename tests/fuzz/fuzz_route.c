// SPDX-License-Identifier: Apache-2.0
// Fuzzes what a stranger's request line and headers meet: the route table, percent-decoding, the query, the typed path of
// artifacts, the guard, ranges. The input is lines: method, target, Host, Origin, Authorization, Content-Type, Range.
// Properties: an accepted artifact path is contained and stays so when it is decoded again; a path made once more from its
// own text is the same; nobody passes without the token; an accepted range lies in the file.
// Links: core/store core/track core/model core/serve
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/path.h"
#include "core/serve/artifact_private.h"
#include "core/serve/guard_private.h"
#include "core/serve/serve_private.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

enum { METHOD, TARGET, HOST, ORIGIN, AUTHORIZATION, CONTENT_TYPE, RANGE, LINES };

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_path(const char *text)
{
    struct sw_artifact_path path, again, below;
    struct sw_err err = {0};
    int64_t id = -1;
    if (sw_artifact_path_make(&path, text, &err) != SW_OK)
        return;
    check(path.text[0] == '\0' || (sw_path_is_contained(path.text) && path.text[0] != '.'));
    check(strstr(path.text, "../") == NULL || strstr(path.text, "/../") == NULL);
    check(sw_artifact_path_make(&again, path.text, &err) == SW_OK && strcmp(again.text, path.text) == 0);
    check(again.depth == path.depth);
    struct sw_arena *a = sw_arena_new(1 << 20);
    const char *decoded = sw_percent_decode(a, path.text, strlen(path.text), false);
    check(decoded == NULL || decoded[0] == '\0' || sw_path_is_contained(decoded));
    check(sw_artifact_disposition(sw_artifact_path_name(&path), a) != NULL);
    check(strpbrk(sw_artifact_disposition(sw_artifact_path_name(&path), a), "\r\n") == NULL);
    (void)sw_artifact_type(sw_artifact_path_name(&path));
    struct sw_artifact_path base = {.text = "0/r/artifacts", .depth = 3};
    if (sw_artifact_path_join(&below, &base, text, &err) == SW_OK && text[0] != '\0')
        check(strncmp(below.text, "0/r/artifacts/", 14) == 0);
    if (sw_artifact_path_experiment(&path, &id, &err) == SW_OK)
        check(id >= 0);
    sw_arena_free(a);
}

static void check_route(const char *method, char *target)
{
    struct sw_err err = {0};
    struct sw_call call = {.arena = sw_arena_new(1 << 20), .file = -1};
    size_t path_len = strcspn(target, "?");
    if (sw_route_find(&call, method, target, path_len, &err) == SW_OK) {
        check(call.route != NULL);
        for (size_t i = 0; i < SW_CALL_ARGS; i++)
            if (call.args[i] != NULL)
                check_path(call.args[i]);
    }
    json_t *query = NULL;
    if (target[path_len] == '?' && sw_query_parse(target + path_len + 1, &query, &err) == SW_OK)
        check(json_is_object(query));
    json_decref(query);
    sw_arena_free(call.arena);
}

static void check_guard(char *const lines[LINES])
{
    struct sw_guard guard = {.token = TOKEN, .address = "192.0.2.7", .uid = 1};
    const struct sw_guard_facts facts = {.host = lines[HOST],
                                         .origin = lines[ORIGIN][0] != '\0' ? lines[ORIGIN] : NULL,
                                         .authorization = lines[AUTHORIZATION],
                                         .content_type = lines[CONTENT_TYPE],
                                         .takes_json = true};
    bool passes = sw_guard_check(&guard, &facts).status == 0;
    check(!passes || strstr(lines[AUTHORIZATION], TOKEN) != NULL ||
          strncasecmp(lines[AUTHORIZATION], "Basic ", 6) == 0);
    check(!passes || strncasecmp(lines[CONTENT_TYPE], "application/json", 16) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1), *lines[LINES], *at = text;
    memcpy(text, data, len);
    text[len] = '\0';
    for (size_t i = 0; i < LINES; i++) {
        char *end = strchr(at, '\n');
        lines[i] = at;
        if (end != NULL)
            *end = '\0';
        at = end != NULL ? end + 1 : at + strlen(at);
    }
    check_route(lines[METHOD], lines[TARGET]);
    check_path(lines[TARGET]);
    check_guard(lines);
    struct sw_artifact_range range = sw_artifact_range(lines[RANGE], (int64_t)len);
    check(range.offset >= 0 && range.len >= 0 && range.offset + range.len <= (int64_t)len);
    check(range.kind != SW_RANGE_PART || range.len > 0);
    free(text);
    return 0;
}
