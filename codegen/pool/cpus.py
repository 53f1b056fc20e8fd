"""How many CPUs this process may use: its affinity, and the quota of its control group."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from graphcore.errors import InvalidArgumentError

VARIABLE = "LAYERJIT_THREADS"
MOST = 256
"""More threads than this are never started."""


def default_threads() -> int:
    """The number of threads that LAYERJIT_THREADS asks for, or else that of usable CPUs.

    Raises:
        InvalidArgumentError: if the variable is not a whole number of at least 0.
    """
    return asked_threads() or usable_cpus()


def asked_threads() -> int:
    """The number in LAYERJIT_THREADS, 0 if there is none. Raises InvalidArgumentError for anything else."""
    text = os.environ.get(VARIABLE, "").strip() or "0"
    if not (text.isascii() and text.isdigit()):
        raise InvalidArgumentError(f"{VARIABLE} is {text!r}; it must be a number of threads, or 0 for all CPUs")
    return min(int(text), MOST)


def usable_cpus(root: Path = Path("/")) -> int:
    """CPUs in the affinity mask of this process, or fewer if its control group has a smaller quota; at least 1.

    Args:
        root: where /proc and /sys are.
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroup_quota(root)
    return max(min(count, MOST, math.ceil(min(quota, MOST))), 1)


def cgroup_quota(root: Path = Path("/")) -> float:
    """The CPUs that the control groups (version 1 or 2) of this process allow on average; infinity if any number."""
    least = math.inf
    for line in _read(root / "proc/self/cgroup").splitlines():
        _number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            least = min(least, _least(root / "sys/fs/cgroup", path, _version_2))
        elif "cpu" in controllers.split(","):
            for mount in (controllers, "cpu"):
                least = min(least, _least(root / "sys/fs/cgroup" / mount, path, _version_1))
    return least


def _least(mount: Path, path: str, read: Callable[[Path], float]) -> float:
    """The smallest quota of a group and those around it; inside of a container the path may not exist there."""
    parts = [p for p in PurePosixPath(path).parts if p not in ("/", "..")]
    groups = [mount.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
    return min(read(group) for group in groups)


def _version_2(group: Path) -> float:
    quota, _, period = _read(group / "cpu.max").strip().partition(" ")
    return _ratio(quota, period or "100000")


def _version_1(group: Path) -> float:
    return _ratio(_read(group / "cpu.cfs_quota_us").strip(), _read(group / "cpu.cfs_period_us").strip())


def _ratio(quota: str, period: str) -> float:
    """Quota by period; infinity for "max", -1 and what cannot be read."""
    if not quota.isdigit() or not period.isdigit() or int(quota) == 0 or int(period) == 0:
        return math.inf
    return int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
