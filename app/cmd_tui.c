// SPDX-License-Identifier: Apache-2.0
// The screens. Bare `slipway` on a terminal comes here.
#include "app/cmd.h"

#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "app/tui_backend.h"
#include "tui/tui.h"

static const struct sw_option tui_options[] = {
    {.name = "screen",
     .type = SW_OPTION_INT,
     .min = 1,
     .max = 6,
     .value = "N",
     .help = "screen to begin with: 1 data, 2 train, 3 runs, 4 models, 5 cluster, 6 GPU"},
    {.name = "theme", .type = SW_OPTION_CHOICE, .choices = "auto|dark|light|mono", .help = "colours"},
    {.name = "charts",
     .type = SW_OPTION_CHOICE,
     .choices = "auto|braille|block|ascii",
     .help = "what curves are drawn with"},
    {.name = "ascii", .type = SW_OPTION_FLAG, .help = "only ASCII"},
    {.name = "no-mouse", .type = SW_OPTION_FLAG, .help = "leave the mouse to the terminal"},
};

static const char *chosen(struct sw_app *app, const char *key)
{
    const char *value = sw_app_setting(app, key);
    return strcmp(value, "auto") == 0 ? NULL : value;
}

static enum sw_code run_tui(struct sw_app *app, struct sw_err *err)
{
    struct sw_app_backend *backend = NULL;
    bool stuck = false;
    const char *theme = chosen(app, "theme");
    enum sw_code code = sw_app_find_store(app, err);
    if (code == SW_OK)
        code = sw_app_backend_new(app->store_dir, sw_app_setting(app, "policy"), &backend, err);
    if (code != SW_OK)
        return code;
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); // numbers are written and read with a point everywhere
    struct sw_tui_options options = {
        .theme = sw_option_flag(app->options, "no-color") ? "mono" : theme,
        .charts = chosen(app, "charts"),
        .ascii = sw_option_flag(sw_app_values(app, "ascii"), "ascii"),
        .no_mouse = sw_option_flag(app->options, "no-mouse") || !sw_option_flag(sw_config_values(app->config), "mouse"),
        .screen = (int)sw_option_int(app->options, "screen", 0),
        .in_fd = STDIN_FILENO,
        .out_fd = STDOUT_FILENO,
    };
    code = sw_tui_run(&options, &sw_app_backend_table, backend, &stuck, err);
    if (!stuck)
        sw_app_backend_free(backend);
    return code;
}

const struct sw_command sw_cmd_tui = {
    .verb = "tui",
    .summary = "open the screens, as bare slipway does",
    .arguments = "",
    .options = tui_options,
    .option_count = SW_COUNT(tui_options),
    .description = "Needs a terminal. Leaving the screens ends no job.",
    .examples = "slipway --store build/demo\tthe screens on another store\n"
                "slipway tui --screen 3 --ascii\tbegin with runs, ASCII only",
    .kinds = "",
    .needs = SW_NEEDS_CONFIG,
    .run = run_tui,
};
