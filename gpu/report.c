// SPDX-License-Identifier: Apache-2.0
// One JSON object a line, each written by a single call so that lines of several writers do not mix.
#include "gpu/report.h"

#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/jobenv.h"

void sw_report_open(struct sw_report *r, int rank)
{
    *r = (struct sw_report){.fd = -1};
    if (rank != 0)
        return;
    r->log = stdout;
    const char *text = getenv(SW_ENV_METRICS_FD);
    char *end;
    long fd = text ? strtol(text, &end, 10) : -1;
    if (text && *text && !*end && fd >= 0 && fd < 1 << 20 && fcntl((int)fd, F_GETFD) >= 0)
        r->fd = (int)fd;
}

// `tree` is taken; NULL (out of memory) ends the reports like a lost reader does.
static void send(struct sw_report *r, json_t *tree)
{
    struct sw_buf line;
    struct sw_err err = {0};
    sw_buf_init(&line, 1 << 20);
    enum sw_code code = tree ? sw_json_write(tree, 0, &line, &err) : sw_err_set(&err, SW_NO_MEMORY, "out of memory");
    if (line.len == 0 || line.data[line.len - 1] != '\n')
        sw_buf_addc(&line, '\n');
    if (!code)
        code = sw_fd_write_all(r->fd, line.data, line.len, "the metrics pipe", &err);
    if (code) {
        fprintf(stderr, "slipway-train: metrics are no longer sent: %s\n", err.message);
        r->fd = -1;
    }
    json_decref(tree);
    sw_buf_free(&line);
}

static json_t *number(double v)
{
    return isnan(v) ? json_string("NaN") : isinf(v) ? json_string(v > 0 ? "Infinity" : "-Infinity") : json_real(v);
}

void sw_report_metrics(struct sw_report *r, int64_t step, const struct sw_metric_value *values, size_t count)
{
    if (r->fd < 0)
        return;
    json_t *metrics = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(metrics, values[i].name, number(values[i].value));
    send(r, json_pack("{s:I, s:I, s:o}", "step", (json_int_t)step, "time_ms", (json_int_t)sw_clock_now_ms(), "metrics",
                      metrics));
}

void sw_report_params(struct sw_report *r, json_t *members)
{
    if (r->fd < 0)
        json_decref(members);
    else
        send(r, json_pack("{s:o}", "params", members));
}

void sw_report_progress(struct sw_report *r, double fraction, const char *text)
{
    if (r->fd >= 0)
        send(r, json_pack("{s:{s:f, s:s}}", "progress", "fraction", fraction, "text", text));
}

void sw_report_line(struct sw_report *r, const char *format, ...)
{
    va_list ap;
    if (!r->log)
        return;
    va_start(ap, format);
    vfprintf(r->log, format, ap);
    va_end(ap);
    fputc('\n', r->log);
    fflush(r->log);
}
