// SPDX-License-Identifier: Apache-2.0
// audit, audit verify: who approved, pushed and registered what, and whether somebody changed that record.
#include "app/cmd.h"

#include <string.h>

#include "core/base/text.h"
#include "core/store/audit.h"

static const struct sw_option audit_options[] = {
    {.name = "limit",
     .type = SW_OPTION_INT,
     .otherwise = "50",
     .min = 1,
     .max = 1e6,
     .value = "N",
     .help = "show the newest N rows"},
};

static enum sw_code run_audit(struct sw_app *app, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {
        {"SEQ", SW_COLUMN_RIGHT}, {"TIME", 0}, {"USER", 0}, {"ACTION", 0}, {"OBJECT", SW_COLUMN_SHRINKS}, {"DIGEST", 0},
    };
    struct sw_audit *rows;
    size_t count;
    enum sw_code code =
        sw_audit_list(app->store, sw_option_int(app->options, "limit", 50), app->arena, &rows, &count, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_list(&sw_json_audit, rows, count), err);
    struct sw_table *t = sw_table_new(columns, SW_COUNT(columns));
    for (size_t i = 0; i < count; i++) {
        char time[64];
        sw_table_cellf(t, "%lld", (long long)rows[i].seq);
        sw_table_cell(t, sw_format_time(time, sizeof time, rows[i].time_ms));
        sw_table_cell(t, rows[i].user);
        sw_table_cell(t, rows[i].action);
        sw_table_cell(t, rows[i].object);
        sw_table_cellf(t, "%.12s", rows[i].digest);
    }
    return sw_table_print(t, &app->out, err);
}

const struct sw_command sw_cmd_audit = {
    .verb = "audit",
    .summary = "list who registered, approved, revoked and pushed what",
    .arguments = "",
    .options = audit_options,
    .option_count = SW_COUNT(audit_options),
    .description = "Newest first. Rows are only ever added, each chained to the one before by its SHA-256.",
    .examples = "slipway audit --limit 10\tthe last ten deeds\n"
                "slipway audit verify\tis the record untouched?",
    .kinds = "AuditList",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_audit,
};

static enum sw_code run_verify(struct sw_app *app, struct sw_err *err)
{
    int64_t rows = 0;
    char head[SW_SHA256_HEX];
    enum sw_code code = sw_audit_verify(app->store, &rows, err);
    if (code == SW_OK)
        code = sw_audit_head(app->store, head, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(
            &app->out, json_pack("{s:s, s:I, s:s}", "kind", "AuditVerdict", "rows", (json_int_t)rows, "head", head),
            err);
    sw_output_text(&app->out, "%lld row%s intact, head %s\n", (long long)rows, rows == 1 ? "" : "s", head);
    return SW_OK;
}

const struct sw_command sw_cmd_audit_verify = {
    .verb = "audit verify",
    .summary = "recompute the audit chain",
    .arguments = "",
    .description =
        "Fails naming the first row that was changed, removed or added by hand. The head printed here stands in "
        "every bundle pushed since, so a chain that was rewritten as a whole shows as well.",
    .examples = "slipway audit verify\tprints the number of rows and the head",
    .kinds = "AuditVerdict",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_verify,
};
