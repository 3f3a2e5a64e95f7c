// SPDX-License-Identifier: Apache-2.0
// The one place where a caller's text becomes a path. MLflow's history has a dozen reports of text that was checked in one
// form and used in another (decoded again, cut at '?' or '#', joined to a prefix); so the text is refused rather than
// repaired, and nothing else makes a struct sw_artifact_path.
#include "core/serve/artifact_private.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/path.h"
#include "core/base/text.h"

enum { DECODE_ROUNDS = 16 };
#define URI_SCHEME "mlflow-artifacts:/"

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)((at - digits) % 16) : -1;
}

// Decodes "%41" in place. False when nothing was there to decode; *has_nul when a "%00" was.
static bool decode_once(char *text, bool *has_nul)
{
    char *to = text;
    bool changed = false;
    for (const char *from = text; *from != '\0'; from++) {
        int high = from[0] == '%' ? hex_value(from[1]) : -1;
        int low = high >= 0 ? hex_value(from[2]) : -1;
        if (low < 0) {
            *to++ = *from;
            continue;
        }
        changed = true;
        *has_nul = *has_nul || high + low == 0;
        *to++ = (char)(high * 16 + low);
        from += 2;
    }
    *to = '\0';
    return changed;
}

// A name that holds a percent sign is fine as long as no program that decodes it once more would see another place.
static bool stays_contained(const char *text)
{
    char decoded[SW_ARTIFACT_PATH];
    bool has_nul = false;
    snprintf(decoded, sizeof decoded, "%s", text);
    for (int round = 0; round < DECODE_ROUNDS; round++) {
        if (!decode_once(decoded, &has_nul))
            return true;
        if (has_nul || !sw_path_is_contained(decoded) || strchr(decoded, '#') != NULL)
            return false;
    }
    return false;
}

// Counts the parts; -1 when one is too long for a file name, or they are too many.
static int count_parts(const char *text)
{
    int depth = 0;
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "/");
        if (len > NAME_MAX || ++depth > SW_ARTIFACT_DEPTH)
            return -1;
        at += len + (at[len] == '/');
    }
    return depth;
}

static enum sw_code invalid_path(struct sw_err *err)
{
    return sw_err_set(err, SW_INVALID, "Invalid path");
}

enum sw_code sw_artifact_path_make(struct sw_artifact_path *out, const char *text, struct sw_err *err)
{
    struct sw_artifact_path path = {0};
    size_t len = strlen(text);
    if (len > 1 && text[len - 1] == '/')
        len--;
    if (len >= sizeof path.text)
        return invalid_path(err);
    memcpy(path.text, text, len);
    path.depth = count_parts(path.text);
    bool is_good =
        len == 0 || (path.depth > 0 && sw_path_is_contained(path.text) && path.text[0] != '.' &&
                     sw_utf8_valid(path.text, len) && strchr(path.text, '#') == NULL && stays_contained(path.text));
    if (!is_good)
        return invalid_path(err);
    *out = path;
    return SW_OK;
}

enum sw_code sw_artifact_path_join(struct sw_artifact_path *out, const struct sw_artifact_path *base, const char *text,
                                   struct sw_err *err)
{
    char joined[2 * SW_ARTIFACT_PATH];
    if (text == NULL || text[0] == '\0') {
        *out = *base;
        return SW_OK;
    }
    int len = snprintf(joined, sizeof joined, "%s%s%s", base->text, base->depth > 0 ? "/" : "", text);
    if (len < 0 || (size_t)len >= sizeof joined)
        return invalid_path(err);
    return sw_artifact_path_make(out, joined, err);
}

enum sw_code sw_artifact_path_of_uri(struct sw_artifact_path *out, const char *uri, struct sw_err *err)
{
    size_t scheme = sizeof URI_SCHEME - 1;
    if (strncmp(uri, URI_SCHEME, scheme) != 0 || uri[scheme] == '/')
        return sw_err_set(err, SW_INVALID, "the artifacts are kept at %.200s, not by this server", uri);
    if (strchr(uri, '?') != NULL)
        return invalid_path(err);
    return sw_artifact_path_make(out, uri + scheme, err);
}

const char *sw_artifact_path_name(const struct sw_artifact_path *path)
{
    return sw_path_base(path->text);
}

enum sw_code sw_artifact_path_experiment(const struct sw_artifact_path *path, int64_t *experiment_id,
                                         struct sw_err *err)
{
    char canonical[24];
    size_t len = strcspn(path->text, "/");
    int64_t id = strtoll(path->text, NULL, 10);
    snprintf(canonical, sizeof canonical, "%" PRId64, id);
    if (id < 0 || strlen(canonical) != len || memcmp(canonical, path->text, len) != 0)
        return sw_err_set(err, SW_INVALID, "the path '%.200s' does not begin with the number of an experiment",
                          path->text);
    *experiment_id = id;
    return SW_OK;
}
