"""layerjit, through the same names that a TensorFlow user writes."""

from benchmarks.harness import Side
from benchmarks.peers import tensorflow_like
from benchmarks.workloads import Data, Workload


def load() -> str:
    """Imports layerjit and what a first compilation imports; returns its version.

    llvmlite and networkx are loaded here, because the first-call row is about compiling, and the import row
    about importing.
    """
    import llvmlite.binding
    import networkx

    import eager

    assert llvmlite.binding
    assert networkx
    return eager.__version__


def build(workload: Workload, data: Data, slow: bool) -> dict[str, Side]:
    """Traced, but for `eager_add`."""
    import eager as tf

    return {"": tensorflow_like.build(tf, tf.function, workload, data)}
