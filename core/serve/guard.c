// SPDX-License-Identifier: Apache-2.0
#include "core/serve/guard_private.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <string.h>
#include <strings.h>

#define MAX_CREDENTIALS 1024 // of "Basic", decoded

static const struct sw_guard_verdict passed = {0};
static const struct sw_guard_verdict other_user = {.status = 403,
                                                   .error_code = "PERMISSION_DENIED",
                                                   .message = "This socket serves the user who opened it alone",
                                                   .hangs_up = true};
// The first sentences of both are MLflow's, for scripts that look for them.
static const struct sw_guard_verdict foreign_host = {
    .status = 403,
    .error_code = "PERMISSION_DENIED",
    .message =
        "Invalid Host header - possible DNS rebinding attack detected. Name the server as localhost or 127.0.0.1, "
        "or let it accept the name with --allowed-host",
    .hangs_up = true};
static const struct sw_guard_verdict foreign_origin = {
    .status = 403,
    .error_code = "PERMISSION_DENIED",
    .message = "Cross-origin request blocked. Web pages may not call this server",
    .hangs_up = true};
static const struct sw_guard_verdict no_token = {
    .status = 401,
    .error_code = "UNAUTHENTICATED",
    .message =
        "The request has no valid token. Set MLFLOW_TRACKING_TOKEN to the one that `slipway serve` names the file of",
    .asks_token = true};
static const struct sw_guard_verdict no_content_type = {
    .status = 400, .error_code = "INVALID_PARAMETER_VALUE", .message = "Bad Request. Content-Type header is missing."};
static const struct sw_guard_verdict other_content_type = {
    .status = 400,
    .error_code = "INVALID_PARAMETER_VALUE",
    .message = "Bad Request. Content-Type must be one of ['application/json']."};

// --- Host and Origin ---

// The length of the name in "name", "name:port" and "[v6]:port"; 0 when the text is none of these.
static size_t host_name_length(const char *host)
{
    size_t len = strcspn(host, ":");
    if (host[0] == '[') {
        const char *end = strchr(host, ']');
        if (end == NULL)
            return 0;
        len = (size_t)(end - host) + 1;
    }
    const char *port = host + len;
    if (port[0] == '\0')
        return len;
    size_t digits = strspn(port + 1, "0123456789");
    return port[0] == ':' && digits >= 1 && digits <= 5 && port[1 + digits] == '\0' ? len : 0;
}

// Names compare without case (RFC 9110 4.2.3) and in full: no pattern, no suffix, no trailing dot.
static bool host_is(const char *host, size_t name_len, const char *allowed)
{
    size_t allowed_len = host_name_length(allowed);
    if (allowed_len == 0 || allowed_len != name_len || strncasecmp(host, allowed, name_len) != 0)
        return false;
    return allowed[allowed_len] == '\0' || strcmp(host + name_len, allowed + allowed_len) == 0;
}

bool sw_guard_host_is_own(const struct sw_guard *g, const char *host)
{
    static const char *const loopback[] = {"localhost", "127.0.0.1", "[::1]"};
    size_t name_len = host != NULL ? host_name_length(host) : 0;
    if (name_len == 0)
        return false;
    for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++)
        if (host_is(host, name_len, loopback[i]))
            return true;
    if (g->address != NULL && host_is(host, name_len, g->address))
        return true;
    for (const char *const *allowed = g->allowed_hosts; allowed != NULL && *allowed != NULL; allowed++)
        if (host_is(host, name_len, *allowed))
            return true;
    return false;
}

bool sw_guard_origin_is_own(const struct sw_guard *g, const char *host, const char *origin)
{
    const char *scheme = g->is_tls ? "https://" : "http://";
    size_t len = strlen(scheme);
    return strncasecmp(origin, scheme, len) == 0 && strcasecmp(origin + len, host) == 0;
}

// --- the token ---

static bool same_secret(const char *secret, const char *given, size_t given_len)
{
    size_t len = strlen(secret);
    return len > 0 && len == given_len && CRYPTO_memcmp(secret, given, len) == 0;
}

// The text after "Scheme ", or NULL when the header has another scheme.
static const char *after_scheme(const char *authorization, const char *scheme)
{
    size_t len = strlen(scheme);
    if (strncasecmp(authorization, scheme, len) != 0 || authorization[len] != ' ')
        return NULL;
    return authorization + len + strspn(authorization + len, " ");
}

static bool is_basic_password(const char *token, const char *base64)
{
    unsigned char plain[MAX_CREDENTIALS];
    size_t len = strlen(base64);
    if (len == 0 || len % 4 != 0 || len / 4 * 3 > sizeof plain)
        return false;
    int decoded = EVP_DecodeBlock(plain, (const unsigned char *)base64, (int)len);
    if (decoded < 0)
        return false;
    size_t padding = base64[len - 1] != '=' ? 0 : base64[len - 2] != '=' ? 1 : 2;
    size_t plain_len = (size_t)decoded - padding;
    const unsigned char *colon = memchr(plain, ':', plain_len);
    bool right = colon != NULL && same_secret(token, (const char *)colon + 1, (size_t)(plain + plain_len - colon) - 1);
    OPENSSL_cleanse(plain, sizeof plain);
    return right;
}

bool sw_guard_token_is_right(const char *token, const char *authorization)
{
    if (authorization == NULL)
        return false;
    const char *given = after_scheme(authorization, "Bearer");
    if (given != NULL)
        return same_secret(token, given, strlen(given));
    given = after_scheme(authorization, "Basic");
    return given != NULL && is_basic_password(token, given);
}

// A budget in thousandths of a failure: spent by each, refilled with the clock. A right token is never held back by others'
// wrong ones; who guesses loses the connection with each guess.
static bool failure_is_too_many(struct sw_guard *g, int64_t now_ms)
{
    int64_t refilled = g->failures_milli - (now_ms - g->failures_at_ms);
    g->failures_milli = (refilled > 0 ? refilled : 0) + 1000;
    g->failures_at_ms = now_ms;
    if (g->failures_milli <= INT64_C(1000) * SW_GUARD_FAILURES)
        return false;
    g->failures_milli = INT64_C(1000) * SW_GUARD_FAILURES;
    return true;
}

// --- all of it ---

static bool is_json(const char *content_type)
{
    static const char json[] = "application/json";
    size_t len = strcspn(content_type, "; \t");
    return len == sizeof json - 1 && strncasecmp(content_type, json, len) == 0;
}

struct sw_guard_verdict sw_guard_check(struct sw_guard *g, const struct sw_guard_facts *f)
{
    if (f->is_unix && !(f->knows_peer && f->peer_uid == g->uid))
        return other_user;
    if (!f->is_unix && !sw_guard_host_is_own(g, f->host))
        return foreign_host;
    if (!f->is_unix && f->origin != NULL && !sw_guard_origin_is_own(g, f->host, f->origin))
        return foreign_origin;
    if (!f->is_open_route && !sw_guard_token_is_right(g->token, f->authorization)) {
        struct sw_guard_verdict v = no_token;
        v.hangs_up = failure_is_too_many(g, f->now_ms);
        return v;
    }
    if (f->takes_json && f->content_type == NULL)
        return no_content_type;
    if (f->takes_json && !is_json(f->content_type))
        return other_content_type;
    return passed;
}
