"""The project's own sources as syntax trees, for the structure tests."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("graphcore", "codegen", "eager")
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Source(NamedTuple):
    """One Python file: its path below the root with forward slashes, its text and its tree."""

    path: str
    text: str
    tree: ast.Module


class Import(NamedTuple):
    """One imported module: its full dotted name, the line, and whether importing the file imports it."""

    module: str
    line: int
    at_import: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


@functools.cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Parses all Python files below the folders, in a fixed order."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    texts = [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]
    return tuple(Source(path, text, ast.parse(text, path)) for path, text in texts)


def package_sources() -> tuple[Source, ...]:
    """The files that are installed."""
    return sources(*PACKAGES)


def imports(tree: ast.Module) -> Iterator[Import]:
    """All imports of a file, those in functions and under TYPE_CHECKING too."""
    late = {id(child) for node in ast.walk(tree) if _is_late(node) for child in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, id(node) not in late)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                yield Import(f"{node.module}.{alias.name}", node.lineno, id(node) not in late)


def _is_late(node: ast.AST) -> bool:
    """Whether what stands inside the node does not run when the file is imported."""
    if isinstance(node, FunctionNode):
        return True
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def functions(tree: ast.Module) -> Iterator[tuple[FunctionNode, tuple[ast.AST, ...]]]:
    """All functions with what encloses them, outermost first."""

    def walk(
        node: ast.AST, parents: tuple[ast.AST, ...]
    ) -> Iterator[tuple[FunctionNode, tuple[ast.AST, ...]]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, FunctionNode):
                yield child, parents
            scope = isinstance(child, (*FunctionNode.__args__, ast.ClassDef))
            yield from walk(child, (*parents, child) if scope else parents)

    return walk(tree, ())


def is_public(name: str, parents: tuple[ast.AST, ...]) -> bool:
    """Whether a user can reach the name: nothing on the way is underscored or local to a function."""
    if any(not isinstance(parent, ast.ClassDef) for parent in parents):
        return False
    return not any(part.startswith("_") for part in (name, *(parent.name for parent in parents)))


def statements(node: FunctionNode | ast.ClassDef) -> list[ast.stmt]:
    """The body without its docstring."""
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def decorators(node: FunctionNode) -> set[str]:
    """The last names of the decorators: `property`, `overload`, `setter`, ..."""
    found = (part.func if isinstance(part, ast.Call) else part for part in node.decorator_list)
    return {ast.unparse(part).rpartition(".")[2] for part in found}
