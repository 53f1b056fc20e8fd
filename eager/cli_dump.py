"""`layerjit dump`: finds what the user named, gives it argument types, compiles it and writes the dump."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from graphcore.errors import InvalidArgumentError, LayerJitError

_SPEC = re.compile(r"\s*(\w+)\s*\[([^\[\]]*)\]\s*")


def dump_target(target: str, output: str | None = None, specs: Sequence[str] = ()) -> Path:
    """Compiles the function or layer that `target` names and writes its dump.

    Args:
        target: MODULE:NAME or FILE.py:NAME; NAME may be dotted. Importing runs the user's own code.
        output: where the dump goes; NAME.gcdump in the current folder when None.
        specs: one type per argument, such as float32[8,64]; "?" marks a size that varies.

    Returns:
        The path that was written.

    Raises:
        InvalidArgumentError: in one line, when the target cannot be found or typed, or its code fails.
    """
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name:
        raise InvalidArgumentError(f"{target!r} names no function; write MODULE:FUNCTION or FILE.py:NAME")
    types = [parse_spec(text) for text in specs]
    path = Path(output if output is not None else f"{name}.gcdump")
    try:
        module = load_module(place)
        _dump(module, name, path, types)
    except LayerJitError:
        raise
    except SystemExit as stop:
        raise InvalidArgumentError(f"{target}: importing it ended the program ({stop.code})") from stop
    except Exception as error:
        # The user's code may fail in any way; its last line says most.
        raise InvalidArgumentError(f"{target}: {_where(error)}{type(error).__name__}: {error}") from error
    return path


def _where(error: BaseException) -> str:
    import traceback

    ours = Path(__file__).resolve().parent.parent
    packages = tuple(str(ours / package) for package in ("eager", "graphcore", "codegen"))
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith((*packages, "<"))
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}: " if frames else ""


def load_module(place: str) -> ModuleType:
    """The module of a dotted name, or of a Python file, whose folder becomes importable too."""
    if not place.endswith(".py"):
        _importable(Path.cwd())
        return importlib.import_module(place)
    path = Path(place).resolve()
    if not path.is_file():
        raise InvalidArgumentError(f"{place}: no such file")
    from importlib.util import module_from_spec, spec_from_file_location

    _importable(path.parent)
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InvalidArgumentError(f"{place} cannot be imported")
    module = module_from_spec(spec)
    # Classes of the file look their module up by name (dataclasses, pickle).
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _importable(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def find(module: ModuleType, name: str) -> Any:
    """What a dotted name stands for in a module. Raises InvalidArgumentError with near names."""
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            from difflib import get_close_matches

            near = get_close_matches(part, dir(found), 3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise InvalidArgumentError(f"{module.__name__} has no {name!r}{hint}")
        found = getattr(found, part)
    return found


def parse_spec(text: str) -> Any:
    """A TensorSpec from text such as float32[8,64], float32[?,64] or int32[]. Raises InvalidArgumentError."""
    from eager.tensor_shape import TensorSpec
    from graphcore.dtypes import as_dtype

    found = _SPEC.fullmatch(text)
    sizes = [part.strip() for part in found[2].split(",")] if found and found[2].strip() else []
    if found is None or not all(part == "?" or part.isdecimal() for part in sizes):
        raise InvalidArgumentError(f"--spec {text!r} is no type; write it as float32[8,64], or float32[?,64]")
    try:
        dtype = as_dtype(found[1])
    except TypeError as error:
        raise InvalidArgumentError(f"--spec {text!r}: {error}") from None
    return TensorSpec([None if part == "?" else int(part) for part in sizes], dtype)


def _dump(module: ModuleType, name: str, path: Path, specs: Sequence[Any]) -> None:
    from eager.function.api import Function, function

    found = find(module, name)
    if isinstance(found, type) or not callable(found):
        raise InvalidArgumentError(
            f"{name} is no function or layer but {found!r}; name a function or an instance"
        )
    compiled = found if isinstance(found, Function) else function(found)
    if specs:
        compiled.get_concrete_function(*specs)
    elif compiled._input_signature is not None and not compiled.concrete_functions:
        compiled.get_concrete_function()
    elif not compiled.concrete_functions:
        compiled.get_concrete_function(*_arguments(module, name, found))
    compiled.dump(path)


def _arguments(module: ModuleType, name: str, found: Any) -> Sequence[Any]:
    """Arguments to trace with: the module's examples, or the spec of a layer's known input shape."""
    for example in (f"{name}_args", "example_args"):
        value = getattr(module, example, None)
        if value is not None:
            value = value() if callable(value) else value
            return value if isinstance(value, tuple | list) else (value,)
    shape = getattr(found, "input_shape", None)
    if isinstance(shape, tuple | list) and all(d is None or isinstance(d, int) for d in shape):
        from eager.tensor_shape import TensorSpec

        return (TensorSpec(list(shape), getattr(found, "compute_dtype", None) or "float32"),)
    raise InvalidArgumentError(
        f"{name} has not been traced and has no input_signature: give --spec float32[8,64] per argument, or "
        f"define {name}_args or example_args() in its module, or call it once there"
    )
