// SPDX-License-Identifier: Apache-2.0
// The table of trainer options and its typed form.
#include "gpu/train_options.h"

#include <string.h>

#define FROM_NET "net"

const struct sw_option sw_train_options[] = {
    {.name = "net",
     .type = SW_OPTION_TEXT,
     .value = "NET",
     .otherwise = "cnn",
     .help = "mlp, cnn, linear, mlp:512-256, or layers such as conv16-pool-conv32-pool-fc64"},
    {.name = "data",
     .letter = 'd',
     .type = SW_OPTION_DATASET,
     .value = "DATA",
     .help = "data set to train on",
     .required = true},
    {.name = "split", .type = SW_OPTION_TEXT, .help = "split of the data set to train on; train where there is one"},
    {.name = "target",
     .type = SW_OPTION_TEXT,
     .value = "COLUMN",
     .help = "column with the classes; found by its name when not given"},
    {.name = "val-fraction",
     .type = SW_OPTION_REAL,
     .otherwise = "0.1",
     .min = 0,
     .max = 0.9,
     .help = "share of the rows that is held out for validation after each epoch"},
    {.name = "epochs",
     .letter = 'e',
     .type = SW_OPTION_INT,
     .value = "N",
     .min = 1,
     .max = 100000,
     .help = "passes over the data",
     .from = FROM_NET},
    {.name = "batch",
     .letter = 'b',
     .type = SW_OPTION_INT,
     .value = "ROWS",
     .min = 1,
     .max = 65536,
     .help = "rows a step, over all ranks",
     .from = FROM_NET},
    {.name = "ranks",
     .letter = 'n',
     .type = SW_OPTION_INT,
     .value = "N",
     .otherwise = "1",
     .min = 1,
     .max = 64,
     .help = "processes that share each batch"},
    {.name = "optimizer",
     .type = SW_OPTION_CHOICE,
     .otherwise = "adamw",
     .choices = "adamw|sgd",
     .help = "rule that turns gradients into updates"},
    {.name = "lr",
     .type = SW_OPTION_REAL,
     .min = 1e-9,
     .max = 1000,
     .help = "learning rate at its highest",
     .from = FROM_NET},
    {.name = "momentum",
     .type = SW_OPTION_REAL,
     .otherwise = "0.9",
     .min = 0,
     .max = 0.9999,
     .help = "momentum of sgd"},
    {.name = "weight-decay",
     .type = SW_OPTION_REAL,
     .min = 0,
     .max = 10,
     .help = "decay of all parameters",
     .from = FROM_NET},
    {.name = "schedule",
     .type = SW_OPTION_CHOICE,
     .otherwise = "cosine",
     .choices = "cosine|constant",
     .help = "course of the learning rate after the warm-up"},
    {.name = "warmup",
     .type = SW_OPTION_REAL,
     .otherwise = "0.05",
     .min = 0,
     .max = 1,
     .help = "share of all steps over which the learning rate grows"},
    {.name = "init",
     .type = SW_OPTION_CHOICE,
     .otherwise = "glorot",
     .choices = "glorot|he",
     .help = "spread of the initial weights"},
    {.name = "seed",
     .letter = 's',
     .type = SW_OPTION_INT,
     .value = "N",
     .otherwise = "1",
     .min = 0,
     .max = 9007199254740992,
     .help = "start of all random numbers; equal seeds give equal runs"},
    {.name = "engine", .type = SW_OPTION_CHOICE, .otherwise = "auto", .choices = "auto|plain", .help = "what computes"},
    {.name = "comm",
     .type = SW_OPTION_CHOICE,
     .otherwise = "auto",
     .choices = "auto|none|shm",
     .help = "how ranks exchange gradients"},
    {.name = "comm-deadline",
     .type = SW_OPTION_DURATION,
     .otherwise = "60s",
     .help = "how long a rank may keep the others waiting before all end"},
    {.name = "checkpoint-every",
     .type = SW_OPTION_INT,
     .value = "STEPS",
     .otherwise = "0",
     .min = 0,
     .max = 1000000000,
     .help = "steps between checkpoints; 0 = one an epoch"},
    {.name = "log-every",
     .type = SW_OPTION_INT,
     .value = "STEPS",
     .otherwise = "20",
     .min = 1,
     .max = 1000000,
     .help = "steps between points of the training curves"},
    {.name = "resume",
     .type = SW_OPTION_FLAG,
     .help = "go on from the newest checkpoint; done by itself when a job is started again"},
    {.name = "out",
     .letter = 'o',
     .type = SW_OPTION_PATH,
     .value = "DIR",
     .help = "folder for checkpoints and model; a job has its own",
     .from = "job"},
};
const size_t sw_train_option_count = sizeof sw_train_options / sizeof *sw_train_options;

enum sw_code sw_train_config_read(const struct sw_option_set *set, struct sw_train_config *out, struct sw_err *err)
{
    const char *const *args;
    size_t arg_count = sw_option_args(set, &args);
    if (arg_count > 1)
        return sw_err_set(err, SW_USAGE, "one net is trained at a time, not '%s' and '%s'", args[0], args[1]);
    if (arg_count == 1 && sw_option_is_set(set, "net") && strcmp(args[0], sw_option_text(set, "net")) != 0)
        return sw_err_set(err, SW_USAGE, "two nets given: '%s' and --net %s", args[0], sw_option_text(set, "net"));
    struct sw_train_config c = {.net = arg_count ? args[0] : sw_option_text(set, "net")};
    enum sw_code code = sw_net_check(c.net, err);
    if (code)
        return code;
    const struct sw_net_preset *preset = sw_net_preset_for(c.net);
    c.data = sw_option_text(set, "data");
    c.split = sw_option_text(set, "split");
    c.target = sw_option_text(set, "target");
    c.out = sw_option_text(set, "out");
    c.val_fraction = sw_option_real(set, "val-fraction", 0);
    c.epochs = (int)sw_option_int(set, "epochs", preset->epochs);
    c.batch = (int)sw_option_int(set, "batch", preset->batch);
    c.ranks = (int)sw_option_int(set, "ranks", 1);
    c.optimizer = sw_optimizer_find(sw_option_text(set, "optimizer"));
    c.hyper = (struct sw_hyper){.lr = sw_option_real(set, "lr", preset->lr),
                                .momentum = sw_option_real(set, "momentum", 0),
                                .beta1 = 0.9,
                                .beta2 = 0.999,
                                .epsilon = 1e-8,
                                .weight_decay = sw_option_real(set, "weight-decay", preset->weight_decay)};
    c.schedule = sw_schedule_find(sw_option_text(set, "schedule"));
    c.warmup = sw_option_real(set, "warmup", 0);
    c.init = strcmp(sw_option_text(set, "init"), "he") == 0 ? SW_INIT_HE : SW_INIT_GLOROT;
    c.seed = (uint64_t)sw_option_int(set, "seed", 0);
    c.engine = sw_option_text(set, "engine");
    c.comm = sw_option_text(set, "comm");
    c.comm_deadline_ms = sw_option_duration_ms(set, "comm-deadline", 60000);
    c.checkpoint_every = (int)sw_option_int(set, "checkpoint-every", 0);
    c.log_every = (int)sw_option_int(set, "log-every", 20);
    c.is_resuming = sw_option_flag(set, "resume");
    if (c.batch < c.ranks)
        return sw_err_set(err, SW_USAGE, "--batch %d cannot be shared by %d ranks", c.batch, c.ranks);
    *out = c;
    return SW_OK;
}
