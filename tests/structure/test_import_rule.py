"""Who may import whom."""

import sys
from collections.abc import Callable

import pytest
from source_tree import Import, imports, package_sources

LLVMLITE_FILES = {"codegen/engine.py", "codegen/target.py"}
NETWORKX_FILES = {"graphcore/analysis.py", "eager/keras/engine/plot_draw.py"}
NATIVE_FILES = {"eager/native.py"}
RUNTIME = {"numpy", "networkx", "llvmlite", "graphcore", "codegen", "eager"}
EXTRAS = {"ml_dtypes", "h5py", "scipy", "rich"}


def offenders(is_wrong: Callable[[str, Import], bool]) -> list[str]:
    return [
        f"{source.path}:{found.line} imports {found.module}"
        for source in package_sources()
        for found in imports(source.tree)
        if is_wrong(source.path, found)
    ]


def test_graphcore_imports_neither_sibling() -> None:
    assert not offenders(lambda path, it: path.startswith("graphcore/") and it.top in {"codegen", "eager"})


def test_codegen_imports_only_graphcore() -> None:
    assert not offenders(lambda path, it: path.startswith("codegen/") and it.top == "eager")


def test_eager_imports_codegen_in_one_file_only() -> None:
    assert not offenders(
        lambda path, it: path.startswith("eager/") and path not in NATIVE_FILES and it.top == "codegen"
    )


@pytest.mark.parametrize(("module", "files"), [("llvmlite", LLVMLITE_FILES), ("networkx", NETWORKX_FILES)])
def test_heavy_dependency_is_imported_in_named_files_only(module: str, files: set[str]) -> None:
    assert not offenders(lambda path, it: it.top == module and path not in files)


def test_every_dependency_is_declared() -> None:
    known = RUNTIME | EXTRAS | sys.stdlib_module_names
    assert not offenders(lambda _path, it: it.top not in known)


def test_extras_are_imported_where_they_are_used() -> None:
    assert not offenders(lambda _path, it: it.at_import and it.top in EXTRAS)


def test_basic_type_checking_is_for_files_with_llvmlite_only() -> None:
    basic = {source.path for source in package_sources() if "# pyright: basic" in source.text}
    assert basic <= LLVMLITE_FILES
