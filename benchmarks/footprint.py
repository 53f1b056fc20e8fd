"""What a library costs before it does anything: its import, and its size with everything that it requires.

`python -m benchmarks.footprint DISTRIBUTION ...` prints the installed megabytes of the first that is installed.
"""

import importlib.metadata as metadata
import re
import subprocess
import sys
from pathlib import Path

from benchmarks.process import ROOT

_OWN = ("graphcore", "eager", "codegen")
_OWN_REQUIREMENTS = ("numpy", "networkx", "llvmlite")
_IMPORT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def seconds_of_import(python: str, modules: str) -> float:
    """Seconds that an import takes in a fresh interpreter.

    Raises:
        RuntimeError: if it fails.
    """
    return _ask([python, "-c", _IMPORT.format(modules)])


def installed(python: str, distributions: tuple[str, ...]) -> float:
    """Megabytes in `python`'s environment.

    Raises:
        RuntimeError: if none of the distributions is there.
    """
    return _ask([python, "-m", "benchmarks.footprint", *distributions])


def _ask(command: list[str]) -> float:
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=ROOT
    )
    if result.returncode:
        raise RuntimeError((result.stderr.strip().splitlines() or ["no message"])[-1])
    return float(result.stdout.split()[-1])


def megabytes(distribution: str) -> float:
    """The files of a distribution and of what it requires, without extras; layerjit may be a checkout.

    Raises:
        importlib.metadata.PackageNotFoundError: if it is not installed.
    """
    if distribution == "layerjit":
        own = sum(_folder(ROOT / name) for name in _OWN)
        return own + sum(_files(name) for name in _closure(_OWN_REQUIREMENTS))
    metadata.distribution(distribution)
    return sum(_files(name) for name in _closure((distribution,)))


def _folder(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _closure(names: tuple[str, ...]) -> set[str]:
    """The installed distributions among these and what they require."""
    found: set[str] = set()
    left = [_normal(name) for name in names]
    while left:
        name = left.pop()
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        parts = [_normal(text) for text in requires if "extra ==" not in text]
        left += [part for part in parts if part not in found]
    return found


def _normal(requirement: str) -> str:
    """The name at the start of a requirement, in the form that all spellings share."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement.strip())[0]).lower()


def _files(distribution: str) -> float:
    files = [Path(str(file.locate())) for file in metadata.files(distribution) or []]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def main(names: list[str]) -> int:
    """Prints the size of the first distribution that is installed."""
    for name in names:
        try:
            print(megabytes(name))
        except metadata.PackageNotFoundError:
            continue
        return 0
    print(f"not installed: {', '.join(names)}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
