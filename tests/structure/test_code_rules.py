"""What the sources may not contain."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from source_tree import (
    FunctionNode,
    Source,
    decorators,
    functions,
    is_public,
    package_sources,
    sources,
    statements,
)

UNSAFE_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
MAX_TYPE_IGNORES = 15
MAX_NOQA = 15
TYPE_IGNORE = re.compile(r"#\s*(?:type|pyright):\s*ignore(?P<rules>\[[\w, -]+\])?")
NOQA = re.compile(r"#\s*noqa(?P<rules>:\s*[A-Z]+[0-9]+)?")
MIN_DOCSTRING = 5  # "a + b." says it all
# Methods that rightly do nothing: the case of an interface that has nothing to do.
NO_OPS = {"eager/frame.py creating", "eager/keras/engine/base_layer.py finalize_state"}
PRINTING = {"cli", "demo", "__main__"}
UNDOCUMENTED = {"overload", "setter", "deleter", "override"}


def calls(source: Source) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_nothing_is_unpickled_or_evaluated() -> None:
    wrong = [
        f"{source.path}:{call.lineno} {name}"
        for source in package_sources()
        for name, call in calls(source)
        if name in UNSAFE_CALLS or name.partition(".")[0] in UNSAFE_MODULES
    ]
    assert not wrong


def test_arrays_are_loaded_without_pickle() -> None:
    wrong = [
        f"{source.path}:{call.lineno}"
        for source in package_sources()
        for name, call in calls(source)
        if name in {"np.load", "numpy.load"}
        and not any(
            word.arg == "allow_pickle" and ast.unparse(word.value) == "False" for word in call.keywords
        )
    ]
    assert not wrong


def test_only_commands_print() -> None:
    def may_print(path: str) -> bool:
        return any(part.removesuffix(".py") in PRINTING for part in PurePosixPath(path).parts)

    wrong = [
        f"{source.path}:{call.lineno}"
        for source in package_sources()
        for name, call in calls(source)
        if name == "print" and not may_print(source.path)
    ]
    assert not wrong


def is_declaration(node: FunctionNode, parents: tuple[ast.AST, ...]) -> bool:
    """Overloads, abstract methods and methods of a Protocol have no body; a hook may do nothing."""
    bases = {ast.unparse(base) for it in parents if isinstance(it, ast.ClassDef) for base in it.bases}
    return (
        "Protocol" in bases
        or bool(decorators(node) & {"overload", "abstractmethod"})
        or node.name.startswith("on_")
    )


def is_stub(node: FunctionNode) -> bool:
    """Whether nothing, or a NotImplementedError that names no way out, stands behind the name."""
    body = statements(node)
    if all(isinstance(it, ast.Pass) for it in body):
        return True
    if len(body) != 1:
        return False
    text = ast.unparse(body[0])
    return text in {"...", "raise NotImplementedError", "raise NotImplementedError()"}


def test_no_public_function_is_a_stub() -> None:
    wrong = [
        f"{source.path}:{node.lineno} {node.name}"
        for source in package_sources()
        for node, parents in functions(source.tree)
        if is_public(node.name, parents) and is_stub(node) and not is_declaration(node, parents)
        if f"{source.path} {node.name}" not in NO_OPS
    ]
    assert not wrong


def public_nodes(source: Source) -> Iterator[tuple[str, int, str | None]]:
    yield "module", 1, ast.get_docstring(source.tree)
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node.lineno, ast.get_docstring(node)
    for node, parents in functions(source.tree):
        if is_public(node.name, parents) and not decorators(node) & UNDOCUMENTED:
            yield node.name, node.lineno, ast.get_docstring(node)


def test_public_names_are_documented() -> None:
    wrong = [
        f"{source.path}:{line} {name}"
        for source in package_sources()
        for name, line, doc in public_nodes(source)
        if len(doc or "") < MIN_DOCSTRING
    ]
    assert not wrong


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"#.*\b(?:TODO|FIXME|XXX|HACK)\b")
    wrong = [
        source.path for source in (*package_sources(), *sources("benchmarks")) if later.search(source.text)
    ]
    assert not wrong


def suppressions(pattern: re.Pattern[str]) -> list[tuple[str, str | None]]:
    return [
        (source.path, found["rules"])
        for source in package_sources()
        for found in pattern.finditer(source.text)
    ]


def test_type_checker_is_rarely_silenced() -> None:
    found = suppressions(TYPE_IGNORE)
    assert len(found) <= MAX_TYPE_IGNORES, found
    assert all(rules for _path, rules in found), "name the rule: `# pyright: ignore[reportX]`"


def test_linter_is_rarely_silenced() -> None:
    found = suppressions(NOQA)
    assert len(found) <= MAX_NOQA, found
    assert all(rules for _path, rules in found), "name the rule: `# noqa: E501`"
