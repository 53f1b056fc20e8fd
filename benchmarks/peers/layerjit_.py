"""layerjit, through the same names that a TensorFlow user writes."""

import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.harness import Side
from benchmarks.peers import models_tensorflow, tensorflow_like
from benchmarks.workloads import Data, Workload


def load() -> str:
    """Imports layerjit; returns its version."""
    import eager

    return eager.__version__


def load_late() -> None:
    """Imports what layerjit imports on first use."""
    for late in ("llvmlite.binding", "networkx", "codegen.compile", "eager.keras", "eager.native"):
        importlib.import_module(late)


def any_batch(data: Data, slow: bool) -> dict[str, Callable[[Any], Any]]:
    """The traced MLP."""
    import eager as tf

    return {"": tensorflow_like.any_batch(tf, tf.function, data)}


def predicting(data: Data) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The traced MLP and Keras's `predict`."""
    import eager as tf

    return tensorflow_like.predicting(tf, data)


def planned_bytes(workload: Workload, data: Data) -> int:
    """The memory plan's peak, as the inspection dump of a training step tells it."""
    import eager as tf
    from graphcore.inspect.dump import read_dump

    model = models_tensorflow.keras_model(tf, workload.family.removesuffix("_train"), data)
    step = tf.function(models_tensorflow.training_step(tf, model, data))
    step(tf.constant(data["x"]), tf.constant(data["y"]))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "step.gcdump")
        step.dump(file)
        memory = read_dump(file).memory
    if memory is None:
        raise ValueError(f"{workload.name} has no memory plan")
    return int(memory.total)


def build(workload: Workload, data: Data, slow: bool) -> dict[str, Side]:
    """Traced, but for `eager_add`."""
    import eager as tf

    return {"": tensorflow_like.build(tf, tf.function, workload, data)}
