// SPDX-License-Identifier: Apache-2.0
// serve: the tracking API for scripts that no job runs. The server is core/serve's; here are its options, what the user is
// told, and the wait for Ctrl-C.
#include "app/cmd.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/loop.h"
#include "core/base/text.h"
#include "core/serve/reference.h"
#include "core/serve/serve.h"
#include "core/serve/status.h"

enum { PEM_BYTES = 1 << 20, GRACE_MS = 10000 };

static const struct sw_option serve_options[] = {
    {.name = "port",
     .letter = 'p',
     .type = SW_OPTION_INT,
     .otherwise = "5000",
     .min = 0,
     .max = 65535,
     .value = "N",
     .help = "listen on this port; 0 = any free one"},
    {.name = "listen",
     .type = SW_OPTION_TEXT,
     .otherwise = "127.0.0.1",
     .value = "ADDRESS",
     .help = "listen on this address; other than this machine's own it needs --certificate"},
    {.name = "socket",
     .type = SW_OPTION_PATH,
     .value = "PATH",
     .help = "listen on a Unix socket instead, for processes of this user only"},
    {.name = "certificate", .type = SW_OPTION_PATH, .value = "FILE", .help = "serve HTTPS with this certificate (PEM)"},
    {.name = "key", .type = SW_OPTION_PATH, .value = "FILE", .help = "private key of the certificate (PEM)"},
    {.name = "allowed-host",
     .type = SW_OPTION_TEXT,
     .value = "NAME",
     .repeat = true,
     .help = "accept requests for this host name, too"},
    {.name = "routes", .type = SW_OPTION_FLAG, .help = "list the calls that are answered, and end"},
};

// --- the calls ---

struct route_row {
    struct sw_route_info info;
    char parameters[512];
};

#define AT(member) offsetof(struct route_row, info) + offsetof(struct sw_route_info, member)
static const struct sw_json_field route_fields[] = {
    {"method", SW_JSON_TEXT, AT(method), NULL, "HTTP method"},
    {"path", SW_JSON_TEXT, AT(path), NULL, "path behind the prefix; parts in braces are arguments"},
    {"prefixes", SW_JSON_TEXT, AT(prefixes), NULL, "prefixes it stands under; empty = the path is whole"},
    {"access", SW_JSON_TEXT, AT(access), NULL, "token or open"},
    {"runs", SW_JSON_TEXT, AT(runs), NULL, "inline, read, write, or write, synced"},
    {"max_body_bytes", SW_JSON_NONZERO, AT(max_body_bytes), NULL, "largest body; null = streamed"},
    {"is_served", SW_JSON_BOOL, AT(is_served), NULL, "false = part of MLflow's protocol that is not offered"},
    {"parameters", SW_JSON_CHARS, offsetof(struct route_row, parameters), NULL, "names, * = required"},
    {"summary", SW_JSON_TEXT, AT(summary), NULL, "what it does, or why it is not offered"},
};
#undef AT
const struct sw_json_kind sw_json_route = {
    "Route", "RouteList", "a call of the tracking API", route_fields, SW_COUNT(route_fields), sizeof(struct route_row)};

static enum sw_code list_routes(struct sw_app *app, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {
        {"METHOD", 0}, {"PATH", 0}, {"SERVED", 0}, {"WHAT", SW_COLUMN_SHRINKS}};
    size_t count = sw_route_info_count();
    struct route_row *rows = sw_arena_array(app->arena, count, sizeof *rows);
    if (rows == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    struct sw_table *t = app->out.is_json ? NULL : sw_table_new(columns, SW_COUNT(columns));
    for (size_t i = 0; i < count; i++) {
        sw_route_info_get(i, &rows[i].info, rows[i].parameters, sizeof rows[i].parameters);
        sw_table_cell(t, rows[i].info.method);
        sw_table_cell(t, rows[i].info.path);
        sw_table_cell(t, rows[i].info.is_served ? "yes" : "no");
        sw_table_cell(t, rows[i].info.summary);
    }
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_list(&sw_json_route, rows, count), err);
    return sw_table_print(t, &app->out, err);
}

// --- serving ---

struct wait {
    bool is_over;
};

static void on_signal(void *ctx, int signo)
{
    struct wait *w = ctx;
    (void)signo;
    w->is_over = true;
}

static enum sw_code read_pem(const char *path, struct sw_buf *out, struct sw_err *err)
{
    sw_buf_init(out, PEM_BYTES);
    return path != NULL ? sw_file_read(path, out, err) : SW_OK;
}

