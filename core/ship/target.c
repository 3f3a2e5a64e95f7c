// SPDX-License-Identifier: Apache-2.0
#include "core/ship/target.h"

#include "core/base/path.h"
#include "core/base/text.h"
#include "core/ship/bundle_private.h"

#include <stdio.h>
#include <string.h>

static const struct sw_target_kind *const kinds[] = {&bundle_kind};
#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

// Addresses that people write because the design names them; this version can say so instead of "unknown".
static const char *const later_schemes[] = {"kube", "ssh", "gitops"};

const char *sw_ship_change_word(enum sw_ship_change change)
{
    static const char *const words[] = {"new", "changed", "same", "gone"};
    return words[change];
}

const struct sw_target_kind *const *sw_target_kinds(size_t *count)
{
    *count = KIND_COUNT;
    return kinds;
}

const char *sw_target_rest(const char *address)
{
    const char *colon = strchr(address, ':');
    return colon == NULL ? address : colon + 1;
}

static bool is_scheme(const char *address, const char *scheme)
{
    size_t len = strlen(scheme);
    return strncmp(address, scheme, len) == 0 && address[len] == ':';
}

static enum sw_code refuse_scheme(const char *address, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < sizeof later_schemes / sizeof later_schemes[0]; i++) {
        if (is_scheme(address, later_schemes[i])) {
            code = sw_err_set(err, SW_UNSUPPORTED, "'%s:' targets are not in this version", later_schemes[i]);
            (void)sw_err_hint(err, "push into a bundle and apply it there: %s", bundle_kind.address_help);
            return code;
        }
    }
    char shown[160];
    code = sw_err_set(err, SW_INVALID, "'%s' is no target address",
                      sw_text_safe_copy(shown, sizeof shown, address, SW_TEXT_ONE_LINE));
    (void)sw_err_hint(err, "write %s", bundle_kind.address_help);
    return code;
}

enum sw_code sw_target_parse(const char *address, const struct sw_target_kind **kind,
                             char out[static SW_TARGET_ADDRESS_MAX], struct sw_err *err)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (!is_scheme(address, kinds[i]->scheme))
            continue;
        char rest[SW_TARGET_ADDRESS_MAX];
        enum sw_code code = kinds[i]->normalize(sw_target_rest(address), rest, err);
        if (code != SW_OK)
            return code;
        if (snprintf(out, SW_TARGET_ADDRESS_MAX, "%s:%s", kinds[i]->scheme, rest) >= SW_TARGET_ADDRESS_MAX)
            return sw_err_set(err, SW_LIMIT, "the target address is longer than %d bytes", SW_TARGET_ADDRESS_MAX);
        *kind = kinds[i];
        return SW_OK;
    }
    return refuse_scheme(address, err);
}
