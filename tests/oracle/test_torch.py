# SPDX-License-Identifier: Apache-2.0
"""One training step held against PyTorch: loss, every gradient, and the parameters after an SGD and an AdamW update,
from the same weights and the same batch."""
import numpy as np
import pytest

import trainer

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

CASES = [
    ("linear", "7", 3, 5),
    ("mlp:64-64", "64", 10, 32),
    ("mlp:512-256", "1x28x28", 10, 128),
    ("conv16-pool-conv32-pool-fc128", "1x28x28", 10, 64),
    ("conv32-pool-conv64-pool-fc128", "1x28x28", 10, 17),
    ("conv5-conv7-pool-conv3", "3x9x11", 4, 19),
    ("pool-pool-fc8", "2x10x13", 3, 6),
]


def build(step, folder, batch):
    """The net as a torch module with our weights, and for each of its parameters the place in our vector."""
    params = np.fromfile(folder / "params.f32", "<f4")
    modules, places = [], []
    for layer in step["layers"]:
        shape_in, shape_out = layer["in"], layer["out"]
        weights = params[layer["weights_at"]:][: layer["weights"]]
        biases = params[layer["biases_at"]:][: layer["biases"]]
        if layer["type"] == "flatten":
            modules.append(torch.nn.Flatten())
            continue
        if layer["type"].startswith("max pool"):
            modules.append(torch.nn.MaxPool2d(2))
            continue
        if layer["type"] == "dense":
            module = torch.nn.Linear(shape_in[0], shape_out[0])
            ours = weights.reshape(shape_in[0], shape_out[0]).T
        else:
            module = torch.nn.Conv2d(shape_in[0], shape_out[0], 3, padding=1)
            ours = weights.reshape(shape_out[0], shape_in[0], 3, 3)
        with torch.no_grad():
            module.weight.copy_(torch.from_numpy(ours.copy()))
            module.bias.copy_(torch.from_numpy(biases.copy()))
        modules.append(module)
        places.append((layer, module))
        if layer["relu"]:
            modules.append(torch.nn.ReLU())
    shape = step["layers"][0]["in"]
    features = np.fromfile(folder / "features.f32", "<f4").reshape(batch, *shape)
    if shape[1:] == [1, 1] and step["layers"][0]["type"] == "dense":
        features = features.reshape(batch, shape[0])
    labels = np.fromfile(folder / "labels.i32", "<i4").astype(np.int64)
    return torch.nn.Sequential(*modules), places, torch.from_numpy(features), torch.from_numpy(labels)


def flatten(places, count, pick):
    """Torch's tensors in the order of our vector."""
    out = np.empty(count, np.float32)
    for layer, module in places:
        weight = pick(module.weight).numpy()
        out[layer["weights_at"]:][: layer["weights"]] = (weight.T if layer["type"] == "dense" else weight).ravel()
        out[layer["biases_at"]:][: layer["biases"]] = pick(module.bias).numpy()
    return out


def difference(ours, theirs):
    """Largest difference relative to the largest value."""
    return np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-12)


@pytest.mark.parametrize("net,shape,classes,batch", CASES, ids=[c[0] for c in CASES])
def test_a_step_equals_torch(net, shape, classes, batch, tmp_path):
    torch.manual_seed(0)
    step = trainer.run_json("gradients", net, "--shape", shape, "--classes", classes, "--batch", batch, "--out", tmp_path)
    module, places, features, labels = build(step, tmp_path, batch)
    loss = torch.nn.functional.cross_entropy(module(features), labels)
    loss.backward()
    grads = np.fromfile(tmp_path / "grads.f32", "<f4")
    assert step["loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert difference(grads, flatten(places, len(grads), lambda p: p.grad)) < 1e-5

    start = [p.detach().clone() for p in module.parameters()]
    optimizers = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.1),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1),
    }
    for name, make in optimizers.items():
        with torch.no_grad():
            for p, value in zip(module.parameters(), start):
                p.copy_(value)
        make(module.parameters()).step()
        ours = np.fromfile(tmp_path / f"params_{name}.f32", "<f4")
        theirs = flatten(places, len(ours), lambda p: p.detach())
        # AdamW's first update is lr * sign of the gradient: where that is rounding noise the sign is, too.
        is_clear = np.abs(grads) > 1e-5 * np.abs(grads).max()
        assert np.abs(ours - theirs)[is_clear].max() < 1e-5, name
