"""All workloads, and how to find one by name."""

import functools

from benchmarks.kinds import KINDS
from benchmarks.model_workloads import INFERENCE, TRAINING
from benchmarks.workloads import WORKLOADS, Workload


@functools.cache
def _by_name() -> dict[str, Workload]:
    return {work.name: work for work in everything()}


def everything() -> list[Workload]:
    """The workloads in the order of the table."""
    return [*WORKLOADS, *INFERENCE, *TRAINING, *KINDS]


def find(name: str) -> Workload:
    """Returns a workload. Raises KeyError."""
    return _by_name()[name]
