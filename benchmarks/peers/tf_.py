"""TensorFlow: `tf.function`, plain and through XLA."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.harness import Side
from benchmarks.peers import tensorflow_like
from benchmarks.workloads import Data, Workload


def load() -> str:
    """Imports TensorFlow, limits its threads; returns its version."""
    import tensorflow as tf

    count = int(os.environ.get("OMP_NUM_THREADS", "1"))
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf.__version__


def any_batch(data: Data, slow: bool) -> dict[str, Callable[[Any], Any]]:
    """The traced MLP, which TensorFlow traces for each batch size unless it is told not to."""
    import tensorflow as tf

    relaxed = partial(tf.function, reduce_retracing=True)
    return {
        "": tensorflow_like.any_batch(tf, relaxed, data),
        "xla": tensorflow_like.any_batch(tf, partial(relaxed, jit_compile=True), data),
    }


def predicting(data: Data) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The traced MLP and Keras's `predict`."""
    import tensorflow as tf

    return tensorflow_like.predicting(tf, data)


def build(workload: Workload, data: Data, slow: bool) -> dict[str, Side]:
    """Graph and XLA; the workloads that are eager have one side."""
    import tensorflow as tf

    sides = {"": tensorflow_like.build(tf, tf.function, workload, data)}
    if workload.family not in {"eager_add", "tree_eager"}:
        sides["xla"] = tensorflow_like.build(tf, partial(tf.function, jit_compile=True), workload, data)
    return sides
