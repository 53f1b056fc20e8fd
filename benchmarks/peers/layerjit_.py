"""layerjit, through the same names that a TensorFlow user writes."""

import importlib

from benchmarks.harness import Side
from benchmarks.peers import tensorflow_like
from benchmarks.workloads import Data, Workload


def load() -> str:
    """Imports layerjit and what it imports late; returns its version.

    The parts that are loaded on first use are loaded here, because the first-call row is about making, tracing and
    compiling, and the import row about importing.
    """
    import eager

    for late in ("llvmlite.binding", "networkx", "codegen.compile", "eager.keras", "eager.native"):
        importlib.import_module(late)
    return eager.__version__


def build(workload: Workload, data: Data, slow: bool) -> dict[str, Side]:
    """Traced, but for `eager_add`."""
    import eager as tf

    return {"": tensorflow_like.build(tf, tf.function, workload, data)}
