"""Names that a module loads on first use, so that `import eager` stays about as cheap as `import numpy`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(
    namespace: dict[str, Any], title: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a module of names.

    Args:
        namespace: the module's globals; a name that was loaded once lies there.
        title: how users write the module, such as "tf.nn", for the error.
        modules: for every module path the names that it gives, separated by spaces; "swish=silu" gives the
            attribute `silu` as `swish`, and "keras=" gives the module itself.
    """
    places: dict[str, tuple[str, str]] = {}
    for path, names in modules.items():
        for entry in names.split():
            name, alias, attribute = entry.partition("=")
            places[name] = (path, attribute if alias else name)

    def load(name: str) -> Any:
        """Loads a lazy name. Raises AttributeError with near names for an unknown one."""
        if name not in places:
            raise _unknown(name, title, [*namespace, *places])
        path, attribute = places[name]
        module = importlib.import_module(path)
        found = namespace[name] = getattr(module, attribute) if attribute else module
        return found

    return load, lambda: sorted({*namespace, *places})


def _unknown(name: str, title: str, known: list[str]) -> AttributeError:
    if name.startswith("__"):
        return AttributeError(name)
    import difflib

    from eager.absent import absent

    left_out = absent(f"{title}.{name}".removeprefix("tf."))
    if left_out is not None:
        return left_out

    near = difflib.get_close_matches(name, known, 3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return AttributeError(f"layerjit's {title} has no {name!r}{hint}")
