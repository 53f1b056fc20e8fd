"""What importing the packages loads, counted instead of timed."""

import functools
import subprocess
import sys

import pytest
from source_tree import ROOT

# Each of these costs more than all of layerjit's own modules should, or belongs to a later moment (a
# compilation, a dump, a command). numpy loads some standard modules itself; those are free.
LATE = {
    *("llvmlite", "networkx", "scipy", "ml_dtypes", "h5py", "rich", "hypothesis", "pytest"),
    *("argparse", "asyncio", "concurrent.futures", "dataclasses", "gzip", "hashlib", "importlib.metadata"),
    *("json", "logging", "multiprocessing", "random", "socket", "subprocess", "tempfile", "unittest"),
    *("urllib.request", "zipfile"),
}
MAX_OTHER_MODULES = 40


@functools.cache
def loaded_by(statement: str) -> frozenset[str]:
    """The modules that a fresh interpreter has after the statement, without the user's paths and sites."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return frozenset(result.stdout.split())


@pytest.mark.parametrize("package", ["graphcore", "codegen", "eager", "graphcore, eager, codegen"])
def test_import_loads_nothing_heavy(package: str) -> None:
    extra = loaded_by(f"import {package}") - loaded_by("import numpy")
    assert not extra & LATE


def test_import_adds_few_modules_of_others() -> None:
    extra = loaded_by("import graphcore, eager, codegen") - loaded_by("import numpy")
    others = {name for name in extra if name.partition(".")[0] not in {"graphcore", "eager", "codegen"}}
    assert len(others) <= MAX_OTHER_MODULES, sorted(others)
