"""TensorFlow: `tf.function`, plain and through XLA."""

import os
from functools import partial

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


def build(workload: Workload, data: Data, slow: bool) -> dict[str, Side]:
    """Graph and XLA; the workloads that are eager have one side."""
    import tensorflow as tf

    sides = {"": tensorflow_like.build(tf, tf.function, workload, data)}
    if workload.family not in {"eager_add", "tree_eager"}:
        sides["xla"] = tensorflow_like.build(tf, partial(tf.function, jit_compile=True), workload, data)
    return sides