static enum sw_code tell(struct sw_app *app, const struct sw_serve_status *status, struct sw_err *err)
{
    char uri[SW_PATH_MAX], token[SW_PATH_MAX];
    sw_serve_uri(status, uri, sizeof uri);
    enum sw_code code = sw_serve_token_path(token, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json_line(&app->out,
                                   json_pack("{s:s, s:s, s:s, s:s, s:I}", "kind", "Server", "event", "listening", "uri",
                                             uri, "token_file", token, "pid", (json_int_t)getpid()),
                                   err);
    sw_output_text(&app->out, "export MLFLOW_TRACKING_URI=%s\n", uri);
    sw_output_text(&app->out, "export MLFLOW_TRACKING_TOKEN=$(cat ");
    sw_output_safe(&app->out, token, SW_TEXT_ONE_LINE);
    sw_output_text(&app->out, ")\n");
    code = sw_output_flush(&app->out, err);
    sw_output_note(&app->out, "Serving %s. Set these two where your scripts run; Ctrl-C ends the server.",
                   app->store_dir);
    return code;
}

static enum sw_code wait_for_the_end(struct sw_loop *loop, const struct wait *w, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    while (code == SW_OK && !w->is_over)
        code = sw_loop_step(loop, -1, err);
    return code;
}

static enum sw_code serve(struct sw_app *app, const struct sw_serve_config *config, struct sw_err *err)
{
    struct wait w = {0};
    struct sw_loop *loop = NULL;
    struct sw_loop_source *source; // lives with the loop
    struct sw_serve *server = NULL;
    struct sw_serve_status status = {.is_tls = config->certificate != NULL};
    // Signals first: the server's threads must have them blocked.
    enum sw_code code = sw_loop_new(&loop, err);
    if (code == SW_OK)
        code = sw_loop_add_signal(loop, SIGINT, on_signal, &w, &source, err);
    if (code == SW_OK)
        code = sw_loop_add_signal(loop, SIGTERM, on_signal, &w, &source, err);
    if (code == SW_OK)
        code = sw_serve_start(config, &server, err);
    if (code == SW_OK) {
        if (config->unix_path != NULL)
            snprintf(status.unix_path, sizeof status.unix_path, "%s", config->unix_path);
        else
            snprintf(status.address, sizeof status.address, "%s", config->address);
        status.port = sw_serve_port(server);
        code = sw_serve_announce(app->store_dir, &status, err);
    }
    if (code == SW_OK)
        code = tell(app, &status, err);
    if (code == SW_OK)
        code = wait_for_the_end(loop, &w, err);
    sw_serve_stop(server, GRACE_MS);
    sw_serve_withdraw(app->store_dir);
    sw_loop_free(loop);
    return code;
}

static enum sw_code run_serve(struct sw_app *app, struct sw_err *err)
{
    if (sw_option_flag(app->options, "routes"))
        return list_routes(app, err);
    char token[SW_SERVE_TOKEN], socket_path[SW_PATH_MAX];
    const char *const *hosts = NULL;
    struct sw_buf certificate, key;
    const char *certificate_path = sw_option_text(app->options, "certificate");
    const char *key_path = sw_option_text(app->options, "key"), *unix_path = sw_option_text(app->options, "socket");
    if ((certificate_path == NULL) != (key_path == NULL))
        return sw_err_set(err, SW_USAGE, "--certificate and --key belong together");
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    size_t host_count = sw_option_repeat(app->options, "allowed-host", &hosts);
    const char **host_list = sw_arena_array(app->arena, host_count + 1, sizeof *host_list);
    if (host_list == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < host_count; i++)
        host_list[i] = hosts[i];
    enum sw_code code = sw_app_open_store(app, SW_NEEDS_NEW_STORE, err);
    if (code == SW_OK) { // made and migrated; the server opens its own connections
        sw_store_close(app->store);
        app->store = NULL;
        code = sw_serve_token(token, err);
    }
    if (code == SW_OK && unix_path != NULL)
        code = sw_path_absolute(socket_path, unix_path, err);
    if (code == SW_OK)
        code = read_pem(certificate_path, &certificate, err);
    else
        sw_buf_init(&certificate, 1);
    if (code == SW_OK)
        code = read_pem(key_path, &key, err);
    else
        sw_buf_init(&key, 1);
    struct sw_serve_config config = {
        .store_dir = app->store_dir,
        .address = sw_option_text(app->options, "listen"),
        .port = (int)sw_option_int(app->options, "port", 5000),
        .unix_path = unix_path != NULL ? socket_path : NULL,
        .token = token,
        .certificate = certificate_path != NULL ? certificate.data : NULL,
        .key = key_path != NULL ? key.data : NULL,
        .allowed_hosts = host_list,
    };
    if (code == SW_OK)
        code = serve(app, &config, err);
    sw_buf_free(&certificate);
    sw_buf_free(&key);
    return code;
}

const struct sw_command sw_cmd_serve = {
    .verb = "serve",
    .summary = "answer MLflow clients: unmodified scripts log into this store",
    .arguments = "",
    .options = serve_options,
    .option_count = SW_COUNT(serve_options),
    .description =
        "Serves MLflow's tracking and registry API over the store until Ctrl-C. Scripts find it by the two variables "
        "that "
        "are printed; every call but /health and /version needs the token, which is kept in the state folder for this "
        "user "
        "alone. Jobs started by 'slipway run' need no server: each has one of its own.\n\n"
        "Listens on this machine only. For another machine use an SSH tunnel, or name an address with --listen and a "
        "certificate of your own.",
    .examples = "slipway serve\tport 5000 of 127.0.0.1\n"
                "slipway serve --socket /run/user/1000/slipway.sock\tfor curl --unix-socket\n"
                "slipway serve --listen 10.0.0.5 --certificate cert.pem --key key.pem\tfor other machines\n"
                "slipway serve --routes\tevery call that is answered",
    .kinds = "Server RouteList",
    .needs = SW_NEEDS_CONFIG,
    .run = run_serve,
};
