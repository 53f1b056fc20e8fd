"""tf.config.threading: how many threads compiled kernels run on. No result depends on it."""

from __future__ import annotations

from graphcore.errors import InvalidArgumentError

__all__ = [
    "get_inter_op_parallelism_threads", "get_intra_op_parallelism_threads", "set_inter_op_parallelism_threads",
    "set_intra_op_parallelism_threads",
]  # fmt: skip

_set = {"intra": 0, "inter": 0}


def get_intra_op_parallelism_threads() -> int:
    """The number that was set; 0 stands for LAYERJIT_THREADS, or else for all CPUs that this process may use."""
    return _set["intra"]


def set_intra_op_parallelism_threads(num_threads: int) -> None:
    """Sets on how many threads one compiled kernel may run; 0 is the default again.

    Raises:
        InvalidArgumentError: if it is not a whole number from 0 to 256.
    """
    from eager.native import set_threads

    set_threads(num_threads)
    _set["intra"] = num_threads


def get_inter_op_parallelism_threads() -> int:
    """The number that was set, 0 at first."""
    return _set["inter"]


def set_inter_op_parallelism_threads(num_threads: int) -> None:
    """Keeps the number and does nothing else: the kernels of a compiled function run one after the other.

    Raises:
        InvalidArgumentError: if it is not a whole number of at least 0.
    """
    if type(num_threads) is not int or num_threads < 0:
        raise InvalidArgumentError(f"the number of threads must be a whole number of at least 0, not {num_threads!r}")
    _set["inter"] = num_threads
