// SPDX-License-Identifier: Apache-2.0
// The action table. Order is order of the hint bar and of the help overlay: most useful first.
#include "tui/action.h"

#define ALL   SW_TUI_ON_ALL
#define LISTS SW_TUI_ON_LISTS
#define LOCAL SW_TUI_DO_LOCAL

const struct sw_tui_action sw_tui_actions[] = {
    // name, keys, hint, help, kind, places, needs_row, is_danger
    {"open", "Enter", "open", "open the selected row", LOCAL, LISTS, true, false},
    {"back", "Esc", "", "go back one place; at the top: drop marks, then the filter", LOCAL, ALL, false, false},

    {"launch", "l", "launch", "launch a training job: a form with the trainer's options and a preview of the command",
     SW_TUI_DO_FORM, SW_TUI_ON_DATA | SW_TUI_ON_TRAIN | SW_TUI_ON_RUNS, false, false},
    {"run", "R", "run a command", "queue any command as a job", SW_TUI_DO_FORM, SW_TUI_ON_TRAIN, false, false},
    {"job.stop", "x", "stop", "stop the job: SIGTERM, grace, then every process it started is ended", SW_TUI_DO_CONFIRM,
     SW_TUI_ON_TRAIN, true, true},
    {"job.retry", "r", "retry", "queue an ended job again", SW_TUI_DO_DIRECT, SW_TUI_ON_TRAIN, true, false},

    {"data.add", "a", "add", "register a data set from a file or folder", SW_TUI_DO_FORM, SW_TUI_ON_DATA, false, false},
    {"data.rm", "D", "remove", "hide the data set's name; files and runs stay", SW_TUI_DO_CONFIRM, SW_TUI_ON_DATA, true,
     true},

    {"mark", "space", "mark", "mark or unmark the row; marked rows are compared and acted on together", LOCAL, LISTS,
     true, false},
    {"base", "=", "base", "compare with the selected run as the base", LOCAL, SW_TUI_ON_RUNS | SW_TUI_ON_MODELS, true,
     false},
    {"next-difference", "n", "next difference", "go to the next line that differs", LOCAL,
     SW_TUI_ON_RUNS | SW_TUI_ON_MODELS, false, false},
    {"artifacts", "a", "artifacts", "show the run's files as a tree, with a preview of each", LOCAL, SW_TUI_ON_RUNS,
     true, false},
    {"artifact.export", "e", "export", "copy the file to a place of your own", SW_TUI_DO_FORM, SW_TUI_ON_ARTIFACTS,
     true, false},
    {"artifact.digest", "d", "digest", "compute the file's SHA-256", SW_TUI_DO_DIRECT, SW_TUI_ON_ARTIFACTS, true,
     false},
    {"model.register", "m", "register", "register the run's model", SW_TUI_DO_FORM, SW_TUI_ON_RUNS, true, false},
    {"run.note", "N", "note", "write a note on the run", SW_TUI_DO_FORM, SW_TUI_ON_RUNS, true, false},
    {"run.tag", "t", "tag", "set a tag on the runs", SW_TUI_DO_FORM, SW_TUI_ON_RUNS, true, false},
    {"run.rm", "D", "delete", "delete the runs; u brings them back", SW_TUI_DO_DIRECT, SW_TUI_ON_RUNS, true, false},
    {"run.restore", "", "", "restore deleted runs", SW_TUI_DO_DIRECT, SW_TUI_ON_RUNS, true, false},

    {"model.evaluate", "E", "evaluate", "run the model on a data set and keep the result", SW_TUI_DO_FORM,
     SW_TUI_ON_MODELS, true, false},
    {"model.approve", "A", "approve", "approve this version's exact bytes under a policy", SW_TUI_DO_FORM,
     SW_TUI_ON_MODELS, true, true},
    {"push", "P", "push", "push the version to a target; shows what will be written first", SW_TUI_DO_FORM,
     SW_TUI_ON_MODELS, true, true},
    {"model.verify", "v", "verify", "compare the files with their digests", SW_TUI_DO_DIRECT, SW_TUI_ON_MODELS, true,
     false},
    {"model.alias", "a", "alias", "point an alias at this version", SW_TUI_DO_FORM, SW_TUI_ON_MODELS, true, false},
    {"model.revoke", "V", "revoke", "withdraw the approval", SW_TUI_DO_FORM, SW_TUI_ON_MODELS, true, true},

    {"target.add", "a", "add target", "add a target: a bundle folder, later a cluster", SW_TUI_DO_FORM,
     SW_TUI_ON_TARGETS, false, false},
    {"target.rm", "D", "remove target", "remove the target; what was pushed stays where it is", SW_TUI_DO_CONFIRM,
     SW_TUI_ON_TARGETS, true, true},
    {"push.resume", "r", "resume", "finish a push that was interrupted", SW_TUI_DO_CONFIRM, SW_TUI_ON_PUSHES, true,
     true},
    {"push.verify", "v", "verify", "compare what lies at the target with what was pushed", SW_TUI_DO_DIRECT,
     SW_TUI_ON_PUSHES, true, false},

    {"filter", "/", "filter", "show only rows that match; empty shows all", LOCAL, LISTS, false, false},
    {"sort", "s", "sort", "sort by the next column", LOCAL, LISTS, false, false},
    {"sort-reverse", "S", "", "turn the order around", LOCAL, LISTS, false, false},
    {"follow", "f", "follow", "follow the log's end, or stop following", LOCAL, SW_TUI_ON_TRAIN, false, false},
    {"rank-next", ".", "rank", "show the next rank's log", LOCAL, SW_TUI_ON_TRAIN, false, false},
    {"rank-previous", ",", "", "show the previous rank's log", LOCAL, SW_TUI_ON_TRAIN, false, false},
    {"chart-next", "]", "next chart", "show the next metric", LOCAL, SW_TUI_ON_TRAIN | SW_TUI_ON_RUNS, false, false},
    {"chart-previous", "[", "", "show the previous metric", LOCAL, SW_TUI_ON_TRAIN | SW_TUI_ON_RUNS, false, false},
    {"undo", "u", "undo", "take back the last change that can be taken back", LOCAL, LISTS, false, false},

    {"command", ":", "go", "go to a screen or do an action by name", LOCAL, ALL, false, false},
    {"layout", "+", "", "show the list, both, or the detail", LOCAL, LISTS, false, false},
    {"focus", "Tab", "", "move between list and detail", LOCAL, LISTS, false, false},
    {"raw", "y", "", "show the object as it is stored", LOCAL, LISTS, true, false},
    {"copy", "c", "", "copy the command, or the id, to the clipboard", LOCAL, ALL, false, false},
    {"refresh", "ctrl-r", "", "load again", LOCAL, ALL, false, false},
    {"freeze", "Z", "", "hold what is shown while the machine runs on", LOCAL, LISTS, false, false},
    {"log", "@", "", "show what was done here, as commands", LOCAL, ALL, false, false},
    {"audit", "", "", "show the store's audit log", LOCAL, ALL, false, false},
    {"mouse", "", "", "switch the mouse off or on (off: the terminal selects text)", LOCAL, ALL, false, false},
    {"theme", "", "", "change the colours: dark, light, mono", LOCAL, ALL, false, false},

    {"data", "1", "", "go to data sets", LOCAL, ALL, false, false},
    {"train", "2", "", "go to the queue and the running jobs", LOCAL, ALL, false, false},
    {"runs", "3", "", "go to runs", LOCAL, ALL, false, false},
    {"models", "4", "", "go to models", LOCAL, ALL, false, false},
    {"cluster", "5", "", "go to targets and pushes", LOCAL, ALL, false, false},
    {"gpu", "6", "", "go to the GPUs", LOCAL, ALL, false, false},

    {"down", "j/Down", "", "one row down", LOCAL, ALL, false, false},
    {"up", "k/Up", "", "one row up", LOCAL, ALL, false, false},
    {"page-down", "PgDn/ctrl-f", "", "one page down", LOCAL, ALL, false, false},
    {"page-up", "PgUp/ctrl-b", "", "one page up", LOCAL, ALL, false, false},
    {"first", "g/Home", "", "to the first row", LOCAL, ALL, false, false},
    {"last", "G/End", "", "to the last row", LOCAL, ALL, false, false},
    {"left", "Left/<", "", "columns to the left; in a tree: close the folder", LOCAL, ALL, false, false},
    {"right", "Right/>", "", "columns to the right; in a tree: open the folder", LOCAL, ALL, false, false},
    {"help", "?", "more", "explain the keys that work here", LOCAL, ALL, false, false},
    {"quit", "q", "", "leave; jobs go on", LOCAL, ALL, false, false},
};
const size_t sw_tui_action_count = sizeof sw_tui_actions / sizeof sw_tui_actions[0];
