"""The sides. Each module has `load() -> version` and `build(workload, data, slow) -> {variant: Side}`.

`load` imports the library (ImportError: it is not installed) and holds it to the number of threads in
OMP_NUM_THREADS. `build` prepares everything that a user would prepare once; an empty dict means that the
library has no such workload. Several variants of one library (eager, compiled) are timed apart; `slow` asks
also for those that take many seconds to compile.
"""

import importlib
from types import ModuleType

# In the order of the table's columns; the first is the one that the ratios are for.
PEERS = {
    "layerjit": "benchmarks.peers.layerjit_",
    "numpy": "benchmarks.peers.numpy_",
    "jax": "benchmarks.peers.jax_",
    "torch": "benchmarks.peers.torch_",
    "onnxruntime": "benchmarks.peers.ort_",
    "tensorflow": "benchmarks.peers.tf_",
}


def load(name: str) -> tuple[ModuleType, str]:
    """Returns the side's module and the version of its library.

    Raises:
      ImportError: if the library is not installed.
    """
    module = importlib.import_module(PEERS[name])
    return module, module.load()
