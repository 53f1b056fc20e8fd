"""Functions that compile something, for tests of the disk cache: what they compute, exactly, and what was traced."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import eager as tf

ROOT = Path(__file__).resolve().parents[2]
STORED = "compiled, and written to the disk cache"
HIT = "read from the disk cache"
HEAVY = ("networkx", "llvmlite", "codegen.build", "graphcore.passes")

Outcome = tuple[list[Any], Any]
"""What a case computed, and its tf.function."""


def mlp() -> Outcome:
    """Layers with packed weights that are assigned between calls, and batches of several sizes."""
    layers = [
        tf.keras.layers.Dense(n, activation="tanh", kernel_initializer="ones", name=f"layer{n}") for n in (48, 64, 3)
    ]

    @tf.function
    def forward(x: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    x = np.linspace(-1, 1, 5 * 32, dtype=np.float32).reshape(5, 32)
    found: list[Any] = []
    for _ in range(3):
        found.append(forward(x).numpy().tobytes().hex())
        for layer in layers:
            layer.kernel.assign(layer.kernel * 0.25)
    found += [forward(np.ones((n, 32), np.float32)).numpy().tobytes().hex() for n in (7, 9, 11)]
    return [*found, forward.experimental_get_tracing_count()], forward


def training() -> Outcome:
    """Steps that update variables; the last number is how many buffers the weight had."""
    w, steps = tf.Variable(np.ones((32, 8), np.float32)), tf.Variable(0)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((tf.tanh(x @ w) - y) ** 2)
        w.assign_sub(0.1 * tape.gradient(loss, w))
        steps.assign_add(1)
        return loss

    x = np.linspace(-1, 1, 16 * 32, dtype=np.float32).reshape(16, 32)
    y = np.linspace(0, 1, 16 * 8, dtype=np.float32).reshape(16, 8)
    memory: set[int] = set()
    found: list[Any] = []
    for _ in range(4):
        found.append(step(x, y).numpy().tobytes().hex())
        memory.add(w._array.ctypes.data)
    return [*found, w.numpy().tobytes().hex(), int(steps), len(memory)], step


def small() -> Outcome:
    """A quick one."""
    f = tf.function(lambda x: tf.exp(x) * 2.0)
    return [f(np.linspace(0, 1, 7)).numpy().tobytes().hex()], f


def host(factor: float = 2.0) -> Outcome:
    """Ops without native form, and a Python function."""

    @tf.function
    def f(x: Any) -> Any:
        y = tf.linalg.cholesky(x @ tf.transpose(x) + 4.0 * tf.eye(3))
        z = tf.ensure_shape(tf.numpy_function(lambda a: a * np.float32(factor), [y], tf.float32), (3, 3))
        return tf.linalg.triangular_solve(y, z, lower=True)

    x = np.eye(3, dtype=np.float32)
    return [f(x * k).numpy().tobytes().hex() for k in (2, 3)], f


def origin(function: Any) -> str:
    """Where the code of the newest trace is from."""
    return function.concrete_functions[-1].function.compiled.origin


def passes_run(function: Any) -> int:
    """How many passes have run for the newest trace."""
    return len(function.concrete_functions[-1].function._passes)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a process whose disk cache is that folder."""
    path = f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'helpers'}"
    return {**os.environ, "LAYERJIT_CACHE": "on", "LAYERJIT_CACHE_DIR": str(folder), "PYTHONPATH": path, **more}


def run(code: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in a process of its own; warnings are shown on standard error."""
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", code], env=environment(folder, **more), capture_output=True, text=True,
        check=True, timeout=120,
    )  # fmt: skip


def report(case: Callable[[], Outcome]) -> None:
    """Prints what a case computed, where its code is from, how many passes ran, and which heavy modules are loaded."""
    found, function = case()
    print(found)
    print(origin(function))
    print(passes_run(function))
    print([module for module in HEAVY if module in sys.modules])


def reported(case: Callable[[], Outcome], folder: Path, **more: str) -> list[str]:
    """What `report` prints in a process of its own."""
    code = f"import cache_cases; cache_cases.report(cache_cases.{case.__name__})"
    return run(code, folder, **more).stdout.splitlines()
