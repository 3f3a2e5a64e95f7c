// SPDX-License-Identifier: Apache-2.0
// The model folder: model.onnx to use, model.json to read. Nothing in it depends on the time or the machine, so equal
// runs give equal digests.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/failpoint.h"
#include "core/base/file.h"
#include "core/base/tree.h"
#include "gpu/train.h"

static json_t *texts(const char *const *list, int count)
{
    json_t *a = json_array();
    for (int i = 0; i < count && list; i++)
        json_array_append_new(a, json_string(list[i]));
    return a;
}

static json_t *floats(const float *values, int count)
{
    json_t *a = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(a, json_real((double)values[i]));
    return a;
}

static json_t *real_or_null(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *describe(const struct sw_model *m, const struct sw_train_config *c, const struct sw_train_data *data,
                        const struct sw_train_result *r)
{
    const struct sw_net *net = &m->net;
    json_t *root = json_object();
    json_object_set_new(root, "kind", json_string("TrainedModel"));
    json_object_set_new(root, "net", json_string(net->spec));
    json_object_set_new(root, "input_shape",
                        net->in.height == 1 && net->in.width == 1
                            ? json_pack("[i]", net->in.channels)
                            : json_pack("[iii]", net->in.channels, net->in.height, net->in.width));
    json_object_set_new(root, "parameters", json_integer((json_int_t)net->params));
    json_object_set_new(root, "class_names", texts(m->class_names, net->classes));
    if (data->feature_names)
        json_object_set_new(root, "feature_names", texts(data->feature_names, net->in.channels));
    json_object_set_new(root, "scaler",
                        json_pack("{s:o, s:o}", "shift", floats(m->scaler.shift, m->scaler.channels), "scale",
                                  floats(m->scaler.scale, m->scaler.channels)));
    json_object_set_new(root, "data",
                        json_pack("{s:o, s:o, s:o}", "name", text_or_null(data->name), "split",
                                  text_or_null(data->split), "digest", text_or_null(data->digest)));
    json_object_set_new(root, "run_id", text_or_null(m->run_id));
    json_object_set_new(root, "training",
                        json_pack("{s:i, s:i, s:s, s:f, s:f, s:s, s:I}", "epochs", c->epochs, "batch", c->batch,
                                  "optimizer", c->optimizer->name, "lr", c->hyper.lr, "weight_decay",
                                  c->hyper.weight_decay, "schedule", c->schedule->name, "seed", (json_int_t)c->seed));
    json_object_set_new(root, "metrics",
                        json_pack("{s:o, s:o, s:o, s:o}", "train_loss", real_or_null(r->train_loss), "train_accuracy",
                                  real_or_null(r->train_accuracy), "val_loss", real_or_null(r->val_loss),
                                  "val_accuracy", real_or_null(r->val_accuracy)));
    return root;
}

static enum sw_code write_into(const char *folder, const char *name, const struct sw_buf *bytes, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    enum sw_code code = sw_path_join(path, folder, name, err);
    int errnum = sw_failpoint("model.write");
    if (!code && errnum)
        return sw_err_errno(err, errnum, "%s", path);
    return code ? code : sw_file_write(path, bytes->data, bytes->len, err);
}

// Writes beside the final folder and takes its place; a failure leaves nothing of it.
static enum sw_code write_folder(const char *temporary, const char *folder, const struct sw_buf *onnx,
                                 const struct sw_buf *text, struct sw_err *err)
{
    enum sw_code code = sw_path_remove_tree(temporary, err);
    if (code)
        return code;
    if (!(code = sw_path_make_dirs(temporary, err)) && !(code = write_into(temporary, "model.onnx", onnx, err)) &&
        !(code = write_into(temporary, "model.json", text, err)) && !(code = sw_path_remove_tree(folder, err)) &&
        rename(temporary, folder) < 0)
        code = sw_err_errno(err, errno, "%s", folder);
    if (code)
        (void)sw_path_remove_tree(temporary, NULL); // the first failure is the one to tell
    return code;
}

enum sw_code sw_train_export(const char *artifact_dir, const struct sw_model *m, const struct sw_train_config *c,
                             const struct sw_train_data *data, const struct sw_train_result *r, struct sw_err *err)
{
    char folder[SW_PATH_MAX], temporary[SW_PATH_MAX];
    struct sw_buf onnx, text;
    json_t *tree = describe(m, c, data, r);
    sw_buf_init(&onnx, (size_t)1 << 31);
    sw_buf_init(&text, 64 << 20);
    enum sw_code code = sw_path_join(folder, artifact_dir, "model", err);
    if (!code)
        code = sw_path_join(temporary, artifact_dir, ".writing-model", err);
    if (!code)
        code = sw_onnx_write(m, &onnx, err);
    if (!code)
        code = sw_json_write(tree, 2, &text, err);
    if (!code)
        code = write_folder(temporary, folder, &onnx, &text, err);
    if (!code)
        code = sw_file_sync_dir(artifact_dir, err);
    json_decref(tree);
    sw_buf_free(&onnx);
    sw_buf_free(&text);
    return code ? sw_err_wrap(err, "writing the model") : SW_OK;
}
