# SPDX-License-Identifier: Apache-2.0
"""A training step of the built-in trainer against the same net in PyTorch on the CPU: forward, backward, AdamW, the same
batch again and again. Ours on one thread against PyTorch on one thread, and against the best of its modes on any number
of threads. Sides take turns and the best median of a side counts, so that other load hits both alike. Prints JSON
lines; ratio > 1 means that ours is faster."""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SLIPWAY_BUILD", ROOT / "build" / "release"))
TRAIN = BUILD / "slipway-train"
SECONDS, ROUNDS = 1, 3

NETS = [
    ("mlp 784-512-256-10, batch 128", "mlp:512-256", (1, 28, 28), 128),
    ("cnn conv32-pool-conv64-pool-fc128, batch 128", "conv32-pool-conv64-pool-fc128", (1, 28, 28), 128),
    ("tiny mlp 64-64-64-10, batch 32", "mlp:64-64", (64,), 32),
]


def emit(name, unit, ours, peer, peer_name):
    print(json.dumps({"name": name, "unit": unit, "ours": ours, "peer": peer, "peer_name": peer_name,
                      "ratio": peer / ours if peer else None, "target": None, "met": True}), flush=True)


def our_step_us(net, shape, batch):
    out = subprocess.run([TRAIN, "bench", net, "--shape", "x".join(map(str, shape)), "--batch", str(batch),
                          "--seconds", str(SECONDS)], capture_output=True, check=True, timeout=120).stdout
    return json.loads(out)["step_us"]


def torch_net(torch, net, shape):
    text = net.removeprefix("mlp:")
    layers, flat = [], len(shape) == 1
    channels, size = (shape[0], 1) if flat else (shape[0], shape[1])
    for part in text.split("-"):
        if part == "pool":
            layers.append(torch.nn.MaxPool2d(2))
            size //= 2
        elif part.startswith("conv"):
            layers += [torch.nn.Conv2d(channels, int(part[4:]), 3, padding=1), torch.nn.ReLU()]
            channels = int(part[4:])
        else:
            if not flat:
                layers.append(torch.nn.Flatten())
                channels, flat = channels * size * size, True
            layers += [torch.nn.Linear(channels, int(part.removeprefix("fc"))), torch.nn.ReLU()]
            channels = int(part.removeprefix("fc"))
    return torch.nn.Sequential(*layers, torch.nn.Linear(channels, 10))


def torch_step_us(torch, net, shape, batch, threads, channels_last):
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    module = torch_net(torch, net, shape)
    features, labels = torch.rand(batch, *shape), torch.randint(0, 10, (batch,))
    if channels_last:
        module, features = (m.to(memory_format=torch.channels_last) for m in (module, features))
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-4)
    times, end = [], time.perf_counter() + SECONDS
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(module(features), labels).backward()
        optimizer.step()
        times.append((time.perf_counter() - start) * 1e6)
    times = sorted(times[3:] or times)
    return times[len(times) // 2]


def main():
    try:
        import torch
    except ImportError:
        print("bench: PyTorch is not installed, figures stand alone", file=sys.stderr)
        torch = None
    cores = len(os.sched_getaffinity(0))
    for name, net, shape, batch in NETS:
        layouts = [False, True] if "conv" in net else [False]
        modes = [(threads, last) for threads in sorted({1, cores}) for last in layouts] if torch else []
        ours, theirs = [], {mode: [] for mode in modes}
        for _ in range(ROUNDS):
            ours.append(our_step_us(net, shape, batch))
            for mode in modes:
                theirs[mode].append(torch_step_us(torch, net, shape, batch, *mode))
        if not torch:
            emit(f"train step, {name}", "us", min(ours), None, None)
            continue
        version = f"PyTorch {torch.__version__.split('+')[0]}"
        emit(f"train step, {name}", "us", min(ours), min(theirs[1, False]), f"{version}, 1 thread")
        best = min(modes, key=lambda mode: min(theirs[mode]))
        words = f"{best[0]} thread{'s' if best[0] > 1 else ''}{', channels_last' if best[1] else ''}"
        emit(f"train step, {name}, its best", "us", min(ours), min(theirs[best]), f"{version}, {words}")


main()
