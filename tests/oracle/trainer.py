# SPDX-License-Identifier: Apache-2.0
"""The trainer's program for its oracles: where it is, and data small enough to train on in a second."""
import json
import os
import subprocess
import struct
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SLIPWAY_BUILD", ROOT / "build" / "release"))
TRAIN = BUILD / "slipway-train"
FASHION = Path("/usr/share/datasets/fashion-mnist")


def run(*args, timeout=300, stdin=None, check=True, env=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SLIPWAY_", "RANK", "WORLD_SIZE"))}
    result = subprocess.run([TRAIN, *map(str, args)], input=stdin, capture_output=True, timeout=timeout,
                            env={**clean, **(env or {})})
    if check and result.returncode != 0:
        raise AssertionError(f"{args} ended with {result.returncode}: {result.stderr.decode()}")
    return result


def run_json(*args, **kwargs):
    return json.loads(run(*args, **kwargs).stdout)


def predict(model, features):
    """Class probabilities by our engine; features as float32."""
    raw = np.ascontiguousarray(features, dtype="<f4")
    out = run("predict", model, stdin=raw.tobytes()).stdout
    return np.frombuffer(out, dtype="<f4").reshape(len(raw), -1)


def write_idx(path, array):
    """IDX as MNIST has it: two zero bytes, type 8 (unsigned bytes), rank, sizes, values."""
    array = np.ascontiguousarray(array, dtype=np.uint8)
    with open(path, "wb") as f:
        f.write(bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


def write_images(folder, rows=400, size=12, classes=4, seed=0):
    """A folder of IDX files whose classes are patterns under noise."""
    random = np.random.default_rng(seed)
    patterns = random.integers(0, 160, (classes, size, size))
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", rows), ("t10k", rows // 4)):
        labels = np.arange(count) % classes
        images = patterns[labels] + random.integers(0, 96, (count, size, size))
        write_idx(folder / f"{name}-images-idx3-ubyte", images)
        write_idx(folder / f"{name}-labels-idx1-ubyte", labels)
    return folder


def write_table(path, rows=300, columns=6, classes=3, seed=0):
    random = np.random.default_rng(seed)
    centres = random.normal(0, 3, (classes, columns))
    labels = np.arange(rows) % classes
    values = centres[labels] * [1, 10, 100, 0.1, 1, 1][:columns] + random.normal(0, 1, (rows, columns))
    with open(path, "w") as f:
        f.write(",".join(f"x{i}" for i in range(columns)) + ",label\n")
        for row, label in zip(values, labels):
            f.write(",".join(f"{v:.6f}" for v in row) + f",class{label}\n")
    return path
