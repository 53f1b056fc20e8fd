"""The sides. Each module has `load() -> version` and `build(workload, data, slow) -> {variant: Side}`.

`load` imports the library (ImportError: it is not installed) and holds it to the number of threads in
OMP_NUM_THREADS. `build` prepares everything that a user would prepare once; an empty dict means that the
library has no such workload. Several variants of one library (eager, compiled) are timed apart; `slow` asks
also for those that take many seconds to compile.

Nothing here imports a library: `benchmarks.serve` does, in a process per library.
"""

from typing import NamedTuple


class Peer(NamedTuple):
    """A library: the module that knows it, its import statement's names, its distributions, its variants."""

    module: str
    imports: str
    distributions: tuple[str, ...]
    variants: tuple[str, ...] = ("",)


# In the order of the table's columns; the first is the one that the ratios are for.
PEERS = {
    "layerjit": Peer("benchmarks.peers.layerjit_", "eager", ("layerjit",)),
    "numpy": Peer("benchmarks.peers.numpy_", "numpy", ("numpy",)),
    "jax": Peer("benchmarks.peers.jax_", "jax", ("jax",)),
    "torch": Peer("benchmarks.peers.torch_", "torch", ("torch",), ("eager", "compile")),
    "onnxruntime": Peer("benchmarks.peers.ort_", "onnxruntime", ("onnxruntime",)),
    "tensorflow": Peer("benchmarks.peers.tf_", "tensorflow", ("tensorflow", "tensorflow-cpu"), ("", "xla")),
}


def label(side: str, variant: str) -> str:
    """The name of a column."""
    return f"{side}:{variant}" if variant else side
